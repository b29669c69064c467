/** Problems as an operator reads them: where, what is wrong, what to write instead, where to read more, and the lines. */
import type { Path } from './checked.ts'
import type { Finding, ProblemCode } from './problems.ts'
import type { Range, Span } from './read.ts'

/** One problem, complete: it can be printed, or sent as JSON, without the file. */
export interface Problem {
  readonly code: ProblemCode
  /** From the working directory. */
  readonly file: string
  /** Counted from 1. A problem of the file as a whole has none. */
  readonly line: number | undefined
  /** Counted from 1, in UTF-16 units, as editors do. */
  readonly column: number | undefined
  /** As `channels.shop-wechat.appId`; empty for the file as a whole. */
  readonly path: string
  readonly what: string
  readonly instead: string | undefined
  /** Where to read more. */
  readonly readme: string | undefined
  /** The line and its neighbours, without any secret. */
  readonly source: readonly SourceLine[]
}

export interface SourceLine {
  readonly line: number
  readonly text: string
  /** Which part of it is meant, in columns of a terminal, counted from 0. */
  readonly marked: { readonly from: number; readonly width: number } | undefined
}

/** The text that problems quote lines of. */
export interface Quotable {
  readonly shown: string
  readonly text: string
  /** What must not be shown. */
  readonly hidden: readonly Range[]
}

/** The problem that a finding is, in its place. */
export function problemAt(
  finding: Finding,
  place: { readonly span: Span | undefined; readonly path: Path; readonly readme?: string | undefined },
  file: Quotable,
): Problem {
  return {
    code: finding.code,
    file: file.shown,
    line: place.span?.line,
    column: place.span?.column,
    path: showYamlPath(place.path),
    what: finding.what,
    instead: finding.instead,
    readme: place.readme,
    source: place.span ? quote(place.span, file) : [],
  }
}

/** The piece of one line that begins at an offset of a text; without a length, up to the end of the line. */
export function spanAt(text: string, offset: number, length = Number.POSITIVE_INFINITY): Span {
  const at = Math.max(0, Math.min(offset, text.length))
  const start = text.lastIndexOf('\n', at - 1) + 1
  const rest = /^[^\n]*/.exec(text.slice(at))?.[0].trimEnd() ?? ''
  const line = text.slice(0, start).split('\n').length
  return { line, column: at - start + 1, length: Math.min(length, rest.length) }
}

/** By file and place; those of the file as a whole first. The same problem at the same place is kept once. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const sorted = problems.toSorted(
    (a, b) =>
      compare(a.file, b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      compare(a.path, b.path) ||
      compare(a.code, b.code) ||
      compare(a.what, b.what),
  )
  return sorted.filter((problem, index) => {
    const before = sorted[index - 1]
    return !before || identity(problem) !== identity(before)
  })
}

function identity({ code, file, line, column, what }: Problem): string {
  return JSON.stringify([code, file, line, column, what])
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** `['features', 0, 'a.b']` as `features[0]["a.b"]`. */
export function showYamlPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      if (!/^[^\s.[\]"':]+$/u.test(step)) return `[${JSON.stringify(step)}]`
      return index === 0 ? step : `.${step}`
    })
    .join('')
}

/** What the problems stop. */
export type Ending = 'check' | 'start' | 'reload'

const ENDINGS: { readonly [ending in Ending]: string } = {
  check: '',
  start: ' The bot was not started.',
  reload: ' The bot was not started; the one that is running goes on unchanged.',
}

/** Where codes begin, so that they can be read down the screen. */
const CODE_COLUMN = 80

/** All problems as text, with a last line that counts them. */
export function formatProblems(problems: readonly Problem[], ending: Ending = 'check'): string {
  const count = problems.length === 1 ? '1 problem.' : `${problems.length} problems.`
  return `${[...problems.map(formatProblem), `${count}${ENDINGS[ending]}`].join('\n\n')}\n`
}

/** All problems, or else what is only told, for machines: one JSON document. */
export function problemsAsJson(problems: readonly Problem[], notes: readonly Problem[] = []): string {
  return `${JSON.stringify({ ok: problems.length === 0, problems, notes }, undefined, 2)}\n`
}

function formatProblem(problem: Problem): string {
  const place = problem.line === undefined ? '' : `:${problem.line}:${problem.column}`
  const where = `${problem.file}${place}${problem.path && `  ${problem.path}`}`
  const gap = ' '.repeat(Math.max(2, CODE_COLUMN - displayWidth(where)))
  const lines = [`${where}${gap}${problem.code}`, `  ${problem.what}`]
  if (problem.instead) lines.push(`  ${problem.instead}`)
  if (problem.readme) lines.push(`  ${problem.readme}`)
  return [...lines, ...formatSource(problem.source)].join('\n')
}

function formatSource(source: readonly SourceLine[]): readonly string[] {
  const digits = Math.max(...source.map(({ line }) => String(line).length), 1)
  return source.flatMap(({ line, text, marked }) => {
    const number = `${marked ? '  > ' : '    '}${String(line).padStart(digits)} | `
    const written = `${number}${text}`.trimEnd()
    if (!marked) return [written]
    return [written, `    ${' '.repeat(digits)} | ${' '.repeat(marked.from)}${'^'.repeat(marked.width)}`]
  })
}

/** Longer lines are shown only around the place that is meant. */
const MAX_LINE_WIDTH = 120

function quote(span: Span, file: Quotable): readonly SourceLine[] {
  const starts = lineStarts(file.text)
  const lines: SourceLine[] = []
  for (let line = Math.max(1, span.line - 1); line <= Math.min(starts.length, span.line + 1); line++) {
    const from = starts[line - 1] ?? 0
    const to = (starts[line] ?? file.text.length + 1) - 1
    if (line !== span.line) {
      const text = shown(file, from, to, from)
      // A neighbour without words would only be a gap.
      if (text.trim() !== '') lines.push({ line, text: cut(text), marked: undefined })
      continue
    }
    const start = Math.min(from + span.column - 1, to)
    const end = Math.min(start + span.length, to)
    const before = shown(file, from, start, from)
    const marked = shown(file, start, end, from)
    const skipped = displayWidth(before + marked) > MAX_LINE_WIDTH ? Math.max(0, before.length - 20) : 0
    const lead = `${skipped > 0 ? '…' : ''}${before.slice(skipped)}`
    const text = cut(`${lead}${marked}${shown(file, end, to, from)}`)
    const left = displayWidth(lead)
    const width = Math.max(1, Math.min(displayWidth(marked), displayWidth(text) - left))
    lines.push({ line, text, marked: { from: left, width } })
  }
  return lines
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** A piece of a line, with eight dots in place of every secret: not even its length is told. */
function shown({ text, hidden }: Quotable, from: number, to: number, lineStart: number): string {
  let piece = ''
  let at = from
  for (const range of hidden.toSorted((a, b) => a.from - b.from)) {
    if (range.to <= at || range.from >= to) continue
    piece += text.slice(at, Math.max(at, range.from))
    // The rest of one that has begun in an earlier piece of this line is left out.
    if (range.from >= from || at === lineStart) piece += '•'.repeat(8)
    at = Math.min(range.to, to)
  }
  return visible(piece + text.slice(at, Math.max(at, to)).replace(/\r$/, ''))
}

function cut(text: string): string {
  if (text.length <= MAX_LINE_WIDTH) return text
  return `${text.slice(0, MAX_LINE_WIDTH).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** Tabs as an arrow, and nothing that a terminal would obey. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking them out is what this is for.
  return text.replaceAll('\t', '→').replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '·')
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f/u
/** Made when the first problem is told: it takes longer than the rest of this file. */
let graphemes: Intl.Segmenter | undefined

/** How many columns of a terminal a text takes: Chinese characters and emoji take two. */
export function displayWidth(text: string): number {
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  let width = 0
  for (const { segment } of graphemes.segment(text)) {
    if (WIDE.test(segment)) width += 2
    else if (!/^[\p{Mark}\u200b-\u200d\ufeff]+$/u.test(segment)) width += 1
  }
  return width
}

/** Cuts given values out of a text: whatever a plugin or a parser says, no secret is printed. */
export function redact(text: string, secrets: Iterable<readonly [value: string, instead: string]>): string {
  let shown = text
  for (const [value, instead] of secrets) if (value.length >= 4) shown = shown.replaceAll(value, instead)
  return shown
}
