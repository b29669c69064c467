import type { DatabaseSync } from 'node:sqlite'
import { query } from '../connection.ts'

/** A write that means nothing: whether it can be made says whether the journal can be written (again). */
export function probe(db: DatabaseSync): () => undefined {
  const write = query(db, `INSERT INTO trimmed VALUES ('probe', 1) ON CONFLICT DO UPDATE SET up_to = up_to + 1`)
  return () => void write.run()
}
