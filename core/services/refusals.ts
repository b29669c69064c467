/**
 * Holds back who is refused all the time. Platforms send everything from few addresses, so requests as such are not
 * limited: only whoever gets refusals (not signed, not allowed, not there) too often within a minute is kept out for
 * the rest of it.
 */
import type { Clock } from './clock.ts'

export interface Refusals {
  /** How many seconds a caller is still kept out; 0: not at all. */
  keptOutS(caller: string): number
  /** A request of this caller was refused. True when it is this one that is too many. */
  refused(caller: string): boolean
  /**
   * Something of this caller was accepted: for an hour it is not kept out. Whoever can make a platform ask a channel
   * for things that the channel refuses must not silence the platform.
   */
  accepted(caller: string): void
}

interface Minute {
  readonly endsAtMs: number
  readonly refused: number
}

const MINUTE_MS = 60_000
const ACCEPTED_FOR_MS = 3_600_000
/** Of more callers than this, those heard of longest ago are forgotten: in each of the three lists. */
const MAX_CALLERS = 4_096

/** A caller is any text that stands for one. `maxPerMinute` is asked each time, so that a reload counts at once. */
export function makeRefusals(clock: Pick<Clock, 'now'>, maxPerMinute: () => number): Refusals {
  const counted = new Map<string, Minute>()
  // By themselves, so that whoever comes with very many addresses does not make us forget who is kept out.
  const keptOut = new Map<string, Minute>()
  const acceptedAtMs = new Map<string, number>()

  const wasAccepted = (caller: string) => clock.now() - (acceptedAtMs.get(caller) ?? -Infinity) < ACCEPTED_FOR_MS

  return {
    keptOutS(caller) {
      const minute = keptOut.get(caller)
      if (!minute || minute.refused <= maxPerMinute() || wasAccepted(caller)) return 0
      return Math.max(0, Math.ceil((minute.endsAtMs - clock.now()) / 1000))
    },
    refused(caller) {
      const nowMs = clock.now()
      const last = keptOut.get(caller) ?? counted.get(caller)
      const { endsAtMs, refused } = last && last.endsAtMs > nowMs ? last : { endsAtMs: nowMs + MINUTE_MS, refused: 0 }
      const minute = { endsAtMs, refused: refused + 1 }
      const isTooMany = minute.refused > maxPerMinute()
      for (const callers of [counted, keptOut]) callers.delete(caller)
      remember(isTooMany ? keptOut : counted, caller, minute)
      return minute.refused === maxPerMinute() + 1 && !wasAccepted(caller)
    },
    accepted: (caller) => remember(acceptedAtMs, caller, clock.now()),
  }
}

function remember<T>(callers: Map<string, T>, caller: string, what: T): void {
  // Whoever came last stands last.
  callers.delete(caller)
  callers.set(caller, what)
  if (callers.size <= MAX_CALLERS) return
  const [first] = callers.keys()
  if (first !== undefined) callers.delete(first)
}
