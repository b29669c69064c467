/** A month of statistics as the desk answers it: for pages that are looked at. */
import type { By, Statistics } from '../../plugins/desks/desk/api/statistics-shapes.ts'
import { CODES, type MeasureCode, measureOf } from '../../plugins/desks/desk/statistics/measures.ts'

const MINUTE = 60_000
const TOTAL: { readonly [code in MeasureCode]: number } = {
  opened: 1_284,
  closed: 1_279,
  openNow: 23,
  botAlone: 734,
  containment: 0.614,
  handedOver: 462,
  firstResponseMedian: 0.7 * MINUTE,
  firstResponseP90: 3.4 * MINUTE,
  handlingMedian: 6.2 * MINUTE,
  handlingP90: 18.5 * MINUTE,
  waitMedian: 0.4 * MINUTE,
  waitP90: 2.9 * MINUTE,
  waitLongest: 14.1 * MINUTE,
  left: 19,
  noAnswer: 7,
  transfers: 41,
  sent: 2_310,
  received: 2_874,
  online: 9_420 * MINUTE,
}

const KEYS: { readonly [by in By]: readonly (string | null)[] } = {
  day: Array.from({ length: 30 }, (_, day) => `2026-11-${String(day + 1).padStart(2, '0')}`),
  hour: Array.from({ length: 24 }, (_, hour) => String(hour)),
  channel: ['shop-wechat', 'site'],
  team: ['aftersale', 'presale', null],
  person: ['amy', 'bo', 'cai', 'dan', null],
  bot: ['helper', null],
  reason: ['keyword', 'unknown', 'guided', 'menu', 'taken', 'route'],
  status: ['online', 'away', 'meeting'],
}

/** Nothing is counted by halves. */
function earlier(code: MeasureCode, part: number): number {
  const value = TOTAL[code] * part
  return measureOf(code).unit === 'count' ? Math.round(value) : value
}

/** By days busier in the week, by hours in the afternoon; always the same. */
function partOf(by: By, index: number): number {
  if (by === 'day') return (index % 7 < 5 ? 1.2 : 0.5) * (1 + 0.2 * Math.sin(index * 2.3))
  if (by === 'hour') return index < 8 || index > 21 ? 0.1 : 1.2 + Math.sin((index - 8) / 3)
  return 2 / (index + 1.3)
}

export function statisticsOf(query: URLSearchParams, isOwn = false): Statistics {
  const by = Object.keys(KEYS).find((key): key is By => key === query.get('by'))
  const codes = CODES.filter((code) => {
    const { splits, of } = measureOf(code)
    if (by === 'day' || by === 'hour') return of !== 'now' && of !== 'attendance'
    return by === undefined || splits.includes(by)
  })
  const total = Object.fromEntries(CODES.map((code) => [code, TOTAL[code]]))
  const before = Object.fromEntries(CODES.map((code, index) => [code, earlier(code, 0.8 + (index % 5) / 10)]))
  const keys = by === undefined ? [] : KEYS[by]
  const rows = keys.map((key, index) => ({
    key,
    values: Object.fromEntries(
      codes.map((code) => {
        const { unit } = measureOf(code)
        const part = partOf(by ?? 'day', index)
        const value =
          unit === 'count'
            ? Math.round((TOTAL[code] * part) / keys.length)
            : unit === 'ms'
              ? TOTAL[code] * part
              : TOTAL[code]
        return [code, key === null && unit === 'ms' ? null : value]
      }),
    ),
  }))
  const [fromMs, untilMs] = [Date.UTC(2026, 9, 31, 16), Date.UTC(2026, 10, 30, 16)]
  return {
    period: { from: '2026-11-01', until: '2026-11-30', fromMs, untilMs },
    previous: { from: '2026-10-02', until: '2026-10-31', fromMs: fromMs - 30 * 1440 * MINUTE, untilMs: fromMs },
    timeZone: 'Asia/Shanghai',
    isOwn,
    measures: codes.map((code) => {
      const { unit, name, definition, formula, exclusions } = measureOf(code)
      return { code, unit, name, definition, formula, exclusions }
    }),
    ...(by === undefined ? { total, before } : { rows }),
  }
}
