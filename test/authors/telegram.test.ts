import { expect, test } from 'vitest'
import { z } from '#core'
import { memoryDesk, type TestConfig, type TestServer, testRuntime, testServer } from '#core/testing'
import { eventually } from './eventually.ts'
import telegram from './telegram.ts'

const TOKEN = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
const GetUpdates = z.strictObject({ offset: z.int().min(0), timeout: z.int().min(1).max(50) })
const SendMessage = z.strictObject({ chat_id: z.int(), text: z.string().min(1).max(4_096) })

interface Poll {
  readonly timeout: number
  answer(response: Response): void
}

interface FakeTelegram extends AsyncDisposable {
  readonly server: TestServer
  readonly sent: readonly { readonly chat_id: number; readonly text: string }[]
  /** Every call, by its method. */
  readonly calls: readonly string[]
  /** The polls that wait now. */
  readonly polls: readonly Poll[]
  /** How many waited at once, at the most. */
  readonly mostPolls: number
  writes(chat: number, text: string): number
  edits(chat: number, messageId: number, text: string): void
  /** The next calls of the method are refused, so many times. */
  refuses(method: string, refusal: Refusal, times: number): void
}

interface Refusal {
  readonly error_code: number
  readonly description: string
  readonly parameters?: { readonly retry_after: number }
}

/** The Bot API as far as the channel uses it; it checks methods, token and offsets, and that there is one poller. */
async function fakeTelegram(): Promise<FakeTelegram> {
  const pending: { readonly update_id: number; readonly [type: string]: unknown }[] = []
  const sent: { chat_id: number; text: string }[] = []
  const calls: string[] = []
  const refusals = new Map<string, Refusal[]>()
  let polls: Poll[] = []
  let mostPolls = 0
  let lastUpdate = 700
  let lastGiven = 0
  let lastMessage = 0

  const ok = (result: unknown) => Response.json({ ok: true, result })
  const no = (refusal: Refusal) => Response.json({ ok: false, ...refusal }, { status: refusal.error_code })

  async function getUpdates(body: unknown, signal: AbortSignal): Promise<Response> {
    const { offset, timeout } = GetUpdates.parse(body)
    // A higher one would confirm updates that nobody has been given.
    expect(offset).toBeLessThanOrEqual(lastGiven + 1)
    const { promise, resolve } = Promise.withResolvers<Response>()
    const poll: Poll = { timeout, answer: resolve }
    for (const other of polls) other.answer(no({ error_code: 409, description: 'Conflict: two getUpdates' }))
    polls = [...polls, poll]
    mostPolls = Math.max(mostPolls, polls.length)
    while (pending[0] && pending[0].update_id < offset) pending.shift()
    if (pending.length > 0) resolve(give())
    signal.addEventListener('abort', () => resolve(ok([])))
    const response = await promise
    polls = polls.filter((other) => other !== poll)
    return response
  }

  function give(): Response {
    lastGiven = pending.at(-1)?.update_id ?? lastGiven
    return ok(pending)
  }

  function update(of: { readonly [type: string]: unknown }): void {
    pending.push({ update_id: ++lastUpdate, ...of })
    // Given to the one that waits, if it still does when the answer is there.
    for (const { answer } of polls) answer(give())
  }

  const server = await testServer(async (request) => {
    const [, token, method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(new URL(request.url).pathname) ?? []
    expect(request.method).toBe('POST')
    calls.push(method)
    if (token !== TOKEN) return no({ error_code: 401, description: 'Unauthorized' })
    const body: unknown = await request.json()
    const refusal = refusals.get(method)?.shift()
    if (refusal) return no(refusal)
    if (method === 'getUpdates') return getUpdates(body, request.signal)
    expect(method).toBe('sendMessage')
    const message = SendMessage.parse(body)
    sent.push(message)
    return ok({ message_id: ++lastMessage, date: 1_767_225_600, chat: { id: message.chat_id }, text: message.text })
  })

  return {
    server,
    sent,
    calls,
    get polls() {
      return polls
    },
    get mostPolls() {
      return mostPolls
    },
    writes(chat, text) {
      const message_id = ++lastMessage
      const from = { id: chat, is_bot: false, first_name: `Customer ${chat}`, language_code: 'en' }
      update({ message: { message_id, date: 1_767_225_600, chat: { id: chat, type: 'private' }, from, text } })
      return message_id
    },
    edits(chat, message_id, text) {
      update({ edited_message: { message_id, date: 1_767_225_600, chat: { id: chat, type: 'private' }, text } })
    },
    refuses(method, refusal, times) {
      refusals.set(method, Array<Refusal>(times).fill(refusal))
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const config = (
  { server }: FakeTelegram,
  more: { readonly poll?: string; readonly token?: string } = {},
): TestConfig => ({
  http: { allow: [server.host] },
  channels: { shop: { use: telegram, token: TOKEN, api: server.url, ...more } },
  bots: { parrot: { use: 'echo' } },
})
const texts = ({ sent }: FakeTelegram, chat?: number) =>
  sent.filter(({ chat_id }) => chat === undefined || chat_id === chat).map(({ text }) => text)

test('a customer writes, and is answered', async () => {
  await using platform = await fakeTelegram()
  await using bot = await testRuntime(config(platform))
  platform.writes(42, 'hello')
  platform.writes(43, 'hi')
  await eventually(() => platform.sent).toHaveLength(2)
  expect(texts(platform, 42)).toEqual(['echo: hello'])
  expect(texts(platform, 43)).toEqual(['echo: hi'])
  await bot.idle()
  const customers = await bot.runtime.engine.read.selectFrom('customer').select(['name', 'language']).execute()
  expect(customers).toContainEqual({ name: 'Customer 42', language: 'en' })
  const deliveries = await bot.runtime.engine.read.selectFrom('delivery').select(['state', 'platform_id']).execute()
  expect(deliveries).toEqual([expect.objectContaining({ state: 'sent' }), expect.objectContaining({ state: 'sent' })])
  expect(deliveries.map(({ platform_id }) => Number(platform_id))).toEqual([expect.any(Number), expect.any(Number)])
})

test('an edit reaches the desk, and says which message it is of', async () => {
  const desk = memoryDesk()
  await using platform = await fakeTelegram()
  await using _bot = await testRuntime({ ...config(platform), bots: {}, desks: { support: { use: desk.plugin } } })
  const id = platform.writes(42, 'two pices')
  await eventually(() => desk.items).toMatchObject([{ type: 'handed-over', history: [{ text: 'two pices' }] }])
  platform.edits(42, id, 'two pieces')
  await eventually(() => desk.items.at(-1)).toMatchObject({
    type: 'edit',
    of: `42-${id}`,
    parts: [{ text: 'two pieces' }],
  })
})

test('across reloads there is one poller, and every update is answered once and in order', async () => {
  await using platform = await fakeTelegram()
  await using bot = await testRuntime(config(platform))
  await eventually(() => platform.polls).toMatchObject([{ timeout: 50 }])
  const written: string[] = []
  const writes = (text: string) => {
    platform.writes(42, text)
    written.push(`echo: ${text}`)
  }
  for (let round = 1; round <= 6; round++) {
    writes(`${round} before`)
    const applying = bot.apply(config(platform, { poll: `${round}s` }))
    writes(`${round} meanwhile`)
    await applying
    writes(`${round} after`)
    // Every second reload meets a poll that waits, the others one that is being answered.
    if (round % 2 === 0) await eventually(() => platform.polls).toMatchObject([{ timeout: round }])
  }
  await eventually(() => platform.sent.length).toBe(written.length)
  await eventually(() => platform.polls).toMatchObject([{ timeout: 6 }])
  await bot.idle()
  expect(texts(platform)).toEqual(written)
  expect(platform.mostPolls).toBe(1)
})

test('a reload that does not change the channel leaves its poll alone', async () => {
  await using platform = await fakeTelegram()
  await using bot = await testRuntime(config(platform))
  await eventually(() => platform.polls).toHaveLength(1)
  const [poll] = platform.polls
  await bot.apply({ ...config(platform), bots: { parrot: { use: 'echo', prefix: 'again: ' } } })
  expect(platform.polls).toEqual([poll])
  platform.writes(42, 'hello')
  await eventually(() => texts(platform)).toEqual(['again: hello'])
})

test('an update that was not confirmed comes again after a restart, and is not handled again', async () => {
  await using platform = await fakeTelegram()
  await using bot = await testRuntime(config(platform))
  await eventually(() => platform.polls).toHaveLength(1)
  // The call after this one would confirm it.
  platform.refuses('getUpdates', { error_code: 500, description: 'Internal Server Error' }, 1)
  platform.writes(42, 'hello')
  await eventually(() => texts(platform)).toEqual(['echo: hello'])
  await eventually(() => platform.calls.filter((method) => method === 'getUpdates')).toHaveLength(2)
  await bot.restart()
  await eventually(() => platform.polls).toHaveLength(1)
  platform.writes(42, 'bye')
  await eventually(() => texts(platform)).toEqual(['echo: hello', 'echo: bye'])
  const events = await bot.runtime.engine.read.selectFrom('entry').select('id').where('kind', '=', 'in').execute()
  expect(events).toHaveLength(2)
})

test('after a stop nobody polls', async () => {
  await using platform = await fakeTelegram()
  {
    await using _bot = await testRuntime(config(platform))
    await eventually(() => platform.polls).toHaveLength(1)
  }
  await eventually(() => platform.polls).toEqual([])
})

const TOO_MANY = { error_code: 429, description: 'Too Many Requests: retry after 7', parameters: { retry_after: 7 } }

test('a message that was too many is sent again when the platform says so, and the next ones wait behind it', async () => {
  await using platform = await fakeTelegram()
  await using bot = await testRuntime(config(platform))
  platform.refuses('sendMessage', TOO_MANY, 1)
  platform.writes(42, 'first')
  await eventually(() => platform.calls).toContain('sendMessage')
  platform.writes(42, 'second')
  await eventually(() => platform.polls).toHaveLength(1)
  await bot.advance(6_999)
  expect(texts(platform)).toEqual([])
  await bot.advance(1)
  await eventually(() => texts(platform)).toEqual(['echo: first', 'echo: second'])
})

test('who polls too often waits as long as the platform says', async () => {
  await using platform = await fakeTelegram()
  platform.refuses('getUpdates', TOO_MANY, 1)
  await using bot = await testRuntime(config(platform))
  await eventually(() => platform.calls).toEqual(['getUpdates'])
  await eventually(() => bot.logged.join('')).toContain('Too Many Requests')
  await bot.advance(6_999)
  expect(platform.calls).toEqual(['getUpdates'])
  await bot.advance(1)
  await eventually(() => platform.calls).toEqual(['getUpdates', 'getUpdates'])
})

test('a token that is not taken any more pauses the whole channel, and costs no message a try', async () => {
  await using platform = await fakeTelegram()
  await using bot = await testRuntime(config(platform))
  const unauthorized = { error_code: 401, description: 'Unauthorized' }
  platform.refuses('sendMessage', unauthorized, 1)
  platform.writes(42, 'hello')
  await eventually(() => bot.logged.join('')).toContain('shop (telegram), send: 401 Unauthorized. Ask @BotFather.')
  platform.writes(43, 'hi')
  await eventually(
    async () => await bot.runtime.engine.read.selectFrom('delivery').select('state').execute(),
  ).toHaveLength(2)
  await bot.idle()
  expect(platform.calls.filter((method) => method === 'sendMessage')).toHaveLength(1)
  await bot.advance(60_000)
  await eventually(() => texts(platform).toSorted()).toEqual(['echo: hello', 'echo: hi'])
  await bot.idle()
  const deliveries = await bot.runtime.engine.read.selectFrom('delivery').select(['state', 'attempts']).execute()
  expect(deliveries).toEqual([
    { state: 'sent', attempts: 1 },
    { state: 'sent', attempts: 1 },
  ])
})

test('a wrong token is tried again ever more seldom, and is not in the log', async () => {
  await using platform = await fakeTelegram()
  await using bot = await testRuntime(config(platform, { token: `${TOKEN}-old` }))
  await eventually(() => bot.logged.join('')).toContain('shop (telegram), listen: 401 Unauthorized. Ask @BotFather.')
  expect(bot.logged.join('')).not.toContain(TOKEN)
  let calls = 1
  for (const seconds of [1, 5, 15, 60, 60]) {
    await bot.advance(seconds * 1_000 - 1)
    expect(platform.calls).toHaveLength(calls)
    await bot.advance(1)
    calls += 1
    await eventually(() => bot.logged.filter((line) => line.includes('401 Unauthorized'))).toHaveLength(calls)
  }
})

test('a customer who has blocked the bot is sent nothing further, and others are', async () => {
  await using platform = await fakeTelegram()
  await using bot = await testRuntime(config(platform))
  platform.refuses('sendMessage', { error_code: 403, description: 'Forbidden: bot was blocked by the user' }, 1)
  platform.writes(42, 'hello')
  await eventually(() => platform.calls).toContain('sendMessage')
  platform.writes(43, 'hi')
  await eventually(() => texts(platform)).toEqual(['echo: hi'])
  await bot.advance(3_600_000)
  expect(texts(platform)).toEqual(['echo: hi'])
})
