import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { makeCallers } from '../../../core/services/callers.ts'
import { makeLog } from '../../../core/services/log.ts'
import { currentRequest, makeInstanceWeb, startWeb, type Web } from '../../../core/services/web.ts'
import { manualClock } from '../../../core/testing/clock.ts'
import { ask } from './asking.ts'

const MAX_REFUSED = 5
const TOKEN = 'a-token-that-nobody-guesses'
const lines: string[] = []
const log = makeLog({ level: 'info', stream: { write: (line) => void lines.push(line) } })
const open: Web[] = []
afterEach(async () => {
  lines.length = 0
  await Promise.all(open.splice(0).map((web) => web.close(0)))
})

interface Limits {
  readonly trustProxy?: boolean | readonly string[]
  readonly publicUrl?: string
  readonly maxConnections?: number
  readonly maxUnderWay?: number
}

async function start({ trustProxy = ['127.0.0.1'], publicUrl = 'http://localhost', ...limits }: Limits = {}) {
  const clock = manualClock()
  const callers = makeCallers(() => ({ publicUrl, trustProxy, token: TOKEN }))
  const settings = () => ({ publicUrl, refusedPerMinute: MAX_REFUSED })
  const listening = { host: '127.0.0.1', port: 0, maxConnections: 100, callers, log, clock, settings }
  const web = await startWeb({ ...listening, ...limits })
  open.push(web)
  const mount = async (name: string, guarded: boolean, routes: (app: FastifyInstance) => void) => {
    const app = makeInstanceWeb(name === '' ? 'core' : name, { log, callers, guarded })
    routes(app)
    await app.ready()
    web.mount(name, app)
  }
  await mount('', true, (app) => void app.get('/readyz', { config: { public: true } }, () => 'ready'))
  await mount('shop', false, (app) => void app.get('/', () => 'shop'))
  return { web, clock, mount }
}

const OPERATOR = { authorization: `Bearer ${TOKEN}` }
const from = (address: string) => ({ 'x-forwarded-for': address })

async function refuse(web: Web, times: number, headers: { readonly [name: string]: string }, path = '/shop/nothing') {
  for (let i = 0; i < times; i++) expect((await ask(web.url + path, headers)).status).toBeLessThan(500)
}

describe('whoever is refused too often', () => {
  test('is kept out until the minute is over; everybody else is not', async () => {
    const { web, clock } = await start()
    const stranger = from('203.0.113.7')
    await refuse(web, MAX_REFUSED, stranger)
    expect((await ask(`${web.url}/shop`, stranger)).status).toBe(200)
    await refuse(web, 1, stranger)
    await clock.advance(15_000)
    const { status, headers, body } = await ask(`${web.url}/shop`, stranger)
    expect({ status, after: headers['retry-after'] }).toEqual({ status: 429, after: '45' })
    expect(JSON.parse(body)).toEqual({ code: 'TOO_MANY_REFUSED', message: expect.stringContaining('refused') })
    expect((await ask(`${web.url}/shop`, from('203.0.113.8'))).status).toBe(200)
    await clock.advance(45_000)
    expect((await ask(`${web.url}/shop`, stranger)).status).toBe(200)
    expect(web.counts).toMatchObject({ refused: MAX_REFUSED + 1, keptOut: 1 })
  })

  test('cannot get out of it by another address that it gives itself', async () => {
    const { web } = await start()
    for (let i = 0; i <= MAX_REFUSED; i++) await refuse(web, 1, from(`198.51.100.${i}, 203.0.113.7`))
    expect((await ask(`${web.url}/shop`, from('198.51.100.99, 203.0.113.7'))).status).toBe(429)
    expect((await ask(`${web.url}/shop`, from('198.51.100.1'))).status).toBe(200)
  })

  test('is refused for every reason: not there, not allowed, not readable, too large', async () => {
    const { web, mount } = await start()
    await mount('desk', true, (app) => void app.get('/', () => 'desk'))
    await mount('hook', false, (app) => void app.post('/', () => 'hook'))
    const post = (body: string, type = 'application/json') =>
      ask(`${web.url}/hook`, { ...from('203.0.113.9'), 'content-type': type }, { method: 'POST', body })
    const statuses = [
      (await post('{')).status,
      (await post('x', 'image/png')).status,
      (await post(`"${'x'.repeat(2 * 1024 * 1024)}"`)).status,
      (await ask(`${web.url}/hook/nothing`, from('203.0.113.9'))).status,
      (await ask(`${web.url}/hook`, from('203.0.113.9'))).status,
      (await ask(`${web.url}/hook/%zz`, from('203.0.113.9'))).status,
    ]
    expect(statuses).toEqual([400, 415, 413, 404, 404, 400])
    expect((await post('{}')).status).toBe(429)
    await refuse(web, MAX_REFUSED + 1, from('203.0.113.10'), '/desk')
    expect((await ask(`${web.url}/desk`, from('203.0.113.10'))).status).toBe(429)
  })

  test('by one instance is still heard by the others, and about health', async () => {
    const { web } = await start()
    const platform = from('203.0.113.7')
    await refuse(web, MAX_REFUSED + 1, platform, '/nobody')
    expect((await ask(`${web.url}/anything`, platform)).status).toBe(429)
    expect((await ask(`${web.url}/shop`, platform)).status).toBe(200)
    expect((await ask(`${web.url}/readyz?x=1`, platform)).status).toBe(200)
  })

  test('is not heard below what is asked about health', async () => {
    const { web } = await start()
    await refuse(web, MAX_REFUSED + 1, from('203.0.113.7'), '/healthz/anything')
    for (const path of ['/healthz/anything', '/readyz/', '/readyz/x', '/readyzz'])
      expect([path, (await ask(web.url + path, from('203.0.113.7'))).status]).toEqual([path, 429])
    expect((await ask(`${web.url}/readyz`, from('203.0.113.7'), { method: 'POST' })).status).toBe(429)
    expect((await ask(`${web.url}/readyz`, from('203.0.113.7'), { method: 'HEAD' })).status).toBe(200)
  })

  test('is still heard where something of it was accepted: others may make a platform send what is refused', async () => {
    const { web, mount } = await start()
    await mount('hook', false, (app) => {
      app.get('/', () => 'a page for everybody')
      app.post('/', ({ headers }, reply) => reply.code(headers.signed ? 200 : 403).send('hook'))
    })
    const post = async (headers: { readonly [name: string]: string }) =>
      (await ask(`${web.url}/hook`, headers, { method: 'POST' })).status
    const platform = from('203.0.113.7')
    expect(await post({ ...platform, signed: 'yes' })).toBe(200)
    for (let i = 0; i <= MAX_REFUSED; i++) expect(await post(platform)).toBe(403)
    expect(await post({ ...platform, signed: 'yes' })).toBe(200)
    const stranger = from('203.0.113.8')
    expect((await ask(`${web.url}/hook`, stranger)).status).toBe(200)
    for (let i = 0; i <= MAX_REFUSED; i++) expect(await post(stranger)).toBe(403)
    expect(await post({ ...stranger, signed: 'yes' })).toBe(429)
  })

  test('may also be who never ends what it began to ask', async () => {
    const { web, mount } = await start()
    await mount('hook', false, (app) => void app.post('/', () => 'hook'))
    for (let i = 1; i <= MAX_REFUSED + 1; i++) {
      const socket = await beginTo(web, '203.0.113.7')
      socket.destroy()
      await vi.waitFor(() => expect(web.counts.refused).toBe(i), 10_000)
    }
    expect((await ask(`${web.url}/hook`, from('203.0.113.7'), { method: 'POST' })).status).toBe(429)
  })

  test('cannot open a WebSocket either', async () => {
    const { web, mount } = await start()
    await mount('live', false, (app) => {
      app.server.on('upgrade', (_request, socket) => {
        socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n')
      })
    })
    const upgrade = { ...from('203.0.113.7'), connection: 'upgrade', upgrade: 'websocket' }
    expect((await ask(`${web.url}/live`, upgrade)).status).toBe(101)
    await refuse(web, MAX_REFUSED + 1, from('203.0.113.7'), '/live')
    expect((await ask(`${web.url}/live`, upgrade)).status).toBe(429)
  })

  test('is in the log once, with what to do if it is a proxy', async () => {
    const { web } = await start()
    await refuse(web, MAX_REFUSED + 3, from('203.0.113.7'))
    const told = lines.filter((line) => line.includes('203.0.113.7'))
    expect(told).toHaveLength(1)
    expect(told[0]).toContain('server.trustProxy')
  })

  test('is counted on this machine too, unless it speaks for others whom nobody can tell apart', async () => {
    const { web } = await start({ trustProxy: false })
    await refuse(web, MAX_REFUSED + 1, from('203.0.113.7'))
    expect((await ask(`${web.url}/shop`, from('203.0.113.7'))).status).toBe(200)
    await refuse(web, MAX_REFUSED + 1, {})
    expect((await ask(`${web.url}/shop`)).status).toBe(429)
    expect((await ask(`${web.url}/shop`, from('203.0.113.7'))).status).toBe(200)
  })

  test.each([
    ['a gateway behind which all the world is', { trustProxy: false, publicUrl: 'https://chat.example.com' }],
    ['a proxy that does not say for whom it asks', { trustProxy: ['127.0.0.1'] }],
  ])('and is %s is not kept out; the log says so once', async (_who, limits) => {
    const { web } = await start(limits)
    await refuse(web, 3 * MAX_REFUSED, {})
    await refuse(web, 3 * MAX_REFUSED, {}, '/nobody')
    expect((await ask(`${web.url}/shop`)).status).toBe(200)
    const told = lines.filter((line) => line.includes('127.0.0.1'))
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(/is not kept out.*server\.trustProxy.*X-Forwarded-For/)
  })
})

/** Asks for something, and does not send all of it. */
async function beginTo(web: Web, address: string) {
  const socket = connect(web.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(
    `POST /hook HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: ${address}\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
  )
  // By then the request has come in.
  await once(socket, 'data')
  socket.write('{')
  return socket
}

test('pages of other sites can read why a channel makes them wait, and nothing that is the operator’s', async () => {
  const { web, mount } = await start({ maxUnderWay: 1 })
  await mount('desk', true, (app) => void app.get('/', () => 'desk'))
  const readable = ({ status, headers }: Awaited<ReturnType<typeof ask>>) => [
    status,
    headers['access-control-allow-origin'],
    headers['access-control-expose-headers'],
  ]
  const stranger = { ...from('203.0.113.7'), origin: 'https://shop.example' }
  await refuse(web, MAX_REFUSED + 1, stranger)
  await refuse(web, MAX_REFUSED + 1, stranger, '/desk/nothing')
  expect(readable(await ask(`${web.url}/shop`, stranger))).toEqual([429, '*', 'retry-after'])
  expect(readable(await ask(`${web.url}/desk`, stranger))).toEqual([429, undefined, undefined])
  const opened = Promise.withResolvers<string>()
  const reached = Promise.withResolvers<void>()
  await mount('slow', false, (app) => {
    app.get('/', () => {
      reached.resolve()
      return opened.promise
    })
  })
  const underWay = ask(`${web.url}/slow`)
  await reached.promise
  expect(readable(await ask(`${web.url}/shop`))).toEqual([503, '*', 'retry-after'])
  expect(readable(await ask(`${web.url}/desk`))).toEqual([503, undefined, undefined])
  opened.resolve('done')
  await underWay
})

describe('too much at a time', () => {
  test('is answered 503 with when to come again; health is answered all the same', async () => {
    const { web, mount } = await start({ maxUnderWay: 2 })
    const opened = Promise.withResolvers<string>()
    let waiting = 0
    const both = Promise.withResolvers<void>()
    await mount('slow', false, (app) => {
      app.get('/', () => {
        waiting += 1
        if (waiting === 2) both.resolve()
        return opened.promise
      })
    })
    const underWay = [ask(`${web.url}/slow`), ask(`${web.url}/slow`)]
    await both.promise
    const { status, headers, body } = await ask(`${web.url}/shop`)
    expect([status, headers['retry-after'], JSON.parse(body).code]).toEqual([503, '5', 'OVERLOADED'])
    expect((await ask(`${web.url}/readyz`)).status).toBe(200)
    opened.resolve('done')
    expect((await Promise.all(underWay)).map(({ status }) => status)).toEqual([200, 200])
    expect((await ask(`${web.url}/shop`)).status).toBe(200)
    expect(web.counts.overloaded).toBe(1)
  })

  test('a request that comes when half of its caller’s places, or of all, are taken is told so', async () => {
    const { web, mount } = await start({ maxUnderWay: 40 })
    const opened = Promise.withResolvers<string>()
    const seen: (boolean | undefined)[] = []
    await mount('slow', false, (app) => {
      app.get('/', () => {
        seen.push(currentRequest()?.isCrowded)
        return opened.promise
      })
    })
    const came: Promise<unknown>[] = []
    const come = async (address: string) => {
      came.push(ask(`${web.url}/slow`, from(address)))
      await vi.waitFor(() => expect(seen).toHaveLength(came.length))
    }
    for (let nth = 0; nth < 3; nth++) await come('203.0.113.7')
    expect(seen.splice(0, 3)).toEqual([false, false, true])
    came.length = 0
    for (let nth = 0; nth < 18; nth++) await come(`203.0.113.${100 + nth}`)
    expect(seen.slice(-2)).toEqual([false, true])
    opened.resolve('done')
    await Promise.all(came)
  })

  test('of one caller leaves nine tenths to the others', async () => {
    const { web, mount } = await start({ maxUnderWay: 20 })
    await mount('hook', false, (app) => void app.post('/', () => 'hook'))
    const slow = [await beginTo(web, '203.0.113.7'), await beginTo(web, '203.0.113.7')]
    const post = async (address: string) => (await ask(`${web.url}/hook`, from(address), { method: 'POST' })).status
    expect(await post('203.0.113.7')).toBe(503)
    expect(await post('203.0.113.8')).toBe(200)
    expect((await ask(`${web.url}/readyz`, from('203.0.113.7'))).status).toBe(200)
    expect(lines.filter((line) => line.includes('203.0.113.7 has a tenth'))).toHaveLength(1)
    for (const socket of slow) socket.destroy()
    await vi.waitFor(async () => expect(await post('203.0.113.7')).toBe(200), 10_000)
  })

  test('cannot be hidden as an event stream that has a body', async () => {
    const { web, mount } = await start({ maxUnderWay: 1 })
    const opened = Promise.withResolvers<string>()
    const reached = Promise.withResolvers<void>()
    await mount('slow', false, (app) => {
      app.post('/', () => {
        reached.resolve()
        return opened.promise
      })
    })
    const asked = ask(`${web.url}/slow`, { accept: 'text/event-stream' }, { method: 'POST' })
    await reached.promise
    expect((await ask(`${web.url}/shop`)).status).toBe(503)
    opened.resolve('done')
    await asked
  })

  test('does not mean event streams, which last', async () => {
    const { web, mount } = await start({ maxUnderWay: 1 })
    await mount('live', false, (app) => {
      app.get('/', (_request, reply) => {
        reply.hijack()
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: x\n\n')
      })
    })
    const stream = connect(web.port, '127.0.0.1')
    stream.write('GET /live HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n')
    await once(stream, 'data')
    expect((await ask(`${web.url}/shop`)).status).toBe(200)
    stream.destroy()
  })

  test('of connections, further ones are closed at once', async () => {
    const { web } = await start({ maxConnections: 2 })
    const sockets = [connect(web.port, '127.0.0.1'), connect(web.port, '127.0.0.1')]
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    expect(await text(connect(web.port, '127.0.0.1'))).toBe('')
    sockets[0]?.destroy()
    await vi.waitFor(async () => expect((await ask(`${web.url}/shop`)).status).toBe(200), 10_000)
    sockets[1]?.destroy()
  })

  test('of one caller’s connections, further ones are closed at once, though there are some left', async () => {
    const { web } = await start({ maxConnections: 20, trustProxy: false })
    const sockets = [connect(web.port, '127.0.0.1'), connect(web.port, '127.0.0.1')]
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const closed = () => text(connect(web.port, '127.0.0.1'))
    expect(await closed()).toBe('')
    expect(await closed()).toBe('')
    expect(lines.filter((line) => line.includes('server.maxConnections'))).toHaveLength(1)
    sockets[0]?.destroy()
    await vi.waitFor(async () => expect((await ask(`${web.url}/shop`)).status).toBe(200), 10_000)
    sockets[1]?.destroy()
  })

  test('of connections of a proxy is for everybody behind it', async () => {
    const { web } = await start({ maxConnections: 10, trustProxy: ['127.0.0.1'] })
    const sockets = [connect(web.port, '127.0.0.1'), connect(web.port, '127.0.0.1')]
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    expect((await ask(`${web.url}/shop`)).status).toBe(200)
    for (const socket of sockets) socket.destroy()
  })
})

describe('a request that comes slowly', () => {
  /** Sends the head of a request and some of its body; gives what is answered until the connection is closed. */
  async function begin(web: Web, headers: string): Promise<{ answer: Promise<string> }> {
    const socket = connect(web.port, '127.0.0.1')
    socket.write(`POST /hook HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n${headers}\r\n\r\n1\r\n{`)
    return { answer: text(socket) }
  }
  async function startHook() {
    const started = await start()
    let bodies = 0
    const reached = Promise.withResolvers<void>()
    await started.mount('hook', false, (app) => {
      app.addHook('onRequest', async () => {
        bodies += 1
        if (bodies === 2) reached.resolve()
      })
      app.post('/', () => 'hook')
    })
    return { ...started, both: reached.promise }
  }

  test('gets as much longer as it says that it is larger, and is then cut off', async () => {
    const { web, clock, both } = await startHook()
    const [small, large] = [await begin(web, 'Content-Length: 100'), await begin(web, 'Content-Length: 960000')]
    await both
    await clock.advance(30_004)
    expect(await small.answer).toMatch(/^HTTP\/1.1 408 .*TOO_SLOW/s)
    await clock.advance(29_995)
    expect(clock.waiting).toBe(1)
    await clock.advance(1)
    expect(await large.answer).toMatch(/^HTTP\/1.1 408 /)
  })

  test('and does not say how large it is gets nothing more', async () => {
    const { web, clock, both } = await startHook()
    const [unsaid, large] = [await begin(web, 'Transfer-Encoding: chunked'), await begin(web, 'Content-Length: 960000')]
    await both
    await clock.advance(30_000)
    expect(await unsaid.answer).toMatch(/^HTTP\/1.1 408 /)
    await clock.advance(30_000)
    await large.answer
  })
})

describe('a route that never answers', () => {
  test('is answered for after a minute, and says nothing later', async () => {
    const { web, clock, mount } = await start()
    const opened = Promise.withResolvers<string>()
    const reached = Promise.withResolvers<void>()
    await mount('stuck', false, (app) => {
      app.get('/', () => {
        reached.resolve()
        return opened.promise
      })
    })
    const asked = ask(`${web.url}/stuck`)
    await reached.promise
    await clock.advance(59_999)
    expect(clock.waiting).toBe(1)
    await clock.advance(1)
    const { status, body } = await asked
    expect([status, JSON.parse(body).code]).toEqual([503, 'TOO_SLOW'])
    expect(lines.join('')).toContain('A route of stuck did not answer in time.')
    opened.resolve('too late')
    expect((await ask(`${web.url}/shop`)).body).toBe('shop')
  })

  test('but has begun to is left to go on', async () => {
    const { web, clock, mount } = await start()
    const opened = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    await mount('slow', false, (app) => {
      app.get('/', async (_request, reply) => {
        reply.hijack()
        reply.raw.writeHead(200).write('begun, ')
        reached.resolve()
        await opened.promise
        reply.raw.end('ended')
      })
    })
    const asked = ask(`${web.url}/slow`)
    await reached.promise
    await clock.advance(120_000)
    opened.resolve()
    expect(await asked).toMatchObject({ status: 200, body: 'begun, ended' })
  })
})

describe('security headers', () => {
  const NOT_THERE = ['server', 'x-powered-by', 'access-control-allow-origin', 'strict-transport-security']

  test('are on whatever is the operator’s or is not there', async () => {
    const { web, mount } = await start()
    await mount('desk', true, (app) => void app.get('/', () => 'desk'))
    const answers = [
      await ask(`${web.url}/desk`, OPERATOR),
      await ask(`${web.url}/desk/nothing`, OPERATOR),
      await ask(`${web.url}/desk/%zz`),
      await ask(`${web.url}/desk`, from('203.0.113.7')),
      await ask(`${web.url}/nobody`),
      await ask(`${web.url}/readyz`),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 400, 401, 404, 200])
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'x-frame-options': 'DENY',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      })
      for (const name of NOT_THERE) expect(headers).not.toHaveProperty(name)
    }
  })

  test('of a channel leave its widget in other people’s pages alone', async () => {
    const { web } = await start()
    for (const path of ['/shop', '/shop/nothing']) {
      const { headers } = await ask(web.url + path, { origin: 'https://page.example' })
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin' })
      for (const name of [...NOT_THERE, 'content-security-policy', 'x-frame-options', 'cross-origin-resource-policy'])
        expect(headers).not.toHaveProperty(name)
    }
  })

  test('that a route sets itself win', async () => {
    const { web, mount } = await start()
    await mount('desk', true, (app) => {
      app.get('/', (_request, reply) =>
        reply.headers({ 'Content-Security-Policy': "default-src 'self'", 'cache-control': 'max-age=60' }).send('x'),
      )
    })
    const { headers } = await ask(`${web.url}/desk`, OPERATOR)
    expect(headers['content-security-policy']).toBe("default-src 'self'")
    expect(headers['cache-control']).toBe('max-age=60')
    expect(headers['x-frame-options']).toBe('DENY')
  })

  test('tell browsers to stay with https where that is what they use', async () => {
    const { web } = await start({ publicUrl: 'https://chat.example.com' })
    for (const path of ['/shop', '/readyz', '/nobody'])
      expect((await ask(web.url + path)).headers['strict-transport-security']).toBe('max-age=31536000')
  })
})
