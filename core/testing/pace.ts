/** Time that moves only when everything that became due is done: for tests and rehearsals. */
import type { Runtime } from '../runtime/runtime.ts'
import type { ManualClock } from './clock.ts'
import { settled } from './settled.ts'

/** How seldom a runtime looks for what it does not know of: days pass quickly, and nothing comes about only by that. */
export const SWEEP_EVERY_MS = 3_600_000

/** Of the bots of a test it is not known that they wait for the clock. */
const NOBODY: ReadonlySet<string> = new Set()

export interface Pace {
  /** Resolves when nothing is being handled, sent or due. */
  idle(): Promise<void>
  /**
   * Moves the clock on from one due moment to the next, each time waiting until what became due is done, or waits for
   * the clock itself. What is held back from outside (an answer of a test's server, say) is waited for a second of real
   * time, once.
   */
  advance(ms: number): Promise<void>
}

/** In real time: when something is not done by then, the test itself holds it back. */
export const PATIENCE_MS = 1_000

/** Whether it is done, or will be within a second of real time. */
export async function isDone(work: Promise<void>): Promise<boolean> {
  const tooLong = Promise.withResolvers<false>()
  const timer = setTimeout(() => tooLong.resolve(false), PATIENCE_MS)
  const done = await Promise.race([work.then(() => true), tooLong.promise])
  clearTimeout(timer)
  return done
}

/** `runtime` is asked each time: a test may start another on the same clock. */
export function makePace(clock: ManualClock, runtime: () => Runtime): Pace {
  async function idle(): Promise<void> {
    for (;;) {
      await runtime().idle()
      if ((clock.nextAtMs ?? Number.POSITIVE_INFINITY) > clock.now()) return
      await clock.advance(0)
    }
  }
  return {
    idle,
    async advance(ms) {
      let isHeld = false
      await moveOn(clock, ms, async () => {
        if (isHeld) return
        isHeld = (await settled(runtime(), { clock, takingTime: NOBODY, patienceMs: PATIENCE_MS })) === 'held'
      })
      await idle()
    },
  }
}

/** Moves the clock on from one due moment to the next. Before it first moves, and after each of them, `settle` is awaited. */
export async function moveOn(clock: ManualClock, ms: number, settle: () => Promise<unknown>): Promise<void> {
  const untilMs = clock.now() + ms
  await settle()
  for (;;) {
    const dueMs = clock.nextAtMs ?? Number.POSITIVE_INFINITY
    if (dueMs > untilMs) break
    await clock.advance(Math.max(0, dueMs - clock.now()))
    await settle()
  }
  await clock.advance(untilMs - clock.now())
}

/** Stops it. What is still held back from outside is given up when its time to drain is over. */
export async function stopHeld(clock: ManualClock, runtime: Pick<Runtime, 'stop'>): Promise<void> {
  const stopping = runtime.stop()
  while (!(await isDone(stopping))) await clock.advance(60_000)
}
