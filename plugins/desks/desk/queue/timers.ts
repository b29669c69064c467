/** One timer for each name. */
import type { Clock } from '#core'

export interface Timers {
  /** In the place of the one that it had. */
  set(name: string, inMs: number, run: () => void): void
  cancel(name: string): void
  /** Cancels all, and sets none any more. */
  stop(): void
}

export function makeTimers(clock: Clock): Timers {
  const running = new Map<string, () => void>()
  let isStopped = false
  const cancel = (name: string) => {
    running.get(name)?.()
    running.delete(name)
  }
  return {
    set(name, inMs, run) {
      cancel(name)
      if (isStopped) return
      const end = clock.after(inMs, () => {
        running.delete(name)
        run()
      })
      running.set(name, end)
    },
    cancel,
    stop() {
      isStopped = true
      for (const end of running.values()) end()
      running.clear()
    },
  }
}
