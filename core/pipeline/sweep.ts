/** Wakes the pipeline when something is due: a retry, a wake, an entry that failed. One timer for all of them. */
import type { Clock } from '../services/clock.ts'

/** Looked at this often even if nothing is known to be due: the net under everything else. */
const AT_LEAST_EVERY_MS = 10_000

export interface Sweep {
  /** Something is due at this moment. Earlier ones win. */
  by(atMs: number): void
  stop(): void
}

/** `run` is called when something is due, never beside itself, and says when the next is. */
export function makeSweep(clock: Clock, run: () => Promise<number | undefined>): Sweep {
  let timer: { readonly atMs: number; readonly cancel: () => void } | undefined
  let running = false
  let stopped = false
  let wantedAtMs = Number.POSITIVE_INFINITY

  async function fire(): Promise<void> {
    timer = undefined
    running = true
    wantedAtMs = Number.POSITIVE_INFINITY
    const nextAtMs = (await run()) ?? Number.POSITIVE_INFINITY
    running = false
    arm(Math.min(nextAtMs, wantedAtMs, clock.now() + AT_LEAST_EVERY_MS))
  }

  function arm(atMs: number): void {
    if (stopped || (timer && timer.atMs <= atMs)) return
    timer?.cancel()
    timer = { atMs, cancel: clock.after(atMs - clock.now(), () => void fire()) }
  }

  return {
    by(atMs) {
      wantedAtMs = Math.min(wantedAtMs, atMs)
      if (!running) arm(atMs)
    },
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}
