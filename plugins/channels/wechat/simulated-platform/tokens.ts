/** The platform’s access tokens: of the classic interface and of the stable one, which do not touch each other. */
import { Refused } from './refused.ts'

/**
 * How long a token is good, and how long one that was replaced goes on.
 * Source: https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html, read 2026-11-22.
 */
export const TOKEN_LIVES_MS = 7_200_000
const OVERLAP_MS = 300_000
/** `force_refresh`: so often a day, and with so much time between. */
const MAX_FORCED = 20
const FORCED_APART_MS = 30_000
const DAY_MS = 24 * 60 * 60 * 1000

/** What the interfaces answer. */
export interface Issued {
  readonly access_token: string
  readonly expires_in: number
}

export class Tokens {
  readonly #now: () => number
  /** Until when each is good: 0 for those that were taken back. */
  readonly #until = new Map<string, number>()
  #classic: string | undefined
  #stable: string | undefined
  #forcedAtMs: readonly number[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  /** A new one each time; the one before goes on for five minutes. */
  classic(): Issued {
    this.#endSoon(this.#classic)
    this.#classic = this.#make('classic')
    return this.#issued(this.#classic)
  }

  /** The same until it is near its end. Forced, it is taken back at once. */
  stable(force: boolean): Issued {
    const nowMs = this.#now()
    if (force) {
      const today = this.#forcedAtMs.filter((atMs) => nowMs - atMs < DAY_MS)
      if (today.length >= MAX_FORCED) throw new Refused(45009)
      if (nowMs - (today.at(-1) ?? Number.NEGATIVE_INFINITY) < FORCED_APART_MS) throw new Refused(45011)
      this.#forcedAtMs = [...today, nowMs]
      if (this.#stable !== undefined) this.#until.set(this.#stable, 0)
    }
    const isGood = this.#stable !== undefined && (this.#until.get(this.#stable) ?? 0) - nowMs > OVERLAP_MS
    if (!isGood) {
      this.#endSoon(this.#stable)
      this.#stable = this.#make('stable')
    }
    return this.#issued(this.#stable ?? '')
  }

  /** Throws what the platform says of a token that is missing, unknown, taken back or too old. */
  check(token: string | undefined): void {
    if (!token) throw new Refused(41001)
    const untilMs = this.#until.get(token)
    if (untilMs === undefined || untilMs === 0) throw new Refused(40001)
    if (untilMs <= this.#now()) throw new Refused(42001)
  }

  /** From now on all that were issued are too old, or (`takenBack`) not the latest. */
  end(how: 'expired' | 'taken-back'): void {
    for (const token of this.#until.keys()) this.#until.set(token, how === 'expired' ? this.#now() : 0)
    this.#classic = undefined
    this.#stable = undefined
  }

  #make(kind: string): string {
    const token = `${kind}-${this.#until.size + 1}-${'x'.repeat(120)}`
    this.#until.set(token, this.#now() + TOKEN_LIVES_MS)
    return token
  }

  #endSoon(token: string | undefined): void {
    if (token === undefined) return
    this.#until.set(token, Math.min(this.#until.get(token) ?? 0, this.#now() + OVERLAP_MS))
  }

  #issued(token: string): Issued {
    return { access_token: token, expires_in: Math.floor(((this.#until.get(token) ?? 0) - this.#now()) / 1000) }
  }
}
