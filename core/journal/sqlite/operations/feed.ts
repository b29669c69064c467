import type { DatabaseSync } from 'node:sqlite'
import { query } from '../connection.ts'
import type { Takes } from '../protocol.ts'

/** Appends to the numbered log of a topic. Gives the number: one more than the last. */
export function publish(db: DatabaseSync): (input: Takes<'publish'>) => number {
  const last = query<{ n: number | null }>(db, 'SELECT max(n) AS n FROM feed WHERE topic = ?')
  const add = query(db, 'INSERT INTO feed VALUES (?, ?, ?, ?)')
  return ({ topic, itemJson, nowMs }) => {
    const n = (last.get(topic)?.n ?? 0) + 1
    add.run(topic, n, nowMs, itemJson)
    return n
  }
}
