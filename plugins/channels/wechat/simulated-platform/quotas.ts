/** How often a day each interface may be called. */
import { Refused } from './refused.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** Days begin at midnight in China. That they do is not published. */
const CHINA_MS = 8 * 60 * 60 * 1000
/** How often all counts may be put back to none; https://developers.weixin.qq.com/doc/service/en/guide/dev/api/limit.html, read 2026-11-22. */
const MAX_CLEARED = 10

export interface Quota {
  readonly max: number
  readonly used: number
}

export class Quotas {
  readonly #now: () => number
  readonly #max: Map<string, number>
  readonly #used = new Map<string, number>()
  #day = Number.NaN
  #cleared = 0

  constructor(now: () => number, max: Iterable<readonly [string, number]>) {
    this.#now = now
    this.#max = new Map(max)
  }

  /** From now on this interface may be called so often a day. */
  limit(path: string, max: number): void {
    this.#max.set(path, max)
  }

  of(path: string): Quota | undefined {
    this.#turnPage()
    const max = this.#max.get(path)
    return max === undefined ? undefined : { max, used: this.#used.get(path) ?? 0 }
  }

  /** Counts one call. Throws `Refused`. */
  take(path: string): void {
    const quota = this.of(path)
    if (!quota) return
    if (quota.used >= quota.max) throw new Refused(45009)
    this.#used.set(path, quota.used + 1)
  }

  clear(): void {
    if (this.#cleared >= MAX_CLEARED) throw new Refused(48006)
    this.#cleared++
    this.#used.clear()
  }

  #turnPage(): void {
    const day = Math.floor((this.#now() + CHINA_MS) / DAY_MS)
    if (day !== this.#day) this.#used.clear()
    this.#day = day
  }
}
