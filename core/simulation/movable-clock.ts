/** A clock that goes on by itself as the real one does, and can be moved on besides: for people who play. */
import { setImmediate } from 'node:timers/promises'
import { type Clock, systemClock } from '../services/clock.ts'
import type { ManualClock } from '../testing/clock.ts'

/** Rounds of the event loop given to what a timer set going before time is moved on. */
const SETTLE_ROUNDS = 5

interface Timer {
  readonly dueMs: number
  readonly run: () => void
  cancel(): void
}

/** Makes a clock that shows what `real` shows, and so much more as it is moved on. It is never behind. */
export function movableClock(real: Clock = systemClock): ManualClock {
  let aheadMs = 0
  let made = 0
  const timers = new Map<number, Timer>()
  const now = () => real.now() + aheadMs

  const settle = async () => {
    for (let round = 0; round < SETTLE_ROUNDS; round++) await setImmediate()
  }
  const nextDue = (untilMs: number) =>
    [...timers].filter(([, { dueMs }]) => dueMs <= untilMs).sort(([a, x], [b, y]) => x.dueMs - y.dueMs || a - b)[0]

  /** Has the real clock look when it is due. */
  function arm(id: number, dueMs: number, run: () => void): void {
    const look = () => {
      // The real clock has its own idea of a millisecond, and of the longest time.
      if (now() < dueMs) return arm(id, dueMs, run)
      timers.delete(id)
      run()
    }
    timers.set(id, { dueMs, run, cancel: real.after(Math.max(dueMs - now(), 0), look) })
  }

  function moveTo(toMs: number): void {
    const further = toMs - now()
    if (further <= 0) return
    aheadMs += further
  }

  return {
    now,
    after(ms, run) {
      const id = ++made
      arm(id, now() + Math.max(ms, 0), run)
      return () => {
        timers.get(id)?.cancel()
        timers.delete(id)
      }
    },
    async advance(ms) {
      const untilMs = now() + ms
      await settle()
      for (let due = nextDue(untilMs); due; due = nextDue(untilMs)) {
        const [id, timer] = due
        timer.cancel()
        timers.delete(id)
        moveTo(timer.dueMs)
        timer.run()
        await settle()
      }
      moveTo(untilMs)
      // What is left is nearer now.
      for (const [id, { dueMs, run, cancel }] of timers) {
        cancel()
        arm(id, dueMs, run)
      }
    },
    jump: moveTo,
    get waiting() {
      return timers.size
    },
    get nextAtMs() {
      return nextDue(Number.POSITIVE_INFINITY)?.[1].dueMs
    },
  }
}
