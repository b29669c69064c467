import { expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import type { TestRuntime } from '#core/testing'
import { type Ratings, ratings } from '../../../services/ratings.ts'
import { deskRuntime, other, type SimulatedScreen, staffOf } from '../simulated-screen.ts'
import survey from '../simulated-survey.ts'

const SURVEY = { features: [{ use: survey }] }

/** A conversation of this customer that Bo has closed. */
async function served(bot: TestRuntime, user: string): Promise<string> {
  await bot.user(user).says('hello')
  await bot.agent('bo').takes(user)
  const { id } = (await bot.conversation(user)) ?? expect.unreachable()
  await bot.agent('bo').closes(user)
  await bot.idle()
  return id
}

const closedRows = async (screen: SimulatedScreen) =>
  (await screen.call('GET /conversations', { query: { list: 'closed' } })).rows

test('a rating stands with the conversation that it belongs to, wherever that is shown (C-CU-11)', async () => {
  await using bot = await deskRuntime(SURVEY)
  const { bo } = await staffOf(bot, 'bo')
  const askedAtMs = bot.clock.now()
  const first = await served(bot, 'u1')
  await bot.advance(60_000)
  await bot.user('u1').says('4 quick and kind')
  await bot.idle()
  const rated = { askedAtMs, given: { score: 4, of: 5, words: 'quick and kind', atMs: askedAtMs + 60_000 } }
  const second = await served(bot, 'u1')
  const asked = { askedAtMs: askedAtMs + 60_000 }

  const rows = await closedRows(bo)
  expect(rows.map(({ id, closed }) => [id, closed?.rating])).toEqual([
    [second, asked],
    [first, rated],
  ])
  const [{ chat, customer } = expect.unreachable()] = rows
  const { conversations } = await bo.call('GET /chats/:chat/entries', { params: { chat } })
  expect(conversations.map(({ id, rating }) => [id, rating])).toEqual([
    [first, rated],
    [second, asked],
  ])
  const known = await bo.call('GET /customers/:customer', { params: { customer: customer.id } })
  expect(known.conversations.map(({ rating }) => rating)).toEqual([asked, rated])
})

test('whoever has the closed conversation before them sees the rating when it comes, and what is open has none (C-CU-11)', async () => {
  await using bot = await deskRuntime(SURVEY)
  const { bo } = await staffOf(bot, 'bo')
  const stream = await bo.looks()
  const conversation = await served(bot, 'u1')
  await bot.user('u1').says('2')
  const { rows } = await stream.until('rows', ({ rows }) =>
    rows.some(({ closed }) => closed?.rating?.given !== undefined),
  )
  expect(rows.find(({ id }) => id === conversation)?.closed?.rating?.given).toMatchObject({ score: 2, of: 5 })
  await bot.user('u1').says('hello again')
  await bot.idle()
  const { rows: all } = await bo.call('GET /conversations', { query: { list: 'all' } })
  expect(all.map(({ closed }) => closed)).toEqual([undefined])
})

test('who may not see a conversation does not see how it was rated (C-CU-11)', async () => {
  const second = other()
  await using bot = await deskRuntime(SURVEY, { other: second })
  const { cai, sue } = await staffOf(bot, 'cai', 'sue')
  const conversation = await served(bot, 'u1')
  await bot.user('u1').says('1 nobody knew anything')
  await bot.idle()
  expect((await closedRows(sue)).map(({ closed }) => closed?.rating?.given?.words)).toEqual(['nobody knew anything'])
  expect(await closedRows(cai)).toEqual([])
  expect(await cai.refused('GET /conversations/:conversation', { params: { conversation } })).toBe('NOT_FOUND')
})

/** A plugin whose ratings are had by this function. */
const lending = (of: Ratings['of']) =>
  definePlugin({
    name: 'lending',
    summary: 'Lends ratings.',
    config: z.strictObject({}),
    provides: { ratings },
    setup: () => ({ services: { ratings: { of } } }),
  })

test('when whoever has the ratings fails, conversations are shown without, and the log says why', async () => {
  const broken = lending(() => Promise.reject(new Error('the table is gone')))
  await using bot = await deskRuntime({ features: [{ use: broken }] })
  const { bo } = await staffOf(bot, 'bo')
  const conversation = await served(bot, 'u1')
  expect((await closedRows(bo)).map(({ id, closed }) => [id, closed?.rating])).toEqual([[conversation, undefined]])
  expect(bot.logged.join('\n')).toContain('without their ratings: the table is gone')
})

test('nobody is asked of conversations that are open', async () => {
  const asked: string[] = []
  const curious = lending(async (conversations) => {
    asked.push(...conversations)
    return new Map()
  })
  await using bot = await deskRuntime({ features: [{ use: curious }] })
  const { bo } = await staffOf(bot, 'bo')
  const closed = await served(bot, 'u1')
  await bot.user('u2').says('hello')
  await bot.idle()
  await bo.call('GET /conversations', { query: { list: 'all' } })
  await closedRows(bo)
  expect(new Set(asked)).toEqual(new Set([closed]))
})
