/** What time brings: wakes, retries, expiry; and putting the journal in order after the process before has ended. */
import type { DatabaseSync } from 'node:sqlite'
import { NEVER_MS, type Recovery } from '../../engine.ts'
import type { ChatRow, DeliveryRow, WakeRow } from '../../tables.ts'
import { query } from '../connection.ts'
import type { DueOutput, DueRow, Takes } from '../protocol.ts'
import { type Deliveries, TAKEN_OVER } from './deliveries.ts'
import type { Entries } from './entries.ts'
import type { Outbox } from './outbox.ts'

/** How many due deliveries are looked at in one go; most may be held back by others, or belong to paused accounts. */
const SLICE = 500

type DueDeliveryRow = Pick<DeliveryRow, 'chat' | 'destination' | 'next_at'> & { rowid: number }

export function claimDue(db: DatabaseSync, entries: Entries, outbox: Outbox): (input: Takes<'claimDue'>) => DueOutput {
  const wakes = query<WakeRow>(
    db,
    'SELECT chat, instance, key, due_at FROM wake WHERE due_at <= ? ORDER BY due_at LIMIT ?',
  )
  const removeWake = query(db, 'DELETE FROM wake WHERE chat = ? AND instance = ? AND key = ?')
  const postponed = query<Pick<ChatRow, 'id'>>(
    db,
    'SELECT id FROM chat WHERE due_at > 0 AND due_at <= ? AND pending > 0 ORDER BY due_at LIMIT ?',
  )
  const expired = query<Pick<DeliveryRow, 'id'>>(
    db,
    `SELECT id FROM delivery WHERE state = 'pending' AND expires_at IS NOT NULL AND expires_at <= ?
     ORDER BY expires_at LIMIT ?`,
  )
  const due = query<DueDeliveryRow>(
    db,
    // All of it is in the index: rows of long queues that wait are passed by without being read.
    `SELECT rowid, chat, destination, next_at FROM delivery INDEXED BY delivery_due
     WHERE state = 'pending' AND (next_at, destination, chat, rowid) > (?, ?, ?, ?) AND next_at <= ?
     ORDER BY next_at, destination, chat, rowid LIMIT ?`,
  )
  const accountOf = query<Pick<ChatRow, 'account'>>(db, 'SELECT account FROM chat WHERE id = ?')
  const named = query(db, 'UPDATE chat SET due_at = 0 WHERE id = ?')
  const nextWake = query<{ at: number | null }>(db, 'SELECT min(due_at) AS at FROM wake')
  const nextChat = query<{ at: number | null }>(
    db,
    'SELECT min(due_at) AS at FROM chat WHERE due_at > 0 AND due_at > ?',
  )
  const nextDelivery = query<{ at: number | null }>(
    db,
    "SELECT min(next_at) AS at FROM delivery WHERE state = 'pending' AND next_at > ?",
  )
  const nextExpiry = query<{ at: number | null }>(
    db,
    "SELECT min(expires_at) AS at FROM delivery WHERE state = 'pending' AND expires_at IS NOT NULL",
  )

  return ({ nowMs, limit, paused }) => {
    const chats = new Set<string>()
    const expiredNow: { account: string; destination: string }[] = []
    const note = (chat: string, destination: string, count: number) => {
      const account = accountOf.get(chat)?.account
      for (let i = 0; account !== undefined && i < count; i++) expiredNow.push({ account, destination })
    }
    let nextAtMs = NEVER_MS
    const againAt = (atMs: number | null | undefined) => {
      if (typeof atMs === 'number') nextAtMs = Math.min(nextAtMs, Math.max(atMs, nowMs))
    }

    for (const { chat, instance, key, due_at: atMs } of wakes.all(nowMs, limit)) {
      removeWake.run(chat, instance, key)
      entries.addWaiting(chat, 'in', { type: 'wake', id: entries.makeId(nowMs), atMs, instance, key }, null, nowMs)
      chats.add(chat)
    }
    const failed = postponed.all(nowMs, limit)
    for (const { id } of failed) {
      named.run(id)
      chats.add(id)
    }
    if (failed.length === limit) againAt(nowMs)
    for (const { id } of expired.all(nowMs, limit)) {
      const { chat, destination, newEntry } = outbox.expire(id, nowMs)
      note(chat, destination, 1)
      if (newEntry) chats.add(chat)
    }

    const deliveries: DueRow[] = []
    const seen = new Set<string>()
    const isPaused = (chat: string) => paused.length > 0 && paused.includes(accountOf.get(chat)?.account ?? '')
    let after: [atMs: number, destination: string, chat: string, rowid: number] | undefined = [0, '', '', 0]
    while (after !== undefined && deliveries.length < limit) {
      const slice: readonly DueDeliveryRow[] = due.all(...after, nowMs, SLICE)
      const last = slice.at(-1)
      after =
        last !== undefined && slice.length === SLICE
          ? [last.next_at, last.destination, last.chat, last.rowid]
          : undefined
      for (const { chat, destination } of slice) {
        if (paused.includes(destination)) continue
        const queue = `${destination} ${chat}`
        if (seen.has(queue)) continue
        if (deliveries.length === limit) {
          againAt(nowMs)
          break
        }
        seen.add(queue)
        if (destination === 'channel' && isPaused(chat)) continue
        const head = outbox.takeDue(chat, destination, nowMs)
        note(chat, destination, head.expired)
        if (head.due !== undefined) deliveries.push(head.due)
        againAt(head.againAtMs)
      }
    }
    if (after !== undefined) againAt(nowMs)
    againAt(nextWake.get()?.at)
    againAt(nextChat.get(nowMs)?.at)
    againAt(nextDelivery.get(nowMs)?.at)
    againAt(nextExpiry.get()?.at)
    return {
      deliveries,
      expired: expiredNow,
      chats: [...chats],
      nextAtMs: nextAtMs === NEVER_MS ? undefined : nextAtMs,
    }
  }
}

export function dueAgain(db: DatabaseSync): (input: Takes<'dueAgain'>) => undefined {
  const later = query<{ rowid: number }>(
    db,
    `SELECT d.rowid FROM delivery d
     WHERE d.state = 'pending' AND d.next_at >= ? AND d.destination = 'channel'
       AND (SELECT account FROM chat WHERE id = d.chat) = ?`,
  )
  const set = query(db, 'UPDATE delivery SET next_at = ? WHERE rowid = ?')
  return ({ accounts, nowMs, fromMs }) => {
    for (const account of accounts) {
      for (const { rowid } of later.all(fromMs, account)) set.run(nowMs, rowid)
    }
  }
}

export function recover(db: DatabaseSync, deliveries: Deliveries): (input: Takes<'recover'>) => Recovery {
  const sending = query<Pick<DeliveryRow, 'id' | 'destination' | 'code'> & { account: string }>(
    db,
    // The first condition is that of the index, the second is what is meant.
    `SELECT d.id, d.destination, d.code, c.account FROM delivery d INDEXED BY delivery_open CROSS JOIN chat c ON c.id = d.chat
     WHERE d.state IN ('pending', 'sending') AND d.state = 'sending' ORDER BY d.rowid`,
  )
  const unknown = query(
    db,
    "UPDATE delivery SET state = 'unknown', attempts = attempts + 1, code = 'UNKNOWN', done_at = ? WHERE id = ?",
  )
  const sendAgain = query(
    db,
    "UPDATE delivery SET state = 'pending', attempts = attempts + 1, code = 'UNKNOWN', next_at = ? WHERE id = ?",
  )
  const chats = query<Pick<ChatRow, 'id' | 'account'> & { externalId: string; waiting: number }>(
    db,
    `SELECT c.id, c.account, c.external_id AS externalId,
       (SELECT count(*) FROM entry e WHERE e.chat = c.id AND e.done_at IS NULL AND e.kind = 'in' AND e.type <> 'wake') AS waiting
     FROM chat c WHERE c.pending > 0`,
  )
  return ({ nowMs, again }) => {
    const found = sending.all()
    const left = found.filter(({ id, account, destination, code }) => {
      deliveries.noteAttempt(id, nowMs, 'UNKNOWN')
      const ofAccount = code === TAKEN_OVER ? undefined : again.find((one) => one.account === account)
      const nextAtMs = destination === 'channel' ? ofAccount?.nextAtMs : nowMs
      if (nextAtMs === undefined) unknown.run(nowMs, id)
      else sendAgain.run(nextAtMs, id)
      return nextAtMs === undefined
    })
    return {
      chats: chats.all().map(({ id, account, externalId, waiting }) => ({ id, account, externalId, waiting })),
      unknown: left.map(({ id, account, destination }) => ({ id, account, destination })),
    }
  }
}
