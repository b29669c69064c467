/** Keywords: how an operator writes them, and how they are found in what a customer writes, however many there are. */
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
   * In all of them case, full-width forms and the amount of white space do not matter.
   */
  readonly match: 'word' | 'exact' | 'contains'
}

/** A keyword in a plugin's configuration: `转人工`, or `{ text: r, match: exact }`. A bare text matches as a word. */
export function keyword(): z.ZodType<Keyword, string | { text: string; match?: Keyword['match'] | undefined }> {
  const text = z.string().regex(/\S/, 'Write at least one character.')
  const match = z.enum(['word', 'exact', 'contains'])
  return z
    .union([text, z.strictObject({ text, match: match.optional() })])
    .transform((written) =>
      typeof written === 'string'
        ? { text: written, match: 'word' }
        : { text: written.text, match: written.match ?? 'word' },
    )
}

/** One spelling for all that look alike: full-width forms, case, and white space of any kind and amount. */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()
}

/**
 * Compiles keywords once into a function that finds the first of them, in the order of the list, in a text, and gives
 * it as it was written; `undefined` when there is none. Its cost grows with the text, hardly with the list.
 */
export function matcher(keywords: readonly Keyword[]): (text: string) => string | undefined {
  const { exact, found, starts } = index(keywords)
  return (text) => {
    const folded = fold(text)
    let first = Math.min(exact.get(folded) ?? NONE, exact.get(bare(folded)) ?? NONE)
    for (let i = 0; i < folded.length; i++) {
      for (const length of starts.lengthsAt(folded, i)) {
        const end = i + length
        const place = end > folded.length ? undefined : found.get(folded.slice(i, end))
        if (!place) continue
        if (place.anywhere < first) first = place.anywhere
        if (place.word < first && !isInsideWord(folded, i) && !isInsideWord(folded, end)) first = place.word
      }
    }
    return keywords[first]?.text
  }
}

// ── the index ───────────────────────────────────────────────────────────────────────────────

const NONE = Number.POSITIVE_INFINITY

/** The first place in the list of a folded text, by how it matches. */
interface Place {
  word: number
  anywhere: number
}

function index(keywords: readonly Keyword[]) {
  const exact = new Map<string, number>()
  const found = new Map<string, Place>()
  const starts = new Starts()
  keywords.forEach(({ text, match }, i) => {
    const folded = fold(text)
    if (folded === '') return
    if (match === 'exact') {
      if (!exact.has(folded)) exact.set(folded, i)
      return
    }
    let place = found.get(folded)
    if (!place) {
      place = { word: NONE, anywhere: NONE }
      found.set(folded, place)
      starts.add(folded)
    }
    const how = match === 'word' ? 'word' : 'anywhere'
    place[how] = Math.min(place[how], i)
  })
  return { exact, found, starts }
}

/**
 * How long the keywords are that begin with two given characters. A text is looked at once from each of its places, and
 * from most of them no keyword begins. Lengths instead of keywords: of these there are never many, even if a thousand
 * keywords begin alike.
 */
class Starts {
  readonly #lengths = new Map<number, number[]>()

  add(text: string): void {
    const key = keyOf(text, 0, text.length > 1)
    const lengths = this.#lengths.get(key)
    if (!lengths) this.#lengths.set(key, [text.length])
    else if (!lengths.includes(text.length)) lengths.push(text.length)
  }

  *lengthsAt(text: string, i: number): Iterable<number> {
    yield* this.#lengths.get(keyOf(text, i, false)) ?? []
    yield* this.#lengths.get(keyOf(text, i, true)) ?? []
  }
}

function keyOf(text: string, i: number, two: boolean): number {
  return text.charCodeAt(i) + (two ? text.charCodeAt(i + 1) * 0x10000 : 0)
}
