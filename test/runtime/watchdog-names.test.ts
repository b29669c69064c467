/** Whom the watchdog would name, were the thread blocked now. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test } from 'vitest'
import { testRuntime } from '#core/testing'
import { RUNNING } from '../../core/runtime/watchdog.ts'
import { botThat, featureWith, gate } from './cast.ts'

function running(): unknown {
  const storage: unknown = Reflect.get(globalThis, Symbol.for(RUNNING))
  if (!(storage instanceof AsyncLocalStorage)) throw new Error('The watchdog has no storage.')
  // As it is now: the core goes on with the same one.
  return structuredClone(storage.getStore())
}

test('a bot that has waited is named with its own event, however many chats it answers at once', async () => {
  const door = gate()
  const named = new Map<string, unknown>()
  const bot = botThat(async (turn) => {
    await door.pass()
    named.set(turn.id, running())
    return turn.reply('ok')
  })
  await using runtime = await testRuntime({ bots: { slow: { use: bot } } })
  const users = ['u1', 'u2', 'u3'].map((name) => runtime.user(name))
  const asked = Promise.all(users.map((user) => user.says('hello').hears('ok')))
  await door.reached(3)
  door.open()
  await asked
  expect(named.size).toBe(3)
  for (const [entry, who] of named) expect(who).toEqual({ instance: 'slow', plugin: 'scripted', entry })
})

test('what a feature leaves behind is named as its own after others have had their say', async () => {
  const door = gate()
  const named: unknown[] = []
  const later = async () => {
    await door.pass()
    named.push(running())
  }
  const leaves = featureWith(
    {
      inbound: {
        respond(_turn, next) {
          void later()
          named.push(running())
          return next()
        },
      },
    },
    'leaves',
  )
  const follows = featureWith({ inbound: { respond: (_turn, next) => next() } }, 'follows')
  const bot = botThat(async (turn) => {
    door.open()
    await later()
    return turn.reply(turn.id)
  })
  await using runtime = await testRuntime({
    bots: { slow: { use: bot } },
    features: [{ use: leaves }, { use: follows }],
  })
  await runtime.user('u1').says('hello').hears(/./)
  const entry = (await runtime.entries('u1'))[0]?.id
  const feature = { instance: 'leaves', plugin: 'leaves', entry }
  expect(named).toEqual([feature, feature, { instance: 'slow', plugin: 'scripted', entry }])
  expect(running()).toBeUndefined()
})
