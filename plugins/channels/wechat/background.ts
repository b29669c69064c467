/** What is done beside the messages: the platform may be down for hours, and no message waits for it. */
import { type Clock, type Log, messageOf } from '#core'
import { WeChatError } from './sending/errors.ts'

/** Waits before it is tried again: each twice as long as the one before. */
const FIRST_WAIT_MS = 30_000
const LONGEST_WAIT_MS = 60 * 60 * 1_000

export interface Background {
  readonly clock: Clock
  /** The instance's: ends it. */
  readonly signal: AbortSignal
  readonly log: Log
}

/**
 * Runs `job` until it goes well, without holding anybody up. Each cause of a failure is said once and not at each try;
 * `what` begins the sentence: `The menu could not be brought up to date`.
 */
export function runUntilDone({ clock, signal, log }: Background, what: string, job: () => Promise<void>): void {
  const tell = tellOnce(log, what)
  let waitMs = FIRST_WAIT_MS

  async function attempt(): Promise<void> {
    if (signal.aborted) return
    try {
      await job()
    } catch (error) {
      if (signal.aborted) return
      tell(error)
      const again = clock.after(waitMs, () => {
        signal.removeEventListener('abort', again)
        void attempt()
      })
      signal.addEventListener('abort', again, { once: true })
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)
    }
  }
  void attempt()
}

/** Says why something went wrong, each cause once; `what` begins the sentence. */
export function tellOnce(log: Log, what: string): (error: unknown) => void {
  const told = new Set<string>()
  return (error) => {
    const cause = error instanceof WeChatError ? String(error.errcode) : messageOf(error)
    if (!told.has(cause)) log.warn({ error }, `${what}, and is tried again: ${messageOf(error)}`)
    told.add(cause)
  }
}
