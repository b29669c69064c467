import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import type { TestRuntime } from '#core/testing'
import { staff } from '../../../services/staff.ts'
import type { BodyOf } from '../api/routes.ts'
import desk from '../index.ts'
import {
  deskOf,
  deskRuntime,
  firstLink,
  OWN_ORIGIN,
  openSocket,
  PASSWORD,
  type SimulatedScreen,
  screenOf,
  staffOf,
} from '../simulated-screen.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const signIn = (screen: SimulatedScreen, person: string, password = PASSWORD) =>
  screen.ask('api/sign-in', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ person, password }),
  })

/** Amy and Bo, who have set their passwords themselves: what is kept of them cost what it costs. */
async function byLinks(bot: TestRuntime): Promise<{ readonly amy: SimulatedScreen; readonly bo: SimulatedScreen }> {
  const [amy, bo] = [screenOf(deskOf(bot)), screenOf(deskOf(bot))]
  await amy.call('POST /links/use', { body: { link: firstLink(bot) ?? '', password: PASSWORD } })
  const { link } = await amy.call('POST /people/:person/invite', { params: { person: 'bo' } })
  await bo.call('POST /links/use', { body: { link: link.split('#link=')[1] ?? '', password: PASSWORD } })
  return { amy, bo }
}

describe('the first administrator', () => {
  test('is told a code at the first start, sets a password by it, and is signed in', async () => {
    await using bot = await deskRuntime()
    const link = firstLink(bot) ?? 'none'
    const screen = screenOf(deskOf(bot))
    expect(await screen.refused('GET /me')).toBe('NOT_SIGNED_IN')
    expect(await screen.call('POST /links/look', { body: { link } })).toEqual({ person: 'amy', title: 'Amy' })
    expect(await screen.refused('POST /links/use', { body: { link, password: 'short' } })).toBe('PASSWORD_TOO_SHORT')
    const me = await screen.call('POST /links/use', { body: { link, password: PASSWORD } })
    expect(me).toMatchObject({ name: 'amy', role: 'administrator', desk: 'support', failedSignIns: 0 })
    expect(await screen.call('GET /me')).toMatchObject({ name: 'amy' })
  })

  test('is told none any more once somebody has a password', async () => {
    await using bot = await deskRuntime()
    await staffOf(bot)
    const told = bot.logged.length
    await bot.restart()
    expect(bot.logged.slice(told).join()).not.toContain('good once')
  })

  test('has to be named by the YAML: else the operator is told what to write', async () => {
    const people = { bo: { name: 'Bo' } }
    await using bot = await deskRuntime({
      desks: { support: { use: desk, people, teams: { presale: { members: ['bo'] } } } },
    })
    expect(firstLink(bot)).toBeUndefined()
    expect(bot.logged.join()).toContain('role: administrator')
  })
})

describe('a link', () => {
  test('is good once, also when it is used twice at a time', async () => {
    await using bot = await deskRuntime()
    const link = firstLink(bot) ?? ''
    const use = () =>
      screenOf(deskOf(bot)).ask('api/links/use', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ link, password: PASSWORD }),
      })
    const answers = await Promise.all([use(), use(), use()])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 410, 410])
    expect((await use()).code).toBe('LINK_NOT_GOOD')
  })

  test('is good for a day, and only the latest of a person', async () => {
    await using bot = await deskRuntime()
    const { amy } = await staffOf(bot)
    const invite = async () => {
      const { link } = await amy.call('POST /people/:person/invite', { params: { person: 'bo' } })
      return link.split('#link=')[1] ?? ''
    }
    const first = await invite()
    const second = await invite()
    const bo = screenOf(deskOf(bot))
    expect(await bo.refused('POST /links/look', { body: { link: first } })).toBe('LINK_NOT_GOOD')
    const bos = async () => (await amy.call('GET /people')).people.find(({ name }) => name === 'bo')
    expect(await bos()).toMatchObject({ hasPassword: false, invitedUntilMs: bot.clock.now() + 24 * HOUR, sessions: [] })
    await bot.advance(23 * HOUR)
    expect(await bo.call('POST /links/look', { body: { link: second } })).toMatchObject({ person: 'bo' })
    await bot.advance(2 * HOUR)
    expect(await bo.refused('POST /links/use', { body: { link: second, password: PASSWORD } })).toBe('LINK_NOT_GOOD')
    expect(await bo.refused('POST /links/look', { body: { link: 'made-up' } })).toBe('LINK_NOT_GOOD')
  })

  test('and what signs people in is kept as a hash, and stands in no log', async () => {
    await using bot = await deskRuntime()
    const link = firstLink(bot) ?? 'none'
    const logged = bot.logged.length
    const { amy, bo } = await byLinks(bot)
    await signIn(bo, 'bo', 'a wrong password of bo')
    const { secret } = await amy.call('POST /tokens', { body: { name: 'crm', role: 'agent' } })
    const documents = await Promise.all(
      ['accounts', 'links'].map((name) => readFile(join(bot.folder, 'documents', 'support', `${name}.json`), 'utf8')),
    )
    const rows = JSON.stringify([await bot.rows('support', 'session'), await bot.rows('support', 'token')])
    const [cookie = 'none'] = bo.cookies.values()
    const known = [...documents, rows, bot.logged.slice(logged).join()].join()
    for (const told of [link, PASSWORD, 'a wrong password of bo', secret, cookie]) expect(known).not.toContain(told)
    expect(known).toContain('argon2id$19456$2$')
  })
})

describe('a sign-in', () => {
  test('sets a cookie that no script reads and no other site sends', async () => {
    await using bot = await deskRuntime()
    await staffOf(bot)
    const answer = await signIn(screenOf(deskOf(bot)), 'amy')
    expect(answer.status).toBe(200)
    const [session] = answer.headers.getSetCookie()
    expect(session).toMatch(/^switchboard-session-support=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Strict$/)
  })

  test('over https has the prefix by which no other host can set the cookie', async () => {
    await using bot = await deskRuntime({ server: { port: 0, publicUrl: 'https://desk.example' } })
    const answer = await screenOf(deskOf(bot), { headers: { origin: 'https://desk.example' } }).ask('api/links/use', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ link: firstLink(bot), password: PASSWORD }),
    })
    for (const cookie of answer.headers.getSetCookie()) {
      expect(cookie).toMatch(/^__Host-switchboard-.*; Path=\/; HttpOnly; SameSite=Strict; Secure$/)
    }
    expect(answer.headers.getSetCookie()).toHaveLength(2)
  })

  test('is refused alike for a wrong password, for a name that nobody has, and for whoever has no password', async () => {
    await using bot = await deskRuntime()
    await staffOf(bot)
    const screen = screenOf(deskOf(bot))
    const answers = [
      await signIn(screen, 'amy', 'not the password'),
      await signIn(screen, 'nobody-of-this-name', 'not the password'),
      await signIn(screen, 'constructor', 'not the password'),
      await signIn(screen, 'dan', 'not the password'),
    ]
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers[0]?.code).toBe('SIGN_IN_REFUSED')
  })

  test('costs as much for a name that nobody has as for one that somebody has', async () => {
    await using bot = await deskRuntime()
    await byLinks(bot)
    const cost = async (person: string) => {
      const before = process.cpuUsage()
      const address = { 'x-forwarded-for': '203.0.113.1' }
      await signIn(screenOf(deskOf(bot), { headers: address }), person, 'not the password')
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    await cost('amy')
    const known = Math.min(await cost('amy'), await cost('amy'))
    const unknown = Math.min(await cost('nobody'), await cost('nobody'), await cost('nobody'))
    expect(unknown).toBeGreaterThan(known / 3)
  })
})

describe('whoever tries passwords', () => {
  test('has to wait after five that failed, longer and longer; and the operator and the person are told', async () => {
    await using bot = await deskRuntime()
    await staffOf(bot)
    const stranger = screenOf(deskOf(bot))
    for (let tries = 0; tries < 5; tries++)
      expect((await signIn(stranger, 'amy', `guess ${tries}`)).code).toBe('SIGN_IN_REFUSED')
    const locked = await signIn(stranger, 'amy')
    expect(locked).toMatchObject({ status: 429, code: 'LOCKED_OUT' })
    expect(Number(locked.headers.get('retry-after'))).toBe(60)
    expect(bot.logged.join()).toContain('Too many have failed to sign in as amy')
    await bot.advance(MINUTE)
    expect((await signIn(stranger, 'amy', 'guess 6')).code).toBe('SIGN_IN_REFUSED')
    await bot.advance(MINUTE)
    expect((await signIn(stranger, 'amy')).code).toBe('LOCKED_OUT')
    await bot.advance(MINUTE)
    const me = await signIn(stranger, 'amy')
    expect(JSON.parse(me.text)).toMatchObject({ name: 'amy', failedSignIns: 6 })
  })

  test('of a name that nobody has has to wait too', async () => {
    await using bot = await deskRuntime()
    const stranger = screenOf(deskOf(bot))
    for (let tries = 0; tries < 5; tries++) await signIn(stranger, 'nobody', `guess ${tries}`)
    expect((await signIn(stranger, 'nobody')).code).toBe('LOCKED_OUT')
    expect(bot.logged.join()).not.toContain('sign in as nobody')
  })

  test('keeps nobody out who has signed in before in the same browser: no administrator locks another out', async () => {
    await using bot = await deskRuntime()
    const { amy } = await staffOf(bot)
    await amy.call('POST /sign-out')
    const stranger = screenOf(deskOf(bot))
    for (let tries = 0; tries < 8; tries++) await signIn(stranger, 'amy', `guess ${tries}`)
    expect((await signIn(stranger, 'amy')).code).toBe('LOCKED_OUT')
    expect((await signIn(amy, 'amy')).status).toBe(200)
    // Whoever makes up the mark of a browser is a stranger like all others.
    stranger.cookies.set('switchboard-known-support', 'x'.repeat(43))
    expect((await signIn(stranger, 'amy')).code).toBe('LOCKED_OUT')
  })

  test('with one that is changed meanwhile is signed in nowhere afterwards', async () => {
    await using bot = await deskRuntime()
    const { amy } = await staffOf(bot, 'bo')
    const { link } = await amy.call('POST /people/:person/invite', { params: { person: 'bo' } })
    const post = (screen: SimulatedScreen, path: string, body: object) =>
      screen.ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const [owner, thief] = [screenOf(deskOf(bot)), screenOf(deskOf(bot))]
    const next = 'another long password'
    // Others stand in the queue, so that the old password is looked up before it is changed, and worked out after.
    const crowd = Array.from({ length: 20 }, (_, n) => signIn(screenOf(deskOf(bot)), `name-${n}`, 'a guess'))
    await amy.call('GET /me')
    const changing = post(owner, 'api/links/use', { link: link.split('#link=')[1], password: next })
    for (let times = 0; times < 3; times++) await amy.call('GET /me')
    const stealing = signIn(thief, 'bo')
    expect((await changing).status).toBe(200)
    await stealing
    await Promise.all(crowd)
    expect(await thief.refused('GET /me')).toBe('NOT_SIGNED_IN')
    expect(await owner.call('GET /me')).toMatchObject({ name: 'bo' })
    expect((await signIn(screenOf(deskOf(bot)), 'bo', next)).status).toBe(200)
  })

  test('of many names from one address is kept from all of them', async () => {
    await using bot = await deskRuntime({
      server: { port: 0, publicUrl: 'http://localhost', trustProxy: ['127.0.0.1'] },
    })
    await staffOf(bot)
    const from = (address: string) => screenOf(deskOf(bot), { headers: { 'x-forwarded-for': address } })
    for (let name = 0; name < 30; name++) await signIn(from('203.0.113.7'), `name-${name}`, 'a guess')
    expect((await signIn(from('203.0.113.7'), 'amy')).code).toBe('LOCKED_OUT')
    expect((await signIn(from('203.0.113.8'), 'amy')).status).toBe(200)
  })
})

describe('a session', () => {
  test('ends by signing out, and nothing brings it back', async () => {
    await using bot = await deskRuntime()
    const { amy } = await staffOf(bot)
    const cookies = new Map(amy.cookies)
    await amy.call('POST /sign-out')
    for (const [name, value] of cookies) amy.cookies.set(name, value)
    expect(await amy.refused('GET /me')).toBe('NOT_SIGNED_IN')
    await bot.restart()
    const again = screenOf(deskOf(bot))
    for (const [name, value] of cookies) again.cookies.set(name, value)
    expect(await again.refused('GET /me')).toBe('NOT_SIGNED_IN')
  })

  test('outlives a restart, ends after a day in which nothing was done, and after a month in any case', async () => {
    await using bot = await deskRuntime()
    const { amy } = await staffOf(bot)
    await bot.restart()
    const same = screenOf(deskOf(bot))
    for (const [name, value] of amy.cookies) same.cookies.set(name, value)
    // Nothing else is asked of those hours: each of them would be lived through.
    const pass = (hours: number) => bot.clock.jump(bot.clock.now() + hours * HOUR)
    for (let day = 0; day < 29; day++) {
      pass(23)
      expect(await same.call('GET /me')).toMatchObject({ name: 'amy' })
    }
    await bot.advance(25 * HOUR)
    expect(await same.refused('GET /me')).toBe('NOT_SIGNED_IN')
    await signIn(same, 'amy')
    for (let day = 0; day < 30; day++) {
      await same.call('GET /me')
      pass(23)
    }
    await same.call('GET /me')
    await bot.advance(23 * HOUR)
    await bot.advance(23 * HOUR)
    expect(await same.refused('GET /me')).toBe('NOT_SIGNED_IN')
  })

  test('ends when the password is changed elsewhere, and the screens of it with it', async () => {
    await using bot = await deskRuntime()
    const { bo } = await staffOf(bot, 'bo')
    const phone = screenOf(deskOf(bot))
    await signIn(phone, 'bo')
    const stream = await phone.looks()
    expect(await bo.refused('POST /password', { body: { now: 'wrong', next: 'another long one' } })).toBe(
      'SIGN_IN_REFUSED',
    )
    expect(await phone.call('GET /me')).toMatchObject({ name: 'bo' })
    await bo.call('POST /password', { body: { now: PASSWORD, next: 'another long one' } })
    await stream.until('signed-out')
    await stream.ended
    expect(await phone.refused('GET /me')).toBe('NOT_SIGNED_IN')
    expect(await bo.call('GET /me')).toMatchObject({ name: 'bo' })
    expect((await signIn(phone, 'bo')).code).toBe('SIGN_IN_REFUSED')
    expect((await signIn(phone, 'bo', 'another long one')).status).toBe(200)
  })

  test('ends when the person is no longer in the YAML, and does not come back with the name', async () => {
    const config = (people: object) => ({
      desks: { support: { use: desk, people, teams: { presale: { members: ['amy'] } } } },
    })
    const amyOnly = { amy: { name: 'Amy', role: 'administrator' } }
    await using bot = await deskRuntime(config({ ...amyOnly, bo: { name: 'Bo' } }))
    const { bo } = await staffOf(bot, 'bo')
    await bot.apply(config(amyOnly))
    expect(await bo.refused('GET /me')).toBe('NOT_SIGNED_IN')
    expect((await signIn(screenOf(deskOf(bot)), 'bo')).code).toBe('SIGN_IN_REFUSED')
    await bot.apply(config({ ...amyOnly, bo: { name: 'Bo' } }))
    expect(await bo.refused('GET /me')).toBe('NOT_SIGNED_IN')
  })

  test('of whoever was signed in in a browser ends when somebody else signs in there, and their screen with it', async () => {
    await using bot = await deskRuntime()
    const { bo } = await staffOf(bot, 'bo', 'sue')
    const screen = await bo.looks()
    await bo.call('POST /sign-in', { body: { person: 'bo', password: PASSWORD } })
    expect((await bo.call('GET /now')).people).toContainEqual(
      expect.objectContaining({ name: 'bo', isConnected: true }),
    )
    await bo.call('POST /sign-in', { body: { person: 'sue', password: PASSWORD } })
    expect(await bo.call('GET /me')).toMatchObject({ name: 'sue' })
    await expect.poll(() => screen.frames.at(-1)).toEqual({ type: 'signed-out' })
    expect((await bo.call('GET /now')).people).toContainEqual(
      expect.objectContaining({ name: 'bo', isConnected: false }),
    )
  })

  test('is seen by its person, who ends it; and an administrator ends all of somebody', async () => {
    await using bot = await deskRuntime()
    const { amy, bo } = await staffOf(bot, 'bo')
    const phone = screenOf(deskOf(bot), { headers: { 'user-agent': 'a phone' } })
    await signIn(phone, 'bo')
    const { sessions } = await bo.call('GET /sessions')
    expect(sessions).toHaveLength(2)
    const [other] = sessions.filter(({ isThis }) => !isThis)
    const { people } = await amy.call('GET /people')
    expect(people.find(({ name }) => name === 'bo')).toMatchObject({
      title: 'Bo',
      role: 'agent',
      teams: ['presale'],
      hasPassword: true,
      sessions: sessions.map(({ isThis: _, ...session }) => session),
    })
    expect(other).toMatchObject({ browser: 'a phone', address: '127.0.0.1' })
    expect(await amy.refused('POST /sessions/:session/end', { params: { session: other?.id ?? '' } })).toBe('NOT_FOUND')
    await bo.call('POST /sessions/:session/end', { params: { session: other?.id ?? '' } })
    expect(await phone.refused('GET /me')).toBe('NOT_SIGNED_IN')
    expect(await bo.call('GET /me')).toMatchObject({ name: 'bo' })
    await amy.call('POST /people/:person/sign-out', { params: { person: 'bo' } })
    expect(await bo.refused('GET /me')).toBe('NOT_SIGNED_IN')
  })
})

describe('another site', () => {
  const status = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"status":"away"}' }

  test('makes a browser change nothing: what changes something by a cookie must say an origin of ours', async () => {
    await using bot = await deskRuntime()
    const { amy } = await staffOf(bot)
    const with_ = (origin: string | undefined) => {
      const screen = screenOf(deskOf(bot))
      for (const [name, value] of amy.cookies) screen.cookies.set(name, value)
      return screen.ask('api/status', {
        ...status,
        headers: { ...status.headers, ...(origin !== undefined && { origin }) },
      })
    }
    for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example', 'http://localhost:8081'])
      expect(await with_(origin)).toMatchObject({ status: 403, code: 'ORIGIN_NOT_ALLOWED' })
    expect(await with_(OWN_ORIGIN)).toMatchObject({ status: 200 })
    const bare = await fetch(`${deskOf(bot)}/api/status`, {
      ...status,
      headers: { ...status.headers, cookie: [...amy.cookies].map((pair) => pair.join('=')).join('; ') },
    })
    expect(bare.status).toBe(401)
  })

  test('signs nobody in, and opens no stream', async () => {
    await using bot = await deskRuntime()
    const { amy } = await staffOf(bot)
    const evil = screenOf(deskOf(bot), { headers: { origin: 'https://evil.example' } })
    expect((await signIn(evil, 'amy')).code).toBe('ORIGIN_NOT_ALLOWED')
    const cookie = [...amy.cookies].map((pair) => pair.join('=')).join('; ')
    for (const headers of [{ cookie }, { cookie, origin: 'https://evil.example' }]) {
      const socket = openSocket(deskOf(bot), headers)
      const [error] = await once(socket, 'error')
      expect(String(error)).toContain('401')
    }
    const stream = await amy.looks()
    expect(stream.frames[0]).toMatchObject({ type: 'hello', me: { name: 'amy' } })
    stream.close()
  })

  test('reads nothing either: no origin is named to a browser', async () => {
    await using bot = await deskRuntime()
    const { amy } = await staffOf(bot)
    const answer = await amy.ask('api/me', { headers: { origin: 'https://evil.example' } })
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin')
  })
})

describe('a machine', () => {
  test('comes by a token that is told once, may what its role and teams may, and no more once it is revoked', async () => {
    await using bot = await deskRuntime()
    const { amy } = await staffOf(bot)
    expect(await amy.refused('POST /tokens', { body: { name: 'crm', role: 'agent', teams: ['none'] } })).toBe(
      'TEAM_UNKNOWN',
    )
    const { token, secret } = await amy.call('POST /tokens', {
      body: { name: 'crm', role: 'supervisor', teams: ['presale'] },
    })
    const crm = screenOf(deskOf(bot), { token: secret })
    expect(await crm.call('GET /me')).toEqual({
      name: 'crm',
      title: 'crm',
      role: 'supervisor',
      teams: ['presale'],
      desk: 'support',
      failedSignIns: 0,
    })
    expect(await crm.refused('GET /tokens')).toBe('FORBIDDEN')
    expect(await crm.refused('POST /status', { body: { status: 'away' } })).toBe('PEOPLE_ONLY')
    // What is of the whole desk is not for a token of some teams, whatever its role.
    expect(await crm.refused('GET /audit', {})).toBe('NEEDS_ALL_TEAMS')
    const tooMuch: BodyOf<'POST /tokens'> = { name: 'erp', role: 'administrator', teams: ['presale'] }
    expect(await amy.refused('POST /tokens', { body: tooMuch })).toBe('ADMINISTRATOR_OF_TEAMS')
    const erp = await amy.call('POST /tokens', { body: { name: 'erp', role: 'administrator' } })
    const machine = screenOf(deskOf(bot), { token: erp.secret })
    for (const route of ['POST /people/:person/invite', 'POST /people/:person/sign-out'] as const)
      expect(await machine.refused(route, { params: { person: 'amy' } })).toBe('PEOPLE_ONLY')
    await machine.call('POST /tokens/:token/revoke', { params: { token: erp.token.id } })
    expect(
      await crm.refused('POST /people/:person/status', { params: { person: 'cai' }, body: { status: 'away' } }),
    ).toBe('NOBODY_THERE')
    await crm.call('POST /people/:person/status', { params: { person: 'bo' }, body: { status: 'away' } })
    expect((await amy.call('GET /tokens')).tokens).toEqual([token])
    expect((await amy.call('GET /audit', {})).lines[0]).toMatchObject({
      who: 'crm',
      action: 'people.status',
      about: { person: 'bo' },
      before: { status: 'online' },
      after: { status: 'away' },
    })
    await bot.restart()
    const again = screenOf(deskOf(bot), { token: secret })
    const stream = await again.looks()
    const amyAgain = screenOf(deskOf(bot))
    for (const [name, value] of amy.cookies) amyAgain.cookies.set(name, value)
    await amyAgain.call('POST /tokens/:token/revoke', { params: { token: token.id } })
    await stream.until('signed-out')
    expect(await again.refused('GET /me')).toBe('NOT_SIGNED_IN')
    expect(await screenOf(deskOf(bot), { token: 'sbt_made-up' }).refused('GET /me')).toBe('NOT_SIGNED_IN')
  })
})

test('other plugins ask who is signed in, and a request of another site counts for nothing there either', async () => {
  const guest = definePlugin({
    name: 'guest',
    summary: 'Greets whoever is signed in.',
    config: z.strictObject({}),
    needs: { staff },
    setup({ web, staff }) {
      web.all(
        '/who',
        { config: { public: true } },
        async ({ raw }) => (await staff.signedIn(raw)) ?? { person: 'nobody' },
      )
      return {}
    },
  })
  await using bot = await deskRuntime({ features: [{ use: guest }] })
  const { bo } = await staffOf(bot, 'bo')
  const cookie = [...bo.cookies].map((pair) => pair.join('=')).join('; ')
  const who = async (init: RequestInit = {}) => {
    const response = await fetch(`${bot.runtime.url}/guest/who`, init)
    return response.json()
  }
  expect(await who({ headers: { cookie } })).toEqual({ person: 'bo', title: 'Bo', role: 'agent', teams: ['presale'] })
  expect(await who()).toEqual({ person: 'nobody' })
  const post = (origin: string) => who({ method: 'POST', headers: { cookie, origin } })
  expect(await post('https://evil.example')).toEqual({ person: 'nobody' })
  expect(await post(OWN_ORIGIN)).toMatchObject({ person: 'bo' })
})

test('what people do with who they are stands in the audit log: who, from where, about whom', async () => {
  await using bot: TestRuntime = await deskRuntime()
  const { amy, bo } = await byLinks(bot)
  await bo.call('POST /sign-out')
  await signIn(bo, 'bo')
  await bot.idle()
  const { lines } = await amy.call('GET /audit', {})
  expect(lines.map(({ who, action, from, about }) => [who, action, from, about])).toEqual([
    ['bo', 'access.sign-in', '127.0.0.1', {}],
    ['bo', 'access.sign-out', '127.0.0.1', {}],
    ['bo', 'access.password-by-link', '127.0.0.1', {}],
    ['amy', 'access.invite', '127.0.0.1', { person: 'bo' }],
    ['amy', 'access.password-by-link', '127.0.0.1', {}],
  ])
})
