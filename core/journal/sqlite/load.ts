/** Reading single chats on the main thread: point reads that take microseconds, on a connection that only reads. */
import type { DatabaseSync } from 'node:sqlite'
import type { CommandResult } from '../../command.ts'
import type { Actor, Conversation, Owner } from '../../conversation.ts'
import type { Json, MediaType } from '../../message.ts'
import type { Facts } from '../../turn.ts'
import type { LoadedAllowance, LoadedChat, MediaTask, StoredCustomer, TodoEntry } from '../engine.ts'
import type {
  AllowanceRow,
  ChatRow,
  CommandRow,
  ConversationRow,
  CustomerRow,
  EntryRow,
  FeedRow,
  MediaRow,
  StateRow,
} from '../tables.ts'
import { parse, query } from './connection.ts'
import type { Asked } from './operations/commit.ts'
import { WHO_THEY_ARE } from './operations/customers.ts'

type Person = Pick<CustomerRow, 'name' | 'language' | 'tags_json' | 'fields_json'>
type Chat = ChatRow & Person
type Next = Pick<
  EntryRow,
  'seq' | 'id' | 'type' | 'kind' | 'accepted_at' | 'body_json' | 'conversation' | 'facts_json' | 'blocked'
>

/** The point reads of the port. Each sees all that was committed before it was called. */
export interface Reads {
  load(chat: string): LoadedChat | undefined
  findChat(account: string, externalId: string): string | undefined
  findConversation(id: string): { chat: string; conversation: Conversation } | undefined
  findCommand(id: string): CommandResult | undefined
  findCustomer(id: string): StoredCustomer | undefined
  dueMedia(nowMs: number, limit: number): readonly MediaTask[]
  /** Items of a topic after a number, in order. */
  feed(topic: string, after: number, limit: number): readonly { readonly n: number; readonly item: Json }[]
}

export function reads(db: DatabaseSync): Reads {
  const begin = db.prepare('BEGIN')
  const end = db.prepare('COMMIT')
  const chatById = query<Chat>(
    db,
    `SELECT c.*, u.name, u.language, u.tags_json, u.fields_json
     FROM chat c JOIN customer u ON u.id = c.customer WHERE c.id = ?`,
  )
  const conversationById = query<ConversationRow>(db, 'SELECT * FROM conversation WHERE id = ?')
  const nextEntry = query<Next>(
    db,
    `SELECT seq, id, type, kind, accepted_at, body_json, conversation, facts_json, blocked
     FROM entry WHERE chat = ? AND done_at IS NULL ORDER BY seq LIMIT 1`,
  )
  const countWaiting = query<{ n: number }>(
    db,
    `SELECT count(*) AS n FROM entry WHERE chat = ? AND done_at IS NULL AND kind = 'in' AND type = 'message'`,
  )
  const statesOf = query<Pick<StateRow, 'instance' | 'body_json'>>(
    db,
    'SELECT instance, body_json FROM state WHERE chat = ?',
  )
  const allowancesOf = query<AllowanceRow>(db, 'SELECT * FROM allowance WHERE chat = ?')
  const countOpen = query<{ n: number }>(
    db,
    `SELECT count(*) AS n FROM delivery
     WHERE chat = ? AND destination = 'channel' AND state IN ('pending', 'sending')`,
  )
  const chatOf = query<Pick<ChatRow, 'id'>>(db, 'SELECT id FROM chat WHERE account = ? AND external_id = ?')
  const commandById = query<Pick<CommandRow, 'result_json'>>(db, 'SELECT result_json FROM command WHERE id = ?')
  const personById = query<Person & Pick<CustomerRow, 'id'>>(
    db,
    `SELECT id, name, language, tags_json, fields_json FROM customer WHERE id = ${WHO_THEY_ARE}`,
  )
  const mediaDue = query<Pick<MediaRow, 'id' | 'source' | 'type' | 'attempts'> & { account: string }>(
    db,
    `SELECT m.id, m.source, m.type, m.attempts, c.account FROM media m JOIN chat c ON c.id = m.chat
     WHERE m.state = 'waiting' AND m.next_at <= ? ORDER BY m.next_at LIMIT ?`,
  )
  const feedAfter = query<Pick<FeedRow, 'n' | 'item_json'>>(
    db,
    'SELECT n, item_json FROM feed WHERE topic = ? AND n > ? ORDER BY n LIMIT ?',
  )

  function load(id: string): LoadedChat | undefined {
    const chat = chatById.get(id)
    if (chat === undefined) return undefined
    const conversation = chat.conversation === null ? undefined : conversationById.get(chat.conversation)
    const next = chat.pending === 0 ? undefined : nextEntry.get(id)
    const asked: Asked = chat.question_json === null ? {} : parse<Asked>(chat.question_json)
    return {
      id,
      account: chat.account,
      externalId: chat.external_id,
      seq: chat.seq,
      epoch: chat.epoch,
      dueAtMs: chat.due_at,
      customer: customerOf(chat.customer, chat),
      conversation: conversation && conversationOf(conversation),
      question: asked.question,
      shown: asked.shown,
      next: next && todoOf(next, chat.fails),
      waitingMessages: chat.pending > 1 ? (countWaiting.get(id)?.n ?? 0) : isMessage(next) ? 1 : 0,
      states: new Map(statesOf.all(id).map((row) => [row.instance, parse<Json>(row.body_json)])),
      allowances: allowancesOf.all(id).map(allowanceOf),
      openDeliveries: countOpen.get(id)?.n ?? 0,
    }
  }

  return {
    load(chat) {
      // One moment for all of it: the writer may commit between two statements.
      begin.run()
      try {
        return load(chat)
      } finally {
        end.run()
      }
    },
    findChat: (account, externalId) => chatOf.get(account, externalId)?.id,
    findConversation(id) {
      const row = conversationById.get(id)
      return row && { chat: row.chat, conversation: conversationOf(row) }
    },
    findCommand(id) {
      const row = commandById.get(id)
      return row && parse<CommandResult>(row.result_json)
    },
    findCustomer(id) {
      const row = personById.get(id, id)
      return row && customerOf(row.id, row)
    },
    dueMedia: (nowMs, limit) => mediaDue.all(nowMs, limit).map((row) => ({ ...row, type: mediaTypeOf(row.type) })),
    feed: (topic, after, limit) =>
      feedAfter.all(topic, after, limit).map((row) => ({ n: row.n, item: parse<Json>(row.item_json) })),
  }
}

function customerOf(id: string, row: Person): StoredCustomer {
  return {
    id,
    name: row.name ?? undefined,
    language: row.language ?? undefined,
    tags: parse<readonly string[]>(row.tags_json),
    fields: parse<{ readonly [key: string]: Json }>(row.fields_json),
  }
}

function isMessage(entry: Next | undefined): boolean {
  return entry?.kind === 'in' && entry.type === 'message'
}

function todoOf(row: Next, fails: number): TodoEntry {
  return {
    seq: row.seq,
    id: row.id,
    acceptedAtMs: row.accepted_at,
    event: parse<TodoEntry['event']>(row.body_json),
    conversation: row.conversation ?? undefined,
    facts: row.facts_json === null ? undefined : parse<Facts>(row.facts_json),
    fails,
    blocked: row.blocked,
  }
}

/** A conversation as its row has it. */
export function conversationOf(row: ConversationRow): Conversation {
  return {
    id: row.id,
    state: row.state,
    owner: parse<Owner>(row.owner_json),
    lease: row.lease,
    openedAtMs: row.opened_at,
    origin: row.origin,
    route: row.route,
    counts: parse<Conversation['counts']>(row.counts_json),
    ...(row.closed_at === null || row.closed_by_json === null
      ? {}
      : { closed: { atMs: row.closed_at, reason: row.close_reason ?? '', by: parse<Actor>(row.closed_by_json) } }),
  }
}

function allowanceOf(row: AllowanceRow): LoadedAllowance {
  return {
    on: row.on_event,
    grantedAtMs: row.granted_at,
    endsAtMs: row.ends_at,
    max: row.max ?? undefined,
    used: row.used,
  }
}

function mediaTypeOf(text: string): MediaType {
  return text === 'image' || text === 'audio' || text === 'video' ? text : 'file'
}
