/** A desk that has had as many customers as a test or a measurement wants, and its lists. */
import type { Kysely } from 'kysely'
import type { JournalTables } from '#core'
import type { TestRuntime } from '#core/testing'
import type { Calling } from '../access/door.ts'
import type { AccessTables } from '../access/tables.ts'
import { deskRuntime } from '../simulated-screen.ts'
import { type EntriesOf, makeEntries } from './entries.ts'
import { makeRows, type RowsOf } from './rows.ts'
import { makeSight } from './seen.ts'

/**
 * A desk with so many customers, each with a chat and a conversation, one a minute until now; the latest are open, with
 * a few messages each. Of the open ones most are with the bot, some wait, the others are with one of forty people.
 */
export async function deskOfMany(customers: number, open: number): Promise<TestRuntime> {
  const bot = await deskRuntime()
  const run = (sql: string) => bot.runtime.engine.write([{ sql, parameters: [] }])
  const n = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${customers - 1})`
  const id = (what: string) => `printf('${what}-%06d', i)`
  const at = `(${bot.clock.now()} - (${customers} - i) * 60000)`
  const isOpen = `i >= ${customers - open}`
  const state = `CASE WHEN NOT ${isOpen} THEN 'closed' WHEN i % 10 < 5 THEN 'bot' WHEN i % 10 < 7 THEN 'queued' ELSE 'assigned' END`
  const hasDesk = `(NOT ${isOpen} OR i % 10 >= 5)`
  const hasPerson = `(NOT ${isOpen} OR i % 10 >= 7)`
  await run(
    `${n} INSERT INTO customer (id, name, first_at, last_at, n) SELECT ${id('c')}, 'customer ' || i, ${at}, ${at}, ${at} * 1024 FROM n`,
  )
  // As the journal keeps what names are found by: the pairs of characters that stand beside each other.
  await run(`${n} INSERT INTO customer_found (rowid, names, ids, accounts, tags)
    SELECT ${at} * 1024, 'cu us st to om me er r\u2820 \u2820' || substr(i, 1, 1)
      || iif(length(i) > 1, ' ' || substr(i, 1, 2), '') || iif(length(i) > 2, ' ' || substr(i, 2, 2), '')
      || iif(length(i) > 3, ' ' || substr(i, 3, 2), '') || iif(length(i) > 4, ' ' || substr(i, 4, 2), '')
      || ' ' || substr(i, -1), '', '', '' FROM n`)
  await run(`${n} INSERT INTO chat (id, account, external_id, customer, seq, conversation, created_at, last_in_at)
    SELECT ${id('h')}, 'memory:memory', 'u' || i, ${id('c')}, 6, CASE WHEN ${isOpen} THEN ${id('v')} END, ${at}, ${at} FROM n`)
  await run(`${n} INSERT INTO conversation (id, chat, customer, state, owner_json, bot, desk, team, person, lease, origin, route,
      revision, counts_json, opened_at, queued_at, assigned_at, closed_at, close_reason)
    SELECT ${id('v')}, ${id('h')}, ${id('c')}, ${state}, '{}', CASE WHEN NOT ${hasDesk} THEN 'parrot' END,
      CASE WHEN ${hasDesk} THEN 'support' END, CASE WHEN ${hasDesk} THEN 'presale' END,
      CASE WHEN ${hasPerson} THEN CASE WHEN i % 40 = 7 THEN 'bo' ELSE 'p' || (i % 40) END END,
      2, 'customer', 'r', 'r', '{}', ${at}, CASE WHEN ${hasDesk} THEN ${at} END, CASE WHEN ${hasPerson} THEN ${at} END,
      CASE WHEN NOT ${isOpen} THEN ${at} + 1000 END, CASE WHEN NOT ${isOpen} THEN 'solved' END FROM n`)
  for (let seq = 1; seq <= 6; seq++) {
    const ours = seq % 3 === 2
    await run(`${n} INSERT INTO entry (chat, seq, id, kind, type, body_json, by_json, conversation, at, accepted_at, done_at)
      SELECT ${id('h')}, ${seq}, ${id(`e${seq}`)}, '${ours ? 'out' : 'in'}', 'message',
        '{"id":"m${seq}-' || i || '","type":"message","parts":[{"type":"text","text":"Where is my parcel, please?"}]}',
        '{"kind":"${ours ? 'bot' : 'customer'}"${ours ? ',"name":"parrot"' : ''}}', ${id('v')}, ${at} + ${seq}, ${at}, ${at} FROM n
      WHERE ${isOpen}`)
    if (ours)
      await run(`${n} INSERT INTO delivery (id, entry, chat, seq, part, destination, payload_json, by_kind, by_json, state, next_at, hold_until, created_at)
        SELECT ${id(`d${seq}`)}, ${id(`e${seq}`)}, ${id('h')}, ${seq}, 0, 'channel', '{}', 'bot', '{}', 'sent', 0, 0, ${at} FROM n
        WHERE ${isOpen}`)
  }
  return bot
}

/** The lists of that desk, and what was said in its chats, as they are read through `journal`. */
export function listsOf(
  { runtime: { engine } }: TestRuntime,
  journal: Kysely<JournalTables>,
): { readonly rows: RowsOf; readonly entries: EntriesOf } {
  const sight = makeSight({ desk: 'support', journal, accountsOf: () => ['memory:memory'] })
  const names = { channelOf: () => 'memory', titleOf: () => 'Bo', ratingsOf: async () => new Map() }
  return {
    entries: makeEntries({ desk: 'support', journal, sight, ...names }),
    rows: makeRows({
      ...{ journal, sight, ...names },
      sql: engine.tablesOf<AccessTables>('support'),
      accountOf: () => 'memory:memory',
      async named(name, limit) {
        const found = await engine.findCustomers({ filter: { name }, sort: 'newest', limit })
        return found.customers.map(({ id }) => id)
      },
      isBlocked: async () => false,
      lookersAt: () => [],
    }),
  }
}

const session = { hash: '', id: '', person: 'bo', started_at: 0, seen_at: 0, address: '', browser: '' }
/** An agent of the team that has had all of them. */
export const BO: Calling = {
  kind: 'person',
  name: 'bo',
  title: 'Bo',
  role: 'agent',
  teams: ['presale'],
  actor: { kind: 'agent', person: 'bo' },
  address: '',
  session,
}
export const SUE: Calling = { ...BO, name: 'sue', role: 'supervisor', teams: undefined }
