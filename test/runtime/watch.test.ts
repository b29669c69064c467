import { expect, test } from 'vitest'
import {
  ALWAYS,
  type ChannelContext,
  type Context,
  DeliveryError,
  defineChannel,
  definePlugin,
  type Watcher,
  z,
} from '#core'
import { memoryChannel, type TestRuntime, testRuntime } from '#core/testing'
import { botThat, quietDesk } from './cast.ts'

const echo = botThat((turn) => turn.reply(`echo: ${turn.text}`))
const handsOver = botThat((turn) => turn.handOff({ because: 'asked', say: '' }))

/** A plugin that hands its context to the test. */
function looker(name = 'looker') {
  const given: Pick<Context<unknown, unknown>, 'watch' | 'typing'>[] = []
  const plugin = definePlugin({
    name,
    summary: 'Looks on.',
    config: z.looseObject({}),
    setup(context) {
      given.push(context)
      return {}
    },
  })
  const context = () => {
    const last = given.at(-1)
    if (!last) throw new Error('It has not been set up.')
    return last
  }
  return { plugin, context }
}

/** Keeps what it is told. */
function ears() {
  const changed: string[] = []
  const live: string[] = []
  const watcher: Watcher = {
    changed: (chat) => void changed.push(chat),
    live: (chat, what) => void live.push(`${chat} ${what}`),
  }
  return { changed, live, watcher }
}

const chatOf = async (bot: TestRuntime, user: string, account = 'memory:memory') =>
  (await bot.runtime.engine.findChat(account, user)) ?? 'none'

test('whoever looks on is told of what came in, of what was decided, and of what became of it', async () => {
  const { plugin, context } = looker()
  const { changed, watcher } = ears()
  await using bot = await testRuntime({ bots: { echo: { use: echo } }, features: [{ use: plugin }] })
  context().watch(watcher)
  await bot.user('u1').says('hello').hears('echo: hello')
  await bot.idle()
  const chat = await chatOf(bot, 'u1')
  // The event, the end of its turn, the delivery.
  expect(changed).toEqual([chat, chat, chat])
  await bot.user('u1').repeats()
  await bot.idle()
  expect(changed).toHaveLength(3)
})

test('a command is told when it has changed something, and a refused one is not', async () => {
  const { plugin, context } = looker()
  const { changed, watcher } = ears()
  const { desk } = quietDesk()
  await using bot = await testRuntime({
    bots: { bot: { use: handsOver } },
    desks: { support: { use: desk } },
    features: [{ use: plugin }],
  })
  await bot.user('u1').says('person').hearsNothing()
  await bot.agent('amy').takes('u1')
  context().watch(watcher)
  expect(await bot.agent('bo').takes('u1')).toMatchObject({ code: 'NOT_OWNER' })
  expect(changed).toEqual([])
  const conversation = (await bot.conversation('u1'))?.id ?? ''
  await bot.agent('amy').does({ type: 'note', conversation, text: 'nice one' })
  expect(changed).toEqual([await chatOf(bot, 'u1')])
})

test('one that throws hurts nobody else; it ends when it says so, and with its plugin', async () => {
  const { plugin, context } = looker()
  const first = ears()
  const second = ears()
  const config = { bots: { echo: { use: echo } }, features: [{ use: plugin, word: 'a' }] }
  await using bot = await testRuntime(config)
  context().watch({
    changed: () => {
      throw new Error('broken screen')
    },
    live: () => undefined,
  })
  const end = context().watch(first.watcher)
  context().watch(second.watcher)
  await bot.user('u1').says('hello').hears('echo: hello')
  await bot.idle()
  expect(first.changed).toHaveLength(3)
  expect(bot.logged.join()).toContain('broken screen')
  end()
  await bot.user('u1').says('more').hears('echo: more')
  await bot.idle()
  expect([first.changed.length, second.changed.length]).toEqual([3, 6])
  await bot.apply({ ...config, features: [{ use: plugin, word: 'b' }] })
  await bot.user('u1').says('again').hears('echo: again')
  await bot.idle()
  expect(second.changed).toHaveLength(6)
})

test('typing goes both ways: from the customer to who looks on, from our people to the channel', async () => {
  const typed: string[] = []
  let line: Pick<ChannelContext, 'live' | 'receive'> | undefined
  let breaks = false
  const phone = defineChannel({
    name: 'phone',
    summary: 'Shows who is typing.',
    config: z.strictObject({}),
    account: () => 'one',
    capabilities: () => ({ sends: { text: {} }, later: [ALWAYS], showsIdentity: 'none' }),
    setup(context) {
      line = context
      return {
        send: async () => ({}),
        typing(chat) {
          if (breaks) throw new Error('no signal')
          typed.push(chat)
        },
      }
    },
  })
  const { plugin, context } = looker()
  const { live, watcher } = ears()
  await using bot = await testRuntime({
    channels: { phone: { use: phone } },
    bots: { echo: { use: echo } },
    features: [{ use: plugin }],
  })
  context().watch(watcher)
  const parts = [{ type: 'text', text: 'hello' } as const]
  await line?.receive({ id: '1', chat: 'c1', type: 'message', parts, atMs: 0, grants: 'message' })
  const chat = await chatOf(bot, 'c1', 'phone:one')
  line?.live('c1', 'typing')
  line?.live('nobody-we-know', 'typing')
  line?.live('c1', 'read')
  await expect.poll(() => live).toEqual([`${chat} typing`, `${chat} read`])
  await context().typing(chat)
  expect(typed).toEqual(['c1'])
  await context().typing('no-such-chat')
  breaks = true
  await context().typing(chat)
  expect(bot.logged.join()).toContain('phone (phone), typing: no signal')
})

test('what did not get through is sent again by whoever has the conversation, and by nobody else', async () => {
  const channel = memoryChannel()
  const { desk } = quietDesk()
  await using bot = await testRuntime(
    { bots: { bot: { use: handsOver } }, desks: { support: { use: desk } } },
    { channel },
  )
  const user = bot.user('u1')
  await user.says('person').hearsNothing()
  await bot.agent('amy').takes('u1')
  channel.beforeSend(() => {
    throw new DeliveryError('CHANNEL_REFUSED')
  })
  await bot.agent('amy').sends('u1', 'Hello!')
  await bot.idle()
  const conversation = (await bot.conversation('u1'))?.id ?? ''
  const [failed] = await bot.runtime.engine.read
    .selectFrom('delivery')
    .select(['id', 'state'])
    .where('destination', '=', 'channel')
    .execute()
  expect(failed?.state).toBe('dead')
  const delivery = failed?.id ?? ''
  channel.beforeSend(() => undefined)
  const resend = { type: 'resend', conversation, delivery } as const
  expect(await bot.agent('bo').does(resend)).toMatchObject({ ok: false, code: 'NOT_OWNER' })
  expect(await bot.agent('amy').does({ ...resend, delivery: 'none' })).toMatchObject({ ok: false, code: 'INVALID' })
  await user.hearsNothing()
  const once = { ...resend, id: 'once', by: { kind: 'agent', person: 'amy' } } as const
  expect(await bot.runtime.command(once)).toMatchObject({ ok: true })
  await user.hears('Hello!').hearsNothing()
  expect(await bot.runtime.command(once)).toMatchObject({ ok: true })
  expect(await bot.agent('amy').does(resend)).toMatchObject({ ok: false, code: 'INVALID' })
  await user.hearsNothing()
})

test('nothing is sent again that the platform would not take', async () => {
  const HOUR = 3_600_000
  const channel = memoryChannel({
    capabilities: { later: [{ on: 'message', withinMs: 48 * HOUR, max: 5, resets: true }] },
  })
  const { desk } = quietDesk()
  await using bot = await testRuntime(
    { bots: { bot: { use: handsOver } }, desks: { support: { use: desk } } },
    { channel },
  )
  await bot.user('u1').says('person').hearsNothing()
  await bot.agent('amy').takes('u1')
  channel.beforeSend(() => {
    throw new DeliveryError('CHANNEL_REFUSED')
  })
  await bot.agent('amy').sends('u1', 'Hello!')
  await bot.idle()
  await bot.advance(49 * HOUR)
  channel.beforeSend(() => undefined)
  const conversation = (await bot.conversation('u1'))?.id ?? ''
  const [failed] = await bot.runtime.engine.read
    .selectFrom('delivery')
    .select('id')
    .where('destination', '=', 'channel')
    .execute()
  expect(await bot.agent('amy').does({ type: 'resend', conversation, delivery: failed?.id ?? '' })).toMatchObject({
    ok: false,
    code: 'WINDOW_CLOSED',
  })
  await bot.user('u1').hearsNothing()
})
