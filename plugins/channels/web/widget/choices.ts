import type { ShownPart } from '../protocol.ts'
import type { Context } from './context.ts'
import { button, make } from './dom.ts'
import { CHECK, icon } from './icons.ts'
import { richText } from './parts.ts'

export interface Choices {
  readonly element: HTMLElement
  /** Whether there is an answer by now, and which choice it was. */
  settle(isAnswered: boolean, picked: string | undefined): void
}

/** A question with its choices as buttons. Once answered they stay, so that the focus does, and do nothing any more. */
export function makeChoices({ prompt, choices }: ShownPart & { type: 'choices' }, context: Context): Choices {
  let isOver = false
  const buttons = choices.map((choice) => button('choice', () => isOver || context.chat.choose(choice), choice.label))
  const group = make('div', 'choices', ...buttons)
  group.setAttribute('role', 'group')
  group.setAttribute('aria-label', prompt || context.words.choose)
  const question = prompt ? [make('div', 'bubble text', richText(prompt))] : []
  return {
    element: make('div', 'asked', ...question, group),
    settle(isAnswered, picked) {
      if (isAnswered === isOver) return
      isOver = isAnswered
      for (const [index, one] of buttons.entries()) {
        const choice = choices[index]
        const isPicked = isAnswered && choice?.id === picked
        one.setAttribute('aria-disabled', String(isAnswered))
        one.setAttribute('aria-pressed', String(isPicked))
        one.replaceChildren(...(isPicked ? [icon(CHECK)] : []), choice?.label ?? '')
      }
    },
  }
}
