import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Keyword, keyword, matcher } from '../../core/matcher.ts'

const RUNS = { seed: 4, numRuns: process.env.LONG ? 50_000 : 5_000 }

const word = (text: string): Keyword => ({ text, match: 'word' })
const exact = (text: string): Keyword => ({ text, match: 'exact' })
const contains = (text: string): Keyword => ({ text, match: 'contains' })

describe('a keyword in the configuration', () => {
  test('is a text, or a text and how it matches', () => {
    const keywords = z.array(keyword())
    expect(keywords.parse(['转人工', { text: 'r', match: 'exact' }, { text: 'agent' }])).toEqual([
      word('转人工'),
      exact('r'),
      word('agent'),
    ])
  })

  test('is refused when it is empty, or says something else', () => {
    for (const written of ['', '  ', '　', { text: ' ' }, { text: 'r', match: 'fuzzy' }, { txt: 'r' }, 5]) {
      expect(keyword().safeParse(written).success).toBe(false)
    }
    expect(keyword().safeParse({ text: 'r', fold: 'case' }).error?.message).toContain('fold')
  })

  test('can be put into a JSON schema, as it is written', () => {
    const schema = z.toJSONSchema(z.strictObject({ keywords: z.array(keyword()) }), { io: 'input' })
    expect(schema).toMatchObject({
      properties: {
        keywords: {
          items: {
            switchboard: 'keyword',
            anyOf: [
              { type: 'string' },
              { type: 'object', required: ['text'], properties: { match: { enum: ['word', 'exact', 'contains'] } } },
            ],
          },
        },
      },
    })
  })
})

describe('a word', () => {
  test.each([
    ['r', 'are you there', undefined],
    ['r', 'r', 'r'],
    ['r', 'press r, please', 'r'],
    ['r', 'r2', undefined],
    ['r', 'r_d', undefined],
    ['r', '按r转人工', 'r'],
    ['agent', 'Agents are here', undefined],
    ['agent', 'an AGENT!', 'agent'],
    ['trans-to-agent', 'please trans-to-agent now', 'trans-to-agent'],
    ['opening hours', 'your opening\n hours?', 'opening hours'],
    ['人工', '我要人工服务', '人工'],
    ['人工', '人 工', undefined],
    ['Ｒ', 'press R', 'Ｒ'],
    ['caf', 'café', undefined],
    ['café', 'Cafe\u0301?', 'café'],
    ['ab', 'aab ab', 'ab'],
    ['상담원', '상담원에게', '상담원'],
    ['𐐨', '𐐨𐐩', undefined],
    ['𐐨', '人𐐨人', '𐐨'],
  ])('%s in “%s”: %s', (text, message, found) => {
    expect(matcher([word(text)])(message)).toBe(found)
  })
})

describe('an exact keyword', () => {
  test.each([
    ['r', 'Ｒ。', 'r'],
    ['r', ' r ~', 'r'],
    ['r', 'r r', undefined],
    ['r', 'are', undefined],
    ['C++', 'c++', 'C++'],
    ['c', 'c++', undefined],
    ['?', '？', '?'],
    ['?', '??', undefined],
    ['opening  hours', '“Opening hours”', 'opening  hours'],
  ])('%s for “%s”: %s', (text, message, found) => {
    expect(matcher([exact(text)])(message)).toBe(found)
  })
})

describe('a matcher', () => {
  test('finds what is contained, also inside a word', () => {
    expect(matcher([contains('gen')])('an AGENT')).toBe('gen')
    expect(matcher([word('gen')])('an AGENT')).toBeUndefined()
  })

  test('gives the first of the list, wherever it stands in the text', () => {
    const find = matcher([exact('退款 人工'), word('退款'), word('人工'), contains('工'), word('退')])
    expect(find('人工，退款')).toBe('退款')
    expect(find('人工')).toBe('人工')
    expect(find('工')).toBe('工')
    expect(find('退款 人工')).toBe('退款 人工')
  })

  test('gives it as it was written', () => {
    expect(matcher([word('Ａgent  ONE'), word('agent one')])('agent one')).toBe('Ａgent  ONE')
  })

  test('finds nothing without keywords, or with empty ones', () => {
    expect(matcher([])('人工')).toBeUndefined()
    for (const message of ['', ' ', '人工']) {
      expect(matcher([exact(' '), word(''), contains('\n')])(message)).toBeUndefined()
    }
  })

  test('takes what would be a pattern as it is', () => {
    expect(matcher([word('.*'), word('(a|b)+$')])('人工 (A|B)+$')).toBe('(a|b)+$')
  })
})

// ── beside a matcher that tries one after the other ─────────────────────────────────────────

const WORD = /[\p{L}\p{N}\p{M}_]/u
const UNSPACED = /[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]/u

function naive(keywords: readonly Keyword[]): (text: string) => string | undefined {
  const folded = (text: string) => text.normalize('NFKC').toLowerCase().split(/\s+/).filter(Boolean).join(' ')
  const inWord = (a: string | undefined, b: string | undefined) =>
    [a, b].every((character) => character !== undefined && WORD.test(character) && !UNSPACED.test(character))
  return (text) => {
    const message = folded(text)
    const points = [...message]
    const isFound = ({ text, match }: Keyword) => {
      const wanted = folded(text)
      if (wanted === '') return false
      if (match === 'contains') return message.includes(wanted)
      if (match === 'exact') return message === wanted || message.replace(/^[\s\p{P}~]+|[\s\p{P}~]+$/gu, '') === wanted
      const length = [...wanted].length
      return points.some((_, i) => {
        if (points.slice(i, i + length).join('') !== wanted) return false
        return !inWord(points[i - 1], points[i]) && !inWord(points[i + length - 1], points[i + length])
      })
    }
    return keywords.find(isFound)?.text
  }
}

const LETTERS = [
  'a',
  'b',
  'A',
  'Ｂ',
  'é',
  'e\u0301',
  '1',
  '_',
  '人',
  '工',
  'ア',
  '한',
  'ก',
  '𐐨',
  '😀',
  ' ',
  '　',
  '。',
  '-',
  '~',
]
const letters = (minLength: number, maxLength: number) =>
  fc.array(fc.constantFrom(...LETTERS), { minLength, maxLength }).map((all) => all.join(''))
const someKeyword = fc.record({ text: letters(1, 3), match: fc.constantFrom('word', 'exact', 'contains') })

test('it finds what the naive matcher finds', () => {
  let found = 0
  fc.assert(
    fc.property(fc.array(someKeyword, { maxLength: 8 }), letters(0, 20), (keywords: Keyword[], text) => {
      const expected = naive(keywords)(text)
      if (expected !== undefined) found += 1
      expect(matcher(keywords)(text)).toBe(expected)
    }),
    RUNS,
  )
  expect(found).toBeGreaterThan(RUNS.numRuns / 8)
})

test('a hundred thousand keywords are compiled at once, and looked for as fast as a few', () => {
  // Ten times what it takes here: the test is for what grows with the square, not for the machine.
  const common = '人工服务第'
  const keywords = Array.from({ length: 100_000 }, (_, i) => word(`${common}${i.toString(36)}号`))
  const startMs = performance.now()
  const find = matcher(keywords)
  expect(performance.now() - startMs).toBeLessThan(2_000)

  const text = common.repeat(10)
  const searchMs = performance.now()
  for (let i = 0; i < 1_000; i++) expect(find(text)).toBeUndefined()
  expect(performance.now() - searchMs).toBeLessThan(1_000)
  expect(find(`${text}z5号`)).toBe('人工服务第z5号')
})
