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
import { attemptsOf, deliveriesOf } from '../journal/deliveries.ts'
import type {
  ChatRow,
  CommandRow,
  ConversationChangeRow,
  CustomerThen,
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
  /** A command that was refused, or that came too late to change anything. */
  readonly changedNothing: boolean
  /** The entry that was handled; of a command, its row. */
  readonly of: EntryRow | CommandRow
  readonly revision: string
  /** The chat's latest number and the time when it began, and when it was done. */
  readonly startedSeq: number
  readonly startedAtMs: number
  readonly doneAtMs: number
  /** Behind which number of the chat it stands, and before or behind which entries' turns there. */
  readonly place: number
  readonly rank: number
  readonly steps: readonly TraceStep[]
  /** What enrichers had found before it was done, in whichever round. */
  readonly found: readonly TraceStep[]
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
  /** Whose the chat was at first: a customer may turn out to be another one. */
  readonly customer: string
  /** Turns and commands at the beginning that can no longer be replayed. */
  readonly skipped: number
}

const Customer: z.ZodType<CustomerThen> = z.object({
  id: z.string(),
  name: z.string().nullable(),
  language: z.string().nullable(),
  avatar_url: z.string().nullable(),
  tags_json: z.string(),
  fields_json: z.string(),
  user_id: z.string().nullable(),
  was: z.string().optional(),
})

/** Who sent an event, as far as it is kept. */
export function customerThen({ customer_json }: EntryRow): CustomerThen | undefined {
  return customer_json === null ? undefined : Customer.parse(JSON.parse(customer_json))
}

const Result = z.object({ ok: z.boolean(), code: z.string().optional() })

/** Reads a chat. Throws when there is no such chat. Whatever was done by a revision in `cannotRun` is left out. */
export async function readRecording(
  journal: Kysely<JournalTables>,
  chatId: string,
  cannotRun: ReadonlySet<string> = new Set(),
): Promise<Recording> {
  const chat = await journal.selectFrom('chat').selectAll().where('id', '=', chatId).executeTakeFirstOrThrow()
  const entries = await journal.selectFrom('entry').selectAll().where('chat', '=', chatId).orderBy('seq').execute()
  const deliveries = await deliveriesOf(journal, chatId, entries)
  const [commands, attempts, changes] = await Promise.all([
    journal.selectFrom('command').selectAll().where('chat', '=', chatId).orderBy('at').execute(),
    attemptsOf(journal, deliveries),
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
  const drew = whoDrew(entries, changes)
  const deeds = [...entries.flatMap(turnOf), ...commands.filter(wasDecided).map((row) => commandOf(row, entries, drew))]
  const happened = [...arrivals, ...deeds].sort(inOrder(drew))
  let drawn = 0
  const filled = happened.map((one) => {
    if (one.kind === 'arrival') {
      drawn = one.seq
      return one
    }
    const after = drawn
    if (!one.changedNothing) drawn = Math.max(drawn, one.place)
    return fill(one, { after, entries, deliveries, changes })
  })
  const told = new Set([...failed.values()].map(({ id }) => id))
  const triesOf = Map.groupBy(attempts, ({ delivery }) => delivery)
  const results = deliveries
    .flatMap((delivery) => resultsOf(delivery, triesOf.get(delivery.id) ?? [], told.has(delivery.id)))
    .sort((a, b) => a.atMs - b.atMs)
  const isKept = (deed: Deed) => isComplete(deed) && !cannotRun.has(deed.revision)
  const gone = Math.max(
    filled.findLastIndex((one) => one.kind !== 'arrival' && !isKept(one)),
    lastHole(filled, entries),
  )
  const { from, skipped } = firstToReplay(filled, changes, gone)
  const kept = filled.slice(from)
  const first = kept.flatMap((one) => (one.kind === 'arrival' ? (customerThen(one.entry) ?? []) : []))[0]
  return { chat, happened: kept, results, customer: first?.was ?? first?.id ?? chat.customer, skipped }
}

type Drawing = Pick<Deed, 'of' | 'place'>
type Found = Omit<Deed, 'entries' | 'deliveries' | 'changes' | 'lateFacts'>

/** Whether all is kept that a replay needs: older versions did not, and traces and commands go after a while. */
function isComplete({ kind, of, revision, entries }: Deed): boolean {
  const isThere = (json: string | null | undefined) => json !== null && json !== undefined
  if (revision === '' || !isThere('trace_json' in of ? of.trace_json : null)) return false
  if (kind === 'command' && !('result_json' in of && isThere(of.body_json))) return false
  // What stands among its own but is not: whoever did that is gone.
  return entries.every((entry) => {
    if (entry.kind === 'out') return entry.answers === of.id
    return entry.kind !== 'note' || kind === 'command'
  })
}

function turnOf(entry: EntryRow): readonly Found[] {
  if (entry.done_at === null || (entry.kind !== 'in' && entry.kind !== 'life')) return []
  const { revision, started_at, started_seq, done_seq, trace_json } = entry
  const steps = stepsOf(trace_json)
  return [
    {
      kind: 'turn',
      of: entry,
      changedNothing: false,
      revision: revision ?? '',
      startedSeq: started_seq ?? entry.seq,
      startedAtMs: started_at ?? entry.done_at,
      place: done_seq ?? entry.seq,
      rank: entry.seq,
      doneAtMs: entry.done_at,
      steps: finalRound(steps),
      found: steps.filter(({ stage }) => stage === 'enrich'),
    },
  ]
}

/** A variable that was missing for a while is not in the text of the YAML: nothing was decided. */
function wasDecided({ result_json, type }: CommandRow): boolean {
  // What became of the second try stands with the delivery.
  return type !== 'resend' && Result.parse(JSON.parse(result_json)).code !== 'CHANNEL_DOWN'
}

/** One that changed nothing, most of them because they were refused, stands where it was decided. */
function commandOf(row: CommandRow, entries: readonly EntryRow[], drew: (deed: Drawing) => boolean): Found {
  const { revision, done_seq, trace_json, at } = row
  const result = Result.parse(JSON.parse(row.result_json))
  const seen = { place: row.seen_seq ?? 0, rank: (row.seen_waiting ?? Infinity) - 0.5 }
  const done = { place: done_seq ?? 0, rank: Infinity }
  const changedNothing = !result.ok || !drew({ of: row, place: done.place })
  const stands = changedNothing ? seen : done
  return {
    kind: 'command',
    of: row,
    changedNothing,
    revision: revision ?? '',
    startedSeq: done_seq ?? 0,
    startedAtMs: at,
    doneAtMs: at,
    ...(result.code === 'NEW_MESSAGE' ? (untilMessage(seen, entries) ?? seen) : stands),
    steps: stepsOf(trace_json),
    found: [],
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
function inOrder(drew: (deed: Drawing) => boolean): (a: Arrival | Found, b: Arrival | Found) => number {
  const placeOf = (one: Arrival | Found) => (one.kind === 'arrival' ? one.seq : one.place)
  return (a, b) => {
    if (placeOf(a) !== placeOf(b)) return placeOf(a) - placeOf(b)
    if (a.kind === 'arrival') return -1
    if (b.kind === 'arrival') return 1
    const first = (one: Found) => Number(!one.changedNothing && drew(one))
    return first(b) - first(a) || compare(a.rank, b.rank) || a.doneAtMs - b.doneAtMs
  }
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Whether the last number that was there when something was done is its own. */
function whoDrew(entries: readonly EntryRow[], changes: readonly ConversationChangeRow[]) {
  const bySeq = new Map(entries.map((entry) => [entry.seq, entry]))
  const did = new Set(changes.map(({ cause, type }) => `${cause} ${type}`))
  const changed = new Set(changes.map(({ cause }) => cause))
  return ({ of, place }: Drawing): boolean => {
    let last = bySeq.get(place)
    // What an agent said is followed by the news of it.
    while (last?.type === 'agent.replied') last = bySeq.get(last.seq - 1)
    if (!last || isArrival(last)) return false
    if (last.kind === 'out') return last.answers === of.id
    if (last.kind === 'life') return did.has(`${of.id} ${last.type.replace('conversation.', '')}`)
    const isItself = last.type === 'note' ? last.by_json === of.by_json : changed.has(of.id)
    return last.type === of.type && isItself
  }
}

/** What was said or noted by nobody who is still there: behind it is where they were. */
function lastHole(happened: readonly (Arrival | Deed)[], entries: readonly EntryRow[]): number {
  const owned = new Set(happened.flatMap((one) => (one.kind === 'arrival' ? [] : one.entries)))
  const orphan = entries.findLast((entry) => !isArrival(entry) && !owned.has(entry))
  if (!orphan) return -1
  return happened.findLastIndex((one) => (one.kind === 'arrival' ? one.seq : one.place) < orphan.seq)
}

/**
 * Behind the last that is `gone`, and where nothing waits and no conversation is under way: before that, nobody knows
 * what stood.
 */
function firstToReplay(
  happened: readonly (Arrival | Deed)[],
  changes: readonly ConversationChangeRow[],
  gone: number,
): { readonly from: number; readonly skipped: number } {
  const openAfter = openings(happened, changes)
  const waiting = new Set<string>()
  let open = 0
  let from = 0
  for (const [index, one] of happened.entries()) {
    if (index > gone && open === 0 && waiting.size === 0 && one.kind === 'arrival') break
    from = index + 1
    open += openAfter[index] ?? 0
    if (one.kind === 'arrival') waiting.add(one.entry.id)
    else {
      for (const { id, kind } of one.entries) if (kind === 'life') waiting.add(id)
      // Last: where whatever made an event of the chat's life is gone, the event seems to be its own.
      waiting.delete(one.of.id)
    }
  }
  const skipped = happened.slice(0, from).filter(({ kind }) => kind !== 'arrival').length
  return { from, skipped }
}

/** By how many the open conversations have become more at each place; whoever did it may be gone, the time is not. */
function openings(happened: readonly (Arrival | Deed)[], changes: readonly ConversationChangeRow[]): readonly number[] {
  const places = new Map(happened.map((one, index) => [one.kind === 'arrival' ? undefined : one.of.id, index]))
  const more = happened.map(() => 0)
  for (const { type, cause, at } of changes) {
    if (type !== 'opened' && type !== 'closed') continue
    const index =
      places.get(cause) ?? happened.findLastIndex((one) => (one.kind === 'arrival' ? one.atMs : one.doneAtMs) <= at)
    more[Math.max(index, 0)] = (more[Math.max(index, 0)] ?? 0) + (type === 'opened' ? 1 : -1)
  }
  return more
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
  const own = 'seq' in found.of ? found.of.seq : undefined
  const isDrawn = (seq: number) => !found.changedNothing && seq > rows.after && seq <= found.place
  const ofTurn = rows.deliveries.filter(({ seq }) => seq === own)
  return {
    ...found,
    entries: rows.entries.filter((entry) => isDrawn(entry.seq) && !isArrival(entry)),
    deliveries: [
      ...rows.deliveries.filter(({ seq }) => isDrawn(seq)),
      ...ofTurn.filter(({ part, destination }) => destination !== 'channel' && part < LATE_FACTS),
    ],
    changes: rows.changes.filter(({ cause }) => cause === found.of.id),
    lateFacts: ofTurn.find(({ part, destination }) => destination !== 'channel' && part === LATE_FACTS),
  }
}
