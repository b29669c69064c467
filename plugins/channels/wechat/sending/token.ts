/**
 * The account's access token. One that holds is in memory and in the plugin's own table; a newer one is asked for by one
 * of those who need it, while the others wait for what it gets.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#core'
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
  /**
   * A token that should hold now. `refused`: one that the platform has not taken; another is given, unless the platform
   * itself gives that one again. Rejects as `ask` does.
   */
  get(refused?: string): Promise<string>
}

/** A newer token is asked for so long before the old one ends: the old one holds on meanwhile. */
const REFRESH_BEFORE_MS = 5 * 60_000
/** Not more often than this, whatever the platform says of the token's life. */
const LEAST_LIFE_MS = 30_000
/** Whoever asks for a newer token has so long until somebody else does. */
const CLAIM_MS = 10_000
const LOOK_AGAIN_MS = 250
/** Then it is asked for all the same: others fail to get one. */
const MAX_LOOKS = (3 * CLAIM_MS) / LOOK_AGAIN_MS

export function makeAccessToken(options: {
  readonly appId: string
  readonly kind: TokenKind
  readonly sql: Kysely<SendingTables>
  readonly clock: Clock
  /** Ends the waiting for others. */
  readonly signal: AbortSignal
  /** Asks the platform. */
  ask(): Promise<Granted>
}): AccessToken {
  const { appId, kind, sql, clock, signal } = options
  let held: { readonly value: string; readonly refreshAtMs: number } | undefined
  /** By the token that was refused; all who need the same thing wait for one. */
  const underWay = new Map<string, Promise<string>>()

  async function renew(refused: string | undefined): Promise<string> {
    const found = await findOrClaim(refused)
    if (found !== undefined) return found
    try {
      const { value, expiresInMs } = await options.ask()
      const refreshAtMs = clock.now() + Math.max(expiresInMs - REFRESH_BEFORE_MS, LEAST_LIFE_MS)
      held = { value, refreshAtMs }
      await write({ value, refresh_at: refreshAtMs, claimed_until: 0 })
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

  /** The token that somebody else has got; `undefined`: it is on us to ask. */
  async function findOrClaim(refused: string | undefined): Promise<string | undefined> {
    for (let looks = 0; ; looks++) {
      const one = sql.selectFrom('token').select(['value', 'refresh_at']).where('app_id', '=', appId)
      const found = await one.where('kind', '=', kind).executeTakeFirst()
      const nowMs = clock.now()
      if (found && found.value !== refused && found.refresh_at > nowMs) {
        held = { value: found.value, refreshAtMs: found.refresh_at }
        return held.value
      }
      const claimed_until = nowMs + CLAIM_MS
      const row = { app_id: appId, kind, value: '', refresh_at: 0, claimed_until }
      const { numInsertedOrUpdatedRows } = await sql
        .insertInto('token')
        .values(row)
        .onConflict((conflict) =>
          conflict.columns(['app_id', 'kind']).doUpdateSet({ claimed_until }).where('token.claimed_until', '<=', nowMs),
        )
        .executeTakeFirstOrThrow()
      if (numInsertedOrUpdatedRows === 1n || looks >= MAX_LOOKS) return undefined
      await pause(LOOK_AGAIN_MS, clock, [signal])
    }
  }

  return {
    async get(refused) {
      if (held && held.value !== refused && held.refreshAtMs > clock.now()) return held.value
      const need = refused ?? ''
      const waiting = underWay.get(need)
      if (waiting) return waiting
      const renewing = renew(refused).finally(() => underWay.delete(need))
      underWay.set(need, renewing)
      return renewing
    },
  }
}
