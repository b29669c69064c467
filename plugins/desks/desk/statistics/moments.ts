/**
 * What of a conversation counts, and when: made of its changes of owner and of who wrote when. Of one that is still open,
 * what has happened so far; read again later, the same moments come out, and those since.
 */
import { z } from '#core'
import { CAUSES, LEFT_THE_QUEUE } from '../queue/from-journal.ts'
import type { MomentRow, What } from './tables.ts'

/** What the journal has of a conversation. */
export interface Story {
  readonly id: string
  readonly account: string
  readonly origin: 'customer' | 'callback'
  /** In their order. */
  readonly changes: readonly StoryChange[]
  /** In their order; only those that customers and people wrote. */
  readonly messages: readonly StoryMessage[]
}

export interface StoryChange {
  readonly n: number
  readonly at: number
  readonly type: string
  readonly actor_json: string
  readonly because: string
  /** Whose it is after all that was done at once. */
  readonly owner_json: string
  readonly cause: string
}

/** `person`: left out of what the customer wrote. */
export interface StoryMessage {
  readonly at: number
  readonly person?: string | undefined
}

/** Why a conversation came to people. */
export const REASONS = [
  'keyword',
  'unknown',
  'guided',
  'intent',
  'failures',
  'menu',
  'bot',
  'feature',
  'taken',
  'again',
  'route',
  'other',
] as const
type Reason = (typeof REASONS)[number]

/** How a person came to have it no longer. */
type Handled = 'closed' | 'transferred' | 'returned' | 'no-answer' | 'gone' | 'removed'
/** How a wait ended without a person: by the customer or a rule, by us or our settings, or because they were blacklisted. */
type Left = 'left' | 'by-us' | 'turned-away'
/** Who had to do with a conversation until its end; or that it ended because of what it was not about. */
type Closed = 'bot' | 'people' | 'turned-away' | 'removed'

const Actor = z.object({ kind: z.string(), name: z.string().optional(), person: z.string().optional() })
type Actor = z.output<typeof Actor>
const Owner = z.object({
  kind: z.enum(['bot', 'queue', 'agent']),
  bot: z.string().optional(),
  desk: z.string().optional(),
  team: z.string().nullish(),
  person: z.string().optional(),
})

/** Whose it is, and since when. `elsewhere`: at another desk. */
type Place =
  | { readonly at: 'bot' | 'elsewhere' }
  | { readonly at: 'queue'; readonly team: string | null }
  | {
      readonly at: 'agent'
      readonly team: string | null
      readonly person: string
      readonly sinceMs: number
      readonly n: number
    }

/** All moments of a conversation that this desk or only bots have had; none of others. */
export function momentsOf(desk: string, story: Story): readonly MomentRow[] {
  const { changes } = story
  const owners = changes.map(({ owner_json }) => Owner.parse(JSON.parse(owner_json)))
  const desks = owners.flatMap((owner) => owner.desk ?? [])
  if (desks.length > 0 && !desks.includes(desk)) return []

  const moments: MomentRow[] = []
  let place: Place = { at: 'bot' }
  let bot: string | null = null
  /** Since when people have it, or it waits for them; `answeredAlready`: nobody waits for their first answer. */
  let people: { readonly sinceMs: number; readonly answeredAlready: boolean } | undefined
  let waitsSinceMs = 0
  let hadPeople = false
  /** Of people: what is theirs once is not theirs again. */
  const counted = new Set<StoryMessage>()

  function note(what: What, { at, n }: Pick<StoryChange, 'at' | 'n'>, more: Partial<MomentRow> = {}): void {
    const who = { team: null, person: null, bot }
    const empty = { code: null, ms: null, sent: 0, received: 0 }
    moments.push({ what, at, conversation: story.id, n, account: story.account, ...who, ...empty, ...more })
  }

  /** Their first answer, and what was written while they had it: up to now, or to the change that ended it. */
  function writtenBy(
    agent: Extract<Place, { at: 'agent' }>,
    until?: StoryChange | undefined,
  ): Pick<MomentRow, 'sent' | 'received'> {
    const { person, team, sinceMs, n } = agent
    const untilMs = until?.at ?? Number.POSITIVE_INFINITY
    const during = story.messages.filter(({ at }) => at >= sinceMs && at <= untilMs)
    const theirs = during.filter((message) => message.person === person && !counted.has(message))
    for (const message of theirs) counted.add(message)
    const [first] = theirs
    if (first && people && !people.answeredAlready) {
      note('answered', { at: first.at, n }, { person, team, ms: Math.max(0, first.at - people.sinceMs) })
      people = { ...people, answeredAlready: true }
    }
    // What the customer says at the moment of the change is for whoever has it from then on, if anybody has.
    const received = during.filter(
      (message) => message.person === undefined && (message.at < untilMs || until?.type === 'closed'),
    )
    return { sent: theirs.length, received: received.length }
  }

  /** Whoever has it has it no longer. */
  function end(change: StoryChange, how: { readonly handled: Handled; readonly left?: Left }): void {
    if (place.at === 'agent') {
      const { person, team, sinceMs } = place
      const written = writtenBy(place, change)
      note('handled', change, { person, team, code: how.handled, ms: change.at - sinceMs, ...written })
    } else if (place.at === 'queue' && how.left) {
      note('left', change, { team: place.team, code: how.left, ms: change.at - waitsSinceMs })
    }
  }

  function comesToPeople(change: StoryChange, team: string | null, isDirect: boolean): void {
    if (people) return
    const isCallback = isDirect && story.origin === 'callback'
    people = { sinceMs: change.at, answeredAlready: isCallback }
    hadPeople = true
    waitsSinceMs = change.at
    if (!isCallback) note('handed-over', change, { team, code: reasonOf(change, isDirect) })
  }

  for (const [index, change] of changes.entries()) {
    const owner = owners[index]
    const before = changes[index - 1]
    if (!owner) continue
    const { type, at, n, cause } = change
    const actor = Actor.parse(JSON.parse(change.actor_json))
    const team = owner.team ?? null
    // Opened for people at once, both are one deed; what a bot has had first came to people by another.
    const isDirect = type !== 'opened' && before?.type === 'opened' && isSameDeed(before, change)
    switch (type) {
      case 'opened': {
        if (owner.kind === 'bot') bot = owner.bot ?? null
        note('opened', change, { code: story.origin })
        break
      }
      case 'queued': {
        // Opened and handed over at once, who has had it is known only by who did it.
        if (place.at === 'bot' && actor.kind === 'bot') bot = actor.name ?? bot
        end(change, { handled: handledBy(cause, actor) })
        if (place.at !== 'queue') waitsSinceMs = at
        if (owner.desk !== desk) {
          place = { at: 'elsewhere' }
          people = undefined
          break
        }
        comesToPeople(change, team, isDirect)
        place = { at: 'queue', team }
        break
      }
      case 'assigned': {
        end(change, { handled: handledBy(cause, actor) })
        if (owner.desk !== desk || owner.person === undefined) {
          place = { at: 'elsewhere' }
          people = undefined
          break
        }
        const { person } = owner
        if (place.at === 'queue') note('waited', change, { team: place.team, person, ms: at - waitsSinceMs })
        comesToPeople(change, team, isDirect)
        place = { at: 'agent', team, person, sinceMs: at, n }
        break
      }
      case 'returned':
        end(change, { handled: endedBy(change, actor, 'returned'), left: leftBy(change, actor) })
        people = undefined
        place = { at: 'bot' }
        bot = owner.bot ?? bot
        break
      case 'closed': {
        end(change, { handled: endedBy(change, actor, 'closed'), left: leftBy(change, actor) })
        const code = closedBy(change, actor, hadPeople)
        const whose = owner.desk === desk ? { team, person: owner.person ?? null } : {}
        note('closed', change, { code, ...whose })
        return moments
      }
    }
  }
  if (place.at === 'agent') writtenBy(place)
  return moments
}

function isSameDeed(one: StoryChange, other: StoryChange): boolean {
  return one.at === other.at && one.because === other.because && one.actor_json === other.actor_json
}

function handledBy(cause: string, { kind }: Actor): Handled {
  if (cause.startsWith(CAUSES.noAnswer)) return 'no-answer'
  if (cause.startsWith(CAUSES.gone)) return 'gone'
  return kind === 'core' ? 'removed' : 'transferred'
}

function endedBy(change: StoryChange, actor: Actor, how: 'closed' | 'returned'): Handled {
  return isBySettings(change, actor) ? 'removed' : how
}

function leftBy(change: StoryChange, actor: Actor): Left {
  if (isTurnedAway(change, actor)) return 'turned-away'
  // A supervisor’s program acts as the desk, and so does the desk itself.
  const isByUs = actor.kind === 'agent' || (actor.kind === 'desk' && change.because !== LEFT_THE_QUEUE)
  return isByUs || isBySettings(change, actor) ? 'by-us' : 'left'
}

function closedBy(change: StoryChange, actor: Actor, hadPeople: boolean): Closed {
  if (isTurnedAway(change, actor)) return 'turned-away'
  if (isBySettings(change, actor)) return 'removed'
  return hadPeople ? 'people' : 'bot'
}

/** As the blacklist closes what is open with whoever it turns away. */
function isTurnedAway({ type, because }: StoryChange, { kind }: Actor): boolean {
  return type === 'closed' && kind === 'feature' && because === 'blacklisted'
}

/**
 * As the core gives to a bot, or closes, what a change of the settings has left without an owner or a channel. It closes,
 * too, for a bot that does not own the conversation, in that bot’s own words.
 */
function isBySettings({ type, because }: StoryChange, { kind }: Actor): boolean {
  return kind === 'core' && (type === 'returned' || SETTINGS_CHANGED.test(because))
}
const SETTINGS_CHANGED = /^no channel has the account .* any more$|^\S+ is no longer (at \S+|in the configuration)$/

/** What the core writes of the triggers of a route, and the shipped features of theirs. Their own words are not kept. */
function reasonOf({ type, because, actor_json }: StoryChange, isDirect: boolean): Reason {
  const { kind, name = '' } = Actor.parse(JSON.parse(actor_json))
  const isTrigger = kind === 'bot' || kind === 'core'
  if (isTrigger && /^\d+ unknown answers of /.test(because)) return 'unknown'
  if (isTrigger && because.startsWith('a guided answer of ')) return 'guided'
  if (kind === 'bot' ? because.startsWith(`${name} understood `) : because.includes(' understood ') && kind === 'core')
    return 'intent'
  if (kind === 'core' && /^\d+ failures of the bot$/.test(because)) return 'failures'
  if (kind === 'core' && because.startsWith('menu ')) return 'menu'
  if (kind === 'core') return isDirect && because.startsWith('the route is ') ? 'route' : 'other'
  if (kind === 'bot') return 'bot'
  if (kind === 'feature') return because.startsWith('keyword ') ? 'keyword' : 'feature'
  if (type === 'assigned') return 'taken'
  return kind === 'desk' ? 'again' : 'other'
}
