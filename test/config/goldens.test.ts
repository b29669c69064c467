/**
 * Every `bad/*.yaml` says exactly what stands in `bad/*.expected.txt`, and every `words/*.yaml` is read aloud as
 * `words/*.expected.txt` has it. A bug report about a message is a new pair: write the YAML, run
 * `UPDATE_GOLDENS=1 npx vitest run test/config/goldens.test.ts`, and read what came out.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'

const yamlIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `${folder}/${name}`)
const bad = yamlIn('test/config/bad')
const words = yamlIn('test/config/words')

// In a process of its own: how Node itself loads plugins is part of what is tested.
const told = z
  .record(z.string(), z.string())
  .parse(
    JSON.parse(
      execFileSync(process.execPath, ['--no-warnings', 'test/config/tell.ts', ...bad, ...words], { encoding: 'utf8' }),
    ),
  )

function expectGolden(file: string): void {
  const golden = file.replace(/\.yaml$/, '.expected.txt')
  const text = told[file] ?? ''
  if (process.env.UPDATE_GOLDENS) writeFileSync(golden, text)
  expect(text).toBe(readFileSync(golden, 'utf8'))
}

test.each(bad)('%s is told as expected', (file) => {
  expect(told[file]).toMatch(/\d+ problems?\.\n$/)
  expectGolden(file)
})

test.each(words)('%s is read aloud as expected', expectGolden)

test('there is a pair for everything that operators get wrong', () => {
  expect(bad.length).toBeGreaterThanOrEqual(38)
  const golden = readdirSync('test/config/bad').filter((name) => name.endsWith('.expected.txt'))
  expect(golden.filter((name) => !existsSync(`test/config/bad/${name.replace('.expected.txt', '.yaml')}`))).toEqual([])
})

test('no golden shows a secret', () => {
  for (const [file, text] of Object.entries(told)) {
    expect(text, file).not.toMatch(/0123456789abcdef|hunter2|a-secret-from-the-environment/)
  }
})
