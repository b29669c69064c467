/** How much one visitor, or one address, may do within a minute or an hour. */

/** Of more than so many at a time, those heard of longest ago are forgotten. */
const MAX_COUNTED = 50_000
const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS

export interface Limit {
  /** Counts one more, or so many. 0: it may be done; else in how many seconds it may be tried again. */
  waitS(who: string, amount?: number): number
}

/** So many in each minute of the clock, or in each of its spans of `spanMs`. */
export function atMost(max: number, clock: { now(): number }, spanMs = MINUTE_MS): Limit {
  let span = Number.NaN
  let counts = new Map<string, number>()
  return {
    waitS(who, amount = 1) {
      const now = clock.now() / spanMs
      if (Math.floor(now) !== span) counts = new Map()
      span = Math.floor(now)
      const count = (counts.get(who) ?? 0) + amount
      counts.delete(who)
      counts.set(who, count)
      const [oldest] = counts.keys()
      if (counts.size > MAX_COUNTED && oldest !== undefined) counts.delete(oldest)
      return count <= max ? 0 : Math.max(1, Math.ceil(((span + 1 - now) * spanMs) / 1000))
    },
  }
}
