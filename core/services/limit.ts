/** How waiting ends: by time, or because whoever waits is gone. */
import type { Clock } from './clock.ts'

/** What comes in must be whole by then; what is large gets more for it. */
export const WHOLE_WITHIN_MS = 30_000
/** A client that sends more slowly than this is given up: a picture by a bad mobile network still comes through. */
const MIN_BYTES_PER_MS = 32
/** However large it is. */
export const MAX_WHOLE_WITHIN_MS = 10 * 60_000

/** How long so many bytes may take to come in. */
export function wholeWithinMs(bytes: number): number {
  return Math.min(WHOLE_WITHIN_MS + bytes / MIN_BYTES_PER_MS, MAX_WHOLE_WITHIN_MS)
}

export interface Limit {
  /** Aborted with the reason of the first that ended it. */
  readonly signal: AbortSignal
  /** Stops the time and lets go of the outer signals. Twice is safe. */
  release(): void
}

/**
 * A signal that is aborted when one of `signals` is, or after `ms` with the error that `late` makes. Unlike with
 * AbortSignal.any, nothing stays on a signal that lives long once the limit is released.
 */
export function limitOf(options: {
  readonly signals: readonly (AbortSignal | null | undefined)[]
  readonly clock: Pick<Clock, 'after'>
  readonly ms: number
  late(): Error
}): Limit {
  const abort = new AbortController()
  const releases = [options.clock.after(options.ms, () => abort.abort(options.late()))]
  for (const signal of options.signals) {
    if (!signal) continue
    const pass = () => abort.abort(signal.reason)
    signal.addEventListener('abort', pass)
    releases.push(() => signal.removeEventListener('abort', pass))
    if (signal.aborted) pass()
  }
  return {
    signal: abort.signal,
    release: () => {
      for (const release of releases.splice(0)) release()
    },
  }
}

/**
 * A signal that is aborted when `outer` is, or by `abort`. AbortSignal.any takes ten times as long, which counts where
 * every message needs one. `release` lets go of the outer signal.
 */
export function signalUnder(outer: AbortSignal) {
  const own = new AbortController()
  const pass = () => own.abort(outer.reason)
  outer.addEventListener('abort', pass)
  if (outer.aborted) pass()
  return {
    signal: own.signal,
    abort: () => own.abort(),
    release: () => outer.removeEventListener('abort', pass),
  }
}

/** What `work` gives, or the signal's reason: work that does not listen to the signal is waited for no longer. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
