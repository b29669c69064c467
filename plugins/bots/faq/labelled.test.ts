/** What the bot reaches with questions that it was not tuned by, and how fast. All numbers: bench/faq.json. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import bench from '../../../bench/faq.json' with { type: 'json' }
import { labelledPart, type Measured, measure, shop } from './measure.ts'
import { DEFAULTS, understanding } from './understand.ts'

const understand = understanding(shop(), DEFAULTS)

test('the labelled questions are many, of all kinds, and in one part each', () => {
  const questionsOf = (part: 'tuning' | 'held-out') => {
    const { understood, guided, unknown } = labelledPart(part)
    return [...Object.values(understood).flat(), ...guided.map(({ question }) => question), ...unknown]
  }
  const [tuning, heldOut] = [questionsOf('tuning'), questionsOf('held-out')]
  expect(Object.keys(shop().entries).length).toBeGreaterThanOrEqual(40)
  expect(tuning.length + heldOut.length).toBeGreaterThanOrEqual(400)
  expect(tuning.filter((question) => heldOut.includes(question))).toEqual([])
  const wordings = Object.values(shop().entries).flatMap(({ questions }) => questions)
  expect([...tuning, ...heldOut].filter((question) => wordings.includes(question))).toEqual([])
})

/** A little below what was reached. */
const LEAST = { understood: [0.9, 0.46], guided: [0.59, 0.88], unknown: [0.71, 0.43] } as const

test.each(['understood', 'guided', 'unknown'] as const)(
  'questions that it was not tuned by are %s as well as they were',
  (kind) => {
    const { precision, recall } = measure(labelledPart('held-out'), understand)[kind]
    const [leastPrecision, leastRecall] = LEAST[kind]
    expect(precision).toBeGreaterThan(leastPrecision)
    expect(recall).toBeGreaterThan(leastRecall)
  },
)

test('questions that it was not tuned by are helped, and seldom misled', () => {
  const { helped, offered, misled } = measure(labelledPart('held-out'), understand)
  expect(helped).toBeGreaterThan(0.82)
  expect(offered).toBeGreaterThan(0.77)
  expect(misled).toBeLessThan(0.035)
})

// ── the README ──────────────────────────────────────────────────────────────────────────────

const ROWS: readonly (readonly [says: string, of: (measured: Measured) => number])[] = [
  ['understood: of these answers, right ones', ({ understood }) => understood.precision],
  ['understood: of the questions with one answer, answered at once', ({ understood }) => understood.recall],
  ['… of those for which something was offered, the right one among it', ({ offered }) => offered],
  ['… answered, or among what was offered', ({ helped }) => helped],
  ['guided: of these answers, those that offer all that may be meant', ({ guided }) => guided.precision],
  ['guided: of the questions that may mean several things, all of them offered', ({ guided }) => guided.recall],
  ['unknown: of these answers, right ones', ({ unknown }) => unknown.precision],
  ['unknown: of the questions without an answer, told so', ({ unknown }) => unknown.recall],
  ['of all questions, those that got a wrong answer', ({ misled }) => misled],
]

const percent = (share: number) => `${Math.round(100 * share)} %`

function reached(): string {
  const [tuning, heldOut] = [measure(labelledPart('tuning'), understand), measure(labelledPart('held-out'), understand)]
  const rows = ROWS.map(([says, of]) => `| ${says} | ${percent(of(tuning))} | ${percent(of(heldOut))} |`)
  return ['|  | tuned by | held out |', '| --- | --- | --- |', ...rows].join('\n')
}

/** What another `understood` would do to the questions that it was not tuned by. */
function traded(): string {
  const rows = [0.7, 0.8, 0.9].map((understood) => {
    const ask = understanding(shop(), { ...DEFAULTS, understood })
    const { precision, recall } = measure(labelledPart('held-out'), ask).understood
    return `| \`${understood}\` | ${percent(precision)} | ${percent(recall)} |`
  })
  return ['| `understood` | right | answered at once |', '| --- | --- | --- |', ...rows].join('\n')
}

/** What bench/faq.ts measured last. */
function beside(): string {
  const { heldOut, size } = bench
  const quality = ({ first, amongFour }: { readonly first: number; readonly amongFour: number }) =>
    `${percent(first)} | ${percent(amongFour)}`
  const speed = ({ median, p99 }: { readonly median: number; readonly p99: number }) => `${median} ms | ${p99} ms`
  const rows = [
    `| faq | ${quality(heldOut.finds.faq)} | ${speed(size.answerMs)} |`,
    `| minisearch, words by \`Intl.Segmenter\` | ${quality(heldOut.finds.minisearchWithSegmenter)} | ${speed(size.minisearch.answerMs)} |`,
    `| minisearch, pairs of Chinese characters | ${quality(heldOut.finds.minisearchWithPairs)} |  |  |`,
    `| minisearch, words and pairs as the bot has them | ${quality(heldOut.finds.minisearchWithOurWords)} |  |  |`,
  ]
  const head =
    '|  | held out: right one first | among the first four | 10,000 entries: an answer takes | the slowest of 100 |'
  return [head, '| --- | --- | --- | --- | --- |', ...rows].join('\n')
}

test('the bench measured the bot as it is', () => {
  const { finds, ...heldOut } = bench.heldOut
  expect(heldOut).toEqual(measure(labelledPart('held-out'), understand))
  expect(finds.faq.first).toBeGreaterThan(finds.minisearchWithOurWords.first)
})

/** A table however its columns are aligned. */
function unaligned(table: string): string {
  return table.replace(/ *\| */g, '|').replace(/-{3,}/g, '---')
}

test.each([
  ['what it reaches', /^\| +\| tuned by +\| held out +\|\n(?:\|.*\|\n)+/m, reached],
  ['what another threshold would do', /^\| `understood` \| right +\| .*\|\n(?:\|.*\|\n)+/m, traded],
  ['what minisearch would do', /^\| +\| held out: right one first \|.*\n(?:\|.*\|\n)+/m, beside],
] as const)('the README tells %s', (_, table, made) => {
  const file = join(import.meta.dirname, 'README.md')
  const now = `${made()}\n`
  if (process.env.UPDATE_READMES) writeFileSync(file, readFileSync(file, 'utf8').replace(table, now))
  const written = table.exec(readFileSync(file, 'utf8'))?.[0] ?? ''
  expect(unaligned(written), 'UPDATE_READMES=1 npx vitest run plugins/bots/faq; npm run format').toBe(unaligned(now))
})

describe('ten thousand entries', () => {
  const entries = Array.from({ length: 10_000 }, (_, i) => {
    const questions = [`怎么换第${i}号杯子`, `how do I exchange cup number ${i}`]
    return [`e${i}`, { questions, answer: `${i}` }] as const
  })

  test('are answered within 5 ms of a processor each, and each by its own', () => {
    const ask = understanding({ groups: {}, synonyms: [], entries: Object.fromEntries(entries) }, DEFAULTS)
    for (let i = 0; i < 100; i++) ask(`how do I exchange cup number ${i}`)
    const before = process.cpuUsage()
    for (let i = 0; i < 100; i++) {
      expect(ask(`how do I exchange cup number ${i * 97}`)).toMatchObject({ kind: 'understood', entry: `e${i * 97}` })
    }
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000 / 100).toBeLessThan(5)
  })

  test('a message of any length is answered as fast', () => {
    const before = process.cpuUsage()
    understand('怎么退货'.repeat(50_000))
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(100)
  })
})
