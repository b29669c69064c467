/**
 * Deleting what is older than its time, a slice of at most 200 rows at once, so that nobody waits for it.
 * Children go before their parents; nothing goes that still waits, nor what belongs to an open conversation.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { ConversationRow, DedupeRow, DeliveryRow, EntryRow, FeedRow } from '../../tables.ts'
import { query } from '../connection.ts'
import type { TrimInput, TrimOutput, TrimWhat } from '../protocol.ts'

const SLICE = 200

type Slice = (beforeMs: number, after: TrimInput['after']) => TrimOutput

/** Where to begin when nothing says where to go on. */
const FIRST_ROWID = 0

export function trim(db: DatabaseSync): (input: TrimInput) => TrimOutput {
  const slices: { readonly [W in TrimWhat]: Slice } = {
    dedupe: dedupe(db),
    command: oldest(db, 'DELETE FROM command WHERE id IN (SELECT id FROM command WHERE at < ? ORDER BY at LIMIT ?)'),
    audit: oldest(db, 'DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)'),
    feed: feed(db),
    trace: trace(db),
    delivery: delivery(db),
    entry: entry(db),
    // What changed it goes with it, by its foreign key.
    conversation: oldest(
      db,
      `DELETE FROM conversation WHERE id IN (
         SELECT id FROM conversation WHERE closed_at IS NOT NULL AND closed_at < ? AND state = 'closed'
         ORDER BY closed_at LIMIT ?)`,
    ),
  }
  return ({ what, beforeMs, after }) => slices[what](beforeMs, after)
}

/** Tables with an index on their age: as many as there are, from the oldest on. */
function oldest(db: DatabaseSync, sql: string): Slice {
  const remove = query(db, sql)
  return (beforeMs) => {
    const deleted = Number(remove.run(beforeMs, SLICE).changes)
    return { deleted, next: deleted === SLICE ? [] : undefined }
  }
}

/** Walks the whole table by its key. An index on the age would cost every accept more than this costs once a day. */
function dedupe(db: DatabaseSync): Slice {
  const from = query<DedupeRow>(
    db,
    `SELECT * FROM dedupe WHERE (account, platform_id) > (?, ?)
     ORDER BY account, platform_id LIMIT ?`,
  )
  const isKept = query(db, 'SELECT 1 FROM entry WHERE id = ?')
  const remove = query(db, 'DELETE FROM dedupe WHERE account = ? AND platform_id = ?')
  return (beforeMs, after) => {
    const rows = from.all(after?.[0] ?? '', after?.[1] ?? '', SLICE)
    let deleted = 0
    for (const row of rows) {
      if (row.seen_at >= beforeMs || (row.with_entry === 1 && isKept.get(row.entry) !== undefined)) continue
      remove.run(row.account, row.platform_id)
      deleted += 1
    }
    const last = rows.at(-1)
    return { deleted, next: last && rows.length === SLICE ? [last.account, last.platform_id] : undefined }
  }
}

/** Topic by topic. The last item of each stays: its number is the one to count on from. */
function feed(db: DatabaseSync): Slice {
  const topic = query<{ topic: string | null; last: number | null }>(
    db,
    'SELECT t.topic, (SELECT max(n) FROM feed WHERE topic = t.topic) AS last FROM (SELECT min(topic) AS topic FROM feed WHERE topic > ?) AS t',
  )
  const first = query<Pick<FeedRow, 'n' | 'at'>>(
    db,
    'SELECT n, at FROM feed WHERE topic = ? AND n < ? ORDER BY n LIMIT ?',
  )
  const remove = query(db, 'DELETE FROM feed WHERE topic = ? AND n <= ?')
  return (beforeMs, after) => {
    const found = topic.get(after?.[0] ?? '')
    if (typeof found?.topic !== 'string') return { deleted: 0, next: undefined }
    const old = first.all(found.topic, found.last, SLICE).filter((row) => row.at < beforeMs)
    const last = old.at(-1)
    const deleted = last === undefined ? 0 : Number(remove.run(found.topic, last.n).changes)
    return { deleted, next: deleted === SLICE ? (after ?? ['']) : [found.topic] }
  }
}

/** Entries keep; only how they were handled goes. Remembers how far it came: nothing behind that has a trace. */
function trace(db: DatabaseSync): Slice {
  const rows = query<Pick<EntryRow, 'accepted_at' | 'done_at'> & { rowid: number }>(
    db,
    'SELECT rowid, accepted_at, done_at FROM entry WHERE rowid > ? ORDER BY rowid LIMIT ?',
  )
  const clear = query(db, 'UPDATE entry SET trace_json = NULL WHERE rowid = ? AND trace_json IS NOT NULL')
  const upTo = query<{ up_to: number }>(db, "SELECT up_to FROM trimmed WHERE what = 'trace'")
  const remember = query(db, "INSERT INTO trimmed VALUES ('trace', ?) ON CONFLICT DO UPDATE SET up_to = excluded.up_to")
  return (beforeMs) => {
    let last = upTo.get()?.up_to ?? FIRST_ROWID
    let deleted = 0
    const slice = rows.all(last, SLICE)
    const old = slice.filter((row) => row.accepted_at < beforeMs)
    for (const row of old) {
      if (row.done_at === null) continue
      deleted += Number(clear.run(row.rowid).changes)
      last = row.rowid
    }
    if (old.length > 0) remember.run(last)
    return { deleted, next: old.length === SLICE ? [] : undefined }
  }
}

function delivery(db: DatabaseSync): Slice {
  const rows = query<Pick<DeliveryRow, 'id' | 'created_at' | 'done_at'> & { rowid: number }>(
    db,
    'SELECT rowid, id, created_at, done_at FROM delivery WHERE rowid > ? ORDER BY rowid LIMIT ?',
  )
  const removeAttempts = query(db, 'DELETE FROM delivery_attempt WHERE delivery = ?')
  const remove = query(db, 'DELETE FROM delivery WHERE rowid = ?')
  return (beforeMs, after) => {
    const old = rows.all(after?.[0] ?? FIRST_ROWID, SLICE).filter((row) => row.created_at < beforeMs)
    let deleted = 0
    for (const row of old) {
      if (row.done_at === null || row.done_at >= beforeMs) continue
      deleted += Number(removeAttempts.run(row.id).changes) + 1
      remove.run(row.rowid)
    }
    const last = old.at(-1)
    return { deleted, next: last && old.length === SLICE ? [last.rowid] : undefined }
  }
}

function entry(db: DatabaseSync): Slice {
  const rows = query<
    Pick<EntryRow, 'id' | 'accepted_at' | 'done_at'> & {
      rowid: number
      conversation_state: ConversationRow['state'] | null
    }
  >(
    db,
    `SELECT e.rowid, e.id, e.accepted_at, e.done_at, v.state AS conversation_state
     FROM entry e LEFT JOIN conversation v ON v.id = e.conversation WHERE e.rowid > ? ORDER BY e.rowid LIMIT ?`,
  )
  const deliveriesOf = query<Pick<DeliveryRow, 'id' | 'done_at'>>(
    db,
    'SELECT id, done_at FROM delivery WHERE entry = ?',
  )
  const removeAttempts = query(db, 'DELETE FROM delivery_attempt WHERE delivery = ?')
  const removeDeliveries = query(db, 'DELETE FROM delivery WHERE entry = ?')
  const removeMedia = query(db, 'DELETE FROM media WHERE entry = ?')
  const remove = query(db, 'DELETE FROM entry WHERE rowid = ?')
  return (beforeMs, after) => {
    const old = rows.all(after?.[0] ?? FIRST_ROWID, SLICE).filter((row) => row.accepted_at < beforeMs)
    let deleted = 0
    for (const row of old) {
      const open = row.conversation_state !== null && row.conversation_state !== 'closed'
      if (row.done_at === null || open) continue
      const deliveries = deliveriesOf.all(row.id)
      if (deliveries.some((one) => one.done_at === null)) continue
      for (const { id } of deliveries) deleted += Number(removeAttempts.run(id).changes)
      if (deliveries.length > 0) deleted += Number(removeDeliveries.run(row.id).changes)
      deleted += Number(removeMedia.run(row.id).changes) + 1
      remove.run(row.rowid)
    }
    const last = old.at(-1)
    return { deleted, next: last && old.length === SLICE ? [last.rowid] : undefined }
  }
}
