/**
 * A journal of the first schema goes on in this version. `schema-1.sql` is the dump of one that the first schema's own
 * version has written, in the middle of its work: a conversation that amy has, one that is closed, an answer that the
 * platform did not take yet, an event that nobody has handled. Nothing in it is ever edited.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CustomerFilter, definePlugin, type Generated, tables, z } from '#core'
import { manualClock, memoryChannel, type TestConfig, testRuntime } from '#core/testing'
import { readStory, storyAsText } from '../../../core/cli/story.ts'
import { backupFolder } from '../../../core/journal/sqlite/backup.ts'
import { readJournal } from '../../../core/journal/sqlite/read-journal.ts'
import { botThat, quietDesk } from '../../runtime/cast.ts'

/** Some two minutes after it was written. */
const NOW_MS = Date.UTC(2026, 0, 1, 0, 3)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchboard-'))
  const dump = await readFile(new URL('./schema-1.sql', import.meta.url), 'utf8')
  using db = new DatabaseSync(join(folder, 'journal.sqlite'))
  db.exec(dump)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Keeps what customers have written in a table of its own, and counts it in its state; reminds them after an hour. */
const words = definePlugin({
  name: 'words',
  summary: 'Keeps words.',
  config: z.strictObject({}),
  state: z.object({ count: z.number().default(0) }),
  tables: tables<{ word: { n: Generated<number>; said: string } }>({
    '1-word': 'CREATE TABLE word (n INTEGER PRIMARY KEY, said TEXT NOT NULL)',
  }),
  setup: ({ sql }) => ({
    inbound: {
      intercept(turn, next) {
        turn.state.count += 1
        turn.write(sql.insertInto('word').values({ said: turn.text }))
        turn.wake('remind', { inMs: 3_600_000 })
        return next()
      },
    },
    woken: (turn) => turn.reply(`You have said ${turn.state.count} things.`),
  }),
})

const bot = botThat((turn) =>
  turn.text === 'person' ? turn.handOff({ because: 'asked' }) : turn.reply(`Yes: ${turn.text}`),
)

function config(desk = quietDesk().desk): TestConfig {
  return {
    storage: { folder: './' },
    bots: { bot: { use: bot } },
    desks: { support: { use: desk } },
    features: [{ use: words }],
    texts: { handedOver: 'One moment.' },
  }
}

const says = (text: string) => ({ parts: [{ type: 'text' as const, text }], type: 'message' as const })

test('what was waiting in an older journal is handled, and what was on its way is sent', async () => {
  const channel = memoryChannel()
  await using runtime = await testRuntime(config(), { channel, folder, clock: manualClock(NOW_MS) })
  await runtime.idle()
  const sent = channel.sent.map(({ chat, part }) => [chat, part])
  expect(sent.sort()).toEqual([
    ['u3', { type: 'text', text: 'Yes: price?' }],
    ['u4', { type: 'text', text: 'Yes: wait' }],
  ])
  const { read } = runtime.runtime.engine
  const open = read.selectFrom('entry').select('id').where('done_at', 'is', null)
  expect(await open.execute()).toEqual([])
  const deliveries = read.selectFrom('delivery').select('id').where('state', '!=', 'sent')
  expect(await deliveries.execute()).toEqual([])
})

test('conversations of an older journal go on where they were, plugins’ own rows and state with them', async () => {
  const { desk, items } = quietDesk()
  const channel = memoryChannel()
  await using runtime = await testRuntime(config(desk), { channel, folder, clock: manualClock(NOW_MS) })
  expect((await runtime.conversation('u1'))?.owner).toMatchObject({ kind: 'agent', desk: 'support', person: 'amy' })
  expect(await runtime.conversation('u2')).toBeUndefined()
  expect(await runtime.customer('u1')).toMatchObject({ name: 'Customer u1' })

  await channel.receive({ id: 'e4', chat: 'u1', atMs: NOW_MS, ...says('thanks') })
  await channel.receive({ id: 'e8', chat: 'u1', atMs: NOW_MS, ...says('bye') })
  await runtime.idle()
  expect(items).toMatchObject([{ type: 'message', parts: [{ text: 'bye' }] }])
  await runtime.user('u1').hearsNothing()
  expect(await runtime.agent('amy').sends('u1', 'Bye.')).toMatchObject({ ok: true })
  expect(await runtime.agent('amy').closes('u1')).toMatchObject({ ok: true })
  await runtime.user('u1').hears('Bye.')

  const kept = await runtime.rows('words', 'word')
  expect(kept.map((row) => Object.values(row)[1])).toEqual(
    expect.arrayContaining(['hello', 'person', 'anybody?', 'thanks', 'price?', 'wait', 'bye']),
  )
  await runtime.advance(3_600_000)
  await runtime.user('u1').hears('You have said 5 things.')
  await runtime.user('u2').hears('You have said 1 things.')
})

test('what a platform still takes in the chats of an older journal is known', async () => {
  const limited = new DatabaseSync(join(folder, 'journal.sqlite'))
  limited.exec("UPDATE allowance SET max = 5, used = 2 WHERE chat IN (SELECT id FROM chat WHERE external_id = 'u1')")
  limited.close()
  await using runtime = await testRuntime(config(), { folder, clock: manualClock(NOW_MS) })
  const { engine } = runtime.runtime
  const chats = await engine.read.selectFrom('chat').select(['id', 'external_id']).orderBy('external_id').execute()
  const loaded = await Promise.all(chats.slice(0, 2).map(({ id }) => engine.load(id)))
  const message = { on: 'message', endsAtMs: Number.MAX_SAFE_INTEGER, grantedAtMs: expect.any(Number) }
  expect(loaded.map((chat) => chat?.allowances)).toEqual([[{ ...message, max: 5, used: 2 }], [{ ...message, used: 0 }]])
})

test('customers of an older journal are found by name and id', async () => {
  await using runtime = await testRuntime(config(), { folder, clock: manualClock(NOW_MS) })
  const { engine } = runtime.runtime
  const found = async (filter: CustomerFilter) =>
    (await engine.findCustomers({ filter, sort: 'oldest', limit: 10 })).customers.map(({ name }) => name)
  const all = ['Customer u1', 'Customer u2', 'Customer u3', 'Customer u4']
  expect((await found({})).toSorted()).toEqual(all)
  expect((await found({ search: 'ＣＵＳ', account: 'memory:memory' })).toSorted()).toEqual(all)
  expect(await found({ id: 'u2' })).toEqual(['Customer u2'])
  expect(await found({ account: 'memory' })).toEqual([])
})

test('the story of an older journal is told as it was, before it is upgraded and afterwards', async () => {
  const before = readJournal(folder)
  const toldBefore = before && (await readStory(before.read, 'u1'))
  await before?.close()
  await using runtime = await testRuntime(config(), { folder, clock: manualClock(NOW_MS) })
  const told = await readStory(runtime.runtime.engine.read, 'u1')
  expect(toldBefore).toEqual(told)
  const story = told ? storyAsText(told) : ''
  const lines = story.split('\n').map((line) => line.replace(/ {2}\S*(switchboard\.yaml)/, '  $1'))
  expect(lines.slice(2)).toEqual([
    '2026-01-01 00:00:00  customer: "hello"',
    '    answered: bot',
    '      route, core: routes[0] (bot-first)  switchboard.yaml:22',
    '      bot, bot: reply  switchboard.yaml:14',
    '2026-01-01 00:00:00  bot: "Yes: hello"',
    '    channel: sent',
    '2026-01-01 00:00:05  customer: "person"',
    '    handed-off: asked',
    '      route, core: routes[0] (bot-first)  switchboard.yaml:22',
    '      bot, bot: hand-off (asked)  switchboard.yaml:14',
    '    desk:support: sent',
    '2026-01-01 00:00:05  core: "One moment."',
    '    channel: sent',
    '2026-01-01 00:00:10  customer: "anybody?"',
    '    to-desk: support has the conversation',
    '    desk:support: sent',
    '2026-01-01 00:00:15  amy: (take) amy took it',
    '2026-01-01 00:00:20  amy: "I am Amy."',
    '    channel: sent',
    '2026-01-01 00:00:25  amy: (note) a regular',
    '2026-01-01 00:00:30  customer: "thanks"',
    '    to-desk: support has the conversation',
    '    desk:support: sent',
    '',
  ])
})

test('a backup of an older journal is upgraded when it is started from', async () => {
  const copy = join(folder, 'copy')
  await backupFolder(folder, copy)
  await using runtime = await testRuntime(config(), { folder: copy, clock: manualClock(NOW_MS) })
  expect(await runtime.outcomes('u4')).toEqual(['answered: bot'])
})
