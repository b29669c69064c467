/**
 * Runs a chat again from its journal, through the same pipeline and an empty journal, and compares what comes out with
 * what was recorded. Time, ids, chance, facts, and whatever had to be asked outside are as they were then; everything
 * that was decided is decided again, by the text of the YAML that was in force.
 */
import type { Kysely } from 'kysely'
import { z } from 'zod'
import { type CheckOptions, checkConfig } from '../config/check.ts'
import { formatProblems } from '../config/report.ts'
import { messageOf } from '../errors.ts'
import type {
  ChatChange,
  Committed,
  DeliveryResult,
  Engine,
  LoadedChat,
  NewEntry,
  TodoEntry,
} from '../journal/engine.ts'
import type { ChatRow, CustomerThen, DeliveryRow, EntryRow, JournalTables } from '../journal/tables.ts'
import { makeMetrics } from '../operations/metrics.ts'
import { checkedCommand, checkedContent, checkedEvent, checkedLearnt } from '../pipeline/checked.ts'
import { type Commands, makeCommands } from '../pipeline/command.ts'
import { learntOf } from '../pipeline/compose.ts'
import type { Deliver } from '../pipeline/deliver.ts'
import { isLifeEvent } from '../pipeline/draft.ts'
import { grantOf } from '../pipeline/ledger.ts'
import { makePipeline, type Pipeline } from '../pipeline/pipeline.ts'
import type { Receive } from '../pipeline/receive.ts'
import { CORE } from '../pipeline/settle.ts'
import type { Sweep } from '../pipeline/sweep.ts'
import type { Tools } from '../pipeline/tools.ts'
import { type Rehearsal, rehearse, withMadeUpVariables } from '../rehearsal/rehearse.ts'
import type { Plan } from '../runtime/plan.ts'
import { makeIds } from '../services/clock.ts'
import { makeLog } from '../services/log.ts'
import { type ManualClock, manualClock } from '../testing/clock.ts'
import { RecordedDeed } from './recorded-deed.ts'
import {
  type Arrival,
  customerThen,
  type Deed,
  type DeliveryResultThen,
  type Recording,
  readRecording,
} from './recording.ts'
import { differing, type Told, toldNow, toldThen } from './told.ts'

/** A turn or command, as it ended then and as it ended again. */
export interface ReplayedDeed {
  readonly deed: Deed
  readonly recorded: Told
  /** `undefined`: it did not end; `because` says why. */
  readonly replayed: Told | undefined
  readonly because?: string | undefined
}

export interface Replayed {
  readonly chat: ChatRow
  /** In their order. */
  readonly deeds: readonly ReplayedDeed[]
  /** How many at the beginning could not be run again: what stood before the others is not known. */
  readonly skipped: number
  /** Why some of them could not. */
  readonly problems: readonly string[]
  /** Why it went no further: from there on everything is another story. */
  readonly endedBecause: string | undefined
}

/** Those that ended otherwise than they did. */
export function differences({ deeds }: Replayed): readonly ReplayedDeed[] {
  return deeds.filter(({ recorded, replayed }) => !replayed || differing(recorded, replayed).length > 0)
}

/** Replays chats of one journal. Dispose it when all are done. */
export class Replay implements AsyncDisposable {
  readonly #journal: Kysely<JournalTables>
  readonly #check: CheckOptions
  readonly #clock: ManualClock = manualClock()
  readonly #rehearsals = new Map<string, Rehearsal | string>()

  /** `check`: how the texts of the YAML are checked; left out: with whatever the environment has. */
  constructor(journal: Kysely<JournalTables>, check: CheckOptions = {}) {
    this.#journal = journal
    this.#check = { ...check, env: withMadeUpVariables(check.env ?? process.env) }
  }

  /** What was done by a text of the YAML that this version cannot run is left out. */
  async chat(id: string): Promise<Replayed> {
    const all = await readRecording(this.#journal, id)
    const plans = new Map<string, Plan>()
    const problems = new Map<string, string>()
    for (const { revision } of all.happened.filter((one) => one.kind !== 'arrival')) {
      if (plans.has(revision) || problems.has(revision)) continue
      const runtime = await this.#runtime(revision)
      if (typeof runtime === 'string') problems.set(revision, runtime)
      else plans.set(revision, runtime.plan)
    }
    const recording = problems.size === 0 ? all : await readRecording(this.#journal, id, new Set(problems.keys()))
    const { chat, skipped } = recording
    const about = { chat, skipped, problems: [...problems.values()] }
    const engine = [...this.#rehearsals.values()].find((one) => typeof one !== 'string')?.runtime.engine
    if (!engine || !recording.happened.some(isTurn)) return { ...about, deeds: [], endedBecause: undefined }
    return { ...about, ...(await new ChatReplay(recording, plans, engine, this.#clock).run()) }
  }

  /** What runs by one text of the YAML; or why nothing does. */
  async #runtime(revision: string): Promise<Rehearsal['runtime'] | string> {
    const known = this.#rehearsals.get(revision) ?? (await this.#rehearse(revision))
    this.#rehearsals.set(revision, known)
    return typeof known === 'string' ? known : known.runtime
  }

  async #rehearse(revision: string): Promise<Rehearsal | string> {
    const row = await this.#journal
      .selectFrom('revision')
      .selectAll()
      .where('hash', 'like', `${revision}%`)
      .executeTakeFirst()
    if (!row) return `The journal does not have the YAML that was in force (${revision}).`
    const checked = await checkConfig(row.file, { ...this.#check, text: row.text })
    const cannot = `The YAML that was in force (${revision}) cannot be run by this version`
    if (!checked.ok) return `${cannot}:\n\n${formatProblems(checked.problems)}`
    try {
      return await rehearse(checked.config, { log: makeLog({ level: 'silent' }), clock: this.#clock })
    } catch (error) {
      return `${cannot}, with nothing outside: ${messageOf(error)}`
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#rehearsals.values()) if (typeof one !== 'string') await one[Symbol.asyncDispose]()
    this.#rehearsals.clear()
  }
}

class ChatReplay {
  readonly #recording: Recording
  readonly #plans: ReadonlyMap<string, Plan>
  readonly #engine: Engine
  readonly #clock: ManualClock
  readonly #pipeline: Pipeline
  readonly #commands: Commands
  readonly #deeds: ReplayedDeed[] = []
  #results: readonly DeliveryResultThen[]
  readonly #lateFacts: { readonly seq: number; readonly delivery: DeliveryRow }[] = []
  /** By the id of the recorded delivery. */
  readonly #deliveryNow = new Map<string, string>()
  /** Ids that were made then and may have been seen by plugins, to be made again first. */
  #ids: string[] = []
  #plan: Plan
  #deed: { readonly deed: Deed; readonly recorded: RecordedDeed } | undefined
  /** What happened while the turn was under way: it comes before the turn looks again. */
  #meanwhile: (Arrival | Deed)[] = []
  #looks = 0
  #change: { readonly change: ChatChange; readonly committed: Committed } | undefined
  #problem: string | undefined

  constructor(recording: Recording, plans: ReadonlyMap<string, Plan>, engine: Engine, clock: ManualClock) {
    this.#recording = recording
    this.#plans = plans
    this.#engine = engine
    this.#clock = clock
    this.#results = recording.results
    const [plan] = plans.values()
    if (!plan) throw new Error('There is nothing to replay.')
    this.#plan = plan
    const makeId = makeIds(clock)
    const tools = this.#tools(() => this.#ids.shift() ?? makeId())
    const deliver = () => NOTHING_IS_SENT
    const ignored = () => undefined
    const receive = () => this.#openRequests
    this.#pipeline = makePipeline(tools, { receive, deliver, sweep: () => NO_SWEEP })
    this.#commands = makeCommands(tools, { deliver, nudge: ignored, interrupt: ignored, sendDue: ignored })
  }

  async run(): Promise<Pick<Replayed, 'deeds' | 'endedBecause'>> {
    const { happened, customer } = this.#recording
    // Nobody knows them yet, though another chat of theirs may have been run again before.
    await this.#know({ ...NOBODY, id: customer })
    let endedBecause: string | undefined
    for (let at = 0; at < happened.length && endedBecause === undefined; at++) {
      const turn = happened.slice(at).find(isTurn)
      const one = happened[at]
      if (!one) break
      // What comes behind the number that the next turn began with came while it was under way.
      const isMeanwhile = turn && one !== turn && placeOf(one) > turn.startedSeq
      if (!isMeanwhile) endedBecause = await this.#happen(one)
      else {
        const until = happened.indexOf(turn)
        this.#meanwhile = happened.slice(at, until)
        endedBecause = await this.#happen(turn)
        at = until
      }
    }
    return { deeds: this.#deeds, endedBecause: endedBecause ?? (await this.#leftOver()) }
  }

  /** What waits at the end although nothing waited then. */
  async #leftOver(): Promise<string | undefined> {
    const { chat } = this.#recording
    const next = chat.pending === 0 ? (await this.#engine.load(chat.id))?.next : undefined
    return next && `${next.event.type} is still to be handled, and nothing was`
  }

  /** One thing, as it was. Says why nothing can follow, if so. */
  async #happen(one: Arrival | Deed): Promise<string | undefined> {
    const atMs = timeOf(one)
    await this.#recordResults(atMs)
    await this.#addLateFacts(atMs)
    this.#clock.jump(atMs)
    if (one.kind === 'arrival') return this.#arrive(one)
    this.#plan = this.#plans.get(one.revision) ?? this.#plan
    return one.kind === 'turn' ? this.#turn(one) : this.#command(one)
  }

  async #arrive({ entry, failed, atMs }: Arrival): Promise<undefined> {
    if (failed) await this.#record({ delivery: failed, atMs, againAtMs: undefined }, lifeEntry(entry))
    else if (entry.type === 'wake') await this.#engine.claimDue(atMs, { limit: 1_000, paused: [] })
    else await this.#accept(entry)
  }

  async #accept(entry: EntryRow): Promise<void> {
    const { chat } = this.#recording
    const then = customerThen(entry)
    if (then) await this.#know(then)
    const event = checkedEvent(JSON.parse(entry.body_json))
    const channel = this.#plan.channels.get(chat.account)
    await this.#engine.accept({
      account: chat.account,
      event,
      ids: { entry: entry.id, chat: chat.id, customer: this.#recording.customer },
      nowMs: entry.accepted_at,
      grant: channel && grantOf(event, channel.capabilities, entry.accepted_at),
      media: [],
    })
  }

  /** Customers who are known elsewhere change by what their other chats say, which is not run again. */
  async #know(customer: CustomerThen): Promise<void> {
    const { id, name, language, avatar_url, tags_json, fields_json, user_id } = customer
    const sql = `insert into customer (id, name, language, avatar_url, tags_json, fields_json, user_id, first_at, last_at)
      values (?, ?, ?, ?, ?, ?, ?, 0, 0)
      on conflict (id) do update set name = excluded.name, language = excluded.language, user_id = excluded.user_id,
        avatar_url = excluded.avatar_url, tags_json = excluded.tags_json, fields_json = excluded.fields_json`
    const parameters = [id, name, language, avatar_url, tags_json, fields_json, user_id]
    await this.#engine.write([{ sql, parameters }])
  }

  async #turn(deed: Deed): Promise<string | undefined> {
    const { chat } = this.#recording
    const next = (await this.#engine.load(chat.id))?.next
    const due = next && `${next.event.type} ${'instance' in next.event ? next.event.instance : ''}`.trim()
    const wanted = expectedOf(deed)
    if (!next || due !== wanted) {
      this.#ended(deed, undefined, due ? `${due} is to be handled here` : 'nothing is to be handled here')
      return `${wanted} was handled here`
    }
    this.#begin(deed)
    this.#looks = 0
    this.#pipeline.nudge(chat.id)
    await this.#pipeline.idle()
    await this.#catchUp('all')
    const ended = this.#end(deed)
    if (ended) return ended
    if (deed.lateFacts) {
      this.#lateFacts.push({ seq: next.seq, delivery: deed.lateFacts })
      this.#lateFacts.sort((a, b) => a.delivery.created_at - b.delivery.created_at)
    }
    return undefined
  }

  async #command(deed: Deed): Promise<string | undefined> {
    if (!('body_json' in deed.of)) throw new Error('A command has a body.')
    const body: unknown = JSON.parse(deed.of.body_json ?? '')
    this.#begin(deed)
    const gone = OwnerGone.safeParse(body)
    const given = checkedCommand(body)
    if (gone.success) await this.#commands.ownerGone(gone.data.conversation, gone.data.because)
    else if ('command' in given) await this.#commands.run(given.command)
    return this.#end(deed)
  }

  #begin(deed: Deed): void {
    this.#deed = { deed, recorded: new RecordedDeed(deed, this.#clock) }
    this.#ids = deed.changes.filter(({ type }) => type === 'opened').map(({ conversation }) => conversation)
    this.#change = undefined
    this.#problem = undefined
  }

  /** Compares, and learns which delivery of now is which of then. */
  #end(deed: Deed): string | undefined {
    const made = this.#change
    this.#deed = undefined
    if (!made?.committed.ok) {
      this.#ended(deed, undefined, this.#problem ?? 'nothing came of it')
      return 'it did not end'
    }
    this.#ended(deed, toldNow(made.change))
    deed.deliveries.forEach(({ id }, i) => {
      const again = made.change.deliveries?.[i]
      if (again) this.#deliveryNow.set(id, again.id)
    })
    return undefined
  }

  #ended(deed: Deed, replayed: Told | undefined, because?: string): void {
    this.#deeds.push({ deed, recorded: toldThen(deed), replayed, because })
  }

  /** What had been found out by then, after its turn was done. */
  async #addLateFacts(untilMs: number): Promise<void> {
    while (this.#lateFacts[0] && this.#lateFacts[0].delivery.created_at <= untilMs) {
      const late = this.#lateFacts.shift()
      if (late) await this.#addFacts(late.seq, late.delivery)
    }
  }

  async #addFacts(seq: number, { payload_json }: DeliveryRow): Promise<void> {
    const { facts } = LateFacts.parse(JSON.parse(payload_json)).item
    await this.#engine.commit({
      chat: this.#recording.chat.id,
      nowMs: this.#clock.now(),
      expect: {},
      lateFacts: { seq, facts },
      customer: learntOf(facts),
    })
  }

  /** What the platform had said of deliveries by then. */
  async #recordResults(untilMs: number): Promise<void> {
    if (this.#results[0] === undefined || this.#results[0].atMs > untilMs) return
    const due = this.#results.filter(({ atMs, delivery }) => atMs <= untilMs && this.#deliveryNow.has(delivery.id))
    const taken = new Set(due)
    this.#results = this.#results.filter((result) => !taken.has(result))
    for (const result of due) await this.#record(result)
  }

  async #record({ delivery, atMs, againAtMs }: DeliveryResultThen, life?: NewEntry): Promise<void> {
    const id = this.#deliveryNow.get(delivery.id)
    const { code, attempts } = delivery
    const state = againAtMs === undefined ? delivery.state : 'pending'
    if (id === undefined || state === 'sending') return
    const windowClosed = state === 'dead' && attempts > 0 && code === 'CHANNEL_WINDOW_CLOSED'
    const result: DeliveryResult = { id, nowMs: atMs, ms: 0, state, counts: true, nextAtMs: againAtMs, life }
    await this.#engine.recordDelivery({ ...result, code: code ?? undefined, windowClosed })
  }

  /** What had happened by now while the turn was under way, before it looks at the chat again; or all of it. */
  async #catchUp(all?: 'all'): Promise<void> {
    const now = this.#clock.now()
    const later = this.#meanwhile.findIndex((one) => timeOf(one) > now)
    for (const one of this.#meanwhile.splice(0, all || later < 0 ? this.#meanwhile.length : later)) {
      if (one.kind === 'arrival') await this.#arrive(one)
      else if (one.kind === 'command') await this.#besides(() => this.#happen(one))
    }
    this.#clock.jump(Math.max(now, this.#clock.now()))
  }

  /** Runs a command in the middle of a turn. */
  async #besides(run: () => Promise<unknown>): Promise<void> {
    const [deed, ids, change, plan] = [this.#deed, this.#ids, this.#change, this.#plan]
    await run()
    this.#deed = deed
    this.#ids = ids
    this.#change = change
    this.#plan = plan
  }

  #tools(makeId: () => string): Tools {
    const log = makeLog({ level: 'silent' })
    const replay = this
    const hold = () => ({ plan: this.#plan, release: () => undefined })
    return {
      engine: this.#watched(),
      clock: this.#clock,
      makeId,
      log: { ...log, error: (_fields, text) => this.#note(text) },
      metrics: makeMetrics(),
      wait: async (ms) => this.#clock.jump(this.#clock.now() + ms),
      redact: (text) => text,
      changed: () => undefined,
      plan: () => this.#plan,
      onlyAnswers() {},
      hold,
      get recorded() {
        return replay.#deed?.recorded
      },
    }
  }

  #note(problem: string): void {
    this.#problem ??= problem
  }

  /** The journal, one turn at a time; whoever looks a second time sees what has happened meanwhile. */
  #watched(): Engine {
    const engine = this.#engine
    return new Proxy(engine, {
      get: (target, name) => {
        if (name === 'load') return (chat: string) => this.#load(chat)
        if (name === 'commit') return (change: ChatChange) => this.#commit(change)
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  async #load(id: string): Promise<LoadedChat | undefined> {
    const current = this.#deed
    if (!current) return this.#engine.load(id)
    if (current.deed.kind === 'command') {
      const chat = await this.#engine.load(id)
      return chat && { ...chat, ...current.recorded.seen(chat) }
    }
    if (this.#looks++ > 0) await this.#catchUp()
    const chat = await this.#engine.load(id)
    if (!chat?.next) return chat
    if (this.#change || this.#problem) return { ...chat, next: undefined }
    const next = withIdOf(current.deed, { ...chat.next, ...current.recorded.failures })
    return { ...chat, ...current.recorded.seen(chat), next }
  }

  async #commit(change: ChatChange): Promise<Committed> {
    if (this.#deed?.deed.kind === 'turn') await this.#catchUp('all')
    // When they expired is recorded; the replay's own journal does not decide it again.
    const deliveries = change.deliveries?.map((delivery) => ({ ...delivery, expiresAtMs: undefined }))
    let committed = await this.#engine.commit({ ...change, deliveries })
    // What the platform would take is as recorded, too: whether a failure was known a moment earlier is not.
    if (!committed.ok && committed.why === 'allowance') {
      const free = deliveries?.map((delivery) => ({ ...delivery, allowance: undefined }))
      committed = await this.#engine.commit({ ...change, deliveries: free })
    }
    if (change.turn || change.command) this.#change = { change, committed }
    return committed
  }

  /** Whether a request was open is as recorded; and when that is asked, the turn is about to be written. */
  readonly #openRequests: Receive = {
    receive: async () => undefined,
    ended: () => undefined,
    restore: () => undefined,
    openUntilMs: () => {
      const current = this.#deed
      if (!current) return undefined
      this.#clock.jump(Math.max(this.#clock.now(), current.deed.doneAtMs))
      return current.deed.steps.some(({ stage }) => stage === 'inline') ? current.deed.doneAtMs : undefined
    },
    answer: () => undefined,
    answerWithHeld: async () => undefined,
    close: () => undefined,
  }
}

const NOTHING_IS_SENT: Deliver = {
  start: () => undefined,
  takeDue: async () => undefined,
  recordInline: () => undefined,
  resume: async () => undefined,
  asPlatformMessage: () => {
    throw new Error('In a replay nothing is sent.')
  },
  paused: new Map(),
  idle: async () => false,
  stop: () => undefined,
}

const NO_SWEEP: Sweep = { by: () => undefined, idle: async () => false, stop: () => undefined }

const OwnerGone = z.object({ type: z.literal('owner-gone'), conversation: z.string(), because: z.string() })
const LateFacts = z.object({ item: z.object({ facts: z.unknown().transform(checkedLearnt) }) })

function isTurn(one: Arrival | Deed): one is Deed {
  return one.kind === 'turn'
}

function timeOf(one: Arrival | Deed): number {
  return one.kind === 'arrival' ? one.atMs : one.startedAtMs
}

/** A customer of whom nothing is known. */
const NOBODY = {
  name: null,
  language: null,
  avatar_url: null,
  tags_json: '[]',
  fields_json: '{}',
  user_id: null,
} as const

function placeOf(one: Arrival | Deed): number {
  return one.kind === 'arrival' ? one.seq : one.place
}

/** What the journal of the replay made itself has the id that it had then: plugins may have seen it. */
function withIdOf({ of }: Deed, next: TodoEntry): TodoEntry {
  const { event } = next
  if (event.type !== 'wake' && !isLifeEvent(event.type)) return next
  return { ...next, id: of.id, event: { ...event, id: of.id } }
}

/** What is to be handled, in words that tell one from another. */
function expectedOf({ of }: Deed): string {
  if (!('seq' in of)) return 'a command'
  if (of.type !== 'wake') return of.type
  return `wake ${Wake.parse(JSON.parse(of.body_json)).instance}`
}

const Wake = z.object({ instance: z.string() })
const Failed = z.object({ code: z.string(), content: z.unknown().transform(checkedContent) })

function lifeEntry({ id, body_json, conversation, at }: EntryRow): NewEntry {
  const type = 'delivery.failed'
  const event = { id, type, atMs: at, ...Failed.parse(JSON.parse(body_json)) } as const
  return { id, kind: 'life', type, body: event, by: CORE, conversation: conversation ?? undefined, atMs: at }
}
