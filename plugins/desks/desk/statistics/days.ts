/** The days that statistics are asked for, by the clocks of the YAML's time zone. */

/** Both days belong to it, as `2026-01-31`. It ends now if its last day has not ended. */
export interface Days {
  readonly from: string
  readonly until: string
  readonly fromMs: number
  readonly untilMs: number
}

/** Whoever asks for more asks twice. */
export const MAX_DAYS = 366

/** These days, as far as they have come; `undefined`: there are none, or too many. */
export function daysOf(from: string, until: string, nowMs: number, timeZone: string): Days | undefined {
  const [first, last] = [dateOf(from), dateOf(until)]
  if (!first || !last) return undefined
  const count = first.until(last, { largestUnit: 'days' }).days + 1
  if (count < 1 || count > MAX_DAYS) return undefined
  const fromMs = first.toZonedDateTime(timeZone).epochMilliseconds
  const endMs = last.add({ days: 1 }).toZonedDateTime(timeZone).epochMilliseconds
  return { from: first.toString(), until: last.toString(), fromMs, untilMs: Math.max(fromMs, Math.min(endMs, nowMs)) }
}

/** The last so many days, today included. */
export function lastDays(count: number, nowMs: number, timeZone: string): Days {
  const today = zoned(nowMs, timeZone).toPlainDate()
  const first = today.subtract({ days: count - 1 })
  const fromMs = first.toZonedDateTime(timeZone).epochMilliseconds
  return { from: first.toString(), until: today.toString(), fromMs, untilMs: nowMs }
}

/** As many days before, up to the same time of the day. */
export function before({ from, until, fromMs, untilMs }: Days, timeZone: string): Days {
  const [first, last] = [Temporal.PlainDate.from(from), Temporal.PlainDate.from(until)]
  const days = first.until(last, { largestUnit: 'days' }).days + 1
  const earlier = (ms: number) => zoned(ms, timeZone).subtract({ days }).epochMilliseconds
  return {
    from: first.subtract({ days }).toString(),
    until: last.subtract({ days }).toString(),
    fromMs: earlier(fromMs),
    untilMs: Math.min(fromMs, earlier(untilMs)),
  }
}

/** Every day of it. */
export function eachDay({ from, until }: Days): readonly string[] {
  const last = Temporal.PlainDate.from(until)
  const days: string[] = []
  for (let day = Temporal.PlainDate.from(from); Temporal.PlainDate.compare(day, last) <= 0; day = day.add({ days: 1 }))
    days.push(day.toString())
  return days
}

/** How far local clocks are from UTC: `offsetMs` until that moment, one after the other; the last one to the end. */
export function offsetsOf(
  { fromMs, untilMs }: Days,
  timeZone: string,
): readonly {
  readonly untilMs: number
  readonly offsetMs: number
}[] {
  const offsets: { untilMs: number; offsetMs: number }[] = []
  for (let at = zoned(fromMs, timeZone); ; ) {
    const offsetMs = at.offsetNanoseconds / 1e6
    const next = at.getTimeZoneTransition('next')
    if (!next || next.epochMilliseconds >= untilMs) return [...offsets, { untilMs, offsetMs }]
    offsets.push({ untilMs: next.epochMilliseconds, offsetMs })
    at = next
  }
}

function zoned(ms: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone)
}

function dateOf(text: string): Temporal.PlainDate | undefined {
  try {
    return Temporal.PlainDate.from(text)
  } catch {
    // As `2026-02-30`.
    return undefined
  }
}
