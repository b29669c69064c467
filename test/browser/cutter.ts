/**
 * The bad line between a browser and the server: a proxy at the wire that loses what it is given. What it does is drawn
 * from a seed; what it draws depends on when requests come, so that a seed repeats the weather and not the moments.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Random } from '../crash/random.ts'

/** Of a hundred requests or frames, so many meet with this. What is left out does not happen. */
export interface Weather {
  /** Requests of which the server never hears; WebSockets are not among them. */
  readonly lostRequests?: number | undefined
  /** Requests that the server has handled, and whose answer is lost. */
  readonly lostAnswers?: number | undefined
  /** Requests answered with 503. */
  readonly unavailable?: number | undefined
  /** WebSockets answered with 403. */
  readonly refusedUpgrades?: number | undefined
  /** Frames of the server that come twice. */
  readonly doubledFrames?: number | undefined
  /** Frames of the server that come after the one behind them. */
  readonly lateFrames?: number | undefined
}

export interface Cutter extends AsyncDisposable {
  /** Where browsers find it: the same, however often the server moves. */
  readonly url: string
  /** Where the server is now. */
  target: string
  /** From now on. `{}` is the good line that it begins with. */
  weather: Weather
  /** Breaks every connection there is; says how many. */
  cut(): number
  /** Whether it takes connections at all. Those there are stay. */
  isOpen: boolean
  /** What it has done so far, by the names of the weather. */
  readonly done: { readonly [What in keyof Weather | 'cuts']-?: number }
  /** Resolves when the next stream of events begins: a WebSocket that the server takes, or an answer without an end. */
  nextStream(): Promise<void>
  /** How many streams of events are open. */
  readonly openStreams: number
  /** Every request so far that was not lost: `GET /site/v1/events?after=3`. */
  readonly passed: readonly string[]
}

/** A late frame waits so long for the one that overtakes it. */
const LATE_MS = 30

export async function startCutter(target: string, random: Random): Promise<Cutter> {
  const sockets = new Set<Duplex>()
  const passed: string[] = []
  const done = {
    lostRequests: 0,
    lostAnswers: 0,
    unavailable: 0,
    refusedUpgrades: 0,
    doubledFrames: 0,
    lateFrames: 0,
    cuts: 0,
  }
  let weather: Weather = {}
  let isOpen = true
  const openStreams = new Set<object>()
  const waiting: (() => void)[] = []

  function happens(what: keyof Weather): boolean {
    const chance = weather[what] ?? 0
    // Nothing is drawn in good weather, so that what comes before a storm does not change it.
    if (chance === 0 || random.upTo(100) > chance) return false
    done[what]++
    return true
  }

  const server = createServer({ keepAliveTimeout: 0 }, (asked, answer) => {
    if (happens('lostRequests')) return void asked.socket.destroy()
    if (happens('unavailable')) return void refuse(asked, answer)
    pass(asked, answer)
  })
  server.on('connection', (socket) => {
    if (!isOpen) return void socket.destroy()
    keep(socket)
  })
  server.on('upgrade', (asked: IncomingMessage, browser: Duplex, head: Buffer) => {
    if (happens('refusedUpgrades')) return void browser.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
    passed.push(`UPGRADE ${asked.url}`)
    tunnel(asked, browser, head)
  })

  function beginStream(stream: NodeJS.EventEmitter): void {
    openStreams.add(stream)
    for (const resolve of waiting.splice(0)) resolve()
    stream.once('close', () => openStreams.delete(stream))
  }

  function keep(socket: Duplex): void {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // Broken connections are the point.
    socket.on('error', () => undefined)
  }

  function pass(asked: IncomingMessage, answer: ServerResponse): void {
    passed.push(`${asked.method} ${asked.url}`)
    const isLost = happens('lostAnswers')
    const onward = request(new URL(asked.url ?? '/', cutter.target), {
      method: asked.method,
      headers: asked.rawHeaders,
    })
    onward.on('error', () => asked.socket.destroy())
    onward.on('response', (given) => {
      if (isLost) {
        given.resume()
        return void asked.socket.destroy()
      }
      if (given.headers['content-type']?.startsWith('text/event-stream')) beginStream(answer)
      answer.writeHead(given.statusCode ?? 502, given.rawHeaders)
      answer.flushHeaders()
      given.pipe(answer)
      given.on('error', () => asked.socket.destroy())
    })
    answer.on('close', () => onward.destroy())
    asked.pipe(onward)
  }

  function tunnel(asked: IncomingMessage, browser: Duplex, head: Buffer): void {
    const { hostname, port } = new URL(cutter.target)
    const onward = connect(Number(port), hostname)
    keep(onward)
    onward.on('close', () => browser.destroy())
    browser.on('close', () => onward.destroy())
    onward.write(`GET ${asked.url} HTTP/1.1\r\n${headOf(asked)}\r\n\r\n`)
    onward.write(head)
    browser.pipe(onward)
    passFrames(onward, browser, { happens, onUpgraded: () => beginStream(browser) })
  }

  const port = await listen()
  async function listen(): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
    await promise
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('The cutter has no address.')
    return address.port
  }

  const cutter: Cutter = {
    url: `http://127.0.0.1:${port}`,
    target,
    get weather() {
      return weather
    },
    set weather(next) {
      weather = next
    },
    cut() {
      const count = sockets.size
      for (const socket of sockets) socket.destroy()
      done.cuts++
      return count
    },
    get isOpen() {
      return isOpen
    },
    set isOpen(next) {
      isOpen = next
    },
    done,
    nextStream: () => new Promise((resolve) => waiting.push(resolve)),
    get openStreams() {
      return openStreams.size
    },
    passed,
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>()
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await promise
    },
  }
  return cutter
}

function refuse(asked: IncomingMessage, answer: ServerResponse): void {
  asked.resume()
  // As the server's own would be read by a page; what a page may not read is as good as a lost request.
  answer.writeHead(503, { 'access-control-allow-origin': asked.headers.origin ?? '*' }).end()
}

function headOf({ rawHeaders }: IncomingMessage): string {
  return rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1] ?? ''}`] : [])).join('\r\n')
}

/** Passes on the answer to the upgrade as it is, and then frame by frame, some of them twice or late. */
function passFrames(
  server: Socket,
  browser: Duplex,
  { happens, onUpgraded }: { readonly happens: (what: keyof Weather) => boolean; readonly onUpgraded: () => void },
): void {
  let held = Buffer.alloc(0)
  let isUpgraded = false
  let late: { readonly frame: Buffer; readonly timer: NodeJS.Timeout } | undefined

  function send(frame: Buffer): void {
    if (!browser.destroyed) browser.write(frame)
  }
  function release(): void {
    if (late === undefined) return
    clearTimeout(late.timer)
    send(late.frame)
    late = undefined
  }
  function onFrame(frame: Buffer): void {
    // Of a text; a ping or a close stays where it is.
    const isText = ((frame[0] ?? 0) & 0x0f) === 1
    if (!isText) {
      release()
      send(frame)
    } else if (late === undefined && happens('lateFrames')) {
      late = { frame, timer: setTimeout(release, LATE_MS) }
    } else {
      send(frame)
      if (happens('doubledFrames')) send(frame)
      release()
    }
  }

  server.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    if (!isUpgraded) {
      const end = held.indexOf('\r\n\r\n')
      if (end < 0) return
      send(held.subarray(0, end + 4))
      // What stands behind a refusal is its body.
      if (!held.subarray(0, end).toString('latin1').startsWith('HTTP/1.1 101')) {
        send(held.subarray(end + 4))
        server.removeAllListeners('data')
        server.on('data', send)
        return
      }
      held = held.subarray(end + 4)
      isUpgraded = true
      onUpgraded()
    }
    for (let size = frameSize(held); size !== undefined && size <= held.length; size = frameSize(held)) {
      onFrame(Buffer.from(held.subarray(0, size)))
      held = held.subarray(size)
    }
  })
  server.on('close', () => {
    if (late) clearTimeout(late.timer)
  })
}

/** How long the first frame is that stands here, with its head. `undefined`: its head is not whole. A server's are unmasked. */
function frameSize(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined
  const short = bytes.readUInt8(1) & 0x7f
  if (short < 126) return 2 + short
  if (short === 126) return bytes.length < 4 ? undefined : 4 + bytes.readUInt16BE(2)
  return bytes.length < 10 ? undefined : 10 + Number(bytes.readBigUInt64BE(2))
}
