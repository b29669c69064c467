/** Statements that come from elsewhere: the core's own, which may do anything, and plugins', which may not. */
import { constants, type DatabaseSync, type StatementSync } from 'node:sqlite'
import { messageOf } from '../../../errors.ts'
import { isStorageError } from '../connection.ts'
import { instanceOfTable } from '../plugin-tables.ts'
import type { StatementInput, WriteOutput } from '../protocol.ts'
import { Refused } from './refused.ts'

/** Runs one statement of a plugin. Throws `Refused` unless it only writes that plugin's own tables. */
export type RunStatement = (statement: StatementInput) => WriteOutput

/** Prepared statements are kept for the next time: those in use, up to this many. */
const MAX_PREPARED = 500

const WRITES: ReadonlySet<number> = new Set([constants.SQLITE_INSERT, constants.SQLITE_UPDATE, constants.SQLITE_DELETE])
const HARMLESS: ReadonlySet<number> = new Set([
  constants.SQLITE_SELECT,
  constants.SQLITE_FUNCTION,
  constants.SQLITE_RECURSIVE,
])
/** SQLite's own table-valued functions. */
const FUNCTION_TABLES: ReadonlySet<string> = new Set(['json_each', 'json_tree'])

/** Runs the core's own statements. */
export function trustedStatements(db: DatabaseSync): RunStatement {
  const prepared = new Prepared(db)
  return ({ sql, parameters }) => prepared.run(sql, parameters)
}

/**
 * Runs plugins' statements. `checking` is a connection of its own: SQLite prepares a statement there first and reports
 * what it would touch. (On the writing connection that report would make SQLite compile every statement again.)
 */
export function pluginStatements(db: DatabaseSync, checking: DatabaseSync): RunStatement {
  const prepared = new Prepared(db)
  /** Which instance's tables a statement touches. */
  const owners = new Map<string, string>()
  let touches: { action: number; table: string }[] = []
  checking.setAuthorizer((action, table) => {
    touches.push({ action, table: table ?? '' })
    return constants.SQLITE_OK
  })

  function ownerOf(sql: string): string {
    const known = owners.get(sql)
    if (known !== undefined) return known
    touches = []
    try {
      checking.prepare(sql)
    } catch (error) {
      throw new Refused(`${messageOf(error)} in: ${sql}`)
    }
    if (!touches.some(({ action }) => WRITES.has(action))) {
      throw new Refused(`A plugin may write with INSERT, UPDATE and DELETE only, and this is: ${sql}`)
    }
    let owner: string | undefined
    for (const { action, table } of touches) {
      if (HARMLESS.has(action) || (action === constants.SQLITE_READ && FUNCTION_TABLES.has(table))) continue
      const instance = instanceOfTable(table)
      const allowed = WRITES.has(action) || action === constants.SQLITE_READ
      if (!allowed || instance === undefined || (owner !== undefined && owner !== instance)) {
        throw new Refused(`A plugin may write its own tables only, and this touches "${table}": ${sql}`)
      }
      owner = instance
    }
    if (owner === undefined) throw new Refused(`This touches no table: ${sql}`)
    if (owners.size >= MAX_PREPARED) owners.clear()
    owners.set(sql, owner)
    return owner
  }

  function run({ sql, parameters, instance }: StatementInput): WriteOutput {
    const owner = ownerOf(sql)
    if (instance !== undefined && instance !== owner) {
      throw new Refused(`A plugin may write its own tables only, and this touches those of ${owner}: ${sql}`)
    }
    return prepared.run(sql, parameters)
  }

  return (statement) => {
    try {
      return run(statement)
    } catch (error) {
      if (statement.instance === undefined || isStorageError(error)) throw error
      throw new Refused(`${statement.instance}: ${messageOf(error)}`)
    }
  }
}

/** Statements by their text, the least recently used one dropped first. */
class Prepared {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  run(sql: string, parameters: StatementInput['parameters']): WriteOutput {
    const statement = this.#prepare(sql)
    if (statement.columns().length > 0) {
      const rows = statement.all(...parameters)
      return { rows, changes: rows.length, lastId: 0 }
    }
    const { changes, lastInsertRowid } = statement.run(...parameters)
    return { rows: [], changes: Number(changes), lastId: lastInsertRowid }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      const oldest = this.#statements.keys().next()
      if (this.#statements.size >= MAX_PREPARED && !oldest.done) this.#statements.delete(oldest.value)
    } else {
      this.#statements.delete(sql)
    }
    this.#statements.set(sql, statement)
    return statement
  }
}
