import { expect, test } from 'vitest'
import { dayAt, plusDays, plusMonths, rangeText, startOf, weeksOf } from './days.ts'

test('a day begins by the clocks of its time zone, also when they are changed that day, or at midnight', () => {
  for (const timeZone of ['Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'Asia/Beirut', 'Australia/Lord_Howe'])
    for (let day = '2026-01-01'; day < '2027-01-01'; day = plusDays(day, 1)) {
      const begins = Temporal.PlainDate.from(day).toZonedDateTime(timeZone).startOfDay().epochMilliseconds
      expect(startOf(day, timeZone), `${day} ${timeZone}`).toBe(begins)
      expect(dayAt(begins, timeZone)).toBe(day)
      expect(dayAt(begins - 1, timeZone)).toBe(plusDays(day, -1))
    }
})

test('a month has its weeks, with the days of others that fill them', () => {
  const weeks = weeksOf('2026-02-17')
  expect(weeks[0]).toEqual([26, 27, 28, 29, 30, 31].map((day) => `2026-01-${day}`).concat('2026-02-01'))
  expect(weeks.at(-1)?.[6]).toBe('2026-03-01')
  expect(weeks.flat()).toHaveLength(35)
  expect([plusMonths('2026-01-31', 1), plusMonths('2026-01-31', -1)]).toEqual(['2026-02-01', '2025-12-01'])
})

test('a stretch of days is named as the language does it', () => {
  expect(rangeText('2026-11-09', '2026-11-15', 'en')).toMatch(/^Nov 9\s–\s15, 2026$/)
  expect(rangeText('2026-11-09', '2026-11-09', 'zh-CN')).toBe('2026年11月9日')
})
