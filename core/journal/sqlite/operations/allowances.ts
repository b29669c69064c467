/**
 * The ledger of what a platform lets us send in a chat: granted by events, reserved by deliveries, given back. A chat has
 * one or two of them, so its row keeps them, which accepting an event and ending a turn read and write anyway.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { LoadedAllowance } from '../../engine.ts'
import type { ChatRow } from '../../tables.ts'
import { parse, query } from '../connection.ts'
import type { GrantInput } from '../protocol.ts'

/** A chat's allowances, at most one of each class. The functions here give a changed list, or the same if nothing changes. */
export type Allowances = readonly LoadedAllowance[]

const NONE: Allowances = []

/** From the column of the chat's row. */
export function allowancesOf(json: string | null): Allowances {
  return json === null ? NONE : parse<Allowances>(json)
}

/** For the column of the chat's row. */
export function allowancesJson(allowances: Allowances): string | null {
  return allowances.length === 0 ? null : JSON.stringify(allowances)
}

/** Enters what an event grants. One that does not reset leaves a running window, and its count, as they are. */
export function granted(allowances: Allowances, grant: GrantInput, nowMs: number, eventAtMs: number): Allowances {
  const { on, endsAtMs, max, resets } = grant
  const now = allowances.find((one) => one.on === on)
  if (now !== undefined) {
    // What is unlimited and ends no earlier has nothing to reset: most platforms, with every message.
    const isSame = now.max === undefined && max === undefined && now.endsAtMs >= endsAtMs
    if (resets ? isSame : now.endsAtMs > nowMs) return allowances
  }
  const fresh: LoadedAllowance = { on, grantedAtMs: nowMs, eventAtMs, endsAtMs, max, used: 0 }
  return [...allowances.filter((one) => one !== now), fresh]
}

/** Whether `count` more messages may be sent on it. */
export function allows(allowances: Allowances, on: string, count: number, nowMs: number): boolean {
  const now = allowances.find((one) => one.on === on)
  return now !== undefined && now.endsAtMs > nowMs && (now.max === undefined || now.used + count <= now.max)
}

/** An unlimited one is not counted. */
export function reserved(allowances: Allowances, on: string): Allowances {
  return changed(allowances, (one) => (one.on === on && one.max !== undefined ? { ...one, used: one.used + 1 } : one))
}

/** For a delivery that was made at `reservedAtMs`. What a later grant has started anew stays as it is. */
export function givenBack(allowances: Allowances, on: string, reservedAtMs: number): Allowances {
  return changed(allowances, (one) =>
    one.on === on && one.grantedAtMs <= reservedAtMs && one.used > 0 ? { ...one, used: one.used - 1 } : one,
  )
}

/** The platform takes nothing more, whatever we have counted: it says so of what was granted until then. */
export function emptied(allowances: Allowances, nowMs: number, untilMs: number): Allowances {
  return changed(allowances, (one) => (one.grantedAtMs <= untilMs ? empty(one, nowMs) : one))
}

/** The customer follows no longer. What was done after that, though it came before, is granted all the same. */
export function unfollowed(allowances: Allowances, nowMs: number, atMs: number): Allowances {
  return changed(allowances, (one) => ((one.eventAtMs ?? one.grantedAtMs) <= atMs ? empty(one, nowMs) : one))
}

function empty(one: LoadedAllowance, nowMs: number): LoadedAllowance {
  return { ...one, endsAtMs: Math.min(one.endsAtMs, nowMs), used: Math.max(one.max ?? 0, one.used) }
}

function changed(allowances: Allowances, change: (one: LoadedAllowance) => LoadedAllowance): Allowances {
  const after = allowances.map(change)
  return after.some((one, i) => one !== allowances[i]) ? after : allowances
}

/** For whoever has not read the chat's row. */
export interface Ledger {
  allows(chat: string, on: string, count: number, nowMs: number): boolean
  reserve(chat: string, on: string): void
  giveBack(chat: string, on: string, reservedAtMs: number): void
  empty(chat: string, nowMs: number, untilMs: number): void
}

export function ledger(db: DatabaseSync): Ledger {
  const find = query<Pick<ChatRow, 'allowances_json'>>(db, 'SELECT allowances_json FROM chat WHERE id = ?')
  const set = query(db, 'UPDATE chat SET allowances_json = ? WHERE id = ?')
  const read = (chat: string) => allowancesOf(find.get(chat)?.allowances_json ?? null)
  function change(chat: string, to: (allowances: Allowances) => Allowances): void {
    const before = read(chat)
    const after = to(before)
    if (after !== before) set.run(allowancesJson(after), chat)
  }
  return {
    allows: (chat, on, count, nowMs) => allows(read(chat), on, count, nowMs),
    reserve: (chat, on) => change(chat, (now) => reserved(now, on)),
    giveBack: (chat, on, reservedAtMs) => change(chat, (now) => givenBack(now, on, reservedAtMs)),
    empty: (chat, nowMs, untilMs) => change(chat, (now) => emptied(now, nowMs, untilMs)),
  }
}
