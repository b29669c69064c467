/** Notes that the process was ended because something blocked its thread, from the thread that ends it. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../../services/clock.ts'

/**
 * Notes that the thread was blocked while this entry was handled, which counts it one more time; or while this delivery
 * was sent, which makes it dead: the next process must not be blocked by it again. (What it reserved stays used, since
 * nobody knows whether the platform has it.) Opens the journal for itself, since the thread that would have to ask the
 * writer is the one that is blocked; nothing else may, for a second writer makes the first one wait.
 */
export function noteBlocked(folder: string, id: string): void {
  const journal = new DatabaseSync(join(folder, 'journal.sqlite'), { timeout: 2_000 })
  try {
    const entries = journal.prepare('UPDATE entry SET blocked = blocked + 1 WHERE id = ?').run(id)
    if (entries.changes > 0) return
    journal
      .prepare(
        `UPDATE delivery SET state = 'dead', code = 'PLUGIN_BLOCKS', attempts = attempts + 1, done_at = ?
         WHERE id = ? AND state IN ('pending', 'sending')`,
      )
      .run(systemClock.now(), id)
  } finally {
    journal.close()
  }
}
