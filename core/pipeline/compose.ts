/**
 * Stop 6, and what stop 7 writes: the replies of a turn or command, rewritten, fitted to the channel and to what its
 * platform still takes, as one change of the chat.
 */
import { hash } from 'node:crypto'
import type { Capabilities } from '../capabilities.ts'
import type { Actor, Conversation } from '../conversation.ts'
import {
  type ChatChange,
  type DeskPayload,
  NEVER_MS,
  type NewConversationChange,
  type NewDelivery,
  type NewEntry,
  type ShownChoices,
} from '../journal/engine.ts'
import { type CustomerPatch, contentOf, type Part, toParts } from '../message.ts'
import type { ChatEvent, ChatEvents, Facts } from '../turn.ts'
import { adapt, canBeSaidInside, isWords } from './adapt.ts'
import { rewrite } from './chain.ts'
import { isFromPlatform, personHasIt, type Rewritten, type TurnDraft } from './draft.ts'
import { type Closed, isLimited, left, reserve, type Sending } from './ledger.ts'
import { prepare, wordsOnly } from './prepare.ts'
import { CORE, type Settled } from './settle.ts'
import type { Tools } from './tools.ts'

/** A program's reply that could not be sent for this long is no longer worth sending. */
const PROGRAM_REPLY_EXPIRES_MS = 600_000
/** A delivery that has not got through for this long lets the ones behind it pass. */
export const HOLD_MS = 30_000

/** The end of a turn. `openUntilMs`: how long a request of its event is open for an answer, if one is. */
export async function composeTurn(
  tools: Tools,
  draft: TurnDraft,
  settled: Settled,
  { openUntilMs }: { readonly openUntilMs: number | undefined },
): Promise<ChatChange> {
  const out = await composeReplies(tools, draft, openUntilMs)
  const { outcome, because, by } = settled
  const { chat, conversation, learnt } = draft
  const shared = composeShared(tools, draft, out)
  const states = Array.from(draft.states, ([instance, body]) => ({ instance, body }))
  const question = shared.question ?? out.question ?? (draft.questionEnds ? null : undefined)
  const nowMs = tools.clock.now()
  return {
    ...shared,
    expect: {
      epoch: chat.epoch,
      conversation:
        out.entries.length > 0 || draft.decided || draft.deskItems.length > 0
          ? ((chat.conversation && { id: chat.conversation.id, lease: chat.conversation.lease }) ?? null)
          : undefined,
      nothingWaiting: draft.onlyIfNothingWaits,
    },
    turn: {
      seq: draft.entry.seq,
      outcome,
      because,
      conversation: (conversation ?? chat.conversation)?.id,
      facts: learnt,
      trace: [
        ...draft.trace,
        { stage: 'outcome', by, did: outcome, because, gave: kept(draft, states, question, nowMs) },
      ],
      began: { revision: draft.plan.revision.slice(0, 12), atMs: draft.startedAtMs, seq: chat.seq },
    },
    states,
    wakes: Array.from(draft.wakes.values(), ({ instance, key, inMs }) => ({
      instance,
      key,
      dueAtMs: nowMs + Math.max(0, inMs),
    })),
    customer: learnt && learntOf(learnt),
    writes: draft.writes,
    question,
  }
}

/**
 * What plugins remember from this turn on, as one short number by which a replay sees whether it is the same; and
 * whether the turn knew what enrichers found.
 */
function kept(
  { wakes, learnt }: TurnDraft,
  states: NonNullable<ChatChange['states']>,
  question: ChatChange['question'],
  nowMs: number,
): { readonly kept?: string; readonly learnt?: true } | undefined {
  const knew = learnt && { learnt: true as const }
  if (states.length === 0 && wakes.size === 0 && !question) return knew
  const asked = question && { ...question, untilMs: question.untilMs - nowMs }
  return { ...knew, kept: hash('sha256', JSON.stringify([states, [...wakes.values()], asked])).slice(0, 12) }
}

/** What a command changes besides its own row; `closed`, when the platform would not take what it says. */
export async function composeCommand(
  tools: Tools,
  draft: TurnDraft,
  note: NewEntry | undefined,
): Promise<{ readonly change: Shared; readonly closed: Composed['closed'] }> {
  const out = await composeReplies(tools, draft, undefined)
  return { change: composeShared(tools, draft, out, note), closed: out.closed }
}

type Shared = Omit<ChatChange, 'expect'>

/** `note`: the entry that the desks' items belong to, when it is not the one that is being handled. */
function composeShared(tools: Tools, draft: TurnDraft, out: Composed, note?: NewEntry): Shared {
  const { conversation, changes, chat, plan } = draft
  const before = chat.conversation
  const entry = note ? out.entries.length : { seq: draft.entry.seq }
  return {
    chat: chat.id,
    nowMs: tools.clock.now(),
    conversation:
      conversation && draft.decided
        ? { now: conversation, revision: plan.revision, changes, cause: draft.entry.id }
        : undefined,
    // What a bot said before the people came is not sent after them.
    cancel: (!before || before.owner.kind === 'bot') && personHasIt(draft) ? 'bots' : undefined,
    entries: [...out.entries, ...(note ? [note] : []), ...lifeEntries(tools, draft)],
    deliveries: [
      ...out.deliveries,
      ...draft.deskItems.map(({ desk, item }, part) => deskDelivery(tools, desk, item, { entry, part })),
    ],
    shown: out.shown,
    question: endsQuestion(draft, out) ? null : undefined,
  }
}

/**
 * Whoever has the conversation from now on is the one who is answered. What is asked at a close (a rating, say) is
 * asked by a feature, and stays; a bot that has handed over asks no further.
 */
function endsQuestion({ changes, replies }: TurnDraft, { question }: Composed): boolean {
  if (!changes.some(({ type }) => type !== 'opened')) return false
  return !question || replies.some(({ by, expect }) => expect && by.kind === 'bot')
}

interface Composed {
  readonly entries: readonly NewEntry[]
  readonly deliveries: readonly NewDelivery[]
  /** What choices are on the customer's screen now; undefined: as before. */
  readonly shown: ShownChoices | null | undefined
  readonly question: ChatChange['question']
  /** Why a reply could not be sent, when one could not. */
  readonly closed: { readonly why: Closed; readonly message: string } | undefined
}

async function composeReplies(tools: Tools, draft: TurnDraft, openUntilMs: number | undefined): Promise<Composed> {
  forgetFitting(draft)
  draft.inside = undefined
  draft.rewritten ??= await rewriteAll(tools, draft)
  if (draft.rewritten.length === 0) return NOTHING
  const onlyInline = draft.channel.capabilities.later.length === 0
  const replies = onlyInline ? asOne(draft, draft.rewritten) : draft.rewritten
  // What waits for a response is said in front of the answer if there is room for it, and never in its place.
  const isFree = onlyInline || draft.openDeliveries === 0
  const { capabilities, inside } = await fitInside(tools, draft, replies, isFree ? openUntilMs : undefined)
  draft.inside = inside
  if (inside) draft.trace.push({ stage: 'inline', by: 'core', did: 'in the response' })
  if (!onlyInline && !inside && isLimited(draft.channel.capabilities)) noteAllowances(tools, draft)
  const allowances = new Map(draft.allowances.map((allowance) => [allowance.on, allowance]))
  const entries: NewEntry[] = []
  const deliveries: NewDelivery[] = []
  let closed: Composed['closed']
  let shown: ShownChoices | null = null

  for (const reply of replies) {
    const entry = entries.length
    const content = contentOf(reply.say, draft.customer.language, draft.plan.languages)
    const sending: Sending = {
      allowances: [...allowances.values()],
      capabilities: draft.channel.capabilities,
      nowMs: tools.clock.now(),
      by: reply.by,
      reserve: draft.channel.reserve,
    }
    const free = onlyInline || inside !== undefined
    const fitted = adaptReply(draft, reply, capabilities, onlyInline ? 1 : free ? undefined : left(sending).left)
    for (const because of fitted.degraded) draft.trace.push({ stage: 'adapt', by: 'core', did: 'degraded', because })
    const places = free ? [] : reserve(sending, fitted.parts.length, grantsOf(draft))
    for (const { on } of places) {
      const allowance = on === undefined ? undefined : allowances.get(on)
      if (allowance) allowances.set(allowance.on, { ...allowance, used: allowance.used + 1 })
    }
    if (fitted.parts.length + fitted.unsendable.length === 0) continue
    entries.push(outEntry(tools, draft, reply, toParts(content)))
    fitted.parts.forEach((part, i) => {
      const start = startOf({
        onlyInline,
        inline: inside !== undefined,
        first: deliveries.length === 0,
        place: places[i],
      })
      if (start === 'dead') closed ??= left({ ...sending, allowances: [...allowances.values()] }).closed
      const code = start === 'dead' ? 'CHANNEL_WINDOW_CLOSED' : undefined
      const allowance = places[i]?.on
      deliveries.push({ ...deliveryOf(tools, draft, reply, part), entry, part: i, start, code, allowance })
    })
    fitted.unsendable.forEach((part, i) => {
      const place = { entry, part: fitted.parts.length + i }
      deliveries.push({
        ...deliveryOf(tools, draft, reply, part),
        ...place,
        start: 'dead',
        code: 'CHANNEL_CANNOT_SEND',
      })
    })
    shown = shownBy(toParts(content)) ?? shown
  }
  if (closed) draft.trace.push({ stage: 'ledger', by: 'core', did: closed.why, because: closed.message })
  return { entries, deliveries, closed, shown, question: questionOf(tools, draft.rewritten) }
}

/**
 * All that a turn says as one reply of whoever speaks last, so that its texts become one message: on a channel that
 * sends nothing later, what does not fit into the response would come in place of the next answer, and that one in
 * place of the one after it.
 */
function asOne({ customer, plan }: TurnDraft, replies: readonly Rewritten[]): readonly Rewritten[] {
  const last = replies.at(-1)
  if (!last || replies.length === 1) return replies
  const say = replies.flatMap((reply) => toParts(contentOf(reply.say, customer.language, plan.languages)))
  return [{ ...last, say, identity: replies.findLast(({ identity }) => identity)?.identity }]
}

/** What the platform would take when this was decided. */
function noteAllowances(tools: Tools, { trace, allowances, channel }: TurnDraft): void {
  const { capabilities } = channel
  const found = left({ allowances, capabilities, nowMs: tools.clock.now(), by: CORE, reserve: 0 })
  const until = found.untilMs === undefined || found.untilMs >= NEVER_MS ? '' : ` until ${timeOf(found.untilMs)}`
  const did = found.closed ? found.closed.why : `${found.left ?? 'any number'} left${until}`
  trace.push({ stage: 'allowance', by: 'core', did, gave: { allowances } })
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}

/** Composed once more, because an allowance was used up meanwhile: what was noted of the first time is not so. */
function forgetFitting({ trace }: TurnDraft): void {
  const first = trace.findIndex(({ stage }) => FITTING.has(stage))
  if (first < 0) return
  const kept = trace.slice(first).filter(({ stage }) => !FITTING.has(stage))
  trace.splice(first, trace.length, ...kept)
}
const FITTING: ReadonlySet<string> = new Set(['adapt', 'prepare', 'allowance', 'ledger', 'inline'])

const NOTHING: Composed = { entries: [], deliveries: [], shown: undefined, question: undefined, closed: undefined }

async function rewriteAll(tools: Tools, draft: TurnDraft): Promise<readonly Rewritten[]> {
  const rewritten: Rewritten[] = []
  for (const reply of draft.replies) {
    if (reply.by.kind === 'bot' && ownedByPeople(draft.chat.conversation)) {
      draft.trace.push({ stage: 'rewrite', by: reply.by.name, did: 'drop', because: 'people have the conversation' })
      continue
    }
    const now = await rewrite(tools, draft, reply)
    if (now) rewritten.push(now)
  }
  return rewritten
}

/** A bot never speaks over a person, whichever hook it speaks from. */
function ownedByPeople(conversation: Conversation | undefined): boolean {
  return conversation !== undefined && conversation.owner.kind !== 'bot'
}

/** To what the replies are fitted, and what of them is said inside the response, if anything is. */
interface Inside {
  readonly capabilities: Capabilities
  readonly inside: Part | undefined
}

/**
 * Only one message fits into a response, and only what can be said there as it should be; a channel that has no other way
 * begins with it.
 */
async function fitInside(
  tools: Tools,
  draft: TurnDraft,
  replies: readonly Rewritten[],
  openUntilMs: number | undefined,
): Promise<Inside> {
  const { channel } = draft
  const { capabilities } = channel
  if (capabilities.later.length === 0) return fitOnlyInside(tools, draft, replies, openUntilMs)
  const later: Inside = { capabilities, inside: undefined }
  if (openUntilMs === undefined) return later
  const [one, ...more] = replies.flatMap((reply) =>
    adaptReply(draft, reply, capabilities, undefined).parts.map((part) => ({ part, identity: reply.identity })),
  )
  if (!one || more.length > 0 || !canBeSaidInside(capabilities, one.part)) return later
  const { inline, showsIdentity } = capabilities
  if (one.identity && inline?.showsIdentity === false && showsIdentity !== 'none') return later
  const prepared = await prepare(tools, channel, one.part, { entry: draft.entry.id, untilMs: openUntilMs })
  return { capabilities, inside: prepared.part }
}

/** Beside words there is no room for anything else, which might never be seen: then it is in words too. */
async function fitOnlyInside(
  tools: Tools,
  draft: TurnDraft,
  replies: readonly Rewritten[],
  openUntilMs: number | undefined,
): Promise<Inside> {
  const { capabilities } = draft.channel
  const partsBy = (by: Capabilities) => replies.flatMap((reply) => adaptReply(draft, reply, by, 1).parts)
  const inWords = (): Inside => {
    const words = wordsOnly(capabilities)
    return { capabilities: words, inside: openUntilMs === undefined ? undefined : partsBy(words)[0] }
  }
  const all = partsBy(capabilities)
  if (all.some(isWords)) return inWords()
  const [first] = all
  if (!first || openUntilMs === undefined) return { capabilities, inside: undefined }
  const prepared = await prepare(tools, draft.channel, first, { entry: draft.entry.id, untilMs: openUntilMs })
  if (prepared.part) return { capabilities, inside: prepared.part }
  const { did, because } = prepared
  // A replay takes from here that it was not to be had.
  draft.trace.push({ stage: 'prepare', by: draft.channel.name, did, because, gave: did === 'refused' ? {} : undefined })
  return did === 'refused' ? inWords() : { capabilities, inside: undefined }
}

function startOf(of: { onlyInline: boolean; inline: boolean; first: boolean; place: unknown }): NewDelivery['start'] {
  if (of.inline && of.first) return of.onlyInline ? 'response' : 'now'
  if (of.onlyInline) return 'next-event'
  return of.place ? 'now' : 'dead'
}

function adaptReply(draft: TurnDraft, reply: Rewritten, capabilities: Capabilities, free: number | undefined) {
  return adapt(reply.say, {
    capabilities,
    platform: draft.channel.instance.plugin.name,
    language: draft.customer.language,
    languages: draft.plan.languages,
    texts: draft.plan.texts,
    identity: reply.identity,
    left: free,
  })
}

function deliveryOf(tools: Tools, draft: TurnDraft, reply: Rewritten, part: Part) {
  const nowMs = tools.clock.now()
  // Where the platform shows none, the name is in the text.
  const identity = draft.channel.capabilities.showsIdentity === 'none' ? undefined : reply.identity
  return {
    id: tools.makeId(),
    destination: 'channel',
    payload: { kind: 'part', part, isByModel: isByModel(draft, reply.by), identity, inReplyTo: platformIdOf(draft) },
    by: reply.by,
    expiresAtMs: reply.by.kind === 'agent' ? undefined : nowMs + PROGRAM_REPLY_EXPIRES_MS,
    holdUntilMs: nowMs + HOLD_MS,
  } as const
}

function isByModel({ plan }: TurnDraft, by: Actor): true | undefined {
  return (by.kind === 'bot' && plan.instances.get(by.name)?.plugin.isModel) || undefined
}

/** The class of allowance that the event opened which is being answered. */
function grantsOf({ event }: TurnDraft): string | undefined {
  return 'grants' in event ? event.grants : undefined
}

function platformIdOf(draft: TurnDraft): string | undefined {
  return isFromPlatform(draft) ? draft.event.id : undefined
}

function outEntry(tools: Tools, draft: TurnDraft, reply: Rewritten, parts: readonly Part[]): NewEntry {
  return {
    id: tools.makeId(),
    kind: 'out',
    type: 'message',
    body: { parts },
    by: reply.by,
    // That such a message could not be delivered either is told to nobody, or it would never end.
    conversation:
      draft.event.type === 'delivery.failed' ? undefined : (draft.conversation ?? draft.chat.conversation)?.id,
    answers: draft.entry.id,
    atMs: tools.clock.now(),
  }
}

/** The choices that the customer sees under the last message. */
function shownBy(parts: readonly Part[]): ShownChoices | undefined {
  const part = parts.findLast(({ type }) => type === 'choices')
  return part?.type === 'choices' ? { choices: part.choices } : undefined
}

function questionOf(tools: Tools, replies: readonly Rewritten[]): ChatChange['question'] {
  const asking = replies.findLast(({ expect }) => expect)
  if (!asking?.expect) return undefined
  const { key, forMs } = asking.expect
  return { instance: asking.instance, key, untilMs: tools.clock.now() + forMs }
}

/** An event of the chat's own life, for those who listen to it on this channel; none if nobody does. */
function lifeEntries(tools: Tools, draft: TurnDraft): readonly NewEntry[] {
  const events: ChatEvent[] = []
  const isHeard = (type: keyof ChatEvents) => draft.channel.chain.listeners[type].length > 0
  for (const change of draft.changes) {
    if (isHeard(`conversation.${change.type}`)) events.push(changeEvent(tools, draft, change))
  }
  for (const reply of isHeard('agent.replied') ? (draft.rewritten ?? []) : []) {
    if (reply.by.kind !== 'agent' || reply.isAutomatic) continue
    const content = contentOf(reply.say, draft.customer.language, draft.plan.languages)
    events.push({
      id: tools.makeId(),
      atMs: tools.clock.now(),
      type: 'agent.replied',
      person: reply.by.person,
      content,
    })
  }
  return events.map((event) => ({
    id: event.id,
    kind: 'life',
    type: event.type,
    body: event,
    by: CORE,
    conversation: draft.conversation?.id,
    atMs: event.atMs,
  }))
}

function changeEvent(tools: Tools, { conversation }: TurnDraft, change: NewConversationChange): ChatEvent {
  const { type, because, actor } = change
  const event = { id: tools.makeId(), atMs: tools.clock.now() }
  switch (type) {
    case 'opened':
      return { ...event, type: 'conversation.opened', because }
    case 'queued':
      return { ...event, type: 'conversation.queued', because }
    case 'assigned': {
      const person = conversation?.owner.kind === 'agent' ? conversation.owner.person : ''
      return { ...event, type: 'conversation.assigned', person, by: actor }
    }
    case 'returned':
      return { ...event, type: 'conversation.returned', because }
    case 'closed':
      return {
        ...event,
        type: 'conversation.closed',
        reason: because,
        by: actor,
        summary: conversation?.closed?.summary,
      }
  }
}

/** Something that a desk is told, in the order of its chat. It waits for its desk as long as it takes. */
export function deskDelivery(
  tools: Tools,
  desk: string,
  item: DeskPayload,
  place: { readonly entry: NewDelivery['entry']; readonly part: number },
): NewDelivery {
  return {
    id: tools.makeId(),
    ...place,
    destination: `desk:${desk}`,
    payload: { kind: 'desk', item },
    by: CORE,
    holdUntilMs: NEVER_MS,
    start: 'now',
  }
}

/** What facts say of the customer. */
export function learntOf({ customer, language }: Facts): CustomerPatch | undefined {
  return language === undefined ? customer : { ...customer, language }
}
