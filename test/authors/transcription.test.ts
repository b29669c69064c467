import { expect, test } from 'vitest'
import { defineBot, definePlugin, z } from '#core'
import {
  memoryChannel,
  memoryDesk,
  type TestConfig,
  type TestRuntime,
  type TestServer,
  testRuntime,
  testServer,
} from '#core/testing'
import { eventually } from './eventually.ts'
import rateLimit from './rate-limit.ts'
import transcription from './transcription.ts'

const SECOND = 1_000
/** The first bytes of a recording in AMR, as voice messages of phones are. */
const VOICE = Buffer.from('#!AMR\n<the sound of a voice>')

interface Recogniser extends AsyncDisposable {
  readonly server: TestServer
  /** How many recordings it is at work on. */
  readonly busy: number
  /** Finishes the oldest of them. */
  finish(answer: object): void
}

/** A recogniser that takes its time: it answers when the test says so. It checks what it is sent. */
async function slowRecogniser(): Promise<Recogniser> {
  const waiting: ((response: Response) => void)[] = []
  const server = await testServer(async (request) => {
    expect(request.headers.get('authorization')).toBe('Bearer asr-key')
    expect(Buffer.from(await request.arrayBuffer())).toEqual(VOICE)
    const { promise, resolve } = Promise.withResolvers<Response>()
    waiting.push(resolve)
    request.signal.addEventListener('abort', () => resolve(new Response()))
    return promise
  })
  return {
    server,
    get busy() {
      return waiting.length
    },
    finish: (answer) => waiting.shift()?.(Response.json(answer)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const voice = { type: 'audio', url: 'memory:voice-1', durationMs: 4_000 } as const

function phone() {
  const channel = memoryChannel()
  channel.files.set(voice.url, new Blob([VOICE], { type: 'audio/amr' }))
  return channel
}

const config = ({ server }: Recogniser): TestConfig => ({
  http: { allow: [server.host] },
  languages: ['en', 'zh-CN'],
  bots: { parrot: { use: 'echo' } },
  features: [{ use: transcription, url: server.url, key: 'asr-key' }],
})

/** Amy talks to the customer u1. */
async function amyTakes(bot: TestRuntime): Promise<void> {
  await bot.user('u1').says('hello').hears('echo: hello')
  await bot.agent('amy').takes('u1')
}

test('the bot is asked with the words of a voice message, three seconds later', async () => {
  await using recogniser = await slowRecogniser()
  await using bot = await testRuntime(config(recogniser), { channel: phone() })
  const user = bot.user('u1')
  await user.says([voice])
  await eventually(() => recogniser.busy).toBe(1)
  await bot.clock.advance(3 * SECOND)
  expect(bot.channel.sent).toEqual([])
  recogniser.finish({ text: '你好' })
  await user.hears('echo: 你好')
  const [entry] = await bot.entries('u1')
  const { transcripts } = JSON.parse(entry?.facts_json ?? '{}')
  expect(Object.values(transcripts)).toEqual(['你好'])
})

test('meanwhile other chats go on, and the next message of this one waits its turn', async () => {
  await using recogniser = await slowRecogniser()
  await using bot = await testRuntime(config(recogniser), { channel: phone() })
  const [one, two] = [bot.user('u1'), bot.user('u2')]
  await one.says([voice]).says('did you hear?')
  await eventually(() => recogniser.busy).toBe(1)
  await two.says('hi').hears('echo: hi')
  expect(bot.channel.sent).toHaveLength(1)
  recogniser.finish({ text: '你好' })
  await one.hears('echo: 你好', 'echo: did you hear?')
})

test('who reads what was said before reads the words of voice messages too', async () => {
  const desk = memoryDesk()
  await using recogniser = await slowRecogniser()
  const desks = { support: { use: desk.plugin } }
  await using bot = await testRuntime({ ...config(recogniser), desks }, { channel: phone() })
  await bot.user('u1').says([voice])
  await eventually(() => recogniser.busy).toBe(1)
  recogniser.finish({ text: '你好' })
  await bot.user('u1').hears('echo: 你好')
  await bot.agent('amy').takes('u1')
  await bot.idle()
  expect(desk.items).toMatchObject([{ type: 'handed-over', history: [{ text: '你好' }, { text: 'echo: 你好' }] }])
})

test('an agent has the voice message at once, and its words when they are there', async () => {
  const desk = memoryDesk()
  await using recogniser = await slowRecogniser()
  await using bot = await testRuntime(
    { ...config(recogniser), desks: { support: { use: desk.plugin } } },
    { channel: phone() },
  )
  await amyTakes(bot)
  const user = bot.user('u1')
  await user.says([voice]).says('did you hear?')
  await eventually(() => desk.items.slice(1)).toMatchObject([
    { type: 'message', parts: [{ type: 'audio', durationMs: 4_000 }] },
    { type: 'message', parts: [{ text: 'did you hear?' }] },
  ])
  await eventually(() => recogniser.busy).toBe(1)
  await bot.clock.advance(3 * SECOND)
  recogniser.finish({ text: '我的订单呢？', language: 'zh-CN' })
  await bot.idle()
  const [, message, , facts] = desk.items
  const url = message?.type === 'message' && message.parts[0]?.type === 'audio' ? message.parts[0].url : ''
  expect(facts).toMatchObject({ type: 'facts', facts: { transcripts: { [url]: '我的订单呢？' } } })
  expect(desk.items).toHaveLength(4)
  expect(await bot.customer('u1')).toMatchObject({ language: 'zh-CN' })
  await user.hearsNothing()
})

test('words that are there at once follow the message all the same', async () => {
  const desk = memoryDesk()
  const quick = definePlugin({
    name: 'quick',
    summary: 'Recognises every voice at once.',
    config: z.strictObject({}),
    setup: () => ({
      inbound: {
        enrich(turn) {
          const [part] = turn.event.type === 'message' ? turn.event.parts : []
          if (part?.type === 'audio') turn.learn({ transcripts: { [part.url]: 'quick' } })
        },
      },
    }),
  })
  const bots = { parrot: { use: 'echo' } }
  await using bot = await testRuntime({ bots, desks: { support: { use: desk.plugin } }, features: [{ use: quick }] })
  await amyTakes(bot)
  await bot.user('u1').says([voice]).hearsNothing()
  expect(desk.items.slice(1)).toMatchObject([{ type: 'message' }, { type: 'facts', facts: { transcripts: {} } }])
})

test('a recogniser that does not answer holds a customer up for five seconds, not longer', async () => {
  await using recogniser = await slowRecogniser()
  await using bot = await testRuntime(config(recogniser), { channel: phone() })
  const user = bot.user('u1')
  await user.says([voice])
  await eventually(() => recogniser.busy).toBe(1)
  await bot.clock.advance(5 * SECOND)
  await user
    .hears(/did not understand/)
    .says('hello')
    .hears('echo: hello')
  expect(bot.logged.join('')).toContain('transcription (transcription), enrich: The plugin did not answer in time.')
})

test('a recogniser that fails is passed over', async () => {
  await using recogniser = await slowRecogniser()
  await using bot = await testRuntime(config(recogniser), { channel: phone() })
  await recogniser.server.down()
  await bot
    .user('u1')
    .says([voice])
    .hears(/did not understand/)
})

test('what the platform has recognised itself is not recognised again', async () => {
  await using recogniser = await slowRecogniser()
  await using bot = await testRuntime(config(recogniser), { channel: phone() })
  await bot
    .user('u1')
    .says([{ ...voice, transcript: 'known' }])
    .hears('echo: known')
  expect(recogniser.busy).toBe(0)
})

test('an agent who takes over meanwhile gets the message and its words, and it is recognised once', async () => {
  const desk = memoryDesk()
  const go = Promise.withResolvers<void>()
  const slowBot = defineBot({
    name: 'slow-bot',
    summary: 'Answers voices when the test says so.',
    config: z.strictObject({}),
    setup: () => ({
      async answer(turn) {
        if (turn.text !== 'hello') await go.promise
        return turn.reply(`echo: ${turn.text}`)
      },
    }),
  })
  await using recogniser = await slowRecogniser()
  const bots = { slow: { use: slowBot } }
  const desks = { support: { use: desk.plugin } }
  await using bot = await testRuntime({ ...config(recogniser), bots, desks }, { channel: phone() })
  const user = bot.user('u1')
  await user.says('hello').hears('echo: hello').says([voice])
  await eventually(() => recogniser.busy).toBe(1)
  recogniser.finish({ text: '你好', language: 'zh-CN' })
  await bot.agent('amy').takes('u1')
  go.resolve()
  await user.hearsNothing()
  expect(desk.items).toMatchObject([
    { type: 'handed-over' },
    { type: 'message' },
    { type: 'facts', facts: { transcripts: {} } },
  ])
  expect(recogniser.busy).toBe(0)
  expect(await bot.customer('u1')).toMatchObject({ language: 'zh-CN' })
  expect((await bot.entries('u1')).filter(({ facts_json }) => facts_json?.includes('你好'))).toHaveLength(1)
})

test('a voice message that is turned away is not recognised', async () => {
  await using recogniser = await slowRecogniser()
  const { features = [], ...rest } = config(recogniser)
  const limited = { ...rest, features: [...features, { use: rateLimit, max: 1 }] }
  await using bot = await testRuntime(limited, { channel: phone() })
  await bot.user('u1').says('hello').hears('echo: hello').says([voice]).hearsNothing()
  expect(recogniser.busy).toBe(0)
})
