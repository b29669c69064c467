/** When something was said, as people of a language write it. */
import type { Language } from './words.ts'

const NEW_TIME_AFTER_MS = 10 * 60_000

const formats = new Map<string, Intl.DateTimeFormat>()

/** Making one takes long, so it is made once for each language and purpose. */
function formatOf(language: Language, parts: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(parts)
  const format = formats.get(key) ?? new Intl.DateTimeFormat(language, parts)
  formats.set(key, format)
  return format
}

const TIME = { hour: '2-digit', minute: '2-digit' } as const
const DATE = { month: 'short', day: 'numeric' } as const

const midnight = (atMs: number): number => new Date(atMs).setHours(0, 0, 0, 0)
/** Days between two moments, by the calendar: a day may have 23 or 25 hours. */
export const daysBetween = (atMs: number, nowMs: number): number =>
  Math.round((midnight(nowMs) - midnight(atMs)) / 86_400_000)

/** The time alone today; yesterday so named; else with the date, and the year where it is another. */
export function whenText(atMs: number, nowMs: number, language: Language): string {
  const days = daysBetween(atMs, nowMs)
  if (days === 0) return formatOf(language, TIME).format(atMs)
  if (days === 1) {
    const yesterday = new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-1, 'day')
    return `${yesterday.charAt(0).toUpperCase()}${yesterday.slice(1)} ${formatOf(language, TIME).format(atMs)}`
  }
  const isThisYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear()
  return formatOf(language, isThisYear ? { ...DATE, ...TIME } : { year: 'numeric', ...DATE, ...TIME }).format(atMs)
}

/** What stands between two messages: when the later one was said, where that is much later or on another day. */
export function timeBetween(beforeMs: number, atMs: number, nowMs: number, language: Language): string {
  const isLater = atMs - beforeMs > NEW_TIME_AFTER_MS || daysBetween(beforeMs, atMs) !== 0
  return isLater ? whenText(atMs, nowMs, language) : ''
}

/** Everything, for those who point at a message. */
export const fullTimeText = (atMs: number, language: Language): string =>
  formatOf(language, { dateStyle: 'medium', timeStyle: 'short' }).format(atMs)
