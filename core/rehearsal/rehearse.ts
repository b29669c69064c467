/**
 * A rehearsal runs the operator's own configuration with nothing outside: channels are stand-ins that keep what they
 * are sent, no address is asked, the journal is in a temporary folder, and the time is the rehearsal's own. Scenarios
 * and `explain` are made of it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CheckedConfig } from '../config/checked.ts'
import type { Environment } from '../config/read.ts'
import { type Runtime, startRuntime } from '../runtime/runtime.ts'
import type { RuntimeLog } from '../services/log.ts'
import { type ManualClock, manualClock } from '../testing/clock.ts'
import { type MemoryChannel, memoryChannel } from '../testing/memory-channel.ts'
import { makePace, type Pace, SWEEP_EVERY_MS, stopHeld } from '../testing/pace.ts'

export interface Rehearsal extends Pace, AsyncDisposable {
  readonly runtime: Runtime
  readonly clock: ManualClock
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
  try {
    const runtime = await startRuntime(
      { ...config, storage: { folder }, channels: standIns },
      { log: options.log, clock, listen: false, offline: true, durable: false, sweepEveryMs: SWEEP_EVERY_MS },
    )
    return {
      ...makePace(clock, () => runtime),
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

/** The environment, with something made up for every variable that is not set: a rehearsal needs no real secret. */
export function withMadeUpVariables(env: Environment): Environment {
  return new Proxy(env, {
    get: (known, name) => (typeof name === 'string' ? known[name] || `made-up-${name}` : undefined),
  })
}
