import { expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import { manualClock, memoryChannel, type TestOptions, testRuntime } from '#core/testing'
import { type Presence, presence } from '../../../services/presence.ts'
import desk from '../index.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** A Thursday, 12:00 in the time zone of these tests. */
const NOON = Date.UTC(2026, 0, 1, 12)

/** A desk, and a plugin that borrows who is there, as a widget or a bridge does. */
async function borrowed(teams: object, options: TestOptions = {}) {
  let lent: Presence | undefined
  let changes = 0
  const borrower = definePlugin({
    name: 'borrower',
    summary: 'Asks who is there.',
    config: z.strictObject({}),
    needs: { presence },
    setup(context) {
      lent = context.presence
      context.onDispose(context.presence.onChange(() => (changes += 1)))
      return {}
    },
  })
  const bot = await testRuntime(
    {
      timeZone: 'UTC',
      channels: { second: { use: memoryChannel({ name: 'second' }).plugin } },
      desks: { support: { use: desk, people: { amy: { name: 'Amy' }, bo: { name: 'Bo' } }, teams } },
      features: [{ use: borrower }],
    },
    { clock: manualClock(NOON), ...options },
  )
  const isAvailable = (channel: string) => lent?.isAvailable({ channel })
  return { bot, isAvailable, changes: () => changes, [Symbol.asyncDispose]: () => bot[Symbol.asyncDispose]() }
}

test('C-CH-02, C-CH-03: within the hours people are there as soon as one of them is, and each real change is told once', async () => {
  const teams = { presale: { members: ['amy', 'bo'], hours: { weekdays: { 'mon-sun': '09:00-18:00' } } } }
  await using desk = await borrowed(teams)
  const { bot, isAvailable, changes } = desk
  expect([isAvailable('memory'), changes()]).toEqual([false, 0])
  await bot.agent('amy').comes()
  expect([isAvailable('memory'), changes()]).toEqual([true, 1])
  await bot.agent('bo').comes()
  await bot.agent('amy').goes()
  await bot.advance(10 * MINUTE)
  expect([isAvailable('memory'), changes()]).toEqual([true, 1])
  await bot.advance(6 * HOUR)
  expect([isAvailable('memory'), changes()]).toEqual([false, 2])
  await bot.advance(15 * HOUR)
  expect([isAvailable('memory'), changes()]).toEqual([true, 3])
})

test('C-CH-04: whoever goes is there for the grace, so that a short cut changes nothing; coming is told at once', async () => {
  await using desk = await borrowed({ presale: { members: ['amy'] } }, { there: ['amy'] })
  const { bot, isAvailable, changes } = desk
  await bot.idle()
  const before = changes()
  await bot.agent('amy').goes()
  await bot.advance(59_000)
  await bot.agent('amy').comes()
  await bot.advance(HOUR)
  expect([isAvailable('memory'), changes() - before]).toEqual([true, 0])
  await bot.agent('amy').goes()
  await bot.advance(59_999)
  expect(isAvailable('memory')).toBe(true)
  await bot.advance(1)
  expect([isAvailable('memory'), changes() - before]).toEqual([false, 1])
  await bot.agent('amy').comes()
  expect([isAvailable('memory'), changes() - before]).toEqual([true, 2])
})

test('C-LC-01: who is there, is there for the channels of their teams alone', async () => {
  const teams = {
    th: { members: ['amy'], sources: ['second'] },
    rest: { members: ['bo'], sources: ['memory'], state: 'closed' },
  }
  await using desk = await borrowed(teams, { there: ['amy', 'bo'] })
  expect([desk.isAvailable('second'), desk.isAvailable('memory')]).toEqual([true, false])
})
