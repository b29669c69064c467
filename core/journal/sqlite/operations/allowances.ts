/** The ledger of what a platform lets us send in a chat: granted by events, reserved by deliveries, given back. */
import type { DatabaseSync } from 'node:sqlite'
import type { AllowanceRow } from '../../tables.ts'
import { query } from '../connection.ts'
import type { GrantInput } from '../protocol.ts'

/** Enters what an event grants. One that does not reset leaves a running window, and its count, as they are. */
export function grantAllowance(db: DatabaseSync): (chat: string, grant: GrantInput, nowMs: number) => void {
  const upsert = `INSERT INTO allowance (chat, on_event, granted_at, ends_at, max, used) VALUES (?, ?, ?, ?, ?, 0)
    ON CONFLICT DO UPDATE SET granted_at = excluded.granted_at, ends_at = excluded.ends_at, max = excluded.max, used = 0`
  // What is unlimited and ends no earlier has nothing to reset: most platforms, with every message.
  const resetting = query(
    db,
    `${upsert} WHERE allowance.max IS NOT NULL OR excluded.max IS NOT NULL
    OR allowance.ends_at < excluded.ends_at`,
  )
  const running = query(db, `${upsert} WHERE allowance.ends_at <= excluded.granted_at`)
  return (chat, grant, nowMs) => {
    const enter = grant.resets ? resetting : running
    enter.run(chat, grant.on, nowMs, grant.endsAtMs, grant.max)
  }
}

export interface Reservations {
  /** Whether `count` more messages may be sent on it. */
  has(chat: string, on: string, count: number, nowMs: number): boolean
  /** An unlimited one is not counted. */
  reserve(chat: string, on: string): void
  /** For a delivery that was made at `reservedAtMs`. What a later grant has started anew stays as it is. */
  giveBack(chat: string, on: string, reservedAtMs: number): void
  /** The platform says that it takes nothing more, whatever we have counted. */
  empty(chat: string, nowMs: number): void
}

export function reservations(db: DatabaseSync): Reservations {
  const find = query<Pick<AllowanceRow, 'ends_at' | 'max' | 'used'>>(
    db,
    'SELECT ends_at, max, used FROM allowance WHERE chat = ? AND on_event = ?',
  )
  const use = query(db, 'UPDATE allowance SET used = used + 1 WHERE chat = ? AND on_event = ? AND max IS NOT NULL')
  const unuse = query(
    db,
    'UPDATE allowance SET used = used - 1 WHERE chat = ? AND on_event = ? AND granted_at <= ? AND used > 0',
  )
  const end = query(
    db,
    'UPDATE allowance SET ends_at = min(ends_at, ?), used = coalesce(max(max, used), used) WHERE chat = ?',
  )
  return {
    has(chat, on, count, nowMs) {
      const found = find.get(chat, on)
      return found !== undefined && found.ends_at > nowMs && (found.max === null || found.used + count <= found.max)
    },
    reserve: (chat, on) => void use.run(chat, on),
    giveBack: (chat, on, reservedAtMs) => void unuse.run(chat, on, reservedAtMs),
    empty: (chat, nowMs) => void end.run(nowMs, chat),
  }
}
