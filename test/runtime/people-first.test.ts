import { expect, test } from 'vitest'
import { DeliveryError, defineBot, z } from '#core'
import { memoryChannel, testRuntime } from '#core/testing'
import { botThat, featureWith, gate, quietDesk } from './cast.ts'

const HOUR = 3_600_000
const echo = botThat((turn) => turn.reply(`echo: ${turn.text}`))

test('a bot that never comes back is left as soon as an agent takes over, and the desk gets the message at once', async () => {
  const door = gate()
  const bot = defineBot({
    name: 'endless',
    summary: 'Begins an answer and never ends it.',
    config: z.strictObject({}),
    setup: () => ({
      async *answer(turn) {
        if (turn.text === 'hello') return turn.reply('echo: hello')
        yield 'Let me think …'
        await door.pass()
        return turn.reply('too late')
      },
    }),
  })
  const { desk, items } = quietDesk()
  await using runtime = await testRuntime({ bots: { bot: { use: bot } }, desks: { support: { use: desk } } })
  const user = runtime.user('u1')
  await user.says('hello').hears('echo: hello').says('and?')
  await door.reached()
  expect(await runtime.agent('amy').takes('u1')).toMatchObject({ ok: true })
  await user.hearsNothing()
  expect(await runtime.outcomes('u1')).toEqual(['answered: bot', 'to-desk: support has the conversation'])
  expect(items.map(({ type }) => type)).toEqual(['handed-over', 'message'])
  expect(runtime.channel.drafts.map(({ text }) => text)).toEqual(['Let me think …', ''])
  door.open()
  await user.hearsNothing()
})

test('a bot’s wake and a bot’s open question do not speak over people', async () => {
  const bot = defineBot({
    name: 'nagging',
    summary: 'Asks, and comes back.',
    config: z.strictObject({}),
    setup: () => ({
      answer(turn) {
        turn.wake('nag', { inMs: 60_000 })
        return turn.reply('Which colour?', { expect: { key: 'colour', forMs: HOUR } })
      },
      answered: (turn) => turn.reply(`${turn.text}, noted`),
      woken: (turn) => turn.reply('Are you still there?'),
    }),
  })
  const { desk } = quietDesk()
  await using runtime = await testRuntime({ bots: { bot: { use: bot } }, desks: { support: { use: desk } } })
  const user = runtime.user('u1')
  await user.says('hello').hears('Which colour?')
  await runtime.agent('amy').takes('u1')
  await user.says('red').hearsNothing()
  await runtime.advance(60_000)
  await user.hearsNothing()
})

test('a bot’s answer that was on its way when an agent took over is not sent again after the agent has spoken', async () => {
  const door = gate()
  const channel = memoryChannel()
  const { desk } = quietDesk()
  await using runtime = await testRuntime(
    { bots: { bot: { use: echo } }, desks: { support: { use: desk } } },
    { channel },
  )
  channel.beforeSend(async ({ part }) => {
    if (part.type !== 'text' || !part.text.startsWith('echo')) return
    await door.pass()
    throw new DeliveryError('CHANNEL_DOWN')
  })
  const user = runtime.user('u1')
  await user.says('hello')
  await door.reached()
  await runtime.agent('amy').takes('u1')
  await runtime.agent('amy').sends('u1', 'This is Amy.')
  door.open()
  await user.hears('This is Amy.')
  channel.beforeSend(() => undefined)
  await runtime.advance(HOUR)
  await user.hearsNothing()
})

test('after a restart with another desk nobody talks into nothing', async () => {
  const { desk } = quietDesk()
  const handsOver = botThat((turn) => turn.handOff({ because: 'asked', say: '' }))
  await using first = await testRuntime({ bots: { bot: { use: handsOver } }, desks: { old: { use: desk } } })
  await first.user('u1').says('hello').hearsNothing()
  await first.runtime.stop()

  const { desk: other, items } = quietDesk()
  await using second = await testRuntime(
    { bots: { bot: { use: echo } }, desks: { support: { use: other } } },
    { folder: first.folder },
  )
  expect((await second.conversation('u1'))?.owner).toEqual({ kind: 'bot', bot: 'bot' })
  await second.user('u1').says('anybody?').hears('echo: anybody?')
  expect(items).toEqual([])
})

test('an agent can close when nothing can be said any more: the farewell is left out', async () => {
  const channel = memoryChannel({ capabilities: { later: [{ on: 'message', withinMs: HOUR, max: 5, resets: true }] } })
  const { desk } = quietDesk()
  await using runtime = await testRuntime(
    { bots: { bot: { use: echo } }, desks: { support: { use: desk } } },
    { channel },
  )
  await runtime.user('u1').says('hello').hears('echo: hello')
  const amy = runtime.agent('amy')
  await amy.takes('u1')
  await runtime.advance(HOUR + 1)
  const conversation = (await runtime.conversation('u1'))?.id ?? ''
  expect(await amy.does({ type: 'close', conversation, because: 'done', say: 'Goodbye.' })).toMatchObject({ ok: true })
  await runtime.user('u1').hearsNothing()
})

test('an agent is told when a plugin stops the message, and when only a part of it fits', async () => {
  const channel = memoryChannel({
    capabilities: {
      sends: { text: { maxChars: 10 } },
      later: [{ on: 'message', withinMs: HOUR, max: 2, resets: true }],
    },
  })
  const { desk } = quietDesk()
  const censor = featureWith({
    outbound: { rewrite: (reply, next) => (reply.content === 'damn' ? reply.drop('rude') : next()) },
  })
  await using runtime = await testRuntime(
    {
      bots: { bot: { use: botThat((turn) => turn.done('noted')) } },
      desks: { support: { use: desk } },
      features: [{ use: censor }],
    },
    { channel },
  )
  await runtime.user('u1').says('hello').hearsNothing()
  const amy = runtime.agent('amy')
  await amy.takes('u1')
  expect(await amy.sends('u1', 'damn')).toMatchObject({
    ok: false,
    code: 'BLOCKED',
    message: expect.stringContaining('rude'),
  })
  expect(await amy.sends('u1', 'a message that is far too long for this')).toMatchObject({
    ok: false,
    code: 'WINDOW_CLOSED',
  })
  await runtime.user('u1').hearsNothing()
})

test('in a cooperation the bot suggests nothing about what was dropped or taken back', async () => {
  const { desk, items } = quietDesk()
  const guard = featureWith({ inbound: { guard: (turn, next) => (turn.text === 'spam' ? turn.drop('spam') : next()) } })
  await using runtime = await testRuntime({
    bots: { bot: { use: echo } },
    desks: { support: { use: desk } },
    features: [{ use: guard }],
    routes: [{ from: ['memory'], mode: 'cooperation', bot: 'bot', desk: 'support' }],
    texts: { handedOver: '' },
  })
  await runtime.user('u1').says('hello').says('spam').does({ type: 'recall', of: 'event-1' }).hearsNothing()
  expect(items.map(({ type }) => type)).toEqual(['handed-over', 'suggestion', 'recall'])
})

test('a line that is dropped does not swallow the question before it', async () => {
  const guard = featureWith({ inbound: { guard: (turn, next) => (turn.text === 'spam' ? turn.drop('spam') : next()) } })
  await using runtime = await testRuntime({
    bots: { bot: { use: echo } },
    features: [{ use: guard }],
    routes: [{ from: ['memory'], mode: 'bot-only', bot: 'bot', collect: '2s' }],
  })
  const user = runtime.user('u1')
  await user.says('where is my order').says('spam').says('?')
  await runtime.advance(2_000)
  await user.hears('echo: where is my order\n?').hearsNothing()
  await user.says('and my refund').says('spam')
  await runtime.advance(2_000)
  await user.hears('echo: and my refund').hearsNothing()
  expect((await runtime.outcomes('u1')).at(-1)).toBe('dropped: spam; what was said before it is answered (bot)')
})
