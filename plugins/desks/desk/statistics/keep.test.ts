import type { KyselyPlugin } from 'kysely'
import { expect, test } from 'vitest'
import { defineBot, z } from '#core'
import { memoryChannel, type TestRuntime } from '#core/testing'
import desk from '../index.ts'
import { deskRuntime, staffOf } from '../simulated-screen.ts'
import { makeKeeping } from './keep.ts'
import type { StatisticsTables } from './tables.ts'

const MINUTE = 60_000

const helper = defineBot({
  name: 'helper',
  summary: 'Hands over whoever asks for a person.',
  config: z.strictObject({}),
  setup: () => ({ answer: (turn) => (turn.text === 'person' ? turn.handOff({ because: 'asked' }) : turn.reply('hi')) }),
})
const ofHelper = {
  bots: { helper: { use: helper } },
  routes: [{ from: ['memory', 'other'], mode: 'bot-first', bot: 'helper', desk: 'support' }],
}

const tablesOf = (bot: TestRuntime) => bot.runtime.engine.tablesOf<StatisticsTables>('support')

test('each first answer is counted when it is given: also the second one of a conversation that came to people twice', async () => {
  await using bot = await deskRuntime(ofHelper)
  const { sue } = await staffOf(bot, 'sue')
  const bo = bot.agent('bo')
  await bo.comes()
  const today = async () => (await sue.call('GET /statistics', { query: { period: 'today' } })).total
  const answers = async () => {
    await today()
    const rows = await tablesOf(bot).selectFrom('moment').select('ms').where('what', '=', 'answered').execute()
    return rows.map(({ ms }) => (ms ?? 0) / MINUTE)
  }
  const asks = async () => {
    await bot.user('ann').says('person')
    await bot.idle()
    await bo.takes('ann')
    await bot.idle()
  }

  await asks()
  await bot.advance(MINUTE)
  await bo.sends('ann', 'one')
  // At the same moment: a program may be as quick.
  const { id: chat } = await bot.runtime.engine.read.selectFrom('chat').select('id').executeTakeFirstOrThrow()
  expect(await bo.does({ type: 'return', chat })).toMatchObject({ ok: true })
  await bot.advance(MINUTE)
  await asks()
  expect(await answers()).toEqual([1])
  await bot.advance(10 * MINUTE)
  await bo.sends('ann', 'two')
  await bot.advance(1)
  expect(await answers()).toEqual([1, 10])
  await bo.closes('ann')
  await bot.advance(1)
  expect(await today()).toMatchObject({ firstResponseMedian: 5.5 * MINUTE, sent: 2 })
})

test('whoever wants all to be kept while it is being kept is given what has happened until then', async () => {
  await using bot = await deskRuntime(ofHelper)
  const { read } = bot.runtime.engine
  const { promise: isOpen, resolve: open } = Promise.withResolvers<void>()
  const { promise: isHeldUp, resolve: heldUp } = Promise.withResolvers<void>()
  // What is open has been read by then.
  let answered = 0
  const slow: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      answered += 1
      if (answered === 2) {
        heldUp()
        await isOpen
      }
      return result
    },
  }
  const keeping = makeKeeping({
    desk: 'support',
    journal: read.withPlugin(slow),
    sql: tablesOf(bot),
    signal: new AbortController().signal,
  })
  const first = keeping.catchUp()
  await isHeldUp
  await bot.user('eve').says('hi')
  await bot.idle()
  const [second, third] = [keeping.catchUp(), keeping.catchUp()]
  expect(third, 'one run is enough for both').toBe(second)
  open()
  await Promise.all([first, second])
  expect(await tablesOf(bot).selectFrom('moment').select('what').execute()).toEqual([{ what: 'opened' }])
})

test('what ends because its channel is gone is neither handled, nor left, nor done by the bot alone', async () => {
  const shop = memoryChannel({ name: 'shop' })
  const people = { amy: { name: 'Amy', role: 'administrator' }, sue: { name: 'Sue', role: 'supervisor' } }
  const withoutShop = {
    bots: ofHelper.bots,
    desks: { support: { use: desk, people, teams: { presale: { members: ['sue'], assign: 'by-hand' } } } },
    routes: [{ from: ['memory'], mode: 'bot-first', bot: 'helper', desk: 'support' }],
  }
  await using bot = await deskRuntime({
    ...withoutShop,
    channels: { shop: { use: shop.plugin } },
    routes: [{ from: ['memory', 'shop'], mode: 'bot-first', bot: 'helper', desk: 'support' }],
  })
  const { sue: screen } = await staffOf(bot, 'sue')
  const sue = bot.agent('sue')
  await sue.comes()
  for (const [chat, text] of [
    ['with-bot', 'hi'],
    ['waits', 'person'],
    ['with-sue', 'person'],
  ] as const) {
    const parts = [{ type: 'text' as const, text }]
    await shop.receive({ id: chat, chat, type: 'message', parts, atMs: bot.clock.now(), grants: 'message' })
    await bot.idle()
  }
  const chats = bot.runtime.engine.read.selectFrom('chat').select('id').where('external_id', '=', 'with-sue')
  const { id: chat } = await chats.executeTakeFirstOrThrow()
  expect(await sue.does({ type: 'take', chat })).toMatchObject({ ok: true })
  await bot.advance(MINUTE)
  await bot.apply(withoutShop)
  await bot.advance(1)
  const { total } = await screen.call('GET /statistics', { query: { period: 'today' } })
  const nothing = { botAlone: 0, containment: null, left: 0, handlingMedian: null }
  expect(total).toMatchObject({ opened: 3, handedOver: 2, closed: 3, openNow: 0, ...nothing })
})
