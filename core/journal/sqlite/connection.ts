/** The border to node:sqlite: how the journal's file is opened, and what may be bound to a statement. */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { SwitchboardError } from '../../errors.ts'

/** SQLite's results after which nothing at all can be written: the disk is full, broken, or closed to us. */
const STORAGE_ERRORS: ReadonlySet<number> = new Set([
  5, // BUSY: another program holds the file
  7, // NOMEM
  8, // READONLY
  10, // IOERR
  11, // CORRUPT
  13, // FULL
  14, // CANTOPEN
  26, // NOTADB
])

/** What a column can hold, as it goes into a statement. */
export type Value = SQLInputValue

/**
 * A prepared statement whose rows are `R`. SQLite knows no types at compile time: that `R` is what the SQL selects is
 * on the word of the line that says so, with `schema.ts` and `tables.ts` beside each other.
 */
export interface Query<R> {
  get(...values: Value[]): R | undefined
  all(...values: Value[]): R[]
  iterate(...values: Value[]): IteratorObject<R>
  run(...values: Value[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint }
}

/**
 * A statement, prepared when it is first run, for the connection's life: to prepare all that a journal knows takes longer
 * than everything else of opening it, and most processes never run most of them.
 */
export function query<R = never>(db: DatabaseSync, sql: string): Query<R> {
  let names: readonly string[] = []
  const lists = prepared<readonly Value[]>(db, sql, (columns) => {
    names = columns
  })
  // Rows that SQLite names itself cost more to make, and to read, than lists that are named here.
  const named = (list: readonly Value[]): R => {
    const row: { [column: string]: Value | undefined } = {}
    for (let i = 0; i < names.length; i++) row[names[i] ?? ''] = list[i]
    return row as R
  }
  return {
    get(...values) {
      const list = lists().get(...values)
      return list && named(list)
    },
    all: (...values) =>
      lists()
        .all(...values)
        .map(named),
    iterate: (...values) =>
      lists()
        .iterate(...values)
        .map(named),
    run: (...values) => lists().run(...values),
  }
}

/** The same for a row of many columns, which comes as the list of them: to name the 33 of a chat takes a third as long again. */
export function listQuery<R extends readonly unknown[]>(db: DatabaseSync, sql: string): Query<R> {
  const lists = prepared<R>(db, sql)
  return {
    get: (...values) => lists().get(...values),
    all: (...values) => lists().all(...values),
    iterate: (...values) => lists().iterate(...values),
    run: (...values) => lists().run(...values),
  }
}

/** What each connection can be asked, run or not. */
const statements = new WeakMap<DatabaseSync, Set<string>>()

/** Every statement of a connection that is known beforehand: so that a test can see how each would find its rows. */
export function statementsOf(db: DatabaseSync): readonly string[] {
  return [...(statements.get(db) ?? [])]
}

/** Prepares it at the first call, and says then what its columns are called; gives the same one from then on. */
function prepared<R extends readonly unknown[]>(
  db: DatabaseSync,
  sql: string,
  learn?: (columns: readonly string[]) => void,
): () => Query<R> {
  statements.getOrInsertComputed(db, () => new Set()).add(sql)
  let statement: Query<R> | undefined
  return () => {
    if (statement === undefined) {
      const made = db.prepare(sql)
      made.setReturnArrays(true)
      learn?.(made.columns().map(({ name }) => name))
      statement = made as unknown as Query<R>
    }
    return statement
  }
}

/** Of statements that are not known beforehand, such as Kysely's, so many are kept prepared. */
const MAX_PREPARED = 200

/** Runs any statement that reads; one that comes again is not prepared again. */
export function selecting(db: DatabaseSync): (sql: string, parameters: readonly Value[]) => readonly unknown[] {
  const prepared = new Map<string, StatementSync>()
  return (sql, parameters) => {
    let statement = prepared.get(sql)
    if (statement === undefined) {
      if (prepared.size >= MAX_PREPARED) prepared.clear()
      statement = db.prepare(sql)
      prepared.set(sql, statement)
    }
    return statement.all(...parameters)
  }
}

/** Reads back what the journal itself has written as JSON: its type is that of the value which was stored. */
export function parse<T>(json: string): T {
  return JSON.parse(json) as T
}

/** Creates a file that only its owner can read, if it is not there. SQLite gives the files beside it the same mode. */
export function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    if (!isThere) throw error
  }
}

/** The one connection that writes. Not `durable`: what was written last may be lost with the machine's power. */
export function openWriting(file: string, durable: boolean): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: true })
  // A chat's pages are written again with every message: the longer the log, the fewer times they are copied out of it.
  // Room for all that the largest batch writes, and not more: a commit that has split pages looks through the whole cache.
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durable ? 'FULL' : 'OFF'}; PRAGMA wal_autocheckpoint = 4000;
    PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY`)
  return db
}

/** A connection that reads beside the writer and never waits for it. */
export function openReading(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  db.exec('PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY')
  return db
}

/** Whether nothing at all can be written, rather than this one statement. */
export function isStorageError(error: unknown): boolean {
  // The low byte is the primary result; the rest says more precisely which.
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    STORAGE_ERRORS.has(error.errcode & 0xff)
  )
}

/**
 * A value as SQLite takes it: flags are 0 and 1, what is left out is NULL. Throws `JOURNAL_WRITE` for what cannot be
 * stored, by `instance` if it is known whose it is; a Date above all, which node:sqlite would take for a map of named parameters and silently store as NULL.
 */
export function bindable(value: unknown, instance?: string | undefined): Value {
  switch (typeof value) {
    case 'string':
    case 'bigint':
      return value
    case 'number':
      // NaN would be stored as NULL.
      if (!Number.isNaN(value)) return value
      break
    case 'boolean':
      return value ? 1 : 0
    case 'undefined':
      return null
    case 'object':
      if (value === null) return null
      if (value instanceof Uint8Array) return value
  }
  throw new SwitchboardError('JOURNAL_WRITE', {
    detail: `${instance === undefined ? '' : `${instance}: `}${named(value)} cannot be stored in a column.`,
  })
}

function named(value: unknown): string {
  if (value instanceof Date) return 'A Date (store its getTime() instead)'
  if (Array.isArray(value)) return 'A list (store it as JSON text instead)'
  return typeof value === 'object' ? 'An object (store it as JSON text instead)' : `A ${typeof value}`
}
