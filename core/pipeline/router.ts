/** Stop 5: who answers what no feature has ended: the people who own the conversation, else the route's bots. */

import { messageOf, SwitchboardError } from '../errors.ts'
import type { Part, Say } from '../message.ts'
import { contentOf, toParts } from '../message.ts'
import type { Instance } from '../runtime/instance.ts'
import type { PlannedRoute } from '../runtime/plan.ts'
import { during } from '../runtime/watchdog.ts'
import type { Clock } from '../services/clock.ts'
import { type Ended, limited, type OutcomeHook, RunAgain, runHook } from './chain.ts'
import type { Ending, Gathered, HookTurn, TurnDraft } from './draft.ts'
import { asTheyAreNow } from './history.ts'
import { CORE, handOver, openForBot, opensConversation, routeOf, type Settled, sayAsCore, settle } from './settle.ts'
import type { Tools } from './tools.ts'

/** How long a bot may take for one answer. */
const BOT_LIMIT_MS = 60_000
/** A bot that takes longer than this is shown as typing. */
const TYPING_AFTER_MS = 1_000
const SHOWING_LIMIT_MS = 5_000
/** What a bot writes is shown no more often than this, however small its pieces are. */
const DRAFT_EVERY_MS = 50

/** Decides about an event that every stage has passed on. */
export async function route(tools: Tools, draft: TurnDraft): Promise<Settled> {
  const { event, conversation } = draft
  if (event.type === 'chat-end' && conversation) {
    const reason = 'the customer ended the chat'
    draft.decide({ type: 'close', by: { kind: 'customer' }, reason, atMs: tools.clock.now() })
    return { outcome: 'handled', by: 'core', because: reason }
  }
  if (conversation && conversation.owner.kind !== 'bot') return toDesk(draft, conversation.owner.desk)
  if (!opensConversation(event)) return { outcome: 'ignored', by: 'core', because: `nobody answers ${event.type}` }
  const planned = routeOf(draft)
  if (!planned) return { outcome: 'ignored', by: 'core', because: `no route from ${draft.channel.name}` }
  draft.trace.push({ stage: 'route', by: 'core', did: planned.name, because: planned.mode, line: planned.line })
  if (planned.mode === 'agent-only' || planned.mode === 'cooperation') {
    return handOver(tools, draft, { because: `the route is ${planned.mode}`, by: undefined })
  }
  if (event.type === 'menu-click' && planned.handOff.menu.includes(event.key)) {
    return handOver(tools, draft, { because: `menu ${event.key}`, by: undefined })
  }
  if (planned.collectMs > 0 && event.type === 'message' && !(await isLastOfSeveral(tools, draft, planned.collectMs))) {
    return { outcome: 'handled', by: 'core', because: COLLECTED }
  }
  if (!conversation)
    openForBot(tools, draft, planned, { by: { kind: 'customer' }, because: `${event.type} on ${planned.name}` })
  return settleBot(tools, draft, planned, await askBots(tools, draft, planned))
}

/** People own the conversation: what the customer does goes to their desk. */
export function toDesk(draft: TurnDraft, desk: string): Settled {
  const { event, conversation } = draft
  if (!conversation) return { outcome: 'ignored', by: 'core', because: 'no conversation' }
  const tell = (item: DeskEvent): Settled => {
    draft.deskItems.push({ desk, item: { conversation: conversation.id, ...item } })
    return { outcome: 'to-desk', by: 'core', because: `${desk} has the conversation` }
  }
  switch (event.type) {
    case 'message':
      return tell({ type: 'message', parts: event.parts })
    case 'menu-click':
      return tell({ type: 'message', parts: [{ type: 'text', text: event.key }] })
    case 'edit':
      return tell({ type: 'edit', of: event.of, parts: event.parts })
    case 'recall':
      return tell({ type: 'recall', of: event.of })
    default:
      return { outcome: 'ignored', by: 'core', because: `${event.type} is only noted` }
  }
}

type DeskEvent =
  | { readonly type: 'message'; readonly parts: readonly Part[] }
  | { readonly type: 'edit'; readonly of: string; readonly parts: readonly Part[] }
  | { readonly type: 'recall'; readonly of: string }

/** Why a message has no answer of its own: the next one's answer is for both. */
const COLLECTED = 'gathered with the next message'
/** More lines than this are not looked for. */
const MAX_COLLECTED = 50

/**
 * Waits whether the customer goes on writing. The last of several messages is asked about with the words of all; those
 * before it end here.
 */
async function isLastOfSeveral(tools: Tools, draft: TurnDraft, collectMs: number): Promise<boolean> {
  const { chat, entry } = draft
  let { waitingMessages } = chat
  const waitMs = entry.acceptedAtMs + collectMs - tools.clock.now()
  if (waitingMessages === 1 && waitMs > 0) {
    await tools.wait(waitMs)
    waitingMessages = (await tools.engine.load(chat.id))?.waitingMessages ?? 1
  }
  if (waitingMessages > 1) return false
  draft.gathered = await gatheredBefore(tools, draft)
  return true
}

/** The messages just before this one that wait for its answer. */
async function gatheredBefore(tools: Tools, { chat, entry }: TurnDraft): Promise<readonly Gathered[]> {
  const before = await tools.engine.readChat
    .selectFrom('entry')
    .select(['seq', 'kind', 'body_json', 'facts_json', 'because'])
    .where('chat', '=', chat.id)
    .where('kind', '=', 'in')
    .where('type', '=', 'message')
    .where('seq', '<', entry.seq)
    .where('outcome', '!=', 'dropped')
    .orderBy('seq', 'desc')
    .limit(MAX_COLLECTED)
    .execute()
  const first = before.findIndex(({ because }) => because !== COLLECTED)
  const gathered = first < 0 ? before : before.slice(0, first)
  const now = await asTheyAreNow(tools.engine, chat.id, gathered.reverse())
  return now.map(({ row, text }) => ({ seq: row.seq, text }))
}

/** A guard has turned the last of several messages away: those before it are still to be answered. */
export async function answerGathered(tools: Tools, draft: TurnDraft, turnedAway: Settled): Promise<Settled> {
  const planned = routeOf(draft)
  if (!planned?.collectMs || draft.event.type !== 'message' || draft.chat.waitingMessages > 1) return turnedAway
  draft.gathered = await gatheredBefore(tools, draft)
  if (draft.gathered.length === 0 || draft.conversation?.owner.kind !== 'bot') return turnedAway
  draft.isTurnedAway = true
  const { because } = await settleBot(tools, draft, planned, await askBots(tools, draft, planned))
  return { ...turnedAway, because: `${turnedAway.because}; what was said before it is answered (${because})` }
}

/** The first of the route's bots that does not pass. `undefined`: none would, or the one asked failed. */
async function askBots(tools: Tools, draft: TurnDraft, { bots }: PlannedRoute): Promise<Ended | undefined> {
  for (const bot of bots) {
    const ending = await askBot(tools, draft, bot)
    if (ending instanceof Error) return undefined
    if (ending.kind !== 'next') return { ending, stage: 'bot', by: bot }
  }
  return undefined
}

async function askBot(tools: Tools, draft: TurnDraft, bot: Instance) {
  if (draft.interrupted?.aborted) throw new RunAgain('it was interrupted')
  const { channel } = draft.channel.instance
  const { externalId } = draft.chat
  const shown = showing(tools.clock, (text) => quietly(tools, draft, () => channel?.draft?.(externalId, text)))
  const answer: OutcomeHook = (turn, next) => finish(bot.bot?.answer(turn, next), turn, shown.show)
  const asked = runHook(tools, draft, bot, 'bot', answer, { limitMs: BOT_LIMIT_MS, interrupted: draft.interrupted })
  if (!(asked instanceof Promise)) return asked
  const stopTyping = tools.clock.after(TYPING_AFTER_MS, () =>
    quietly(tools, draft, () => channel?.typing?.(externalId)),
  )
  try {
    return await asked
  } finally {
    stopTyping()
    shown.withdraw()
  }
}

/** Shows the newest text at once, and then at most so often; the last one is never left out. */
function showing(clock: Clock, show: (text: string) => void) {
  let newest: string | undefined
  let nextAtMs: number | undefined
  let cancel: (() => void) | undefined
  const showNewest = () => {
    cancel?.()
    cancel = undefined
    if (newest === undefined) return
    show(newest)
    newest = undefined
    nextAtMs = clock.now() + DRAFT_EVERY_MS
  }
  return {
    show(text: string) {
      newest = text
      const waitMs = (nextAtMs ?? 0) - clock.now()
      if (waitMs <= 0) showNewest()
      else cancel ??= clock.after(waitMs, showNewest)
    },
    /** The committed answer takes its place, or nobody's does. */
    withdraw() {
      showNewest()
      if (nextAtMs !== undefined) show('')
    },
  }
}

/** What a bot answers; a streaming one is read to its end, showing the text so far. */
function finish(answer: unknown, turn: HookTurn, show: (text: string) => void): unknown {
  return isGenerator(answer) ? readToEnd(answer, turn, show) : answer
}

async function readToEnd(
  answer: AsyncGenerator<unknown, unknown>,
  turn: HookTurn,
  show: (text: string) => void,
): Promise<unknown> {
  const { signal } = turn
  try {
    for (;;) {
      const step = await answer.next()
      if (step.done) return step.value
      if (signal.aborted) throw new SwitchboardError('PLUGIN_TIMEOUT')
      if (typeof step.value === 'string') show(step.value)
    }
  } finally {
    // Closes what the bot holds open (its request, say) when it is given up half-way.
    if (signal.aborted) await answer.return(undefined)
  }
}

function isGenerator(value: unknown): value is AsyncGenerator<unknown, unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value
}

/** Typing and drafts are shown if they can be; that they cannot changes nothing about the turn. */
function quietly(tools: Tools, draft: TurnDraft, show: () => unknown): void {
  const { instance, name } = draft.channel
  const note = (error: unknown) => instance.log.warn({ error }, `${name}, draft: ${messageOf(error)}`)
  try {
    const shown = limited(tools.clock, SHOWING_LIMIT_MS, during(instance, draft.entry.id, show))
    Promise.resolve(shown).catch(note)
  } catch (error) {
    note(error)
  }
}

/** What the bots' answer means for the route's triggers. */
async function settleBot(
  tools: Tools,
  draft: TurnDraft,
  planned: PlannedRoute,
  ended: Ended | undefined,
): Promise<Settled> {
  const { handOff } = planned
  if (!ended) {
    draft.decide({ type: 'count', by: CORE, failures: 'add' })
    const failures = draft.conversation?.counts.failures ?? 0
    if (handOff.failures !== undefined && failures >= handOff.failures) {
      return handOver(tools, draft, { because: `${failures} failures of the bot`, by: undefined })
    }
    sayAsCore(draft, draft.plan.texts.fallback)
    return { outcome: 'failed', by: 'core', because: 'no bot answered' }
  }
  const { ending, by } = ended
  if (ending.kind === 'unknown') {
    if (!hasWords(draft)) return settleWordless(draft, ended, ending)
    draft.decide({ type: 'count', by: CORE, unknown: 'add', failures: 'reset' })
    const unknown = draft.conversation?.counts.unknown ?? 0
    if (handOff.unknown !== undefined && unknown >= handOff.unknown) {
      return handOver(tools, draft, { because: `${unknown} unknown answers of ${by.name}`, by })
    }
    sayUnknown(draft, by, ending.say)
    return settle(tools, draft, ended)
  }
  draft.decide({ type: 'count', by: CORE, unknown: 'reset', failures: 'reset' })
  const settled = await settle(tools, draft, ended)
  if (ending.kind !== 'reply') return settled
  if (ending.guided && handOff.guided) {
    return handOver(tools, draft, { because: `a guided answer of ${by.name}`, by })
  }
  if (ending.intent !== undefined && handOff.intents.includes(ending.intent)) {
    return handOver(tools, draft, { because: `${by.name} understood ${ending.intent}`, by })
  }
  return settled
}

/** Whether there is something that a bot could have understood. */
function hasWords({ event, text, choice }: TurnDraft): boolean {
  return event.type === 'message' && (text.trim() !== '' || choice !== undefined)
}

/**
 * That a bot does not know a recording or a picture says nothing about how well it understands, so it does not count.
 * Whoever has scanned something or picked a menu item has asked nothing: only what the bot itself has to say is said.
 */
function settleWordless(
  draft: TurnDraft,
  { by }: Ended,
  { say, because }: Extract<Ending, { kind: 'unknown' }>,
): Settled {
  draft.decide({ type: 'count', by: CORE, failures: 'reset' })
  const why = because ?? 'without words'
  if (draft.event.type !== 'message' && say === undefined)
    return { outcome: 'handled', by: by.name, because: `unknown ${draft.event.type}: ${why}` }
  sayUnknown(draft, by, say)
  return { outcome: 'answered', by: by.name, because: `unknown: ${why}` }
}

function sayUnknown(draft: TurnDraft, by: Instance, say: Say | undefined): void {
  if (say === undefined) sayAsCore(draft, draft.plan.texts.unknown)
  else draft.replies.push({ by: by.actor, say, expect: undefined, instance: by.name })
}

/** In a cooperation: what the bot would say. Never sent; nothing of its turn is kept but this. */
export async function draftSuggestion(
  tools: Tools,
  draft: TurnDraft,
  { bots }: PlannedRoute,
): Promise<readonly Part[] | undefined> {
  for (const bot of bots) {
    const ending = await runHook(
      tools,
      draft,
      bot,
      'suggestion',
      (turn, next) => finish(bot.bot?.answer(turn, next), turn, noShow),
      {
        limitMs: BOT_LIMIT_MS,
      },
    )
    if (ending instanceof Error) return undefined
    if (ending.kind === 'next') continue
    if (ending.kind !== 'reply') return undefined
    return toParts(contentOf(ending.say, draft.customer.language, draft.plan.languages))
  }
  return undefined
}

const noShow = () => undefined
