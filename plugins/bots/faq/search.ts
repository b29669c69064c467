/** Finds the entries whose questions are most like a text, however many there are. */
import { type TakenApart, type Term, type Terms, termsBy } from './terms.ts'

/** An entry, and how much it is like what was asked: 1 is the very same question. */
export interface Found {
  /** Its place in the list. */
  readonly entry: number
  readonly score: number
  /** How much of its closest question was said: 1 is all of it. */
  readonly said: number
  /** It has more in common with it than `what is the`. */
  readonly isAbout: boolean
}

export interface Search {
  /** The best entries, best first. */
  readonly found: readonly Found[]
  /** How much the text says in all. */
  readonly total: number
  /** It names one thing, and asks nothing about it. */
  readonly isSubject: boolean
}

/** How the parts of a score count. Found with the tuning part of the labelled questions. */
const SCORE = {
  /** What was asked and the question does not say. */
  onlyAsked: 0.2,
  /** What the question says and was not asked. */
  onlyThere: 0.5,
  /** All questions of an entry together, beside the one that is most alike. */
  together: 0.5,
  /** A word that no question has: it may be chatter, or just what makes it another question. */
  neverHeard: 0.33,
  /** A word that is only nearly one. */
  nearly: 0.4,
} as const

/** A common word counts as if it were in so many of the entries: how many have it is chance. */
const COMMON = 0.25
/** Shorter words are not looked for nearly, and of these the first letter must be right: too many are alike. */
const MIN_NEARLY_CHARS = 4
/** Both halves of a word that may be two (`giftcard`). */
const MIN_HALF_CHARS = 3

/**
 * Makes the function that finds: the best `max` entries, best first. `questions` are the entries' wordings. Its cost
 * grows with the number of wordings that share a word with the text, not with what they say.
 */
export function searchIn(
  questions: readonly (readonly string[])[],
  synonyms: readonly (readonly string[])[],
): (text: string, max: number) => Search {
  const termsOf = termsBy(synonyms)
  const index = indexOf(questions, termsOf)
  const { entryOf, sizes, postings } = index
  const overlap = new Float32Array(entryOf.length)
  const covered = new Float32Array(questions.length)
  const closest = new Float32Array(questions.length)
  const said = new Float32Array(questions.length)
  const isAbout = new Uint8Array(questions.length)
  return (text, max) => {
    const { terms, isSubject } = termsOf(text)
    const { known, total, isAllCommon } = asked(terms, index)
    if (known.size === 0) return { found: [], total, isSubject }
    overlap.fill(0)
    covered.fill(0)
    closest.fill(0)
    isAbout.fill(isAllCommon ? 1 : 0)
    for (const [term, weight] of known) {
      const { wordings = [], isCommon = true } = postings.get(term) ?? {}
      let last = -1
      for (const wording of wordings) {
        overlap[wording] = (overlap[wording] ?? 0) + weight
        const entry = entryOf[wording] ?? 0
        if (!isCommon) isAbout[entry] = 1
        if (entry !== last) covered[entry] = (covered[entry] ?? 0) + weight
        last = entry
      }
    }
    for (const [wording, entry] of entryOf.entries()) {
      const both = overlap[wording] ?? 0
      if (both === 0) continue
      const size = sizes[wording] ?? 0
      const apart = SCORE.onlyAsked * (total - both) + SCORE.onlyThere * Math.max(0, size - both)
      const close = both / (both + apart)
      if (close <= (closest[entry] ?? 0)) continue
      closest[entry] = close
      said[entry] = Math.min(1, both / size)
    }
    const best = bestOf(closest, max, (entry) => {
      const score = (1 - SCORE.together) * (closest[entry] ?? 0) + (SCORE.together * (covered[entry] ?? 0)) / total
      return Math.min(1, score)
    })
    const found = best.map((one) => ({ ...one, said: said[one.entry] ?? 0, isAbout: isAbout[one.entry] === 1 }))
    return { found, total, isSubject }
  }
}

// ── the index ───────────────────────────────────────────────────────────────────────────────

interface Posting {
  /** How much the term says, its rarity included. */
  readonly weight: number
  readonly isCommon: boolean
  /** The wordings that have it, in order. */
  readonly wordings: Uint32Array
}

interface Index {
  /** The entry of each wording. */
  readonly entryOf: Uint32Array
  /** How much each wording says in all. */
  readonly sizes: Float32Array
  readonly postings: ReadonlyMap<string, Posting>
  /** By what is left of a word when any one letter is taken away: what is nearly it has one in common. */
  readonly nearly: ReadonlyMap<string, readonly string[]>
  /** How much a term says that is in so many entries. */
  weightOf(term: Term, entries: number): number
}

function indexOf(questions: readonly (readonly string[])[], termsOf: (text: string) => TakenApart): Index {
  const places = new Map<string, { of: Term; wordings: number[]; entries: number; last: number }>()
  const entryOf: number[] = []
  for (const [entry, wordings] of questions.entries()) {
    for (const wording of wordings) {
      for (const [term, of] of termsOf(wording).terms) {
        const place = places.get(term) ?? { of, wordings: [], entries: 0, last: -1 }
        place.wordings.push(entryOf.length)
        if (place.last !== entry) place.entries++
        place.last = entry
        places.set(term, place)
      }
      entryOf.push(entry)
    }
  }
  const count = questions.length
  const weightOf = ({ weight, isCommon }: Term, entries: number) => {
    const among = isCommon ? Math.max(entries, count * COMMON) : entries
    return (weight * Math.log(1 + count / among)) / Math.log(1 + count)
  }
  const sizes = new Float32Array(entryOf.length)
  const postings = new Map<string, Posting>()
  const nearly = new Map<string, string[]>()
  for (const [term, { of, wordings, entries }] of places) {
    const weight = weightOf(of, entries)
    postings.set(term, { weight, isCommon: of.isCommon, wordings: Uint32Array.from(wordings) })
    for (const wording of wordings) sizes[wording] = (sizes[wording] ?? 0) + weight
    if (!mayBeNearly(term)) continue
    for (const rest of withoutOneLetter(term)) {
      const same = nearly.get(rest)
      if (same) same.push(term)
      else nearly.set(rest, [term])
    }
  }
  return { entryOf: Uint32Array.from(entryOf), sizes, postings, nearly, weightOf }
}

/** The best of the entries that have anything in common with the text; of equals the first. */
function bestOf(closest: Float32Array, max: number, scoreOf: (entry: number) => number) {
  const best: { readonly entry: number; readonly score: number }[] = []
  for (const [entry, close] of closest.entries()) {
    if (close === 0) continue
    const score = scoreOf(entry)
    if (best.length === max && score <= (best.at(-1)?.score ?? 0)) continue
    const at = best.findIndex((other) => other.score < score)
    best.splice(at < 0 ? best.length : at, 0, { entry, score })
    if (best.length > max) best.pop()
  }
  return best
}

// ── what was asked ──────────────────────────────────────────────────────────────────────────

interface Asked {
  /** The terms that some question has, with how much each says. */
  readonly known: ReadonlyMap<string, number>
  /** How much the text says in all. */
  readonly total: number
  /** It is all courtesy and asking, as a greeting is. */
  readonly isAllCommon: boolean
}

function asked(terms: Terms, index: Index): Asked {
  const known = new Map<string, number>()
  let total = 0
  for (const [term, of] of terms) {
    const posting = index.postings.get(term)
    if (posting) {
      known.set(term, posting.weight)
      total += posting.weight
      continue
    }
    const meant = mayBeNearly(term) ? meantBy(term, index) : []
    for (const other of meant) {
      const weight = index.postings.get(other)?.weight ?? 0
      const counts = meant.length === 1 ? SCORE.nearly : 1
      known.set(other, Math.max(known.get(other) ?? 0, counts * weight))
      total += weight
    }
    if (meant.length === 0) total += index.weightOf(of, 1) * SCORE.neverHeard
  }
  return { known, total, isAllCommon: [...terms.values()].every(({ isCommon }) => isCommon) }
}

function mayBeNearly(term: string): boolean {
  return term.length >= MIN_NEARLY_CHARS && /^[a-z]+$/.test(term)
}

/** The one word that a mistyped one is nearly, or the two that it is made of. */
function meantBy(term: string, { nearly, postings }: Index): readonly string[] {
  const near = new Set(withoutOneLetter(term).flatMap((rest) => nearly.get(rest) ?? []))
  const isLong = term.length > MIN_NEARLY_CHARS
  const [first, ...others] = [...near].filter((other) => (isLong || other[0] === term[0]) && isNearly(term, other))
  if (first !== undefined) {
    const use = (word: string) => postings.get(word)?.wordings.length ?? 0
    return [others.reduce((best, other) => (use(other) > use(best) ? other : best), first)]
  }
  for (let i = MIN_HALF_CHARS; i <= term.length - MIN_HALF_CHARS; i++) {
    const halves = [term.slice(0, i), term.slice(i)]
    if (halves.every((half) => postings.has(half))) return halves
  }
  return []
}

function withoutOneLetter(word: string): readonly string[] {
  return [word, ...Array.from(word, (_, i) => word.slice(0, i) + word.slice(i + 1))]
}

/** One letter too many, missing or another one, or two that changed places. */
function isNearly(one: string, other: string): boolean {
  let start = 0
  while (start < one.length && one[start] === other[start]) start++
  let end = 0
  const shorter = Math.min(one.length, other.length)
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end++
  const [left, right] = [one.slice(start, one.length - end), other.slice(start, other.length - end)]
  return (left.length <= 1 && right.length <= 1) || (left.length === 2 && right === `${left[1]}${left[0]}`)
}
