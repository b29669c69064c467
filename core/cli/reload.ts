/**
 * Reload while it runs: the configuration file and whatever it names are looked at again and again. What has changed is
 * checked; when it is good it is applied, and when it is not, its problems are told and nothing else happens.
 */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CheckedConfig } from '../config/checked.ts'
import { sentence } from '../config/problems.ts'
import { formatProblems } from '../config/report.ts'
import { messageOf } from '../errors.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { systemClock } from '../services/clock.ts'
import type { RuntimeLog } from '../services/log.ts'
import { checkFile, environmentFile } from './read-config.ts'

/** A change counts once the files have stayed as they are from one look to the next. */
const LOOK_EVERY_MS = 200

export interface Follower {
  /** Reads the files now. What is found is told in any case, also when it is nothing new. */
  reload(): Promise<void>
  /** From now on nothing is read and nothing is applied. */
  stop(): void
}

/** Follows the file that `runtime` was started with. `tell` gets the problems of a bad file, as text. */
export function followConfig(
  file: string,
  runtime: Pick<Runtime, 'config' | 'apply' | 'instance' | 'metrics'>,
  { log, tell }: { readonly log: RuntimeLog; tell(problems: string): void },
): Follower {
  const started = runtime.config
  const always = [resolve(file), environmentFile(file)].filter((path) => path !== undefined)
  let named: readonly string[] = started.files.map(({ path }) => path)
  let told: string | undefined
  let stopped = false
  let reloading: Promise<void> = Promise.resolve()

  /** One reload after the other. */
  function reload(isAsked: boolean): Promise<void> {
    reloading = reloading
      .then(() => readAndApply(isAsked))
      .catch((error: unknown) => {
        log.error({ error }, `The configuration could not be read again: ${messageOf(error)}`)
      })
    return reloading
  }

  async function readAndApply(isAsked: boolean): Promise<void> {
    if (stopped) return
    const asRead = await stampsOf([...always, ...named])
    const checked = await checkFile(file, { ifVariableMissing: 'channel-down', listensOn: started.server.port })
    named = checked.ok ? checked.config.files.map(({ path }) => path) : checked.files
    // What is named only now counts as read too; of the others, what was saved while they were read is a change.
    seen = new Map([...(await stampsOf(named)), ...asRead])
    if (stopped) return
    if (!checked.ok) {
      const problems = formatProblems(checked.problems, 'reload')
      if (isAsked || problems !== told) {
        tell(problems)
        runtime.metrics.reloadRefused()
      }
      told = problems
      return
    }
    const { config } = checked
    told = undefined
    if (config.fingerprint !== runtime.config.fingerprint) await apply(config)
    else if (isAsked) log.info({ revision: shortened(config) }, 'reload: nothing has changed')
  }

  async function apply(config: CheckedConfig): Promise<void> {
    const before = instancesOf(runtime)
    try {
      await runtime.apply(config)
    } catch (error) {
      const because = sentence(messageOf(error))
      log.error({ error }, `The new configuration was not applied, the one that is running goes on: ${because}`)
      return
    }
    // It was stopping already.
    if (runtime.config !== config) return
    const difference = differenceOf(before, instancesOf(runtime))
    log.info(
      { revision: shortened(config), ...difference, down: config.down.map(({ name }) => name) },
      `reloaded: ${inWords(difference, config)}`,
    )
    const late = readAtStart.filter(([, value]) => value(config) !== value(started)).map(([name]) => name)
    if (late.length > 0) {
      log.warn({ settings: late }, `${late.join(', ')}: changed in the file, and in force only after a restart`)
    }
  }

  /** As the files were when they were read last; at first anything counts as a change: nothing is missed meanwhile. */
  let seen: Stamps = new Map()
  let before: Stamps = new Map()
  let cancel = systemClock.after(LOOK_EVERY_MS, look)

  async function look(): Promise<void> {
    const now = await stampsOf([...always, ...named])
    if (isIn(now, before) && !isIn(now, seen)) await reload(false)
    before = now
    if (!stopped) cancel = systemClock.after(LOOK_EVERY_MS, look)
  }

  return {
    reload: () => reload(true),
    stop() {
      stopped = true
      cancel()
    },
  }
}

/** What cannot be changed while it runs. */
const readAtStart: readonly (readonly [string, (config: CheckedConfig) => unknown])[] = [
  ['server.host', ({ server }) => server.host],
  ['server.port', ({ server }) => server.port],
  ['server.maxConnections', ({ server }) => server.maxConnections],
  ['storage.folder', ({ storage }) => storage.folder],
]

/** By path, what tells one state of a file from another. */
type Stamps = ReadonlyMap<string, string>

/**
 * Changes with what a name stands for too, so that a file that is put in the place of another, and a link that is
 * turned to another folder, count. Asking is enough; to be told by the system would miss what lies on a network, in a
 * container's mount, or in a folder that was replaced.
 */
async function stampsOf(paths: readonly string[]): Promise<Stamps> {
  const stamps = paths.map(async (path) => {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
      return [path, [dev, ino, size, mtimeNs, ctimeNs].join(' ')] as const
    } catch {
      // One that is not there, or may not be read, is a state like any other: the check says so, if it matters.
      return [path, 'not there'] as const
    }
  })
  return new Map(await Promise.all(stamps))
}

/** Whether all these files are as they are there. */
function isIn(stamps: Stamps, others: Stamps): boolean {
  return [...stamps].every(([path, stamp]) => others.get(path) === stamp)
}

type Instances = ReadonlyMap<string, Instance | undefined>

function instancesOf({ config, instance }: Pick<Runtime, 'config' | 'instance'>): Instances {
  const all = [...config.channels, ...config.bots, ...config.desks, ...config.features]
  return new Map(all.map(({ name }) => [name, instance(name)]))
}

interface Difference {
  readonly started: readonly string[]
  readonly restarted: readonly string[]
  readonly stopped: readonly string[]
  readonly kept: readonly string[]
}

function differenceOf(before: Instances, after: Instances): Difference {
  const names = [...after.keys()]
  return {
    started: names.filter((name) => !before.has(name)),
    restarted: names.filter((name) => before.has(name) && before.get(name) !== after.get(name)),
    stopped: [...before.keys()].filter((name) => !after.has(name)),
    kept: names.filter((name) => before.has(name) && before.get(name) === after.get(name)),
  }
}

/** `1 started (site), 3 kept (demo, parrot, support)`, and which channels are down for what reason. */
function inWords(difference: Difference, { down }: CheckedConfig): string {
  const counts = Object.entries(difference)
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${names.length} ${what} (${names.join(', ')})`)
  const missing = down.map(({ name, use, because }) => `; ${name} (${use}) is down: ${because}`)
  return `${counts.join(', ')}${missing.join('')}`
}

function shortened({ revision }: CheckedConfig): string {
  return revision.hash.slice(0, 12)
}
