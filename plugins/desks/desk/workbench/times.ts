/** Times and durations, as people at work read them. */
import { signal } from '@preact/signals'
import { language, words } from './words/words.ts'

/** Now, as far as screens need to know it: every ten seconds. What shows it is drawn again by itself. */
export const nowMs = signal(Date.now())
setInterval(() => {
  nowMs.value = Date.now()
}, 10_000)

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `14:05` today, `Yesterday`, `3 May`, `3 May 2025`. */
export function shortTime(ms: number): string {
  const days = Math.round((startOfDay(nowMs.value) - startOfDay(ms)) / DAY)
  if (days <= 0) return clockTime(ms)
  if (days === 1) return words.value.time.yesterday
  return format(ms, { day: 'numeric', month: 'short', ...yearUnlessThis(ms) })
}

/** `14:05` today, else with its day. */
export function fullTime(ms: number): string {
  if (startOfDay(ms) === startOfDay(nowMs.value)) return clockTime(ms)
  return format(ms, { day: 'numeric', month: 'short', ...yearUnlessThis(ms), hour: '2-digit', minute: '2-digit' })
}

/** The end of what began then: with its day when that is another. */
export const endTime = (beganAtMs: number, ms: number): string =>
  isSameDay(beganAtMs, ms) ? clockTime(ms) : fullTime(ms)

/** With its day and to the second, whenever it was. */
export const momentOf = (ms: number): string =>
  format(ms, { ...DATE, hour: '2-digit', minute: '2-digit', second: '2-digit' })
const DATE = { year: 'numeric', month: '2-digit', day: '2-digit' } as const

export const clockTime = (ms: number): string => format(ms, { hour: '2-digit', minute: '2-digit' })

export const dayOf = (ms: number): string =>
  format(ms, { weekday: 'long', day: 'numeric', month: 'long', ...yearUnlessThis(ms) })

export const isSameDay = (a: number, b: number): boolean => startOfDay(a) === startOfDay(b)

/** `<1 min`, `7 min`, `3 h`, `2 days`. */
export function waited(sinceMs: number): string {
  const ms = nowMs.value - sinceMs
  if (ms < MINUTE) return words.value.time.underMinute
  if (ms < HOUR) return unit(ms / MINUTE, 'minute')
  return ms < DAY ? unit(ms / HOUR, 'hour') : unit(ms / DAY, 'day')
}

/** How urgent it is to answer somebody who waits since then. */
export function urgency(sinceMs: number): 'calm' | 'soon' | 'late' {
  const ms = nowMs.value - sinceMs
  return ms < MINUTE ? 'calm' : ms < 3 * MINUTE ? 'soon' : 'late'
}

export function sizeText(bytes: number): string {
  const [size, name] = bytes < 1e6 ? [Math.ceil(bytes / 1e3), 'kilobyte'] : [bytes / 1e6, 'megabyte']
  return new Intl.NumberFormat(language.value, { style: 'unit', unit: name, maximumFractionDigits: 1 }).format(size)
}

const formats = new Map<string, Intl.DateTimeFormat>()
function format(ms: number, options: Intl.DateTimeFormatOptions): string {
  const key = `${language.value} ${Object.entries(options)}`
  // The 24 hours of the day in both languages: it is a table, not a letter.
  const made = formats.get(key) ?? new Intl.DateTimeFormat(language.value, { ...options, hourCycle: 'h23' })
  formats.set(key, made)
  return made.format(ms)
}

const unit = (count: number, name: string) =>
  new Intl.NumberFormat(language.value, {
    style: 'unit',
    unit: name,
    unitDisplay: 'short',
    maximumFractionDigits: 0,
  }).format(Math.floor(count))

const yearUnlessThis = (ms: number): Intl.DateTimeFormatOptions =>
  new Date(ms).getFullYear() === new Date(nowMs.value).getFullYear() ? {} : { year: 'numeric' }

const startOfDay = (ms: number) => new Date(ms).setHours(0, 0, 0, 0)
