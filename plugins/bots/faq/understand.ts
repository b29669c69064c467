/** What kind of answer a text gets: the one entry that it means, a few that it may mean, or none. */
import { fold } from '#core'
import type { Knowledge } from './knowledge.ts'
import { type Found, type Search, searchIn } from './search.ts'

export interface Thresholds {
  /** From how sure on it is answered. */
  readonly understood: number
  /** From which likeness on it is offered. */
  readonly guided: number
  /** How many are offered at most. */
  readonly choices: number
}

/** Found with the tuning part of the labelled questions. */
export const DEFAULTS = { understood: 0.8, guided: 0.42, choices: 4 } as const satisfies Thresholds

export interface Likely {
  /** The name of an entry. */
  readonly entry: string
  /** How sure it is meant, when it is understood; how alike it is, when it is offered. */
  readonly score: number
}

export type Understanding =
  | ({ readonly kind: 'understood' } & Likely)
  | { readonly kind: 'guided'; readonly entries: readonly Likely[] }
  | { readonly kind: 'unknown' }

/**
 * How sure it is that the most alike entry is meant: a logistic regression over what is known of it, fitted to the tuning
 * part of the labelled questions, once with and once without the shop's synonyms.
 */
const SURE = {
  before: -3.1,
  /** How alike it is. */
  score: 4.7,
  /** How alike the next one is. */
  second: -1.9,
  /** How much of its closest question was said. */
  said: 2.2,
  /** The logarithm of how much was said in all: little may mean anything. */
  total: 0.44,
} as const
/** Nothing is added to or left out of what the file says. */
const THE_SAME = 0.9999
/** What comes after that is not looked at. */
const MAX_ASKED_CHARS = 1_000
/** So many more than can be offered are looked at: some are alike only in `what is the`. */
const MORE = 4

/** Makes the function that says what a text means. The knowledge is gone through once. */
export function understanding(knowledge: Knowledge, { understood, guided, choices }: Thresholds) {
  const names = Object.keys(knowledge.entries)
  const searchFor = searchIn(
    Object.values(knowledge.entries).map(({ questions }) => questions),
    knowledge.synonyms,
  )
  const groups = groupsByTitle(knowledge)
  const named = ({ entry, score }: Found): Likely => ({ entry: names[entry] ?? '', score })

  return (said: string): Understanding => {
    const text = said.slice(0, MAX_ASKED_CHARS)
    const group = groups.get(titleOf(text))
    if (group !== undefined) return { kind: 'guided', entries: entriesOf(knowledge, group) }
    const search = searchFor(text, choices + MORE)
    const about = search.found.filter(({ isAbout }) => isAbout)
    const [best] = about
    if (!best || best.score < guided) return { kind: 'unknown' }
    const sure = sureOf(best, search)
    if (sure >= understood) return { kind: 'understood', entry: named(best).entry, score: sure }
    const likely = about.filter(({ score }) => score >= guided)
    return { kind: 'guided', entries: likely.slice(0, choices).map(named) }
  }
}

/** From 0 to 1. What only names a thing is never sure: it is what one asks about, not what one asks. */
function sureOf(best: Found, { found, total, isSubject }: Search): number {
  if (best.score >= THE_SAME) return 1
  if (isSubject) return 0
  const second = found.find((other) => other !== best)?.score ?? 0
  const evidence = SURE.score * best.score + SURE.second * second + SURE.said * best.said + SURE.total * Math.log(total)
  return 1 / (1 + Math.exp(-SURE.before - evidence))
}

/** No platform shows more choices than this in a useful way. */
const MAX_OF_GROUP = 20

/** The entries of a group, in the order of the file. */
export function entriesOf({ entries }: Knowledge, group: string): readonly Likely[] {
  return Object.entries(entries)
    .filter(([, entry]) => entry.group === group)
    .slice(0, MAX_OF_GROUP)
    .map(([entry]) => ({ entry, score: 1 }))
}

function groupsByTitle({ groups }: Knowledge): ReadonlyMap<string, string> {
  const titles = Object.entries(groups).flatMap(([name, title]) =>
    (typeof title === 'string' ? [title] : Object.values(title)).map((one) => [titleOf(one), name] as const),
  )
  return new Map(titles)
}

/** However it is written, and whatever punctuation stands around it. */
function titleOf(text: string): string {
  return fold(text).replace(/[\s\p{P}]/gu, '')
}
