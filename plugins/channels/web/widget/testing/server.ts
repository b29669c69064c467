/** The far side of the widget in its tests: a real server on loopback that speaks the protocol, and can misbehave. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { WebSocket, WebSocketServer } from 'ws'
import { type Frame, type Item, PAGE, PROTOCOL, type ShownPart, type Snapshot, TOKEN_PROTOCOL } from '../../protocol.ts'

/** One request as it came. */
export interface Asked {
  readonly method: string
  /** Without the channel: `v1/messages`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
  readonly token: string | undefined
}

/** How the server misbehaves, until it is changed. */
export interface Faults {
  refuseUpgrades: boolean
  refuseEvents: boolean
  /** Of all requests that are no streams. */
  status: number | undefined
  retryAfter: string | undefined
  /** No token is good, also a new one. */
  refuseTokens: boolean
  /** No file is taken, until so many seconds are over. */
  filesAfterS: number | undefined
  /** So many messages come when their file is here no longer. */
  loseFiles: number
  /** What is asked for by POST is done, but the answer gets lost. */
  loseAnswers: boolean
  /** The stream does not bring items. */
  keepBack: boolean
  /** Sends each frame of the stream as these frames. */
  distort: (frame: Frame) => readonly Frame[]
}

interface Stream {
  readonly visitor: string
  readonly kind: 'socket' | 'events'
  write(frame: unknown): void
  end(code?: number, reason?: string): void
  cut(): void
}

export interface Server extends AsyncDisposable {
  readonly base: string
  readonly faults: Faults
  readonly asked: Asked[]
  /** The kinds of the streams that were opened, in order. */
  readonly opened: string[]
  /** How many streams there are now. */
  readonly streams: number
  /** The log of a visitor; of the one who has written or is there if none is named. */
  log(visitor?: string): readonly Item[]
  /** Those who have a log. */
  readonly visitors: readonly string[]
  /** Changes the snapshot, and tells it. */
  set(patch: Partial<Snapshot>): void
  say(text: string, visitor?: string): void
  /** Anything on all streams. */
  write(frame: unknown): void
  /** Breaks all streams without a word. */
  cut(): void
  /** Closes all WebSockets. */
  end(code: number, reason: string): void
  /** No token is good any longer. */
  forgetTokens(): void
  /** The log is what a backup of long ago knew. */
  setBack(): void
  /** What stands before this number is kept no longer. */
  trim(from: number): void
  down(): Promise<void>
  up(): Promise<void>
}

export async function testServer(): Promise<Server> {
  const tokens = new Map<string, string>()
  const logs = new Map<string, Item[]>()
  const read = new Map<string, number>()
  const names = new Map<string, string>()
  const streams = new Set<Stream>()
  const asked: Asked[] = []
  const opened: string[] = []
  const faults: Faults = {
    refuseUpgrades: false,
    refuseEvents: false,
    status: undefined,
    retryAfter: undefined,
    refuseTokens: false,
    filesAfterS: undefined,
    loseFiles: 0,
    loseAnswers: false,
    keepBack: false,
    distort: (frame) => [frame],
  }
  let state: Partial<Snapshot> = {}
  let port = 0
  let made = 0

  const visitors = () => [...logs].flatMap(([visitor, log]) => (log.length > 0 ? visitor : []))
  const usual = () => visitors()[0] ?? [...streams][0]?.visitor ?? [...logs.keys()][0] ?? ''
  const logOf = (visitor = usual()) => logs.get(visitor) ?? []
  const snapshotOf = (visitor: string): Snapshot => ({
    available: true,
    conversation: 'none',
    read: read.get(visitor) ?? 0,
    name: names.get(visitor),
    ...state,
    head: logOf(visitor).at(-1)?.seq ?? 0,
  })

  function makeToken(visitor = `visitor${++made}`): string {
    const token = `${visitor}.9999999999.${names.get(visitor) ?? ''}.${randomUUID()}`
    tokens.set(token, visitor)
    if (!logs.has(visitor)) logs.set(visitor, [])
    return token
  }

  function append(visitor: string, id: string, rest: { by: 'visitor' | 'us'; part: ShownPart; choice?: string }): Item {
    const log = logs.get(visitor) ?? []
    const same = log.find((item) => item.id === id)
    if (same) return same
    const item: Item = { seq: (log.at(-1)?.seq ?? 0) + 1, id, atMs: 1_767_225_600_000, ...rest }
    log.push(item)
    if (!faults.keepBack) send(visitor, { type: 'item', item })
    return item
  }

  function send(visitor: string | undefined, frame: Frame): void {
    for (const stream of streams) {
      if (visitor !== undefined && stream.visitor !== visitor) continue
      for (const one of faults.distort(frame)) stream.write(one)
    }
  }

  function open(stream: Stream, after: number): void {
    streams.add(stream)
    opened.push(stream.kind)
    const items = logOf(stream.visitor).filter(({ seq }) => seq > after)
    stream.write({ type: 'hello', snapshot: snapshotOf(stream.visitor), heartbeatMs: 20_000 })
    const recent = items.slice(-PAGE)
    const from = recent[0]?.seq ?? after + 1
    if (from > after + 1) stream.write({ type: 'skip', from })
    const frames = recent.flatMap((item) => faults.distort({ type: 'item', item }))
    if (!faults.keepBack) for (const frame of frames) stream.write(frame)
  }

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(message.url ?? '/', 'http://loopback')
    const path = url.pathname.replace('/site/', '')
    const token = message.headers.authorization?.replace('Bearer ', '')
    const method = message.method ?? ''
    const bytes = await buffer(message)
    const isJson = message.headers['content-type'] === 'application/json'
    const body: unknown = isJson ? JSON.parse(bytes.toString()) : bytes.length > 0 ? bytes : undefined
    asked.push({ method, path, query: url.searchParams, body, token })
    const visitor = faults.refuseTokens ? undefined : tokens.get(token ?? '')
    const isStream = message.headers.accept === 'text/event-stream'

    function reply(status: number, value?: unknown): void {
      if (faults.loseAnswers && method === 'POST') {
        message.socket.destroy()
        return
      }
      const retryAfter = status === 429 && faults.filesAfterS ? `${faults.filesAfterS}` : faults.retryAfter
      const headers = retryAfter ? { 'retry-after': retryAfter } : {}
      response.writeHead(status, headers).end(value === undefined ? undefined : JSON.stringify(value))
    }

    if (isStream ? faults.refuseEvents : faults.status) {
      reply(faults.status ?? 503, { code: 'NOT_NOW', message: 'Not now.' })
    } else if (path === 'v1/session') {
      const old = tokens.get(field(body, 'token') ?? '')
      const fresh = makeToken(old)
      reply(200, { token: fresh, snapshot: snapshotOf(old ?? '') })
    } else if (visitor === undefined) {
      reply(401, { code: 'TOKEN', message: 'The token is not good.' })
    } else if (path === 'v1/messages') {
      if (field(body, 'file') !== undefined && faults.loseFiles-- > 0)
        return reply(410, { code: 'FILE_GONE', message: 'The file is here no longer.' })
      const text = field(body, 'text')
      const file = field(body, 'file')
      const id = field(body, 'id') ?? ''
      if (text === 'BAD') return reply(400, { code: 'TEXT_BAD', message: 'Not like this.' })
      const part: ShownPart = file ? { type: 'file', url: `files/${file}` } : { type: 'text', text: text ?? '' }
      const choice = field(body, 'choice')
      const { seq } = append(visitor, id, { by: 'visitor', part, ...(choice === undefined ? {} : { choice }) })
      reply(200, { seq })
    } else if (path === 'v1/files' && faults.filesAfterS) {
      reply(429, { code: 'TOO_MANY_FILES', message: 'Too much was uploaded.' })
    } else if (path === 'v1/files') {
      reply(200, { file: `ref-${url.searchParams.get('name')}`, type: 'file' })
    } else if (path === 'v1/read') {
      read.set(visitor, Number(field(body, 'seq')))
      reply(204)
    } else if (path === 'v1/typing') {
      reply(204)
    } else if (path === 'v1/identify') {
      const identity = field(body, 'identity') ?? ''
      if (identity === 'forged') return reply(403, { code: 'IDENTITY', message: 'Nobody signed this.' })
      const known = `known-${identity}`
      names.set(known, identity)
      reply(200, { token: makeToken(known), snapshot: snapshotOf(known) })
    } else if (isStream) {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      const stream: Stream = {
        visitor,
        kind: 'events',
        write(frame) {
          if (response.writableEnded) return
          response.write(`: so that nobody waits\n\nevent: frame\ndata: ${JSON.stringify(frame)}\n\n`)
        },
        end: () => response.end(),
        cut: () => message.socket.destroy(),
      }
      response.on('close', () => streams.delete(stream))
      open(stream, Number(url.searchParams.get('after')))
    } else if (path === 'v1/events') {
      const before = url.searchParams.get('before')
      const after = Number(url.searchParams.get('after'))
      const all = logOf(visitor).filter(({ seq }) => (before ? seq < Number(before) : seq > after))
      const items = before ? all.slice(-PAGE) : all.slice(0, PAGE)
      reply(200, { items, more: items.length < all.length, snapshot: snapshotOf(visitor) })
    } else {
      reply(404, { code: 'NOWHERE', message: 'There is nothing here.' })
    }
  }

  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const server = createServer((message, response) => {
    answer(message, response).catch(() => response.destroy())
  })
  server.on('upgrade', (message, socket, head) => {
    // Whoever is refused may have gone already.
    socket.on('error', () => socket.destroy())
    const offered = (message.headers['sec-websocket-protocol'] ?? '').split(/,\s*/)
    const token = offered.find((one) => one.startsWith(TOKEN_PROTOCOL))?.slice(TOKEN_PROTOCOL.length)
    const visitor = faults.refuseTokens ? undefined : tokens.get(token ?? '')
    if (faults.refuseUpgrades || visitor === undefined || !offered.includes(PROTOCOL)) {
      socket.end(`HTTP/1.1 ${visitor ? 403 : 401} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
      return
    }
    const after = Number(new URL(message.url ?? '/', 'http://loopback').searchParams.get('after'))
    sockets.handleUpgrade(message, socket, head, (client) => {
      const stream: Stream = {
        visitor,
        kind: 'socket',
        write: (frame) => client.readyState === WebSocket.OPEN && client.send(JSON.stringify(frame)),
        end: (code, reason) => client.close(code, reason),
        cut: () => client.terminate(),
      }
      client.on('error', () => {})
      client.on('close', () => streams.delete(stream))
      open(stream, after)
    })
  })

  const listen = () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen()
  const address = server.address()
  port = typeof address === 'object' && address ? address.port : 0

  async function down(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const stream of streams) stream.cut()
    server.closeAllConnections()
    await closed
  }

  return {
    base: `http://127.0.0.1:${port}/site/`,
    faults,
    asked,
    opened,
    get streams() {
      return streams.size
    },
    log: logOf,
    get visitors() {
      return visitors()
    },
    set(patch) {
      state = { ...state, ...patch }
      for (const { visitor } of streams) send(visitor, { type: 'snapshot', snapshot: snapshotOf(visitor) })
    },
    say(text, visitor = usual()) {
      append(visitor, randomUUID(), { by: 'us', part: { type: 'text', text } })
    },
    write(frame) {
      for (const stream of streams) stream.write(frame)
    },
    cut() {
      for (const stream of streams) stream.cut()
    },
    end(code, reason) {
      for (const stream of streams) stream.end(code, reason)
    },
    forgetTokens: () => tokens.clear(),
    setBack() {
      for (const log of logs.values()) log.length = 0
    },
    trim(from) {
      for (const [visitor, log] of logs)
        logs.set(
          visitor,
          log.filter(({ seq }) => seq >= from),
        )
    },
    down,
    up: listen,
    async [Symbol.asyncDispose]() {
      if (server.listening) await down()
    },
  }
}

function field(body: unknown, name: string): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const value: unknown = Object.entries(body).find(([key]) => key === name)?.[1]
  return value === undefined ? undefined : String(value)
}
