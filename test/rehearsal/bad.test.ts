/**
 * Every `bad/*.test.yaml` is told exactly what stands beside it. After a change of the words:
 * `UPDATE_GOLDENS=1 npx vitest run test/rehearsal`, and read what came out.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { formatProblems } from '../../core/config/report.ts'
import { readScenarios, scenariosBeside } from '../../core/rehearsal/read-scenarios.ts'
import { shop } from './shop.ts'

const config = await shop()

async function problemsOf(file: string): Promise<string> {
  const read = await readScenarios(file, config)
  return read.ok ? 'No problems.' : formatProblems(read.problems)
}

test.each(globSync('test/rehearsal/bad/*.test.yaml'))('%s is told as expected', async (file) => {
  const told = await problemsOf(file)
  expect(told).toMatch(/\d+ problems?\.\n$/)
  const golden = file.replace(/\.test\.yaml$/, '.expected.txt')
  if (process.env.UPDATE_GOLDENS) writeFileSync(golden, told)
  expect(told).toBe(readFileSync(golden, 'utf8'))
})

test('a missing file is told how to begin', async () => {
  expect(await problemsOf('test/rehearsal/bad/none.test.yaml')).toContain(
    'There is no file "test/rehearsal/bad/none.test.yaml" with scenarios of test/rehearsal/shop.yaml.',
  )
})

test('scenarios stand beside their configuration', () => {
  expect(scenariosBeside('config/switchboard.yaml')).toBe('config/switchboard.test.yaml')
  expect(scenariosBeside('a/b.yml')).toBe('a/b.test.yml')
  expect(scenariosBeside('a/b')).toBe('a/b.test')
})
