/** How often one visitor, or one address, may do something within a minute. */

/** Of more than so many at a time, those heard of longest ago are forgotten. */
const MAX_COUNTED = 50_000
const MINUTE_MS = 60_000

export interface Limit {
  /** Counts one more. 0: it may be done; else in how many seconds it may be tried again. */
  waitS(who: string): number
}

/** So many in each minute of the clock. */
export function perMinute(max: number, clock: { now(): number }): Limit {
  let minute = Number.NaN
  let counts = new Map<string, number>()
  return {
    waitS(who) {
      const now = clock.now() / MINUTE_MS
      if (Math.floor(now) !== minute) counts = new Map()
      minute = Math.floor(now)
      const count = (counts.get(who) ?? 0) + 1
      counts.delete(who)
      counts.set(who, count)
      const [oldest] = counts.keys()
      if (counts.size > MAX_COUNTED && oldest !== undefined) counts.delete(oldest)
      return count <= max ? 0 : Math.max(1, Math.ceil((minute + 1 - now) * 60))
    },
  }
}
