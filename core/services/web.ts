/**
 * The one listener for everything that comes in by HTTP. Each instance has a Fastify of its own, because Fastify cannot
 * take a route back; the listener picks it by the first segment of the path, and can swap it while listening.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  fastify,
  LogController,
} from 'fastify'
import { z } from 'zod'
import { SwitchboardError } from '../errors.ts'
import type { Log } from '../turn.ts'
import type { Caller, Callers } from './callers.ts'
import { type Clock, systemClock } from './clock.ts'
import { MAX_WHOLE_WITHIN_MS, wholeWithinMs } from './limit.ts'
import { cleanUrl, type RuntimeLog } from './log.ts'
import { makeRefusals } from './refusals.ts'
import { securityHeaders } from './security-headers.ts'

// An import would ask for all that this module has, and Node would load its whole fetch for a WebSocket of the browsers'.
const { createServer } = process.getBuiltinModule('node:http')

/** First segments that belong to the core; no instance may have such a name. */
export const RESERVED: ReadonlySet<string> = new Set([
  'healthz',
  'readyz',
  'metrics',
  'admin',
  'media',
  'assets',
  'api',
])

/** A Fastify that is reachable at its name. */
export interface Mount {
  /** Sends no further request to it; those under way go on. Does nothing when it has been replaced. Twice is safe. */
  unmount(): void
  /**
   * Resolves when its requests under way have ended, at the latest after `withinMs`; then it is closed, if it was not
   * (its `preClose` hooks may say goodbye), and those left, its event streams and its WebSockets are cut off. Call it
   * after `unmount` or after mounting another under the name.
   */
  drained(withinMs: number): Promise<void>
}

export interface Web {
  readonly port: number
  /** Where it listens, for logs and tests; browsers use the public address of the YAML. */
  readonly url: string
  /** What was turned away since it began to listen. */
  readonly counts: WebCounts
  /**
   * From now on `/<name>` and everything below it goes to this Fastify, without `/<name>`; whoever was there is
   * replaced, and the same one again changes nothing. The name `''` is the core's own: it gets `/` and the reserved
   * segments, whole. `await app.ready()` first.
   */
  mount(name: string, app: FastifyInstance): Mount
  /** Accepts nothing new, lets what is under way finish for at most `drainMs`, and closes. Twice is safe. */
  close(drainMs: number): Promise<void>
}

export interface WebCounts {
  /** Requests that were answered 4xx, or cut off before they were whole. */
  readonly refused: number
  /** Requests of callers that were refused too often. */
  readonly keptOut: number
  /** Requests beyond what is handled at a time. */
  readonly overloaded: number
}

/** What of the YAML every request is handled by. */
export interface WebSettings {
  readonly publicUrl: string
  readonly refusedPerMinute: number
  /** Channels that are down: whoever calls them is asked to come again. */
  readonly down?: readonly { readonly name: string }[] | undefined
}

/** The HTTP request out of which something is called. */
export interface WebRequest {
  /** Aborted when the response was not sent, and never will be: the client is gone, or it was told of an error. */
  readonly closed: AbortSignal
  /**
   * Called once. `true`: the whole response was handed to the network, with a status below 400. `false`: it was not,
   * and never will be.
   */
  onFinish(done: (sent: boolean) => void): void
  /** Half of what its caller, or everybody, may have under way at a time already was: who can answers at once. */
  readonly isCrowded: boolean
}

const HEADERS_TIMEOUT_MS = 10_000
/** Longer than the 60 s of common load balancers, which must be the first to let go of an idle connection. */
const KEEP_ALIVE_MS = 75_000
/** How often it is looked for connections whose time is over. */
const CONNECTIONS_CHECKED_EVERY_MS = 5_000
/** So long after that a route must have begun to answer. Whoever hangs must not use up what others need. */
const ANSWER_WITHIN_MS = 30_000
/** Each may hold a body in memory. Event streams do not count: they last. */
const MAX_UNDER_WAY = 5_000
const MAX_PARAM_CHARS = 256
const RETRY_AFTER_S = 5
/** No single caller gets more of the places and connections than one in so many, so that others get some too. */
const SHARE = 10
/** What load balancers ask. They are always answered: they may have the address of everybody behind them. */
const HEALTH = /^\/(healthz|readyz)(\?.*)?$/s

/** Who answers a request, and the address as it is there. */
interface Found {
  readonly mount: Mounted | undefined
  /** `''`: the core, and whatever nobody is mounted at. */
  readonly name: string
  readonly url: string
  readonly isHealth: boolean
  /** It is the name of a channel that is down. */
  readonly isDown: boolean
}

/**
 * Listens. Throws `WEB_LISTEN` when the address is taken or not ours. Port 0 takes a free one. `settings` is asked at
 * each request, so that a reload counts at once.
 */
export async function startWeb(options: {
  readonly host: string
  readonly port: number
  readonly maxConnections: number
  /** Requests that are handled at a time. */
  readonly maxUnderWay?: number | undefined
  readonly settings: () => WebSettings
  readonly callers: Callers
  readonly log: Log
  readonly clock?: Clock | undefined
}): Promise<Web> {
  const { log, callers, settings, maxUnderWay = MAX_UNDER_WAY, clock = systemClock } = options
  const mounted = new Map<string, Mounted>()
  const all = new Set<Mounted>()
  const refusals = makeRefusals(clock, () => settings().refusedPerMinute)
  const places = makeShares(Math.ceil(maxUnderWay / SHARE))
  const connections = makeShares(Math.ceil(options.maxConnections / SHARE))
  const told = new Set<string>()
  const counts = { refused: 0, keptOut: 0, overloaded: 0 }
  let underWay = 0
  let closing: Promise<void> | undefined

  const server = createServer({
    requestTimeout: MAX_WHOLE_WITHIN_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: CONNECTIONS_CHECKED_EVERY_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Everything else that asks for an upgrade (curl's h2c, say, or a caller that may not) is answered like any other
    // request.
    shouldUpgradeCallback(request) {
      if (request.headers.upgrade?.toLowerCase() !== 'websocket') return false
      const { mount, name, url } = find(request)
      if (!mount || keptOutS(callers.callerOf(request), name) > 0) return false
      return mount.takesUpgrade(request, url)
    },
  })
  server.maxConnections = options.maxConnections
  server.on('connection', (socket) => {
    const caller = callers.callerAt(socket.remoteAddress)
    const give = connections.take(caller)
    if (give) return socket.once('close', give)
    socket.destroy()
    tellOnce('connections', caller, 'has a tenth of server.maxConnections; further ones are closed at once')
  })
  server.on('request', (request, response) => {
    const found = find(request)
    const { mount } = found
    const caller = callers.callerOf(request)
    for (const [header, value] of securityHeaders(settings().publicUrl, mount?.isOpen ?? false))
      response.setHeader(header, value)
    if (mount?.isOpen || found.isDown) ofChannels.add(response)
    if (closing) return answerError(response, 503, 'STOPPING', 'The server is stopping; send it again.')
    let give: (() => void) | undefined
    const waitS = found.isHealth ? 0 : keptOutS(caller, found.name)
    if (waitS > 0) return keepOut(response, waitS)
    if (!found.isHealth && isNotEndless(response)) {
      give = underWay < maxUnderWay ? places.take(caller) : undefined
      if (!give) return overloaded(response, caller)
      underWay += 1
      if (places.isHalfTaken(caller) || underWay > maxUnderWay / 2) crowded.add(response)
    }
    watch(request, response, found, caller, give)
    if (found.isDown) return answerError(response, 503, 'CHANNEL_DOWN', 'This channel is down; send it again.')
    if (!mount) return answerError(response, 404, 'NOT_FOUND', 'There is nothing at this address.')
    mount.request(rewrite(request, found.url), response)
  })
  server.on('upgrade', (request, socket, head) => {
    const { mount, url } = find(request)
    if (!mount || closing) return socket.destroy()
    mount.upgrade(rewrite(request, url), socket, head)
  })

  function find(request: IncomingMessage): Found {
    // Proxies send whole addresses.
    const asked = request.url ?? '/'
    const url = asked.startsWith('/') ? asked : asked.replace(/^https?:\/\/[^/?]*/i, '')
    const [, segment = '', rest = ''] = /^\/([^/?]*)(.*)$/s.exec(url) ?? []
    const name = decode(segment)
    if (name === '' || RESERVED.has(name))
      return {
        mount: mounted.get(''),
        name: '',
        url: url || '/',
        isHealth: isHealth(request.method, url),
        isDown: false,
      }
    const mount = mounted.get(name)
    const isDown = !mount && settings().down?.some((channel) => channel.name === name) === true
    return { mount, name: mount ? name : '', url: rest.startsWith('/') ? rest : `/${rest}`, isHealth: false, isDown }
  }

  /** Bounds its time, and when it has ended gives its place back and notes whether it was accepted or refused. */
  function watch(
    request: IncomingMessage,
    response: ServerResponse,
    { mount, name }: Found,
    caller: Caller,
    give: (() => void) | undefined,
  ): void {
    let cancel = clock.after(wholeWithinMs(bytesOf(request)), () => {
      if (response.headersSent) return
      if (!request.complete) {
        answerError(response, 408, 'TOO_SLOW', 'The request did not come in time; send it again.')
        return request.destroy()
      }
      cancel = clock.after(ANSWER_WITHIN_MS, () => {
        if (response.headersSent) return
        log.error({ mount: name, method: request.method }, `A route of ${name || 'the core'} did not answer in time.`)
        answerError(response, 503, 'TOO_SLOW', 'This took too long; send it again.')
      })
    })
    // One listener for all that has to be done then: each costs more than what it does.
    response.once('close', () => {
      cancel()
      mount?.ended(response)
      if (give) {
        underWay -= 1
        give()
      }
      const { statusCode: status } = response
      // A page is there for everybody; that something was taken from this caller says that it is no stranger.
      const isAccepted = response.writableFinished && status < 300 && !/^(GET|HEAD|OPTIONS)$/.test(request.method ?? '')
      if (isAccepted && !caller.isShared) refusals.accepted(keyOf(caller, name))
      const isCutOff = !response.headersSent && !request.complete
      if (isCutOff || (status >= 400 && status < 500)) refuse(caller, name)
    })
  }

  function refuse(caller: Caller, name: string): void {
    counts.refused += 1
    if (!refusals.refused(keyOf(caller, name))) return
    const { address, isShared } = caller
    if (isShared) tellOnce('refusals', caller, 'was refused too often, and is not kept out')
    else
      log.warn(
        { address, mount: name },
        `Too many requests of ${address} were refused; it is kept out for the rest of the minute. If this is a proxy of yours, name it in server.trustProxy.`,
      )
  }

  function overloaded(response: ServerResponse, caller: Caller): void {
    counts.overloaded += 1
    answerError(response, 503, 'OVERLOADED', 'Too much is being asked at a time; send it again.')
    if (underWay < maxUnderWay)
      tellOnce('places', caller, 'has a tenth of what is handled at a time; the rest is refused')
  }

  /** What comes again with each request is said the first time. */
  function tellOnce(what: string, { address, isShared }: Caller, happened: string): void {
    if (told.has(what)) return
    told.add(what)
    const why = isShared ? 'All the world may be behind it, so nobody can be told apart. ' : ''
    log.warn(
      { address },
      `${address} ${happened}. ${why}If this is a proxy of yours, name it in server.trustProxy, and let it send X-Forwarded-For.`,
    )
  }

  function keptOutS(caller: Caller, name: string): number {
    return caller.isShared ? 0 : refusals.keptOutS(keyOf(caller, name))
  }

  function keepOut(response: ServerResponse, waitS: number): void {
    counts.keptOut += 1
    response.setHeader('retry-after', waitS)
    const message = 'Too many requests from your address were refused. Correct them, and come back later.'
    answerError(response, 429, 'TOO_MANY_REFUSED', message)
  }

  async function shutDown(drainMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    await Promise.all([...all].map((mount) => mount.drained(drainMs, clock, { endConnections: true })))
    server.closeAllConnections()
    await closed
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const detail = `${options.host}:${options.port} (${error.code})`
      reject(new SwitchboardError('WEB_LISTEN', { detail, cause: error }))
    })
    server.listen(options.port, options.host, resolve)
  })
  server.removeAllListeners('error').on('error', (error) => log.error({ error }, 'the web server has a problem'))

  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : options.port
  return {
    port,
    url: `http://${hostInUrl(options.host)}:${port}`,
    counts,
    mount(name, app) {
      if (RESERVED.has(name)) throw new Error(`"${name}" is the core's own, no instance can be mounted there`)
      const there = mounted.get(name)
      const mount = there?.app === app ? there : makeMounted(app, () => all.delete(mount))
      mounted.set(name, mount)
      all.add(mount)
      return {
        unmount: () => {
          if (mounted.get(name) === mount) mounted.delete(name)
        },
        drained: (withinMs) => mount.drained(withinMs, clock),
      }
    },
    close(drainMs) {
      closing ??= shutDown(drainMs)
      return closing
    },
  }
}

/** Of a client that does not say how large its request is, nothing is known. */
function bytesOf({ headers }: IncomingMessage): number {
  const bytes = Number(headers['content-length'] ?? 0)
  return Number.isFinite(bytes) ? bytes : 0
}

function isHealth(method: string | undefined, url: string): boolean {
  return (method === 'GET' || method === 'HEAD') && HEALTH.test(url)
}

/** A platform that is refused by one channel (a wrong token, say) is still heard by the others. */
function keyOf({ address, isShared }: Caller, mount: string): string {
  return `${address} ${mount} ${isShared}`
}

/** Gives each caller at most so much at a time. Whoever is shared is not bounded. */
function makeShares(max: number) {
  const taken = new Map<string, number>()
  return {
    isHalfTaken: ({ address }: Caller) => (taken.get(address) ?? 0) > max / 2,
    /** Takes one for this caller. The returned function gives it back; `undefined`: it has its share. */
    take({ address, isShared }: Caller): (() => void) | undefined {
      if (isShared) return () => {}
      const count = taken.get(address) ?? 0
      if (count >= max) return undefined
      taken.set(address, count + 1)
      return () => {
        const left = (taken.get(address) ?? 0) - 1
        if (left > 0) taken.set(address, left)
        else taken.delete(address)
      }
    },
  }
}

interface Mounted {
  readonly app: FastifyInstance
  /** Everybody may ask: it checks its callers itself. */
  readonly isOpen: boolean
  takesUpgrade(request: IncomingMessage, url: string): boolean
  /** Whoever calls it says when the response has ended. */
  request(request: IncomingMessage, response: ServerResponse): void
  ended(response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  drained(withinMs: number, clock: Pick<Clock, 'after'>, options?: { endConnections: boolean }): Promise<void>
}

function makeMounted(app: FastifyInstance, onEmpty: () => void): Mounted {
  const underWay = new Set<ServerResponse>()
  const sockets = new Set<Duplex>()
  const door = doors.get(app)
  return {
    app,
    isOpen: door === undefined,
    takesUpgrade: (request, url) => app.server.listenerCount('upgrade') > 0 && (door?.lets(request, url) ?? true),
    request(request, response) {
      underWay.add(response)
      // Fastify's own server never listens: it only holds the listeners.
      app.server.emit('request', request, response)
    },
    ended: (response) => underWay.delete(response),
    upgrade(request, socket, head) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      // Until someone listens for it, a reset connection would end the process.
      socket.on('error', () => socket.destroy())
      app.server.emit('upgrade', request, socket, head)
    },
    async drained(withinMs, clock, { endConnections } = { endConnections: false }) {
      if (endConnections) for (const response of underWay) response.shouldKeepAlive = false
      if (withinMs > 0) await endOf([...underWay].filter(isNotEndless), withinMs, clock)
      // Its own way of closing comes first: a channel may have something to say to those who look on.
      await app.close()
      for (const response of underWay) response.destroy()
      for (const socket of sockets) socket.destroy()
      onEmpty()
    },
  }
}

/** An event stream ends only when someone ends it: waiting for it would always take the whole time. */
function isNotEndless(response: ServerResponse): boolean {
  const { method, headers } = response.req
  return method !== 'GET' || !headers.accept?.includes('text/event-stream')
}

async function endOf(responses: readonly ServerResponse[], withinMs: number, clock: Pick<Clock, 'after'>) {
  const ended = Promise.all(responses.map((response) => new Promise<void>((done) => response.once('close', done))))
  const late = Promise.withResolvers<void>()
  const cancel = clock.after(withinMs, late.resolve)
  await Promise.race([ended, late.promise])
  cancel()
}

function rewrite(request: IncomingMessage, url: string): IncomingMessage {
  // Fastify shows it as request.originalUrl.
  Object.assign(request, { originalUrl: request.url })
  request.url = url
  return request
}

function decode(segment: string): string {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    // Not a name of ours then: the raw segment finds nothing.
    return segment
  }
}

function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return isIPv6(host) ? `[${host}]` : host
}

/** Responses of channels, which may be asked by pages of any site: these must be able to read why they have to wait. */
const ofChannels = new WeakSet<ServerResponse>()
/** Those that came when places were running low. */
const crowded = new WeakSet<ServerResponse>()

function answerError(response: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ code, message })
  if (status === 503) response.setHeader('retry-after', RETRY_AFTER_S).setHeader('connection', 'close')
  if (ofChannels.has(response))
    response.setHeader('access-control-allow-origin', '*').setHeader('access-control-expose-headers', 'retry-after')
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

// ── an instance's own Fastify ───────────────────────────────────────────────────────────────

/** Who may enter a guarded Fastify. */
interface Door {
  /** Whether an upgrade may pass, which Fastify's hooks do not see. */
  lets(request: IncomingMessage, url: string): boolean
}

/** Of each guarded Fastify; one without a door is open. */
const doors = new WeakMap<FastifyInstance, Door>()

/**
 * Makes the Fastify of one instance: with limits, and with errors answered as `{ code, message }` that tell a stranger
 * nothing. What went wrong on our side is in the log. `guarded`: only whoever `callers` lets in gets to its routes,
 * except to those whose `config` says `public: true`.
 */
export function makeInstanceWeb(
  name: string,
  options: {
    readonly log: RuntimeLog
    readonly callers: Callers
    readonly guarded: boolean
    readonly bodyLimitBytes?: number | undefined
  },
): FastifyInstance {
  const { log, callers, bodyLimitBytes = 1024 * 1024 } = options
  const app: FastifyInstance = fastify({
    loggerInstance: fastifyLog(log),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    trustProxy: callers.trusts,
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    frameworkErrors: (error, _request, reply) => void sendError(error, reply, log.redact),
  })
  app.addHook('onRoute', ({ config, url }) => {
    const isPublic = config?.public === true || !options.guarded
    if (config?.documents && isPublic) documented.set(app, { ...documented.get(app), [config.documents]: url })
  })
  if (options.guarded) guard(app, callers)
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = sendError(error, reply, log.redact)
    const fields = { error, instance: name, method: request.method, url: cleanUrl(request.originalUrl), status }
    if (status >= 500) log.error(fields, 'a request failed')
    else log.debug(fields, 'a request was refused')
  })
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ code: 'NOT_FOUND', message: 'There is nothing at this address.' }),
  )
  app.addHook('onRequest', (_request, reply, done) => current.run(reply.raw, done))
  return app
}

/** Where an instance's Fastify documents an API, for everybody: paths below its own address. */
export interface Documented {
  readonly page?: string | undefined
  readonly openapi?: string | undefined
}

const documented = new WeakMap<FastifyInstance, Documented>()

/** By those of its routes whose `config` says `documents`. */
export function documentedIn(app: FastifyInstance): Documented {
  return documented.get(app) ?? {}
}

/** Lets only those in who may enter, and everybody to the routes that say `config: { public: true }`. */
function guard(app: FastifyInstance, callers: Callers): void {
  const publicSockets = new Set<string>()
  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.public === true && config.websocket === true && method.includes('GET')) publicSockets.add(url)
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config?.public === true || callers.mayEnter(request.raw)) return done()
    reply.code(401).header('www-authenticate', 'Bearer').send({ code: 'UNAUTHORIZED', message: UNAUTHORIZED })
  })
  doors.set(app, {
    lets: (request, url) => publicSockets.has(url.replace(/\?.*$/s, '')) || callers.mayEnter(request),
  })
}

const UNAUTHORIZED =
  'This is for the operator. Send the header "Authorization: Bearer …" with the value of server.token in the YAML. Without a token there, only the machine itself is let in, at localhost, and only while server.publicUrl is its own address.'

function sendError(
  error: Error & { statusCode?: number; code?: string },
  reply: FastifyReply,
  redact: RuntimeLog['redact'],
): number {
  const { status, code, message } = publicError(error)
  if (status === 503) reply.header('retry-after', RETRY_AFTER_S)
  reply.code(status).send({ code, message: redact(message) })
  return status
}

function publicError(error: Error & { statusCode?: number; code?: string }): {
  status: number
  code: string
  message: string
} {
  if (error instanceof z.ZodError) {
    const [issue] = error.issues
    const where = issue?.path.length ? `${issue.path.join('.')}: ` : ''
    return { status: 400, code: 'BAD_REQUEST', message: `${where}${issue?.message ?? 'The request is not valid.'}` }
  }
  const status = error.statusCode && error.statusCode >= 400 && error.statusCode < 600 ? error.statusCode : 500
  if (status < 500) return { status, code: error.code ?? 'BAD_REQUEST', message: error.message }
  const code = error instanceof SwitchboardError ? error.code : 'INTERNAL'
  if (status === 503) return { status, code, message: 'This cannot be taken now; send it again.' }
  return { status, code, message: 'Something went wrong on our side.' }
}

/** So that `request.log` writes into the instance's log. Requests and responses are left out: they hold headers. */
function fastifyLog(log: Log): FastifyBaseLogger {
  const line = (level: keyof Log) => (fields: unknown, text?: unknown) => {
    if (typeof fields === 'string') log[level]({}, fields)
    else log[level](withoutRequests(fields), typeof text === 'string' ? text : '')
  }
  const logger: FastifyBaseLogger = {
    level: 'debug',
    fatal: line('error'),
    error: line('error'),
    warn: line('warn'),
    info: line('info'),
    debug: line('debug'),
    trace: line('debug'),
    silent: () => {},
    // Asked for with each request.
    child: () => logger,
  }
  return logger
}

function withoutRequests(fields: unknown): object {
  if (fields instanceof Error) return fields
  if (typeof fields !== 'object' || fields === null) return {}
  return Object.fromEntries(Object.entries(fields).filter(([field]) => field !== 'req' && field !== 'res'))
}

// ── the request in which we are ─────────────────────────────────────────────────────────────

const current = new AsyncLocalStorage<ServerResponse>()
/** Of those responses that somebody has asked for. */
const requests = new WeakMap<ServerResponse, WebRequest>()

/**
 * The HTTP request whose route called us, however many `await`s ago; `undefined` outside of routes. The pipeline learns
 * by it whether the response into which an answer was written has left. What outlives the request must not ask: see
 * `outsideOfRequests`.
 */
export function currentRequest(): WebRequest | undefined {
  const response = current.getStore()
  if (!response) return undefined
  const request = requests.get(response) ?? requestOf(response)
  requests.set(response, request)
  return request
}

/** Runs what a request sets going but what is not part of it: inside, `currentRequest()` is `undefined`. */
export function outsideOfRequests<T>(run: () => T): T {
  return current.exit(run)
}

function requestOf(response: ServerResponse): WebRequest {
  const gone = new AbortController()
  const waiting: ((sent: boolean) => void)[] = []
  let result: boolean | undefined
  const settle = (sent: boolean) => {
    if (result !== undefined) return
    result = sent
    if (!sent) gone.abort()
    for (const done of waiting.splice(0)) done(sent)
  }
  const finish = () => settle(response.statusCode < 400)
  const close = () => settle(false)
  if (response.writableFinished) finish()
  else if (response.closed) close()
  else response.once('finish', finish).once('close', close)
  return {
    closed: gone.signal,
    isCrowded: crowded.has(response),
    onFinish(done) {
      if (result === undefined) waiting.push(done)
      else queueMicrotask(() => done(result === true))
    },
  }
}
