import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestRuntime } from '#core/testing'
import type { History } from '../api/customers-shapes.ts'
import type { QueryOf } from '../api/routes.ts'
import { deskRuntime, other, type SimulatedScreen, staffOf } from '../simulated-screen.ts'

const SEED = 20_260_112

let bot: TestRuntime
let sue: SimulatedScreen
let bo: SimulatedScreen
let customer: string
let whole: readonly string[]

/** Two customers of one channel who are one, and who also write on another channel: three chats, at the same time. */
beforeAll(async () => {
  const second = other()
  bot = await deskRuntime({}, { other: second })
  const staff = await staffOf(bot, 'sue', 'bo')
  sue = staff.sue
  bo = staff.bo
  let id = 0
  const elsewhere = (text: string) =>
    second.receive({
      id: `${++id}`,
      chat: 'ann-elsewhere',
      type: 'message',
      parts: [{ type: 'text', text }],
      sender: { name: 'Ann elsewhere' },
      atMs: bot.clock.now(),
      grants: 'message',
    })
  for (let round = 0; round < 5; round++) {
    await bot.user('ann').says(`here ${round}`)
    await elsewhere(`elsewhere ${round}`)
    await bot.advance(1_000)
    await bot.user('anna').says(`also here ${round}`)
    await elsewhere(`elsewhere again ${round}`)
    if (round % 2 === 0) {
      await bot.agent('bo').takes('ann')
      await bot.agent('bo').sends('ann', `answer ${round}`)
      await bot.agent('bo').closes('ann')
    }
    if (round === 3) {
      await bot.agent('bo').takes('anna')
      await bot.agent('bo').closes('anna')
    }
    await bot.idle()
    // Every other round the next begins in the same moment.
    await bot.advance(round % 2 === 0 ? 1_000 : 0)
  }
  await bot.user('eve').says('I am somebody else')
  const { read } = bot.runtime.engine
  const found = await read.selectFrom('chat').select(['customer', 'external_id']).execute()
  const idOf = (name: string) => found.find(({ external_id }) => external_id === name)?.customer ?? ''
  customer = idOf('ann')
  for (const one of ['anna', 'ann-elsewhere'])
    await sue.call('POST /customers/:customer/merge', { params: { customer: idOf(one) }, body: { into: customer } })
  whole = idsOf(await history({ limit: 200 }))
})
afterAll(() => bot[Symbol.asyncDispose]())

const history = (query: QueryOf<'GET /customers/:customer/history'>, screen = sue): Promise<History> =>
  screen.call('GET /customers/:customer/history', { params: { customer }, query })
const idsOf = ({ entries }: History) => entries.map(({ id }) => id)

/** Everything in one direction from a page on; where it ends there is nothing more. */
async function beyond(page: History, direction: 'before' | 'after', limit: number): Promise<readonly string[]> {
  const all: string[] = []
  for (let cursor = page[direction]; cursor !== undefined; ) {
    const next = await history({ [direction]: cursor, limit })
    const ids = idsOf(next)
    expect(ids.length).toBeGreaterThan(0)
    if (direction === 'before') all.unshift(...ids)
    else all.push(...ids)
    cursor = next[direction]
  }
  return all
}

test('has all that was said in all chats, each in its order, with each conversation’s start and end (C-CU-13)', async () => {
  const all = await history({ limit: 200 })
  const texts = all.entries.flatMap((one) => ('parts' in one ? one.parts : []))
  const said = texts.flatMap((part) => (part.type === 'text' ? part.text : []))
  const ofRound = (round: number) => [
    `here ${round}`,
    `elsewhere ${round}`,
    `also here ${round}`,
    `elsewhere again ${round}`,
  ]
  expect(said.filter((text) => !text.startsWith('answer')).toSorted()).toEqual(
    [0, 1, 2, 3, 4].flatMap(ofRound).toSorted(),
  )
  expect(said).not.toContain('I am somebody else')
  for (const chat of ['here', 'also here', 'elsewhere'])
    expect(said.filter((text) => text.startsWith(`${chat} `) && !text.includes('again'))).toEqual(
      [0, 1, 2, 3, 4].map((round) => `${chat} ${round}`),
    )
  expect(said.indexOf('here 3')).toBeGreaterThan(said.indexOf('also here 2'))
  expect(all).not.toHaveProperty('before')
  expect(all).not.toHaveProperty('after')
  expect(all.conversations.length).toBeGreaterThan(4)
  for (const { openedAtMs, closedAtMs, state } of all.conversations) {
    expect(openedAtMs).toBeGreaterThan(0)
    expect(closedAtMs !== undefined).toBe(state === 'closed')
  }
})

test('is read without gap or repeat, by pages of any size, from any conversation, in both directions (C-CU-13)', async () => {
  const { conversations } = await history({ limit: 200 })
  const from = fc.constantFrom(undefined, ...conversations.map(({ id }) => id))
  const size = fc.integer({ min: 1, max: 12 })
  await fc.assert(
    fc.asyncProperty(from, size, size, size, async (conversation, first, back, forth) => {
      const begin = await history({ conversation, limit: first })
      if (conversation !== undefined) expect(begin.entries[0]?.conversation).toBe(conversation)
      const [before, after] = [await beyond(begin, 'before', back), await beyond(begin, 'after', forth)]
      expect([...before, ...idsOf(begin), ...after]).toEqual(whole)
      // There and back again: what is beyond a page’s end begins with what was on it.
      const older = begin.before === undefined ? undefined : await history({ before: begin.before, limit: back })
      if (older) expect(await beyond(older, 'after', forth)).toEqual([...idsOf(begin), ...after])
    }),
    { numRuns: 12, seed: SEED },
  )
})

test('shows an agent only the conversations of their teams', async () => {
  const { entries, conversations } = await history({ limit: 200 }, bo)
  expect(conversations.map(({ channel }) => channel)).not.toContain('other')
  expect(JSON.stringify(entries)).not.toContain('elsewhere')
  expect(JSON.stringify(entries)).toContain('also here 4')
  const { conversations: all } = await history({ limit: 200 })
  const foreign = all.find(({ channel }) => channel === 'other')?.id ?? ''
  const asked = { params: { customer }, query: { conversation: foreign } }
  expect(await bo.refused('GET /customers/:customer/history', asked)).toBe('NOT_FOUND')
  for (const before of ['x', '[1]', '{"a":"b"}']) {
    const wrong = { params: { customer }, query: { before } }
    expect(await bo.refused('GET /customers/:customer/history', wrong)).toBe('CURSOR_NOT_GOOD')
  }
})
