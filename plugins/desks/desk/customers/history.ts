/**
 * What happened with one customer in all their chats, one after the other, by pages in both directions.
 *
 * Each chat has its own order. Of several chats the pages are put together by when each thing came in; where a page
 * begins and ends is known by how far each chat has been read, so that nothing is missed or repeated, whatever the
 * clock did.
 */
import { type Kysely, sql } from 'kysely'
import { type JournalTables, z } from '#core'
import type { Calling } from '../access/door.ts'
import type { askedOfCustomers, History } from '../api/customers-shapes.ts'
import { ENTRY_COLUMNS, type EntriesOf, type EntryFound, isShown } from '../api/entries.ts'
import { Refusal } from '../api/refusal.ts'
import type { Sight } from '../api/seen.ts'

/** Of more chats than this the latest are read: nobody has so many. */
const MAX_CHATS = 50

/** For each chat the number up to which it is before this place. */
type Place = ReadonlyMap<string, number>
const Cursor = z.record(z.string(), z.int().nonnegative())

type Ask = (calling: Calling, customer: string, query: z.output<typeof askedOfCustomers.history>) => Promise<History>

export function makeHistory(of: {
  readonly journal: Kysely<JournalTables>
  readonly sight: Sight
  readonly entries: EntriesOf
}): Ask {
  const { journal, sight, entries } = of

  /** The conversations with this customer that may be seen. */
  const conversationsOf = (calling: Calling, customer: string) =>
    journal
      .selectFrom('conversation')
      .innerJoin('chat', 'chat.id', 'conversation.chat')
      .where('conversation.customer', '=', customer)
      .where(sight.condition(calling))

  /** The chats in which there is something to read. Whoever sees only some conversations sees only their chats. */
  async function chatsOf(calling: Calling, customer: string): Promise<readonly string[]> {
    const served = conversationsOf(calling, customer).select('conversation.chat as id').distinct()
    const own = journal.selectFrom('chat').select('id').where('customer', '=', customer)
    const was = journal.selectFrom('chat_was').select('chat as id').where('customer', '=', customer)
    const rows = await (calling.teams ? served : served.union(own).union(was)).execute()
    const ids = rows.map(({ id }) => id)
    return ids.toSorted().slice(-MAX_CHATS)
  }

  /** Of a chat what is this customer’s: in a browser that several have used, another’s conversation is theirs. */
  function entriesIn(calling: Calling, customer: string, chat: string) {
    return journal
      .selectFrom('entry')
      .select(ENTRY_COLUMNS)
      .where('entry.chat', '=', chat)
      .where(isShown)
      .where((where) =>
        where.or([
          where('entry.conversation', 'in', conversationsOf(calling, customer).select('conversation.id')),
          where.and([where('entry.conversation', 'is', null), where(whoseThen(chat), '=', customer)]),
        ]),
      )
  }

  /** The place where a conversation begins; `undefined`: it is none of this customer’s. */
  async function beginningOf(calling: Calling, customer: string, chats: readonly string[], conversation: string) {
    const found = await conversationsOf(calling, customer)
      .select('conversation.chat')
      .where('conversation.id', '=', conversation)
      .executeTakeFirst()
    const first =
      found &&
      (await journal
        .selectFrom('entry')
        .select(['seq', 'accepted_at'])
        .where('chat', '=', found.chat)
        .where('conversation', '=', conversation)
        .orderBy('seq')
        .limit(1)
        .executeTakeFirst())
    if (!first) return undefined
    const place = new Map<string, number>()
    for (const chat of chats) {
      const before = await journal
        .selectFrom('entry')
        .select('seq')
        .where('chat', '=', chat)
        // As `isEarlier` has it.
        .where('accepted_at', chat < found.chat ? '<=' : '<', first.accepted_at)
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      place.set(chat, chat === found.chat ? first.seq - 1 : (before?.seq ?? 0))
    }
    return place
  }

  async function endOf(chats: readonly string[]): Promise<Place> {
    const rows = await journal.selectFrom('chat').select(['id', 'seq']).where('id', 'in', chats).execute()
    return new Map(rows.map(({ id, seq }) => [id, seq]))
  }

  return async (calling, customer, { before, after, conversation, limit }) => {
    const chats = await chatsOf(calling, customer)
    const given = before ?? after
    const place =
      given !== undefined
        ? placeOf(given)
        : conversation !== undefined
          ? await beginningOf(calling, customer, chats, conversation)
          : await endOf(chats)
    if (!place) throw new Refusal('NOT_FOUND')
    const forwards = after !== undefined || (before === undefined && conversation !== undefined)
    // A chat that has come since is read by whoever begins anew.
    const read = chats.filter((chat) => place.has(chat))

    const found = new Map<string, readonly EntryFound[]>()
    for (const chat of read) {
      const from = place.get(chat) ?? 0
      const rows = await entriesIn(calling, customer, chat)
        .where('entry.seq', forwards ? '>' : '<=', from)
        .orderBy('entry.seq', forwards ? 'asc' : 'desc')
        .limit(limit + 1)
        .execute()
      found.set(chat, rows)
    }
    const { taken, hasMore } = woven(found, forwards, limit)
    const other = new Map(place)
    for (const { chat, seq } of taken) other.set(chat, forwards ? seq : seq - 1)
    const [start, end] = forwards ? [place, other] : [other, place]

    const shown = new Map<string, readonly EntryFound[]>()
    for (const chat of read)
      shown.set(
        chat,
        taken.flatMap((one) => (one.chat === chat ? one.row : [])).toSorted((a, b) => a.seq - b.seq),
      )
    const byId = new Map((await entries.shown(shown)).map((entry) => [entry.id, entry]))
    const rows = forwards ? taken : taken.toReversed()
    const named = [...new Set(rows.flatMap(({ row }) => row.conversation ?? []))]
    const hasBefore = forwards ? await isThere(calling, customer, start, '<=') : hasMore
    const hasAfter = forwards ? hasMore : await isThere(calling, customer, end, '>')
    return {
      entries: rows.flatMap(({ row }) => byId.get(row.id) ?? []),
      conversations: [...(await entries.stretches(calling, named))],
      ...(hasBefore && { before: cursorOf(start) }),
      ...(hasAfter && { after: cursorOf(end) }),
    }
  }

  async function isThere(calling: Calling, customer: string, place: Place, on: '<=' | '>'): Promise<boolean> {
    for (const [chat, seq] of place) {
      const row = await entriesIn(calling, customer, chat).where('entry.seq', on, seq).limit(1).executeTakeFirst()
      if (row) return true
    }
    return false
  }
}

/** Of an entry: whose the chat was then. */
function whoseThen(chat: string) {
  return sql<string>`coalesce(
    (SELECT customer FROM chat_was WHERE chat = ${chat} AND until_seq >= entry.seq ORDER BY until_seq LIMIT 1),
    (SELECT customer FROM chat WHERE id = ${chat}))`
}

interface Taken {
  readonly chat: string
  readonly seq: number
  readonly row: EntryFound
}

/** The first `limit` of all chats, each of them in its own order, by when they came in. */
function woven(found: ReadonlyMap<string, readonly EntryFound[]>, forwards: boolean, limit: number) {
  const next = new Map([...found.keys()].map((chat) => [chat, 0]))
  const taken: Taken[] = []
  for (;;) {
    let first: Taken | undefined
    for (const [chat, rows] of found) {
      const row = rows[next.get(chat) ?? 0]
      if (!row) continue
      const one = { chat, seq: row.seq, row }
      if (!first || (forwards ? isEarlier(one, first) : isEarlier(first, one))) first = one
    }
    if (!first || taken.length === limit) return { taken, hasMore: first !== undefined }
    taken.push(first)
    next.set(first.chat, (next.get(first.chat) ?? 0) + 1)
  }
}

const isEarlier = (a: Taken, b: Taken) =>
  a.row.accepted_at < b.row.accepted_at || (a.row.accepted_at === b.row.accepted_at && a.chat < b.chat)

const cursorOf = (place: Place): string => JSON.stringify(Object.fromEntries(place))

function placeOf(cursor: string): Place {
  try {
    return new Map(Object.entries(Cursor.parse(JSON.parse(cursor))))
  } catch (cause) {
    throw new Refusal('CURSOR_NOT_GOOD', { cause })
  }
}
