/** Notes that the process was ended while an entry was handled, from the thread that ends it. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * Counts one more time that this entry blocked the thread. Opens the journal for itself, since the thread that would
 * have to ask the writer is the one that is blocked; nothing else may, for a second writer makes the first one wait.
 */
export function noteBlocked(folder: string, entry: string): void {
  const journal = new DatabaseSync(join(folder, 'journal.sqlite'), { timeout: 2_000 })
  try {
    journal.prepare('UPDATE entry SET blocked = blocked + 1 WHERE id = ?').run(entry)
  } finally {
    journal.close()
  }
}
