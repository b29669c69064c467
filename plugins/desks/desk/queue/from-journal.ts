/** What the journal knows of the conversations that are the desk's: read once, when the desk begins. */
import type { ExpressionBuilder } from 'kysely'
import { type Context, type JournalTables, z } from '#core'
import type { Case } from './book.ts'
import { memory } from './memory.ts'

/** What begins the ids of the desk's commands: the journal keeps them with what they caused. */
export const CAUSES = { noAnswer: 'no-answer:', gone: 'gone:', greeting: 'greeting:', place: 'place:' } as const

/** Why a conversation is closed whose customer has said one of the `leaveWords`. */
export const LEFT_THE_QUEUE = 'the customer left the queue'

const OwnerPerson = z.object({ person: z.string() })

/** Before all that has ever happened. */
const NEVER_MS = Number.NEGATIVE_INFINITY

/** So many are read in one go: everything else goes on between them. */
const PAGE = 1_000

/** Page by page. */
export async function* readCases(from: From): AsyncGenerator<readonly Case[]> {
  for (let after = ''; ; ) {
    const page = await readPage(from, after)
    yield page
    const last = page[PAGE - 1]
    if (!last) return
    after = last.id
  }
}

type From = Pick<Context<unknown, unknown>, 'name' | 'journal' | 'channels'>

async function readPage({ name, journal, channels }: From, after: string): Promise<readonly Case[]> {
  const page = journal
    .selectFrom('conversation')
    .select('conversation.id')
    .where('conversation.desk', '=', name)
    .where('conversation.state', 'in', ['queued', 'assigned'])
    .where('conversation.id', '>', after)
    .orderBy('conversation.id')
    .limit(PAGE)
  const ours = journal.selectFrom('conversation').where('conversation.id', 'in', page).orderBy('conversation.id')
  const [rows, changes, answered] = await Promise.all([
    ours
      .innerJoin('chat', 'chat.id', 'conversation.chat')
      .leftJoin('state', (join) => join.onRef('state.chat', '=', 'chat.id').on('state.instance', '=', name))
      .select(['conversation.id', 'conversation.chat', 'account', 'team', 'person', 'lease', 'origin', 'opened_at'])
      .select(['assigned_at', 'state.body_json'])
      .execute(),
    ours
      .innerJoin('conversation_change as change', 'change.conversation', 'conversation.id')
      .select(['change.conversation', 'change.type', 'change.at', 'change.cause', 'change.owner_json'])
      .where('change.type', 'in', ['queued', 'assigned', 'returned'])
      .orderBy('change.n')
      .execute(),
    ours
      .innerJoin('entry', (join) =>
        join.onRef('entry.chat', '=', 'conversation.chat').onRef('entry.conversation', '=', 'conversation.id'),
      )
      .groupBy('conversation.id')
      .select(['conversation.id', (select) => select.fn.max('entry.at').as('at')])
      .where(isAnswer)
      .execute(),
  ])
  const answeredAtMs = new Map(answered.map(({ id, at }) => [id, at]))
  const waits = waitsOf(changes, answeredAtMs)
  const nameOf = new Map(channels().map(({ account, name }) => [account, name]))
  return rows.map((row): Case => {
    const { last, isCounted } = memory.parse(JSON.parse(row.body_json ?? '{}'))
    const { sinceMs = row.opened_at, queuedAtMs = row.opened_at, passedBy = [] } = waits.get(row.id) ?? {}
    return {
      id: row.id,
      chat: row.chat,
      channel: nameOf.get(row.account) ?? '',
      team: row.team ?? undefined,
      person: row.person ?? undefined,
      lease: row.lease,
      origin: row.origin,
      waitsSinceMs: sinceMs,
      queuedAtMs,
      assignedAtMs: row.assigned_at ?? row.opened_at,
      isAnswered: row.assigned_at !== null && (answeredAtMs.get(row.id) ?? NEVER_MS) >= row.assigned_at,
      passedBy,
      last: last?.person,
      isCounted,
    }
  })
}

/** When each person last wrote to a customer, as far as what is still open tells. */
export async function readLastReplies({
  name,
  journal,
}: Pick<Context<unknown, unknown>, 'name' | 'journal'>): Promise<ReadonlyMap<string, number>> {
  const rows = await journal
    .selectFrom('conversation')
    .innerJoin('entry', (join) =>
      join.onRef('entry.chat', '=', 'conversation.chat').onRef('entry.conversation', '=', 'conversation.id'),
    )
    .where('conversation.desk', '=', name)
    .where('conversation.state', 'in', ['queued', 'assigned'])
    .where(isAnswer)
    .groupBy('entry.by_json')
    .select(['entry.by_json', (select) => select.fn.max('entry.at').as('at')])
    .execute()
  return new Map(rows.map(({ by_json, at }) => [OwnerPerson.parse(JSON.parse(by_json)).person, at]))
}

/** The id of the command that tells a place: in one wait, each is told once. */
export function tellsPlace({ id, lease }: Pick<Case, 'id' | 'lease'>, place: number): string {
  return `${CAUSES.place}${id}:${lease}:${place}`
}

/** The place that each who waits was last told in this wait. Whoever was told none is left out. */
export async function readToldPlaces({
  name,
  journal,
}: Pick<Context<unknown, unknown>, 'name' | 'journal'>): Promise<ReadonlyMap<string, number>> {
  const rows = await journal
    .selectFrom('conversation')
    .innerJoin('entry', (join) =>
      join.onRef('entry.chat', '=', 'conversation.chat').onRef('entry.conversation', '=', 'conversation.id'),
    )
    .where('conversation.desk', '=', name)
    .where('conversation.state', '=', 'queued')
    .where('entry.kind', '=', 'out')
    .where('entry.answers', 'like', `${CAUSES.place}%`)
    .orderBy('entry.seq')
    .select(['conversation.id', 'conversation.lease', 'entry.answers'])
    .execute()
  return new Map(
    rows.flatMap(({ id, lease, answers }) => {
      const place = Number(answers?.split(':').at(-1))
      return answers === tellsPlace({ id, lease }, place) ? [[id, place] as const] : []
    }),
  )
}

/** Whether an agent has written in a conversation since then; with `greetings`, the greeting counts too. */
export async function hasWritten(
  journal: Context<unknown, unknown>['journal'],
  of: { readonly id: string; readonly chat: string; readonly sinceMs: number },
  greetings?: 'greetings',
): Promise<boolean> {
  const found = await journal
    .selectFrom('entry')
    .select('id')
    .where('chat', '=', of.chat)
    .where('conversation', '=', of.id)
    .where(greetings ? isByAgent : isAnswer)
    .where('at', '>=', of.sinceMs)
    .executeTakeFirst()
  return found !== undefined
}

type Entries = ExpressionBuilder<Pick<JournalTables, 'entry'>, 'entry'>

const isByAgent = (where: Entries) =>
  where.and([where('entry.kind', '=', 'out'), where('entry.by_json', 'like', '{"kind":"agent"%')])

/** The greeting, which they have not written, is none. */
const isAnswer = (where: Entries) =>
  where.and([isByAgent(where), where('entry.answers', 'not like', `${CAUSES.greeting}%`)])

interface Change {
  readonly conversation: string
  readonly type: string
  readonly at: number
  readonly cause: string
  readonly owner_json: string
}

type Wait = Pick<Case, 'queuedAtMs' | 'passedBy'> & { readonly sinceMs: number }

/**
 * Since when each has waited for people, and who has let it pass. Both begin anew after a bot had it, the second also
 * when somebody has answered.
 */
function waitsOf(changes: readonly Change[], answeredAtMs: ReadonlyMap<string, number>): ReadonlyMap<string, Wait> {
  const waits = new Map<string, Wait>()
  let person: string | undefined
  for (const { conversation, type, at, cause, owner_json } of changes) {
    if (type === 'returned') waits.delete(conversation)
    else if (type === 'assigned') {
      person = OwnerPerson.safeParse(JSON.parse(owner_json)).data?.person
      // Taken from a bot, it has waited for nobody.
      if (!waits.has(conversation)) waits.set(conversation, { sinceMs: at, queuedAtMs: at, passedBy: [] })
    } else {
      const { sinceMs = at, passedBy = [] } = waits.get(conversation) ?? {}
      const isSince = at > (answeredAtMs.get(conversation) ?? NEVER_MS)
      const hasPassed = isSince && cause.startsWith(CAUSES.noAnswer) && person !== undefined
      waits.set(conversation, { sinceMs, queuedAtMs: at, passedBy: hasPassed ? [...passedBy, person ?? ''] : passedBy })
    }
  }
  return waits
}
