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
  const pool = Buffer.alloc(8 * 256)
  let random = ''
  let used = 0
  let lastMs = 0
  let time = ''
  let count = 0
  const moveTo = (ms: number) => {
    lastMs = ms
    count = 0
    const digits = ms.toString(16).padStart(12, '0')
    time = `${digits.slice(0, 8)}-${digits.slice(8)}-7`
  }
  return () => {
    if (used === random.length) {
      fill(pool)
      // Written as text all at once, and so is the time: most ids are made many in a millisecond.
      random = pool.toString('hex')
      used = 0
    }
    const nowMs = clock.now()
    if (nowMs > lastMs) moveTo(nowMs)
    else if (++count > 0xfff) moveTo(lastMs + 1)
    const variant = '89ab'[((pool[used / 2] ?? 0) >> 4) & 3]
    const a = random.slice(used + 1, used + 4)
    const b = random.slice(used + 4, used + 16)
    used += 16
    return `${time}${(0x1000 + count).toString(16).slice(1)}-${variant}${a}-${b}`
  }
}
