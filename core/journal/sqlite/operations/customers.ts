/** What is known of a customer, changed only where something is given; and who a customer turns out to be. */
import type { DatabaseSync } from 'node:sqlite'
import type { Json } from '../../../message.ts'
import type { MergeResult } from '../../engine.ts'
import type { ChatRow, CustomerRow, CustomerThen } from '../../tables.ts'
import { parse, query } from '../connection.ts'
import type { PatchInput } from '../protocol.ts'
import { customerIndex, foundNames } from './customer-index.ts'

/** Twice the id of a customer, who may have turned out to be another one. */
export const WHO_THEY_ARE = 'coalesce((SELECT merged_into FROM customer WHERE id = ?), ?)'

/** What our side says of a customer, merged into what is known, and into what they are found by. */
export function patchCustomer(db: DatabaseSync): (customer: string, patch: PatchInput) => undefined {
  const change = patchOf(db)
  const { changed } = customerIndex(db)
  return (customer, patch) => {
    const renamed = change(customer, patch, 'ours')?.renamed
    if (renamed !== undefined) changed(renamed)
  }
}

/**
 * Merges a patch into the customer, and writes only what it changes: most events say nothing new of their sender; then
 * it gives nothing. A name that our side gave stays, whatever they call themselves on a platform. `renamed`: who is found
 * by other names then, for the caller to note it.
 */
export function patchOf(
  db: DatabaseSync,
): (
  customer: string,
  patch: PatchInput,
  whose: 'ours' | 'platform',
) => { readonly renamed: string | undefined } | undefined {
  const find = query<Pick<CustomerRow, 'id' | 'name' | 'name_is_ours' | 'language' | 'avatar_url' | 'fields_json'>>(
    db,
    `SELECT id, name, name_is_ours, language, avatar_url, fields_json FROM customer WHERE id = ${WHO_THEY_ARE}`,
  )
  const change = query(
    db,
    'UPDATE customer SET name = ?, name_is_ours = ?, language = ?, avatar_url = ?, fields_json = ? WHERE id = ?',
  )
  return (customer, patch, whose) => {
    const now = find.get(customer, customer)
    if (now === undefined) return undefined
    const isOurs = whose === 'ours' && patch.name !== null ? 1 : now.name_is_ours
    const name = whose === 'platform' && now.name_is_ours === 1 ? now.name : (patch.name ?? now.name)
    const language = patch.language ?? now.language
    const avatarUrl = patch.avatarUrl ?? now.avatar_url
    const fieldsJson = patch.fieldsJson === null ? now.fields_json : merged(now.fields_json, patch.fieldsJson)
    const isSame =
      name === now.name &&
      isOurs === now.name_is_ours &&
      language === now.language &&
      avatarUrl === now.avatar_url &&
      fieldsJson === now.fields_json
    if (isSame) return undefined
    change.run(name, isOurs, language, avatarUrl, fieldsJson, now.id)
    return { renamed: foundNames(name, fieldsJson) === foundNames(now.name, now.fields_json) ? undefined : now.id }
  }
}

function merged(nowJson: string, patchJson: string): string {
  return JSON.stringify({ ...parse<{ [key: string]: Json }>(nowJson), ...parse<{ [key: string]: Json }>(patchJson) })
}

/** Without what was taken away. */
function somethingOf(json: string): string {
  const fields = Object.entries(parse<{ [key: string]: Json }>(json))
  return JSON.stringify(Object.fromEntries(fields.filter(([, value]) => value !== null)))
}

/** Gives the tags that the customer has then; `undefined`: there is no such customer. */
export function tagCustomer(
  db: DatabaseSync,
): (input: { id: string; add: readonly string[]; remove: readonly string[] }) => readonly string[] | undefined {
  const find = query<Pick<CustomerRow, 'id' | 'tags_json'>>(
    db,
    `SELECT id, tags_json FROM customer WHERE id = ${WHO_THEY_ARE}`,
  )
  const change = query(db, 'UPDATE customer SET tags_json = ? WHERE id = ?')
  const { changed } = customerIndex(db)
  return ({ id, add, remove }) => {
    const now = find.get(id, id)
    if (now === undefined) return undefined
    const before = parse<readonly string[]>(now.tags_json)
    const tags = [...new Set([...before, ...add])].filter((tag) => !remove.includes(tag))
    if (tags.join('\n') !== before.join('\n')) {
      change.run(JSON.stringify(tags), now.id)
      changed(now.id)
    }
    return tags
  }
}

export interface Identities {
  /** The customer who is known by this id elsewhere. */
  find(userId: string): string | undefined
  /**
   * Gives whose the chat is from now on, which is known to be that of `userId`. `newCustomer`: the id of a customer who
   * has to be made for that.
   */
  identify(chat: Pick<ChatRow, 'id' | 'customer' | 'seq'>, userId: string, newCustomer: string, nowMs: number): string
  /** Somebody on our side says that these two are one: from now on `into`. */
  join(from: string, into: string): MergeResult
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
  const add = query(db, 'INSERT INTO customer (id, first_at, last_at, user_id, n) VALUES (?, ?, ?, ?, ?)')
  const whoItIs = query<Pick<CustomerRow, 'id'>>(db, `SELECT id FROM customer WHERE id = ${WHO_THEY_ARE}`)
  const moveChats = query(db, 'UPDATE chat SET customer = ? WHERE customer = ?')
  const moveConversations = query(db, 'UPDATE conversation SET customer = ? WHERE customer = ?')
  const leave = query(db, 'UPDATE customer SET merged_into = ?, user_id = NULL WHERE id = ? OR merged_into = ?')
  const setUserId = query(db, 'UPDATE customer SET user_id = ? WHERE id = ?')
  const complete = query(
    db,
    `UPDATE customer SET name = ?, name_is_ours = ?, language = ?, avatar_url = ?, tags_json = ?, fields_json = ?,
       first_at = ?, last_at = ? WHERE id = ?`,
  )
  const { place, changed } = customerIndex(db)
  const setPlace = query(db, 'UPDATE customer SET n = ? WHERE id = ?')
  const forget = query(db, 'DELETE FROM customer_found WHERE rowid = ?')
  const moveChat = query(db, 'UPDATE chat SET customer = ? WHERE id = ?')
  const moveAll = query(db, 'UPDATE conversation SET customer = ? WHERE chat = ?')
  const moveOpen = query(db, "UPDATE conversation SET customer = ? WHERE chat = ? AND state <> 'closed'")
  const wasTheirs = query(db, 'INSERT INTO chat_was VALUES (?, ?, ?)')
  const moveWas = query(db, 'UPDATE chat_was SET customer = ? WHERE customer = ?')
  const hasChats = query<{ id: string }>(db, 'SELECT id FROM chat WHERE customer = ? LIMIT 1')

  /** What only the one knew is kept where the other has nothing; of two names the one that our side gave. */
  function merge(from: CustomerRow, into: CustomerRow): void {
    const tags = new Set([...parse<readonly string[]>(into.tags_json), ...parse<readonly string[]>(from.tags_json)])
    const named = into.name === null || into.name_is_ours < from.name_is_ours ? from : into
    complete.run(
      named.name,
      named.name_is_ours,
      into.language ?? from.language,
      into.avatar_url ?? from.avatar_url,
      JSON.stringify([...tags]),
      merged(from.fields_json, somethingOf(into.fields_json)),
      Math.min(into.first_at, from.first_at),
      Math.max(into.last_at, from.last_at),
      into.id,
    )
  }

  /** From then on they are the other one, and so is whoever was them. Of two places it is that of who came first. */
  function become(from: CustomerRow, into: CustomerRow): void {
    leave.run(into.id, from.id, from.id)
    moveWas.run(into.id, from.id)
    setPlace.run(null, from.id)
    if (from.n === null || into.n === null) return
    forget.run(Math.max(from.n, into.n))
    setPlace.run(Math.min(from.n, into.n), into.id)
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
          changed(now.id)
          return now.id
        }
        merge(now, found)
        moveChat.run(found.id, chat.id)
        moveAll.run(found.id, chat.id)
        if (hasChats.get(now.id) === undefined) become(now, found)
        for (const { id } of [now, found]) changed(id)
        return found.id
      }
      // Somebody else in the same place: neither has anything of the other, and what is over stays whose it was.
      if (found === undefined) add.run(newCustomer, nowMs, nowMs, userId, place(nowMs))
      const other = found?.id ?? newCustomer
      wasTheirs.run(chat.id, chat.seq, now.id)
      moveChat.run(other, chat.id)
      moveOpen.run(other, chat.id)
      for (const id of [now.id, other]) changed(id)
      return other
    },

    join(from, into) {
      const [one, other] = [from, into].map((id) => byId.get(whoItIs.get(id, id)?.id ?? ''))
      if (one === undefined || other === undefined) return 'not-found'
      if (one.id === other.id) return 'merged'
      // Each is somebody who signs in elsewhere: by the next event of either they would be two again.
      if (one.user_id !== null && other.user_id !== null) return 'known-apart'
      merge(one, other)
      moveChats.run(other.id, one.id)
      moveConversations.run(other.id, one.id)
      become(one, other)
      if (one.user_id !== null) setUserId.run(one.user_id, other.id)
      for (const { id } of [one, other]) changed(id)
      return 'merged'
    },

    snapshot(customer, was) {
      const now = known.get(customer)
      return now && (was === customer ? now : { ...now, was })
    },
  }
}
