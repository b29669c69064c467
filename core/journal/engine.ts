/**
 * The port to whatever keeps the journal. Everything that must outlive the process goes through here; one engine is in
 * `sqlite/`, and `test/core/journal/conformance.ts` is what any other is held to.
 *
 * Every writing method resolves when its change is on disk, and rejects with `JOURNAL_FULL` when it cannot be.
 */
import type { Kysely } from 'kysely'
import type { CommandResult } from '../command.ts'
import type { Actor, Conversation } from '../conversation.ts'
import type { CustomerPatch, InboundEvent, Json, MediaType, Part } from '../message.ts'
import type { ChatEvent, Customer, Facts, Identity, OutcomeKind } from '../turn.ts'
import type { DeliveryState, JournalTables, RevisionRow } from './tables.ts'
import type { TraceStep } from './trace.ts'

/** A moment that does not come: what waits for an event and not for a time. */
export const NEVER_MS = Number.MAX_SAFE_INTEGER

// ── accept ──────────────────────────────────────────────────────────────────────────────────

/** Where a grant stands: what the platform lets us send because of this event. */
export interface Grant {
  readonly on: string
  readonly endsAtMs: number
  readonly max?: number | undefined
  readonly resets: boolean
}

export interface NewMedia {
  readonly id: string
  /** `kept:<id>` of the same account is here at once; of another one, or of nobody, it is gone at once. */
  readonly source: string
  readonly type: MediaType
}

const KEPT = 'kept:'

/** How an event refers to a file that its channel has kept. */
export function keptReference(id: string): string {
  return `${KEPT}${id}`
}

/** The file that is meant, if it is one that a channel has kept. */
export function keptId(reference: string): string | undefined {
  return reference.startsWith(KEPT) ? reference.slice(KEPT.length) : undefined
}

/** One event to accept. The new ids are made by the caller and used only if the row is new. */
export interface NewEvent {
  readonly account: string
  readonly event: InboundEvent
  readonly ids: { readonly entry: string; readonly chat: string; readonly customer: string }
  readonly nowMs: number
  readonly grant?: Grant | undefined
  /** The media of the event's parts, which by now say `media:<id>`. */
  readonly media: readonly NewMedia[]
  /** Its id is remembered as long as its entry is kept, if that is longer than ids are. */
  readonly repeatsLate?: boolean | undefined
  /** Runs with it, unless it is a repeat. If it is refused, so is the event. */
  readonly write?: Statement | undefined
  /** As `write`, also for a repeat. */
  readonly writeAlways?: Statement | undefined
}

export interface Accepted {
  readonly chat: string
  readonly entry: string
  readonly seq: number
  /** It was here before: `entry` and `seq` are those of the first time. */
  readonly repeated: boolean
  /** A repeated one that has its outcome already. */
  readonly done: boolean
  /** The chat with this event, as `load` would give it, if nothing else waits in it. */
  readonly loaded?: LoadedChat | undefined
}

// ── load ────────────────────────────────────────────────────────────────────────────────────

/** An open question of a chat. `instance` is who asked. */
export interface OpenQuestion {
  readonly instance: string
  readonly key: string
  readonly untilMs: number
}

/** What choices were shown last, so that a typed number or label counts as the choice. */
export interface ShownChoices {
  readonly choices: readonly { readonly id: string; readonly label: string }[]
}

/** What the core makes itself, besides what channels send. */
export interface WakeUp {
  readonly type: 'wake'
  readonly id: string
  readonly atMs: number
  /** Who asked for it, and with which key. */
  readonly instance: string
  readonly key: string
}

/** An entry that waits to be handled. */
export interface TodoEntry {
  readonly seq: number
  readonly id: string
  readonly acceptedAtMs: number
  readonly event: InboundEvent | WakeUp | ChatEvent
  /** Of life events: the conversation it is about. */
  readonly conversation: string | undefined
  readonly facts: Facts | undefined
  /** How often it has failed, and how often the watchdog had to end the process while it was handled. */
  readonly fails: number
  readonly blocked: number
}

export interface LoadedAllowance {
  readonly on: string
  readonly grantedAtMs: number
  /** When the event happened that granted it, by the platform's clock; left out in older journals. */
  readonly eventAtMs?: number | undefined
  readonly endsAtMs: number
  readonly max: number | undefined
  readonly used: number
}

/** A chat as it is now: all that one turn or command needs, read at one moment. */
export interface LoadedChat {
  readonly id: string
  readonly account: string
  readonly externalId: string
  /** The number of the latest entry. */
  readonly seq: number
  readonly epoch: number
  /** When the next waiting entry may be tried. */
  readonly dueAtMs: number
  readonly customer: StoredCustomer
  readonly conversation: Conversation | undefined
  readonly question: OpenQuestion | undefined
  readonly shown: ShownChoices | undefined
  readonly next: TodoEntry | undefined
  /** Customers' messages that wait, the next one included. */
  readonly waitingMessages: number
  /** By instance. */
  readonly states: ReadonlyMap<string, Json>
  readonly allowances: readonly LoadedAllowance[]
  /** Deliveries to the channel that are neither done nor given up. */
  readonly openDeliveries: number
}

/** `language` is what is known of the customer's own; the runtime fills in the first of the YAML's. */
export type StoredCustomer = Omit<Customer, 'language'> & { readonly language: string | undefined }

// ── commit ──────────────────────────────────────────────────────────────────────────────────

/** Any statement with its values: of a plugin's own tables, or from Kysely's compile(). */
export interface Statement {
  readonly sql: string
  readonly parameters: readonly unknown[]
  /**
   * In a change's `writes`: the instance whose tables it may write, and which is named when it is refused. Left out: one
   * instance's, whichever it is.
   */
  readonly instance?: string | undefined
}

/** What an entry of ours holds: what was said, what was noted, or an event of the chat's own life. */
export type EntryBody = { readonly parts: readonly Part[] } | { readonly text: string } | ChatEvent

/** One thing said or noted, or an event of the chat's own life, that this change adds; numbered inside the transaction. */
export interface NewEntry {
  readonly id: string
  readonly kind: 'life' | 'out' | 'note'
  readonly type: string
  readonly body: EntryBody
  readonly by: Actor
  readonly conversation: string | undefined
  /** The entry that it answers. */
  readonly answers?: string | undefined
  readonly atMs: number
}

/** What goes out: a part for the channel, or an item for a desk (which fills in what it needs when it is delivered). */
export type Payload =
  | {
      readonly kind: 'part'
      readonly part: Part
      /** A model wrote it. */
      readonly isByModel?: true | undefined
      readonly identity?: Identity | undefined
      readonly inReplyTo?: string | undefined
    }
  | { readonly kind: 'desk'; readonly item: DeskPayload }

/** A desk item as stored: the customer and the history are read when it is delivered. */
export type DeskPayload = { readonly conversation: string } & (
  | { readonly type: 'handed-over'; readonly because: string; readonly upToSeq: number }
  | { readonly type: 'message'; readonly parts: readonly Part[] }
  | { readonly type: 'edit'; readonly of: string; readonly parts: readonly Part[] }
  | { readonly type: 'recall'; readonly of: string }
  | { readonly type: 'facts'; readonly facts: Facts }
  | { readonly type: 'suggestion'; readonly parts: readonly Part[] }
  | { readonly type: 'returned' | 'closed'; readonly because: string }
)

export interface NewDelivery {
  readonly id: string
  /**
   * Which entry it belongs to: one of the change's `entries` (its index there), or the one that is being handled (or
   * was, for what follows it later) by its number. Deliveries of one destination leave in the order of their commits,
   * and of the list.
   */
  readonly entry: number | { readonly seq: number }
  readonly part: number
  readonly destination: 'channel' | `desk:${string}`
  readonly payload: Payload
  readonly by: Actor
  readonly allowance?: string | undefined
  readonly expiresAtMs?: number | undefined
  readonly holdUntilMs: number
  /**
   * `now`: written as `sending` if it is the first open one of its destination, and returned; else it waits for
   * those before it. `response`: written as `sending` whatever waits, since it goes inside a response. `next-event`: can
   * only go inside a response, so it waits for `claimHeld` (its `next_at` is never). `dead`: the platform would refuse
   * it; recorded with `code`, never tried.
   */
  readonly start: 'now' | 'response' | 'next-event' | 'dead'
  readonly code?: string | undefined
}

export interface NewConversationChange {
  readonly type: 'opened' | 'queued' | 'assigned' | 'returned' | 'closed'
  readonly actor: Actor
  readonly because: string
}

/** Where a turn began, for a replay. */
export interface Began {
  /** The first 12 digits of the YAML's hash. */
  readonly revision: string
  readonly atMs: number
  /** The chat's latest number then. */
  readonly seq: number
}

/** One transaction on one chat: the end of a turn, or a command. */
export interface ChatChange {
  readonly chat: string
  readonly nowMs: number
  /** Refused, with nothing written, unless all of this holds. */
  readonly expect: {
    readonly epoch?: number | undefined
    /** The open conversation and its lease; `null`: none is open. Left out: whatever. */
    readonly conversation?: { readonly id: string; readonly lease: number } | null | undefined
    /** No customer's message waits (besides the one of `turn`). */
    readonly nothingWaiting?: boolean | undefined
  }
  /** Ends the handling of this entry. */
  readonly turn?:
    | {
        readonly seq: number
        readonly outcome: OutcomeKind
        readonly because: string
        readonly conversation: string | undefined
        readonly facts: Facts | undefined
        readonly trace: readonly TraceStep[]
        readonly began: Began
      }
    | undefined
  /** Facts that came after the turn had ended. */
  readonly lateFacts?: { readonly seq: number; readonly facts: Facts } | undefined
  /** Stored with its result; a change with a known id is refused as `repeated`. */
  readonly command?:
    | {
        readonly id: string
        readonly type: string
        readonly by: Actor
        readonly result: CommandResult
        /** As it was given, to be kept as JSON. */
        readonly body: object
        readonly trace: readonly TraceStep[]
        readonly revision: string
        /** What it was decided by: the chat's latest number, and that of the first entry that waited. */
        readonly seen: { readonly seq: number; readonly waiting: number | undefined }
      }
    | undefined
  /** The conversation as it is from now on; a closed one is no longer the chat's open one. */
  readonly conversation?:
    | {
        readonly now: Conversation
        readonly revision: string
        readonly changes: readonly NewConversationChange[]
        /** The entry or command that caused it. */
        readonly cause: string
      }
    | undefined
  /** null removes. */
  readonly states?: readonly { readonly instance: string; readonly body: Json }[] | undefined
  /** null: the question is answered or replaced by nothing. */
  readonly question?: OpenQuestion | null | undefined
  readonly shown?: ShownChoices | null | undefined
  readonly wakes?: readonly { readonly instance: string; readonly key: string; readonly dueAtMs: number }[] | undefined
  readonly customer?: CustomerPatch | undefined
  readonly writes?: readonly Statement[] | undefined
  readonly entries?: readonly NewEntry[] | undefined
  readonly deliveries?: readonly NewDelivery[] | undefined
  /**
   * Open deliveries to the customer that are cancelled: those of bots (a person has taken over), or of all but people.
   * One that is on its way goes, or is cancelled when it would have to be tried again.
   */
  readonly cancel?: 'bots' | 'programs' | undefined
  /** As `takeOver`, with the change. */
  readonly takesOver?: boolean | undefined
}

export type Committed =
  | {
      readonly ok: true
      /** The new entries' numbers, in their order. */
      readonly seqs: readonly number[]
      /** Deliveries written as `sending`: this process sends them now. */
      readonly sending: readonly DueDelivery[]
      /** Whether entries wait in this chat. */
      readonly pending: number
    }
  /**
   * epoch: another drain took over. conversation: its lease or the open one is not the expected. waiting: a customer's
   * message waits. allowance: a reservation found nothing left. repeated: the command's id was used; its result then.
   */
  | { readonly ok: false; readonly why: 'epoch' | 'conversation' | 'waiting' | 'allowance' }
  | { readonly ok: false; readonly why: 'repeated'; readonly result: CommandResult }

// ── deliveries ──────────────────────────────────────────────────────────────────────────────

/** A delivery that is to be tried now; it is `sending` in the journal. */
export interface DueDelivery {
  readonly id: string
  readonly chat: string
  readonly account: string
  readonly externalId: string
  readonly seq: number
  readonly part: number
  readonly destination: 'channel' | `desk:${string}`
  readonly payload: Payload
  /** Of the entry that it belongs to. */
  readonly conversation: string | undefined
  readonly by: Actor
  /** The allowance that counts it, if one does. */
  readonly allowance: string | undefined
  /** Tries before this one. */
  readonly attempts: number
  readonly expiresAtMs: number | undefined
}

/** A delivery to the channel that waits. */
export interface HeldDelivery {
  readonly id: string
  /** The entry that it answers, if it answers one. */
  readonly answers: string | undefined
  readonly part: Part
}

export interface DeliveryResult {
  readonly id: string
  readonly nowMs: number
  readonly ms: number
  /** `pending` with `nextAtMs` is a retry; `counts: false` costs no attempt. */
  readonly state: Exclude<DeliveryState, 'sending'>
  readonly counts: boolean
  readonly nextAtMs?: number | undefined
  readonly platformId?: string | undefined
  readonly code?: string | undefined
  readonly error?: string | undefined
  /** The platform said that the window is closed: the chat's allowances are emptied. */
  readonly windowClosed?: boolean | undefined
  /**
   * What waits in the chat, made before this try began and counted by an allowance, ends as this one does. Left out of a
   * replay, which knows how each of them ended.
   */
  readonly endsWaiting?: boolean | undefined
  /** A life event to add when the delivery ended badly; not added when what failed was the answer to such an event. */
  readonly life?: NewEntry | undefined
  /** false: the next delivery is left as it is, since nobody is there to send it any more. Left out: it is taken. */
  readonly takeNext?: boolean | undefined
}

export interface Recorded {
  /** The next delivery of the same chat and destination, if it is due: written as `sending`. */
  readonly next: DueDelivery | undefined
  /** More than 0: an event of the chat’s life was added, so that the chat is to be drained. */
  readonly pending: number
  /** How many of the same chat and destination are `dead` now because their time was over. */
  readonly expired: number
  /** How many others are `dead` now with the same code, by `endsWaiting`. */
  readonly ended: number
}

// ── start, sweeps, the rest ─────────────────────────────────────────────────────────────────

export interface Recovery {
  /** Chats with entries that wait, and how many events from the platform are among them. */
  readonly chats: readonly {
    readonly id: string
    readonly account: string
    readonly externalId: string
    readonly waiting: number
  }[]
  /** Deliveries that were `sending` when the process ended, and are not sent again; now `unknown`. */
  readonly unknown: readonly { readonly id: string; readonly account: string; readonly destination: string }[]
}

/** Which deliveries are sent again when nobody knows what became of them: all of an account to its customers. */
export interface SendAgain {
  readonly account: string
  /** `NEVER_MS` when the channel has to wait for the next event. */
  readonly nextAtMs: number
}

export interface Due {
  /** Deliveries to try, at most one for each chat and destination; now `sending`. */
  readonly deliveries: readonly DueDelivery[]
  /** Those that are `dead` now because their time was over. */
  readonly expired: readonly { readonly account: string; readonly destination: string }[]
  /** Chats in which a wake became due (it is an entry now), or whose failed entry may be tried again: each named once. */
  readonly chats: readonly string[]
  /** When something is due next, as far as is known now. */
  readonly nextAtMs: number | undefined
}

export interface NewAudit {
  readonly id: string
  readonly at: number
  readonly by: Actor
  readonly action: string
  readonly before: Json | undefined
  readonly after: Json | undefined
  readonly instance: string
}

/** A file to fetch from its platform. */
export interface MediaTask {
  readonly id: string
  readonly account: string
  readonly source: string
  readonly type: MediaType
  readonly attempts: number
}

export interface CustomerFilter {
  /** In the name, the real name (a field), or an id; in whatever case, full-width or half-width. Any part of it. */
  readonly search?: string | undefined
  /** In the name or the real name. */
  readonly name?: string | undefined
  /** In the customer's ids on channels, and the one by which they are known elsewhere. */
  readonly id?: string | undefined
  /** Only these, by our own ids. */
  readonly among?: readonly string[] | undefined
  readonly tag?: string | undefined
  /** The account of a channel. */
  readonly account?: string | undefined
  /** When they first came: from this moment on, up to but not including the other. */
  readonly created?: { readonly fromMs: number; readonly untilMs: number } | undefined
}

/** Customers with whom these teams or this person had a conversation, at this desk. */
export interface ServedBy {
  readonly desk: string
  readonly teams: readonly string[]
  readonly person: string
}

/** By when they first came, or by their last message. */
export type CustomerSort = 'newest' | 'oldest' | 'last-message' | 'longest-silent'

export interface CustomerQuery {
  readonly filter: CustomerFilter
  /** Left out: all customers. */
  readonly servedBy?: ServedBy | undefined
  readonly sort: CustomerSort
  /** What a page gave as `next`, with the same filter and order. */
  readonly cursor?: readonly [at: number, id: string] | undefined
  readonly limit: number
}

export interface ListedCustomer extends StoredCustomer {
  readonly avatarUrl: string | undefined
  readonly chats: readonly { readonly account: string; readonly externalId: string }[]
  readonly firstAtMs: number
  /** Of their last message, to the minute. */
  readonly lastAtMs: number
}

/** Customers of the same moment are in the order of their ids, so that none is missed or repeated on the next page. */
export interface CustomerPage {
  readonly customers: readonly ListedCustomer[]
  readonly next: readonly [at: number, id: string] | undefined
}

/** `known-apart`: each of the two is known elsewhere by an id of their own. */
export type MergeResult = 'merged' | 'known-apart' | 'not-found'

/** `entries`: how many were deleted. */
export interface Erased {
  readonly state: 'erased' | 'busy' | 'not-found'
  readonly entries: number
}

/** All that plugins may have kept something of a customer by. */
export interface KnownAs {
  /** Our own id of them, and of whoever turned out to be them. */
  readonly ids: readonly string[]
  /** Of a chat that others have had too, whose it is now counts. `id`: in the journal. */
  readonly chats: readonly { readonly id: string; readonly account: string; readonly externalId: string }[]
  readonly conversations: readonly string[]
}

export type MediaResult = { readonly id: string; readonly nowMs: number } & (
  | { readonly state: 'here'; readonly file: string; readonly mimeType: string; readonly sizeBytes: number }
  | { readonly state: 'waiting'; readonly nextAtMs: number; readonly error: string }
  | { readonly state: 'gone'; readonly error: string }
)

export interface Engine {
  /** False from the moment that nothing can be written (a full disk) until it can again. For `/readyz`. */
  readonly healthy: boolean
  /** Whether anything that was asked of it is still under way. */
  readonly busy: boolean
  /** Dedupes, numbers and stores one event. Calls made together share few transactions. */
  accept(event: NewEvent): Promise<Accepted>
  load(chat: string): Promise<LoadedChat | undefined>
  /** By the account and the customer's id on the platform. */
  findChat(account: string, externalId: string): Promise<string | undefined>
  /** The chat of a conversation, and the conversation itself, even if it is closed. */
  findConversation(id: string): Promise<{ readonly chat: string; readonly conversation: Conversation } | undefined>
  /** The stored result of a command. */
  findCommand(id: string): Promise<CommandResult | undefined>
  commit(change: ChatChange): Promise<Committed>
  /** The entry failed and is tried again at `dueAtMs`; `fails` counts up. */
  postpone(chat: string, seq: number, dueAtMs: number): Promise<void>
  /** Takes the chat from whoever drains it. Their commits are refused from now on. */
  takeOver(chat: string): Promise<void>
  recordDelivery(result: DeliveryResult): Promise<Recorded>
  /**
   * Counts a delivery that was made without an allowance, since it was meant for a response, on the one that is named.
   * Gives whether that one has any left.
   */
  reserve(delivery: string, on: string, nowMs: number): Promise<boolean>
  /** For channels that only answer inside a response: the chat's deliveries to them that wait, in their order. */
  held(chat: string): Promise<readonly HeldDelivery[]>
  /** Those of them that still wait, now `sending`, in the order given. */
  claimHeld(deliveries: readonly string[], nowMs: number): Promise<readonly DueDelivery[]>
  /** What stood inside the response to an entry, if one was made since `sinceMs`, and has not gone another way. */
  saidInside(entry: string, sinceMs: number): Promise<DueDelivery | undefined>
  /** What is to be sent to the channels of these accounts at `fromMs` or later is due now. */
  dueAgain(accounts: readonly string[], of: { readonly nowMs: number; readonly fromMs: number }): Promise<void>
  /** By the operator or an agent: a dead or unknown delivery is due again. The caller has `claimDue` look for it now. */
  resend(delivery: string, nowMs: number): Promise<void>
  /**
   * Turns due wakes into entries and takes what is due of the deliveries. `paused`: accounts, and destinations
   * `desk:<name>`, that are not to be sent to now.
   */
  claimDue(nowMs: number, options: { limit: number; paused: readonly string[] }): Promise<Due>
  /**
   * Once, before anything else: what was `sending` becomes `unknown`, or `pending` again for the accounts of `again`
   * and for every desk, which knows a repeated item by its id.
   */
  recover(nowMs: number, again?: readonly SendAgain[]): Promise<Recovery>

  /** Files that are due to be fetched, oldest first. Nothing is marked: one fetcher works them off. */
  dueMedia(nowMs: number, limit: number): Promise<readonly MediaTask[]>
  recordMedia(result: MediaResult): Promise<void>
  /** This and `findCustomer` know a customer who turned out to be another one by the old id, too. */
  patchCustomer(id: string, patch: CustomerPatch, nowMs: number): Promise<void>
  findCustomer(id: string): Promise<StoredCustomer | undefined>
  /** One page of a list of customers. */
  findCustomers(query: CustomerQuery): Promise<CustomerPage>
  /** Gives the tags that the customer has then; `undefined`: there is no such customer. */
  tagCustomer(
    id: string,
    tags: { readonly add?: readonly string[] | undefined; readonly remove?: readonly string[] | undefined },
  ): Promise<readonly string[] | undefined>
  /** Two customers are one: all that is `from`’s is `into`’s from then on, who keeps what is known of both. */
  mergeCustomers(from: string, into: string): Promise<MergeResult>
  /**
   * Deletes all that is kept of a customer and was said with them. What our people did stays in the audit log, without
   * what it was before and after. `busy`: a conversation is open, something is still to be handled or told a desk, or is
   * on its way to them; what only waits to be sent to them goes with the rest. Whoever writes later is somebody new.
   *
   * In the same transaction it is noted in `erasure`, for these instances and all that have tables of their own here.
   */
  eraseCustomer(id: string, options: { nowMs: number; instances: readonly string[] }): Promise<Erased>
  /** Ends what a crash has left of `eraseCustomer`: deeds, commands and feeds that still tell of who is erased. */
  forgetErased(): Promise<void>
  /** By what a customer is known; `undefined`: there is no such customer. */
  knownAs(id: string): Promise<KnownAs | undefined>
  /** Keeps the text of a configuration that was applied; one that is known already stays as it is. */
  saveRevision(revision: RevisionRow): Promise<void>
  /** What someone on our side did: kept, never changed. */
  audit(row: NewAudit): Promise<void>

  /** Numbered, kept, and handed to every subscriber in order. */
  publish(topic: string, item: Json, nowMs: number): Promise<number>
  subscribe(topic: string, after: number, take: (item: Json, n: number) => void): () => void

  /** A plugin's migrations, run once each, in order, before its setup. */
  migrate(instance: string, migrations: { readonly [name: string]: string }): Promise<void>
  /** Writes outside any turn, in one transaction. Gives the rows of the last statement's RETURNING. */
  write(statements: readonly Statement[]): Promise<readonly unknown[]>
  /** Everything, to read: runs beside the hot path and never blocks it. */
  readonly read: Kysely<JournalTables>
  /**
   * The same for what a single chat holds: done at once by the thread that asks, which takes a fraction of the way to
   * another one and back. Only for what an index finds, with a limit.
   */
  readonly readChat: Kysely<JournalTables>
  /** A plugin's own tables: reads as above, writes through `write`. */
  tablesOf<DB>(instance: string): Kysely<DB>

  /** Deletes what is older than its time, in small slices. Gives the number of rows. */
  trim(keep: KeepUntil): Promise<number>
  /** A consistent copy while running. */
  backup(file: string): Promise<void>
  close(): Promise<void>
}

/** Rows older than these moments go; items of feeds with the traces. */
export interface KeepUntil {
  readonly dedupeBeforeMs: number
  readonly messagesBeforeMs: number
  readonly tracesBeforeMs: number
  readonly deliveriesBeforeMs: number
  readonly commandsBeforeMs: number
  readonly auditBeforeMs: number
}
