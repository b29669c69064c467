/** Tables as comma-separated values (RFC 4180), as spreadsheets write and read them. */

/** What a spreadsheet would take for a formula, and run; and the sign that keeps it from that. */
const FORMULA = /^['=+\-@\t\r]/

/** A text that is no table, or a table with something wrong in it. Whoever sent it is told. */
export class BadImport extends Error {
  override readonly name = 'BadImport'
  readonly statusCode = 400
  readonly code = 'BAD_REQUEST'
}

/** One line, with its end. A cell that a spreadsheet would run has a `'` in front. */
export function csvLine(cells: readonly (string | undefined)[]): string {
  return `${cells.map(cell).join(',')}\r\n`
}

function cell(value = ''): string {
  const safe = FORMULA.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** The rows below the first, each by the names in the first; empty cells are left out. Empty lines are no rows. */
export function readCsv(text: string): readonly { readonly [column: string]: string }[] {
  const [names = [], ...rows] = linesOf(text.replace(/^\uFEFF/, ''))
  return rows.map((row) =>
    Object.fromEntries(row.flatMap((value, i) => (value === '' ? [] : [[nameOf(names[i], i), value]]))),
  )
}

function nameOf(name: string | undefined, index: number): string {
  return name?.trim() || `column ${index + 1}`
}

/** One cell, quoted or plain, and what stands behind it: a comma, the end of the line, or of the text. */
const CELL = /(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r\n|\n|\r|$)/y

function linesOf(text: string): readonly (readonly string[])[] {
  const lines: string[][] = []
  let line: string[] = []
  CELL.lastIndex = 0
  for (;;) {
    const at = CELL.lastIndex
    const match = CELL.exec(text)
    if (!match)
      throw new BadImport(`Line ${text.slice(0, at).split(/\r\n|\n|\r/).length} is not CSV: look at its quotes.`)
    const [, quoted, plain = '', end] = match
    line.push((quoted?.replaceAll('""', '"') ?? plain).replace(/^'(?=['=+\-@\t\r])/, ''))
    if (end === ',') continue
    if (line.some((value) => value !== '')) lines.push(line)
    line = []
    if (end === '') return lines
  }
}
