/** `switchboard start`: runs it until a signal comes, and follows its configuration file. */
import { messageOf } from '../errors.ts'
import { startRuntime } from '../runtime/runtime.ts'
import { makeLog, type RuntimeLog } from '../services/log.ts'
import { readConfig } from './read-config.ts'
import { type Follower, followConfig } from './reload.ts'

export async function start(file: string): Promise<void> {
  const following = Promise.withResolvers<Follower>()
  // First: without this, the signal ends the process.
  reloadOnSignal(following.promise)
  const config = await readConfig(file, 'start')
  if (!config) return
  const log = makeLog({ level: 'info' })
  try {
    const runtime = await startRuntime(config, {
      log,
      watchdog: true,
      onJournalGone(error) {
        log.error({ error }, 'The journal can no longer be written. The process ends; start it again.')
        process.exit(1)
      },
    })
    outliveStrayErrors(log)
    const follower = followConfig(file, runtime, { log, tell: (problems) => process.stderr.write(problems) })
    following.resolve(follower)
    stopOnSignal(async () => {
      follower.stop()
      log.info({}, 'stopping: turns under way are finished first')
      await runtime.stop()
      log.info({}, 'stopped')
    })
    // Last: whoever has read this may send signals.
    const channels = config.channels.map(({ name, use }) => `${name} (${use})`).join(', ')
    log.info({ url: runtime.url, revision: config.revision.hash.slice(0, 12) }, `ready: ${channels} at ${runtime.url}`)
  } catch (error) {
    log.error({ error }, `It could not be started: ${messageOf(error)}`)
    process.exitCode = 1
  }
}

/** What a plugin throws where nobody waits for it hurts nobody else: it is logged, with the place in its stack. */
function outliveStrayErrors(log: RuntimeLog): void {
  const note = (error: unknown) => log.error({ error }, `An error that nobody waits for: ${messageOf(error)}`)
  process.on('uncaughtException', note)
  process.on('unhandledRejection', note)
}

/**
 * SIGHUP reloads; one that comes while it starts does so once it is ready. On a terminal it says that the terminal was
 * closed, and ends the process as it always does.
 */
function reloadOnSignal(following: Promise<Follower>): void {
  if (!process.stdout.isTTY) process.on('SIGHUP', () => void following.then((follower) => follower.reload()))
}

/** The first signal stops in order; a second one at once. */
function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(signal === 'SIGINT' ? 130 : 143)
    stopping = true
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`It could not be stopped in order: ${messageOf(error)}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}
