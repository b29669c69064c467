/** Reading single chats on the main thread: point reads that take microseconds, on a connection that only reads. */
import type { DatabaseSync } from 'node:sqlite'
import type { CommandResult } from '../../command.ts'
import type { Actor, Conversation, Owner, Summary } from '../../conversation.ts'
import type { InboundEvent, Json, MediaType } from '../../message.ts'
import type { Facts } from '../../turn.ts'
import type { HeldDelivery, KnownAs, LoadedChat, MediaTask, Payload, StoredCustomer, TodoEntry } from '../engine.ts'
import type {
  ChatRow,
  CommandRow,
  ConversationRow,
  CustomerRow,
  DeliveryRow,
  EntryRow,
  FeedRow,
  MediaRow,
} from '../tables.ts'
import { listQuery, parse, type Query, query } from './connection.ts'
import { allowancesOf } from './operations/allowances.ts'
import type { Asked } from './operations/commit.ts'
import { WHO_THEY_ARE } from './operations/customers.ts'
import { knownAsQuery } from './operations/known-as.ts'
import type { DueRow } from './protocol.ts'

type Person = Pick<CustomerRow, 'name' | 'language' | 'tags_json' | 'fields_json'>

/** The point reads of the port. Each sees all that was committed before it was called. */
export interface Reads {
  load(chat: string): LoadedChat | undefined
  findChat(account: string, externalId: string): string | undefined
  findConversation(id: string): { chat: string; conversation: Conversation } | undefined
  findCommand(id: string): CommandResult | undefined
  findCustomer(id: string): StoredCustomer | undefined
  knownAs(id: string): KnownAs | undefined
  held(chat: string): readonly HeldDelivery[]
  saidInside(entry: string, sinceMs: number): DueRow | undefined
  dueMedia(nowMs: number, limit: number): readonly MediaTask[]
  /** Items of a topic after a number, in order. */
  feed(topic: string, after: number, limit: number): readonly { readonly n: number; readonly item: Json }[]
}

// One statement, so that all of it is of one moment: the writer may commit between two.
const OF_CHAT = `c.account, c.external_id, c.seq, c.epoch, c.due_at, c.fails, c.question_json, c.allowances_json, c.customer,
  u.name, u.language, u.tags_json, u.fields_json,
  v.id, v.state, v.owner_json, v.lease, v.opened_at, v.origin, v.route, v.counts_json`
const OF_NEXT = `e.id, e.seq, e.kind, e.type, e.accepted_at, e.body_json, e.conversation, e.facts_json, e.blocked,
  CASE WHEN c.pending > 1 THEN (SELECT count(*) FROM entry w
    WHERE w.chat = c.id AND w.done_at IS NULL AND w.kind = 'in' AND w.type = 'message') END`
const NO_NEXT = 'NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL'
const OF_OTHERS = `(SELECT json_group_array(json_array(s.instance, s.body_json)) FROM state s WHERE s.chat = c.id),
  (SELECT count(*) FROM delivery d
    WHERE d.chat = c.id AND d.destination = 'channel' AND d.state IN ('pending', 'sending'))`
const FROM_CHAT = 'chat c JOIN customer u ON u.id = c.customer LEFT JOIN conversation v ON v.id = c.conversation'

/** Finds a chat by its id. */
export function chatQuery(db: DatabaseSync): Query<ChatColumns> {
  return listQuery(
    db,
    `SELECT ${OF_CHAT}, ${OF_NEXT}, ${OF_OTHERS}
     FROM ${FROM_CHAT}
       LEFT JOIN entry e ON c.pending > 0 AND e.rowid = (
         SELECT rowid FROM entry WHERE chat = c.id AND done_at IS NULL ORDER BY seq LIMIT 1)
     WHERE c.id = ?`,
  )
}

/** What accepting an event has to know besides, and the chat without what waits in it. */
export type ChatAtAddress = readonly [
  id: string,
  pending: number,
  lastInAtMs: number,
  userId: string | null,
  ...chat: ChatColumns,
]

/** Finds a chat by its account and the customer's id there. */
export function chatAtAddressQuery(db: DatabaseSync): Query<ChatAtAddress> {
  return listQuery(
    db,
    `SELECT c.id, c.pending, c.last_in_at, u.user_id, ${OF_CHAT}, ${NO_NEXT}, ${OF_OTHERS}
     FROM ${FROM_CHAT} WHERE c.account = ? AND c.external_id = ?`,
  )
}

export function reads(db: DatabaseSync): Reads {
  const chatById = chatQuery(db)
  const conversationById = query<ConversationRow>(db, 'SELECT * FROM conversation WHERE id = ?')
  const chatOf = query<Pick<ChatRow, 'id'>>(db, 'SELECT id FROM chat WHERE account = ? AND external_id = ?')
  const commandById = query<Pick<CommandRow, 'result_json'>>(db, 'SELECT result_json FROM command WHERE id = ?')
  const personById = query<Person & Pick<CustomerRow, 'id'>>(
    db,
    `SELECT id, name, language, tags_json, fields_json FROM customer WHERE id = ${WHO_THEY_ARE}`,
  )
  const knownAs = knownAsQuery(db)
  const heldBack = query<Pick<DeliveryRow, 'id' | 'payload_json'> & Pick<EntryRow, 'answers'>>(
    db,
    `SELECT d.id, d.payload_json, e.answers FROM delivery d LEFT JOIN entry e ON e.id = d.entry
     WHERE d.chat = ? AND d.destination = 'channel' AND d.state IN ('pending', 'sending') AND d.state = 'pending'
     ORDER BY d.rowid`,
  )
  const inside = query<DueRow & Pick<DeliveryRow, 'state'>>(
    db,
    `SELECT d.id, d.chat, d.seq, d.part, d.destination, d.payload_json, d.by_json, d.allowance, d.attempts,
       d.expires_at, d.state, c.account, c.external_id, o.conversation
     FROM entry e JOIN entry o ON o.chat = e.chat AND o.seq > e.seq AND o.answers = e.id
       JOIN delivery d ON d.entry = o.id JOIN chat c ON c.id = e.chat
     WHERE e.id = ? AND e.done_at >= ? AND instr(e.trace_json, '"stage":"inline"') > 0 AND d.destination = 'channel'
     ORDER BY o.seq, d.rowid LIMIT 1`,
  )
  const mediaDue = query<Pick<MediaRow, 'id' | 'source' | 'type' | 'attempts'> & { account: string }>(
    db,
    `SELECT m.id, m.source, m.type, m.attempts, c.account FROM media m JOIN chat c ON c.id = m.chat
     WHERE m.state = 'waiting' AND m.next_at <= ? ORDER BY m.next_at LIMIT ?`,
  )
  const feedAfter = query<Pick<FeedRow, 'n' | 'item_json'>>(
    db,
    // Of what was about somebody who was erased, the number is left.
    "SELECT n, item_json FROM feed WHERE topic = ? AND n > ? AND item_json <> 'null' ORDER BY n LIMIT ?",
  )

  return {
    load(id) {
      const row = chatById.get(id)
      return row && chatOfRow(id, row)
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
    knownAs(id) {
      const row = knownAs.get(id, id)
      return row && parse<KnownAs>(row.known_as_json)
    },
    held: (chat) =>
      heldBack.all(chat).flatMap(({ id, payload_json, answers }) => {
        const payload = parse<Payload>(payload_json)
        return payload.kind === 'part' ? [{ id, answers: answers ?? undefined, part: payload.part }] : []
      }),
    saidInside(entry, sinceMs) {
      const row = inside.get(entry, sinceMs)
      const isThere = row && (row.state === 'sent' || row.state === 'unknown')
      // A second try went another way.
      return isThere && row.attempts <= 1 ? row : undefined
    },
    dueMedia: (nowMs, limit) => mediaDue.all(nowMs, limit).map((row) => ({ ...row, type: mediaTypeOf(row.type) })),
    feed: (topic, after, limit) =>
      feedAfter.all(topic, after, limit).map((row) => ({ n: row.n, item: parse<Json>(row.item_json) })),
  }
}

/** The columns of `chatQuery`. Those of its conversation, and of the entry that is next, are null if there is none. */
export type ChatColumns = readonly [
  account: string,
  externalId: string,
  seq: number,
  epoch: number,
  dueAtMs: number,
  fails: number,
  questionJson: string | null,
  allowancesJson: string | null,
  customer: string,
  name: string | null,
  language: string | null,
  tagsJson: string,
  fieldsJson: string,
  conversation: string | null,
  state: ConversationRow['state'],
  ownerJson: string,
  lease: number,
  openedAtMs: number,
  origin: ConversationRow['origin'],
  route: string,
  countsJson: string,
  next: string | null,
  nextSeq: number,
  kind: EntryRow['kind'],
  type: string,
  acceptedAtMs: number,
  bodyJson: string,
  about: string | null,
  factsJson: string | null,
  blocked: number,
  waitingMessages: number | null,
  statesJson: string,
  openDeliveries: number,
]

/** What has become of a chat since its row was read: an event was accepted, and nothing else waits. */
export interface Since {
  readonly entry: string
  readonly seq: number
  readonly nowMs: number
  readonly bodyJson: string
  readonly allowancesJson: string | null
}

/** A chat as its row has it, and as it became since. */
export function chatSince(id: string, row: ChatColumns, since: Since): LoadedChat {
  const { entry, seq, nowMs, bodyJson, allowancesJson } = since
  const [, , , , , fails] = row
  const event = parse<InboundEvent>(bodyJson)
  return {
    ...chatOfRow(id, row),
    seq,
    allowances: allowancesOf(allowancesJson),
    waitingMessages: event.type === 'message' ? 1 : 0,
    next: { id: entry, seq, acceptedAtMs: nowMs, fails, blocked: 0, event, conversation: undefined, facts: undefined },
  }
}

/** A chat as its row has it. */
export function chatOfRow(id: string, row: ChatColumns): LoadedChat {
  const [account, externalId, seq, epoch, dueAtMs, fails, questionJson, allowancesJson, ...ofCustomer] = row
  const [customer, name, language, tagsJson, fieldsJson, ...ofConversation] = ofCustomer
  const [conversation, state, ownerJson, lease, openedAtMs, origin, route, countsJson, ...ofNext] = ofConversation
  const [next, nextSeq, kind, type, acceptedAtMs, bodyJson, about, factsJson, blocked, ...others] = ofNext
  const [waitingMessages, statesJson, openDeliveries] = others
  const asked: Asked = questionJson === null ? {} : parse<Asked>(questionJson)
  const states = parse<readonly (readonly [instance: string, bodyJson: string])[]>(statesJson)
  return {
    ...{ id, account, externalId, seq, epoch, dueAtMs },
    customer: customerOf(customer, { name, language, tags_json: tagsJson, fields_json: fieldsJson }),
    conversation:
      conversation === null
        ? undefined
        : {
            ...{ id: conversation, state, lease, openedAtMs, origin, route },
            owner: parse<Owner>(ownerJson),
            counts: parse<Conversation['counts']>(countsJson),
          },
    question: asked.question,
    shown: asked.shown,
    next:
      next === null
        ? undefined
        : {
            ...{ id: next, seq: nextSeq, acceptedAtMs, fails, blocked },
            event: parse<TodoEntry['event']>(bodyJson),
            conversation: about ?? undefined,
            facts: factsJson === null ? undefined : parse<Facts>(factsJson),
          },
    waitingMessages: waitingMessages ?? (next !== null && kind === 'in' && type === 'message' ? 1 : 0),
    states: new Map(states.map(([instance, body]) => [instance, parse<Json>(body)])),
    allowances: allowancesOf(allowancesJson),
    openDeliveries,
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
      : {
          closed: {
            atMs: row.closed_at,
            reason: row.close_reason ?? '',
            by: parse<Actor>(row.closed_by_json),
            summary: row.summary_json === null ? undefined : parse<Summary>(row.summary_json),
          },
        }),
  }
}

function mediaTypeOf(text: string): MediaType {
  return text === 'image' || text === 'audio' || text === 'video' ? text : 'file'
}
