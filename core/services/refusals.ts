/**
 * Holds back who is refused all the time. Platforms send everything from few addresses, so requests as such are not
 * limited: only whoever gets refusals (not signed, not allowed, not there) too often within a minute is kept out for
 * the rest of it.
 */
import { isIPv6 } from 'node:net'
import type { Clock } from './clock.ts'
import { wordsOf } from './http.ts'

export interface Refusals {
  /** Nobody was refused lately. */
  readonly isEmpty: boolean
  /** How many seconds a caller is still kept out; 0: not at all. */
  keptOutS(address: string, mount: string): number
  /** A request of this caller was refused. True when it is this one that is too many. */
  add(address: string, mount: string): boolean
}

interface Minute {
  readonly endsAtMs: number
  refused: number
}

const MINUTE_MS = 60_000
/** Of more callers than this, those that came first are forgotten. */
const MAX_CALLERS = 4_096

/**
 * Counts by address and by what was asked: a platform that is refused by one channel (a wrong token, say) is still
 * heard by the others. `maxPerMinute` is asked each time, so that a reload counts at once.
 */
export function makeRefusals(clock: Pick<Clock, 'now'>, maxPerMinute: () => number): Refusals {
  // Minutes stand in the order in which they began, so those that have ended are the first.
  const minutes = new Map<string, Minute>()

  function find(key: string): Minute | undefined {
    const nowMs = clock.now()
    for (const [first, { endsAtMs }] of minutes) {
      if (endsAtMs > nowMs) break
      minutes.delete(first)
    }
    return minutes.get(key)
  }

  return {
    get isEmpty() {
      return minutes.size === 0
    },
    keptOutS(address, mount) {
      const minute = find(keyOf(address, mount))
      if (!minute || minute.refused <= maxPerMinute()) return 0
      return Math.ceil((minute.endsAtMs - clock.now()) / 1000)
    },
    add(address, mount) {
      const key = keyOf(address, mount)
      const minute = find(key) ?? { endsAtMs: clock.now() + MINUTE_MS, refused: 0 }
      minute.refused += 1
      minutes.set(key, minute)
      const [first] = minutes.keys()
      if (minutes.size > MAX_CALLERS && first !== undefined) minutes.delete(first)
      return minute.refused === maxPerMinute() + 1
    },
  }
}

function keyOf(address: string, mount: string): string {
  return `${isIPv6(address) ? networkOf(address) : address} ${mount}`
}

/** The first half of an IPv6 address: whoever has one has all of the second half. */
function networkOf(address: string): string {
  return wordsOf(address).slice(0, 4).join(':')
}
