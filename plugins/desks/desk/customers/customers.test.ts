import { describe, expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import type { TestRuntime } from '#core/testing'
import { manualClock, memoryChannel } from '#core/testing'
import type { BodyOf, QueryOf } from '../api/routes.ts'
import desk from '../index.ts'
import { deskRuntime, newId, other, type SimulatedScreen, staffOf } from '../simulated-screen.ts'
import { weekOf } from './period.ts'

const DAY = 86_400_000
const PEOPLE = {
  amy: { name: 'Amy', role: 'administrator' },
  sue: { name: 'Sue', role: 'supervisor' },
  bo: { name: 'Bo' },
  cai: { name: '蔡' },
}
const TEAMS = {
  presale: { members: ['bo', 'sue'], sources: ['memory'], assign: 'by-hand' },
  aftersale: { members: ['cai'], sources: ['other'], assign: 'by-hand' },
}
const withCustomers = (customers: object) => ({
  desks: { support: { use: desk, people: PEOPLE, teams: TEAMS, customers } },
})

async function namesIn(screen: SimulatedScreen, query: QueryOf<'GET /customers'> = {}): Promise<readonly unknown[]> {
  return (await screen.call('GET /customers', { query })).customers.map(({ name }) => name)
}

/** Customers of these names, who have each written once. */
async function come(bot: TestRuntime, ...names: readonly string[]): Promise<void> {
  for (const name of names) await bot.user(`openid-${name}`, { name }).says('hello')
  await bot.idle()
}

async function idOf(bot: TestRuntime, name: string): Promise<string> {
  return (await bot.customer(`openid-${name}`))?.id ?? ''
}

async function auditOf(amy: SimulatedScreen, action: string) {
  const { lines } = await amy.call('GET /audit', { query: { limit: 100 } })
  return lines.filter((line) => line.action === action)
}

describe('the list of customers', () => {
  test('agents do not have it until the setting says so, and are told which (C-CU-02)', async () => {
    await using bot = await deskRuntime()
    const { bo, sue } = await staffOf(bot, 'bo', 'sue')
    await come(bot, 'Ann')
    const answer = await bo.ask('api/customers')
    expect(answer).toMatchObject({ status: 403, code: 'CUSTOMERS_NOT_FOR_AGENTS' })
    expect(answer.text).toContain('desks.support.customers.forAgents')
    expect(await namesIn(sue)).toEqual(['Ann'])
    await bot.apply({ channels: { other: { use: other().plugin } }, ...withCustomers({ forAgents: true }) })
    expect((await bo.ask('api/customers')).status).toBe(200)
  })

  test('an agent sees whom they or their teams served, and nobody else (C-CU-01)', async () => {
    const second = other()
    await using bot = await deskRuntime(withCustomers({ forAgents: true }), { other: second })
    const { bo, cai, sue } = await staffOf(bot, 'bo', 'cai', 'sue')
    await come(bot, 'Ann')
    const parts = [{ type: 'text', text: 'hello' } as const]
    await second.receive({
      id: '1',
      chat: 'x',
      type: 'message',
      parts,
      sender: { name: 'Zoe' },
      atMs: 0,
      grants: 'message',
    })
    await bot.idle()
    expect(await namesIn(bo)).toEqual(['Ann'])
    expect(await namesIn(cai)).toEqual(['Zoe'])
    expect(await namesIn(cai, { search: 'Ann' })).toEqual([])
    expect(await namesIn(sue)).toEqual(['Zoe', 'Ann'])
    await bot.agent('cai').takes('openid-Ann')
    expect(await namesIn(cai, { sort: 'oldest' })).toEqual(['Ann', 'Zoe'])
  })

  test('has by itself those who came this week, as its clocks and its first day say (C-CU-03)', async () => {
    // In Shanghai: Sunday, one minute before Monday the 12th.
    const clock = manualClock(Date.UTC(2026, 0, 11, 15, 59))
    await using bot = await deskRuntime({ timeZone: 'Asia/Shanghai', ...withCustomers({}) }, { clock })
    const { sue } = await staffOf(bot, 'sue')
    await come(bot, 'Sunday')
    expect(await namesIn(sue)).toEqual(['Sunday'])
    await bot.advance(60_000)
    expect(await sue.call('GET /customers', { query: {} })).toEqual({
      customers: [],
      created: { fromMs: Date.UTC(2026, 0, 11, 16), untilMs: Date.UTC(2026, 0, 18, 16) },
      timeZone: 'Asia/Shanghai',
    })
    await come(bot, 'Monday')
    expect(await namesIn(sue)).toEqual(['Monday'])
    expect(await namesIn(sue, { search: 'day' })).toEqual(['Monday', 'Sunday'])
    await bot.apply({
      timeZone: 'Asia/Shanghai',
      channels: { other: { use: other().plugin } },
      ...withCustomers({ weekStartsOn: 'sunday' }),
    })
    expect(await namesIn(sue)).toEqual(['Monday', 'Sunday'])
  })

  test('is filtered by time, tag, name, id and channel, each alone and together (C-CU-04, C-CU-05, C-CU-06)', async () => {
    await using bot = await deskRuntime()
    const { sue } = await staffOf(bot, 'sue')
    const start = bot.clock.now()
    await come(bot, '王小明')
    await bot.advance(DAY / 24)
    await come(bot, 'Ann 100%', '王芳')
    await sue.call('POST /customers/:customer/tags', {
      params: { customer: await idOf(bot, '王芳') },
      body: { add: ['VIP'], remove: [] },
    })
    expect(await namesIn(sue, { from: start, until: start + 1 })).toEqual(['王小明'])
    expect(await namesIn(sue, { from: start + 1 })).toEqual(['王芳', 'Ann 100%'])
    expect(await namesIn(sue, { name: '王' })).toEqual(['王芳', '王小明'])
    expect(await namesIn(sue, { name: '小明' })).toEqual(['王小明'])
    expect(await namesIn(sue, { search: '0%' })).toEqual(['Ann 100%'])
    expect(await namesIn(sue, { search: '%' })).toEqual(['Ann 100%'])
    for (const sign of ['_', '?', '*', '.', '.*', '[', '(', '\\', "'", '"', 'A%n'])
      for (const query of [{ search: sign }, { name: sign }, { id: sign }])
        expect(await namesIn(sue, query), sign).toEqual([])
    expect(await namesIn(sue, { id: 'OPENID-王' })).toEqual(['王芳', '王小明'])
    expect(await namesIn(sue, { tag: 'VIP' })).toEqual(['王芳'])
    expect(await namesIn(sue, { tag: 'vip' })).toEqual([])
    expect(await namesIn(sue, { channel: 'memory', sort: 'oldest' })).toEqual(['王小明', 'Ann 100%', '王芳'])
    // Two are of one moment: each order has them always alike, and the opposite one the other way round.
    for (const [sort, opposite] of [
      ['newest', 'oldest'],
      ['last-message', 'longest-silent'],
    ] as const) {
      const all = await namesIn(sue, { channel: 'memory', sort })
      expect(all).toHaveLength(3)
      expect(await namesIn(sue, { channel: 'memory', sort }), sort).toEqual(all)
      expect(await namesIn(sue, { channel: 'memory', sort: opposite }), opposite).toEqual(all.toReversed())
    }
    expect(await namesIn(sue, { channel: 'other' })).toEqual([])
    expect(await namesIn(sue, { channel: 'memory', tag: 'VIP', name: '王', from: start + 1, id: '芳' })).toEqual([
      '王芳',
    ])
    expect(await namesIn(sue, { tag: 'VIP', name: '小' })).toEqual([])
    const first = await sue.call('GET /customers', { query: { channel: 'memory', limit: 2 } })
    expect(first.customers.map(({ name }) => name)).toEqual(['王芳', 'Ann 100%'])
    expect(await namesIn(sue, { channel: 'memory', limit: 2, cursor: first.next ?? '' })).toEqual(['王小明'])
    for (const cursor of ['x', '[1]', '["a","b"]']) {
      expect(await sue.refused('GET /customers', { query: { cursor } })).toBe('CURSOR_NOT_GOOD')
    }
  })
})

test('those who are turned away are a list of their own, by whomever they were listed (C-BL-03)', async () => {
  await using bot = await deskRuntime({
    features: [{ use: 'blacklist', customers: { memory: ['openid-Yan'] } }],
  })
  const { sue } = await staffOf(bot, 'sue')
  await come(bot, 'Ann', 'Eve', 'Zoe', 'Yan')
  expect(await namesIn(sue, { blocked: 'yes' })).toEqual(['Yan'])
  const [eve, zoe] = [await idOf(bot, 'Eve'), await idOf(bot, 'Zoe')]
  const list = (customer: string, untilMs?: number) =>
    sue.call('POST /customers/:customer/blacklist', { params: { customer }, body: { reason: 'spam', untilMs } })
  await list(zoe, bot.clock.now() + 60_000)
  await list(eve)
  expect(await namesIn(sue, { blocked: 'yes' })).toEqual(['Yan', 'Zoe', 'Eve'])
  expect(await namesIn(sue, { blocked: 'yes', search: 'e' })).toEqual(['Zoe', 'Eve'])
  const { customers } = await sue.call('GET /customers', { query: { search: 'openid' } })
  expect(customers.map(({ name, isBlocked }) => [name, isBlocked])).toEqual([
    ['Yan', true],
    ['Zoe', true],
    ['Eve', true],
    ['Ann', false],
  ])
  await bot.advance(60_000)
  expect(await namesIn(sue, { blocked: 'yes', sort: 'last-message' })).toEqual(['Yan', 'Eve'])
  // Whoever turns out to be somebody else is still turned away.
  await sue.call('POST /customers/:customer/merge', {
    params: { customer: eve },
    body: { into: await idOf(bot, 'Ann') },
  })
  expect(await namesIn(sue, { blocked: 'yes' })).toEqual(['Yan', 'Ann'])
})

test('a week has seven days of its time zone, whichever day it begins with', () => {
  // The clocks of Berlin go forward on Sunday the 29th of March 2026.
  const week = weekOf(Date.UTC(2026, 2, 29, 12), 'Europe/Berlin', 'monday')
  expect(week).toEqual({ fromMs: Date.UTC(2026, 2, 22, 23), untilMs: Date.UTC(2026, 2, 29, 22) })
  expect(week.untilMs - week.fromMs).toBe(7 * DAY - 3_600_000)
  const sunday = Date.UTC(2026, 2, 29)
  expect(weekOf(sunday, 'UTC', 'sunday')).toEqual({ fromMs: sunday, untilMs: sunday + 7 * DAY })
  expect(weekOf(sunday - 1, 'UTC', 'sunday').untilMs).toBe(sunday)
  expect(weekOf(sunday, 'UTC', 'saturday').fromMs).toBe(sunday - DAY)
})

describe('what is known of a customer', () => {
  const change = (screen: SimulatedScreen, customer: string, body: BodyOf<'POST /customers/:customer/change'>) =>
    screen.call('POST /customers/:customer/change', { params: { customer }, body })

  test('is written in the fields that are there and those of the settings, and no others (C-CU-07)', async () => {
    await using bot = await deskRuntime(withCustomers({ fields: { size: { name: 'Shoe size' } } }))
    const { amy, bo } = await staffOf(bot, 'bo')
    await come(bot, 'Ann')
    const customer = await idOf(bot, 'Ann')
    await change(bo, customer, { name: 'Anna', fields: { realName: '王芳', phone: '138', size: '39' } })
    await change(bo, customer, { fields: { phone: null } })
    const [found] = (await amy.call('GET /customers', { query: { search: '王芳' } })).customers
    expect(found).toMatchObject({ id: customer, name: 'Anna', fields: { realName: '王芳', size: '39' } })
    expect(found?.fields).not.toHaveProperty('phone')
    expect((await amy.call('GET /customers/:customer', { params: { customer } })).fields).not.toHaveProperty('phone')
    expect((await bo.call('GET /now')).customers).toMatchObject({
      isForAgents: false,
      fields: [{ name: 'size', title: 'Shoe size' }],
    })
    const wrong = { params: { customer }, body: { fields: { shoe: '39' } } }
    expect(await bo.refused('POST /customers/:customer/change', wrong)).toBe('FIELD_UNKNOWN')
    expect(await auditOf(amy, 'customers.change')).toMatchObject([
      { before: { phone: '138' }, after: { phone: null }, about: { customer }, who: 'bo' },
      { before: { name: 'Ann', phone: null }, after: { name: 'Anna', phone: '138' } },
    ])
  })

  test('never becomes another id (C-CU-08)', async () => {
    await using bot = await deskRuntime()
    const { bo } = await staffOf(bot, 'bo')
    await come(bot, 'Ann')
    const customer = await idOf(bot, 'Ann')
    const headers = { 'content-type': 'application/json' }
    for (const body of [{ id: 'mine', fields: {} }, { fields: { id: 'mine' } }]) {
      const path = `api/customers/${customer}/change`
      expect((await bo.ask(path, { method: 'POST', headers, body: JSON.stringify(body) })).status).toBe(400)
    }
    expect(await idOf(bot, 'Ann')).toBe(customer)
  })

  test('has tags, and who gave them stands in the audit log (C-CU-10)', async () => {
    await using bot = await deskRuntime()
    const { amy, bo } = await staffOf(bot, 'bo')
    await come(bot, 'Ann')
    const customer = await idOf(bot, 'Ann')
    const tag = (add: string[], remove: string[]) =>
      bo.call('POST /customers/:customer/tags', { params: { customer }, body: { add, remove } })
    await tag(['VIP', 'new'], [])
    await tag(['old'], ['new'])
    expect(await amy.call('GET /customers/:customer', { params: { customer } })).toMatchObject({ tags: ['VIP', 'old'] })
    const more = Array.from({ length: 48 }, (_, n) => `tag ${n}`)
    await tag(more, [])
    // As many as anybody reads; and one goes when another has gone.
    const last = { params: { customer }, body: { add: ['one more'], remove: [] } }
    expect(await bo.refused('POST /customers/:customer/tags', last)).toBe('TOO_MANY_TAGS')
    await tag(['one more'], more)
    await tag([], ['one more'])
    expect((await auditOf(amy, 'customers.tags')).slice(3)).toMatchObject([
      { before: ['VIP', 'new'], after: ['VIP', 'old'], who: 'bo', about: { customer } },
      { before: [], after: ['VIP', 'new'] },
    ])
  })

  test('of two who are one is kept together, with the ids of both channels (C-CU-09)', async () => {
    await using bot = await deskRuntime()
    const { amy, sue } = await staffOf(bot, 'sue')
    await come(bot, 'Ann', 'Anna')
    const [customer, into] = [await idOf(bot, 'Ann'), await idOf(bot, 'Anna')]
    await sue.call('POST /customers/:customer/merge', { params: { customer }, body: { into } })
    const { customers } = await sue.call('GET /customers', { query: { search: 'openid-Ann' } })
    expect(customers).toMatchObject([{ id: into, name: 'Anna' }])
    expect(customers[0]?.chats.map(({ externalId }) => externalId).toSorted()).toEqual(['openid-Ann', 'openid-Anna'])
    expect(await auditOf(amy, 'customers.merge')).toMatchObject([{ about: { customer }, after: { into }, who: 'sue' }])
    const made = { params: { customer: into }, body: { into: 'made-up' } }
    expect(await sue.refused('POST /customers/:customer/merge', made)).toBe('NOT_FOUND')
  })
})

test('of two who are one the notes of both are kept, and screens are told who it is now', async () => {
  await using bot = await deskRuntime()
  const { sue } = await staffOf(bot, 'sue')
  await come(bot, 'Ann', 'Bea')
  const [ann, bea] = [await idOf(bot, 'Ann'), await idOf(bot, 'Bea')]
  const change = (customer: string, notes: string) =>
    sue.call('POST /customers/:customer/change', { params: { customer }, body: { fields: { notes } } })
  await change(ann, 'Allergic to nuts')
  await change(bea, 'Pays late')
  const stream = await sue.looks()
  await sue.call('POST /customers/:customer/merge', { params: { customer: ann }, body: { into: bea } })
  const { fields } = await sue.call('GET /customers/:customer', { params: { customer: bea } })
  expect(fields).toMatchObject({ notes: 'Pays late\nAllergic to nuts' })
  // By the id of before too, which a page that is open still has.
  const history = (customer: string) =>
    sue.call('GET /customers/:customer/history', { params: { customer }, query: {} })
  expect((await history(ann)).entries).toHaveLength((await history(bea)).entries.length)
  expect((await history(ann)).entries.length).toBeGreaterThan(1)
  const customersTold = () =>
    stream.frames.flatMap((frame) => (frame.type === 'rows' ? frame.rows.map(({ customer }) => customer.id) : []))
  await expect.poll(customersTold).toEqual(expect.arrayContaining([bea, bea]))
  stream.close()
})

test('whoever has only followed, or was turned away, is looked at, exported and erased as the others', async () => {
  await using bot = await deskRuntime()
  const { amy } = await staffOf(bot)
  await bot.channel.receive({ id: 'f1', chat: 'u1', type: 'follow', atMs: bot.clock.now(), sender: { name: 'Ann' } })
  await bot.idle()
  const { customers } = await amy.call('GET /customers', { query: {} })
  const customer = customers[0]?.id ?? ''
  expect(await amy.call('GET /customers/:customer', { params: { customer } })).toMatchObject({
    name: 'Ann',
    chats: [{ channel: 'memory', externalId: 'u1' }],
    conversations: [],
  })
  expect((await amy.ask(`api/customers/${customer}/export`)).text).toContain('follow')
  await amy.call('POST /customers/:customer/erase', { params: { customer } })
  expect(await namesIn(amy)).toEqual([])
})

describe('calling back', () => {
  const limited = () =>
    memoryChannel({ capabilities: { later: [{ on: 'message', withinMs: 3_600_000, resets: true }] } })
  const call = async (bot: TestRuntime, name: string) => {
    const { read } = bot.runtime.engine
    const { id: chat, customer } = await read
      .selectFrom('chat')
      .select(['id', 'customer'])
      .where('external_id', '=', `openid-${name}`)
      .executeTakeFirstOrThrow()
    return { params: { customer }, body: { id: newId(), chat, text: 'Still there?' } }
  }

  test('opens a conversation of the agent’s own, and is refused with the end of the window when that is over (C-CU-14)', async () => {
    await using bot = await deskRuntime({}, { channel: limited() })
    const { bo } = await staffOf(bot, 'bo')
    await come(bot, 'Ann')
    const endedAtMs = bot.clock.now() + 3_600_000
    await bot.agent('bo').takes('openid-Ann')
    const asked = await call(bot, 'Ann')
    expect(await bo.refused('POST /customers/:customer/call-back', asked)).toBe('ALREADY_OPEN')
    await bot.agent('bo').closes('openid-Ann')
    const { conversation } = await bo.call('POST /customers/:customer/call-back', await call(bot, 'Ann'))
    expect(await bot.conversation('openid-Ann')).toMatchObject({
      id: conversation,
      origin: 'callback',
      owner: { kind: 'agent', person: 'bo' },
    })
    await bot.user('openid-Ann').hears('Still there?')
    await bot.agent('bo').closes('openid-Ann')
    await bot.advance(3_600_001)
    const { params, body } = await call(bot, 'Ann')
    const answer = await bo.ask(`api/customers/${params.customer}/call-back`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      409,
      { code: 'WINDOW_CLOSED', params: { endedAtMs } },
    ])
  })

  test('is refused while the customer is turned away, and their chat is no one else’s (C-BL-03)', async () => {
    let isListed = false
    const guard = definePlugin({
      name: 'doorkeeper',
      summary: 'Turns everybody away, once it is told to.',
      config: z.strictObject({}),
      setup: () => ({ inbound: { guard: (turn, next) => (isListed ? turn.drop('listed') : next()) } }),
    })
    await using bot = await deskRuntime({ features: [{ use: guard }] })
    const { bo } = await staffOf(bot, 'bo')
    await come(bot, 'Ann', 'Eve')
    for (const name of ['Ann', 'Eve']) {
      await bot.agent('bo').takes(`openid-${name}`)
      await bot.agent('bo').closes(`openid-${name}`)
    }
    const [ann, eve] = [await call(bot, 'Ann'), await call(bot, 'Eve')]
    const wrong = { params: ann.params, body: eve.body }
    expect(await bo.refused('POST /customers/:customer/call-back', wrong)).toBe('NOT_FOUND')
    isListed = true
    expect(await bo.refused('POST /customers/:customer/call-back', eve)).toBe('BLOCKED')
    isListed = false
    await bo.call('POST /customers/:customer/call-back', await call(bot, 'Eve'))
  })
})

test('one customer is exported as a file, and erased; the audit log keeps who did it', async () => {
  await using bot = await deskRuntime()
  const { amy, sue, bo } = await staffOf(bot, 'sue', 'bo')
  await come(bot, 'Ann', 'Eve')
  const customer = await idOf(bot, 'Ann')
  await bot.user('openid-Ann').says('my secret')
  await bot.idle()
  for (const screen of [bo, sue]) {
    expect(await screen.refused('GET /customers/:customer/export', { params: { customer } })).toBe('FORBIDDEN')
    expect(await screen.refused('POST /customers/:customer/erase', { params: { customer } })).toBe('FORBIDDEN')
  }
  const file = await amy.ask(`api/customers/${customer}/export`)
  expect(file.headers.get('content-disposition')).toBe(`attachment; filename="customer-${customer}.json"`)
  const all = JSON.parse(file.text)
  expect(all).toMatchObject({ customers: [{ name: 'Ann' }], chats: [{ external_id: 'openid-Ann' }] })
  expect(file.text).toContain('my secret')
  expect(file.text).not.toContain('Eve')

  expect(await amy.refused('POST /customers/:customer/erase', { params: { customer } })).toBe('CUSTOMER_BUSY')
  await bot.agent('bo').takes('openid-Ann')
  await bot.agent('bo').closes('openid-Ann')
  await bot.idle()
  const chat = (await bot.runtime.engine.findChat('memory:memory', 'openid-Ann')) ?? ''
  await amy.call('POST /chats/:chat/read', { params: { chat }, body: { seq: 1 } })
  expect(await bot.rows('support', 'reading')).toHaveLength(1)
  await amy.call('POST /customers/:customer/erase', { params: { customer } })
  expect(await namesIn(amy)).toEqual(['Eve'])
  expect(await bot.rows('support', 'reading')).toEqual([])
  expect(await amy.refused('GET /customers/:customer', { params: { customer } })).toBe('NOT_FOUND')
  expect(await auditOf(amy, 'customers.erase')).toMatchObject([{ who: 'amy', about: { customer } }])
  expect(await auditOf(amy, 'customers.export')).toHaveLength(1)
})

test('of a browser that two have used, neither’s export has what the other did there', async () => {
  await using bot = await deskRuntime()
  const { amy } = await staffOf(bot)
  const follow = (id: string, userId: string) =>
    bot.channel.receive({
      id,
      chat: 'u1',
      type: 'follow',
      atMs: bot.clock.now(),
      entry: `of ${userId}`,
      sender: { userId },
    })
  await follow('1', 'ann')
  await bot.idle()
  const ann = (await bot.customer('u1'))?.id ?? ''
  await follow('2', 'bo')
  await bot.idle()
  const bo = (await bot.customer('u1'))?.id ?? ''
  const exported = async (customer: string) => (await amy.ask(`api/customers/${customer}/export`)).text
  expect(await exported(ann)).toContain('of ann')
  expect(await exported(ann)).not.toContain('of bo')
  expect(await exported(bo)).toContain('of bo')
  expect(await exported(bo)).not.toContain('of ann')
})

test('an erasure that the customer has stopped by writing stands in the audit log, with what was gone by then', async () => {
  await using bot = await deskRuntime()
  const { amy } = await staffOf(bot)
  await bot.channel.receive({ id: 'f1', chat: 'u1', type: 'follow', atMs: bot.clock.now() })
  await bot.idle()
  const customer = (await bot.customer('u1'))?.id ?? ''
  const { engine } = bot.runtime
  // More than is deleted at a time.
  await engine.write([
    {
      sql: `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO entry (chat, seq, id, kind, type, body_json, by_json, at, accepted_at, done_at)
        SELECT chat, -i, 'e' || i, kind, type, body_json, by_json, at, accepted_at, done_at FROM entry, n`,
      parameters: [],
    },
  ])
  const isThere = async () =>
    (await engine.read.selectFrom('entry').select('id').where('id', '=', 'e20000').execute())[0]
  let isOver = false
  const erasing = amy.ask(`api/customers/${customer}/erase`, { method: 'POST' }).finally(() => {
    isOver = true
  })
  while (!isOver && (await isThere()));
  await bot.user('u1').says('I am here')
  expect(await erasing).toMatchObject({ status: 409, code: 'CUSTOMER_BUSY' })
  await bot.idle()
  expect(await auditOf(amy, 'customers.erase')).toMatchObject([{ after: { entries: expect.any(Number) } }])
})
