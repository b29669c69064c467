import type { Snapshot } from '../protocol.ts'
import type { Browser } from './browser.ts'
import { parse, readSession, readText } from './frames.ts'
import { TOKEN } from './known.ts'
import type { Store } from './storage.ts'

/** Longest wait for an answer, and for the next piece of a file to leave. */
const LIMIT_MS = 30_000
/** Longest wait that a server may ask for. */
const MAX_RETRY_AFTER_MS = 600_000
/** Browsers let a page's last requests finish after it is gone, if they are short (64 KB in UTF-8). */
const MAX_LAST_CHARS = 20_000

/** A request that did not succeed. */
export interface Refusal extends Error {
  /** 0 where there was no answer of our server. */
  readonly status: number
  /** The server's, or `OFFLINE`. */
  readonly code: string
  readonly retryAfterMs: number | undefined
}

export function refusal(status = 0, code = 'OFFLINE', retryAfter: string | null = null): Refusal {
  return Object.assign(new Error(code), { status, code, retryAfterMs: retryAfterMs(retryAfter) })
}

/** The refusal that this is, whatever was thrown. */
export function refusalOf(error: unknown): Refusal {
  const isRefusal = (thrown: unknown): thrown is Refusal => thrown instanceof Error && 'retryAfterMs' in thrown
  return isRefusal(error) ? error : refusal()
}

/** Whether the same may succeed later. */
export const isTemporary = ({ status }: Refusal) =>
  status < 400 || status >= 500 || [401, 408, 425, 429].includes(status)

/** Asks the server in the visitor's name. Everything rejects with a `Refusal`. */
export interface Requests {
  /** Whether this browser has been here before. */
  readonly isKnown: boolean
  /** The visitor's token; opens a session where there is none. */
  token(): Promise<string>
  /** The server did not take this token: the next request asks for another. */
  refused(token: string): void
  /** From now on this token is used. */
  take(token: string): void
  /** Puts back the token that was taken out of the storage. A user's is gone: his site names him again. */
  keep(): void
  /** Takes over what another tab did: a new token, or none. */
  look(): void
  get(path: string): Promise<unknown>
  post(path: string, body?: object): Promise<unknown>
  /**
   * Runs a request with the token, and once more with another if the server did not take it. `run` is broken off by
   * `stop`, or when it has not said for long that it is alive.
   */
  named<T>(run: (token: string, signal: AbortSignal, alive: () => void) => Promise<T>): Promise<T>
  /** Breaks off all that is under way. */
  stop(): void
  /** Breaks off all that is under way; whoever asks next is a new visitor, or the one that another tab has by now. */
  forget(): void
}

interface Options {
  /** From now on it is another visitor. `isStranger`: and not the same person, as far as we know. */
  onVisitor(isStranger: boolean): void
  /** A session was opened. */
  onSnapshot(snapshot: Snapshot): void
}

export function makeRequests(browser: Browser, base: string, store: Store, options: Options): Requests {
  let held = store.get(TOKEN)
  /** The token that the server did not take. */
  let spent: string | undefined
  let opening: Promise<string> | undefined
  const underWay = new Set<AbortController>()

  function take(token: string): void {
    if (store.get(TOKEN) !== token) store.set(TOKEN, token)
    become(token)
  }

  function become(next: string | undefined): void {
    const [visitor, user] = whose(held)
    const [nextVisitor, nextUser] = whose(next)
    held = next
    if (visitor && visitor !== nextVisitor) options.onVisitor(user !== '' && user !== nextUser)
  }

  /** Runs something that can be broken off: by `stop`, or because nothing happens in time. */
  async function limited<T>(run: (signal: AbortSignal, alive: () => void) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    let timer: number | undefined
    function alive(): void {
      browser.clearTimeout(timer)
      timer = browser.setTimeout(() => controller.abort(), LIMIT_MS)
    }
    underWay.add(controller)
    alive()
    try {
      return await run(controller.signal, alive)
    } catch (error) {
      throw refusalOf(error)
    } finally {
      browser.clearTimeout(timer)
      underWay.delete(controller)
    }
  }

  async function ask(method: string, path: string, signal: AbortSignal, token?: string, body?: object) {
    const text = body && JSON.stringify(body)
    const response = await browser.fetch(base + path, {
      method,
      headers: {
        ...(text && { 'content-type': 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
      body: text ?? null,
      cache: 'no-store',
      credentials: 'omit',
      keepalive: !!text && text.length < MAX_LAST_CHARS,
      signal,
    })
    return answerOf(response.status, await response.text(), response.headers.get('retry-after'))
  }

  async function open(): Promise<string> {
    const answer = await limited((signal) => ask('POST', 'v1/session', signal, undefined, { token: held }))
    const session = readSession(answer)
    if (!session) throw refusal()
    // Where another tab was quicker, its token is ours: one browser is one visitor.
    const others = store.get(TOKEN)
    const token = others && others !== spent ? others : session.token
    spent = undefined
    take(token)
    if (token === session.token) options.onSnapshot(session.snapshot)
    return token
  }

  async function token(): Promise<string> {
    if (held !== undefined && held !== spent) return held
    opening ??= open().finally(() => {
      opening = undefined
    })
    return opening
  }

  function refused(bad: string): void {
    if (bad !== held) return
    spent = bad
    const others = store.get(TOKEN)
    if (others && others !== bad) take(others)
  }

  function named<T>(run: (token: string, signal: AbortSignal, alive: () => void) => Promise<T>): Promise<T> {
    return limited(async (signal, alive) => {
      const first = await token()
      try {
        return await run(first, signal, alive)
      } catch (error) {
        if (refusalOf(error).status !== 401) throw error
        refused(first)
        const second = await token()
        // Broken off, because it is somebody else by now: in that name it is not said.
        if (signal.aborted) throw error
        return run(second, signal, alive)
      }
    })
  }

  const send = (method: string, path: string, body?: object) =>
    named((token, signal) => ask(method, path, signal, token, body))

  function stop(): void {
    for (const controller of underWay) controller.abort()
  }

  return {
    get isKnown() {
      return held !== undefined
    },
    token,
    refused,
    take,
    keep() {
      const [, user] = whose(held)
      if (held && !user && !store.get(TOKEN)) store.set(TOKEN, held)
    },
    look() {
      const now = store.get(TOKEN)
      if (now !== held) become(now)
    },
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    named,
    stop,
    forget() {
      stop()
      held = undefined
      spent = undefined
      opening = undefined
    },
  }
}

/** The body of an answer as JSON. Throws a `Refusal` where it is none of success. */
export function answerOf(status: number, body: string, retryAfter: string | null): unknown {
  const answer = parse(body)
  if (status >= 200 && status < 300) return answer
  throw refusal(status, status > 0 ? (readText(answer, 'code') ?? 'REFUSED') : 'OFFLINE', retryAfter)
}

/** What a server asks for by `Retry-After`, if it does so in seconds. */
export function retryAfterMs(seconds: string | null): number | undefined {
  const ms = Number(seconds) * 1000
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined
}

/** Whose token this is: the visitor's id, and the mark of the user that he is, empty for nobody's. */
function whose(token = ''): readonly [visitor: string, user: string] {
  const [visitor = '', , user = ''] = token.split('.')
  return [visitor, user]
}
