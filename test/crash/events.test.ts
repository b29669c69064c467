/**
 * The process is killed at each point on an event's way at which something is half done, started again, and everything
 * is checked: what was left, and what has become of it. See `check.ts` for what "everything" is.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { crowd, deliveries, endsAt, unanswered } from './crowd.ts'
import type { Channel } from './known.ts'
import { endAll, warmUp } from './process.ts'
import { openWorld } from './world.ts'

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

test('killed when an event is acknowledged and its turn has not begun, it is handled all the same', async () => {
  await using world = await openWorld()
  await world.crash({ hook: 'hold' }, async () => {
    for (const text of ['hello', 'hold on', 'are you there?', 'hello?']) await world.says('kept', 'ann', text)
    world.running.shoot()
  })
  {
    using journal = world.journal()
    expect(journal.entries().filter(({ done, kind }) => kind === 'in' && done === null)).toHaveLength(3)
  }
  await world.finish()
  expect(world.platform.receipts.map(({ text }) => text.slice(0, 12))).toEqual(
    [1, 2, 3, 4].map((n) => `${n}: message ${n}`),
  )
})

test('killed in the middle of a turn or in its commit, all of it is done once', async () => {
  await using world = await openWorld()
  await world.crash({ hook: 'answer' }, async () => {
    await Promise.all([crowd('hello')(world), world.says('again', 'ann-again', 'crash')])
  })
  await world.crash({ point: { at: 'turn', when: 'before', nth: 3 } }, crowd('hello'))
  await world.crash({ point: { at: 'turn', when: 'after', nth: 3 } }, crowd('hello'))
  await world.finish()
})

test('killed between the platform and the journal, nothing is sent twice but what is unknown and sent again', async () => {
  await using world = await openWorld()
  for (const channel of ['kept', 'again'] as const) {
    for (const fate of ['lose', 'take'] as const) {
      endsAt(world, channel, 3, fate)
      await world.crash({}, crowd(fate, [channel]))
    }
  }
  await world.finish()
  const unsure = (channel: Channel) =>
    deliveries(world, channel)
      .filter(({ unknown }) => unknown > 0)
      .map(({ state, times }) => `${state}, arrived ${times} times`)
  expect(unsure('kept')).toEqual(expect.arrayContaining(['unknown, arrived 0 times', 'unknown, arrived 1 times']))
  expect(unsure('again')).toEqual(expect.arrayContaining(['sent, arrived 1 times', 'sent, arrived 2 times']))
})

test('killed while the result of a delivery is recorded, nothing is lost of the next', async () => {
  await using world = await openWorld()
  await world.crash({ point: { at: 'recorded', when: 'before', nth: 2 } }, crowd('hello'))
  await world.crash({ point: { at: 'recorded', when: 'after', nth: 2 } }, crowd('hello'))
  await world.crash({ point: { at: 'claimed', when: 'before', nth: 1 } }, crowd('hello'))
  await world.crash({ point: { at: 'claimed', when: 'after', nth: 1 } }, crowd('hello'))
  await world.finish()
})

test('killed when an answer has gone inside the response and is not recorded, it is not given again', async () => {
  await using world = await openWorld()
  await world.crash({ point: { at: 'recorded', when: 'before', nth: 1 } }, async () => {
    await world.says('quick', 'ann', 'hello')
    await world.says('quick', 'ann', 'hello again')
  })
  expect(deliveries(world, 'quick')).toMatchObject([{ state: 'sending', times: 1 }])
  await world.finish()
  expect(deliveries(world, 'quick')).toMatchObject([
    { state: 'unknown', times: 1 },
    { state: 'sent', times: 1 },
  ])
  await world.running.kill()

  await world.crash({ point: { at: 'recorded', when: 'before', nth: 1 } }, () => world.says('quicker', 'ben', 'hello'))
  await world.finish()
  expect(deliveries(world, 'quicker')).toMatchObject([{ state: 'sent', times: 2 }])
})

test('killed again and again while it puts things in order after a kill, it gets there in the end', async () => {
  await using world = await openWorld()
  endsAt(world, 'again', 3, 'take')
  await world.crash({}, crowd('wake'))
  await world.crash({ point: { at: 'recovered', when: 'before', nth: 1 } }, crowd('hello'))
  await world.crash({ point: { at: 'recovered', when: 'after', nth: 1 } }, crowd('hello'))
  await world.crash({ point: { at: 'claimed', when: 'before', nth: 1 } }, crowd('hello'))
  await world.crash({ point: { at: 'claimed', when: 'after', nth: 1 } }, crowd('hello'))
  await world.finish()
})
