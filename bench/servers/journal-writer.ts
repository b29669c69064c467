/** The thread of raw-durable: makes each group of operations one transaction, with as few statements as will do. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { Accepted } from './plain.ts'

export type Operation =
  | readonly [name: 'accept', id: string, from: string, entry: string, event: string, atMs: number]
  | readonly [name: 'commit', chat: string, seq: number, entry: string, delivery: string, part: string, atMs: number]
  | readonly [name: 'sent', delivery: string, atMs: number]
export type Result = Accepted | undefined

const db = new DatabaseSync(String(workerData))
// As the product's own journal is opened.
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -8192;
  CREATE TABLE dedupe (id TEXT PRIMARY KEY, at INTEGER) WITHOUT ROWID;
  CREATE TABLE chat (id TEXT PRIMARY KEY, customer TEXT UNIQUE, seq INTEGER, pending INTEGER) WITHOUT ROWID;
  CREATE TABLE entry (chat TEXT, seq INTEGER, id TEXT, body TEXT, at INTEGER, done_at INTEGER);
  CREATE UNIQUE INDEX entry_order ON entry (chat, seq);
  CREATE UNIQUE INDEX entry_id ON entry (id);
  CREATE TABLE delivery (id TEXT, entry TEXT, part TEXT, at INTEGER, sent_at INTEGER);
  CREATE UNIQUE INDEX delivery_id ON delivery (id);
  CREATE INDEX delivery_entry ON delivery (entry);
  CREATE INDEX delivery_open ON delivery (entry) WHERE sent_at IS NULL;`)

const begin = db.prepare('BEGIN IMMEDIATE')
const end = db.prepare('COMMIT')
const remember = db.prepare('INSERT INTO dedupe VALUES (?, ?) ON CONFLICT DO NOTHING')
const findChat = db.prepare('SELECT id, seq FROM chat WHERE customer = ?')
const addChat = db.prepare('INSERT INTO chat VALUES (?, ?, 1, 1)')
const count = db.prepare('UPDATE chat SET seq = ?, pending = pending + 1 WHERE id = ?')
const addEntry = db.prepare('INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)')
const chatById = db.prepare('SELECT seq, pending FROM chat WHERE id = ?')
const finish = db.prepare('UPDATE entry SET done_at = ? WHERE chat = ? AND seq = ?')
const setChat = db.prepare('UPDATE chat SET seq = ?, pending = ? WHERE id = ?')
const addDelivery = db.prepare('INSERT INTO delivery VALUES (?, ?, ?, ?, NULL)')
const setSent = db.prepare('UPDATE delivery SET sent_at = ? WHERE id = ?')

function perform(operation: Operation): Result {
  if (operation[0] === 'accept') {
    const [, id, from, entry, event, atMs] = operation
    if (remember.run(id, atMs).changes === 0) return undefined
    const row = findChat.get(from)
    const chat = row ? String(row.id) : `chat-${entry}`
    const seq = row ? Number(row.seq) + 1 : 1
    if (row) count.run(seq, chat)
    else addChat.run(chat, from)
    addEntry.run(chat, seq, entry, event, atMs, null)
    return { chat, seq }
  }
  if (operation[0] === 'commit') {
    const [, chat, seq, entry, delivery, part, atMs] = operation
    const row = chatById.get(chat)
    const next = Number(row?.seq) + 1
    finish.run(atMs, chat, seq)
    addEntry.run(chat, next, entry, part, atMs, atMs)
    addDelivery.run(delivery, entry, part, atMs)
    setChat.run(next, Number(row?.pending) - 1, chat)
    return undefined
  }
  const [, delivery, atMs] = operation
  setSent.run(atMs, delivery)
  return undefined
}

parentPort?.on('message', (operations: readonly Operation[]) => {
  begin.run()
  const results = operations.map(perform)
  end.run()
  parentPort?.postMessage(results)
})
