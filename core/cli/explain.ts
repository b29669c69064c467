/** `switchboard explain`: how it is put together; what happened, and why; and whether it would happen again. */
import { messageOf } from '../errors.ts'
import { readJournal } from '../journal/sqlite/read-journal.ts'
import { refuseOutside } from '../rehearsal/nothing-outside.ts'
import { rehearse } from '../rehearsal/rehearse.ts'
import { makeLog } from '../services/log.ts'
import { readConfig, readEnvironment, readStorageFolder } from './read-config.ts'
import { replay } from './replay.ts'
import { resolvedAsText, resolvedPipeline } from './resolved.ts'
import { readStory, storyAsText } from './story.ts'

/** The resolved pipeline: every plugin is set up, with nothing outside, to see what it listens to. */
export async function explain(file: string, json: boolean): Promise<void> {
  const config = await readConfig(file)
  if (!config) return
  using _ = refuseOutside()
  try {
    await using rehearsal = await rehearse(config, { log: makeLog({ level: 'silent' }) })
    const resolved = resolvedPipeline(config, rehearsal.runtime.plan)
    process.stdout.write(json ? asJson(resolved) : resolvedAsText(resolved))
    for (const warning of rehearsal.warnings) process.stderr.write(`${warning}\n`)
  } catch (error) {
    process.stderr.write(`It could not be set up: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}

/** What happened in a chat or to one event. */
export async function explainOf(file: string, id: string, json: boolean): Promise<void> {
  await withJournal(file, async (journal, folder) => {
    const story = await readStory(journal.read, id)
    if (!story) return unknown(folder, id)
    process.stdout.write(json ? asJson(story) : storyAsText(story))
  })
}

/** Runs a chat again. */
export async function explainReplay(file: string, customer: string, json: boolean): Promise<void> {
  using _ = refuseOutside()
  await withJournal(file, async (journal, folder) => {
    const replayed = await replay(journal.read, customer, { env: readEnvironment(file) }, json)
    if (!replayed) return unknown(folder, customer)
    process.stdout.write(replayed.text)
    if (!replayed.isSame) process.exitCode = 1
  })
}

async function withJournal(
  file: string,
  look: (journal: NonNullable<ReturnType<typeof readJournal>>, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await readStorageFolder(file)
  if (folder === undefined) return
  const journal = readJournal(folder)
  if (!journal) {
    process.stdout.write(`There is no journal in ${folder} yet.\n`)
    process.exitCode = 1
    return
  }
  try {
    await look(journal, folder)
  } finally {
    await journal.close()
  }
}

function unknown(folder: string, id: string): void {
  process.stdout.write(`The journal in ${folder} knows no customer and no event "${id}".\n`)
  process.exitCode = 1
}

function asJson(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
