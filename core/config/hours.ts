/** Opening hours: weekly times, holidays, and days with times of their own, in a time zone. */
import { z } from 'zod'
import { nearest } from './nearest.ts'
import { type Finding, found } from './problems.ts'

export interface Hours {
  isOpen(atMs: number): boolean
  /** When to look again: at the next time at which they may begin or end, at midnight and at each full hour in any case. */
  nextEdgeMs(atMs: number): number
}

/** From minute to minute of a day. One that ends before it starts goes on into the next day. */
interface Span {
  readonly from: number
  readonly to: number
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const MINUTES_A_DAY = 24 * 60
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Puts a finding where zod is. */
export function refuse(context: z.core.$RefinementCtx, finding: Finding): void {
  const message = finding.instead ? `${finding.what} ${finding.instead}` : finding.what
  context.addIssue({ code: 'custom', message, params: { finding } })
}

/** A time zone by its IANA name. */
export function timeZone(): z.ZodType<string, string> {
  return z
    .string()
    .superRefine((text, context) => {
      if (isTimeZone(text)) return
      refuse(context, found('CONFIG_BAD_TIME_ZONE', { text, meant: nearest(text, Intl.supportedValuesOf('timeZone')) }))
    })
    .meta({ switchboard: 'time zone', examples: ['Asia/Shanghai'] })
}

function isTimeZone(text: string): boolean {
  // An offset such as +08:00 is taken by Intl too, but knows no daylight saving: not what an operator means.
  if (!/^[A-Za-z]/.test(text)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }) !== undefined
  } catch {
    return false
  }
}

const weekday = z.string().superRefine((key, context) => {
  if (daysOf(key) === undefined) {
    refuse(
      context,
      found('CONFIG_BAD_HOURS', {
        what: `"${key}" is no day of the week.`,
        instead: 'Write mon, tue, wed, thu, fri, sat or sun, or several as mon-fri or "sat,sun".',
      }),
    )
  }
})

const span = z
  .string()
  .transform((text, context): readonly Span[] => {
    const spans = text.split(',').map((part) => parseSpan(part))
    const known = spans.filter((one) => one !== undefined)
    if (known.length < spans.length) {
      refuse(
        context,
        found('CONFIG_BAD_HOURS', {
          what: `"${text}" is no time from … to ….`,
          instead: 'Write it as "09:00-18:00"; several as "09:00-12:00, 13:00-18:00".',
        }),
      )
    }
    return known
  })
  .meta({ switchboard: 'times', examples: ['09:00-18:00'] })

const date = z.string().superRefine((text, context) => {
  if (datesOf(text)?.length !== 1) refuse(context, badDate(text, '2027-01-01'))
})

const dateOrDates = z.string().transform((text, context): readonly string[] => {
  const dates = datesOf(text)
  if (dates === undefined) refuse(context, badDate(text, '2027-01-01, or several in a row as 2027-10-01..2027-10-07'))
  return dates ?? []
})

function badDate(text: string, example: string): Finding {
  return found('CONFIG_BAD_HOURS', { what: `"${text}" is no date.`, instead: `Write it as ${example}.` })
}

/** Opening hours as they are written in the YAML. */
export const hoursSchema = z
  .strictObject({
    weekdays: z
      .record(weekday, span)
      .describe('Times by day or days of the week, as mon-fri: "09:00-18:00". Days left out are closed.'),
    holidays: z
      .array(dateOrDates)
      .default([])
      .describe('Days that are closed, as 2027-01-01, or several in a row as 2027-10-01..2027-10-07.'),
    days: z
      .record(date, span)
      .default({})
      .describe(
        'Single days with times of their own, as 2027-10-09: "09:00-18:00". They win over weekdays and holidays.',
      ),
    timeZone: timeZone().optional().describe('When it is not the time zone of the whole file.'),
  })
  .superRefine(({ weekdays, days }, context) => {
    const seen = new Set<string>()
    for (const day of Object.keys(weekdays).flatMap((key) => daysOf(key) ?? [])) {
      if (seen.has(day)) {
        const what = `${day} stands in more than one of the weekdays.`
        refuse(context, found('CONFIG_BAD_HOURS', { what, instead: 'Name each day once.' }))
        return
      }
      seen.add(day)
    }
    if (seen.size === 0 && Object.keys(days).length === 0) {
      const what = 'These hours are never open.'
      refuse(context, found('CONFIG_BAD_HOURS', { what, instead: 'Write  weekdays: { mon-fri: "09:00-18:00" }' }))
    }
  })

/** The hours that a checked `hours` entry means. `zone` counts when it names none. */
export function makeHours(written: z.output<typeof hoursSchema>, zone: string): Hours {
  const weekly = new Map<number, readonly Span[]>()
  for (const [key, spans] of Object.entries(written.weekdays)) {
    for (const day of daysOf(key) ?? []) weekly.set(DAYS.indexOf(day), spans)
  }
  const single = new Map(Object.entries(written.days))
  const holidays = new Set(written.holidays.flat())
  const clock = new Intl.DateTimeFormat('en', {
    timeZone: written.timeZone ?? zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  const spansOf = (day: Date): readonly Span[] => {
    const name = day.toISOString().slice(0, 10)
    return single.get(name) ?? (holidays.has(name) ? [] : (weekly.get(day.getUTCDay()) ?? []))
  }
  /** The minute of the day, and what is open on that day and the one before it. */
  const at = (atMs: number) => {
    const parts = new Map(clock.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]))
    const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0
    const today = Date.UTC(part('year'), part('month') - 1, part('day'))
    return {
      minute: part('hour') * 60 + part('minute'),
      today: spansOf(new Date(today)),
      yesterday: spansOf(new Date(today - MINUTES_A_DAY * MINUTE_MS)),
    }
  }
  return {
    isOpen(atMs) {
      const { minute, today, yesterday } = at(atMs)
      return (
        today.some(({ from, to }) => minute >= from && (minute < to || to <= from)) ||
        yesterday.some(({ from, to }) => to <= from && minute < to)
      )
    },
    nextEdgeMs(atMs) {
      const { minute, today, yesterday } = at(atMs)
      const edges = [...today.flatMap(({ from, to }) => [from, to]), ...yesterday.map(({ to }) => to), MINUTES_A_DAY]
      const next = Math.min(...edges.filter((edge) => edge > minute))
      const nextMs = Math.floor(atMs / MINUTE_MS) * MINUTE_MS + (next - minute) * MINUTE_MS
      // On the day that summer time begins or ends it is an hour off: clocks are changed at a full hour.
      return Math.min(nextMs, (Math.floor(atMs / HOUR_MS) + 1) * HOUR_MS)
    },
  }
}

function parseSpan(text: string): Span | undefined {
  const [, h1, m1, h2, m2] = /^\s*(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\s*$/.exec(text) ?? []
  const from = minuteOf(h1, m1)
  const to = minuteOf(h2, m2)
  return from === undefined || to === undefined || from === to || from === MINUTES_A_DAY ? undefined : { from, to }
}

function minuteOf(hour: string | undefined, minute: string | undefined): number | undefined {
  const value = Number(hour) * 60 + Number(minute)
  return Number(minute) < 60 && value <= MINUTES_A_DAY ? value : undefined
}

/** `mon-wed` → mon, tue, wed; `sat,sun` → sat, sun; `fri-mon` goes over the weekend. */
function daysOf(key: string): readonly string[] | undefined {
  const days: string[] = []
  for (const part of key.split(',')) {
    const [first = '', last = first, more] = part.trim().split('-')
    const from = DAYS.indexOf(first)
    const to = DAYS.indexOf(last)
    if (from < 0 || to < 0 || more !== undefined) return undefined
    for (let day = from; ; day = (day + 1) % 7) {
      days.push(DAYS[day] ?? '')
      if (day === to) break
    }
  }
  return days
}

/** More days in a row than this are a mistyped year. */
const MAX_DAYS_IN_A_ROW = 370

/** The dates of `2027-10-01`, or of `2027-10-01..2027-10-07`; `undefined` when it is neither. */
function datesOf(text: string): readonly string[] | undefined {
  const [first = '', last = first, more] = text.split('..')
  const from = dayOf(first)
  const to = dayOf(last)
  if (from === undefined || to === undefined || more !== undefined) return undefined
  const count = (to - from) / (MINUTES_A_DAY * 60_000) + 1
  if (count < 1 || count > MAX_DAYS_IN_A_ROW) return undefined
  return Array.from({ length: count }, (_, i) => new Date(from + i * MINUTES_A_DAY * 60_000).toISOString().slice(0, 10))
}

function dayOf(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text.trim())) return undefined
  const day = new Date(`${text.trim()}T00:00:00Z`)
  // 2027-02-30 would silently become the second of March.
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.trim()) ? day.getTime() : undefined
}
