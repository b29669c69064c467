/** What a channel with pages in browsers needs of its `web`: WebSockets, event streams, preflights, and who calls. */
import { once } from 'node:events'
import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import websocket from '@fastify/websocket'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { ALWAYS, defineChannel, z } from '#core'
import { type TestConfig, testRuntime } from '#core/testing'
import { ask } from './asking.ts'

const TOKEN = 'token.good'

/** A channel that repeats what it is told by WebSocket, and streams to whoever asks for events. */
function browserChannel() {
  /** What its routes have seen, in order. */
  const seen: string[] = []
  const plugin = defineChannel({
    name: 'pages',
    summary: 'Talks to browsers.',
    config: z.strictObject({ greeting: z.string().default('hello') }),
    account: () => 'pages',
    capabilities: () => ({ sends: { text: {} }, later: [ALWAYS], showsIdentity: 'none' }),
    async setup({ web, config, callerOf, clock, media, receive, onDispose }) {
      onDispose(() => void seen.push('stopped'))
      await web.register(websocket, {
        options: { maxPayload: 100, perMessageDeflate: false, handleProtocols: () => 'switchboard.1' },
      })
      web.get('/caller', ({ raw }) => callerOf(raw))
      web.register(async (uploads) => {
        uploads.removeAllContentTypeParsers()
        uploads.addContentTypeParser('*', (_request, _body, done) => done(null))
        uploads.post('/files', async ({ raw }) => media.keep(raw, { maxBytes: 1_000_000 }))
      })
      web.post('/pictures', async ({ body }, reply) => {
        const url = z.string().parse(body)
        const parts = [{ type: 'image', url } as const]
        await receive({ id: url, chat: 'u1', type: 'message', atMs: clock.now(), parts })
        const opened = await media.open(url)
        return reply.type(opened.mimeType).send(opened.body.stream())
      })
      web.options('/*', (_request, reply) => reply.code(204).header('access-control-allow-origin', '*').send())
      web.route({
        method: 'GET',
        url: '/events',
        preValidation: async (request, reply) => {
          if (request.headers['sec-websocket-protocol']?.includes(TOKEN) || !request.ws) return undefined
          seen.push(`refused ${callerOf(request.raw).address}`)
          return reply.code(401).send({ code: 'NOT_SIGNED_IN', message: 'The token is not good.' })
        },
        handler(_request, reply) {
          reply.hijack()
          reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
          reply.raw.write(`data: ${config.greeting}\n\n`)
          reply.raw.once('close', () => void seen.push('stream closed'))
        },
        wsHandler(socket) {
          socket.send(config.greeting)
          socket.on('message', (data) => socket.send(`you said ${String(data)}`))
          socket.on('close', () => void seen.push('socket closed'))
        },
      })
      return { send: async () => ({}) }
    },
  })
  return { plugin, seen }
}

function start(channel: ReturnType<typeof browserChannel>, more: TestConfig = {}) {
  return testRuntime(config(channel, more), { listen: true })
}

function config({ plugin }: ReturnType<typeof browserChannel>, more: TestConfig = {}): TestConfig {
  return { channels: { pages: { use: plugin } }, bots: { bot: { use: 'echo' } }, ...more }
}

/** A WebSocket, with everything that it is told, from its first moment on. */
function connect(url: string | undefined, protocols = ['switchboard.1', TOKEN]) {
  const socket = new WebSocket(`${url}/pages/events`.replace('http', 'ws'), protocols)
  const heard: string[] = []
  socket.on('message', (data) => void heard.push(String(data)))
  const hears = async (text: string) => {
    while (!heard.includes(text)) await once(socket, 'message')
  }
  return { socket, heard, hears }
}

test('a WebSocket is opened and spoken through, and the channel sees it close', async () => {
  const channel = browserChannel()
  await using bot = await start(channel)
  const { socket, heard, hears } = connect(bot.runtime.url)
  await hears('hello')
  expect([socket.protocol, socket.extensions]).toEqual(['switchboard.1', ''])
  socket.send('one')
  await hears('you said one')
  expect(heard).toEqual(['hello', 'you said one'])
  socket.close()
  await once(socket, 'close')
  while (!channel.seen.includes('socket closed')) await setImmediate()
})

test('a WebSocket without a good token is answered 401 and never upgraded', async () => {
  const channel = browserChannel()
  await using bot = await start(channel)
  const { socket, heard } = connect(bot.runtime.url, ['switchboard.1', 'token.forged'])
  const opened: unknown[] = []
  socket.on('open', () => opened.push('open'))
  const [, response] = await once(socket, 'unexpected-response')
  expect(response).toMatchObject({ statusCode: 401 })
  let body = ''
  for await (const chunk of response) body += String(chunk)
  expect(JSON.parse(body)).toEqual({ code: 'NOT_SIGNED_IN', message: 'The token is not good.' })
  expect([opened, heard]).toEqual([[], []])
  expect(channel.seen).toEqual(['refused 127.0.0.1'])
})

test('a message that is larger than the channel takes closes its WebSocket, and no other', async () => {
  await using bot = await start(browserChannel())
  const [rude, kind] = [connect(bot.runtime.url), connect(bot.runtime.url)]
  await Promise.all([rude.hears('hello'), kind.hears('hello')])
  rude.socket.send('x'.repeat(101))
  const [code] = await once(rude.socket, 'close')
  expect(code).toBe(1009)
  kind.socket.send('still here')
  await kind.hears('you said still here')
})

test('a reload of the channel cuts its WebSockets and streams off, and a new one meets the new instance', async () => {
  const channel = browserChannel()
  await using bot = await start(channel)
  const old = connect(bot.runtime.url)
  await old.hears('hello')
  const closed = once(old.socket, 'close')
  const stream = await openStream(bot.runtime.url)
  await bot.apply(config(channel, { channels: { pages: { use: channel.plugin, greeting: 'hello again' } } }))
  await closed
  await stream.ended
  const { hears, socket } = connect(bot.runtime.url)
  await hears('hello again')
  socket.terminate()
})

test('stopping does not wait for WebSockets and event streams, and leaves none open', async () => {
  const channel = browserChannel()
  await using bot = await start(channel)
  const { socket, hears } = connect(bot.runtime.url)
  await hears('hello')
  const closed = once(socket, 'close')
  const stream = await openStream(bot.runtime.url)
  expect(stream.first).toBe('data: hello\n\n')
  // The clock stands still: had anything been waited for, this would never come back.
  await bot.runtime.stop()
  await closed
  await stream.ended
  while (channel.seen.length < 3) await setImmediate()
  expect(channel.seen.toSorted()).toEqual(['socket closed', 'stopped', 'stream closed'])
})

async function openStream(url: string | undefined) {
  const response = await fetch(`${url}/pages/events`, { headers: { accept: 'text/event-stream' } })
  const reader = response.body?.getReader()
  const first = await reader?.read()
  const rest = async () => {
    for (;;) {
      const { done } = (await reader?.read()) ?? { done: true }
      if (done) return
    }
  }
  // However it ends, it has ended.
  const ended = rest().catch(() => {})
  return { first: new TextDecoder().decode(first?.value), ended }
}

test('a preflight is answered by the channel', async () => {
  await using bot = await start(browserChannel())
  const headers = {
    origin: 'https://shop.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization, content-type',
  }
  const answered = await ask(`${bot.runtime.url}/pages/v1/messages`, headers, { method: 'OPTIONS' })
  expect(answered).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': '*' }, body: '' })
})

test('a channel is told who calls, as server.trustProxy has it', async () => {
  const FROM_OUTSIDE = { 'x-forwarded-for': '203.0.113.7' }
  const callerOf = async (server: object) => {
    await using bot = await start(browserChannel(), { server: { port: 0, publicUrl: 'http://localhost', ...server } })
    return JSON.parse((await ask(`${bot.runtime.url}/pages/caller`, FROM_OUTSIDE)).body)
  }
  expect(await callerOf({ trustProxy: ['127.0.0.1'] })).toEqual({ address: '203.0.113.7', isShared: false })
  expect(await callerOf({})).toEqual({ address: '127.0.0.1', isShared: true })
})

/** Sends a body without saying how long it is, as a browser may. */
function upload(url: string | undefined, body: ReadableStream | string) {
  const headers = { 'content-type': 'application/octet-stream' }
  return fetch(`${url}/pages/files`, { method: 'POST', body, headers, duplex: 'half' })
}

test('an upload is kept, its message has it without a fetch, and the channel shows it', async () => {
  await using bot = await start(browserChannel())
  const { url, ...about } = z
    .object({ url: z.string() })
    .loose()
    .parse(await (await upload(bot.runtime.url, 'a note')).json())
  expect(about).toEqual({ mimeType: 'text/plain', sizeBytes: 6 })
  const headers = { 'content-type': 'application/json' }
  const shown = await fetch(`${bot.runtime.url}/pages/pictures`, { method: 'POST', body: JSON.stringify(url), headers })
  expect([shown.headers.get('content-type'), await shown.text()]).toEqual(['text/plain', 'a note'])
  await bot.idle()
  const [row] = await bot.runtime.engine.read.selectFrom('media').selectAll().execute()
  expect(row).toMatchObject({ state: 'here', source: url, mime_type: 'text/plain' })
  const entry = await bot.runtime.engine.read
    .selectFrom('entry')
    .select('body_json')
    .where('kind', '=', 'in')
    .executeTakeFirstOrThrow()
  expect(JSON.parse(entry.body_json).parts).toEqual([{ type: 'image', url: `media:${row?.id}` }])
})

test('an upload that is too large is told so, whether it has ended or not', async () => {
  await using bot = await start(browserChannel())
  const whole = await upload(bot.runtime.url, 'x'.repeat(1_000_001))
  expect([whole.status, await whole.json()]).toMatchObject([413, { code: 'MEDIA_TOO_LARGE' }])
  const asking = request(`${bot.runtime.url}/pages/files`, { method: 'POST', agent: false })
  asking.setHeader('content-type', 'application/octet-stream').write('x'.repeat(1_000_001))
  const [response] = await once(asking, 'response')
  expect([response.statusCode, await json(response)]).toMatchObject([413, { code: 'MEDIA_TOO_LARGE' }])
  asking.on('error', () => {}).destroy()
})
