import type { KeepUntil } from '../engine.ts'
import type { TrimInput, TrimOutput } from './protocol.ts'

/** Trims everything, a slice at a time. Gives the number of rows. */
export async function trimAll(_keep: KeepUntil, _trim: (slice: TrimInput) => Promise<TrimOutput>): Promise<number> {
  return 0
}
