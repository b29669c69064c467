import type { Context } from './context.ts'
import { make } from './dom.ts'
import { moreWords } from './more-words.ts'

/** So near to the beginning of the list counts as being there. */
const NEAR_PX = 60

/** Brings older messages when one has scrolled back to the beginning. What is in sight stays where it is. */
export async function bringOlder(list: HTMLElement, { chat, language }: Context, arrange: () => void): Promise<void> {
  if (list.scrollTop >= NEAR_PX || !chat.view.hasOlder || list.querySelector('.loading')) return
  const loading = make('p', 'loading', moreWords[language].loading)
  list.prepend(loading)
  // Where it fails nothing changes, and the next time that one scrolls there it is tried again.
  await chat.loadOlder()
  loading.remove()
  const fromEnd = list.scrollHeight - list.scrollTop
  arrange()
  list.scrollTop = list.scrollHeight - fromEnd
}
