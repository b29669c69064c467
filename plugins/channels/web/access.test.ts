/** Who gets in, and that nobody gets at what is another's, by whichever way. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type TestConfig, type TestRuntime, testRuntime } from '#core/testing'
import { signIdentity } from './identity.ts'
import web from './index.ts'
import { SECRET } from './simulated-platform.ts'
import { OWN_ORIGIN, openSocket, type SimulatedVisitor, siteOf, visit, visitorWith } from './simulated-visitor.ts'
import { makeSigner, newKey, newVisitorId } from './token.ts'

const YEAR_MS = 365 * 24 * 60 * 60 * 1000

function start(settings: { readonly [setting: string]: unknown } = {}, more: TestConfig = {}) {
  return testRuntime(
    {
      channels: { site: { use: web, ...settings } },
      bots: { parrot: { use: 'echo' } },
      limits: { refusedPerMinute: 10_000 },
      ...more,
    },
    { listen: true },
  )
}

async function statusAndCode(asked: Promise<Response>): Promise<string> {
  const response = await asked
  return `${response.status} ${response.ok ? '' : JSON.parse(await response.text()).code}`.trim()
}

// ── tokens ──────────────────────────────────────────────────────────────────────────────────

describe('a token', () => {
  const signer = makeSigner(newKey())
  const token = signer.tokenFor({ chat: newVisitorId(), expiresAtMs: YEAR_MS })

  test('is known again until it expires', () => {
    expect(signer.visitorOf(token, 0)).toEqual({ chat: token.split('.')[0], expiresAtMs: YEAR_MS })
    expect(signer.visitorOf(token, YEAR_MS - 1)).toBeDefined()
    expect(signer.visitorOf(token, YEAR_MS)).toBeUndefined()
  })

  test('is no good with any sign of it changed, left out or added', () => {
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'abcXYZ019-_.='), fc.nat(2), (at, sign, how) => {
        const forged = token.slice(0, at) + (how === 1 ? '' : sign) + token.slice(how === 2 ? at : at + 1)
        expect(forged === token || signer.visitorOf(forged, 0) === undefined).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('cannot be put together out of others', () => {
    const other = signer.tokenFor({ chat: newVisitorId(), expiresAtMs: YEAR_MS * 2 })
    const parts = [token.split('.'), other.split('.')]
    for (const [a, b, c] of [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
      [0, 1, 1],
    ] as const) {
      const mixed = [parts[a]?.[0], parts[b]?.[1], parts[c]?.[2]].join('.')
      expect(signer.visitorOf(mixed, 0)).toBeUndefined()
    }
    expect(makeSigner(newKey()).visitorOf(token, 0)).toBeUndefined()
    // What was signed for something else is no token.
    const sealed = signer.seal('upload', 'x')
    expect(signer.visitorOf(`${sealed.split('.')[0]}.zzzzzzzz.${sealed.split('.')[1]}`, 0)).toBeUndefined()
    expect(signer.unseal('file', signer.seal('upload', 'x'))).toBeUndefined()
    expect(signer.unseal('upload', signer.seal('upload', 'x', 'anna'), 'li')).toBeUndefined()
    expect(signer.unseal('upload', signer.seal('upload', 'x', 'anna'), 'anna')).toBe('x')
  })

  test('names visitors whom nobody can guess', () => {
    const ids = Array.from({ length: 1_000 }, newVisitorId)
    expect(new Set(ids).size).toBe(1_000)
    for (const id of ids) expect(id).toMatch(/^v[\w-]{22}$/)
  })

  test('of another channel is no good here, and costs nothing to be asked for', async () => {
    await using bot = await start({}, { channels: { site: { use: web }, other: { use: web, account: 'other' } } })
    const elsewhere = await visit(`${bot.runtime.url}/other`)
    const response = await visitorWith(siteOf(bot), elsewhere.token).ask('v1/events')
    expect(response.status).toBe(401)
    for (const table of ['log', 'visitor']) expect(await bot.rows('site', table)).toEqual([])
  })

  test('is renewed when half of its time is over, and lost when all of it is', async () => {
    await using bot = await start({ keep: '100d' })
    const anna = await visit(siteOf(bot))
    const DAY = 24 * 60 * 60 * 1000
    bot.clock.jump(bot.clock.now() + 49 * DAY)
    expect((await visit(siteOf(bot), anna.token)).token).toBe(anna.token)
    bot.clock.jump(bot.clock.now() + 2 * DAY)
    const renewed = await visit(siteOf(bot), anna.token)
    expect([renewed.chat, renewed.token === anna.token]).toEqual([anna.chat, false])
    const { token } = await (await anna.looks()).until('hello')
    expect(token?.split('.')[0]).toBe(anna.chat)
    bot.clock.jump(bot.clock.now() + 50 * DAY)
    expect(await statusAndCode(anna.ask('v1/events'))).toBe('401 TOKEN_REFUSED')
    expect((await renewed.ask('v1/events')).status).toBe(200)
    expect((await visit(siteOf(bot), anna.token)).chat).not.toBe(anna.chat)
  })
})

test('without a good token nothing is answered but a session', async () => {
  await using bot = await start()
  const stranger = visitorWith(siteOf(bot), 'v0000000000000000000000.zzzzzzzz.AAAA')
  const asked: readonly (readonly [string, RequestInit?])[] = [
    ['v1/messages', { method: 'POST', body: '{}' }],
    ['v1/files?name=x', { method: 'POST', body: 'x' }],
    ['v1/read', { method: 'POST', body: '{"seq":1}' }],
    ['v1/typing', { method: 'POST' }],
    ['v1/identify', { method: 'POST', body: '{}' }],
    ['v1/events'],
    ['v1/events?before=5'],
    ['v1/events', { headers: { accept: 'text/event-stream' } }],
  ]
  for (const [path, init] of asked) {
    expect([path, await statusAndCode(stranger.ask(path, init))]).toEqual([path, '401 TOKEN_REFUSED'])
    expect(await statusAndCode(fetch(`${siteOf(bot)}/${path}`, init ?? {}))).toBe('401 TOKEN_REFUSED')
  }
})

// ── another's chat ──────────────────────────────────────────────────────────────────────────

describe('what is another’s', () => {
  const MARK = 'my-card-number-is-4111'

  async function scene(bot: TestRuntime) {
    const site = siteOf(bot)
    const [li, anna] = [await visit(site), await visit(site)]
    await li.says(MARK, { id: 'message-of-li' })
    const upload = await li.uploads(`${MARK}.txt`, `${MARK} in a file`)
    await li.post('v1/messages', { id: 'file-of-li-1', file: upload.file, language: 'en' })
    await bot.idle()
    return { site, li, anna, upload }
  }

  test('is not seen by any way of asking', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const { site, li, anna, upload } = await scene(bot)
    const said: string[] = []
    const hear = async (response: Response) => said.push(await response.text())
    for (const query of ['', '?after=0', '?before=1000', `?chat=${li.chat}`, `?token=${li.token.slice(0, -1)}x`])
      await hear(await anna.ask(`v1/events${query}`))
    for (const header of ['x-visitor', 'cookie', 'x-forwarded-user', 'x-chat'])
      await hear(await anna.ask('v1/events', { headers: { [header]: li.chat } }))
    await hear(await anna.post('v1/messages', { id: 'message-of-li', text: 'mine', language: 'en' }))
    await hear(await anna.post('v1/messages', { id: 'my-own-file-1', file: upload.file, language: 'en' }))
    await hear(await anna.post('v1/messages', { id: 'my-chat-is-1', text: 'x', language: 'en', chat: li.chat }))
    await hear(await anna.post('v1/session', { token: li.chat }))
    await hear(await anna.post('v1/session', { token: `${li.chat}.${anna.token.split('.').slice(1).join('.')}` }))
    await hear(await anna.post('v1/read', { seq: 1 }))
    await hear(await fetch(`${site}/files/${upload.file}/x.txt`))
    await hear(await fetch(`${site}/files/${upload.file.split('.')[0]}/x.txt`))
    await hear(await fetch(`${site}/files/../../media/x`))
    const [socket, events] = [await anna.looks(), await anna.looks({ by: 'events' })]
    await li.says(`${MARK} again`)
    await anna.says('still me')
    await bot.idle()
    for (const looking of [socket, events]) {
      await looking.until(
        'item',
        ({ item }) => 'part' in item && item.part.type === 'text' && item.part.text === 'echo: still me',
      )
      said.push(JSON.stringify(looking.frames))
    }
    said.push(JSON.stringify(await anna.log()))
    expect(said.filter((text) => text.includes('4111'))).toEqual([])
    // What Li himself sees shows that there was something to be seen.
    expect(JSON.stringify(await li.log())).toContain(MARK)
    expect((await li.log()).length).toBeGreaterThan(4)
  })

  test('upload is refused as one’s own', async () => {
    await using bot = await start()
    const { anna, li, upload } = await scene(bot)
    const body = { id: 'my-own-file-1', file: upload.file, language: 'en' }
    expect(await statusAndCode(anna.post('v1/messages', body))).toBe('400 FILE_REFUSED')
    expect((await li.post('v1/messages', body)).status).toBe(200)
  })
})

// ── signed identities ───────────────────────────────────────────────────────────────────────

describe('an identity', () => {
  const inAnHour = (bot: TestRuntime) => bot.clock.now() / 1000 + 3600
  const sign = (bot: TestRuntime, id: string, more: { readonly [field: string]: string | number } = {}) =>
    signIdentity(SECRET, { id, expires: inAnHour(bot), ...more })

  async function identified(site: string, visitor: SimulatedVisitor, identity: string): Promise<SimulatedVisitor> {
    const response = await visitor.post('v1/identify', { identity })
    const { token } = JSON.parse(await response.text())
    expect(response.status).toBe(200)
    return visitorWith(site, token)
  }

  test.each([
    [
      'is signed with another secret',
      () => signIdentity('guessed', { id: 'li', expires: Date.UTC(2026, 0, 1) / 1000 + 60 }),
    ],
    ['is not signed', () => Buffer.from('{"id":"li"}').toString('base64url')],
    [
      'has another’s signature',
      (good: string) => `${Buffer.from('{"id":"li"}').toString('base64url')}.${good.split('.')[1]}`,
    ],
    ['is cut', (good: string) => good.slice(0, -1)],
    ['is empty', () => ''],
  ])('that %s is refused', async (_how, forge) => {
    await using bot = await start({ identify: { secret: SECRET } })
    const anna = await visit(siteOf(bot))
    const asked = anna.post('v1/identify', { identity: forge(sign(bot, 'anna')) })
    expect(await statusAndCode(asked)).toBe('403 IDENTITY_REFUSED')
  })

  test('is good until it expires, and for a week at most', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const anna = await visit(siteOf(bot))
    const nowS = bot.clock.now() / 1000
    const asked = async (expires: number) =>
      statusAndCode(anna.post('v1/identify', { identity: signIdentity(SECRET, { id: 'anna', expires }) }))
    const WEEK_S = 7 * 24 * 3600
    expect(await asked(nowS)).toBe('403 IDENTITY_EXPIRED')
    expect(await asked(nowS - 1)).toBe('403 IDENTITY_EXPIRED')
    expect(await asked(nowS + WEEK_S + 1)).toBe('403 IDENTITY_EXPIRED')
    expect(await asked(nowS + WEEK_S)).toBe('200')
  })

  test('is nothing where the YAML has no secret', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    expect(await statusAndCode(anna.post('v1/identify', { identity: sign(bot, 'anna') }))).toBe('404 IDENTITY_OFF')
  })

  test('leads to the same chat on every device, and keeps nothing before the first message', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const phone = await identified(site, await visit(site), sign(bot, 'anna', { name: 'Anna' }))
    expect(await bot.runtime.engine.read.selectFrom('customer').selectAll().execute()).toEqual([])
    const laptop = await identified(site, await visit(site), sign(bot, 'anna', { name: 'Anna' }))
    expect(laptop.chat).toBe(phone.chat)
    await phone.says('from the phone')
    await bot.idle()
    expect((await laptop.log()).length).toBe(2)
    expect((await laptop.page()).snapshot.name).toBe('Anna')
    const stranger = await identified(site, await visit(site), sign(bot, 'li'))
    expect(await stranger.log()).toEqual([])
  })

  test('of someone who has written already leaves the chat, which is found again elsewhere', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const before = await visit(site)
    await before.says('before I signed in')
    await bot.idle()
    const after = await identified(
      site,
      before,
      sign(bot, 'anna', { name: 'Anna', email: 'anna@example.com', plan: 'gold' }),
    )
    expect(after.chat).toBe(before.chat)
    const elsewhere = await identified(site, await visit(site), sign(bot, 'anna', { name: 'Anna' }))
    expect(elsewhere.chat).toBe(before.chat)
    await bot.idle()
    const [customer] = await bot.runtime.engine.read.selectFrom('customer').selectAll().execute()
    expect(customer).toMatchObject({ name: 'Anna' })
    expect(JSON.parse(customer?.fields_json ?? '')).toMatchObject({ email: 'anna@example.com', plan: 'gold' })
  })

  test('that says nothing new is received once', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const anna = await visit(site)
    await anna.says('hello')
    for (const name of ['Anna', 'Anna', 'Anna', 'Anna Lee', 'Anna Lee'])
      await identified(site, anna, sign(bot, 'anna', { name }))
    await bot.idle()
    const events = await bot.runtime.engine.read
      .selectFrom('entry')
      .select('body_json')
      .where('type', '=', 'other')
      .execute()
    expect(events.map(({ body_json }) => JSON.parse(body_json).sender.name)).toEqual(['Anna', 'Anna Lee'])
  })

  test('makes one customer of two chats that turn out to be the same user’s', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const [phone, laptop] = [await visit(site), await visit(site)]
    await phone.says('from the phone')
    await laptop.says('from the laptop')
    for (const visitor of [phone, laptop]) await identified(site, visitor, sign(bot, 'anna', { name: 'Anna' }))
    await bot.idle()
    const customers = () => bot.runtime.engine.read.selectFrom('chat').select('customer').distinct().execute()
    expect(await customers()).toHaveLength(1)
    const stranger = await identified(site, await visit(site), sign(bot, 'li'))
    await stranger.says('hello')
    await bot.idle()
    expect(await customers()).toHaveLength(2)
  })

  test('leads to the first of the user’s chats, however many there are', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const chats: string[] = []
    for (let i = 0; i < 6; i++) {
      const visitor = await visit(site)
      await visitor.says('hello')
      chats.push((await identified(site, visitor, sign(bot, 'anna'))).chat)
      bot.clock.jump(bot.clock.now() + 60_000)
      expect((await identified(site, await visit(site), sign(bot, 'anna'))).chat).toBe(chats[0])
    }
    expect(new Set(chats).size).toBe(6)
  })

  test('of another user at the same browser never shows the first one’s chat', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const browser = await visit(site)
    await browser.says('I am Anna')
    const anna = await identified(site, browser, sign(bot, 'anna'))
    const li = await identified(site, anna, sign(bot, 'li'))
    expect(li.chat).not.toBe(anna.chat)
    expect(await li.log()).toEqual([])
    await li.says('I am Li')
    await bot.idle()
    expect(JSON.stringify(await anna.log())).not.toContain('Li')
    // And back again, each has what is his.
    expect((await identified(site, li, sign(bot, 'anna'))).chat).toBe(anna.chat)
    expect((await identified(site, anna, sign(bot, 'li'))).chat).toBe(li.chat)
  })
})

// ── pages ───────────────────────────────────────────────────────────────────────────────────

describe('a page of another site', () => {
  const SHOP = 'https://shop.example'
  const preflight = (site: string, origin: string) =>
    fetch(`${site}/v1/messages`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })

  test('may use the chat where the YAML names it, and no other may', async () => {
    await using bot = await start({ origins: [SHOP] })
    const site = siteOf(bot)
    const { token, ask } = await visit(site)
    for (const origin of [SHOP, OWN_ORIGIN, 'http://127.0.0.1']) {
      const allowed = await preflight(site, origin)
      expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, origin])
      expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization')
      expect(allowed.headers.get('access-control-allow-credentials')).toBeNull()
      expect(allowed.headers.get('vary')).toContain('origin')
      const asked = await ask('v1/events', { headers: { origin } })
      expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([200, origin])
    }
    for (const origin of [
      'https://shop.example.evil.example',
      'http://shop.example',
      'https://shop.example:8443',
      'null',
    ]) {
      expect(await statusAndCode(preflight(site, origin))).toBe('403 ORIGIN_NOT_ALLOWED')
      expect(await statusAndCode(ask('v1/events', { headers: { origin } }))).toBe('403 ORIGIN_NOT_ALLOWED')
      const socket = openSocket(site, token, { origin })
      const status = await new Promise((resolve) => {
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
        socket.on('open', () => resolve('open'))
      })
      expect(status).toBe(403)
      socket.on('error', () => undefined).terminate()
    }
  })

  test('may use it wherever it is, if the YAML says so, which is said aloud', async () => {
    await using bot = await start({ origins: ['*'] })
    const allowed = await preflight(siteOf(bot), 'https://anywhere.example')
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([
      204,
      'https://anywhere.example',
    ])
    expect(bot.logged.join()).toContain('Every site may show this chat')
  })

  test('is told of a refusal in a way that it can read', async () => {
    await using bot = await start({ origins: [SHOP] })
    const response = await fetch(`${siteOf(bot)}/v1/events`, { headers: { origin: SHOP } })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([401, SHOP])
  })
})

// ── how much ────────────────────────────────────────────────────────────────────────────────

describe('limits', () => {
  test('bound what one visitor writes in a minute, and nobody else', async () => {
    await using bot = await start({ limits: { messagesPerMinute: 3 } })
    const [anna, li] = [await visit(siteOf(bot)), await visit(siteOf(bot))]
    for (const text of ['one', 'two', 'three']) await anna.says(text)
    const refused = await anna.post('v1/messages', { id: 'message-4', text: 'four', language: 'en' })
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    await li.says('me too')
    await bot.advance(60_000)
    await anna.says('four')
  })

  test('bound the visitors that one address makes up, not those who come back', async () => {
    await using bot = await start({ limits: { sessionsPerMinute: 2 } })
    const anna = await visit(siteOf(bot))
    await visit(siteOf(bot))
    const asked = fetch(`${siteOf(bot)}/v1/session`, { method: 'POST' })
    expect(await statusAndCode(asked)).toBe('429 TOO_MANY_SESSIONS')
    expect((await visit(siteOf(bot), anna.token)).chat).toBe(anna.chat)
  })

  test('bound the pages that are open at one address, whoever they are of', async () => {
    await using bot = await start({ limits: { connectionsPerAddress: 2 } })
    const all = await Promise.all([visit(siteOf(bot)), visit(siteOf(bot)), visit(siteOf(bot))])
    const [one, two, three] = all
    const looking = await one?.looks()
    await two?.looks({ by: 'events' })
    const asked = () => three?.ask('v1/events', { headers: { accept: 'text/event-stream' } }) ?? Promise.reject()
    expect(await statusAndCode(asked())).toBe('429 TOO_MANY_CONNECTIONS')
    looking?.close()
    await expect.poll(async () => (await asked()).status).toBe(200)
  })

  test('do not bound an address behind which all the world may be', async () => {
    const server = { port: 0, publicUrl: 'https://chat.example', token: 'the-operators-token' }
    await using bot = await start({ limits: { sessionsPerMinute: 1, connectionsPerAddress: 1 } }, { server })
    const all = await Promise.all([visit(siteOf(bot)), visit(siteOf(bot)), visit(siteOf(bot))])
    const looking = await Promise.all(all.map((visitor) => visitor.looks({ by: 'events' })))
    for (const one of looking) await one.until('hello')
  })
})
