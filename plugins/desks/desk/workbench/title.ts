/** What the tab of the browser says: which page it is, and how many conversations are mine. */
import { effect, signal } from '@preact/signals'
import { counts } from './desk.ts'
import { words } from './words/words.ts'

/** The heading of the page that is shown. `undefined`: the conversations. */
export const heading = signal<string | undefined>(undefined)

effect(() => {
  const mine = counts.value?.mine ?? 0
  const { product } = words.value
  const title = heading.value === undefined ? product : `${heading.value} · ${product}`
  document.title = mine > 0 ? `(${mine}) ${title}` : title
})
