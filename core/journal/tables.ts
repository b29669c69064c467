/**
 * The journal's tables, as Kysely sees them. `schema.ts` creates them.
 * Ids are texts (UUIDv7), times ms since 1970, flags 0 or 1, structured values JSON as text, names ending in `_json`.
 */
import type { ConversationState } from '../conversation.ts'
import type { OutcomeKind } from '../turn.ts'

export interface JournalTables {
  customer: CustomerRow
  chat: ChatRow
  dedupe: DedupeRow
  entry: EntryRow
  conversation: ConversationRow
  conversation_change: ConversationChangeRow
  state: StateRow
  wake: WakeRow
  delivery: DeliveryRow
  delivery_attempt: DeliveryAttemptRow
  command: CommandRow
  media: MediaRow
  kept: KeptRow
  audit: AuditRow
  feed: FeedRow
  job_run: JobRunRow
  revision: RevisionRow
  erasure: ErasureRow
  chat_was: ChatWasRow
}

export interface CustomerRow {
  id: string
  name: string | null
  /** 1: our side has given the name; what a platform calls them does not change it. */
  name_is_ours: number
  language: string | null
  avatar_url: string | null
  tags_json: string
  fields_json: string
  first_at: number
  last_at: number
  /** By which they are known elsewhere. */
  user_id: string | null
  /** They turned out to be this one, who has all that was theirs. */
  merged_into: string | null
  /** Their place among all, by when they first came: 1024 times the moment, and on. null: they are another one now. */
  n: number | null
}

/** Whose a chat was, up to this number, before somebody else signed in there. */
export interface ChatWasRow {
  chat: string
  until_seq: number
  customer: string
}

/** One customer on one account: the unit of strict order. */
export interface ChatRow {
  id: string
  account: string
  external_id: string
  customer: string
  /** The last number drawn in this chat; entries have them without gaps. */
  seq: number
  /** Entries that wait to be handled. */
  pending: number
  /** Raised when a drain is taken from whoever had it; a commit under an older one is refused. */
  epoch: number
  /** When the first waiting entry may be tried (again); 0 = now. */
  due_at: number
  /** How often the first waiting entry has failed. */
  fails: number
  /** The open conversation. */
  conversation: string | null
  /** The open question: who asked, its key, its end, and the choices shown. */
  question_json: string | null
  /** What the platform lets us send: granted by events, used up by deliveries. */
  allowances_json: string | null
  created_at: number
  last_in_at: number
}

export interface DedupeRow {
  account: string
  platform_id: string
  entry: string
  seen_at: number
  /** 1: it is remembered at least as long as its entry is there. */
  with_entry: 0 | 1
}

/**
 * Everything that happens in a chat, in its one order. `in`: events from the platform, wakes and callbacks; `life`:
 * events of the chat's own life; both wait to be handled (`done_at` is null) and end with an outcome. `out`: what was
 * said; `note`: what our side wrote for itself.
 */
export interface EntryRow {
  chat: string
  seq: number
  id: string
  kind: 'in' | 'life' | 'out' | 'note'
  /** Of `in` and `life`: the event's type. */
  type: string
  /** `in` and `life`: the event; `out`: the content; `note`: the text. */
  body_json: string
  /** Who said or did it. */
  by_json: string
  conversation: string | null
  /** `out`: the entry that it answers. */
  answers: string | null
  at: number
  accepted_at: number
  done_at: number | null
  outcome: OutcomeKind | null
  because: string | null
  /** What enrichers found out. */
  facts_json: string | null
  trace_json: string | null
  /** How often the process was ended by the watchdog while this was handled. */
  blocked: number
  /** The first 12 digits of the YAML's hash by which it was handled; null as long as it waits. */
  revision: string | null
  /** When the handling that counts began, and the chat's latest number then and when it was done. */
  started_at: number | null
  started_seq: number | null
  done_seq: number | null
  /** Of customers who are known elsewhere, and may have changed there: who they were when this came in. */
  customer_json: string | null
}

/** What `customer_json` holds: of their row, and whose the chat was before this event. */
export type CustomerThen = Omit<CustomerRow, 'name_is_ours' | 'first_at' | 'last_at' | 'merged_into' | 'n'> & {
  readonly was?: string | undefined
}

export interface ConversationRow {
  id: string
  chat: string
  customer: string
  state: ConversationState
  owner_json: string
  /** Copies out of the owner, for lists. */
  bot: string | null
  desk: string | null
  team: string | null
  person: string | null
  lease: number
  origin: 'customer' | 'callback'
  /** The id of its route (in rows of older versions `routes[0]`), and the hash of the YAML that it was chosen from. */
  route: string
  revision: string
  counts_json: string
  opened_at: number
  queued_at: number | null
  assigned_at: number | null
  closed_at: number | null
  close_reason: string | null
  closed_by_json: string | null
  /** What our side noted of it when it was closed: a text for each field of the desk. */
  summary_json: string | null
}

export interface ConversationChangeRow {
  conversation: string
  n: number
  at: number
  /** opened, queued, assigned, returned, closed. */
  type: string
  actor_json: string
  because: string
  lease: number
  owner_json: string
  /** The entry or command that caused it. */
  cause: string
}

/** An instance's own memory of a chat. */
export interface StateRow {
  chat: string
  instance: string
  body_json: string
}

export interface WakeRow {
  chat: string
  instance: string
  key: string
  due_at: number
}

export type DeliveryState = 'pending' | 'sending' | 'sent' | 'dead' | 'unknown' | 'cancelled'

/** One platform message (or one item for a desk) and what became of it. */
export interface DeliveryRow {
  id: string
  chat: string
  /** The entry that it belongs to, its number, and which part of it. Deliveries are found by their entry. */
  entry: string
  seq: number
  part: number
  /** `channel`, or `desk:<name>`: each is a queue of its own. */
  destination: string
  payload_json: string
  by_kind: string
  by_json: string
  state: DeliveryState
  /** Which allowance it was reserved on. */
  allowance: string | null
  attempts: number
  next_at: number
  /** After this it is no longer tried. */
  expires_at: number | null
  /** After this it no longer holds back the ones behind it. */
  hold_until: number
  platform_id: string | null
  code: string | null
  error: string | null
  created_at: number
  done_at: number | null
}

export interface DeliveryAttemptRow {
  delivery: string
  n: number
  at: number
  ms: number
  ok: number
  code: string | null
  error: string | null
}

export interface CommandRow {
  id: string
  chat: string
  conversation: string | null
  type: string
  by_json: string
  result_json: string
  at: number
  /** The command as it was given. null: of a journal that was written before this was kept. */
  body_json: string | null
  trace_json: string | null
  /** As of an entry. */
  revision: string | null
  /** What it was decided by: the chat's latest number then, and that of the first entry that waited (null: none). */
  seen_seq: number | null
  seen_waiting: number | null
  /** The chat's latest number when it was done, or refused. */
  done_seq: number | null
}

export interface MediaRow {
  id: string
  chat: string
  entry: string
  /** What the channel gave: a url, or its own reference. */
  source: string
  type: string
  state: 'waiting' | 'here' | 'gone'
  attempts: number
  next_at: number
  mime_type: string | null
  size_bytes: number | null
  /** The file's name under `media/`: the SHA-256 of its content. */
  file: string | null
  error: string | null
  created_at: number
}

/** A file that a channel has taken in itself, before any message refers to it as `kept:<id>`. */
export interface KeptRow {
  /** By chance, and not to be guessed: whoever can name it may have the file. */
  id: string
  /** Whose events may refer to it. */
  account: string
  file: string
  mime_type: string
  size_bytes: number
  at: number
}

export interface AuditRow {
  id: string
  at: number
  by_json: string
  action: string
  before_json: string | null
  after_json: string | null
  instance: string
  /** The name of whoever acted: reckoned from the others. */
  who: string | null
}

export interface FeedRow {
  topic: string
  n: number
  at: number
  item_json: string
}

export interface JobRunRow {
  name: string
  due_at: number
  started_at: number
  finished_at: number | null
  error: string | null
}

/** Every configuration text that was applied, so that `hash:line` can be shown later. */
export interface RevisionRow {
  hash: string
  at: number
  file: string
  text: string
}

/** A customer who was erased, of whom an instance may still keep something: gone when it has erased that. */
export interface ErasureRow {
  customer: string
  instance: string
  at: number
  /** As in `KnownAs`. */
  known_as_json: string
}
