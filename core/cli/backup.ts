/** `switchboard backup`: copies the journal and the documents, while it runs or not. */
import { resolve } from 'node:path'
import { messageOf } from '../errors.ts'
import { backupFolder } from '../journal/sqlite/backup.ts'
import { readConfig } from './read-config.ts'

export async function backup(file: string, to: string): Promise<void> {
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
