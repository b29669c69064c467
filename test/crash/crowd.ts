/** Who is there, and what happens, in the tests that kill at one point. */
import type { Channel } from './known.ts'
import type { World } from './world.ts'

const ALL: readonly Channel[] = ['kept', 'again', 'quick', 'quicker']
/** Two customers on each channel say three things each, one after the other. */
export function crowd(text: string, channels: readonly Channel[] = ALL) {
  return (world: World) =>
    Promise.all(
      channels.flatMap((channel) =>
        ['ann', 'ben'].map(async (name) => {
          for (let i = 0; i < 3; i++) await world.says(channel, `${name}-${channel}`, text)
        }),
      ),
    )
}

/** The events that the platform was told nothing about yet, and whether the journal has each. */
export function unanswered(world: World): readonly boolean[] {
  using journal = world.journal()
  const accepted = new Set(journal.entries().map(({ event }) => event))
  return [...world.events.values()].filter(({ acked }) => !acked).map(({ id }) => accepted.has(id))
}

/** What has become of everything that was to be sent to customers of a channel. */
export function deliveries(world: World, channel: Channel) {
  using journal = world.journal()
  return journal
    .deliveries()
    .filter(({ account, destination }) => account.endsWith(`:${channel}`) && destination === 'channel')
    .map(({ id, text, state, unknown }) => ({
      text,
      state,
      unknown,
      times: world.platform.receipts.filter((receipt) => receipt.id === id).length,
    }))
}

/**
 * When so many things have been sent on each of these channels (or told the desk), the last of each has arrived by then
 * or is lost, none of them is answered, and the process is killed.
 */
export function endsAt(world: World, on: readonly (Channel | 'desk')[], nth: number, fate: 'take' | 'lose'): void {
  const left = new Map<string, number>(on.map((to) => [to, nth]))
  world.platform.meddle = (to) => {
    const more = left.get(to)
    if (more === undefined) return undefined
    left.set(to, Math.max(0, more - 1))
    if (more > 1) return undefined
    if ([...left.values()].every((count) => count === 0)) {
      world.running.shoot()
      world.platform.meddle = undefined
    }
    return fate
  }
}
