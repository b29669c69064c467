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

export type CsvRow = { readonly [column: string]: string }

/**
 * The rows below the first, each by the names in the first; empty cells are left out. Empty lines are no rows. Throws
 * `BadImport` as soon as a name is not among `columns`, or there is more than there may be: what comes behind is not
 * read.
 */
export function readCsv(text: string, columns: readonly string[], maxLines: number): readonly CsvRow[] {
  const lines = linesOf(text.replace(/^\uFEFF/, ''), columns.length)
  const first = lines.next()
  if (first.done) return []
  const names = first.value.map((name) => nameOf(name, columns))
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new BadImport(`Line 1 has the column "${twice}" twice.`)
  const rows: CsvRow[] = []
  let count = 0
  for (const cells of lines) {
    count += 1
    if (count > maxLines) throw new BadImport(`Import at most ${maxLines} entries at a time, and no more lines.`)
    if (cells.slice(names.length).some((value) => value !== ''))
      throw new BadImport(`Line ${count + 1} has more cells than line 1 has names.`)
    const row = names.flatMap((name, i) => (cells[i] ? [[name, cells[i]]] : []))
    if (row.length > 0) rows.push(Object.fromEntries(row))
  }
  return rows
}

function nameOf(cell: string, columns: readonly string[]): string {
  const name = cell.trim()
  if (columns.includes(name)) return name
  throw new BadImport(
    `Line 1 names a column "${name.slice(0, 50)}"; there are ${columns.join(', ')}, with commas between them.`,
  )
}

/** One cell, quoted or plain, and what stands behind it: a comma, the end of the line, or of the text. */
const CELL = /(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r\n|\n|\r|$)/y

function* linesOf(text: string, maxCells: number): Generator<readonly string[], undefined> {
  let line: string[] = []
  for (let count = 1, at = 0; at < text.length || line.length > 0; ) {
    CELL.lastIndex = at
    const match = CELL.exec(text)
    at = CELL.lastIndex
    if (!match) throw new BadImport(`Line ${count} is not CSV: look at its quotes.`)
    const [, quoted, plain = '', end] = match
    line.push((quoted?.replaceAll('""', '"') ?? plain).replace(/^'(?=['=+\-@\t\r])/, ''))
    if (line.length > maxCells) throw new BadImport(`Line ${count} has more than ${maxCells} cells.`)
    if (end === ',') continue
    count += 1
    yield line
    line = []
  }
}
