import type { Outgoing } from './chat.ts'
import type { Context } from './context.ts'
import { button, make, say, set } from './dom.ts'
import { ALERT, icon } from './icons.ts'
import { textElement } from './text.ts'

export interface OutgoingPart {
  readonly element: HTMLElement
  /** How far it is, and what can be done if it goes no further. */
  readonly state: HTMLElement
  update(now: Outgoing): void
}

/** A message on its way: its text or file, and below it how far it is. */
export function makeOutgoing({ id, text, file }: Outgoing, context: Context): OutgoingPart {
  const { chat, words } = context
  const element = file
    ? make(
        'div',
        '',
        context.later('bubble', ({ outgoingFile }) => outgoingFile(file)),
      )
    : textElement(text)
  const reason = make('span')
  const progress = make('progress')
  set(progress, 'aria-label', words.sending)
  const retry = button('act', () => chat.retry(id), words.retry)
  const cancel = button('act', () => chat.cancel(id))
  const alert = icon(ALERT)
  const state = make('div', 'state')
  const shown: Element[] = []

  /** Changes only what is another, so that the focus stays on a button that stays. */
  function show(now: readonly Element[]): void {
    if (shown.length === now.length && now.every((one, index) => shown[index] === one)) return
    shown.splice(0, shown.length, ...now)
    state.replaceChildren(...now)
  }

  function reasonOf(error: string | undefined): string {
    if (error === 'FILE_TOO_LARGE') return words.tooLarge(context.limit)
    if (error === 'FILE_TYPE') return words.wrongType
    return words.notSent
  }

  return {
    element,
    state,
    update(now) {
      const isFailed = now.state === 'failed'
      state.className = `state ${now.state}`
      say(reason, isFailed ? reasonOf(now.error) : now.state === 'waiting' ? words.waiting : '')
      say(cancel, isFailed ? words.remove : words.cancel)
      progress.value = now.progress ?? 0
      // The same file would be refused again.
      if (isFailed) show(now.error?.startsWith('FILE') ? [alert, reason, cancel] : [alert, reason, retry, cancel])
      else if (now.file) show([progress, cancel])
      else show([reason])
    },
  }
}
