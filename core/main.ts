/** The command line: `switchboard start | check | explain | test | simulate | doctor | backup | people`, the configuration file as optional argument. */
import { parseArgs } from 'node:util'
import { useBundles } from './bundles/use.ts'

const DEFAULT_CONFIG = 'config/switchboard.yaml'

const COMMANDS = ['start', 'check', 'explain', 'test', 'simulate', 'doctor', 'backup', 'people'] as const

const USAGE = `Usage: switchboard <command> [configuration file]

  start               run it (${DEFAULT_CONFIG} if no file is given)
  check               read and check everything, start nothing
  explain             how it is put together: who has a say on each channel, in which order, at which line
  explain TOPIC       what a plugin tells of its own settings, such as: explain identities
  explain TOPIC NAME  … of one of them, such as: explain agent amy
  explain --of ID     what happened in a chat (a customer's id) or to one event or command, and why
  explain --replay ID run a customer's chats again from the journal, and tell what ends otherwise
  test                play the scenarios beside it (NAME.test.yaml beside NAME.yaml), with nothing outside
  simulate PLATFORM   play the customers of a simulated platform, such as: simulate wechat
  doctor              ask the platforms whether accounts, rights and addresses are as they should be, and what to click
  backup --to FOLDER  copy the journal and the documents, while it runs or not
  people invite NAME  a link by which somebody at a desk sets a password, while it runs or not

  --keep FOLDER       for simulate: keep its journal there
  --json              for check, explain, test, doctor and people: what they find as JSON

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
  useBundles()
  await run(parsed)
  // What a plugin has left running keeps no command from ending.
  if (parsed.command !== 'start') process.stdout.write('', () => process.exit())
}

async function run({
  command,
  file,
  topic,
  name,
  json,
  to,
  of,
  replay,
  person,
  platform,
  keep,
}: NonNullable<ReturnType<typeof parse>>): Promise<void> {
  // Each command loads what it needs itself: most of it is needed by `start` alone.
  if (command === 'start') return (await import('./cli/start.ts')).start(file)
  if (command === 'check') return (await import('./cli/check.ts')).check(file, json)
  if (command === 'test') return (await import('./cli/test.ts')).test(file, json)
  if (command === 'simulate' && platform !== undefined)
    return (await import('./cli/simulate.ts')).simulatePlatform(file, platform, keep)
  if (command === 'doctor') return (await import('./cli/doctor.ts')).doctor(file, json)
  if (command === 'backup' && to !== undefined) return (await import('./cli/backup.ts')).backup(file, to)
  if (command === 'people' && person !== undefined)
    return (await import('./cli/people.ts')).invitePerson(file, person, json)
  if (command === 'explain' && replay === undefined && of === undefined && topic !== undefined)
    return (await import('./cli/topics.ts')).explainTopic(file, { topic, name, json })
  if (command === 'explain') {
    const { explain, explainOf, explainReplay } = await import('./cli/explain.ts')
    if (replay !== undefined) return explainReplay(file, replay, json)
    return of === undefined ? explain(file, json) : explainOf(file, of, json)
  }
  process.stderr.write(USAGE)
  process.exitCode = 2
}

function parse(args: readonly string[]) {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        to: { type: 'string' },
        of: { type: 'string' },
        replay: { type: 'string' },
        keep: { type: 'string' },
      },
    })
    const [command, ...after] = positionals
    const known = COMMANDS.find((name) => name === command)
    // A plain word is no file: those have an ending, or a folder before them.
    const word = () => (known === 'explain' && /^[\w-]+$/.test(after[0] ?? '') ? after.shift() : undefined)
    const topic = word()
    const name = word()
    const isInvite = known === 'people' && after[0] === 'invite'
    const person = isInvite ? after.splice(0, 2)[1] : undefined
    const platform = known === 'simulate' ? after.shift() : undefined
    const [file = DEFAULT_CONFIG, ...rest] = after
    return known === undefined || rest.length > 0
      ? undefined
      : { command: known, file, topic, name, person, platform, ...values }
  } catch {
    // parseArgs names an option that does not exist; the usage does so too.
    return undefined
  }
}
