/** Durations and sizes as operators write them. */

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 7 * 86_400_000],
  ['y', 365 * 86_400_000],
])

const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KB', 1024],
  ['MB', 1024 ** 2],
  ['GB', 1024 ** 3],
])

/** What a duration looks like, for the JSON Schema. */
export const DURATION_PATTERN = '^\\d+(\\.\\d+)?(ms|s|m|h|d|w|y)$'
/** What a size looks like, for the JSON Schema. */
export const SIZE_PATTERN = '^\\d+(\\.\\d+)?(B|KB|MB|GB)$'

/** `90s` in ms; `undefined` when it is no duration. A year has 365 days. */
export function parseDuration(text: string): number | undefined {
  return parse(text, UNIT_MS)
}

const SHOWN = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** A length of time as it is written in the YAML, in the largest unit that leaves no rest. */
export function showDuration(ms: number): string {
  const [unit, size] = SHOWN.find(([, one]) => ms % one === 0) ?? ['ms', 1]
  return `${ms / size}${unit}`
}

/** `2KB` in bytes (1 KB = 1024 B); `undefined` when it is no size. */
export function parseSize(text: string): number | undefined {
  return parse(text, UNIT_BYTES)
}

function parse(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const [, number, unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?)([A-Za-z]{1,2})$/.exec(text) ?? []
  const size = units.get(unit)
  if (number === undefined || size === undefined) return undefined
  const value = Math.round(Number(number) * size)
  return Number.isSafeInteger(value) ? value : undefined
}

const DURATION_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ms: ['msec', 'msecs', 'millis', 'millisecond', 'milliseconds', '毫秒'],
    s: ['sec', 'secs', 'second', 'seconds', '秒', '秒钟'],
    m: ['min', 'mins', 'minute', 'minutes', '分', '分钟'],
    h: ['hr', 'hrs', 'hour', 'hours', '小时', '时'],
    d: ['day', 'days', '天', '日'],
    w: ['week', 'weeks', '周'],
    y: ['yr', 'year', 'years', '年'],
  }).flatMap(([unit, words]) => words.map((word) => [word, unit] as const)),
)

/** What was probably meant by something that is no duration: `10 min` is `10m`. */
export function meantDuration(text: string): string | undefined {
  const [, number, word = ''] = /^\s*(\d{1,12}(?:\.\d{1,6})?)\s*([^\d\s]*)\s*$/.exec(text) ?? []
  if (number === undefined) return undefined
  const unit = word.toLowerCase()
  const short = UNIT_MS.has(unit) ? unit : DURATION_WORDS.get(unit)
  return short && `${number}${short}`
}

/** What was probably meant by something that is no size: `2 kb`, `2K` and `2KiB` are `2KB`. */
export function meantSize(text: string): string | undefined {
  const [, number, word = ''] = /^\s*(\d{1,12}(?:\.\d{1,6})?)\s*([A-Za-z]+)\s*$/.exec(text) ?? []
  if (number === undefined) return undefined
  const letter = word[0]?.toUpperCase() ?? ''
  if (/^b(ytes?)?$/i.test(word)) return `${number}B`
  return /^[kmg](i?b|(ilo|ega|iga)bytes?)?$/i.test(word) ? `${number}${letter}B` : undefined
}
