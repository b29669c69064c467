/**
 * A turn while it is being handled: what the hooks have added so far. Each hook works on a copy of its own
 * (`HookTurn`), merged when it has returned, so that one that throws half-way leaves nothing behind.
 */
import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Compilable } from 'kysely'
import { type Actor, type Conversation, type Decision, decide, type Refusal, type Step } from '../conversation.ts'
import { SwitchboardError } from '../errors.ts'
import type {
  DeskPayload,
  LoadedAllowance,
  LoadedChat,
  NewConversationChange,
  Statement,
  StoredCustomer,
  TodoEntry,
} from '../journal/engine.ts'
import type { TraceStep } from '../journal/trace.ts'
import { type InboundEvent, type Json, type Part, type Say, textOf } from '../message.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Plan, PlannedChannel, PlannedRoute } from '../runtime/plan.ts'
import type {
  CallbackEvent,
  Chat,
  ChatEvent,
  ChatEvents,
  Customer,
  Facts,
  HandOffTo,
  Identity,
  Log,
  Outcome,
  Question,
  Said,
  WakeEvent,
} from '../turn.ts'
import { choiceOf } from './adapt.ts'
import { checkedSay, checkedState } from './checked.ts'

export type AnyEvent = InboundEvent | CallbackEvent | WakeEvent | ChatEvent

/** Of an event of the chat's own life: the ones with listeners. */
export function isLifeEvent(type: AnyEvent['type']): type is keyof ChatEvents {
  return type.includes('.')
}

/** What a channel sent, rather than what the core made. */
export function isFromPlatform({ event }: TurnDraft): boolean {
  return event.type !== 'wake' && event.type !== 'callback' && !isLifeEvent(event.type)
}

/** A desk's queue or an agent has the open conversation: no bot and no feature answers. */
export function personHasIt({ conversation }: TurnDraft): boolean {
  return conversation !== undefined && conversation.state !== 'closed' && conversation.owner.kind !== 'bot'
}

/** How a hook ended, as the pipeline reads it. */
export type Ending =
  /** `change` is what a `rewrite` passes on. */
  | { readonly kind: 'next'; readonly change?: ReplyChange | undefined }
  | {
      readonly kind: 'reply'
      readonly say: Say
      readonly because?: string | undefined
      readonly expect?: Question | undefined
      readonly intent?: string | undefined
      readonly guided: boolean
    }
  | { readonly kind: 'unknown'; readonly say?: Say | undefined; readonly because?: string | undefined }
  | { readonly kind: 'drop' | 'done'; readonly because: string }
  | { readonly kind: 'close'; readonly say?: Say | undefined; readonly because: string }
  | {
      readonly kind: 'hand-off'
      readonly to?: HandOffTo | undefined
      readonly say?: Say | undefined
      readonly because: string
    }

export interface ReplyChange {
  readonly content?: Say | undefined
  readonly identity?: Identity | undefined
}

/** The only maker of outcomes: `endingOf` reads them back. */
class MadeOutcome {
  readonly ending: Ending
  constructor(ending: Ending) {
    this.ending = ending
  }
}

function outcome(ending: Ending): Outcome {
  const made: unknown = new MadeOutcome(ending)
  // Plugins see an opaque brand and never a field: this is where the two meet.
  return made as Outcome
}

const NEXT = outcome({ kind: 'next' })

/** What every hook is given as `next`. */
export function next(): Outcome {
  return NEXT
}

/** What `rewrite` is given as `next`. */
export function nextWith(change?: ReplyChange): Outcome {
  return change ? outcome({ kind: 'next', change }) : NEXT
}

/** What `reply.drop(because)` gives. */
export function dropped(because: string): Outcome {
  return outcome({ kind: 'drop', because })
}

/** What a hook returned, or `undefined` if that is no outcome of ours. */
export function endingOf(returned: unknown): Ending | undefined {
  return returned instanceof MadeOutcome ? returned.ending : undefined
}

/** What one hook added to its turn, in the form that is recorded for a replay. */
export interface Given {
  /** Left out: `next`. */
  readonly ending?: Exclude<Ending, { kind: 'next' }> | undefined
  readonly facts?: readonly Facts[] | undefined
  readonly says?: readonly { readonly say: Say; readonly expect?: Question | undefined }[] | undefined
  readonly wakes?: readonly { readonly key: string; readonly inMs: number }[] | undefined
  readonly state?: Json | undefined
}

/** A reply as a hook gave it, before `rewrite` and `adapt`. */
export interface DraftReply {
  readonly by: Actor
  readonly say: Say
  readonly expect: Question | undefined
  /** The instance that asks, when `expect` is there. */
  readonly instance: string
  /** Said for an agent: it is no answer of theirs. */
  readonly isAutomatic?: boolean | undefined
}

/** A reply after every `rewrite` has had a say in it. */
export interface Rewritten extends DraftReply {
  readonly identity: Identity | undefined
}

/** A message without an answer of its own: the next one's is for both. */
export interface Gathered {
  readonly seq: number
  readonly text: string
}

/** Reads what was said before, without these entries. */
type ReadHistory = (options: { max: number; without?: readonly number[] | undefined }) => Promise<readonly Said[]>

/** Everything that a turn has gathered, until it is committed or given up. */
export class TurnDraft {
  readonly chat: LoadedChat
  readonly entry: Pick<TodoEntry, 'id' | 'seq' | 'facts' | 'acceptedAtMs'>
  readonly event: AnyEvent
  readonly plan: Plan
  readonly channel: PlannedChannel
  /** The open one; for events of the chat's life, the one that it is about. */
  conversation: Conversation | undefined
  facts: Facts
  readonly replies: DraftReply[] = []
  readonly writes: Statement[] = []
  readonly wakes = new Map<string, { readonly instance: string; readonly key: string; readonly inMs: number }>()
  /** Whether this turn changes the conversation. */
  decided = false
  /** It closes it, which it may not do when the customer has written meanwhile. */
  onlyIfNothingWaits = false
  /** What it does to it, in order, and what the desks are told of it. */
  readonly changes: NewConversationChange[] = []
  readonly deskItems: { readonly desk: string; readonly item: DeskPayload }[] = []
  /** Changed states only, as JSON values. */
  readonly states = new Map<string, Json>()
  /** The open question was answered, or its time is over. */
  questionEnds = false
  readonly trace: TraceStep[]
  readonly startedAtMs: number
  /** A guard has turned the event itself away; only what was gathered before it is answered. */
  isTurnedAway = false
  /** What the platform lets us send, as it was read last. */
  allowances: readonly LoadedAllowance[]
  openDeliveries: number
  /** What of the composed answer is said inside the open response, if anything is. */
  inside: Part | undefined
  /** The replies after `rewrite`, once they have been through it. */
  rewritten: readonly Rewritten[] | undefined
  /** The id of the conversation that this turn may open: the same whenever it is run again. */
  readonly newConversation: () => string
  /** Aborted when a command changes the owner while a bot is being asked. */
  readonly interrupted: AbortSignal | undefined
  /** Of a wake: the key that is due. */
  readonly wokenKey: string | undefined
  #shownEvent: AnyEvent | undefined
  #shownChat: Chat | undefined
  #text: string | undefined
  #customer: Customer | undefined
  readonly #known: Facts
  readonly #history: ReadHistory
  #gathered: readonly Gathered[] = []

  constructor(given: {
    readonly chat: LoadedChat
    readonly entry: Pick<TodoEntry, 'id' | 'seq' | 'facts' | 'acceptedAtMs'>
    readonly event: AnyEvent
    readonly plan: Plan
    readonly channel: PlannedChannel
    readonly conversation: Conversation | undefined
    readonly trace: TraceStep[]
    readonly startedAtMs: number
    readonly history: ReadHistory
    readonly newConversation: () => string
    readonly wokenKey?: string | undefined
    readonly interrupted?: AbortSignal | undefined
  }) {
    this.chat = given.chat
    this.entry = given.entry
    this.event = given.event
    this.plan = given.plan
    this.channel = given.channel
    this.conversation = given.conversation
    this.trace = given.trace
    this.startedAtMs = given.startedAtMs
    this.allowances = given.chat.allowances
    this.openDeliveries = given.chat.openDeliveries
    this.#history = given.history
    this.newConversation = given.newConversation
    this.wokenKey = given.wokenKey
    this.interrupted = given.interrupted
    this.facts = given.entry.facts ?? NO_FACTS
    this.#known = this.facts
  }

  /** The event as plugins see it: they read it one after the other, and none of them changes it for the next. */
  get shownEvent(): AnyEvent {
    this.#shownEvent ??= freeze(this.event)
    return this.#shownEvent
  }

  /** The chat as plugins see it. */
  get shownChat(): Chat {
    const { id, account, externalId } = this.chat
    this.#shownChat ??= Object.freeze({ id, account, externalId })
    return this.#shownChat
  }

  /** The facts, if there are new ones. */
  get learnt(): Facts | undefined {
    return this.facts === this.#known ? undefined : this.facts
  }

  /** The customer, with what was found out about them in this turn. */
  get customer(): Customer {
    this.#customer ??= customerWith(this.facts, customerOf(this.plan, this.chat.customer))
    return this.#customer
  }

  /** The customer's words, with the transcripts known by now. */
  get text(): string {
    this.#text ??= this.#readText()
    return this.#text
  }

  #readText(): string {
    if (this.event.type !== 'message') return ''
    const own = this.isTurnedAway ? '' : textOf(withTranscripts(this.event.parts, this.facts))
    if (this.#gathered.length === 0) return own
    return [...this.#gathered.map(({ text }) => text), own].filter(Boolean).join('\n')
  }

  /** What was said just before, in messages that have no answer of their own. */
  set gathered(messages: readonly Gathered[]) {
    this.#gathered = messages
    this.#text = undefined
  }
  get gathered(): readonly Gathered[] {
    return this.#gathered
  }

  /** What was said before this turn's own words. */
  history({ max }: { max: number }): Promise<readonly Said[]> {
    return this.#history({ max, without: this.#gathered.map(({ seq }) => seq) })
  }

  /** The route that the conversation runs on; the first that a new one would, when it has none or that one is gone. */
  get route(): PlannedRoute | undefined {
    const { routes } = this.channel
    const { conversation } = this
    return (conversation && routes.find(({ id }) => id === conversation.route)) ?? routes[0]
  }

  /** Who answers what no feature does. */
  get answeredBy(): 'bot' | 'people' {
    const mode = this.route?.mode
    return !personHasIt(this) && (mode === 'bot-only' || mode === 'bot-first') ? 'bot' : 'people'
  }

  get choice(): string | undefined {
    if (this.event.type !== 'message') return undefined
    if (this.event.choice !== undefined) return this.event.choice
    return this.chat.shown ? choiceOf(this.text, this.chat.shown.choices) : undefined
  }

  learn(facts: Facts | undefined): void {
    if (!facts) return
    this.facts = withFacts(this.facts, facts)
    this.#text = undefined
    this.#customer = undefined
  }

  /** Does one step to the conversation; a refusal changes nothing and is in the trace. */
  decide(step: Step): Refusal | undefined {
    const before = this.conversation
    const decided = decide(before, step)
    if ('refused' in decided) {
      this.trace.push({ stage: 'conversation', by: 'core', did: decided.refused, because: decided.message })
      return decided
    }
    if (decided.conversation === before) return undefined
    this.conversation = decided.conversation
    this.decided = true
    this.changes.push(...decided.changes)
    if (before && before.owner.kind !== 'bot' && decided.changes.length > 0) this.#tellDesk(before.owner.desk, decided)
    return undefined
  }

  /** A desk that had the conversation learns that it is no longer its own. */
  #tellDesk(desk: string, { conversation, changes }: Decision): void {
    for (const { type, because } of changes) {
      if (type !== 'returned' && type !== 'closed') continue
      this.deskItems.push({ desk, item: { conversation: conversation.id, type, because } })
    }
  }

  /** The state of an instance as it stands in this turn. */
  stateOf(instance: string): Json | undefined {
    return this.states.get(instance) ?? this.chat.states.get(instance)
  }
}

/** Freezes a value and all that is in it. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}

const NO_FACTS: Facts = {}

/** What was known, and what has been found out since. */
export function withFacts(known: Facts, found: Facts): Facts {
  return {
    language: found.language ?? known.language,
    transcripts: found.transcripts ? { ...known.transcripts, ...found.transcripts } : known.transcripts,
    customer: found.customer
      ? { ...known.customer, ...found.customer, fields: { ...known.customer?.fields, ...found.customer.fields } }
      : known.customer,
  }
}

/** The customer as plugins see them. */
export function customerOf(plan: Pick<Plan, 'languages'>, stored: StoredCustomer): Customer {
  return { ...stored, language: stored.language ?? plan.languages[0] ?? 'en' }
}

function customerWith({ language, customer: patch }: Facts, customer: Customer): Customer {
  return {
    ...customer,
    name: patch?.name ?? customer.name,
    language: language ?? patch?.language ?? customer.language,
    fields: { ...customer.fields, ...patch?.fields },
  }
}

/** The parts of a message, with what was found out to be said in them. */
export function withTranscripts(parts: readonly Part[], { transcripts }: Facts): readonly Part[] {
  if (!transcripts) return parts
  return parts.map((part) => {
    if (!('url' in part) || part.type === 'link') return part
    const transcript = transcripts[part.url]
    return transcript === undefined ? part : { ...part, transcript }
  })
}

/** A reason is kept with the turn, so it must be words, and such as every table keeps as they are. */
function words(because: unknown): string {
  if (typeof because === 'string') return because.toWellFormed()
  throw new SwitchboardError('PLUGIN_BAD_CONTENT', { detail: 'A reason must be a text.' })
}

/**
 * The turn as one hook of one instance sees it. What it adds is held here and merged by `merge` when the hook has
 * returned in time; afterwards every call of its methods throws `PLUGIN_TURN_OVER`.
 */
export class HookTurn {
  readonly #draft: TurnDraft
  readonly #instance: Instance
  readonly #by: Actor
  readonly #stage: string
  readonly #key: string | undefined
  #drawn = 0
  #abort: AbortController | undefined
  #over = false
  #facts: Facts[] | undefined
  #replies: DraftReply[] | undefined
  #writes: Statement[] | undefined
  #wakes: { readonly instance: string; readonly key: string; readonly inMs: number }[] | undefined
  #state: Record<string, unknown> | undefined
  /** As it was when the hook first looked at it. */
  #stateBefore: Record<string, unknown> | undefined
  #kept: Json | undefined

  constructor(draft: TurnDraft, instance: Instance, stage: string, key?: string) {
    this.#draft = draft
    this.#instance = instance
    this.#by = instance.actor
    this.#stage = stage
    this.#key = key
  }

  get id(): string {
    return this.#draft.entry.id
  }
  // biome-ignore lint/suspicious/noExplicitAny: the stage decides which events come; the pipeline calls each hook only with its own.
  get event(): any {
    return this.#draft.shownEvent
  }
  get text(): string {
    return this.#draft.text
  }
  get choice(): string | undefined {
    return this.#draft.choice
  }
  get customer(): Customer {
    return this.#draft.customer
  }
  get chat(): Chat {
    return this.#draft.shownChat
  }
  // biome-ignore lint/suspicious/noExplicitAny: certain for bots and listeners, optional for others; the pipeline sees to it.
  get conversation(): any {
    return this.#draft.conversation
  }
  get channel(): PlannedChannel {
    return this.#draft.channel
  }
  get answeredBy(): 'bot' | 'people' {
    return this.#draft.answeredBy
  }
  get facts(): Facts {
    return this.#draft.facts
  }
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#over) this.#abort.abort()
    return AbortSignal.any([this.#abort.signal, this.#instance.signal])
  }
  get log(): Log {
    return this.#instance.log
  }
  get key(): string {
    return this.#key ?? ''
  }

  get state(): Record<string, unknown> {
    if (!this.#state) {
      this.#stateBefore = this.#readState()
      this.#state = this.#readState()
    }
    return this.#state
  }

  learn(facts: Facts): void {
    this.#check()
    this.#facts ??= []
    this.#facts.push(facts)
  }

  history(options: { max: number }): Promise<readonly Said[]> {
    return this.#draft.history(options)
  }

  random(): number {
    this.#drawn += 1
    const digest = hash('sha256', `${this.id} ${this.#instance.name} ${this.#stage} ${this.#drawn}`, 'buffer')
    return digest.readUIntBE(0, 6) / 2 ** 48
  }

  say(content: Say, options: { expect?: Question | undefined } = {}): void {
    this.#check()
    this.#replies ??= []
    this.#replies.push({
      by: this.#by,
      say: checkedSay(content),
      expect: options.expect,
      instance: this.#instance.name,
    })
  }

  write(query: Compilable): void {
    this.#check()
    const { sql, parameters } = query.compile()
    this.#writes ??= []
    this.#writes.push({ sql, parameters, instance: this.#instance.name })
  }

  wake(key: string, options: { inMs: number }): void {
    this.#check()
    const { inMs } = options
    if (!Number.isFinite(inMs))
      throw new SwitchboardError('PLUGIN_BAD_CONTENT', { detail: `${inMs} is no time to wait.` })
    this.#wakes ??= []
    this.#wakes.push({ instance: this.#instance.name, key: words(key), inMs })
  }

  reply(
    say: Say,
    options: {
      because?: string | undefined
      expect?: Question | undefined
      intent?: string | undefined
      guided?: boolean | undefined
    } = {},
  ): Outcome {
    this.#check()
    const { because, expect, intent, guided = false } = options
    return outcome({ kind: 'reply', say: checkedSay(say), because: because && words(because), expect, intent, guided })
  }

  unknown(say?: Say, { because }: { because?: string | undefined } = {}): Outcome {
    this.#check()
    const said = say === undefined ? undefined : checkedSay(say)
    return outcome({ kind: 'unknown', say: said, because: because && words(because) })
  }

  drop(because: string): Outcome {
    this.#check()
    return outcome({ kind: 'drop', because: words(because) })
  }

  done(because: string): Outcome {
    this.#check()
    return outcome({ kind: 'done', because: words(because) })
  }

  handOff(options: { to?: HandOffTo | undefined; say?: Say | undefined; because: string }): Outcome {
    this.#check()
    const say = options.say === undefined ? undefined : checkedSay(options.say)
    return outcome({ kind: 'hand-off', to: options.to, say, because: words(options.because) })
  }

  close(options: { say?: Say | undefined; because: string }): Outcome {
    this.#check()
    const say = options.say === undefined ? undefined : checkedSay(options.say)
    return outcome({ kind: 'close', say, because: words(options.because) })
  }

  /** The hook has returned: what it added belongs to the turn now. Throws when its state is unfit. */
  merge(): void {
    this.#over = true
    const draft = this.#draft
    if (this.#state && !isDeepStrictEqual(this.#state, this.#stateBefore))
      this.#kept = checkedState(this.#instance.plugin.state, this.#state)
    if (this.#kept !== undefined) draft.states.set(this.#instance.name, this.#kept)
    for (const facts of this.#facts ?? []) draft.learn(facts)
    if (this.#replies) draft.replies.push(...this.#replies)
    if (this.#writes) draft.writes.push(...this.#writes)
    for (const wake of this.#wakes ?? []) draft.wakes.set(`${wake.instance} ${wake.key}`, wake)
  }

  /** What it added, once it is merged. Its writes are left out: a replay has no tables of plugins. */
  given(ending?: Ending): Given {
    return {
      ending: ending && ending.kind !== 'next' ? ending : undefined,
      facts: this.#facts,
      says: this.#replies?.map(({ say, expect }) => ({ say, expect })),
      wakes: this.#wakes?.map(({ key, inMs }) => ({ key, inMs })),
      state: this.#kept,
    }
  }

  /** Adds what was recorded of the hook, instead of calling it. */
  add({ facts, says, wakes, state }: Given): void {
    const { name } = this.#instance
    this.#facts = facts && [...facts]
    this.#replies = says?.map(({ say, expect }) => ({ by: this.#by, say, expect, instance: name }))
    this.#wakes = wakes?.map(({ key, inMs }) => ({ instance: name, key, inMs }))
    this.#kept = state
    this.merge()
  }

  /** The hook threw or was too slow: nothing that it added counts. */
  giveUp(): void {
    this.#over = true
    this.#abort?.abort()
  }

  #check(): void {
    if (this.#over) throw new SwitchboardError('PLUGIN_TURN_OVER')
  }

  #readState(): Record<string, unknown> {
    const schema = this.#instance.plugin.state
    if (!schema) return {}
    const kept = schema.safeParse(this.#draft.stateOf(this.#instance.name) ?? {})
    // A state kept by an older version of the plugin may not fit any more: then it begins anew.
    return kept.success ? kept.data : schema.parse({})
  }
}
