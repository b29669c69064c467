/** Time, ids and randomness: the core takes them from nowhere else, so that tests and replay can give their own. */
import { randomFillSync } from 'node:crypto'

export interface Clock {
  /** ms since 1970. */
  now(): number
  /** Calls `run` once after `ms`; the returned function cancels it. Does not keep the process alive. */
  after(ms: number, run: () => void): () => void
}

/** The longest delay that Node's timers take; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: Date.now,
  after(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), MAX_DELAY_MS))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

export type MakeId = () => string

/** UUIDv7: sortable by time, and rising within a millisecond, so that ids made in order sort in order. */
export function makeIds(clock: Pick<Clock, 'now'>, fill: (bytes: Uint8Array) => unknown = randomFillSync): MakeId {
  const pool = new Uint8Array(8 * 256)
  let used = pool.length
  let lastMs = 0
  let count = 0
  return () => {
    if (used === pool.length) {
      fill(pool)
      used = 0
    }
    const nowMs = clock.now()
    if (nowMs > lastMs) {
      lastMs = nowMs
      count = 0
    } else if (++count > 0xfff) {
      lastMs += 1
      count = 0
    }
    const time = lastMs.toString(16).padStart(12, '0')
    const random = Buffer.from(pool.buffer, used, 8)
    used += 8
    const variant = (0x80 | ((random[0] ?? 0) & 0x3f)).toString(16)
    const rest = random.toString('hex', 1)
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count.toString(16).padStart(3, '0')}-${variant}${rest.slice(0, 2)}-${rest.slice(2)}`
  }
}
