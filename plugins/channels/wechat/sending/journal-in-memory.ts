/** The plugin's own tables in a test, without a journal around them: what two processes share, say. */
import { DatabaseSync } from 'node:sqlite'
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import { type AccountStateTables, accountStateTables } from '../account-state.ts'
import { type SendingTables, sendingTables } from './tables.ts'

type InMemory = SendingTables & AccountStateTables

export interface JournalInMemory {
  /** Another way into the same tables each time. */
  open(): Kysely<InMemory>
  rows(table: keyof InMemory): readonly { readonly [column: string]: unknown }[]
  /** From now on nothing can be read or written. */
  close(): void
}

export function journalInMemory(): JournalInMemory {
  const database = new DatabaseSync(':memory:')
  for (const migration of Object.values({ ...sendingTables, ...accountStateTables })) database.exec(migration)
  const asKyselyWants: SqliteDatabase = {
    close() {},
    prepare(sql) {
      const statement = database.prepare(sql)
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...parameters.map(asValue)),
        run: (parameters) => statement.run(...parameters.map(asValue)),
        iterate: (parameters) => statement.iterate(...parameters.map(asValue)),
      }
    },
  }
  return {
    open: () => new Kysely<InMemory>({ dialect: new SqliteDialect({ database: asKyselyWants }) }),
    rows: (table) => database.prepare(`SELECT * FROM ${table}`).all(),
    close: () => database.close(),
  }
}

function asValue(parameter: unknown): string | number | null {
  if (typeof parameter === 'string' || typeof parameter === 'number' || parameter === null) return parameter
  throw new TypeError('A test has no such values.')
}
