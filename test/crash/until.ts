/** Waiting for what must come, and not for ever. */
import { setTimeout as pause } from 'node:timers/promises'

const LOOK_EVERY_MS = 5
const WITHIN_MS = 30_000

/** Looks again and again until `look` gives something; throws, saying what was waited for, when it takes too long. */
export async function until<T>(what: string, look: () => T | undefined | false, withinMs = WITHIN_MS): Promise<T> {
  const endMs = Date.now() + withinMs
  for (;;) {
    const seen = look()
    if (seen !== undefined && seen !== false) return seen
    if (Date.now() > endMs) throw new Error(`It took longer than ${withinMs / 1000} s until ${what}.`)
    await pause(LOOK_EVERY_MS)
  }
}

/** Waits for a promise, but not for ever. */
export async function soon<T>(what: () => string, promise: Promise<T>, withinMs = WITHIN_MS): Promise<T> {
  const stop = new AbortController()
  const late = pause(withinMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`It took longer than ${withinMs / 1000} s until ${what()}.`)
  })
  // Aborted when the promise was in time.
  late.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    stop.abort()
  }
}
