/** Migrations: the core's own, and those of plugins' tables. Each is applied once, in order, whole or not at all. */
import { constants, type DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../../errors.ts'
import { CORE_MIGRATIONS } from '../../schema.ts'
import { query } from '../connection.ts'
import { forInstance, instanceOfTable } from '../plugin-tables.ts'
import type { Failure, MigrateInput } from '../protocol.ts'
import { addFoundFunctions } from './customer-index.ts'
import { Refused } from './refused.ts'

/** The core among the owners of migrations; no instance can be called that. */
const CORE = ''

/** What a migration of a plugin may not do: it runs inside the journal's own transaction, beside other tables. */
const FORBIDDEN: ReadonlySet<number> = new Set([
  constants.SQLITE_TRANSACTION,
  constants.SQLITE_SAVEPOINT,
  constants.SQLITE_ATTACH,
  constants.SQLITE_DETACH,
  constants.SQLITE_PRAGMA,
])
/** Actions that name the table which they touch. */
const TOUCHES: ReadonlySet<number> = new Set([
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_DROP_TABLE,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_DROP_VIEW,
  constants.SQLITE_INSERT,
  constants.SQLITE_UPDATE,
  constants.SQLITE_DELETE,
  constants.SQLITE_READ,
])

/** Brings the core's tables up to date. Gives why not, if the file is a newer version's. */
export function migrateCore(db: DatabaseSync, nowMs: number): Failure | undefined {
  db.exec('BEGIN IMMEDIATE')
  try {
    db.exec(`CREATE TABLE IF NOT EXISTS migration (owner TEXT NOT NULL, name TEXT NOT NULL, at BIGINT NOT NULL,
      UNIQUE (owner, name))`)
    const applied = appliedTo(db, CORE)
    const unknown = applied.filter((name) => !(name in CORE_MIGRATIONS))
    if (unknown.length > 0) {
      db.exec('ROLLBACK')
      return { code: 'JOURNAL_NEWER', detail: `Unknown here: ${unknown.join(', ')}.` }
    }
    // What one of them needs to fill columns.
    addFoundFunctions(db)
    // One of them rewrites conditions in the schema itself.
    db.enableDefensive(false)
    for (const [name, sql] of Object.entries(CORE_MIGRATIONS)) {
      if (applied.includes(name)) continue
      db.exec(sql)
      note(db, CORE, name, nowMs)
    }
    db.exec('COMMIT')
    return undefined
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  } finally {
    db.enableDefensive(true)
  }
}

/** Applies an instance's migrations that are new. Runs inside the batch's transaction. */
export function migrate(db: DatabaseSync): (input: MigrateInput) => undefined {
  return ({ instance, migrations, nowMs }) => {
    const applied = appliedTo(db, instance)
    applied.forEach((name, index) => {
      const given = migrations[index]?.[0]
      if (given === name) return
      const found = migrations.some(([other]) => other === name)
      throw new Refused(
        found
          ? `${instance}, migrations: "${given}" stands before "${name}", which was applied first. New ones go last.`
          : `${instance}, migrations: "${name}" was applied to this journal, and the plugin no longer has it. Keep applied migrations as they are; what is to change goes into a new one.`,
      )
    })
    for (const [name, sql] of migrations.slice(applied.length)) {
      try {
        applyTo(db, instance, sql)
      } catch (error) {
        throw new Refused(`${instance}, migration "${name}": ${messageOf(error)}`)
      }
      note(db, instance, name, nowMs)
    }
  }
}

function applyTo(db: DatabaseSync, instance: string, sql: string): void {
  let refused = ''
  db.setAuthorizer((action, name) => {
    if (FORBIDDEN.has(action)) refused = 'transactions, PRAGMA and ATTACH are the journal’s own.'
    else if (TOUCHES.has(action) && !mayTouch(instance, name ?? '')) {
      refused = `it touches "${name}", which is none of the plugin’s own tables.`
    } else return constants.SQLITE_OK
    return constants.SQLITE_DENY
  })
  try {
    db.exec(forInstance(instance, sql))
  } catch (error) {
    throw refused === '' ? error : new Error(refused)
  } finally {
    db.setAuthorizer(null)
  }
}

function mayTouch(instance: string, table: string): boolean {
  return table === '' || table.startsWith('sqlite_') || instanceOfTable(table) === instance
}

function appliedTo(db: DatabaseSync, owner: string): readonly string[] {
  const applied = query<{ name: string }>(db, 'SELECT name FROM migration WHERE owner = ? ORDER BY rowid')
  return applied.all(owner).map(({ name }) => name)
}

function note(db: DatabaseSync, owner: string, name: string, nowMs: number): void {
  query(db, 'INSERT INTO migration VALUES (?, ?, ?)').run(owner, name, nowMs)
}
