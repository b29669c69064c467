import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type Part, z } from '#core'
import { memoryDesk, type TestConfig, type TestServer, testRuntime, testServer } from '#core/testing'
import webhook from './index.ts'

const SECRET = 'between-us-two'

const Request = z.strictObject({
  version: z.literal(1),
  id: z.string(),
  bot: z.literal('helper'),
  event: z.strictObject({
    type: z.string(),
    atMs: z.number(),
    text: z.string(),
    parts: z.array(z.looseObject({ type: z.string() })).optional(),
    choice: z.string().optional(),
    key: z.string().optional(),
    entry: z.string().optional(),
  }),
  customer: z.looseObject({ id: z.string(), language: z.string() }),
  chat: z.strictObject({ id: z.string(), account: z.string(), externalId: z.string() }),
  conversation: z.strictObject({ id: z.string(), openedAtMs: z.number(), unknown: z.number() }),
  channel: z.strictObject({ name: z.string(), sends: z.looseObject({ text: z.looseObject({}) }) }),
  language: z.string(),
  history: z.array(z.strictObject({ by: z.string(), text: z.string(), atMs: z.number() })),
  state: z.json(),
})
type Request = z.infer<typeof Request>
type Answered = object | Response

interface FakeBot extends TestServer {
  readonly asked: Request[]
  /** Of each request: its idempotency key. */
  readonly keys: string[]
}

/** A bot as the README describes it: it refuses whatever is not signed and of the agreed form. */
async function fakeBot(
  answer: (request: Request, signal: AbortSignal) => Answered | Promise<Answered>,
): Promise<FakeBot> {
  const asked: Request[] = []
  const keys: string[] = []
  const server = await testServer(async (request) => {
    const body = await request.text()
    const { headers } = request
    const signature = createHmac('sha256', SECRET)
      .update(`${headers.get('x-timestamp')}.${body}`)
      .digest('hex')
    if (headers.get('x-signature') !== signature) return new Response('not signed by us', { status: 401 })
    expect(`${request.method} ${new URL(request.url).pathname}`).toBe('POST /answer')
    expect(headers.get('content-type')).toBe('application/json')
    const checked = Request.parse(JSON.parse(body))
    expect(headers.get('idempotency-key')).toBe(checked.id)
    asked.push(checked)
    keys.push(checked.id)
    const answered = await answer(checked, request.signal)
    return answered instanceof Response ? answered : Response.json(answered)
  })
  return Object.assign(server, { asked, keys })
}

function config(server: TestServer, settings: object = {}, more: TestConfig = {}): TestConfig {
  return {
    http: { allow: [server.host] },
    bots: { helper: { use: webhook, url: `${server.url}/answer`, secret: SECRET, ...settings } },
    texts: { fallback: 'Later, please.', unknown: 'Pardon?', handedOver: 'One moment.' },
    ...more,
  }
}

/** Server-sent events of these data, then the end of the response, or nothing any more. */
function events(...data: readonly unknown[]): Response {
  const text = data.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('')
  return new Response(text, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}

/** An answer of 1 MB, of which nothing is right. */
function numbers(key: string): Response {
  return new Response(`{"${key}":[${Array(500_000).fill('1').join(',')}]}`)
}

const LATER = ['failed: no bot answered']

describe('what the bot is told', () => {
  test('is who asks, what was said before, and what the channel can send', async () => {
    await using server = await fakeBot(({ history }) => ({ content: `answer ${history.length}` }))
    await using bot = await testRuntime(config(server, {}, { languages: ['en', 'zh-CN'] }))
    const user = bot.user('u1', { name: '李雷', language: 'zh-CN' })
    await user.says('first').hears('answer 0').says('second').hears('answer 2')
    const [, second] = server.asked
    expect(second).toMatchObject({
      event: { type: 'message', text: 'second', parts: [{ type: 'text', text: 'second' }] },
      customer: { name: '李雷', language: 'zh-CN' },
      chat: { account: 'memory:memory', externalId: 'u1' },
      channel: { name: 'memory', sends: { text: {}, choices: {} } },
      language: 'zh-CN',
      history: [
        { by: 'customer', text: 'first' },
        { by: 'bot', text: 'answer 0' },
      ],
      state: null,
    })
    expect(second?.conversation.id).toBe((await bot.conversation('u1'))?.id)
  })

  test('is the picked choice, the clicked menu, and what is no text', async () => {
    await using server = await fakeBot(() => ({ content: 'ok' }))
    await using bot = await testRuntime(config(server, { history: 0 }))
    const user = bot.user('u1')
    await user.clicks('size-m', 'M').hears('ok').does({ type: 'menu-click', key: 'FAQ' }).hears('ok')
    await user.says([{ type: 'location', latitude: 1, longitude: 2 }]).hears('ok')
    expect(server.asked.map(({ event: { atMs: _, ...event }, history }) => ({ ...event, history }))).toEqual([
      { type: 'message', text: 'M', parts: [{ type: 'text', text: 'M' }], choice: 'size-m', history: [] },
      { type: 'menu-click', text: '', key: 'FAQ', history: [] },
      { type: 'message', text: '', parts: [{ type: 'location', latitude: 1, longitude: 2 }], history: [] },
    ])
  })

  test('is signed: a bot that has another secret refuses it, and neither secret is in the log', async () => {
    await using server = await fakeBot(() => ({ content: 'ok' }))
    await using bot = await testRuntime(config(server, { secret: 'another-secret' }))
    await bot.user('u1').says('hello').hears('Later, please.')
    expect(bot.logged.join('')).toContain('helper (webhook), bot: It answered with HTTP 401.')
    expect(bot.logged.join('')).not.toContain('another-secret')
  })
})

describe('what the bot answers', () => {
  const desk = memoryDesk()
  const people: TestConfig = { desks: { support: { use: desk.plugin } } }

  test.each<[string, object, readonly Part[]]>([
    ['a text', { content: 'Hello' }, [{ type: 'text', text: 'Hello' }]],
    [
      'a text in the customer’s language',
      { content: { 'zh-CN': '你好', en: 'Hello' } },
      [{ type: 'text', text: 'Hello' }],
    ],
    [
      'a picture and a link',
      {
        content: [
          { type: 'image', url: 'https://files.example/a.png' },
          { type: 'link', url: 'https://shop.example', title: 'Shop' },
        ],
      },
      [
        { type: 'image', url: 'https://files.example/a.png' },
        { type: 'link', url: 'https://shop.example', title: 'Shop' },
      ],
    ],
    [
      'choices',
      { content: 'Which size?', choices: [{ id: 'm', label: 'M' }] },
      [{ type: 'choices', prompt: 'Which size?', choices: [{ id: 'm', label: 'M' }] }],
    ],
  ])('may be %s', async (_what, answer, parts) => {
    await using server = await fakeBot(() => answer)
    await using bot = await testRuntime(config(server))
    await bot
      .user('u1')
      .says('hi')
      .hears(...parts)
      .hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['answered: bot'])
  })

  test('hands over, with its reason', async () => {
    await using server = await fakeBot(() => ({ content: 'I am getting Amy.', handOff: { because: 'a complaint' } }))
    await using bot = await testRuntime(config(server, {}, people))
    await bot.user('u1').says('this is bad').hears('I am getting Amy.').hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['handed-off: a complaint'])
    expect((await bot.conversation('u1'))?.owner).toEqual({ kind: 'queue', desk: 'support' })
  })

  test('hands over to a team', async () => {
    await using server = await fakeBot(() => ({ handOff: { team: 'after' } }))
    const teams = { before: { members: ['amy'] }, after: { members: ['amy'], assign: 'by-hand' } }
    const own = { desks: { support: { use: 'desk', people: { amy: { name: 'Amy' } }, teams } } }
    await using bot = await testRuntime(config(server, {}, own), { there: ['amy'] })
    await bot.user('u1').says('my parcel').hears('One moment.')
    expect((await bot.conversation('u1'))?.owner).toEqual({ kind: 'queue', desk: 'support', team: 'after' })
  })

  test('closes', async () => {
    await using server = await fakeBot(() => ({ content: 'Bye!', close: true }))
    await using bot = await testRuntime(config(server))
    await bot.user('u1').says('thanks').hears('Bye!')
    expect(await bot.outcomes('u1')).toEqual(['handled: the bot closed it'])
    expect(await bot.conversation('u1')).toBe(undefined)
  })

  test.each([
    ['C-TA-03: that it does not know', { unknown: true }, '1 unknown answers of helper'],
    ['C-TA-01: what it has understood', { content: 'I see.', intent: 'refund' }, 'helper understood refund'],
    [
      'C-TA-02: that its answer guides to a person',
      { content: 'Talk to us.', guided: true },
      'a guided answer of helper',
    ],
  ])('%s, and the route hands over', async (_what, answer, because) => {
    await using server = await fakeBot(() => answer)
    const handOff = { unknown: 1, intents: ['refund'], guided: true }
    const routes = [{ from: 'memory', mode: 'bot-first', bot: 'helper', desk: 'support', handOff }]
    await using bot = await testRuntime(config(server, {}, { ...people, routes }))
    await bot.user('u1').says('hm')
    expect(await bot.outcomes('u1')).toEqual([`handed-off: ${because}`])
  })

  test('passes on to the route’s next bot', async () => {
    await using server = await fakeBot(() => ({ pass: true }))
    const both = config(server)
    const bots = { ...both.bots, parrot: { use: 'echo' } }
    const routes = [{ from: 'memory', mode: 'bot-only', bot: ['helper', 'parrot'] }]
    await using bot = await testRuntime({ ...both, bots, routes })
    await bot.user('u1').says('hi').hears('echo: hi')
  })

  test('may say null or false for what it leaves out', async () => {
    await using server = await fakeBot(() => ({
      ...{ content: 'ok', choices: null, handOff: false, close: null, unknown: false, pass: false, intent: null },
      ...{ guided: null, state: null },
    }))
    await using bot = await testRuntime(config(server))
    await bot.user('u1').says('hi').hears('ok')
    expect(bot.logged.filter((line) => line.includes('"error"'))).toEqual([])
  })

  test('is remembered for it, chat by chat', async () => {
    await using server = await fakeBot(({ state, event }) => ({
      content: `before: ${JSON.stringify(state)}`,
      state: { said: event.text },
    }))
    await using bot = await testRuntime(config(server))
    await bot.user('u1').says('a').hears('before: null').says('b').hears('before: {"said":"a"}')
    await bot.user('u2').says('c').hears('before: null')
    await bot.restart()
    await bot.user('u1').says('d').hears('before: {"said":"b"}')
  })
})

describe('a streamed answer', () => {
  test('is shown while it is written, and sent once', async () => {
    await using server = await fakeBot(() =>
      events({ delta: '你好' }, { delta: '，世界' }, { answer: { intent: 'hello' } }),
    )
    await using bot = await testRuntime(config(server))
    await bot.user('u1').says('hi').hears('你好，世界').hearsNothing()
    expect(bot.channel.drafts.map(({ text }) => text)).toEqual(['你好', '你好，世界', ''])
  })

  test('may end as any answer does, with other words than were shown', async () => {
    await using server = await fakeBot(() =>
      events({ delta: 'Let me thi' }, { answer: { content: 'Done.', close: true } }),
    )
    await using bot = await testRuntime(config(server))
    await bot.user('u1').says('hi').hears('Done.').hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['handled: the bot closed it'])
  })
})

describe('a bot that misbehaves', () => {
  /** A response that begins and never ends. */
  const endless = (first: string, headers: { [name: string]: string }, signal: AbortSignal) =>
    new Response(
      ReadableStream.from(
        (async function* () {
          yield Buffer.from(first)
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
        })(),
      ),
      { headers },
    )

  test.each<[string, (signal: AbortSignal) => Answered, string]>([
    ['says that it is broken', () => new Response('stack trace', { status: 500 }), 'HTTP 500'],
    ['answers in HTML', () => new Response('<html>'), 'It answered with something that is not JSON.'],
    ['answers nothing', () => new Response(null, { status: 204 }), 'It answered nothing.'],
    ['answers with a list', () => Response.json([]), 'Its answer is not as agreed.'],
    ['says nothing in its answer', () => ({ intent: 'hello' }), 'none of content, handOff, close, unknown, pass'],
    ['misspells a key', () => ({ content: 'ok', handoff: true }), 'handoff'],
    ['wants two ends', () => ({ close: true, unknown: true }), 'has close and unknown'],
    ['makes up a part', () => ({ content: { type: 'dance' } }), 'Its answer is not as agreed.'],
    ['keeps too much', () => ({ content: 'ok', state: 'x'.repeat(5_000) }), 'is larger than 4 KB'],
    ['writes a book', () => ({ content: 'x'.repeat(2_000_000) }), 'It has more than 1048576 bytes.'],
    ['breaks off its stream', () => events({ delta: 'Half of ' }), 'broke off in the middle'],
    ['says a blank', () => ({ content: ' ' }), 'has nothing in content'],
    ['says no parts but blank ones', () => ({ content: [{ type: 'text', text: '\n' }] }), 'has nothing in content'],
    ['says a blank in one language', () => ({ content: { en: '', fr: 'Bonjour' } }), 'has nothing in content'],
    ['speaks and passes on', () => ({ content: 'hi', pass: true }), 'has pass and content'],
    ['lists half a million numbers', () => numbers('content'), 'more than 5000 values'],
    ['keeps half a million numbers', () => numbers('state'), 'more than 5000 values'],
    [
      'keeps what is deep',
      () => new Response(`{"content":"ok","state":${'['.repeat(9_000)}${']'.repeat(9_000)}}`),
      'more than 64 levels',
    ],
    ['streams garbage', () => events({ delta: 'Half of ' }, '{"delta":'), 'not JSON'],
    ['streams something else', () => events({ delta: 'Half of ' }, { text: 'it' }), 'Its answer is not as agreed.'],
    [
      'streams for ever',
      () => events(...Array(9).fill({ delta: 'x'.repeat(200_000) })),
      'It has more than 1048576 bytes.',
    ],
    ['sends us elsewhere', () => Response.redirect('http://127.0.0.1:1/inside', 302), 'a redirect (HTTP 302)'],
  ])('and %s gives the fallback, and the draft is withdrawn', async (_what, answer, logged) => {
    await using server = await fakeBot((_request, signal) => answer(signal))
    await using bot = await testRuntime(config(server))
    await bot.user('u1').says('hello').hears('Later, please.').hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(LATER)
    expect(bot.channel.drafts.at(-1)?.text ?? '').toBe('')
    expect(bot.logged.join('')).toContain('helper (webhook), bot: ')
    expect(bot.logged.join('')).toContain(logged)
  })

  test('and loses the connection in the middle of its answer has broken off', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n'
        socket.end(`${head}{"content":`)
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = z.object({ port: z.number() }).parse(server.address())
    const host = `127.0.0.1:${port}`
    await using _closing = { [Symbol.asyncDispose]: async () => void server.close() }
    await using bot = await testRuntime({
      http: { allow: [host] },
      bots: { helper: { use: webhook, url: `http://${host}/`, secret: SECRET } },
      texts: { fallback: 'Later, please.' },
    })
    await bot.user('u1').says('hello').hears('Later, please.')
    expect(bot.logged.join('')).toContain('bot: It broke off in the middle of its answer.')
  })

  test('a redirect to where it may go is not followed either', async () => {
    let followed = 0
    await using elsewhere = await testServer(() => {
      followed += 1
      return Response.json({ content: 'gotcha' })
    })
    await using server = await fakeBot(() => Response.redirect(`${elsewhere.url}/answer`, 307))
    await using bot = await testRuntime(config(server, {}, { http: { allow: [server.host, elsewhere.host] } }))
    await bot.user('u1').says('hello').hears('Later, please.')
    expect(followed).toBe(0)
  })

  test('an address inside our network is not asked, unless the operator says so', async () => {
    await using server = await fakeBot(() => ({ content: 'ok' }))
    await using bot = await testRuntime(config(server, {}, { http: { allow: [] } }))
    await bot.user('u1').says('hello').hears('Later, please.')
    expect(server.asked).toEqual([])
    expect(bot.logged.join('')).toContain('HTTP_PRIVATE_ADDRESS')
  })

  test('nobody listens there: the operator is told so', async () => {
    await using server = await fakeBot(() => ({ content: 'ok' }))
    await server.down()
    await using bot = await testRuntime(config(server))
    await bot.user('u1').says('hello').hears('Later, please.')
    expect(bot.logged.join('')).toMatch(/It cannot be reached: .*ECONNREFUSED/)
  })

  test.each([
    ['does not answer', (signal: AbortSignal) => endless('', {}, signal)],
    ['stops in the middle of its JSON', (signal: AbortSignal) => endless('{"content":', {}, signal)],
    [
      'stops in the middle of its stream',
      (signal: AbortSignal) => endless('data: {"delta":"Half"}\n\n', { 'content-type': 'text/event-stream' }, signal),
    ],
  ])('and %s is waited for no longer than answerWithin, and let go', async (_what, answer) => {
    const hungUp = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    await using server = await fakeBot((_request, signal) => {
      signal.addEventListener('abort', () => hungUp.resolve())
      begun.resolve()
      return answer(signal)
    })
    await using bot = await testRuntime(config(server, { answerWithin: '10s' }))
    const user = bot.user('u1')
    await user.says('hello')
    await begun.promise
    await bot.clock.advance(9_999)
    expect(bot.channel.sent).toEqual([])
    await bot.clock.advance(1)
    await user.hears('Later, please.')
    await hungUp.promise
    expect(bot.logged.join('')).toContain('It did not answer within 10 s.')
  })

  test('and talks on and on about what went wrong is not listened to', async () => {
    const hungUp = Promise.withResolvers<void>()
    await using server = await fakeBot((_request, signal) => {
      signal.addEventListener('abort', () => hungUp.resolve())
      return new Response(endless('Oh dear', {}, signal).body, { status: 500 })
    })
    await using bot = await testRuntime(config(server))
    await bot.user('u1').says('hello').hears('Later, please.')
    await hungUp.promise
  })

  test('says its own fallback, which counts as unknown', async () => {
    await using server = await fakeBot(() => new Response(null, { status: 503 }))
    const handOff = { unknown: 2 }
    const routes = [{ from: 'memory', mode: 'bot-first', bot: 'helper', desk: 'support', handOff }]
    const more = { desks: { support: { use: memoryDesk().plugin } }, routes }
    await using bot = await testRuntime(config(server, { fallback: 'My bot sleeps.' }, more))
    await bot.user('u1').says('a').hears('My bot sleeps.').says('b').hears('One moment.')
    expect(await bot.outcomes('u1')).toEqual([
      'answered: unknown: It answered with HTTP 503.',
      'handed-off: 2 unknown answers of helper',
    ])
    expect(bot.logged.join('')).toContain('helper (webhook), bot: It answered with HTTP 503.')
  })

  test('passes on, when it is set so; without another bot the core’s fallback is said', async () => {
    await using server = await fakeBot(() => new Response(null, { status: 503 }))
    const both = config(server, { passOn: true })
    const bots = { ...both.bots, parrot: { use: 'echo' } }
    const routes = (bot: readonly string[]) => [{ from: 'memory', mode: 'bot-only', bot }]
    await using bot = await testRuntime({ ...both, bots, routes: routes(['helper', 'parrot']) })
    await bot.user('u1').says('hi').hears('echo: hi')
    await bot.apply({ ...both, bots, routes: routes(['helper']) })
    await bot.user('u2').says('hi').hears('Later, please.')
  })

  test('with an answer that cannot be said, nothing of it is kept', async () => {
    await using server = await fakeBot(({ event }) =>
      event.text === 'bad' ? { content: Array(99).fill({ type: 'text', text: 'x' }), state: 1 } : { content: 'ok' },
    )
    await using bot = await testRuntime(config(server, { fallback: 'Pardon me?' }))
    await bot.user('u1').says('bad').hears('Pardon me?').says('good').hears('ok')
    expect(server.asked.at(-1)?.state).toBe(null)
  })
})

describe('a bot that fails again and again', () => {
  test('is tried again when the try was given up, because an agent took over', async () => {
    let status = 200
    await using server = await fakeBot(async ({ event }, signal) => {
      if (event.text === 'wait') await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return new Response('{"content":"ok"}', { status })
    })
    const more = { desks: { support: { use: memoryDesk().plugin } } }
    await using bot = await testRuntime(config(server, { pauseAfter: 1 }, more))
    await bot.user('u1').says('hello').hears('ok')
    status = 500
    await bot.user('u2').says('hello').hears('Later, please.')
    await bot.advance(30_000)
    status = 200
    await bot.user('u1').says('wait')
    await expect.poll(() => server.asked.length).toBe(3)
    await bot.agent('amy').takes('u1')
    await bot.idle()
    await bot.user('u2').says('hello').hears('Later, please.')
    await bot.advance(30_000)
    await bot.user('u2').says('hello').hears('ok')
  })

  test.each<[string, () => Answered]>([
    ['that cannot be used', () => ({ content: 'x'.repeat(100_001) })],
    ['that is not as agreed', () => ({ contents: 'hi' })],
    ['that is too large', () => ({ content: 'x'.repeat(2_000_000) })],
    ['that says that the question is wrong', () => new Response(null, { status: 422 })],
  ])('is not one whose answers to one customer are such %s: the others are answered', async (_what, bad) => {
    await using server = await fakeBot(({ event }) => (event.text === 'hello' ? { content: 'ok' } : bad()))
    await using bot = await testRuntime(config(server, { pauseAfter: 2 }))
    for (let i = 0; i < 4; i++) await bot.user('u1').says('bad').hears('Later, please.')
    await bot.user('u2').says('hello').hears('ok')
    expect(server.asked).toHaveLength(5)
  })

  test.each<[string, () => Response]>([
    ['asked too often', () => new Response(null, { status: 429 })],
    ['cut off', () => events({ delta: 'Half' })],
  ])('is one that is %s again and again', async (_what, bad) => {
    await using server = await fakeBot(bad)
    await using bot = await testRuntime(config(server, { pauseAfter: 2 }))
    for (let i = 0; i < 4; i++) await bot.user('u1').says('hi').hears('Later, please.')
    expect(server.asked).toHaveLength(2)
  })

  test('is told of when the pause begins, and not with each message that it costs', async () => {
    await using server = await fakeBot(() => new Response(null, { status: 500 }))
    await using bot = await testRuntime(config(server, { pauseAfter: 1, fallback: 'My bot sleeps.' }))
    for (let i = 0; i < 4; i++) await bot.user('u1').says('hi').hears('My bot sleeps.')
    expect(bot.logged.filter((line) => line.includes('"level":"error"'))).toHaveLength(1)
    expect((await bot.outcomes('u1')).at(-1)).toMatch(/^answered: unknown: It failed 1 times in a row/)
  })

  test('and has no fallback costs a line for each message then, without a stack', async () => {
    await using server = await fakeBot(() => new Response(null, { status: 500 }))
    await using bot = await testRuntime(config(server, { pauseAfter: 1 }))
    for (let i = 0; i < 3; i++) await bot.user('u1').says('hi').hears('Later, please.')
    const lines = bot.logged.filter((line) => line.includes('is not asked before'))
    expect(lines).toHaveLength(2)
    expect(lines.join('')).not.toContain('    at ')
  })

  const settings = { pauseAfter: 3, pauseFor: '30s' }
  const warnings = (logged: readonly string[]) =>
    logged.filter((line) => /failed 3 times in a row: it is asked/.test(line))

  test('is left alone for a while, and told about once; then one request tries', async () => {
    let status = 500
    await using server = await fakeBot(() => new Response('{"content":"back"}', { status }))
    await using bot = await testRuntime(config(server, settings))
    const user = bot.user('u1')
    for (let i = 0; i < 5; i++) await user.says('hi').hears('Later, please.')
    expect(server.asked).toHaveLength(3)
    expect(warnings(bot.logged)).toHaveLength(1)
    expect(bot.logged.join('')).toContain('is not asked before 2026-01-01T00:00:30.000Z')

    await bot.advance(30_000)
    await user.says('still?').hears('Later, please.').says('and now?').hears('Later, please.')
    expect(server.asked).toHaveLength(4)
    expect(warnings(bot.logged)).toHaveLength(1)

    status = 200
    await bot.advance(30_000)
    await user.says('again').hears('back').says('again').hears('back')
    expect(bot.logged.filter((line) => line.includes('It answers again.'))).toHaveLength(1)
  })

  test('while one request tries, the others do not wait', async () => {
    const go = Promise.withResolvers<void>()
    let failing = true
    await using server = await fakeBot(async () => {
      if (failing) return new Response(null, { status: 500 })
      await go.promise
      return { content: 'back' }
    })
    await using bot = await testRuntime(config(server, settings))
    for (let i = 0; i < 3; i++) await bot.user('u1').says('hi').hears('Later, please.')
    failing = false
    await bot.advance(30_000)
    await bot.user('u1').says('try')
    await expect.poll(() => server.asked.length).toBe(4)
    await bot.user('u2').says('hi')
    await expect.poll(() => bot.channel.sent.filter(({ chat }) => chat === 'u2').length).toBe(1)
    go.resolve()
    await bot.user('u1').hears('back')
    await bot.user('u2').hears('Later, please.').says('hi').hears('back')
  })

  test('an answer in between, and it has not failed in a row', async () => {
    let n = 0
    await using server = await fakeBot(() => (++n % 3 === 0 ? { content: 'ok' } : new Response(null, { status: 500 })))
    await using bot = await testRuntime(config(server, settings))
    for (let i = 0; i < 6; i++) await bot.user('u1').says('hi')
    await bot.idle()
    expect(server.asked).toHaveLength(6)
    expect(warnings(bot.logged)).toEqual([])
  })

  test('that an agent took over while it wrote is no failure of it', async () => {
    await using server = await fakeBot(async ({ event }, signal) => {
      if (event.text === 'wait') await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return { content: 'ok' }
    })
    const more = { desks: { support: { use: memoryDesk().plugin } } }
    await using bot = await testRuntime(config(server, { pauseAfter: 1 }, more))
    await bot.user('u1').says('hello').hears('ok').says('wait')
    await expect.poll(() => server.asked.length).toBe(2)
    expect(await bot.agent('amy').takes('u1')).toMatchObject({ ok: true })
    await bot.user('u2').says('hello').hears('ok')
    await bot.user('u1').hearsNothing()
    expect(bot.logged.filter((line) => line.includes('in a row'))).toEqual([])
  })
})

test('a reload in the middle of an answer asks again, with the same key, and the customer hears one answer', async () => {
  let isFirst = true
  await using server = await fakeBot((_request, signal) => {
    if (!isFirst) return { content: 'Hello!' }
    isFirst = false
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve({ content: 'never' })))
  })
  await using bot = await testRuntime(config(server, {}, { limits: { drainFor: '5s' } }))
  const user = bot.user('u1')
  await user.says('hello')
  await expect.poll(() => server.asked.length).toBe(1)
  const applying = bot.apply(config(server, { history: 3 }, { limits: { drainFor: '5s' } }))
  await expect
    .poll(async () => {
      await bot.clock.advance(1_000)
      return server.asked.length
    })
    .toBe(2)
  await applying
  await user.hears('Hello!').hearsNothing()
  expect(new Set(server.keys).size).toBe(1)
  expect(bot.logged.join('')).not.toContain('helper (webhook), bot:')
})

test('in a cooperation it is asked what an agent may say: that is told to the desk, and never sent', async () => {
  await using server = await fakeBot(() => events({ delta: 'Try ' }, { answer: { content: 'Try XL.' } }))
  const desk = memoryDesk()
  const routes = [{ from: 'memory', mode: 'cooperation', bot: 'helper', desk: 'support' }]
  await using bot = await testRuntime(config(server, {}, { desks: { support: { use: desk.plugin } }, routes }))
  await bot.user('u1').says('too small').hears('One moment.').hearsNothing()
  await expect.poll(() => desk.items.at(-1)).toMatchObject({ type: 'suggestion', content: [{ text: 'Try XL.' }] })
  expect(bot.channel.drafts).toEqual([])
})

describe('a Rasa assistant', () => {
  async function fakeRasa(answer: (message: string) => unknown): Promise<FakeRasa> {
    const asked: { sender: string; message: string }[] = []
    const server = await testServer(async (request) => {
      expect(`${request.method} ${new URL(request.url).pathname}`).toBe('POST /webhooks/rest/webhook')
      const said = z.strictObject({ sender: z.string(), message: z.string().min(1) }).parse(await request.json())
      asked.push(said)
      return Response.json(answer(said.message))
    })
    return Object.assign(server, { asked })
  }
  interface FakeRasa extends TestServer {
    readonly asked: readonly { sender: string; message: string }[]
  }
  const rasa = (server: FakeRasa, more: TestConfig = {}) => ({
    ...config(server, {}, more),
    bots: { helper: { use: webhook, protocol: 'rasa', url: `${server.url}/webhooks/rest/webhook` } },
  })

  test('says texts, shows pictures and buttons, and hears the payload of the one that is picked', async () => {
    await using server = await fakeRasa((message) =>
      message === '/size{"size":"m"}'
        ? [{ recipient_id: 'x', text: 'M it is.' }]
        : [
            { recipient_id: 'x', text: 'Have a look:' },
            { recipient_id: 'x', image: 'https://files.example/shirt.png' },
            { recipient_id: 'x', text: 'Which size?', buttons: [{ title: 'M', payload: '/size{"size":"m"}' }] },
          ],
    )
    await using bot = await testRuntime(rasa(server))
    const user = bot.user('u1')
    await user
      .says('shirts')
      .hears(
        'Have a look:',
        { type: 'image', url: 'https://files.example/shirt.png' },
        { type: 'choices', prompt: 'Which size?', choices: [{ id: '/size{"size":"m"}', label: 'M' }] },
      )
    await user.says('1').hears('M it is.')
    expect(server.asked.map(({ message }) => message)).toEqual(['shirts', '/size{"size":"m"}'])
    expect(new Set(server.asked.map(({ sender }) => sender)).size).toBe(1)
  })

  test('hands over by a custom message', async () => {
    await using server = await fakeRasa(() => [
      { text: 'I call somebody.' },
      { custom: { handOff: { because: 'asked' } } },
    ])
    await using bot = await testRuntime(rasa(server, { desks: { support: { use: memoryDesk().plugin } } }))
    await bot.user('u1').says('a human please').hears('I call somebody.')
    expect(await bot.outcomes('u1')).toEqual(['handed-off: asked'])
  })

  test('that says nothing has not known, and what has no words is not asked', async () => {
    await using server = await fakeRasa(() => [])
    await using bot = await testRuntime(rasa(server))
    const user = bot.user('u1')
    await user
      .says('hm')
      .hears('Pardon?')
      .says([{ type: 'image', url: 'https://files.example/a.png' }])
      .hears('Pardon?')
    expect(server.asked).toHaveLength(1)
  })

  test('offers pages and files beside its texts, and what it says to another front end is left out', async () => {
    await using server = await fakeRasa(() => [
      { text: 'Here it is.', custom: { widget: 'carousel' } },
      {
        text: 'Pay or read?',
        buttons: [
          { title: 'Pay', payload: '/pay' },
          { title: 'Read', type: 'web_url', url: 'https://shop.example' },
        ],
      },
      { attachment: { type: 'video', payload: { src: 'https://files.example/a.mp4' } } },
      { attachment: 'https://files.example/a.pdf' },
    ])
    await using bot = await testRuntime(rasa(server))
    await bot
      .user('u1')
      .says('hi')
      .hears(
        'Here it is.',
        { type: 'choices', prompt: 'Pay or read?', choices: [{ id: '/pay', label: 'Pay' }] },
        { type: 'link', url: 'https://shop.example', title: 'Read' },
        { type: 'video', url: 'https://files.example/a.mp4' },
        { type: 'file', url: 'https://files.example/a.pdf' },
      )
  })

  test('hears all that was written, also before a button was picked', async () => {
    const buttons = [{ title: 'M', payload: '/size_m' }]
    await using server = await fakeRasa(() => [{ text: 'Which size?', buttons }])
    const routes = [{ from: 'memory', mode: 'bot-only', bot: 'helper', collect: '2s' }]
    await using bot = await testRuntime(rasa(server, { routes }))
    const user = bot.user('u1')
    await user.says('in red, please').clicks('/size_m', 'M')
    await bot.advance(2_000)
    await user.hears({ type: 'choices' }).clicks('/size_m', 'M')
    await bot.advance(2_000)
    await user.hears({ type: 'choices' })
    expect(server.asked.map(({ message }) => message)).toEqual(['in red, please\nM', '/size_m'])
  })

  test.each([
    ['an error', { status: 'failure' }],
    ['a button without a payload', [{ text: 'a', buttons: [{ title: 'M' }] }]],
    ['nothing but a message to another front end', [{ custom: { transfer: true } }]],
    ['nothing but an attachment of its own', [{ attachment: { type: 'template' } }]],
  ])('that answers with %s gives the fallback', async (_what, answer) => {
    await using server = await fakeRasa(() => answer)
    await using bot = await testRuntime(rasa(server))
    await bot.user('u1').says('hm').hears('Later, please.')
  })
})

describe('settings that cannot be', () => {
  const start = (settings: object) =>
    testRuntime({ bots: { helper: { use: webhook, url: 'https://bot.example', ...settings } } })

  test.each([
    [{}, 'Without a secret the bot cannot tell who asks.'],
    [{ secret: SECRET, answerWithin: '2m' }, 'A bot has 60 s in all.'],
    [{ secret: SECRET, answerWithin: '0s' }, 'Write from 1s to 55s.'],
    [{ secret: SECRET, maxAnswer: '0B' }, 'Write from 1KB to 10MB.'],
    [{ secret: SECRET, maxAnswer: '100GB' }, 'Write from 1KB to 10MB.'],
    [{ secret: SECRET, pauseFor: '0s' }, 'Write from 1s to 1h.'],
    [{ secret: SECRET, pauseFor: '2h' }, 'Write from 1s to 1h.'],
    [{ protocol: 'rasa', history: 50 }, 'Rasa is told nothing of what was said before.'],
    [{ secret: SECRET, url: 'https://me:pass@bot.example' }, 'has a user or password in it'],
    [{ secret: SECRET, fallback: 'Sorry', passOn: true }, 'It cannot both say its fallback and pass on.'],
    [{ secret: SECRET, url: 'ftp://bot.example' }, 'which is not an address'],
  ])('%j', async (settings, told) => {
    await expect(start(settings)).rejects.toThrow(told)
  })
})
