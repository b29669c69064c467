/** Numbers as people read them, in the language of the screen. */
import type { Measured } from '../../../api/statistics-shapes.ts'
import { language } from '../../words/words.ts'

type Unit = Measured['unit']

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** What there is no number for. */
export const NONE = '–'

export function valueText(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined) return NONE
  switch (unit) {
    case 'count':
      return new Intl.NumberFormat(language.value).format(value)
    case 'share':
      return new Intl.NumberFormat(language.value, { style: 'percent', maximumFractionDigits: 1 }).format(value)
    case 'ms':
      return durationText(value)
  }
}

/** `42 s`, `3 min 20 s`, `2 h 5 min`. */
function durationText(ms: number): string {
  const seconds = Math.round(ms / SECOND)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const parts =
    hours > 0 ? [part(hours, 'hour'), part(minutes, 'minute')] : [part(minutes, 'minute'), part(seconds % 60, 'second')]
  const told = parts.filter(({ count }, index) => count > 0 || (index === 1 && seconds === 0))
  return told.map(({ text }) => text).join(language.value === 'en' ? ' ' : '')
}

function part(count: number, unit: string): { readonly count: number; readonly text: string } {
  const format = new Intl.NumberFormat(language.value, { style: 'unit', unit, unitDisplay: 'short' })
  return { count, text: format.format(count) }
}

/** How much more or less than before, of a share in points; `undefined`: before there was nothing to compare with. */
export function changeOf(
  value: number | null | undefined,
  before: number | null | undefined,
  unit: Unit,
): { readonly text: string; readonly isPoints: boolean } | undefined {
  if (value === null || value === undefined || !before) return undefined
  const isPoints = unit === 'share'
  const change = isPoints ? (value - before) * 100 : value / before - 1
  const style = isPoints ? ('decimal' as const) : ('percent' as const)
  const format = new Intl.NumberFormat(language.value, { style, maximumFractionDigits: 0, signDisplay: 'exceptZero' })
  return { text: format.format(change), isPoints }
}

export const dayText = (day: string): string =>
  new Intl.DateTimeFormat(language.value, { timeZone: 'UTC', day: 'numeric', month: 'short' }).format(new Date(day))

/** What the lines of a chart are apart: steps that people reckon in. */
const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400].map(
  (seconds) => seconds * SECOND,
)
const LINES = 4

/** From 0 to at least the greatest value. */
export function ticksFor(greatest: number, unit: Unit): readonly number[] {
  const least = greatest / LINES
  const step =
    unit === 'ms'
      ? (STEPS_MS.find((one) => one >= least) ?? Math.ceil(least / HOUR / 24) * 24 * HOUR)
      : roundStep(least)
  const ticks = [0]
  while ((ticks.at(-1) ?? 0) < greatest) ticks.push((ticks.at(-1) ?? 0) + step)
  return ticks.length > 1 ? ticks : [0, step]
}

/** 1, 2 or 5 times a power of ten; nothing is counted by halves. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)))
  return ([1, 2, 5, 10].find((times) => times * power >= least) ?? 10) * power
}
