/**
 * Preloaded (`node --import`) into the process under test, its writing thread included: ends it with SIGKILL at a
 * point of a transaction, and fills the disk when it is told to. The core knows nothing of this; what it does is seen
 * from outside, by the statements that it gives to SQLite.
 */
import { existsSync } from 'node:fs'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { FULL, POINT, parsePoint, TRANSACTIONS } from './point.ts'

const EARLY_MS = 30
/** Changes never: waiting for it stops the thread. */
const NOTHING = new Int32Array(new SharedArrayBuffer(4))

const wanted = process.env[POINT]
const full = process.env[FULL]
if (wanted !== undefined) killAt(wanted)
if (full !== undefined) fillWhile(full)

function killAt(text: string): void {
  const { at, when, nth } = parsePoint(text)
  let matches = false
  let count = 0
  const look = (sql: string, call: () => unknown): unknown => {
    if (sql.startsWith('BEGIN')) matches = at === 'any'
    matches ||= TRANSACTIONS[at].test(sql)
    if (sql !== 'COMMIT' || !matches || ++count < nth) return call()
    if (when === 'after') call()
    // Whoever acknowledges before the COMMIT has the time to do so, and is found out.
    else Atomics.wait(NOTHING, 0, 0, EARLY_MS)
    return die()
  }
  for (const method of ['run', 'get', 'all'] as const) wrap(method, ({ sourceSQL }, call) => look(sourceSQL, call))
  const exec = DatabaseSync.prototype.exec
  DatabaseSync.prototype.exec = function (sql) {
    look(sql, () => exec.call(this, sql))
  }
}

/** In a file that may not grow, SQLite reports what it reports on a full disk. */
function fillWhile(file: string): void {
  const databases = new WeakMap<StatementSync, DatabaseSync>()
  const prepare = DatabaseSync.prototype.prepare
  DatabaseSync.prototype.prepare = function (...given) {
    const statement = prepare.apply(this, given)
    databases.set(statement, this)
    return statement
  }
  let isFull = false
  wrap('run', (statement, call) => {
    if (statement.sourceSQL.startsWith('BEGIN') && existsSync(file) !== isFull) {
      isFull = !isFull
      // SQLite takes the smallest number that the file has not outgrown already.
      databases.get(statement)?.exec(`PRAGMA max_page_count = ${isFull ? 1 : 0xfffffffe}`)
    }
    return call()
  })
}

function wrap(method: 'run' | 'get' | 'all', around: (statement: StatementSync, call: () => unknown) => unknown): void {
  const original = StatementSync.prototype[method]
  Object.defineProperty(StatementSync.prototype, method, {
    value(this: StatementSync, ...values: unknown[]) {
      return around(this, () => Reflect.apply(original, this, values))
    },
  })
}

/** Nothing runs after it: not a line of this thread, nor of another. */
function die(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;) Atomics.wait(NOTHING, 0, 0)
}
