import { expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import { memoryChannel, memoryDesk, type TestRuntime, testRuntime } from '#core/testing'
import satisfaction from './satisfaction.ts'

const MINUTE = 60_000
const SCORES = ['很不满意', '不满意', '一般', '满意', '很满意']
const CONFIG = {
  bots: { parrot: { use: 'echo' } },
  desks: { support: { use: memoryDesk().plugin } },
  features: [{ use: satisfaction, ask: '请评价本次服务', scores: SCORES, thanks: '谢谢！', within: '10m' }],
}

/** A conversation of this customer that Amy has closed. */
async function served(bot: TestRuntime, name = 'u1'): Promise<string> {
  const user = bot.user(name)
  await user.says('hello').hears('echo: hello')
  await bot.agent('amy').takes(name)
  const { id } = (await bot.conversation(name)) ?? expect.unreachable()
  await bot.agent('amy').closes(name)
  await user.hears({ type: 'choices', prompt: '请评价本次服务' })
  return id
}

const ratings = (bot: TestRuntime) => bot.rows('satisfaction', 'rating')

test('a rating typed minutes later is noted: the number, the label, in any width', async () => {
  await using bot = await testRuntime(CONFIG)
  for (const typed of ['5', '５', '5.', '很满意', ' 很满意 ']) {
    const conversation = await served(bot, typed)
    await bot.advance(7 * MINUTE)
    await bot.user(typed).says(typed).hears('谢谢！')
    expect(await ratings(bot)).toContainEqual({ conversation, score: 5, at: bot.clock.now() })
  }
  expect(await ratings(bot)).toHaveLength(5)
})

test('a rating that is clicked is noted', async () => {
  await using bot = await testRuntime(CONFIG)
  const conversation = await served(bot)
  await bot.user('u1').clicks('score-2', '不满意').hears('谢谢！')
  expect(await ratings(bot)).toMatchObject([{ conversation, score: 2 }])
})

test('where choices cannot be shown they are numbered, and the number is the rating', async () => {
  await using bot = await testRuntime(CONFIG, { channel: memoryChannel({ capabilities: { sends: { text: {} } } }) })
  const user = bot.user('u1')
  await user.says('hello').hears('echo: hello')
  await bot.agent('amy').takes('u1')
  await bot.agent('amy').closes('u1')
  await user.hears(/^请评价本次服务\n1\. 很不满意\n2\. 不满意\n3\. 一般\n4\. 满意\n5\. 很满意/)
  await user.says('4').hears('谢谢！')
  expect(await ratings(bot)).toMatchObject([{ score: 4 }])
})

test('a rating is noted once, however often it comes', async () => {
  await using bot = await testRuntime(CONFIG)
  await served(bot)
  const user = bot.user('u1')
  await user.clicks('score-5').hears('谢谢！').repeats().hearsNothing()
  await user.says('1').hears('echo: 1')
  expect(await ratings(bot)).toMatchObject([{ score: 5 }])
})

test('each conversation has a rating of its own', async () => {
  await using bot = await testRuntime(CONFIG)
  const first = await served(bot)
  await bot.user('u1').says('5').hears('谢谢！')
  const second = await served(bot)
  await bot.user('u1').says('1').hears('谢谢！')
  expect(await ratings(bot)).toMatchObject([
    { conversation: first, score: 5 },
    { conversation: second, score: 1 },
  ])
})

test('a message that is no rating goes its ordinary way, and the rating still counts', async () => {
  await using bot = await testRuntime(CONFIG)
  await served(bot)
  await bot.user('u1').says('where is my parcel?').hears('echo: where is my parcel?')
  expect(await ratings(bot)).toEqual([])
  await bot.user('u1').clicks('score-3').hears('谢谢！')
  expect(await ratings(bot)).toMatchObject([{ score: 3 }])
})

test('after the time is over a number is an ordinary message', async () => {
  await using bot = await testRuntime(CONFIG)
  await served(bot)
  await bot.advance(10 * MINUTE + 1)
  await bot.user('u1').says('5').hears('echo: 5').clicks('score-5', '很满意').hears('echo: 很满意')
  expect(await ratings(bot)).toEqual([])
})

test('the question outlives a restart', async () => {
  await using bot = await testRuntime(CONFIG)
  const conversation = await served(bot)
  await bot.restart()
  await bot.user('u1').says('4').hears('谢谢！')
  expect(await ratings(bot)).toMatchObject([{ conversation, score: 4 }])
  await bot.restart()
  expect(await ratings(bot)).toHaveLength(1)
})

test('nobody is asked when it was no agent who closed', async () => {
  const closer = definePlugin({
    name: 'closer',
    summary: 'Closes at a word.',
    config: z.strictObject({}),
    setup: () => ({
      inbound: { respond: (turn, next) => (turn.text === 'bye' ? turn.close({ because: 'bye' }) : next()) },
    }),
  })
  await using bot = await testRuntime({ ...CONFIG, features: [...CONFIG.features, { use: closer }] })
  await bot.user('u1').says('hello').hears('echo: hello').says('bye').hearsNothing()
  await bot.user('u1').says('hello').hears('echo: hello').does({ type: 'chat-end' }).hearsNothing()
  expect(await bot.conversation('u1')).toBeUndefined()
})
