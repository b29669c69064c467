/** Conversations as rows of lists: which ones a caller may see, in which order, and what is shown of each. */
import { type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import { type JournalTables, z } from '#core'
import type { Calling } from '../access/door.ts'
import type { AccessTables } from '../access/tables.ts'
import type { RatingsOf } from './ratings.ts'
import { Refusal } from './refusal.ts'
import { byOf, firstWords, summaryOf } from './said.ts'
import { type Placed, personOf, type Sight } from './seen.ts'
import type { asked, Counts, ListName, Rating, Row, Rows } from './shapes.ts'

/** More unread messages than this are as many as this. */
const MAX_UNREAD = 99

/** Fewer customers than this are looked through one by one. */
const MAX_NAMED = 50

/** Among so many of ours, the latest, it is looked for what did not get through. */
const FAILED_AMONG = 50

/** A row for everybody, and what is needed to say who may see it. What differs from person to person is added to it. */
export interface SharedRow {
  readonly row: Omit<Row, 'unread' | 'lookers'>
  readonly placed: Placed
  /** Where it was before it came to who has it now, and by which lease: whoever saw it there and no longer does is told. */
  readonly placesBefore: readonly { readonly lease: number; readonly placed: Placed }[]
  /** The numbers of the customer's latest messages, at most 100. */
  readonly messages: readonly number[]
}

export interface RowsOf {
  /** One page of a list. */
  page(calling: Calling, query: z.output<typeof asked.list>): Promise<Rows>
  /** All that are open, counted by whose they are: once for everybody who asks. */
  groups(): Promise<readonly Group[]>
  counts(calling: Calling, groups: readonly Group[]): Counts
  /** The rows of these conversations, whoever may see them. */
  shared(ids: readonly string[]): Promise<readonly SharedRow[]>
  /** The open conversations of these chats, or the latest, and those before them that were closed since. */
  latestOf(chats: readonly string[], closedSinceMs: number): Promise<readonly string[]>
  /** How far each person has read in these chats. */
  readings(chats: readonly string[]): Promise<Readings>
  /** A row as somebody sees it. */
  asSeenBy(calling: Calling, shared: SharedRow, readings: Readings): Row
}

/** So many open conversations are of one kind. */
export type Group = Placed & { readonly state: Row['state']; readonly n: number }

/** By chat, and then by person. */
export type Readings = ReadonlyMap<string, ReadonlyMap<string, number>>

/** Where a page ended: the key by which it is sorted, and the conversation. */
const Cursor = z.tuple([z.number(), z.string()])

export function makeRows(of: {
  readonly journal: Kysely<JournalTables>
  readonly sql: Kysely<AccessTables>
  readonly sight: Sight
  /** The name of a channel by its account. */
  channelOf(account: string): string
  accountOf(channel: string): string | undefined
  titleOf(person: string): string | undefined
  isBlocked(customer: string): Promise<boolean>
  readonly ratingsOf: RatingsOf
  /** The customers who have this in their name, at most so many. */
  named(part: string, most: number): Promise<readonly string[]>
  /** Who looks at a chat now. */
  lookersAt(chat: string): readonly string[]
}): RowsOf {
  const { journal, sight } = of

  const joined = () => journal.selectFrom('conversation').innerJoin('chat', 'chat.id', 'conversation.chat')

  /** By the indexes of those that are open, which are few: SQLite takes them where the state stands in the query itself. */
  const inList = (calling: Calling, list: ListName) => {
    switch (list) {
      case 'mine':
        return sql<boolean>`conversation.state = 'assigned' and +conversation.person = ${personOf(calling)}`
      case 'queue':
        return sql<boolean>`conversation.state = 'queued'`
      case 'bot':
        return sql<boolean>`conversation.state <> 'closed' and conversation.state = 'bot'`
      case 'all':
        return sql<boolean>`conversation.state <> 'closed'`
      case 'closed':
        return sql<boolean>`conversation.closed_at is not null`
    }
  }

  /** Of the key, `sign` 1: the smallest first. */
  function orderOf({ list, sort }: z.output<typeof asked.list>) {
    if (list === 'closed') return { key: sql<number>`conversation.closed_at`, sign: -1 } as const
    if (sort === 'newest') return { key: sql<number>`chat.last_in_at`, sign: -1 } as const
    return { key: waitingSince, sign: 1 } as const
  }

  async function page(calling: Calling, query: z.output<typeof asked.list>): Promise<Rows> {
    const { list, channel, team, person, search, limit } = query
    const account = channel === undefined ? undefined : of.accountOf(channel)
    if (channel !== undefined && account === undefined) return { rows: [] }
    const named = search === undefined ? undefined : await of.named(search, MAX_NAMED)
    if (named?.length === 0) return { rows: [] }
    const { key, sign } = orderOf(query)
    const direction = sign === 1 ? 'asc' : 'desc'
    let found = joined()
      .select(['conversation.id', key.as('at')])
      .where(inList(calling, list))
      .orderBy('at', direction)
      .orderBy('conversation.id', direction)
      .limit(limit + 1)
    // By the open ones, which are few, and by no index of all that there ever were: that is what the + says. Closed ones
    // are looked up by what is asked for, or else part by part.
    const plus = sql.raw(list === 'closed' ? '' : '+')
    if (account !== undefined) found = found.where(sql<boolean>`+chat.account = ${account}`)
    if (team !== undefined) found = found.where(sql<boolean>`${plus}conversation.team = ${team}`)
    if (person !== undefined) found = found.where(sql<boolean>`${plus}conversation.person = ${person}`)
    // By these customers, if they are few; else a page is soon full of those whose name it is.
    if (named && named.length < MAX_NAMED) found = found.where('conversation.customer', 'in', named)
    else if (search !== undefined) found = found.where(isNamed(search))
    if (query.cursor !== undefined) {
      const [at, id] = cursorOf(query.cursor)
      found = found.where(
        sign === 1
          ? sql<boolean>`(${key}, conversation.id) > (${at}, ${id})`
          : sql<boolean>`(${key}, conversation.id) < (${at}, ${id})`,
      )
    }
    const isAll = list === 'closed' && team === undefined && person === undefined
    const theirs = isAll ? sight.parts(calling) : [sight.condition(calling)]
    const parts = await Promise.all(theirs.map((condition) => found.where(condition).execute()))
    const ids = theirs.length === 1 ? parts.flat() : newestOf(parts.flat()).slice(0, limit + 1)
    const shown = ids.slice(0, limit)
    const rows = await shared(shown.map(({ id }) => id))
    const read = await readings(rows.map(({ row }) => row.chat))
    const last = shown.at(-1)
    return {
      rows: rows.map((row) => asSeenBy(calling, row, read)),
      ...(ids.length > limit && last && { next: JSON.stringify([last.at, last.id]) }),
    }
  }

  async function groups(): Promise<readonly Group[]> {
    return joined()
      .select(['conversation.state', 'conversation.desk', 'conversation.team', 'conversation.person', 'chat.account'])
      .select((select) => select.fn.countAll<number>().as('n'))
      .where('conversation.state', '!=', 'closed')
      .groupBy(['conversation.state', 'conversation.desk', 'conversation.team', 'conversation.person', 'chat.account'])
      .execute()
  }

  function counts(calling: Calling, all: readonly Group[]): Counts {
    const theirs = all.filter((group) => sight.sees(calling, group))
    const sum = (groups: readonly Group[]) => groups.reduce((total, { n }) => total + n, 0)
    const inState = (state: Group['state']) => theirs.filter((group) => group.state === state)
    return {
      mine: sum(inState('assigned').filter(({ person }) => person === personOf(calling))),
      queue: sum(inState('queued')),
      bot: sum(inState('bot')),
      all: sum(theirs),
    }
  }

  async function shared(ids: readonly string[]): Promise<readonly SharedRow[]> {
    if (ids.length === 0) return []
    const found = await withAll(joined().where('conversation.id', 'in', ids)).execute()
    const blocked = new Map<string, boolean>()
    for (const { customer } of found) if (!blocked.has(customer)) blocked.set(customer, await of.isBlocked(customer))
    const ratings = await of.ratingsOf(found.flatMap(({ id, closed_at }) => (closed_at === null ? [] : id)))
    const rows = new Map(
      found.map((row) => [row.id, sharedRow(row, blocked.get(row.customer) ?? false, ratings.get(row.id))]),
    )
    return ids.flatMap((id) => rows.get(id) ?? [])
  }

  function sharedRow(row: Found, isBlocked: boolean, rating: Rating | undefined): SharedRow {
    const said = row.last_body === null ? undefined : firstWords(row.last_body)
    const by = row.last_by === null ? undefined : byOf(row.last_by, of.titleOf)
    const numbers = z.array(z.number()).parse(JSON.parse(row.messages))
    return {
      placed: { desk: row.desk, team: row.team, person: row.person, account: row.account },
      placesBefore: OwnersBefore.parse(JSON.parse(row.owners_before)).map(({ lease, owner }) => ({
        lease,
        placed: { ...owner, account: row.account },
      })),
      messages: numbers,
      row: {
        id: row.id,
        chat: row.chat,
        customer: {
          id: row.customer,
          ...(row.name !== null && { name: row.name }),
          ...(row.avatar_url !== null && { avatarUrl: row.avatar_url }),
          ...(row.language !== null && { language: row.language }),
        },
        channel: of.channelOf(row.account),
        ...(row.entry !== null && { entry: row.entry }),
        state: row.state,
        ...(row.bot !== null && { bot: row.bot }),
        ...(row.team !== null && { team: row.team }),
        ...(row.person !== null && { person: row.person }),
        origin: row.origin,
        lease: row.lease,
        openedAtMs: row.opened_at,
        ...(row.queued_at !== null && { queuedAtMs: row.queued_at }),
        ...(row.queued_because !== null && { queuedBecause: row.queued_because }),
        ...(row.assigned_at !== null && { assignedAtMs: row.assigned_at }),
        ...(row.closed_at !== null && {
          closed: {
            atMs: row.closed_at,
            reason: row.close_reason ?? '',
            ...(row.closed_by_json !== null && { by: byOf(row.closed_by_json, of.titleOf) }),
            ...summaryOf(row.summary_json),
            ...(rating && { rating }),
          },
        }),
        head: row.head,
        ...(said && by && row.last_at !== null && { last: { ...said, by, atMs: row.last_at } }),
        ...(row.state !== 'closed' && row.waiting_since !== null && { waitingSinceMs: row.waiting_since }),
        isBlocked,
        failed: row.failed,
      },
    }
  }

  function asSeenBy(calling: Calling, { row, messages }: SharedRow, readings: Readings): Row {
    const upTo = readings.get(row.chat)?.get(personOf(calling)) ?? 0
    return {
      ...row,
      unread: Math.min(MAX_UNREAD, messages.filter((seq) => seq > upTo).length),
      lookers: of.lookersAt(row.chat).filter((person) => person !== personOf(calling)),
    }
  }

  async function readings(chats: readonly string[]): Promise<Readings> {
    const byChat = new Map<string, Map<string, number>>()
    if (chats.length === 0) return byChat
    const rows = await of.sql.selectFrom('reading').selectAll().where('chat', 'in', chats).execute()
    for (const { chat, person, seq } of rows) {
      const there = byChat.get(chat) ?? new Map<string, number>()
      byChat.set(chat, there.set(person, seq))
    }
    return byChat
  }

  async function latestOf(chats: readonly string[], closedSinceMs: number): Promise<readonly string[]> {
    const rows = await journal
      .selectFrom('chat')
      .select([
        'chat.conversation',
        (select) =>
          select
            .selectFrom('conversation')
            .select('conversation.id')
            .whereRef('conversation.chat', '=', 'chat.id')
            .orderBy('conversation.opened_at', 'desc')
            .limit(1)
            .as('latest'),
        sql<string>`(
          select json_group_array(c.id) from (
            select id, closed_at from conversation where conversation.chat = chat.id order by opened_at desc limit 3) c
          where c.closed_at >= ${closedSinceMs})`.as('closed'),
      ])
      .where('chat.id', 'in', chats)
      .execute()
    const ids = rows.flatMap(({ conversation, latest, closed }) => [
      ...Ids.parse(JSON.parse(closed)),
      conversation ?? latest,
    ])
    return [...new Set(ids.filter((id) => id !== null))]
  }

  return { page, groups, counts, shared, latestOf, readings, asSeenBy }
}

/** Of `owner_json`. A bot’s is at no desk. */
const Owner = z
  .looseObject({ desk: z.string().optional(), team: z.string().optional(), person: z.string().optional() })
  .transform(({ desk = null, team = null, person = null }) => ({ desk, team, person }))
const OwnersBefore = z.array(z.object({ lease: z.number(), owner: Owner }))
const Ids = z.array(z.string())

/** Each once, though it stands in several parts. */
function newestOf<T extends { readonly id: string; readonly at: number }>(found: readonly T[]): readonly T[] {
  const each = [...new Map(found.map((one) => [one.id, one])).values()]
  return each.sort((one, other) => other.at - one.at || (other.id > one.id ? 1 : -1))
}

function cursorOf(text: string): z.output<typeof Cursor> {
  try {
    return Cursor.parse(JSON.parse(text))
  } catch (cause) {
    throw new Refusal('CURSOR_NOT_GOOD', { cause })
  }
}

const isNamed = (part: string) => sql<boolean>`exists (
  select 1 from customer named where named.id = conversation.customer and instr(lower(named.name), lower(${part})))`

/** Who waits for nothing stands last. */
const NEVER = Number.MAX_SAFE_INTEGER

/**
 * When the customer wrote the first message that no agent or bot has answered. What stands between quotes in a name is
 * escaped in JSON, so the words are found where they count.
 */
const unanswered = sql<number>`coalesce((
  select e.at from entry e
  where e.chat = conversation.chat and e.kind = 'in' and e.type = 'message' and e.conversation = conversation.id
    and e.seq > coalesce((
      select o.seq from entry o
      where o.chat = conversation.chat and o.kind = 'out'
        and (instr(o.by_json, '"kind":"agent"') or instr(o.by_json, '"kind":"bot"'))
      order by o.seq desc limit 1), 0)
  order by e.seq limit 1), ${sql.lit(NEVER)})`

/**
 * Since when the customer waits. Nobody waits for people while a bot has the conversation; in the queue everybody does,
 * also whom the bot has told that a person comes.
 */
const waitingSince = sql<number>`case conversation.state
  when 'bot' then ${sql.lit(NEVER)}
  when 'queued' then min(${unanswered}, coalesce(conversation.queued_at, ${sql.lit(NEVER)}))
  else ${unanswered} end`

/** All that a row shows, each found by the order of its chat. */
function withAll(query: SelectQueryBuilder<JournalTables, 'conversation' | 'chat', object>) {
  return query
    .innerJoin('customer', 'customer.id', 'conversation.customer')
    .leftJoin('entry as last', (join) =>
      join.on(
        sql<boolean>`last.id = (
          select e.id from entry e
          where e.chat = chat.id and (e.kind = 'out' or (e.kind = 'in' and (e.type = 'message' or e.type = 'agent-message')))
          order by e.seq desc limit 1)`,
      ),
    )
    .selectAll('conversation')
    .select(['chat.account', 'chat.seq as head', 'customer.name', 'customer.avatar_url', 'customer.language'])
    .select(['last.body_json as last_body', 'last.by_json as last_by', 'last.at as last_at'])
    .select([
      sql<number | null>`nullif(${waitingSince}, ${sql.lit(NEVER)})`.as('waiting_since'),
      sql<string | null>`(
        select json_extract(e.body_json, '$.entry') from conversation_change o join entry e on e.id = o.cause
        where o.conversation = conversation.id and o.n = 1)`.as('entry'),
      sql<string>`(
        select json_group_array(json_object('lease', b.lease, 'owner', json(b.owner_json))) from conversation_change b
        where b.conversation = conversation.id and b.lease < conversation.lease)`.as('owners_before'),
      sql<string | null>`case when conversation.state = 'queued' then (
        select w.because from conversation_change w
        where w.conversation = conversation.id order by w.n desc limit 1) end`.as('queued_because'),
      sql<string>`(
        select json_group_array(seq) from (
          select e.seq from entry e where e.chat = chat.id and e.kind = 'in' and e.type = 'message'
          order by e.seq desc limit ${MAX_UNREAD + 1}))`.as('messages'),
      sql<number>`(
        select count(*) from (
          select o.id from entry o
          where o.chat = chat.id and o.kind = 'out' and o.conversation = conversation.id
          order by o.seq desc limit ${FAILED_AMONG}) said
        join delivery d on d.entry = said.id
        where d.destination = 'channel' and d.by_kind = 'agent' and d.state in ('dead', 'unknown'))`.as('failed'),
    ])
}
type Found = Awaited<ReturnType<ReturnType<typeof withAll>['execute']>>[number]
