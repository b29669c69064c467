/** What happened in a chat, as lines of the screen: each once, in order, with separators where a conversation begins or ends. */
import type { Entry, Stretch } from '../api/shapes.ts'

export type Line =
  | { readonly type: 'day'; readonly key: string; readonly atMs: number }
  | {
      readonly type: 'start' | 'end'
      readonly key: string
      readonly entry: LifeEntry
      readonly of: Stretch | undefined
    }
  /** `isFirst`: somebody else spoke before, or it was long ago. */
  | { readonly type: 'entry'; readonly key: string; readonly entry: ShownEntry; readonly isFirst: boolean }

type LifeEntry = Extract<Entry, { readonly kind: 'life' }>
/** All but changes of others: these are shown where the message stands. */
export type ShownEntry = Exclude<Entry, { readonly kind: 'change' }>

/** Whoever says something again within this does not need to be named again. */
const TOGETHER_MS = 5 * 60_000

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

/** From which number on entries are asked for again: what is behind the last, and what of ours is still on its way. */
export function askAfter(entries: readonly Entry[]): number {
  const open = entries.find(
    (entry) =>
      entry.kind === 'reply' && entry.deliveries.some(({ state }) => state === 'pending' || state === 'sending'),
  )
  return open ? open.seq - 1 : (entries.at(-1)?.seq ?? 0)
}

/** `isSameDay`: by the clock of the screen. */
export function linesOf(
  entries: readonly Entry[],
  stretches: ReadonlyMap<string, Stretch>,
  isSameDay: (a: number, b: number) => boolean,
): readonly Line[] {
  const lines: Line[] = []
  const openings = new Map<string, LifeEntry>()
  for (const entry of entries) {
    if (entry.kind === 'life' && entry.code === 'conversation.opened' && entry.conversation !== undefined)
      openings.set(entry.conversation, entry)
  }
  let before: ShownEntry | undefined
  for (const entry of entries) {
    if (entry.kind === 'change') continue
    const isLife = entry.kind === 'life'
    // It begins with the message that opened it, which comes before its opening.
    const opening = entry.conversation === undefined ? undefined : openings.get(entry.conversation)
    if (opening && entry.conversation !== undefined) {
      openings.delete(entry.conversation)
      lines.push({ type: 'start', key: `start ${opening.id}`, entry: opening, of: stretches.get(entry.conversation) })
      before = undefined
    } else if (!before || !isSameDay(before.atMs, entry.atMs)) {
      if (before) lines.push({ type: 'day', key: `day ${entry.id}`, atMs: entry.atMs })
      before = undefined
    }
    if (isLife && entry.code === 'conversation.opened') continue
    if (isLife && entry.code === 'conversation.closed') {
      lines.push({ type: 'end', key: entry.id, entry, of: stretches.get(entry.conversation ?? '') })
    } else {
      lines.push({ type: 'entry', key: entry.id, entry, isFirst: !before || !isTogether(before, entry) })
    }
    before = entry
  }
  return lines
}

function isTogether(a: ShownEntry, b: ShownEntry): boolean {
  return a.kind === b.kind && a.by.kind === b.by.kind && a.by.name === b.by.name && b.atMs - a.atMs < TOGETHER_MS
}
