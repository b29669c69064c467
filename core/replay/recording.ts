/**
 * What the journal holds of one chat, as a replay needs it: everything that came in and was decided, in the order of
 * the chat's own transactions.
 *
 * That order is known exactly. Whatever draws a number of the chat stands at that number; the end of a turn or command
 * stands behind the last number that was drawn by then (`done_seq`). Of several that end behind the same number only the
 * first can have drawn it; turns among them are in the order of what they handled, and a command that was refused has
 * kept which of them it had seen.
 */
import type { Kysely } from 'kysely'
import { z } from 'zod'
import type {
  ChatRow,
  CommandRow,
  ConversationChangeRow,
  DeliveryAttemptRow,
  DeliveryRow,
  EntryRow,
  JournalTables,
} from '../journal/tables.ts'
import { stepsOf, type TraceStep } from '../journal/trace.ts'
import { LATE_FACTS } from '../pipeline/pipeline.ts'

/** Something that came into the chat: from the platform, a wake, or a delivery that failed. It draws one number. */
export interface Arrival {
  readonly kind: 'arrival'
  readonly seq: number
  readonly atMs: number
  readonly entry: EntryRow
  /** Of `delivery.failed`: the delivery. */
  readonly failed: DeliveryRow | undefined
}

/** The end of a turn or of a command: what was decided. */
export interface Deed {
  readonly kind: 'turn' | 'command'
  /** The entry that was handled; of a command, its row. */
  readonly of: EntryRow | CommandRow
  readonly revision: string
  /** The chat's latest number and the time when it began, and when it was done. */
  readonly startedSeq: number
  readonly startedAtMs: number
  readonly doneSeq: number
  readonly doneAtMs: number
  /** Behind which number of the chat it stands, and before or behind which entries' turns there. */
  readonly place: number
  readonly rank: number
  readonly steps: readonly TraceStep[]
  /** Enrichers had answered before it was done. */
  readonly knewFacts: boolean
  /** What it drew numbers for: what was said, noted, or happened to the chat. */
  readonly entries: readonly EntryRow[]
  readonly deliveries: readonly DeliveryRow[]
  readonly changes: readonly ConversationChangeRow[]
  /** Facts that came after the turn was done. */
  readonly lateFacts: DeliveryRow | undefined
}

/** How one try of a delivery ended; or, of the last, what became of it. */
export interface DeliveryResultThen {
  readonly delivery: DeliveryRow
  readonly atMs: number
  /** It was to be tried again then. */
  readonly againAtMs: number | undefined
}

export interface Recording {
  readonly chat: ChatRow
  /** In the order in which they were written. */
  readonly happened: readonly (Arrival | Deed)[]
  /** What became of deliveries, in the order of time; without what is part of an arrival. */
  readonly results: readonly DeliveryResultThen[]
  /** Turns and commands at the beginning that can no longer be replayed. */
  readonly skipped: number
}

const Result = z.object({ ok: z.boolean(), code: z.string().optional() })

/** Reads a chat. Throws when there is no such chat. */
export async function readRecording(journal: Kysely<JournalTables>, chatId: string): Promise<Recording> {
  const chat = await journal.selectFrom('chat').selectAll().where('id', '=', chatId).executeTakeFirstOrThrow()
  const [entries, commands, deliveries, attempts, changes] = await Promise.all([
    journal.selectFrom('entry').selectAll().where('chat', '=', chatId).orderBy('seq').execute(),
    journal.selectFrom('command').selectAll().where('chat', '=', chatId).orderBy('at').execute(),
    journal.selectFrom('delivery').selectAll().where('chat', '=', chatId).orderBy('seq').orderBy('part').execute(),
    journal
      .selectFrom('delivery_attempt')
      .innerJoin('delivery', 'delivery.id', 'delivery_attempt.delivery')
      .selectAll('delivery_attempt')
      .where('delivery.chat', '=', chatId)
      .orderBy('delivery_attempt.n')
      .execute(),
    journal
      .selectFrom('conversation_change')
      .innerJoin('conversation', 'conversation.id', 'conversation_change.conversation')
      .selectAll('conversation_change')
      .where('conversation.chat', '=', chatId)
      .orderBy('conversation_change.at')
      .orderBy('conversation_change.n')
      .execute(),
  ])
  const failed = failedDeliveries(entries, deliveries)
  const arrivals = entries.filter(isArrival).map((entry): Arrival => {
    return { kind: 'arrival', seq: entry.seq, atMs: entry.accepted_at, entry, failed: failed.get(entry.id) }
  })
  const deeds = [...entries.flatMap(turnOf), ...commands.map((row) => commandOf(row, entries))]
  const drew = whoDrew(entries, changes)
  const happened = [...arrivals, ...deeds].sort(inOrder(drew))
  const { from, skipped } = firstToReplay(happened, changes)
  let drawn = 0
  const filled = happened.map((one) => {
    if (one.kind === 'arrival') {
      drawn = one.seq
      return one
    }
    const after = drawn
    drawn = Math.max(drawn, one.place)
    return fill(one, { after, entries, deliveries, changes })
  })
  const told = new Set([...failed.values()].map(({ id }) => id))
  const triesOf = Map.groupBy(attempts, ({ delivery }) => delivery)
  const results = deliveries
    .flatMap((delivery) => resultsOf(delivery, triesOf.get(delivery.id) ?? [], told.has(delivery.id)))
    .sort((a, b) => a.atMs - b.atMs)
  return { chat, happened: filled.slice(from), results, skipped }
}

/** `null`: it was done by a version that did not keep what a replay needs, or its trace is no longer kept. */
type Found = Omit<Deed, 'entries' | 'deliveries' | 'changes' | 'lateFacts'> & {
  readonly isKept: boolean
  readonly wasRefused: boolean
}

function turnOf(entry: EntryRow): readonly Found[] {
  if (entry.done_at === null || (entry.kind !== 'in' && entry.kind !== 'life')) return []
  const { revision, started_at, started_seq, done_seq, trace_json } = entry
  const steps = stepsOf(trace_json)
  return [
    {
      kind: 'turn',
      of: entry,
      isKept: revision !== null && trace_json !== null,
      wasRefused: false,
      revision: revision ?? '',
      startedSeq: started_seq ?? entry.seq,
      startedAtMs: started_at ?? entry.done_at,
      doneSeq: done_seq ?? entry.seq,
      place: done_seq ?? entry.seq,
      rank: entry.seq,
      doneAtMs: entry.done_at,
      steps: finalRound(steps),
      knewFacts: steps.some(({ stage, did }) => stage === 'enrich' && did === 'done'),
    },
  ]
}

/** One that was refused changed nothing: it stands where it was decided. */
function commandOf(row: CommandRow, entries: readonly EntryRow[]): Found {
  const { revision, done_seq, trace_json, body_json, at } = row
  const result = Result.parse(JSON.parse(row.result_json))
  const seen = { place: row.seen_seq ?? 0, rank: row.seen_waiting === null ? Infinity : row.seen_waiting - 0.5 }
  const stands = result.ok ? { place: done_seq ?? 0, rank: Infinity } : seen
  return {
    kind: 'command',
    of: row,
    isKept: revision !== null && body_json !== null,
    wasRefused: !result.ok,
    revision: revision ?? '',
    startedSeq: done_seq ?? 0,
    startedAtMs: at,
    doneSeq: done_seq ?? 0,
    doneAtMs: at,
    ...(result.code === 'NEW_MESSAGE' ? (untilMessage(seen, entries) ?? seen) : stands),
    steps: stepsOf(trace_json),
    knewFacts: false,
  }
}

/** What it was refused for may have come only after it had looked. */
function untilMessage(seen: Pick<Found, 'place' | 'rank'>, entries: readonly EntryRow[]) {
  const isMessage = ({ kind, type }: EntryRow) => kind === 'in' && type === 'message'
  const first = entries.find((entry) => isMessage(entry) && entry.seq > Math.min(seen.rank, seen.place))
  return first && { place: Math.max(first.seq, seen.place), rank: first.seq - 0.5 }
}

/** Rounds that were begun again because the owner changed left their steps, but nothing else. */
function finalRound(steps: readonly TraceStep[]): readonly TraceStep[] {
  return steps.slice(steps.findLastIndex(({ did }) => did === 'superseded') + 1)
}

function isArrival({ kind, type }: EntryRow): boolean {
  return kind === 'in' || type === 'delivery.failed'
}

/** Of two that stand behind the same number, the one that drew it is first; of others, the order of turns counts. */
function inOrder(drew: (deed: Found) => boolean): (a: Arrival | Found, b: Arrival | Found) => number {
  const placeOf = (one: Arrival | Found) => (one.kind === 'arrival' ? one.seq : one.place)
  return (a, b) => {
    if (placeOf(a) !== placeOf(b)) return placeOf(a) - placeOf(b)
    if (a.kind === 'arrival') return -1
    if (b.kind === 'arrival') return 1
    return Number(drew(b)) - Number(drew(a)) || compare(a.rank, b.rank) || a.doneAtMs - b.doneAtMs
  }
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Whether the last number that was there when something was done is its own. */
function whoDrew(entries: readonly EntryRow[], changes: readonly ConversationChangeRow[]) {
  const bySeq = new Map(entries.map((entry) => [entry.seq, entry]))
  const causes = new Set(changes.map(({ cause }) => cause))
  return ({ kind, of, place, wasRefused }: Found): boolean => {
    const last = bySeq.get(place)
    if (wasRefused || !last || isArrival(last)) return false
    if (last.kind === 'out') return last.answers === of.id
    // Only commands note something; an event of the chat's own life comes with a change, or with what an agent said.
    return last.kind === 'note' ? kind === 'command' : causes.has(of.id) || kind === 'command'
  }
}

/** Behind the last that is not kept, and where no conversation is under way: before that, nobody knows what stood. */
function firstToReplay(
  happened: readonly (Arrival | Found)[],
  changes: readonly ConversationChangeRow[],
): { readonly from: number; readonly skipped: number } {
  const gone = happened.findLastIndex((one) => one.kind !== 'arrival' && !one.isKept)
  const causeAt = new Map(happened.map((one, index) => [one.kind === 'arrival' ? undefined : one.of.id, index]))
  let open = gone >= 0 ? openAt(gone, changes, causeAt) : 0
  let from = gone + 1
  while (from < happened.length && (open > 0 || happened[from]?.kind !== 'arrival')) {
    open = openAt(from, changes, causeAt)
    from += 1
  }
  const skipped = happened.slice(0, from).filter(({ kind }) => kind !== 'arrival').length
  return { from, skipped }
}

/** How many conversations are open after what happened at `index`. */
function openAt(
  index: number,
  changes: readonly ConversationChangeRow[],
  causeAt: ReadonlyMap<string | undefined, number>,
): number {
  let open = 0
  for (const { type, cause } of changes) {
    // A cause that is not there any more was before everything that is.
    if ((causeAt.get(cause) ?? -1) > index) continue
    if (type === 'opened') open += 1
    if (type === 'closed') open -= 1
  }
  return open
}

/** The tries that ended in another, and the end; which is left out when an arrival tells it. */
function resultsOf(
  delivery: DeliveryRow,
  tries: readonly DeliveryAttemptRow[],
  isTold: boolean,
): readonly DeliveryResultThen[] {
  const again = tries.slice(1).map(({ at, ms }, i) => ({ delivery, atMs: tries[i]?.at ?? at, againAtMs: at - ms }))
  if (isTold || delivery.done_at === null) return again
  return [...again, { delivery, atMs: delivery.done_at, againAtMs: undefined }]
}

/** Which delivery each `delivery.failed` speaks of. */
function failedDeliveries(entries: readonly EntryRow[], deliveries: readonly DeliveryRow[]) {
  const left = deliveries.filter(({ state }) => state === 'dead')
  const found = new Map<string, DeliveryRow>()
  for (const { id, type, accepted_at } of entries) {
    if (type !== 'delivery.failed') continue
    const index = left.findIndex(({ done_at }) => done_at === accepted_at)
    const [delivery] = index < 0 ? [] : left.splice(index, 1)
    if (delivery) found.set(id, delivery)
  }
  return found
}

/** What was written together with it. */
function fill(
  found: Found,
  rows: {
    /** The number before those that it drew. */
    readonly after: number
    readonly entries: readonly EntryRow[]
    readonly deliveries: readonly DeliveryRow[]
    readonly changes: readonly ConversationChangeRow[]
  },
): Deed {
  const { isKept: _kept, wasRefused: _refused, ...deed } = found
  const own = 'seq' in deed.of ? deed.of.seq : undefined
  const isDrawn = (seq: number) => seq > rows.after && seq <= deed.place
  const ofTurn = rows.deliveries.filter(({ seq }) => seq === own)
  return {
    ...deed,
    entries: rows.entries.filter((entry) => isDrawn(entry.seq) && !isArrival(entry)),
    deliveries: [
      ...rows.deliveries.filter(({ seq }) => isDrawn(seq)),
      ...ofTurn.filter(({ part, destination }) => destination !== 'channel' && part < LATE_FACTS),
    ],
    changes: rows.changes.filter(({ cause }) => cause === deed.of.id),
    lateFacts: ofTurn.find(({ part, destination }) => destination !== 'channel' && part === LATE_FACTS),
  }
}
