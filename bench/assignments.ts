/**
 * What it costs to give a thousand customers who wait to a hundred agents who come: CPU of all threads until every
 * assignment is committed and everything that follows from it is done, on a clock that stands still.
 *
 *   node bench/assignments.ts
 */
import { testRuntime } from '../core/testing/index.ts'

const CUSTOMERS = 1_000
const AGENTS = Array.from({ length: 100 }, (_, i) => `agent-${i}`)

const people = Object.fromEntries(AGENTS.map((name) => [name, { name, capacity: 10 }]))
await using bot = await testRuntime({
  desks: { support: { use: 'desk', people, teams: { all: { members: AGENTS } } } },
  texts: { offline: '', waiting: '', waitingFor: '' },
})
for (let i = 0; i < CUSTOMERS; i++) await bot.user(`u${i}`).says('hello')
await bot.idle()

const before = process.cpuUsage()
const startedMs = performance.now()
await Promise.all(AGENTS.map((name) => bot.agent(name).comes()))
await bot.idle()
const { user, system } = process.cpuUsage(before)
const wallMs = performance.now() - startedMs

const assigned = await bot.runtime.engine.read
  .selectFrom('conversation')
  .select('person')
  .where('state', '=', 'assigned')
  .execute()
const most = Math.max(
  ...Map.groupBy(assigned, ({ person }) => person)
    .values()
    .map(({ length }) => length),
)
process.stdout.write(
  `${assigned.length} of ${CUSTOMERS} given to ${AGENTS.length} agents, at most ${most} each: ` +
    `${Math.round((user + system) / 1000)} ms CPU, ${Math.round(wallMs)} ms\n`,
)
