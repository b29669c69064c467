/** Where days, weeks and other stretches of time begin and end, by the clocks of a time zone. */

/** From this moment on, up to but not including the other, in ms since 1970. */
export interface Period {
  readonly fromMs: number
  readonly untilMs: number
}

export type WeekStart = 'monday' | 'saturday' | 'sunday'

/** As Temporal numbers the days of a week. */
const DAYS: { readonly [day in WeekStart]: number } = { monday: 1, saturday: 6, sunday: 7 }

/** The week that this moment is in. It has an hour more or less when the clocks are changed in it. */
export function weekOf(atMs: number, timeZone: string, startsOn: WeekStart): Period {
  const today = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone).startOfDay()
  const first = today.subtract({ days: (today.dayOfWeek - DAYS[startsOn] + 7) % 7 }).startOfDay()
  return { fromMs: first.epochMilliseconds, untilMs: first.add({ days: 7 }).startOfDay().epochMilliseconds }
}
