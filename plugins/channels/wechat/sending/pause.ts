import { type Clock, limitOf } from '#core'

/** Waits by the clock, or throws the signal's reason as soon as that is aborted. */
export async function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const limit = limitOf({ signals: [signal], clock, ms, late: () => new Error('The pause is over.') })
  const { promise, resolve } = Promise.withResolvers<void>()
  limit.signal.addEventListener('abort', () => resolve())
  if (!limit.signal.aborted) await promise
  limit.release()
  signal.throwIfAborted()
}
