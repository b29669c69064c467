/** Tables as files that spreadsheets open. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** A number stays one; `undefined` is an empty cell. */
export type Cell = string | number | undefined

/** Without it Excel reads Chinese as something else. */
const BYTE_ORDER_MARK = '\uFEFF'
/**
 * What a spreadsheet would reckon instead of showing it, so that a customer’s name could read other cells.
 * Source: OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection, read 2026-11-22.
 */
const FORMULA = /^(?:\s*[=+\-@＝＋－＠]|[\t\r\n])/u

/** One line, as RFC 4180 has it. A text that a spreadsheet would take for a formula gets a `'` in front. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(written).join(',')}\r\n`
}

function written(cell: Cell): string {
  if (cell === undefined) return ''
  if (typeof cell === 'number') return `${cell}`
  const safe = FORMULA.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Answers with a file that browsers save. It is written as it is read, so that a long table needs no memory. */
export function sendCsv(
  reply: FastifyReply,
  name: string,
  lines: Iterable<readonly Cell[]> | AsyncIterable<readonly Cell[]>,
): void {
  async function* text(): AsyncGenerator<string> {
    yield BYTE_ORDER_MARK
    for await (const line of lines) yield csvLine(line)
  }
  reply
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .type('text/csv; charset=utf-8')
    .send(Readable.from(text()))
}
