import type { ShownPart } from '../protocol.ts'
import type { Context } from './context.ts'
import { button, make, set } from './dom.ts'
import { CHECK, icon } from './icons.ts'
import { fileWords } from './more-words.ts'
import type { Row } from './row.ts'
import { textElement } from './text.ts'

export interface Choices {
  readonly element: HTMLElement
  /** Whether this choice is one of them. */
  offers(choice: string): boolean
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
  set(group, 'aria-label', prompt || fileWords[context.language].choose)

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
  return {
    element: make('div', 'asked', ...question, group),
    offers: (choice) => choices.some(({ id }) => id === choice),
    settle,
  }
}

/** Shows for each question whether it is answered. `rows`: all there are, in their order. */
export function settleChoices(rows: readonly Row[]): void {
  let asking: readonly Choices[] = []
  for (const { author, seq, choices, choice } of rows) {
    if (choices) asking = [...asking, choices]
    if (author !== 'visitor') continue
    // What is on its way answers what it was picked from. Whether it came after others, the log will say.
    asking = asking.filter((question) => {
      const isOpen = seq === undefined && (choice === undefined || !question.offers(choice))
      if (!isOpen) question.settle(true, choice)
      return isOpen
    })
  }
  for (const question of asking) question.settle(false, undefined)
}
