/** Looks into the journal of a storage folder, also while another process works in it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import type { JournalTables } from '../tables.ts'
import { readingKysely } from './kysely.ts'
import { Searches } from './searches.ts'

/** `undefined` when nothing has been written there yet. */
export function readJournal(
  folder: string,
): { readonly read: Kysely<JournalTables>; close(): Promise<void> } | undefined {
  const file = join(folder, 'journal.sqlite')
  if (!existsSync(file)) return undefined
  const searches = new Searches(file, true)
  return { read: readingKysely(searches.select.bind(searches)), close: () => searches.close() }
}
