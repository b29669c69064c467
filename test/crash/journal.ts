/** Reads a journal from outside: of a process that runs, or as a killed one has left it. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { query } from '../../core/journal/sqlite/connection.ts'
import type { DeliveryState } from '../../core/journal/tables.ts'

/** A chat with the bot's three counts of it. */
export interface ChatLine {
  readonly id: string
  readonly account: string
  readonly customer: string
  readonly seq: number
  readonly pending: number
  /** `turn.state` of the bot, as JSON. */
  readonly state: string | null
  /** What the bot has counted up in its own table. */
  readonly messages: number | null
  readonly wakes: number | null
}

export interface EntryLine {
  readonly chat: string
  readonly seq: number
  readonly kind: 'in' | 'life' | 'out' | 'note'
  readonly type: string
  /** The platform's id of an event; of a wake, its key. */
  readonly event: string | null
  /** What was said or noted; of events, what the customer said. */
  readonly text: string | null
  readonly by: string
  readonly done: number | null
  readonly outcome: string | null
}

export interface DeliveryLine {
  readonly id: string
  /** Rises with every commit. */
  readonly n: number
  readonly chat: string
  readonly account: string
  readonly customer: string
  readonly destination: string
  readonly state: DeliveryState
  readonly text: string | null
  readonly attempts: number
  /** How often a crash has left unknown what became of it. */
  readonly unknown: number
  /** 1: a bot said it, and people have taken over since. */
  readonly takenOver: number
}

/** A row of the bot's own tables: `key` is the event, or the key of the wake. */
export interface CountLine {
  readonly chat: string
  readonly key: string
  readonly n: number
}

export interface CommandLine {
  readonly id: string
  readonly result: string
}

export interface Journal extends Disposable {
  /** Whether there is anything in it yet. */
  readonly isEmpty: boolean
  chats(): readonly ChatLine[]
  /** In the order of each chat. */
  entries(): readonly EntryLine[]
  deliveries(): readonly DeliveryLine[]
  seen(): readonly CountLine[]
  woken(): readonly CountLine[]
  /** Wakes that are not due yet. */
  wakes(): readonly { readonly chat: string; readonly key: string }[]
  commands(): readonly CommandLine[]
  /** What caused each change of a conversation's owner. */
  changes(): readonly { readonly cause: string; readonly type: string }[]
  /** Nothing waits: no entry, no delivery and no wake. */
  isSettled(): boolean
  /** What SQLite itself finds wrong with the file. */
  damage(): readonly string[]
}

/** Opens the journal of a folder to read, while a process works with it. */
export function openJournal(folder: string): Journal {
  const db = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true, timeout: 5_000 })
  return reading(db, () => db.close())
}

/** A copy of what a killed process has left, so that nothing of it is put in order by looking at it. */
export function snapshot(folder: string): Journal {
  const copy = mkdtempSync(join(tmpdir(), 'switchboard-crash-copy-'))
  for (const name of ['journal.sqlite', 'journal.sqlite-wal']) {
    if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(copy, name))
  }
  const db = new DatabaseSync(join(copy, 'journal.sqlite'))
  return reading(db, () => {
    db.close()
    rmSync(copy, { recursive: true, force: true })
  })
}

function reading(db: DatabaseSync, close: () => void): Journal {
  const has = (table: string) => query(db, 'SELECT 1 FROM sqlite_master WHERE name = ?').get(table) !== undefined
  const isEmpty = !has('entry') || !has('counter__total')
  const all = <R>(sql: string): readonly R[] => (isEmpty ? [] : query<R>(db, sql).all())
  return {
    isEmpty,
    chats: () =>
      all<ChatLine>(`
        SELECT c.id, c.account, c.external_id AS customer, c.seq, c.pending, s.body_json AS state, t.messages, t.wakes
        FROM chat c LEFT JOIN state s ON s.chat = c.id AND s.instance = 'counter'
          LEFT JOIN counter__total t ON t.chat = c.id`),
    entries: () =>
      all<EntryLine>(`
        SELECT chat, seq, kind, type, done_at AS done, outcome, json_extract(by_json, '$.kind') AS by,
          CASE type WHEN 'wake' THEN json_extract(body_json, '$.key') ELSE json_extract(body_json, '$.id') END AS event,
          coalesce(json_extract(body_json, '$.parts[0].text'), json_extract(body_json, '$.text')) AS text
        FROM entry ORDER BY chat, seq`),
    deliveries: () =>
      all<DeliveryLine>(`
        SELECT d.id, d.rowid AS n, d.chat, c.account, c.external_id AS customer, d.destination, d.state, d.attempts,
          coalesce(json_extract(d.payload_json, '$.part.text'), json_extract(d.payload_json, '$.item.type')) AS text,
          (SELECT count(*) FROM delivery_attempt a WHERE a.delivery = d.id AND a.code = 'UNKNOWN') AS unknown,
          d.by_kind = 'bot' AND EXISTS (
            SELECT 1 FROM conversation_change h JOIN conversation v ON v.id = h.conversation
            WHERE v.chat = d.chat AND h.type IN ('queued', 'assigned') AND h.at >= d.created_at) AS takenOver
        FROM delivery d JOIN chat c ON c.id = d.chat ORDER BY d.rowid`),
    seen: () => all<CountLine>('SELECT chat, event AS key, n FROM counter__seen ORDER BY id'),
    woken: () => all<CountLine>('SELECT chat, key, n FROM counter__woken ORDER BY id'),
    wakes: () => all<{ chat: string; key: string }>('SELECT chat, key FROM wake'),
    commands: () => all<CommandLine>('SELECT id, result_json AS result FROM command'),
    changes: () => all<{ cause: string; type: string }>('SELECT cause, type FROM conversation_change'),
    isSettled: () =>
      all<{ open: number }>(`
        SELECT EXISTS (SELECT 1 FROM entry WHERE done_at IS NULL) OR EXISTS (SELECT 1 FROM wake)
          OR EXISTS (SELECT 1 FROM delivery WHERE state IN ('pending', 'sending')) AS open`)[0]?.open === 0,
    damage() {
      const found = query<{ integrity_check: string }>(db, 'PRAGMA integrity_check').all()
      const orphans = query<{ table: string }>(db, 'PRAGMA foreign_key_check').all()
      return [
        ...found.map((row) => row.integrity_check).filter((text) => text !== 'ok'),
        ...orphans.map(({ table }) => `a row of ${table} refers to nothing`),
      ]
    },
    [Symbol.dispose]: close,
  }
}
