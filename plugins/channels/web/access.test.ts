/** Who gets in, and that nobody gets at what is another's, by whichever way. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type TestConfig, type TestRuntime, testRuntime } from '#core/testing'
import { signIdentity } from './identity.ts'
import web from './index.ts'
import { SECRET } from './simulated-platform.ts'
import { OWN_ORIGIN, openSocket, siteOf, visit, visitorWith } from './simulated-visitor.ts'
import { makeSigner, newKey, newVisitorId } from './token.ts'

const HOUR_MS = 60 * 60 * 1000
const YEAR_MS = 365 * 24 * HOUR_MS

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
  const token = signer.tokenFor({ chat: newVisitorId(), expiresAtMs: YEAR_MS, whose: '' })

  test('is known again until it expires', () => {
    expect(signer.visitorOf(token, 0)).toEqual({ chat: token.split('.')[0], expiresAtMs: YEAR_MS, whose: '' })
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
    const whose = signer.markOf('anna')
    const other = signer.tokenFor({ chat: newVisitorId(), expiresAtMs: YEAR_MS * 2, whose })
    const parts = [token.split('.'), other.split('.')]
    for (let mixture = 1; mixture < 15; mixture++) {
      const mixed = [0, 1, 2, 3].map((at) => parts[(mixture >> at) & 1]?.[at]).join('.')
      expect(signer.visitorOf(mixed, 0)).toBeUndefined()
    }
    expect(signer.visitorOf(other, 0)?.whose).toBe(whose)
    expect(makeSigner(newKey()).visitorOf(token, 0)).toBeUndefined()
    // What was signed for something else is no token.
    const sealed = signer.seal('upload', 'x')
    expect(signer.visitorOf(`${sealed.split('.')[0]}.zzzzzzzz..${sealed.split('.')[1]}`, 0)).toBeUndefined()
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
    const phone = await (await visit(site)).signsIn(sign(bot, 'anna', { name: 'Anna' }))
    expect(await bot.runtime.engine.read.selectFrom('customer').selectAll().execute()).toEqual([])
    const laptop = await (await visit(site)).signsIn(sign(bot, 'anna', { name: 'Anna' }))
    expect(laptop.chat).toBe(phone.chat)
    await phone.says('from the phone')
    await bot.idle()
    expect((await laptop.log()).length).toBe(2)
    expect((await laptop.page()).snapshot.name).toBe('Anna')
    const stranger = await (await visit(site)).signsIn(sign(bot, 'li'))
    expect(await stranger.log()).toEqual([])
  })

  test('of someone who has written already leaves the chat, which is found again elsewhere', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const before = await visit(site)
    await before.says('before I signed in')
    await bot.idle()
    const after = await before.signsIn(sign(bot, 'anna', { name: 'Anna', email: 'anna@example.com', plan: 'gold' }))
    expect(after.chat).toBe(before.chat)
    const elsewhere = await (await visit(site)).signsIn(sign(bot, 'anna', { name: 'Anna' }))
    expect(elsewhere.chat).toBe(before.chat)
    await bot.idle()
    const [customer] = await bot.runtime.engine.read.selectFrom('customer').selectAll().execute()
    expect(customer).toMatchObject({ name: 'Anna' })
    expect(JSON.parse(customer?.fields_json ?? '')).toMatchObject({ email: 'anna@example.com', plan: 'gold' })
  })

  test('as the README makes it is taken, whatever the site knows of its user', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8')
    const example = /```js\nimport [^\n]+\n(const payload.+?)```/s.exec(readme)?.[1]
    const made = (user: object): string =>
      runInNewContext(`${example};identity`, {
        ...{ user, createHmac, Buffer },
        process: { env: { IDENTIFY_SECRET: SECRET } },
        Date: { now: () => bot.clock.now() },
      })
    const anna = await visit(siteOf(bot))
    await anna.says('hello')
    const signedIn = await anna.signsIn(made({ id: 42, name: null, email: null }))
    await bot.idle()
    const customers = () =>
      bot.runtime.engine.read.selectFrom('customer').select(['user_id', 'name', 'fields_json']).execute()
    expect(await customers()).toEqual([{ user_id: 'web:web:42', name: null, fields_json: '{}' }])
    // The number and its text are one user.
    const again = await signedIn.signsIn(made({ id: '42', name: 'Anna', email: 'anna@example.com' }))
    await bot.idle()
    const fields_json = JSON.stringify({ email: 'anna@example.com' })
    expect(await customers()).toEqual([{ user_id: 'web:web:42', name: 'Anna', fields_json }])
    for (const id of [null, '', 4.2, true])
      expect(await statusAndCode(again.post('v1/identify', { identity: made({ id }) }))).toMatch(/^400/)
  })

  test('adopts what was written in the hour before, and nothing older', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const [lately, longAgo] = [await visit(site), await visit(site)]
    await longAgo.says('a stranger wrote this at the library')
    await bot.idle()
    await bot.advance(1)
    await lately.says('where is my parcel?')
    await bot.idle()
    await bot.advance(HOUR_MS)
    const anna = await longAgo.signsIn(sign(bot, 'anna'))
    expect(anna.chat).not.toBe(longAgo.chat)
    expect(await anna.log()).toEqual([])
    expect((await lately.signsIn(sign(bot, 'li'))).chat).toBe(lately.chat)
  })

  test('leads to the chat that became the user’s first, not to the one that was there first', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const library = await visit(site)
    await library.says('begun long ago')
    await bot.idle()
    await library.post('v1/read', { seq: 1 })
    await bot.advance(HOUR_MS)
    const home = await (await visit(site)).signsIn(sign(bot, 'anna'))
    await bot.advance(1)
    await library.says('and goes on')
    expect((await library.signsIn(sign(bot, 'anna'))).chat).toBe(library.chat)
    expect((await (await visit(site)).signsIn(sign(bot, 'anna'))).chat).toBe(home.chat)
  })

  test('of two users who sign in at one browser at the same time makes the chat one’s', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    for (let round = 0; round < 5; round++) {
      const browser = await visit(site)
      await browser.says('whose is it?')
      // One may be too late even to ask: then he is refused, and asks again with another session.
      const signIn = (id: string) =>
        browser.signsIn(sign(bot, id)).catch(async () => (await visit(site)).signsIn(sign(bot, id)))
      const [anna, li] = await Promise.all([signIn(`anna${round}`), signIn(`li${round}`)])
      expect(new Set([anna.chat, li.chat]).size).toBe(2)
      expect([anna.chat, li.chat]).toContain(browser.chat)
      await bot.idle()
      const customers = await bot.runtime.engine.read
        .selectFrom('customer')
        .innerJoin('chat', 'chat.customer', 'customer.id')
        .where('external_id', '=', browser.chat)
        .select('user_id')
        .execute()
      expect(customers).toEqual([{ user_id: `web:web:${anna.chat === browser.chat ? 'anna' : 'li'}${round}` }])
    }
  })

  test('is that of another customer at another site, and of the same where the YAML says so', async () => {
    const channel = (account: string, site?: string) => ({
      use: web,
      account,
      identify: { secret: SECRET, ...(site && { site }) },
    })
    const channels = { site: channel('shop'), second: channel('blog'), third: channel('help', 'shop') }
    await using bot = await start({}, { channels })
    for (const name of Object.keys(channels)) {
      const anna = await (await visit(`${bot.runtime.url}/${name}`)).signsIn(sign(bot, '42'))
      await anna.says('hello')
    }
    await bot.idle()
    const { read } = bot.runtime.engine
    const customers = await read.selectFrom('customer').select('user_id').orderBy('user_id').execute()
    expect(customers).toEqual([{ user_id: 'web:blog:42' }, { user_id: 'web:shop:42' }])
  })

  test('that says nothing new is received once', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const anna = await visit(site)
    await anna.says('hello')
    let signedIn = anna
    for (const name of ['Anna', 'Anna', 'Anna', 'Anna Lee', 'Anna Lee'])
      signedIn = await signedIn.signsIn(sign(bot, 'anna', { name }))
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
    for (const visitor of [phone, laptop]) await visitor.signsIn(sign(bot, 'anna', { name: 'Anna' }))
    await bot.idle()
    const customers = () => bot.runtime.engine.read.selectFrom('chat').select('customer').distinct().execute()
    expect(await customers()).toHaveLength(1)
    const stranger = await (await visit(site)).signsIn(sign(bot, 'li'))
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
      chats.push((await visitor.signsIn(sign(bot, 'anna'))).chat)
      bot.clock.jump(bot.clock.now() + 60_000)
      expect((await (await visit(site)).signsIn(sign(bot, 'anna'))).chat).toBe(chats[0])
    }
    expect(new Set(chats).size).toBe(6)
  })

  test('of another user at the same browser never shows the first one’s chat', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const browser = await visit(site)
    await browser.says('I am Anna')
    const anna = await browser.signsIn(sign(bot, 'anna'))
    const li = await anna.signsIn(sign(bot, 'li'))
    expect(li.chat).not.toBe(anna.chat)
    expect(await li.log()).toEqual([])
    await li.says('I am Li')
    await bot.idle()
    expect(JSON.stringify(await anna.log())).not.toContain('Li')
    // And back again, each has what is his.
    expect((await li.signsIn(sign(bot, 'anna'))).chat).toBe(anna.chat)
    expect((await anna.signsIn(sign(bot, 'li'))).chat).toBe(li.chat)
  })
})

// ── the token of before ─────────────────────────────────────────────────────────────────────

describe('when somebody has signed in', () => {
  const sign = (bot: TestRuntime, id: string) =>
    signIdentity(SECRET, { id, expires: bot.clock.now() / 1000 + 3600, name: id })
  const DAY_MS = 24 * HOUR_MS

  test('the token of before is no good for anything, and opens another chat', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const planted = await visit(site)
    await planted.says('bait')
    await bot.idle()
    const victim = await planted.signsIn(sign(bot, 'anna'))
    expect(victim.chat).toBe(planted.chat)
    await victim.says('my card number is 4111')
    for (const path of ['v1/events', 'v1/messages', 'v1/identify', 'v1/read', 'v1/typing'])
      expect(await statusAndCode(path === 'v1/events' ? planted.ask(path) : planted.post(path, {}))).toBe(
        '401 TOKEN_REFUSED',
      )
    expect((await visit(site, planted.token)).chat).not.toBe(planted.chat)
    expect((await visit(site, victim.token)).token).toBe(victim.token)
  })

  test('who looked on before is sent nothing more', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const planted = await visit(siteOf(bot))
    await planted.says('bait')
    await bot.idle()
    const looking = [await planted.looks(), await planted.looks({ by: 'events' })]
    for (const one of looking) await one.untilItems(2)
    const victim = await planted.signsIn(sign(bot, 'anna'))
    expect(await Promise.all(looking.map(({ ended }) => ended))).toEqual(['1012 2000', 'end'])
    await victim.says('my card number is 4111')
    await bot.idle()
    expect(JSON.stringify(looking.map(({ frames }) => frames))).not.toContain('card number')
  })

  test('a message that was begun before is refused', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const planted = await visit(siteOf(bot))
    await planted.says('bait')
    await bot.idle()
    const headers = {
      authorization: `Bearer ${planted.token}`,
      'content-type': 'application/json',
      expect: '100-continue',
    }
    const asked = request(`${siteOf(bot)}/v1/messages`, { method: 'POST', headers })
    asked.flushHeaders()
    await once(asked, 'continue')
    const victim = await planted.signsIn(sign(bot, 'anna'))
    asked.end(JSON.stringify({ id: 'message-1', language: 'en', text: 'send it to another address' }))
    const [answer] = await once(asked, 'response')
    expect(answer.statusCode).toBe(401)
    answer.resume()
    expect(JSON.stringify(await victim.log())).not.toContain('another address')
  })

  test('his token is good for a week, and renewed by his site alone', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const anna = await (await visit(site)).signsIn(sign(bot, 'anna'))
    bot.clock.jump(bot.clock.now() + 7 * DAY_MS - 1)
    expect((await (await anna.looks()).until('hello')).token).toBeUndefined()
    expect((await visit(site, anna.token)).token).toBe(anna.token)
    const again = await anna.signsIn(sign(bot, 'anna'))
    bot.clock.jump(bot.clock.now() + 1)
    expect(await statusAndCode(anna.ask('v1/events'))).toBe('401 TOKEN_REFUSED')
    expect([again.chat, (await again.ask('v1/events')).status]).toEqual([anna.chat, 200])
  })

  test('nothing can be written any more into the chat that he has left', async () => {
    await using bot = await start({ identify: { secret: SECRET } })
    const site = siteOf(bot)
    const home = await (await visit(site)).signsIn(sign(bot, 'anna'))
    const left = await visit(site)
    const looking = await left.looks()
    expect((await left.signsIn(sign(bot, 'anna'))).chat).toBe(home.chat)
    expect(await looking.ended).toBe('1012 2000')
    expect(await statusAndCode(left.post('v1/messages', { id: 'message-1', text: 'hello', language: 'en' }))).toBe(
      '401 TOKEN_REFUSED',
    )
    expect((await visit(site, left.token)).chat).not.toBe(left.chat)
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

  test('bound what one address writes, however many visitors it makes up', async () => {
    await using bot = await start({ limits: { messagesPerMinute: 1 } })
    const visitors = await Promise.all(Array.from({ length: 11 }, () => visit(siteOf(bot))))
    const statuses: number[] = []
    for (const visitor of visitors)
      statuses.push((await visitor.post('v1/messages', { id: 'message-1', text: 'one', language: 'en' })).status)
    expect(statuses).toEqual([...Array(10).fill(200), 429])
  })

  test('bound how often one address comes back or fetches files, generously', async () => {
    await using bot = await start()
    const { token } = await visit(siteOf(bot))
    const again = () =>
      fetch(`${siteOf(bot)}/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      })
    for (let i = 0; i < 240; i++) expect((await again()).status).toBe(200)
    expect(await statusAndCode(again())).toBe('429 TOO_MANY_MESSAGES')
    const fetched = () => statusAndCode(fetch(`${siteOf(bot)}/files/forged.ref/a.txt`))
    const all: string[] = []
    for (let i = 0; i < 45; i++) all.push(...(await Promise.all(Array.from({ length: 50 }, fetched))))
    expect([all[2_099], all.at(-1)]).toEqual(['410 FILE_GONE', '429 TOO_MANY_MESSAGES'])
  })

  test('bound how much one address uploads in an hour, told or not', async () => {
    await using bot = await start({ limits: { uploadsPerHour: '5KB' }, uploads: { maxBytes: '2KB' } })
    const visitors = await Promise.all([visit(siteOf(bot)), visit(siteOf(bot))])
    const upload = (body: Blob | ReadableStream<Uint8Array>) =>
      statusAndCode(
        visitors[0].ask('v1/files?name=a.txt', {
          method: 'POST',
          body,
          ...(body instanceof Blob ? {} : { duplex: 'half' }),
        }),
      )
    expect(await upload(new Blob(['x'.repeat(2_000)]))).toBe('200')
    // Of how much comes without a length, nothing is known but what is taken at most.
    expect(await upload(new Blob(['x']).stream())).toBe('200')
    expect(await upload(new Blob(['x'.repeat(2_000)]))).toBe('429 TOO_MANY_FILES')
    await bot.advance(HOUR_MS)
    expect(await upload(new Blob(['x'.repeat(2_000)]))).toBe('200')
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
    const limits = { sessionsPerMinute: 1, connectionsPerAddress: 1, messagesPerMinute: 1, uploadsPerHour: '1B' }
    await using bot = await start({ limits }, { server })
    const all = await Promise.all([visit(siteOf(bot)), visit(siteOf(bot)), visit(siteOf(bot))])
    const looking = await Promise.all(all.map((visitor) => visitor.looks({ by: 'events' })))
    for (const one of looking) await one.until('hello')
    for (let i = 0; i < 11; i++) await (await visit(siteOf(bot))).says('hello')
    await all[0]?.uploads('a.txt', 'hello')
  })
})
