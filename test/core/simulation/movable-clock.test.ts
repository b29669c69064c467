import { expect, test } from 'vitest'
import { manualClock } from '#core/testing'
import { movableClock } from '../../../core/simulation/movable-clock.ts'

const HOUR = 3_600_000

test('goes on as the real one does, and runs what is due', async () => {
  const real = manualClock(0)
  const clock = movableClock(real)
  const ran: string[] = []
  clock.after(100, () => ran.push('a'))
  await real.advance(99)
  expect([clock.now(), ran]).toEqual([99, []])
  await real.advance(1)
  expect([clock.now(), ran]).toEqual([100, ['a']])
})

test('moved on, it runs all that becomes due, in order, each at its time, also what others have set', async () => {
  const real = manualClock(0)
  const clock = movableClock(real)
  const ran: (string | number)[] = []
  clock.after(2 * HOUR, () => ran.push('late', clock.now()))
  clock.after(HOUR, () => {
    ran.push('early', clock.now())
    clock.after(HOUR / 2, () => ran.push('between', clock.now()))
  })
  await clock.advance(3 * HOUR)
  const all = ['early', HOUR, 'between', 1.5 * HOUR, 'late', 2 * HOUR]
  expect([ran, clock.now(), clock.waiting]).toEqual([all, 3 * HOUR, 0])
  // The real time at which it would have been due comes too, and brings nothing again.
  await real.advance(3 * HOUR)
  expect(ran).toEqual(all)
})

test('moved on, what is left is nearer, and nothing runs twice', async () => {
  const real = manualClock(0)
  const clock = movableClock(real)
  const ran: number[] = []
  clock.after(3 * HOUR, () => ran.push(clock.now()))
  await clock.advance(2 * HOUR)
  expect(clock.nextAtMs).toBe(3 * HOUR)
  await real.advance(HOUR)
  await real.advance(5 * HOUR)
  expect(ran).toEqual([3 * HOUR])
})

test('what is cancelled runs neither by itself nor when time is moved on', async () => {
  const real = manualClock(0)
  const clock = movableClock(real)
  const ran: string[] = []
  const [first, second] = [clock.after(10, () => ran.push('a')), clock.after(HOUR, () => ran.push('b'))]
  first()
  await clock.advance(20)
  second()
  await clock.advance(2 * HOUR)
  await real.advance(2 * HOUR)
  expect([ran, clock.waiting, real.waiting]).toEqual([[], 0, 0])
})
