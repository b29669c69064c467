/**
 * A rehearsal runs the operator's own configuration with nothing outside: channels are stand-ins that keep what they
 * are sent, no address is asked, the journal is in a temporary folder, and the time is the rehearsal's own. Scenarios
 * and replays are made of it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { CheckedConfig } from '../config/checked.ts'
import type { Environment } from '../config/read.ts'
import { type Runtime, startRuntime } from '../runtime/runtime.ts'
import type { RuntimeLog } from '../services/log.ts'
import { type ManualClock, manualClock } from '../testing/clock.ts'
import { type MemoryChannel, memoryChannel } from '../testing/memory-channel.ts'
import { isDone, makePace, type Pace, SWEEP_EVERY_MS, stopHeld } from '../testing/pace.ts'
import { type StandInAnswer, standIn } from './stand-in-bot.ts'

export interface Rehearsal extends Pace, AsyncDisposable {
  readonly runtime: Runtime
  readonly clock: ManualClock
  /** Gives what takes real time, such as a file that a plugin reads, a second to end. */
  patience(): Promise<void>
  /** By the name in the YAML. */
  readonly channels: ReadonlyMap<string, MemoryChannel>
}

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
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  const channels = new Map(
    config.channels.map(({ name, plugin, capabilities }) => [name, memoryChannel({ name: plugin.name, capabilities })]),
  )
  const standIns = config.channels.map((channel) => ({
    ...channel,
    plugin: channels.get(channel.name)?.plugin ?? channel.plugin,
  }))
  const bots = config.bots.map((bot) => {
    const answers = options.bots?.get(bot.name)
    return answers ? { ...bot, plugin: standIn(bot.plugin, answers, clock) } : bot
  })
  try {
    const runtime = await startRuntime(
      { ...config, storage: { folder }, channels: standIns, bots },
      { log: options.log, clock, listen: false, offline: true, durable: false, sweepEveryMs: SWEEP_EVERY_MS },
    )
    return {
      ...makePace(clock, () => ({ idle: () => idleOrHeld(runtime) })),
      async patience() {
        await isDone(runtime.idle())
      },
      runtime,
      clock,
      channels,
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

/**
 * When nothing has moved for so long in real time, and in so many rounds of the event loop (a busy machine may let one
 * last that long), what is under way waits for the rehearsal's clock.
 */
const HELD_AFTER_MS = 20
const HELD_AFTER_ROUNDS = 50

/**
 * Resolves when nothing is being handled or sent, or when what is waits for the clock: a bot that takes its time, or a
 * route that gathers messages. Then the journal has nothing to do either, since nothing outside is asked.
 */
async function idleOrHeld({ idle, engine }: Runtime): Promise<void> {
  for (;;) {
    let done = false
    const whole = idle().then(() => {
      done = true
    })
    let moved = { atMs: performance.now(), rounds: 0 }
    while (!done) {
      await setImmediate()
      if (engine.busy) moved = { atMs: performance.now(), rounds: 0 }
      else if (++moved.rounds > HELD_AFTER_ROUNDS && performance.now() - moved.atMs > HELD_AFTER_MS) return
    }
    await whole
    // An event that is only now being accepted is nobody's yet.
    if (!engine.busy) return
    await setImmediate()
  }
}

/** The environment, with something made up for every variable that is not set: a rehearsal needs no real secret. */
export function withMadeUpVariables(env: Environment): Environment {
  return new Proxy(env, {
    get: (known, name) => (typeof name === 'string' ? known[name] || `made-up-value-of-${name}` : undefined),
  })
}
