/** A message comes in by `v1/messages`, stands in the log, is answered by `send`, and is seen by whoever looks on. */
import websocket from '@fastify/websocket'
import { ALWAYS, defineChannel, optional, type Log as RuntimeLog } from '#core'
import { type Presence, presence } from '../../services/presence.ts'
import { chosenProtocol, makeDoor } from './door.ts'
import { Message, toEvent } from './events.ts'
import { passOn, shownFace, shownPart, uploadedPart } from './files.ts'
import { HEARTBEAT_MS, makeHub } from './hub.ts'
import { makeLog, rows, type SystemCode } from './log.ts'
import { servePages } from './pages.ts'
import { addRoutes } from './routes.ts'
import { type Settings, settings } from './settings.ts'
import { makeSnapshots } from './snapshots.ts'
import { makeSigner, newKey } from './token.ts'
import { makeUsers } from './users.ts'

/** Of what a page sends that is no file. */
const MAX_BODY_BYTES = 64 * 1024
/** Pages say nothing by their WebSockets. */
const MAX_SOCKET_MESSAGE_BYTES = 1024

export default defineChannel({
  name: 'web',
  summary: 'A chat on your own site: one line of HTML, and your visitors can write to you.',
  config: settings,
  account: ({ account }) => account,
  capabilities: ({ layout }) => ({
    sends: { text: { maxChars: 8_000 }, image: {}, audio: {}, video: {}, file: {}, link: {}, choices: { max: 20 } },
    later: [ALWAYS],
    showsIdentity: showsFaces(layout) ? { avatar: true } : 'none',
    idempotentSend: true,
    repeatsLate: true,
  }),
  needs: { presence: optional(presence) },
  tables: rows,
  async setup(context) {
    const { name, config, web, url, sql, clock, log, schedule, onDispose, receive, callerOf } = context
    const history = makeLog(sql, clock)
    const signer = makeSigner(await history.key(newKey()))
    const account = `web:${config.account}`
    const isAvailable = availability(context.presence, name, log)
    const snapshotOf = makeSnapshots({ journal: context.journal, account, history, isAvailable })
    const hub = makeHub({ history, snapshotOf, log })
    const door = makeDoor(web, { config, url, signer, history, clock, callerOf, countOf: hub.countOf })
    const { identify } = config
    const users =
      identify &&
      makeUsers({
        secret: identify.secret,
        site: identify.site ?? config.account,
        account,
        signer,
        history,
        clock,
        receive,
      })

    // First of all: it must see every route.
    await web.register(websocket, {
      options: { maxPayload: MAX_SOCKET_MESSAGE_BYTES, perMessageDeflate: false, handleProtocols: chosenProtocol },
      preClose: (done) => {
        hub.close()
        done()
      },
    })
    await servePages(web, name, config)
    addRoutes(web, {
      config,
      clock,
      media: context.media,
      live: context.live,
      history,
      signer,
      hub,
      door,
      users,
      snapshotOf,
    })

    const guards = {
      onRequest: [door.page, door.visitor, door.often],
      // Once more: the body may come long after the head, and the chat have become another's meanwhile.
      preHandler: door.visitor,
      bodyLimit: MAX_BODY_BYTES,
    }
    web.post('/v1/messages', guards, async (request) => {
      const { chat } = door.visitorOf(request)
      const message = Message.parse(request.body)
      const { id, choice } = message
      const file = message.file === undefined ? undefined : uploadedPart(signer, chat, message.file)
      // Of a repeat it may have been forgotten with the message.
      if (file && (await history.seqOf(chat, id)) === 0) await context.media.open(file.url).catch(passOn)
      const seen = { ip: request.ip, browser: request.headers['user-agent'] }
      const sender = await users?.senderIn(chat)
      const event = toEvent(message, { chat, file, sender, seen, collect: config.collect, nowMs: clock.now() })
      const part = shownPart(signer, file ?? { type: 'text', text: message.text ?? '' })
      await receive(event, { write: history.adding(chat, id, { by: 'visitor', part, choice }) })
      hub.added(chat)
      return { seq: await history.seqOf(chat, id) }
    })

    // Not by `schedule`, which would write every one of them down.
    const beats = setInterval(() => {
      hub.beat()
      // What somebody else has written: another process, or the instance that was here before a reload.
      history.changedSince(clock.now() - 2 * HEARTBEAT_MS).then(
        (chats) => chats.forEach(hub.added),
        (error: unknown) => log.error({ error }, 'It cannot be looked up what is new.'),
      )
    }, HEARTBEAT_MS)
    onDispose(() => clearInterval(beats))
    if (context.presence) onDispose(context.presence.onChange(() => hub.tellAvailable(isAvailable())))
    schedule('1h', () => history.forget(clock.now() - config.keep))
    if (config.origins.includes('*')) log.warn({}, 'Every site may show this chat, since origins: has "*".')
    log.info({ url: `${url}/` }, `Try it: ${url}/`)

    const tells = (code: SystemCode) => async (turn: Happened) => {
      const { externalId } = turn.chat
      await history.add(externalId, turn.event.id, { by: 'system', code })
      hub.added(externalId)
      hub.look(externalId)
    }
    return {
      async send({ id, chat, part, identity }) {
        const face = identity && showsFaces(config.layout) ? shownFace(identity) : undefined
        await history.add(chat, id, { by: 'us', part: shownPart(signer, part), face })
        hub.added(chat)
        hub.look(chat)
        return { platformId: id }
      },
      draft: (chat, text) => hub.draft(chat, text),
      typing: (chat) => hub.tell(chat, { type: 'typing' }),
      async erase({ chats, atMs }) {
        for (const { externalId } of chats.filter((chat) => chat.account === account)) {
          await history.erase(externalId, atMs)
          hub.look(externalId)
        }
      },
      // What was said, the journal has too.
      async kept({ chats }) {
        const own = chats.filter((chat) => chat.account === account).map(({ externalId }) => externalId)
        const visitors = await history.visitors(own)
        return visitors.length > 0 ? visitors : undefined
      },
      events: {
        'conversation.opened': (turn) => hub.look(turn.chat.externalId),
        'conversation.queued': tells('queued'),
        'conversation.assigned': tells('assigned'),
        'conversation.returned': tells('returned'),
        'conversation.closed': tells('closed'),
      },
    }
  },
})

/** Only where the two sides stand opposite is there a place for them. */
function showsFaces(layout: Settings['layout']): boolean {
  return layout === 'left-right'
}

/** Whether people of ours are there. A presence that fails must not take the chat with it: then they are taken to be. */
function availability(presence: Presence | undefined, channel: string, log: RuntimeLog): () => boolean {
  let hasFailed = false
  return () => {
    try {
      return presence?.isAvailable({ channel }) ?? true
    } catch (error) {
      if (!hasFailed) log.error({ error }, 'Nobody can tell whether your people are there; they are taken to be.')
      hasFailed = true
      return true
    }
  }
}

interface Happened {
  readonly chat: { readonly externalId: string }
  readonly event: { readonly id: string }
}
