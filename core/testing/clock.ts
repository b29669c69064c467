/** A clock that stands still until a test moves it. */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../services/clock.ts'

export interface ManualClock extends Clock {
  /**
   * Moves the time on, running every timer that becomes due, in the order of their times; what each sets going may set
   * further timers, which run too if they are due. Resolves when all that has settled as far as it can without waiting.
   */
  advance(ms: number): Promise<void>
  /** Shows another time, earlier or later; no timer runs for that. */
  jump(toMs: number): void
  /** How many timers wait: a test's proof that nothing is left behind. */
  readonly waiting: number
  /** When the next timer is due; `undefined` when none waits. */
  readonly nextAtMs: number | undefined
}

/** Rounds of the event loop given to what a timer set going before time moves on. */
const SETTLE_ROUNDS = 5

/** Makes a clock that shows `startMs` (ms since 1970). */
export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs
  let made = 0
  const timers = new Map<number, { readonly dueMs: number; readonly run: () => void }>()

  const settle = async () => {
    for (let round = 0; round < SETTLE_ROUNDS; round++) await setImmediate()
  }
  const nextDue = (untilMs: number) =>
    [...timers].filter(([, timer]) => timer.dueMs <= untilMs).sort(([a, x], [b, y]) => x.dueMs - y.dueMs || a - b)[0]

  return {
    now: () => nowMs,
    after(ms, run) {
      const id = ++made
      timers.set(id, { dueMs: nowMs + Math.max(ms, 0), run })
      return () => void timers.delete(id)
    },
    async advance(ms) {
      const untilMs = nowMs + ms
      await settle()
      for (let due = nextDue(untilMs); due; due = nextDue(untilMs)) {
        const [id, timer] = due
        timers.delete(id)
        nowMs = Math.max(nowMs, timer.dueMs)
        timer.run()
        await settle()
      }
      nowMs = untilMs
    },
    jump(toMs) {
      nowMs = toMs
    },
    get waiting() {
      return timers.size
    },
    get nextAtMs() {
      return nextDue(Number.POSITIVE_INFINITY)?.[1].dueMs
    },
  }
}
