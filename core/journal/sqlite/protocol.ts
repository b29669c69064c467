/**
 * What crosses the border between the main thread and the writer's: batches of named operations in, their results out.
 *
 * Operations are flat, and what is stored as JSON crosses as JSON: cloning a text costs the writer a tenth of cloning
 * the objects that it stands for.
 */
import type { ErrorCode } from '../../errors.ts'
import type { Accepted, Committed, MergeResult, NewDelivery, NewMedia, Recovery, SendAgain } from '../engine.ts'
import type { ConversationRow, DeliveryRow, DeliveryState, EntryRow, MediaRow } from '../tables.ts'
import type { Value } from './connection.ts'
import type { ChatColumns } from './load.ts'

/** Everything that the writer can be asked, with what it takes and gives. */
export interface Operations {
  accept: { takes: EventInput; gives: AcceptOutput }
  commit: { takes: ChangeInput; gives: CommitOutput }
  postpone: { takes: { chat: string; seq: number; dueAtMs: number }; gives: undefined }
  takeOver: { takes: { chat: string }; gives: undefined }
  recordDelivery: { takes: ResultInput; gives: RecordOutput }
  reserve: { takes: { id: string; on: string; nowMs: number }; gives: boolean }
  claimHeld: { takes: { deliveries: readonly string[]; nowMs: number }; gives: readonly DueRow[] }
  dueAgain: { takes: { accounts: readonly string[]; nowMs: number; fromMs: number }; gives: undefined }
  resend: { takes: { id: string; nowMs: number }; gives: undefined }
  claimDue: { takes: { nowMs: number; limit: number; paused: readonly string[] }; gives: DueOutput }
  recover: { takes: { nowMs: number; again: readonly SendAgain[] }; gives: Recovery }
  recordMedia: { takes: MediaInput; gives: undefined }
  patchCustomer: { takes: { id: string; patch: PatchInput; nowMs: number }; gives: undefined }
  tagCustomer: {
    takes: { id: string; add: readonly string[]; remove: readonly string[] }
    gives: readonly string[] | undefined
  }
  mergeCustomers: { takes: { from: string; into: string }; gives: MergeResult }
  eraseCustomer: { takes: { id: string; nowMs: number; instances: readonly string[] }; gives: EraseOutput }
  publish: { takes: { topic: string; itemJson: string; nowMs: number }; gives: number }
  migrate: { takes: MigrateInput; gives: undefined }
  write: { takes: WriteInput; gives: WriteOutput }
  trim: { takes: TrimInput; gives: TrimOutput }
  probe: { takes: undefined; gives: undefined }
}
export type OperationName = keyof Operations
export type Takes<K extends OperationName> = Operations[K]['takes']
export type Gives<K extends OperationName> = Operations[K]['gives']

/** One operation under its name. */
export type Operation = { [K in OperationName]: readonly [name: K, input: Takes<K>] }[OperationName]

/** What the writer's thread is started with. */
export interface WriterData {
  readonly file: string
  readonly nowMs: number
  readonly durable: boolean
}

export type ToWriter = Batch | { readonly type: 'close' }
/** First `open` or `refused`; then one answer for every batch, in order; last `closed`. */
export type FromWriter =
  | { readonly type: 'open' }
  | { readonly type: 'refused'; readonly failure: Failure }
  | Answer
  | { readonly type: 'closed' }

/** To the writer: one transaction. */
export interface Batch {
  readonly type: 'batch'
  readonly operations: readonly Operation[]
}

/** An error as it crosses: errors themselves lose their class on the way. */
export interface Failure {
  readonly code: ErrorCode
  readonly detail: string
}

/** From the writer, for every batch in turn: it is on disk now, or `failed` says why nothing of it is. */
export interface Answer {
  readonly type: 'answer'
  /** In the order of the operations. */
  readonly results: readonly unknown[]
  /** Operations that failed by themselves, by their index; the others are on disk. */
  readonly failures: ReadonlyMap<number, Failure> | undefined
  /** The file could not be written: no operation took place. */
  readonly failed: Failure | undefined
}

export interface GrantInput {
  readonly on: string
  readonly endsAtMs: number
  readonly max: number | undefined
  readonly resets: boolean
}

export interface PatchInput {
  readonly name: string | null
  readonly language: string | null
  readonly avatarUrl: string | null
  readonly fieldsJson: string | null
}

export interface EventInput {
  readonly account: string
  readonly platformId: string
  readonly externalId: string
  readonly type: string
  readonly bodyJson: string
  readonly byJson: string
  readonly atMs: number
  readonly nowMs: number
  readonly entry: string
  readonly chat: string
  readonly customer: string
  readonly sender: PatchInput | undefined
  readonly userId: string | undefined
  readonly grant: GrantInput | undefined
  readonly media: readonly NewMedia[] | undefined
  readonly repeatsLate: boolean
  readonly write: StatementInput | undefined
  readonly writeAlways: StatementInput | undefined
}

/** An accepted event; `row` is the chat's as it was without it, if it is to be `loaded`. */
export type AcceptOutput = Omit<Accepted, 'loaded'> & {
  readonly row: ChatColumns | undefined
  readonly allowancesJson: string | null
}

export interface EntryInput {
  readonly id: string
  readonly kind: EntryRow['kind']
  readonly type: string
  readonly bodyJson: string
  readonly byJson: string
  readonly conversation: string | null
  readonly answers: string | null
  readonly atMs: number
}

export interface DeliveryInput {
  readonly id: string
  readonly entry: number | { readonly seq: number }
  readonly part: number
  readonly destination: string
  readonly payloadJson: string
  readonly byKind: string
  readonly byJson: string
  readonly allowance: string | null
  readonly expiresAtMs: number | null
  readonly holdUntilMs: number
  readonly start: NewDelivery['start']
  readonly code: string | null
}

export interface StatementInput {
  readonly sql: string
  readonly parameters: readonly Value[]
  /** Whose tables it may touch; `undefined`: those of any one instance. */
  readonly instance: string | undefined
}

export interface ChangeInput {
  readonly chat: string
  readonly nowMs: number
  readonly epoch: number | undefined
  readonly expected: { readonly id: string; readonly lease: number } | null | undefined
  readonly nothingWaiting: boolean
  readonly turn:
    | {
        readonly seq: number
        readonly outcome: string
        readonly because: string
        readonly conversation: string | null
        readonly factsJson: string | null
        readonly traceJson: string
        readonly revision: string
        readonly startedAtMs: number
        readonly startedSeq: number
      }
    | undefined
  readonly lateFacts: { readonly seq: number; readonly factsJson: string } | undefined
  readonly command:
    | {
        readonly id: string
        readonly type: string
        readonly byJson: string
        readonly resultJson: string
        readonly bodyJson: string
        readonly traceJson: string
        readonly revision: string
        readonly seenSeq: number
        readonly seenWaiting: number | null
      }
    | undefined
  readonly conversation: ConversationInput | undefined
  readonly states: readonly { readonly instance: string; readonly bodyJson: string | null }[] | undefined
  /** `undefined`: as it was; `null`: none. */
  readonly questionJson: string | null | undefined
  readonly shownJson: string | null | undefined
  readonly wakes: readonly { readonly instance: string; readonly key: string; readonly dueAtMs: number }[] | undefined
  readonly customer: PatchInput | undefined
  readonly writes: readonly StatementInput[] | undefined
  readonly entries: readonly EntryInput[] | undefined
  readonly deliveries: readonly DeliveryInput[] | undefined
  readonly cancel: 'bots' | 'programs' | undefined
  readonly takesOver: boolean
}

export interface ConversationInput {
  readonly row: Omit<ConversationRow, 'chat' | 'customer' | 'queued_at' | 'assigned_at'>
  readonly changes: readonly { readonly type: string; readonly actorJson: string; readonly because: string }[]
  readonly cause: string
}

/** A committed change without the payloads, which the main thread has. */
export type CommitOutput =
  | {
      readonly ok: true
      readonly seqs: readonly number[]
      readonly sending: readonly { readonly id: string; readonly seq: number; readonly conversation: string | null }[]
      readonly account: string
      readonly externalId: string
      readonly pending: number
    }
  | Extract<Committed, { readonly ok: false }>

/** A delivery that was just made `sending`, with the address of its chat. */
export type DueRow = Pick<
  DeliveryRow,
  'id' | 'chat' | 'seq' | 'part' | 'destination' | 'payload_json' | 'by_json' | 'allowance' | 'attempts' | 'expires_at'
> & { readonly account: string; readonly external_id: string; readonly conversation: string | null }

export interface ResultInput {
  readonly id: string
  readonly nowMs: number
  readonly ms: number
  readonly state: Exclude<DeliveryState, 'sending'>
  readonly counts: boolean
  readonly nextAtMs: number
  readonly platformId: string | null
  readonly code: string | null
  readonly error: string | null
  readonly windowClosed: boolean
  readonly endsWaiting: boolean
  readonly life: EntryInput | undefined
  readonly takeNext: boolean
}

export interface RecordOutput {
  readonly next: DueRow | undefined
  readonly pending: number
  readonly expired: number
  readonly ended: number
}

export interface DueOutput {
  readonly deliveries: readonly DueRow[]
  readonly expired: readonly { readonly account: string; readonly destination: string }[]
  readonly chats: readonly string[]
  readonly nextAtMs: number | undefined
}

export interface MediaInput {
  readonly id: string
  readonly state: MediaRow['state']
  readonly nextAtMs: number
  readonly file: string | null
  readonly mimeType: string | null
  readonly sizeBytes: number | null
  readonly error: string | null
}

export interface MigrateInput {
  readonly instance: string
  readonly migrations: readonly (readonly [name: string, sql: string])[]
  readonly nowMs: number
}

export interface WriteInput {
  readonly statements: readonly StatementInput[]
  /** The core's own: any table, any statement. */
  readonly trusted: boolean
}

/** Of the last statement. */
export interface WriteOutput {
  readonly rows: readonly unknown[]
  readonly changes: number
  readonly lastId: number | bigint
}

/** `more`: of what was said with the customer there is still something left. */
export interface EraseOutput {
  readonly state: 'erased' | 'more' | 'busy' | 'not-found'
  readonly entries: number
}

/** What is trimmed: rows of these tables, and the traces in `entry`. */
export type TrimWhat = 'dedupe' | 'command' | 'audit' | 'feed' | 'trace' | 'delivery' | 'entry' | 'conversation'

export interface TrimInput {
  readonly what: TrimWhat
  readonly beforeMs: number
  /** Where the slice before ended; `undefined`: at the beginning. */
  readonly after: TrimOutput['next']
}

export interface TrimOutput {
  readonly deleted: number
  /** Where to go on; `undefined`: all is done. */
  readonly next: readonly Value[] | undefined
}
