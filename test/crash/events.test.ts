/**
 * The process is killed at each point on an event's way at which something is half done, started again, and everything
 * is checked: what was left, and what has become of it. See `check.ts` for what "everything" is.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { crowd, deliveries, endsAt, unanswered } from './crowd.ts'
import type { Channel } from './known.ts'
import { endAll } from './process.ts'
import { until } from './until.ts'
import { openWorld, warmUp } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })
beforeAll(warmUp)
afterAll(endAll)

test('killed while an event is accepted, it is handled once when the platform sends it again', async () => {
  await using world = await openWorld()
  await world.crash({ point: { at: 'accept', when: 'before', nth: 2 } }, crowd('hello'))
  expect(unanswered(world)).toContain(false)
  await world.crash({ point: { at: 'accept', when: 'after', nth: 2 } }, crowd('again'))
  expect(unanswered(world)).toContain(true)
  await world.finish()
})

test('killed in the middle of a turn, it is done once, and so is what was acknowledged behind it', async () => {
  await using world = await openWorld()
  await world.crash({ hook: 'answer' }, async () => {
    await crowd('hello')(world)
    for (const text of ['hello', 'hold on', 'are you there?', 'hello?']) await world.says('kept', 'ann', text)
    await until('the turn was under way', () => world.running.log().includes('holding on'))
    world.running.shoot()
  })
  {
    using journal = world.journal()
    const ann = journal.chats().find(({ customer }) => customer === 'ann')
    expect(ann?.pending).toBe(3)
  }
  await world.finish()
  const heard = world.platform.receipts.filter(({ customer }) => customer === 'ann')
  expect(heard.map(({ text }) => text.slice(0, 12))).toEqual([1, 2, 3, 4].map((n) => `${n}: message ${n}`))
})

test('killed in the commit of a turn or of what became of a delivery, all of it is done or nothing', async () => {
  await using world = await openWorld()
  for (const at of ['turn', 'recorded'] as const) {
    await world.crash({ point: { at, when: 'before', nth: 2 } }, crowd('hello'))
    await world.crash({ point: { at, when: 'after', nth: 2 } }, crowd('hello'))
  }
  await world.finish()
})

test('killed between the platform and the journal, nothing is sent twice but what is unknown and sent again', async () => {
  await using world = await openWorld()
  for (const fate of ['lose', 'take'] as const) {
    endsAt(world, ['kept', 'again'], 3, fate)
    await world.crash({}, crowd(fate, ['kept', 'again']))
  }
  await world.finish()
  const unsure = (channel: Channel) =>
    deliveries(world, channel)
      .filter(({ unknown }) => unknown > 0)
      .map(({ state, times }) => `${state}, arrived ${times} times`)
  expect(unsure('kept')).toEqual(expect.arrayContaining(['unknown, arrived 0 times', 'unknown, arrived 1 times']))
  expect(unsure('again')).toEqual(expect.arrayContaining(['sent, arrived 1 times', 'sent, arrived 2 times']))
})

test('killed around an answer inside the response, it is given again by policy, in the next one if need be', async () => {
  await using world = await openWorld()
  // It has gone, and is not recorded.
  const point = { at: 'recorded', when: 'before', nth: 1 } as const
  await world.crash({ point }, () => world.says('quick', 'ann', 'hello'))
  expect(deliveries(world, 'quick')).toMatchObject([{ state: 'sending', times: 1 }])
  await world.crash({ point }, () => world.says('quicker', 'ben', 'hello'))
  expect(deliveries(world, 'quicker')).toMatchObject([{ state: 'sending', times: 1 }])
  await world.finish()
  expect(deliveries(world, 'quick')).toMatchObject([{ state: 'unknown', times: 1 }])
  expect(deliveries(world, 'quicker')).toMatchObject([{ state: 'sent', times: 2 }])
  await world.running.stop()
  // It is recorded, and has not gone.
  await world.crash({ point: { at: 'turn', when: 'after', nth: 1 } }, () => world.says('inside', 'cho', 'hello'))
  expect(deliveries(world, 'inside')).toMatchObject([{ state: 'sending', times: 0 }])
  await world.finish()
  expect(deliveries(world, 'inside')).toMatchObject([{ state: 'sent', times: 1 }])
})

test('killed again and again while it puts things in order after a kill, it gets there in the end', async () => {
  await using world = await openWorld()
  endsAt(world, ['again'], 3, 'take')
  await world.crash({}, crowd('wake'))
  await world.crash({ point: { at: 'recovered', when: 'before', nth: 1 } }, crowd('hello'))
  await world.crash({ point: { at: 'recovered', when: 'after', nth: 1 } }, crowd('hello'))
  await world.finish()
})
