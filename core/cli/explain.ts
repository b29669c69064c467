/** `switchboard explain`: what happened, and why. */
import { readJournal } from '../journal/sqlite/read-journal.ts'
import { readConfig } from './read-config.ts'
import { storyOf } from './story.ts'

export async function explain(file: string, id: string): Promise<void> {
  const config = await readConfig(file)
  const journal = config && readJournal(config.storage.folder)
  if (!config) return
  const story = journal && (await storyOf(journal.read, id))
  await journal?.close()
  process.stdout.write(story ?? `The journal in ${config.storage.folder} knows no customer and no event "${id}".\n`)
  if (story === undefined) process.exitCode = 1
}
