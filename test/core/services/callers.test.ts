import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import { type CallerSettings, isAddressOrNetwork, makeCallers } from '../../../core/services/callers.ts'
import { makeLog } from '../../../core/services/log.ts'
import { makeInstanceWeb, startWeb, type Web } from '../../../core/services/web.ts'
import { manualClock } from '../../../core/testing/clock.ts'
import { ask } from './asking.ts'

const TOKEN = 'a-token-that-nobody-guesses'
const log = makeLog({ level: 'silent' })
const open: Web[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((web) => web.close(0)))
})

/** A guarded instance `desk` and an open one `shop`, for callers as `settings` has them. */
async function start(settings: Partial<CallerSettings> = {}): Promise<Web> {
  const { publicUrl = 'http://localhost', ...others } = settings
  const callers = makeCallers(() => ({ publicUrl, trustProxy: false, ...others }))
  const web = await startWeb({
    ...{ host: '127.0.0.1', port: 0, maxConnections: 100, callers, log, clock: manualClock() },
    settings: () => ({ publicUrl, refusedPerMinute: 120 }),
  })
  open.push(web)
  const mount = async (name: string, guarded: boolean, routes: (app: FastifyInstance) => void) => {
    const app = makeInstanceWeb(name, { log, callers, guarded })
    routes(app)
    await app.ready()
    web.mount(name, app)
  }
  await mount('desk', true, (app) => {
    const isPublic = { config: { public: true } }
    app.get('/', ({ ip }) => ip)
    app.get('/live', () => 'not public')
    app.get('/public', isPublic, () => 'for everybody')
    app.get('/public/live', { config: { public: true, websocket: true } }, () => 'by WebSocket')
    app.get('/own/live', { config: { websocket: true } }, () => 'by WebSocket')
    app.get('/public/:id', isPublic, () => 'for everybody')
    app.post('/hook', isPublic, () => 'for everybody')
    app.server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n')
    })
  })
  await mount('shop', false, (app) => void app.get('/', ({ ip }) => ip))
  return web
}

const UPGRADE = { connection: 'upgrade', upgrade: 'websocket' }
const PUBLISHED = 'https://chat.example.com'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
/** What says that somebody else has asked. */
const FROM_OUTSIDE = { 'x-forwarded-for': '203.0.113.7' }

describe('from the machine itself', () => {
  test.each([
    ['by its address', {}],
    ['by name', { host: 'localhost:8080' }],
    ['by IPv6', { host: '[::1]' }],
    ['from a page of its own', { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }],
    ['typed into a browser', { 'sec-fetch-site': 'none' }],
  ])('one may enter %s, where there is no token and nothing is published', async (_how, headers) => {
    const web = await start()
    expect(await ask(`${web.url}/desk`, headers)).toMatchObject({ status: 200, body: '127.0.0.1' })
  })

  test.each([
    ['a proxy that says for whom', FROM_OUTSIDE],
    ['a proxy that says that it is the machine', { 'x-forwarded-for': '127.0.0.1' }],
    ['a proxy that says nothing in its header', { 'x-forwarded-for': '' }],
    ['another proxy', { forwarded: 'for=203.0.113.7' }],
    ['a third', { 'x-real-ip': '203.0.113.7' }],
    ['a cache', { via: '1.1 cache' }],
    ['a tunnel', { 'cf-connecting-ip': '203.0.113.7' }],
    ['a proxy that only says how it was asked', { 'x-forwarded-proto': 'https' }],
    ['whoever made a name of theirs lead here', { host: 'rebound.example' }],
    ['who calls itself localhost', { host: 'localhost.rebound.example' }],
    ['a page from elsewhere', { origin: 'https://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
    ['a picture in a page from elsewhere', { 'sec-fetch-site': 'cross-site' }],
  ])('nothing enters by %s', async (_who, headers) => {
    const web = await start()
    expect(await ask(`${web.url}/desk`, headers)).toMatchObject({ status: 401 })
  })

  test.each([
    'https://chat.example.com',
    'http://192.168.1.5:8080',
    'http://localhost.example.com',
    'http://localhost@example.com',
    'http://127.0.0.1.example.com/chat',
  ])(
    'nothing enters without the token once it is published as %s: a proxy here may say nothing of whom it asks for',
    async (publicUrl) => {
      const web = await start({ publicUrl })
      expect(await ask(`${web.url}/desk`)).toMatchObject({ status: 401 })
      const withToken = await start({ publicUrl, token: TOKEN })
      expect(await ask(`${withToken.url}/desk`)).toMatchObject({ status: 401 })
      expect(await ask(`${withToken.url}/desk`, bearer(TOKEN))).toMatchObject({ status: 200 })
    },
  )

  test.each(['http://localhost:8080', 'http://127.0.0.1/chat', 'http://[::1]:8080', 'HTTP://LocalHost'])(
    'one may enter while the address is %s',
    async (publicUrl) => {
      const web = await start({ publicUrl })
      expect(await ask(`${web.url}/desk`)).toMatchObject({ status: 200 })
    },
  )

  test('nothing enters without the token where there is one', async () => {
    const web = await start({ token: TOKEN })
    expect(await ask(`${web.url}/desk`)).toMatchObject({ status: 401 })
    expect(await ask(`${web.url}/desk`, bearer(TOKEN))).toMatchObject({ status: 200 })
  })

  test('nothing enters by a proxy that is named, whatever it passes on', async () => {
    for (const trustProxy of [true, ['127.0.0.1']]) {
      const web = await start({ trustProxy })
      for (const headers of [{}, { 'x-forwarded-for': '127.0.0.1' }, { 'x-forwarded-for': '::1, 127.0.0.1' }])
        expect(await ask(`${web.url}/desk`, headers)).toMatchObject({ status: 401 })
    }
  })
})

describe('the token', () => {
  test('lets in from anywhere, whatever the header calls its scheme', async () => {
    const web = await start({ token: TOKEN })
    for (const authorization of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`])
      expect(await ask(`${web.url}/desk`, { ...FROM_OUTSIDE, authorization })).toMatchObject({ status: 200 })
  })

  test.each([
    ['', 'Bearer', 'Bearer ', TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`],
    ['Bearer undefined', `Bearer x ${TOKEN}`, `Bearer ${TOKEN.toUpperCase()}`],
  ])('is the whole one and nothing else', async (...headers) => {
    const web = await start({ token: TOKEN })
    for (const authorization of headers) {
      const { status } = await ask(`${web.url}/desk`, { ...FROM_OUTSIDE, authorization })
      expect([authorization, status]).toEqual([authorization, 401])
    }
  })

  test('that is not there lets nobody in', async () => {
    const web = await start()
    for (const token of ['undefined', '', 'x'])
      expect(await ask(`${web.url}/desk`, { ...FROM_OUTSIDE, ...bearer(token) })).toMatchObject({ status: 401 })
  })

  test('is another one after a reload', async () => {
    const settings = { token: 'the-first-of-the-tokens' }
    const callers = makeCallers(() => ({ publicUrl: 'http://localhost', trustProxy: false, ...settings }))
    const web = await startWeb({
      ...{ host: '127.0.0.1', port: 0, maxConnections: 100, callers, log },
      settings: () => ({ publicUrl: 'http://localhost', refusedPerMinute: 120 }),
    })
    open.push(web)
    const app = makeInstanceWeb('desk', { log, callers, guarded: true })
    app.get('/', () => 'in')
    await app.ready()
    web.mount('desk', app)
    const status = async () =>
      (await ask(`${web.url}/desk`, { ...FROM_OUTSIDE, ...bearer('the-first-of-the-tokens') })).status
    expect(await status()).toBe(200)
    settings.token = 'the-second-of-the-tokens'
    expect(await status()).toBe(401)
  })

  test('is asked for with a sentence that says what to do', async () => {
    const web = await start({ token: TOKEN })
    const { headers, body } = await ask(`${web.url}/desk`, FROM_OUTSIDE)
    expect(headers['www-authenticate']).toBe('Bearer')
    expect(JSON.parse(body)).toEqual({ code: 'UNAUTHORIZED', message: expect.stringContaining('server.token') })
    expect(body).not.toContain(TOKEN)
  })
})

describe('strangers', () => {
  test('get to channels, and to what says that it is public', async () => {
    const web = await start({ token: TOKEN })
    const status = async (path: string, method = 'GET') =>
      (await ask(`${web.url}${path}`, FROM_OUTSIDE, { method })).status
    expect(await status('/shop')).toBe(200)
    expect(await status('/desk/public')).toBe(200)
    expect(await status('/desk/public', 'HEAD')).toBe(200)
    expect(await status('/desk/public/17?x=1')).toBe(200)
    expect(await status('/desk/hook', 'POST')).toBe(200)
  })

  test('get nowhere else, and are not told what is there', async () => {
    const web = await start({ token: TOKEN })
    for (const [path, method] of [
      ['/desk', 'GET'],
      ['/desk/', 'HEAD'],
      ['/desk/public/', 'POST'],
      ['/desk/hook', 'GET'],
      ['/desk/nothing', 'GET'],
      ['/desk/nothing', 'OPTIONS'],
      ['/desk//public', 'GET'],
    ] as const) {
      const { status } = await ask(`${web.url}${path}`, FROM_OUTSIDE, { method })
      expect([method, path, status]).toEqual([method, path, 401])
    }
  })

  test('open WebSockets only where everybody may', async () => {
    const web = await start({ token: TOKEN })
    const upgrade = (path: string, headers: { readonly [name: string]: string }) =>
      ask(`${web.url}${path}`, { ...UPGRADE, ...headers })
    expect(await upgrade('/desk/live', FROM_OUTSIDE)).toMatchObject({ status: 401 })
    expect(await upgrade('/desk/hook', FROM_OUTSIDE)).toMatchObject({ status: 401 })
    expect(await upgrade('/desk/live', { ...FROM_OUTSIDE, ...bearer(TOKEN) })).toMatchObject({ status: 101 })
    expect(await upgrade('/desk/public', FROM_OUTSIDE)).toMatchObject({ status: 200 })
    expect(await upgrade('/desk/own/live', FROM_OUTSIDE)).toMatchObject({ status: 401 })
    expect(await upgrade('/desk/public/live?x=1', FROM_OUTSIDE)).toMatchObject({ status: 101 })
  })

  test('open no WebSocket out of a page in a browser on the machine', async () => {
    const web = await start()
    const upgrade = (headers = {}) => ask(`${web.url}/desk/live`, { ...UPGRADE, ...headers })
    expect(await upgrade()).toMatchObject({ status: 101 })
    expect(await upgrade({ origin: 'https://evil.example' })).toMatchObject({ status: 401 })
  })
})

describe('a proxy', () => {
  test('is not believed unless it is named', async () => {
    const web = await start()
    expect(await ask(`${web.url}/shop`, { 'x-forwarded-for': '203.0.113.7' })).toMatchObject({ body: '127.0.0.1' })
    const elsewhere = await start({ trustProxy: ['10.0.0.0/8'] })
    expect(await ask(`${elsewhere.url}/shop`, { 'x-forwarded-for': '203.0.113.7' })).toMatchObject({
      body: '127.0.0.1',
    })
  })

  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['127.0.0.1, 203.0.113.7', '203.0.113.7'],
    ['198.51.100.1, 203.0.113.7, 10.1.2.3', '203.0.113.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['10.1.2.3', '10.1.2.3'],
  ])('that is named is believed up to the first that is not: %s', async (forwardedFor, address) => {
    const web = await start({ trustProxy: ['127.0.0.1', '10.0.0.0/8'] })
    expect(await ask(`${web.url}/shop`, { 'x-forwarded-for': forwardedFor })).toMatchObject({ body: address })
  })

  test.each([
    ['10.0.0.5', true],
    ['10.0.0.0/8', true],
    ['::1', true],
    ['fc00::/7', true],
    ['10.0.0.0/33', false],
    ['10.0.0.0/8/8', false],
    ['10.0.0.0/', false],
    ['proxy.internal', false],
    ['', false],
  ])('is named by address or network: %s is %s', (entry, is) => {
    expect(isAddressOrNetwork(entry)).toBe(is)
  })
})

describe('who is counted', () => {
  /** Who a request comes from that arrives at such a socket. */
  function callerOf(
    remoteAddress: string,
    forwardedFor: string | undefined,
    settings: Partial<CallerSettings> = {},
    more: { readonly [name: string]: string } = {},
  ) {
    const callers = makeCallers(() => ({ publicUrl: PUBLISHED, trustProxy: ['10.0.0.0/8', '127.0.0.1'], ...settings }))
    const request = new IncomingMessage(new Socket())
    Object.defineProperty(request.socket, 'remoteAddress', { value: remoteAddress })
    Object.assign(request.headers, more, forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor })
    return callers.callerOf(request)
  }
  const one = (address: string) => ({ address, isShared: false })
  const shared = (address: string) => ({ address, isShared: true })

  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['198.51.100.1, 203.0.113.7:1, 10.1.2.3:2', '203.0.113.7'],
    ['[2001:db8::1]:443', '2001:db8:0:0::/64'],
    ['[2001:db8:0:1::1]', '2001:db8:0:1::/64'],
    ['2001:0DB8::1:0:0:0:9', '2001:db8:0:1::/64'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:FFFF:cb00:7107', '203.0.113.7'],
  ])('is whom a believed proxy names: %s', (forwardedFor, address) => {
    expect(callerOf('10.0.0.5', forwardedFor)).toEqual(one(address))
    expect(callerOf('::ffff:10.0.0.5', forwardedFor)).toEqual(one(address))
  })

  test.each([
    ['names nobody', undefined],
    ['names nobody in its header', ' , '],
    ['names what is no address', 'unknown'],
    ['names what is no address behind somebody', '203.0.113.7, unknown'],
    ['names another of them', '10.1.2.3'],
    ['is the nearest of more than there can be', `203.0.113.7${', 10.1.2.3'.repeat(16)}`],
  ])('is everybody, when a believed proxy %s', (_how, forwardedFor) => {
    expect(callerOf('10.0.0.5', forwardedFor)).toEqual(shared('10.0.0.5'))
    expect(callerOf('10.0.0.5', forwardedFor, {}, { 'x-real-ip': '203.0.113.7' })).toEqual(shared('10.0.0.5'))
  })

  test('is whoever is named first where everybody is believed', () => {
    expect(callerOf('192.0.2.1', '203.0.113.7, 198.51.100.1', { trustProxy: true })).toEqual(one('203.0.113.7'))
    expect(callerOf('192.0.2.1', undefined, { trustProxy: true })).toEqual(shared('192.0.2.1'))
    expect(callerOf('192.0.2.1', '203.0.113.7, unknown', { trustProxy: true })).toEqual(shared('192.0.2.1'))
  })

  test.each(['127.0.0.2', '172.17.0.1', '192.168.1.9', '100.64.0.1', '169.254.1.1', '::1', 'fd00::1', 'fe80::1%eth0'])(
    'is everybody at %s, which stands for all the world once it is published',
    (address) => {
      expect(callerOf(address, undefined).isShared).toBe(true)
      expect(callerOf('10.0.0.5', address).isShared).toBe(true)
      expect(callerOf(address, undefined, { publicUrl: 'http://localhost' }).isShared).toBe(false)
      expect(callerOf(address, '203.0.113.7', { publicUrl: 'http://localhost' }).isShared).toBe(true)
    },
  )

  test('is a stranger alone, whoever he says that he speaks for', () => {
    expect(callerOf('203.0.113.7', '198.51.100.1')).toEqual(one('203.0.113.7'))
    expect(callerOf('203.0.113.7', undefined)).toEqual(one('203.0.113.7'))
  })
})
