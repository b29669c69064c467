/**
 * THE MAIN PATH. One event, eight stops: a channel's route (1) gives it to `receive` (2); `drain` takes the chat's next
 * entry (3); plugins have their say in `chain` (4); `router` asks people or bots (5); replies are rewritten and fitted
 * in `compose` (6); everything is committed in one transaction (7); `deliver` sends it (8).
 *
 * One drain runs for each chat, so that a chat's entries are handled strictly in order and no chat waits for another.
 */
import { messageOf, SwitchboardError } from '../errors.ts'
import type { ChatChange, Committed, DeskPayload, DueDelivery, LoadedChat, TodoEntry } from '../journal/engine.ts'
import type { TraceStep } from '../journal/trace.ts'
import type { Plan, PlannedChannel } from '../runtime/plan.ts'
import type { ChatEvents, Facts } from '../turn.ts'
import { enrich, GuardFailed, RunAgain, runHook, runStage, runWork } from './chain.ts'
import { composeTurn, deskDelivery, learntOf } from './compose.ts'
import type { Deliver } from './deliver.ts'
import { isFromPlatform, isLifeEvent, personHasIt, TurnDraft } from './draft.ts'
import { readHistory } from './history.ts'
import { asSaid } from './prepare.ts'
import type { Receive } from './receive.ts'
import { answerGathered, draftSuggestion, route, toDesk } from './router.ts'
import { opensConversation, routeOf, type Settled, sayAsCore, settle } from './settle.ts'
import type { Sweep } from './sweep.ts'
import type { Recorded, Tools } from './tools.ts'

/** Waits before an entry that failed is tried again; after the last it ends as `failed`. */
const AGAIN_MS = [1_000, 5_000, 20_000]
/** After so many failures a guard's own rule decides, and anything else ends as `failed`. */
export const MAX_FAILS = AGAIN_MS.length
/** How often the watchdog may have ended the process while an entry was handled, before it is not run any more. */
export const MAX_BLOCKED = 3
/** How often a turn is run again because the owner, the guards or the configuration changed under it. */
const MAX_ROUNDS = 10
/** While the journal cannot be written, the chat is looked at again after this. */
const JOURNAL_AGAIN_MS = 1_000
/** While its channel is down, a chat is looked at again after this. */
const DOWN_AGAIN_MS = 30_000
/** Places behind an entry's own items, in its desk's order. */
export const LATE_FACTS = 90
const SUGGESTION = 91

/** What enrichers find out about an event. */
interface Enriching {
  /** Rejects with `RunAgain` when one of them was stopped meanwhile. */
  readonly done: Promise<void>
  /** What has been found so far; `undefined`: nothing. */
  found(): Facts | undefined
}
/** Asks the enrichers, once; `draft` is the turn that wants to know. */
type Find = (draft: TurnDraft) => Promise<Enriching>
const NOTHING_TO_FIND: Enriching = { done: Promise.resolve(), found: () => undefined }
/** In a replay. */
const foundThen = ({ facts }: Recorded): Enriching => ({ done: Promise.resolve(), found: () => facts })

export interface Pipeline {
  /** Something waits in this chat; `loaded` is the chat as it was when that came, if nothing else did. */
  nudge(chat: string, loaded?: LoadedChat): void
  /** A command has changed the owner, or turns the chat away: a bot that is being asked is asked no further. */
  interrupt(chat: string): void
  /** Resolves when no chat is being drained: true if one was. */
  idle(): Promise<boolean>
  /** Begins no further turns; those under way go on. */
  stop(): void
}

export function makePipeline(
  tools: Tools,
  use: { readonly receive: () => Receive; readonly deliver: () => Deliver; readonly sweep: () => Sweep },
): Pipeline {
  const { engine, clock, log, metrics } = tools
  const drains = new Map<string, { again: boolean }>()
  const interrupts = new Map<string, AbortController>()
  /** Chats that are looked at again by themselves. */
  const waiting = new Set<string>()
  const underWay = new Set<Promise<void>>()
  let stopped = false

  function nudge(chat: string, loaded?: LoadedChat): void {
    const running = drains.get(chat)
    if (running) running.again = true
    else if (!stopped) track(drain(chat, loaded))
  }

  function track(work: Promise<void>): void {
    underWay.add(work)
    work.finally(() => underWay.delete(work))
  }

  async function drain(id: string, loaded?: LoadedChat): Promise<void> {
    const running = { again: true }
    drains.set(id, running)
    let given = loaded
    try {
      while (!stopped) {
        // Nothing that a turn does could be kept: no bot is asked for nothing.
        if (!engine.healthy) return lookAgain(id)
        running.again = false
        const chat = given ?? (await engine.load(id))
        given = undefined
        if (chat?.next && tools.plan().down.has(chat.account)) return lookAgain(id, DOWN_AGAIN_MS)
        if (chat?.next && chat.dueAtMs > clock.now()) return use.sweep().by(chat.dueAtMs)
        const behind = chat?.next ? await take(chat, chat.next) : 0
        if (behind === 0 && !running.again) return
      }
    } catch (error) {
      log.error({ chat: id, error }, `A chat could not be read or written and is looked at again: ${messageOf(error)}`)
      lookAgain(id)
    } finally {
      drains.delete(id)
    }
  }

  function lookAgain(id: string, inMs = JOURNAL_AGAIN_MS): void {
    if (waiting.has(id)) return
    waiting.add(id)
    clock.after(inMs, () => {
      waiting.delete(id)
      nudge(id)
    })
  }

  /** One entry, to its outcome or to another try. Gives how many wait behind it; `undefined`: who knows. */
  async function take(chat: LoadedChat, todo: TodoEntry): Promise<number | undefined> {
    const startedMs = clock.now()
    try {
      return await handle(chat, todo)
    } catch (error) {
      if (error instanceof SwitchboardError && (error.code === 'JOURNAL_FULL' || error.code === 'JOURNAL_CLOSED'))
        throw error
      const wait = AGAIN_MS[todo.fails]
      const because = tools.redact(messageOf(error instanceof GuardFailed ? error.cause : error))
      log.error(
        { chat: chat.id, entry: todo.id, fails: todo.fails, error },
        `An event could not be handled: ${because}`,
      )
      if (wait === undefined) return giveUp(chat, todo, because)
      await engine.postpone(chat.id, todo.seq, clock.now() + wait)
      return undefined
    } finally {
      metrics.turnTook(clock.now() - startedMs)
    }
  }

  async function handle(first: LoadedChat, todo: TodoEntry): Promise<number | undefined> {
    if (todo.blocked >= MAX_BLOCKED) return giveUp(first, todo, 'it has blocked the process three times')
    const trace: TraceStep[] = []
    // Whoever is asked again about this event is told of the same conversation, also while none is open yet.
    let opens: string | undefined
    const newConversation = () => {
      opens ??= tools.makeId()
      return opens
    }
    let chat = first
    let enriching: Enriching | undefined
    const find: Find = async (draft) => {
      const { plan, channel, chat } = draft
      if (tools.recorded) return foundThen(tools.recorded)
      if (channel.chain.enrich.length === 0 || !isFromPlatform(draft)) return NOTHING_TO_FIND
      // Whoever was stopped while finding something out is asked again, as it is then.
      const again = () => {
        enriching = undefined
      }
      enriching ??= startEnriching(await begin(plan, channel, chat, todo, { trace, newConversation }), again)
      return enriching
    }
    for (let round = 0; round < MAX_ROUNDS && !stopped; round++) {
      const { plan, release } = tools.hold()
      try {
        const channel = plan.channels.get(chat.account)
        if (!channel) return await leave(plan, chat, todo)
        const interrupt = new AbortController()
        interrupts.set(chat.id, interrupt)
        const draft = await begin(plan, channel, chat, todo, { trace, newConversation, interrupted: interrupt.signal })
        const settled = await run(draft, todo, find)
        const committed = await commit(draft, settled)
        if (committed.ok) return afterwards(draft, settled, committed, enriching ?? NOTHING_TO_FIND)
        if (committed.why === 'epoch' || committed.why === 'repeated') return undefined
        const because = committed.why === 'waiting' ? 'the customer has written' : `the ${committed.why} has changed`
        trace.push({ stage: 'commit', by: 'core', did: 'superseded', because })
      } catch (error) {
        if (!(error instanceof RunAgain)) throw error
        trace.push({ stage: 'turn', by: 'core', did: 'superseded', because: error.message })
      } finally {
        interrupts.delete(chat.id)
        release()
      }
      const again = await engine.load(chat.id)
      if (again?.next?.seq !== todo.seq) return undefined
      chat = again
    }
    if (stopped) return undefined
    throw new Error(`The chat changed ${MAX_ROUNDS} times while the event was handled.`)
  }

  async function begin(
    plan: Plan,
    channel: PlannedChannel,
    chat: LoadedChat,
    todo: TodoEntry,
    run: {
      readonly trace: TraceStep[]
      readonly newConversation: () => string
      readonly interrupted?: AbortSignal | undefined
    },
  ): Promise<TurnDraft> {
    const { event } = todo
    const about =
      isLifeEvent(event.type) && todo.conversation ? await engine.findConversation(todo.conversation) : undefined
    return new TurnDraft({
      chat,
      entry: todo,
      event,
      plan,
      channel,
      startedAtMs: clock.now(),
      conversation: about ? about.conversation : chat.conversation,
      history: (options) => readHistory(engine, chat.id, { beforeSeq: todo.seq, ...options }),
      wokenKey: event.type === 'wake' ? event.key : undefined,
      ...run,
    })
  }

  /**
   * Enrichers are asked once for an event, however often its turn is run, and beside each other, on a draft of their
   * own: a person's desk does not wait for them, and what they find belongs to every run.
   */
  function startEnriching(draft: TurnDraft, again: () => void): Enriching {
    const done = enrich(tools, draft, draft.channel.chain.enrich)
    done.catch(again)
    return { done, found: () => draft.learnt }
  }

  /** Stops 4 and 5. */
  async function run(draft: TurnDraft, todo: TodoEntry, find: Find): Promise<Settled> {
    const { event } = draft
    if (event.type === 'wake') return runWake(draft, todo)
    if (isLifeEvent(event.type)) return runListeners(draft, event.type)

    const { chain } = draft.channel
    const patience = todo.fails >= MAX_FAILS ? 'decide' : 'try-again'
    const turnedAway = await runStage(tools, draft, 'guard', chain.guard, patience)
    if (draft.interrupted?.aborted) throw new RunAgain('it was interrupted')
    if (turnedAway) return answerGathered(tools, draft, await settle(tools, draft, turnedAway))
    const enriching = await find(draft)
    if (!personHasIt(draft)) await enriching.done
    draft.learn(enriching.found())
    const ended =
      (await runAnswered(draft)) ??
      (await runStage(tools, draft, 'intercept', chain.intercept)) ??
      (personHasIt(draft) ? undefined : await runStage(tools, draft, 'respond', chain.respond))
    return ended ? settle(tools, draft, ended) : route(tools, draft)
  }

  /** The open question: the next message goes first to who asked. */
  async function runAnswered(draft: TurnDraft) {
    const { question } = draft.chat
    if (!question || draft.event.type !== 'message') return undefined
    const asker = draft.plan.instances.get(question.instance)
    const hook = asker?.hooks.answered
    if (!asker || !hook || draft.entry.acceptedAtMs > question.untilMs) {
      draft.questionEnds = true
      return undefined
    }
    const ending = await runHook(tools, draft, asker, 'answered', hook, { key: question.key })
    if (ending instanceof Error || ending.kind === 'next') return undefined
    draft.questionEnds = true
    return { ending, stage: 'answered', by: asker }
  }

  async function runWake(draft: TurnDraft, todo: TodoEntry): Promise<Settled> {
    if (todo.event.type !== 'wake') throw new Error('Only a wake wakes.')
    const { instance: name, key } = todo.event
    const instance = draft.plan.instances.get(name)
    const hook = instance?.hooks.woken
    if (!instance || !hook) return { outcome: 'ignored', by: 'core', because: `${name} is not there any more` }
    if (await isArmedAgain(draft.chat.id, name, key)) {
      return { outcome: 'ignored', by: 'core', because: `${key} was set to a later time meanwhile` }
    }
    const ending = await runHook(tools, draft, instance, 'woken', hook, { key })
    if (ending instanceof Error) return { outcome: 'failed', by: name, because: ending.message }
    if (ending.kind === 'next') return { outcome: 'ignored', by: name, because: `nothing to do for ${key}` }
    return settle(tools, draft, { ending, stage: 'woken', by: instance })
  }

  /** What came between the moment it was due and now has put it off: it is not due any more. */
  async function isArmedAgain(chat: string, instance: string, key: string): Promise<boolean> {
    const later = engine.readChat.selectFrom('wake').select('due_at')
    const row = await later
      .where('chat', '=', chat)
      .where('instance', '=', instance)
      .where('key', '=', key)
      .executeTakeFirst()
    return row !== undefined
  }

  async function runListeners(draft: TurnDraft, type: keyof ChatEvents): Promise<Settled> {
    const listeners = draft.channel.chain.listeners[type]
    for (const { instance, run: listen } of listeners) await runWork(tools, draft, instance, type, listen)
    return { outcome: 'handled', by: 'core', because: `${listeners.length} listened` }
  }

  /** Stops 6 and 7. An allowance that was used up meanwhile changes what can be sent, not who answers. */
  async function commit(draft: TurnDraft, settled: Settled): Promise<Committed> {
    for (;;) {
      const openUntilMs = use.receive().openUntilMs(draft.entry.id)
      const change = await composeTurn(tools, draft, settled, { openUntilMs })
      const committed = await commitOrBlame(draft, change)
      if (!committed) continue
      if (committed.ok) metrics.committed(draft.channel.name, change)
      if (committed.ok || committed.why !== 'allowance') return committed
      const chat = await engine.load(draft.chat.id)
      if (!chat) return { ok: false, why: 'epoch' }
      draft.allowances = chat.allowances
      draft.openDeliveries = chat.openDeliveries
    }
  }

  /** What a plugin writes may be refused by its own table: then its writes and state do not count, and all else does. */
  async function commitOrBlame(draft: TurnDraft, change: ChatChange): Promise<Committed | undefined> {
    try {
      return await engine.commit(change)
    } catch (error) {
      const isWrite = error instanceof SwitchboardError && error.code === 'JOURNAL_WRITE'
      if (!isWrite || draft.writes.length === 0) throw error
      const because = tools.redact(messageOf(error))
      for (const name of new Set(draft.writes.map(({ instance }) => instance ?? ''))) {
        draft.states.delete(name)
        draft.plan.instances.get(name)?.log.error({ turn: draft.entry.id, error }, `${name}, write: ${because}`)
        draft.trace.push({ stage: 'commit', by: name, did: 'failed', because })
      }
      draft.writes.length = 0
      return undefined
    }
  }

  /** Gives how many entries wait. */
  function afterwards(
    draft: TurnDraft,
    { outcome }: Settled,
    { sending, pending }: Extract<Committed, { ok: true }>,
    enriching: Enriching,
  ): number {
    if (isFromPlatform(draft)) use.receive().ended(draft.chat.account, draft.chat.externalId)
    tools.changed(draft.chat.id)
    for (const { inMs } of draft.wakes.values()) use.sweep().by(clock.now() + inMs)
    const { inside } = draft
    const answer = inside && sending.find(({ destination }) => destination === 'channel')
    use.deliver().start(sending.filter((delivery) => delivery !== answer))
    if (draft.channel.capabilities.inline) track(respond(draft, outcome, answer && asSaid(answer, inside)))
    const isReplay = tools.recorded !== undefined
    if (!isReplay && (outcome === 'to-desk' || outcome === 'handed-off')) track(followUp(draft, enriching))
    return pending
  }

  /** Lets the requests of the event go: with its answer, and what has waited for a request, if there is any of these. */
  async function respond(
    draft: TurnDraft,
    outcome: Settled['outcome'],
    answer: DueDelivery | undefined,
  ): Promise<void> {
    const { chat, entry, channel } = draft
    const { capabilities } = channel
    const mayWait = capabilities.later.length === 0 && outcome !== 'dropped' && (!answer || draft.openDeliveries > 0)
    if (!mayWait) return use.receive().answer(entry.id, answer)
    try {
      await use.receive().answerWithHeld({ chat: chat.id, entry: entry.id, channel }, answer)
    } catch (error) {
      log.error(
        { chat: chat.id, entry: entry.id, error },
        `What waits for an event goes on waiting: ${messageOf(error)}`,
      )
    }
  }

  /** What a person's desk is told after the message itself: facts that came late, and the bot's suggestion. */
  async function followUp(draft: TurnDraft, enriching: Enriching): Promise<void> {
    const { conversation } = draft
    const desk = conversation && conversation.owner.kind !== 'bot' ? conversation.owner.desk : undefined
    if (!conversation || !desk) return
    const { release } = tools.hold(draft.plan)
    try {
      await enriching.done
      const facts = enriching.found()
      if (facts) await tellLate(draft, conversation.id, desk, facts)
      const planned = routeOf(draft)
      if (planned?.mode !== 'cooperation' || !opensConversation(draft.event)) return
      const parts = await draftSuggestion(tools, draft, planned)
      if (parts) await tellDesk(draft, desk, { type: 'suggestion', conversation: conversation.id, parts }, SUGGESTION)
    } catch (error) {
      log.error({ chat: draft.chat.id, entry: draft.entry.id, error }, `A desk was not told all: ${messageOf(error)}`)
    } finally {
      release()
    }
  }

  async function tellLate(draft: TurnDraft, conversation: string, desk: string, facts: Facts): Promise<void> {
    await tellDesk(draft, desk, { type: 'facts', conversation, facts }, LATE_FACTS, facts)
  }

  async function tellDesk(
    draft: TurnDraft,
    desk: string,
    item: DeskPayload,
    part: number,
    facts?: Facts,
  ): Promise<void> {
    const committed = await engine.commit({
      chat: draft.chat.id,
      nowMs: clock.now(),
      expect: {},
      lateFacts: facts && { seq: draft.entry.seq, facts },
      customer: facts && learntOf(facts),
      deliveries: [deskDelivery(tools, desk, item, { entry: { seq: draft.entry.seq }, part })],
    })
    if (!committed.ok) return
    tools.changed(draft.chat.id)
    use.deliver().start(committed.sending)
  }

  /** It is not run any more: the customer gets the fallback, the chat goes on. */
  async function giveUp(chat: LoadedChat, todo: TodoEntry, because: string): Promise<number | undefined> {
    const { plan, release } = tools.hold()
    try {
      const channel = plan.channels.get(chat.account)
      if (!channel) return await leave(plan, chat, todo)
      const draft = await begin(plan, channel, chat, todo, { trace: [], newConversation: tools.makeId })
      const { conversation } = draft
      if (conversation && conversation.owner.kind !== 'bot') toDesk(draft, conversation.owner.desk)
      else if (isFromPlatform(draft)) sayAsCore(draft, plan.texts.fallback)
      // No plugin has a say in it any more: one of them may be what failed.
      draft.rewritten = draft.replies.map((reply) => ({ ...reply, identity: undefined }))
      const settled: Settled = { outcome: 'failed', by: 'core', because }
      const committed = await commit(draft, settled)
      return committed.ok ? afterwards(draft, settled, committed, NOTHING_TO_FIND) : undefined
    } finally {
      release()
    }
  }

  /** No channel has this chat: one that is down is waited for, and what came by one that is gone is ignored. */
  async function leave(plan: Plan, chat: LoadedChat, todo: TodoEntry): Promise<number | undefined> {
    if (plan.down.has(chat.account)) return undefined
    const because = `no channel has the account ${chat.account}`
    const change: ChatChange = {
      chat: chat.id,
      nowMs: clock.now(),
      expect: { epoch: chat.epoch },
      turn: {
        seq: todo.seq,
        outcome: 'ignored',
        because,
        conversation: undefined,
        facts: undefined,
        trace: [{ stage: 'route', by: 'core', did: 'ignored', because }],
        began: { revision: plan.revision.slice(0, 12), atMs: clock.now(), seq: chat.seq },
      },
    }
    const committed = await engine.commit(change)
    if (!committed.ok) return undefined
    metrics.committed('gone', change)
    tools.changed(chat.id)
    const { type } = todo.event
    if (type !== 'wake' && !isLifeEvent(type)) use.receive().ended(chat.account, chat.externalId)
    return committed.pending
  }

  return {
    nudge,
    interrupt: (chat) => interrupts.get(chat)?.abort(),
    async idle() {
      const busy = underWay.size > 0
      while (underWay.size > 0) await Promise.all(underWay)
      return busy
    },
    stop() {
      stopped = true
    },
  }
}
