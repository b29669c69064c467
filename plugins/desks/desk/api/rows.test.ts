/** No list reads more than it must, however much there has been. What lists cost is measured by bench/desk-lists.ts. */
import { CompiledQuery } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestRuntime } from '#core/testing'
import type { Calling } from '../access/door.ts'
import type { EntriesOf } from './entries.ts'
import type { QueryOf } from './routes.ts'
import type { RowsOf } from './rows.ts'
import { asked } from './shapes.ts'
import { BO, deskOfMany, listsOf, SUE } from './simulated-customers.ts'

const CUSTOMERS = 4_000
/** Bo has every fortieth of them: a page of his is full. */
const OPEN = 2_000
const PAGE = 50

let bot: TestRuntime
let rows: RowsOf
let entries: EntriesOf
const queries: CompiledQuery[] = []
beforeAll(async () => {
  bot = await deskOfMany(CUSTOMERS, OPEN)
  const { read } = bot.runtime.engine
  const noting = read.withPlugin({
    transformQuery({ node, queryId }) {
      queries.push(read.getExecutor().compileQuery(node, queryId))
      return node
    },
    transformResult: async ({ result }) => result,
  })
  ;({ rows, entries } = listsOf(bot, noting))
})
afterAll(() => bot[Symbol.asyncDispose]())

/** How SQLite finds what has been asked for since the last time: step by step. */
async function steps(): Promise<readonly string[]> {
  const { read } = bot.runtime.engine
  const found: string[] = []
  for (const { sql, parameters } of queries.splice(0)) {
    const plan = CompiledQuery.raw(`EXPLAIN QUERY PLAN ${sql}`, [...parameters])
    const { rows } = await read.executeQuery<{ readonly detail: string }>(plan)
    found.push(...rows.map(({ detail }) => detail))
  }
  return found
}

/** Where conversations are looked for. What is shown of each is then found by its id. */
const ways = (steps: readonly string[]) =>
  steps.filter((step) => /^(SCAN|SEARCH) conversation /.test(step) && !step.includes('PRIMARY KEY (id=?)'))
/** What is gone through, and what is sorted. */
const walks = (steps: readonly string[]) => steps.filter((step) => /^SCAN (?!\(subquery|said$)|TEMP B-TREE/.test(step))

const ASSIGNED = 'SCAN conversation USING INDEX conversation_assigned'
const QUEUED = 'SCAN conversation USING INDEX conversation_queued'
const ALL_OPEN = 'SCAN conversation USING INDEX conversation_open'
const CLOSED = 'SEARCH conversation USING INDEX conversation_closed (closed_at>?)'
const OF_TEAM = 'SEARCH conversation USING INDEX conversation_closed_team (team=? AND closed_at>?)'
const OF_PERSON = 'SEARCH conversation USING INDEX conversation_closed_person (person=? AND closed_at>?)'
const OF_BOTS = 'SEARCH conversation USING INDEX conversation_closed_bot (closed_at>?)'
const IN_ORDER = 'USE TEMP B-TREE FOR ORDER BY'

type Asked = QueryOf<'GET /conversations'>
/** Of those that are open no others are read than those that are; they are put in order. */
const OF_THE_OPEN: readonly (readonly [Asked, way: string])[] = [
  [{ list: 'mine' }, ASSIGNED],
  [{ list: 'mine', sort: 'waiting' }, ASSIGNED],
  [{ list: 'queue' }, QUEUED],
  [{ list: 'queue', sort: 'waiting' }, QUEUED],
  [{ list: 'bot' }, ALL_OPEN],
  [{ list: 'all' }, ALL_OPEN],
  [{ list: 'all', sort: 'waiting' }, ALL_OPEN],
  [{ list: 'all', channel: 'memory' }, ALL_OPEN],
  [{ list: 'all', team: 'presale' }, ALL_OPEN],
  [{ list: 'all', person: 'bo' }, ALL_OPEN],
  // So many have it in their name that a page is soon full of them.
  [{ list: 'all', search: 'CUSTOMER' }, ALL_OPEN],
]
/** What is closed stands in its order already. */
const OF_THE_CLOSED: readonly (readonly [Asked, of: string, Calling, ways: readonly string[]])[] = [
  [{ list: 'closed' }, 'a supervisor', SUE, [CLOSED]],
  [{ list: 'closed', team: 'presale' }, 'a supervisor', SUE, [OF_TEAM]],
  [{ list: 'closed', person: 'bo' }, 'a supervisor', SUE, [OF_PERSON]],
  [{ list: 'closed' }, 'an agent', BO, [OF_TEAM, OF_PERSON, OF_BOTS]],
  [{ list: 'closed', team: 'presale' }, 'an agent', BO, [OF_TEAM]],
  [{ list: 'closed', person: 'bo' }, 'an agent', BO, [OF_PERSON]],
]
const NAMES: readonly (readonly [search: string, found: number])[] = [
  ['customer 3876', 1],
  ['R 397', 10],
  ['nobody of this name', 0],
]

async function pageOf(calling: Calling, query: Asked) {
  queries.length = 0
  const page = await rows.page(calling, asked.list.parse(query))
  return { found: page.rows.length, steps: await steps() }
}

describe.each([BO, SUE])('for $name', (calling) => {
  test.each(OF_THE_OPEN)('%j is found among the open ones', async (query, way) => {
    const { found, steps } = await pageOf(calling, query)
    expect(found).toBe(query.list === 'mine' && calling === SUE ? 0 : PAGE)
    expect(ways(steps)).toEqual([way])
    expect(walks(steps)).toEqual([way, IN_ORDER])
  })

  test.each(NAMES)('whose name has "%s" in it are found by their conversations', async (search, count) => {
    const { found, steps } = await pageOf(calling, { list: 'all', search })
    expect(found).toBe(count)
    expect(walks(steps)).toEqual(count === 0 ? [] : [IN_ORDER])
    expect(ways(steps)).toEqual(
      count === 0 ? [] : ['SEARCH conversation USING INDEX conversation_customer (customer=?)'],
    )
  })
})

test.each(OF_THE_CLOSED)('%j of %s is read from where a page begins', async (query, _of, calling, expected) => {
  const first = await pageOf(calling, query)
  expect(first.found).toBe(PAGE)
  expect(ways(first.steps)).toEqual(expected)
  expect(walks(first.steps)).toEqual([])

  const cursor = JSON.stringify([bot.clock.now() - 3_000 * 60_000, 'v-001000'])
  const later = await pageOf(calling, { ...query, cursor })
  expect(later.found).toBeGreaterThan(PAGE / 2 - 1)
  expect(ways(later.steps)).toEqual(
    expected.map((way) => way.replace('closed_at>?)', 'closed_at>? AND (closed_at,id)<(?,?))')),
  )
  expect(walks(later.steps)).toEqual([])
})

test('whose team has closed nothing has an empty list', async () => {
  const asking = asked.list.parse({ list: 'closed' })
  expect(await rows.page({ ...BO, name: 'cai', teams: ['aftersale'] }, asking)).toEqual({ rows: [] })
})

test('the counts are those of the open ones, and a page of what was said is read by its chat', async () => {
  queries.length = 0
  expect(rows.counts(BO, await rows.groups())).toMatchObject({ all: OPEN })
  expect(walks(await steps())).toEqual([ALL_OPEN, 'USE TEMP B-TREE FOR GROUP BY'])
  expect((await entries.page(BO, 'h-003999', asked.entries.parse({}))).entries).toHaveLength(6)
  // The deliveries, part by part.
  expect(walks(await steps())).toEqual([IN_ORDER])
})
