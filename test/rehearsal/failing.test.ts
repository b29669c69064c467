/**
 * What an operator is told of a scenario that fails. After a change of the words:
 * `UPDATE_GOLDENS=1 npx vitest run test/rehearsal`, and read what came out.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Played } from '../../core/rehearsal/play.ts'
import { playedAsJson, tellEnd, tellPlayed } from '../../core/rehearsal/tell.ts'
import { makeRedactor } from '../../core/services/log.ts'
import { played, scenariosIn, shop } from './shop.ts'

const FILE = 'test/rehearsal/failing.test.yaml'
const GOLDEN = 'test/rehearsal/failing.expected.txt'

const config = await shop()
const { scenarios, file } = await scenariosIn(FILE, config)
const all: Played[] = []
for (const scenario of scenarios) all.push({ ...(await played(scenario, config)), ms: 0 })

test('each way to fail is told with the line, what was expected, what came, and why', () => {
  // How a story is told is tested where it is told: the first is enough.
  const withoutStory = all.map((one, i) =>
    one.failure && i > 0 ? { ...one, failure: { ...one.failure, why: undefined } } : one,
  )
  const told = withoutStory.map((one) => tellPlayed(one, file)).join('') + tellEnd(all)
  if (process.env.UPDATE_GOLDENS) writeFileSync(GOLDEN, told)
  expect(told).toBe(readFileSync(GOLDEN, 'utf8'))
})

test('every one of them fails, but for the last, which only warns', () => {
  expect(all.filter(({ failure }) => !failure).map(({ scenario }) => scenario.name)).toEqual([
    'it passed, but a feature failed',
  ])
  expect(all.at(-1)?.errors).toEqual(['all-sorts (all-sorts), intercept: The feature is broken.'])
})

test('machines are given the same', () => {
  const [first, ...others] = JSON.parse(playedAsJson(all, file, (text) => text)).scenarios
  const then = others.find(({ scenario }: { scenario: string }) => scenario === 'then is otherwise')
  expect(first).toMatchObject({
    scenario: 'another text came',
    ok: false,
    failure: {
      file: FILE,
      line: 15,
      sentence: 'anna hears',
      expected: ['echo: 你好，价钱多少？'],
      actual: ['echo: 你好，价格多少？'],
      why: expect.stringContaining('shop.yaml'),
    },
  })
  expect(then.failure.expected).toContain('owner: support/night')
  expect(then.failure.actual).toContain('owner: llm')
})

test('for machines secrets are cut out of the texts, and of nothing else', () => {
  const secrets = ['true', 'false', 'scenario', 'echo: 你好，价格多少？']
  const told = playedAsJson(all, file, makeRedactor(secrets))
  expect(JSON.parse(told)).toMatchObject({
    ok: false,
    scenarios: [
      { scenario: 'another text came', ok: false, failure: { actual: ['[secret]'] } },
      ...all.slice(1).map(() => ({})),
    ],
  })
})

test('a configuration that cannot be started fails the scenario, and says why', async () => {
  const [scenario] = scenarios
  const [channel] = config.channels
  if (!scenario || !channel) throw new Error('The shop has neither scenarios nor channels.')
  const broken = { ...config, routes: config.routes.map((route) => ({ ...route, from: ['nowhere'] })) }
  expect((await played(scenario, { ...broken, channels: [] })).failure?.message).toContain('No channel runs')
  const bots = config.bots.map((bot) => ({ ...bot, plugin: { ...bot.plugin, setup: throwing } }))
  expect((await played(scenario, { ...config, bots })).failure?.message).toMatch(/could not be started: .*No key/)
})

function throwing(): never {
  throw new Error('No key for the model.')
}
