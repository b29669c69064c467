import { link, make } from './dom.ts'
import { tokensOf } from './links.ts'

/** A bubble with a text and its links. Whatever customers and bots write ends as a text node, or as an address that `links` let through. */
export function textElement(text: string): HTMLElement {
  const pieces = tokensOf(text).map(({ text: piece, href }) => (href ? link(href, '', piece) : piece))
  return make('div', 'bubble text', ...pieces)
}
