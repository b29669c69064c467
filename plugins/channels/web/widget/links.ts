/** Finds the links in a text. What is not certainly harmless stays text. */
import { safeUrl } from './addresses.ts'
import { link } from './dom.ts'

export interface Token {
  readonly text: string
  /** Where it leads; left out for plain text. */
  readonly href?: string
}

// Every repetition is bounded, so that no text can take long. Chinese punctuation ends a link, letters do not.
const LINK =
  /\bhttps?:\/\/[^\s<>"'“”‘’，。；：！？、（）《》【】「」\p{C}]{1,2000}|\b(?:mailto:)?[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}\b|\btel:\+?[\d().-]{3,30}/giu

/** Punctuation that ends a sentence is not part of the link, nor is a bracket that was opened before it. */
function trimmed(link: string): string {
  let end = link
  for (let last = end.slice(-1); last; last = end.slice(-1)) {
    const isUnopened = last === ')' && end.split(')').length > end.split('(').length
    if (!isUnopened && !'.,;:!?*_~|]'.includes(last)) return end
    end = end.slice(0, -1)
  }
  return end
}

/** The text in pieces; joined they are the text again. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  let from = 0
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const link = trimmed(found)
    const href = safeUrl(/^(https?|mailto|tel):/i.test(link) ? link : `mailto:${link}`)
    if (href === undefined) continue
    if (index > from) tokens.push({ text: text.slice(from, index) })
    tokens.push({ text: link, href })
    from = index + link.length
  }
  if (from < text.length) tokens.push({ text: text.slice(from) })
  return tokens
}

/** The same, as they stand on a page. */
export const linked = (text: string): readonly (Node | string)[] =>
  tokensOf(text).map(({ text: piece, href }) => (href ? link(href, '', piece) : piece))
