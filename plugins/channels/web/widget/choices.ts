import type { ShownPart } from '../protocol.ts'
import type { Context } from './context.ts'
import { button, make, set } from './dom.ts'
import { CHECK, icon } from './icons.ts'
import { moreWords } from './more-words.ts'
import { textElement } from './text.ts'

export interface Choices {
  readonly element: HTMLElement
  /** Whether there is an answer by now, and which choice it was. */
  settle(isAnswered: boolean, picked: string | undefined): void
}

/** A question with its choices as buttons. Once answered they stay, so that the focus does, and do nothing any more. */
export function makeChoices({ prompt, choices }: ShownPart & { type: 'choices' }, context: Context): Choices {
  const mark = icon(CHECK)
  let isOver = false
  let latest: string | undefined
  const buttons = choices.map((choice) => button('choice', () => choose(choice), choice.label))
  const group = make('div', 'choices', ...buttons)
  set(group, 'role', 'group')
  set(group, 'aria-label', prompt || moreWords[context.language].choose)

  function choose(choice: { readonly id: string; readonly label: string }): void {
    if (isOver) return
    settle(true, choice.id)
    context.chat.choose(choice)
  }
  function settle(isAnswered: boolean, picked: string | undefined): void {
    if (isAnswered === isOver && picked === latest) return
    isOver = isAnswered
    latest = picked
    // Only the mark moves: texts that are put in anew would be read aloud again.
    mark.remove()
    for (const [index, one] of buttons.entries()) {
      const isPicked = isAnswered && choices[index]?.id === picked
      set(one, 'aria-disabled', isAnswered)
      set(one, 'aria-pressed', isPicked)
      if (isPicked) one.prepend(mark)
    }
  }

  const question = prompt ? [textElement(prompt, context)] : []
  return { element: make('div', 'asked', ...question, group), settle }
}
