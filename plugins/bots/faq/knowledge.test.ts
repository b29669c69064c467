import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { testRuntime } from '#core/testing'
import faq from './index.ts'
import { readKnowledge } from './knowledge.ts'

const PATH = '/shop/faq.yaml'
const SHOWN = relative(process.cwd(), PATH)

/** What is wrong with a file, each with its line and column. */
function mistakesIn(text: string): readonly string[] {
  const { mistakes } = readKnowledge({ path: PATH, text })
  return mistakes.map(({ message, instead, at }) => {
    const told = `${message}${instead ? ` ${instead}` : ''}`
    if (!at) return told
    const before = text.slice(0, at.offset).split('\n')
    return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}: ${told}`
  })
}

const TWO = (one: string, other: string) => `synonyms:
  - [coupon, voucher]
entries:
  first:
    questions: ["${one}"]
    answer: one
  second:
    questions:
      - something else
      - "${other}"
    answer: two
`

describe('a knowledge file', () => {
  test('with a question of two entries is refused, with both places', () => {
    expect(mistakesIn(TWO('Where is my order?', 'Where is my order?'))).toEqual([
      `10:9: "Where is my order?" is also a question of first. (${SHOWN}:5:17) Keep it in one of the two entries, or say more in each.`,
    ])
  })

  test.each([
    ['where is my order', 'Where is the order, please?'],
    ['怎么取消订单', '请问如何取消订单呀？'],
    ['pay with a coupon', 'Paying with my vouchers'],
    ['ｏｐｅｎｉｎｇ　ｈｏｕｒｓ', 'Opening hour!'],
  ])('in which “%s” and “%s” are of two entries is refused: they say nearly the same', (one, other) => {
    expect(mistakesIn(TWO(one, other))).toEqual([
      expect.stringContaining(`10:9: "${other}" says nearly the same as "${one}"`),
    ])
  })

  test.each([
    ['how much is delivery', 'how long is delivery'],
    ['几点开门', '几点关门'],
    ['取消订单', '修改订单'],
    ['在哪里', '你好'],
  ])('in which “%s” and “%s” are of two entries is right', (one, other) => {
    expect(mistakesIn(TWO(one, other))).toEqual([])
  })

  test('may have wordings in one entry that are nearly the same, but not the very same one twice', () => {
    const of = (other: string) => `entries:\n  a:\n    questions: [my order, ${other}]\n    answer: x\n`
    expect(mistakesIn(of('our orders'))).toEqual([])
    expect(mistakesIn(of('my order'))).toEqual([
      `3:27: "my order" is also a question of a. (${SHOWN}:3:17) Keep it once.`,
    ])
  })

  test('is refused where a name is not there, or there twice', () => {
    const text = `groups:
  delivery: Delivery
  a: A
entries:
  a:
    group: shipping
    questions: [one]
    answer:
      en: { type: choices, prompt: p, choices: [{ id: delivery, label: x }, { id: nowhere, label: y }] }
  a:
    questions: [two]
    answer: x
`
    expect(mistakesIn(text)).toEqual([
      '10:3: The entry "a" is there twice. Give one of them another name.',
      expect.stringContaining('is a group and an entry'),
    ])
    expect(mistakesIn(text.replace('  a:\n    questions: [two]\n    answer: x\n', ''))).toEqual([
      '3:3: "a" is a group and an entry. Give one of them another name.',
      '6:12: There is no group "shipping". Add it under groups:, or write one of delivery, a.',
      '9:7: The choice "nowhere" names no entry and no group, so a click on it would not be understood. Write the name of the entry that answers it as its id.',
    ])
  })

  test('is refused where a synonym is in two rows', () => {
    const text =
      'synonyms:\n  - [coupon, voucher]\n  - [Vouchers, code]\nentries:\n  a: { questions: [one], answer: x }\n'
    expect(mistakesIn(text)).toEqual([
      '3:6: "Vouchers" is also in the row that begins with "coupon"; only that one counts. Keep it in one of them, or make one row of both.',
    ])
  })

  test.each([
    ['entries:\n  a:\n    questions: [one]\n', ['2:3: "answer" is missing.']],
    [
      'entries:\n  a:\n    question: [one]\n    questions: [two]\n    answer: x\n',
      ['3:5: "a" has no "question". It takes: title, group, questions, answer.'],
    ],
    ['entries:\n  a:\n    questions: one\n    answer: x\n', ['3:16: "questions" wants a list here.']],
    [
      'entries:\n  a:\n    questions: [12, "？"]\n    answer: x\n',
      ['3:17: A list wants a text here.', '3:21: A list is not right: There is no word in it.'],
    ],
    ['entries:\n  a:\n    questions: []\n    answer: x\n', ['3:16: "questions" needs at least 1 here.']],
    [
      'entries:\n  A b:\n    questions: [one]\n    answer: x\n',
      ['2:3: "A b" cannot be a name. Names are small letters, digits and dashes, and begin with a letter.'],
    ],
    ['entries: {}\n', ['1:10: "entries" is not right: There is no entry. Write at least one.']],
    ['', ['1:1: A knowledge file wants a map here.']],
    [
      'entries:\n  a: [\n',
      ['3:1: This is no YAML. Flow sequence in block collection must be sufficiently indented and end with a ].'],
    ],
  ])('is refused as %j, with the place', (text, expected) => {
    expect(mistakesIn(text)).toEqual(expected)
  })

  test('is not read when it is too large', () => {
    const answer = 'x'.repeat(4_000_000)
    expect(mistakesIn(`entries:\n  a: { questions: [one], answer: ${answer} }\n`)).toEqual([
      `${SHOWN} has more than 4000000 characters. Make two bots of it, and name both in the route.`,
    ])
  })

  test('is read once as long as it stays the same', () => {
    const text = 'entries:\n  a: { questions: [one], answer: x }\n'
    const read = (now: string) => readKnowledge({ path: '/shop/again.yaml', text: now }).knowledge
    const first = read(text)
    expect(read(text)).toBe(first)
    expect(read(text.replace('answer: x', 'answer: y'))?.entries.a?.answer).toBe('y')
    expect(first?.entries.a?.answer).toBe('x')
  })
})

test('check shows the mistakes in the file itself, and names the setting', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'switchboard-faq-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const knowledge = join(folder, 'faq.yaml')
  await writeFile(knowledge, 'entries:\n  delivery:\n    questions: [when]\n    answr: tomorrow\n    answer: today\n')
  const started = testRuntime({ bots: { faq: { use: faq, knowledge } } })
  await expect(started).rejects.toThrow(`${knowledge}:4:5  bots.faq.knowledge`)
  await expect(started).rejects.toThrow(
    'faq: "delivery" has no "answr".\n  It takes: title, group, questions, answer.\n',
  )
  await expect(started).rejects.toThrow('\n  > 4 |     answr: tomorrow\n      |     ^^^^^^^^^^^^^^^\n')
})

test('the file that the README shows is the one beside it, and is right', () => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')
  const [, shown] = /^```yaml faq\.yaml\n([\s\S]*?)^```$/m.exec(read('README.md')) ?? []
  expect(shown).toBe(read('faq.yaml'))
  expect(mistakesIn(read('faq.yaml'))).toEqual([])
})
