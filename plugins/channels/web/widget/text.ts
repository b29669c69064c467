import type { Context } from './context.ts'
import { hush, make } from './dom.ts'

/** A bubble with a text and its links. Whatever customers and bots write ends as a text node, or as an address that `links` let through. */
export function textElement(text: string, context: Context): HTMLElement {
  const element = make('div', 'bubble text', text)
  // Without one of these there is no link in it.
  if (/[:@]/.test(text)) {
    context.use('more', ({ linked }) => {
      hush(element)
      element.replaceChildren(...linked(text))
    })
  }
  return element
}
