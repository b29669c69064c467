/** What operators copy has no problems: every file in config/, and every YAML in a README. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { checkConfig } from '../../core/config/check.ts'
import { formatProblems } from '../../core/config/report.ts'
import { SECTIONS } from '../../core/runtime/load.ts'

async function told(file: string, text: string, env: NodeJS.Dict<string>): Promise<string> {
  const checked = await checkConfig(file, { text, env })
  return checked.ok ? 'No problems.' : formatProblems(checked.problems)
}

const files = globSync('config/**/*.yaml').filter((file) => !file.endsWith('.test.yaml') && isConfiguration(file))

/** What has no routes is a file that a configuration names: it is checked with that one. */
function isConfiguration(file: string): boolean {
  return /^routes:/m.test(readFileSync(file, 'utf8'))
}

test('every other file is named by a configuration', async () => {
  const configurations = await Promise.all(
    files.map(async (file) => checkConfig(file, { env: variablesOf(readFileSync(file, 'utf8')) })),
  )
  const named = configurations.flatMap((checked) => (checked.ok ? checked.config.files.map(({ path }) => path) : []))
  const others = globSync('config/**/*.yaml').filter((file) => !file.endsWith('.test.yaml') && !isConfiguration(file))
  expect(others.filter((file) => !named.includes(resolve(file)))).toEqual([])
})

test.each(files)('%s has no problems', async (file) => {
  const text = readFileSync(file, 'utf8')
  const beside = file.replace(/\.yaml$/, '.env')
  const env = existsSync(beside) ? parseEnv(readFileSync(beside, 'utf8')) : variablesOf(text)
  expect(await told(file, text, env)).toBe('No problems.')
})

/** Something for every variable that a text names: it may be a key too, some of which have so many letters. */
function variablesOf(text: string): NodeJS.Dict<string> {
  return Object.fromEntries([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => [name, 'v'.repeat(43)]))
}

const sections = z.looseObject({
  channels: z.record(z.string(), z.unknown()).optional(),
  bots: z.record(z.string(), z.unknown()).optional(),
})

/** What a README leaves out because it is about one section only. */
function completed(fence: string): string | undefined {
  let parsed: unknown
  try {
    parsed = parse(fence)
  } catch {
    return fence
  }
  const known = sections.safeParse(parsed)
  if (!known.success || !['routes', ...SECTIONS].some((name) => name in known.data)) return undefined
  const { channels = { demo: {} }, bots = { parrot: {} } } = known.data
  const parts = {
    channels: `channels:\n  demo: { use: loopback, secret: "\${DEMO_SECRET}" }\n`,
    bots: 'bots:\n  parrot: { use: echo }\n',
    desks: 'desks:\n  support: { use: desk, people: { amy: { name: Amy } }, teams: { presale: { members: [amy] } } }\n',
    routes: `routes:\n  - { from: [${Object.keys(channels)}], mode: bot-only, bot: [${Object.keys(bots)}] }\n`,
  }
  const missing = Object.entries(parts).filter(([name]) => !(name in known.data))
  return `${fence}\n${missing.map(([, text]) => text).join('')}`
}

const fences = globSync('{README.md,plugins/*/*/README.md}').flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```/gm)].flatMap(([, fence = ''], index) => {
    const text = completed(fence)
    return text === undefined ? [] : [{ file, number: index + 1, text }]
  }),
)

test.each(fences)('YAML $number of $file can be copied', async ({ file, text }) => {
  // As if it stood in config/, where people copy it to.
  const env = { ...variablesOf(text), DEMO_SECRET: 'demo' }
  expect(await told(resolve('config', `from-${file.replaceAll('/', '-')}.yaml`), text, env)).toBe('No problems.')
})

test('there is something to copy', () => {
  expect(files).toContain('config/switchboard.yaml')
})
