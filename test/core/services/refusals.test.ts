import { expect, test } from 'vitest'
import { makeRefusals } from '../../../core/services/refusals.ts'
import { manualClock } from '../../../core/testing/clock.ts'

const MAX = 3

function start() {
  const clock = manualClock()
  const refusals = makeRefusals(clock, () => MAX)
  const refuse = (times: number, address: string, mount = 'shop') =>
    Array.from({ length: times }, () => refusals.add(address, mount)).filter(Boolean).length
  return { clock, refusals, refuse }
}

test('more refusals than may be within a minute keep an address out until the minute is over', async () => {
  const { clock, refusals, refuse } = start()
  expect(refuse(MAX, '203.0.113.7')).toBe(0)
  expect(refusals.keptOutS('203.0.113.7', 'shop')).toBe(0)
  await clock.advance(20_000)
  expect(refuse(2, '203.0.113.7')).toBe(1)
  expect(refusals.keptOutS('203.0.113.7', 'shop')).toBe(40)
  expect(refusals.keptOutS('203.0.113.8', 'shop')).toBe(0)
  await clock.advance(39_999)
  expect(refusals.keptOutS('203.0.113.7', 'shop')).toBe(1)
  await clock.advance(1)
  expect(refusals.keptOutS('203.0.113.7', 'shop')).toBe(0)
  expect(refusals.isEmpty).toBe(true)
})

test('refusals of another minute do not count', async () => {
  const { clock, refusals, refuse } = start()
  for (let minute = 0; minute < 5; minute++) {
    refuse(MAX, '203.0.113.7')
    expect(refusals.keptOutS('203.0.113.7', 'shop')).toBe(0)
    await clock.advance(60_000)
  }
})

test('who is refused by one channel is heard by the others', () => {
  const { refusals, refuse } = start()
  refuse(MAX + 1, '203.0.113.7', 'shop')
  expect(refusals.keptOutS('203.0.113.7', 'shop')).toBe(60)
  expect(refusals.keptOutS('203.0.113.7', 'other')).toBe(0)
})

test('of IPv6 the network counts: its owner has every address in it', () => {
  const { refusals, refuse } = start()
  for (let i = 1; i <= MAX + 1; i++) refuse(1, `2001:db8:0:1::${i.toString(16)}`)
  expect(refusals.keptOutS('2001:db8:0:1:ffff::1', 'shop')).toBe(60)
  expect(refusals.keptOutS('2001:0DB8::1:0:0:0:9', 'shop')).toBe(60)
  expect(refusals.keptOutS('2001:db8:0:2::1', 'shop')).toBe(0)
})

test('of very many callers the first are forgotten, so that memory has an end', () => {
  const { refusals, refuse } = start()
  refuse(MAX + 1, '203.0.113.1')
  refuse(MAX + 1, '203.0.113.2')
  for (let i = 0; i < 4_095; i++) refuse(1, `10.0.${i >> 8}.${i & 255}`)
  expect(refusals.keptOutS('203.0.113.1', 'shop')).toBe(0)
  expect(refusals.keptOutS('203.0.113.2', 'shop')).toBe(60)
})
