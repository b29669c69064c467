/** What became of deliveries, and which go next. */
import type { DatabaseSync } from 'node:sqlite'
import type { ChatRow, DeliveryRow } from '../../tables.ts'
import { query } from '../connection.ts'
import type { RecordOutput, ResultInput } from '../protocol.ts'
import type { Ledger } from './allowances.ts'
import type { Entries } from './entries.ts'
import type { Outbox } from './outbox.ts'
import { Refused } from './refused.ts'

type Found = Pick<DeliveryRow, 'chat' | 'seq' | 'destination' | 'state' | 'allowance' | 'created_at' | 'code'> & {
  readonly rowid: number
}

/** The code of a bot's delivery that was on its way when a person took over: it is not tried a second time. */
export const TAKEN_OVER = 'TAKEN_OVER'

export interface Deliveries {
  record(result: ResultInput): RecordOutput
  reserve(delivery: { id: string; on: string; nowMs: number }): boolean
  resend(delivery: { id: string; nowMs: number }): undefined
  /** Notes a try of which nothing more is known than that it was made. */
  noteAttempt(delivery: string, nowMs: number, code: string): void
}

export function deliveries(db: DatabaseSync, entries: Entries, allowances: Ledger, outbox: Outbox): Deliveries {
  const find = query<Found>(
    db,
    'SELECT rowid, chat, seq, destination, state, allowance, created_at, code FROM delivery WHERE id = ?',
  )
  const addFirst = query(db, 'INSERT INTO delivery_attempt VALUES (?, 1, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
  const addNext = query(
    db,
    `INSERT INTO delivery_attempt (delivery, n, at, ms, ok, code, error)
     SELECT ?1, 1 + coalesce(max(n), 0), ?, ?, ?, ?, ? FROM delivery_attempt WHERE delivery = ?1`,
  )
  const set = query(
    db,
    `UPDATE delivery SET state = ?, attempts = attempts + ?, next_at = ?, platform_id = coalesce(?, platform_id),
       code = ?, error = ?, done_at = ?
     WHERE rowid = ?`,
  )
  const waiting = query<Pick<DeliveryRow, 'id'>>(
    db,
    `SELECT id FROM delivery
     WHERE chat = ? AND destination = ? AND state IN ('pending', 'sending') AND state = 'pending'
       AND allowance IS NOT NULL AND created_at <= ? ORDER BY rowid`,
  )
  const count = query(db, 'UPDATE delivery SET allowance = ? WHERE rowid = ?')
  const pendingOf = query<Pick<ChatRow, 'pending'>>(db, 'SELECT pending FROM chat WHERE id = ?')
  const again = query(
    db,
    // It holds nobody back: what was said meanwhile is not kept waiting by a second failure.
    `UPDATE delivery SET state = 'pending', next_at = ?1, hold_until = ?1, expires_at = NULL, code = NULL, error = NULL,
       done_at = NULL
     WHERE id = ?2`,
  )

  /** Most deliveries have one attempt only, which needs no counting. */
  function addAttempt(
    ...attempt: [id: string, at: number, ms: number, ok: 0 | 1, code: string | null, error: string | null]
  ) {
    if (addFirst.run(...attempt).changes === 0) addNext.run(...attempt)
  }

  return {
    record(result) {
      const { id, nowMs } = result
      const found = find.get(id)
      if (found === undefined) throw new Refused(`There is no delivery ${id}.`)
      const { chat, destination } = found
      // Its fate is known already: a second report, or one that a cancellation has overtaken.
      if (found.state === 'sent' || found.state === 'dead' || found.state === 'cancelled') {
        return { next: undefined, pending: 0, expired: 0, ended: 0 }
      }
      const state = result.state === 'pending' && found.code === TAKEN_OVER ? 'cancelled' : result.state
      const over = state !== 'pending'
      if (result.state !== 'cancelled') {
        addAttempt(id, nowMs, result.ms, state === 'sent' ? 1 : 0, result.code, result.error)
      }
      set.run(
        state,
        result.counts ? 1 : 0,
        over ? nowMs : result.nextAtMs,
        result.platformId,
        result.code,
        result.error,
        over ? nowMs : null,
        found.rowid,
      )
      if (found.allowance !== null && (state === 'dead' || state === 'cancelled')) {
        allowances.giveBack(chat, found.allowance, found.created_at)
      }
      if (result.life !== undefined && !outbox.answersFailure(chat, found.seq))
        entries.addDrawn(chat, result.life, nowMs)
      const behind = result.endsWaiting ? waiting.all(chat, destination, nowMs - result.ms) : []
      for (const one of behind) outbox.giveUp(one.id, nowMs, { code: result.code ?? '', error: result.error })
      // What the customer has done since this try began is a window of its own.
      if (result.windowClosed) allowances.empty(chat, nowMs, nowMs - result.ms)
      const head = result.takeNext ? outbox.takeDue(chat, destination, nowMs) : undefined
      const expired = head?.expired ?? 0
      const mayHaveMore = result.life !== undefined || expired > 0 || behind.length > 0
      const pending = mayHaveMore ? (pendingOf.get(chat)?.pending ?? 0) : 0
      return { next: head?.due, pending, expired, ended: behind.length }
    },

    reserve({ id, on, nowMs }) {
      const found = find.get(id)
      if (found === undefined) throw new Refused(`There is no delivery ${id}.`)
      if (!allowances.allows(found.chat, on, 1, nowMs)) return false
      allowances.reserve(found.chat, on)
      count.run(on, found.rowid)
      return true
    },

    resend({ id, nowMs }) {
      const found = find.get(id)
      if (found === undefined) throw new Refused(`There is no delivery ${id}.`)
      if (found.state === 'pending' || found.state === 'sending') return
      if (found.state !== 'dead' && found.state !== 'unknown') {
        throw new Refused(`Delivery ${id} is ${found.state}; only one that is dead or unknown can be sent again.`)
      }
      // An unknown one still has its allowance; a dead one gave it back.
      if (found.allowance !== null && found.state === 'dead') {
        if (!allowances.allows(found.chat, found.allowance, 1, nowMs)) {
          throw new Refused(`Delivery ${id} cannot be sent again: the platform would take no more messages now.`)
        }
        allowances.reserve(found.chat, found.allowance)
      }
      again.run(nowMs, id)
    },

    noteAttempt: (delivery, nowMs, code) => addAttempt(delivery, nowMs, 0, 0, code, null),
  }
}
