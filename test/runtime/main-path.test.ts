import { expect, test, vi } from 'vitest'
import { toParts } from '#core'
import { memoryChannel, testRuntime } from '#core/testing'

const KEYWORDS = { use: 'keyword-handoff', keywords: ['人工', { text: 'r', match: 'exact' }], say: 'One moment.' }
const DESK = {
  use: 'desk',
  people: { amy: { name: 'Amy' } },
  teams: { presale: { members: ['amy'], assign: 'by-hand' } },
}

test('a message is answered by the bot', async () => {
  await using bot = await testRuntime({ bots: { parrot: { use: 'echo' } } })
  await bot.user('u1').says('hello').hears('echo: hello')
  expect(await bot.outcomes('u1')).toEqual(['answered: bot'])
})

test('a message that comes alone needs no reading of its chat, and one behind another a single one', async () => {
  const channel = memoryChannel()
  await using bot = await testRuntime({ bots: { parrot: { use: 'echo' } } }, { channel })
  const reads = vi.spyOn(bot.runtime.engine, 'load')
  await bot.user('u1').says('one').hears('echo: one').says('two').hears('echo: two')
  expect(reads).not.toHaveBeenCalled()
  const message = (id: string) => ({ id, chat: 'u1', atMs: 0, type: 'message' as const, parts: toParts(id) })
  await Promise.all([channel.receive(message('three')), channel.receive(message('four'))])
  await bot.user('u1').hears('echo: three').hears('echo: four')
  expect(reads).toHaveBeenCalledTimes(1)
})

test('asking for a person hands over, and people own the conversation from then on', async () => {
  await using bot = await testRuntime(
    { bots: { parrot: { use: 'echo' } }, desks: { support: DESK }, features: [KEYWORDS] },
    { there: ['amy'] },
  )
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
  await using bot = await testRuntime(
    { bots: { parrot: { use: 'echo' } }, desks: { support: DESK }, features: [KEYWORDS] },
    { there: ['amy'] },
  )
  const user = bot.user('u1')
  await user.says('r').hears('One moment.')
  const amy = bot.agent('amy')
  expect(await amy.takes('u1')).toMatchObject({ ok: true })
  expect(await amy.sends('u1', 'Hello, this is Amy.')).toMatchObject({ ok: true })
  await user.hears('Hello, this is Amy.')
  expect(await bot.agent('bo').sends('u1', 'me too')).toMatchObject({ ok: false, code: 'NOT_OWNER' })
  expect(await amy.closes('u1')).toMatchObject({ ok: true })
  await bot.advance(120_000)
  await user.says('hello again').hears('echo: hello again')
})
