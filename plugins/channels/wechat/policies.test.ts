import { expect, test } from 'vitest'
import { allPolicies, policyOf, readPolicies } from './policies.ts'
import { RULES_OF_2022, RULES_OF_2023 } from './simulated-platform/index.ts'

const GOOD = `- name: first
  since: 2022-01-01
  source: a page
  read: 2026-11-20
  later:
    - { on: message, within: 48h, max: 20, resets: true }
`

/** Every problem of a text. */
function problemsOf(text: string): readonly string[] {
  try {
    readPolicies(text, 'policies.yaml')
    return []
  } catch (error) {
    return error instanceof Error ? error.message.split('\n') : []
  }
}

test('C-WX-02, C-WX-03: the policies hold what the platform did then and does now, and the newest is the default', () => {
  expect(allPolicies().map(({ name }) => name)).toEqual(['wechat-oa-2022', 'wechat-oa-2023'])
  expect(policyOf(undefined).name).toBe('wechat-oa-2023')
  // Written down a second time by whoever made the simulated platform; there a menu's trigger has its longer name.
  const told = (rules: readonly { readonly on: string }[]) =>
    rules.map((rule) => ({ ...rule, on: rule.on === 'menu-click' ? 'menu' : rule.on }))
  expect(policyOf('wechat-oa-2022').later).toEqual(told(RULES_OF_2022))
  expect(policyOf('wechat-oa-2023').later).toEqual(told(RULES_OF_2023))
  for (const { source } of allPolicies()) expect(source).not.toBe('')
})

test('an entry is read with its times as ms', () => {
  expect(readPolicies(GOOD, 'policies.yaml')).toEqual([
    {
      name: 'first',
      since: '2022-01-01',
      source: 'a page',
      later: [{ on: 'message', withinMs: 172_800_000, max: 20, resets: true }],
    },
  ])
})

test.each([
  ['no YAML', `${GOOD}  : [`, /^policies\.yaml:7:\d+ /],
  ['no list', 'name: first', /^policies\.yaml:1:1 It: /],
  ['a trigger that nobody knows', GOOD.replace('on: message', 'on: payment'), /^policies\.yaml:6:13 0\.later\.0\.on: /],
  ['a time that is none', GOOD.replace('48h', '48 hours'), /^policies\.yaml:6:\d+ 0\.later\.0\.within: /],
  ['no number', GOOD.replace('max: 20', 'max: many'), /^policies\.yaml:6:\d+ 0\.later\.0\.max: /],
  ['no source', GOOD.replace('  source: a page\n', ''), /^policies\.yaml:1:3 0\.source: /],
  ['a key that nobody knows', `${GOOD}  colour: red\n`, /^policies\.yaml:1:3 0: /],
  ['a name twice', GOOD + GOOD.replace('2022', '2023'), /^policies\.yaml:7:9 1\.name: There is another first\./],
  ['an older one behind', GOOD + GOOD.replace('first', 'second'), /^policies\.yaml:8:10 1\.since: It must be later/],
])('a file with %s is refused, with file, line and column', (_what, text, problem) => {
  expect(problemsOf(text)).toEqual([expect.stringMatching(problem)])
})
