/** Whatever stands in the file, the operator is told; nothing is thrown, and nothing hangs. */
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkConfig } from '../../core/config/check.ts'
import { readBytes } from '../../core/config/read.ts'
import { formatProblems } from '../../core/config/report.ts'
import { routesInWords } from '../../core/config/routes-in-words.ts'
import { anyCharacter } from '../any-character.ts'

const shipped = resolve('test/config/plugins')
const env = { WIRE_SECRET: 'a-secret-from-the-environment' }
const FILE = 'test/config/bad/any-text.yaml'
const numRuns = process.env.LONG ? 5000 : 200
const TIMEOUT_MS = process.env.LONG ? 600_000 : 30_000

async function tell(text: string): Promise<string> {
  const checked = await checkConfig(FILE, { text, env, shipped })
  if (checked.ok) return routesInWords(checked.config)
  expect(checked.problems.length).toBeGreaterThan(0)
  const lines = text.split('\n').length
  for (const { line = 1, column = 1, what } of checked.problems) {
    expect(line).toBeGreaterThanOrEqual(1)
    expect(line).toBeLessThanOrEqual(lines)
    expect(column).toBeGreaterThanOrEqual(1)
    expect(what).not.toBe('')
  }
  return formatProblems(checked.problems)
}

async function tells(text: string): Promise<void> {
  const told = await tell(text)
  // A name that is damaged itself says of no value that it is a secret.
  if (text.includes('WIRE_SECRET')) expect(told).not.toContain(env.WIRE_SECRET)
}

const punctuation = fc.constantFrom(...`\n \t:-[]{}"'#&*!|>%@\`?,~$<=0aé在\u0000\ufeff\r`)
const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: anyCharacter }),
  fc.string({ unit: punctuation, maxLength: 200 }),
  fc.json(),
)

test(
  'any text is told',
  async () => {
    await fc.assert(fc.asyncProperty(anyText, tells), { numRuns })
  },
  TIMEOUT_MS,
)

test(
  'any bytes are told',
  () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(readBytes(FILE, bytes, env).problems).toBeInstanceOf(Array)
      }),
      { numRuns },
    )
  },
  TIMEOUT_MS,
)

/** Real files, each with a piece cut out, put in twice, or replaced by something. */
const real = ['test/config/bad', 'test/config/words'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml') && name !== 'not-utf8.yaml' && name !== 'anchors-explode.yaml')
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8')),
)
const damaged = fc
  .record({
    text: fc.constantFrom(...real),
    from: fc.nat(1000),
    length: fc.nat(40),
    by: anyText,
    isTwice: fc.boolean(),
  })
  .map(({ text, from, length, by, isTwice }) => {
    const start = from % (text.length + 1)
    const piece = text.slice(start, start + length)
    return `${text.slice(0, start)}${isTwice ? piece + piece : by}${text.slice(start + length)}`
  })

test(
  'a damaged file is told, and its secrets are not',
  async () => {
    await fc.assert(fc.asyncProperty(damaged, tells), { numRuns })
  },
  TIMEOUT_MS,
)

/** Right YAML of the wrong shape. */
const shapeless = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      null,
      true,
      0,
      1e21,
      '',
      'shop',
      'wire',
      `\${WIRE_SECRET}`,
      `\${NOT_SET}`,
      '09:00-18:00',
      'bot-first',
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('map'),
  ),
  map: fc.dictionary(
    fc.constantFrom(
      ...['use', 'name', 'for', 'enabled', 'from', 'mode', 'bot', 'desk', 'team', 'handOff', 'shop', 'faq', 'support'],
      ...[
        'people',
        'teams',
        'members',
        'sources',
        'appId',
        'appSecret',
        'title',
        'rules',
        'say',
        'type',
        'weekdays',
        '0',
      ],
    ),
    tie('value'),
    { maxKeys: 5 },
  ),
  file: fc.dictionary(
    fc.constantFrom(
      'server',
      'storage',
      'languages',
      'timeZone',
      'hours',
      'channels',
      'bots',
      'desks',
      'features',
      'routes',
      'texts',
      'keep',
    ),
    tie('value'),
    { maxKeys: 12 },
  ),
}))

test(
  'a file of the wrong shape is told',
  async () => {
    const told = (value: unknown) => tells(JSON.stringify(value))
    await fc.assert(fc.asyncProperty(shapeless.file, told), { numRuns })
  },
  TIMEOUT_MS,
)
