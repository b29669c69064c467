import { randomBytes } from 'node:crypto'
import { getEventListeners, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { getGlobalDispatcher } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { isPrivateAddress } from '../../../core/services/addresses.ts'
import { type Http, makeHttp, publicLookup } from '../../../core/services/http.ts'
import { makeLog } from '../../../core/services/log.ts'
import { manualClock } from '../../../core/testing/clock.ts'

const running: (Server | Http)[] = []
afterEach(async () => {
  for (const one of running.splice(0).reverse()) {
    if ('closeAllConnections' in one) one.closeAllConnections()
    await one.close()
  }
})

/** A server on loopback. What it is asked for is answered by `answer`. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  running.push(server)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { server, port, host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}` }
}

function client(options: Partial<Parameters<typeof makeHttp>[0]> = {}) {
  const lines: string[] = []
  const log = makeLog({ level: 'debug', stream: { write: (line) => void lines.push(line) } })
  const clock = manualClock()
  const stop = new AbortController()
  const http = makeHttp({ log, clock, signal: stop.signal, allowPrivate: ['127.0.0.1'], ...options })
  running.push(http)
  return { fetch: http.fetch, http, clock, stop, lines }
}

const echo = (request: IncomingMessage, response: ServerResponse) =>
  void text(request).then((body) =>
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ method: request.method, url: request.url, type: request.headers['content-type'], body })),
  )

describe('asking', () => {
  test('is as with the global fetch, with its Response', async () => {
    const { fetch } = client()
    const { url } = await serve((request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']).setHeader('x-one', '1')
      response.writeHead(request.url === '/teapot' ? 418 : 200, 'Fine').end('body')
    })
    const answer = await fetch(`${url}/a?b`)
    expect(answer).toBeInstanceOf(Response)
    expect(answer).toMatchObject({ status: 200, statusText: 'Fine', ok: true, url: `${url}/a?b`, redirected: false })
    expect([answer.headers.get('x-one'), answer.headers.getSetCookie()]).toEqual(['1', ['a=1', 'b=2']])
    expect(await answer.text()).toBe('body')
    expect((await fetch(new URL(`${url}/teapot`))).status).toBe(418)
  })

  test('takes texts, bytes, forms with files, streams and Requests', async () => {
    const { fetch } = client()
    const { url } = await serve(echo)
    const post = async (body: RequestInit['body'], more: RequestInit = {}) =>
      JSON.parse(await (await fetch(url, { method: 'POST', body: body ?? null, ...more })).text())
    expect(await post('hello')).toMatchObject({ method: 'POST', body: 'hello' })
    expect(await post(new Blob(['blob'], { type: 'image/png' }))).toMatchObject({ type: 'image/png', body: 'blob' })
    const form = new FormData()
    form.append('media', new File(['file content'], 'cat.png', { type: 'image/png' }))
    form.append('kind', 'image')
    const sent = await post(form)
    expect(sent.type).toMatch(/^multipart\/form-data; boundary=/)
    expect(sent.body).toMatch(/name="media"; filename="cat.png"\r\nContent-Type: image\/png\r\n\r\nfile content/)
    expect(sent.body).toContain('name="kind"\r\n\r\nimage')
    expect(await post(new Blob(['streamed']).stream(), { duplex: 'half' })).toMatchObject({ body: 'streamed' })
    const request = new Request(`${url}/r?x=1`, {
      method: 'PUT',
      body: 'from a Request',
      headers: { 'content-type': 'a/b' },
    })
    expect(await (await fetch(request)).json()).toEqual({
      method: 'PUT',
      url: '/r?x=1',
      type: 'a/b',
      body: 'from a Request',
    })
    expect(await (await fetch(new Request(url), { method: 'DELETE' })).json()).toMatchObject({ method: 'DELETE' })
  })

  test('works for answers without body and for HEAD', async () => {
    const { fetch } = client()
    const { url } = await serve(
      (request, response) => void response.writeHead(request.url === '/204' ? 204 : 200).end('x'),
    )
    expect(await (await fetch(`${url}/204`)).text()).toBe('')
    expect(await (await fetch(url, { method: 'HEAD' })).text()).toBe('')
  })

  test('follows redirects, and says where it ended', async () => {
    const { fetch } = client()
    const { url } = await serve((request, response) => {
      if (request.url === '/to') response.end('here')
      else response.writeHead(302, { location: '/to' }).end()
    })
    const answer = await fetch(`${url}/from`)
    expect([answer.url, answer.redirected, await answer.text()]).toEqual([`${url}/to`, true, 'here'])
  })

  test('unpacks, and hands on piece by piece', async () => {
    const { fetch } = client()
    const { url } = await serve((request, response) => {
      if (request.url === '/gzip') return response.setHeader('content-encoding', 'gzip').end(gzipSync('unpacked'))
      response.write('data: 1\n\n')
      request.socket.once('data', () => response.end())
    })
    expect(await (await fetch(`${url}/gzip`)).text()).toBe('unpacked')
    const reader = (await fetch(url)).body?.getReader()
    const piece = await reader?.read()
    expect(new TextDecoder().decode(piece?.value)).toBe('data: 1\n\n')
    await reader?.cancel()
  })
})

describe('an answer', () => {
  test('that is long and read slowly comes whole, and is not fetched before it is wanted', async () => {
    const { fetch } = client()
    const { server, url } = await serve((_request, response) => void response.end(Buffer.alloc(9 << 20, 'x')))
    const connection = once(server, 'connection')
    const answer = await fetch(url)
    const [socket] = await connection
    let sizeBytes = 0
    let pieces = 0
    for await (const piece of answer.body ?? []) {
      expect(piece.byteLength).toBeGreaterThan(0)
      // Loopback takes a few megabytes into its buffers, and no reader more than it asks for.
      if (pieces++ === 0) expect(socket.writableLength).toBeGreaterThan(1 << 20)
      sizeBytes += piece.byteLength
    }
    expect(sizeBytes).toBe(9 << 20)
  })

  test('that is short gives its body in every form, once', async () => {
    const { fetch } = client()
    const { url } = await serve((_request, response) => void response.setHeader('x', '1').end('{"a":"é"}'))
    expect(await (await fetch(url)).json()).toEqual({ a: 'é' })
    expect(await (await fetch(url)).bytes()).toEqual(new TextEncoder().encode('{"a":"é"}'))
    expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(10)
    expect((await (await fetch(url)).blob()).size).toBe(10)
    expect(await new Response((await fetch(url)).body).text()).toBe('{"a":"é"}')
    const answer = await fetch(url)
    const copy = answer.clone()
    expect([answer.bodyUsed, await answer.text(), answer.bodyUsed]).toEqual([false, '{"a":"é"}', true])
    await expect(answer.text()).rejects.toThrow(TypeError)
    expect(answer.body?.locked).toBe(true)
    expect(() => answer.clone()).toThrow(TypeError)
    expect([copy.url, copy.headers.get('x'), await copy.text()]).toEqual([`${url}/`, '1', '{"a":"é"}'])
    const streamed = await fetch(url)
    await streamed.body?.cancel()
    expect(streamed.bodyUsed).toBe(true)
    await expect(streamed.text()).rejects.toThrow(TypeError)
  })

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('packed with %s that breaks off fails, and nothing is left of it', async (packing, pack) => {
    const { fetch, clock } = client()
    const packed = pack(randomBytes(200_000))
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': packing, 'content-length': packed.length })
      response.write(packed.subarray(0, 100_000), () => response.destroy())
    })
    const read = async () => (await fetch(url)).bytes()
    await expect(read()).rejects.toThrow(TypeError)
    expect(clock.waiting).toBe(0)
  })

  test('that breaks off after its head is one, and its body fails', async () => {
    const { fetch } = client()
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('half', () => response.destroy())
    })
    const answer = await fetch(url)
    expect(answer.status).toBe(200)
    await expect(answer.text()).rejects.toThrow('terminated')
  })

  test('from a port of another protocol is not asked for, also by a redirect', async () => {
    const { fetch } = client()
    const { url } = await serve((_request, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:25/' }).end()
    })
    const refused = { message: 'fetch failed', cause: { message: 'bad port' } }
    await expect(fetch('http://127.0.0.1:25/')).rejects.toMatchObject(refused)
    await expect(fetch(url)).rejects.toMatchObject(refused)
  })

  test('packed in a way that is none fails', async () => {
    const { fetch } = client()
    const { url } = await serve((_request, response) => void response.setHeader('content-encoding', 'gzip').end('text'))
    await expect((async () => (await fetch(url)).text())()).rejects.toThrow(TypeError)
  })

  test('with more than one header of a name has them all', async () => {
    const { fetch } = client()
    const { url } = await serve((_request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']).setHeader('vary', ['x', 'y']).write('long '.repeat(30_000))
      response.end()
    })
    const { headers } = await fetch(url)
    expect([headers.getSetCookie(), headers.get('vary')]).toEqual([['a=1', 'b=2'], 'x, y'])
  })

  test('that redirects is followed, handed on or refused, as the caller says', async () => {
    const { fetch } = client()
    const asked: string[] = []
    const { url } = await serve((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers['content-type']}`)
      if (request.url === '/loop') response.writeHead(302, { location: `/loop` }).end()
      else if (request.url === '/away') response.writeHead(302, { location: 'ftp://elsewhere/' }).end()
      else if (request.url === '/from') response.writeHead(302, { location: '/to' }).end()
      else response.end('here')
    })
    const post = (path: string, redirect: Request['redirect']) =>
      fetch(`${url}${path}`, { method: 'POST', body: 'x', redirect })
    expect((await post('/from', 'follow')).url).toBe(`${url}/to`)
    expect(asked.splice(0)).toEqual(['POST /from text/plain;charset=UTF-8', 'GET /to undefined'])
    expect(await post('/from', 'manual')).toMatchObject({ status: 302, url: `${url}/from`, redirected: false })
    await expect(post('/from', 'error')).rejects.toThrow(TypeError)
    await expect(post('/loop', 'follow')).rejects.toThrow(TypeError)
    await expect(post('/away', 'follow')).rejects.toThrow(TypeError)
  })
})

describe('private addresses', () => {
  const refused = { code: 'HTTP_PRIVATE_ADDRESS' }

  test.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.9.9.9', '169.254.169.254'],
    ...['172.16.0.1', '172.31.255.255', '192.168.1.1', '224.0.0.1', '255.255.255.255', '198.18.0.1'],
    ...[
      '::',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:a00:1',
      '::ffff:169.254.169.254',
      '::127.0.0.1',
      'fc00::1',
      'fd00:ec2::254',
    ],
    ...[
      'fe80::1',
      'fe80::1%eth0',
      'febf::1',
      'fec0::1',
      'ff02::1',
      '64:ff9b::7f00:1',
      '64:ff9b::10.0.0.1',
      '2002:7f00:1::',
    ],
    ...['2002:a9fe:a9fe::1', '64:ff9b:1::1', 'not an address', ''],
  ])('%s is one', (address) => {
    expect(isPrivateAddress(address)).toBe(true)
  })

  test.each([
    ...[
      '1.1.1.1',
      '8.8.8.8',
      '100.63.255.255',
      '100.128.0.1',
      '172.15.255.255',
      '172.32.0.1',
      '169.253.1.1',
      '192.167.1.1',
    ],
    ...['223.255.255.255', '2606:4700:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808', '2002:808:808::1', '2a00::1'],
  ])('%s is none', (address) => {
    expect(isPrivateAddress(address)).toBe(false)
  })

  test('are refused however they are written, before anything is sent', async () => {
    const { fetch } = client({ allowPrivate: [] })
    let asked = 0
    const { port } = await serve((_request, response) => {
      asked++
      response.end()
    })
    for (const host of [
      '127.0.0.1',
      'localhost',
      '0.0.0.0',
      '2130706433',
      '0x7f.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::]',
    ])
      await expect(fetch(`http://${host}:${port}/`), host).rejects.toMatchObject(refused)
    expect(asked).toBe(0)
  })

  test('are refused in redirects from a host that is allowed', async () => {
    const inner = await serve((_request, response) => void response.end('secret'))
    const outer = await serve((_request, response) => void response.writeHead(302, { location: inner.url }).end())
    const { fetch } = client({ allowPrivate: [outer.host] })
    await expect(fetch(outer.url)).rejects.toMatchObject(refused)
    const both = client({ allowPrivate: [outer.host, inner.host] })
    expect(await (await both.fetch(outer.url)).text()).toBe('secret')
  })

  test('may be asked by name when the name is allowed, with or without port', async () => {
    const { port } = await serve((_request, response) => void response.end('hello'))
    const ask = (allowPrivate: string[]) => client({ allowPrivate }).fetch(`http://LocalHost:${port}`)
    expect(await (await ask(['localhost'])).text()).toBe('hello')
    expect(await (await ask([`Localhost:${port}`])).text()).toBe('hello')
    await expect(ask(['localhost:1', '127.0.0.1', 'ocalhost', ''])).rejects.toMatchObject(refused)
  })

  test('may be allowed later', async () => {
    const { url, host } = await serve((_request, response) => void response.end('hello'))
    let allowed: readonly string[] = []
    const { fetch } = client({ allowPrivate: () => allowed })
    await expect(fetch(url)).rejects.toMatchObject(refused)
    allowed = [host]
    expect(await (await fetch(url)).text()).toBe('hello')
  })

  test('are looked for among all that a name stands for', async () => {
    const look = promisify(publicLookup)
    // Nothing is asked of the network for a name that is an address.
    expect(await look('8.8.8.8', { all: true })).toEqual([{ address: '8.8.8.8', family: 4 }])
    expect(await look('8.8.8.8', {})).toBe('8.8.8.8')
    await expect(look('169.254.169.254', {})).rejects.toMatchObject(refused)
    await expect(look('no such name', {})).rejects.toMatchObject({
      code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN|EINVAL/),
    })
  })

  test('cannot be reached through a dispatcher of the caller', async () => {
    const { fetch } = client({ allowPrivate: [] })
    const { url } = await serve((_request, response) => void response.end())
    const init: RequestInit = {}
    Object.assign(init, { dispatcher: getGlobalDispatcher() })
    await expect(fetch(url, init)).rejects.toMatchObject(refused)
  })
})

describe('limits', () => {
  const silent = () => serve(() => {})
  const trickling = () => serve((_request, response) => void response.write('a'))

  test('an answer that does not come in time is given up', async () => {
    const { fetch, clock } = client()
    const { server, url } = await silent()
    const asked = fetch(`${url}/slow?token=1`)
    asked.catch(() => {})
    await once(server, 'request')
    await clock.advance(29_999)
    expect(clock.waiting).toBe(1)
    await clock.advance(1)
    await expect(asked).rejects.toMatchObject({
      code: 'HTTP_TIMEOUT',
      message: expect.stringContaining(`GET ${url}/slow: 30 s.`),
    })
  })

  test('so is a body that does not end', async () => {
    const { fetch, clock } = client()
    const answer = await fetch((await trickling()).url)
    const body = answer.text()
    body.catch(() => {})
    await clock.advance(30_000)
    await expect(body).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' })
  })

  test('a body that nobody reads is let go of', async () => {
    const { fetch, clock } = client()
    const { server, url } = await trickling()
    const connection = once(server, 'connection')
    await fetch(url)
    const [socket] = await connection
    await Promise.all([once(socket, 'close'), clock.advance(30_000)])
    expect(clock.waiting).toBe(0)
  })

  test('callers with a signal of their own have longer', async () => {
    const { fetch, clock } = client()
    const { server, url } = await silent()
    const asked = fetch(url, { signal: new AbortController().signal })
    asked.catch(() => {})
    await once(server, 'request')
    await clock.advance(299_999)
    expect(clock.waiting).toBe(1)
    await clock.advance(1)
    await expect(asked).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' })
  })

  test.each(['answer', 'body'])('a signal ends it while the %s is waited for, with its reason', async (what) => {
    const { fetch, stop, clock } = client()
    const { server, url } = what === 'body' ? await trickling() : await silent()
    const own = new AbortController()
    const read = async (signal?: AbortSignal) => (await fetch(url, signal ? { signal } : {})).text()
    const first = read(own.signal)
    const second = read()
    for (const asked of [first, second]) asked.catch(() => {})
    await once(server, 'request')
    own.abort(new Error('the turn is over'))
    await expect(first).rejects.toThrow('the turn is over')
    stop.abort(new Error('the instance stops'))
    await expect(second).rejects.toThrow('the instance stops')
    await expect(fetch(url)).rejects.toThrow('the instance stops')
    expect(clock.waiting).toBe(0)
  })

  test('nothing is left on the signals when all is read, cancelled or failed', async () => {
    const { fetch, stop, clock } = client()
    const { url } = await serve((_request, response) => void response.end('x'.repeat(100)))
    const own = new AbortController()
    await (await fetch(url, { signal: own.signal })).text()
    await (await fetch(url, { signal: own.signal })).body?.cancel()
    await fetch(url, { signal: own.signal, method: 'HEAD' })
    await expect(fetch('http://[::1]:1/', { signal: own.signal })).rejects.toThrow()
    await expect(fetch('no url', { signal: own.signal })).rejects.toThrow(TypeError)
    expect(getEventListeners(own.signal, 'abort')).toEqual([])
    // One for all that are under way, however many those are.
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1)
    expect(clock.waiting).toBe(0)
  })

  test.each([
    ['says so', (response: ServerResponse) => void response.setHeader('content-length', 1001).end('x'.repeat(1001))],
    ['does not say so', (response: ServerResponse) => void response.write('x'.repeat(1001))],
    [
      'is packed',
      (response: ServerResponse) => void response.setHeader('content-encoding', 'gzip').end(gzipSync('x'.repeat(1001))),
    ],
  ])('an answer that is too large and %s is not read', async (_how, answer) => {
    const { fetch, clock } = client({ maxBytes: 1000 })
    const { server, url } = await serve((_request, response) => answer(response))
    const connection = once(server, 'connection')
    const read = async () => (await fetch(url)).text()
    await expect(read()).rejects.toMatchObject({
      code: 'HTTP_TOO_LARGE',
      message: expect.stringContaining('1000 bytes'),
    })
    const [socket] = await connection
    expect(clock.waiting).toBe(0)
    if (_how === 'does not say so') await once(socket, 'close')
  })

  test('an answer that says it is too large is refused before its body comes', async () => {
    const { fetch } = client({ maxBytes: 1000 })
    const { url } = await serve(
      (_request, response) => void response.writeHead(200, { 'content-length': 1001 }).write(''),
    )
    await expect(fetch(url)).rejects.toMatchObject({ code: 'HTTP_TOO_LARGE' })
  })

  test('an answer as large as allowed is read', async () => {
    const { fetch } = client({ maxBytes: 1000 })
    const { url } = await serve((_request, response) => void response.end('x'.repeat(1000)))
    expect(await (await fetch(url)).text()).toHaveLength(1000)
  })
})

describe('the log', () => {
  test('has method, address, status and time, and nothing that was sent or came', async () => {
    const { fetch, lines } = client()
    const { url } = await serve((_request, response) => void response.setHeader('x-in', 'H1DDEN').end('H1DDEN'))
    const headers = { authorization: 'H1DDEN' }
    await (await fetch(`${url}/path?access_token=H1DDEN`, { method: 'post', headers, body: 'H1DDEN' })).text()
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'debug',
      method: 'POST',
      url: `${url}/path`,
      status: 200,
      ms: 0,
    })
    expect(lines.join()).not.toContain('H1DDEN')
  })

  test('says why an answer did not come', async () => {
    const { fetch, lines } = client({ allowPrivate: [] })
    await expect(fetch('http://127.0.0.1:8099/')).rejects.toThrow()
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      url: 'http://127.0.0.1:8099/',
      error: { code: 'HTTP_PRIVATE_ADDRESS' },
    })
  })
})

describe('closing', () => {
  test('lets go of every connection, also of those in use, and is safe twice', async () => {
    const { fetch, http } = client()
    const { server, url } = await serve((request, response) => {
      if (request.url === '/quick') response.end('x')
    })
    const sockets: Promise<unknown>[] = []
    server.on('connection', (socket) => sockets.push(once(socket, 'close')))
    const hanging = fetch(`${url}/hangs`)
    hanging.catch(() => {})
    await (await fetch(`${url}/quick`)).text()
    await Promise.all([http.close(), http.close()])
    await expect(hanging).rejects.toThrow()
    expect(sockets).toHaveLength(2)
    await Promise.all(sockets)
    await expect(fetch(url)).rejects.toThrow()
  })
})
