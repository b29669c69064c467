import fc from 'fast-check'
import { expect, test } from 'vitest'
import { editDistance, nearest } from '../../core/config/nearest.ts'
import { meantDuration, meantSize, parseDuration, parseSize } from '../../core/config/units.ts'

test('durations and sizes are read with their units, and nothing else is', () => {
  expect(['250ms', '90s', '10m', '1.5h', '48h', '7d', '2w', '1y'].map(parseDuration)).toEqual([
    250, 90_000, 600_000, 5_400_000, 172_800_000, 604_800_000, 1_209_600_000, 31_536_000_000,
  ])
  expect(['512B', '2KB', '1.5MB', '1GB'].map(parseSize)).toEqual([512, 2048, 1_572_864, 1_073_741_824])
  for (const text of [
    '',
    '10',
    'm',
    '10 m',
    '10M',
    '-5m',
    '1h30m',
    '1e3s',
    '10min',
    '99999999999y',
    '5 KB',
    '5kb',
    '5K',
  ]) {
    expect([parseDuration(text), parseSize(text)], text).toEqual([undefined, undefined])
  }
})

test('what was meant is a duration or size itself', () => {
  expect(['10 min', '10 minutes', '2 小时', '3天', '5M', '7 Days'].map(meantDuration)).toEqual([
    '10m',
    '10m',
    '2h',
    '3d',
    '5m',
    '7d',
  ])
  expect(['2M', '2mb', '2 MiB', '5 kilobytes', '100 bytes'].map(meantSize)).toEqual([
    '2MB',
    '2MB',
    '2MB',
    '5KB',
    '100B',
  ])
  fc.assert(
    fc.property(fc.string(), (text) => {
      const duration = meantDuration(text)
      const size = meantSize(text)
      if (duration !== undefined && duration.length < 10) expect(parseDuration(duration)).toBeTypeOf('number')
      if (size !== undefined && size.length < 10) expect(parseSize(size)).toBeTypeOf('number')
    }),
  )
})

test('the nearest name is at most two edits away, and one for short names', () => {
  const known = ['appId', 'appSecret', 'token', 'bot', 'faq']
  expect(nearest('appSecrt', known)).toBe('appSecret')
  expect(nearest('apPsecret', known)).toBe('appSecret')
  expect(nearest('tokne', known)).toBe('token')
  expect(nearest('APPID', known)).toBe('appId')
  expect(nearest('bto', known)).toBe('bot')
  expect(nearest('boots', known)).toBe('bot')
  expect(nearest('cat', known)).toBeUndefined()
  expect(nearest('encodingKey', known)).toBeUndefined()
})

test('the distance of two words is that of one way and back, and bounded', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      expect(editDistance(a, b, 99)).toBe(editDistance(b, a, 99))
      expect(editDistance(a, a, 99)).toBe(0)
      expect(editDistance(a, b, 3)).toBe(Math.min(3, editDistance(a, b, 99)))
    }),
  )
})
