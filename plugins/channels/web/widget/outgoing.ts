import type { Outgoing } from './chat.ts'
import type { Context } from './context.ts'
import { button, make, say, set } from './dom.ts'
import { ALERT, icon } from './icons.ts'
import { moreWords } from './more-words.ts'

export interface OutgoingState {
  readonly element: HTMLElement
  update(now: Outgoing): void
}

/** What stands below a message on its way: how far it is, and what can be done if it goes no further. */
export function makeState(outgoing: Outgoing, context: Context): OutgoingState {
  const { chat } = context
  const { id, file } = outgoing
  const words = moreWords[context.language]
  const reason = make('span')
  const progress = make('progress')
  set(progress, 'aria-label', words.sending)
  const retry = button('act', () => chat.retry(id), words.retry)
  const remove = button('act', () => chat.cancel(id), words.remove)
  const alert = icon(ALERT)
  const element = make('div')
  const shown: Element[] = []

  /** Changes only what is another, so that the focus stays on a button that stays. */
  function show(now: readonly Element[]): void {
    if (shown.length === now.length && now.every((one, index) => shown[index] === one)) return
    shown.splice(0, shown.length, ...now)
    element.replaceChildren(...now)
  }

  function update({ state, error, progress: share }: Outgoing): void {
    element.className = `state ${state}`
    progress.value = share ?? 0
    if (state === 'failed') {
      say(reason, words.notSent)
      if (file) context.use('files', ({ reasonOf }) => say(reason, reasonOf(error, context) ?? words.notSent))
      // The same file would be refused again.
      show(error?.startsWith('FILE') ? [alert, reason, remove] : [alert, reason, retry, remove])
      return
    }
    say(reason, file && state === 'sending' ? '' : words.waiting)
    // What is being posted may have arrived already.
    const isPosted = !file || (state === 'sending' && share === 1)
    show([...(file ? [progress] : []), reason, ...(isPosted ? [] : [remove])])
  }
  update(outgoing)
  return { element, update }
}
