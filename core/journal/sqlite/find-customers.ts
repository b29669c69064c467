/**
 * Lists of customers: filters, four orders, pages.
 *
 * What a search looks for is found in `customer_found`, by its rows' numbers, which are in the order in which customers
 * first came. Where a condition is not in there (whom somebody has served, the order by the last message), what is few
 * is taken first: else so many customers have it that a page is soon full.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { CustomerFilter, CustomerPage, CustomerQuery, CustomerSort, ListedCustomer, ServedBy } from '../engine.ts'
import type { CustomerRow, JournalTables } from '../tables.ts'
import { parse } from './connection.ts'
import { gramsIn, wholeOf } from './grams.ts'
import { PLACES_PER_MS } from './operations/customer-index.ts'

/** What is fewer than this is looked through one by one. */
const FEW = 5_000
/** The same of conversations, of which one by one is more to read. */
const FEW_SERVED = 1_000

const ORDERS: {
  readonly [sort in CustomerSort]: { readonly key: 'n' | 'last_at'; readonly isDescending: boolean }
} = {
  newest: { key: 'n', isDescending: true },
  oldest: { key: 'n', isDescending: false },
  'last-message': { key: 'last_at', isDescending: true },
  'longest-silent': { key: 'last_at', isDescending: false },
}

type Shown = Omit<CustomerRow, 'user_id' | 'merged_into' | 'n'> & { readonly n: number; readonly chats_json: string }

export async function findCustomers(journal: Kysely<JournalTables>, query: CustomerQuery): Promise<CustomerPage> {
  const { filter, servedBy, sort, cursor, limit } = query
  const { key, isDescending } = ORDERS[sort]
  const asked = askedOf(filter)
  const wanted = matchOf(asked)
  const where = [...conditions(filter)]
  const few = await fewOf(journal, { among: filter.among, wanted, where, servedBy, key })
  if (servedBy && !few?.isServed) where.push(isServed(servedBy))
  const isSearched = wanted !== undefined && !few && key === 'n'
  if (isSearched) where.push(sql`customer_found MATCH ${wanted}`)
  // What is gone through in another order than that of the search is compared one by one until the page is full.
  else if (!few?.isFound) where.push(...asked.map(isFound))
  const column = isSearched ? sql`customer_found.rowid` : sql.ref(`customer.${key}`)
  const direction = isDescending ? sql`DESC` : sql`ASC`
  const isBeyond = isDescending ? sql`<` : sql`>`
  // Numbers are each one customer’s; at a moment there may have been several.
  const tie = key === 'n' ? sql`` : sql`, customer.id ${direction}`
  if (cursor && key === 'n') where.push(sql`${column} ${isBeyond} ${cursor[0]}`)
  else if (cursor) where.push(sql`(${column}, customer.id) ${isBeyond} (${cursor[0]}, ${cursor[1]})`)
  const { rows } = await sql<Shown>`
    SELECT shown.*, (SELECT json_group_array(json_array(account, external_id)) FROM chat WHERE customer = shown.id)
      AS chats_json
    FROM (
      SELECT customer.id, ${column} AS at FROM ${fromOf(key, few?.ids, wanted)}
      WHERE ${sql.join(where, sql` AND `)} ORDER BY ${column} ${direction}${tie} LIMIT ${limit + 1}
    ) AS listed CROSS JOIN customer AS shown ON shown.id = listed.id
    ORDER BY listed.at ${direction}, listed.id ${direction}`.execute(journal)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { customers: page.map(listedOf), next: rows.length > limit && last ? [last[key], last.id] : undefined }
}

/** Where the rows come from, in the order that is asked for wherever that is possible. */
function fromOf(
  key: 'n' | 'last_at',
  few: readonly string[] | undefined,
  wanted: string | undefined,
): RawBuilder<unknown> {
  if (few) return sql`json_each(${JSON.stringify(few)}) AS few CROSS JOIN customer ON customer.id = few.value`
  if (key === 'last_at') return sql`customer INDEXED BY customer_last`
  if (wanted === undefined) return sql`customer INDEXED BY customer_n`
  // The search gives its rows in the order of their numbers by itself, if it is all that is sorted by.
  return sql`customer_found CROSS JOIN customer ON customer.n = customer_found.rowid`
}

interface Few {
  readonly ids: readonly string[]
  /** All of them are served by those who ask; all of them are what the search has found. */
  readonly isServed: boolean
  readonly isFound: boolean
}

/** The customers who come into question, if they are few. What comes in the right order by itself is not counted. */
async function fewOf(
  journal: Kysely<JournalTables>,
  by: {
    readonly among: readonly string[] | undefined
    readonly wanted: string | undefined
    readonly where: readonly RawBuilder<unknown>[]
    readonly servedBy: ServedBy | undefined
    readonly key: 'n' | 'last_at'
  },
): Promise<Few | undefined> {
  const { among, wanted, where, servedBy, key } = by
  if (among) return { ids: among, isServed: false, isFound: false }
  if (servedBy) {
    const ids = await fewServed(journal, servedBy)
    if (ids) return { ids, isServed: true, isFound: false }
  }
  if (key === 'n') return undefined
  const all = wanted === undefined ? where : [...where, sql`customer_found MATCH ${wanted}`]
  const { rows } = await sql<{ id: string }>`
    SELECT customer.id FROM ${fromOf('n', undefined, wanted)} WHERE ${sql.join(all, sql` AND `)} LIMIT ${FEW + 1}`.execute(
    journal,
  )
  return rows.length > FEW ? undefined : { ids: rows.map(({ id }) => id), isServed: false, isFound: true }
}

async function fewServed(journal: Kysely<JournalTables>, { desk, teams, person }: ServedBy) {
  const { rows } = await sql<{ customer: string }>`
    SELECT customer FROM (
      SELECT customer FROM conversation
      WHERE team IS NOT NULL AND team IN (SELECT value FROM json_each(${JSON.stringify(teams)})) AND desk = ${desk}
      UNION ALL
      SELECT customer FROM conversation WHERE person IS NOT NULL AND person = ${person} AND desk = ${desk}
    ) LIMIT ${FEW_SERVED + 1}`.execute(journal)
  return rows.length > FEW_SERVED ? undefined : [...new Set(rows.map(({ customer }) => customer))]
}

/** Whether one who is named by an id was served. */
function isServed({ desk, teams, person }: ServedBy): RawBuilder<unknown> {
  return sql`EXISTS (
    SELECT 1 FROM conversation AS served INDEXED BY conversation_customer WHERE served.customer = customer.id AND served.desk = ${desk}
      AND (served.person = ${person} OR served.team IN (SELECT value FROM json_each(${JSON.stringify(teams)}))))`
}

/** Whether one who is named by their number is found, by what is kept of them for it. */
function isFound({ columns, phrase, isBeginning }: Asked): RawBuilder<unknown> {
  const pattern = isBeginning ? ` ${phrase}` : ` ${phrase} `
  const kept = columns.map(
    (column) =>
      sql`instr(' ' || (SELECT ${sql.ref(column)} FROM customer_found WHERE rowid = customer.n) || ' ', ${pattern}) > 0`,
  )
  return sql`(${sql.join(kept, sql` OR `)})`
}

function* conditions({ created }: CustomerFilter): Generator<RawBuilder<unknown>> {
  yield sql`customer.n IS NOT NULL`
  if (created) {
    yield sql`customer.n >= ${created.fromMs * PLACES_PER_MS} AND customer.n < ${created.untilMs * PLACES_PER_MS}`
  }
}

/** What is looked for in some columns of `customer_found`. */
interface Asked {
  readonly columns: readonly ('names' | 'ids' | 'tags' | 'accounts')[]
  /** Words that stand there one after the other. No character that somebody writes means anything to a search. */
  readonly phrase: string
  /** The last of them only begins so. */
  readonly isBeginning: boolean
}

function askedOf({ search, name, id, tag, account }: CustomerFilter): readonly Asked[] {
  // By one character alone no id is looked for: nearly all have it.
  const isShort = [...(search ?? '').trim()].length === 1
  const whole = (text: string | undefined) =>
    text === undefined ? undefined : { phrase: wholeOf(text), isBeginning: false }
  const all: readonly (readonly [Asked['columns'], Omit<Asked, 'columns'> | undefined])[] = [
    [isShort ? ['names'] : ['names', 'ids'], gramsIn(search ?? '')],
    [['names'], gramsIn(name ?? '')],
    [['ids'], gramsIn(id ?? '')],
    [['tags'], whole(tag)],
    [['accounts'], whole(account)],
  ]
  return all.flatMap(([columns, what]) => (what === undefined ? [] : [{ columns, ...what }]))
}

/** The same as FTS5 takes it; `undefined`: nothing. */
function matchOf(asked: readonly Asked[]): string | undefined {
  const wanted = asked.map(
    ({ columns, phrase, isBeginning }) => `({${columns.join(' ')}} : "${phrase}"${isBeginning ? '*' : ''})`,
  )
  return wanted.length === 0 ? undefined : wanted.join(' AND ')
}

function listedOf({ chats_json, tags_json, fields_json, ...row }: Shown): ListedCustomer {
  const chats = parse<readonly (readonly [account: string, externalId: string])[]>(chats_json)
  return {
    id: row.id,
    name: row.name ?? undefined,
    language: row.language ?? undefined,
    avatarUrl: row.avatar_url ?? undefined,
    tags: parse<ListedCustomer['tags']>(tags_json),
    fields: parse<ListedCustomer['fields']>(fields_json),
    chats: chats.map(([account, externalId]) => ({ account, externalId })),
    firstAtMs: row.first_at,
    lastAtMs: row.last_at,
  }
}
