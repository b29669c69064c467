import { rename, rm } from 'node:fs/promises'
import { backup } from 'node:sqlite'
import { createPrivate, openReading } from './connection.ts'

/** Pages copied at once; others read and write in between. */
const PAGES = 1000

/** Copies a journal as it is at one moment, while others write to it. The file has its name only when it is whole. */
export async function copyJournal(file: string, to: string): Promise<void> {
  const partial = `${to}.partial`
  await rm(partial, { force: true })
  createPrivate(partial)
  const db = openReading(file)
  try {
    // Holds that moment: otherwise SQLite would begin again whenever another connection has written.
    db.exec('BEGIN; SELECT 1 FROM chat LIMIT 1')
    await backup(db, partial, { rate: PAGES })
  } finally {
    db.close()
  }
  await rename(partial, to)
}
