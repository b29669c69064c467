import { expect, test } from 'vitest'
import { daysBetween, whenText } from './times.ts'

const at = (text: string) => new Date(text).getTime()
const NOW = at('2026-11-22T15:00:00')

test.each([
  ['2026-11-22T09:05:00', '09:05', '09:05 AM'],
  ['2026-11-22T00:00:00', '00:00', '12:00 AM'],
  ['2026-11-21T23:59:00', '昨天 23:59', 'Yesterday 11:59 PM'],
  ['2026-03-02T09:05:00', '3月2日 09:05', 'Mar 2, 09:05 AM'],
  ['2025-12-31T09:05:00', '2025年12月31日 09:05', 'Dec 31, 2025, 09:05 AM'],
])('%s is %s, or %s', (text, chinese, english) => {
  expect(whenText(at(text), NOW, 'zh-CN')).toBe(chinese)
  expect(whenText(at(text), NOW, 'en').replace(/\s/g, ' ')).toBe(english)
})

test('days are those of the calendar', () => {
  expect(daysBetween(at('2026-11-21T23:59:59'), at('2026-11-22T00:00:01'))).toBe(1)
  expect(daysBetween(at('2026-11-22T00:00:01'), at('2026-11-22T23:59:59'))).toBe(0)
  expect(daysBetween(at('2026-02-28T12:00:00'), at('2026-03-01T01:00:00'))).toBe(1)
})
