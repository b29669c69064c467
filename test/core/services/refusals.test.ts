import { expect, test } from 'vitest'
import { makeRefusals } from '../../../core/services/refusals.ts'
import { manualClock } from '../../../core/testing/clock.ts'

const MAX = 3

function start() {
  const clock = manualClock()
  const refusals = makeRefusals(clock, () => MAX)
  const refuse = (times: number, caller: string) =>
    Array.from({ length: times }, () => refusals.refused(caller)).filter(Boolean).length
  return { clock, refusals, refuse }
}

test('more refusals than may be within a minute keep an address out until the minute is over', async () => {
  const { clock, refusals, refuse } = start()
  expect(refuse(MAX, '203.0.113.7')).toBe(0)
  expect(refusals.keptOutS('203.0.113.7')).toBe(0)
  await clock.advance(20_000)
  expect(refuse(2, '203.0.113.7')).toBe(1)
  expect(refusals.keptOutS('203.0.113.7')).toBe(40)
  expect(refusals.keptOutS('203.0.113.8')).toBe(0)
  await clock.advance(39_999)
  expect(refusals.keptOutS('203.0.113.7')).toBe(1)
  await clock.advance(1)
  expect(refusals.keptOutS('203.0.113.7')).toBe(0)
})

test('refusals of another minute do not count', async () => {
  const { clock, refusals, refuse } = start()
  for (let minute = 0; minute < 5; minute++) {
    refuse(MAX, '203.0.113.7')
    expect(refusals.keptOutS('203.0.113.7')).toBe(0)
    await clock.advance(60_000)
  }
})

test('who is still refused after its minute is counted anew', async () => {
  const { clock, refusals, refuse } = start()
  refuse(MAX + 1, '203.0.113.7')
  await clock.advance(60_000)
  expect(refuse(MAX, '203.0.113.7')).toBe(0)
  expect(refusals.keptOutS('203.0.113.7')).toBe(0)
  expect(refuse(1, '203.0.113.7')).toBe(1)
  expect(refusals.keptOutS('203.0.113.7')).toBe(60)
})

test('of whom something was accepted within the hour is not kept out', async () => {
  const { clock, refusals, refuse } = start()
  refusals.accepted('203.0.113.7')
  expect(refuse(MAX + 1, '203.0.113.7')).toBe(0)
  expect(refusals.keptOutS('203.0.113.7')).toBe(0)
  await clock.advance(3_600_000)
  expect(refuse(MAX + 1, '203.0.113.7')).toBe(1)
  expect(refusals.keptOutS('203.0.113.7')).toBe(60)
})

test('of very many callers those heard of longest ago are forgotten, but not that they are kept out', () => {
  const { refusals, refuse } = start()
  refuse(MAX + 1, '203.0.113.1')
  refuse(MAX, '203.0.113.2')
  for (let i = 0; i < 4_096; i++) refuse(1, `10.0.${i >> 8}.${i & 255}`)
  expect(refusals.keptOutS('203.0.113.1')).toBe(60)
  expect(refuse(1, '203.0.113.2')).toBe(0)
  for (let i = 0; i < 4_096; i++) refuse(MAX + 1, `10.1.${i >> 8}.${i & 255}`)
  expect(refusals.keptOutS('203.0.113.1')).toBe(0)
})

test('of very many of whom something was accepted the first are forgotten, so that memory has an end', () => {
  const { refusals, refuse } = start()
  for (let i = 0; i <= 4_096; i++) refusals.accepted(`10.0.${i >> 8}.${i & 255}`)
  expect(refuse(MAX + 1, '10.0.0.0')).toBe(1)
  expect(refuse(MAX + 1, '10.0.0.1')).toBe(0)
})
