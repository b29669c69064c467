/**
 * Finds the entries of the knowledge that fit what was said, by the words that both have: the rarer a word, the more it
 * says. Whatever is asked, a bounded number of places is looked at, since everything else waits meanwhile.
 */
import { fold } from '#core'

/** How many entries the model is shown at most. */
const MAX_ENTRIES = 5
/** How much of a text is searched for. */
const MAX_SEARCHED_CHARS = 1_000
/** In how many places of the knowledge is looked for one question, for its rarest words first. */
export const MAX_PLACES = 20_000
/** Shorter words are the beginning of too many others. */
const MIN_CHARS = 4
/** How many words are looked for that begin with one of the question. */
const MAX_LONGER = 8
/** How many unknown words of a question may be misspelt. */
const MAX_MISSPELT = 20
/** What a word counts that is only meant. */
const MEANT = 0.5
/** How much it adds that an entry says a word again, and how much it takes that an entry is long. Those of Okapi BM25. */
const AGAIN = 1.2
const LENGTH = 0.75

/** A word; where words have no spaces around them, two characters that stand together, as one number: that is fast. */
type Term = string | number

/** A term to look for. */
interface Wanted {
  /** The entries that have it, in order, each as often as it does. */
  readonly places: Uint32Array
  readonly weight: number
}

export interface Index {
  /** How many terms each entry has, beside the average. */
  readonly lengths: Float32Array
  /** The number of each term. */
  readonly terms: ReadonlyMap<Term, number>
  /** Where the places of each term begin, by its number. */
  readonly starts: Uint32Array
  readonly places: Uint32Array
  /** The words among the terms, sorted. */
  readonly words: readonly string[]
}

/** Makes the function that finds the entries which fit what was said, the best first. */
export function makeSearch(entries: readonly string[]): (...said: readonly string[]) => readonly string[] {
  const index = indexOf(entries)
  return (...said) => {
    const wanted = wantedFor(said.map((text) => text.slice(0, MAX_SEARCHED_CHARS)).join('\n'), index)
    return best(scores(wanted, index)).map((entry) => entries[entry] ?? '')
  }
}

export function indexOf(entries: readonly string[]): Index {
  const terms = new Map<Term, number>()
  const counts: number[] = []
  const found = entries.map((entry) =>
    Uint32Array.from(termsOf(entry), (term) => {
      const number = terms.get(term) ?? terms.size
      if (number === terms.size) terms.set(term, number)
      counts[number] = (counts[number] ?? 0) + 1
      return number
    }),
  )
  const starts = new Uint32Array(terms.size + 1)
  for (const [term, count] of counts.entries()) starts[term + 1] = (starts[term] ?? 0) + count
  const places = new Uint32Array(starts[terms.size] ?? 0)
  const next = starts.slice()
  for (const [entry, numbers] of found.entries()) {
    for (const number of numbers) {
      const at = next[number] ?? 0
      places[at] = entry
      next[number] = at + 1
    }
  }
  const average = Math.max(1, places.length / entries.length)
  const lengths = Float32Array.from(found, ({ length }) => length / average)
  const words = [...terms.keys()].filter((term) => typeof term === 'string' && term.length >= MIN_CHARS)
  return { lengths, terms, starts, places, words: words.map(String).sort() }
}

function placesOf(term: Term, { terms, starts, places }: Index): Uint32Array {
  const number = terms.get(term)
  return number === undefined ? NOWHERE : places.subarray(starts[number], starts[number + 1])
}
const NOWHERE = new Uint32Array()

/** What to look for: no more than can be looked up, and the rarest of it. */
export function wantedFor(text: string, index: Index): readonly Wanted[] {
  const weights = new Map<Term, number>()
  const want = (term: Term, weight: number) => weights.set(term, Math.max(weights.get(term) ?? 0, weight))
  let misspelt = 0
  for (const term of new Set(termsOf(text))) {
    const longer = longerThan(term, index)
    for (const word of longer) want(word, MEANT)
    if (index.terms.has(term)) want(term, 1)
    else if (longer.length === 0 && mayBeMisspelt(term) && misspelt++ < MAX_MISSPELT) {
      const meant = meantBy(term, index)
      if (meant !== undefined) want(meant, MEANT)
    }
  }
  const rarestFirst = [...weights]
    .map(([term, weight]) => ({ places: placesOf(term, index), weight }))
    .sort((a, b) => a.places.length - b.places.length)
  let left = MAX_PLACES
  return rarestFirst
    .filter(({ places }) => {
      left -= places.length
      return left >= 0
    })
    .map(({ places, weight }) => ({ places, weight: weight * Math.log(1 + index.lengths.length / places.length) }))
}

function scores(wanted: readonly Wanted[], { lengths }: Index): ReadonlyMap<number, number> {
  const scores = new Map<number, number>()
  for (const { places, weight } of wanted) {
    let times = 0
    for (const [i, entry] of places.entries()) {
      times++
      if (places[i + 1] === entry) continue
      const long = 1 - LENGTH + LENGTH * (lengths[entry] ?? 1)
      scores.set(entry, (scores.get(entry) ?? 0) + (weight * times * (1 + AGAIN)) / (times + AGAIN * long))
      times = 0
    }
  }
  return scores
}

/** The entries with the best scores; of equals the first. */
function best(scores: ReadonlyMap<number, number>): readonly number[] {
  const found: { readonly entry: number; readonly score: number }[] = []
  for (const [entry, score] of scores) {
    const at = found.findIndex((other) => score > other.score || (score === other.score && entry < other.entry))
    if (at < 0 && found.length === MAX_ENTRIES) continue
    found.splice(at < 0 ? found.length : at, 0, { entry, score })
    found.length = Math.min(found.length, MAX_ENTRIES)
  }
  return found.map(({ entry }) => entry)
}

// ── words ───────────────────────────────────────────────────────────────────────────────────

/** Scripts without spaces between words, and the words of all others. */
const RUNS =
  /[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]+|[[\p{L}\p{N}\p{M}]--[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]]+/gv
const UNSPACED = /^[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]/v

function termsOf(text: string): readonly Term[] {
  const terms: Term[] = []
  for (const run of fold(text).match(RUNS) ?? []) {
    if (run.length === 1 || !UNSPACED.test(run)) terms.push(run)
    else for (let i = 1; i < run.length; i++) terms.push(run.charCodeAt(i - 1) * 0x10000 + run.charCodeAt(i))
  }
  return terms
}

/** Words that begin with this one: `refund` also looks for `refunds`. */
function longerThan(term: Term, { words }: Index): readonly string[] {
  if (typeof term === 'number' || term.length < MIN_CHARS) return []
  let from = 0
  for (let to = words.length; from < to; ) {
    const middle = (from + to) >> 1
    if ((words[middle] ?? '') < term) from = middle + 1
    else to = middle
  }
  return words.slice(from, from + MAX_LONGER).filter((word) => word !== term && word.startsWith(term))
}

function mayBeMisspelt(term: Term): term is string {
  return typeof term === 'string' && MISSPELT.test(term)
}
const MISSPELT = /^[a-z]{4,20}$/

/** The commonest of the words that this one nearly is. */
function meantBy(word: string, index: Index): string | undefined {
  let meant: string | undefined
  let most = 0
  for (const near of nearly(word)) {
    const { length } = placesOf(near, index)
    if (length <= most) continue
    meant = near
    most = length
  }
  return meant
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** Every word with one letter more, fewer or another one, or with two that have changed places. */
function* nearly(word: string): Generator<string> {
  for (let i = 0; i <= word.length; i++) {
    const [before, after] = [word.slice(0, i), word.slice(i)]
    for (const letter of LETTERS) {
      yield before + letter + after
      if (after !== '') yield before + letter + after.slice(1)
    }
    if (after === '') continue
    yield before + after.slice(1)
    if (after.length > 1) yield `${before}${after[1]}${after[0]}${after.slice(2)}`
  }
}
