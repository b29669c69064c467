import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { replay } from '../../core/cli/replay.ts'
import { defineBot, definePlugin, type Plugin, type Sender, z } from '../../core/index.ts'
import { differences, Replay, type Replayed } from '../../core/replay/replay.ts'
import { type TestConfig, type TestRuntime, testRuntime } from '../../core/testing/index.ts'

const PEOPLE: TestConfig = {
  bots: { parrot: { use: 'echo' } },
  desks: {
    support: {
      use: 'desk',
      lingerFor: '0s',
      people: { amy: { name: 'Amy' } },
      teams: { all: { members: ['amy'], assign: 'by-hand' } },
    },
  },
  features: [{ use: 'keyword-handoff', keywords: ['agent'] }],
}

async function chatOf(bot: TestRuntime, user = 'u1'): Promise<string> {
  await bot.idle()
  return (await bot.runtime.engine.findChat('memory:memory', user)) ?? ''
}

async function runAgain(bot: TestRuntime, ...plugins: readonly Plugin[]): Promise<Replayed> {
  const known = [bot.channel.plugin, ...plugins].map((plugin) => [plugin.name, plugin])
  await using again = new Replay(bot.runtime.engine.read, { plugins: Object.fromEntries(known) })
  return await again.chat(await chatOf(bot))
}

/** What `explain --replay` prints. */
async function printed(bot: TestRuntime, ...plugins: readonly Plugin[]): Promise<string> {
  const known = [bot.channel.plugin, ...plugins].map((plugin) => [plugin.name, plugin])
  const done = await replay(bot.runtime.engine.read, 'u1', { plugins: Object.fromEntries(known) }, false)
  const text = (done?.text ?? '').replace(/^.*switchboard\.yaml, revision \w+/gm, '  the file')
  return text.replace(/,"inReplyTo":"[^"]*"/g, '')
}

/**
 * Days pass, and what is no longer kept is removed in each: that is nobody’s turn, so moving the clock does not wait for
 * a disk that takes its time over it.
 */
async function passDays(bot: TestRuntime, days: number): Promise<void> {
  const runs = bot.runtime.engine.read.selectFrom('job_run').select('name')
  for (let day = 0; day < days; day++) {
    await bot.advance(86_400_000)
    await expect.poll(() => runs.where('finished_at', 'is', null).execute()).toEqual([])
  }
}

test('a chat with a handover, an agent and a close ends as it did', async () => {
  await using bot = await testRuntime(PEOPLE, { there: ['amy'] })
  await bot
    .user('u1')
    .says('hello')
    .hears('echo: hello')
    .says('agent')
    .hears(/moment/)
  await bot.agent('amy').takes('u1')
  await bot.agent('amy').sends('u1', 'Hi')
  await bot.user('u1').hears('Hi').says('thanks')
  await bot.idle()
  await bot.agent('amy').closes('u1')
  expect(await bot.agent('amy').sends('u1', 'too late')).toMatchObject({ ok: false })
  await bot.user('u1').says('again').hears('echo: again')
  const { deeds, skipped, endedBecause } = await runAgain(bot)
  expect({ skipped, endedBecause }).toEqual({ skipped: 0, endedBecause: undefined })
  expect(deeds.map((deed) => JSON.stringify(deed.replayed))).toEqual(deeds.map((deed) => JSON.stringify(deed.recorded)))
  expect(deeds).toHaveLength(12)
  expect(await printed(bot)).toBe('u1 on memory:memory: 8 events and 4 commands run again\nEach ended as it did.\n')
})

test('nobody outside is asked again: a bot’s answer is the one it gave then', async () => {
  let asked = 0
  const oracle = defineBot({
    name: 'oracle',
    summary: 'Says what nobody can know.',
    config: z.strictObject({}),
    setup: () => ({ answer: (turn) => turn.reply(`number ${++asked}`) }),
  })
  await using bot = await testRuntime({ bots: { oracle: { use: oracle } } })
  await bot.user('u1').says('a').hears('number 1').says('b').hears('number 2')
  expect(differences(await runAgain(bot, oracle))).toEqual([])
  expect(asked).toBe(2)
})

test('chance falls as it did, and the clock shows what it showed', async () => {
  const dice = definePlugin({
    name: 'dice',
    summary: 'Throws dice.',
    config: z.strictObject({}),
    setup: ({ clock }) => ({
      inbound: { respond: (turn) => turn.reply(`${turn.random()} ${turn.random()} at ${clock.now()}`) },
    }),
  })
  await using bot = await testRuntime({ ...PEOPLE, desks: undefined, features: [{ use: dice }] }, { there: ['amy'] })
  for (let i = 0; i < 5; i++) {
    await bot.user('u1').says(`${i}`)
    await bot.advance(12_345)
  }
  const { deeds } = await runAgain(bot, dice)
  expect(deeds.map(({ replayed }) => replayed)).toEqual(deeds.map(({ recorded }) => recorded))
  expect(new Set(deeds.map(({ recorded }) => recorded.entries[0])).size).toBe(5)
})

test('a plugin that decides otherwise by now is named, with what it did then and what it does now', async () => {
  const greeter = (word: string) =>
    definePlugin({
      name: 'greeter',
      summary: 'Greets.',
      config: z.strictObject({}),
      setup: () => ({
        inbound: { respond: (turn, next) => (turn.text === word ? turn.reply('Welcome', { because: word }) : next()) },
      }),
    })
  await using bot = await testRuntime(
    { ...PEOPLE, desks: undefined, features: [{ use: greeter('hello') }] },
    { there: ['amy'] },
  )
  await bot.user('u1').says('hello').hears('Welcome').says('other').hears('echo: other')
  expect(await printed(bot, greeter('hello'))).toContain('Each ended as it did.')
  expect(await printed(bot, greeter('bonjour'))).toMatchInlineSnapshot(`
    "u1 on memory:memory: 2 events and 0 commands run again

    2026-01-01 00:00:00  customer: "hello"
      the file
      then  answered: hello
      now   failed: no bot answered
      steps
        then  respond, greeter: reply (hello)
        now   respond, greeter: next
        now   route, core: routes[0] (bot-only)
        now   bot, parrot: failed (it was not asked then)
      entries
        then  {"kind":"out","type":"message","by":{"kind":"feature","name":"greeter"},"what":{"parts":[{"type":"text","text":"Welcome"}]}}
        now   {"kind":"out","type":"message","by":{"kind":"core"},"what":{"parts":[{"type":"text","text":"Sorry, something went wrong. Please try again later."}]}}
      sends
        then  {"to":"channel","what":{"kind":"part","part":{"type":"text","text":"Welcome"}}}
        now   {"to":"channel","what":{"kind":"part","part":{"type":"text","text":"Sorry, something went wrong. Please try again later."}}}
      changes
        then  {"type":"opened","by":{"kind":"feature","name":"greeter"},"because":"hello","lease":1,"owner":{"kind":"bot","bot":"parrot"}}
        now   {"type":"opened","by":{"kind":"customer"},"because":"message on routes[0]","lease":1,"owner":{"kind":"bot","bot":"parrot"}}

    1 difference.
    "
  `)
})

test('what was taken out of the journal, or put into it, is found', async () => {
  await using bot = await testRuntime(PEOPLE, { there: ['amy'] })
  await bot
    .user('u1')
    .says('hello')
    .hears('echo: hello')
    .says('agent')
    .hears(/moment/)
  await chatOf(bot)
  {
    using db = new DatabaseSync(join(bot.folder, 'journal.sqlite'))
    db.exec(`UPDATE entry SET body_json = replace(body_json, 'agent', 'gents') WHERE body_json LIKE '%"agent"%'`)
  }
  const [difference] = differences(await runAgain(bot))
  expect(difference?.recorded.outcome).toBe('handed-off: keyword agent')
  expect(difference?.replayed?.outcome).toBe('failed: no bot answered')
})

test('where traces are no longer kept, it begins behind them, with the next conversation', async () => {
  await using bot = await testRuntime({ ...PEOPLE, keep: { traces: '1d' } }, { there: ['amy'] })
  await bot
    .user('u1')
    .says('agent')
    .hears(/moment/)
  await passDays(bot, 3)
  await bot.user('u1').says('still there?')
  await bot.agent('amy').closes('u1')
  await bot.idle()
  await bot.user('u1').says('hello').hears('echo: hello')
  const { deeds, skipped } = await runAgain(bot)
  expect(skipped).toBe(5)
  expect(deeds.map(({ recorded }) => recorded.outcome)).toEqual(['answered: bot'])
  expect(await printed(bot)).toMatch(/5 before them are left out/)
})

test('where an agent’s commands are no longer kept, it begins behind them: nothing is found that is not so', async () => {
  await using bot = await testRuntime({ ...PEOPLE, keep: { commands: '2d' } }, { there: ['amy'] })
  await bot
    .user('u1')
    .says('agent')
    .hears(/moment/)
  await bot.agent('amy').takes('u1')
  await bot.agent('amy').closes('u1')
  await bot.user('u1').says('thanks').hears('echo: thanks')
  expect(await printed(bot)).toContain('Each ended as it did.')
  await passDays(bot, 3)
  await bot.agent('amy').closes('u1')
  await bot.idle()
  await bot.user('u1').says('hello').hears('echo: hello')
  const { deeds, skipped } = await runAgain(bot)
  expect(deeds.map(({ recorded }) => recorded.outcome)).toEqual(['answered: bot'])
  expect(skipped).toBe(7)
})

test('what is done by a text of the YAML that this version cannot run is left out, with its problems', async () => {
  await using bot = await testRuntime({ bots: { own: { use: defineBotThatEchoes('gone-bot') } } })
  await bot.user('u1').says('hello').hears('hello')
  expect(await printed(bot)).toMatch(/cannot be run by this version:[\s\S]*There is no bot plugin "gone-bot"/)
  expect(await printed(bot)).toMatch(/Nothing could be run again\.\n$/)
  await bot.apply(PEOPLE)
  await bot.agent('amy').closes('u1')
  await bot.idle()
  await bot.user('u1').says('hello').hears('echo: hello')
  const { deeds, skipped, problems } = await runAgain(bot)
  expect(deeds.map(({ recorded }) => recorded.outcome)).toEqual(['answered: bot'])
  expect({ skipped, problems: problems.length }).toEqual({ skipped: 5, problems: 1 })
})

test('a plugin that cannot be set up with nothing outside is told, and nothing is run', async () => {
  const online = definePlugin({
    name: 'online',
    summary: 'Asks somebody when it begins.',
    config: z.strictObject({}),
    async setup() {
      if (isOffline) throw new Error('nobody answers')
      return {}
    },
  })
  let isOffline = false
  await using bot = await testRuntime({ ...PEOPLE, features: [{ use: online }] }, { there: ['amy'] })
  await bot.user('u1').says('hello').hears('echo: hello')
  isOffline = true
  expect(await printed(bot, online)).toMatch(/cannot be run by this version, with nothing outside: .*nobody answers/)
})

test('what a plugin remembers is compared too: its state, its wakes and its question', async () => {
  const remembers = (what: { note: string; inMs: number; key: string }) =>
    definePlugin({
      name: 'remembers',
      summary: 'Remembers.',
      config: z.strictObject({}),
      state: z.object({ note: z.string().default('') }),
      setup: (_context) => ({
        inbound: {
          respond(turn) {
            turn.state.note = what.note
            turn.wake('later', { inMs: what.inMs })
            return turn.reply('Yes?', { expect: { key: what.key, forMs: 60_000 } })
          },
        },
      }),
    })
  const then = { note: 'a', inMs: 1_000, key: 'q' }
  await using bot = await testRuntime({ ...PEOPLE, features: [{ use: remembers(then) }] }, { there: ['amy'] })
  await bot.user('u1').says('hello').hears('Yes?')
  expect(differences(await runAgain(bot, remembers(then)))).toHaveLength(0)
  expect(differences(await runAgain(bot, remembers({ ...then, note: 'b' })))).toHaveLength(1)
  expect(differences(await runAgain(bot, remembers({ ...then, inMs: 2_000 })))).toHaveLength(1)
  expect(differences(await runAgain(bot, remembers({ ...then, key: 'p' })))).toHaveLength(1)
})

test('everyone knows as much of the customer as they did then, and no more', async () => {
  const nosy = definePlugin({
    name: 'nosy',
    summary: 'Finds out a name, and says which it knew before.',
    config: z.strictObject({}),
    setup: () => ({
      inbound: {
        intercept(turn, next) {
          turn.say(`before: ${turn.customer.name ?? 'nobody'}`)
          return next()
        },
        async respond(turn, next) {
          await Promise.resolve()
          turn.learn({ customer: { name: 'Anna' } })
          return next()
        },
      },
    }),
  })
  await using bot = await testRuntime({ ...PEOPLE, features: [{ use: nosy }] }, { there: ['amy'] })
  await bot.user('u1').says('hello').hears('before: nobody', 'echo: hello')
  await bot.user('u1').says('again').hears('before: Anna', 'echo: again')
  expect(differences(await runAgain(bot, nosy))).toEqual([])
})

function defineBotThatEchoes(name: string): Plugin {
  return defineBot({
    name,
    summary: 'Says the same.',
    config: z.strictObject({}),
    setup: () => ({ answer: (turn) => turn.reply(turn.text) }),
  })
}

test('chats end as they did though their customers turned out to be one, or somebody else', async () => {
  const mirror = defineBot({
    name: 'mirror',
    summary: 'Says whom it sees.',
    config: z.strictObject({}),
    setup: () => ({
      // In which language is decided again in a replay; what the bot has said is not.
      answer(turn) {
        const seen = { ...turn.customer }
        return turn.reply({ en: JSON.stringify({ ...seen, in: 'en' }), de: JSON.stringify({ ...seen, in: 'de' }) })
      },
    }),
  })
  const saw = new Map<string, string>()
  const witness = definePlugin({
    name: 'witness',
    summary: 'Turns an event away whose customer was another one when it saw it first.',
    config: z.strictObject({}),
    setup: () => ({
      inbound: {
        guard(turn, next) {
          const { event, customer } = turn
          const before = saw.get(event.id) ?? customer.id
          saw.set(event.id, before)
          return before === customer.id ? next() : turn.drop('somebody else')
        },
      },
    }),
  })
  await using bot = await testRuntime({
    bots: { mirror: { use: mirror } },
    features: [{ use: witness }],
    languages: ['en', 'de'],
  })
  let count = 0
  const says = async (chat: string, sender?: Sender) => {
    const parts = [{ type: 'text', text: 'who am I?' }] as const
    await bot.channel.receive({ id: `m${++count}`, chat, type: 'message', atMs: bot.clock.now(), parts, sender })
    await bot.idle()
    await bot.clock.advance(1)
  }
  await says('phone', { language: 'de', fields: { page: '/a' } })
  await says('laptop')
  await says('laptop', { userId: 'ann', name: 'Ann' })
  await says('phone', { userId: 'ann' })
  await says('laptop', { name: 'Anna' })
  await says('phone')
  await says('tablet', { userId: 'ann', fields: { page: '/b' } })
  await says('phone', { userId: 'bo' })
  await says('laptop')
  await says('phone', { userId: 'ann', name: 'Anne' })
  await says('tablet')
  const told = bot.channel.sent.map(({ part }) => (part.type === 'text' ? JSON.parse(part.text) : {}))
  expect(told.map(({ name, in: language }) => `${name} ${language}`)).toEqual([
    ...['undefined de', 'undefined en', 'Ann en', 'Ann de', 'Anna de', 'Anna de', 'Anna de'],
    ...['undefined en', 'Anna de', 'Anne de', 'Anne de'],
  ])
  expect(told.at(-1)).toMatchObject({ id: told[1].id, fields: { page: '/b' } })

  const plugins = { mirror, witness, [bot.channel.plugin.name]: bot.channel.plugin }
  for (const order of [
    ['phone', 'laptop', 'tablet'],
    ['tablet', 'laptop', 'phone'],
  ]) {
    await using again = new Replay(bot.runtime.engine.read, { plugins })
    for (const user of order) {
      const replayed = await again.chat(await chatOf(bot, user))
      expect(replayed).toMatchObject({ skipped: 0, problems: [], endedBecause: undefined })
      expect(replayed.deeds.map((deed) => deed.replayed)).toEqual(replayed.deeds.map((deed) => deed.recorded))
      expect(replayed.deeds.length).toBe(bot.channel.sent.filter(({ chat }) => chat === user).length)
    }
  }
})
