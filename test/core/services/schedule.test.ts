import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import cron from 'node-cron'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openSqlite, type SqliteEngine } from '../../../core/journal/sqlite/engine.ts'
import { makeLog } from '../../../core/services/log.ts'
import { isCron, makeSchedule, timesOf } from '../../../core/services/schedule.ts'
import { type ManualClock, manualClock } from '../../../core/testing/clock.ts'

describe('the times', () => {
  /** The next times after a moment, in the zone's own clock. */
  function next(when: string, timeZone: string, after: string, count = 3) {
    const nextAfter = timesOf(when, timeZone)
    const times: string[] = []
    let atMs = Temporal.PlainDateTime.from(after).toZonedDateTime(timeZone).epochMilliseconds
    for (let i = 0; i < count; i++) {
      const found = nextAfter(atMs)
      if (found === undefined) break
      atMs = found
      const time = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone)
      times.push(time.toString({ timeZoneName: 'never', smallestUnit: 'second' }))
    }
    return times
  }

  test.each([
    ['0 3 * * *', 'Asia/Shanghai', '2026-03-01T03:00', ['2026-03-02T03:00:00+08:00', '2026-03-03T03:00:00+08:00']],
    ['0 3 * * *', 'Asia/Shanghai', '2026-03-01T02:59:59', ['2026-03-01T03:00:00+08:00', '2026-03-02T03:00:00+08:00']],
    ['*/20 9-10 * * *', 'UTC', '2026-03-01T10:30', ['2026-03-01T10:40:00+00:00', '2026-03-02T09:00:00+00:00']],
    ['15,45 30 12 * * *', 'UTC', '2026-03-01T12:30:15', ['2026-03-01T12:30:45+00:00', '2026-03-02T12:30:15+00:00']],
    ['0 0 1 1 *', 'America/New_York', '2026-01-01T00:00', ['2027-01-01T00:00:00-05:00', '2028-01-01T00:00:00-05:00']],
    ['0 12 29 2 *', 'UTC', '2026-01-01T00:00', ['2028-02-29T12:00:00+00:00', '2032-02-29T12:00:00+00:00']],
    ['0 12 29 2 mon', 'UTC', '2026-01-01T00:00', ['2044-02-29T12:00:00+00:00', '2072-02-29T12:00:00+00:00']],
    ['0 8 L * *', 'UTC', '2026-02-01T00:00', ['2026-02-28T08:00:00+00:00', '2026-03-31T08:00:00+00:00']],
    ['0 8 * * mon#2', 'UTC', '2026-02-01T00:00', ['2026-02-09T08:00:00+00:00', '2026-03-09T08:00:00+00:00']],
    [
      '30 9 * * mon-fri',
      'Asia/Kolkata',
      '2026-03-06T12:00',
      ['2026-03-09T09:30:00+05:30', '2026-03-10T09:30:00+05:30'],
    ],
    ['10 9 * * *', 'Asia/Kolkata', '2026-03-06T12:00', ['2026-03-07T09:10:00+05:30', '2026-03-08T09:10:00+05:30']],
    ['45 0 * * *', 'Asia/Kathmandu', '2026-03-06T00:45', ['2026-03-07T00:45:00+05:45', '2026-03-08T00:45:00+05:45']],
    ['@hourly', 'UTC', '2026-03-06T00:45', ['2026-03-06T01:00:00+00:00', '2026-03-06T02:00:00+00:00']],
    [
      '59 59 23 31 12 *',
      'Asia/Tokyo',
      '2026-12-31T23:59:58',
      ['2026-12-31T23:59:59+09:00', '2027-12-31T23:59:59+09:00'],
    ],
  ])('of %s in %s after %s are right', (when, timeZone, after, expected) => {
    expect(next(when, timeZone, after, 2)).toEqual(expected)
  })

  test('leave a nightly job out on a day on which its hour is skipped', () => {
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-03-27T12:00')).toEqual([
      '2026-03-28T02:30:00+01:00',
      '2026-03-30T02:30:00+02:00',
      '2026-03-31T02:30:00+02:00',
    ])
  })

  test('have a nightly job once in an hour that comes twice', () => {
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00')).toEqual([
      '2026-10-25T02:30:00+02:00',
      '2026-10-26T02:30:00+01:00',
      '2026-10-27T02:30:00+01:00',
    ])
    expect(next('45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T12:00', 2)).toEqual([
      '2026-04-05T01:45:00+11:00',
      '2026-04-06T01:45:00+10:30',
    ])
  })

  test('have a job of every hour in both', () => {
    expect(next('30 * * * *', 'Europe/Berlin', '2026-10-25T01:45', 3)).toEqual([
      '2026-10-25T02:30:00+02:00',
      '2026-10-25T02:30:00+01:00',
      '2026-10-25T03:30:00+01:00',
    ])
    expect(next('30 * * * *', 'Europe/Berlin', '2026-03-29T01:00', 2)).toEqual([
      '2026-03-29T01:30:00+01:00',
      '2026-03-29T03:30:00+02:00',
    ])
  })

  test('of an interval are the same for every process', () => {
    expect(next('30s', 'UTC', '2026-01-01T00:00:07')).toEqual([
      '2026-01-01T00:00:30+00:00',
      '2026-01-01T00:01:00+00:00',
      '2026-01-01T00:01:30+00:00',
    ])
    expect(next('1d', 'Asia/Shanghai', '2026-01-01T08:00', 1)).toEqual(['2026-01-02T08:00:00+08:00'])
  })

  test('of a day that hardly ever comes are found, and there are none of one that never comes', () => {
    expect(next('0 0 31 1 1#5', 'UTC', '2026-01-01T00:00', 1)).toEqual(['2028-01-31T00:00:00+00:00'])
    expect(next('0 0 10 1 1#5', 'UTC', '2026-01-01T00:00', 1)).toEqual([])
  })

  test.each(['soon', '', '30', '0s', '500ms', '-5s', '* * * *', '61 * * * *', '0 0 31 2 *', '30 s'])(
    'of "%s" are none',
    (when) => {
      expect(() => timesOf(when, 'UTC')).toThrow(expect.objectContaining({ code: 'SCHEDULE_WHEN' }))
    },
  )

  test('leave no task with node-cron', () => {
    timesOf('0 3 * * *', 'UTC')
    expect(cron.getTasks().size).toBe(0)
  })

  test('that are cron expressions are recognised', () => {
    expect(['0 3 * * *', '*/10 * * * * *', '@daily', '0 9 * * mon-fri'].map(isCron)).toEqual([true, true, true, true])
    expect(['30s', '', 'daily', '0 3 * *', '99 * * * *'].map(isCron)).toEqual([false, false, false, false, false])
  })
})

describe('a job', () => {
  const START_MS = Date.UTC(2026, 0, 1, 11, 59, 30)
  let folder: string
  let shared: SqliteEngine
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'schedule-'))
    shared = await openSqlite({ folder: join(folder, 'shared') })
  })
  afterAll(async () => {
    await shared.close()
    await rm(folder, { recursive: true })
  })

  let engine: SqliteEngine
  let clock: ManualClock
  let stop: AbortController
  let lines: string[]
  /** How many timers wait when nothing runs. */
  let expected: number
  const log = makeLog({ level: 'debug', stream: { write: (line) => void lines.push(line) } })
  const make = (timeZone = () => 'UTC') => makeSchedule({ clock, engine, timeZone, log })

  beforeEach(async () => {
    await shared.write([{ sql: 'delete from job_run', parameters: [] }])
    engine = shared
    clock = manualClock(START_MS)
    stop = new AbortController()
    lines = []
    expected = 1
  })
  afterEach(() => stop.abort())

  const rows = () => engine.read.selectFrom('job_run').selectAll().orderBy('name').orderBy('due_at').execute()

  /** A job that notes when it ran, and can be waited for: the journal's threads know no manual clock. */
  function counted(work: (signal: AbortSignal) => unknown = () => {}) {
    const times: string[] = []
    return {
      times,
      async job(signal: AbortSignal) {
        times.push(new Date(clock.now()).toISOString().slice(11, 19))
        await work(signal)
      },
    }
  }

  /** Lets the time pass until a run has begun and ended, or nothing has happened: then the next timer waits. */
  async function pass(ms: number) {
    const untilMs = clock.now() + ms
    while (clock.now() < untilMs) {
      await clock.advance(Math.min(10_000, untilMs - clock.now()))
      while (clock.waiting < expected) await setImmediate()
    }
  }
  test('runs at each of its times, and never before', async () => {
    const { job, times } = counted()
    make()('shop', '*/2 * * * *', job, stop.signal)
    await pass(20_000)
    expect(times).toEqual([])
    await pass(5 * 60_000)
    expect(times).toEqual(['12:00:00', '12:02:00', '12:04:00'])
    expect(await rows()).toMatchObject([
      { name: 'shop */2 * * * *', due_at: Date.UTC(2026, 0, 1, 12), started_at: Date.UTC(2026, 0, 1, 12), error: null },
      { finished_at: Date.UTC(2026, 0, 1, 12, 2) },
      {},
    ])
  })

  test('does not run early when a timer is, as the longest are', async () => {
    const { job, times } = counted()
    const real = clock
    clock = { ...real, now: real.now, after: (ms, run) => real.after(Math.min(ms, 7000), run) }
    make()('shop', '1m', job, stop.signal)
    clock = real
    await pass(90_000)
    expect(times).toEqual(['12:00:00', '12:01:00'])
  })

  test('runs at its interval', async () => {
    const { job, times } = counted()
    make()('shop', '20s', job, stop.signal)
    await pass(60_000)
    expect(times).toEqual(['11:59:40', '12:00:00', '12:00:20'])
  })

  test('runs once for each time, in however many processes', async () => {
    const { job, times } = counted()
    const [one, two] = [make(), make()]
    expected = 2
    one('shop', '1m', job, stop.signal)
    two('shop', '1m', job, new AbortController().signal)
    await pass(3 * 60_000)
    expect(times).toEqual(['12:00:00', '12:01:00', '12:02:00'])
  })

  test('runs once for each time, however often the process is started again', async () => {
    const { job, times } = counted()
    const own = { folder: join(folder, 'own') }
    engine = await openSqlite(own)
    make()('shop', '1m', job, stop.signal)
    await pass(30_000)
    stop.abort()
    await engine.close()
    // The clock is put back, as when it was wrong before.
    clock = manualClock(START_MS)
    engine = await openSqlite(own)
    stop = new AbortController()
    make()('shop', '1m', job, stop.signal)
    await pass(90_000)
    await engine.close()
    expect(times).toEqual(['12:00:00', '12:01:00'])
  })

  test('of one instance may have the same times as another, of the same or of another instance', async () => {
    const jobs = [counted(), counted(), counted()]
    const schedule = make()
    expected = 3
    for (const [n, { job }] of jobs.entries())
      schedule(n < 2 ? 'shop' : 'other', '1m', job, n < 2 ? stop.signal : AbortSignal.any([stop.signal]))
    await pass(30_000)
    expect(jobs.map(({ times }) => times)).toEqual([['12:00:00'], ['12:00:00'], ['12:00:00']])
    expect((await rows()).map((row) => row.name)).toEqual(['other 1m', 'shop 1m', 'shop 1m #2'])
  })

  test('of an instance that replaces another is the same job', async () => {
    const [old, next] = [counted(), counted()]
    const schedule = make()
    const stopNext = new AbortController()
    expected = 2
    schedule('shop', '1m', old.job, stop.signal)
    schedule('shop', '1m', next.job, stopNext.signal)
    await pass(30_000)
    expected = 1
    stop.abort()
    await pass(60_000)
    expect([...old.times, ...next.times]).toEqual(['12:00:00', '12:01:00'])
    stopNext.abort()
  })

  test('never overlaps itself; what came due meanwhile is left out', async () => {
    const slow = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const { job, times } = counted(() => {
      begun.resolve()
      return slow.promise
    })
    make()('shop', '1m', job, stop.signal)
    await clock.advance(30_000)
    await begun.promise
    await clock.advance(150_000)
    expect([times, clock.waiting]).toEqual([['12:00:00'], 0])
    slow.resolve()
    await pass(30_000)
    expect(times).toEqual(['12:00:00', '12:03:00'])
  })

  test('that throws is logged with its instance, noted, and runs again', async () => {
    const { job, times } = counted(() => {
      throw new Error('the model server is gone')
    })
    make()('shop', '1m', job, stop.signal)
    await pass(90_000)
    expect(times).toHaveLength(2)
    expect(lines.map((line) => JSON.parse(line))[0]).toMatchObject({
      level: 'error',
      instance: 'shop',
      msg: 'shop, job at 1m: the model server is gone',
      error: { stack: expect.stringContaining('schedule.test') },
    })
    expect((await rows())[0]).toMatchObject({ error: 'the model server is gone' })
  })

  test('ends with its instance: no timer is left, and one under way is told', async () => {
    const begun = Promise.withResolvers<AbortSignal>()
    const over = Promise.withResolvers<void>()
    const running = counted(async (signal) => {
      begun.resolve(signal)
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const schedule = make()
    schedule('shop', '1m', (signal) => running.job(signal).finally(over.resolve), stop.signal)
    schedule('shop', '0 13 * * *', running.job, stop.signal)
    await clock.advance(30_000)
    const signal = await begun.promise
    expect(signal.aborted).toBe(false)
    stop.abort()
    expect(signal.aborted).toBe(true)
    await over.promise
    while (!(await rows())[0]?.finished_at) await setImmediate()
    expect(clock.waiting).toBe(0)
    expect(lines).toEqual([])
    schedule('shop', '1m', running.job, stop.signal)
    expect(clock.waiting).toBe(0)
  })

  test('does not run when the journal cannot be written, and says so', async () => {
    const { job, times } = counted()
    engine = await openSqlite({ folder: join(folder, 'closed') })
    make()('shop', '1m', job, stop.signal)
    await engine.close()
    await pass(30_000)
    expect(times).toEqual([])
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'error',
      instance: 'shop',
      error: { code: 'JOURNAL_CLOSED' },
    })
    expect(clock.waiting).toBe(1)
  })

  test('is remembered for its last hundred runs', async () => {
    const { job } = counted()
    const schedule = make()
    schedule('other', '1h', job, stop.signal)
    schedule('shop', '1m', job, stop.signal)
    expected = 2
    await pass(105 * 60_000)
    const ofShop = (await rows()).filter((row) => row.name === 'shop 1m')
    expect(ofShop).toHaveLength(100)
    expect(ofShop[0]?.due_at).toBe(Date.UTC(2026, 0, 1, 12, 5))
    expect((await rows()).filter((row) => row.name === 'other 1h')).toHaveLength(2)
  })

  test('follows the time zone when that changes', async () => {
    const { job, times } = counted()
    let timeZone = 'UTC'
    make(() => timeZone)('shop', '0 12 * * *', job, stop.signal)
    await pass(30_000)
    timeZone = 'Asia/Tokyo'
    await clock.advance(24 * 3_600_000 - 1000)
    expect(times).toEqual(['12:00:00'])
    await pass(1000)
    await clock.advance(15 * 3_600_000 - 1000)
    await pass(1000)
    expect(times).toEqual(['12:00:00', '12:00:00', '03:00:00'])
  })

  test('with a time that is none is refused at once', () => {
    expect(() => make()('shop', 'now and then', () => {}, stop.signal)).toThrow(
      expect.objectContaining({ code: 'SCHEDULE_WHEN' }),
    )
  })
})
