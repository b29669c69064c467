/** Days of the calendar, and when they begin by the clocks of a time zone. Nothing here knows the time of the screen. */

/** `2026-11-09` */
export type Day = string
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const WEEK = 7

/** The moment at which a day begins, in ms since 1970. */
export function startOf(day: Day, timeZone: string): number {
  const asUtc = Date.parse(`${day}T00:00:00Z`)
  // Twice: between the first guess and the day’s beginning the clocks may have been changed.
  let at = asUtc
  for (let tries = 0; tries < 2; tries++) at = asUtc - (wallClockMs(at, timeZone) - at)
  // Where the clocks go forward at midnight the day begins at one.
  return dayAt(at, timeZone) === day ? at : at + HOUR_MS
}

/** The day that it is there at this moment. */
export function dayAt(ms: number, timeZone: string): Day {
  return new Date(wallClockMs(ms, timeZone)).toISOString().slice(0, 10)
}

export function plusDays(day: Day, days: number): Day {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10)
}

/** The first day of the month so many months later. */
export function plusMonths(day: Day, months: number): Day {
  const [year = 0, month = 1] = day.split('-').map(Number)
  return new Date(Date.UTC(year, month - 1 + months)).toISOString().slice(0, 10)
}

/** The weeks of a day’s month, from Monday to Sunday, with the days of others that fill them. */
export function weeksOf(day: Day): readonly (readonly Day[])[] {
  const first = plusMonths(day, 0)
  const next = plusMonths(day, 1)
  const monday = plusDays(first, -((new Date(first).getUTCDay() + 6) % WEEK))
  const weeks: Day[][] = []
  for (let week = monday; week < next; week = plusDays(week, WEEK))
    weeks.push(Array.from({ length: WEEK }, (_, index) => plusDays(week, index)))
  return weeks
}

/** `9–15 Nov 2026`; one day: `9 Nov 2026`. */
export function rangeText(from: Day, to: Day, language: string): string {
  const format = new Intl.DateTimeFormat(language, { timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' })
  return format.formatRange(new Date(from), new Date(to))
}

/** What the clocks there show, as if it were the time in Greenwich. */
function wallClockMs(ms: number, timeZone: string): number {
  const parts = clockOf(timeZone).formatToParts(ms)
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((one) => one.type === type)?.value)
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
}

const clocks = new Map<string, Intl.DateTimeFormat>()
function clockOf(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric'
  const clock =
    clocks.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, hourCycle: 'h23', calendar: 'iso8601', numberingSystem: 'latn' },
      ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
    })
  clocks.set(timeZone, clock)
  return clock
}
