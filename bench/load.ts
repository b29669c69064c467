/**
 * The generator, a process of its own: posts what customers write and times each message until its reply is at the
 * sink, which is in this process too, so that one clock measures both ends. Told what to do by `run.ts`.
 *
 * Plain sockets, each with one request at a time, and nothing made ahead: `npm run bench -- generator` shows how much
 * faster it is than what it measures.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { ECHO, type Exchange, makeCustomers, makeWork, openId } from './data.ts'
import { httpReader } from './http-reader.ts'
import { type Expected, type Sink, startSink } from './sink.ts'
import { quantile } from './statistics.ts'
import { MODES, type Mode, platformPost } from './wire.ts'

/** Fewer than what a server lets one address have. */
const MAX_CONNECTIONS = 256
/** So long nothing has come: what is missing is lost. */
const STALLED_MS = 20_000
/** Whatever comes twice comes in this time after the end. */
const AFTERWARDS_MS = 100
const TICK_MS = 1

/** What the generator is asked to do. `url` is the channel's. */
export const Ask = z.discriminatedUnion('do', [
  /** The server must refuse a wrong signature and say nothing to who is on the blacklist. */
  z.object({ do: z.literal('probe'), url: z.url() }),
  /** So many messages under way at any time. `inOrder`: each customer in turns rather than by chance. */
  z.object({
    do: z.literal('closed'),
    url: z.url(),
    messages: z.int(),
    inFlight: z.int(),
    inOrder: z.boolean().default(false),
    onlyEcho: z.boolean().default(false),
  }),
  /** So many a second, however the server keeps up; what counts is when a message was due to be sent. */
  z.object({ do: z.literal('open'), url: z.url(), perSecond: z.int(), seconds: z.number() }),
])
export type Ask = z.input<typeof Ask>

/** What came of it. Times from the POST (or when it was due) until the reply was at the sink. */
export const Told = z.object({
  answered: z.int(),
  /** Answered with another status than 200. */
  refused: z.int(),
  /** Neither refused nor replied to. */
  lost: z.int(),
  /** Replies that nobody expected since the process began, and the first of them. */
  wrong: z.int(),
  firstWrong: z.array(z.string()),
  /** Until the last reply. */
  seconds: z.number(),
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  /** Until the message was acknowledged. */
  ackP99Ms: z.number().nullable(),
  /** The same from when it was sent, as the platform counts its five seconds: not from when it was due. */
  takenP99Ms: z.number().nullable(),
  takenMaxMs: z.number().nullable(),
})
export type Told = z.infer<typeof Told>

export const Listening = z.object({ sinkPort: z.int() })

interface Connection {
  post(request: string, done: (status: number) => void): void
}

/** Keeps connections open and gives each request one that is free, in the order in which they were asked for. */
function makeConnections(url: URL) {
  const free: Connection[] = []
  const waiting: (() => void)[] = []
  let count = 0

  function open(): Connection {
    let answered: ((status: number) => void) | undefined
    const answer = (status: number) => {
      const done = answered
      answered = undefined
      done?.(status)
    }
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    const connection: Connection = {
      post(request, done) {
        answered = done
        socket.write(request)
      },
    }
    const read = httpReader((head) => {
      const isLast = /^connection: *close/im.test(head)
      if (!isLast) free.push(connection)
      answer(Number(head.slice(9, 12)))
      if (isLast) socket.destroy()
      else waiting.shift()?.()
    })
    socket.on('data', read)
    // 'close' follows.
    socket.on('error', () => {})
    socket.on('close', () => {
      count -= 1
      const place = free.indexOf(connection)
      if (place >= 0) free.splice(place, 1)
      answer(0)
      waiting.shift()?.()
    })
    count += 1
    return connection
  }

  function post(request: () => string, done: (status: number) => void): void {
    const connection = free.pop() ?? (count < MAX_CONNECTIONS ? open() : undefined)
    if (connection) connection.post(request(), done)
    else waiting.push(() => post(request, done))
  }
  return { post }
}

/** Sends messages and counts what becomes of them. */
function makeLoad(sink: Sink, exchanges: readonly Exchange[], customers: ReturnType<typeof makeCustomers>, mode: Mode) {
  // Also after a restart with the same journal no id comes twice.
  let id = Date.now() * 1_000
  let turn = 0

  function begin(url: URL, max: number, options: { readonly inOrder?: boolean; readonly onlyEcho?: boolean } = {}) {
    const { post } = makeConnections(url)
    const latencies = new Float64Array(max)
    const acknowledgedMs = new Float64Array(max)
    const takenMs = new Float64Array(max)
    const list = options.onlyEcho ? exchanges.filter(({ reply }) => reply.startsWith(ECHO)) : exchanges
    const startMs = performance.now()
    let known = 0
    let sent = 0
    let answered = 0
    let acknowledged = 0
    let refused = 0
    let lastMs = startMs

    function send(fromMs: number, settled: () => void): void {
      const exchange = list[turn++ % list.length]
      if (!exchange) throw new Error('There is nothing to say.')
      const { text, reply, isHandOff } = exchange
      const from = isHandOff ? customers.stranger() : options.inOrder ? customers.inOrder(known++) : customers.known()
      let open = 2
      const half = () => {
        open -= 1
        if (open === 0) settled()
      }
      const expected: Expected = {
        customer: from,
        reply,
        arrived() {
          lastMs = performance.now()
          latencies[answered++] = lastMs - fromMs
          half()
        },
      }
      sink.expect(expected)
      sent += 1
      id += 1
      const own = id
      let postedMs = fromMs
      post(
        () => {
          postedMs = performance.now()
          return platformPost(url.host, url.pathname, { id: own, from, text }, mode)
        },
        (status) => {
          if (status === 200) {
            const nowMs = performance.now()
            takenMs[acknowledged] = nowMs - postedMs
            acknowledgedMs[acknowledged++] = nowMs - fromMs
            return half()
          }
          refused += 1
          sink.forget(expected)
          settled()
        },
      )
    }

    function told(): Told {
      const sorted = latencies.subarray(0, answered).sort()
      const taken = takenMs.subarray(0, acknowledged).sort()
      const at = (share: number, of = sorted) => (of.length === 0 ? null : quantile(of, share))
      return {
        ...{ answered, refused, lost: sent - answered - refused },
        ...{ wrong: sink.wrong.count, firstWrong: [...sink.wrong.first] },
        ...{ seconds: (lastMs - startMs) / 1_000, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) },
        ackP99Ms: at(0.99, acknowledgedMs.subarray(0, acknowledged).sort()),
        ...{ takenP99Ms: at(0.99, taken), takenMaxMs: taken.at(-1) ?? null },
      }
    }
    return { send, told, settled: () => answered + refused }
  }

  async function closed({ url, messages, inFlight, ...how }: Extract<z.output<typeof Ask>, { do: 'closed' }>) {
    const load = begin(new URL(url), messages, how)
    const over = Promise.withResolvers<void>()
    let left = messages
    let underWay = 0
    const next = () => {
      if (left > 0) {
        left -= 1
        underWay += 1
        load.send(performance.now(), () => {
          underWay -= 1
          next()
        })
      } else if (underWay === 0) over.resolve()
    }
    for (let i = 0; i < inFlight; i++) next()
    await untilOver(over.promise, load.settled)
    await wait(AFTERWARDS_MS)
    return load.told()
  }

  async function open({ url, perSecond, seconds }: Extract<z.output<typeof Ask>, { do: 'open' }>) {
    const messages = Math.round(perSecond * seconds)
    const load = begin(new URL(url), messages)
    const over = Promise.withResolvers<void>()
    const startMs = performance.now()
    let sent = 0
    let settled = 0
    const tick = () => {
      const nowMs = performance.now()
      for (; sent < messages; sent++) {
        const dueMs = startMs + (sent * 1_000) / perSecond
        if (dueMs > nowMs) break
        load.send(dueMs, () => {
          settled += 1
          if (settled === messages) over.resolve()
        })
      }
      if (sent < messages) setTimeout(tick, TICK_MS)
    }
    tick()
    await untilOver(over.promise, load.settled)
    await wait(AFTERWARDS_MS)
    return load.told()
  }

  async function probe(url: string) {
    const load = begin(new URL(url), 0)
    const from = openId('b', 1)
    const request = platformPost(new URL(url).host, new URL(url).pathname, { id: ++id, from, text: 'hello' }, mode)
    const signatures = [...request.matchAll(/signature=/g)].map((found) => found.index + found[0].length)
    const { post } = makeConnections(new URL(url))
    const statusOf = (bytes: string) => new Promise<number>((resolve) => post(() => bytes, resolve))
    for (const at of signatures) {
      const status = await statusOf(`${request.slice(0, at)}x${request.slice(at + 1)}`)
      if (status < 400 || status >= 500) throw new Error(`A wrong signature was answered ${status}.`)
    }
    const taken = await statusOf(request)
    if (taken !== 200) throw new Error(`A message of somebody on the blacklist was answered ${taken}.`)
    return load.told()
  }

  return (ask: z.output<typeof Ask>) => {
    if (ask.do === 'closed') return closed(ask)
    return ask.do === 'open' ? open(ask) : probe(ask.url)
  }
}

/** Resolves when it is over, or when nothing has become of anything for too long. */
async function untilOver(over: Promise<void>, settled: () => number): Promise<void> {
  const stalled = Promise.withResolvers<void>()
  let [seen, sinceMs] = [settled(), performance.now()]
  const timer = setInterval(() => {
    if (settled() !== seen) [seen, sinceMs] = [settled(), performance.now()]
    else if (performance.now() - sinceMs > STALLED_MS) stalled.resolve()
  }, 1_000)
  await Promise.race([over, stalled.promise])
  clearInterval(timer)
}

/** `customers`: how many there are who always come again. Ends when whoever started it lets go. */
async function main(customers: number, mode: Mode): Promise<void> {
  const sink = await startSink()
  // First, so that the server starts meanwhile.
  process.send?.({ sinkPort: sink.port } satisfies z.input<typeof Listening>)
  const load = makeLoad(sink, makeWork().exchanges, makeCustomers(customers), mode)
  process.on('message', async (message) => {
    const told = await load(Ask.parse(message))
    process.send?.(told)
  })
  await once(process, 'disconnect')
  process.exit()
}

if (import.meta.main) await main(Number(process.argv[2]), z.enum(MODES).parse(process.argv[3]))
