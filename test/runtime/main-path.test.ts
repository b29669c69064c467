import { expect, test, vi } from 'vitest'
import { testRuntime } from '#core/testing'

const KEYWORDS = { use: 'keyword-handoff', keywords: ['人工', { text: 'r', match: 'exact' }], say: 'One moment.' }
const DESK = { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { presale: { members: ['amy'] } } }

test('a message is answered by the bot', async () => {
  await using bot = await testRuntime({ bots: { parrot: { use: 'echo' } } })
  await bot.user('u1').says('hello').hears('echo: hello')
  expect(await bot.outcomes('u1')).toEqual(['answered: bot'])
})

test('a chat is read once for each message: the end of a turn says whether anything waits', async () => {
  await using bot = await testRuntime({ bots: { parrot: { use: 'echo' } } })
  const reads = vi.spyOn(bot.runtime.engine, 'load')
  const user = bot.user('u1')
  await user.says('one').hears('echo: one')
  expect(reads).toHaveBeenCalledTimes(1)
  await user.says('two').hears('echo: two')
  expect(reads).toHaveBeenCalledTimes(2)
})

test('asking for a person hands over, and people own the conversation from then on', async () => {
  await using bot = await testRuntime({
    bots: { parrot: { use: 'echo' } },
    desks: { support: DESK },
    features: [KEYWORDS],
  })
  const user = bot.user('u1')
  await user.says('hello').hears('echo: hello').says('转人工').hears('One moment.').says('anybody?').hearsNothing()
  expect((await bot.conversation('u1'))?.owner).toEqual({ kind: 'queue', desk: 'support', team: 'presale' })
  expect(await bot.outcomes('u1')).toEqual([
    'answered: bot',
    'handed-off: keyword 人工',
    'to-desk: support has the conversation',
  ])
})

test('an agent takes the conversation, writes, and closes it', async () => {
  await using bot = await testRuntime({
    bots: { parrot: { use: 'echo' } },
    desks: { support: DESK },
    features: [KEYWORDS],
  })
  const user = bot.user('u1')
  await user.says('r').hears('One moment.')
  const amy = bot.agent('amy')
  expect(await amy.takes('u1')).toMatchObject({ ok: true })
  expect(await amy.sends('u1', 'Hello, this is Amy.')).toMatchObject({ ok: true })
  await user.hears('Hello, this is Amy.')
  expect(await bot.agent('bo').sends('u1', 'me too')).toMatchObject({ ok: false, code: 'NOT_OWNER' })
  expect(await amy.closes('u1')).toMatchObject({ ok: true })
  await user.says('hello again').hears('echo: hello again')
})
