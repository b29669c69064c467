/** Keywords: how an operator writes them, and how they are found in what a customer writes, however many there are. */
/// <reference path="./opencc.d.ts" />
import HONG_KONG_TO_TRADITIONAL from 'opencc-js/dict/HKVariantsRev'
import TRADITIONAL_TO_SIMPLIFIED from 'opencc-js/dict/TSCharacters'
import { z } from 'zod'

/** A word or phrase to look for in what customers write. */
export interface Keyword {
  readonly text: string
  /**
   * - `word`: a whole word. Chinese, Japanese, Korean and Thai are written without spaces around words, so there it is
   *   found anywhere: 人工 in 我要人工服务, but `r` not in `are you there`;
   * - `exact`: the whole message. Punctuation around it does not count (`Ｒ。` is `r`), unless the keyword has it;
   * - `contains`: anywhere, also inside a word.
   *
   * In all of them case, full-width forms, the amount of white space, and whether Chinese is written in traditional or
   * simplified characters do not matter; the last only in texts without kana, see `matcher`.
   */
  readonly match: 'word' | 'exact' | 'contains'
}

/** A keyword in a plugin's configuration: `转人工`, or `{ text: r, match: exact }`. A bare text matches as a word. */
export function keyword(): z.ZodType<Keyword, string | { text: string; match?: Keyword['match'] | undefined }> {
  const text = z.string().regex(/\S/, 'Write at least one character.')
  const match = z.enum(['word', 'exact', 'contains'])
  return z
    .union([text, z.strictObject({ text, match: match.optional() })])
    .transform(
      (written): Keyword =>
        typeof written === 'string'
          ? { text: written, match: 'word' }
          : { text: written.text, match: written.match ?? 'word' },
    )
    .meta({ switchboard: 'keyword', examples: ['转人工'] })
}

/**
 * One spelling for all that mean the same: full-width forms, case, white space of any kind and amount, and Chinese in
 * traditional or simplified characters (轉人工 is 转人工). Only for comparing: 頭髮 and 頭發 are both 头发.
 */
export function fold(text: string): string {
  return foldedAtOnce(text) ?? simplified(spelled(text))
}

/** The same without the last: characters stay what they are. */
function spelled(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()
}

/**
 * Compiles keywords once into a function that finds the first of them, in the order of the list, in a text, and gives
 * it as it was written; `undefined` when there is none. Its cost grows with the text, hardly with the list.
 */
export function matcher(keywords: readonly Keyword[]): (text: string) => string | undefined {
  const find = finder(keywords)
  return (text) => find(text)?.text
}

/**
 * The same, giving the keyword itself, with whatever else the caller has put into it.
 *
 * A text with kana is Japanese, which has both the characters that Chinese has simplified and those they became, and
 * means different things by them (機 a machine, 机 a desk). There, characters count as they are written. That needs an
 * index of its own, which is made when the first such text comes.
 */
export function finder<K extends Keyword>(keywords: readonly K[]): (text: string) => K | undefined {
  const findFolded = compile(keywords, fold)
  let findSpelled: typeof findFolded | undefined
  return (text) => {
    const folded = foldedAtOnce(text)
    if (folded !== undefined) return findFolded(folded)
    if (!KANA.test(text)) return findFolded(fold(text))
    findSpelled ??= compile(keywords, spelled)
    return findSpelled(spelled(text))
  }
}

/** Hiragana and katakana, half-width too; not what is found in Chinese as well: ・, ー, and の, written for 的. */
const KANA = /[\u3041-\u306d\u306f-\u3096\u30a1-\u30fa\uff66-\uff6f\uff71-\uff9d]/

/** What finds the keywords in a text that has been folded by the same `fold`. */
function compile<K extends Keyword>(
  keywords: readonly K[],
  fold: (text: string) => string,
): (folded: string) => K | undefined {
  const { exact, words, anywhere, starts, pairs, filter } = index(keywords, fold)
  return (folded) => {
    let first = exact.size === 0 ? NONE : Math.min(exact.get(folded) ?? NONE, exact.get(bare(folded)) ?? NONE)
    const look = (i: number, end: number) => {
      const found = folded.slice(i, end)
      first = Math.min(first, anywhere.get(found) ?? NONE)
      const word = words.get(found) ?? NONE
      if (word < first && !isInsideWord(folded, i) && !isInsideWord(folded, end)) first = word
    }
    let next = folded.charCodeAt(0)
    for (let i = 0; i < folded.length; i++) {
      const one = next
      let hash = hashOn(0, one)
      if (filter.has(hash)) look(i, i + 1)
      if (i + 1 === folded.length) break
      next = folded.charCodeAt(i + 1)
      hash = hashOn(hash, next)
      if (!pairs.has(hash)) continue
      let end = i + 2
      for (const length of starts.get(pairOf(one, next)) ?? []) {
        if (i + length > folded.length) break
        while (end < i + length) hash = hashOn(hash, folded.charCodeAt(end++))
        if (filter.has(hash)) look(i, end)
      }
    }
    return keywords[first]
  }
}

// ── one spelling ────────────────────────────────────────────────────────────────────────────

const FIRST_HAN = 0x3400
const LAST_HAN = 0x9fff

/**
 * For each UTF-16 unit the one that it is folded to, or 0 where it takes more than that to say: it becomes several, or
 * goes together with its neighbour, or is kana. 128 KB, and nearly all that customers write.
 */
const FOLDED = new Uint16Array(0x10000)
for (let unit = FIRST_HAN; unit <= LAST_HAN; unit++) FOLDED[unit] = unit
// ASCII, quotation marks, Chinese punctuation, full-width ASCII.
for (const [from, to] of [
  [0x21, 0x7e],
  [0x2010, 0x201f],
  [0x3001, 0x301b],
  [0xff01, 0xff5e],
] as const) {
  for (let unit = from; unit <= to; unit++) {
    const folded = spelled(String.fromCharCode(unit))
    if (folded.length === 1) FOLDED[unit] = folded.charCodeAt(0)
  }
}
const SPACE = 0x20
for (const space of ' \t\n\r\u3000') FOLDED[space.charCodeAt(0)] = SPACE
// Of a pair, both are one unit; or they are rare, and stay what they are.
for (const [one = '', other = ''] of pairsIn(TRADITIONAL_TO_SIMPLIFIED)) {
  if (one.length + other.length === 2) FOLDED[one.charCodeAt(0)] = other.charCodeAt(0)
}
// The table leaves 著 as it is, for the 著名 of the mainland; elsewhere people write 看著 with it.
for (const [one = '', other = ''] of [['著', '着'], ...pairsIn(HONG_KONG_TO_TRADITIONAL)]) {
  if (simplified(one) === one) FOLDED[one.charCodeAt(0)] = simplified(other).charCodeAt(0)
}

function pairsIn(table: string): readonly (readonly string[])[] {
  return table.split('|').map((pair) => pair.split(' '))
}

/** A text that the table alone can fold; `undefined` when it cannot. */
function foldedAtOnce(text: string): string | undefined {
  let made = ''
  // What stays as it is goes over in one piece.
  let from = 0
  let before = SPACE
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const folded = FOLDED[unit]
    if (!folded) return undefined
    const isSpaceAgain = folded === SPACE && before === SPACE
    before = folded
    if (folded === unit && !isSpaceAgain) continue
    made += text.slice(from, i)
    if (!isSpaceAgain) made += String.fromCharCode(folded)
    from = i + 1
  }
  const folded = from === 0 ? text : made + text.slice(from)
  return before === SPACE ? folded.trimEnd() : folded
}

/** Only the Chinese characters of a text. */
function simplified(text: string): string {
  return text.replace(/[\u3400-\u9fff]/g, (character) =>
    String.fromCharCode(FOLDED[character.charCodeAt(0)] ?? character.charCodeAt(0)),
  )
}

// ── the index ───────────────────────────────────────────────────────────────────────────────

const NONE = Number.POSITIVE_INFINITY

/** All by the folded text, with its first place in the list. */
interface Index {
  readonly exact: ReadonlyMap<string, number>
  readonly words: ReadonlyMap<string, number>
  readonly anywhere: ReadonlyMap<string, number>
  /**
   * How long the keywords are, from short to long, that begin with two given characters. There are never many lengths,
   * even if a thousand keywords begin alike.
   */
  readonly starts: ReadonlyMap<number, readonly number[]>
  /** The first two characters, by their hash: most of a text is seen here to begin nothing. */
  readonly pairs: Filter
  /** Says of nearly everything that is no keyword that it is none, without looking far into memory. */
  readonly filter: Filter
}

function index(keywords: readonly Keyword[], fold: (text: string) => string): Index {
  const exact = new Map<string, number>()
  const words = new Map<string, number>()
  const anywhere = new Map<string, number>()
  const starts = new Map<number, number[]>()
  const pairs = new Filter(keywords.length)
  const filter = new Filter(keywords.length)
  keywords.forEach(({ text, match }, i) => {
    const folded = fold(text)
    const places = match === 'exact' ? exact : match === 'word' ? words : anywhere
    if (folded === '' || places.has(folded)) return
    places.set(folded, i)
    if (match === 'exact') return

    let hash = 0
    for (let at = 0; at < folded.length; at++) {
      hash = hashOn(hash, folded.charCodeAt(at))
      if (at === 1) pairs.add(hash)
    }
    filter.add(hash)
    if (folded.length === 1) return
    const start = pairOf(folded.charCodeAt(0), folded.charCodeAt(1))
    const lengths = starts.get(start)
    if (!lengths) starts.set(start, [folded.length])
    else if (!lengths.includes(folded.length)) lengths.push(folded.length)
  })
  for (const lengths of starts.values()) lengths.sort((a, b) => a - b)
  return { exact, words, anywhere, starts, pairs, filter }
}

/** Two characters as one number, small so that it is fast. Others may share it: that costs a look, nothing else. */
function pairOf(first: number, second: number): number {
  return ((first << 14) ^ second) & 0x3fffffff
}

/** A set of numbers that may say yes to a few it does not have: at least 16 bits for each. */
class Filter {
  readonly #bits: Uint32Array
  readonly #mask: number

  constructor(size: number) {
    const bits = 2 ** Math.ceil(Math.log2(Math.max(size, 2) * 16))
    this.#bits = new Uint32Array(bits / 32)
    this.#mask = bits - 1
  }

  add(hash: number): void {
    const bit = hash & this.#mask
    this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] ?? 0) | (1 << (bit & 31))
  }

  has(hash: number): boolean {
    const bit = hash & this.#mask
    return ((this.#bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0
  }
}

/** The hash of a text that is one character longer. */
function hashOn(hash: number, unit: number): number {
  const mixed = Math.imul(hash ^ unit, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

// ── words ───────────────────────────────────────────────────────────────────────────────────

const LETTER = /[\p{L}\p{N}\p{M}_]/u
/** Scripts without spaces between words; Korean has some, but puts its particles right behind the word. */
const UNSPACED =
  /[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u
const AROUND = /[\s\p{P}~]/u

/** Whether the characters before and at `i` belong to one word. */
function isInsideWord(text: string, i: number): boolean {
  const before = text.codePointAt(isLowSurrogate(text.charCodeAt(i - 1)) ? i - 2 : i - 1)
  return isOfWord(before) && isOfWord(text.codePointAt(i))
}

function isOfWord(point: number | undefined): boolean {
  if (point === undefined) return false
  if (point < 0x80) return (point >= 0x61 && point <= 0x7a) || (point >= 0x30 && point <= 0x39) || point === 0x5f
  const character = String.fromCodePoint(point)
  return LETTER.test(character) && !UNSPACED.test(character)
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}

/** A folded text without the punctuation and white space around it. */
function bare(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && AROUND.test(text[start] ?? '')) start++
  while (end > start && AROUND.test(text[end - 1] ?? '')) end--
  return text.slice(start, end)
}
