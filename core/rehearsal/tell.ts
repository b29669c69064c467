/** What came of scenarios, for the operator: a line for each, and for one that failed what is not so, and why. */
import { displayWidth } from '../config/report.ts'
import type { Redact } from '../services/log.ts'
import type { ComparedMessage, Failure, Played } from './play.ts'
import type { Looked } from './state.ts'

/** One scenario, as soon as it has been played. */
export function tellPlayed({ scenario, ms, failure, errors }: Played, file: string): string {
  const lines = [`${failure ? 'FAILED' : 'ok    '} ${`${ms} ms`.padStart(7)}  ${scenario.name}`]
  if (failure) lines.push('', ...tellFailure(failure, file).map(indented))
  if (errors.length > 0) {
    lines.push('', indented(failure ? 'In the log meanwhile:' : 'It passed, but this is in the log:'))
    lines.push(...errors.map((error) => indented(indented(error))))
  }
  if (failure || errors.length > 0) lines.push('')
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

/** The end: what was left out, and the last line. */
export function tellEnd(played: readonly Played[]): string {
  const failed = played.filter(({ failure }) => failure).length
  const scenarios = played.length === 1 ? '1 scenario' : `${played.length} scenarios`
  const warnings = warningsOf(played).map((warning) => `Warning: ${warning}\n`)
  return `${warnings.join('')}${scenarios}, ${failed === 0 ? 'all well' : `${failed} failed`}.\n`
}

/** Each once, however many scenarios it is about. */
function warningsOf(played: readonly Played[]): readonly string[] {
  return [...new Set(played.flatMap(({ warnings }) => warnings))]
}

/** All of it for machines: one JSON document. `redact` is given each of its texts. */
export function playedAsJson(played: readonly Played[], file: string, redact: Redact): string {
  const scenarios = played.map(({ scenario, ms, failure, errors }) => ({
    scenario: scenario.name,
    file,
    line: scenario.line,
    ok: failure === undefined,
    ms,
    ...(failure && { failure: { file, ...failureForMachines(failure) } }),
    errors,
  }))
  const failed = scenarios.filter(({ ok }) => !ok).length
  const told = { ok: failed === 0, passed: played.length - failed, failed, scenarios, warnings: warningsOf(played) }
  return `${JSON.stringify(told, (_key, value) => (typeof value === 'string' ? redact(value) : value), 2)}\n`
}

function failureForMachines({ line, sentence, message, messages, looked, why }: Failure) {
  const expected = [
    ...messages.map(({ expected }) => expected),
    ...looked.map(({ what, expected }) => `${what}: ${expected}`),
  ]
  const actual = [...messages.map(({ came }) => came), ...looked.map(({ what, actual }) => `${what}: ${actual}`)]
  const isText = (one: string | undefined) => one !== undefined
  return { line, sentence, message, expected: expected.filter(isText), actual: actual.filter(isText), why }
}

function tellFailure({ line, sentence, message, messages, looked, why }: Failure, file: string): readonly string[] {
  return [
    `${file}:${line}  ${sentence}`,
    ...(message === undefined ? [] : [indented(message)]),
    ...tellMessages(messages).map(indented),
    ...tellLooked(looked).map(indented),
    ...(why === undefined
      ? []
      : ['', 'What became of the latest event, and why:', ...why.trimEnd().split('\n').map(indented)]),
  ]
}

/** Longer messages have their note right behind them. */
const MAX_NOTES_AT = 72

function tellMessages(messages: readonly ComparedMessage[]): readonly string[] {
  const first = messages.flatMap(({ expected = '', came = '' }) =>
    [expected, came].map((text) => text.split('\n')[0] ?? ''),
  )
  const notesAt = Math.min(MAX_NOTES_AT, Math.max(0, ...first.map(displayWidth)))
  return messages.flatMap(({ expected, came, ok }) => {
    if (ok) return said('=', came ?? '', '', notesAt)
    if (expected === undefined) return said('+', came ?? '', 'came', notesAt)
    if (came === undefined) return said('-', expected, 'expected, and nothing came', notesAt)
    const isPattern = /^[/{]/.test(expected)
    if (!isPattern && expected.includes('\n') && came.includes('\n')) return tellLines(expected, came, notesAt)
    return [
      ...said('-', expected, 'expected', notesAt),
      ...said('+', came, 'came instead', notesAt),
      ...(isPattern ? [] : whereTheyDiffer(expected, came)),
    ]
  })
}

/** Two texts of several lines: those that begin and end both are told once. */
function tellLines(expected: string, came: string, notesAt: number): readonly string[] {
  const [wanted, there] = [expected.split('\n'), came.split('\n')]
  const shorter = Math.min(wanted.length, there.length)
  const begin = sameLines(wanted, there, shorter)
  const end = sameLines(wanted.toReversed(), there.toReversed(), shorter - begin)
  const differing = (lines: readonly string[]) => lines.slice(begin, lines.length - end)
  const same = (lines: readonly string[]) => lines.map((line) => `= ${line}`)
  return [
    ...same(there.slice(0, begin)),
    ...differing(wanted).flatMap((line) => said('-', line, 'expected', notesAt)),
    ...differing(there).flatMap((line) => said('+', line, 'came instead', notesAt)),
    ...same(there.slice(there.length - end)),
  ]
}

/** How many lines are the same from the first on, but not more than `max`. */
function sameLines(some: readonly string[], others: readonly string[], max: number): number {
  const differs = some.slice(0, max).findIndex((line, i) => line !== others[i])
  return differs < 0 ? max : differs
}

/** The lines of a message behind its sign, with a note at the end of the first. */
function said(sign: string, text: string, note: string, notesAt: number): readonly string[] {
  return text
    .split('\n')
    .map((line, index) => `${sign} ${index === 0 && note ? `${padded(line, notesAt)}  ${note}` : line}`)
}

/** Points to the first place where two texts of one line differ, when they begin alike. */
function whereTheyDiffer(expected: string, came: string): readonly string[] {
  const [wanted, there] = [[...expected], [...came]]
  const at = wanted.findIndex((character, i) => character !== there[i])
  const same = at < 0 ? wanted.length : at
  if (same === 0 || expected.includes('\n') || came.includes('\n')) return []
  return [`  ${' '.repeat(displayWidth(wanted.slice(0, same).join('')))}^ here they differ`]
}

/** What was looked at, in columns. */
function tellLooked(looked: readonly Looked[]): readonly string[] {
  const width = (texts: readonly string[]) => Math.max(0, ...texts.map(displayWidth))
  const first = width(looked.map(({ what }) => what))
  const second = width(looked.filter(({ ok }) => !ok).map(({ expected }) => expected))
  return looked.map(({ what, ok, expected, actual }) => {
    const is = ok ? `is ${actual}` : `expected ${padded(expected, second)}  is ${actual}`
    return `${ok ? '=' : '-'} ${padded(what, first)}  ${is}`
  })
}

function padded(text: string, width: number): string {
  return `${text}${' '.repeat(Math.max(0, width - displayWidth(text)))}`
}

function indented(line: string): string {
  return line === '' ? line : `  ${line}`
}
