/** Kysely over the two threads: reads go to the reader, writes (of a plugin's own tables) through the writer. */
import {
  type CompiledQuery,
  type DatabaseConnection,
  DeleteQueryNode,
  type Driver,
  IdentifierNode,
  InsertQueryNode,
  Kysely,
  type QueryResult,
  RawNode,
  type SchemableIdentifierNode,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  UpdateQueryNode,
} from 'kysely'
import type { Statement } from '../engine.ts'
import type { JournalTables } from '../tables.ts'
import { bindable, type Value } from './connection.ts'
import { tableName } from './plugin-tables.ts'
import type { WriteOutput } from './protocol.ts'

export type Select = (sql: string, parameters: readonly Value[]) => Promise<readonly unknown[]>
export type Write = (statement: Statement) => Promise<WriteOutput>

/** All of the journal, to read. */
export function readingKysely(select: Select): Kysely<JournalTables> {
  const refuse = () => Promise.reject(new Error('The journal’s tables are for reading here.'))
  return kysely<JournalTables>(select, refuse, () => new SqliteQueryCompiler())
}

/** An instance's own tables, under the names that the plugin knows. */
export function pluginKysely<DB>(instance: string, select: Select, write: Write): Kysely<DB> {
  return kysely<DB>(select, write, () => new PluginQueryCompiler()).withSchema(instance)
}

function kysely<DB>(select: Select, write: Write, createQueryCompiler: () => SqliteQueryCompiler): Kysely<DB> {
  const connection = new JournalConnection(select, write)
  return new Kysely<DB>({
    dialect: {
      createAdapter: () => new JournalAdapter(),
      createDriver: () => new JournalDriver(connection),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler,
    },
  })
}

/** Prints an instance's table as the one name that it has in the file: `"shop-rating__rating"`. */
class PluginQueryCompiler extends SqliteQueryCompiler {
  protected override visitSchemableIdentifier({ schema, identifier }: SchemableIdentifierNode): void {
    this.visitNode(schema === undefined ? identifier : IdentifierNode.create(tableName(schema.name, identifier.name)))
  }
}

/** Otherwise each query would wait until the one before it is answered, and each write have a transaction of its own. */
class JournalAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

/** There is nothing to acquire: each query is a message to a thread. */
class JournalDriver implements Driver {
  readonly #connection: JournalConnection

  constructor(connection: JournalConnection) {
    this.#connection = connection
  }

  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}

  async beginTransaction(): Promise<void> {
    throw new Error(
      'The journal has no transactions that stay open: inside a turn, turn.write() joins the turn’s own; outside, one statement is one transaction.',
    )
  }
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
}

class JournalConnection implements DatabaseConnection {
  readonly #select: Select
  readonly #write: Write

  constructor(select: Select, write: Write) {
    this.#select = select
    this.#write = write
  }

  async executeQuery<R>({ query, sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (SelectQueryNode.is(query) || (RawNode.is(query) && !WRITES.test(sql))) {
      const values = parameters.map((value) => bindable(value))
      return { rows: asRows<R>(await this.#select(sql, values)) }
    }
    const { rows, changes, lastId } = await this.#write({ sql, parameters })
    return {
      rows: asRows<R>(rows),
      ...(InsertQueryNode.is(query) ? { insertId: BigInt(lastId) } : {}),
      ...(InsertQueryNode.is(query) || UpdateQueryNode.is(query) || DeleteQueryNode.is(query)
        ? { numAffectedRows: BigInt(changes) }
        : {}),
    }
  }

  // biome-ignore lint/correctness/useYield: it only ever throws.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('The journal does not stream: ask for pages, with limit and the last key seen.')
  }
}

/** How raw SQL that writes begins. */
const WRITES = /^\s*(insert|update|delete|replace)\b/i

/** Rows are what Kysely has inferred from the query: it, too, can only believe the table types. */
function asRows<R>(rows: readonly unknown[]): R[] {
  return rows as R[]
}
