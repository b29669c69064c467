import { expect, test } from 'vitest'
import { differences, Replay } from '../../core/replay/replay.ts'
import { testRuntime } from '../../core/testing/index.ts'

test('a chat that is run again from its journal ends as it did', async () => {
  await using bot = await testRuntime({
    bots: { parrot: { use: 'echo' } },
    desks: { support: { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { all: { members: ['amy'] } } } },
    features: [{ use: 'keyword-handoff', keywords: ['agent'] }],
  })
  await bot
    .user('u1')
    .says('hello')
    .hears('echo: hello')
    .says('agent')
    .hears(/moment/)
  await bot.agent('amy').takes('u1')
  await bot.agent('amy').sends('u1', 'Hi')
  await bot.user('u1').hears('Hi').says('thanks')
  await bot.agent('amy').closes('u1')
  await bot.user('u1').says('again').hears('echo: again')
  await using replay = new Replay(bot.runtime.engine.read, { plugins: { memory: bot.channel.plugin } })
  const chat = await bot.runtime.engine.findChat('memory:memory', 'u1')
  const replayed = await replay.chat(chat ?? '')
  expect(differences(replayed)).toEqual([])
  expect(replayed).toMatchObject({ skipped: 0, endedBecause: undefined })
  expect(replayed.deeds.map(({ recorded }) => recorded.outcome)).toMatchInlineSnapshot(`
    [
      "answered: bot",
      "handed-off: keyword agent",
      "{"ok":true,"conversation":"019b76da-a800-7003-994d-c815c050b951"}",
      "{"ok":true,"conversation":"019b76da-a800-7003-994d-c815c050b951"}",
      "to-desk: support has the conversation",
      "{"ok":true,"conversation":"019b76da-a800-7003-994d-c815c050b951"}",
      "answered: bot",
    ]
  `)
})
