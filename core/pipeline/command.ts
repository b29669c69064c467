/**
 * What people and programs on our side do in a chat. A command is one transaction and never waits for a turn: it reads
 * the chat as it is, decides, and commits under the lease that it has read; when that has changed, it looks again.
 */
import type { Command, CommandResult, RefusalCode } from '../command.ts'
import { type Actor, type Decision, decide, maySpeak, type Owner, type Refusal } from '../conversation.ts'
import { SwitchboardError } from '../errors.ts'
import type { ChatChange, Committed, LoadedChat, NewEntry } from '../journal/engine.ts'
import { contentOf, toParts } from '../message.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Plan } from '../runtime/plan.ts'
import { cameBy } from './came-by.ts'
import { GuardFailed, RunAgain, runStage } from './chain.ts'
import { checkedCommand } from './checked.ts'
import { composeCommand, deskDelivery } from './compose.ts'
import type { Deliver } from './deliver.ts'
import { TurnDraft } from './draft.ts'
import { readHistory } from './history.ts'
import { left } from './ledger.ts'
import { CORE, routeOf, whereAt } from './settle.ts'
import type { Tools } from './tools.ts'

/** How often a command looks at the chat again because it changed under it. */
const MAX_TRIES = 20

export interface Commands {
  run(command: Command): Promise<CommandResult>
  /** A reload took away who owned this conversation: it goes to whoever the plan in force says. */
  ownerGone(conversation: string, because: string): Promise<void>
  /** No channel has it any more: it is closed. */
  channelGone(conversation: string, because: string): Promise<void>
  /** Resolves when no command is under way: true if one was. */
  idle(): Promise<boolean>
}

/** Any command, or the core's own about a conversation whose owner has gone. */
type AnyCommand =
  | Command
  | {
      readonly id: string
      readonly type: 'owner-gone'
      readonly conversation: string
      readonly by: Actor
      readonly because: string
      readonly lease?: undefined
    }

export function makeCommands(
  tools: Tools,
  use: {
    readonly deliver: () => Deliver
    nudge(chat: string): void
    interrupt(chat: string): void
    /** Looks for what is due to be sent. */
    sendDue(): void
  },
): Commands {
  const { engine, clock, log } = tools

  const underWay = new Set<Promise<CommandResult>>()

  function run(command: AnyCommand): Promise<CommandResult> {
    const running = runUntilDone(command).finally(() => underWay.delete(running))
    underWay.add(running)
    return running
  }

  async function runUntilDone(command: AnyCommand): Promise<CommandResult> {
    const known = await engine.findCommand(command.id)
    if (known) return known
    const chatId = await chatOf(command)
    for (let tries = 0; tries < MAX_TRIES && chatId; tries++) {
      const chat = await engine.load(chatId)
      if (!chat) break
      const done = await attempt(command, chat)
      if (done) return done
    }
    return refused(chatId ? 'NOT_OWNER' : 'NOT_FOUND', chatId ? 'The chat changes too fast.' : 'There is no such chat.')
  }

  async function chatOf(command: AnyCommand): Promise<string | undefined> {
    if ('chat' in command) return command.chat
    return (await engine.findConversation(command.conversation))?.chat
  }

  /** Decides and commits once; `undefined` when the chat has changed meanwhile. */
  async function attempt(command: AnyCommand, chat: LoadedChat): Promise<CommandResult | undefined> {
    const { plan, release } = tools.hold()
    try {
      return await decideAndCommit(command, chat, plan)
    } catch (error) {
      if (error instanceof RunAgain) return undefined
      throw error
    } finally {
      release()
    }
  }

  async function decideAndCommit(
    command: AnyCommand,
    chat: LoadedChat,
    plan: Plan,
  ): Promise<CommandResult | undefined> {
    const draft = draftOf(command, chat, plan)
    if (!draft) return withoutChannel(command, { chat, plan, trace: [] })
    if (command.type === 'turn-away' && !isGuardedBy(draft, command.by)) return { ok: true }
    const refusal = mismatch(command, chat) ?? (await decideOn(draft, command))
    const note = noteOf(command, draft)
    // Nothing keeps an agent from closing: where the farewell cannot be sent any more, it is left out.
    if (command.type === 'close' && !refusal && windowOf(draft, command.by).closed) draft.replies.length = 0
    const { change, closed } = await composeCommand(tools, draft, refusal ? undefined : note)
    const tooLate =
      refusal ?? swallowed(draft) ?? (closed && { refused: 'WINDOW_CLOSED' as const, message: closed.message })
    if (tooLate) return store(command, draft, refused(tooLate.refused, tooLate.message))
    const result: CommandResult = { ok: true, conversation: draft.conversation?.id }
    const turnsAway = command.type === 'turn-away'
    const committed = await engine.commit({
      ...change,
      ...(turnsAway && { cancel: 'programs', takesOver: true }),
      expect: {
        // Whoever is turned away meanwhile is neither spoken to nor called back.
        epoch: chat.epoch,
        conversation: chat.conversation ? { id: chat.conversation.id, lease: chat.conversation.lease } : null,
        nothingWaiting: command.type === 'close',
      },
      command: rowOf(command, draft, result),
    })
    if (committed.ok) {
      tools.metrics.committed(draft.channel.name, change)
      return afterwards(draft, committed, result, command)
    }
    if (committed.why === 'repeated') return committed.result
    if (committed.why !== 'waiting') return undefined
    return store(
      command,
      draft,
      refused('NEW_MESSAGE', 'The customer has just written something that nobody has seen yet.'),
    )
  }

  function afterwards(
    { chat, changes }: TurnDraft,
    committed: Extract<Committed, { ok: true }>,
    result: CommandResult,
    { type }: AnyCommand,
  ): CommandResult {
    tools.changed(chat.id)
    if (changes.length > 0 || type === 'turn-away') use.interrupt(chat.id)
    use.deliver().start(committed.sending)
    if (type === 'resend') use.sendDue()
    if (committed.pending > 0) use.nudge(chat.id)
    return result
  }

  /** A message that a plugin has stopped on its way: who wrote it is told. */
  function swallowed(draft: TurnDraft): Refusal | undefined {
    if (draft.replies.length === 0 || draft.rewritten?.length) return undefined
    const step = draft.trace.findLast(({ stage, did }) => stage === 'rewrite' && did === 'drop')
    return step && { refused: 'BLOCKED', message: `${step.by} stopped it: ${step.because}.` }
  }

  function windowOf(draft: TurnDraft, by: Actor) {
    const { capabilities, reserve } = draft.channel
    return left({ allowances: draft.allowances, capabilities, nowMs: clock.now(), by, reserve })
  }

  /** Nothing can be done in the chat of a channel that does not run, but closing what no channel has any more. */
  async function withoutChannel(command: AnyCommand, decided: Decided): Promise<CommandResult | undefined> {
    const { chat, plan } = decided
    const down = plan.down.get(chat.account)
    if (down) return store(command, decided, refused('CHANNEL_DOWN', `${down.name} is down. ${down.because}`))
    if (command.type !== 'close')
      return store(command, decided, refused('NOT_FOUND', `No channel has the account ${chat.account}.`))
    return closeUnheard(command, decided)
  }

  /** Nobody is told: neither the customer nor, by events of the chat, any plugin. The desk that had it is. */
  async function closeUnheard(
    command: Extract<Command, { type: 'close' }>,
    decided: Decided,
  ): Promise<CommandResult | undefined> {
    const { chat, plan } = decided
    const { id: cause, by, lease, because: reason, summary } = command
    const closed =
      mismatch(command, chat) ??
      decide(chat.conversation, { type: 'close', by, lease, reason, atMs: clock.now(), summary })
    if ('refused' in closed) return store(command, decided, refused(closed.refused, closed.message))
    const { conversation: now, changes } = closed
    const { id: conversation, owner } = now
    const note = noteOf(command, closed)
    const item = { conversation, type: 'closed', because: reason } as const
    const change: Omit<ChatChange, 'expect'> = {
      chat: chat.id,
      nowMs: clock.now(),
      conversation: { now, revision: plan.revision, changes, cause },
      entries: note && [note],
      deliveries: owner.kind === 'bot' ? [] : [deskDelivery(tools, owner.desk, item, { entry: 0, part: 0 })],
    }
    const result: CommandResult = { ok: true, conversation }
    const committed = await engine.commit({
      ...change,
      expect: { epoch: chat.epoch, conversation: { id: conversation, lease: now.lease } },
      command: rowOf(command, decided, result),
    })
    if (!committed.ok) return committed.why === 'repeated' ? committed.result : undefined
    tools.metrics.committed('gone', change)
    tools.changed(chat.id)
    use.deliver().start(committed.sending)
    return result
  }

  /** A refusal is a result too: the same id gets it again. */
  async function store(command: AnyCommand, draft: Decided, result: CommandResult): Promise<CommandResult> {
    const committed = await engine.commit({
      chat: draft.chat.id,
      nowMs: clock.now(),
      expect: {},
      command: rowOf(command, draft, result),
    })
    return !committed.ok && committed.why === 'repeated' ? committed.result : result
  }

  function draftOf(command: AnyCommand, chat: LoadedChat, plan: Plan): TurnDraft | undefined {
    const channel = plan.channels.get(chat.account)
    if (!channel) return undefined
    const { id, by } = command
    return new TurnDraft({
      chat,
      entry: { id, seq: chat.seq, facts: undefined, acceptedAtMs: clock.now() },
      event: { id, type: 'callback', atMs: clock.now(), by },
      plan,
      channel,
      conversation: chat.conversation,
      trace: [],
      startedAtMs: clock.now(),
      history: (options) => readHistory(engine, chat.id, { beforeSeq: chat.seq + 1, ...options }),
      newConversation: tools.makeId,
    })
  }

  /** A command that names a conversation means that one, not the chat's next. */
  function mismatch(command: AnyCommand, chat: LoadedChat): Refusal | undefined {
    if (!('conversation' in command) || chat.conversation?.id === command.conversation) return undefined
    return { refused: 'NOT_FOUND', message: 'This conversation is closed.' }
  }

  async function decideOn(draft: TurnDraft, command: AnyCommand): Promise<Refusal | undefined> {
    const { by } = command
    if (command.type === 'call-back') return callBack(draft, command)
    if (command.type === 'turn-away') return turnAway(draft, command)
    const { lease } = command
    switch (command.type) {
      case 'send':
        return speak(draft, command)
      case 'note':
        return undefined
      case 'resend':
        return sendAgain(draft, command)
      case 'take':
        if (by.kind !== 'agent') return invalid('Only an agent takes a conversation; for others there is assign.')
        return assign(draft, { by, lease, person: by.person, because: `${by.person} took it` })
      case 'assign':
        return assign(draft, {
          by,
          lease,
          person: command.person,
          team: command.team,
          because: command.because ?? `given to ${command.person}`,
        })
      case 'transfer': {
        const { team, person } = command.to
        if (person !== undefined) {
          const because = command.because ?? `transferred to ${person}`
          return assign(draft, { by, lease, person, team, because })
        }
        const owner = draft.conversation?.owner
        if (!owner || owner.kind === 'bot') return invalid('Nobody at a desk has this conversation.')
        return draft.decide({
          type: 'queue',
          by,
          lease,
          because: command.because ?? (team === undefined ? 'back to the queue' : `transferred to ${team}`),
          desk: owner.desk,
          team: team ?? owner.team,
        })
      }
      case 'return':
        return toBot(draft, command)
      case 'close': {
        const { because: reason, summary } = command
        const refusal = draft.decide({ type: 'close', by, lease, reason, atMs: clock.now(), summary })
        if (!refusal && command.say !== undefined) {
          draft.replies.push({ by, say: command.say, expect: undefined, instance: nameOf(by) })
        }
        return refusal
      }
      case 'owner-gone':
        return ownerGone(draft, command)
    }
  }

  function speak(draft: TurnDraft, command: Extract<Command, { type: 'send' }>): Refusal | undefined {
    const may = maySpeak(draft.conversation, command.by, command.lease)
    if (may !== true) return may
    const { content: say, by, isAutomatic } = command
    const content = contentOf(say, draft.customer.language, draft.plan.languages)
    if (toParts(content).length === 0) return invalid('There is nothing in the message.')
    draft.replies.push({ by, say, expect: undefined, instance: nameOf(by), isAutomatic })
    return undefined
  }

  /** Before the command is written down: done again after a crash, it changes nothing. */
  async function sendAgain(
    draft: TurnDraft,
    { by, lease, delivery }: Extract<Command, { type: 'resend' }>,
  ): Promise<Refusal | undefined> {
    const may = maySpeak(draft.conversation, by, lease)
    if (may !== true) return may
    const row = await engine.read
      .selectFrom('delivery')
      .select(['chat', 'destination', 'state'])
      .where('id', '=', delivery)
      .executeTakeFirst()
    if (row?.chat !== draft.chat.id || row.destination !== 'channel') return invalid('There is no such message here.')
    if (row.state === 'sent' || row.state === 'cancelled') return invalid(`The message is ${row.state}.`)
    try {
      await engine.resend(delivery, clock.now())
      return undefined
    } catch (error) {
      if (!(error instanceof SwitchboardError) || error.code !== 'JOURNAL_WRITE') throw error
      return { refused: 'WINDOW_CLOSED', message: 'The platform would take no more messages now.' }
    }
  }

  function assign(
    draft: TurnDraft,
    to: { by: Actor; lease: number | undefined; person: string; team?: string | undefined; because: string },
  ): Refusal | undefined {
    const owner = draft.conversation?.owner
    const desk = owner && owner.kind !== 'bot' ? owner.desk : routeOf(draft)?.desk?.name
    if (desk === undefined) return invalid('There is no desk on this route.')
    const refusal = draft.decide({ type: 'assign', ...to, desk })
    if (!refusal && owner?.kind === 'bot' && draft.conversation) {
      const { id } = draft.conversation
      draft.deskItems.push({
        desk,
        item: { type: 'handed-over', conversation: id, because: to.because, upToSeq: lastHandled(draft.chat) },
      })
    }
    return refusal
  }

  function toBot(draft: TurnDraft, command: Extract<AnyCommand, { type: 'return' }>): Refusal | undefined {
    const route = draft.channel.routes[0]
    const bot = route?.bots[0]
    if (!route || !bot || route.mode === 'cooperation') return invalid('There is no bot on this route.')
    const because = command.because ?? 'given back to the bot'
    return draft.decide({
      type: 'return',
      by: command.by,
      lease: command.lease,
      because,
      bot: bot.name,
      route: route.id,
    })
  }

  async function callBack(
    draft: TurnDraft,
    command: Extract<Command, { type: 'call-back' }>,
  ): Promise<Refusal | undefined> {
    const { by, content } = command
    if (draft.conversation)
      return { refused: 'ALREADY_OPEN', message: 'A conversation with this customer is open already.' }
    if (toParts(content).length === 0) return invalid('There is nothing in the message.')
    const desk = routeOf(draft)?.desk
    if (by.kind !== 'agent' || !desk) return invalid('Only an agent calls back, on a route that has a desk.')
    const turnedAway = await askGuards(draft)
    if (turnedAway) return turnedAway
    const { closed } = windowOf(draft, by)
    if (closed) return { refused: 'WINDOW_CLOSED', message: closed.message }
    const refusal = draft.decide({
      type: 'open',
      by,
      because: `${by.person} called back`,
      id: draft.newConversation(),
      owner: { kind: 'agent', desk: desk.name, team: undefined, person: by.person },
      origin: 'callback',
      route: routeOf(draft)?.id ?? '',
      atMs: clock.now(),
    })
    if (!refusal) draft.replies.push({ by, say: content, expect: undefined, instance: nameOf(by) })
    return refusal
  }

  function turnAway(draft: TurnDraft, { by, because }: Extract<Command, { type: 'turn-away' }>): Refusal | undefined {
    if (!draft.conversation) return undefined
    return draft.decide({ type: 'close', by, reason: because, atMs: clock.now() })
  }

  /** A guard that fails turns a callback away: it can be tried again by the person who made it. */
  async function askGuards(draft: TurnDraft): Promise<Refusal | undefined> {
    try {
      const ended = await runStage(tools, draft, 'guard', draft.channel.chain.guard)
      if (!ended) return undefined
      const because = 'because' in ended.ending ? ended.ending.because : undefined
      return { refused: 'BLOCKED', message: `${ended.by.name} turned it away: ${because ?? ended.ending.kind}.` }
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error
      return { refused: 'BLOCKED', message: `${error.message} could not say whether this customer may be called back.` }
    }
  }

  /** An agent's or team's conversation goes to the queue of their desk, a bot's to the route's bot. */
  async function ownerGone(
    draft: TurnDraft,
    { by, because }: { readonly by: Actor; readonly because: string },
  ): Promise<Refusal | undefined> {
    const heir = await heirOf(tools, draft, because)
    if (!heir) return draft.decide({ type: 'close', by, reason: because, atMs: clock.now() })
    const refusal = draft.decide({ type: 'owner-gone', by, because, ...heir })
    if (!refusal && heir.to.kind === 'queue' && draft.conversation) {
      const item = {
        type: 'handed-over',
        conversation: draft.conversation.id,
        because,
        upToSeq: lastHandled(draft.chat),
      } as const
      draft.deskItems.push({ desk: heir.to.desk, item })
    }
    return refusal
  }

  function noteOf(command: AnyCommand, decided: TurnDraft | Decision): NewEntry | undefined {
    const because = decided.changes.map((change) => change.because)
    const summary = Object.entries(decided.conversation?.closed?.summary ?? {}).map(([field, is]) => `${field}: ${is}`)
    const text = command.type === 'note' ? command.text : [...because, ...summary].join('; ')
    if (command.type !== 'note' && decided.changes.length === 0) return undefined
    const { id: conversation } = decided.conversation ?? {}
    const atMs = clock.now()
    return { id: tools.makeId(), kind: 'note', type: command.type, body: { text }, by: command.by, conversation, atMs }
  }

  return {
    async run(given) {
      const checked = checkedCommand(given)
      if ('problem' in checked) return refused('INVALID', checked.problem)
      return run(checked.command)
    },
    async ownerGone(conversation, because) {
      const result = await run({ id: tools.makeId(), type: 'owner-gone', conversation, by: CORE, because })
      if (!result.ok)
        log.warn({ conversation, code: result.code }, `A conversation without an owner stays: ${result.message}`)
    },
    async channelGone(conversation, because) {
      const result = await run({ id: tools.makeId(), type: 'close', conversation, by: CORE, because })
      if (!result.ok)
        log.warn({ conversation, code: result.code }, `A conversation without a channel stays: ${result.message}`)
    },
    async idle() {
      const busy = underWay.size > 0
      await Promise.allSettled(underWay)
      return busy
    },
  }
}

/** In what a command was decided. */
type Decided = Pick<TurnDraft, 'chat' | 'plan' | 'trace'>

function isGuardedBy({ channel }: TurnDraft, by: Actor): boolean {
  return channel.chain.guard.some(({ instance }) => 'name' in by && by.name === instance.name)
}

/** A command as it is kept. */
function rowOf(command: AnyCommand, { trace, plan, chat }: Decided, result: CommandResult) {
  const { id, type, by } = command
  const seen = { seq: chat.seq, waiting: chat.next?.seq }
  return { id, type, by, result, body: command, trace, revision: plan.revision.slice(0, 12), seen }
}

/** What waits behind this is told to the desk by itself, once it is handled. */
function lastHandled({ seq, next }: LoadedChat): number {
  return next ? next.seq - 1 : seq
}

/** Who takes over a conversation whose owner or route is gone, by the plan in force; nobody, when no route is left. */
async function heirOf(
  tools: Tools,
  draft: TurnDraft,
  because: string,
): Promise<{ readonly to: Owner; readonly route: string } | undefined> {
  const { conversation, customer, channel, plan } = draft
  const route = routeOf(draft)
  if (!route || !conversation) return undefined
  const entry = await cameBy(tools, draft)
  const queueOf = (desk: Instance, team: string | undefined) => {
    const to = { desk: desk.name, team }
    const place = whereAt(tools, draft, desk, { conversation, customer, channel: channel.name, entry, because, to })
    const now = place === 'nobody' ? team : (place.team ?? team)
    return { to: { kind: 'queue' as const, desk: desk.name, team: now }, route: route.id }
  }
  const { owner } = conversation
  const desk = owner.kind === 'bot' ? undefined : plan.instances.get(owner.desk)
  if (desk?.desk) return queueOf(desk, undefined)
  const bot = route.bots[0]
  if (bot && route.mode !== 'cooperation') return { to: { kind: 'bot', bot: bot.name }, route: route.id }
  return route.desk && queueOf(route.desk, route.team)
}

function nameOf(by: Actor): string {
  return 'name' in by ? by.name : 'core'
}

function invalid(message: string): Refusal {
  return { refused: 'INVALID', message }
}

function refused(code: RefusalCode, message: string): CommandResult {
  return { ok: false, code, message }
}
