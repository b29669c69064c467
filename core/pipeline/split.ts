/**
 * Cuts a text that is too long for one message, where a reader would: after a sentence, else at a pause or a space, and
 * never inside a character as people see it (a family emoji, a flag, a letter with its accents).
 */
import type { TextLimits } from '../capabilities.ts'

/** Made once, by the first text that is too long: making one takes longer than using it. */
let graphemes: Intl.Segmenter | undefined

/**
 * The pieces of a text, in order, each within the limits: together they are the whole text but for white space at the
 * cuts. One piece, unchanged, when it fits. `undefined` when not even one code point fits.
 *
 * `maxChars` is held in UTF-16 units, so it is held by code points and by visible characters too, whichever the
 * platform counts; `maxBytes` in UTF-8. `tight` fills every piece, for when there must be few of them.
 *
 * A single visible character that is larger than the limit is cut between its code points: sent in pieces rather than
 * not at all.
 */
export function splitText(text: string, limits: TextLimits, tight: boolean): readonly string[] | undefined {
  if (endWithin(text, 0, limits) === text.length) return [text]
  const whole = text.trimEnd()
  const links = limits.hasLinks ? linksIn(whole) : []
  const pieces: string[] = []
  let start = skipSpace(whole, 0)
  while (start < whole.length) {
    const end = endWithin(whole, start, limits)
    if (end === start) return undefined
    const cut = end === whole.length ? end : outsideLink(links, { start, end }, cutOf(whole, start, end, tight))
    // Empty only when what was cut is a space with an accent that did not fit beside it.
    const piece = whole.slice(start, cut).trimEnd()
    if (piece !== '') pieces.push(piece)
    start = skipSpace(whole, cut)
  }
  return pieces
}

/** A link, from its first sign to behind its last. */
interface Span {
  readonly from: number
  readonly to: number
}

const LINK = /<a\s[^<>]*>[^<>]*<\/a>/gi

function linksIn(text: string): readonly Span[] {
  return Array.from(text.matchAll(LINK), ({ 0: link, index }) => ({ from: index, to: index + link.length }))
}

/** The cut, or an end of the link that it would go through. A link that is larger than the limit is cut all the same. */
function outsideLink(
  links: readonly Span[],
  piece: { readonly start: number; readonly end: number },
  cut: number,
): number {
  const link = links.find(({ from, to }) => from < cut && cut < to)
  if (!link) return cut
  if (link.from > piece.start) return link.from
  return link.to <= piece.end ? link.to : cut
}

/** How far the text from `start` is within the limits. */
function endWithin(text: string, start: number, { maxChars, maxBytes }: TextLimits): number {
  const last = Math.min(text.length, start + (maxChars ?? text.length))
  if (maxBytes === undefined && last === text.length) return last
  let bytes = 0
  let i = start
  for (;;) {
    const point = text.codePointAt(i)
    if (point === undefined) return i
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
    const next = i + (point < 0x10000 ? 1 : 2)
    if (next > last || (maxBytes !== undefined && bytes > maxBytes)) return i
    i = next
  }
}

/** Where to cut between `start` and `end`; `end` is the limit. */
function cutOf(text: string, start: number, end: number, tight: boolean): number {
  const isBoundary = boundaries(text, start, end)
  // Not in the first half: that would cost more messages than it is worth.
  const middle = tight ? end : start + Math.floor((end - start) / 2)
  for (const isGood of [endsSentence, isPause]) {
    for (let i = end; i > middle; i--) if (isGood(text, i) && isBoundary(i)) return i
  }
  let hard = end
  while (hard > start && !isBoundary(hard)) hard--
  if (hard === start) return end
  if (tight) return hard
  let soft = hard
  while (soft > start && !(isBetweenWords(text, soft) && isBoundary(soft))) soft--
  return soft > start ? soft : hard
}

const TERMINATORS = new Set('。！？…｡')
const PAUSES = new Set('，、；：')
const CLOSERS = new Set('”’」』）】》〉〕')
const ENDS = new Set('.!?')
const NUMBERING = new Set('.)、')
const QUOTES = new Set('"\')]')

function endsSentence(text: string, i: number): boolean {
  const next = text[i] ?? ''
  if (next === '\n') return true
  if (TERMINATORS.has(next) || CLOSERS.has(next)) return false
  // At most two quotes or brackets may close behind it.
  let at = i - 1
  let mayOpen = false
  while (at > i - 3 && (CLOSERS.has(text[at] ?? '') || QUOTES.has(text[at] ?? ''))) {
    mayOpen ||= QUOTES.has(text[at] ?? '')
    at--
  }
  const last = text[at] ?? ''
  if (TERMINATORS.has(last)) return !mayOpen || isSpace(next)
  return ENDS.has(last) && isSpace(next) && !isListNumber(text, at)
}

function isPause(text: string, i: number): boolean {
  if (isSpace(text[i])) return !isListNumber(text, i - 1)
  return PAUSES.has(text[i - 1] ?? '') && !CLOSERS.has(text[i] ?? '') && !isListNumber(text, i - 1)
}

/** `1.`, `1)` or `1、` stays with what it numbers. */
function isListNumber(text: string, mark: number): boolean {
  return NUMBERING.has(text[mark] ?? '') && /[0-9]/.test(text[mark - 1] ?? '')
}

/** Not inside a word or address of a script with spaces, and not before a punctuation mark. */
function isBetweenWords(text: string, i: number): boolean {
  const next = text[i] ?? ''
  if (TERMINATORS.has(next) || PAUSES.has(next) || CLOSERS.has(next)) return false
  return !(isInWord(text.charCodeAt(i - 1)) && isInWord(text.charCodeAt(i)))
}

/** Before the CJK blocks scripts have words, and addresses are written in them. */
function isInWord(unit: number): boolean {
  return unit > 0x20 && unit < 0x2e80 && unit !== 0xa0
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && character.trim() === ''
}

/** The first place from `i` on that is no white space. A space with an accent of its own is a character. */
function skipSpace(text: string, i: number): number {
  let at = i
  while (at < text.length && isSpace(text[at])) {
    const next = at + 1
    if (!isSpace(text[next]) && !boundaries(text, at, next)(next)) return at
    at = next
  }
  return at
}

/** Whether a place after `start`, and up to `end`, lies between two graphemes, given that `start` does. */
function boundaries(text: string, start: number, end: number): (i: number) => boolean {
  let found: Set<number> | undefined
  return (i) => {
    if (isPlain(text.charCodeAt(i - 1)) && isPlain(text.charCodeAt(i))) return true
    if (!found) {
      found = new Set()
      // What comes after `end` decides whether a grapheme ends there: one code point of it is enough.
      graphemes ??= new Intl.Segmenter('und', { granularity: 'grapheme' })
      for (const { index } of graphemes.segment(text.slice(start, end + 2))) found.add(start + index)
    }
    return found.has(i)
  }
}

/** Units that never join with each other: most of Chinese and English text, so that the segmenter is seldom asked. */
function isPlain(unit: number): boolean {
  return (
    (unit >= 0x20 && unit < 0x7f) ||
    unit === 0x0a ||
    (unit >= 0x4e00 && unit < 0xa000) ||
    (unit >= 0x3001 && unit < 0x302a) ||
    (unit >= 0x3041 && unit < 0x3097) ||
    (unit >= 0x30a1 && unit < 0x30fb) ||
    (unit >= 0xff01 && unit < 0xff61)
  )
}
