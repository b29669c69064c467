/** What the people of a desk can take on now, and why a queue does not move: reckoned from what the line tells of them. */
import type { Person, Team } from '../../../api/shapes.ts'

/** They may be given conversations, and have room for one more. */
export const hasRoom = ({ mayChat, load, capacity }: Person): boolean => mayChat === true && load < capacity

/** Why who waits for a team still waits. `room`: somebody could take them, or is about to be given them. */
export function whyWaiting(
  team: Pick<Team, 'members' | 'isOpen'> | undefined,
  people: readonly Person[],
): 'closed' | 'nobody' | 'full' | 'room' {
  if (team && !team.isOpen) return 'closed'
  const there = people.filter(({ name, mayChat }) => mayChat === true && (team?.members.includes(name) ?? true))
  if (there.length === 0) return 'nobody'
  return there.some(hasRoom) ? 'room' : 'full'
}

/** How many are in each status, of those who are here; and how many are not. */
export function byStatus(people: readonly Person[]): {
  readonly here: ReadonlyMap<string, number>
  readonly gone: number
} {
  const here = new Map<string, number>()
  for (const { isConnected, status } of people) {
    if (isConnected) here.set(status.name, (here.get(status.name) ?? 0) + 1)
  }
  return { here, gone: people.filter(({ isConnected }) => !isConnected).length }
}

const MINUTE_S = 60
const HOUR_S = 60 * MINUTE_S

/** `4:05`, `1:02:33`: what ticks. */
export function ticking(ms: number): string {
  const all = Math.max(0, Math.floor(ms / 1000))
  const two = (count: number) => `${Math.floor(count)}`.padStart(2, '0')
  const [hours, minutes, seconds] = [Math.floor(all / HOUR_S), Math.floor((all % HOUR_S) / MINUTE_S), all % MINUTE_S]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`
}
