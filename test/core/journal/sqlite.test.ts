import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ChatChange, CustomerFilter } from '../../../core/journal/engine.ts'
import { noteBlocked } from '../../../core/journal/sqlite/blocked.ts'
import { statementsOf } from '../../../core/journal/sqlite/connection.ts'
import { openSqlite, type SqliteEngine } from '../../../core/journal/sqlite/engine.ts'
import { findCustomers } from '../../../core/journal/sqlite/find-customers.ts'
import { readingKysely } from '../../../core/journal/sqlite/kysely.ts'
import { reads } from '../../../core/journal/sqlite/load.ts'
import { performing } from '../../../core/journal/sqlite/operations.ts'
import { forInstance } from '../../../core/journal/sqlite/plugin-tables.ts'
import { engineConformance } from './conformance.ts'
import {
  commit,
  deliveriesOf,
  entriesOf,
  loaded,
  newChange,
  newChat,
  newDelivery,
  newEvent,
  newId,
  newTurn,
  result,
  said,
  send,
  T0,
  textOfDelivery,
} from './given.ts'

const newFolder = () => mkdtemp(join(tmpdir(), 'journal-'))

engineConformance('sqlite', async () => {
  const folder = await newFolder()
  return { open: () => openSqlite({ folder }), remove: () => rm(folder, { recursive: true }) }
})

engineConformance('sqlite without threads', async () => {
  const folder = await newFolder()
  return { open: () => openSqlite({ folder, durable: false }), remove: () => rm(folder, { recursive: true }) }
})

describe('sqlite, as a file', () => {
  let folder: string
  let open: SqliteEngine[]

  beforeEach(async () => {
    folder = await newFolder()
    open = []
  })
  afterEach(async () => {
    vi.useRealTimers()
    await Promise.all(open.map((engine) => engine.close()))
    await rm(folder, { recursive: true })
  })

  async function openHere(where = folder): Promise<SqliteEngine> {
    const engine = await openSqlite({ folder: where })
    open.push(engine)
    return engine
  }

  /** Looks into the file from outside, when nobody has it open. */
  function inFile<T>(look: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(join(folder, 'journal.sqlite'))
    try {
      return look(db)
    } finally {
      db.close()
    }
  }

  test('a folder belongs to one engine, and is free again when that is closed', async () => {
    const first = await openHere()
    for (const _ of [1, 2]) {
      await expect(openSqlite({ folder })).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' })
    }
    await newChat(first)
    await first.close()
    await openHere()
  })

  test('a new folder and its files are for their owner only', async () => {
    const where = join(folder, 'new', 'data')
    const engine = await openHere(where)
    await newChat(engine)
    expect((await stat(where)).mode & 0o777).toBe(0o700)
    for (const file of await readdir(where)) {
      expect([file, (await stat(join(where, file))).mode & 0o777]).toEqual([file, 0o600])
    }
  })

  test('many events at once are few transactions', async () => {
    const engine = await openHere()
    await Promise.all(Array.from({ length: 1000 }, (_, i) => engine.accept(newEvent({ chat: `${i}` }))))
    expect(engine.counts.operations).toBe(1000)
    expect(engine.counts.batches).toBeLessThan(20)
  })

  test('what a plugin writes to its own tables at one moment goes with the event, as one transaction', async () => {
    const engine = await openHere()
    await engine.migrate('poll', { a: 'CREATE TABLE vote (who TEXT)' })
    const votes = engine.tablesOf<{ vote: { who: string } }>('poll').insertInto('vote')
    await votes.values({ who: 'the first to use the table' }).execute()
    const before = { ...engine.counts }
    await Promise.all([
      ...Array.from({ length: 20 }, (_, i) => votes.values({ who: `${i}` }).execute()),
      engine.accept(newEvent()),
    ])
    expect(engine.counts.operations).toBe(before.operations + 21)
    expect(engine.counts.batches).toBe(before.batches + 1)
  })

  test('what an answer leads to at once shares a transaction with what was asked before it', async () => {
    const engine = await openHere()
    const publish = () => engine.publish('news', null, 0)
    const first = publish()
    await new Promise(setImmediate)
    const more = Array.from({ length: 9 }, publish)
    await Promise.all([first.then(publish), ...more])
    expect(engine.counts).toEqual({ batches: 2, operations: 11 })
  })

  test('where much is asked, the writer is given more while it writes; what is asked first is written first', async () => {
    const engine = await openHere()
    const asked = Array.from({ length: 100 }, () => engine.publish('news', null, 0))
    // Whoever closes meanwhile waits for all of it.
    await engine.close()
    expect(await Promise.all(asked)).toEqual(asked.map((_, i) => i + 1))
    // Two of 32 before anything is written; the other 36 go when the first is.
    expect(engine.counts).toEqual({ batches: 3, operations: 100 })
  })

  test('a lone event is written at once: no timer is waited for', async () => {
    const engine = await openHere()
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    expect(await engine.accept(newEvent())).toMatchObject({ seq: 1 })
  })

  test('that something was sent is written with what comes next, or alone a little later', async () => {
    const engine = await openHere()
    const give = async (text: string) =>
      (await send(engine, await newChat(engine, { chat: text }), text)) ?? expect.fail('It does not go.')
    const [one, two] = [await give('One'), await give('Two')]
    const before = { ...engine.counts }
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const first = engine.recordDelivery(result(one))
    await new Promise(setImmediate)
    await Promise.all([first, newChat(engine)])
    expect(engine.counts).toEqual({ batches: before.batches + 1, operations: before.operations + 2 })
    const second = engine.recordDelivery(result(two))
    vi.runAllTimers()
    await second
    expect(engine.counts.batches).toBe(before.batches + 2)
  })

  test('a change that fails in the middle of a batch takes none of the others with it', async () => {
    const engine = await openHere()
    await engine.migrate('poll', {
      a: `CREATE TABLE vote (who TEXT PRIMARY KEY);
          CREATE TABLE later (who TEXT REFERENCES vote (who) DEFERRABLE INITIALLY DEFERRED)`,
    })
    const bad = [
      "INSERT INTO \"poll__vote\" VALUES (NULL), ('twice'), ('twice')",
      'nonsense',
      // Found out only when the whole batch commits.
      'INSERT INTO "poll__later" VALUES (\'nobody\')',
    ]
    for (const sql of bad) {
      const chats = await Promise.all(Array.from({ length: 9 }, () => newChat(engine)))
      const before = engine.counts.batches
      const commits = chats.map((chat, i) =>
        engine.commit(
          newChange(chat, {
            turn: newTurn(1),
            entries: [said('Hi')],
            writes: i === 4 ? [{ sql, parameters: [] }] : [],
          }),
        ),
      )
      const settled = await Promise.allSettled(commits)
      expect(engine.counts.batches).toBe(before + 1)
      expect(settled.map((one) => one.status)).toEqual(chats.map((_, i) => (i === 4 ? 'rejected' : 'fulfilled')))
      await expect(commits[4]).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
      for (const [i, chat] of chats.entries()) expect((await loaded(engine, chat)).seq).toBe(i === 4 ? 1 : 2)
    }
    expect(await engine.tablesOf<{ vote: { who: string } }>('poll').selectFrom('vote').selectAll().execute()).toEqual(
      [],
    )
    expect(engine.healthy).toBe(true)
  })

  test('what cannot be stored is refused alone, and the journal goes on', async () => {
    const engine = await openHere()
    const chats = await Promise.all(Array.from({ length: 70 }, () => newChat(engine)))
    const promised: unknown = Promise.resolve('a reason')
    const turn: NonNullable<ChatChange['turn']> = newTurn(1)
    // As from a plugin that is not written in TypeScript.
    Object.assign(turn, { because: promised })
    // In each of the two batches that are under way at once, and in the one behind them.
    const bad = new Set([2, 40, 69])
    const commits = chats.map((chat, i) => engine.commit(newChange(chat, { turn: bad.has(i) ? turn : newTurn(1) })))
    const settled = await Promise.allSettled(commits)
    expect(settled.flatMap(({ status }, i) => (status === 'rejected' ? i : []))).toEqual([...bad])
    for (const i of bad)
      await expect(commits[i]).rejects.toMatchObject({
        code: 'JOURNAL_WRITE',
        message: expect.stringContaining('cannot be stored'),
      })
    for (const [i, chat] of chats.entries())
      expect((await loaded(engine, chat)).next?.seq).toBe(bad.has(i) ? 1 : undefined)
    await expect(engine.commit(newChange(chats[2] ?? '', { turn }))).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
    expect(engine.healthy).toBe(true)
    await commit(engine, newChange(chats[2] ?? '', { turn: newTurn(1) }))
    // Closing waits for what is asked, and for nothing else.
    const last = expect(engine.commit(newChange(chats[0] ?? '', { turn }))).rejects.toThrow('cannot be stored')
    await engine.close()
    await last
  })

  test('on a full disk nothing is acknowledged; when there is space again it goes on by itself', async () => {
    const engine = await openHere()
    const chat = await newChat(engine)
    // SQLite’s own limit gives the same error as the disk’s end.
    const limitPages = (pages: number) => engine.write([{ sql: `PRAGMA max_page_count = ${pages}`, parameters: [] }])
    const count = inFile((db) => Number(db.prepare('PRAGMA page_count').get()?.page_count))
    await limitPages(count + 45)
    const text = 'x'.repeat(2000)
    const accepted: string[] = []
    const refused: unknown[] = []
    for (let round = 0; engine.healthy; round++) {
      // Three batches, the first two under way at once: each is taken as a whole, or refused.
      const batch = Array.from({ length: 80 }, () => newEvent({ text }))
      const settled = await Promise.allSettled(batch.map((event) => engine.accept(event)))
      for (const from of [0, 32, 64])
        expect(new Set(settled.slice(from, from + 32).map(({ status }) => status)).size).toBe(1)
      for (const one of settled) {
        if (one.status === 'fulfilled') accepted.push(one.value.entry)
        else refused.push(one.reason)
      }
      expect(round).toBeLessThan(50)
    }
    expect(accepted.length * refused.length).toBeGreaterThan(0)
    expect(refused).toEqual(refused.map(() => expect.objectContaining({ code: 'JOURNAL_FULL', statusCode: 503 })))
    expect(engine.healthy).toBe(false)
    const change = newChange(chat, { turn: newTurn(1, { because: text }), entries: [said(text.repeat(20))] })
    await expect(engine.commit(change)).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
    expect((await loaded(engine, chat)).next?.seq).toBe(1)

    await limitPages(1_000_000)
    expect(engine.healthy).toBe(true)
    expect((await engine.accept(newEvent({ text }))).repeated).toBe(false)
    expect((await engine.commit(change)).ok).toBe(true)
    const kept = await engine.read.selectFrom('entry').select('id').where('kind', '=', 'in').execute()
    expect(kept).toHaveLength(accepted.length + 2)
  })

  test('what blocked the thread is noted from outside: an entry is counted, a delivery is dead', async () => {
    const engine = await openHere()
    const chat = await newChat(engine)
    const [entry] = await entriesOf(engine, chat)
    const blocking = await send(engine, chat, 'one')
    await send(engine, chat, 'two')
    for (const _ of [1, 2]) noteBlocked(folder, entry?.id ?? '')
    noteBlocked(folder, blocking?.id ?? '')
    await engine.close()
    const after = await openHere()
    expect((await loaded(after, chat)).next?.blocked).toBe(2)
    const again = [{ account: 'test:shop', nextAtMs: 0 }]
    expect((await after.recover(Date.now(), again)).unknown).toEqual([])
    const [dead] = await deliveriesOf(after, chat)
    expect(dead).toMatchObject({ state: 'dead', code: 'PLUGIN_BLOCKS', attempts: 1, done_at: expect.any(Number) })
    const due = await after.claimDue(Date.now(), { limit: 10, paused: [] })
    expect(due.deliveries.map(textOfDelivery)).toEqual(['two'])
    noteBlocked(folder, due.deliveries[0]?.id ?? '')
    await after.recordDelivery(result(due.deliveries[0] ?? { id: '' }))
    expect((await deliveriesOf(after, chat)).map((row) => row.state)).toEqual(['dead', 'dead'])
  })

  test('when the writing thread ends by itself, whoever opened the journal is told, once', async () => {
    const writers: Worker[] = []
    const note = (message: unknown) => {
      if (message instanceof Object && 'worker' in message && message.worker instanceof Worker) {
        writers.push(message.worker)
      }
    }
    subscribe('worker_threads', note)
    const told: unknown[] = []
    const onGone = (error: unknown) => void told.push(error)
    const closed = await openSqlite({ folder, onGone })
    await closed.close()
    const engine = await openSqlite({ folder, onGone })
    unsubscribe('worker_threads', note)
    open.push(engine)
    expect(told).toEqual([])
    // Two batches are under way, and more waits.
    const asked = Promise.allSettled(Array.from({ length: 100 }, () => engine.accept(newEvent())))
    await writers.at(-1)?.terminate()
    const reasons = (await asked).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    // On a busy machine it may still have written both; what waits is never sent.
    expect(reasons.length).toBeGreaterThanOrEqual(36)
    const gone = expect.objectContaining({ code: 'JOURNAL_CLOSED', statusCode: 503 })
    expect(reasons).toEqual(reasons.map(() => gone))
    expect(told).toEqual([expect.objectContaining({ code: 'JOURNAL_CLOSED' })])
    expect(engine.healthy).toBe(false)
    await expect(engine.accept(newEvent())).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
  })

  test('a journal that a newer version has written is refused, and left as it is', async () => {
    await (await openHere()).close()
    const later = "INSERT INTO migration VALUES ('', '99-later', 1)"
    inFile((db) => db.exec(later))
    await expect(openSqlite({ folder })).rejects.toMatchObject({
      code: 'JOURNAL_NEWER',
      message: expect.stringContaining('99-later'),
    })
    inFile((db) => db.exec("DELETE FROM migration WHERE name = '99-later'"))
    await openHere()
  })

  test('a journal that nobody needs afterwards begins as any other, however many there were before it', async () => {
    const begun = async (durable: boolean) => {
      const where = join(folder, `${open.length}`)
      const engine = await openSqlite({ folder: where, durable })
      open.push(engine)
      await newChat(engine, { chat: 'ann' })
      const db = new DatabaseSync(join(where, 'journal.sqlite'), { readOnly: true })
      const made = db.prepare('SELECT name, sql FROM sqlite_master ORDER BY name').all()
      const migrations = db.prepare('SELECT owner, name FROM migration').all()
      const rows = db
        .prepare('SELECT count(*) AS entries, (SELECT * FROM pragma_journal_mode) AS mode FROM entry')
        .get()
      db.close()
      return { made, migrations, rows }
    }
    const durable = await begun(true)
    expect(durable.rows).toEqual({ entries: 1, mode: 'wal' })
    expect([await begun(false), await begun(false)]).toEqual([durable, durable])
  })

  test('what is no journal is refused by its name, and the folder is free again', async () => {
    await writeFile(join(folder, 'journal.sqlite'), 'These are not the bytes of a database. '.repeat(100))
    await expect(openSqlite({ folder })).rejects.toThrow('journal.sqlite')
    await rm(join(folder, 'journal.sqlite'))
    await openHere()
  })

  test('a copy made while others write is whole, and opens as a journal', async () => {
    const engine = await openHere()
    const chat = await newChat(engine, { chat: 'ann' })
    const texts = 'x'.repeat(500)
    await Promise.all(Array.from({ length: 500 }, () => engine.accept(newEvent({ text: texts }))))
    // So large that it takes many steps, and the writer comes in between.
    await engine.write([{ sql: "INSERT INTO revision VALUES ('big', 0, '', hex(zeroblob(15000000)))", parameters: [] }])
    const restored = join(folder, 'restored')
    await mkdir(restored)
    const copy = join(folder, 'copy.sqlite')
    let copied = false
    const copying = engine.backup(copy).then(() => {
      copied = true
    })
    let during = 0
    for (; !copied; during++) await engine.accept(newEvent({ text: texts }))
    await copying
    expect(await readdir(folder)).not.toContain('copy.sqlite.partial')
    expect((await stat(copy)).mode & 0o777).toBe(0o600)
    await copyFile(copy, join(restored, 'journal.sqlite'))
    const other = await openHere(restored)
    expect(await loaded(other, chat)).toEqual(await loaded(engine, chat))
    const { n } = await other.read
      .selectFrom('entry')
      .select((of) => of.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
    expect(during).toBeGreaterThan(1)
    expect(n).toBeGreaterThanOrEqual(501)
    expect(n).toBeLessThanOrEqual(501 + during)
    expect((await other.accept(newEvent({ chat: 'ann' }))).chat).toBe(chat)
  })

  test('no list of customers reads all of them to find few', async () => {
    await openHere()
    using db = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true })
    const steps = new Set<string>()
    // Whatever it asks first, in order to know how many come into question, is answered by so many.
    const journalOf = (count: number) =>
      readingKysely(async (sql, parameters) => {
        for (const { detail } of db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters)) steps.add(String(detail))
        return sql.includes('AS listed') ? [] : Array.from({ length: count }, () => ({ id: 'c', customer: 'c' }))
      })
    const created = { fromMs: T0 - 1, untilMs: T0 + 1 }
    const filters: readonly CustomerFilter[] = [
      {},
      { created },
      { search: 'cust' },
      { created, search: 'cust', tag: 'vip', account: 'test:shop' },
      { id: 'x' },
      { among: [newId()] },
    ]
    const servedBy = { desk: 'support', teams: ['presale'], person: 'amy' }
    for (const sort of ['newest', 'oldest', 'last-message', 'longest-silent'] as const) {
      for (const filter of filters) {
        for (const by of [undefined, servedBy]) {
          for (const cursor of [undefined, [T0, 'c'] as const]) {
            for (const count of [3, 10_000])
              await findCustomers(journalOf(count), { filter, servedBy: by, sort, cursor, limit: 5 })
          }
        }
      }
    }
    const scanned = [...steps].filter((step) => step.startsWith('SCAN'))
    // In the order of an index, until the page is full; or what was found, and what was taken because it is few.
    for (const step of scanned) {
      expect(step).toMatch(
        /^SCAN (customer USING (COVERING )?INDEX customer_(n|last)\b|customer_found VIRTUAL TABLE|json_each VIRTUAL|few VIRTUAL|listed$|\(subquery)/,
      )
    }
    // Each by the index that it is meant to be looked for in: no other comes in.
    expect([...steps].filter((step) => /^SEARCH (customer|served|conversation) /.test(step)).toSorted()).toEqual([
      'SEARCH conversation USING INDEX conversation_person (person=?)',
      'SEARCH conversation USING INDEX conversation_team (team=?)',
      'SEARCH customer USING COVERING INDEX customer_n (n=?)',
      'SEARCH customer USING COVERING INDEX customer_n (n>? AND n<?)',
      'SEARCH customer USING COVERING INDEX customer_n (n>?)',
      'SEARCH customer USING INDEX customer_last ((last_at,id)<(?,?))',
      'SEARCH customer USING INDEX customer_last ((last_at,id)>(?,?))',
      'SEARCH customer USING PRIMARY KEY (id=?)',
      'SEARCH served EXISTS USING INDEX conversation_customer (customer=?)',
    ])
    expect(scanned.length).toBeGreaterThan(3)
  })

  test('every statement of the journal finds its rows by a key or an index, and fills no table to write them', async () => {
    await (await openHere()).close()
    const db = new DatabaseSync(join(folder, 'journal.sqlite'))
    const checking = new DatabaseSync(join(folder, 'journal.sqlite'))
    performing(db, checking)
    reads(db)
    const statements = statementsOf(db)
    const scans = statements.flatMap((sql) => {
      const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()
      return (
        plan
          // A virtual table is always said to be scanned: that it is by a row's number stands behind it.
          .filter(({ detail }) => /^SCAN (?!t$|\w+ VIRTUAL TABLE INDEX 0:=)|TEMP B-TREE/.test(String(detail)))
          .map(({ detail }) => `${detail}: ${sql}`)
      )
    })
    const due = statements.find((sql) => sql.includes('INDEXED BY delivery_due')) ?? ''
    const [plan] = db.prepare(`EXPLAIN QUERY PLAN ${due}`).all()
    const written = statements.filter((sql) => /^(INSERT INTO|UPDATE) (entry|delivery|media) /.test(sql))
    const filling = written.filter((sql) => {
      const steps = db.prepare(`EXPLAIN ${sql}`).all()
      return steps.some(({ opcode }) => opcode === 'OpenEphemeral')
    })
    const refused = () =>
      db.exec(
        "INSERT INTO entry VALUES ('c', 1, 'e', 'said', '', '', '', '', '', 1, 1, 1, '', '', '', '', 0, '', 1, 1, 1, '')",
      )
    expect(refused).toThrow('CHECK constraint failed')
    db.close()
    checking.close()
    expect(written.length).toBeGreaterThan(8)
    expect(filling).toEqual([])
    // Passes by the long queues of what is not sent to now, without reading them.
    expect(plan?.detail).toMatch(/^SEARCH delivery USING COVERING INDEX delivery_due/)
    expect(statements.length).toBeGreaterThan(80)
    expect(scans).toEqual([
      // Once, at the start: the few that were on their way, and the chats that wait.
      expect.stringMatching(/^SCAN d USING INDEX delivery_open:/),
      expect.stringMatching(/^USE TEMP B-TREE.*state = 'sending'/s),
      expect.stringMatching(/^SCAN c:.*c.pending > 0/s),
    ])
  })

  test('after kill -9 all that was said to be on disk is there, and the folder is free', {
    timeout: 60_000,
  }, async () => {
    const acknowledged = { accepted: new Set<string>(), answered: new Map<string, string>(), sent: new Set<string>() }
    for (const until of process.env.LONG ? Array.from({ length: 20 }, (_, i) => 50 + i * 100) : [150, 700]) {
      const child = spawn(process.execPath, [fileURLToPath(new URL('./accepting.ts', import.meta.url)), folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exit = once(child, 'exit')
      let lines = 0
      for await (const line of createInterface({ input: child.stdout })) {
        const [what, id = '', reply = ''] = line.split(' ')
        if (what === 'accepted') acknowledged.accepted.add(id)
        if (what === 'answered') acknowledged.answered.set(id, reply)
        if (what === 'sent') acknowledged.sent.add(id)
        lines += 1
        if (lines === 20) await expect(openSqlite({ folder })).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' })
        if (lines === until) child.kill('SIGKILL')
      }
      expect(await exit).toEqual([null, 'SIGKILL'])

      const engine = await openHere()
      const known = new Set(
        (await engine.read.selectFrom('dedupe').select('platform_id').execute()).map((row) => row.platform_id),
      )
      expect([...acknowledged.accepted].filter((id) => !known.has(id))).toEqual([])
      const entries = await engine.read.selectFrom('entry').select(['id', 'chat', 'seq', 'kind', 'outcome']).execute()
      const byId = new Map(entries.map((row) => [row.id, row]))
      for (const [id, reply] of acknowledged.answered) {
        expect([byId.get(id)?.outcome, byId.get(reply)?.kind]).toEqual(['answered', 'out'])
      }
      const sent = await engine.read.selectFrom('delivery').select('id').where('state', '=', 'sent').execute()
      const sentIds = new Set(sent.map((row) => row.id))
      expect([...acknowledged.sent].filter((id) => !sentIds.has(id))).toEqual([])

      // Whatever was under way is either there as a whole or not at all.
      const chats = await engine.read.selectFrom('chat').select(['id', 'seq', 'pending']).execute()
      for (const chat of chats) {
        const mine = entries.filter((row) => row.chat === chat.id)
        expect(mine.map((row) => row.seq).sort((a, b) => a - b)).toEqual(
          Array.from({ length: chat.seq }, (_, i) => i + 1),
        )
        expect(mine.filter((row) => row.kind === 'in' && row.outcome === null)).toHaveLength(chat.pending)
      }
      const { chats: waiting } = await engine.recover(Date.now())
      for (const { id } of waiting) {
        for (let next = (await loaded(engine, id)).next; next !== undefined; next = (await loaded(engine, id)).next) {
          await commit(engine, newChange(id, { turn: newTurn(next.seq, { outcome: 'failed' }) }))
        }
      }
      await engine.close()
      expect(inFile((db) => db.prepare('PRAGMA integrity_check').all())).toEqual([{ integrity_check: 'ok' }])
    }
    expect(acknowledged.accepted.size).toBeGreaterThan(100)
  })

  test('a chat is looked up while the writer is at work, and always whole', async () => {
    const engine = await openHere()
    const chat = await newChat(engine)
    let over = false
    const writing = (async () => {
      for (let i = 0; i < 100; i++) {
        const entries = [said(`${i}`)]
        const deliveries = [newDelivery(`${i}`)]
        await commit(engine, newChange(chat, { entries, deliveries, states: [{ instance: 'count', body: i }] }))
      }
      over = true
    })()
    while (!over) {
      const { seq, states, openDeliveries } = await loaded(engine, chat)
      expect([openDeliveries, states.get('count') ?? -1]).toEqual([seq - 1, seq - 2])
      await new Promise(setImmediate)
    }
    await writing
  })
})

describe('the SQL of a plugin’s migrations', () => {
  test.each([
    ['CREATE TABLE a (b TEXT)', 'CREATE TABLE "x__a" (b TEXT)'],
    ['create table if not exists "a b" (c)', 'create table if not exists "x__a b" (c)'],
    ['CREATE UNIQUE INDEX i ON a (b)', 'CREATE UNIQUE INDEX "x__i" ON "x__a" (b)'],
    ['DROP INDEX IF EXISTS i', 'DROP INDEX IF EXISTS "x__i"'],
    ['ALTER TABLE a ADD COLUMN c', 'ALTER TABLE "x__a" ADD COLUMN c'],
    ['ALTER TABLE a RENAME TO b', 'ALTER TABLE "x__a" RENAME TO "x__b"'],
    ['ALTER TABLE a RENAME COLUMN b TO c', 'ALTER TABLE "x__a" RENAME COLUMN b TO c'],
    ["INSERT OR IGNORE INTO a VALUES ('FROM b')", 'INSERT OR IGNORE INTO "x__a" VALUES (\'FROM b\')'],
    [
      'INSERT INTO a VALUES (1) ON CONFLICT (b) DO UPDATE SET b = 2',
      'INSERT INTO "x__a" VALUES (1) ON CONFLICT (b) DO UPDATE SET b = 2',
    ],
    ['UPDATE a SET b = 1 WHERE a.b IS DISTINCT FROM c', 'UPDATE "x__a" SET b = 1 WHERE "x__a".b IS DISTINCT FROM c'],
    ['DELETE FROM [a]', 'DELETE FROM "x__a"'],
    [
      'SELECT 1 FROM a JOIN b AS c ON c.d = a.d -- FROM e',
      'SELECT 1 FROM "x__a" JOIN "x__b" AS c ON c.d = "x__a".d -- FROM e',
    ],
    ['SELECT 1 FROM a JOIN b ON flag', 'SELECT 1 FROM "x__a" JOIN "x__b" ON flag'],
    [
      'b TEXT REFERENCES a (c) ON DELETE SET NULL ON UPDATE CASCADE',
      'b TEXT REFERENCES "x__a" (c) ON DELETE SET NULL ON UPDATE CASCADE',
    ],
    [
      'CREATE TRIGGER t AFTER UPDATE ON a BEGIN DELETE FROM b; END',
      'CREATE TRIGGER "x__t" AFTER UPDATE ON "x__a" BEGIN DELETE FROM "x__b"; END',
    ],
    [
      'CREATE TABLE a (from_a TEXT, on_b TEXT) /* INTO c */',
      'CREATE TABLE "x__a" (from_a TEXT, on_b TEXT) /* INTO c */',
    ],
    ['SELECT * FROM (SELECT 1 FROM a)', 'SELECT * FROM (SELECT 1 FROM "x__a")'],
  ])('%s', (sql, rewritten) => {
    expect(forInstance('x', sql)).toBe(rewritten)
  })
})
