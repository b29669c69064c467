/** Whether what is under way in a test or a rehearsal has ended, waits for the clock, or is held back. */
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Runtime } from '../runtime/runtime.ts'
import type { ManualClock } from './clock.ts'

/** `done`: nothing is under way. `waiting`: what is, waits for the clock. `held`: it takes more real time than it is given. */
export type Settled = 'done' | 'waiting' | 'held'

/** What is known of those who wait for the clock, and how long others are waited for. */
interface Patience {
  readonly clock: ManualClock
  /** The ids of the events that stand-ins take their time to answer. */
  readonly takingTime: ReadonlySet<string>
  /** In real time. */
  readonly patienceMs: number
}

/** Lets what is under way end, as far as it can while the clock stands still. */
export async function settled(runtime: Runtime, patience: Patience): Promise<Settled> {
  const { clock, patienceMs } = patience
  const untilMs = performance.now() + patienceMs
  for (;;) {
    if (!(await isQuietlyHeld(runtime))) {
      if ((clock.nextAtMs ?? Number.POSITIVE_INFINITY) > clock.now()) return 'done'
      await clock.advance(0)
    } else if (await waitsForClock(runtime, patience)) return 'waiting'
    else if (performance.now() >= untilMs) return 'held'
  }
}

/** The chats in which something is being handled now. */
export async function chatsUnderWay({ engine }: Runtime, clock: ManualClock) {
  const rows = await engine.read
    .selectFrom('entry')
    .select('chat')
    .distinct()
    .where('kind', '=', 'in')
    .where('outcome', 'is', null)
    .execute()
  const chats = await Promise.all(rows.map(({ chat }) => engine.load(chat)))
  return chats.flatMap((chat) => (chat?.next && chat.dueAtMs <= clock.now() ? { ...chat, next: chat.next } : []))
}

/** Whether all that is being handled is known to wait for the clock: a stand-in takes its time, or a route gathers messages. */
async function waitsForClock(runtime: Runtime, { clock, takingTime }: Patience): Promise<boolean> {
  const chats = await chatsUnderWay(runtime, clock)
  const isGathered = ({ account, next: { event, acceptedAtMs } }: (typeof chats)[number]) => {
    const routes = runtime.plan.channels.get(account)?.routes ?? []
    const collectMs = Math.max(0, ...routes.map((route) => route.collectMs))
    return event.type === 'message' && clock.now() < acceptedAtMs + collectMs
  }
  return chats.length > 0 && chats.every((chat) => takingTime.has(chat.next.event.id) || isGathered(chat))
}

/**
 * When nothing has moved for so long in real time, and in so many rounds of the event loop (a busy machine may let one
 * last that long), what is under way waits for something.
 */
const HELD_AFTER_MS = 20
const HELD_AFTER_ROUNDS = 50

/** Resolves when nothing is being handled or sent: false. Or when what is waits, and the journal has nothing to do: true. */
async function isQuietlyHeld({ idle, engine }: Runtime): Promise<boolean> {
  for (;;) {
    let done = false
    const whole = idle().then(() => {
      done = true
    })
    let moved = { atMs: performance.now(), rounds: 0 }
    while (!done) {
      // What goes on by itself does so in the first rounds. What is waited for then comes from outside: others may work.
      if (moved.rounds < HELD_AFTER_ROUNDS) await setImmediate()
      else await setTimeout(1)
      if (engine.busy) moved = { atMs: performance.now(), rounds: 0 }
      else if (++moved.rounds > HELD_AFTER_ROUNDS && performance.now() - moved.atMs > HELD_AFTER_MS) return true
    }
    await whole
    // An event that is only now being accepted is nobody's yet.
    if (!engine.busy) return false
    await setImmediate()
  }
}
