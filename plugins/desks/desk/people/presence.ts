/** Whether people are there, for widgets and bridged platforms. */
import type { Presence } from '../../../services/presence.ts'
import type { Settings } from '../config.ts'

export interface PresenceInside extends Presence {
  /** Somebody has come or gone, or hours have begun or ended. */
  look(): void
}

/** `isServed`: whether a team is open, and somebody is there for it. */
export function makePresence(given: {
  readonly settings: Settings
  readonly isAvailable: Presence['isAvailable']
  isServed(team: string): boolean
}): PresenceInside {
  const { settings } = given
  const listeners = new Set<() => void>()
  const served = () => Object.keys(settings.teams).filter(given.isServed).join('\n')
  let before = served()

  function look(): void {
    const now = served()
    if (now === before) return
    before = now
    for (const listener of [...listeners]) listener()
  }

  return {
    isAvailable: given.isAvailable,
    onChange(listener) {
      const own = () => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    look,
  }
}
