import type { DatabaseSync } from 'node:sqlite'
import { query } from '../connection.ts'
import type { MediaInput } from '../protocol.ts'
import { Refused } from './refused.ts'

/** Notes what became of fetching a file. */
export function recordMedia(db: DatabaseSync): (result: MediaInput) => undefined {
  const set = query(
    db,
    `UPDATE media SET state = ?, attempts = attempts + 1, next_at = ?, file = ?, mime_type = ?, size_bytes = ?, error = ?
     WHERE id = ?`,
  )
  return ({ id, state, nextAtMs, file, mimeType, sizeBytes, error }) => {
    const { changes } = set.run(state, nextAtMs, file, mimeType, sizeBytes, error, id)
    if (changes === 0) throw new Refused(`There is no file ${id}.`)
  }
}
