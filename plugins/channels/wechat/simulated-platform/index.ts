/**
 * A platform like the one behind WeChat Official Accounts, on loopback: it signs, encrypts, repeats and counts as that one
 * does, refuses what that one refuses, and keeps what it was sent.
 */
import { type Clock, z } from '#core'
import { testServer } from '#core/testing'
import { Account, type AccountOptions, type SentMessage, type ShownFailure } from './account.ts'
import { customerOf, type SimulatedCustomer } from './customers.ts'
import { INTERFACES } from './interfaces/index.ts'
import type { Call } from './interfaces/interface.ts'
import { type Mode, note, type Pushed, type PushOptions, push, requestOf } from './pushing.ts'
import { Refused } from './refused.ts'
import { digest } from './signing.ts'
import type { Fields } from './xml.ts'

export type { SentMessage, ShownFailure } from './account.ts'
export type { SimulatedCustomer } from './customers.ts'
export type { Mode, Pushed, PushOptions } from './pushing.ts'
export { RULES_OF_2022, RULES_OF_2023 } from './windows.ts'

export interface WeChatOptions extends AccountOptions {
  /** Left out: real time. */
  readonly clock?: Clock | undefined
  /** How pushes are encrypted. Left out: not. */
  readonly mode?: Mode | undefined
  /** The account’s server, `http://127.0.0.1:<port>/<name of the channel>`. May be said later. */
  readonly serverUrl?: string | undefined
}

/** One call of an interface, without what may not be shown. */
export interface RecordedCall {
  /** Counts over the whole account. */
  readonly n: number
  readonly atMs: number
  readonly method: string
  readonly path: string
  /** Without token and secret. */
  readonly query: { readonly [name: string]: string }
  /** What was posted, if it was JSON. */
  readonly body: unknown
  readonly status: number
  /** 0: well. */
  readonly errcode: number
  /** The platform’s words for it; '' when it went well. */
  readonly errmsg: string
}

/**
 * What an interface answers on demand: a number of the platform’s, something else by HTTP, or nothing for ever. A function
 * is called when it is asked: what it resolves to is waited for, and then it does and answers as always, whoever still
 * listens.
 */
export type Demanded =
  | number
  | { readonly errcode: number; readonly errmsg: string }
  | { readonly status: number; readonly body?: string; readonly type?: string }
  | 'hangs'
  | (() => Promise<void>)

export interface SimulatedWeChat extends AsyncDisposable {
  /** For `apiBase`. */
  readonly apiBase: string
  /** For `http: { allow: […] }`. */
  readonly host: string
  /** What the operator writes into the YAML. */
  readonly keys: {
    readonly appId: string
    readonly appSecret: string
    readonly token: string
    readonly encodingAesKey: string
  }
  readonly account: Account
  /** All that customers were shown, in order. */
  readonly sent: readonly SentMessage[]
  /** When customers were shown the platform’s words of failure, and why. */
  readonly failures: readonly ShownFailure[]
  /** Every call of an interface, in order. */
  readonly calls: readonly RecordedCall[]
  /** Sets the account’s server and mode, and asks it to prove itself, as the console does. Throws when it does not. */
  connect(serverUrl: string, mode?: Mode): Promise<void>
  /** Pushes XML, as it is or made of elements, to the account’s server. */
  push(what: string | Fields, options?: PushOptions): Promise<Pushed>
  /** The signed request that would bring this XML; what it says counts as done. */
  request(xml: string, options?: PushOptions): Request
  customer(openId: string): SimulatedCustomer
  /** From now on `path` answers so, so many times (left out: once; 0: no longer). */
  answers(path: string, answer: Demanded, options?: { readonly times?: number }): void
  /** All tokens are too old from now on; `taken-back`: somebody else has fetched a newer one. */
  expireToken(how?: 'expired' | 'taken-back'): void
  /** Nobody answers at `apiBase`, until `up`. */
  down(): Promise<void>
  up(): Promise<void>
}

/** Starts it on a free port of loopback. */
export async function startWeChat(options: WeChatOptions = {}): Promise<SimulatedWeChat> {
  const clock = options.clock ?? REAL
  const limits = Object.entries(INTERFACES).flatMap(([path, { perDay }]) => (perDay ? [[path, perDay] as const] : []))
  const account = new Account(clock, options, limits)
  const calls: RecordedCall[] = []
  const demanded = new Map<string, { readonly answer: Demanded; readonly times: number }>()
  let mode = options.mode ?? 'plain'
  let serverUrl = options.serverUrl

  const server = await testServer(async (request) => {
    const { pathname: path, searchParams } = new URL(request.url)
    if (path.startsWith(FILES)) return fileAt(decodeURIComponent(path.slice(FILES.length)))
    const read = await readCall(request)
    const record = (status: number, errcode = 0, errmsg = '') => {
      const query = Object.fromEntries([...searchParams].filter(([name]) => !SECRETS.has(name)))
      const [n, atMs, body] = [account.next(), clock.now(), withoutSecret(read.json)]
      calls.push({ n, atMs, method: request.method, path, query, body, status, errcode, errmsg })
      account.changed()
    }
    const wanted = take(path)
    if (wanted === 'hangs') {
      record(0)
      await aborted(request.signal)
      return new Response()
    }
    if (typeof wanted === 'object' && 'status' in wanted) {
      record(wanted.status)
      const { status, body = '<html>bad gateway</html>', type = 'text/html' } = wanted
      return new Response(body, { status, headers: { 'content-type': type } })
    }
    if (typeof wanted === 'function') await wanted()
    try {
      if (wanted !== undefined && typeof wanted !== 'function')
        throw typeof wanted === 'number' ? new Refused(wanted) : new Refused(wanted.errcode, wanted.errmsg)
      const answer = await answerOf(path, request.method, read)
      record(200)
      return answer instanceof Response ? answer : Response.json(answer)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const errmsg = `${error.message} rid: ${rid()}`
      record(200, error.errcode, errmsg)
      return Response.json({ errcode: error.errcode, errmsg })
    }
  })

  function answerOf(path: string, method: string, call: Call) {
    const known = Object.hasOwn(INTERFACES, path) ? INTERFACES[path] : undefined
    if (!known) throw new Refused(40066)
    if (known.method !== method) throw new Refused(known.method === 'GET' ? 43001 : 43002)
    if (!known.isOpen) account.tokens.check(call.query.get('access_token') ?? undefined)
    if (call.unreadable !== undefined) throw new Refused(call.unreadable)
    if (known.verified && !account.isVerified) throw new Refused(48001)
    account.quotas.take(path)
    return known.answer(call, account)
  }

  /** What anybody may fetch who knows its name: videos, and the pictures of identities. */
  function fileAt(name: string): Response {
    const file = account.file(name)
    if (file) return new Response(file.bytes, { headers: { 'content-type': file.mimeType } })
    const avatar = account.identities.get(name)?.avatar
    return avatar
      ? new Response(avatar, { headers: { 'content-type': 'image/jpeg' } })
      : new Response('', { status: 404 })
  }

  function take(path: string): Demanded | undefined {
    const found = demanded.get(path)
    if (!found) return undefined
    if (found.times > 1) demanded.set(path, { ...found, times: found.times - 1 })
    else demanded.delete(path)
    return found.answer
  }

  function rid(): string {
    const hex = (n: number) => n.toString(16).padStart(8, '0')
    return `${hex(Math.floor(clock.now() / 1000))}-${hex(account.next())}-0a1b2c3d`
  }

  account.filesUrl = `${server.url}${FILES.slice(0, -1)}`

  const target = (given: PushOptions = {}) => {
    const to = given.to ?? serverUrl
    if (to === undefined) throw new Error('The simulated platform does not know the account’s server: call connect().')
    return { ...given, to, mode: given.mode ?? mode }
  }
  const pushTo = (what: string | Fields, given?: PushOptions) => push(account, what, target(given))

  return {
    apiBase: server.url,
    host: server.host,
    keys: account.keys,
    account,
    sent: account.sent,
    failures: account.failures,
    calls,
    async connect(url, nextMode = mode) {
      const [timestamp, nonce, echostr] = [
        String(Math.floor(clock.now() / 1000)),
        String(account.next()),
        `echo-${account.next()}`,
      ]
      const query = { signature: digest(account.keys.token, timestamp, nonce), timestamp, nonce, echostr }
      const response = await fetch(`${url}?${new URLSearchParams(query)}`, { headers: { connection: 'close' } })
      const said = await response.text()
      if (response.status !== 200 || said !== echostr)
        throw new Error(`${url} does not prove itself: ${response.status} ${said}`)
      serverUrl = url
      mode = nextMode
    },
    push: pushTo,
    request(xml, given) {
      const { to, ...rest } = target(given)
      note(account, xml)
      return requestOf(account, xml, to, rest)
    },
    customer: (openId) => customerOf(account, openId, pushTo),
    answers(path, answer, { times = 1 } = {}) {
      if (times > 0) demanded.set(path, { answer, times })
      else demanded.delete(path)
    },
    expireToken: (how = 'expired') => account.tokens.end(how),
    down: server.down,
    up: server.up,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Where files lie that need no token. */
const FILES = '/files/'
const SECRETS: ReadonlySet<string> = new Set(['access_token', 'secret'])

const REAL: Clock = {
  now: Date.now,
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

/** Reads what was posted: JSON, or files. */
async function readCall(request: Request): Promise<Call> {
  const call = { query: new URL(request.url).searchParams, ip: '127.0.0.1', json: undefined, form: undefined }
  if (request.method !== 'POST') return call
  if (request.headers.get('content-type')?.startsWith('multipart/form-data'))
    return { ...call, form: await request.formData() }
  const text = await request.text()
  if (text === '') return { ...call, unreadable: 44002 }
  if (ESCAPED.test(text)) return { ...call, unreadable: 40033 }
  try {
    return { ...call, json: JSON.parse(text) }
  } catch {
    return { ...call, unreadable: 47001 }
  }
}

/** A character written as a number. Those that JSON wants so (control characters) are taken. */
const ESCAPED = /(?<!\\)(?:\\\\)*\\u(?!00[01][\da-f])/i

const WithSecret = z.looseObject({ secret: z.string() })

function withoutSecret(json: unknown): unknown {
  const found = WithSecret.safeParse(json)
  return found.success ? { ...found.data, secret: '***' } : json
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) return
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
}
