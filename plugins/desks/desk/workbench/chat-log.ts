/** What happened in a chat, as lines of the screen: each once, in order, with separators where a conversation begins or ends. */
import type { Entry, Stretch } from '../api/shapes.ts'

export type Line =
  | { readonly type: 'day'; readonly key: string; readonly atMs: number }
  | { readonly type: 'start' | 'end'; readonly key: string; readonly of: Stretch }
  /** `isFirst`: somebody else spoke before, or it was long ago. */
  | { readonly type: 'entry'; readonly key: string; readonly entry: ShownEntry; readonly isFirst: boolean }

/** All but changes of others, which are shown where the message stands. */
export type ShownEntry = Exclude<Entry, { readonly kind: 'change' }>

/** Whoever says something again within this does not need to be named again. */
const TOGETHER_MS = 5 * 60_000

/** So many requests are worth it. */
const MOST_BY_THEMSELVES = 3

/** The old entries and the new ones by their numbers; what comes again takes the place of what it was. */
export function merged(old: readonly Entry[], more: readonly Entry[]): readonly Entry[] {
  if (more.length === 0) return old
  const byId = new Map(old.map((entry) => [entry.id, entry]))
  for (const entry of more) byId.set(entry.id, entry)
  for (const entry of more) {
    const of = entry.kind === 'change' && entry.of !== undefined ? byId.get(entry.of) : undefined
    if (entry.kind !== 'change' || of?.kind !== 'message') continue
    byId.set(of.id, { ...of, parts: entry.parts, changed: entry.what })
  }
  return [...byId.values()].sort((a, b) => a.seq - b.seq || (a.id < b.id ? -1 : 1))
}

/**
 * From which number on entries are asked for again: what is behind the last, and among the last so many what of ours is
 * still on its way or can be sent again, by whomever, and the messages that were not handled when they came here.
 */
export function askAfter(entries: readonly Entry[], reach: number): number {
  const last = entries.slice(-reach)
  const handled = last.findLastIndex(({ kind, conversation }) => kind !== 'message' || conversation !== undefined)
  const first = [last.find(mayStillArrive), last[handled + 1]].flatMap((entry) => entry?.seq ?? [])
  return first.length > 0 ? Math.min(...first) - 1 : (entries.at(-1)?.seq ?? 0)
}

/** What has been on its way for longer: each is asked for by itself, the latest of them. */
export function longOnTheirWay(entries: readonly Entry[], reach: number): readonly number[] {
  const before = entries.slice(0, Math.max(0, entries.length - reach)).filter(isOnItsWay)
  return before.slice(-MOST_BY_THEMSELVES).map(({ seq }) => seq)
}

const isOnItsWay = (entry: Entry) =>
  entry.kind === 'reply' && entry.deliveries.some(({ state }) => state === 'pending' || state === 'sending')

const mayStillArrive = (entry: Entry) =>
  isOnItsWay(entry) || (entry.kind === 'reply' && entry.deliveries.some(({ canSendAgain }) => canSendAgain))

/**
 * `hasOlder`: there are entries above the first that is here, so that it is not known whether its conversation begins
 * with it. `isSameDay`: by the clock of the screen. `hasNewer`: there are entries below the last, so that a conversation
 * has ended only where its end is here.
 */
export function linesOf(
  entries: readonly Entry[],
  stretches: ReadonlyMap<string, Stretch>,
  hasOlder: boolean,
  isSameDay: (a: number, b: number) => boolean,
  hasNewer = false,
): readonly Line[] {
  const shown = entries.filter((entry) => entry.kind !== 'change')
  const ended = new Set(shown.flatMap((entry) => (isEnd(entry) ? entry.conversation : [])))
  const ends = new Map(
    shown.flatMap(({ id, conversation }) => (conversation === undefined ? [] : [[conversation, id]])),
  )
  const begun = new Set<string>()
  const lines: Line[] = []
  let before: ShownEntry | undefined
  for (const entry of shown) {
    const of = stretches.get(entry.conversation ?? '')
    const isNew = of !== undefined && !begun.has(of.id)
    if (isNew) begun.add(of.id)
    if (isNew && (lines.length > 0 || !hasOlder)) {
      lines.push({ type: 'start', key: `start ${of.id}`, of })
      before = undefined
    } else if (before && !isSameDay(before.atMs, entry.atMs)) {
      lines.push({ type: 'day', key: `day ${entry.id}`, atMs: entry.atMs })
      before = undefined
    }
    // That it began or ended, the separators say.
    if (entry.kind !== 'life' || (entry.code !== 'conversation.opened' && entry.code !== 'conversation.closed')) {
      lines.push({ type: 'entry', key: entry.id, entry, isFirst: !before || !isTogether(before, entry) })
      before = entry
    }
    if (of?.closedAtMs !== undefined && ends.get(of.id) === entry.id && (!hasNewer || ended.has(of.id))) {
      lines.push({ type: 'end', key: `end ${of.id}`, of })
      before = undefined
    }
  }
  return lines
}

const isEnd = (entry: ShownEntry) => entry.kind === 'life' && entry.code === 'conversation.closed'

function isTogether(a: ShownEntry, b: ShownEntry): boolean {
  return a.kind === b.kind && a.by.kind === b.by.kind && a.by.name === b.by.name && b.atMs - a.atMs < TOGETHER_MS
}
