import { expect, test } from 'vitest'
import { memoryDesk, testRuntime } from '#core/testing'
import rateLimit from './rate-limit.ts'

const CONFIG = {
  bots: { parrot: { use: 'echo' } },
  features: [{ use: rateLimit, max: 2, within: '1m', say: 'Slow down, please.' }],
}

test('who writes too fast is told once, and then not heard until the time is over', async () => {
  await using bot = await testRuntime(CONFIG)
  const user = bot.user('u1')
  await user.says('1').says('2').hears('echo: 1', 'echo: 2')
  await user.says('3').hears('Slow down, please.').says('4').says('5').hearsNothing()
  expect(await bot.outcomes('u1')).toEqual([
    'answered: bot',
    'answered: bot',
    'dropped: more than 2 messages',
    'dropped: more than 2 messages',
    'dropped: more than 2 messages',
  ])
  await bot.advance(59_999)
  await user.says('6').hearsNothing()
  await bot.advance(1)
  await user.says('7').says('8').hears('echo: 7', 'echo: 8').says('9').hears('Slow down, please.')
})

test('a burst is counted message by message, whatever the bot takes', async () => {
  await using bot = await testRuntime(CONFIG)
  const user = bot.user('u1')
  for (const text of ['1', '2', '3', '4', '5', '6']) user.says(text)
  await user.hears('echo: 1', 'echo: 2', 'Slow down, please.').hearsNothing()
})

test('a customer does not pay for another', async () => {
  await using bot = await testRuntime(CONFIG)
  await bot.user('u1').says('1').says('2').says('3').hears('echo: 1', 'echo: 2', 'Slow down, please.')
  await bot.user('u2').says('1').says('2').hears('echo: 1', 'echo: 2')
})

test('a repeated message counts once, and what is no message not at all', async () => {
  await using bot = await testRuntime(CONFIG)
  const user = bot.user('u1')
  await user.says('1').repeats().repeats().does({ type: 'follow' }).does({ type: 'menu-click', key: 'HELP' })
  await user.says('2').hears('echo: 1', 'echo: 2')
})

test('the count outlives a restart', async () => {
  await using bot = await testRuntime(CONFIG)
  const user = bot.user('u1')
  await user.says('1').says('2').hears('echo: 1', 'echo: 2')
  await bot.restart()
  await user.says('3').hears('Slow down, please.')
})

test('an agent does not see what was turned away', async () => {
  const desk = memoryDesk()
  await using bot = await testRuntime({ ...CONFIG, bots: {}, desks: { support: { use: desk.plugin } } })
  const user = bot.user('u1')
  await user.says('1').says('2').says('3').says('4')
  await user.hears(/One moment/, 'Slow down, please.').hearsNothing()
  expect(desk.items).toMatchObject([
    { type: 'handed-over', history: [{ text: '1' }] },
    { type: 'message', parts: [{ text: '2' }] },
  ])
})
