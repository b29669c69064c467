/** Every call that is not allowed, made of the table of routes: whoever adds a route adds its cases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MemoryChannel, TestRuntime } from '#core/testing'
import { mayAs } from '../access/door.ts'
import { deskOf, deskRuntime, newId, other, type SimulatedScreen, screenOf, staffOf } from '../simulated-screen.ts'
import { type Route, routes } from './routes.ts'
import type { Role } from './shapes.ts'

const table = Object.entries<Route>(routes).map(([key, route]) => ({ key, route }))
const ROLES: readonly Role[] = ['agent', 'supervisor', 'administrator']
const below = ({ route: { for: least } }: (typeof table)[number]) =>
  ROLES.filter((role) => least !== 'everybody' && !mayAs(role, least))
const signedIn = table.filter(({ route }) => route.for !== 'everybody')
/** What a path names that may be somebody else's. */
const THINGS = [':conversation', ':chat', ':customer'] as const
const ofThings = table.filter(({ key }) => THINGS.some((thing) => key.includes(thing)))

let bot: TestRuntime
let theirs: { conversation: string; chat: string; customer: string; entry: string }
let screens: {
  readonly amy: SimulatedScreen
  readonly sue: SimulatedScreen
  readonly bo: SimulatedScreen
  readonly dan: SimulatedScreen
  readonly cai: SimulatedScreen
}
const tokens: { [role: string]: string } = {}
const channel: MemoryChannel = other()

beforeAll(async () => {
  bot = await deskRuntime({}, { other: channel })
  screens = await staffOf(bot, 'sue', 'bo', 'dan', 'cai')
  for (const role of ROLES) {
    const { secret } = await screens.amy.call('POST /tokens', { body: { name: `a ${role}`, role } })
    tokens[role] = secret
  }
  const limited = await screens.amy.call('POST /tokens', {
    body: { name: 'limited', role: 'supervisor', teams: ['presale'] },
  })
  tokens.limited = limited.secret
  // A customer of the other team, whom nobody in the first one may see.
  await channel.receive({
    id: '1',
    chat: 'u9',
    type: 'message',
    parts: [{ type: 'text', text: 'secret' }],
    atMs: 0,
    grants: 'message',
  })
  await bot.idle()
  const { read } = bot.runtime.engine
  const row = await read.selectFrom('conversation').select(['id', 'chat', 'customer', 'team']).executeTakeFirstOrThrow()
  const entry = await read.selectFrom('entry').select('id').where('chat', '=', row.chat).executeTakeFirstOrThrow()
  expect(row.team).toBe('aftersale')
  theirs = { conversation: row.id, chat: row.chat, customer: row.customer, entry: entry.id }
})
afterAll(() => bot[Symbol.asyncDispose]())

/** A call of a route, with a body that could be right. */
function call(screen: SimulatedScreen, key: string, names: { readonly [name: string]: string } = {}) {
  const [method = '', path = ''] = key.split(' ')
  const there = path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(names[name] ?? '0'))
  const json = { 'content-type': 'application/json' }
  const body = JSON.stringify({
    id: newId(),
    text: 'x',
    person: 'bo',
    because: 'x',
    delivery: 'x',
    status: 'away',
    seq: 1,
    connection: 'x',
    isLooking: true,
    reason: 'x',
  })
  return screen.ask(`api${there}`, method === 'GET' ? { method } : { method, headers: json, body })
}

test('the table has every route that there is, and none that is not', () => {
  const web = bot.runtime.instance('support')?.web
  const printed = web?.printRoutes({ commonPrefix: false }) ?? ''
  const found = new Set<string>()
  const above: string[] = []
  // As a tree, each level four signs further in.
  for (const line of printed.split('\n')) {
    const [, indent = '', path = '', methods = ''] = /^(.*?)[└├]── (\S+) \(([A-Z, ]+)\)/.exec(line) ?? []
    const depth = indent.length / 4
    above[depth] = path
    const whole = above.slice(0, depth + 1).join('')
    for (const method of methods.split(', ')) {
      // Beside the API there is the workbench, whose files are for everybody.
      if (/^\/api(\/|$)/.test(whole) && path !== '' && method !== 'HEAD')
        found.add(`${method} ${whole.slice('/api'.length)}`)
    }
  }
  // What only documents them is for everybody.
  for (const page of ['GET ', 'GET /', 'GET /openapi.json']) expect(found.delete(page), page).toBe(true)
  expect([...found].toSorted()).toEqual(table.map(({ key }) => key).toSorted())
})

describe('whoever is not signed in', () => {
  test.each(signedIn)('gets nothing: $key', async ({ key }) => {
    expect(await call(screenOf(deskOf(bot)), key, theirs)).toMatchObject({ status: 401, code: 'NOT_SIGNED_IN' })
  })
})

describe('a role that may less', () => {
  const cases = signedIn.flatMap((one) => below(one).map((role) => ({ role, ...one })))
  test.each(cases)('$role: $key', async ({ key, role, route }) => {
    const names = { agent: screens.bo, supervisor: screens.sue, administrator: screens.amy }
    expect(await call(names[role], key)).toMatchObject({ status: 403, code: 'FORBIDDEN' })
    expect(await call(screenOf(deskOf(bot), { token: tokens[role] ?? '' }), key)).toMatchObject({ status: 403 })
    expect(route.for).not.toBe(role)
  })
  test('there are such cases', () => expect(cases.length).toBeGreaterThan(6))
})

describe('a token', () => {
  test.each(table.filter(({ route }) => route.peopleOnly))('is no person: $key', async ({ key }) => {
    const screen = screenOf(deskOf(bot), { token: tokens.administrator ?? '' })
    expect(await call(screen, key, theirs)).toMatchObject({ status: 403, code: 'PEOPLE_ONLY' })
  })
})

describe('another team’s conversation, chat and customer', () => {
  test.each(ofThings)(
    'are not there for an agent of another team, of no team, or a token for other teams: $key',
    async ({ key, route }) => {
      const strangers = [screens.bo, screens.dan, screenOf(deskOf(bot), { token: tokens.limited ?? '' })]
      for (const screen of strangers) {
        const answer = await call(screen, key, { ...theirs, file: '0' })
        const isRefusedBefore = answer.status === 403 && (route.for !== 'agent' || route.peopleOnly === true)
        expect(isRefusedBefore ? 404 : answer.status, answer.text).toBe(404)
        expect(answer.text).not.toContain('secret')
      }
    },
  )

  test.each(ofThings)('are answered as if they did not exist: $key', async ({ key }) => {
    const real = await call(screens.bo, key, theirs)
    const made = await call(screens.bo, key, {
      conversation: 'made-up',
      chat: 'made-up',
      customer: 'made-up',
      entry: 'made-up',
    })
    expect([real.status, real.text]).toEqual([made.status, made.text])
  })

  test('are in no list, count or team of theirs, and there for their own team and for supervisors', async () => {
    for (const list of ['mine', 'queue', 'bot', 'all', 'closed'] as const) {
      for (const screen of [screens.bo, screens.dan])
        expect((await screen.call('GET /conversations', { query: { list } })).rows).toEqual([])
    }
    expect(await screens.bo.call('GET /counts', {})).toEqual({ mine: 0, queue: 0, bot: 0, all: 0 })
    for (const screen of [screens.cai, screens.sue, screens.amy]) {
      const { rows } = await screen.call('GET /conversations', { query: { list: 'queue' } })
      expect(rows.map(({ id }) => id)).toEqual([theirs.conversation])
      expect(await screen.call('GET /counts', {})).toMatchObject({ queue: 1, all: 1 })
    }
  })
})

describe('what is not JSON of the right shape', () => {
  const bodies = [
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '{"id":1}',
    '{"__proto__":{"id":"12345678"}}',
    `{"id":"${'x'.repeat(2000)}"}`,
    `{"text":"${'x'.repeat(100_000)}"}`,
  ]
  const posts = table.filter(({ key, route }) => key.startsWith('POST') && route.body)
  test.each(posts)('is refused, and never ours to answer for: $key', async ({ key }) => {
    const [, path = ''] = key.split(' ')
    const names: { readonly [name: string]: string } = { ...theirs, person: 'bo' }
    const there = path.replaceAll(/:(\w+)/g, (_, name: string) => names[name] ?? '0')
    for (const body of bodies) {
      for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
        const answer = await screens.amy.ask(`api${there}`, { method: 'POST', body, headers: { 'content-type': type } })
        expect(answer.status, `${type} ${body.slice(0, 40)}: ${answer.text}`).toBeGreaterThanOrEqual(400)
        expect(answer.status, answer.text).toBeLessThan(500)
      }
    }
  })

  test('nor is a path or a query: names that lead elsewhere, and cursors that nobody gave', async () => {
    const paths = [
      'api/conversations/..%2F..%2Fetc/why',
      'api/conversations/%00',
      `api/chats/${'x'.repeat(300)}/entries`,
      'api/conversations?list=nonsense',
      'api/conversations?list=all&cursor=%7B',
      'api/conversations?list=all&cursor=%5B1%5D',
      'api/conversations?list=all&limit=100000',
      'api/conversations?list=all&limit=-1',
      'api/conversations?list=all&more=1',
      `api/chats/${theirs.chat}/entries?after=x`,
      `api/chats/${theirs.chat}/entries/${theirs.entry}/files/constructor`,
      `api/chats/${theirs.chat}/entries/${theirs.entry}/files/-1`,
      'api/audit?cursor=%F0%9F%98%80&limit=0',
      'api/nothing-of-this-name',
    ]
    for (const path of paths) {
      const { status, text } = await screens.amy.ask(path)
      expect(status, `${path}: ${text}`).toBeGreaterThanOrEqual(400)
      expect(status, `${path}: ${text}`).toBeLessThan(500)
    }
    const known = await screens.amy.ask("api/conversations?list=all&channel=x'%20or%201=1--")
    expect(JSON.parse(known.text)).toEqual({ rows: [] })
  })
})
