import { type Clock, limitOf } from '#core'

/** Waits by the clock, or throws the reason of the first signal that is aborted. */
export async function pause(ms: number, clock: Clock, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  const limit = limitOf({ signals, clock, ms, late: () => new Error('The pause is over.') })
  const { promise, resolve } = Promise.withResolvers<void>()
  limit.signal.addEventListener('abort', () => resolve())
  if (!limit.signal.aborted) await promise
  limit.release()
  for (const signal of signals) signal?.throwIfAborted()
}
