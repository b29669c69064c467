/** Keywords: how an operator writes them, and how they are found in what a customer writes, however many there are. */
/// <reference path="./opencc.d.ts" />
import HONG_KONG_TO_TRADITIONAL from 'opencc-js/dict/HKVariantsRev'
import TRADITIONAL_TO_SIMPLIFIED from 'opencc-js/dict/TSCharacters'
import { z } from 'zod'
import { spelling } from './spelling.ts'

/** A word or phrase to look for in what customers write. */
export interface Keyword {
  readonly text: string
  /**
   * - `word`: a whole word. Chinese, Japanese, Korean and Thai are written without spaces around words, so there it is
   *   found anywhere: 人工 in 我要人工服务, but `r` not in `are you there`;
   * - `exact`: the whole message. Punctuation around it does not count (`Ｒ。` is `r`), unless the keyword has it;
   * - `contains`: anywhere, also inside a word.
   *
   * In all of them case, full-width forms, the amount of white space, characters that nobody can see, and whether
   * Chinese is written in traditional or simplified characters do not matter; the last only in texts without kana, see
   * `finder`.
   */
  readonly match: 'word' | 'exact' | 'contains'
}

/** A keyword in a plugin's configuration: `转人工`, or `{ text: r, match: exact }`. A bare text matches as a word. */
export function keyword(): z.ZodType<Keyword, string | { text: string; match?: Keyword['match'] | undefined }> {
  const text = z.string().regex(/[^\s\p{DI}]/u, 'Write at least one character that can be seen.')
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
 * traditional or simplified characters (轉人工 is 转人工). Characters that nobody can see, such as a zero-width space, a
 * mark of direction or a variation selector, are left out. Only for comparing: 頭髮 and 頭發 are both 头发.
 */
export function fold(text: string): string {
  return foldedAtOnce(text) ?? simplified(spelled(text))
}

/** The same without the Chinese: characters stay what they are. As long as the folded text. */
function spelled(text: string): string {
  return spelling(text).trim()
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
 * means different things by them (機 a machine, 机 a desk). There, characters count as they are written.
 */
export function finder<K extends Keyword>(keywords: readonly K[]): (text: string) => K | undefined {
  const { folded: wanted, heads, next, starts, lengthsOf, filter, hasExact } = index(keywords)
  return (text) => {
    const folded = fold(text)
    let first = keywords.length
    let written: string | undefined
    /** Whether it stands there as it is written; asked of Japanese only, and only where a keyword stands. */
    const isWritten = (place: number, i: number): boolean => {
      written ??= KANA.test(text) ? spelled(text) : ''
      return written === '' || written.startsWith(spelled(keywords[place]?.text ?? ''), i)
    }
    const look = (i: number, end: number, hash: number, isWhole: boolean) => {
      for (let place = heads[hash & (heads.length - 1)] ?? END; place < first; place = next[place] ?? END) {
        const one = wanted[place] ?? ''
        if (one.length !== end - i || !folded.startsWith(one, i)) continue
        const match = keywords[place]?.match
        if ((match === 'exact') !== isWhole) continue
        if (match === 'word' && (isInsideWord(folded, i) || isInsideWord(folded, end))) continue
        if (isWritten(place, i)) first = place
      }
    }

    if (hasExact) {
      const { start, end } = withoutPunctuation(folded)
      look(0, folded.length, hashOf(folded, 0, folded.length), true)
      look(start, end, hashOf(folded, start, end), true)
    }
    let unit = folded.charCodeAt(0)
    for (let i = 0; i < folded.length; i++) {
      let hash = hashOn(0, unit)
      if (filter.has(hash)) look(i, i + 1, hash, false)
      if (i + 1 === folded.length) break
      unit = folded.charCodeAt(i + 1)
      hash = hashOn(hash, unit)
      const lengths = starts[hash & (starts.length - 1)] ?? 0
      if (lengths === 0) continue
      let end = i + 2
      for (const length of lengthsOf(lengths)) {
        if (i + length > folded.length) break
        while (end < i + length) hash = hashOn(hash, folded.charCodeAt(end++))
        if (filter.has(hash)) look(i, end, hash, false)
      }
    }
    return keywords[first]
  }
}

/** Hiragana and katakana, half-width too; not what is found in Chinese as well: ・, ー, and の, written for 的. */
const KANA = /[\u3041-\u306d\u306f-\u3096\u30a1-\u30fa\uff66-\uff6f\uff71-\uff9d]/

// ── one spelling ────────────────────────────────────────────────────────────────────────────

const FIRST_HAN = 0x3400
const LAST_HAN = 0x9fff
const SPACE = 0x20

/** In its decomposed form, what may become one with the character before it: marks, and parts of Korean syllables. */
const JOINS = /^[\p{M}\u1160-\u11ff\u{16d63}-\u{16d6a}]/u

/** For each UTF-16 unit the one that it is folded to; 0 where that is not known yet, or is not one. */
const FOLDED = new Uint16Array(0x10000)
for (let unit = FIRST_HAN; unit <= LAST_HAN; unit++) FOLDED[unit] = unit
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

/**
 * Characters beside that table, with what they are folded to when they stand alone: several, none, or one outside the
 * first plane; null when that depends on their neighbours.
 */
const OTHERS = new Map<string, string | null>()
/** Of more than these it is found out each time: nobody fills the memory by sending what nobody writes. */
const MAX_OTHERS = 10_000

function foldedAlone(character: string): string | null {
  const known = OTHERS.get(character)
  if (known !== undefined) return known
  // A sigma is written another way at the end of a word.
  const depends = JOINS.test(character.normalize('NFKD')) || character.normalize('NFKC').includes('Σ')
  const made = depends ? null : simplified(spelling(character))
  const unit = character.charCodeAt(0)
  if (character.length === 1 && made?.length === 1 && !isSurrogate(unit)) FOLDED[unit] = made.charCodeAt(0)
  else if (OTHERS.size < MAX_OTHERS) OTHERS.set(character, made)
  return made
}

/** A text folded character by character; `undefined` when that cannot be done. */
function foldedAtOnce(text: string): string | undefined {
  let made = ''
  // What stays as it is goes over in one piece.
  let from = 0
  let before = SPACE
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const folded = FOLDED[unit] ?? 0
    if (folded === 0) {
      const character = String.fromCodePoint(text.codePointAt(i) ?? unit)
      const others = foldedAlone(character)
      if (others === null) return undefined
      const startsAgain = before === SPACE && others.startsWith(' ')
      if (others !== '') before = others.charCodeAt(others.length - 1)
      if (others !== character || startsAgain) {
        made += text.slice(from, i) + (startsAgain ? others.slice(1) : others)
        from = i + character.length
      }
      i += character.length - 1
      continue
    }
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
  let made = ''
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const folded = unit >= FIRST_HAN && unit <= LAST_HAN ? (FOLDED[unit] ?? unit) : unit
    if (folded === unit) continue
    made += text.slice(from, i) + String.fromCharCode(folded)
    from = i + 1
  }
  return made + text.slice(from)
}

// ── the index ───────────────────────────────────────────────────────────────────────────────

/** Behind the last of those that share a number. */
const END = 0x7fffffff
/** Keywords of so many characters and more have their lengths in a list. */
const LONG = 31

interface Index {
  /** Each keyword, folded. */
  readonly folded: readonly string[]
  /** By the hash of a folded keyword the first in the list that has this number, and for each the next one. */
  readonly heads: Int32Array
  readonly next: Int32Array
  /**
   * By the hash of their first two characters how long the keywords are that begin so, a bit for each length. Two
   * beginnings may share a number: that costs a look, nothing else. Most of a text is seen here to begin nothing.
   */
  readonly starts: Uint32Array
  /** The lengths that such bits stand for, from short to long. */
  readonly lengthsOf: (bits: number) => readonly number[]
  /** Says of nearly everything that is no keyword that it is none, without looking far into memory. */
  readonly filter: Filter
  readonly hasExact: boolean
}

function index(keywords: readonly Keyword[]): Index {
  const heads = new Int32Array(powerOfTwo(keywords.length * 2)).fill(END)
  const next = new Int32Array(keywords.length)
  const starts = new Uint32Array(powerOfTwo(keywords.length * 4))
  const longer = new Set<number>()
  const filter = new Filter(keywords.length)
  let hasExact = false
  const folded = keywords.map(({ text }) => fold(text))
  // From the last to the first, so that of those that share a number the first in the list comes first.
  for (let place = keywords.length - 1; place >= 0; place--) {
    const one = folded[place] ?? ''
    if (one === '') continue
    const hash = hashOf(one, 0, one.length)
    const slot = hash & (heads.length - 1)
    const head = heads[slot] ?? END
    // A list in which one stands a thousand times is no slower for it.
    const isRepeated = head !== END && isSame(keywords[place], keywords[head])
    next[place] = isRepeated ? (next[head] ?? END) : head
    heads[slot] = place
    if (keywords[place]?.match === 'exact') {
      hasExact = true
      continue
    }
    filter.add(hash)
    if (one.length === 1) continue
    const start = hashOf(one, 0, 2) & (starts.length - 1)
    starts[start] = (starts[start] ?? 0) | (1 << Math.min(one.length, LONG))
    if (one.length >= LONG) longer.add(one.length)
  }
  return { folded, heads, next, starts, lengthsOf: lengthsFrom(longer), filter, hasExact }
}

function isSame(one: Keyword | undefined, other: Keyword | undefined): boolean {
  return one?.text === other?.text && one?.match === other?.match
}

function lengthsFrom(longer: ReadonlySet<number>): Index['lengthsOf'] {
  const long = [...longer].sort((a, b) => a - b)
  const known = new Map<number, readonly number[]>()
  return (bits) => {
    let lengths = known.get(bits)
    if (!lengths) {
      const short = Array.from({ length: LONG }, (_, length) => length).filter((length) => bits & (1 << length))
      lengths = bits & (1 << LONG) ? [...short, ...long] : short
      known.set(bits, lengths)
    }
    return lengths
  }
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(atLeast, 32)))
}

/** A set of numbers that may say yes to a few it does not have: at least 16 bits for each. */
class Filter {
  readonly #bits: Uint32Array
  readonly #mask: number

  constructor(size: number) {
    const bits = powerOfTwo(size * 16)
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

function hashOf(text: string, start: number, end: number): number {
  let hash = 0
  for (let i = start; i < end; i++) hash = hashOn(hash, text.charCodeAt(i))
  return hash
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

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xe000
}

/** Where a folded text begins and ends without the punctuation and white space around it. */
function withoutPunctuation(text: string): { readonly start: number; readonly end: number } {
  let start = 0
  let end = text.length
  while (start < end && AROUND.test(text[start] ?? '')) start++
  while (end > start && AROUND.test(text[end - 1] ?? '')) end--
  return { start, end }
}
