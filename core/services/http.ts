/**
 * What plugins ask the outside world with: `fetch`, but with an end in time and size, without secrets in the log, and
 * not to the machines around us, wherever a name, a redirect or a customer's link may point.
 */
import { lookup } from 'node:dns'
import { isIP, isIPv6, type LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { Agent, buildConnector, interceptors } from 'undici'
import { SwitchboardError } from '../errors.ts'
import type { Log } from '../turn.ts'
import { isPrivateAddress } from './addresses.ts'
import { capped } from './capped.ts'
import { type Clock, systemClock } from './clock.ts'
import { ACCEPT_ENCODING, Exchange } from './exchange.ts'

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
/** As fetch. Source: https://fetch.spec.whatwg.org/#http-redirect-fetch, read 2026-11-22. */
const MAX_REDIRECTS = 20
/** What is said where the caller says nothing else. */
const HEADERS = [
  ['accept', '*/*'],
  ['accept-encoding', ACCEPT_ENCODING],
  ['user-agent', 'switchboard'],
] as const
const TEXT_HEADERS = [...HEADERS, ['content-type', 'text/plain;charset=UTF-8']] as const
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

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
  const follow = interceptors.redirect({ maxRedirections: MAX_REDIRECTS, throwOnMaxRedirect: true })
  const following = agent.compose(follow)
  const underWay = new Set<Exchange>()
  let closed: Promise<void> | undefined
  // One for all: a listener for each request would cost more than the rest of what bounds it.
  options.signal.addEventListener('abort', () => {
    for (const exchange of underWay) exchange.fail(options.signal.reason)
  })

  const safeFetch: typeof fetch = async (input, init = {}) => {
    const { url, method, headers, body, signal, redirect } = await askedOf(input, init)
    // Nobody has to be asked for what stands in the address itself.
    if (url.protocol === 'data:') return capped(await fetch(url), maxBytes)
    const { origin, pathname, search } = url
    const about = { method, url: `${origin}${pathname}` }
    if (options.offline) throw new SwitchboardError('HTTP_OFFLINE', { detail: `${method} ${about.url}` })
    for (const one of [options.signal, signal]) one?.throwIfAborted()
    const limitMs = signal ? timeoutWithSignalMs : timeoutMs
    const startedMs = clock.now()
    const exchange = new Exchange({
      url,
      method,
      signal,
      clock,
      limitMs,
      late: () => new SwitchboardError('HTTP_TIMEOUT', { detail: `${method} ${about.url}: ${limitMs / 1000} s.` }),
      maxBytes,
      tooLarge: () => new SwitchboardError('HTTP_TOO_LARGE', { detail: `${about.url}: more than ${maxBytes} bytes.` }),
      onOver: (over) => underWay.delete(over),
    })
    underWay.add(exchange)
    try {
      const dispatcher = redirect === 'follow' ? following : agent
      dispatcher.dispatch({ origin, path: `${pathname}${search}`, method, headers, body }, exchange)
      const response = await exchange.response
      if (redirect === 'error' && REDIRECTS.has(response.status)) throw new TypeError('unexpected redirect')
      log.debug({ ...about, status: response.status, ms: clock.now() - startedMs }, 'asked')
      return response
    } catch (error) {
      exchange.fail(error)
      log.debug({ ...about, ms: clock.now() - startedMs, error }, 'asked in vain')
      throw error
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

/** A request as undici takes it. */
interface Asked {
  readonly url: URL
  readonly method: string
  /** Names and values by turns. */
  readonly headers: string[]
  readonly body: string | Uint8Array | Readable | null
  readonly signal: AbortSignal | null | undefined
  readonly redirect: Request['redirect']
}

async function askedOf(input: string | URL | Request, init: RequestInit): Promise<Asked> {
  const { body, redirect = 'follow', signal } = init
  const isSimple = body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array
  if (input instanceof Request || !isSimple) return askedOfRequest(input, init)
  const url = new URL(input)
  if (url.username || url.password) throw new TypeError('No user may stand in an address; send a header instead.')
  const method = init.method?.toUpperCase() ?? 'GET'
  const headers = headersOf(init.headers, typeof body === 'string' ? TEXT_HEADERS : HEADERS)
  return { url, method, headers, body: body ?? null, signal, redirect }
}

/** Of what is more than a text: a Request knows how forms, files and streams are sent. */
async function askedOfRequest(input: string | URL | Request, init: RequestInit): Promise<Asked> {
  const request = new Request(input, { ...init, signal: null })
  const isStream = init.body instanceof ReadableStream
  return {
    url: new URL(request.url),
    method: request.method,
    headers: headersOf(request.headers, HEADERS),
    // Whole, where it is here already: many platforms take no file without its length.
    body: request.body && (isStream ? Readable.fromWeb(request.body) : await request.bytes()),
    signal: init.signal ?? (input instanceof Request ? input.signal : undefined),
    redirect: request.redirect,
  }
}

function headersOf(given: RequestInit['headers'], defaults: readonly (readonly [string, string])[]): string[] {
  const names: string[] = []
  const headers: string[] = []
  for (const [name = '', value = ''] of given && Symbol.iterator in given ? given : Object.entries(given ?? {})) {
    names.push(name.toLowerCase())
    headers.push(name, value)
  }
  for (const [name, value] of defaults) if (!names.includes(name)) headers.push(name, value)
  return headers
}

/**
 * Ports of other protocols, some of which would take a request for their own commands.
 * Source: https://fetch.spec.whatwg.org/#port-blocking, read 2026-11-22.
 */
const BAD_PORTS: ReadonlySet<string> = new Set(
  [
    '1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119',
    '123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989',
    '990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080',
  ].flatMap((ports) => ports.split(' ')),
)

/** Connects only to addresses that may be asked. The address is checked that is connected to: a name has no second chance. */
function makeConnector(allowPrivate: readonly string[] | (() => readonly string[])): buildConnector.connector {
  const settings = { timeout: CONNECT_TIMEOUT_MS, allowH2: false }
  const anywhere = buildConnector(settings)
  const outside = buildConnector({ ...settings, lookup: publicLookup })
  return (options, callback) => {
    const host = options.hostname.toLowerCase()
    const shown = isIPv6(host) ? `[${host}]` : host
    const port = options.port || (options.protocol === 'https:' ? '443' : '80')
    if (BAD_PORTS.has(port)) return callback(new Error('bad port'), null)
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
