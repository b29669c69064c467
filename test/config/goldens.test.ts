/**
 * Every `bad/*.yaml` says exactly what stands in `bad/*.expected.txt`. A bug report about a message is a new pair:
 * write the YAML, run `UPDATE_GOLDENS=1 npx vitest run test/config/goldens.test.ts`, and read what came out.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'

const FOLDER = 'test/config/bad'
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'))
const paths = files.map((name) => join(FOLDER, name))

// In a process of its own: how Node itself loads plugins is part of what is tested.
const told = z
  .record(z.string(), z.string())
  .parse(JSON.parse(execFileSync(process.execPath, ['test/config/tell.ts', ...paths], { encoding: 'utf8' })))

test.each(files)('%s is told as expected', (name) => {
  const golden = join(FOLDER, `${basename(name, '.yaml')}.expected.txt`)
  const text = told[join(FOLDER, name)] ?? ''
  if (process.env.UPDATE_GOLDENS) writeFileSync(golden, text)
  expect(text).toBe(readFileSync(golden, 'utf8'))
})

test('there is a pair for everything that operators get wrong', () => {
  expect(files.length).toBeGreaterThanOrEqual(38)
  const expected = readdirSync(FOLDER).filter((name) => name.endsWith('.expected.txt'))
  expect(expected.map((name) => name.replace('.expected.txt', '.yaml'))).toEqual(files)
})
