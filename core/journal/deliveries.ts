/** Reading the deliveries of a chat, however many they are. */
import { type Kysely, sql } from 'kysely'
import type { DeliveryAttemptRow, DeliveryRow, EntryRow, JournalTables } from './tables.ts'

/**
 * The deliveries of a chat's entries, in the order of those and of their parts; also from a journal of an older version
 * that this one has not opened yet.
 */
export async function deliveriesOf(
  journal: Kysely<JournalTables>,
  chat: string,
  entries: readonly Pick<EntryRow, 'id' | 'seq'>[],
): Promise<readonly DeliveryRow[]> {
  const ids = JSON.stringify(entries.map(({ id }) => id))
  const seqs = JSON.stringify(entries.map(({ seq }) => seq))
  const columns = await sql`SELECT 1 FROM pragma_table_info('delivery') WHERE name = 'entry'`.execute(journal)
  const isOfEntry =
    columns.rows.length > 0
      ? sql<boolean>`entry IN (SELECT value FROM json_each(${ids}))`
      : sql<boolean>`chat = ${chat} AND seq IN (SELECT value FROM json_each(${seqs}))`
  return journal.selectFrom('delivery').selectAll().where(isOfEntry).orderBy('seq').orderBy('part').execute()
}

/** When each of them was tried, and what came of it, in order. */
export async function attemptsOf(
  journal: Kysely<JournalTables>,
  deliveries: readonly DeliveryRow[],
): Promise<readonly DeliveryAttemptRow[]> {
  const ids = JSON.stringify(deliveries.map(({ id }) => id))
  const isOfThese = sql<boolean>`delivery IN (SELECT value FROM json_each(${ids}))`
  return journal.selectFrom('delivery_attempt').selectAll().where(isOfThese).orderBy('n').execute()
}
