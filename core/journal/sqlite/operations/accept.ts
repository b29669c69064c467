/** Accepting one event: known or new, then numbered and stored. The first half of every message's life. */
import type { DatabaseSync } from 'node:sqlite'
import { keptId, type NewMedia } from '../../engine.ts'
import type { DedupeRow, EntryRow, KeptRow } from '../../tables.ts'
import { query } from '../connection.ts'
import { type ChatAtAddress, chatAtAddressQuery } from '../load.ts'
import type { AcceptOutput, EventInput } from '../protocol.ts'
import { allowancesJson, allowancesOf, granted, unfollowed } from './allowances.ts'
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
  const findChat = chatAtAddressQuery(db)
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
  const { find: findUser, identify, snapshot } = identities(db)
  const { place, changed } = customerIndex(db)

  function repeated(event: EventInput): AcceptOutput {
    const entry = known.get(event.account, event.platformId)?.entry ?? event.entry
    const first = firstTime.get(entry)
    // The entry may have been trimmed before its id was.
    const chat = first?.chat ?? findChat.get(event.account, event.externalId)?.[0] ?? event.chat
    return { chat, entry, seq: first?.seq ?? 0, repeated: true, done: first?.done_at !== null, ...NOT_LOADED }
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
    if (event.writeAlways !== undefined) runStatement(event.writeAlways)
    const withEntry = event.repeatsLate ? 1 : 0
    const remembered = remember.run(event.account, event.platformId, event.entry, nowMs, withEntry)
    if (remembered.changes === 0) return repeated(event)
    const found = foundChat(findChat.get(event.account, event.externalId))
    const { chat = event.chat, customer: before } = found
    const seq = found.seq + 1
    const allowances = allowancesAfter(found.allowancesJson, event)
    const { userId } = event
    let customer: string
    if (found.chat === undefined || before === undefined) {
      const known = userId === undefined ? undefined : findUser(userId)
      customer = known ?? event.customer
      if (known === undefined) addCustomer.run(customer, nowMs, nowMs, userId ?? null, place(nowMs))
      addChat.run(chat, event.account, event.externalId, customer, allowances, nowMs, nowMs)
    } else {
      customer =
        userId === undefined
          ? before
          : identify({ id: chat, customer: before, seq: found.seq }, userId, event.customer, nowMs)
      count.run(seq, allowances, nowMs, chat)
    }
    const isNew = customer === event.customer
    if (!isNew && (customer !== before || nowMs - found.lastInAtMs >= LAST_SEEN_MS)) seen.run(nowMs, customer)
    const news = event.sender === undefined ? undefined : patch(customer, event.sender, 'platform')
    if (news?.renamed !== undefined || before === undefined) changed(news?.renamed ?? customer)
    const isKnown = userId !== undefined || found.userId !== null
    const then = isKnown ? snapshot(customer, before ?? customer) : undefined
    const customerJson = then === undefined ? null : JSON.stringify(then)
    addEntry.run(chat, seq, event.entry, event.type, event.bodyJson, event.byJson, event.atMs, nowMs, customerJson)
    if (event.media !== undefined) for (const media of event.media) addFile(media, chat, event)
    if (event.write !== undefined) runStatement(event.write)
    const accepted = { chat, entry: event.entry, seq, repeated: false, done: false }
    if (found.pending > 0) return { ...accepted, ...NOT_LOADED }
    // Here its pages are at hand; whoever reads it on another connection reads them all again after each transaction.
    const isAsFound = news === undefined && userId === undefined
    const now = isAsFound && found.row !== undefined ? found : foundChat(findChat.get(event.account, event.externalId))
    return { ...accepted, row: now.row, allowancesJson: allowances }
  }
}

const NOT_LOADED = { row: undefined, allowancesJson: null }

/** The chat at the event's address; one that is still to be made has nothing. */
function foundChat(columns: ChatAtAddress | undefined) {
  if (columns === undefined) return NO_CHAT
  const [chat, pending, lastInAtMs, userId, ...row] = columns
  const [, , seq, , , , , allowancesJson, customer] = row
  return { chat, pending, lastInAtMs, userId, seq, allowancesJson, customer, row }
}
const NO_CHAT = {
  ...{ chat: undefined, customer: undefined, row: undefined, userId: null, allowancesJson: null },
  ...{ pending: 0, lastInAtMs: 0, seq: 0 },
}

/** The column as it is then; as it was, if the event changes nothing. Whoever unfollows can be sent nothing. */
function allowancesAfter(json: string | null, { type, grant, nowMs, atMs }: EventInput): string | null {
  if (grant === undefined && type !== 'unfollow') return json
  const before = allowancesOf(json)
  const left = type === 'unfollow' ? unfollowed(before, nowMs, atMs) : before
  const after = grant === undefined ? left : granted(left, grant, nowMs, atMs)
  return after === before ? json : allowancesJson(after)
}
