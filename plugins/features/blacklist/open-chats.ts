import { sql } from 'kysely'
import type { Context } from '#core'

/** How many chats are read at a time. */
const SLICE = 1_000

/** The chats in which a conversation is open, or something is still to be sent, with whose they are. */
export async function* openChats(journal: Context<unknown, unknown>['journal']) {
  for (let after = ''; ; ) {
    // Literals, not parameters: only so are the indexes of what is open found.
    const open = journal.selectFrom('conversation').select('chat').where(sql<boolean>`state <> 'closed'`)
    const toSend = journal
      .selectFrom('delivery')
      .select('chat')
      .where(sql<boolean>`state in ('pending', 'sending')`)
      .where('destination', '=', 'channel')
    const chats = open
      .where('chat', '>', after)
      .union(toSend.where('chat', '>', after))
      .orderBy('chat')
      .limit(SLICE)
      .as('open')
    const slice = await journal
      .selectFrom('chat')
      .innerJoin(chats, 'open.chat', 'chat.id')
      .select(['id', 'account', 'external_id', 'customer'])
      .orderBy('id')
      .execute()
    for (const { id, account, external_id: externalId, customer } of slice)
      yield { chat: { id, account, externalId }, customer: { id: customer } }
    const last = slice.at(-1)
    if (!last || slice.length < SLICE) return
    after = last.id
  }
}
