/**
 * What an author writes: `definePlugin`, `defineChannel`, `defineBot`, `defineDesk`, and what `setup` gets and returns.
 * Importing a plugin only defines: every effect is in `setup`, so `check` can import any plugin safely.
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Compilable, Kysely } from 'kysely'
import type { z } from 'zod'
import type { Capabilities } from './capabilities.ts'
import type { Command, CommandResult } from './command.ts'
import type { SettingFile } from './config/resolve.ts'
import type { TextName } from './config/texts.ts'
import type { Actor, Conversation } from './conversation.ts'
import type { CustomerPage, CustomerQuery, Erased, KnownAs, MergeResult } from './journal/engine.ts'
import type { JournalTables } from './journal/tables.ts'
import type { Content, CustomerPatch, InboundEvent, Json, Localized, Part, Say } from './message.ts'
import type { Caller } from './services/callers.ts'
import type { Clock } from './services/clock.ts'
import type {
  BotTurn,
  CallbackEvent,
  ChatEvents,
  Customer,
  Facts,
  HandOffTo,
  Identity,
  Listener,
  Log,
  Maybe,
  Middleware,
  Next,
  NoState,
  Outcome,
  Rewrite,
  Said,
  Turn,
  TurnView,
  WakeEvent,
} from './turn.ts'

// ── services ────────────────────────────────────────────────────────────────────────────────

declare const lends: unique symbol
/** Names what one plugin lends another. Both import the same token, so both have its type. */
export interface Token<T> {
  readonly name: string
  readonly [lends]?: T
}
export interface OptionalToken<T> {
  readonly token: Token<T>
  readonly optional: true
}

/** Makes a token. Two tokens of one name are the same service. */
export function service<T>(name: string): Token<T> {
  return { name }
}

/** For `needs`: the plugin can do without, and is given `undefined` when nobody lends it. */
export function optional<T>(token: Token<T>): OptionalToken<T> {
  return { token, optional: true }
}

export type Needs = { readonly [name: string]: Token<unknown> | OptionalToken<unknown> }
export type Services<N> = {
  readonly [K in keyof N]: N[K] extends Token<infer T> ? T : N[K] extends OptionalToken<infer T> ? T | undefined : never
}
export type Provides = { readonly [name: string]: Token<unknown> }
interface Lends<P> {
  readonly services?: { readonly [K in keyof P]: P[K] extends Token<infer T> ? T : never }
}
// biome-ignore lint/complexity/noBannedTypes: `{}` asks whether P has any key at all.
type MustLend<P> = {} extends P ? unknown : { readonly services: unknown }

// ── a plugin's own tables ───────────────────────────────────────────────────────────────────

/** The migrations of a plugin's own tables, by name, in order; and (for the compiler only) their rows. */
export interface Tables<DB> {
  readonly migrations: { readonly [name: string]: string }
  readonly rows?: DB
}

/**
 * `tables<{ rating: Rating }>({ '1-rating': 'CREATE TABLE rating (…)' })`.
 * Each instance has tables of its own: the journal keeps them apart by the instance's name.
 * Columns are text, numbers and 0/1 flags; a Date cannot be stored.
 */
export function tables<DB>(migrations: { readonly [name: string]: string }): Tables<DB> {
  return { migrations }
}

// ── routes ──────────────────────────────────────────────────────────────────────────────────

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Everybody may call this route, since it checks its callers itself. Means nothing in a channel, whose routes are
     * all public.
     */
    public?: boolean | undefined
    /**
     * Everybody may open a WebSocket at the very path of this public GET route: the listener of `web.server` for
     * `upgrade` checks its callers too. Without it only the operator may.
     */
    websocket?: boolean | undefined
    /**
     * This public GET route documents an API of the instance, as a page to read or as OpenAPI: `/api`, or
     * `/api/openapi.json`, leads to it.
     */
    documents?: 'page' | 'openapi' | undefined
  }
}

// ── what setup gets ─────────────────────────────────────────────────────────────────────────

/** A small document that people may read and edit by hand: checked by its schema, never half-written. */
export interface DocumentStore<T> {
  read(): Promise<T>
  /** `by` may be called again, when someone else has changed the document meanwhile. */
  change(by: (now: T) => T): Promise<T>
}

export interface OpenMedia {
  readonly body: Blob
  readonly mimeType: string
}

/** A numbered log of a topic: every item has a number, and a reader goes on from the last one it has seen. */
export interface Feed {
  /** Resolves with the item's number when it is on disk. */
  publish(item: Json): Promise<number>
  /** Calls `take` for every item after `after`, those already there first. Ends with the returned function, or the plugin. */
  subscribe(after: number, take: (item: Json, number: number) => void): () => void
}

/** What may still be sent in a chat. */
export interface Sendable {
  /** How many messages. Left out: any number. */
  readonly left?: number | undefined
  /** Of how many: what the platform takes in all, until then. Left out: any number, or nothing before the customer writes. */
  readonly max?: number | undefined
  /** When the window ends, or ended. Left out: never, or there has been none. */
  readonly untilMs?: number | undefined
  /** Why nothing may be sent, if so. */
  readonly closed?: 'never-later' | 'no-event' | 'over' | 'used-up' | 'kept-for-people' | undefined
}

/** A screen's ears: see `Context.watch`. Chats are named by their id in the journal. */
export interface Watcher {
  /** An event was accepted, a turn or command was committed, or a delivery has ended. */
  changed(chat: string): void
  /** The customer is typing, or has read. */
  live(chat: string, what: 'typing' | 'read'): void
}

export interface Context<C, DB> {
  /** The instance's name in the YAML. */
  readonly name: string
  readonly config: C
  readonly log: Log
  /** The same signature as `fetch`: with time limits, without secrets in the logs, and not to private addresses. */
  readonly http: typeof fetch
  /** Aborted when this instance stops. */
  readonly signal: AbortSignal
  /**
   * A Fastify of this instance's own, at `/<name>`. A channel's is open to everybody, so the channel checks its callers
   * (a signature, a session). Of all other plugins, only the operator gets in (by `server.token`, or where there is none
   * and nothing is published, from the machine itself), except to routes that say `{ config: { public: true } }`.
   */
  readonly web: FastifyInstance
  /** The public address of `web`. */
  readonly url: string
  /**
   * Who has made a request (of `web`: `request.raw`), so that the plugin can bound what one caller may do, before it
   * lets a socket be opened too. `server.trustProxy` counts.
   */
  callerOf(request: IncomingMessage): Caller
  /** The plugin's own tables: reads at any time; writes outside a turn (inside one, use `turn.write`). */
  readonly sql: Kysely<DB>
  /** The time, and timers that follow it: in a test or rehearsal they run when its clock gets there. */
  readonly clock: Clock
  command(command: Command): Promise<CommandResult>

  /** A job that belongs to no chat: a cron expression in the YAML's time zone, or an interval such as `30s`. */
  schedule(when: string, job: (signal: AbortSignal) => Maybe<void>): void
  readonly documents: { open<T extends z.ZodType>(name: string, schema: T): DocumentStore<z.output<T>> }
  readonly customers: {
    patch(id: string, patch: CustomerPatch): Promise<void>
    /** Under another id, if it has turned out to be somebody who was known already: what was kept by the old one is theirs. */
    get(id: string): Promise<Customer | undefined>
    /** One page of a list of customers. */
    list(query: CustomerQuery): Promise<CustomerPage>
    /** Gives the tags that the customer has then; `undefined`: there is no such customer. */
    tag(
      id: string,
      tags: { readonly add?: readonly string[] | undefined; readonly remove?: readonly string[] | undefined },
    ): Promise<readonly string[] | undefined>
    /**
     * From then on two customers are one, `into`, with the chats of both; what is known of `into` counts first. Not when
     * both are `known-apart`, each by a `userId` of their own.
     */
    merge(from: string, into: string): Promise<MergeResult>
    /**
     * Deletes all that is kept of a customer in the journal, but who did what and when in the audit log, and then has
     * every plugin delete what is theirs (`erase`). Not while a conversation is open (`busy`).
     */
    erase(id: string): Promise<Erased>
    /** What plugins keep of a customer in tables of their own, by the instance, as each of them tells it (`kept`). */
    kept(id: string): Promise<{ readonly [instance: string]: Json }>
  }
  readonly media: {
    /** Of a message's part. Waits for a file that is still being fetched. Throws `MEDIA_NOT_HERE_YET` or `MEDIA_GONE`. */
    open(url: string, options?: { signal?: AbortSignal }): Promise<OpenMedia>
  }
  audit(what: { readonly by: Actor; readonly action: string; readonly before?: Json; readonly after?: Json }): void
  /**
   * The channels of the YAML in force, with the account that each connects; one that is down has one if it has run
   * before. During `setup` these are those from before.
   */
  channels(): readonly { readonly name: string; readonly account: string }[]
  /** The journal's own tables, to read. */
  readonly journal: Kysely<JournalTables>
  /** Of opening hours and schedules: where days and weeks begin. */
  readonly timeZone: string
  /** How long messages are kept, as the YAML says now: what they point to should be there as long. */
  readonly keepMessagesMs: number
  feed(topic: string): Feed
  /**
   * For screens: from now on the watcher is called when something in a chat has become another, to read it again in the
   * journal. Nothing is kept for whoever was away, and it holds nobody up: what takes long is begun, not waited for.
   * Ends with the returned function, or the plugin.
   */
  watch(watcher: Watcher): () => void
  /** What the platform still lets somebody send in a chat; `undefined`: no channel that runs has this chat. */
  sendable(chat: string, by: Actor): Promise<Sendable | undefined>
  /** Shows the customer that one of our people is typing, where the channel can. Never journaled. */
  typing(chat: string): Promise<void>
  /** What the core says to customers, or the YAML in its place, as it is now; `''`: nothing. */
  text(name: TextName): Say
  /** Called when the instance stops, last one first; also when `setup` fails half-way. */
  onDispose(release: () => Maybe<void>): void
}

export interface ReceiveOptions {
  /**
   * A write on the channel's own tables in the very transaction that accepts the event: both are on disk, or neither is.
   * It does not run for a repeat. When it fails, `receive` rejects with `JOURNAL_WRITE`, and the event may come again.
   */
  readonly write?: Compilable | undefined
  /** As `write`, but also for a repeat: what is told of the request, and not of the event. */
  readonly writeAlways?: Compilable | undefined
  /**
   * `false`: what is said inside the response to this event is shown to nobody. Then nothing is said there, and `receive`
   * does not wait for an answer. Left out: it is shown.
   */
  readonly answerable?: boolean | undefined
}

/** The bytes of a file: a request's body (of `web`: `request.raw`), or anything else that can be read once. */
export type FileBody = ReadableStream | Blob | AsyncIterable<Uint8Array>

export interface KeepOptions {
  readonly maxBytes: number
  /** Whether a file of this type is taken, by what its content shows. Left out: every one is. */
  readonly accepts?: ((mimeType: string) => boolean) | undefined
}

/** A file that is on disk, for an event to refer to it. */
export interface KeptFile {
  /** For the `url` of a part. Nobody can guess it, and it means nothing to other channels. */
  readonly url: string
  /** What its content shows, whatever the customer has said: `application/octet-stream` when that is nothing harmless. */
  readonly mimeType: string
  readonly sizeBytes: number
}

export interface ChannelContext {
  /**
   * Hands over one event. Resolves when it is durably accepted; for channels that answer inside the response, with the
   * delivery if it is ready in time. Rejects with status 503 when the backlog is full: let Fastify answer that.
   */
  receive(event: InboundEvent, options?: ReceiveOptions): Promise<Delivery | undefined>
  readonly media: {
    /**
     * Keeps a file that a customer uploads to the channel itself. Resolves when it is on disk. It stays as long as a
     * message has it, or for a day if none comes; `media.open` opens it for this channel as long. Throws
     * `MEDIA_TOO_LARGE` (413) as soon as there is more than `maxBytes`, and `MEDIA_EMPTY` (400); then nothing is kept,
     * and a request's body is left where it was, so that it can be answered.
     */
    keep(body: FileBody, options: KeepOptions): Promise<KeptFile>
  }
  /** Passed on to who is looking, never journaled. */
  live(chat: string, what: 'typing' | 'read'): void
}

export interface DeskContext {
  readonly media: {
    /**
     * Keeps a file that one of our people wants to send, to be said as a part with its `url`. It stays as long as
     * messages do. Throws as a channel's does.
     */
    keep(body: FileBody, options: KeepOptions): Promise<KeptFile>
  }
}

// ── what setup returns ──────────────────────────────────────────────────────────────────────

/** A customer who is no longer in the journal. */
export interface ErasedCustomer extends KnownAs {
  /** When they were erased. What has come from the same chats since then is somebody new. */
  readonly atMs: number
}

/** What `doctor` works with, in place of what `setup` got. */
export interface Examining {
  /** As the context's, and the outside answers. */
  readonly http: typeof fetch
  /** Shows the real time. */
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** One thing that the outside has to have, and how it is. What people read is in the languages of the built-in texts. */
export interface Diagnosis {
  /** What it is about, in a word or two. */
  readonly about: Localized<string>
  /** `missing`: it does not work without, or not wholly. `unknown`: nobody can tell from here. */
  readonly state: 'ok' | 'missing' | 'unknown'
  /** How it is and what that means, as sentences. */
  readonly says: Localized<string>
  /** What to do about it: the page of the platform, and what to click there. */
  readonly next?: Localized<string> | undefined
}

/** What any plugin may do with turns, replies and events. */
export interface Hooks<S extends z.ZodObject = NoState> {
  readonly inbound?:
    | {
        /** Turning events away: blacklist, rate limit. */
        guard?: Middleware<S, InboundEvent | CallbackEvent> | undefined
        /** Noting things with `turn.learn`, beside the others, within 5 s. */
        enrich?: ((turn: TurnView) => Maybe<void>) | undefined
        /** What must be seen whoever owns the conversation. */
        intercept?: Middleware<S> | undefined
        /** Answering before the bot, while no person owns the conversation. */
        respond?: Middleware<S> | undefined
      }
    | undefined
  readonly outbound?:
    | {
        /** `next({ content?, identity? })` goes on with a change, `reply.drop(because)` stops it. */
        rewrite?: Rewrite | undefined
      }
    | undefined
  readonly events?: { [K in keyof ChatEvents]?: Listener<S, K> | undefined } | undefined
  /**
   * Called once, when this instance is in force: for what is there already. The others are up by then, and commands can
   * be given. The one that it replaces has said goodbye (its `preClose` hooks have run), and is given nothing new; what
   * was under way in it may still end.
   */
  readonly started?: (() => Maybe<void>) | undefined
  /**
   * A customer was erased: what this instance keeps of them in tables of its own goes too. Called at least once, also
   * after a crash, and if it throws again within the hour; of an instance that is not running, once it is.
   */
  readonly erase?: ((customer: ErasedCustomer) => Maybe<void>) | undefined
  /** All that this instance keeps of a customer in tables of its own, for whoever wants to know; `undefined`: nothing. */
  readonly kept?: ((customer: KnownAs) => Maybe<Json | undefined>) | undefined
  /**
   * For `switchboard doctor`: looks whether all that this instance needs of the outside is as it should be, and changes
   * nothing there. The instance was set up with nothing outside, and another process may be running the real one.
   */
  readonly doctor?: ((by: Examining) => Maybe<readonly Diagnosis[]>) | undefined
  /** The question that this instance asked was answered. `next()` says that it was not an answer. */
  readonly answered?: ((turn: Turn<S> & { readonly key: string }, next: Next) => Maybe<Outcome>) | undefined
  /** A wake of this instance is due. */
  readonly woken?: ((turn: Turn<S, WakeEvent> & { readonly key: string }, next: Next) => Maybe<Outcome>) | undefined
}

/** One platform message: one part that already fits the channel. */
export interface Delivery {
  /** Stable over every try: the idempotency key where the platform takes one. */
  readonly id: string
  readonly chat: string
  readonly part: Part
  /** Whose words these are: a person's, a program's that says what people have written, or a model's. */
  readonly by: 'person' | 'program' | 'model'
  readonly identity?: Identity | undefined
  /** The platform's id of the event that this answers. */
  readonly inReplyTo?: string | undefined
}

export interface ChannelMethods {
  /** Sends one platform message. Throws `DeliveryError`. */
  readonly send: (
    delivery: Delivery,
    options: { readonly signal: AbortSignal },
  ) => Promise<{ readonly platformId?: string | undefined }>
  /**
   * Makes ready what is to be said inside a response, such as a file that the platform must have first, and gives the part
   * as it is said there. Asked of all but texts and choices, perhaps more than once. What takes longer than the platform
   * waits goes on, for the next time; what is refused goes afterwards or, where the channel cannot do that, as text.
   */
  readonly prepare?: ((part: Part, options: { readonly signal: AbortSignal }) => Promise<Part>) | undefined
  /**
   * For polled platforms. Called once the channel is up; when it throws it is called again, with back-off, or after the
   * `retryAfterMs` of a `DeliveryError`.
   */
  readonly listen?: ((signal: AbortSignal) => Promise<void>) | undefined
  readonly fetchMedia?:
    | ((
        url: string,
        options: { readonly signal: AbortSignal },
      ) => Promise<{ readonly body: ReadableStream | Blob; readonly mimeType: string }>)
    | undefined
  /** Shows the text so far of an answer that is still being written; an empty one takes it away. */
  readonly draft?: ((chat: string, text: string) => void) | undefined
  readonly typing?: ((chat: string) => void) | undefined
}

/** A generator yields the whole text so far, and returns how it ended. */
export interface BotMethods<S extends z.ZodObject = NoState> {
  answer(turn: BotTurn<S>, next: Next): Maybe<Outcome> | AsyncGenerator<string, Outcome>
}

export interface HandOff {
  readonly conversation: Conversation
  readonly customer: Customer
  readonly channel: string
  /** By which the chat came in: the last that an event of it had, since the conversation before this one. */
  readonly entry?: string | undefined
  readonly because: string
  readonly to?: HandOffTo | undefined
}

/** What a desk is told of a conversation, in order. */
export type DeskItem = { readonly conversation: string; readonly customer: Customer; readonly channel: string } & (
  | { readonly type: 'handed-over'; readonly because: string; readonly history: readonly Said[] }
  | { readonly type: 'message'; readonly parts: readonly Part[] }
  | { readonly type: 'edit'; readonly of: string; readonly parts: readonly Part[] }
  | { readonly type: 'recall'; readonly of: string }
  | { readonly type: 'facts'; readonly facts: Facts }
  | { readonly type: 'suggestion'; readonly content: Content }
  | { readonly type: 'returned' | 'closed'; readonly because: string }
)

/** Where a conversation waits. */
export interface Place {
  readonly team?: string | undefined
  /** It waits there, and nobody of them is there now: the customer is told so. */
  readonly isUnattended?: boolean | undefined
}

export interface DeskMethods {
  /** Which team takes it; `'nobody'` when nobody will come. Quick and pure. */
  where(handOff: HandOff): Place | 'nobody'
  /** In order, retried until it returns; `id` is the same on every try. */
  deliver(item: DeskItem, options: { id: string; signal: AbortSignal }): Promise<void>
  /** In tests and rehearsals: somebody comes to the desk, or goes. A desk that leaves it out does not ask who is there. */
  attend?: ((person: string, isThere: boolean) => void) | undefined
}

/** What a simulated platform works with. */
export interface Simulating {
  /** The channel's name in the YAML. */
  readonly name: string
  readonly languages: readonly string[]
  /** Shows the time of the simulation, which people can move on. */
  readonly clock: Clock
  /** Moves it on, with all that becomes due meanwhile. */
  advance(ms: number): Promise<void>
  /** What happened in the chat of a customer, by the platform's id, and why: as `explain --of` tells it. */
  why(customer: string): Promise<string | undefined>
}

/** A platform like the real one, on loopback, where people play its customers. */
export interface Simulation<C = unknown> extends AsyncDisposable {
  /** The channel's settings, with this platform in place of the real one. */
  readonly settings: C
  /** What the channel must be allowed to call: `127.0.0.1:<port>`. */
  readonly hosts: readonly string[]
  /** The page where customers are played. */
  readonly url: string
  /** Called once, when the channel is up: at this address, which nobody but this machine can reach. */
  started(url: string): Promise<void>
}

/** What the module of a simulated platform exports. */
export interface Simulator<C = unknown> {
  simulate(config: C, by: Simulating): Promise<Simulation<C>>
}

/** What `invite` of a desk works with. */
export interface Inviting {
  /** The desk's public address. */
  readonly url: string
  readonly clock: Pick<Clock, 'now'>
  readonly documents: Context<unknown, unknown>['documents']
}

/** A link by which somebody sets a password. */
export interface Invited {
  readonly link: string
  readonly untilMs: number
}

/** What the YAML may refer to in a desk. */
export interface NamesOfDesk {
  readonly people: readonly string[]
  readonly teams: readonly string[]
  /** The channels that a team takes. A team that is left out takes every channel. */
  readonly sources?: { readonly [team: string]: readonly string[] } | undefined
}

// ── define ──────────────────────────────────────────────────────────────────────────────────

/** A problem that zod cannot see, at a path inside the plugin's own configuration. */
export interface ConfigProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
  /** What to write instead. */
  readonly instead?: string | undefined
  /** Where it stands in a file that the setting names: that place is told and shown, not the one in the YAML. */
  readonly at?:
    | {
        readonly file: Pick<SettingFile, 'path' | 'text'>
        /** In its text, in UTF-16 units. */
        readonly offset: number
        /** Left out: up to the end of the line. */
        readonly length?: number | undefined
      }
    | undefined
  /** Nothing is wrong, but the operator may have meant something else: `check` tells it, and it stops nothing. */
  readonly isNote?: boolean | undefined
}

/** Of each topic a row for each thing, with the same columns, by their headings. */
export interface Explained {
  readonly [topic: string]: readonly { readonly [column: string]: string }[]
}

interface Manifest<C extends z.ZodType, S extends z.ZodObject, N extends Needs, P extends Provides, DB> {
  /** A kebab-case noun: the folder's name, and what `use:` says. */
  readonly name: string
  /** One sentence. */
  readonly summary: string
  /** The settings: a `z.strictObject`. */
  readonly config: C
  /** This plugin's memory of one chat. Every field has a default. */
  readonly state?: S
  readonly needs?: N
  readonly provides?: P
  readonly tables?: Tables<DB>
  /** What becomes of an event whose guard keeps failing. */
  readonly ifGuardFails?: 'drop' | 'pass'
  /** What zod cannot see: other channels' capabilities, a file's content. Pure. */
  check?(config: z.output<C>, channels: { readonly [name: string]: Capabilities }): readonly ConfigProblem[]
  /** What `switchboard explain <topic>` tells, by topic. Pure. */
  explain?(config: z.output<C>, channels: { readonly [name: string]: Capabilities }): Explained
}

/** TypeScript does not check what a function returns for extra keys: this puts the error at a misspelt hook. */
type Exact<R, Shape> = {
  readonly [K in keyof R]: K extends keyof Shape
    ? K extends 'inbound' | 'outbound' | 'events'
      ? { readonly [H in keyof NonNullable<R[K]>]: H extends keyof NonNullable<Shape[K]> ? unknown : never } | undefined
      : unknown
    : never
}

/** What R may hold before Exact looks, so that R is always inferred from the literal. */
type Loose<T> = T & {
  readonly [K in keyof T & ('inbound' | 'outbound' | 'events')]?: { readonly [other: string]: unknown } | undefined
}

// biome-ignore lint/complexity/noBannedTypes: no key at all is what a plugin has that needs, provides or keeps nothing.
type Nothing = {}

export type PluginKind = 'feature' | 'channel' | 'bot' | 'desk'

/**
 * A plugin as the runtime sees it, whatever its own types are: the loader has checked the configuration against
 * `config` before `setup` is called, and what `setup` returns is checked by `runtime/instance.ts`.
 */
export interface Plugin {
  readonly kind: PluginKind
  readonly name: string
  readonly summary: string
  readonly config: z.ZodType
  readonly state: z.ZodObject | undefined
  readonly needs: Needs
  readonly provides: Provides
  readonly tables: Tables<unknown> | undefined
  readonly ifGuardFails: 'drop' | 'pass'
  check(config: unknown, channels: { readonly [name: string]: Capabilities }): readonly ConfigProblem[]
  explain(config: unknown, channels: { readonly [name: string]: Capabilities }): Explained
  /** Channels: the account of the platform, without the plugin's name. */
  account(config: unknown): string
  /** Channels only; others are never asked. */
  capabilities(config: unknown): Capabilities
  /** Desks: what the YAML may refer to. */
  names(config: unknown): NamesOfDesk
  /** Features: the identities that they declare. */
  identities(config: unknown): readonly string[]
  /** Desks: a link by which somebody sets a password; `undefined`: nobody signs in there. */
  invite(person: string, by: Inviting): Promise<Invited> | undefined
  /** Bots: a model writes what it says. */
  readonly isModel: boolean
  /** Channels: whether there is a simulated platform for it. */
  readonly isSimulated: boolean
  /** Channels: the simulated platform, loaded only when it is asked for. */
  simulator(): Promise<Simulator> | undefined
  setup(context: unknown): unknown
}

/** A feature: everything that is not a channel, bot or desk. */
export function definePlugin<
  C extends z.ZodType,
  R extends Loose<Hooks<S>> & Lends<P>,
  S extends z.ZodObject = NoState,
  N extends Needs = Nothing,
  P extends Provides = Nothing,
  DB = Nothing,
>(
  plugin: Manifest<C, S, N, P, DB> & {
    /** The identities that it declares: what others refer to by `refers('identity')`. Pure. */
    identities?(config: z.output<C>): readonly string[]
    setup(
      context: Context<z.output<C>, DB> & Services<N>,
    ): Maybe<R & Exact<R, Hooks<S> & Lends<Provides>> & MustLend<P>>
  },
): Plugin {
  return define('feature', plugin)
}

/** A connected account on a platform. Its methods hold no timers, retries, splitting or windows: those are the core's. */
export function defineChannel<
  C extends z.ZodType,
  R extends ChannelMethods & Loose<Hooks<S>> & Lends<P>,
  S extends z.ZodObject = NoState,
  N extends Needs = Nothing,
  P extends Provides = Nothing,
  DB = Nothing,
>(
  channel: Manifest<C, S, N, P, DB> & {
    /** What the platform calls the account (app id, uid): the chat's identity hangs on it, not on the channel's name. */
    account(config: z.output<C>): string
    capabilities(config: z.output<C>): Capabilities
    /** For `switchboard simulate`: loads a platform like the real one. Nothing else loads it. */
    simulator?(): Promise<Simulator<z.output<C>>>
    setup(
      context: Context<z.output<C>, DB> & Services<N> & ChannelContext,
    ): Maybe<R & Exact<R, ChannelMethods & Hooks<S> & Lends<Provides>> & MustLend<P>>
  },
): Plugin {
  return define('channel', channel)
}

/** A program that answers. */
export function defineBot<
  C extends z.ZodType,
  R extends BotMethods<S> & Loose<Hooks<S>> & Lends<P>,
  S extends z.ZodObject = NoState,
  N extends Needs = Nothing,
  P extends Provides = Nothing,
  DB = Nothing,
>(
  bot: Manifest<C, S, N, P, DB> & {
    /** A model writes what it says: where a platform marks such messages, they are. */
    readonly isModel?: boolean
    setup(
      context: Context<z.output<C>, DB> & Services<N>,
    ): Maybe<R & Exact<R, BotMethods<S> & Hooks<S> & Lends<Provides>> & MustLend<P>>
  },
): Plugin {
  return define('bot', bot)
}

/** Where people work. It acts by commands. */
export function defineDesk<
  C extends z.ZodType,
  R extends DeskMethods & Loose<Hooks<S>> & Lends<P>,
  S extends z.ZodObject = NoState,
  N extends Needs = Nothing,
  P extends Provides = Nothing,
  DB = Nothing,
>(
  desk: Manifest<C, S, N, P, DB> & {
    names?(config: z.output<C>): NamesOfDesk
    /**
     * For `switchboard people invite`: makes a link by which a person of this desk sets a password. Another process may
     * be running the desk meanwhile, so that nothing but documents may be changed.
     */
    invite?(person: string, by: Inviting): Promise<Invited>
    setup(
      context: Context<z.output<C>, DB> & Services<N> & DeskContext,
    ): Maybe<R & Exact<R, DeskMethods & Hooks<S> & Lends<Provides>> & MustLend<P>>
  },
): Plugin {
  return define('desk', desk)
}

/** What the four have in common, with the author's own types forgotten. Methods, so that they may be. */
interface Definition {
  readonly name: string
  readonly summary: string
  readonly config: z.ZodType
  readonly state?: z.ZodObject
  readonly needs?: Needs
  readonly provides?: Provides
  readonly tables?: Tables<unknown>
  readonly ifGuardFails?: 'drop' | 'pass'
  readonly isModel?: boolean
  check?(config: unknown, channels: { readonly [name: string]: Capabilities }): readonly ConfigProblem[]
  explain?(config: unknown, channels: { readonly [name: string]: Capabilities }): Explained
  account?(config: unknown): string
  capabilities?(config: unknown): Capabilities
  names?(config: unknown): NamesOfDesk
  identities?(config: unknown): readonly string[]
  invite?(person: string, by: Inviting): Promise<Invited>
  simulator?(): Promise<Simulator>
  setup(context: unknown): unknown
}

class DefinedPlugin implements Plugin {
  readonly kind: PluginKind
  readonly name: string
  readonly summary: string
  readonly config: z.ZodType
  readonly state: z.ZodObject | undefined
  readonly needs: Needs
  readonly provides: Provides
  readonly tables: Tables<unknown> | undefined
  readonly ifGuardFails: 'drop' | 'pass'
  readonly isModel: boolean
  readonly #by: Definition

  constructor(kind: PluginKind, by: Definition) {
    this.kind = kind
    this.name = by.name
    this.summary = by.summary
    this.config = by.config
    this.state = by.state
    this.needs = by.needs ?? {}
    this.provides = by.provides ?? {}
    this.tables = by.tables
    this.ifGuardFails = by.ifGuardFails ?? 'pass'
    this.isModel = by.isModel ?? false
    this.#by = by
  }

  check(config: unknown, channels: { readonly [name: string]: Capabilities }): readonly ConfigProblem[] {
    return this.#by.check?.(config, channels) ?? []
  }
  explain(config: unknown, channels: { readonly [name: string]: Capabilities }): Explained {
    return this.#by.explain?.(config, channels) ?? {}
  }
  account(config: unknown): string {
    return this.#by.account?.(config) ?? this.name
  }
  capabilities(config: unknown): Capabilities {
    return this.#by.capabilities?.(config) ?? { sends: { text: {} }, later: [], showsIdentity: 'none' }
  }
  names(config: unknown): NamesOfDesk {
    return this.#by.names?.(config) ?? { people: [], teams: [] }
  }
  identities(config: unknown): readonly string[] {
    return this.#by.identities?.(config) ?? []
  }
  invite(person: string, by: Inviting): Promise<Invited> | undefined {
    return this.#by.invite?.(person, by)
  }
  get isSimulated(): boolean {
    return this.#by.simulator !== undefined
  }
  simulator(): Promise<Simulator> | undefined {
    return this.#by.simulator?.()
  }
  setup(context: unknown): unknown {
    return this.#by.setup(context)
  }
}

function define(kind: PluginKind, plugin: Definition): Plugin {
  return new DefinedPlugin(kind, plugin)
}

/** Whether something is what `define*` made (in this core, not in a second copy of it). */
export function isPlugin(value: unknown): value is Plugin {
  return value instanceof DefinedPlugin
}
