/**
 * What plugins ask the outside world with: `fetch`, but with an end in time and size, without secrets in the log, and
 * not to the machines around us, wherever a name, a redirect or a customer's link may point.
 */
import { lookup } from 'node:dns'
import { isIP, isIPv6, type LookupFunction } from 'node:net'
import { Agent, buildConnector, FormData as UndiciFormData, fetch as undiciFetch } from 'undici'
import { SwitchboardError } from '../errors.ts'
import type { Log } from '../turn.ts'
import { isPrivateAddress } from './addresses.ts'
import { type Clock, systemClock } from './clock.ts'
import { type Limit, limitOf } from './limit.ts'
import { cleanUrl } from './log.ts'

export interface Http {
  /**
   * As the global one. Rejects with `HTTP_PRIVATE_ADDRESS`, with `HTTP_TIMEOUT` (also while the body is read) and with
   * `HTTP_TOO_LARGE`; with the reason of the signal that was aborted, the instance's or the caller's own.
   */
  readonly fetch: typeof fetch
  /** Ends what is under way and lets go of every connection. Twice is safe. */
  close(): Promise<void>
}

/** From the first byte sent to the last one read, for callers that give no signal. */
const TIMEOUT_MS = 30_000
/** The same for callers that do: they have a limit of their own, such as a turn's or a long poll's. This one ends what hangs. */
const TIMEOUT_WITH_SIGNAL_MS = 5 * 60_000
const CONNECT_TIMEOUT_MS = 10_000
const MAX_BYTES = 25 * 1024 * 1024
/** No response with one of these has a body. Source: https://fetch.spec.whatwg.org/#null-body-status, read 2026-11-20. */
const NULL_BODY = new Set([101, 103, 204, 205, 304])

/**
 * Makes one instance's client. `allowPrivate` names the hosts, or host:port, that may be asked although their address
 * is private, as they stand in the URL; a function is asked at each connection. `maxBytes` bounds a response's body as
 * it is read, unpacked. `offline` refuses every request.
 */
export function makeHttp(options: {
  readonly log: Log
  readonly signal: AbortSignal
  readonly allowPrivate?: readonly string[] | (() => readonly string[]) | undefined
  readonly offline?: boolean | undefined
  readonly clock?: Clock | undefined
  readonly timeoutMs?: number | undefined
  readonly timeoutWithSignalMs?: number | undefined
  readonly maxBytes?: number | undefined
}): Http {
  const { log, clock = systemClock, maxBytes = MAX_BYTES } = options
  const { timeoutMs = TIMEOUT_MS, timeoutWithSignalMs = TIMEOUT_WITH_SIGNAL_MS } = options
  const agent = new Agent({ connect: makeConnector(options.allowPrivate ?? []), headersTimeout: 0, bodyTimeout: 0 })
  let closed: Promise<void> | undefined

  const safeFetch: typeof fetch = async (input, init) => {
    const { url, settings } = ask(input, init)
    const method = settings.method?.toUpperCase() ?? 'GET'
    const about = { method, url: cleanUrl(url) }
    if (options.offline) throw new SwitchboardError('HTTP_OFFLINE', { detail: `${method} ${about.url}` })
    const limitMs = settings.signal ? timeoutWithSignalMs : timeoutMs
    const startedMs = clock.now()
    const limit = limitOf({
      signals: [options.signal, settings.signal],
      clock,
      ms: limitMs,
      late: () => new SwitchboardError('HTTP_TIMEOUT', { detail: `${method} ${about.url}: ${limitMs / 1000} s.` }),
    })
    try {
      const response = await undiciFetch(url, { ...settings, signal: limit.signal, dispatcher: agent })
      log.debug({ ...about, status: response.status, ms: clock.now() - startedMs }, 'asked')
      return copyOf(response, bounded(response, maxBytes, limit, about.url))
    } catch (error) {
      limit.release()
      const reason = limit.signal.aborted ? limit.signal.reason : (refusalIn(error) ?? error)
      log.debug({ ...about, ms: clock.now() - startedMs, error: reason }, 'asked in vain')
      throw reason
    }
  }

  return {
    fetch: safeFetch,
    close() {
      closed ??= agent.destroy()
      return closed
    },
  }
}

/** The request as undici takes it: it does not know the global `Request` and `FormData`, which are of another copy. */
function ask(input: string | URL | Request, init: RequestInit | undefined): { url: string; settings: RequestInit } {
  if (!(input instanceof Request)) return { url: String(input), settings: withForm(init ?? {}) }
  const { url, method, headers, body, redirect, signal } = input
  return { url, settings: withForm({ method, headers, body, redirect, signal, duplex: 'half', ...init }) }
}

function withForm(init: RequestInit): RequestInit {
  if (!(init.body instanceof FormData)) return init
  const form = new UndiciFormData()
  for (const [name, value] of init.body)
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, value)
  return { ...init, body: form }
}

interface Answer {
  readonly status: number
  readonly headers: Iterable<[string, string]> & { get(name: string): string | null }
  readonly statusText: string
  readonly url: string
  readonly redirected: boolean
  readonly body: ReadableStream<Uint8Array> | null
}

/** The body, cut off with an error when it is too large. The limit is released when it has been read or given up. */
function bounded(answer: Answer, maxBytes: number, limit: Limit, url: string): ReadableStream | null {
  if (!answer.body || NULL_BODY.has(answer.status)) {
    limit.release()
    return null
  }
  const reader = answer.body.getReader()
  const tooLarge = () => new SwitchboardError('HTTP_TOO_LARGE', { detail: `${url}: more than ${maxBytes} bytes.` })
  if (Number(answer.headers.get('content-length')) > maxBytes) {
    giveUp(reader)
    throw tooLarge()
  }
  let sizeBytes = 0
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) {
            limit.release()
            return controller.close()
          }
          sizeBytes += value.byteLength
          if (sizeBytes > maxBytes) throw tooLarge()
          controller.enqueue(value)
        } catch (error) {
          limit.release()
          giveUp(reader)
          throw error
        }
      },
      cancel(reason) {
        limit.release()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

function giveUp(reader: ReadableStreamDefaultReader<unknown>): void {
  // Fails only when the stream has failed already, and then there is nothing to give up.
  reader.cancel().catch(() => {})
}

/** A Response of the global class, so that `instanceof` holds; the constructor cannot take where it came from. */
function copyOf({ status, statusText, headers, url, redirected }: Answer, body: ReadableStream | null): Response {
  const copy = new Response(body, { status, statusText, headers: [...headers] })
  return Object.defineProperties(copy, { url: { value: url }, redirected: { value: redirected } })
}

/** fetch wraps what the connection says in a TypeError. */
function refusalIn(error: unknown): SwitchboardError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof SwitchboardError) return cause
  return undefined
}

/** Connects only to addresses that may be asked. The address is checked that is connected to: a name has no second chance. */
function makeConnector(allowPrivate: readonly string[] | (() => readonly string[])): buildConnector.connector {
  const settings = { timeout: CONNECT_TIMEOUT_MS, allowH2: false }
  const anywhere = buildConnector(settings)
  const outside = buildConnector({ ...settings, lookup: publicLookup })
  return (options, callback) => {
    const host = options.hostname.toLowerCase()
    const shown = isIPv6(host) ? `[${host}]` : host
    const port = options.port || (options.protocol === 'https:' ? '443' : '80')
    const allowed = typeof allowPrivate === 'function' ? allowPrivate() : allowPrivate
    const isAllowed = allowed.some((entry) => [host, shown, `${shown}:${port}`].includes(entry.toLowerCase()))
    if (isAllowed) return anywhere(options, callback)
    // Nothing is looked up for an address.
    if (isIP(host) && isPrivateAddress(host)) return callback(refuse(`${shown}:${port}`), null)
    return outside(options, callback)
  }
}

/** Looks a name up, and refuses with `HTTP_PRIVATE_ADDRESS` when it stands for a private address. For `net.connect`. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? []
    if (error || !first) return callback(error, [])
    // One private address among public ones is no accident either.
    if (addresses.some(({ address }) => isPrivateAddress(address))) return callback(refuse(hostname), [])
    if (options.all) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

function refuse(host: string): SwitchboardError {
  return new SwitchboardError('HTTP_PRIVATE_ADDRESS', { detail: `It was ${host}.` })
}
