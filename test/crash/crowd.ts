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

/** The `nth` thing that is sent on a channel (or told the desk) ends the process: it has arrived by then, or it is lost. */
export function endsAt(world: World, to: Channel | 'desk', nth: number, fate: 'take' | 'lose'): void {
  let count = 0
  world.platform.meddle = (coming) => {
    if (coming !== to || ++count !== nth) return undefined
    world.running.shoot()
    world.platform.meddle = undefined
    return fate
  }
}
