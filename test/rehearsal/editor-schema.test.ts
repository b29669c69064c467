import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { scenariosSchema } from '../../core/rehearsal/editor-schema.ts'

const FILE = 'config/scenarios.schema.json'

test('config/scenarios.schema.json is current: if not, run  npm run schema', () => {
  expect(scenariosSchema()).toBe(readFileSync(FILE, 'utf8'))
})

/** Fastify's validator stands in for an editor. */
async function editorSays(value: unknown): Promise<string> {
  const customOptions = { removeAdditional: false, coerceTypes: false, useDefaults: false, strict: false } as const
  await using server = Fastify({ ajv: { customOptions } })
  const schema: unknown = JSON.parse(readFileSync(FILE, 'utf8'))
  server.post('/', { schema: { body: schema } }, () => 'right')
  const headers = { 'content-type': 'application/json' }
  const answer = await server.inject({ method: 'POST', url: '/', payload: JSON.stringify(value), headers })
  return answer.body
}

test.each(['config/switchboard.test.yaml', 'test/rehearsal/verbs.test.yaml', 'test/rehearsal/failing.test.yaml'])(
  'an editor finds nothing wrong in %s',
  async (file) => {
    expect(await editorSays(parse(readFileSync(file, 'utf8')))).toBe('right')
  },
)

const withStep = (step: object) => ({ scenarios: [{ scenario: 'one', steps: [step] }] })

test.each([
  [{ 'anna sayz': 'hello' }],
  [{ 'anna says': 42 }],
  [{ 'anna hears': { type: 'text', txt: 'hello' } }],
  [{ after: '10 min' }],
  // biome-ignore lint/suspicious/noThenProperty: a word of scenarios, and nobody awaits it.
  [{ then: { anna: { ownr: 'nobody' } } }],
  [{ 'amy takes': 'anna', refused: 'NO' }],
  [{}],
])('an editor finds the mistake in %j', async (step) => {
  expect(await editorSays(withStep({ 'anna says': 'hello' }))).toBe('right')
  expect(await editorSays(withStep(step))).toContain('body/scenarios/0/steps/0')
})
