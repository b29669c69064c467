/**
 * What the statistics of the desk cost over a year of a thousand conversations a day, of which people have every second:
 * CPU of all threads, nearly all of it the reader's, the best of several tries. The figures go to
 * bench/desk-statistics.json; it fails when one is above its limit.
 *
 *   node bench/desk-statistics.ts
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { testRuntime } from '../core/testing/index.ts'
import type { By } from '../plugins/desks/desk/api/statistics-shapes.ts'
import { type Days, daysOf } from '../plugins/desks/desk/statistics/days.ts'
import { makeFigures } from '../plugins/desks/desk/statistics/figures.ts'
import type { StatisticsTables, What } from '../plugins/desks/desk/statistics/tables.ts'
import { rounded } from './statistics.ts'

const PER_DAY = 1_000
const DAYS = 365
const CONVERSATIONS = PER_DAY * DAYS
const DAY_MS = 86_400_000
const TIME_ZONE = 'Asia/Shanghai'
/** When the year ends there. */
const NOW_MS = Date.UTC(2026, 11, 31, 16)

/** Every so many of the conversations have such a moment, with this as its code. */
const MOMENTS: readonly (readonly [what: What, every: number, code: string])[] = [
  ['opened', 1, `'customer'`],
  ['handed-over', 2, `CASE i / 2 % 3 WHEN 0 THEN 'keyword' WHEN 1 THEN 'unknown' ELSE 'bot' END`],
  ['waited', 2, 'NULL'],
  ['left', 20, `'left'`],
  ['answered', 2, 'NULL'],
  ['handled', 2, `CASE i / 2 % 10 WHEN 0 THEN 'transferred' WHEN 1 THEN 'no-answer' ELSE 'closed' END`],
  ['closed', 1, `iif(i % 2, 'bot', 'people')`],
]

const people = { amy: { name: 'Amy' } }
await using bot = await testRuntime({
  desks: { support: { use: 'desk', people, teams: { all: { members: ['amy'] } } } },
})
const { engine } = bot.runtime
for (const [what, every, code] of MOMENTS) {
  await engine.write([
    {
      sql: `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + ${every} FROM n WHERE i < ${CONVERSATIONS - every})
        INSERT INTO support__moment
          (what, at, conversation, n, account, team, person, bot, code, ms, sent, received)
        SELECT '${what}', ${NOW_MS} - (${CONVERSATIONS} - i) * ${DAY_MS / PER_DAY},
          printf('01900000-0000-7000-8000-%012d', i), 3, 'memory:' || (i / 2 % 4), 'team-' || (i / 2 % 5),
          'person-' || (i / 2 % 40), 'helper', ${code}, i * 7919 % 600000, 3, 4 FROM n`,
      parameters: [],
    },
  ])
}

const sql = engine.tablesOf<StatisticsTables>('support')
interface Measured {
  readonly what: string
  readonly cpuMs: number
  readonly atMostMs?: number
}

const figures = makeFigures({ desk: 'support', journal: engine.read, sql, timeZone: TIME_ZONE })
const year = period('2026-01-01', '2026-12-31')
const month = period('2026-12-02', '2026-12-31')

function period(from: string, until: string): Days {
  const days = daysOf(from, until, NOW_MS, TIME_ZONE)
  if (!days) throw new Error(`There are no days from ${from} to ${until}.`)
  return days
}

interface Measured {
  readonly cpuMs: number
  readonly atMostMs?: number
}

/** What it costs when nothing else gets in the way. */
async function measure(work: () => Promise<unknown>, tries: number): Promise<number> {
  let cpuMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < tries; i++) {
    const started = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(started)
    cpuMs = Math.min(cpuMs, (user + system) / 1000)
  }
  return rounded(cpuMs)
}

const { opened } = await figures.total(year, {})
if (opened !== CONVERSATIONS) throw new Error(`${opened} of ${CONVERSATIONS} conversations were opened in the year.`)

const totals: readonly Measured[] = [
  { what: 'a month', cpuMs: await measure(() => figures.total(month, {}), 60), atMostMs: 50 },
  { what: 'a year', cpuMs: await measure(() => figures.total(year, {}), 60), atMostMs: 300 },
]
const splits: readonly By[] = ['day', 'hour', 'channel', 'team', 'person', 'bot', 'reason']
const apart: Measured[] = []
for (const by of splits)
  for (const [name, days] of Object.entries({ month, year }))
    apart.push({ what: `a ${name} by ${by}`, cpuMs: await measure(() => figures.apart(by, days, {}), 3) })
const measured = [...totals, ...apart]

const result = {
  date: new Date().toISOString(),
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  machine: `${availableParallelism()} × ${cpus()[0]?.model}`,
  conversations: CONVERSATIONS,
  measured,
}
const text = `${JSON.stringify(result, undefined, 2)}\n`
writeFileSync(join(import.meta.dirname, 'desk-statistics.json'), text)
process.stdout.write(text)
for (const { what, cpuMs, atMostMs = Number.POSITIVE_INFINITY } of measured)
  if (cpuMs > atMostMs) {
    process.stderr.write(`The statistics of ${what} cost ${cpuMs} ms; they may cost ${atMostMs} ms.\n`)
    process.exitCode = 1
  }
