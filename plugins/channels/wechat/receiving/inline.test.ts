/** How answers go into responses: in time, once, and the same again for a retry. */
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Content, defineBot, z } from '#core'
import { type Connected, start } from './connected.ts'

const SECOND = 1_000

/** Waits, in real time, for what goes through sockets. */
const isAccepted = (world: Connected) => async () => {
  const rows = world.bot.runtime.engine.read.selectFrom('entry').select('id').where('kind', '=', 'in')
  return (await rows.execute()).length > 0
}

test('an answer that takes longer than 4.5 s is acknowledged by then, and comes as a customer-service message', async () => {
  const held = Promise.withResolvers<void>()
  await using world = await start({ held: held.promise })
  const customer = world.platform.customer('u1')
  const pushing = customer.says('slow')
  await expect.poll(isAccepted(world)).toBe(true)
  await world.clock.advance(4_500)
  expect(await pushing).toMatchObject({ tries: 1, body: 'success', failure: undefined })
  expect(customer.shown).toEqual([])
  held.resolve()
  await world.bot.idle()
  expect(customer.shown).toMatchObject([{ via: 'customer-service', message: { text: { content: 're: slow' } } }])
})

/** On an account that may only answer, u1 has asked, and the answer has come when the response had gone. */
async function withLateAnswer(): Promise<Connected> {
  await using opened = new AsyncDisposableStack()
  const held = Promise.withResolvers<void>()
  const settings = { replyBy: 'passive' }
  const world = opened.use(await start({ held: held.promise, settings, platform: { isVerified: false } }))
  const pushing = world.platform.customer('u1').says('slow')
  await expect.poll(isAccepted(world)).toBe(true)
  await world.clock.advance(4_500)
  expect(await pushing).toMatchObject({ tries: 1, body: 'success' })
  held.resolve()
  await world.bot.idle()
  expect(world.platform.customer('u1').heard).toEqual([])
  await world.clock.advance(SECOND)
  opened.move()
  return world
}

test('on an account that may only answer, a late answer waits for the next event, and no later one is late by it', async () => {
  await using world = await withLateAnswer()
  const customer = world.platform.customer('u1')
  await customer.says('…')
  expect(customer.heard).toEqual(['re: slow'])
  for (const question of ['one', 'two']) {
    await world.clock.advance(SECOND)
    await customer.says(question)
  }
  expect(customer.heard).toEqual(['re: slow', 're: one', 're: two'])
  expect(world.platform.calls.filter(({ path }) => path.includes('custom/send'))).toEqual([])
})

test('a late answer and the one to the next question are one message', async () => {
  await using world = await withLateAnswer()
  const customer = world.platform.customer('u1')
  await customer.says('one')
  await customer.says('two')
  expect(customer.heard).toEqual(['re: slow\nre: one', 're: two'])
})

test.each([
  ['VIEW', 'u1', '<EventKey>https://shop.example/</EventKey>'],
  ['view_miniprogram', 'u1', '<EventKey>pages/index</EventKey>'],
  ['scancode_push', 'u1', '<EventKey>scan</EventKey>'],
  ['unsubscribe', 'u1', ''],
  ['TEMPLATESENDJOBFINISH', 'u1', '<MsgID>1</MsgID><Status>success</Status>'],
  ['kf_create_session', 'u1', '<KfAccount>a@b</KfAccount>'],
  ['subscribe_msg_sent_event', 'u1', ''],
  ['user_info_modified', 'oSystem', '<OpenID>u1</OpenID>'],
  ['something_new', 'u1', ''],
])('a late answer is not said in the response to %s, which nobody is shown', async (kind, from, about) => {
  await using world = await withLateAnswer()
  const xml = `<xml><ToUserName>gh_2f0a9c41b7de</ToUserName><FromUserName>${from}</FromUserName><CreateTime>1767225600</CreateTime><MsgType>event</MsgType><Event>${kind}</Event>${about}</xml>`
  const response = await fetch(world.platform.request(xml, { to: world.url }))
  expect(await response.text()).toBe('success')
  await world.bot.idle()
  expect(await world.bot.runtime.engine.read.selectFrom('delivery').select('state').execute()).toEqual([
    { state: 'pending' },
  ])
})

test('the 4.5 s count from when the request came, and not from when the disk was done', async () => {
  const held = Promise.withResolvers<void>()
  await using world = await start({ held: held.promise, settings: { replyBy: 'passive' } })
  const { engine } = world.bot.runtime
  const accept = engine.accept.bind(engine)
  const accepting = Promise.withResolvers<void>()
  const isOnDisk = Promise.withResolvers<void>()
  engine.accept = async (event) => {
    accepting.resolve()
    await isOnDisk.promise
    return accept(event)
  }
  const pushing = world.platform.customer('u1').says('slow')
  await accepting.promise
  await world.clock.advance(2_000)
  const { waiting } = world.clock
  isOnDisk.resolve()
  await expect.poll(() => world.clock.waiting > waiting).toBe(true)
  await world.clock.advance(2_500)
  expect(await pushing).toMatchObject({ tries: 1, body: 'success' })
  held.resolve()
})

test('where there is no other way for an answer, the platform is told to come again when the runtime stops', async () => {
  const held = Promise.withResolvers<void>()
  await using world = await start({ held: held.promise, settings: { replyBy: 'passive' } })
  const xml = `<xml><ToUserName>gh_2f0a9c41b7de</ToUserName><FromUserName>u1</FromUserName><CreateTime>1767225600</CreateTime><MsgType>text</MsgType><Content>slow</Content><MsgId>1</MsgId></xml>`
  const first = fetch(world.platform.request(xml, { to: world.url }))
  await expect.poll(isAccepted(world)).toBe(true)
  const restarted = world.bot.restart()
  expect((await first).status).toBe(503)
  held.resolve()
  await restarted
  const again = await fetch(world.platform.request(xml, { to: world.url }))
  expect(await again.text()).toContain('re: slow')
})

/** A bot that says one thing to all. */
function sayer(say: Content) {
  return defineBot({
    name: 'sayer',
    summary: 'Says one thing to all.',
    config: z.strictObject({}),
    setup: () => ({ answer: async (turn) => turn.reply(say) }),
  })
}

const CHOICES = ['x', 'y'].map((id) => ({ id, label: id.repeat(60) }))
test.each([
  [
    'choices with a long question',
    { type: 'choices', prompt: '字'.repeat(680), choices: CHOICES },
    /x{60}\n(2\. )?y{60}$/,
  ],
  ['halves of links', { type: 'text', text: '<a '.repeat(680) }, /^(＜a ?)+$/],
] as const)('C-WX-04: %s come as they were meant, in as many messages as it takes', async (_what, part, last) => {
  await using world = await start({ config: { bots: { sayer: { use: sayer(part) } } } })
  const customer = world.platform.customer('u1')
  expect(await customer.says('hi')).toMatchObject({ failure: undefined })
  await world.bot.idle()
  expect(world.platform.failures).toEqual([])
  expect(customer.heard.length).toBeGreaterThan(1)
  const [whole, words] = [customer.heard.join(''), part.type === 'text' ? '＜a'.repeat(680) : part.prompt]
  expect(whole.replaceAll(' ', '').startsWith(words)).toBe(true)
  expect(customer.heard.at(-1)).toMatch(last)
})

test('what has nothing left to say is no answer that was sent', async () => {
  await using world = await start({ config: { bots: { sayer: { use: sayer('\u0001') } } } })
  expect(await world.platform.customer('u1').says('hi')).toMatchObject({ body: 'success' })
  await world.bot.idle()
  expect(await world.bot.runtime.engine.read.selectFrom('delivery').select('state').execute()).toEqual([])
})

test('replyBy: customer-service acknowledges at once', async () => {
  const held = Promise.withResolvers<void>()
  await using world = await start({ held: held.promise, settings: { replyBy: 'customer-service' } })
  const customer = world.platform.customer('u1')
  expect(await customer.says('slow')).toMatchObject({ tries: 1, body: 'success' })
  held.resolve()
  await world.bot.idle()
  expect(customer.shown).toMatchObject([{ via: 'customer-service' }])
})

test('C-WX-01: a push that was hung up on and comes again joins the turn, and gets the answer that was under way', async () => {
  const held = Promise.withResolvers<void>()
  await using world = await start({ held: held.promise, settings: { replyBy: 'passive' } })
  const xml = `<xml><ToUserName>gh_2f0a9c41b7de</ToUserName><FromUserName>u1</FromUserName><CreateTime>1767225600</CreateTime><MsgType>text</MsgType><Content>slow</Content><MsgId>1</MsgId></xml>`
  const gone = new AbortController()
  const first = fetch(world.platform.request(xml), { signal: gone.signal }).catch(() => 'hung up')
  await expect.poll(isAccepted(world)).toBe(true)
  gone.abort()
  expect(await first).toBe('hung up')
  const [second, third] = [fetch(world.platform.request(xml)), fetch(world.platform.request(xml))]
  await wait(50)
  held.resolve()
  const answers = await Promise.all([second, third].map(async (answer) => (await answer).text()))
  expect(answers.some((answer) => answer.includes('re: slow'))).toBe(true)
  const again = await fetch(world.platform.request(xml))
  expect(await again.text()).toContain('re: slow')
  expect(await world.events()).toHaveLength(1)
})

test.each([
  ['after a restart', (world: Connected) => world.bot.restart()],
  ['in the same process', async () => undefined],
])(
  'C-WX-01: a push that comes again %s gets what has been written into a response that it did not hear',
  async (_when, meanwhile) => {
    await using world = await start()
    const ask = async () => {
      const xml = `<xml><ToUserName>gh_2f0a9c41b7de</ToUserName><FromUserName>u1</FromUserName><CreateTime>1767225600</CreateTime><MsgType>text</MsgType><Content>hello</Content><MsgId>1</MsgId></xml>`
      return (await fetch(world.platform.request(xml, { to: world.url }))).text()
    }
    expect(await ask()).toContain('re: hello')
    await world.bot.idle()
    await meanwhile(world)
    expect(await ask()).toContain('re: hello')
    await world.bot.idle()
    await world.clock.advance(61 * SECOND)
    expect(await ask()).toBe('success')
    expect(world.platform.calls.filter(({ path }) => path.includes('custom/send'))).toEqual([])
  },
)

/** More than half of what one address may have under way, and less than all of it. */
const MANY = 270

test.each([
  ['are acknowledged at once when places run low, and get their answers afterwards', {}, MANY - 250],
  ['are kept open as long as there is any place, where there is no other way', { replyBy: 'passive' }, 0],
])(
  'what comes by the hundred from one address while a bot is slow: requests %s',
  async (_what, settings, acknowledged) => {
    const held = Promise.withResolvers<void>()
    const config = { server: { trustProxy: ['127.0.0.1'] } }
    await using world = await start({ held: held.promise, settings, config })
    const answers: string[] = []
    const push = async (customer: number) => {
      const xml = `<xml><ToUserName>gh_2f0a9c41b7de</ToUserName><FromUserName>u${customer}</FromUserName><CreateTime>1767225600</CreateTime><MsgType>text</MsgType><Content>slow</Content><MsgId>${customer}</MsgId></xml>`
      const request = world.platform.request(xml, { to: world.url })
      request.headers.set('x-forwarded-for', '101.226.103.1')
      answers.push(await (await fetch(request)).text())
    }
    const all = Promise.all(Array.from({ length: MANY }, (_, customer) => push(customer)))
    const { read } = world.bot.runtime.engine
    const accepted = read
      .selectFrom('entry')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .where('kind', '=', 'in')
    await expect
      .poll(async () => (await accepted.executeTakeFirst())?.n === MANY && answers.length >= acknowledged)
      .toBe(true)
    expect(answers).toEqual(Array(acknowledged).fill('success'))
    held.resolve()
    await all
    await world.bot.idle()
    expect(answers.filter((answer) => answer.includes('re: slow'))).toHaveLength(MANY - acknowledged)
    expect(world.platform.sent).toHaveLength(acknowledged)
  },
)
