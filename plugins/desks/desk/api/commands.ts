/**
 * What people and machines do with conversations. Each is a command of the core, under an id that is made of who gives
 * it and of the id that they made: given again, it is the same command and is answered as the first time.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Kysely } from 'kysely'
import {
  type Command,
  type CommandResult,
  type Content,
  type Context,
  type JournalTables,
  type Json,
  type Maybe,
  type MediaPart,
  z,
} from '#core'
import type { Calling } from '../access/door.ts'
import { mayAs } from '../access/door.ts'
import { mayServe, type Settings } from '../config.ts'
import type { Roster } from '../people/roster.ts'
import { fieldsFor, filledSummary, mustBeWhole, summaryFields } from '../summary.ts'
import { Refusal, refusedCommand } from './refusal.ts'
import type { Sight } from './seen.ts'
import { type Api, OK } from './serve.ts'

/** A command without what is made here. */
type Doing = Command extends infer C ? (C extends unknown ? Omit<C, 'id' | 'by'> : never) : never

const Result = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), conversation: z.string().optional() }),
  z.object({
    ok: z.literal(false),
    code: z.enum([
      'NOT_FOUND',
      'NOT_OWNER',
      'ALREADY_OPEN',
      'NEW_MESSAGE',
      'WINDOW_CLOSED',
      'BLOCKED',
      'CHANNEL_DOWN',
      'INVALID',
    ]),
    message: z.string(),
  }),
])

const Allowances = z.array(z.object({ endsAtMs: z.number() }))

function idOf(desk: string, calling: Calling, id: string): string {
  return `${desk}:${calling.kind === 'person' ? calling.name : calling.token.id}:${id}`
}

/** What a command named when it was given, and what it said. */
const Given = z.object({
  conversation: z.string().optional(),
  chat: z.string().optional(),
  content: z.unknown().optional(),
  text: z.string().optional(),
})

async function known(journal: Kysely<JournalTables>, id: string) {
  const row = await journal
    .selectFrom('command')
    .select(['type', 'result_json', 'body_json'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) return undefined
  const { type, result_json, body_json } = row
  return { type, given: Given.parse(JSON.parse(body_json ?? '{}')), result: Result.parse(JSON.parse(result_json)) }
}

/** Whether a command that the same one has given under this id, about this conversation, was done. */
export async function wasDone(
  of: { readonly desk: string; readonly journal: Kysely<JournalTables> },
  calling: Calling,
  id: string,
  conversation: string | undefined,
): Promise<boolean> {
  const before = await known(of.journal, idOf(of.desk, calling, id))
  return before?.result.ok === true && before.given.conversation === conversation
}

/** What is written in it: another text is another command, for whoever gives it takes it for done. */
const saidBy = (of: object) => ['content' in of ? of.content : undefined, 'text' in of ? of.text : undefined]

/** Whether it is the command that was given under its id before. A supervisor’s take is one or the other of two. */
function isSame({ type, given }: NonNullable<Awaited<ReturnType<typeof known>>>, doing: Doing): boolean {
  const typeOf = (type: string) => (type === 'assign' ? 'take' : type)
  const isAboutIt = 'conversation' in doing ? given.conversation === doing.conversation : given.chat === doing.chat
  return isAboutIt && typeOf(type) === typeOf(doing.type) && isDeepStrictEqual(saidBy(given), saidBy(doing))
}

export function addCommands(
  api: Api,
  of: {
    readonly desk: string
    readonly settings: Settings
    readonly journal: Kysely<JournalTables>
    readonly sight: Sight
    readonly roster: Roster
    readonly teams: readonly string[]
    readonly command: Context<unknown, unknown>['command']
    channelOf(account: string): string
    /** The part that an uploaded file is. Throws a `Refusal`. */
    fileOf(calling: Calling, ref: string): MediaPart
  },
): void {
  const { journal, roster, sight } = of
  const allFields = summaryFields(of.settings)

  async function run(calling: Calling, id: string, doing: Doing, may?: () => Maybe<void>): Promise<typeof OK> {
    const result = await resultFor(calling, id, doing, may)
    if (!result.ok) throw refusedCommand(result.code, result.message)
    return OK
  }

  async function resultFor(
    calling: Calling,
    id: string,
    doing: Doing,
    may: () => Maybe<void> = () => undefined,
  ): Promise<CommandResult> {
    const own = idOf(of.desk, calling, id)
    // What was given before is not looked at again: status and owner may be others by now.
    const before = await known(journal, own)
    if (before && !isSame(before, doing)) throw new Refusal('ID_TAKEN')
    if (before) return before.result
    await may()
    if (calling.kind === 'machine' && calling.role === 'agent' && doing.type !== 'note') await mustBeNobodys(doing)
    return of.command({ ...doing, id: own, by: await actorOf(calling, doing) })
  }

  /** A supervisor acts for the desk where a colleague has it, or where it is given to others. */
  async function actorOf(calling: Calling, doing: Doing): Promise<Command['by']> {
    if (!mayAs(calling.role, 'supervisor') || !('conversation' in doing) || doing.type === 'note') return calling.actor
    if (doing.type === 'assign') return { kind: 'desk', name: of.desk }
    const { person } = (await placeOf(doing.conversation)) ?? {}
    const isColleagues = person !== undefined && person !== calling.name
    return isColleagues && doing.type !== 'send' ? { kind: 'desk', name: of.desk } : calling.actor
  }

  /** A machine acts for the desk, which may do anything: what people have is for those that may do more. */
  async function mustBeNobodys(doing: Doing): Promise<void> {
    const place = 'conversation' in doing ? await placeOf(doing.conversation) : undefined
    if (place?.state === 'assigned') throw new Refusal('NOT_OWNER')
  }

  async function placeOf(conversation: string) {
    const row = await journal
      .selectFrom('conversation')
      .select(['state', 'bot', 'team', 'person', 'lease'])
      .where('id', '=', conversation)
      .executeTakeFirst()
    if (!row) return undefined
    const { state, bot, team, person, lease } = row
    return {
      state,
      lease,
      ...(bot !== null && { bot }),
      ...(team !== null && { team }),
      ...(person !== null && { person }),
    }
  }

  /** Before → after, for the audit log. */
  async function watched(
    conversation: string,
    note: (what: { before?: Json; after?: Json }) => void,
    work: () => Promise<typeof OK>,
    more: { readonly [key: string]: Json } = {},
  ): Promise<typeof OK> {
    const before = await placeOf(conversation)
    const done = await work()
    note({ before: before ?? null, after: { ...(await placeOf(conversation)), ...more } })
    return done
  }

  /** Whoever is in a status without chats cannot write to customers. */
  function mayWrite(calling: Calling): void {
    const status = calling.kind === 'person' ? roster.person(calling.name)?.status : undefined
    if (status && !status.isForChats) throw new Refusal('STATUS_WITHOUT_CHATS', { params: { status: status.name } })
  }

  function mustServe(person: string, account: string | undefined): void {
    const channel = account === undefined ? undefined : of.channelOf(account)
    if (channel !== undefined && !mayServe(of.settings.people[person], channel))
      throw new Refusal('MAY_NOT_SERVE', { params: { person, channel } })
  }

  async function accountOf(conversation: string): Promise<string | undefined> {
    const row = await journal
      .selectFrom('conversation')
      .innerJoin('chat', 'chat.id', 'conversation.chat')
      .select('chat.account')
      .where('conversation.id', '=', conversation)
      .executeTakeFirst()
    return row?.account
  }

  async function mayBeGiven(
    conversation: string,
    { person, team }: { person?: string | undefined; team?: string | undefined },
  ): Promise<void> {
    if (person !== undefined) {
      const now = roster.person(person)
      if (!now) throw new Refusal('NOBODY_THERE', { params: { person } })
      mustServe(person, await accountOf(conversation))
      // Whose line was cut a moment ago is waited for as with all that they have.
      const isWaitedFor = now.mayChat !== true && now.mayChat.because === 'not-connected' && now.isThere
      if (now.mayChat !== true && !isWaitedFor)
        throw new Refusal('NOT_AVAILABLE', { params: { person, because: now.mayChat.because } })
    }
    if (team !== undefined && !of.teams.includes(team)) throw new Refusal('TEAM_UNKNOWN', { params: { team } })
  }

  api.on('POST /conversations/:conversation/send', ({ calling, params, body }) => {
    const { id, lease, text, files = [] } = body
    return run(calling, id, { type: 'send', ...params, lease, content: contentOf(calling, text, files) }, () =>
      mayWrite(calling),
    )
  })

  function contentOf(calling: Calling, text: string | undefined, files: readonly string[]): Content {
    const parts = files.map((ref) => of.fileOf(calling, ref))
    const content = [...(text?.trim() ? [{ type: 'text', text } as const] : []), ...parts]
    if (content.length === 0) throw new Refusal('NOTHING_TO_SEND')
    return content
  }

  api.on('POST /conversations/:conversation/note', ({ calling, params, body: { id, lease, text } }) =>
    run(calling, id, { type: 'note', ...params, lease, text }),
  )
  api.on('POST /conversations/:conversation/take', ({ calling, params, body: { id, lease }, note }) =>
    watched(params.conversation, note, async () => {
      const mine: Doing = { type: 'take', ...params, lease }
      const { person } = (await placeOf(params.conversation)) ?? {}
      const isColleagues = person !== undefined && person !== calling.name
      // An agent’s own take of what a colleague has is refused by the core.
      const doing: Doing =
        isColleagues && mayAs(calling.role, 'supervisor')
          ? { type: 'assign', ...params, lease, person: calling.name }
          : mine
      return run(calling, id, doing, async () => {
        mayWrite(calling)
        mustServe(calling.name, await accountOf(params.conversation))
      })
    }),
  )
  api.on('POST /conversations/:conversation/assign', ({ calling, params, body: { id, lease, person, team }, note }) =>
    watched(params.conversation, note, () =>
      run(calling, id, { type: 'assign', ...params, lease, person, team }, () =>
        mayBeGiven(params.conversation, { person, team }),
      ),
    ),
  )
  api.on('POST /conversations/:conversation/transfer', ({ calling, params, body, note }) =>
    watched(params.conversation, note, async () => {
      const { id, lease, person, team } = body
      const to = { person, team }
      const may = () => mayBeGiven(params.conversation, to)
      // First: once it is passed on, it may be closed before the note comes, and what was done would be refused.
      if (body.note !== undefined) await run(calling, `${id}:note`, { type: 'note', ...params, text: body.note }, may)
      return run(calling, id, { type: 'transfer', ...params, lease, to }, may)
    }),
  )
  api.on('POST /conversations/:conversation/return', ({ calling, params, body: { id, lease, because }, note }) =>
    watched(params.conversation, note, () => run(calling, id, { type: 'return', ...params, lease, because })),
  )
  api.on('POST /conversations/:conversation/close', ({ calling, params, body, note }) => {
    const { id, lease, because, say, summary: given = {} } = body
    const work = async () => {
      const row = await journal
        .selectFrom('conversation')
        .select('team')
        .where('id', '=', params.conversation)
        .executeTakeFirst()
      const fields = fieldsFor(row?.team ?? null, allFields)
      const close: Doing = { type: 'close', ...params, lease, because, say, summary: filledSummary(fields, given) }
      return run(calling, id, close, () => {
        mustBeWhole(fields, given)
        if (say !== undefined) mayWrite(calling)
      })
    }
    return watched(params.conversation, note, work, { because })
  })
  api.on('POST /customers/:customer/call-back', async ({ calling, params, body: { id, chat, text } }) => {
    const row = await journal
      .selectFrom('chat')
      .select(['account', 'allowances_json'])
      .where('id', '=', chat)
      .where('customer', '=', params.customer)
      .executeTakeFirst()
    if (!row || !(await sight.chat(calling, chat))) throw new Refusal('NOT_FOUND')
    const callBack: Doing = { type: 'call-back', chat, content: text }
    const done = await resultFor(calling, id, callBack, () => {
      mayWrite(calling)
      mustServe(calling.name, row.account)
    })
    if (done.ok) return { ...OK, conversation: done.conversation ?? '' }
    if (done.code !== 'WINDOW_CLOSED') throw refusedCommand(done.code, done.message)
    const ends = Allowances.parse(JSON.parse(row.allowances_json ?? '[]')).map(({ endsAtMs }) => endsAtMs)
    throw new Refusal('WINDOW_CLOSED', {
      message: done.message,
      ...(ends.length > 0 && { params: { endedAtMs: Math.max(...ends) } }),
    })
  })
  api.on('POST /conversations/:conversation/resend', ({ calling, params, body: { id, delivery }, note }) => {
    note({ after: { delivery } })
    return run(calling, id, { type: 'resend', ...params, delivery }, () => mayWrite(calling))
  })
}
