import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSqlite } from '../../../core/journal/sqlite/engine.ts'

test('a journal opens in a new folder and closes twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'journal-'))
  const engine = await openSqlite({ folder })
  expect(engine.healthy).toBe(true)
  await engine.close()
  await engine.close()
  expect(engine.healthy).toBe(false)
  rmSync(folder, { recursive: true })
})
