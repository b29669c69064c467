/**
 * Jobs that belong to no chat: at the times of a cron expression, or at an interval. However many processes share the
 * journal, and however often one is started again, a job runs once for each of its times.
 */
import cron from 'node-cron'
import { parseDuration } from '../config/units.ts'
import { messageOf, SwitchboardError } from '../errors.ts'
import type { Engine } from '../journal/engine.ts'
import type { Log, Maybe } from '../turn.ts'
import type { Clock } from './clock.ts'

/**
 * Runs `job` at each time of `when` until `signal` aborts; the job is given the same signal. `name` is the instance's.
 * Throws `SCHEDULE_WHEN`.
 *
 * The next time is looked for when a run has ended: a job never overlaps itself, and what came due meanwhile, or while
 * the process was down, is left out. An interval counts from 1970 (`1h` is on the hour, in UTC), so that every process
 * means the same times. A job that throws is logged and runs again at its next time.
 *
 * Where clocks change: a wall-clock time that is skipped is left out that day, one that comes twice runs once; jobs of
 * every hour go on through both hours.
 */
export type Schedule = (
  name: string,
  when: string,
  job: (signal: AbortSignal) => Maybe<void>,
  signal: AbortSignal,
) => void

/** How many of its runs the journal remembers of a job. */
const KEEP_RUNS = 100
/** Shorter ones belong into the plugin: each run is written down on disk. */
const MIN_INTERVAL_MS = 1000
const MINUTE_MS = 60_000
const QUARTER_MS = 15 * MINUTE_MS
/** Every combination of day and weekday comes round within 28 years, or 40 across a century without its leap day. */
const MAX_DAYS = 41 * 366

/** Makes what runs the jobs of all instances. `timeZone` is that of the cron expressions, asked each time. */
export function makeSchedule(options: {
  readonly clock: Clock
  readonly engine: Pick<Engine, 'write'>
  readonly timeZone: () => string
  readonly log: Log
}): Schedule {
  const { clock, engine, timeZone, log } = options
  /** Of one running instance, how often it has used the same time: two such jobs are not the same job. */
  const used = new WeakMap<AbortSignal, Map<string, number>>()

  function keyOf(name: string, when: string, signal: AbortSignal): string {
    const counts = used.get(signal) ?? new Map<string, number>()
    used.set(signal, counts)
    const count = (counts.get(when) ?? 0) + 1
    counts.set(when, count)
    return count === 1 ? `${name} ${when}` : `${name} ${when} #${count}`
  }

  return (name, when, job, signal) => {
    const nextAfter = (afterMs: number) => timesOf(when, timeZone())(afterMs)
    const key = keyOf(name, when, signal)
    let cancel = () => {}

    const wait = (dueMs: number | undefined) => {
      if (dueMs === undefined || signal.aborted) return
      cancel = clock.after(dueMs - clock.now(), () => {
        // A timer may be early, and the longest that Node takes is shorter than a month.
        if (clock.now() < dueMs) return wait(dueMs)
        void run(dueMs).then(() => wait(nextAfter(Math.max(dueMs, clock.now()))))
      })
    }

    async function run(dueMs: number): Promise<void> {
      let failure: string | null = null
      try {
        if (!(await claim(key, dueMs)) || signal.aborted) return
        try {
          await job(signal)
        } catch (error) {
          failure = messageOf(error)
          // What it throws because it was stopped is no problem of its own.
          if (!signal.aborted) log.error({ instance: name, when, error }, `${name}, job at ${when}: ${failure}`)
        }
        await engine.write([ended(key, dueMs, clock.now(), failure)])
      } catch (error) {
        if (signal.aborted) return
        log.error({ instance: name, when, error }, `${name}, job at ${when}: the journal said ${messageOf(error)}`)
      }
    }

    /** Whoever writes the row runs the job. */
    async function claim(key: string, dueMs: number): Promise<boolean> {
      const rows = await engine.write([forgetOld(key), begun(key, dueMs, clock.now())])
      return rows.length > 0
    }

    signal.addEventListener('abort', () => cancel(), { once: true })
    wait(nextAfter(clock.now()))
  }
}

function forgetOld(key: string) {
  const sql = `delete from job_run where name = ? and due_at <=
    (select due_at from job_run where name = ? order by due_at desc limit 1 offset ${KEEP_RUNS - 1})`
  return { sql, parameters: [key, key] }
}

function begun(key: string, dueMs: number, nowMs: number) {
  const sql =
    'insert into job_run (name, due_at, started_at) values (?, ?, ?) on conflict (name, due_at) do nothing returning due_at'
  return { sql, parameters: [key, dueMs, nowMs] }
}

function ended(key: string, dueMs: number, nowMs: number, error: string | null) {
  const sql = 'update job_run set finished_at = ?, error = ? where name = ? and due_at = ?'
  return { sql, parameters: [nowMs, error, key, dueMs] }
}

/** Whether a text is a cron expression: five fields, or six with seconds first, or a nickname such as `@daily`. */
export function isCron(text: string): boolean {
  return cron.validate(text)
}

/**
 * Makes the function that gives the first of the times after a moment, both in ms since 1970; `undefined` when there is
 * none. Throws `SCHEDULE_WHEN`.
 */
export function timesOf(when: string, timeZone: string): (afterMs: number) => number | undefined {
  const everyMs = parseDuration(when)
  if (everyMs !== undefined && everyMs >= MIN_INTERVAL_MS)
    return (afterMs) => (Math.floor(afterMs / everyMs) + 1) * everyMs
  if (!isCron(when)) throw new SwitchboardError('SCHEDULE_WHEN', { detail: `It was "${when}".` })
  return cronTimes(when, timeZone)
}

/**
 * node-cron reads the expression and says which days it means; the walk is ours, because its own knows no clock but the
 * system's.
 */
function cronTimes(expression: string, timeZone: string): (afterMs: number) => number | undefined {
  const { second, minute, hour, dayOfMonth, month, dayOfWeek } = cron.parse(expression)
  const [seconds, minutes, hours, months] = [new Set(second), new Set(minute), new Set(hour), new Set(month)]
  const days = cron.createTask(`* * * ${dayOfMonth} ${month} ${dayOfWeek}`, () => {}, { timezone: 'UTC' })
  // Out of node-cron's list of tasks; matching goes on.
  void days.destroy()

  const isDay = (day: Temporal.PlainDate) =>
    months.has(day.month) && days.match(new Date(Date.UTC(day.year, day.month - 1, day.day, 12)))

  /** The second time round of an hour that comes twice. */
  const isRepeat = (time: Temporal.ZonedDateTime) =>
    !time.equals(time.toPlainDateTime().toZonedDateTime(timeZone, { disambiguation: 'earlier' }))

  function firstOn(day: Temporal.PlainDate, fromMs: number): number | undefined {
    const endMs = day.add({ days: 1 }).toZonedDateTime(timeZone).epochMilliseconds
    let atMs = Math.max(day.toZonedDateTime(timeZone).epochMilliseconds, fromMs)
    while (atMs < endMs) {
      const time = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone)
      // Offsets change at quarters of an hour, so no step may be longer.
      if (!hours.has(time.hour)) atMs += QUARTER_MS - (atMs % QUARTER_MS)
      else if (!minutes.has(time.minute)) atMs += MINUTE_MS - (atMs % MINUTE_MS)
      else if (!seconds.has(time.second)) atMs += 1000
      else if (hours.size < 24 && isRepeat(time)) atMs += QUARTER_MS - (atMs % QUARTER_MS)
      else return atMs
    }
    return undefined
  }

  return (afterMs) => {
    const fromMs = (Math.floor(afterMs / 1000) + 1) * 1000
    let day = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(timeZone).toPlainDate()
    for (let count = 0; count < MAX_DAYS; count++, day = day.add({ days: 1 })) {
      const foundMs = isDay(day) ? firstOn(day, fromMs) : undefined
      if (foundMs !== undefined) return foundMs
    }
    return undefined
  }
}
