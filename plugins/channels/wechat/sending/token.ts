/**
 * The account's access token. One that holds is in memory and in the plugin's own table; a newer one is asked for by one
 * of those who need it, while the others wait for what it gets.
 */
import type { Kysely } from 'kysely'
import { type Clock, type Log, messageOf } from '#core'
import { pause } from './pause.ts'
import type { SendingTables, TokenRow } from './tables.ts'

/**
 * By which call the token is fetched. `stable`: whoever asks gets the same token until it expires. `classic`: each call
 * ends the token before it, so that nobody else may ask for this account.
 * Source: https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html, read 2026-11-20.
 */
export type TokenKind = 'stable' | 'classic'

/** A token as the platform gives it. */
export interface Granted {
  readonly value: string
  readonly expiresInMs: number
}

export interface AccessToken {
  /** A token that should hold now. Rejects as `ask` does. */
  get(): Promise<string>
  /**
   * Another than this one, which the platform has not taken, unless the platform itself gives it again. `undefined`: the
   * last one was refused just as soon, so that asking would only use up the quota. Rejects as `ask` does.
   */
  another(refused: string): Promise<string | undefined>
}

/** A newer token is asked for so long before the old one ends: the old one holds on meanwhile. */
const REFRESH_BEFORE_MS = 5 * 60_000
/** Not more often than this, whatever the platform says of the token's life. */
const LEAST_LIFE_MS = 30_000
/** While the old token holds on, a newer one that could not be had is asked for again after this. */
const ASK_AGAIN_MS = 30_000
/** A token that was refused is replaced once in this time: of `classic` there are 2,000 a day. */
const REPLACE_AGAIN_MS = 60_000
/** Whoever asks for a newer token has so long until somebody else does. */
const CLAIM_MS = 10_000
const LOOK_AGAIN_MS = 250
/** Then it is asked for all the same: others fail to get one. */
const MAX_LOOKS = (3 * CLAIM_MS) / LOOK_AGAIN_MS

interface Held {
  readonly value: string
  readonly refreshAtMs: number
  readonly expiresAtMs: number
}

export function makeAccessToken(options: {
  readonly appId: string
  readonly kind: TokenKind
  readonly sql: Kysely<SendingTables>
  readonly clock: Clock
  readonly log: Log
  /** Ends the waiting for others. */
  readonly signal: AbortSignal
  /** Asks the platform. */
  ask(): Promise<Granted>
}): AccessToken {
  const { appId, kind, sql, clock, log, signal } = options
  let held: Held | undefined
  let askAgainAtMs = 0
  let replaceAgainAtMs = 0
  /** By the token that was refused; all who need the same thing wait for one. */
  const underWay = new Map<string, Promise<string>>()

  async function renew(refused: string | undefined): Promise<string> {
    const found = await findOrClaim(refused)
    if (found !== undefined) return found
    if (refused !== undefined) replaceAgainAtMs = clock.now() + REPLACE_AGAIN_MS
    try {
      const { value, expiresInMs } = await options.ask()
      const nowMs = clock.now()
      const refreshAtMs = nowMs + Math.max(expiresInMs - REFRESH_BEFORE_MS, LEAST_LIFE_MS)
      held = { value, refreshAtMs, expiresAtMs: Math.max(nowMs + expiresInMs, refreshAtMs) }
      await write({ value, refresh_at: refreshAtMs, expires_at: held.expiresAtMs, claimed_until: 0 })
      return value
    } catch (error) {
      await write({ claimed_until: 0 })
      throw error
    }
  }

  async function write(row: Partial<TokenRow>): Promise<void> {
    const one = sql.updateTable('token').set(row).where('app_id', '=', appId)
    await one.where('kind', '=', kind).execute()
  }

  /** What is in the table, if it is another than this one, and need not be renewed yet. */
  function fresh(row: TokenRow | undefined, refused: string | undefined): string | undefined {
    if (!row || row.value === refused || row.refresh_at <= clock.now()) return undefined
    held = heldBy(row)
    return held?.value
  }

  /** The token that somebody else has got; `undefined`: it is on us to ask. */
  async function findOrClaim(refused: string | undefined): Promise<string | undefined> {
    for (let looks = 0; ; looks++) {
      const found = fresh(await read(), refused)
      if (found !== undefined) return found
      const nowMs = clock.now()
      const claimed_until = nowMs + CLAIM_MS
      const row = { app_id: appId, kind, value: '', refresh_at: 0, expires_at: 0, claimed_until }
      const claimed = await sql
        .insertInto('token')
        .values(row)
        .onConflict((conflict) =>
          conflict.columns(['app_id', 'kind']).doUpdateSet({ claimed_until }).where('token.claimed_until', '<=', nowMs),
        )
        .returningAll()
        .executeTakeFirst()
      // Somebody may have got one, and let go of the claim, since the table was read.
      const meanwhile = fresh(claimed, refused)
      if (meanwhile !== undefined) {
        await write({ claimed_until: 0 })
        return meanwhile
      }
      if (claimed || looks >= MAX_LOOKS) return undefined
      await pause(LOOK_AGAIN_MS, clock, [signal])
    }
  }

  async function read(): Promise<TokenRow | undefined> {
    const one = sql.selectFrom('token').selectAll().where('app_id', '=', appId)
    return one.where('kind', '=', kind).executeTakeFirst()
  }

  /** One renewal for all who need the same. */
  function renewed(refused: string | undefined): Promise<string> {
    const need = refused ?? ''
    const waiting = underWay.get(need)
    if (waiting) return waiting
    const renewing = renew(refused).finally(() => underWay.delete(need))
    underWay.set(need, renewing)
    return renewing
  }

  function renewBehind({ expiresAtMs }: Held): void {
    if (clock.now() < askAgainAtMs) return
    askAgainAtMs = clock.now() + ASK_AGAIN_MS
    renewed(undefined).catch((error: unknown) => {
      if (signal.aborted) return
      const until = new Date(expiresAtMs).toISOString()
      log.warn({ error }, `WeChat gives no newer access token. The old one holds until ${until}: ${messageOf(error)}`)
    })
  }

  return {
    async get() {
      if (!held) {
        const found = heldBy(await read())
        held ??= found
      }
      if (!held || held.expiresAtMs <= clock.now()) return renewed(undefined)
      if (held.refreshAtMs <= clock.now()) renewBehind(held)
      return held.value
    },
    async another(refused) {
      if (held && held.value !== refused && held.refreshAtMs > clock.now()) return held.value
      const isTooSoon = clock.now() < replaceAgainAtMs && !underWay.has(refused)
      return isTooSoon ? fresh(await read(), refused) : renewed(refused)
    },
  }
}

/** For whoever asks a few things and ends: the token is on no disk, and one that is refused is not replaced. */
export function makePassingToken(ask: () => Promise<Granted>): AccessToken {
  let asked: Promise<Granted> | undefined
  return {
    async get() {
      asked ??= ask()
      return (await asked).value
    },
    another: async () => undefined,
  }
}

/** `undefined`: none has been fetched yet. */
function heldBy(row: TokenRow | undefined): Held | undefined {
  if (!row?.value) return undefined
  return { value: row.value, refreshAtMs: row.refresh_at, expiresAtMs: row.expires_at }
}
