/** Which team a conversation waits for: by where it comes from, and by who is open and there. */
import type { HandOff, Place } from '#core'
import type { Presence } from '../../../services/presence.ts'
import type { Settings, TeamSettings } from '../config.ts'
import type { Teams } from './choose.ts'

export interface Places {
  /** As the core asks a desk. */
  place(wish: Pick<HandOff, 'channel' | 'entry' | 'to'>): Place | 'nobody'
  /** Whose queue it is when the journal names no team, or one that is gone. */
  homeOf(channel: string): string
  /** Whether people can take a conversation from there now. */
  isAvailable: Presence['isAvailable']
}

export function makePlaces(given: {
  readonly settings: Settings
  readonly teams: Teams
  isOpen(team: string): boolean
  /** Whether anybody of the team, or of who helps it out, is there for chats. */
  isAttended(team: string): boolean
  /** How many wait for it. */
  waiting(team: string): number
}): Places {
  const { settings, teams, isOpen } = given
  const names = Object.keys(settings.teams)
  const taking = (channel: string, entry?: string) =>
    names.filter((name) => takes(settings.teams[name], { channel, entry }))

  /** The team, or where it takes nothing more the first that helps it out. */
  function placeIn(team: string): Place | undefined {
    const isFull = (name: string) => given.waiting(name) >= (teams.get(name)?.maxWaiting ?? Number.POSITIVE_INFINITY)
    const open = teams.helpers(team).find((name) => isOpen(name) && !isFull(name))
    if (open === undefined) return undefined
    return given.isAttended(open) ? { team: open } : { team: open, isUnattended: true }
  }

  return {
    place({ channel, entry, to }) {
      const wanted = to?.team === undefined ? taking(channel, entry) : names.filter((name) => name === to.team)
      for (const team of wanted) {
        const place = placeIn(team)
        if (place) return place
      }
      return 'nobody'
    },
    homeOf: (channel) => names.find((name) => comesFrom(settings.teams[name], channel)) ?? names[0] ?? '',
    isAvailable: ({ channel }) =>
      names.some((name) => isOpen(name) && comesFrom(settings.teams[name], channel) && given.isAttended(name)),
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
