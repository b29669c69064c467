/** What kind of answer a text gets: the one entry that it means, a few that it may mean, or none. */
import { fold } from '#core'
import type { Knowledge } from './knowledge.ts'
import { type Found, searchIn } from './search.ts'

/** From which likeness on it is what. */
export interface Thresholds {
  readonly understood: number
  readonly guided: number
  /** How many are offered at most. */
  readonly choices: number
}

/** Found with the tuning part of the labelled questions. */
export const DEFAULTS = { understood: 0.44, guided: 0.35, choices: 4 } as const satisfies Thresholds

export interface Likely {
  /** The name of an entry. */
  readonly entry: string
  readonly score: number
}

export type Understanding =
  | ({ readonly kind: 'understood' } & Likely)
  | { readonly kind: 'guided'; readonly entries: readonly Likely[] }
  | { readonly kind: 'unknown' }

/** So much of the second one's likeness counts against the first: two that are equally alike are never understood. */
const AGAINST = 0.6
/** What comes after that is not looked at. */
const MAX_ASKED_CHARS = 1_000
/** So many more than can be offered are looked at: some are alike only in `what is the`. */
const MORE = 4

/** Makes the function that says what a text means. The knowledge is gone through once. */
export function understanding(knowledge: Knowledge, { understood, guided, choices }: Thresholds) {
  const names = Object.keys(knowledge.entries)
  const search = searchIn(
    Object.values(knowledge.entries).map(({ questions }) => questions),
    knowledge.synonyms,
  )
  const groups = groupsByTitle(knowledge)
  const named = ({ entry, score }: Found): Likely => ({ entry: names[entry] ?? '', score })

  return (said: string): Understanding => {
    const text = said.slice(0, MAX_ASKED_CHARS)
    const group = groups.get(titleOf(text))
    if (group !== undefined) return { kind: 'guided', entries: entriesOf(knowledge, group) }
    const found = search(text, choices + MORE)
    const about = found.filter(({ isAbout }) => isAbout)
    const [best] = about
    const second = found.find((other) => other !== best)
    if (!best || best.score < guided) return { kind: 'unknown' }
    if (best.score - AGAINST * (second?.score ?? 0) >= understood) return { kind: 'understood', ...named(best) }
    const likely = about.filter(({ score }) => score >= guided)
    return { kind: 'guided', entries: likely.slice(0, choices).map(named) }
  }
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
