/** What happened in a chat, as the workbench shows it: messages as they are now, ours with what became of them. */
import { type ExpressionBuilder, type Kysely, type Selectable, sql } from 'kysely'
import { type JournalTables, z } from '#core'
import type { Calling } from '../access/door.ts'
import type { RatingsOf } from './ratings.ts'
import { byOf, partsOf, summaryOf } from './said.ts'
import type { Sight } from './seen.ts'
import type { asked, Delivery, Entries, Entry, Face, Step, Stretch, Suggestion, Why } from './shapes.ts'

/** More edits and recalls than this are not looked for. */
const MAX_CHANGES = 1_000
/** So many conversations of a customer are shown. */
const MAX_STRETCHES = 50
/** More suggestions nobody reads. */
const MAX_SUGGESTIONS = 3

export interface EntriesOf {
  page(calling: Calling, chat: string, query: z.output<typeof asked.entries>): Promise<Entries>
  /** An entry that may be seen; `undefined`: there is none. */
  find(calling: Calling, chat: string, id: string): Promise<{ readonly body_json: string } | undefined>
  why(conversation: string): Promise<Why>
  /** The conversations with a customer that may be seen, the latest first. */
  stretchesOf(calling: Calling, customer: string): Promise<readonly Stretch[]>
  /** These conversations, as far as they may be seen, the oldest first. */
  stretches(calling: Calling, conversations: readonly string[]): Promise<readonly Stretch[]>
  /** Entries as they are shown. Those of each chat by rising numbers. */
  shown(found: ReadonlyMap<string, readonly EntryFound[]>): Promise<readonly Entry[]>
}

export const ENTRY_COLUMNS = [
  'entry.seq',
  'entry.id',
  'entry.kind',
  'entry.type',
  'entry.body_json',
  'entry.by_json',
  'entry.conversation',
  'entry.at',
  'entry.accepted_at',
  'entry.outcome',
] as const
/** An entry with these columns. */
export type EntryFound = Pick<
  Selectable<JournalTables['entry']>,
  'seq' | 'id' | 'kind' | 'type' | 'body_json' | 'by_json' | 'conversation' | 'at' | 'accepted_at' | 'outcome'
>

/** The condition that an entry is shown at all. */
export function isShown(where: ExpressionBuilder<JournalTables, 'entry'>) {
  return where.or([
    where.and([where('entry.kind', '=', 'in'), where('entry.type', 'in', SHOWN_IN)]),
    where('entry.kind', '=', 'out'),
    // The others are commands, which are shown as what they changed.
    where.and([where('entry.kind', '=', 'note'), where('entry.type', '=', 'note')]),
    where.and([where('entry.kind', '=', 'life'), where('entry.type', 'in', SHOWN_LIFE)]),
  ])
}

const Identity = z.object({
  payload: z.object({
    identity: z
      .looseObject({
        name: z.union([z.string(), z.record(z.string(), z.string())]),
        line2: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
        avatarUrl: z.string().optional(),
      })
      .optional(),
  }),
})
const Event = z.looseObject({
  id: z.string().optional(),
  of: z.string().optional(),
  choice: z.string().optional(),
  key: z.string().optional(),
  kind: z.string().optional(),
  person: z.string().optional(),
  because: z.string().optional(),
  reason: z.string().optional(),
})
const Suggested = z.object({
  item: z.object({ parts: z.array(z.looseObject({ text: z.string().optional(), prompt: z.string().optional() })) }),
})
const Note = z.object({ text: z.string() })
const Steps = z.array(
  z.looseObject({
    stage: z.string(),
    by: z.string(),
    did: z.string(),
    because: z.string().optional(),
    ms: z.number().optional(),
    line: z.string().optional(),
  }),
)

const SHOWN_IN = [
  'message',
  'agent-message',
  'edit',
  'recall',
  'menu-click',
  'scan',
  'follow',
  'unfollow',
  'chat-end',
  'other',
]
const SHOWN_LIFE = [
  'conversation.opened',
  'conversation.queued',
  'conversation.assigned',
  'conversation.returned',
  'conversation.closed',
] as const
const DEEDS = ['menu-click', 'scan', 'follow', 'unfollow', 'chat-end', 'other'] as const

export function makeEntries(of: {
  readonly desk: string
  readonly journal: Kysely<JournalTables>
  readonly sight: Sight
  channelOf(account: string): string
  titleOf(person: string): string | undefined
  readonly ratingsOf: RatingsOf
}): EntriesOf {
  const { journal, sight } = of

  /** Those that may be seen, each as the journal has it. Of another team’s conversation nothing is. */
  function shownIn(calling: Calling, chat: string) {
    const all = journal.selectFrom('entry').where('entry.chat', '=', chat).where(isShown)
    if (!calling.teams) return all
    return all.where((where) =>
      where.or([
        where('entry.conversation', 'is', null),
        where(
          'entry.conversation',
          'in',
          where
            .selectFrom('conversation')
            .innerJoin('chat', 'chat.id', 'conversation.chat')
            .select('conversation.id')
            .where('conversation.chat', '=', chat)
            .where(sight.condition(calling)),
        ),
      ]),
    )
  }

  async function page(calling: Calling, chat: string, query: z.output<typeof asked.entries>): Promise<Entries> {
    const { after, before, limit } = query
    const forwards = after !== undefined
    let found = shownIn(calling, chat)
      .select(ENTRY_COLUMNS)
      .orderBy('entry.seq', forwards ? 'asc' : 'desc')
      .limit(limit + 1)
    if (after !== undefined) found = found.where('entry.seq', '>', after)
    if (before !== undefined) found = found.where('entry.seq', '<', before)
    const all = await found.execute()
    const rows = forwards ? all.slice(0, limit) : all.slice(0, limit).reverse()
    const head = await journal.selectFrom('chat').select('seq').where('id', '=', chat).executeTakeFirst()
    const named = new Set(rows.flatMap(({ conversation }) => conversation ?? []))
    return {
      entries: [...(await shown(new Map([[chat, rows]])))],
      more: all.length > limit,
      head: head?.seq ?? 0,
      conversations: [...(await stretches(calling, 'id', [...named]))].reverse(),
      suggestions: [...(await suggestionsIn(calling, chat))],
    }
  }

  async function shown(found: ReadonlyMap<string, readonly EntryFound[]>): Promise<readonly Entry[]> {
    const all: Entry[] = []
    for (const [chat, rows] of found) {
      const [first] = rows
      if (!first) continue
      const row = await journal.selectFrom('chat').select('account').where('id', '=', chat).executeTakeFirst()
      const changes = await changesSince(chat, first.seq)
      const deliveries = await deliveriesOf(rows)
      const originals = await originalsOf(row?.account ?? '', rows)
      all.push(...rows.flatMap((one) => entryOf(one, { chat, changes, deliveries, originals }) ?? []))
    }
    return all
  }

  /** They are kept where the desk was told of them. A greeting is no answer: nobody has replied by it. */
  async function suggestionsIn(calling: Calling, chat: string): Promise<readonly Suggestion[]> {
    const rows = await journal
      .selectFrom('conversation')
      .innerJoin('chat', 'chat.conversation', 'conversation.id')
      .innerJoin('entry', 'entry.chat', 'chat.id')
      .innerJoin('delivery', 'delivery.entry', 'entry.id')
      .select(['delivery.id', 'delivery.payload_json'])
      .where('chat.id', '=', chat)
      .where(sight.condition(calling))
      .where('delivery.destination', '=', `desk:${of.desk}`)
      .where(sql<boolean>`json_extract(delivery.payload_json, '$.item.type') = 'suggestion'`)
      .where(sql<boolean>`entry.seq > coalesce((
        select o.seq from entry o where o.chat = ${chat} and o.kind = 'life' and o.type = 'agent.replied'
        order by o.seq desc limit 1), 0)`)
      .whereRef('entry.conversation', '=', 'conversation.id')
      .orderBy('entry.seq', 'desc')
      .limit(MAX_SUGGESTIONS)
      .execute()
    return rows.flatMap(({ id, payload_json }) => {
      const { item } = Suggested.parse(JSON.parse(payload_json))
      const text = item.parts.flatMap(({ text, prompt }) => text ?? prompt ?? []).join('\n\n')
      return text === '' ? [] : [{ id, text }]
    })
  }

  function entryOf(
    row: EntryFound,
    around: {
      readonly chat: string
      readonly changes: ReadonlyMap<string, Change>
      readonly deliveries: ReadonlyMap<number, Sent>
      readonly originals: ReadonlyMap<string, string>
    },
  ): Entry | undefined {
    const { seq, id, kind, type, body_json, at } = row
    const sent = around.deliveries.get(seq)
    const here = { chat: around.chat, id }
    const shared = {
      seq,
      id,
      atMs: at,
      by: byOf(row.by_json, of.titleOf, sent?.face),
      ...(row.conversation !== null && { conversation: row.conversation }),
    }
    const event = Event.parse(JSON.parse(body_json))
    if (kind === 'note') return { ...shared, kind: 'note', text: Note.parse(event).text }
    if (kind === 'out') {
      return {
        ...shared,
        kind: 'reply',
        parts: [...partsOf(body_json, here)],
        deliveries: [...(sent?.deliveries ?? [])],
      }
    }
    if (kind === 'life') {
      const code = SHOWN_LIFE.find((one) => one === type)
      const because = event.because ?? event.reason
      if (!code) return undefined
      return {
        ...shared,
        kind: 'life',
        code,
        ...(event.person !== undefined && { person: event.person }),
        ...(because !== undefined && { because }),
      }
    }
    if (type === 'message' || type === 'agent-message') {
      const change = around.changes.get(event.id ?? '')
      const parts =
        change === undefined
          ? partsOf(body_json, here)
          : change === 'recalled'
            ? []
            : partsOf(change.body_json, { ...here, id: change.id })
      return {
        ...shared,
        kind: 'message',
        parts: [...parts],
        ...(change !== undefined && { changed: change === 'recalled' ? ('recalled' as const) : ('edited' as const) }),
        ...(event.choice !== undefined && { choice: event.choice }),
        ...(row.outcome === 'dropped' && { isDropped: true }),
      }
    }
    if (type === 'edit' || type === 'recall') {
      const original = around.originals.get(event.of ?? '')
      return {
        ...shared,
        kind: 'change',
        what: type === 'edit' ? 'edited' : 'recalled',
        ...(original !== undefined && { of: original }),
        parts: type === 'edit' ? [...partsOf(body_json, here)] : [],
      }
    }
    const code = DEEDS.find((one) => one === type)
    const what = event.key ?? event.kind
    return code && { ...shared, kind: 'deed', code, params: what === undefined ? {} : { what } }
  }

  /** What became of messages since, by their ids on the platform. */
  async function changesSince(chat: string, seq: number): Promise<ReadonlyMap<string, Change>> {
    const rows = await journal
      .selectFrom('entry')
      .select(['id', 'type', 'body_json', 'outcome'])
      .where('chat', '=', chat)
      .where('seq', '>', seq)
      .where('kind', '=', 'in')
      .where('type', 'in', ['edit', 'recall'])
      .orderBy('seq', 'desc')
      .limit(MAX_CHANGES)
      .execute()
    const changes = new Map<string, Change>()
    for (const { id, type, body_json, outcome } of rows.reverse()) {
      const original = Event.parse(JSON.parse(body_json)).of ?? ''
      if (type === 'recall') changes.set(original, 'recalled')
      else if (outcome !== 'dropped' && changes.get(original) !== 'recalled') changes.set(original, { id, body_json })
    }
    return changes
  }

  async function deliveriesOf(rows: readonly EntryFound[]): Promise<ReadonlyMap<number, Sent>> {
    const ids = rows.filter(({ kind }) => kind === 'out').map(({ id }) => id)
    const sent = new Map<number, { face?: Face; deliveries: Delivery[] }>()
    if (ids.length === 0) return sent
    const found = await journal
      .selectFrom('delivery')
      .select(['id', 'seq', 'state', 'code', 'payload_json'])
      .where('entry', 'in', ids)
      .where('destination', '=', 'channel')
      .orderBy('part')
      .execute()
    for (const { id, seq, state, code, payload_json } of found) {
      const one = sent.get(seq) ?? { deliveries: [] }
      const { data } = Identity.safeParse({ payload: JSON.parse(payload_json) })
      const identity = data?.payload.identity
      if (identity) {
        const { name, line2, avatarUrl } = identity
        one.face = { name, ...(line2 !== undefined && { line2 }), ...(avatarUrl !== undefined && { avatarUrl }) }
      }
      const canSendAgain = (state === 'dead' || state === 'unknown') && code !== 'CHANNEL_CANNOT_SEND'
      one.deliveries.push({ id, state, ...(code !== null && { code }), canSendAgain })
      sent.set(seq, one)
    }
    return sent
  }

  /** The entries that edits and recalls are about, by the ids of the platform, as long as those are known. */
  async function originalsOf(account: string, rows: readonly EntryFound[]): Promise<ReadonlyMap<string, string>> {
    const changed = rows.filter(({ type }) => type === 'edit' || type === 'recall')
    const ids = changed.flatMap(({ body_json }) => Event.parse(JSON.parse(body_json)).of ?? [])
    if (ids.length === 0) return new Map()
    const found = await journal
      .selectFrom('dedupe')
      .select(['platform_id', 'entry'])
      .where('account', '=', account)
      .where('platform_id', 'in', ids)
      .execute()
    return new Map(found.map(({ platform_id, entry }) => [platform_id, entry]))
  }

  async function stretches(
    calling: Calling,
    column: 'id' | 'customer',
    values: readonly string[],
  ): Promise<readonly Stretch[]> {
    if (values.length === 0) return []
    const found = await journal
      .selectFrom('conversation')
      .innerJoin('chat', 'chat.id', 'conversation.chat')
      .selectAll('conversation')
      .select('chat.account')
      .where(`conversation.${column}`, 'in', values)
      .where(sight.condition(calling))
      .orderBy('conversation.opened_at', 'desc')
      .limit(column === 'id' ? values.length : MAX_STRETCHES)
      .execute()
    const ratings = await of.ratingsOf(found.flatMap(({ id, closed_at }) => (closed_at === null ? [] : id)))
    return found.map((row) => ({
      id: row.id,
      state: row.state,
      openedAtMs: row.opened_at,
      ...(row.closed_at !== null && { closedAtMs: row.closed_at }),
      ...(row.close_reason !== null && { closeReason: row.close_reason }),
      ...summaryOf(row.summary_json),
      ...(ratings.has(row.id) && { rating: ratings.get(row.id) }),
      origin: row.origin,
      channel: of.channelOf(row.account),
      chat: row.chat,
      ...(row.team !== null && { team: row.team }),
      ...(row.person !== null && { person: row.person }),
      ...(row.bot !== null && { bot: row.bot }),
    }))
  }

  return {
    page,
    find: (calling, chat, id) =>
      shownIn(calling, chat).select('entry.body_json').where('entry.id', '=', id).executeTakeFirst(),
    async why(conversation) {
      const changes = await journal
        .selectFrom('conversation_change')
        .leftJoin('entry', 'entry.id', 'conversation_change.cause')
        .leftJoin('command', 'command.id', 'conversation_change.cause')
        .selectAll('conversation_change')
        .select(['entry.trace_json as of_entry', 'command.trace_json as of_command'])
        .where('conversation_change.conversation', '=', conversation)
        .orderBy('conversation_change.n')
        .execute()
      return {
        changes: changes.map(({ type, at, actor_json, because, lease, owner_json, of_entry, of_command }) => ({
          type: ChangeType.parse(type),
          atMs: at,
          by: byOf(actor_json, of.titleOf),
          because,
          lease,
          ...ownerOf(owner_json),
          steps: [...stepsOf(of_entry ?? of_command)],
        })),
      }
    },
    stretchesOf: (calling, customer) => stretches(calling, 'customer', [customer]),
    stretches: async (calling, conversations) => [...(await stretches(calling, 'id', conversations))].reverse(),
    shown,
  }
}

type Change = 'recalled' | { readonly id: string; readonly body_json: string }
interface Sent {
  readonly face?: Face
  readonly deliveries: readonly Delivery[]
}

const ChangeType = z.enum(['opened', 'queued', 'assigned', 'returned', 'closed'])
const Owner = z.looseObject({ bot: z.string().optional(), team: z.string().optional(), person: z.string().optional() })

function ownerOf(json: string): { readonly bot?: string; readonly team?: string; readonly person?: string } {
  const { bot, team, person } = Owner.parse(JSON.parse(json))
  return {
    ...(bot !== undefined && { bot }),
    ...(team !== undefined && { team }),
    ...(person !== undefined && { person }),
  }
}

function stepsOf(json: string | null): readonly Step[] {
  if (json === null) return []
  return Steps.parse(JSON.parse(json)).map(({ stage, by, did, because, ms, line }) => ({
    stage,
    by,
    did,
    ...(because !== undefined && { because }),
    ...(ms !== undefined && { ms }),
    ...(line !== undefined && { line }),
  }))
}
