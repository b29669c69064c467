/**
 * Lets requests in, by the table of routes: who it is, whether they may, whether what they name is theirs to see, what
 * they ask, and what stands of it in the audit log. A handler is called only when all of that is settled.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods, RouteOptions } from 'fastify'
import { type Context, type Json, type Maybe, z } from '#core'
import { type Calling, type Door, mayAs, type PersonCalling } from '../access/door.ts'
import { Refusal } from './refusal.ts'
import {
  type AnswerOf,
  type CheckedBodyOf,
  type CheckedQueryOf,
  type ParamsOf,
  type Route,
  type RouteKey,
  type Routes,
  routes,
} from './routes.ts'
import type { Refused } from './shapes.ts'

/** The answer of whatever has nothing else to tell. */
export const OK = { ok: true } as const

/** Of what is no file. */
const MAX_BODY_BYTES = 64 * 1024

type CallingOf<K extends RouteKey> = Routes[K]['for'] extends 'everybody'
  ? undefined
  : Routes[K] extends { readonly peopleOnly: true }
    ? PersonCalling
    : Calling

/** A request that may be answered. */
export interface Asked<K extends RouteKey> {
  readonly calling: CallingOf<K>
  readonly params: ParamsOf<K>
  readonly query: CheckedQueryOf<K>
  readonly body: CheckedBodyOf<K>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** For the audit log: what it was before, and after. `who`, where nobody was signed in before. */
  note(what: { readonly before?: Json; readonly after?: Json; readonly who?: string }): void
}

type Handler<K extends RouteKey> = (asked: Asked<K>) => Maybe<AnswerOf<K>>
/** A handler whose own types are forgotten: what it is given has been checked. A method, so that they may be. */
interface AnyHandler {
  answer(asked: AnyAsked): unknown
}
interface AnyAsked {
  readonly calling: Calling | undefined
  readonly params: { readonly [name: string]: string }
  readonly query: unknown
  readonly body: unknown
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  note(what: { readonly before?: Json; readonly after?: Json; readonly who?: string }): void
}

export interface Api {
  /** Answers a route of the table. */
  on<K extends RouteKey>(key: K, answer: Handler<K>): void
  /** The hook by which the stream's own handlers let callers in. */
  readonly enter: (key: RouteKey) => (request: FastifyRequest) => Promise<void>
  /** Who has passed it. */
  callingOf(request: FastifyRequest): Calling
}

/** Whether something named in a path is there for whoever asks. */
export interface Seen {
  conversation(calling: Calling, id: string): Promise<boolean>
  chat(calling: Calling, id: string): Promise<boolean>
  customer(calling: Calling, id: string): Promise<boolean>
}

const Params = z.record(z.string(), z.string().max(256))

export function makeApi(
  web: FastifyInstance,
  of: {
    readonly door: Door
    readonly seen: Seen
    /** Whether this one has given a command of this id before, about this conversation, and it was done. */
    wasDone(calling: Calling, id: string, conversation: string | undefined): Promise<boolean>
    readonly audit: Context<unknown, unknown>['audit']
    readonly desk: string
  },
): Api {
  const { door, seen } = of
  web.decorateRequest('calling', null)
  web.decorateRequest('isGone', false)

  async function enter(key: RouteKey, request: FastifyRequest): Promise<void> {
    const route: Route = routes[key]
    const { raw, method } = request
    if (method !== 'GET' && !door.isOurPage(raw)) throw new Refusal('ORIGIN_NOT_ALLOWED')
    if (route.for === 'everybody') return
    const calling = door.calling(raw)
    if (!calling) throw new Refusal('NOT_SIGNED_IN')
    if (!mayAs(calling.role, route.for)) throw new Refusal('FORBIDDEN', { params: { needs: route.for } })
    if (isOfWholeDesk(key) && calling.teams) throw new Refusal('NEEDS_ALL_TEAMS')
    if (route.peopleOnly && calling.kind !== 'person') throw new Refusal('PEOPLE_ONLY')
    request.setDecorator('calling', calling)
    const { conversation, chat, customer } = Params.parse(request.params)
    const isTheirs =
      (conversation === undefined || (await seen.conversation(calling, conversation))) &&
      (chat === undefined || (await seen.chat(calling, chat))) &&
      (customer === undefined || (await seen.customer(calling, customer)))
    // Perhaps it is gone by this very command, given a second time: then its body says so.
    if (!isTheirs && isCommand(key)) request.setDecorator('isGone', true)
    else if (!isTheirs) throw new Refusal('NOT_FOUND')
  }

  const callingOf = (request: FastifyRequest) => request.getDecorator<Calling | null>('calling') ?? undefined

  function serve(key: RouteKey, handler: AnyHandler): void {
    const route: Route = routes[key]
    const [method, path] = methodAndPath(key)
    const options: RouteOptions = {
      method,
      url: `/api${path}`,
      config: { public: true },
      bodyLimit: MAX_BODY_BYTES,
      onRequest: (request) => enter(key, request),
      async handler(request, reply) {
        const calling = callingOf(request)
        const params = Params.parse(request.params)
        const given = Given.safeParse(request.body)
        const isRepeat =
          calling !== undefined && given.success && (await of.wasDone(calling, given.data.id, params.conversation))
        if (request.getDecorator<boolean>('isGone')) {
          if (isRepeat) return OK
          throw new Refusal('NOT_FOUND')
        }
        let noted: Parameters<AnyAsked['note']>[0] = {}
        const asked: AnyAsked = {
          calling,
          params,
          query: route.query?.parse(request.query),
          body: route.takesBytes ? undefined : route.body?.parse(request.body ?? {}),
          request,
          reply,
          note: (what) => {
            noted = { ...noted, ...what }
          },
        }
        let answer: unknown
        try {
          answer = await handler.answer(asked)
        } catch (error) {
          if (route.audit !== undefined && error instanceof Refusal && error.done !== undefined)
            write(route.audit, request, calling, { after: error.done })
          throw error
        }
        // Of a command that is given again, what was done then stands there.
        if (route.audit !== undefined && !isRepeat) write(route.audit, request, calling, noted)
        // A file is on its way by itself.
        return route.answer instanceof z.ZodType
          ? reply.type('application/json; charset=utf-8').send(JSON.stringify(answer))
          : reply
      },
    }
    if (!route.takesBytes) web.route(options)
    else
      void web.register(async (files) => {
        // Any type at all, and none of it in memory.
        files.removeAllContentTypeParsers()
        files.addContentTypeParser('*', (_request, body, done) => done(null, body))
        files.route(options)
      })
  }

  /** Who, what, from where, and before → after. */
  function write(
    action: string,
    request: FastifyRequest,
    calling: Calling | undefined,
    { before, after, who = calling?.name }: Parameters<AnyAsked['note']>[0],
  ): void {
    const by = calling?.actor ?? (who === undefined ? { kind: 'desk', name: of.desk } : { kind: 'agent', person: who })
    const about = Params.parse(request.params)
    const from = calling?.address ?? request.ip
    of.audit({
      by,
      action,
      ...(before !== undefined && { before }),
      after: { ...(who !== undefined && { who }), from, about, ...(after !== undefined && { is: after }) },
    })
  }

  return {
    on: (key, answer) => serve(key, { answer }),
    enter: (key) => (request) => enter(key, request),
    callingOf(request) {
      const calling = callingOf(request)
      if (!calling) throw new Refusal('NOT_SIGNED_IN')
      return calling
    },
  }
}

const Given = z.object({ id: z.string() })

/** What is for supervisors, and not about one conversation, customer or person that is theirs or not. */
function isOfWholeDesk(key: RouteKey): boolean {
  const { for: least } = routes[key]
  return (least === 'supervisor' || least === 'administrator') && !/:(conversation|chat|customer|person)\b/.test(key)
}

function isCommand(key: RouteKey): boolean {
  return key.startsWith('POST /conversations/:conversation/')
}

const METHODS: { readonly [method: string]: HTTPMethods } = { GET: 'GET', POST: 'POST' }

/** `GET /me` */
export function methodAndPath(key: string): readonly [HTTPMethods, string] {
  const [method = '', path = ''] = key.split(' ')
  return [METHODS[method] ?? 'GET', path]
}

/** Answers errors of this desk’s routes; `false`: it is none of ours, and the core answers it. */
export function answerRefusal(error: unknown, reply: FastifyReply): boolean {
  if (!(error instanceof Refusal)) return false
  const { code, params, message, statusCode, retryAfterMs } = error
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1000))
  const body: Refused = { code, message, ...(params && { params }) }
  reply.code(statusCode).send(body)
  return true
}
