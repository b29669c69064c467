/** Wakes the pipeline when something is due: a retry, a wake, an entry that failed. One timer for all of them. */
import type { Clock } from '../services/clock.ts'

export interface Sweep {
  /** Something is due at this moment. Earlier ones win. */
  by(atMs: number): void
  /** Resolves when it is not looking for what is due: true if it was. */
  idle(): Promise<boolean>
  stop(): void
}

/**
 * `run` is called when something is due, never beside itself, and says when the next is. It is also called at least
 * every `atLeastEveryMs`, even if nothing is known to be due: the net under everything else.
 */
export function makeSweep(clock: Clock, atLeastEveryMs: number, run: () => Promise<number | undefined>): Sweep {
  let timer: { readonly atMs: number; readonly cancel: () => void } | undefined
  let running: Promise<void> | undefined
  let stopped = false
  let wantedAtMs = Number.POSITIVE_INFINITY

  async function look(): Promise<void> {
    timer = undefined
    wantedAtMs = Number.POSITIVE_INFINITY
    const nextAtMs = (await run()) ?? Number.POSITIVE_INFINITY
    running = undefined
    arm(Math.min(nextAtMs, wantedAtMs, clock.now() + atLeastEveryMs))
  }

  function arm(atMs: number): void {
    if (stopped || (timer && timer.atMs <= atMs)) return
    timer?.cancel()
    const cancel = clock.after(atMs - clock.now(), () => {
      running = look()
    })
    timer = { atMs, cancel }
  }

  return {
    by(atMs) {
      wantedAtMs = Math.min(wantedAtMs, atMs)
      if (!running) arm(atMs)
    },
    async idle() {
      const busy = running !== undefined
      await running
      return busy
    },
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}
