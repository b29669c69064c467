import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { finder, fold, type Keyword, keyword, matcher } from '../../core/matcher.ts'

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
    for (const written of [
      '',
      '  ',
      '　',
      '\u200b',
      ' \ufe0f',
      { text: '\u00ad' },
      { text: ' ' },
      { text: 'r', match: 'fuzzy' },
      { txt: 'r' },
      5,
    ]) {
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

describe('traditional and simplified characters', () => {
  test.each([
    ['转人工', '我要轉人工！', '转人工'],
    ['轉人工', '我要转人工！', '轉人工'],
    ['轉人工', '轉人工', '轉人工'],
    ['头发', '護髮和頭髮', '头发'],
    ['後台', '后台', '後台'],
    ['看着', '看著', '看着'],
    ['卫生', '衞生', '卫生'],
    ['什么', '什麼', '什么'],
    ['ｖｉｐ會員', 'VIP会员', 'ｖｉｐ會員'],
    ['软件', '軟體', undefined],
  ])('%s in “%s”: %s', (text, message, found) => {
    expect(matcher([word(text)])(message)).toBe(found)
    expect(matcher([contains(text)])(message)).toBe(found)
  })

  test('are one also where the keyword is the whole message', () => {
    expect(matcher([exact('轉人工')])('转人工。')).toBe('轉人工')
    expect(matcher([exact('转人工')])('轉人工！')).toBe('转人工')
  })

  test('stay what they are in Japanese, which has both and means different things by them', () => {
    const find = matcher([word('机'), exact('後'), word('電話番号')])
    expect(find('機械が動きません')).toBeUndefined()
    expect(find('ｷｶｲの機')).toBeUndefined()
    expect(find('机を買いたい')).toBe('机')
    expect(find('電話番号は？')).toBe('電話番号')
    expect(find('電話番號は？')).toBeUndefined()
    expect(find('電話番號？')).toBe('電話番号')
    expect(find('機械')).toBe('机')
  })

  test('are found in Japanese whichever of two alike stands first in the list', () => {
    const find = matcher([word('机'), word('機')])
    expect(find('機械が')).toBe('機')
    expect(find('机が')).toBe('机')
  })

  test('are one beside marks that Chinese writes too', () => {
    expect(matcher([word('转人工')])('我の訂單・ー 轉人工')).toBe('转人工')
  })

  test('are one after being folded, as often as one likes', () => {
    expect(fold('  轉　ＡＧＥＮＴ ')).toBe('转 agent')
    const all = Array.from({ length: 0x9fff - 0x3400 + 1 }, (_, i) => String.fromCharCode(0x3400 + i))
    const changed = all.filter((character) => fold(character) !== character)
    expect(changed.length).toBeGreaterThan(2_500)
    expect(changed.filter((character) => fold(fold(character)) !== fold(character))).toEqual(['薴'])
  })
})

test.each([
  'r\u200b',
  '\u200er',
  'r\ufe0f',
  '\ufeffr\u2060',
  '人\u200b工',
  '人\u200c\u200d\ufe0f工',
  '\u2067轉人工\u2069',
  'a\u00adgent',
])('what nobody sees in “%j” does not matter, in the text or in the keyword', (seen) => {
  const keywords = [exact('r'), word('人工'), word('agent')]
  const found = matcher(keywords)(seen)
  expect(keywords.map(({ text }) => text)).toContain(found)
  expect(matcher([contains(seen)])(fold(seen))).toBe(seen)
  expect(matcher([word('agents')])(`my ${seen}`)).toBeUndefined()
})

test('folding at once is folding by Unicode’s own rules, then each Chinese character', () => {
  const unit = fc.oneof(
    fc.constantFrom(
      ...' \t\n\u3000\u00a0abzAZ09!~轉转發著卫の・ーアｱﾞ…“”’—–‑，。！（）ＡＺａ０～ﬁé\u0301\u3099İΣς한\u1112\u1161',
    ),
    fc.integer({ min: 1, max: 0xd7ff }).map((point) => String.fromCharCode(point)),
    fc.integer({ min: 0xfe00, max: 0xffef }).map((point) => String.fromCharCode(point)),
    fc.integer({ min: 0x2000, max: 0x2bff }).map((point) => String.fromCharCode(point)),
    fc.integer({ min: 0x10000, max: 0x1ffff }).map((point) => String.fromCodePoint(point)),
    fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => String.fromCharCode(unit)),
  )
  const text = fc.array(unit, { maxLength: 12 }).map((units) => units.join(''))
  fc.assert(
    fc.property(text, (text) => {
      const seen = text.replace(/\p{Default_Ignorable_Code_Point}/gu, '')
      const spelled = seen.normalize('NFKC').toLowerCase().split(/\s+/).filter(Boolean).join(' ')
      expect(fold(text)).toBe(spelled.replace(/[\u3400-\u9fff]/g, (one) => fold(one)))
    }),
    RUNS,
  )
})

test('a finder gives the keyword with whatever it carries', () => {
  const find = finder([
    { ...word('退款'), rule: 1 },
    { ...word('人工'), rule: 2 },
  ])
  expect(find('人工')?.rule).toBe(2)
  expect(find('人工退款')?.rule).toBe(1)
  expect(find('你好')).toBeUndefined()
})

// ── beside a matcher that tries one after the other ─────────────────────────────────────────

const WORD = /[\p{L}\p{N}\p{M}_]/u
const UNSPACED = /[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]/u

function naive(keywords: readonly Keyword[]): (text: string) => string | undefined {
  const spelled = (text: string) =>
    text.replaceAll('\u200b', '').normalize('NFKC').toLowerCase().split(/\s+/).filter(Boolean).join(' ')
  const inWord = (a: string | undefined, b: string | undefined) =>
    [a, b].every((character) => character !== undefined && WORD.test(character) && !UNSPACED.test(character))
  return (text) => {
    const folded = (one: string) => (text.includes('ア') ? spelled(one) : spelled(one).replaceAll('轉', '转'))
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
  '轉',
  '转',
  'ア',
  '\u200b',
  '…',
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

test('each character alone is folded as it is among others', () => {
  const kinds = ['a', 'e', '人', '가', 'ア', '\u1100', ' ']
  const alone = (text: string) =>
    text
      .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
      .normalize('NFKC')
      .toLowerCase()
      .replace(/\s+/g, ' ')
      .trim()
      .replace(/[\u3400-\u9fff]/g, (one) => fold(one))
  const wrong: string[] = []
  for (let point = 1; point <= 0x1ffff; point += point > 0x3400 && point < 0xa000 ? 7 : 1) {
    const character = String.fromCodePoint(point)
    const text = kinds.map((before) => before + character).join('')
    if (fold(text) !== alone(text)) wrong.push(point.toString(16))
  }
  expect(wrong).toEqual([])
})

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

/** How often a text is compared with a keyword while something is done. */
function comparisons(work: () => void): number {
  const spy = vi.spyOn(String.prototype, 'startsWith')
  try {
    work()
    return spy.mock.calls.length
  } finally {
    spy.mockRestore()
  }
}

test('a hundred thousand keywords cost a text hardly more than a hundred, also when all begin alike', () => {
  // What is counted is the work, not the time: bench/matching.ts measures that.
  const common = '人工服务第'
  const alike = (count: number) => Array.from({ length: count }, (_, i) => word(`${common}${i.toString(36)}号`))
  const text = `${common.repeat(10)}z5号`
  const work = (count: number) => {
    const find = matcher(alike(count))
    return comparisons(() => expect(find(text)).toBe(count > 1_265 ? `${common}z5号` : undefined))
  }
  expect(work(100_000)).toBeGreaterThan(0)
  expect(work(100_000)).toBeLessThan(text.length)
})

test('a keyword that stands there a thousand times is compared once', () => {
  const find = matcher(Array.from({ length: 1_000 }, () => word('gen')))
  expect(comparisons(() => expect(find('an agent')).toBeUndefined())).toBe(1)
})

/** Many keywords that count how often they are read. */
function counted() {
  const reads = { count: 0 }
  const keywords = Array.from({ length: 20_000 }, (_, i) => ({
    match: 'word' as const,
    get text() {
      reads.count += 1
      return `人工${i.toString(36)}`
    },
  }))
  return { keywords, reads }
}

test('compiling reads each keyword a few times, however many there are', () => {
  const { keywords, reads } = counted()
  matcher(keywords)
  expect(reads.count).toBeGreaterThanOrEqual(keywords.length)
  expect(reads.count).toBeLessThanOrEqual(4 * keywords.length)
})

test('a text with kana looks at the keywords that stand in it only, also the first one', () => {
  const { keywords, reads } = counted()
  const find = matcher(keywords)
  reads.count = 0
  expect(find('人工z9が、人工zz')).toBe('人工z9')
  expect(reads.count).toBeGreaterThan(0)
  expect(reads.count).toBeLessThan(10)
})
