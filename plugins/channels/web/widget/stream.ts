import { type Frame, PROTOCOL, TOKEN_PROTOCOL } from '../protocol.ts'
import { type Browser, backoffMs } from './browser.ts'
import type { Fetch } from './fetched.ts'
import { readFrame } from './frames.ts'
import { NO_SOCKETS_UNTIL } from './known.ts'
import { refusalOf } from './requests.ts'
import type { Store } from './storage.ts'

/** How long a connection may take until its `hello`. */
const OPEN_LIMIT_MS = 10_000
/** How many heartbeats may be missed, and how long it may be silent at most. */
const BEATS = 2.25
const MAX_SILENCE_MS = 1_350_000
/** The server restarts, and says over how many ms those who come back shall be spread. */
const RESTARTS = 1012
const MAX_SPREAD_MS = 60_000

/** One stream of frames, kept up: by WebSocket, and by server-sent events where upgrades are refused. */
export interface Stream {
  /** Does nothing while it runs. */
  start(): void
  stop(): void
  /** The page is back: looks whether the connection is still good, and waits no longer if there is none. */
  wake(): void
  /** Makes another connection at once. */
  restart(): void
  /** The connection was no good: another one, after a wait. */
  lose(): void
}

interface Options {
  readonly base: string
  readonly fetch: Fetch
  token(): Promise<string>
  /** The server did not take the token. */
  refused(token: string): void
  /** The number behind which a new connection begins. */
  after(): number
  onFrame(frame: Frame): void
  /** A connection is over; another will be made. */
  onLost(): void
}

/** How a connection ended. */
interface Ended {
  /** It said `hello`. */
  readonly wasOpen: boolean
  /** And nobody found fault with it. */
  readonly isGood: boolean
  /** How long to wait for the next one, where that is known. */
  readonly waitMs?: number | undefined
}

type End = (waitMs?: number, isGood?: boolean) => void

const NOT_OPENED: Ended = { wasOpen: false, isGood: false }

export function makeStream(browser: Browser, store: Store, options: Options): Stream {
  let running: object | undefined
  /** Ends the connection that there is. */
  let cut: End = () => {}
  /** Looks whether the connection that there is has been silent for too long. */
  let look = () => {}
  let waitNoLonger = () => {}

  async function run(mine: object): Promise<void> {
    let failures = 0
    while (running === mine) {
      const { isGood, waitMs } = await connect(mine, failures)
      if (running !== mine) return
      options.onLost()
      const ms = waitMs ?? backoffMs(isGood ? 0 : failures)
      failures = isGood ? 0 : failures + 1
      if (ms > 0) await pause(ms)
    }
  }

  async function connect(mine: object, failures: number): Promise<Ended> {
    let token: string
    try {
      token = await options.token()
    } catch (error) {
      return { ...NOT_OPENED, waitMs: refusalOf(error).retryAfterMs }
    }
    if (running !== mine) return NOT_OPENED
    const address = `${options.base}v1/events?after=${options.after()}`
    if (Number(store.get(NO_SOCKETS_UNTIL)) > browser.Date.now())
      return overEvents(address, token, failures === 0, false)
    const ended = await overWebSocket(address, token)
    if (ended.wasOpen || ended.waitMs !== undefined || running !== mine) return ended
    return overEvents(address, token, failures === 0, true)
  }

  /** `begin` gets going and returns how to let go; the promise resolves when the connection has ended. */
  function connection(begin: (heard: (data?: string) => boolean, end: End) => () => void): Promise<Ended> {
    return new Promise((resolve) => {
      let wasOpen = false
      let isOver = false
      let limitMs = OPEN_LIMIT_MS
      let heardAtMs = browser.Date.now()
      let timer: number | undefined
      let letGo = () => {}

      function end(waitMs?: number, isGood = wasOpen): void {
        if (isOver) return
        isOver = true
        browser.clearTimeout(timer)
        letGo()
        resolve({ wasOpen, isGood, waitMs })
      }
      function check(): void {
        if (isOver) return
        browser.clearTimeout(timer)
        // By the clock: timers stand still while a phone sleeps, and a clock that is set back must not hold us up.
        const leftMs = Math.min(heardAtMs - browser.Date.now(), 0) + limitMs
        if (leftMs > 0) timer = browser.setTimeout(check, leftMs)
        else end()
      }
      /** Returns whether this was the `hello`. */
      function heard(data = ''): boolean {
        if (isOver) return false
        heardAtMs = browser.Date.now()
        const frame = readFrame(data)
        const isHello = frame?.type === 'hello'
        if (isHello) {
          wasOpen = true
          limitMs = Math.min(BEATS * frame.heartbeatMs || MAX_SILENCE_MS, MAX_SILENCE_MS)
        }
        if (frame) options.onFrame(frame)
        return isHello
      }

      cut = end
      look = check
      check()
      letGo = begin(heard, end)
      if (isOver) letGo()
    })
  }

  function overWebSocket(address: string, token: string): Promise<Ended> {
    return connection((heard, end) => {
      let socket: WebSocket | undefined
      try {
        socket = new browser.WebSocket(address.replace('http', 'ws'), [PROTOCOL, TOKEN_PROTOCOL + token])
        socket.onmessage = ({ data }) => heard(String(data)) && store.remove(NO_SOCKETS_UNTIL)
        // Where the page's policy forbids it, some browsers say nothing but this.
        socket.onerror = () => end()
        socket.onclose = ({ code, reason }) => end(code === RESTARTS ? spreadMs(reason) : undefined)
      } catch {
        // Forbidden by the page: as refused.
        end()
      }
      return () => socket?.close()
    })
  }

  function overEvents(address: string, token: string, isFirst: boolean, isInstead: boolean): Promise<Ended> {
    return connection((heard, end) => {
      const controller = new AbortController()
      const { signal } = controller
      const { fetch, refused } = options
      fetch('events')
        .then((its) => its.hearEvents({ browser, store, address, token, isInstead, isFirst, signal, refused, heard }))
        .then(end, () => end())
      return () => controller.abort()
    })
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = browser.setTimeout(resolve, ms)
      waitNoLonger = () => {
        browser.clearTimeout(timer)
        resolve()
      }
    })
  }

  return {
    start() {
      if (running) return
      running = {}
      void run(running)
    },
    stop() {
      running = undefined
      cut()
      waitNoLonger()
    },
    wake() {
      look()
      waitNoLonger()
    },
    restart() {
      cut(0, true)
      waitNoLonger()
    },
    lose: () => cut(undefined, false),
  }
}

/** Some time within what the server says, so that not all come back at once. */
function spreadMs(reason: string): number | undefined {
  const ms = Number(reason)
  return ms > 0 ? Math.random() * Math.min(ms, MAX_SPREAD_MS) : undefined
}
