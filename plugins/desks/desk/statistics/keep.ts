/**
 * Keeps the moments that statistics are counted from: made of the journal, whenever somebody asks and once an hour. What
 * is kept already is not kept again, so it does not matter how often or from where it begins: a desk that is new on an
 * old journal reads all of it.
 */
import { type Kysely, sql as raw } from 'kysely'
import type { Context, JournalTables } from '#core'
import { CAUSES } from '../queue/from-journal.ts'
import { momentsOf, type Story } from './moments.ts'
import type { MomentRow, StatisticsTables } from './tables.ts'

export interface Keeping {
  /** Resolves when all that the journal has now is kept. */
  catchUp(): Promise<void>
}

/** So many conversations are read at once, so that nobody else waits for long. */
const SLICE = 200
const ROWS_AT_ONCE = 100
/** What is closed at the same time comes into the journal in any order, and a clock may be set back. */
const MARGIN_MS = 60 * 60_000

export function makeKeeping(of: {
  readonly desk: string
  readonly journal: Kysely<JournalTables>
  readonly sql: Kysely<StatisticsTables>
  readonly signal: Context<unknown, unknown>['signal']
}): Keeping {
  const { desk, journal, sql, signal } = of
  /** Of the open ones, under which lease nothing more can have happened. */
  const known = new Map<string, number>()
  let readUpToMs = 0
  /** The newest run. Once it has begun, it may have passed by what happens. */
  let newest = Promise.resolve()
  let hasBegun = true

  async function run(): Promise<void> {
    hasBegun = true
    await keepOpen()
    await keepClosed()
  }

  async function keepOpen(): Promise<void> {
    const open = await conversations().where('conversation.state', '<>', 'closed').execute()
    const isOpen = new Set(open.map(({ id }) => id))
    for (const id of known.keys()) if (!isOpen.has(id)) known.delete(id)
    const news = open.filter(({ id, lease }) => known.get(id) !== lease)
    for (let from = 0; from < news.length && !signal.aborted; from += SLICE) {
      const slice = news.slice(from, from + SLICE)
      const moments = await keep(slice)
      for (const { id, lease, state } of slice) {
        const last = moments.findLast(
          ({ what, conversation }) => conversation === id && (what === 'handed-over' || what === 'answered'),
        )
        // Whoever has it has still to give their first answer since it came to people.
        const isAwaited = state === 'assigned' && last?.what === 'handed-over'
        if (!isAwaited) known.set(id, lease)
      }
    }
  }

  async function keepClosed(): Promise<void> {
    const last = await sql
      .selectFrom('moment')
      .select('at')
      .where('what', '=', 'closed')
      .orderBy('at', 'desc')
      .limit(1)
      .executeTakeFirst()
    // Those of other desks are kept nowhere, and not read again for that.
    let after: readonly [number, string] = [Math.max(last?.at ?? 0, readUpToMs) - MARGIN_MS, '']
    while (!signal.aborted) {
      const [afterMs, afterId] = after
      const slice = await conversations()
        .where('conversation.closed_at', 'is not', null)
        .where('conversation.closed_at', '>=', afterMs)
        .where(raw<boolean>`(conversation.closed_at, conversation.id) > (${afterMs}, ${afterId})`)
        .orderBy('conversation.closed_at')
        .orderBy('conversation.id')
        .limit(SLICE)
        .execute()
      const there = await keptOf(slice.map(({ closed_at }) => closed_at ?? 0))
      await keep(slice.filter(({ id }) => !there.has(id)))
      const end = slice.at(-1)
      if (!end) return
      readUpToMs = end.closed_at ?? 0
      if (slice.length < SLICE) return
      after = [readUpToMs, end.id]
    }
  }

  /** Of those that were closed between the first and the last of these moments, the ones that are kept. */
  async function keptOf(times: readonly number[]): Promise<ReadonlySet<string>> {
    const [first, last] = [times[0], times.at(-1)]
    if (first === undefined || last === undefined) return new Set()
    const rows = await sql
      .selectFrom('moment')
      .select('conversation')
      .where('what', '=', 'closed')
      .where('at', '>=', first)
      .where('at', '<=', last)
      .execute()
    return new Set(rows.map(({ conversation }) => conversation))
  }

  const conversations = () =>
    journal
      .selectFrom('conversation')
      .innerJoin('chat', 'chat.id', 'conversation.chat')
      .select(['conversation.id', 'conversation.state', 'conversation.lease', 'conversation.origin'])
      .select(['conversation.closed_at', 'chat.account'])

  async function keep(slice: readonly Told[]): Promise<readonly MomentRow[]> {
    if (slice.length === 0) return []
    const moments = (await storiesOf(slice)).flatMap((story) => momentsOf(desk, story))
    // Closed is kept last: it tells that the others are there.
    const inOrder = moments.toSorted((a, b) => Number(a.what === 'closed') - Number(b.what === 'closed'))
    for (let from = 0; from < inOrder.length; from += ROWS_AT_ONCE) {
      await sql
        .insertInto('moment')
        .values(inOrder.slice(from, from + ROWS_AT_ONCE))
        .onConflict((there) => there.doNothing())
        .execute()
    }
    return moments
  }

  async function storiesOf(slice: readonly Told[]): Promise<readonly Story[]> {
    const ids = slice.map(({ id }) => id)
    const [changes, messages] = await Promise.all([
      journal
        .selectFrom('conversation_change')
        .select(['conversation', 'n', 'at', 'type', 'actor_json', 'because', 'owner_json', 'cause'])
        .where('conversation', 'in', ids)
        .orderBy('conversation')
        .orderBy('n')
        .execute(),
      messagesOf(ids),
    ])
    const changesOf = Map.groupBy(changes, ({ conversation }) => conversation)
    const messagesIn = Map.groupBy(messages, ({ conversation }) => conversation)
    return slice.map(({ id, account, origin }) => ({
      id,
      account,
      origin,
      changes: changesOf.get(id) ?? [],
      messages: (messagesIn.get(id) ?? []).map(({ at, person }) => ({ at, person: person ?? undefined })),
    }))
  }

  /** What customers and people have written in those that a person has had, from the message on that opened them. */
  function messagesOf(ids: readonly string[]) {
    return (
      journal
        .selectFrom('conversation')
        .innerJoin('entry', (join) =>
          join.onRef('entry.chat', '=', 'conversation.chat').onRef('entry.conversation', '=', 'conversation.id'),
        )
        .select('conversation.id as conversation')
        .select(raw<string | null>`json_extract(entry.by_json, '$.person')`.as('person'))
        // When a customer wrote, the platform may say by a clock of its own.
        .select(raw<number>`iif(entry.kind = 'in', entry.accepted_at, entry.at)`.as('at'))
        .where('conversation.id', 'in', ids)
        .where(
          raw<boolean>`EXISTS (SELECT 1 FROM conversation_change a
          WHERE a.conversation = conversation.id AND a.type = 'assigned')`,
        )
        .where(
          raw<boolean>`entry.seq >= coalesce((SELECT o.seq FROM conversation_change c JOIN entry o ON o.id = c.cause
          WHERE c.conversation = conversation.id AND c.n = 1), 0)`,
        )
        .where((where) =>
          where.or([
            where.and([where('entry.kind', '=', 'in'), where('entry.type', '=', 'message')]),
            where.and([
              where('entry.kind', '=', 'out'),
              raw<boolean>`instr(entry.by_json, '"kind":"agent"') > 0`,
              raw<boolean>`coalesce(entry.answers, '') NOT LIKE ${`${CAUSES.greeting}%`}`,
            ]),
          ]),
        )
        .orderBy('conversation.id')
        .orderBy('entry.seq')
        .execute()
    )
  }

  return {
    catchUp() {
      if (hasBegun) newest = newest.then(run, run)
      hasBegun = false
      return newest
    },
  }
}

/** Of a conversation, without its changes. */
interface Told extends Pick<Story, 'id' | 'account' | 'origin'> {
  readonly state: string
  readonly lease: number
  readonly closed_at: number | null
}
