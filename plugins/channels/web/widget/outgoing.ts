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
  const element = file ? make('div') : textElement(text, context)
  const reason = make('span')
  const progress = make('progress')
  set(progress, 'aria-label', words.sending)
  const retry = button('act', () => chat.retry(id), words.retry)
  const remove = button('act', () => chat.cancel(id), words.remove)
  const state = make('div', 'state', icon(ALERT), reason, progress, retry, remove)
  let reasonOf = (_code: string | undefined): string | undefined => undefined
  if (file) {
    context.use('files', (its) => {
      element.append(its.preview(file))
      reasonOf = (code) => its.reasonOf(code, context)
    })
  }

  return {
    element,
    state,
    update(now) {
      const isFailed = now.state === 'failed'
      state.className = `state ${now.state}`
      say(reason, isFailed ? (reasonOf(now.error) ?? words.notSent) : words.waiting)
      progress.value = now.progress ?? 0
      progress.hidden = isFailed || !file
      // The same file would be refused again.
      retry.hidden = !isFailed || now.error?.startsWith('FILE') === true
      remove.hidden = !isFailed && !file
    },
  }
}
