/** What is known of a customer, changed only where something is given; and who a customer turns out to be. */
import type { DatabaseSync } from 'node:sqlite'
import type { Json } from '../../../message.ts'
import type { ChatRow, CustomerRow, CustomerThen } from '../../tables.ts'
import { parse, query } from '../connection.ts'
import type { PatchInput } from '../protocol.ts'

/** Twice the id of a customer, who may have turned out to be another one. */
export const WHO_THEY_ARE = 'coalesce((SELECT merged_into FROM customer WHERE id = ?), ?)'

/** Merges a patch into the customer, and writes only what it changes: most events say nothing new of their sender. */
export function patchCustomer(db: DatabaseSync): (customer: string, patch: PatchInput) => undefined {
  const find = query<Pick<CustomerRow, 'id' | 'name' | 'language' | 'avatar_url' | 'fields_json'>>(
    db,
    `SELECT id, name, language, avatar_url, fields_json FROM customer WHERE id = ${WHO_THEY_ARE}`,
  )
  const change = query(db, 'UPDATE customer SET name = ?, language = ?, avatar_url = ?, fields_json = ? WHERE id = ?')
  return (customer, patch) => {
    const now = find.get(customer, customer)
    if (now === undefined) return
    const name = patch.name ?? now.name
    const language = patch.language ?? now.language
    const avatarUrl = patch.avatarUrl ?? now.avatar_url
    const fieldsJson = patch.fieldsJson === null ? now.fields_json : merged(now.fields_json, patch.fieldsJson)
    if (
      name !== now.name ||
      language !== now.language ||
      avatarUrl !== now.avatar_url ||
      fieldsJson !== now.fields_json
    ) {
      change.run(name, language, avatarUrl, fieldsJson, now.id)
    }
  }
}

function merged(nowJson: string, patchJson: string): string {
  return JSON.stringify({ ...parse<{ [key: string]: Json }>(nowJson), ...parse<{ [key: string]: Json }>(patchJson) })
}

export interface Identities {
  /** The customer who is known by this id elsewhere. */
  find(userId: string): string | undefined
  /**
   * Gives whose the chat is from now on, which is known to be that of `userId`. `newCustomer`: the id of a customer who
   * has to be made for that.
   */
  identify(chat: Pick<ChatRow, 'id' | 'customer'>, userId: string, newCustomer: string, nowMs: number): string
  /** A customer who is known elsewhere, for a replay; `was`: whose the chat was before. */
  snapshot(customer: string, was: string): CustomerThen | undefined
}

export function identities(db: DatabaseSync): Identities {
  const byUserId = query<Pick<CustomerRow, 'id'>>(db, 'SELECT id FROM customer WHERE user_id = ?')
  const byId = query<CustomerRow>(db, 'SELECT * FROM customer WHERE id = ?')
  const known = query<Omit<CustomerThen, 'was'>>(
    db,
    `SELECT id, name, language, avatar_url, tags_json, fields_json, user_id FROM customer
     WHERE id = ? AND user_id IS NOT NULL`,
  )
  const add = query(db, 'INSERT INTO customer (id, first_at, last_at, user_id) VALUES (?, ?, ?, ?)')
  const setUserId = query(db, 'UPDATE customer SET user_id = ? WHERE id = ?')
  const complete = query(
    db,
    `UPDATE customer SET name = ?, language = ?, avatar_url = ?, tags_json = ?, fields_json = ?, first_at = ?
     WHERE id = ?`,
  )
  const moveChat = query(db, 'UPDATE chat SET customer = ? WHERE id = ?')
  const moveAll = query(db, 'UPDATE conversation SET customer = ? WHERE chat = ?')
  const moveOpen = query(db, "UPDATE conversation SET customer = ? WHERE chat = ? AND state <> 'closed'")
  const leave = query(
    db,
    'UPDATE customer SET merged_into = ? WHERE id = ? AND NOT EXISTS (SELECT 1 FROM chat WHERE customer = ?)',
  )

  /** What only the one knew is kept where the other has nothing. */
  function merge(from: CustomerRow, into: CustomerRow): void {
    const tags = new Set([...parse<readonly string[]>(into.tags_json), ...parse<readonly string[]>(from.tags_json)])
    complete.run(
      into.name ?? from.name,
      into.language ?? from.language,
      into.avatar_url ?? from.avatar_url,
      JSON.stringify([...tags]),
      merged(from.fields_json, into.fields_json),
      Math.min(into.first_at, from.first_at),
      into.id,
    )
  }

  return {
    find: (userId) => byUserId.get(userId)?.id,

    identify(chat, userId, newCustomer, nowMs) {
      const now = byId.get(chat.customer)
      if (now === undefined || now.user_id === userId) return chat.customer
      const knownAs = byUserId.get(userId)?.id
      const found = knownAs === undefined ? undefined : byId.get(knownAs)
      if (now.user_id === null) {
        if (found === undefined) {
          setUserId.run(userId, now.id)
          return now.id
        }
        merge(now, found)
        moveChat.run(found.id, chat.id)
        moveAll.run(found.id, chat.id)
        leave.run(found.id, now.id, now.id)
        return found.id
      }
      // Somebody else in the same place: neither has anything of the other, and what is over stays whose it was.
      if (found === undefined) add.run(newCustomer, nowMs, nowMs, userId)
      const other = found?.id ?? newCustomer
      moveChat.run(other, chat.id)
      moveOpen.run(other, chat.id)
      return other
    },

    snapshot(customer, was) {
      const now = known.get(customer)
      return now && (was === customer ? now : { ...now, was })
    },
  }
}
