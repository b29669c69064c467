/**
 * What the lists of the desk cost where 5,000 conversations are open, of 100,000 customers: CPU of all threads, the best
 * of several tries. The figures go to bench/desk-lists.json; it fails when one is above its limit.
 *
 *   node bench/desk-lists.ts
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import type { CustomerQuery } from '../core/index.ts'
import type { QueryOf } from '../plugins/desks/desk/api/routes.ts'
import { asked } from '../plugins/desks/desk/api/shapes.ts'
import { BO, deskOfMany, listsOf, SUE } from '../plugins/desks/desk/api/simulated-customers.ts'
import { rounded } from './statistics.ts'

const CUSTOMERS = 100_000
const OPEN = 5_000
/** Of each list, as the desk's users are promised. */
const AT_MOST_MS = 20
const TRIES = 60
const PAGE = 50

await using bot = await deskOfMany(CUSTOMERS, OPEN)
const { engine } = bot.runtime
const { rows, entries } = listsOf(bot, engine.read)

interface Measured {
  readonly what: string
  readonly cpuMs: number
}
const measured: Measured[] = []

/** What it costs when nothing else gets in the way. */
async function measure(what: string, work: () => Promise<unknown>): Promise<void> {
  let cpuMs = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < TRIES; tries++) {
    const started = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(started)
    cpuMs = Math.min(cpuMs, (user + system) / 1000)
  }
  measured.push({ what, cpuMs: rounded(cpuMs) })
}

const farDown = JSON.stringify([bot.clock.now() - 50_000 * 60_000, 'v-050000'])
const lists: readonly (readonly [QueryOf<'GET /conversations'>, found?: number])[] = [
  [{ list: 'mine' }],
  [{ list: 'mine', sort: 'waiting' }],
  [{ list: 'queue' }],
  [{ list: 'queue', sort: 'waiting' }],
  [{ list: 'bot' }],
  [{ list: 'all' }],
  [{ list: 'all', sort: 'waiting' }],
  [{ list: 'all', channel: 'memory' }],
  [{ list: 'all', team: 'presale' }],
  [{ list: 'closed' }],
  [{ list: 'closed', team: 'presale' }],
  [{ list: 'closed', person: 'bo' }],
  [{ list: 'closed', cursor: farDown }],
  [{ list: 'all', search: 'customer 99876' }, 1],
  [{ list: 'all', search: 'R 9987' }, 10],
  [{ list: 'all', search: 'CUSTOMER' }],
  [{ list: 'all', search: 'nobody of this name' }, 0],
]
for (const [name, calling] of [['an agent', BO] as const, ['a supervisor', SUE] as const]) {
  for (const [query, found = PAGE] of lists) {
    const asking = asked.list.parse(query)
    const what = `${JSON.stringify(query)} for ${name}`
    const page = await rows.page(calling, asking)
    const expected = query.list === 'mine' && calling === SUE ? 0 : found
    if (page.rows.length !== expected) throw new Error(`${what} has ${page.rows.length} rows instead of ${expected}.`)
    await measure(what, () => rows.page(calling, asking))
  }
}
const cai = { ...BO, name: 'cai', teams: ['aftersale'] }
const closed = asked.list.parse({ list: 'closed' })
await measure('what is closed, for whom nothing is', () => rows.page(cai, closed))
await measure('the counts', () => rows.groups())
await measure('what was said in a chat', () => entries.page(BO, 'h-099999', asked.entries.parse({})))

const filters: readonly CustomerQuery['filter'][] = [
  {},
  { search: 'c' },
  { search: '7' },
  { search: 'omer' },
  { name: '99' },
  { search: 'customer 12345' },
]
const served = { desk: 'support', teams: ['presale'], person: 'bo' }
for (const sort of ['newest', 'oldest', 'last-message', 'longest-silent'] as const) {
  for (const filter of filters) {
    for (const [name, servedBy] of [['an agent', served] as const, ['a supervisor', undefined] as const]) {
      const what = `customers, ${sort}, ${JSON.stringify(filter)} for ${name}`
      const list = () => engine.findCustomers({ filter, servedBy, sort, limit: PAGE })
      if ((await list()).customers.length === 0) throw new Error(`${what} has nobody.`)
      await measure(what, list)
    }
  }
}

const result = {
  date: new Date().toISOString(),
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  machine: `${availableParallelism()} × ${cpus()[0]?.model}`,
  customers: CUSTOMERS,
  open: OPEN,
  atMostMs: AT_MOST_MS,
  measured,
}
const text = `${JSON.stringify(result, undefined, 2)}\n`
writeFileSync(join(import.meta.dirname, 'desk-lists.json'), text)
process.stdout.write(text)
for (const { what, cpuMs } of measured)
  if (cpuMs > AT_MOST_MS) {
    process.stderr.write(`${what} costs ${cpuMs} ms; it may cost ${AT_MOST_MS} ms.\n`)
    process.exitCode = 1
  }
