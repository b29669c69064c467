/** What the log costs those who write meanwhile. */
import { DatabaseSync } from 'node:sqlite'
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import { expect, test } from 'vitest'
import { makeLog, type Rows, rows } from './log.ts'

/** The channel's tables in memory, and what every writing statement has changed. */
function start() {
  const database = new DatabaseSync(':memory:')
  for (const migration of Object.values(rows.migrations)) database.exec(migration)
  const asked = new Map<string, number>()
  const asKyselyWants: SqliteDatabase = {
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql)
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...parameters.map(asValue)),
        run(parameters) {
          const { changes, lastInsertRowid } = statement.run(...parameters.map(asValue))
          asked.set(sql, Math.max(asked.get(sql) ?? 0, Number(changes)))
          return { changes, lastInsertRowid }
        },
        iterate: (parameters) => statement.iterate(...parameters.map(asValue)),
      }
    },
  }
  return { database, asked, sql: new Kysely<Rows>({ dialect: new SqliteDialect({ database: asKyselyWants }) }) }
}

function asValue(parameter: unknown): string | number | null {
  if (typeof parameter === 'string' || typeof parameter === 'number' || parameter === null) return parameter
  throw new TypeError('A test has no such values.')
}

test('forgetting never holds up others for long: it goes slice by slice, and passes by what is forgotten', async () => {
  const { database, asked, sql } = start()
  const insert = database.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)')
  const visitor = database.prepare("INSERT INTO visitor (chat, since, read, identity) VALUES (?, ?, 0, '{}')")
  for (let i = 0; i < 1_700; i++) {
    for (const seq of [1, 2]) insert.run(`old-${i}`, seq, `${seq}`, i, 'visitor', '{"secret":1}')
    insert.run(`new-${i}`, 1, '1', 10_000, 'us', '{}')
    visitor.run(`old-${i}`, 1)
    visitor.run(`new-${i}`, 1)
  }
  const log = makeLog(sql, { now: () => 10_000 })
  await log.forget(5_000)
  expect(database.prepare('SELECT count(*) AS count, sum(by IS NULL) AS empty FROM log').get()).toEqual({
    count: 3_400,
    empty: 1_700,
  })
  expect(database.prepare("SELECT count(*) AS count FROM log WHERE body LIKE '%secret%'").get()).toEqual({ count: 0 })
  expect(
    database.prepare('SELECT count(*) AS count, min(chat) AS first FROM visitor WHERE identity IS NOT NULL').get(),
  ).toEqual({
    count: 1_700,
    first: 'new-0',
  })
  // What is forgotten does not stand in the index any more.
  expect(() => database.prepare('SELECT at FROM log INDEXED BY log_at WHERE at > 0')).toThrow('no query solution')
  expect(asked.size).toBeGreaterThan(2)
  for (const [statement, changes] of asked) {
    // And as many more as are of the same millisecond.
    expect([statement, changes <= 502]).toEqual([statement, true])
    const plan = database
      .prepare(`EXPLAIN QUERY PLAN ${statement}`)
      .all()
      .map(({ detail }) => String(detail))
    expect(plan.filter((step) => step.startsWith('SCAN'))).toEqual([])
    if (/^(delete from|update) "log"/.test(statement)) expect(plan[0]).toMatch(/log USING (COVERING )?INDEX log_at/)
  }
})
