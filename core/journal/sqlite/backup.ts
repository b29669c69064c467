/** Copies a storage folder, whether a process works in it or not. */
import { existsSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { copyJournal } from './copy.ts'

/**
 * Copies the journal as it is at one moment, then the documents and the media, into `to` (made if need be), which can
 * then be used as a storage folder: that is how a backup is restored. A file of the media that comes or goes meanwhile
 * is fetched again, or not missed. Throws when `to` holds a journal already.
 */
export async function backupFolder(folder: string, to: string): Promise<void> {
  const copy = join(to, 'journal.sqlite')
  if (existsSync(copy)) throw new Error(`${copy} is there already. Name a folder of its own for each backup.`)
  await mkdir(to, { recursive: true, mode: 0o700 })
  await copyJournal(join(folder, 'journal.sqlite'), copy)
  for (const beside of ['documents', 'media']) {
    const from = join(folder, beside)
    if (existsSync(from)) await cp(from, join(to, beside), { recursive: true, errorOnExist: false })
  }
}
