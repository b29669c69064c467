import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SwitchboardError } from '../../errors.ts'
import { createPrivate } from './connection.ts'

/** SQLite's result when another connection holds the lock. Source: https://sqlite.org/rescode.html#busy, 2026-11-21. */
const SQLITE_BUSY = 5

/**
 * Makes the storage folder this process's own, until the returned function is called or the process ends, however it
 * ends: the lock is one of the operating system's, on `lock.sqlite`. Throws `JOURNAL_LOCKED` when another holds it, be
 * it in this same process. (Nothing else may open that file: POSIX drops a process's locks on a file with the first
 * descriptor of it that is closed. SQLite knows, and takes care of its own.)
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'lock.sqlite')
  createPrivate(file)
  const db = new DatabaseSync(file, { timeout: 0 })
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (!isBusy(error)) throw error
    throw new SwitchboardError('JOURNAL_LOCKED', { detail: `(${folder})`, cause: error })
  }
  return () => db.close()
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}
