import type { DatabaseSync } from 'node:sqlite'
import { type Query, query } from '../connection.ts'
import { WHO_THEY_ARE } from './customers.ts'

/** Of a customer: a `KnownAs` as JSON. */
export function knownAsQuery(db: DatabaseSync): Query<{ known_as_json: string }> {
  return query(
    db,
    `SELECT json_object(
       'ids', (SELECT json_group_array(m.id) FROM customer m WHERE m.id = c.id OR m.merged_into = c.id),
       'chats', (SELECT json_group_array(json_object('id', h.id, 'account', h.account, 'externalId', h.external_id))
         FROM chat h WHERE h.customer = c.id),
       'conversations', (SELECT json_group_array(v.id) FROM conversation v WHERE v.customer = c.id)) AS known_as_json
     FROM customer c WHERE c.id = ${WHO_THEY_ARE}`,
  )
}
