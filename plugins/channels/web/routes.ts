/** What a page asks beside sending messages: sessions, what was said, files, who it is. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Context, type FileBody, type KeepOptions, type KeptFile, SwitchboardError } from '#core'
import { joinByEventStream, joinBySocket } from './connections.ts'
import type { Door } from './door.ts'
import { From, Identity, Read, Session } from './events.ts'
import { fileName, isOneOf, partTypeOf, sendFile, uploadRef } from './files.ts'
import type { Hub } from './hub.ts'
import type { Extent, Log, StoredItem } from './log.ts'
import type { Session as OpenSession, Snapshot, Uploaded } from './protocol.ts'
import { Refusal } from './refusal.ts'
import type { Settings } from './settings.ts'
import { newVisitorId, type Signer, type Visitor } from './token.ts'
import type { Users } from './users.ts'

const BODY = { bodyLimit: 16 * 1024 }
/** A signed-in user's token is good for so long at most, and then his site must say again that he is there. */
const SIGNED_IN_MS = 7 * 24 * 60 * 60 * 1000

export function addRoutes(
  web: FastifyInstance,
  of: {
    readonly config: Settings
    readonly clock: { now(): number }
    readonly media: Pick<Context<unknown, unknown>['media'], 'open'> & {
      keep(body: FileBody, options: KeepOptions): Promise<KeptFile>
    }
    live(chat: string, what: 'typing' | 'read'): void
    readonly history: Log
    readonly signer: Signer
    readonly hub: Hub
    readonly door: Door
    readonly users: Users | undefined
    snapshotOf(chat: string, extent: Extent): Promise<Snapshot>
  },
): void {
  const { config, clock, media, live, history, signer, hub, door, users, snapshotOf } = of
  const { page, visitor, often, veryOften, connection, address, bytes } = door

  web.options('/v1/*', { onRequest: page }, (_request, reply) => reply.code(204).send())

  // ── who it is ──

  const anonymous = (chat: string) => signer.tokenFor({ chat, expiresAtMs: clock.now() + config.keep, whose: '' })
  const signedIn = (chat: string, whose: string) =>
    signer.tokenFor({ chat, expiresAtMs: clock.now() + Math.min(config.keep, SIGNED_IN_MS), whose })
  /** A new token in good time before the old one ends. A user's is never renewed but by `v1/identify`. */
  const renewed = ({ chat, expiresAtMs, whose }: Visitor) =>
    whose === '' && expiresAtMs - clock.now() < config.keep / 2 ? { token: anonymous(chat) } : undefined
  const sessionOf = async (chat: string, token: string): Promise<OpenSession> => ({
    token,
    snapshot: await snapshotOf(chat, await history.extent(chat)),
  })

  web.post('/v1/session', { onRequest: page, ...BODY }, async (request, reply) => {
    const { token = '' } = Session.parse(request.body ?? {})
    const known = await door.holderOf(token)
    door.admit(request, reply, known)
    if (known) return sessionOf(known.chat, renewed(known)?.token ?? token)
    const chat = newVisitorId()
    return sessionOf(chat, anonymous(chat))
  })
  web.post('/v1/identify', { onRequest: [page, visitor, often], ...BODY }, async (request, reply) => {
    const { chat, whose } = door.visitorOf(request)
    const { identity } = Identity.parse(request.body)
    if (!users) throw new Refusal('IDENTITY_OFF')
    const user = users.verified(identity)
    // Nobody's chat becomes the user's or is left: from now on the token is not good, and who looks on by it must go.
    if (whose === '') reply.raw.once('close', () => hub.turnOut(chat))
    const own = await users.signIn(chat, user)
    hub.look(own)
    return sessionOf(own, signedIn(own, user.mark))
  })

  // ── what was said ──

  const pageOf = (items: readonly StoredItem[], more: boolean, snapshot: Snapshot) =>
    `{"items":[${items.map(({ json }) => json).join()}],"more":${more},"snapshot":${JSON.stringify(snapshot)}}`
  const joining = (request: FastifyRequest) => {
    const known = door.visitorOf(request)
    const { after } = From.parse(request.query)
    return { hub, chat: known.chat, after, ...renewed(known), onEnd: door.connected(request) }
  }
  const isStream = ({ ws, headers }: FastifyRequest) => ws || headers.accept?.includes('text/event-stream') === true

  web.route({
    method: 'GET',
    url: '/v1/events',
    onRequest: [
      page,
      visitor,
      veryOften,
      async (request, reply) => (isStream(request) ? connection(request, reply) : undefined),
    ],
    preValidation: async ({ query }) => void From.parse(query),
    wsHandler: (socket, request) => joinBySocket(socket, joining(request)),
    async handler(request, reply) {
      if (isStream(request)) {
        for (const [header, value = ''] of Object.entries(reply.getHeaders())) reply.raw.setHeader(header, value)
        reply.hijack()
        return joinByEventStream(reply.raw, joining(request))
      }
      const { chat } = door.visitorOf(request)
      const { after, before } = From.parse(request.query)
      const extent = await history.extent(chat)
      const snapshot = await snapshotOf(chat, extent)
      reply.type('application/json; charset=utf-8')
      if (before === undefined) {
        const items = await history.after(chat, after)
        return pageOf(items, (items.at(-1)?.seq ?? extent.head) < extent.head, snapshot)
      }
      const items = await history.before(chat, before)
      return pageOf(items, (items[0]?.seq ?? extent.first) > extent.first, snapshot)
    },
  })
  web.post('/v1/read', { onRequest: [page, visitor, veryOften], ...BODY }, async (request, reply) => {
    const { chat } = door.visitorOf(request)
    const { head } = await history.extent(chat)
    const seq = Math.min(Read.parse(request.body).seq, head)
    if (seq > 0) {
      await history.markRead(chat, seq)
      live(chat, 'read')
      hub.look(chat)
    }
    return reply.code(204).send()
  })
  web.post('/v1/typing', { onRequest: [page, visitor, veryOften], ...BODY }, async (request, reply) => {
    live(door.visitorOf(request).chat, 'typing')
    return reply.code(204).send()
  })

  // ── files ──

  void web.register(async (files) => {
    // Any type at all, and none of it in memory.
    files.removeAllContentTypeParsers()
    files.addContentTypeParser('*', (_request, body, done) => done(null, body))
    files.post<{ Querystring: { name?: string } }>(
      '/v1/files',
      { onRequest: [page, visitor, often, bytes] },
      (request) => {
        const { chat } = door.visitorOf(request)
        if (!config.uploads) throw new Refusal('UPLOADS_OFF')
        return keep(chat, request.raw, fileName(request.query.name), config.uploads)
      },
    )
  })
  web.get<{ Params: { '*': string } }>('/files/*', { onRequest: address }, ({ params }, reply) =>
    sendFile(reply, params['*'], { signer, media }),
  )

  async function keep(
    chat: string,
    body: FileBody,
    name: string,
    { maxBytes, types }: Exclude<Settings['uploads'], false>,
  ): Promise<Uploaded> {
    const accepts = (mimeType: string) => isOneOf(types, mimeType)
    const kept = await media.keep(body, { maxBytes, accepts }).catch((cause: unknown) => {
      const code = cause instanceof SwitchboardError ? cause.code : undefined
      if (code === 'MEDIA_TOO_LARGE') throw new Refusal('FILE_TOO_LARGE', { cause })
      if (code === 'MEDIA_EMPTY') throw new Refusal('FILE_EMPTY', { cause })
      if (code === 'MEDIA_TYPE') throw new Refusal('FILE_TYPE', { cause })
      throw cause
    })
    return { file: uploadRef(signer, chat, { ...kept, name }), type: partTypeOf(kept.mimeType) }
  }
}
