/** Which team a conversation waits for: by where it comes from, and by who is open and there. */
import type { Clock, HandOff, Place } from '#core'
import type { Presence } from '../../../services/presence.ts'
import type { Settings, TeamSettings } from '../config.ts'
import type { Teams } from './choose.ts'

export interface Places {
  /** As the core asks a desk. Whoever is named besides is counted as waiting there from now on. */
  place(wish: Pick<HandOff, 'channel' | 'entry' | 'to'> & Partial<Pick<HandOff, 'conversation'>>): Place | 'nobody'
  /** A conversation that was sent to a team stands in its queue by now, or is no longer the desk's. */
  arrived(conversation: string): void
  /** Whose queue it is when the journal names no team, or one that is gone. */
  homeOf(channel: string): string
  /** Whether people can take a conversation from there now. */
  isAvailable: Presence['isAvailable']
}

/** Whoever was sent to a team, and is not in its queue after so long, does not come any more. */
const ARRIVES_WITHIN_MS = 10_000

export function makePlaces(given: {
  readonly settings: Settings
  readonly teams: Teams
  readonly clock: Clock
  isOpen(team: string): boolean
  /** Whether anybody of the team, or of who helps it out, is there for chats and may serve the channel. */
  isAttended(team: string, channel: string): boolean
  /** How many wait for it for whom nobody has room; below zero: so many more could come, and none would wait. */
  waiting(team: string): number
}): Places {
  const { settings, teams, clock, isOpen } = given
  const names = Object.keys(settings.teams)
  const taking = (channel: string, entry?: string) =>
    names.filter((name) => takes(settings.teams[name], { channel, entry }))

  /** Those that were sent to a team with a limit, and are not in its queue yet: their turns have still to end. */
  const sent = new Map<string, { readonly team: string; readonly atMs: number }>()

  /** Where `maxWaiting` wait already, or are about to. */
  function isFull(team: string, conversation: string | undefined): boolean {
    const { maxWaiting } = teams.get(team) ?? {}
    if (maxWaiting === undefined) return false
    const coming = [...sent].filter(([id, { team: to }]) => to === team && id !== conversation)
    return given.waiting(team) + coming.length >= maxWaiting
  }

  function send(conversation: string, team: string): void {
    const nowMs = clock.now()
    for (const [id, { atMs }] of sent) if (nowMs - atMs >= ARRIVES_WITHIN_MS) sent.delete(id)
    if (teams.get(team)?.maxWaiting !== undefined) sent.set(conversation, { team, atMs: nowMs })
  }

  /** The first that takes it: of those that it is for, each with whoever helps it out. */
  function firstOf(wanted: readonly string[], conversation: string | undefined): string | undefined {
    return wanted.flatMap(teams.helpers).find((team) => isOpen(team) && !isFull(team, conversation))
  }

  return {
    place({ channel, entry, to, conversation }) {
      const wanted = to?.team === undefined ? taking(channel, entry) : names.filter((name) => name === to.team)
      const team = firstOf(wanted, conversation?.id)
      if (team === undefined) return 'nobody'
      if (conversation) send(conversation.id, team)
      return given.isAttended(team, channel) ? { team } : { team, isUnattended: true }
    },
    arrived: (conversation) => void sent.delete(conversation),
    homeOf: (channel) => names.find((name) => comesFrom(settings.teams[name], channel)) ?? names[0] ?? '',
    isAvailable: ({ channel }) =>
      names.some((name) => isOpen(name) && comesFrom(settings.teams[name], channel) && given.isAttended(name, channel)),
  }
}

/** Whether it takes what comes from there. */
function takes(
  team: TeamSettings | undefined,
  from: { readonly channel: string; readonly entry?: string | undefined },
) {
  if (!team?.sources) return team !== undefined
  return team.sources.some((source) =>
    typeof source === 'string'
      ? source === from.channel
      : source.channel === from.channel && source.entry === from.entry,
  )
}

/** Whether it takes anything of the channel. */
function comesFrom(team: TeamSettings | undefined, channel: string): boolean {
  return team?.sources?.some((source) => (typeof source === 'string' ? source : source.channel) === channel) ?? true
}
