import { expect, test } from 'vitest'
import { z } from '#core'
import { memoryDesk, type TestConfig, type TestServer, testRuntime, testServer } from '#core/testing'
import { eventually } from './eventually.ts'
import smallLlm from './small-llm.ts'

const Asked = z.object({
  model: z.literal('small-1'),
  stream: z.literal(true),
  messages: z.array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })),
  tools: z.array(z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) })),
})
type Asked = z.infer<typeof Asked>

const CALL = {
  tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'hand_off', arguments: '' } }],
}
const DONE = Symbol('[DONE]')
/** What a model may stream: text, any other delta, a stop sign. */
type Streamed = AsyncGenerator<string | object | typeof DONE>

/** A model that speaks the OpenAI protocol, as far as bots use it, and checks that they do. */
async function fakeModel(stream: (asked: Asked, signal: AbortSignal) => Streamed | Response): Promise<TestServer> {
  return testServer(async (request) => {
    expect(`${request.method} ${new URL(request.url).pathname}`).toBe('POST /v1/chat/completions')
    if (request.headers.get('authorization') !== 'Bearer sk-test') return new Response('no key', { status: 401 })
    const streamed = stream(Asked.parse(await request.json()), request.signal)
    if (streamed instanceof Response) return streamed
    return new Response(ReadableStream.from(encoded(streamed)), { headers: { 'content-type': 'text/event-stream' } })
  })
}

/** Server-sent events in small pieces, cut wherever they like: in the middle of lines and characters. */
async function* encoded(streamed: Streamed): AsyncGenerator<Uint8Array> {
  for await (const delta of streamed) {
    const data =
      delta === DONE ? '[DONE]' : { choices: [{ delta: typeof delta === 'string' ? { content: delta } : delta }] }
    const bytes = Buffer.from(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
    for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
  }
}

const desk = memoryDesk()
const config = (model: TestServer, key = 'sk-test'): TestConfig => ({
  http: { allow: [model.host] },
  bots: { ai: { use: smallLlm, url: `${model.url}/v1`, key, model: 'small-1', prompt: 'Be brief.' } },
  desks: { support: { use: desk.plugin } },
  texts: { fallback: 'Later, please.', handedOver: 'One moment.' },
})

test('the answer is shown while it is written, and sent once', async () => {
  await using model = await fakeModel(async function* () {
    yield { role: 'assistant', content: '' }
    yield '你好'
    yield '，我是'
    yield '机器人。'
    yield DONE
  })
  await using bot = await testRuntime(config(model))
  await bot.user('u1').says('hello').hears('你好，我是机器人。').hearsNothing()
  expect(bot.channel.drafts).toEqual(['你好', '你好，我是机器人。', ''].map((text) => ({ chat: 'u1', text })))
  const said = (await bot.entries('u1')).filter(({ kind }) => kind === 'out')
  expect(said).toHaveLength(1)
})

test('the model is told what was said before', async () => {
  const asked: Asked['messages'][] = []
  await using model = await fakeModel(async function* ({ messages }) {
    asked.push(messages)
    yield `answer ${asked.length}`
    yield DONE
  })
  await using bot = await testRuntime(config(model))
  await bot.user('u1').says('first').hears('answer 1').says('second').hears('answer 2')
  expect(asked).toEqual([
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'first' },
    ],
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'answer 1' },
      { role: 'user', content: 'second' },
    ],
  ])
})

test('a tool call hands over: nothing of the answer is sent, and the rest is not listened to', async () => {
  const hungUp = Promise.withResolvers<void>()
  await using model = await fakeModel(async function* ({ tools }, signal) {
    expect(tools.map((tool) => tool.function.name)).toEqual(['hand_off'])
    signal.addEventListener('abort', () => hungUp.resolve())
    yield 'Let me '
    yield CALL
    await hungUp.promise
  })
  await using bot = await testRuntime(config(model))
  await bot.user('u1').says('I want a person').hears('One moment.').hearsNothing()
  await hungUp.promise
  expect(bot.channel.drafts.map(({ text }) => text)).toEqual(['Let me ', ''])
  expect((await bot.conversation('u1'))?.owner).toEqual({ kind: 'queue', desk: 'support' })
  expect(await bot.outcomes('u1')).toEqual(['handed-off: the model asked for a person'])
})

test.each([
  ['that is overloaded', () => new Response('overloaded', { status: 503 })],
  ['that answers with something else', () => new Response('<html>')],
  [
    'that says nothing sensible',
    async function* (): Streamed {
      yield 'Good '
      yield { content: 42 }
    },
  ],
  [
    'that breaks off',
    async function* (): Streamed {
      yield 'Good '
    },
  ],
] as const)('a model %s gives the fallback, and the draft is withdrawn', async (_which, stream) => {
  await using model = await fakeModel(stream)
  await using bot = await testRuntime(config(model))
  await bot.user('u1').says('hello').hears('Later, please.').hearsNothing()
  expect(bot.channel.drafts.at(-1)?.text ?? '').toBe('')
  expect(await bot.outcomes('u1')).toEqual(['failed: no bot answered'])
})

test('a connection that is cut in the middle gives the fallback, and the next message is answered', async () => {
  const cut = Promise.withResolvers<void>()
  await using model = await fakeModel(async function* ({ messages }) {
    yield 'Good '
    if (messages.length === 2) await cut.promise
    yield 'day.'
    yield DONE
  })
  await using bot = await testRuntime(config(model))
  const user = bot.user('u1')
  user.says('hello')
  await eventually(() => bot.channel.drafts).toEqual([{ chat: 'u1', text: 'Good ' }])
  await model.down()
  cut.resolve()
  await user.hears('Later, please.')
  await model.up()
  await user.says('again').hears('Good day.')
})

test('an agent who takes over while the answer is written is alone: it is never sent', async () => {
  const go = Promise.withResolvers<void>()
  await using model = await fakeModel(async function* ({ messages }) {
    if (messages.at(-1)?.content === 'hello') {
      yield 'Hello!'
      yield DONE
    }
    yield 'I think '
    await go.promise
    yield 'so.'
    yield DONE
  })
  await using bot = await testRuntime(config(model))
  const user = bot.user('u1')
  await user.says('hello').hears('Hello!').says('are you a robot?')
  await eventually(() => bot.channel.drafts.at(-1)).toEqual({ chat: 'u1', text: 'I think ' })
  expect(await bot.agent('amy').takes('u1')).toMatchObject({ ok: true })
  await bot.agent('amy').sends('u1', 'Amy here.')
  go.resolve()
  await user.hears('Amy here.').hearsNothing()
  expect(bot.channel.drafts.at(-1)).toEqual({ chat: 'u1', text: '' })
  expect(await bot.outcomes('u1')).toEqual(['answered: bot', 'to-desk: support has the conversation'])
  expect(desk.items.slice(-2)).toMatchObject([
    { type: 'handed-over', history: [{ text: 'hello' }, { text: 'Hello!' }] },
    { type: 'message', parts: [{ text: 'are you a robot?' }] },
  ])
})

test('a wrong key gives the fallback, and is not in the log', async () => {
  await using model = await fakeModel(() => new Response())
  await using bot = await testRuntime(config(model, 'sk-wrong-key'))
  await bot.user('u1').says('hello').hears('Later, please.')
  expect(bot.logged.join('')).toContain('ai (small-llm), bot: The model answered with HTTP 401.')
  expect(bot.logged.join('')).not.toContain('sk-wrong-key')
})
