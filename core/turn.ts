/**
 * One event being handled: what hooks and bots can read of it, what they may add, and how it may end.
 * The classes behind these types are in `pipeline/`; plugins only ever see the types.
 */
import type { Compilable } from 'kysely'
import type { z } from 'zod'
import type { Capabilities } from './capabilities.ts'
import type { Actor, Conversation, Summary } from './conversation.ts'
import type { Content, CustomerPatch, InboundEvent, Json, Localized, Say } from './message.ts'

export type Maybe<T> = T | Promise<T>

declare const made: unique symbol
/** What a middleware returns. Only the turn's own methods and `next()` make one. */
export interface Outcome {
  readonly [made]: true
}
export type Next = () => Outcome

/** What became of a turn, as the journal records it. Exactly one for every event. */
export type OutcomeKind = 'answered' | 'handed-off' | 'to-desk' | 'handled' | 'dropped' | 'ignored' | 'failed'

export interface Customer {
  readonly id: string
  readonly name?: string | undefined
  /** The customer's own language if known, else the first of `languages:` in the YAML. */
  readonly language: string
  readonly tags: readonly string[]
  readonly fields: { readonly [key: string]: Json }
}

/** One customer on one account: the unit of strict order. */
export interface Chat {
  readonly id: string
  /** The account of the platform, as `wechat:wx1234567890`: it stays when the channel is renamed. */
  readonly account: string
  readonly externalId: string
}

/** What enrichers found out. `transcripts` by the url of the part. */
export interface Facts {
  readonly language?: string | undefined
  readonly transcripts?: { readonly [url: string]: string } | undefined
  readonly customer?: CustomerPatch | undefined
}

export interface Said {
  readonly by: Actor
  readonly text: string
  readonly atMs: number
}

/** A question that the chat waits for: the next message within `forMs` goes first to who asked. */
export interface Question {
  readonly key: string
  readonly forMs: number
}

/** A plugin's own memory of one chat: a mutable draft, committed with the turn, at most 8 KB as JSON. */
export type State<S extends z.ZodObject> = [keyof S['shape']] extends [never] ? Record<never, never> : z.output<S>
// biome-ignore lint/complexity/noBannedTypes: the shape without any key is what an absent schema means.
export type NoState = z.ZodObject<{}>

export interface Log {
  debug(fields: object, text: string): void
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}

/** What every hook and bot can read. */
export interface TurnView<E = InboundEvent> {
  /** Stable over repeats of the turn: the idempotency key for anything done outside. */
  readonly id: string
  readonly event: E
  /** What the customer said, with the transcripts that are known; empty when there are no words. */
  readonly text: string
  /** The id of the choice that was clicked, or typed as its number or label. */
  readonly choice: string | undefined
  readonly customer: Customer
  readonly chat: Chat
  /** The open conversation. `undefined` in `respond` means that this is its first message. */
  readonly conversation: Conversation | undefined
  readonly channel: { readonly name: string; readonly capabilities: Capabilities }
  /** Who is asked if no feature ends the turn: the route's bots, or people, who have the conversation or get it. */
  readonly answeredBy: 'bot' | 'people'
  readonly facts: Facts
  /** Aborted when the turn is given up: its limit is over, or the plugin is being stopped. */
  readonly signal: AbortSignal
  readonly log: Log
  /** Notes what was found out. Committed with the turn, never asked again when the turn is run again. */
  learn(facts: Facts): void
  /** What was said in this chat before this event, oldest first: delivered texts and who said them. At most 1,000. */
  history(options: { max: number }): Promise<readonly Said[]>
  /** From 0 to below 1, by chance; the same again when this turn is run again, or replayed. */
  random(): number
}

/** … and what it may add, then going on. */
export interface TurnWork<S extends z.ZodObject = NoState, E = InboundEvent> extends TurnView<E> {
  readonly state: State<S>
  /** Adds a reply and lets the turn go on. */
  say(content: Say, options?: { expect?: Question | undefined }): void
  /** A write on the plugin's own tables, in the turn's one transaction. */
  write(query: Compilable): void
  /** Comes back to this instance as `woken`. A later one with the same key replaces it. */
  wake(key: string, options: { inMs: number }): void
}

export interface HandOffTo {
  readonly desk?: string | undefined
  readonly team?: string | undefined
}

/** … and how it may end. */
export interface Turn<S extends z.ZodObject = NoState, E = InboundEvent> extends TurnWork<S, E> {
  reply(say: Say, options?: { because?: string | undefined; expect?: Question | undefined }): Outcome
  /** Turns the event away: nothing is said, nobody is asked. */
  drop(because: string): Outcome
  handOff(options: { to?: HandOffTo | undefined; say?: Say | undefined; because: string }): Outcome
  close(options: { say?: Say | undefined; because: string }): Outcome
  /** Handled, with nothing to say. */
  done(because: string): Outcome
}

/** A bot is the last middleware: the same ends, a conversation for certain, and what kind of answer it is. */
export interface BotTurn<S extends z.ZodObject = NoState> extends Turn<S> {
  readonly conversation: Conversation
  reply(
    say: Say,
    options?: {
      because?: string | undefined
      expect?: Question | undefined
      intent?: string | undefined
      guided?: boolean | undefined
    },
  ): Outcome
  /** The bot does not know. Counts towards the route's `handOff: { unknown }`. */
  unknown(say?: Say, options?: { because?: string | undefined }): Outcome
}

/** A guard is asked about callbacks too, with this. It is no InboundEvent: channels cannot send it. */
export interface CallbackEvent {
  readonly id: string
  readonly type: 'callback'
  readonly atMs: number
  readonly by: Actor
}

export interface WakeEvent {
  readonly id: string
  readonly type: 'wake'
  readonly atMs: number
}

/** Events of the chat's own life, and what each tells. Every listener is called. */
export interface ChatEvents {
  'conversation.opened': { readonly because: string }
  'conversation.queued': { readonly because: string }
  'conversation.assigned': { readonly person: string; readonly by: Actor }
  'conversation.returned': { readonly because: string }
  'conversation.closed': { readonly reason: string; readonly by: Actor; readonly summary?: Summary | undefined }
  'agent.replied': { readonly person: string; readonly content: Content }
  'delivery.failed': { readonly code: string; readonly content: Content }
}
export type ChatEvent<K extends keyof ChatEvents = keyof ChatEvents> = {
  [T in K]: ChatEvents[T] & { readonly id: string; readonly type: T; readonly atMs: number }
}[K]

export type Middleware<S extends z.ZodObject = NoState, E = InboundEvent> = (
  turn: Turn<S, E>,
  next: Next,
) => Maybe<Outcome>

/** `conversation` is the one that the event is about, even if it is closed by now. */
export type Listener<S extends z.ZodObject, K extends keyof ChatEvents> = (
  turn: TurnWork<S, ChatEvent<K>> & { readonly conversation: Conversation },
) => Maybe<void>

/** The name and face that customers see for an agent or bot. */
export interface Identity {
  readonly id: string
  readonly name: string | Localized<string>
  readonly line2?: string | Localized<string> | undefined
  readonly avatarUrl?: string | undefined
}

/** An answer on its way out, before it is fitted to the channel. */
export interface Reply {
  readonly by: Actor
  readonly content: Say
  readonly identity?: Identity | undefined
  readonly customer: Customer
  readonly chat: Chat
  readonly channel: { readonly name: string; readonly capabilities: Capabilities }
  readonly conversation: Conversation | undefined
  drop(because: string): Outcome
}

export type Rewrite = (
  reply: Reply,
  next: (change?: { readonly content?: Say | undefined; readonly identity?: Identity | undefined }) => Outcome,
) => Maybe<Outcome>
