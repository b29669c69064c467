import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { SwitchboardError } from '../../../core/errors.ts'
import { makeCallers } from '../../../core/services/callers.ts'
import { makeLog } from '../../../core/services/log.ts'
import { currentRequest, makeInstanceWeb, outsideOfRequests, startWeb, type Web } from '../../../core/services/web.ts'
import { manualClock } from '../../../core/testing/clock.ts'

const lines: string[] = []
const log = makeLog({ level: 'debug', stream: { write: (line) => void lines.push(line) } })
let clock = manualClock()
beforeEach(() => {
  clock = manualClock()
})
const open: Web[] = []
afterEach(async () => {
  lines.length = 0
  await Promise.all(open.splice(0).map((web) => web.close(0)))
})

const callers = makeCallers(() => ({ publicUrl: 'http://localhost', trustProxy: false }))
const listening = (port: number) => ({
  ...{ host: '127.0.0.1', port, maxConnections: 100, callers, log, clock },
  settings: () => ({ publicUrl: 'http://localhost', refusedPerMinute: 120 }),
})

async function start() {
  const web = await startWeb(listening(0))
  open.push(web)
  return web
}

async function ready(routes: (app: FastifyInstance) => void, options: { bodyLimitBytes?: number } = {}) {
  const app = makeInstanceWeb('shop', { log, callers, guarded: false, ...options })
  routes(app)
  await app.ready()
  return app
}

const says = (answer: string) => ready((app) => void app.get('/', () => answer))

function postTo(url: string, body: unknown) {
  return fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
}

/** Sends one request as bytes, so that the test decides when to hang up. */
async function rawRequest(web: Web, request: string): Promise<Socket> {
  const socket = connect(web.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(request)
  return socket
}

/** A route that answers when the test says so, and tells when it was reached. */
function gate() {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<string>()
  return {
    reached: reached.promise,
    open: (answer: string) => opened.resolve(answer),
    route: async () => {
      reached.resolve()
      return opened.promise
    },
  }
}

describe('finding the instance', () => {
  test('is by the first segment, which its routes do not see', async () => {
    const web = await start()
    const show = (request: { url: string; originalUrl: string }) => `${request.url} of ${request.originalUrl}`
    web.mount('shop', await ready((app) => void app.get('/', show).get('/hook', show).get('/a/:b', show)))
    web.mount('other', await says('other'))
    const get = async (path: string) => (await fetch(web.url + path)).text()
    expect(await get('/shop')).toBe('/ of /shop')
    expect(await get('/shop/')).toBe('/ of /shop/')
    expect(await get('/shop?x=1')).toBe('/?x=1 of /shop?x=1')
    expect(await get('/shop/hook?x=1')).toBe('/hook?x=1 of /shop/hook?x=1')
    expect(await get('/shop/a/b')).toBe('/a/b of /shop/a/b')
    expect(await get('/sh%6Fp/hook')).toBe('/hook of /sh%6Fp/hook')
    expect(await get('/other')).toBe('other')
  })

  test('fails with 404 as JSON for unknown names, unknown routes and crooked paths', async () => {
    const web = await start()
    web.mount('shop', await says('shop'))
    for (const path of ['/nobody', '/shop/nothing', '/', '/shopping', '/%', '/healthz']) {
      const answer = await fetch(web.url + path)
      expect([path, answer.status]).toEqual([path, 404])
      expect(await answer.json()).toMatchObject({ code: 'NOT_FOUND' })
    }
    const socket = await rawRequest(web, 'GET //shop/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1.1 404 /)
  })

  test('works for proxies that send the whole address', async () => {
    const web = await start()
    web.mount('shop', await says('shop says'))
    const socket = await rawRequest(web, 'GET http://h.example/shop HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    expect(await text(socket)).toContain('shop says')
  })

  test('leaves reserved names and the root to the core, with the whole path', async () => {
    const web = await start()
    web.mount(
      '',
      await ready(
        (app) =>
          void app
            .get('/', () => 'home')
            .get('/healthz', () => 'well')
            .get('/media/:id', () => 'file'),
      ),
    )
    const get = async (path: string) => (await fetch(web.url + path)).text()
    expect([await get('/'), await get('/healthz'), await get('/media/1')]).toEqual(['home', 'well', 'file'])
    expect((await fetch(`${web.url}/api/x`)).status).toBe(404)
    const app = await says('no')
    expect(() => web.mount('api', app)).toThrow(/core's own/)
  })
})

describe('swapping an instance', () => {
  test('lets requests under way finish on the old one, and sends new ones to the new', async () => {
    const web = await start()
    const slow = gate()
    const old = web.mount('shop', await ready((app) => void app.get('/slow', slow.route).get('/', () => 'old')))
    const underWay = fetch(`${web.url}/shop/slow`)
    await slow.reached
    web.mount('shop', await says('new'))
    const drained = old.drained(30_000)
    expect(await (await fetch(`${web.url}/shop`)).text()).toBe('new')
    slow.open('old, still')
    expect(await (await underWay).text()).toBe('old, still')
    await drained
    expect(clock.waiting).toBe(0)
  })

  test('waits for the old one only so long, then cuts it off', async () => {
    const web = await start()
    const never = gate()
    const old = web.mount('shop', await ready((app) => void app.get('/', never.route)))
    const underWay = fetch(`${web.url}/shop`).catch(() => 'cut off')
    await never.reached
    old.unmount()
    let done = false
    const drained = old.drained(30_000).then(() => (done = true))
    await clock.advance(29_999)
    expect(done).toBe(false)
    await clock.advance(1)
    await drained
    expect(await underWay).toBe('cut off')
  })

  test('unmounting one that was replaced leaves the new one', async () => {
    const web = await start()
    const old = web.mount('shop', await says('old'))
    const now = web.mount('shop', await says('new'))
    old.unmount()
    expect(await (await fetch(`${web.url}/shop`)).text()).toBe('new')
    now.unmount()
    now.unmount()
    expect((await fetch(`${web.url}/shop`)).status).toBe(404)
  })

  test('for itself changes nothing', async () => {
    const web = await start()
    const slow = gate()
    const app = await ready((app) => void app.get('/', slow.route))
    web.mount('shop', app)
    const underWay = fetch(`${web.url}/shop`)
    await slow.reached
    const again = web.mount('shop', app)
    let done = false
    const drained = again.drained(30_000).then(() => {
      done = true
    })
    await setImmediate()
    expect(done).toBe(false)
    slow.open('still')
    expect(await (await underWay).text()).toBe('still')
    await drained
  })

  test('does not wait for event streams', async () => {
    const web = await start()
    const streams = web.mount(
      'shop',
      await ready(
        (app) =>
          void app.get('/', (_request, reply) => {
            reply.hijack()
            reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
          }),
      ),
    )
    const answer = await fetch(`${web.url}/shop`, { headers: { accept: 'text/event-stream' } })
    await streams.drained(30_000)
    await expect(answer.text()).rejects.toThrow()
  })
})

describe('errors', () => {
  const answerTo = async (thrown: unknown) => {
    const web = await start()
    web.mount('shop', await ready((app) => void app.get('/', () => Promise.reject(thrown))))
    const answer = await fetch(`${web.url}/shop?signature=s3cret`)
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: await answer.json() }
  }

  test('of ours are answered without telling what, and logged with everything but the query', async () => {
    const answer = await answerTo(new TypeError('cannot read properties of the database'))
    expect(answer).toEqual({
      status: 500,
      retryAfter: null,
      body: { code: 'INTERNAL', message: 'Something went wrong on our side.' },
    })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'error',
      instance: 'shop',
      method: 'GET',
      url: '/shop',
      error: { message: 'cannot read properties of the database', stack: expect.stringContaining('web.test') },
    })
    expect(lines.join()).not.toContain('s3cret')
  })

  test('keep 503 with a Retry-After, so that platforms send it again', async () => {
    expect(await answerTo(new SwitchboardError('BACKLOG_FULL', { detail: 'in /var/data' }))).toEqual({
      status: 503,
      retryAfter: '5',
      body: { code: 'BACKLOG_FULL', message: expect.not.stringContaining('/var') },
    })
  })

  test('of zod are a 400 that names the first place', async () => {
    const { error } = z.object({ user: z.object({ age: z.number() }), x: z.string() }).safeParse({ user: { age: 'x' } })
    const answer = await answerTo(error)
    expect(answer.status).toBe(400)
    expect(answer.body).toEqual({ code: 'BAD_REQUEST', message: expect.stringMatching(/^user\.age: .*number/) })
  })

  test('that say a status of their own keep it', async () => {
    const answer = await answerTo(Object.assign(new Error('not yours'), { statusCode: 403, code: 'FORBIDDEN' }))
    expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN', message: 'not yours' } })
  })

  test('that are not Errors are a 500', async () => {
    expect((await answerTo('what')).status).toBe(500)
  })

  test('of the request are JSON: too long a body, no JSON, an unknown type, a crooked path', async () => {
    const web = await start()
    web.mount(
      'shop',
      await ready((app) => void app.post('/', () => 'ok').get('/:id', () => 'ok'), { bodyLimitBytes: 100 }),
    )
    const post = (body: string, type: string) =>
      fetch(`${web.url}/shop`, { method: 'POST', body, headers: { 'content-type': type } })
    const answers = [
      await post(JSON.stringify('x'.repeat(100)), 'application/json'),
      await post('{', 'application/json'),
      await post('<x/>', 'text/xml'),
      await fetch(`${web.url}/shop/%zz`),
      await fetch(`${web.url}/shop/${'x'.repeat(300)}`),
    ]
    expect(answers.map((answer) => answer.status)).toEqual([413, 400, 415, 400, 414])
    for (const answer of answers)
      expect(await answer.json()).toEqual({ code: expect.any(String), message: expect.any(String) })
  })

  test('say which address is taken', async () => {
    const web = await start()
    await expect(startWeb(listening(web.port))).rejects.toMatchObject({
      code: 'WEB_LISTEN',
      message: expect.stringContaining(`127.0.0.1:${web.port}`),
    })
  })
})

describe('the log of a request', () => {
  test('is the log of the instance, without headers', async () => {
    const web = await start()
    web.mount(
      'shop',
      await ready(
        (app) =>
          void app.get('/', (request) => {
            request.log.info({ chat: 'c1', req: request.raw }, 'came')
            request.log.warn('plain')
            return 'ok'
          }),
      ),
    )
    await fetch(`${web.url}/shop`, { headers: { authorization: 'Bearer x' } })
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ chat: 'c1', msg: 'came' }, { msg: 'plain' }])
    expect(lines.join()).not.toContain('Bearer')
  })
})

describe('the current request', () => {
  /** A route whose answer waits, and what it learns of its response. */
  async function watched(status = 200) {
    const web = await start()
    const slow = gate()
    const sent = Promise.withResolvers<boolean>()
    let closed: AbortSignal | undefined
    const app = await ready(
      (app) =>
        void app.post('/', async (_request, reply) => {
          await setImmediate()
          const request = currentRequest()
          closed = request?.closed
          request?.onFinish(sent.resolve)
          reply.code(status)
          return slow.route()
        }),
    )
    web.mount('shop', app)
    return { web, slow, sent: sent.promise, closed: () => closed }
  }

  test('is told when its response has been sent', async () => {
    const { web, slow, sent, closed } = await watched()
    const answer = postTo(`${web.url}/shop`, { a: 1 })
    await slow.reached
    slow.open('reply')
    expect(await (await answer).text()).toBe('reply')
    expect(await sent).toBe(true)
    expect(closed()?.aborted).toBe(false)
  })

  test('is told when the client hung up before the answer was there', async () => {
    const { web, slow, sent, closed } = await watched()
    const socket = await rawRequest(web, 'POST /shop HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n')
    await slow.reached
    expect(closed()?.aborted).toBe(false)
    socket.destroy()
    expect(await sent).toBe(false)
    expect(closed()?.aborted).toBe(true)
    slow.open('too late')
  })

  test('is told when the client politely ended its side and left', async () => {
    const { web, slow, sent } = await watched()
    const socket = await rawRequest(web, 'POST /shop HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n')
    await slow.reached
    socket.end()
    expect(await sent).toBe(false)
    slow.open('too late')
  })

  test('is known to the route also when the body came in pieces, and is the one that the hooks saw', async () => {
    const web = await start()
    const seen: unknown[] = []
    const see = () => void seen.push(currentRequest())
    const begun = Promise.withResolvers<void>()
    web.mount(
      'shop',
      await ready((app) => {
        app.addHook('onRequest', async () => {
          see()
          begun.resolve()
        })
        app.addHook('preHandler', async () => see())
        app.post('/', async () => see())
      }),
    )
    const headers = 'Content-Type: application/json\r\nContent-Length: 7\r\nConnection: close\r\n'
    const socket = await rawRequest(web, `POST /shop HTTP/1.1\r\nHost: h\r\n${headers}\r\n{"a"`)
    await begun.promise
    socket.write(':1}')
    expect(await text(socket)).toMatch(/^HTTP\/1.1 200 /)
    expect(seen[0]).toBeDefined()
    expect(seen).toEqual([seen[0], seen[0], seen[0]])
    expect(new Set(seen).size).toBe(1)
  })

  test('counts an answer that says an error as not sent', async () => {
    const { web, slow, sent } = await watched(500)
    const answer = postTo(`${web.url}/shop`, {})
    slow.open('reply')
    await answer
    expect(await sent).toBe(false)
  })

  test('tells late askers too, and each one', async () => {
    const web = await start()
    const told: boolean[] = []
    const request = Promise.withResolvers<ReturnType<typeof currentRequest>>()
    web.mount('shop', await ready((app) => void app.get('/', async () => request.resolve(currentRequest()))))
    await (await fetch(`${web.url}/shop`)).text()
    const late = await request.promise
    late?.onFinish((sent) => told.push(sent))
    late?.onFinish((sent) => told.push(sent))
    await setImmediate()
    expect(told).toEqual([true, true])
  })

  test('is each one its own, and there is none outside', async () => {
    const web = await start()
    const seen: unknown[] = []
    web.mount(
      'shop',
      await ready(
        (app) =>
          void app.get('/', async () => {
            await setImmediate()
            seen.push(currentRequest())
            seen.push(outsideOfRequests(currentRequest))
            return 'ok'
          }),
      ),
    )
    await Promise.all([fetch(`${web.url}/shop`), fetch(`${web.url}/shop`)])
    const requests = seen.filter((one) => one !== undefined)
    expect(seen).toHaveLength(4)
    expect(new Set(requests).size).toBe(2)
    expect(currentRequest()).toBeUndefined()
  })
})

describe('upgrades', () => {
  const ask = (path: string, protocol: string) =>
    `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`

  async function withSockets() {
    const web = await start()
    const app = await ready((app) => void app.get('/live', () => 'plain'))
    app.server.on('upgrade', (request, socket) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n${request.url}`)
    })
    return { web, mount: web.mount('desk', app) }
  }

  test('to WebSockets go to the instance, without its name', async () => {
    const { web } = await withSockets()
    const socket = await rawRequest(web, ask('/desk/live?after=3', 'WebSocket'))
    const [data] = await once(socket, 'data')
    expect(String(data)).toMatch(/^HTTP\/1.1 101 (.|\s)*\/live\?after=3$/)
    socket.destroy()
  })

  test('are answered like other requests when nobody takes them, or they are for something else', async () => {
    const { web } = await withSockets()
    web.mount('shop', await says('shop'))
    const first = async (path: string, protocol: string) => {
      const socket = await rawRequest(web, ask(path, protocol))
      const [data] = await once(socket, 'data')
      socket.destroy()
      return String(data).split('\r\n')[0]
    }
    expect(await first('/nobody', 'websocket')).toContain('404')
    expect(await first('/shop/live', 'websocket')).toContain('404')
    expect(await first('/desk/live', 'h2c')).toContain('200')
  })

  test('are cut off when their instance has gone', async () => {
    const { web, mount } = await withSockets()
    const socket = await rawRequest(web, ask('/desk/live', 'websocket'))
    await once(socket, 'data')
    mount.unmount()
    await mount.drained(30_000)
    await once(socket.resume(), 'close')
  })
})

describe('closing', () => {
  test('lets requests under way finish, takes no new ones, and is safe twice', async () => {
    const web = await start()
    const slow = gate()
    web.mount('shop', await ready((app) => void app.get('/', slow.route)))
    const idle = await rawRequest(web, 'GET /nobody HTTP/1.1\r\nHost: h\r\n\r\n')
    await once(idle, 'data')
    const underWay = fetch(`${web.url}/shop`)
    await slow.reached
    const closed = web.close(10_000)
    expect(web.close(10_000)).toBe(closed)
    await once(idle.resume(), 'close')
    await expect(fetch(`${web.url}/shop`)).rejects.toThrow()
    slow.open('done')
    const answer = await underWay
    expect([await answer.text(), answer.headers.get('connection')]).toEqual(['done', 'close'])
    await closed
    expect(clock.waiting).toBe(0)
  })

  test('answers 503 when another request comes on a connection that is still open', async () => {
    const web = await start()
    const slow = gate()
    let finishStream = () => {}
    const streaming = (_request: unknown, reply: FastifyReply) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-length': '2' }).write('a')
      finishStream = () => void reply.raw.end('b')
    }
    web.mount('shop', await ready((app) => void app.get('/', slow.route).get('/stream', streaming)))
    const keepsItOpen = fetch(`${web.url}/shop`)
    const socket = await rawRequest(web, 'GET /shop/stream HTTP/1.1\r\nHost: h\r\n\r\n')
    await slow.reached
    await once(socket, 'data')
    const closed = web.close(10_000)
    finishStream()
    await once(socket, 'data')
    socket.write('GET /shop HTTP/1.1\r\nHost: h\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1.1 503 (.|\s)*Retry-After: 5(.|\s)*STOPPING/i)
    slow.open('done')
    await keepsItOpen
    await closed
  })

  test('does not wait for requests that have not even come in', async () => {
    const web = await start()
    const socket = await rawRequest(web, 'GET /shop HT')
    await fetch(web.url)
    await Promise.all([web.close(10_000), once(socket.resume(), 'close')])
  })

  test('cuts off what takes too long', async () => {
    const web = await start()
    const never = gate()
    web.mount('shop', await ready((app) => void app.get('/', never.route)))
    const underWay = fetch(`${web.url}/shop`).catch(() => 'cut off')
    await never.reached
    const closed = web.close(10_000)
    await clock.advance(10_000)
    await closed
    expect(await underWay).toBe('cut off')
  })
})
