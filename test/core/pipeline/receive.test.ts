import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import {
  ALWAYS,
  type Allowance,
  type Delivery,
  defineBot,
  defineChannel,
  type Plugin,
  tables,
  z,
} from '../../../core/index.ts'
import { type TestRuntime, testRuntime } from '../../../core/testing/index.ts'

/** A channel that answers inside the response, and lets the test say when the response may go. */
function inlineChannel(later: readonly Allowance[] = [ALWAYS]) {
  const sent: Delivery[] = []
  const has = Promise.withResolvers<void>()
  const mayGo = Promise.withResolvers<void>()
  const plugin = defineChannel({
    name: 'inline',
    summary: 'Answers inside the response.',
    config: z.strictObject({}),
    account: () => 'inline',
    capabilities: () => ({ sends: { text: {} }, inline: { withinMs: 5_000 }, later, showsIdentity: 'none' }),
    setup({ web, clock, receive }) {
      web.get('/:id', async ({ params }) => {
        const { id } = z.object({ id: z.string() }).parse(params)
        const parts = [{ type: 'text', text: id } as const]
        const answer = await receive({ id, chat: 'u1', type: 'message', parts, atMs: clock.now(), grants: 'message' })
        has.resolve()
        await mayGo.promise
        return answer ? { answer: answer.part } : {}
      })
      return {
        async send(delivery) {
          sent.push(delivery)
          return {}
        },
      }
    },
  })
  return { plugin, sent, has: has.promise, letGo: mayGo.resolve }
}

/** A bot that answers when the test lets it. */
function slowBot() {
  const asked = Promise.withResolvers<void>()
  const mayAnswer = Promise.withResolvers<void>()
  const plugin = defineBot({
    name: 'slow',
    summary: 'Takes its time.',
    config: z.strictObject({}),
    setup: () => ({
      async answer(turn) {
        asked.resolve()
        await mayAnswer.promise
        return turn.reply(`echo: ${turn.text}`)
      },
    }),
  })
  return { plugin, asked: asked.promise, answer: mayAnswer.resolve }
}

function start(channel: Plugin, bot: Plugin | string): Promise<TestRuntime> {
  return testRuntime(
    { channels: { here: { use: channel, answer: 'inline' } }, bots: { bot: { use: bot } } },
    { listen: true },
  )
}

/** A request that the platform gives up when the test says so. */
function ask(bot: TestRuntime, id: string) {
  const asking = request(`${bot.runtime.url}/here/${id}`, { agent: false }).end()
  const gone = new Promise((resolve) => asking.on('error', resolve))
  return {
    giveUp: () => {
      asking.destroy()
      return gone
    },
  }
}

async function deliveryOf(bot: TestRuntime) {
  const rows = bot.runtime.engine.read.selectFrom('delivery').select(['state', 'code', 'error', 'chat'])
  return (await rows.execute())[0]
}

/** The bot has answered, and the request is given up before the response is there. */
async function giveUpWith(bot: TestRuntime, channel: ReturnType<typeof inlineChannel>): Promise<void> {
  const first = ask(bot, 'm1')
  await channel.has
  await first.giveUp()
  while ((await deliveryOf(bot))?.state !== 'pending') await new Promise(setImmediate)
}

test('an answer whose request was given up at the last moment is sent, and no repeat gets it a second time', async () => {
  const channel = inlineChannel()
  await using bot = await start(channel.plugin, 'echo')
  await giveUpWith(bot, channel)
  expect(await deliveryOf(bot)).toMatchObject({ state: 'pending', code: 'CHANNEL_HUNG_UP' })

  channel.letGo()
  const again = await fetch(`${bot.runtime.url}/here/m1`)
  expect(await again.json()).toEqual({})
  await bot.advance(5_000)
  expect(channel.sent.map(({ part }) => part)).toEqual([{ type: 'text', text: 'echo: m1' }])
})

describe('an answer whose request was given up, where the platform counts what is sent later,', () => {
  const limited = (max: number) => inlineChannel([{ on: 'message', withinMs: 60_000, max, resets: true }])

  test('takes one of what it allows', async () => {
    const channel = limited(5)
    await using bot = await start(channel.plugin, 'echo')
    await giveUpWith(bot, channel)
    await bot.advance(5_000)
    expect(channel.sent).toHaveLength(1)
    const { chat = '' } = (await deliveryOf(bot)) ?? {}
    expect((await bot.runtime.engine.load(chat))?.allowances).toMatchObject([{ max: 5, used: 1 }])
  })

  test('is not sent when nothing is left, and it is shown why', async () => {
    const channel = limited(0)
    await using bot = await start(channel.plugin, 'echo')
    await giveUpWith(bot, channel)
    await bot.advance(5_000)
    expect(channel.sent).toEqual([])
    const error = expect.stringContaining('are used up')
    expect(await deliveryOf(bot)).toMatchObject({ state: 'dead', code: 'CHANNEL_WINDOW_CLOSED', error })
  })
})

test('a request that is given up is not waited with until its time is over', async () => {
  const channel = inlineChannel()
  const slow = slowBot()
  await using bot = await start(channel.plugin, slow.plugin)
  const first = ask(bot, 'm1')
  await slow.asked
  await first.giveUp()
  // The clock stands still: it is not the time that ends the wait.
  await channel.has
  channel.letGo()
  slow.answer()
  await bot.idle()
  expect(channel.sent.map(({ part }) => part)).toEqual([{ type: 'text', text: 'echo: m1' }])
})

test('what a channel writes with an event is in its table when the event is accepted, and a repeat writes nothing', async () => {
  const plugin = defineChannel({
    name: 'book',
    summary: 'Keeps what was said in a table of its own.',
    config: z.strictObject({}),
    tables: tables<{ line: { n: number; text: string } }>({
      '1-line': "CREATE TABLE line (n INTEGER NOT NULL, text TEXT NOT NULL CHECK (text <> 'bad'))",
    }),
    account: () => 'book',
    capabilities: () => ({ sends: { text: {} }, later: [ALWAYS], showsIdentity: 'none' }),
    setup({ web, clock, sql, receive }) {
      web.post('/:id/:text', async ({ params }, reply) => {
        const { id, text } = z.object({ id: z.string(), text: z.string() }).parse(params)
        const next = sql
          .selectFrom('line')
          .select(({ fn, lit }) => fn<number>('coalesce', [fn.max('n'), lit(0)]).as('n'))
        const write = sql
          .insertInto('line')
          .columns(['n', 'text'])
          .expression(next.select(({ val }) => val(text).as('text')))
        await receive(
          { id, chat: 'u1', type: 'message', parts: [{ type: 'text', text }], atMs: clock.now() },
          { write },
        )
        return reply.code(204).send()
      })
      return { send: async () => ({}) }
    },
  })
  await using bot = await testRuntime(
    { channels: { book: { use: plugin } }, bots: { bot: { use: 'echo' } } },
    { listen: true },
  )
  const post = async (id: string, text: string) =>
    (await fetch(`${bot.runtime.url}/book/${id}/${text}`, { method: 'POST' })).status
  expect([await post('m1', 'hello'), await post('m1', 'hello'), await post('m2', 'bad')]).toEqual([204, 204, 500])
  expect(await bot.rows('book', 'line')).toEqual([{ n: 0, text: 'hello' }])
  expect(await post('m2', 'better')).toBe(204)
  expect(await bot.rows('book', 'line')).toMatchObject([{ text: 'hello' }, { text: 'better' }])
  await bot.idle()
  const { read } = bot.runtime.engine
  const entries = await read.selectFrom('entry').select('body_json').where('kind', '=', 'in').orderBy('seq').execute()
  expect(entries.map(({ body_json }) => JSON.parse(body_json).parts[0].text)).toEqual(['hello', 'better'])
})

test('one channel cannot fill the backlog of the others', async () => {
  type Receive = (n: number) => Promise<unknown>
  const receives: { [account: string]: Receive } = {}
  const plugin = defineChannel({
    name: 'plain',
    summary: 'Takes what it is given.',
    config: z.strictObject({ account: z.string() }),
    account: ({ account }) => account,
    capabilities: () => ({ sends: { text: {} }, later: [ALWAYS], showsIdentity: 'none' }),
    setup({ config, clock, receive }) {
      receives[config.account] = (n) =>
        receive({
          id: `${config.account}-${n}`,
          chat: `${config.account}-${n % 100}`,
          type: 'message',
          parts: [{ type: 'text', text: `${n}` }],
          atMs: clock.now(),
          grants: 'message',
        })
      return { send: async () => ({}) }
    },
  })
  const slow = slowBot()
  await using bot = await testRuntime({
    channels: { busy: { use: plugin, account: 'busy' }, calm: { use: plugin, account: 'calm' } },
    bots: { bot: { use: slow.plugin } },
  })
  const { busy, calm } = receives
  if (!busy || !calm) throw new Error('The channels were not set up.')
  const results = await Promise.allSettled(Array.from({ length: 10_100 }, (_, n) => busy(n)))
  const refused = results.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(100)
  expect(refused[0]).toMatchObject({ reason: { code: 'BACKLOG_FULL', statusCode: 503 } })
  await calm(1)
  expect(await bot.runtime.engine.findChat('plain:calm', 'calm-1')).toBeDefined()
})
