/** Every example in config/examples/ comes with scenarios, and they come true. */
import { globSync } from 'node:fs'
import { expect, test } from 'vitest'
import { storyInShort } from '../../core/cli/story.ts'
import { checkConfig } from '../../core/config/check.ts'
import { formatProblems } from '../../core/config/report.ts'
import { checkWithMadeUpVariables } from '../../core/rehearsal/made-up.ts'
import { play } from '../../core/rehearsal/play.ts'
import { readScenarios, scenariosBeside } from '../../core/rehearsal/read-scenarios.ts'

const examples = globSync('config/examples/**/*.yaml', { exclude: ['**/*.test.yaml'] }).filter(
  (file) => !file.endsWith('.test.yaml'),
)

test.each(examples)('the scenarios of %s come true', { timeout: 60_000 }, async (file) => {
  const checked = await checkWithMadeUpVariables(file, (change) => checkConfig(file, { env: change({}) }))
  if (!checked.ok) throw new Error(formatProblems(checked.problems))
  const read = await readScenarios(scenariosBeside(file), checked.config)
  if (!read.ok) throw new Error(formatProblems(read.problems))
  const { scenarios } = read.scenarios
  expect(scenarios.length).toBeGreaterThan(0)
  for (const scenario of scenarios) {
    const { failure, errors } = await play(scenario, checked.config, storyInShort)
    expect({ failure, errors }, scenario.name).toEqual({ failure: undefined, errors: [] })
  }
})

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(0)
})
