/**
 * What the account itself keeps on the platform: its menu, its identities, its blacklist. Of all instances of a channel
 * only the one in force writes it: the one before has ended by then, and what it had sent is there, or never will be.
 */
import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { DeliveryError } from '#core'
import { type Background, runUntilDone } from './background.ts'
import { type Api, WeChatError } from './sending/api.ts'
import { pause } from './sending/pause.ts'

/** What has been sent and not been answered is there so long after it was begun, or never will be: no call takes longer. */
const LANDED_MS = 60_000

/** A call that may still change something. One that was cut off stays until the next instance has waited for it. */
interface WritingRow {
  readonly id: string
  readonly begun_at: number
}
export interface AccountStateTables {
  readonly writing: WritingRow
}

/** To be spread into the channel's `tables`. */
export const accountStateTables = {
  'account-state-1': 'CREATE TABLE writing (id TEXT PRIMARY KEY, begun_at INTEGER NOT NULL) WITHOUT ROWID',
} as const

/** By which the account is read and written. After `end` it rejects. */
export type AccountApi = Pick<Api, 'get' | 'post' | 'upload'>

export interface AccountState extends Background {
  /** Aborted when another instance takes the place of this one: nothing is begun any more. */
  readonly signal: AbortSignal
  /** Compares the account with the YAML, and writes what is to be another. Nothing when this instance has ended. */
  bringUp(job: (api: AccountApi) => Promise<void>): Promise<void>
  /** The same in the background, until it has gone well. `what` begins the sentence when it does not. */
  bringUpUntilDone(what: string, job: (api: AccountApi) => Promise<void>): void
  /** Begins nothing more. Resolves when what is under way has ended. Twice is safe. */
  end(): Promise<void>
}

export function makeAccountState(
  tools: Background & { readonly api: AccountApi; readonly sql: Kysely<AccountStateTables> },
): AccountState {
  const { api, sql, clock, log } = tools
  const ended = new AbortController()
  const signal = AbortSignal.any([tools.signal, ended.signal])
  const underWay = new Set<Promise<void>>()
  let landed: Promise<void> | undefined

  /** Waits until what an instance before this one has sent, here or in a process before this one, has come to its end. */
  async function othersHaveLanded(): Promise<void> {
    const rows = await sql.selectFrom('writing').selectAll().execute()
    const left = rows.map(({ begun_at }) => Math.min(begun_at + LANDED_MS - clock.now(), LANDED_MS))
    const longestMs = Math.max(0, ...left)
    if (longestMs > 0) await pause(longestMs, clock, [signal])
    for (const { id } of rows) await forget(id)
  }

  async function forget(id: string): Promise<void> {
    await sql.deleteFrom('writing').where('id', '=', id).execute()
  }

  /** It is on disk before it is sent: whoever comes after a crash knows that it may still land. */
  async function write<T>(call: () => Promise<T>): Promise<T> {
    const id = randomUUID()
    await sql.insertInto('writing').values({ id, begun_at: clock.now() }).execute()
    // With neither an answer nor a word that it was not taken, nobody knows.
    let isKnown = signal.aborted
    try {
      signal.throwIfAborted()
      const answer = await call()
      isKnown = true
      return answer
    } catch (error) {
      isKnown ||= error instanceof WeChatError || error instanceof DeliveryError
      throw error
    } finally {
      if (isKnown) await forget(id)
    }
  }

  const guarded: AccountApi = {
    // What only asks is cut off; what writes is waited for.
    get: (path, query, schema) => api.get(path, query, schema, { signal }),
    post: (path, body, schema) => write(() => api.post(path, body, schema)),
    upload: (path, query, file, schema) => write(() => api.upload(path, query, file, schema)),
  }

  async function attempt(job: (api: AccountApi) => Promise<void>): Promise<void> {
    landed ??= othersHaveLanded()
    landed.catch(() => {
      landed = undefined
    })
    await landed
    signal.throwIfAborted()
    await job(guarded)
  }

  function bringUp(job: (api: AccountApi) => Promise<void>): Promise<void> {
    const attempting = attempt(job)
    const settled = attempting.catch(() => undefined).finally(() => underWay.delete(settled))
    underWay.add(settled)
    return attempting.catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }

  return {
    clock,
    log,
    signal,
    bringUp,
    bringUpUntilDone: (what, job) => runUntilDone({ clock, log, signal }, what, () => bringUp(job)),
    async end() {
      ended.abort()
      await Promise.all(underWay)
    },
  }
}
