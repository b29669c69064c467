/** What the tab of the browser says: which page it is, and how many messages are unread. */
import { effect, signal } from '@preact/signals'
import { unread } from './told.ts'
import { words } from './words/words.ts'

/** The heading of the page that is shown. `undefined`: the conversations. */
export const heading = signal<string | undefined>(undefined)

effect(() => {
  const { product } = words.value
  const title = heading.value === undefined ? product : `${heading.value} · ${product}`
  document.title = unread.value > 0 ? `(${unread.value}) ${title}` : title
})
