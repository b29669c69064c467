/**
 * Asks the platform: every call with the account's access token, every answer checked, every refusal an error that says
 * what it means. Whatever the channel wants of WeChat goes through here.
 */
import type { Kysely } from 'kysely'
import { type Clock, DeliveryError, type Json, type Log, limitOf, z } from '#core'
import { type Refused, WeChatError } from './errors.ts'
import { pause } from './pause.ts'
import type { SendingTables } from './tables.ts'
import { type Granted, makeAccessToken, makePassingToken, type TokenKind } from './token.ts'

export { toDeliveryError, WeChatError } from './errors.ts'

export interface CallOptions {
  /** Ends the call; the instance's own does in any case. */
  readonly signal?: AbortSignal | undefined
}

/** What stands in the query of a call, beside the token. */
export type Query = { readonly [name: string]: string }

/** A file to upload. */
export interface Upload {
  readonly body: Blob
  /** With an ending that says its type: the platform goes by that. */
  readonly name: string
}

/** A file as the platform gives it; of a video, an address to fetch it from. */
export type Download =
  | { readonly body: ReadableStream | Blob; readonly mimeType: string }
  | { readonly videoUrl: string }

/**
 * Calls of the platform, by their path (`/cgi-bin/…`). All reject with `WeChatError` when WeChat refuses, with what
 * `http` throws when it cannot be reached, and with a `DeliveryError` when there is no access token to be had for a
 * reason that may pass.
 */
export interface Api {
  /** Asked again, three times, while the platform cannot be reached or is busy. */
  get<T>(path: string, query: Query, schema: z.ZodType<T>, options?: CallOptions): Promise<T>
  /** Asked once: nobody knows what has become of one without an answer. */
  post<T>(path: string, body: { readonly [key: string]: Json }, schema: z.ZodType<T>, options?: CallOptions): Promise<T>
  /** As the field `media` of a form. */
  upload<T>(path: string, query: Query, file: Upload, schema: z.ZodType<T>, options?: CallOptions): Promise<T>
  /** The caller's signal bounds it: a file may be large. */
  download(path: string, query: Query, options?: CallOptions): Promise<Download>
}

export interface ApiSettings {
  readonly appId: string
  readonly appSecret: string
  readonly apiBase: string
  readonly accessToken: TokenKind
}

const TOKEN_LIMIT_MS = 5_000
const CALL_LIMIT_MS = 8_000
const UPLOAD_LIMIT_MS = 15_000
/** Waits before a GET is asked again. */
const PAUSES_MS = [1_000, 2_000, 4_000]
/** A channel without a token is paused for so long. */
const NO_TOKEN_PAUSE_MS = 10_000
/** A file so small may be an error in disguise, and is read whole, if it begins as one. */
const SMALL_BYTES = 4_096
const BRACE = '{'.charCodeAt(0)

/** The number may come as a text, and counts whatever the words beside it are. */
const Errcode = z.object({
  errcode: z
    .union([
      z.int(),
      z
        .string()
        .regex(/^-?\d{1,9}$/)
        .transform(Number),
    ])
    .default(0),
  errmsg: z.string().catch(''),
})
const VideoUrl = z.object({ video_url: z.url({ protocol: /^https?$/ }) })
/** Source: https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html, read 2026-11-20. */
const Token = z.object({ access_token: z.string().min(1).max(4_096), expires_in: z.int().positive() })

export function makeApi(options: {
  readonly config: ApiSettings
  readonly http: typeof fetch
  readonly clock: Clock
  /** Keeps the access token. Left out: it is kept nowhere, and is gone with the process. */
  readonly sql: Kysely<SendingTables> | undefined
  readonly log: Log
  /** The instance's: ends whatever is under way. */
  readonly signal: AbortSignal
}): Api {
  const { config, http, clock, sql, log, signal } = options
  const { appId, appSecret, accessToken: kind } = config
  const base = config.apiBase.replace(/\/+$/, '')
  const accessToken = sql
    ? makeAccessToken({ appId, kind, sql, clock, log, signal, ask: askForToken })
    : makePassingToken(askForToken)

  // ── the token ──

  async function askForToken(): Promise<Granted> {
    const credential = { appid: appId, secret: appSecret }
    const limit = limited(TOKEN_LIMIT_MS, undefined)
    try {
      const response =
        kind === 'stable'
          ? await http(`${base}${STABLE_TOKEN}`, {
              ...asJson({ grant_type: 'client_credential', ...credential, force_refresh: false }),
              ...about(limit.signal),
            })
          : await http(address(CLASSIC_TOKEN, { grant_type: 'client_credential', ...credential }), about(limit.signal))
      const path = kind === 'stable' ? STABLE_TOKEN : CLASSIC_TOKEN
      const { access_token, expires_in } = await answerOf(response, Token, { path, isTokenCall: true })
      return { value: access_token, expiresInMs: expires_in * 1_000 }
    } finally {
      limit.release()
    }
  }

  /** Runs a call; once more with another token, if it is the token that is refused, and then no more. */
  async function withToken<T>(outer: AbortSignal | undefined, run: (token: string) => Promise<T>): Promise<T> {
    const token = await orNoToken(accessToken.get(), outer)
    try {
      return await run(token)
    } catch (error) {
      if (!(error instanceof WeChatError) || error.action !== 'refresh') throw error
      const another = await orNoToken(accessToken.another(token), outer)
      if (another === undefined) throw error
      log.info({ errcode: error.errcode, rid: error.rid }, 'WeChat has refused the access token; it is fetched anew.')
      return await run(another)
    }
  }

  /** Nothing has been sent yet: whoever wants to send may try again. */
  async function orNoToken<T>(asked: Promise<T>, outer: AbortSignal | undefined): Promise<T> {
    try {
      return await untilAborted(asked, outer)
    } catch (error) {
      throw error instanceof WeChatError && error.action !== 'retry' ? error : noToken(error)
    }
  }

  // ── one call ──

  function address(path: string, query: Query): string {
    return `${base}${path}?${new URLSearchParams(query)}`
  }

  function limited(ms: number, outer: AbortSignal | undefined) {
    const late = () => new Error(`WeChat did not answer within ${ms / 1_000} s.`)
    return limitOf({ signals: [signal, outer], clock, ms, late })
  }

  async function call<T>(
    asked: {
      readonly path: string
      readonly query?: Query
      readonly init?: RequestInit
      readonly limitMs?: number
      readonly signal: AbortSignal | undefined
    },
    schema: z.ZodType<T>,
  ): Promise<T> {
    const { path, query, init, limitMs = CALL_LIMIT_MS } = asked
    return withToken(asked.signal, async (token) => {
      const limit = limited(limitMs, asked.signal)
      try {
        const url = address(path, { access_token: token, ...query })
        return await answerOf(await http(url, { ...init, ...about(limit.signal) }), schema, { path, token })
      } finally {
        limit.release()
      }
    })
  }

  // ── what it says ──

  async function answerOf<T>(response: Response, schema: z.ZodType<T>, asked: Asked): Promise<T> {
    const text = await response.text()
    if (!response.ok) throw notTaken(response, asked.path)
    return checked(text, schema, asked)
  }

  function checked<T>(text: string, schema: z.ZodType<T>, asked: Asked): T {
    const answer = readJson(text)
    const { path, isTokenCall } = asked
    const said = Errcode.safeParse(answer)
    const { errcode = 0, errmsg = '' } = said.data ?? {}
    if (errcode !== 0) throw new WeChatError({ errcode, errmsg: hidden(errmsg, asked.token), path, isTokenCall })
    const read = schema.safeParse(answer)
    const unreadable = said.error ?? read.error
    if (unreadable || !read.success) throw new Error(`${path}: WeChat’s answer cannot be read.`, { cause: unreadable })
    return read.data
  }

  function hidden(errmsg: string, token: string | undefined): string {
    return [appSecret, ...(token === undefined ? [] : [token])].reduce((text, one) => text.replaceAll(one, '…'), errmsg)
  }

  return {
    async get(path, query, schema, { signal: outer } = {}) {
      for (const pauseMs of PAUSES_MS) {
        try {
          return await call({ path, query, signal: outer }, schema)
        } catch (error) {
          if (outer?.aborted || signal.aborted || !mayPass(error)) throw error
          await pause(pauseMs, clock, [signal, outer])
        }
      }
      return call({ path, query, signal: outer }, schema)
    },
    post: (path, body, schema, { signal: outer } = {}) => call({ path, init: asJson(body), signal: outer }, schema),
    upload(path, query, { body, name }, schema, { signal: outer } = {}) {
      const form = new FormData()
      form.set('media', body, name)
      return call(
        { path, query, init: { method: 'POST', body: form }, limitMs: UPLOAD_LIMIT_MS, signal: outer },
        schema,
      )
    },
    download: (path, query, { signal: outer } = {}) =>
      withToken(outer, async (token) => {
        const response = await http(address(path, { access_token: token, ...query }), about(outer ?? signal))
        if (!response.ok || !response.body) {
          await response.body?.cancel()
          throw notTaken(response, path)
        }
        const body = await opened(response.body)
        if (typeof body !== 'string') return { body, mimeType: response.headers.get('content-type') ?? '' }
        const { video_url } = checked(body, VideoUrl, { path, token })
        return { videoUrl: video_url }
      }),
  }
}

const STABLE_TOKEN = '/cgi-bin/stable_token'
const CLASSIC_TOKEN = '/cgi-bin/token'

type Asked = Pick<Refused, 'path' | 'isTokenCall'> & { readonly token?: string | undefined }

/** `undefined`: it is none. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** As it is: the platform does not read `\uXXXX`, which JSON.stringify writes only for control characters. */
function asJson(body: { readonly [key: string]: Json }): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** The token stands in the address: it is given to nobody else. */
function about(signal: AbortSignal): RequestInit {
  return { signal, redirect: 'manual' }
}

/** Somebody on the way (a proxy, a gateway) has turned it back, and said that it has: the platform does not know of it. */
function notTaken({ status }: Response, path: string): Error {
  const message = `${path}: HTTP ${status}.`
  return status >= 300 && status < 500 && status !== 408
    ? new DeliveryError('CHANNEL_DOWN', { message })
    : new Error(message)
}

/** As `asked`, but no longer than the signal lets it. */
export function untilAborted<T>(asked: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return asked
  return new Promise((resolve, reject) => {
    const give = () => reject(signal.reason)
    if (signal.aborted) give()
    signal.addEventListener('abort', give, { once: true })
    const done = () => signal.removeEventListener('abort', give)
    asked.finally(done).then(resolve, reject)
  })
}

/**
 * Errors come with status 200, and now and then as if they were the file. So whatever begins as JSON and is small is
 * read: it is the text.
 */
async function opened(file: ReadableStream<Uint8Array>): Promise<string | ReadableStream> {
  const chunks = file[Symbol.asyncIterator]()
  const read: Uint8Array[] = []
  for (let bytes = 0; bytes <= SMALL_BYTES; ) {
    const { done, value } = await chunks.next()
    if (done) return read.length > 0 ? Buffer.concat(read).toString() : new Blob().stream()
    if (value.length === 0) continue
    read.push(value)
    bytes += value.length
    if (read[0]?.[0] !== BRACE) break
  }
  return ReadableStream.from(rejoined(read, chunks))
}

async function* rejoined(read: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* read
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof WeChatError ? error.action === 'retry' : !(error instanceof DeliveryError)
}

function noToken(cause: unknown): DeliveryError {
  const message = 'WeChat cannot be asked for an access token just now. Nothing is sent until it can.'
  return new DeliveryError('CHANNEL_DOWN', { scope: 'channel', retryAfterMs: NO_TOKEN_PAUSE_MS, message, cause })
}
