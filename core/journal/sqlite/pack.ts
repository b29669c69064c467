/** Makes what the port is given into what crosses to the writer, and back: JSON is made and read on this side. */
import type { Actor, Conversation } from '../../conversation.ts'
import type { CustomerPatch } from '../../message.ts'
import {
  type Accepted,
  type ChatChange,
  type Committed,
  type DeliveryResult,
  type DueDelivery,
  type Grant,
  type MediaResult,
  NEVER_MS,
  type NewConversationChange,
  type NewDelivery,
  type NewEntry,
  type NewEvent,
  type Payload,
  type Statement,
} from '../engine.ts'
import { bindable, parse } from './connection.ts'
import { chatSince } from './load.ts'
import type {
  AcceptOutput,
  ChangeInput,
  CommitOutput,
  ConversationInput,
  DeliveryInput,
  DueRow,
  EntryInput,
  EventInput,
  GrantInput,
  MediaInput,
  PatchInput,
  ResultInput,
  StatementInput,
} from './protocol.ts'

const CUSTOMER_JSON = JSON.stringify({ kind: 'customer' } satisfies Actor)

/** Throws `JOURNAL_WRITE` for a value that cannot be stored. */
export function packEvent(given: NewEvent): EventInput {
  const { account, event, ids, nowMs, grant, media, repeatsLate, write, writeAlways } = given
  return {
    account,
    platformId: event.id,
    externalId: event.chat,
    type: event.type,
    bodyJson: JSON.stringify(event),
    byJson:
      event.type === 'agent-message'
        ? JSON.stringify({ kind: 'agent', person: event.agent } satisfies Actor)
        : CUSTOMER_JSON,
    atMs: event.atMs,
    nowMs,
    entry: ids.entry,
    chat: ids.chat,
    customer: ids.customer,
    sender: event.sender && packPatch(event.sender),
    userId: event.sender?.userId,
    grant: grant && packGrant(grant),
    media: media.length === 0 ? undefined : media,
    repeatsLate: repeatsLate ?? false,
    write: write && packStatement(write),
    writeAlways: writeAlways && packStatement(writeAlways),
  }
}

/** What the writer has accepted. */
export function accepted({ nowMs, bodyJson }: EventInput, output: AcceptOutput): Accepted {
  const { chat, entry, seq, repeated, done, row, allowancesJson } = output
  const loaded = row && chatSince(chat, row, { entry, seq, nowMs, bodyJson, allowancesJson })
  return { chat, entry, seq, repeated, done, loaded }
}

export function packPatch({ name, language, avatarUrl, fields }: CustomerPatch): PatchInput {
  return {
    name: name ?? null,
    language: language ?? null,
    avatarUrl: avatarUrl ?? null,
    fieldsJson: fields === undefined ? null : JSON.stringify(fields),
  }
}

export function packChange(change: ChatChange): ChangeInput {
  const { turn, lateFacts, command, conversation, expect } = change
  return {
    chat: change.chat,
    nowMs: change.nowMs,
    epoch: expect.epoch,
    expected: expect.conversation,
    nothingWaiting: expect.nothingWaiting ?? false,
    turn: turn && {
      seq: turn.seq,
      outcome: turn.outcome,
      because: turn.because,
      conversation: turn.conversation ?? null,
      factsJson: turn.facts === undefined ? null : JSON.stringify(turn.facts),
      traceJson: JSON.stringify(turn.trace),
      revision: turn.began.revision,
      startedAtMs: turn.began.atMs,
      startedSeq: turn.began.seq,
    },
    lateFacts: lateFacts && { seq: lateFacts.seq, factsJson: JSON.stringify(lateFacts.facts) },
    command: command && {
      id: command.id,
      type: command.type,
      byJson: JSON.stringify(command.by),
      resultJson: JSON.stringify(command.result),
      bodyJson: JSON.stringify(command.body),
      traceJson: JSON.stringify(command.trace),
      revision: command.revision,
      seenSeq: command.seen.seq,
      seenWaiting: command.seen.waiting ?? null,
    },
    conversation: conversation && packConversation(conversation),
    states: change.states?.map(({ instance, body }) => ({
      instance,
      bodyJson: body === null ? null : JSON.stringify(body),
    })),
    questionJson: change.question && JSON.stringify(change.question),
    shownJson: change.shown && JSON.stringify(change.shown),
    wakes: change.wakes?.map((wake) => ({ ...wake, dueAtMs: time(wake.dueAtMs) })),
    customer: change.customer && packPatch(change.customer),
    writes: change.writes?.map((statement) => packStatement(statement)),
    entries: change.entries?.map(packEntry),
    deliveries: change.deliveries?.map(packDelivery),
    cancel: change.cancel,
    takesOver: change.takesOver ?? false,
  }
}

function packConversation(moved: NonNullable<ChatChange['conversation']>): ConversationInput {
  const { now, revision, changes, cause } = moved
  return { row: rowOf(now, revision), changes: changes.map(packConversationChange), cause }
}

function packConversationChange({ type, actor, because }: NewConversationChange): ConversationInput['changes'][number] {
  return { type, actorJson: JSON.stringify(actor), because }
}

function rowOf(now: Conversation, revision: string): ConversationInput['row'] {
  const { owner, closed } = now
  return {
    id: now.id,
    state: now.state,
    owner_json: JSON.stringify(owner),
    bot: owner.kind === 'bot' ? owner.bot : null,
    desk: owner.kind === 'bot' ? null : owner.desk,
    team: owner.kind === 'bot' ? null : (owner.team ?? null),
    person: owner.kind === 'agent' ? owner.person : null,
    lease: now.lease,
    origin: now.origin,
    route: now.route,
    revision,
    counts_json: JSON.stringify(now.counts),
    opened_at: now.openedAtMs,
    closed_at: closed?.atMs ?? null,
    close_reason: closed?.reason ?? null,
    closed_by_json: closed === undefined ? null : JSON.stringify(closed.by),
    summary_json: closed?.summary === undefined ? null : JSON.stringify(closed.summary),
  }
}

export function packEntry(entry: NewEntry): EntryInput {
  return {
    id: entry.id,
    kind: entry.kind,
    type: entry.type,
    bodyJson: JSON.stringify(entry.body),
    byJson: JSON.stringify(entry.by),
    conversation: entry.conversation ?? null,
    answers: entry.answers ?? null,
    atMs: entry.atMs,
  }
}

function packDelivery(delivery: NewDelivery): DeliveryInput {
  return {
    id: delivery.id,
    entry: delivery.entry,
    part: delivery.part,
    destination: delivery.destination,
    payloadJson: JSON.stringify(delivery.payload),
    byKind: delivery.by.kind,
    byJson: JSON.stringify(delivery.by),
    allowance: delivery.allowance ?? null,
    expiresAtMs: delivery.expiresAtMs === undefined ? null : time(delivery.expiresAtMs),
    holdUntilMs: time(delivery.holdUntilMs),
    start: delivery.start,
    code: delivery.code ?? null,
  }
}

/** Throws `JOURNAL_WRITE` for a value that cannot be stored. */
export function packStatement({ sql, parameters, instance }: Statement): StatementInput {
  return { sql, parameters: parameters.map((value) => bindable(value, instance)), instance }
}

export function packResult(result: DeliveryResult): ResultInput {
  return {
    id: result.id,
    nowMs: result.nowMs,
    ms: result.ms,
    state: result.state,
    counts: result.counts,
    nextAtMs: time(result.nextAtMs ?? NEVER_MS),
    platformId: result.platformId ?? null,
    code: result.code ?? null,
    error: result.error ?? null,
    windowClosed: result.windowClosed ?? false,
    endsWaiting: result.endsWaiting ?? false,
    life: result.life && packEntry(result.life),
    takeNext: result.takeNext ?? true,
  }
}

export function packMedia(result: MediaResult): MediaInput {
  const here = result.state === 'here' ? result : undefined
  return {
    id: result.id,
    state: result.state,
    nextAtMs: result.state === 'waiting' ? time(result.nextAtMs) : result.nowMs,
    file: here?.file ?? null,
    mimeType: here?.mimeType ?? null,
    sizeBytes: here?.sizeBytes ?? null,
    error: result.state === 'here' ? null : result.error,
  }
}

/** A committed change as its caller sees it: the payloads are its own. */
export function committed(change: ChatChange, output: CommitOutput): Committed {
  if (!output.ok) return output
  const { ok, seqs, pending, account, externalId } = output
  const sending = output.sending.map(({ id, seq, conversation }): DueDelivery => {
    const delivery = change.deliveries?.find((one) => one.id === id)
    if (delivery === undefined) throw new Error(`The writer speaks of a delivery ${id} that this change has not.`)
    const { part, destination, payload, by, allowance, expiresAtMs } = delivery
    return {
      id,
      chat: change.chat,
      account,
      externalId,
      seq,
      part,
      destination,
      payload,
      conversation: conversation ?? undefined,
      by,
      allowance,
      attempts: 0,
      expiresAtMs,
    }
  })
  return { ok, seqs, sending, pending }
}

export function dueDelivery(row: DueRow): DueDelivery {
  return {
    id: row.id,
    chat: row.chat,
    account: row.account,
    externalId: row.external_id,
    seq: row.seq,
    part: row.part,
    destination: destinationOf(row.destination),
    payload: parse<Payload>(row.payload_json),
    conversation: row.conversation ?? undefined,
    by: parse<Actor>(row.by_json),
    allowance: row.allowance ?? undefined,
    attempts: row.attempts,
    expiresAtMs: row.expires_at ?? undefined,
  }
}

function destinationOf(text: string): DueDelivery['destination'] {
  return text === 'channel' ? text : `desk:${text.slice('desk:'.length)}`
}

function packGrant({ on, endsAtMs, max, resets }: Grant): GrantInput {
  return { on, endsAtMs: time(endsAtMs), max, resets }
}

/** A moment that comes back out of SQLite as the number that it is: "always" plus "now" would not. */
function time(ms: number): number {
  return Math.min(ms, NEVER_MS)
}
