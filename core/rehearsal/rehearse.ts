/**
 * A rehearsal runs the operator's own configuration with nothing outside: channels are stand-ins that keep what they
 * are sent, no address is asked, the journal is in a temporary folder, and the time is the rehearsal's own. Scenarios
 * and replays are made of it.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CheckedConfig } from '../config/checked.ts'
import type { Environment } from '../config/read.ts'
import { type Runtime, startRuntime } from '../runtime/runtime.ts'
import type { RuntimeLog } from '../services/log.ts'
import { type ManualClock, manualClock } from '../testing/clock.ts'
import type { MemoryChannel } from '../testing/memory-channel.ts'
import { moveOn, PATIENCE_MS, SWEEP_EVERY_MS, stopHeld } from '../testing/pace.ts'
import { type Settled, settled } from '../testing/settled.ts'
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

/** The environment, with something made up for every variable that is not set: a rehearsal needs no real secret. */
export function withMadeUpVariables(env: Environment, makeUp: (name: string) => string = madeUpText): Environment {
  return new Proxy(env, {
    get: (known, name) => (typeof name === 'string' ? known[name] || makeUp(name) : undefined),
  })
}

export function madeUpText(name: string): string {
  return `made-up-value-of-${name}`
}
