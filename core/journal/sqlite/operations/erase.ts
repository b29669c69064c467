/**
 * Erasing one customer: what was said with them, and what is known of them, a slice of at most 200 entries at once, so
 * that nobody waits for it. Begun again after a crash, it goes on where it was: the customer goes last, and in the same
 * transaction it is noted which plugins have still to erase what is theirs.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { ChatRow, ChatWasRow, ConversationRow, CustomerRow, DeliveryRow, EntryRow } from '../../tables.ts'
import { query } from '../connection.ts'
import type { EraseOutput, Takes } from '../protocol.ts'
import { customerIndex } from './customer-index.ts'
import { WHO_THEY_ARE } from './customers.ts'
import { knownAsQuery } from './known-as.ts'

const SLICE = 200

/** As which the journal itself stands among those who have still to forget something. No instance is called so. */
export const THE_JOURNAL = ''

/** Whose an entry was that is no conversation's; null: whose the chat is now. */
const whoseThen = (entry: string): string =>
  `(SELECT w.customer FROM chat_was w WHERE w.chat = ${entry}.chat AND w.until_seq >= ${entry}.seq ORDER BY w.until_seq LIMIT 1)`

export function eraseCustomer(db: DatabaseSync): (input: Takes<'eraseCustomer'>) => EraseOutput {
  const find = query<Pick<CustomerRow, 'id'>>(db, `SELECT id FROM customer WHERE id = ${WHO_THEY_ARE}`)
  // Of somebody who shares a chat with others (a browser, say) also those that were theirs, or had a conversation of theirs.
  // What waits to be sent to the customer is erased with the rest: it may wait for an event that never comes.
  const chatsOf = query<Pick<ChatRow, 'id' | 'customer' | 'pending' | 'conversation'> & { open: number }>(
    db,
    `SELECT id, customer, pending, conversation, EXISTS (
       SELECT 1 FROM delivery WHERE chat = chat.id AND state IN ('pending', 'sending')
         AND (state = 'sending' OR destination <> 'channel')) AS open
     FROM chat WHERE customer = ? OR id IN (SELECT chat FROM conversation WHERE customer = ?)
       OR id IN (SELECT chat FROM chat_was WHERE customer = ?)`,
  )
  const entriesOf = query<Pick<EntryRow, 'id'> & { rowid: number }>(
    db,
    `SELECT e.rowid, e.id FROM entry e LEFT JOIN conversation v ON v.id = e.conversation
     WHERE e.chat = ? AND coalesce(v.customer, ${whoseThen('e')}, ?) = ? LIMIT ?`,
  )
  const deliveriesOf = query<Pick<DeliveryRow, 'id'>>(db, 'SELECT id FROM delivery WHERE entry = ?')
  const removeAttempts = query(db, 'DELETE FROM delivery_attempt WHERE delivery = ?')
  const removeDeliveries = query(db, 'DELETE FROM delivery WHERE entry = ?')
  const removeMedia = query(db, 'DELETE FROM media WHERE entry = ?')
  const removeEntry = query(db, 'DELETE FROM entry WHERE rowid = ?')
  const removeConversations = query(db, 'DELETE FROM conversation WHERE customer = ?')
  const whoElse = query<Pick<ConversationRow, 'customer'>>(
    db,
    'SELECT customer FROM conversation WHERE chat = ? AND customer <> ? ORDER BY opened_at DESC LIMIT 1',
  )
  const whoElseWas = query<Pick<ChatWasRow, 'customer'>>(
    db,
    'SELECT customer FROM chat_was WHERE chat = ? AND customer <> ? ORDER BY until_seq DESC LIMIT 1',
  )
  const removeWas = query(db, 'DELETE FROM chat_was WHERE customer = ?')
  const give = query(db, 'UPDATE chat SET customer = ?, question_json = NULL WHERE id = ?')
  const ofChat = ['state', 'wake'].map((table) => query(db, `DELETE FROM ${table} WHERE chat = ?`))
  const removeChat = query(db, 'DELETE FROM chat WHERE id = ?')
  const removeMerged = query(db, 'DELETE FROM customer WHERE merged_into = ?')
  const remove = query(db, 'DELETE FROM customer WHERE id = ?')
  const forget = query(db, 'DELETE FROM customer_found WHERE rowid = (SELECT n FROM customer WHERE id = ?)')
  const { changed } = customerIndex(db)
  const knownAs = knownAsQuery(db)
  const owners = query<{ owner: string }>(db, "SELECT DISTINCT owner FROM migration WHERE owner > ''")
  const note = query(db, 'INSERT OR REPLACE INTO erasure VALUES (?, ?, ?, ?)')

  function removeEntries(chat: Pick<ChatRow, 'id' | 'customer'>, customer: string): number {
    const slice = entriesOf.all(chat.id, chat.customer, customer, SLICE)
    for (const { rowid, id } of slice) {
      for (const delivery of deliveriesOf.all(id)) removeAttempts.run(delivery.id)
      removeDeliveries.run(id)
      removeMedia.run(id)
      removeEntry.run(rowid)
    }
    return slice.length
  }

  return ({ id: given, nowMs, instances }) => {
    const id = find.get(given, given)?.id
    if (id === undefined) return { state: 'not-found', entries: 0 }
    const chats = chatsOf.all(id, id, id)
    const own = chats.filter(({ customer }) => customer === id)
    if (own.some(({ pending, conversation, open }) => pending > 0 || conversation !== null || open === 1))
      return { state: 'busy', entries: 0 }
    for (const chat of chats) {
      const entries = removeEntries(chat, id)
      if (entries > 0) return { state: 'more', entries }
    }
    const gone: string[] = []
    for (const chat of own) {
      for (const each of ofChat) each.run(chat.id)
      const other = (whoElse.get(chat.id, id) ?? whoElseWas.get(chat.id, id))?.customer
      if (other === undefined) gone.push(chat.id)
      else {
        give.run(other, chat.id)
        changed(other)
      }
    }
    const known = knownAs.get(id, id)?.known_as_json ?? ''
    const withTables = owners.all().map(({ owner }) => owner)
    for (const instance of new Set([THE_JOURNAL, ...instances, ...withTables])) note.run(id, instance, nowMs, known)
    removeConversations.run(id)
    removeWas.run(id)
    for (const chat of gone) removeChat.run(chat)
    removeMerged.run(id)
    forget.run(id)
    remove.run(id)
    return { state: 'erased', entries: 0 }
  }
}
