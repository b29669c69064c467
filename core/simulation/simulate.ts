/**
 * A simulation runs the operator's own configuration with a simulated platform in place of a real one: people play the
 * customers on a page of its own, and bots, features and desks are as they are configured. All other channels are
 * stand-ins that send nothing. It listens on loopback only, its journal is in a folder of its own, and its time can be
 * moved on.
 */
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { CheckedChannel, CheckedConfig } from '../config/checked.ts'
import { messageOf } from '../errors.ts'
import type { Simulation } from '../plugin.ts'
import { standInChannel } from '../rehearsal/stand-in-channel.ts'
import { type Runtime, startRuntime } from '../runtime/runtime.ts'
import { makeDocuments } from '../services/documents.ts'
import { makeLog, type RuntimeLog } from '../services/log.ts'
import type { ManualClock } from '../testing/clock.ts'
import { PATIENCE_MS, SWEEP_EVERY_MS } from '../testing/pace.ts'
import { settled } from '../testing/settled.ts'
import { movableClock } from './movable-clock.ts'

/** Of no bot it is known that it waits for the clock. */
const NOBODY: ReadonlySet<string> = new Set()
const HOST = '127.0.0.1'
/** What becomes due within so long is begun before what it brings about is waited for: two days pass in seconds. */
const TOGETHER_MS = 60_000

export interface RunningSimulation extends AsyncDisposable {
  readonly runtime: Runtime
  readonly clock: ManualClock
  /** Where the customers of each simulated channel are played. */
  readonly pages: readonly { readonly channel: string; readonly url: string }[]
  /** Where people set a password at a desk, and at which. */
  readonly invitations: readonly { readonly desk: string; readonly person: string; readonly link: string }[]
  /** The channels that send nothing, by their names. */
  readonly standIns: readonly string[]
  /** What of the configuration is left out. */
  readonly warnings: readonly string[]
}

/** Tells what happened in the chats of a customer, and why. */
export type TellChats = (journal: Runtime['engine']['read'], customer: string) => Promise<string | undefined>

/** Starts it; `platform` is the name of the plugin, of which there is at least one channel that can be simulated. */
export async function simulate(
  config: CheckedConfig,
  options: {
    readonly platform: string
    /** Where its journal and documents are. */
    readonly folder: string
    readonly log: RuntimeLog
    readonly tell: TellChats
    readonly clock?: ManualClock | undefined
  },
): Promise<RunningSimulation> {
  const { platform, folder, log, tell, clock = movableClock() } = options
  await using opened = new AsyncDisposableStack()
  const publicUrl = `http://${HOST}:${await freePort()}`
  const warnings: string[] = []
  let runtime: Runtime | undefined

  /** What takes real time is given a second of it, once. */
  async function advance(ms: number): Promise<void> {
    const running = runtime
    if (!running) return
    const untilMs = clock.now() + ms
    let patienceMs = PATIENCE_MS
    for (let leftMs = ms; leftMs > 0; leftMs = untilMs - clock.now()) {
      const how = await settled(running, { clock, takingTime: NOBODY, patienceMs })
      if (how === 'held') patienceMs = 0
      const dueInMs = Math.max(0, (clock.nextAtMs ?? Number.POSITIVE_INFINITY) - clock.now())
      await clock.advance(Math.min(leftMs, dueInMs + TOGETHER_MS))
    }
  }

  const simulations = new Map<string, Simulation>()
  const channels: CheckedChannel[] = []
  for (const channel of config.channels) {
    const { name, plugin, settings } = channel
    const simulator = plugin.name === platform ? await plugin.simulator() : undefined
    if (!simulator) {
      const standIn = standInChannel(name, plugin, { warn: (text) => void warnings.push(text) })
      channels.push({ ...channel, plugin: standIn.plugin })
      continue
    }
    const simulation = await simulator.simulate(settings, {
      name,
      languages: config.languages,
      clock,
      advance,
      why: async (customer) => runtime && tell(runtime.engine.read, customer),
    })
    opened.use(simulation)
    simulations.set(name, simulation)
    channels.push({ ...channel, settings: simulation.settings })
  }

  const allow = [...config.http.allow, ...[...simulations.values()].flatMap(({ hosts }) => hosts)]
  const server = { ...config.server, host: HOST, port: Number(new URL(publicUrl).port), publicUrl }
  const simulated = { ...config, server, storage: { folder }, http: { allow }, channels }
  const running = await startRuntime(simulated, { log, clock, sweepEveryMs: SWEEP_EVERY_MS })
  runtime = running
  opened.defer(() => running.stop())
  for (const [name, simulation] of simulations) await simulation.started(`${publicUrl}/${name}`)
  const invitations = await invite(simulated, clock)
  const all = opened.move()
  return {
    runtime,
    clock,
    pages: [...simulations].map(([channel, { url }]) => ({ channel, url })),
    invitations,
    standIns: config.channels.flatMap(({ name }) => (simulations.has(name) ? [] : [name])),
    warnings,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Everybody at a desk may play too: nobody has a password in a folder that is new. */
async function invite(config: CheckedConfig, clock: ManualClock): Promise<RunningSimulation['invitations']> {
  const documents = makeDocuments({
    folder: join(config.storage.folder, 'documents'),
    log: makeLog({ level: 'silent' }),
  })
  const invitations: { desk: string; person: string; link: string }[] = []
  for (const { name: desk, plugin, names } of config.desks) {
    for (const person of names.people) {
      const invited = await plugin.invite(person, {
        url: `${config.server.publicUrl}/${desk}`,
        clock,
        documents: { open: (document, schema) => documents.open(desk, document, schema) },
      })
      if (invited) invitations.push({ desk, person, link: invited.link })
    }
  }
  return invitations
}

/** A port of loopback that nobody has now. The address must be known before anything listens there. */
async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const server = createServer()
  server.once('error', reject)
  server.listen(0, HOST, () => {
    const address = server.address()
    if (typeof address === 'object' && address !== null) resolve(address.port)
    else reject(new Error(`There is no free port on ${HOST}.`))
  })
  try {
    return await promise
  } catch (error) {
    throw new Error(`No port could be had on ${HOST}: ${messageOf(error)}`, { cause: error })
  } finally {
    server.close()
  }
}
