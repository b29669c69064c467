/** What a turn's ending means: for the conversation, for the customer, and as the one recorded outcome. */
import { z } from 'zod'
import type { Actor, Conversation } from '../conversation.ts'
import { messageOf } from '../errors.ts'
import type { InboundEvent, Say } from '../message.ts'
import type { HandOff, Place } from '../plugin.ts'
import type { Instance } from '../runtime/instance.ts'
import type { PlannedRoute } from '../runtime/plan.ts'
import { during } from '../runtime/watchdog.ts'
import type { HandOffTo, OutcomeKind } from '../turn.ts'
import { cameBy } from './came-by.ts'
import type { Ended } from './chain.ts'
import type { TurnDraft } from './draft.ts'
import type { Tools } from './tools.ts'

/** The outcome of a turn, to be recorded; `by` is an instance's name or `core`. */
export interface Settled {
  readonly outcome: OutcomeKind
  readonly by: string
  readonly because: string
}

export const CORE: Actor = { kind: 'core' }

/** A timer's close that met a waiting message is tried again after this. */
const CLOSE_AGAIN_MS = 10_000

/** The route that the conversation runs on; the first that a new one would, when it has none or that one is gone. */
export function routeOf(draft: TurnDraft): PlannedRoute | undefined {
  return draft.route
}

/** Only these are something to answer: they open a conversation. */
export function opensConversation(event: TurnDraft['event']): event is InboundEvent {
  return event.type === 'message' || event.type === 'menu-click' || event.type === 'scan'
}

/** Carries out how a hook ended the turn. */
export async function settle(tools: Tools, draft: TurnDraft, { ending, stage, by }: Ended): Promise<Settled> {
  const actor = by.actor
  switch (ending.kind) {
    case 'drop':
      return { outcome: 'dropped', by: by.name, because: ending.because }
    case 'done':
      return { outcome: 'handled', by: by.name, because: ending.because }
    case 'reply':
      if (stage === 'respond') openForAnswer(tools, draft, by, ending.because)
      draft.replies.push({ by: actor, say: ending.say, expect: ending.expect, instance: by.name })
      return { outcome: 'answered', by: by.name, because: ending.because ?? stage }
    case 'unknown':
      return { outcome: 'answered', by: by.name, because: ending.because ? `unknown: ${ending.because}` : 'unknown' }
    case 'hand-off':
      return handOver(tools, draft, { ...ending, by })
    case 'close':
      return close(tools, draft, { ...ending, by, stage })
  }
}

/** Says something of the core's own, unless the operator has switched that text off. */
export function sayAsCore(draft: TurnDraft, say: Say): void {
  if (say !== '') draft.replies.push({ by: CORE, say, expect: undefined, instance: 'core' })
}

/**
 * Gives the conversation (opening it, if need be) to the desk's queue. Where nobody can come, the customer is told so
 * and the bot keeps it.
 */
export async function handOver(
  tools: Tools,
  draft: TurnDraft,
  wish: {
    readonly to?: HandOffTo | undefined
    readonly say?: Say | undefined
    readonly because: string
    readonly by: Instance | undefined
  },
): Promise<Settled> {
  const by = wish.by?.name ?? 'core'
  const actor = actorFor(draft, wish.by)
  const route = routeOf(draft)
  const desk = wish.to?.desk === undefined ? route?.desk : draft.plan.instances.get(wish.to.desk)
  if (!route || route.mode === 'bot-only' || !desk?.desk) {
    sayAsCore(draft, draft.plan.texts.noPeople)
    return {
      outcome: 'answered',
      by: 'core',
      because: `${wish.because}, but ${route?.name ?? 'no route'} has no people`,
    }
  }
  const team = teamOf(tools, draft, desk, wish.to?.team) ?? (desk === route.desk ? route.team : undefined)
  const place = whereAt(tools, draft, desk, {
    conversation: draft.conversation ?? prospect(tools, draft, route, desk.name),
    customer: draft.customer,
    channel: draft.channel.name,
    entry: await cameBy(tools, draft),
    because: wish.because,
    to: { desk: desk.name, team },
  })
  if (place === 'nobody') {
    sayAsCore(draft, draft.plan.texts.offline)
    return { outcome: 'answered', by: 'core', because: `${wish.because}, but nobody is there at ${desk.name}` }
  }
  const owner = { kind: 'queue', desk: desk.name, team: place.team ?? team } as const
  const refusal = draft.conversation
    ? draft.decide({ type: 'queue', by: actor, because: wish.because, desk: owner.desk, team: owner.team })
    : draft.decide({
        type: 'open',
        by: actor,
        because: wish.because,
        id: draft.newConversation(),
        owner,
        origin: 'customer',
        route: route.id,
        atMs: tools.clock.now(),
      })
  if (refusal || !draft.conversation) return { outcome: 'ignored', by, because: `${wish.because}: ${refusal?.message}` }
  draft.deskItems.push({
    desk: desk.name,
    item: {
      type: 'handed-over',
      conversation: draft.conversation.id,
      because: wish.because,
      upToSeq: draft.entry.seq,
    },
  })
  if (place.isUnattended) sayAsCore(draft, draft.plan.texts.offline)
  else if (wish.say === undefined) sayAsCore(draft, draft.plan.texts.handedOver)
  else draft.replies.push({ by: actor, say: wish.say, expect: undefined, instance: by })
  return { outcome: 'handed-off', by, because: wish.because }
}

/** The team that was wished for, if the desk has it: without a team somebody comes, to a misspelt one nobody would. */
function teamOf(tools: Tools, draft: TurnDraft, desk: Instance, wished: string | undefined): string | undefined {
  const { people, teams } = desk.plugin.names(desk.checked.settings)
  // A bridged desk may name nothing in the YAML: then it knows its teams itself.
  const isBridged = people.length === 0 && teams.length === 0
  if (wished === undefined || isBridged || teams.includes(wished)) return wished
  const because = `${desk.name} has no team ${tools.redact(wished)} (known: ${teams.join(', ') || 'none'})`
  desk.log.warn({ turn: draft.entry.id }, because)
  draft.trace.push({ stage: 'where', by: 'core', did: 'no team', because, line: desk.line })
  return undefined
}

/** What `where` may say. A promise is none: the turn does not wait for it. */
const PlaceSchema: z.ZodType<Place | 'nobody'> = z.union([
  z.literal('nobody'),
  z.strictObject({ team: z.string().optional(), isUnattended: z.boolean().optional() }),
])
const WherePlace = z.object({ place: PlaceSchema })

/** A bot that does not own the conversation (the route's second one, say) is heard, but it is the core that acts. */
function actorFor({ conversation }: TurnDraft, by: Instance | undefined): Actor {
  if (!by || (by.actor.kind === 'bot' && conversation?.owner.kind === 'bot' && conversation.owner.bot !== by.name))
    return CORE
  return by.actor
}

export function whereAt(tools: Tools, draft: TurnDraft, desk: Instance, handOff: HandOff): Place | 'nobody' {
  const recorded = tools.recorded?.step('where', desk.name)
  if (recorded) return notePlace(draft, desk, WherePlace.parse(recorded.gave).place)
  try {
    const place: unknown = during(desk, draft.entry.id, () => desk.desk?.where(handOff))
    const checked = PlaceSchema.safeParse(place)
    if (!checked.success) throw new Error("where must say a team, or 'nobody', at once.")
    return notePlace(draft, desk, checked.data)
  } catch (error) {
    // A desk that cannot say where still gets the customer: waiting in its queue is better than being turned away.
    const because = tools.redact(messageOf(error))
    desk.log.error(
      { stage: 'where', turn: draft.entry.id, error },
      `${desk.name} (${desk.plugin.name}), where: ${because}`,
    )
    draft.trace.push({ stage: 'where', by: desk.name, did: 'failed', because, line: desk.line, gave: { place: {} } })
    return {}
  }
}

/** Who is there is known only then: a replay does not ask again. */
function notePlace(draft: TurnDraft, desk: Instance, place: Place | 'nobody'): Place | 'nobody' {
  const did = place === 'nobody' ? place : (place.team ?? 'queue')
  const because = place !== 'nobody' && place.isUnattended ? 'nobody of them is there' : undefined
  draft.trace.push({ stage: 'where', by: desk.name, did, because, line: desk.line, gave: { place } })
  return place
}

/** The conversation as the desk is shown it before it is opened. */
function prospect(tools: Tools, draft: TurnDraft, route: PlannedRoute, desk: string): Conversation {
  return {
    id: draft.newConversation(),
    state: 'queued',
    owner: { kind: 'queue', desk },
    lease: 0,
    openedAtMs: tools.clock.now(),
    origin: 'customer',
    route: route.id,
    counts: { unknown: 0, failures: 0 },
  }
}

/** A feature that answers a first message opens the conversation for the route's bot. Without a bot it stays unopened. */
function openForAnswer(tools: Tools, draft: TurnDraft, by: Instance, because: string | undefined): void {
  if (draft.conversation || !opensConversation(draft.event)) return
  const route = routeOf(draft)
  if (route) openForBot(tools, draft, route, { by: by.actor, because: because ?? `${by.name} answered` })
}

/** Opens a conversation that the route's first bot owns. */
export function openForBot(
  tools: Tools,
  draft: TurnDraft,
  route: PlannedRoute,
  { by, because }: { readonly by: Actor; readonly because: string },
): void {
  const bot = route.mode === 'bot-only' || route.mode === 'bot-first' ? route.bots[0] : undefined
  if (!bot) return
  const owner = { kind: 'bot', bot: bot.name } as const
  const atMs = tools.clock.now()
  draft.decide({
    type: 'open',
    by,
    because,
    id: draft.newConversation(),
    owner,
    origin: 'customer',
    route: route.id,
    atMs,
  })
}

function close(
  tools: Tools,
  draft: TurnDraft,
  wish: { readonly say?: Say | undefined; readonly because: string; readonly by: Instance; readonly stage: string },
): Settled {
  const by = wish.by.name
  if (!draft.conversation || draft.conversation.state === 'closed') {
    return { outcome: 'ignored', by, because: `${wish.because}: no conversation is open` }
  }
  const own = draft.event.type === 'message' ? 1 : 0
  if (draft.chat.waitingMessages > own) {
    if (draft.event.type === 'wake' && draft.wokenKey !== undefined) {
      const wake = { instance: by, key: draft.wokenKey, inMs: CLOSE_AGAIN_MS }
      draft.wakes.set(`${by} ${wake.key}`, wake)
    }
    return { outcome: 'ignored', by, because: `${wish.because}: NEW_MESSAGE, the customer has just written` }
  }
  const refusal = draft.decide({
    type: 'close',
    by: actorFor(draft, wish.by),
    reason: wish.because,
    atMs: tools.clock.now(),
  })
  if (refusal) return { outcome: 'ignored', by, because: `${wish.because}: ${refusal.message}` }
  draft.onlyIfNothingWaits = true
  if (wish.say !== undefined) {
    draft.replies.push({ by: wish.by.actor, say: wish.say, expect: undefined, instance: by })
  }
  return { outcome: 'handled', by, because: wish.because }
}
