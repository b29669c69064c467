/** What customers are found by: kept beside them, in the same transaction, and only when it changes. */
import type { DatabaseSync } from 'node:sqlite'
import type { ChatRow, CustomerRow } from '../../tables.ts'
import { parse, query } from '../connection.ts'
import { gramsOf, wholeOf } from '../grams.ts'

/** So many customers may come in one millisecond: `customer.n` is that many times the moment, and on. */
export const PLACES_PER_MS = 1024

export interface CustomerIndex {
  /** Where a customer who first comes now stands among all. */
  place(firstAtMs: number): number
  /** Notes what a customer is found by: the names, the chats or the tags have become others. */
  changed(customer: string): void
}

type Known = Pick<CustomerRow, 'n' | 'name' | 'fields_json' | 'tags_json' | 'user_id'>

export function customerIndex(db: DatabaseSync): CustomerIndex {
  const last = query<{ n: number | null }>(db, 'SELECT max(n) AS n FROM customer WHERE n >= ? AND n < ?')
  const known = query<Known>(db, 'SELECT n, name, fields_json, tags_json, user_id FROM customer WHERE id = ?')
  const chatsOf = query<Pick<ChatRow, 'account' | 'external_id'>>(
    db,
    'SELECT account, external_id FROM chat WHERE customer = ?',
  )
  const put = query(
    db,
    'INSERT OR REPLACE INTO customer_found (rowid, names, ids, accounts, tags) VALUES (?, ?, ?, ?, ?)',
  )
  return {
    place(firstAtMs) {
      const from = firstAtMs * PLACES_PER_MS
      const until = from + PLACES_PER_MS
      const n = (last.get(from, until)?.n ?? from - 1) + 1
      // More come at one moment only by a clock that stands still: then behind all others.
      return n < until ? n : (last.get(from, Number.MAX_SAFE_INTEGER)?.n ?? n) + 1
    },
    changed(customer) {
      const now = known.get(customer)
      if (now === undefined || now.n === null) return
      const chats = chatsOf.all(customer).map(({ account, external_id }) => [account, external_id] as const)
      const { name, fields_json, user_id, tags_json } = now
      put.run(
        now.n,
        foundNames(name, fields_json),
        foundIds(user_id, chats),
        foundAccounts(chats),
        foundTags(tags_json),
      )
    },
  }
}

type Chats = readonly (readonly [account: string, externalId: string])[]

/** The name, and the real one among the fields. */
export function foundNames(name: string | null, fieldsJson: string): string {
  const { realName } = parse<{ readonly realName?: unknown }>(fieldsJson)
  return [name ?? '', typeof realName === 'string' ? realName : ''].map(gramsOf).join(' ')
}

function foundIds(userId: string | null, chats: Chats): string {
  return [...chats.map(([, id]) => id), userId ?? ''].map(gramsOf).join(' ')
}

function foundAccounts(chats: Chats): string {
  return chats.map(([account]) => wholeOf(account)).join(' ')
}

function foundTags(tagsJson: string): string {
  return parse<readonly string[]>(tagsJson).map(wholeOf).join(' ')
}

/** The same as functions of SQL, for the migration. */
export function addFoundFunctions(db: DatabaseSync): void {
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  db.function('found_names', (name, fields) => foundNames(text(name), text(fields) ?? '{}'))
  db.function('found_ids', (userId, chats) => foundIds(text(userId), parse<Chats>(text(chats) ?? '[]')))
  db.function('found_accounts', (chats) => foundAccounts(parse<Chats>(text(chats) ?? '[]')))
  db.function('found_tags', (tags) => foundTags(text(tags) ?? '[]'))
}
