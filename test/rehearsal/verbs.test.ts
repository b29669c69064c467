/** Every sentence of `verbs.test.yaml` comes true: each of its scenarios is a test here. */
import { expect, test } from 'vitest'
import { tellPlayed } from '../../core/rehearsal/tell.ts'
import { played, scenariosIn, shop } from './shop.ts'

const config = await shop()
const { scenarios, file } = await scenariosIn('test/rehearsal/verbs.test.yaml', config)

test.each(scenarios)('$name', async (scenario) => {
  const one = await played(scenario, config)
  expect(one.failure && tellPlayed(one, file)).toBeUndefined()
  expect(one.errors).toEqual([])
})
