/**
 * Who answers in a chat: the ownership of a conversation, as a pure function.
 * Turns and commands alike go through `decide`; nothing else changes an owner.
 */
import type { RefusalCode } from './command.ts'
import type { NewConversationChange } from './journal/engine.ts'

/** Who answers: exactly one at any time. */
export type Owner =
  | { readonly kind: 'bot'; readonly bot: string }
  | { readonly kind: 'queue'; readonly desk: string; readonly team?: string | undefined }
  | { readonly kind: 'agent'; readonly desk: string; readonly team?: string | undefined; readonly person: string }

/** Who does something. `core` is the runtime itself (a reload that removed the owner, for instance). */
export type Actor =
  | { readonly kind: 'customer' }
  | { readonly kind: 'bot' | 'feature' | 'channel' | 'desk'; readonly name: string }
  | { readonly kind: 'agent'; readonly person: string }
  | { readonly kind: 'core' }

/** What our side noted of a conversation when it was closed, by the names that the desk has for it. */
export type Summary = { readonly [field: string]: string }

/** Closed, or named after the kind of its owner. */
export type ConversationState = 'bot' | 'queued' | 'assigned' | 'closed'

/** One service episode in a chat, from open to closed. */
export interface Conversation {
  readonly id: string
  readonly state: ConversationState
  /** Who answers; once closed, who answered last. */
  readonly owner: Owner
  /** Raised by every change of owner: a reply made under an older lease is never sent. */
  readonly lease: number
  readonly openedAtMs: number
  /** What opened it: the customer's event, or a callback of ours. */
  readonly origin: 'customer' | 'callback'
  /** The route it runs on, by its id. */
  readonly route: string
  /** How often running the bot has not known (`unknown`) or not answered (`failures`), for the route's triggers. */
  readonly counts: { readonly unknown: number; readonly failures: number }
  readonly closed?:
    | { readonly atMs: number; readonly reason: string; readonly by: Actor; readonly summary?: Summary | undefined }
    | undefined
}

// ── the machine ─────────────────────────────────────────────────────────────────────────────

/**
 * One thing that happens to a conversation. `because` is in plain words, for the trace and the desk. `lease`, if given,
 * is the owner change that the caller has seen: the step is refused when there has been another since.
 */
export type Step =
  | {
      readonly type: 'open'
      readonly by: Actor
      readonly because: string
      readonly id: string
      readonly owner: Owner
      readonly origin: Conversation['origin']
      readonly route: string
      readonly atMs: number
    }
  | ({ readonly by: Actor; readonly lease?: number | undefined } & (
      | {
          readonly type: 'close'
          readonly reason: string
          readonly atMs: number
          readonly summary?: Summary | undefined
        }
      /** Counts for the route's triggers: no change of owner, no lease. */
      | {
          readonly type: 'count'
          readonly unknown?: 'add' | 'reset' | undefined
          readonly failures?: 'add' | 'reset' | undefined
        }
      | ({ readonly because: string } & OwnerStep)
    ))

type OwnerStep =
  /** Handed over to a desk, transferred to a team, or back in the queue: no answer, agent gone. */
  | { readonly type: 'queue'; readonly desk: string; readonly team?: string | undefined }
  /** Taken by an agent, or given to one. `team`: left out, it stays as it is at that desk. */
  | { readonly type: 'assign'; readonly desk: string; readonly team?: string | undefined; readonly person: string }
  /** To a bot. `route`, when it was chosen again. */
  | { readonly type: 'return'; readonly bot: string; readonly route?: string | undefined }
  /** A reload removed the owner or the route. `to` may be who owns it already, when only the route is new. */
  | { readonly type: 'owner-gone'; readonly to: Owner; readonly route?: string | undefined }

/** What became of a step: the conversation as it is now, and what the journal notes of it (nothing, if nothing changed). */
export interface Decision {
  readonly conversation: Conversation
  readonly changes: readonly NewConversationChange[]
}

/** Why a step or command is not done: the code for programs, the sentence for people. */
export interface Refusal {
  readonly refused: RefusalCode
  readonly message: string
}

/**
 * Applies one step to a conversation (`undefined`: the chat has none). A step that would change no
 * owner, such as queueing what is in that queue already, has no changes.
 *
 * Every change of owner raises `lease` by one and sets the counts to zero; nothing else does either. Closed is final.
 *
 * Who may do what, besides `lease`:
 * - features, channels, desks and the core do anything. A supervisor acts as the desk;
 * - an agent opens callbacks of their own, and queues, assigns (to themselves: takes), returns and closes what they own
 *   or what no person owns. What a colleague has is NOT_OWNER;
 * - a bot opens for itself, and queues, returns (to the route's next bot), closes and counts what it owns; else NOT_OWNER;
 * - a customer opens, asks for people or the bot again, and ends the chat;
 * - `owner-gone` is the core's alone.
 */
export function decide(conversation: Conversation | undefined, step: Step): Decision | Refusal {
  if (step.type === 'open') return open(conversation, step)
  if (!isOpen(conversation)) return NOT_OPEN
  const refusal = leaseRefusal(conversation, step.lease) ?? actorRefusal(conversation, step)
  if (refusal) return refusal

  switch (step.type) {
    case 'queue':
      return ownedBy(conversation, { kind: 'queue', desk: step.desk, team: step.team }, step)
    case 'assign':
      return ownedBy(conversation, agentOf(conversation.owner, step), step)
    case 'return':
      return ownedBy(conversation, { kind: 'bot', bot: step.bot }, step, step.route)
    case 'owner-gone':
      return ownedBy(conversation, step.to, step, step.route)
    case 'close': {
      const closed = { atMs: step.atMs, reason: step.reason, by: step.by, summary: step.summary }
      return {
        conversation: { ...conversation, state: 'closed', closed },
        changes: [{ type: 'closed', actor: step.by, because: step.reason }],
      }
    }
    case 'count': {
      if (conversation.owner.kind !== 'bot') return refuse('NOT_OWNER', whereIs(conversation))
      const unknown = counted(conversation.counts.unknown, step.unknown)
      const failures = counted(conversation.counts.failures, step.failures)
      const same = unknown === conversation.counts.unknown && failures === conversation.counts.failures
      return { conversation: same ? conversation : { ...conversation, counts: { unknown, failures } }, changes: [] }
    }
  }
}

/**
 * Whether `by` may say something to the customer now. An agent or bot only as the owner of the open conversation; the
 * features, channels, desks and the core always, also without a conversation, for they speak as the system. Whether a
 * reply of theirs is out of date is for the lease to say. `lease`: as in a Step.
 */
export function maySpeak(
  conversation: Conversation | undefined,
  by: Actor,
  lease?: number | undefined,
): true | Refusal {
  switch (by.kind) {
    case 'customer':
      return refuse('INVALID', 'A customer does not speak for our side.')
    case 'agent':
    case 'bot': {
      if (!isOpen(conversation)) return NOT_OPEN
      const stale = leaseRefusal(conversation, lease)
      if (stale) return stale
      return owns(by, conversation.owner) || refuse('NOT_OWNER', whereIs(conversation))
    }
    default:
      return (conversation && leaseRefusal(conversation, lease)) ?? true
  }
}

function open(conversation: Conversation | undefined, step: Extract<Step, { type: 'open' }>): Decision | Refusal {
  if (isOpen(conversation)) {
    return refuse('ALREADY_OPEN', `A conversation is open already. ${whereIs(conversation)}`)
  }
  if (conversation?.id === step.id) return refuse('INVALID', 'A closed conversation is not opened again.')
  const { by, because, owner } = step
  if (by.kind === 'agent' && !(step.origin === 'callback' && owns(by, owner))) {
    return refuse('INVALID', 'An agent opens a conversation only by calling back, and then it is theirs.')
  }
  if (by.kind === 'bot' && !owns(by, owner)) return refuse('INVALID', 'A bot opens a conversation only for itself.')
  const opened: NewConversationChange = { type: 'opened', actor: by, because }
  return {
    conversation: {
      id: step.id,
      state: STATES[owner.kind],
      owner,
      lease: 1,
      openedAtMs: step.atMs,
      origin: step.origin,
      route: step.route,
      counts: NO_COUNTS,
    },
    changes: owner.kind === 'bot' ? [opened] : [opened, { type: CHANGES[owner.kind], actor: by, because }],
  }
}

/** The one place where an owner changes. */
function ownedBy(
  before: Conversation,
  owner: Owner,
  step: { readonly by: Actor; readonly because: string },
  route: string = before.route,
): Decision {
  if (isSame(before.owner, owner)) {
    return { conversation: route === before.route ? before : { ...before, route }, changes: [] }
  }
  const state = STATES[owner.kind]
  return {
    conversation: { ...before, state, owner, lease: before.lease + 1, route, counts: NO_COUNTS },
    changes: [{ type: CHANGES[owner.kind], actor: step.by, because: step.because }],
  }
}

/** Taking a conversation keeps the team that it waits for, or that it has been worked on by. */
function agentOf(before: Owner, step: Extract<OwnerStep, { type: 'assign' }>): Owner {
  const { desk, person } = step
  if (before.kind === 'bot' || before.desk !== desk) return { kind: 'agent', desk, team: step.team, person }
  // Moving a person's own conversation between teams changes nothing about who speaks, so it is not an owner change.
  if (before.kind === 'agent' && before.person === person) return before
  return { kind: 'agent', desk, team: step.team ?? before.team, person }
}

const STATES: Record<Owner['kind'], OpenState> = { bot: 'bot', queue: 'queued', agent: 'assigned' }
const CHANGES: Record<Owner['kind'], NewConversationChange['type']> = {
  bot: 'returned',
  queue: 'queued',
  agent: 'assigned',
}
type OpenState = Exclude<ConversationState, 'closed'>
const NO_COUNTS: Conversation['counts'] = { unknown: 0, failures: 0 }
const NOT_OPEN: Refusal = { refused: 'NOT_FOUND', message: 'No conversation is open here.' }

function isOpen(conversation: Conversation | undefined): conversation is Conversation & { readonly state: OpenState } {
  return conversation !== undefined && conversation.state !== 'closed'
}

function owns(by: Actor, owner: Owner): boolean {
  if (by.kind === 'agent') return owner.kind === 'agent' && owner.person === by.person
  return by.kind === 'bot' && owner.kind === 'bot' && owner.bot === by.name
}

function isSame(a: Owner, b: Owner): boolean {
  if (a.kind === 'bot' || b.kind === 'bot') return a.kind === 'bot' && b.kind === 'bot' && a.bot === b.bot
  if (a.desk !== b.desk || a.team !== b.team) return false
  return a.kind === 'agent' ? b.kind === 'agent' && a.person === b.person : b.kind === 'queue'
}

function leaseRefusal(conversation: Conversation, lease: number | undefined): Refusal | undefined {
  if (lease === undefined || lease === conversation.lease) return undefined
  return refuse('NOT_OWNER', `The owner has changed meanwhile. ${whereIs(conversation)}`)
}

function actorRefusal(conversation: Conversation, step: Exclude<Step, { type: 'open' }>): Refusal | undefined {
  const { by, type } = step
  if (type === 'owner-gone' && by.kind !== 'core') return refuse('INVALID', 'Only a reload removes an owner.')
  switch (by.kind) {
    case 'customer':
      if (type === 'assign' || type === 'count') return refuse('INVALID', 'A customer cannot do this.')
      return undefined
    case 'bot':
      if (type === 'assign') return refuse('INVALID', 'A bot hands over to a queue, not to a person.')
      if (owns(by, conversation.owner)) return undefined
      return refuse('NOT_OWNER', whereIs(conversation))
    case 'agent':
      if (type === 'count') return refuse('INVALID', 'Counting is for bots.')
      if (conversation.owner.kind !== 'agent' || owns(by, conversation.owner)) return undefined
      return refuse('NOT_OWNER', whereIs(conversation))
    default:
      return undefined
  }
}

function counted(count: number, how: 'add' | 'reset' | undefined): number {
  if (how === 'reset') return 0
  return how === 'add' ? count + 1 : count
}

function whereIs({ owner }: Conversation): string {
  switch (owner.kind) {
    case 'bot':
      return `It is with the bot ${owner.bot} now.`
    case 'queue':
      return `It waits in the queue of ${owner.team ?? owner.desk} now.`
    case 'agent':
      return `It is with ${owner.person} now.`
  }
}

function refuse(refused: RefusalCode, message: string): Refusal {
  return { refused, message }
}
