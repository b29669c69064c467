/** The command line: `switchboard start | check | explain | backup`, the configuration file as optional argument. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { checkConfig } from './config/check.ts'
import type { CheckedConfig } from './config/checked.ts'
import { formatProblems, problemsAsJson } from './config/report.ts'
import { routesInWords } from './config/routes-in-words.ts'
import { messageOf } from './errors.ts'
import { explain } from './explain.ts'
import { backupFolder } from './journal/sqlite/backup.ts'
import { readJournal } from './journal/sqlite/read-journal.ts'
import { startRuntime } from './runtime/runtime.ts'
import { makeLog, type RuntimeLog } from './services/log.ts'

const DEFAULT_CONFIG = 'config/switchboard.yaml'

const COMMANDS = ['start', 'check', 'explain', 'backup'] as const

const USAGE = `Usage: switchboard <command> [configuration file]

  start               run it (${DEFAULT_CONFIG} if no file is given)
  check               read and check everything, start nothing
  explain --of ID     what happened in a chat (a customer's id) or to one event, and why
  backup --to FOLDER  copy the journal and the documents, while it runs or not

  --json              for check: problems as JSON

Exit status: 0 well, 1 problems found, 2 wrong use.
`

/** Runs one command and sets the exit status. */
export async function main(args: readonly string[]): Promise<void> {
  const parsed = parse(args)
  if (!parsed) {
    process.stderr.write(USAGE)
    process.exitCode = 2
    return
  }
  const { command, file, json, to, of } = parsed
  loadEnvironment(file)
  if (command === 'start') return start(file)
  if (command === 'check') return check(file, json)
  if (command === 'explain' && of !== undefined) return tell(file, of)
  if (command === 'backup' && to !== undefined) return backup(file, to)
  process.stderr.write(USAGE)
  process.exitCode = 2
}

function parse(args: readonly string[]) {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, to: { type: 'string' }, of: { type: 'string' } },
    })
    const [command, file = DEFAULT_CONFIG, ...rest] = positionals
    const known = COMMANDS.find((name) => name === command)
    return known === undefined || rest.length > 0 ? undefined : { command: known, file, ...values }
  } catch {
    // parseArgs names an option that does not exist; the usage does so too.
    return undefined
  }
}

/** `switchboard.env` beside `switchboard.yaml` may hold the variables; what the environment has already, wins. */
function loadEnvironment(file: string): void {
  const path = resolve(file).replace(/\.ya?ml$/, '.env')
  if (path !== resolve(file) && existsSync(path)) process.loadEnvFile(path)
}

async function start(file: string): Promise<void> {
  const checked = await checkConfig(file, { env: process.env })
  if (!checked.ok) {
    process.stderr.write(formatProblems(checked.problems, 'start'))
    process.exitCode = 1
    return
  }
  const { config } = checked
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
    const channels = config.channels.map(({ name, use }) => `${name} (${use})`).join(', ')
    log.info({ url: runtime.url, revision: config.revision.hash.slice(0, 12) }, `ready: ${channels} at ${runtime.url}`)
    outliveStrayErrors(log)
    stopOnSignal(async () => {
      log.info({}, 'stopping: turns under way are finished first')
      await runtime.stop()
      log.info({}, 'stopped')
    })
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

async function check(file: string, json: boolean): Promise<void> {
  const checked = await checkConfig(file, { env: process.env })
  if (checked.ok) {
    process.stdout.write(json ? problemsAsJson([]) : `${routesInWords(checked.config)}\n`)
    return
  }
  process.stdout.write(json ? problemsAsJson(checked.problems) : formatProblems(checked.problems, 'check'))
  process.exitCode = 1
}

async function tell(file: string, id: string): Promise<void> {
  const config = await readConfig(file)
  const journal = config && readJournal(config.storage.folder)
  if (!config) return
  const story = journal && (await explain(journal.read, id))
  await journal?.close()
  process.stdout.write(story ?? `The journal in ${config.storage.folder} knows no customer and no event "${id}".\n`)
  if (story === undefined) process.exitCode = 1
}

async function backup(file: string, to: string): Promise<void> {
  const config = await readConfig(file)
  if (!config) return
  try {
    await backupFolder(config.storage.folder, to)
    process.stdout.write(`${resolve(to)} is a storage folder now: name it under storage.folder to start from it.\n`)
  } catch (error) {
    process.stderr.write(`The backup could not be made: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}

/** The checked configuration; when there are problems they are written out, and the exit status says so. */
async function readConfig(file: string): Promise<CheckedConfig | undefined> {
  const checked = await checkConfig(file, { env: process.env })
  if (checked.ok) return checked.config
  process.stderr.write(formatProblems(checked.problems, 'check'))
  process.exitCode = 1
  return undefined
}
