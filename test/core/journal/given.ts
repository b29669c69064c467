/** What the journal's tests hand to an engine: every id and chat is new, and a test says only what it is about. */

import type { Conversation } from '../../../core/conversation.ts'
import type {
  ChatChange,
  Committed,
  DeliveryResult,
  DueDelivery,
  Engine,
  NewDelivery,
  NewEntry,
  NewEvent,
} from '../../../core/journal/engine.ts'
import type { InboundEvent } from '../../../core/message.ts'
import { makeIds, systemClock } from '../../../core/services/clock.ts'

export const newId = makeIds(systemClock)

/** Where the tests' time begins. */
export const T0 = 1_790_000_000_000
export const MINUTE = 60_000

export const BOT = { kind: 'bot', name: 'faq' } as const
export const AMY = { kind: 'agent', person: 'amy' } as const

interface EventOptions extends Partial<Omit<NewEvent, 'event'>> {
  readonly chat?: string
  readonly id?: string
  readonly text?: string
  readonly sender?: InboundEvent['sender']
  readonly event?: InboundEvent
}

export function newEvent({
  chat = newId(),
  id = newId(),
  text = 'Hello',
  sender,
  ...rest
}: EventOptions = {}): NewEvent {
  return {
    account: 'test:shop',
    event: { id, chat, type: 'message', atMs: T0, parts: [{ type: 'text', text }], sender },
    ids: { entry: newId(), chat: newId(), customer: newId() },
    nowMs: T0,
    media: [],
    ...rest,
  }
}

export function newTurn(seq: number, more: Partial<NonNullable<ChatChange['turn']>> = {}) {
  return {
    seq,
    outcome: 'answered',
    because: 'faq knew',
    conversation: undefined,
    facts: undefined,
    trace: [],
    began: { revision: '0123456789ab', atMs: T0, seq },
    ...more,
  } satisfies ChatChange['turn']
}

/** What is kept of a command for a replay. */
export const KEPT = {
  body: { type: 'send' },
  trace: [],
  revision: '0123456789ab',
  seen: { seq: 1, waiting: undefined },
} as const

export function newChange(chat: string, more: Partial<ChatChange> = {}): ChatChange {
  return { chat, nowMs: T0, expect: {}, ...more }
}

export function said(text: string, more: Partial<NewEntry> = {}): NewEntry {
  return {
    id: newId(),
    kind: 'out',
    type: 'message',
    body: { parts: [{ type: 'text', text }] },
    by: BOT,
    conversation: undefined,
    atMs: T0,
    ...more,
  }
}

export function newDelivery(text: string, more: Partial<NewDelivery> = {}): NewDelivery {
  return {
    id: newId(),
    entry: 0,
    part: 0,
    destination: 'channel',
    payload: { kind: 'part', part: { type: 'text', text } },
    by: BOT,
    holdUntilMs: T0 + MINUTE,
    start: 'now',
    ...more,
  }
}

export function newConversation(more: Partial<Conversation> = {}): Conversation {
  return {
    id: newId(),
    state: 'bot',
    owner: { kind: 'bot', bot: 'faq' },
    lease: 1,
    openedAtMs: T0,
    origin: 'customer',
    route: 'routes[0]',
    counts: { unknown: 0, failures: 0 },
    ...more,
  }
}

/** A change's conversation with the change of owner that is named. */
export function moved(now: Conversation, type: 'opened' | 'queued' | 'assigned' | 'returned' | 'closed') {
  return { now, revision: 'abc', changes: [{ type, actor: BOT, because: 'test' }], cause: newId() } as const
}

export function closed(conversation: Conversation): Conversation {
  const { lease } = conversation
  return { ...conversation, state: 'closed', lease: lease + 1, closed: { atMs: T0, reason: 'done', by: AMY } }
}

/** A chat with one message that waits; gives the chat's id. */
export async function newChat(engine: Engine, options: EventOptions = {}): Promise<string> {
  return (await engine.accept(newEvent(options))).chat
}

/** Commits, and throws when it is refused. */
export async function commit(engine: Engine, change: ChatChange): Promise<Extract<Committed, { ok: true }>> {
  const committed = await engine.commit(change)
  if (!committed.ok) throw new Error(`Refused: ${committed.why}`)
  return committed
}

/** One text to a chat's channel, as an entry of its own; gives the delivery if it is on its way. */
export async function send(
  engine: Engine,
  chat: string,
  text: string,
  more: Partial<NewDelivery> = {},
  nowMs = T0,
): Promise<DueDelivery | undefined> {
  const deliveries = [newDelivery(text, more)]
  return (await commit(engine, newChange(chat, { nowMs, entries: [said(text)], deliveries }))).sending[0]
}

/** The same, but it waits: it could not be sent at once, and is due again. */
export async function sendLater(
  engine: Engine,
  chat: string,
  text: string,
  delivery: Partial<NewDelivery> = {},
  entry: Partial<NewEntry> = {},
): Promise<void> {
  const change = newChange(chat, { entries: [said(text, entry)], deliveries: [newDelivery(text, delivery)] })
  const waits = { state: 'pending', counts: false, nextAtMs: T0, takeNext: false } as const
  for (const one of (await commit(engine, change)).sending) await engine.recordDelivery(result(one, waits))
}

export function result(delivery: { readonly id: string }, more: Partial<DeliveryResult> = {}): DeliveryResult {
  return { id: delivery.id, nowMs: T0, ms: 5, state: 'sent', counts: true, ...more }
}

/** What a delivery says. */
export function textOfDelivery(delivery: DueDelivery | undefined): string | undefined {
  if (delivery?.payload.kind !== 'part' || delivery.payload.part.type !== 'text') return undefined
  return delivery.payload.part.text
}

/** The chat, which must be there. */
export async function loaded(engine: Engine, chat: string) {
  const found = await engine.load(chat)
  if (found === undefined) throw new Error(`There is no chat ${chat}.`)
  return found
}

/** The rows of a chat's entries, oldest first. */
export function entriesOf(engine: Engine, chat: string) {
  return engine.read.selectFrom('entry').selectAll().where('chat', '=', chat).orderBy('seq').execute()
}

/** The rows of a chat's deliveries, in the order in which they leave. */
export function deliveriesOf(engine: Engine, chat: string) {
  return engine.read
    .selectFrom('delivery')
    .selectAll()
    .where('entry', 'in', (entries) => entries.selectFrom('entry').select('id').where('chat', '=', chat))
    .orderBy('seq')
    .orderBy('part')
    .execute()
}
