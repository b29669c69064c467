/** Accepting one event: known or new, then numbered and stored. The first half of every message's life. */
import type { DatabaseSync } from 'node:sqlite'
import { keptId, type NewMedia } from '../../engine.ts'
import type { ChatRow, CustomerRow, DedupeRow, EntryRow, KeptRow } from '../../tables.ts'
import { query } from '../connection.ts'
import { chatQuery } from '../load.ts'
import type { AcceptOutput, EventInput } from '../protocol.ts'
import { allowancesJson, allowancesOf, emptied, granted } from './allowances.ts'
import { customerIndex } from './customer-index.ts'
import { identities, patchOf } from './customers.ts'
import type { RunStatement } from './statements.ts'

/** How exact `customer.last_at` is: it is indexed, and not worth two writes for every line that a customer types. */
const LAST_SEEN_MS = 60_000

export function accept(db: DatabaseSync, runStatement: RunStatement): (event: EventInput) => AcceptOutput {
  const remember = query(db, 'INSERT INTO dedupe VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
  const known = query<Pick<DedupeRow, 'entry'>>(db, 'SELECT entry FROM dedupe WHERE account = ? AND platform_id = ?')
  const firstTime = query<Pick<EntryRow, 'chat' | 'seq' | 'done_at'>>(
    db,
    'SELECT chat, seq, done_at FROM entry WHERE id = ?',
  )
  const findChat = query<
    Pick<ChatRow, 'id' | 'customer' | 'seq' | 'pending' | 'last_in_at' | 'allowances_json'> &
      Pick<CustomerRow, 'user_id'>
  >(
    db,
    `SELECT c.id, c.customer, c.seq, c.pending, c.last_in_at, c.allowances_json, u.user_id
     FROM chat c JOIN customer u ON u.id = c.customer WHERE c.account = ? AND c.external_id = ?`,
  )
  // In a replay they are there already.
  const addCustomer = query(
    db,
    'INSERT INTO customer (id, first_at, last_at, user_id, n) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
  )
  const addChat = query(
    db,
    `INSERT INTO chat (id, account, external_id, customer, seq, pending, allowances_json, created_at, last_in_at)
     VALUES (?, ?, ?, ?, 1, 1, ?, ?, ?)`,
  )
  const count = query(
    db,
    'UPDATE chat SET seq = ?, pending = pending + 1, allowances_json = ?, last_in_at = ? WHERE id = ?',
  )
  const seen = query(db, 'UPDATE customer SET last_at = ? WHERE id = ?')
  const addEntry = query(
    db,
    `INSERT INTO entry (chat, seq, id, kind, type, body_json, by_json, at, accepted_at, customer_json)
     VALUES (?, ?, ?, 'in', ?, ?, ?, ?, ?, ?)`,
  )
  const addMedia = query(
    db,
    `INSERT INTO media (id, chat, entry, source, type, state, next_at, created_at)
     VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?)`,
  )
  const findKept = query<Pick<KeptRow, 'file' | 'mime_type' | 'size_bytes'>>(
    db,
    'SELECT file, mime_type, size_bytes FROM kept WHERE id = ? AND account = ?',
  )
  const addKept = query(
    db,
    `INSERT INTO media (id, chat, entry, source, type, state, next_at, file, mime_type, size_bytes, created_at)
     VALUES (?, ?, ?, ?, ?, 'here', ?, ?, ?, ?, ?)`,
  )
  const addGone = query(
    db,
    `INSERT INTO media (id, chat, entry, source, type, state, next_at, error, created_at)
     VALUES (?, ?, ?, ?, ?, 'gone', ?, ?, ?)`,
  )
  const patch = patchOf(db)
  const load = chatQuery(db)
  const { find: findUser, identify, snapshot } = identities(db)
  const { place, changed } = customerIndex(db)

  function repeated(event: EventInput): AcceptOutput {
    const entry = known.get(event.account, event.platformId)?.entry ?? event.entry
    const first = firstTime.get(entry)
    // The entry may have been trimmed before its id was.
    const chat = first?.chat ?? findChat.get(event.account, event.externalId)?.id ?? event.chat
    return { chat, entry, seq: first?.seq ?? 0, repeated: true, done: first?.done_at !== null, row: undefined }
  }

  function addFile(media: NewMedia, chat: string, { account, entry, nowMs }: EventInput): void {
    const row = [media.id, chat, entry, media.source, media.type] as const
    const id = keptId(media.source)
    const kept = id === undefined ? undefined : findKept.get(id, account)
    if (id === undefined) addMedia.run(...row, nowMs, nowMs)
    else if (kept === undefined) addGone.run(...row, nowMs, 'No file is kept by this reference.', nowMs)
    else addKept.run(...row, nowMs, kept.file, kept.mime_type, kept.size_bytes, nowMs)
  }

  return (event) => {
    const { nowMs } = event
    const withEntry = event.repeatsLate ? 1 : 0
    const remembered = remember.run(event.account, event.platformId, event.entry, nowMs, withEntry)
    if (remembered.changes === 0) return repeated(event)
    const { userId } = event
    const found = findChat.get(event.account, event.externalId)
    const chat = found?.id ?? event.chat
    const seq = found === undefined ? 1 : found.seq + 1
    const before = found?.allowances_json ?? null
    const allowances = allowancesAfter(before, event)
    let customer: string
    if (found === undefined) {
      const known = userId === undefined ? undefined : findUser(userId)
      customer = known ?? event.customer
      if (known === undefined) addCustomer.run(customer, nowMs, nowMs, userId ?? null, place(nowMs))
      addChat.run(chat, event.account, event.externalId, customer, allowances, nowMs, nowMs)
    } else {
      customer = userId === undefined ? found.customer : identify(found, userId, event.customer, nowMs)
      count.run(seq, allowances, nowMs, chat)
    }
    const isNew = customer === event.customer
    if (!isNew && (customer !== found?.customer || nowMs - found.last_in_at >= LAST_SEEN_MS)) seen.run(nowMs, customer)
    const renamed = event.sender === undefined ? undefined : patch(customer, event.sender, 'platform')
    if (renamed !== undefined || found === undefined) changed(renamed ?? customer)
    const isKnown = userId !== undefined || typeof found?.user_id === 'string'
    const then = isKnown ? snapshot(customer, found?.customer ?? customer) : undefined
    const customerJson = then === undefined ? null : JSON.stringify(then)
    addEntry.run(chat, seq, event.entry, event.type, event.bodyJson, event.byJson, event.atMs, nowMs, customerJson)
    if (event.media !== undefined) for (const media of event.media) addFile(media, chat, event)
    if (event.write !== undefined) runStatement(event.write)
    // Here its pages are at hand; whoever reads it on another connection reads them all again after each transaction.
    const row = found === undefined || found.pending === 0 ? load.get(chat) : undefined
    return { chat, entry: event.entry, seq, repeated: false, done: false, row }
  }
}

/** The column as it is then; as it was, if the event changes nothing. Whoever unfollows can be sent nothing. */
function allowancesAfter(json: string | null, { type, grant, nowMs }: EventInput): string | null {
  if (grant === undefined && type !== 'unfollow') return json
  const before = allowancesOf(json)
  const left = type === 'unfollow' ? emptied(before, nowMs) : before
  const after = grant === undefined ? left : granted(left, grant, nowMs)
  return after === before ? json : allowancesJson(after)
}
