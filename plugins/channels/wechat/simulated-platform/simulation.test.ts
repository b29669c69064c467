import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from '#core'
import { manualClock, type TestServer, testServer } from '#core/testing'
import { settings } from '../settings.ts'
import type { Doing, State } from './page/state.ts'
import { simulate } from './simulation.ts'

const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
const FIRST = 'oSimulated000000000000000001'
const AnyState = z.custom<State>((value) => z.looseObject({ customers: z.array(z.unknown()) }).safeParse(value).success)

let opened: AsyncDisposableStack
let own: TestServer
let pushed: string[]
let page: string
let apiBase: string

beforeEach(async () => {
  opened = new AsyncDisposableStack()
  pushed = []
  own = opened.use(
    await testServer(async (request) => {
      const echo = new URL(request.url).searchParams.get('echostr')
      if (request.method === 'GET') return new Response(echo)
      pushed.push(await request.text())
      return new Response('success')
    }),
  )
  const config = settings.parse({ appId: 'wx1', appSecret: 's', token: 't', encodingAesKey: KEY })
  const clock = manualClock()
  const simulation = opened.use(
    await simulate(config, {
      ...{ name: 'shop', languages: ['en'], clock, advance: (ms) => clock.advance(ms) },
      why: async (customer) => (customer === FIRST ? 'because of line 7' : undefined),
    }),
  )
  await simulation.started(own.url)
  page = simulation.url
  apiBase = simulation.settings.apiBase
  expect(simulation.hosts).toEqual([new URL(apiBase).host])
})
afterEach(() => opened.disposeAsync())

/** What the server of the page answers; it says which page asks. */
async function posted(
  doing: unknown,
  headers: { readonly [name: string]: string } = { origin: page },
): Promise<number> {
  const all = { 'content-type': 'application/json', connection: 'close', ...headers }
  return (await fetch(`${page}/do`, { method: 'POST', headers: all, body: JSON.stringify(doing) })).status
}

async function does(doing: Doing): Promise<void> {
  expect(await posted(doing)).toBe(204)
}

/** The state as the page is told it now. */
async function state(): Promise<State> {
  const gone = new AbortController()
  const response = await fetch(`${page}/events`, { signal: gone.signal })
  const reader = response.body?.getReader()
  const { value } = (await reader?.read()) ?? {}
  gone.abort()
  const text = new TextDecoder().decode(value)
  return AnyState.parse(JSON.parse(text.slice('data: '.length)))
}

describe('the page of the simulated platform', () => {
  test('is served with a policy, its scripts without types, and nothing else is', async () => {
    const html = await fetch(page, { headers: { connection: 'close' } })
    expect(html.headers.get('content-security-policy')).toContain("script-src 'self'")
    expect(await html.text()).toContain('<script type="module" src="/page.ts">')
    const script = await fetch(`${page}/page.ts`, { headers: { connection: 'close' } })
    expect(script.headers.get('content-type')).toContain('text/javascript')
    expect(await script.text()).not.toMatch(/^import type/m)
    for (const path of ['/state.ts', '/../index.ts', '/files/nothing'])
      expect((await fetch(`${page}${path}`, { headers: { connection: 'close' } })).status).toBe(404)
  })

  test('is obeyed, and pages of others are not', async () => {
    const says: Doing = { do: 'says', customer: FIRST, text: 'hello' }
    expect(await posted(says, { origin: 'https://elsewhere.example' })).toBe(403)
    expect(await posted(says, {})).toBe(403)
    expect(pushed).toEqual([])
    expect(await posted({ do: 'dances' })).toBe(400)
    expect(await posted({ ...says, customer: 'nobody' })).toBe(409)
    expect(await posted(says)).toBe(204)
    await expect.poll(() => pushed.length).toBe(1)
  })

  test('shows what customers do, and whether it was taken', async () => {
    await does({ do: 'follows', customer: FIRST, scene: 'shop42' })
    await does({ do: 'voice', customer: FIRST })
    await expect.poll(() => pushed.length).toBe(2)
    await expect
      .poll(async () => (await state()).customers[0]?.lines.map(({ told }) => told))
      .toEqual(['taken', 'taken'])
    const [first, second] = (await state()).customers
    expect(first).toMatchObject({ openId: FIRST, follows: true })
    expect(first?.windows).toMatchObject([
      { on: 'follow', left: 3, max: 3 },
      { on: 'message', left: 5, max: 5 },
    ])
    expect(first?.lines.map(({ what }) => what)).toEqual([
      { type: 'event', event: 'follow', detail: 'shop42' },
      { type: 'voice', url: '' },
    ])
    expect(second).toMatchObject({ follows: false, lines: [] })
    // All pushes are encrypted, as the YAML has a key.
    expect(pushed.every((body) => body.includes('<Encrypt>'))).toBe(true)
  })

  test('shows what was sent and what was refused, by the number that was asked for', async () => {
    await does({ do: 'says', customer: FIRST, text: 'hello' })
    await does({ do: 'refuse', errcode: 45047 })
    const asked = { grant_type: 'client_credential', appid: 'wx1', secret: 's' }
    const call = async (path: string, body: object) => {
      const response = await fetch(apiBase + path, { method: 'POST', body: JSON.stringify(body) })
      return response.json()
    }
    const { access_token } = z.object({ access_token: z.string() }).parse(await call('/cgi-bin/stable_token', asked))
    const send = (content: string) =>
      call(`/cgi-bin/message/custom/send?access_token=${access_token}`, {
        touser: FIRST,
        msgtype: 'text',
        text: { content },
      })
    await send('too many')
    await send('您好')
    const { lines } = (await state()).customers[0] ?? { lines: [] }
    expect(lines.slice(1).map(({ what, via }) => ({ what, via }))).toMatchObject([
      { what: { type: 'refused', errcode: 45047, words: 'too many' } },
      { what: { type: 'text', text: '您好' }, via: 'customer-service' },
    ])
    expect(JSON.stringify(await state())).not.toContain(access_token)
  })

  test('moves time on, and then nothing may be sent', async () => {
    await does({ do: 'says', customer: FIRST, text: 'hello' })
    const before = (await state()).account.nowMs
    await does({ do: 'time', ms: 49 * 3_600_000 })
    const after = await state()
    expect(after.account.nowMs - before).toBe(49 * 3_600_000)
    expect(after.customers[0]?.windows).toEqual([])
  })

  test('changes the mode, and tells why something was decided', async () => {
    await does({ do: 'mode', mode: 'compatible' })
    await does({ do: 'says', customer: FIRST, text: 'hello' })
    await expect.poll(() => pushed.length).toBe(1)
    expect(pushed[0]).toMatch(/<Content>.*<Encrypt>/)
    const why = (customer: string) => fetch(`${page}/why?customer=${customer}`, { headers: { connection: 'close' } })
    expect(await (await why(FIRST)).text()).toBe('because of line 7')
    expect(await (await why('nobody')).text()).toBe('')
  })
})
