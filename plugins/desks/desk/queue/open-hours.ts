/** Which teams are open now, and when that changes. */
import type { Clock } from '#core'
import type { Settings } from '../config.ts'

export interface OpenHours {
  /** Whether it takes anything new now. */
  isOpen(team: string): boolean
  /** Ends the watching. */
  stop(): void
}

/** Calls `began` and `ended` when the hours of a team do, after `start`. */
export function watchOpenHours(
  { teams }: Pick<Settings, 'teams'>,
  clock: Clock,
  tell: { began(team: string): void; ended(team: string): void },
): OpenHours {
  const withHours = Object.entries(teams).flatMap(([name, { hours }]) => (hours ? [{ name, hours }] : []))
  const open = new Map(withHours.map(({ name, hours }) => [name, hours.isOpen(clock.now())]))
  let cancel: (() => void) | undefined

  function look(): void {
    const nowMs = clock.now()
    for (const { name, hours } of withHours) {
      const isOpen = hours.isOpen(nowMs)
      if (isOpen === open.get(name)) continue
      open.set(name, isOpen)
      if (isOpen) tell.began(name)
      else tell.ended(name)
    }
    lookAgain()
  }

  function lookAgain(): void {
    const nowMs = clock.now()
    const nextMs = Math.min(...withHours.map(({ hours }) => hours.nextEdgeMs(nowMs)))
    if (Number.isFinite(nextMs)) cancel = clock.after(nextMs - nowMs, look)
  }

  lookAgain()
  return {
    isOpen(team) {
      const { state, hours } = teams[team] ?? {}
      return state === 'open' && (hours?.isOpen(clock.now()) ?? true)
    },
    stop: () => cancel?.(),
  }
}
