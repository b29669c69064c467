/**
 * The queues of deliveries: one for each chat and destination, in the order in which they were committed, one on its way
 * at a time. (Not in that of their entries: what a turn tells a desk belongs to the event, and a command may have been
 * carried out between the two.)
 * The head may go when it is due. One that waits holds back those behind it until its `hold_until`.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { ChatEvent } from '../../../turn.ts'
import type { Payload } from '../../engine.ts'
import type { DeliveryRow, EntryRow } from '../../tables.ts'
import { parse, query } from '../connection.ts'
import type { DueRow } from '../protocol.ts'
import type { Ledger } from './allowances.ts'
import type { Entries } from './entries.ts'

type OpenRow = Pick<DeliveryRow, 'id' | 'state' | 'next_at' | 'hold_until' | 'expires_at'>

/** What a queue gives now: a delivery that has become `sending`, or else when to ask again, if time alone can tell. */
export interface Head {
  readonly due: DueRow | undefined
  readonly againAtMs: number | undefined
  /** How many were found expired on the way, and are `dead` now. */
  readonly expired: number
}

export interface GivenUp {
  readonly chat: string
  readonly destination: string
  readonly newEntry: boolean
}

export interface Outbox {
  /** Whether a delivery of this entry answers the failure of another one. That it fails too is no event: it would never end. */
  answersFailure(chat: string, seq: number): boolean
  /** Takes the first delivery that is due. */
  takeDue(chat: string, destination: string, nowMs: number): Head
  /** Takes a delivery whenever it is due, if it still waits and its time is not over. */
  takeHeld(id: string, nowMs: number): DueRow | undefined
  /** Gives a delivery up because its time is over. */
  expire(id: string, nowMs: number): GivenUp
  /** Gives up a delivery that waits. An answer of a conversation is then an event of the chat. */
  giveUp(id: string, nowMs: number, why: { readonly code: string; readonly error: string | null }): GivenUp
}

export function outbox(db: DatabaseSync, allowances: Ledger, entries: Entries): Outbox {
  const open = query<OpenRow>(
    db,
    `SELECT id, state, next_at, hold_until, expires_at FROM delivery
     WHERE chat = ? AND destination = ? AND state IN ('pending', 'sending') ORDER BY rowid`,
  )
  const isOpen = query(
    db,
    "SELECT 1 FROM delivery WHERE chat = ? AND destination = ? AND state IN ('pending', 'sending') LIMIT 1",
  )
  const underWay = query(
    db,
    `SELECT 1 FROM delivery
     WHERE chat = ? AND destination = ? AND state IN ('pending', 'sending') AND state = 'sending' LIMIT 1`,
  )
  const start = query(db, "UPDATE delivery SET state = 'sending' WHERE id = ?")
  const startHeld = query(
    db,
    `UPDATE delivery SET state = 'sending'
     WHERE id = ? AND state = 'pending' AND (expires_at IS NULL OR expires_at > ?)`,
  )
  const withAddress = query<DueRow>(
    db,
    `SELECT d.id, d.chat, d.seq, d.part, d.destination, d.payload_json, d.by_json, d.allowance, d.attempts,
       d.expires_at,
       c.account, c.external_id, e.conversation
     FROM delivery d JOIN chat c ON c.id = d.chat LEFT JOIN entry e ON e.id = d.entry
     WHERE d.id = ?`,
  )
  const givenUp = query<
    Pick<DeliveryRow, 'chat' | 'seq' | 'destination' | 'allowance' | 'created_at' | 'payload_json'>
  >(db, 'SELECT chat, seq, destination, allowance, created_at, payload_json FROM delivery WHERE id = ?')
  const bury = query(
    db,
    "UPDATE delivery SET state = 'dead', code = ?, error = coalesce(?, error), done_at = ? WHERE id = ?",
  )
  const entryOf = query<Pick<EntryRow, 'conversation'>>(db, 'SELECT conversation FROM entry WHERE chat = ? AND seq = ?')
  const answered = query<Pick<EntryRow, 'type'>>(
    db,
    'SELECT a.type FROM entry e JOIN entry a ON a.id = e.answers WHERE e.chat = ? AND e.seq = ?',
  )
  const answersFailure = (chat: string, seq: number) => answered.get(chat, seq)?.type === 'delivery.failed'

  function take(id: string): DueRow | undefined {
    start.run(id)
    return withAddress.get(id)
  }

  /** Looks at a queue as far as the first row that decides: the many that stand behind it cost nothing. */
  function takeDue(chat: string, destination: string, nowMs: number): Head {
    const mayGo = (row: OpenRow) => row.next_at <= nowMs
    if (isOpen.get(chat, destination) === undefined) return { due: undefined, againAtMs: undefined, expired: 0 }
    const late: string[] = []
    let decides: OpenRow | undefined
    for (const row of open.iterate(chat, destination)) {
      const waits = row.state === 'pending'
      if (waits && row.expires_at !== null && row.expires_at <= nowMs) late.push(row.id)
      else if (!waits || mayGo(row) || row.hold_until > nowMs) {
        decides = row
        break
      }
    }
    for (const id of late) expire(id, nowMs)
    const nothing: Head = { due: undefined, againAtMs: undefined, expired: late.length }
    if (decides === undefined || decides.state === 'sending') return nothing
    if (!mayGo(decides)) return { ...nothing, againAtMs: Math.min(decides.next_at, decides.hold_until) }
    if (underWay.get(chat, destination) !== undefined) return nothing
    return { ...nothing, due: take(decides.id) }
  }

  const expire = (id: string, nowMs: number) => giveUp(id, nowMs, { code: 'EXPIRED', error: null })

  function giveUp(id: string, nowMs: number, { code, error }: Parameters<Outbox['giveUp']>[2]): GivenUp {
    const row = givenUp.get(id)
    if (row === undefined) throw new Error(`There is no delivery ${id}.`)
    bury.run(code, error, nowMs, id)
    if (row.allowance !== null) allowances.giveBack(row.chat, row.allowance, row.created_at)
    const payload = parse<Payload>(row.payload_json)
    const conversation = entryOf.get(row.chat, row.seq)?.conversation
    if (payload.kind !== 'part' || !conversation || answersFailure(row.chat, row.seq)) {
      return { chat: row.chat, destination: row.destination, newEntry: false }
    }
    const event: ChatEvent<'delivery.failed'> = {
      id: entries.makeId(nowMs),
      type: 'delivery.failed',
      atMs: nowMs,
      code,
      content: payload.part,
    }
    entries.addWaiting(row.chat, 'life', event, conversation, nowMs)
    return { chat: row.chat, destination: row.destination, newEntry: true }
  }

  return {
    answersFailure,

    takeDue,
    takeHeld: (id, nowMs) => (startHeld.run(id, nowMs).changes === 0 ? undefined : withAddress.get(id)),
    expire,
    giveUp,
  }
}
