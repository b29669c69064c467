import type { Composer } from './composer.ts'
import { DRAFT, erase, recall, remember, TOKEN } from './known.ts'

/** What is being written outlives the page, for the visitor who wrote it. Once it is sent nothing is left of it. */
export function keepDraft({ element, text, grow }: Composer, base: string): void {
  /** What the draft of whoever is here begins with; `undefined` as long as he is nobody. */
  const mark = () => recall(base, TOKEN)?.replace(/\..*/, ' ')

  function keep(): void {
    const whose = mark()
    if (whose && text.value) remember(base, DRAFT, whose + text.value)
    else erase(base, DRAFT)
  }

  const whose = mark()
  const kept = recall(base, DRAFT)
  // What he has written meanwhile is newer. What another has written he is not shown, and it goes.
  if (text.value || !whose || !kept?.startsWith(whose)) keep()
  else if (!element.hidden) {
    text.value = kept.slice(whose.length)
    grow()
  }
  text.addEventListener('input', keep)
  element.addEventListener('submit', keep)
}
