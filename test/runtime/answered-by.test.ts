import { expect, test } from 'vitest'
import { memoryDesk, testRuntime } from '#core/testing'
import { botThat, featureWith } from './cast.ts'

test('a feature knows who is asked if it does not answer', async () => {
  const seen: string[] = []
  const look = featureWith({
    inbound: {
      intercept(turn, next) {
        seen.push(`${turn.text}: ${turn.answeredBy}`)
        return next()
      },
    },
  })
  const bots = { bot: { use: botThat((turn) => turn.reply('hello')) } }
  const desks = { desk: { use: memoryDesk().plugin } }
  const withRoute = (route: object) => ({
    bots,
    desks,
    features: [{ use: look }],
    routes: [{ from: ['memory'], ...route }],
  })
  const people = { desk: 'desk' }
  await using runtime = await testRuntime(withRoute({ mode: 'bot-only', bot: 'bot' }))
  await runtime.user('u1').says('bot-only')
  await runtime.apply(withRoute({ mode: 'agent-only', ...people }))
  await runtime.user('u2').says('agent-only')
  await runtime.apply(withRoute({ mode: 'cooperation', bot: 'bot', ...people }))
  await runtime.user('u3').says('cooperation')
  await runtime.apply(withRoute({ mode: 'bot-first', bot: 'bot', ...people }))
  await runtime.user('u4').says('bot-first').hears('hello')
  await runtime.agent('amy').takes('u4')
  await runtime.user('u4').says('taken')
  await runtime.idle()
  expect(seen).toEqual([
    'bot-only: bot',
    'agent-only: people',
    'cooperation: people',
    'bot-first: bot',
    'taken: people',
  ])
})
