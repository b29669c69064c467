/** All that is kept of one customer, as JSON. Written as it is read, so that a long history needs no memory. */
import type { Kysely } from 'kysely'
import type { JournalTables, Json } from '#core'

const SLICE = 500

/**
 * The lines of a JSON text. Files are named by what they are kept as; their bytes are not in it. `kept`: what plugins
 * have of them, beside the journal.
 */
export async function* exportOf(
  journal: Kysely<JournalTables>,
  customer: string,
  kept: { readonly [instance: string]: Json },
): AsyncGenerator<string> {
  const who = await journal
    .selectFrom('customer')
    .selectAll()
    .where((where) => where.or([where('id', '=', customer), where('merged_into', '=', customer)]))
    .execute()
  const conversations = await journal.selectFrom('conversation').selectAll().where('customer', '=', customer).execute()
  const chats = await journal
    .selectFrom('chat')
    .selectAll()
    .where((where) =>
      where.or([
        where('customer', '=', customer),
        where('id', 'in', [...new Set(conversations.map(({ chat }) => chat))]),
        where('id', 'in', where.selectFrom('chat_was').select('chat').where('customer', '=', customer)),
      ]),
    )
    .execute()
  const own = new Set(conversations.map(({ id }) => id))
  const changes = await journal
    .selectFrom('conversation_change')
    .selectAll()
    .where('conversation', 'in', [...own])
    .execute()
  yield `{"customers":${JSON.stringify(who)},\n"chats":${JSON.stringify(chats)},\n`
  yield `"kept":${JSON.stringify(kept)},\n`
  yield `"conversations":${JSON.stringify(conversations)},\n"changes":${JSON.stringify(changes)},\n"entries":[`
  let isFirst = true
  for (const chat of chats) {
    const was = await journal
      .selectFrom('chat_was')
      .selectAll()
      .where('chat', '=', chat.id)
      .orderBy('until_seq')
      .execute()
    for (let after = 0; ; ) {
      const slice = await journal
        .selectFrom('entry')
        .select([
          'id',
          'chat',
          'seq',
          'kind',
          'type',
          'body_json',
          'by_json',
          'conversation',
          'at',
          'outcome',
          'facts_json',
        ])
        .where('chat', '=', chat.id)
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(SLICE)
        .execute()
      // In a browser that several have used, each has their conversations, and what else was done when it was theirs.
      const theirs = slice.filter(({ conversation, seq }) =>
        conversation === null
          ? (was.find(({ until_seq }) => until_seq >= seq)?.customer ?? chat.customer) === customer
          : own.has(conversation),
      )
      const media = await journal
        .selectFrom('media')
        .select(['id', 'entry', 'type', 'state', 'mime_type', 'size_bytes', 'file'])
        .where(
          'entry',
          'in',
          theirs.map(({ id }) => id),
        )
        .execute()
      for (const entry of theirs) {
        const files = media.filter((file) => file.entry === entry.id)
        yield `${isFirst ? '' : ','}\n${JSON.stringify({ ...entry, files })}`
        isFirst = false
      }
      after = slice.at(-1)?.seq ?? after
      if (slice.length < SLICE) break
    }
  }
  yield '\n]}\n'
}
