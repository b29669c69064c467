import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { CODES, measureOf } from './measures.ts'

const README = resolve(import.meta.dirname, '../README.md')
const TABLE = /(?<=^## Statistics\n[\s\S]*?\n)\| Number[\s\S]*?(?=\n\n)/m

/** A table however its columns are aligned. */
const unaligned = (table: string) => table.replace(/ *\| */g, '|').replace(/-{3,}/g, '---')

test('C-GR-10: the README says of every number what it means, in the words of the API', () => {
  const rows = CODES.map(measureOf).map(
    ({ name, definition, formula, exclusions }) =>
      `| ${name.en} | ${definition.en} | ${formula.en} | ${exclusions.en} |`,
  )
  const table = ['| Number | Means | How it is counted | What does not count |', '|---|---|---|---|', ...rows].join(
    '\n',
  )
  const text = readFileSync(README, 'utf8')
  if (process.env.UPDATE_READMES)
    writeFileSync(
      README,
      text.replace(TABLE, () => table),
    )
  const written = TABLE.exec(readFileSync(README, 'utf8'))?.[0] ?? ''
  expect(unaligned(written), `UPDATE_READMES=1 npx vitest run ${import.meta.filename}`).toBe(unaligned(table))
})
