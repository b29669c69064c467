import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Hours, hoursSchema, makeHours } from '../../core/config/hours.ts'

const made = (written: unknown, zone = 'Asia/Shanghai'): Hours => makeHours(hoursSchema.parse(written), zone)
/** A moment in Shanghai, which is always eight hours ahead. */
const shanghai = (text: string) => Date.parse(`${text}+08:00`)

describe('opening hours', () => {
  const office = made({ weekdays: { 'mon-fri': '09:00-12:00, 13:00-18:00', sat: '10:00-14:00' } })

  test('begin with their first minute and end before their last', () => {
    // 2027-03-01 is a Monday.
    expect(office.isOpen(shanghai('2027-03-01T08:59:59'))).toBe(false)
    expect(office.isOpen(shanghai('2027-03-01T09:00:00'))).toBe(true)
    expect(office.isOpen(shanghai('2027-03-01T11:59:59'))).toBe(true)
    expect(office.isOpen(shanghai('2027-03-01T12:00:00'))).toBe(false)
    expect(office.isOpen(shanghai('2027-03-01T17:59:59'))).toBe(true)
    expect(office.isOpen(shanghai('2027-03-01T18:00:00'))).toBe(false)
  })

  test('are looked at again the moment they begin or end, also on the days on which clocks are changed', () => {
    const berlin = made({ weekdays: { 'mon-sun': '09:00-17:30' } }, 'Europe/Berlin')
    const changes = (fromMs: number) => {
      const seen: string[] = []
      const untilMs = fromMs + 24 * 3_600_000
      for (let atMs = fromMs, nextMs = atMs; atMs < untilMs; atMs = nextMs) {
        nextMs = berlin.nextEdgeMs(atMs)
        if (berlin.isOpen(nextMs) !== berlin.isOpen(atMs)) seen.push(new Date(nextMs).toISOString())
      }
      return seen
    }
    expect(changes(Date.UTC(2026, 2, 28, 20))).toEqual(['2026-03-29T07:00:00.000Z', '2026-03-29T15:30:00.000Z'])
    expect(changes(Date.UTC(2026, 9, 24, 20))).toEqual(['2026-10-25T08:00:00.000Z', '2026-10-25T16:30:00.000Z'])
  })

  test('are closed on days that are left out', () => {
    expect(office.isOpen(shanghai('2027-03-06T10:00:00'))).toBe(true)
    expect(office.isOpen(shanghai('2027-03-07T10:00:00'))).toBe(false)
  })

  test('are closed on holidays, and open on the working days that make up for them', () => {
    const festival = made({
      weekdays: { 'mon-fri': '09:00-18:00' },
      holidays: ['2027-10-01..2027-10-07'],
      days: { '2027-10-09': '09:00-18:00', '2027-10-05': '10:00-12:00' },
    })
    expect(festival.isOpen(shanghai('2027-09-30T10:00:00'))).toBe(true)
    expect(festival.isOpen(shanghai('2027-10-01T10:00:00'))).toBe(false)
    expect(festival.isOpen(shanghai('2027-10-07T10:00:00'))).toBe(false)
    expect(festival.isOpen(shanghai('2027-10-05T10:00:00'))).toBe(true)
    // A Saturday.
    expect(festival.isOpen(shanghai('2027-10-09T10:00:00'))).toBe(true)
  })

  test('may go on after midnight, into a day that is closed itself', () => {
    const night = made({ weekdays: { fri: '22:00-06:00' } })
    expect(night.isOpen(shanghai('2027-03-05T21:59:00'))).toBe(false)
    expect(night.isOpen(shanghai('2027-03-05T23:00:00'))).toBe(true)
    expect(night.isOpen(shanghai('2027-03-06T05:59:00'))).toBe(true)
    expect(night.isOpen(shanghai('2027-03-06T06:00:00'))).toBe(false)
    expect(night.isOpen(shanghai('2027-03-06T23:00:00'))).toBe(false)
  })

  test('follow daylight saving in their own time zone', () => {
    const berlin = made({ weekdays: { 'mon-sun': '09:00-10:00' }, timeZone: 'Europe/Berlin' })
    expect(berlin.isOpen(Date.parse('2027-01-15T08:30:00Z'))).toBe(true)
    expect(berlin.isOpen(Date.parse('2027-07-15T08:30:00Z'))).toBe(false)
    expect(berlin.isOpen(Date.parse('2027-07-15T07:30:00Z'))).toBe(true)
  })

  test('can be all day, and go over the weekend', () => {
    const always = made({ weekdays: { 'fri-mon': '00:00-24:00' } })
    expect(always.isOpen(shanghai('2027-03-05T00:00:00'))).toBe(true)
    expect(always.isOpen(shanghai('2027-03-08T23:59:59'))).toBe(true)
    expect(always.isOpen(shanghai('2027-03-09T00:00:00'))).toBe(false)
  })

  test('agree with a look at the clock, minute by minute', () => {
    const minute = fc.integer({ min: 0, max: 24 * 60 - 1 })
    const show = (at: number) => `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}`
    fc.assert(
      fc.property(minute, minute, minute, (from, to, now) => {
        fc.pre(from !== to)
        const hours = made({ weekdays: { 'mon-sun': `${show(from)}-${show(to)}` } })
        const isOpen = from < to ? now >= from && now < to : now >= from || now < to
        expect(hours.isOpen(shanghai(`2027-03-03T${show(now)}:00`))).toBe(isOpen)
      }),
      { numRuns: 200 },
    )
  })
})
