/** Small changes to a chat's place in the work. */
import type { DatabaseSync } from 'node:sqlite'
import { query } from '../connection.ts'
import type { Takes } from '../protocol.ts'

/** Puts the first waiting entry off. One that is done meanwhile stays done. */
export function postpone(db: DatabaseSync): (input: Takes<'postpone'>) => undefined {
  const set = query(
    db,
    `UPDATE chat SET fails = fails + 1, due_at = ?
     WHERE id = ? AND EXISTS (SELECT 1 FROM entry WHERE chat = ? AND seq = ? AND done_at IS NULL)`,
  )
  return ({ chat, seq, dueAtMs }) => void set.run(dueAtMs, chat, chat, seq)
}

/** Fences off whoever drains the chat. */
export function takeOver(db: DatabaseSync): (input: Takes<'takeOver'>) => undefined {
  const raise = query(db, 'UPDATE chat SET epoch = epoch + 1 WHERE id = ?')
  return ({ chat }) => void raise.run(chat)
}
