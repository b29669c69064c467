/**
 * A rehearsal runs the operator's own configuration with nothing outside: channels are stand-ins that keep what they
 * are sent, no address is asked, the journal is in a temporary folder, and the time is the rehearsal's own. Scenarios
 * and replays are made of it.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { CheckedConfig } from '../config/checked.ts'
import type { Environment } from '../config/read.ts'
import { type Runtime, startRuntime } from '../runtime/runtime.ts'
import type { RuntimeLog } from '../services/log.ts'
import { type ManualClock, manualClock } from '../testing/clock.ts'
import type { MemoryChannel } from '../testing/memory-channel.ts'
import { moveOn, PATIENCE_MS, SWEEP_EVERY_MS, stopHeld } from '../testing/pace.ts'
import { type StandInAnswer, standInBot } from './stand-in-bot.ts'
import { standInChannel } from './stand-in-channel.ts'

export interface Rehearsal extends AsyncDisposable {
  readonly runtime: Runtime
  readonly clock: ManualClock
  /**
   * Lets what is under way end. What takes real time, such as a file that a plugin reads, is given a second; what waits
   * for the clock is not waited for.
   */
  settle(): Promise<Settled>
  /**
   * Moves the clock on from one due moment to the next, each time letting what became due end. For what takes real time
   * there is a second in all.
   */
  advance(ms: number): Promise<void>
  /** By the name in the YAML. */
  readonly channels: ReadonlyMap<string, MemoryChannel>
  /** What of the configuration is left out, since it cannot be without the outside. */
  readonly warnings: readonly string[]
}

/** `done`: nothing is under way. `waiting`: what is, waits for the clock. `held`: it takes more real time than it is given. */
export type Settled = 'done' | 'waiting' | 'held'

/** Starts a checked configuration as a rehearsal. Dispose it to stop it; nothing is left. */
export async function rehearse(
  config: CheckedConfig,
  options: {
    readonly log: RuntimeLog
    readonly startMs?: number | undefined
    readonly clock?: ManualClock | undefined
    /** What bots answer, by their names in the YAML; the others are asked themselves. */
    readonly bots?: ReadonlyMap<string, readonly StandInAnswer[]> | undefined
  },
): Promise<Rehearsal> {
  const clock = options.clock ?? manualClock(options.startMs)
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-rehearsal-'))
  foldersInUse.add(folder)
  const removeFolder = async () => {
    await rm(folder, { recursive: true, force: true })
    foldersInUse.delete(folder)
  }
  const warnings: string[] = []
  const offline = { warn: (text: string) => void warnings.push(text) }
  const channels = new Map(
    config.channels.map(({ name, plugin }) => [name, standInChannel(name, plugin, offline)] as const),
  )
  const standIns = config.channels.map((channel) => ({
    ...channel,
    plugin: channels.get(channel.name)?.plugin ?? channel.plugin,
  }))
  const takingTime = new Set<string>()
  const bots = config.bots.map((bot) => {
    const answers = options.bots?.get(bot.name)
    return answers
      ? { ...bot, plugin: standInBot(bot.name, bot.plugin, answers, { clock, takingTime, ...offline }) }
      : bot
  })
  try {
    const runtime = await startRuntime(
      { ...config, storage: { folder }, channels: standIns, bots },
      { log: options.log, clock, listen: false, offline: true, durable: false, sweepEveryMs: SWEEP_EVERY_MS },
    )
    const settle = (patienceMs: number) => settled(runtime, { clock, takingTime, patienceMs })
    return {
      settle: () => settle(PATIENCE_MS),
      async advance(ms) {
        let patienceMs = PATIENCE_MS
        await moveOn(clock, ms, async () => {
          if ((await settle(patienceMs)) === 'held') patienceMs = 0
        })
      },
      runtime,
      clock,
      channels,
      warnings,
      async [Symbol.asyncDispose]() {
        await stopHeld(clock, runtime)
        await removeFolder()
      },
    }
  } catch (error) {
    await removeFolder()
    throw error
  }
}

/** Removed at the latest when the process ends. */
const foldersInUse = new Set<string>()
process.on('exit', () => {
  for (const folder of foldersInUse) rmSync(folder, { recursive: true, force: true })
})

/** What is known of those who wait for the clock, and how long others are waited for. */
interface Patience {
  readonly clock: ManualClock
  /** The ids of the events that stand-ins take their time to answer. */
  readonly takingTime: ReadonlySet<string>
  /** In real time. */
  readonly patienceMs: number
}

async function settled(runtime: Runtime, patience: Patience): Promise<Settled> {
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
      await setImmediate()
      if (engine.busy) moved = { atMs: performance.now(), rounds: 0 }
      else if (++moved.rounds > HELD_AFTER_ROUNDS && performance.now() - moved.atMs > HELD_AFTER_MS) return true
    }
    await whole
    // An event that is only now being accepted is nobody's yet.
    if (!engine.busy) return false
    await setImmediate()
  }
}

/** The environment, with something made up for every variable that is not set: a rehearsal needs no real secret. */
export function withMadeUpVariables(env: Environment, makeUp: (name: string) => string = madeUpText): Environment {
  return new Proxy(env, {
    get: (known, name) => (typeof name === 'string' ? known[name] || makeUp(name) : undefined),
  })
}

export function madeUpText(name: string): string {
  return `made-up-value-of-${name}`
}
