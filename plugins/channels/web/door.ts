/** Who may come in: from which page, with which token, how often. All of it before a body is read or a socket opened. */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '#core'
import { atMost, HOUR_MS, type Limit } from './limits.ts'
import type { Log } from './log.ts'
import { PROTOCOL, TOKEN_PROTOCOL } from './protocol.ts'
import { Refusal, type RefusalCode } from './refusal.ts'
import type { Settings } from './settings.ts'
import type { Signer, Visitor } from './token.ts'

/** Of what else a page does by itself, in a minute: typing, reading, asking for what it lacks. */
const REQUESTS_PER_MINUTE = 240
/** Visitors cost nothing: an address may write as much as so many of them, however many it has. */
const VISITORS_PER_ADDRESS = 10
/** Of one address, for each page that may be open there. */
const REQUESTS_PER_PAGE = 12
/** How long a browser remembers that it may ask. */
const PREFLIGHT_S = 7200

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

export interface Door {
  /** Hooks for `onRequest`, in this order. */
  readonly page: Hook
  readonly visitor: Hook
  readonly often: Hook
  readonly veryOften: Hook
  readonly connection: Hook
  /** What needs no token. */
  readonly address: Hook
  /** What is uploaded, by its size. */
  readonly bytes: Hook
  /** Who has passed the hook `visitor`. */
  visitorOf(request: FastifyRequest): Visitor
  /** Whose token this is; `undefined` when it is not good, or the chat has become another's since it was made. */
  holderOf(token: string): Promise<Visitor | undefined>
  /** A session; one for whoever has none counts against the address by itself. */
  admit(request: FastifyRequest, reply: FastifyReply, known: Visitor | undefined): void
  /** One more connection is open. The returned function says that it no longer is. */
  connected(request: FastifyRequest): () => void
}

export function makeDoor(
  web: FastifyInstance,
  of: {
    readonly config: Settings
    /** The channel's public address. */
    readonly url: string
    readonly signer: Signer
    readonly history: Pick<Log, 'visitor'>
    readonly clock: { now(): number }
    callerOf(request: IncomingMessage): Caller
    /** How many pages a visitor has open. */
    countOf(chat: string): number
  },
): Door {
  const { config, signer, history, clock, callerOf } = of
  const { limits } = config
  const origins = new Set([...config.origins, ...ownOrigins(of.url)])
  const isAllowed = (origin: string) => origins.has('*') || origins.has(origin)
  const messages = {
    visitor: atMost(limits.messagesPerMinute, clock),
    address: atMost(limits.messagesPerMinute * VISITORS_PER_ADDRESS, clock),
  }
  const requests = {
    visitor: atMost(REQUESTS_PER_MINUTE, clock),
    address: atMost(limits.connectionsPerAddress * REQUESTS_PER_PAGE, clock),
  }
  const sessions = atMost(limits.sessionsPerMinute, clock)
  const uploads = atMost(limits.uploadsPerHour, clock, HOUR_MS)
  const open = new Map<string, number>()
  const visitorOf = (request: FastifyRequest) => request.getDecorator<Visitor>('visitor')

  web.decorateRequest('visitor', null)

  async function holderOf(token: string): Promise<Visitor | undefined> {
    const visitor = signer.visitorOf(token, clock.now())
    const row = visitor && (await history.visitor(visitor.chat))
    // Who has had the chat before somebody signed in there must not be in it any longer.
    return (row?.whose ?? '') === visitor?.whose && !row?.gone_to ? visitor : undefined
  }

  function bound(waitS: number, code: RefusalCode, reply: FastifyReply): void {
    if (waitS === 0) return
    reply.header('retry-after', waitS)
    throw new Refusal(code)
  }
  function addressWaitS(request: FastifyRequest, limit: Limit, amount?: number): number {
    const { address, isShared } = callerOf(request.raw)
    return isShared ? 0 : limit.waitS(address, amount)
  }
  function boundBoth(request: FastifyRequest, reply: FastifyReply, limit: typeof messages, { chat }: Visitor): void {
    bound(limit.visitor.waitS(chat) || addressWaitS(request, limit.address), 'TOO_MANY_MESSAGES', reply)
  }

  return {
    async page(request, reply) {
      const { origin } = request.headers
      reply.header('vary', 'origin').header('cache-control', 'no-store')
      if (origin === undefined) {
        // Browsers always say from which page a WebSocket comes, and they alone have visitors to protect.
        if (request.ws) throw new Refusal('ORIGIN_NOT_ALLOWED')
        return
      }
      if (!isAllowed(origin)) throw new Refusal('ORIGIN_NOT_ALLOWED')
      reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', 'retry-after')
      if (request.method !== 'OPTIONS') return
      reply
        .header('access-control-allow-methods', 'GET, POST')
        .header('access-control-allow-headers', 'authorization, content-type')
        .header('access-control-max-age', PREFLIGHT_S)
    },
    async visitor(request) {
      const visitor = await holderOf(tokenIn(request) ?? '')
      if (!visitor) throw new Refusal('TOKEN_REFUSED')
      request.setDecorator('visitor', visitor)
    },
    often: async (request, reply) => boundBoth(request, reply, messages, visitorOf(request)),
    veryOften: async (request, reply) => boundBoth(request, reply, requests, visitorOf(request)),
    address: async (request, reply) => bound(addressWaitS(request, requests.address), 'TOO_MANY_MESSAGES', reply),
    async bytes(request, reply) {
      // Whoever does not say how much may send as much as is taken.
      const largest = config.uploads ? config.uploads.maxBytes : 0
      const bytes = Math.min(Number(request.headers['content-length'] ?? largest), largest)
      bound(addressWaitS(request, uploads, bytes), 'TOO_MANY_FILES', reply)
    },
    async connection(request) {
      const { address, isShared } = callerOf(request.raw)
      const isTooMany = !isShared && (open.get(address) ?? 0) >= limits.connectionsPerAddress
      if (isTooMany || of.countOf(visitorOf(request).chat) >= limits.connectionsPerVisitor)
        throw new Refusal('TOO_MANY_CONNECTIONS')
    },
    visitorOf,
    holderOf,
    admit(request, reply, known) {
      if (known) boundBoth(request, reply, requests, known)
      else bound(addressWaitS(request, sessions), 'TOO_MANY_SESSIONS', reply)
    },
    connected(request) {
      const { address } = callerOf(request.raw)
      open.set(address, (open.get(address) ?? 0) + 1)
      return () => {
        const left = (open.get(address) ?? 0) - 1
        if (left > 0) open.set(address, left)
        else open.delete(address)
      }
    },
  }
}

/** Which of the protocols that a WebSocket offers it is answered with: never the one with the token in it. */
export function chosenProtocol(offered: ReadonlySet<string>): string | false {
  return offered.has(PROTOCOL) && PROTOCOL
}

function tokenIn({ headers, ws }: FastifyRequest): string | undefined {
  if (!ws) return /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1]
  const offered = headers['sec-websocket-protocol']?.split(',').map((one) => one.trim()) ?? []
  if (!offered.includes(PROTOCOL)) return undefined
  return offered.find((one) => one.startsWith(TOKEN_PROTOCOL))?.slice(TOKEN_PROTOCOL.length)
}

/** A machine is known to itself by more than one name. */
function ownOrigins(url: string): readonly string[] {
  const { origin, hostname, protocol, port } = new URL(url)
  const names = ['localhost', '127.0.0.1', '[::1]']
  if (!names.includes(hostname)) return [origin]
  return names.map((name) => `${protocol}//${name}${port && `:${port}`}`)
}
