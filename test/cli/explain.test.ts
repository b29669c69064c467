import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import { replay } from '../../core/cli/replay.ts'
import { resolvedAsText, resolvedPipeline } from '../../core/cli/resolved.ts'
import { readStory, storyAsText } from '../../core/cli/story.ts'
import { rowsAsText, topicsOf } from '../../core/cli/topics.ts'
import { DeliveryError } from '../../core/errors.ts'
import { readJournal } from '../../core/journal/sqlite/read-journal.ts'
import type { Explained } from '../../core/plugin.ts'
import { memoryChannel, type TestRuntime, testRuntime } from '../../core/testing/index.ts'

const MINUTE = 60_000

/** A platform that takes three short messages within half an hour. */
const narrow = () =>
  memoryChannel({
    capabilities: {
      sends: { text: { maxChars: 24 } },
      later: [{ on: 'message', withinMs: 30 * MINUTE, max: 3, resets: true }],
    },
  })

const CONFIG = {
  bots: { parrot: { use: 'echo' } },
  desks: {
    support: { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { all: { members: ['amy'], assign: 'by-hand' } } },
  },
  features: [{ use: 'keyword-handoff', keywords: ['agent'] }],
  routes: [
    {
      from: 'memory',
      mode: 'bot-first',
      bot: 'parrot',
      desk: 'support',
      collect: '2s',
      handOff: { unknown: 2, menu: ['HELP'] },
    },
  ],
}

/** Without what differs from run to run. */
function plain(text: string | undefined, { folder }: TestRuntime): string {
  return (text ?? '')
    .replaceAll(`${folder}/`, '')
    .replace(/revision [0-9a-f]{12}/g, 'revision …')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…')
}

test('the resolved pipeline names who has a say on each channel, in which order, at which line', async () => {
  await using bot = await testRuntime(CONFIG, { channel: narrow(), there: ['amy'] })
  const resolved = resolvedPipeline(bot.runtime.config, bot.runtime.plan)
  expect(plain(resolvedAsText(resolved), bot)).toMatchInlineSnapshot(`
    "switchboard.yaml, revision …

    memory (memory), account memory:memory                                      switchboard.yaml:9
      takes text; 3 messages within 30m after a message
      intercept
        support: Where our own agents work: people, teams, and the queue that customers wait in.  switchboard.yaml:15
      respond
        keyword-handoff: Hands over to people on given words.                   switchboard.yaml:26
      routes[0], bot-first, gathers what comes within 2s                        switchboard.yaml:30
        bot parrot (echo): Says what the customer said: for trying out routes, features and channels.  switchboard.yaml:12
        people at support (desk): Where our own agents work: people, teams, and the queue that customers wait in.  switchboard.yaml:15
        hands over after 2 unknown answers in a row                             switchboard.yaml:30
        hands over on the menu HELP                                             switchboard.yaml:30
      conversation.queued
        support: Where our own agents work: people, teams, and the queue that customers wait in.  switchboard.yaml:15
      conversation.assigned
        support: Where our own agents work: people, teams, and the queue that customers wait in.  switchboard.yaml:15
      conversation.returned
        support: Where our own agents work: people, teams, and the queue that customers wait in.  switchboard.yaml:15
      conversation.closed
        support: Where our own agents work: people, teams, and the queue that customers wait in.  switchboard.yaml:15
      agent.replied
        support: Where our own agents work: people, teams, and the queue that customers wait in.  switchboard.yaml:15
    "
  `)
  expect(JSON.parse(JSON.stringify(resolved))).toMatchObject({
    channels: [{ name: 'memory', line: 9 }],
  })
  expect(resolved.channels[0]?.stages.slice(0, 2)).toMatchObject([
    { stage: 'intercept', has: [{ name: 'support' }] },
    { stage: 'respond', has: [{ name: 'keyword-handoff' }] },
  ])
})

test('of one event everything is told: who, because, how long, which line, what was degraded, what was left, what was sent', async () => {
  const channel = narrow()
  await using bot = await testRuntime(CONFIG, { channel, there: ['amy'] })
  channel.beforeSend(({ part }) => {
    if (part.type === 'text' && part.text.startsWith('echo'))
      throw new DeliveryError('CHANNEL_REFUSED', { message: 'no' })
  })
  await bot.user('u1').says('a long question, too long for this platform')
  await bot.advance(2_000)
  const [event] = await bot.entries('u1')
  const story = await readStory(bot.runtime.engine.read, event?.id ?? '')
  expect(plain(story && storyAsText(story), bot)).toMatchInlineSnapshot(`
    "u1 on memory:memory

    2026-01-01 00:00:00  customer: "a long question, too long for this platform"
        answered: bot
        id …; it waited 0 ms and took 2000 ms; by revision … of switchboard.yaml
          intercept, support: next  switchboard.yaml:15
          respond, keyword-handoff: next  switchboard.yaml:26
          route, core: routes[0] (bot-first)  switchboard.yaml:30
          bot, parrot: reply  switchboard.yaml:12
          allowance, core: 3 left until 2026-01-01 00:30:00
          adapt, core: degraded (A text was sent as 3, because this channel takes 24 characters at once.)
    2026-01-01 00:00:02  parrot: "echo: a long question, too long for this platform"
        channel: dead (CHANNEL_REFUSED), counted on message, no
        channel: sent, counted on message, there it is …
        channel: sent, counted on message, there it is …
    "
  `)
})

test('the story of a chat has what agents did, what was refused to them, and why', async () => {
  const channel = narrow()
  await using bot = await testRuntime(CONFIG, { channel, there: ['amy'] })
  await bot
    .user('u1')
    .says('agent')
    .hears(/One moment/, /.*/, /.*/)
  expect(await bot.agent('amy').sends('u1', 'Hello')).toMatchObject({ ok: false, code: 'NOT_OWNER' })
  await bot.advance(1_000)
  await bot.agent('amy').takes('u1')
  await bot.advance(1_000)
  expect(await bot.agent('amy').sends('u1', 'Hello')).toMatchObject({ ok: false, code: 'WINDOW_CLOSED' })
  const story = await readStory(bot.runtime.engine.read, 'u1')
  expect(plain(story && storyAsText(story), bot)).toMatchInlineSnapshot(`
    "u1 on memory:memory

    2026-01-01 00:00:00  customer: "agent"
        handed-off: keyword agent
          respond, keyword-handoff: hand-off (keyword agent)  switchboard.yaml:26
          where, support: all  switchboard.yaml:15
          allowance, core: 3 left until 2026-01-01 00:30:00
          adapt, core: degraded (A text was sent as 3, because this channel takes 24 characters at once.)
        desk:support: sent
    2026-01-01 00:00:00  core: "One moment please, we are getting someone for you."
        channel: sent
        channel: sent
        channel: sent
    2026-01-01 00:00:00  core: conversation.queued
        handled: 1 listened
          conversation.queued, support: done  switchboard.yaml:15
    2026-01-01 00:00:00  amy: (send)
        refused: NOT_OWNER, It waits in the queue of all now.
    2026-01-01 00:00:01  amy: (take) amy took it
    2026-01-01 00:00:01  core: conversation.assigned
        handled: 1 listened
          conversation.assigned, support: done  switchboard.yaml:15
    2026-01-01 00:00:02  amy: (send)
        refused: WINDOW_CLOSED, All messages that the platform takes are used up, until the customer writes again.
          allowance, core: used-up
          adapt, core: degraded (Only 0 of 1 messages are still taken by the platform.)
          ledger, core: used-up (All messages that the platform takes are used up, until the customer writes again.)
    "
  `)
})

test('a line of a story is a line of the text that was in force, also after the file has changed', async () => {
  await using bot = await testRuntime(CONFIG, { there: ['amy'] })
  await bot
    .user('u1')
    .says('agent')
    .hears(/One moment/)
  await bot.apply({ ...CONFIG, texts: { handedOver: 'Wait' } })
  await bot.agent('amy').closes('u1')
  await bot.user('u1').says('agent').hears('Wait')
  const story = await readStory(bot.runtime.engine.read, 'u1')
  const handedOff = story?.chats[0]?.happened.filter(({ outcome }) => outcome === 'handed-off') ?? []
  expect(handedOff).toHaveLength(2)
  expect(new Set(handedOff.map(({ revision }) => revision)).size).toBe(2)
})

test('nobody and nothing of that name: there is no story', async () => {
  await using bot = await testRuntime(CONFIG, { there: ['amy'] })
  await bot.idle()
  expect(await readStory(bot.runtime.engine.read, 'nobody')).toBeUndefined()
})

test('a command is told by its id: what it did, or why it was refused', async () => {
  await using bot = await testRuntime(CONFIG, { there: ['amy'] })
  await bot
    .user('u1')
    .says('agent')
    .hears(/One moment/)
  await bot.agent('amy').takes('u1')
  const { read } = bot.runtime.engine
  const { id } = await read.selectFrom('command').select('id').executeTakeFirstOrThrow()
  const story = await readStory(read, id)
  expect(plain(story && storyAsText(story), bot)).toContain(
    'amy: (take)\n    done: assigned, amy took it\n    id …; by revision … of switchboard.yaml\n',
  )
})

test('of a long chat the latest is told, and how much is not', async () => {
  await using bot = await testRuntime({ bots: { parrot: { use: 'echo' } } })
  for (let i = 0; i < 120; i++) await bot.user('u1').says(`${i}`)
  await bot.idle()
  const story = await readStory(bot.runtime.engine.read, 'u1')
  expect(story?.chats[0]).toMatchObject({ leftOut: 40 })
  expect(story && storyAsText(story)).toContain('\n(40 before these are not told)\n')
})

test('what strangers and agents write moves no cursor, and forges no line', async () => {
  await using bot = await testRuntime(CONFIG, { there: ['amy'] })
  await bot
    .user('u1', { name: 'x' })
    .says('\u001b[2J \u202eagent\u0085')
    .hears(/One moment/)
  await bot.agent('amy').takes('u1')
  const conversation = await bot.conversation('u1')
  await bot
    .agent('amy')
    .does({ type: 'note', conversation: conversation?.id ?? '', text: 'a\n2026  bot: "b"\u001b[2J' })
  const story = await readStory(bot.runtime.engine.read, 'u1')
  const text = story ? storyAsText(story) : ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested.
  expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
  expect(text).not.toMatch(/^2026 {2}bot: "b"/m)
})

test('a journal of the first schema, not opened by this version yet, is told too, and nothing of it is run again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-'))
  try {
    {
      using db = new DatabaseSync(join(folder, 'journal.sqlite'))
      db.exec(await readFile(join(import.meta.dirname, '../core/journal/schema-1.sql'), 'utf8'))
    }
    const journal = readJournal(folder)
    const story = journal && (await readStory(journal.read, 'u1'))
    const text = story ? storyAsText(story) : ''
    expect(text).toContain('customer: "hello"\n    answered: bot\n')
    expect(text).not.toMatch(/NaN|undefined|null/)
    const done = journal && (await replay(journal.read, 'u1', {}, false))
    expect(done?.text).toMatch(/Nothing could be run again\.\n$/)
    await journal?.close()
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('what plugins tell of a topic is told together, of the channels that each is for', async () => {
  const teller = definePlugin({
    name: 'teller',
    summary: 'Tells.',
    config: z.strictObject({ what: z.string() }),
    explain: ({ what }, channels) => ({ rules: [{ what, where: Object.keys(channels).join(', ') }], none: [] }),
    setup: () => ({}),
  })
  const second = memoryChannel({ name: 'second' })
  await using bot = await testRuntime({
    channels: { second: { use: second.plugin } },
    bots: { parrot: { use: 'echo' } },
    features: [
      { use: teller, what: '全部' },
      { use: teller, name: 'other', what: '\u001b[31mred', for: ['second'] },
    ],
  })
  const { topics } = topicsOf(bot.runtime.config)
  expect([...topics.keys()]).toEqual(['rules', 'none'])
  expect(rowsAsText(topics.get('rules') ?? [])).toBe('what      where\n全部      memory, second\n·[31mred  second\n')
  expect(rowsAsText(topics.get('none') ?? [])).toBe('There are none.\n')
})

test('a plugin that explains badly is named with what is wrong, and the others are told all the same', async () => {
  const rows = {
    throws: [],
    number: [{ where: 5 }],
    text: 'abc',
    promise: Promise.resolve({}),
    good: [{ where: '全部' }],
  }
  const teller = definePlugin({
    name: 'teller',
    summary: 'Tells.',
    config: z.strictObject({ what: z.enum(['throws', 'number', 'text', 'promise', 'good']) }),
    explain({ what }) {
      if (what === 'throws') throw new Error('boom')
      return what === 'promise' ? untyped(rows.promise) : untyped({ rules: rows[what] })
    },
    setup: () => ({}),
  })
  await using bot = await testRuntime({
    bots: { parrot: { use: 'echo' } },
    features: Object.keys(rows).map((what) => ({ use: teller, name: what, what })),
  })
  const { topics, failures } = topicsOf(bot.runtime.config)
  expect(Object.fromEntries(topics)).toEqual({ rules: [{ where: '全部' }] })
  expect(failures).toEqual([
    'throws (teller), explain: boom.',
    'number (teller), explain: It wants a list of rows of texts for each topic, and there is something else at rules[0].where.',
    'text (teller), explain: It wants a list of rows of texts for each topic, and there is something else at rules.',
    'promise (teller), explain: It wants a list of rows of texts for each topic, and there is something else.',
  ])
})

/** What a plugin in JavaScript may return: no type says what it is. */
function untyped(value: unknown): Explained {
  return z.custom<Explained>().parse(value)
}
