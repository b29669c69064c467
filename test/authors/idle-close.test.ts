import { expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import { memoryDesk, type TestRuntime, testRuntime } from '#core/testing'
import form from './form.ts'
import idleClose from './idle-close.ts'

const MINUTE = 60_000
const SECOND = 1_000
const CONFIG = {
  bots: { parrot: { use: 'echo' } },
  desks: { support: { use: memoryDesk().plugin } },
  features: [
    { use: 'keyword-handoff', keywords: ['agent'], say: 'One moment.' },
    { use: idleClose, warning: 'Are you still there?', goodbye: 'Goodbye!' },
  ],
}

async function closedBecause(bot: TestRuntime): Promise<readonly string[]> {
  const rows = await bot.runtime.engine.read.selectFrom('conversation').select(['state', 'close_reason']).execute()
  return rows.map(({ state, close_reason }) => `${state}: ${close_reason}`)
}

test('a quiet customer is warned after 8 minutes, and the conversation closed after 10', async () => {
  await using bot = await testRuntime(CONFIG)
  const user = bot.user('u1')
  await user.says('hello').hears('echo: hello')
  await bot.advance(8 * MINUTE - 1)
  await user.hearsNothing()
  await bot.advance(1)
  await user.hears('Are you still there?')
  await bot.advance(2 * MINUTE - 1)
  await user.hearsNothing()
  expect(await bot.conversation('u1')).toMatchObject({ state: 'bot' })
  await bot.advance(1)
  await user.hears('Goodbye!')
  expect(await bot.conversation('u1')).toBeUndefined()
  expect(await closedBecause(bot)).toEqual(['closed: it has been quiet for too long'])
  await bot.advance(60 * MINUTE)
  await user.hearsNothing()
})

test('the customer’s messages and the agent’s both begin the time anew', async () => {
  await using bot = await testRuntime(CONFIG)
  const user = bot.user('u1')
  await user.says('agent').hears('One moment.')
  await bot.agent('amy').takes('u1')
  await bot.agent('amy').sends('u1', 'Hello, this is Amy.')
  await user.hears('Hello, this is Amy.')
  for (const minutes of [5, 7.9, 7.9]) {
    await bot.advance(minutes * MINUTE)
    await user.says('I am looking for it').hearsNothing()
    await bot.advance(minutes * MINUTE)
    await bot.agent('amy').sends('u1', 'take your time')
    await user.hears('take your time')
  }
  await bot.advance(8 * MINUTE)
  await user.hears('Are you still there?').says('yes').hearsNothing()
  await bot.advance(8 * MINUTE)
  await user.hears('Are you still there?')
  await bot.agent('amy').sends('u1', 'so am I')
  await bot.advance(8 * MINUTE)
  await user.hears('so am I', 'Are you still there?')
  await bot.advance(2 * MINUTE)
  await user.hears('Goodbye!')
})

test('an answer to an open question begins the time anew', async () => {
  const questions = ['name', 'street', 'town'].map((key) => ({ key, ask: `Your ${key}?` }))
  const asking = { use: form, start: ['order'], questions, thanks: 'Thank you!' }
  await using bot = await testRuntime({ ...CONFIG, features: [...CONFIG.features, asking] })
  const user = bot.user('u1')
  await user.says('order').hears('Your name?')
  await bot.advance(7 * MINUTE)
  await user.says('Li Lei').hears('Your street?')
  await bot.advance(7 * MINUTE)
  await user.says('Main Street').hears('Your town?')
})

test('who waits in the queue is neither warned nor sent away', async () => {
  await using bot = await testRuntime(CONFIG)
  const user = bot.user('u1')
  await user.says('agent').hears('One moment.')
  await bot.advance(30 * MINUTE)
  await user.hearsNothing()
  expect(await bot.conversation('u1')).toMatchObject({ state: 'queued' })
})

test('the timers of a closed conversation do nothing to the next one', async () => {
  await using bot = await testRuntime(CONFIG)
  const user = bot.user('u1')
  await user.says('agent').hears('One moment.')
  await bot.agent('amy').takes('u1')
  await bot.agent('amy').sends('u1', 'solved')
  await bot.agent('amy').closes('u1')
  await user.hears('solved')
  await bot.advance(7 * MINUTE)
  await user.says('hello again').hears('echo: hello again')
  await bot.advance(7 * MINUTE)
  await user.hearsNothing()
})

test('a message that comes while the conversation is being closed keeps it open', async () => {
  let comes: () => Promise<void> = async () => undefined
  const intruder = definePlugin({
    name: 'intruder',
    summary: 'Lets the customer write at the last moment: when the goodbye is on its way.',
    config: z.strictObject({}),
    setup: () => ({
      outbound: {
        async rewrite(reply, next) {
          if (reply.content === 'Goodbye!') await comes()
          return next()
        },
      },
    }),
  })
  await using bot = await testRuntime({ ...CONFIG, features: [...CONFIG.features, { use: intruder }] })
  const user = bot.user('u1')
  comes = async () => user.says('wait, I am here!')
  await user.says('hello').hears('echo: hello')
  const { id } = (await bot.conversation('u1')) ?? expect.unreachable()
  await bot.advance(10 * MINUTE)
  await user.hears('Are you still there?', 'echo: wait, I am here!').hearsNothing()
  expect(await bot.conversation('u1')).toMatchObject({ id, state: 'bot' })
  expect(await bot.outcomes('u1')).toContainEqual(expect.stringMatching(/^ignored: .*NEW_MESSAGE/))
  comes = async () => undefined
  await bot.advance(10 * MINUTE - 1)
  await user.hears('Are you still there?').hearsNothing()
  await bot.advance(1)
  await user.hears('Goodbye!')
})

test('a message a second before the close keeps it open', async () => {
  await using bot = await testRuntime(CONFIG)
  const user = bot.user('u1')
  await user.says('hello').hears('echo: hello')
  await bot.advance(10 * MINUTE - SECOND)
  await user.hears('Are you still there?').says('yes').hears('echo: yes')
  await bot.advance(8 * MINUTE - 1)
  await user.hearsNothing()
  expect(await bot.conversation('u1')).toMatchObject({ state: 'bot' })
})

test('the timers outlive a restart', async () => {
  await using bot = await testRuntime(CONFIG)
  const user = bot.user('u1')
  await user.says('hello').hears('echo: hello')
  await bot.advance(7 * MINUTE)
  await bot.restart()
  await bot.advance(1 * MINUTE)
  await user.hears('Are you still there?')
  await bot.restart()
  await bot.advance(2 * MINUTE)
  await user.hears('Goodbye!')
})

test('a warning that would come after the close is refused', async () => {
  const features = [{ use: idleClose, warning: 'Hello?', warnAfter: '10m' }]
  await expect(testRuntime({ ...CONFIG, features })).rejects.toThrow(/warnAfter.*\n.*has to come before the close/)
})
