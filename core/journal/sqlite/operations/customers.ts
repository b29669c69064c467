/** What is known of a customer, changed only where something is given. */
import type { DatabaseSync } from 'node:sqlite'
import type { Json } from '../../../message.ts'
import type { CustomerRow } from '../../tables.ts'
import { parse, query } from '../connection.ts'
import type { PatchInput } from '../protocol.ts'

/** Merges a patch into the customer, and writes only what it changes: most events say nothing new of their sender. */
export function patchCustomer(db: DatabaseSync): (customer: string, patch: PatchInput) => undefined {
  const find = query<Pick<CustomerRow, 'name' | 'language' | 'avatar_url' | 'fields_json'>>(
    db,
    'SELECT name, language, avatar_url, fields_json FROM customer WHERE id = ?',
  )
  const change = query(db, 'UPDATE customer SET name = ?, language = ?, avatar_url = ?, fields_json = ? WHERE id = ?')
  return (customer, patch) => {
    const now = find.get(customer)
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
      change.run(name, language, avatarUrl, fieldsJson, customer)
    }
  }
}

function merged(nowJson: string, patchJson: string): string {
  return JSON.stringify({ ...parse<{ [key: string]: Json }>(nowJson), ...parse<{ [key: string]: Json }>(patchJson) })
}
