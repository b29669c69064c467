import { createHmac, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { defineBot, z } from '#core'
import { type TestConfig, type TestRuntime, type TestServer, testRuntime, testServer } from '#core/testing'
import { eventually } from './eventually.ts'
import helpdesk from './external-helpdesk.ts'

const KEY = 'helpdesk-key'
const sign = (text: string) => createHmac('sha256', KEY).update(text).digest('hex')

const Item = z.looseObject({ type: z.string(), conversation: z.string(), channel: z.string() })
type Item = z.infer<typeof Item>

interface FakeHelpdesk extends AsyncDisposable {
  readonly server: TestServer
  /** What it was told, each once, in the order in which it came. */
  readonly items: readonly Item[]
  /** Every request, with what it was answered. */
  readonly answers: readonly number[]
  /** How it answers from now on: `late` notes an item and then says that it could not. */
  mood: 'well' | 'overloaded' | 'late'
}

/** A helpdesk that checks the signature of what it is told, and knows by the idempotency key what it knows already. */
async function fakeHelpdesk(): Promise<FakeHelpdesk> {
  const told = new Map<string, Item>()
  const answers: number[] = []
  const answer = (status: number) => {
    answers.push(status)
    return new Response(null, { status })
  }
  const server = await testServer(async (request) => {
    const body = await request.text()
    expect(`${request.method} ${new URL(request.url).pathname}`).toBe('POST /events')
    expect(request.headers.get('x-signature')).toBe(sign(body))
    const key = request.headers.get('idempotency-key') ?? ''
    expect(key).not.toBe('')
    if (fake.mood === 'overloaded') return answer(503)
    if (!told.has(key)) told.set(key, Item.parse(JSON.parse(body)))
    return answer(fake.mood === 'late' ? 504 : 204)
  })
  const fake: FakeHelpdesk = {
    server,
    get items() {
      return [...told.values()]
    },
    answers,
    mood: 'well',
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
  return fake
}

const config = ({ server }: FakeHelpdesk): TestConfig => ({
  http: { allow: [server.host] },
  bots: { parrot: { use: 'echo' } },
  desks: { support: { use: helpdesk, url: `${server.url}/events`, key: KEY } },
  features: [{ use: 'keyword-handoff', keywords: ['agent'], say: 'One moment.' }],
})
const start = (platform: FakeHelpdesk) => testRuntime(config(platform), { listen: true })

/** The helpdesk tells us something. Says how it was answered. */
async function hook(
  bot: TestRuntime,
  what: object,
  signature = sign(JSON.stringify(what)),
): Promise<{ readonly status: number; readonly body: string }> {
  const headers = { 'content-type': 'application/json', 'x-signature': signature }
  const response = await fetch(`${bot.runtime.url}/support`, { method: 'POST', headers, body: JSON.stringify(what) })
  return { status: response.status, body: await response.text() }
}

/** The customer u1 has asked for a person. */
async function handedOver(bot: TestRuntime): Promise<string> {
  await bot.user('u1').says('agent').hears('One moment.')
  const { id } = (await bot.conversation('u1')) ?? expect.unreachable()
  return id
}

test('the helpdesk is told of a conversation, what was said before, and of every message', async () => {
  await using platform = await fakeHelpdesk()
  await using bot = await start(platform)
  await bot.user('u1').says('hello').hears('echo: hello')
  const conversation = await handedOver(bot)
  await bot.user('u1').says('anybody?').does({ type: 'recall', of: 'event' }).hearsNothing()
  expect(platform.items).toMatchObject([
    {
      type: 'handed-over',
      conversation,
      channel: 'memory',
      because: 'keyword agent',
      history: [{ text: 'hello' }, { text: 'echo: hello' }, { text: 'agent' }],
    },
    { type: 'message', conversation, parts: [{ text: 'anybody?' }] },
    { type: 'recall', of: 'event' },
  ])
  expect(platform.answers).toEqual([204, 204, 204])
})

test('its agents take, write and solve', async () => {
  await using platform = await fakeHelpdesk()
  await using bot = await start(platform)
  const conversation = await handedOver(bot)
  expect(await hook(bot, { id: '1', type: 'took', conversation, agent: 'zoe' })).toMatchObject({ status: 200 })
  expect(await bot.conversation('u1')).toMatchObject({ owner: { kind: 'agent', desk: 'support', person: 'zoe' } })
  await hook(bot, { id: '2', type: 'said', conversation, agent: 'zoe', text: 'Zoe here.' })
  await bot.user('u1').hears('Zoe here.')
  expect(await hook(bot, { id: '3', type: 'solved', conversation, agent: 'zoe' })).toMatchObject({ status: 200 })
  expect(await bot.conversation('u1')).toBeUndefined()
  await bot.user('u1').says('thanks').hears('echo: thanks')
  expect(platform.items.at(-1)).toMatchObject({ type: 'closed', because: 'solved' })
})

test('while it is down nothing is lost: it learns of everything later, in order and once', async () => {
  await using platform = await fakeHelpdesk()
  await using bot = await start(platform)
  const user = bot.user('u1')
  platform.mood = 'overloaded'
  await handedOver(bot)
  await user.says('one').says('two')
  await bot.advance(30_000)
  await platform.server.down()
  await user.says('three')
  await bot.advance(600_000)
  await platform.server.up()
  platform.mood = 'late'
  await bot.advance(60_000)
  await user.says('four').hearsNothing()
  expect(platform.items).toMatchObject([{ type: 'handed-over' }])
  platform.mood = 'well'
  await bot.advance(60_000)
  expect(platform.items).toMatchObject([
    { type: 'handed-over', history: [{ text: 'agent' }] },
    ...['one', 'two', 'three', 'four'].map((text) => ({ type: 'message', parts: [{ text }] })),
  ])
  expect(platform.items).toHaveLength(5)
  expect(platform.answers.filter((status) => status === 503).length).toBeGreaterThan(2)
})

test('its outage is its own: bots answer, and its agents can still write', async () => {
  await using platform = await fakeHelpdesk()
  await using bot = await start(platform)
  const conversation = await handedOver(bot)
  await platform.server.down()
  await bot.user('u1').says('anybody?')
  await bot.user('u2').says('hello').hears('echo: hello')
  await hook(bot, { id: '1', type: 'took', conversation, agent: 'zoe' })
  await hook(bot, { id: '2', type: 'said', conversation, agent: 'zoe', text: 'Our screen is dark, but I am here.' })
  await bot.user('u1').hears('Our screen is dark, but I am here.')
})

test('what waits for it outlives a restart', async () => {
  await using platform = await fakeHelpdesk()
  await using bot = await start(platform)
  await platform.server.down()
  await handedOver(bot)
  await bot.user('u1').says('one').hearsNothing()
  await bot.restart()
  await bot.user('u1').says('two').hearsNothing()
  await platform.server.up()
  await bot.advance(60_000)
  expect(platform.items).toMatchObject([
    { type: 'handed-over' },
    { type: 'message', parts: [{ text: 'one' }] },
    { type: 'message', parts: [{ text: 'two' }] },
  ])
})

test('what was on its way when the process ended is told again, under the same key', async () => {
  const hangs = Promise.withResolvers<Response>()
  const keys: (string | null)[] = []
  await using server = await testServer(async (request) => {
    keys.push(request.headers.get('idempotency-key'))
    return keys.length === 1 ? hangs.promise : new Response()
  })
  await using bot = await testRuntime({
    http: { allow: [server.host] },
    desks: { support: { use: helpdesk, url: server.url, key: KEY } },
  })
  await bot.user('u1').says('hello')
  await eventually(() => keys).toHaveLength(1)
  await bot.restart()
  hangs.resolve(new Response())
  await bot.advance(60_000)
  expect(keys).toEqual([keys[0], keys[0]])
})

test('a message that came while an agent took over is told once, also when the helpdesk was down', async () => {
  const go = Promise.withResolvers<void>()
  const slow = defineBot({
    name: 'slow',
    summary: 'Answers when the test says so.',
    config: z.strictObject({}),
    setup: () => ({
      async answer(turn) {
        if (turn.text !== 'hello') await go.promise
        return turn.reply('hm')
      },
    }),
  })
  await using platform = await fakeHelpdesk()
  await using bot = await testRuntime({ ...config(platform), bots: { slow: { use: slow } } })
  await platform.server.down()
  const user = bot.user('u1')
  await user.says('hello').hears('hm').says('are you there?')
  await bot.agent('zoe').takes('u1')
  go.resolve()
  await user.hearsNothing()
  await platform.server.up()
  await bot.advance(60_000)
  expect(platform.items).toMatchObject([
    { type: 'handed-over', history: [{ text: 'hello' }, { text: 'hm' }] },
    { type: 'message', parts: [{ text: 'are you there?' }] },
  ])
})

test('a hook that is repeated does nothing twice', async () => {
  await using platform = await fakeHelpdesk()
  await using bot = await start(platform)
  const conversation = await handedOver(bot)
  await hook(bot, { id: '1', type: 'took', conversation, agent: 'zoe' })
  const said = { id: '2', type: 'said', conversation, agent: 'zoe', text: 'Zoe here.' }
  const answers = await Promise.all([hook(bot, said), hook(bot, said), hook(bot, said)])
  expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1)
  await bot.user('u1').hears('Zoe here.')
  await bot.restart()
  expect(await hook(bot, said)).toEqual(answers[0])
  await bot.user('u1').hearsNothing()
})

test('a hook that makes no sense any more is refused, and says why', async () => {
  await using platform = await fakeHelpdesk()
  await using bot = await start(platform)
  const conversation = await handedOver(bot)
  await hook(bot, { id: '1', type: 'took', conversation, agent: 'zoe' })
  const refused = await hook(bot, { id: '2', type: 'said', conversation, agent: 'bob', text: 'Bob here.' })
  expect(refused.status).toBe(409)
  expect(JSON.parse(refused.body)).toMatchObject({ ok: false, code: 'NOT_OWNER' })
  await hook(bot, { id: '3', type: 'solved', conversation, agent: 'zoe' })
  const late = await hook(bot, { id: '4', type: 'said', conversation, agent: 'zoe', text: 'One more thing.' })
  expect(JSON.parse(late.body)).toMatchObject({ ok: false, code: 'NOT_FOUND' })
  await bot.user('u1').hearsNothing()
})

test('a hook that is not signed, or not so, is refused', async () => {
  await using platform = await fakeHelpdesk()
  await using bot = await start(platform)
  const conversation = await handedOver(bot)
  const took = { id: '1', type: 'took', conversation, agent: 'mallory' }
  for (const signature of [
    '',
    'ab',
    sign('{}'),
    sign(JSON.stringify(took)).replace(/.$/, '!'),
    randomUUID().repeat(2),
  ]) {
    expect(await hook(bot, took, signature)).toEqual({ status: 403, body: '' })
  }
  expect(await bot.conversation('u1')).toMatchObject({ state: 'queued' })
  expect(await hook(bot, { ...took, type: 'burn' })).toMatchObject({ status: 400 })
  expect(await hook(bot, took)).toMatchObject({ status: 200 })
})

test('a team of the helpdesk may be named by a route, and no other', async () => {
  await using platform = await fakeHelpdesk()
  const { desks, ...rest } = config(platform)
  const desk = { use: helpdesk, url: `${platform.server.url}/events`, key: KEY, teams: ['returns'] }
  const route = (team: string) => [{ from: 'memory', mode: 'agent-only', desk: 'support', team }]
  const withTeam = (team: string) => ({ ...rest, desks: { ...desks, support: desk }, routes: route(team) })
  await expect(testRuntime(withTeam('return'))).rejects.toThrow(/returns/)
  await using bot = await testRuntime(withTeam('returns'))
  await bot
    .user('u1')
    .says('hello')
    .hears(/One moment/)
  expect((await bot.conversation('u1'))?.owner).toEqual({ kind: 'queue', desk: 'support', team: 'returns' })
})
