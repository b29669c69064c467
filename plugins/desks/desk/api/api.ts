/** The door of the desk: everything that comes in by HTTP, wired together. */
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import type { Context, DeskContext, JournalTables } from '#core'
import type { Blacklist } from '../../../services/blacklist.ts'
import type { Ratings } from '../../../services/ratings.ts'
import type { Staff } from '../../../services/staff.ts'
import { invite, openAccounts } from '../access/accounts.ts'
import { makeAttempts } from '../access/attempts.ts'
import { type Calling, makeDoor } from '../access/door.ts'
import { addAccess } from '../access/routes.ts'
import { makePasswords } from '../access/secrets.ts'
import { openSessions, openTokens } from '../access/sessions.ts'
import type { AccessTables } from '../access/tables.ts'
import type { Settings } from '../config.ts'
import { addCustomers } from '../customers/routes.ts'
import type { Roster } from '../people/roster.ts'
import type { openFloor } from '../queue/floor.ts'
import { addReplies } from '../replies/routes.ts'
import type { ReplyTables } from '../replies/tables.ts'
import { addStatistics } from '../statistics/routes.ts'
import type { Counting } from '../statistics/statistics.ts'
import { addAudit } from './audit.ts'
import { addCommands, wasDone } from './commands.ts'
import { byEventStream, bySocket } from './connections.ts'
import { makeDeskNow } from './desk-now.ts'
import { addDocumentation } from './documentation.ts'
import { makeEntries } from './entries.ts'
import { addFiles } from './files.ts'
import { addLookedUp } from './looked-up.ts'
import { makeRatings } from './ratings.ts'
import { Refusal } from './refusal.ts'
import { makeRows } from './rows.ts'
import { makeSight, type Placed, personOf, type Sight } from './seen.ts'
import { type Api, answerRefusal, makeApi, OK } from './serve.ts'
import type { Me } from './shapes.ts'
import { HEARTBEAT_MS, makeStream, type Stream } from './stream.ts'

/** Screens say nothing by their WebSockets. */
const MAX_SOCKET_MESSAGE_BYTES = 1024

/** What of the context the API works with. */
type Ground = Pick<
  Context<unknown, unknown>,
  | 'name'
  | 'log'
  | 'web'
  | 'url'
  | 'clock'
  | 'command'
  | 'documents'
  | 'audit'
  | 'channels'
  | 'journal'
  | 'watch'
  | 'typing'
  | 'sendable'
  | 'callerOf'
  | 'customers'
  | 'feed'
  | 'timeZone'
  | 'onDispose'
> & { readonly media: Context<unknown, unknown>['media'] & DeskContext['media'] }

export interface Served {
  readonly staff: Staff
  /** The link for the first administrator is told, while nobody has a password. */
  started(): Promise<void>
}

/** Serves everything below `/api`. */
export async function serveApi(
  context: Ground,
  of: {
    readonly settings: Settings
    readonly floor: ReturnType<typeof openFloor>
    readonly sql: Kysely<AccessTables & ReplyTables>
    readonly blacklist: Blacklist | undefined
    readonly ratings: Ratings | undefined
    readonly counting: Counting
  },
): Promise<Served> {
  const { name: desk, log, web, url, clock, documents, media, audit, channels, journal, callerOf, onDispose } = context
  const { settings, sql, blacklist, counting } = of
  const { roster } = of.floor
  const teams = Object.keys(settings.teams)
  const deskNow = makeDeskNow({
    desk,
    settings,
    hasBlacklist: blacklist !== undefined,
    timeZone: context.timeZone,
    roster,
    journal,
    clock,
    channels,
  })
  const { titleOf, channelOf, accountOf, accountsOf } = deskNow
  const isThere = (person: string) => Object.hasOwn(settings.people, person)

  // ── who asks ──

  const accounts = await openAccounts({ documents, clock, passwords: makePasswords(), isThere })
  const attempts = makeAttempts(accounts.key, clock, isThere)
  const sessions = await openSessions(sql, clock, context.feed('sessions'))
  const tokens = await openTokens(sql, clock, context.feed('tokens'))
  const door = makeDoor({
    desk,
    url,
    sessions,
    tokens,
    callerOf,
    person(name) {
      const settled = isThere(name) ? settings.people[name] : undefined
      return settled && { title: settled.name, role: settled.role, teams: roster.person(name)?.teams ?? [] }
    },
  })
  const inviteBy = { documents, clock, url }
  const meOf = (calling: Calling, failedSignIns = attempts.failedOf(calling.name)): Me => ({
    name: calling.name,
    title: calling.title,
    role: calling.role,
    ...(calling.teams && { teams: [...calling.teams] }),
    desk,
    ...(calling.kind === 'person' && { sessionEndsAtMs: sessions.endsAtMs(calling.session) }),
    failedSignIns: calling.kind === 'person' ? failedSignIns : 0,
  })

  // ── what they see ──

  const sight = makeSight({ desk, journal, accountsOf })
  const ratingsOf = makeRatings(of.ratings, log)
  const entries = makeEntries({ desk, journal, sight, channelOf, titleOf, ratingsOf })
  const rows = makeRows({
    journal,
    sql,
    sight,
    channelOf,
    accountOf,
    titleOf,
    async named(name, limit) {
      const { customers } = await context.customers.list({ filter: { name }, sort: 'newest', limit })
      return customers.map(({ id }) => id)
    },
    isBlocked: async (customer) => ((await blacklist?.list(customer))?.length ?? 0) > 0,
    ratingsOf,
    lookersAt: (chat) => stream.lookersAt(chat),
  })
  const stream: Stream = makeStream({
    rows,
    clock,
    log,
    sees: sight.sees,
    meOf,
    again: door.again,
    connect: roster.connect,
    now: deskNow.now,
  })
  context.watch(stream)
  onDispose(roster.onChange(stream.peopleChanged))
  sessions.onEnd((hash) => stream.signOut((calling) => calling.kind === 'person' && calling.session.hash === hash))
  tokens.onRevoke((hash) => stream.signOut((calling) => calling.kind === 'machine' && calling.token.hash === hash))
  const beats = setInterval(() => stream.beat(), HEARTBEAT_MS)
  onDispose(() => clearInterval(beats))

  // ── the routes ──

  // First of all: it must see every route.
  await web.register(websocket, {
    options: { maxPayload: MAX_SOCKET_MESSAGE_BYTES, perMessageDeflate: false },
    // Screens go to whoever takes its place, and so do those who wait.
    preClose: (done) => {
      of.floor.stop()
      stream.close()
      // What cannot be kept now is tried once more, and told, when all else of the desk ends.
      counting
        .end()
        .catch(() => undefined)
        .then(() => done())
    },
  })
  await web.register(async (scope) => {
    scope.setErrorHandler((error, _request, reply) => {
      // All others are answered by the core.
      if (!answerRefusal(error, reply)) throw error
    })
    const api = makeApi(scope, {
      ...{ door, seen: sight, audit, desk },
      wasDone: (calling, id, about) => wasDone({ desk, journal }, calling, id, about),
    })
    addAccess(api, {
      accounts,
      attempts,
      sessions,
      tokens,
      door,
      log,
      teams,
      callerOf,
      audit,
      desk,
      titleOf,
      meOf,
      people: () =>
        roster.all().map(({ name, title, teams }) => ({
          name,
          title,
          role: settings.people[name]?.role ?? 'agent',
          teams: [...teams],
        })),
      async invite(person) {
        const { link, untilMs } = await invite(person, inviteBy)
        return { link, untilMs }
      },
    })
    addPeople(api, { roster })
    addAudit(api, { journal, deskNow })
    addLookedUp(api, { media, sendable: context.sendable, rows, entries, deskNow })
    addCustomers(api, {
      desk,
      settings,
      journal,
      sight,
      entries,
      blacklist,
      timeZone: context.timeZone,
      clock,
      customers: context.customers,
      channelOf,
      accountOf,
      beforeErasing: counting.catchUp,
    })
    addStatistics(api, { counting, timeZone: context.timeZone, clock, channelOf, accountOf, titleOf })
    addPresence(api, { journal, sql, sight, stream, typing: context.typing })
    addReplies(api, sql.$pickTables<'reply'>())
    const fileOf = addFiles(api, { media, key: accounts.key })
    addCommands(api, { desk, settings, journal, sight, roster, teams, command: context.command, channelOf, fileOf })
    addStream(scope, api, stream)
    addDocumentation(scope)
  })

  return {
    staff: {
      async signedIn(request) {
        const calling = door.calling(request)
        if (calling?.kind !== 'person') return undefined
        const { name, title, role, teams } = calling
        return { person: name, title, role, teams }
      },
    },
    async started() {
      await sessions.keepOnly(Object.keys(settings.people))
      if (!(await accounts.isEmpty())) return
      const [first] = Object.entries(settings.people).find(([, { role }]) => role === 'administrator') ?? []
      if (first === undefined) {
        log.warn({}, `Nobody can sign in at ${url}/: give somebody under people: the setting role: administrator.`)
        return
      }
      const { code } = await invite(first, inviteBy)
      // Not as one address: the log cuts off of addresses what may be a secret.
      log.info(
        { person: first },
        `Nobody has a password yet. Within a day, ${first} sets the first one at ${url}/ with this behind the address, good once: #link=${code}`,
      )
    },
  }
}

/** Statuses. */
function addPeople(api: Api, { roster }: { readonly roster: Roster }): void {
  async function set(person: string, status: string, by: Calling): Promise<{ readonly before: string }> {
    const now = roster.person(person)
    const isTheirs = !by.teams || by.name === person || now?.teams.some((team) => by.teams?.includes(team))
    if (!now || !isTheirs) throw new Refusal('NOBODY_THERE', { params: { person } })
    if (!roster.statuses.some(({ name }) => name === status))
      throw new Refusal('STATUS_UNKNOWN', { params: { status } })
    await roster.setStatus(person, status, by.actor)
    return { before: now.status.name }
  }
  api.on('POST /status', async ({ calling, body: { status }, note }) => {
    const { before } = await set(calling.name, status, calling)
    note({ before: { status: before }, after: { status } })
    return OK
  })
  api.on('POST /people/:person/status', async ({ calling, params, body: { status }, note }) => {
    const { before } = await set(params.person, status, calling)
    note({ before: { status: before }, after: { status } })
    return OK
  })
}

/** Who has read, who looks, who types. */
function addPresence(
  api: Api,
  of: {
    readonly journal: Kysely<JournalTables>
    readonly sql: Kysely<AccessTables>
    readonly sight: Sight
    readonly stream: Stream
    typing(chat: string): Promise<void>
  },
): void {
  const { journal, sql, sight, stream } = of

  /** Where the open conversation of a chat is now. Whoever had an earlier one may have nothing to do with it. */
  async function openIn(calling: Calling, chat: string): Promise<Placed | undefined> {
    const open = await journal
      .selectFrom('chat')
      .innerJoin('conversation', 'conversation.id', 'chat.conversation')
      .select(['conversation.desk', 'conversation.team', 'conversation.person', 'chat.account'])
      .where('chat.id', '=', chat)
      .executeTakeFirst()
    if (open && !sight.sees(calling, open)) throw new Refusal('NOT_FOUND')
    return open
  }

  api.on('POST /chats/:chat/read', async ({ calling, params: { chat }, body: { seq, isBack } }) => {
    await sql
      .insertInto('reading')
      .values({ chat, person: personOf(calling), seq })
      // Not back by itself: another screen of theirs may have shown more.
      .onConflict((there) => {
        const set = there.columns(['chat', 'person']).doUpdateSet({ seq })
        return isBack ? set : set.where('reading.seq', '<', seq)
      })
      .execute()
    stream.rowChanged(chat)
    return OK
  })
  api.on('POST /chats/:chat/looking', async ({ calling, params: { chat }, body: { connection, isLooking } }) => {
    if (isLooking) await openIn(calling, chat)
    if (!stream.look(calling, connection, chat, isLooking)) throw new Refusal('NOT_FOUND')
    return OK
  })
  api.on('POST /chats/:chat/typing', async ({ calling, params: { chat } }) => {
    const open = await openIn(calling, chat)
    if (open && open.person !== calling.name) throw new Refusal('NOT_OWNER')
    await of.typing(chat)
    return OK
  })
}

function addStream(scope: FastifyInstance, api: Api, stream: Stream): void {
  const enter = api.enter('GET /stream')
  scope.route({
    method: 'GET',
    url: '/api/stream',
    config: { public: true, websocket: true },
    async onRequest(request) {
      await enter(request)
      // What did not ask for an endless answer would be waited for like any other.
      if (!request.ws && !request.headers.accept?.includes('text/event-stream'))
        throw new Refusal('STREAM_NOT_ACCEPTED')
      stream.mayJoin(api.callingOf(request))
    },
    wsHandler: (socket, request) => stream.join(api.callingOf(request), (onEnd) => bySocket(socket, onEnd)),
    handler(request, reply) {
      for (const [header, value = ''] of Object.entries(reply.getHeaders())) reply.raw.setHeader(header, value)
      reply.hijack()
      stream.join(api.callingOf(request), (onEnd) => byEventStream(reply.raw, onEnd))
    },
  })
}
