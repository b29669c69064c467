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
  const config = settings.parse({ appId: 'wx1', appSecret: 's', token: 't', encodingAesKey: KEY, wechatId: 'tea' })
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

/** Calls an interface as the account’s server would. */
async function call(path: string, body: object): Promise<unknown> {
  const ask = (url: string, sent: object) => fetch(apiBase + url, { method: 'POST', body: JSON.stringify(sent) })
  const asked = { grant_type: 'client_credential', appid: 'wx1', secret: 's' }
  const { access_token } = z
    .object({ access_token: z.string() })
    .parse(await (await ask('/cgi-bin/stable_token', asked)).json())
  return (await ask(`${path}?access_token=${access_token}`, body)).json()
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

  test('may be left, and others are told on', async () => {
    const gone = new AbortController()
    const response = await fetch(`${page}/events`, { signal: gone.signal })
    await response.body?.getReader().read()
    gone.abort()
    await does({ do: 'follows', customer: FIRST })
    await expect.poll(async () => (await state()).customers[0]?.follows).toBe(true)
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
    const send = (content: string) =>
      call('/cgi-bin/message/custom/send', { touser: FIRST, msgtype: 'text', text: { content } })
    await send('too many')
    await send('您好')
    const { lines } = (await state()).customers[0] ?? { lines: [] }
    expect(lines.slice(1).map(({ what, via }) => ({ what, via }))).toMatchObject([
      { what: { type: 'refused', errcode: 45047, words: 'too many' } },
      { what: { type: 'text', text: '您好' }, via: 'customer-service' },
    ])
    // Neither the secret nor a token is any of its business.
    expect(JSON.stringify(await state())).not.toMatch(/access_token|stable-1/)
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

  test('shows the menu that was set, and a tap on it is what the button is', async () => {
    const human = { type: 'click', name: '人工', key: 'HUMAN' }
    const shop = { type: 'view', name: '商城', url: 'https://shop.example/' }
    // What an interface refuses is shown with its path, where it concerns no customer.
    expect(await call('/cgi-bin/menu/create', { button: [] })).toMatchObject({ errcode: 40016 })
    expect((await state()).refused).toMatchObject([{ path: '/cgi-bin/menu/create', errcode: 40016 }])
    await call('/cgi-bin/menu/create', { button: [human, { name: '更多', sub_button: [shop] }] })
    expect((await state()).menu).toMatchObject([human, { name: '更多', sub_button: [shop] }])
    await does({ do: 'mode', mode: 'compatible' })
    await does({ do: 'taps', customer: FIRST, button: human })
    await does({ do: 'taps', customer: FIRST, button: shop })
    await expect.poll(() => pushed.length).toBe(2)
    expect(pushed.sort()[0]).toMatch(/<Event><!\[CDATA\[CLICK\]\]><\/Event><EventKey><!\[CDATA\[HUMAN\]\]>/)
    expect(pushed[1]).toContain('<EventKey><![CDATA[https://shop.example/]]></EventKey>')
    // Opening a page lets nobody write.
    expect((await state()).customers[0]?.windows).toMatchObject([{ on: 'menu', left: 3 }])
  })

  test('shows choices, of which a tap says which it was', async () => {
    await does({ do: 'mode', mode: 'compatible' })
    await does({ do: 'says', customer: FIRST, text: 'hello' })
    const list = [{ id: '101', content: '查物流' }]
    const msgmenu = { head_content: '请选择：', list, tail_content: '' }
    await call('/cgi-bin/message/custom/send', { touser: FIRST, msgtype: 'msgmenu', msgmenu })
    const { lines } = (await state()).customers[0] ?? { lines: [] }
    const choices = [{ id: '101', label: '查物流' }]
    expect(lines.at(-1)?.what).toEqual({ type: 'menu', head: '请选择：', choices, tail: '' })
    await does({ do: 'says', customer: FIRST, text: '查物流', choice: '101' })
    await expect.poll(() => pushed.at(-1)).toContain('<bizmsgmenuid><![CDATA[101]]></bizmsgmenuid>')
  })

  test('shows a picture that was sent, and under which name somebody answers', async () => {
    await does({ do: 'image', customer: FIRST, data: 'iVBORw==', mimeType: 'image/png' })
    const { lines } = (await state()).customers[0] ?? { lines: [] }
    const [what] = lines.map((line) => line.what)
    const file = await fetch(page + (what?.type === 'image' ? what.url : ''), { headers: { connection: 'close' } })
    expect([file.headers.get('content-type'), (await file.arrayBuffer()).byteLength]).toEqual(['image/png', 4])
    await call('/customservice/kfaccount/add', { kf_account: 'sales@tea', nickname: '售前' })
    const message = {
      touser: FIRST,
      msgtype: 'text',
      text: { content: '您好' },
      customservice: { kf_account: 'sales@tea' },
    }
    await call('/cgi-bin/message/custom/send', message)
    await does({ do: 'time', ms: 5 * 60_000 })
    await call('/cgi-bin/message/custom/send', message)
    const [before, after] = (await state()).customers[0]?.lines.slice(-2) ?? []
    expect([before?.as, before?.isPending]).toEqual([undefined, true])
    expect(after).toMatchObject({ as: { name: '售前' }, isPending: false })
  })
})
