import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TextLimits } from '../../../core/capabilities.ts'
import { splitText } from '../../../core/pipeline/split.ts'

const RUNS = { seed: 5, numRuns: process.env.LONG ? 50_000 : 3_000 }

const split = (text: string, limits: TextLimits) => splitText(text, limits, false)
const tightly = (text: string, limits: TextLimits) => splitText(text, limits, true)

describe('a long text', () => {
  test('is one piece, as it is, when it fits', () => {
    expect(split(' 你好 \n', { maxChars: 5 })).toEqual([' 你好 \n'])
    expect(split('你好', { maxBytes: 6 })).toEqual(['你好'])
    expect(split('', { maxChars: 5 })).toEqual([''])
    expect(split('x'.repeat(9_999), {})).toEqual(['x'.repeat(9_999)])
  })

  test.each<[string, string, number, string[]]>([
    [
      'after a Chinese sentence',
      '您好。请问有什么可以帮您？我们随时都在',
      15,
      ['您好。请问有什么可以帮您？', '我们随时都在'],
    ],
    ['after an English one', 'Hello there. How can we help', 16, ['Hello there.', 'How can we help']],
    ['behind its quote', '他说：“好的。”然后就走了', 9, ['他说：“好的。”', '然后就走了']],
    ['behind an English quote', 'He said "yes." Then he left', 16, ['He said "yes."', 'Then he left']],
    ['before a quote that opens', '他走了吗。"不"他说', 6, ['他走了吗。', '"不"他说']],
    ['at a line’s end', 'one two\nthree four', 11, ['one two', 'three four']],
    ['after all of its marks', '真的吗？！好', 5, ['真的吗？！', '好']],
    ['not inside a number', 'It costs 13.50 today', 13, ['It costs', '13.50 today']],
    ['at a line’s end rather than at a later space', 'line one\nb c defgh', 12, ['line one', 'b c defgh']],
    ['not behind the number of a list', 'Choose: 1. Yes, or 2. No', 12, ['Choose:', '1. Yes, or', '2. No']],
    ['not behind a number in its line', 'Pick one:\n1. Yes please', 14, ['Pick one:', '1. Yes please']],
    ['not behind a Chinese one', '请选择：1、退款', 6, ['请选择：', '1、退款']],
    ['not between its marks', '真的吗？！好', 4, ['真的', '吗？！好']],
    ['at a pause', '今天天气很好，我们出去走走', 8, ['今天天气很好，', '我们出去走走']],
    ['not before the quote that closes a pause', '“好的好的，”他说', 6, ['“好的好', '的，”他说']],
    ['at a space in Chinese', '今天我们 出去走走', 6, ['今天我们', '出去走走']],
    ['at a space', 'twelve letters here', 15, ['twelve letters', 'here']],
    ['before a word that is too long', 'see https://example.com/a/b', 23, ['see', 'https://example.com/a/b']],
    ['before an address in Chinese', '请看这里https://a.cn/x', 14, ['请看这里', 'https://a.cn/x']],
    ['not before a mark', '一二三四五，六', 5, ['一二三四', '五，六']],
    ['without a line’s end of two characters', 'ab\r\ncd', 4, ['ab', 'cd']],
    ['without the space at its end', 'Ones. Two      ', 9, ['Ones. Two']],
    ['where it must', 'abcdefghij', 4, ['abcd', 'efgh', 'ij']],
    ['without spaces of its own', '  a     \n   b  ', 6, ['a', 'b']],
  ])('is cut %s', (_, text, maxChars, pieces) => {
    expect(split(text, { maxChars })).toEqual(pieces)
  })

  const link = '<a href="https://x.example/1">see. here</a>'

  test.each([
    ['before a link that would be cut', `Please ${link} now`, 46, ['Please', link, 'now']],
    ['behind a link', `${link} and then go on`, 45, [link, 'and then go on']],
    ['in a link that is too long by itself', link, 32, ['<a', 'href="https://x.example/1">see.', 'here</a>']],
    ['where what looks like a link is none', 'a <a b. c d e f', 9, ['a <a b.', 'c d e f']],
  ])('is cut %s, where the channel has links', (_, text, maxBytes, pieces) => {
    expect(split(text, { maxBytes, hasLinks: true })).toEqual(pieces)
  })

  test('is cut in a link as anywhere, where the channel has none', () => {
    expect(split(`Please ${link} now`, { maxBytes: 45 })).not.toContain(link)
  })

  test('is not cut early for a sentence that ends in the first half', () => {
    expect(split('是。一二三四五六七八九十', { maxChars: 10 })).toEqual(['是。一二三四五六七八', '九十'])
  })

  test('fills every piece when there must be few', () => {
    const text = 'Hello there. How can we help'
    expect(tightly(text, { maxChars: 16 })).toEqual(['Hello there. How', 'can we help'])
    expect(tightly('Hello there', { maxChars: 7 })).toEqual(['Hello t', 'here'])
  })

  test('is measured in UTF-8 bytes and in UTF-16 units, whichever is reached first', () => {
    expect(split('汉字汉字', { maxBytes: 7 })).toEqual(['汉字', '汉字'])
    expect(split('汉字汉字', { maxBytes: 7, maxChars: 1 })).toEqual(['汉', '字', '汉', '字'])
    expect(split('é'.repeat(4), { maxBytes: 5 })).toEqual(['éé', 'éé'])
    expect(split('😀😀😀', { maxBytes: 9 })).toEqual(['😀😀', '😀'])
    expect(split('😀😀😀', { maxChars: 3 })).toEqual(['😀', '😀', '😀'])
  })

  test.each([
    ['a family', '👨‍👩‍👧‍👦', 11],
    ['flags', '🇨🇳', 4],
    ['a skin tone', '👍🏽', 4],
    ['accents', 'e\u0301\u0323', 3],
    ['Hindi', 'क्षि', 4],
    ['Hangul letters', '\u1112\u1161\u11ab', 3],
    ['a keycap', '1\ufe0f\u20e3', 3],
  ])('is never cut inside %s', (_, one, units) => {
    expect(one).toHaveLength(units)
    const limits = { maxChars: units * 2 + 1 }
    expect(split(one.repeat(4), limits)).toEqual([one.repeat(2), one.repeat(2)])
    expect(tightly(one.repeat(4), limits)).toEqual([one.repeat(2), one.repeat(2)])
    expect(tightly(`文${one}${one}`, { maxChars: units * 2 })).toEqual([`文${one}`, one])
  })

  test('keeps the accent of a space', () => {
    expect(split('ab \u0301c', { maxChars: 2 })).toEqual(['ab', ' \u0301', 'c'])
  })

  test('is cut inside a character that is larger than the limit, since nothing else is left', () => {
    const zalgo = `e${'\u0301'.repeat(9)}`
    expect(split(zalgo, { maxChars: 4 })?.join('')).toBe(zalgo)
    expect(split('👨‍👩‍👧‍👦', { maxBytes: 8 })?.join('')).toBe('👨‍👩‍👧‍👦')
    expect(split('\u3000\u0301', { maxBytes: 4 })).toEqual(['\u0301'])
  })

  test('has no pieces when not even a code point fits', () => {
    expect(split('汉', { maxBytes: 2 })).toBeUndefined()
    expect(split('a😀', { maxChars: 1 })).toBeUndefined()
    expect(split('a', { maxChars: 0 })).toBeUndefined()
    expect(split('', { maxChars: 0 })).toEqual([''])
  })
})

// ── any text ────────────────────────────────────────────────────────────────────────────────

const GRAPHEMES = new Intl.Segmenter('zh', { granularity: 'grapheme' })
const ATOMS = [
  ...[
    '汉',
    '字',
    '。',
    '，',
    '？',
    '”',
    '“',
    '）',
    '…',
    'a',
    'b',
    'word',
    ' ',
    '  ',
    '\n',
    '\r\n',
    '\u3000',
    '.',
    '!',
    '"',
    '1',
  ],
  ...[
    'é',
    'e\u0301',
    '\u0301',
    '👨‍👩‍👧',
    '🇨🇳',
    '🇨',
    '👍🏽',
    '😀',
    '\u200d',
    '\ufe0f',
    'क्षि',
    '한',
    '\u1112\u1161\u11ab',
    'ไทย',
    '𝒳',
    '\ud83d',
  ],
]
const someText = fc.array(fc.constantFrom(...ATOMS), { maxLength: 60 }).map((atoms) => atoms.join(''))
const someLimits: fc.Arbitrary<TextLimits> = fc.record({
  maxChars: fc.option(fc.integer({ min: 2, max: 30 }), { nil: undefined }),
  maxBytes: fc.option(fc.integer({ min: 4, max: 60 }), { nil: undefined }),
})

const bytesOf = (text: string) => Buffer.byteLength(text)
const holds = (text: string, { maxChars, maxBytes }: TextLimits) =>
  text.length <= (maxChars ?? text.length) && bytesOf(text) <= (maxBytes ?? bytesOf(text))

/** Where the pieces lie in the text: nothing but white space may be around and between them. */
function placesOf(pieces: readonly string[], text: string): { start: number; end: number }[] {
  let at = 0
  const places = pieces.map((piece) => {
    while (!text.startsWith(piece, at)) {
      expect(text[at]?.trim()).toBe('')
      at += 1
    }
    const start = at
    at += piece.length
    return { start, end: at }
  })
  expect(text.slice(at).trim()).toBe('')
  return places
}

test('any text is sent whole, in pieces that fit, and no character is cut', () => {
  let cuts = 0
  fc.assert(
    fc.property(someText, someLimits, fc.boolean(), (text, limits, tight) => {
      const pieces = splitText(text, limits, tight)
      if (!pieces) throw new Error('limits hold every code point here')
      const places = placesOf(pieces, text)
      if (pieces.length > 1) cuts += 1
      else if (holds(text, limits)) expect(pieces).toEqual([text])

      const segments = GRAPHEMES.segment(text)
      for (const piece of pieces) {
        expect(holds(piece, limits)).toBe(true)
        if (!holds(text, limits)) expect(piece).not.toBe('')
      }
      for (const { start, end } of places) {
        for (const edge of [start, end]) {
          const grapheme = segments.containing(edge)
          if (!grapheme || grapheme.index === edge) continue
          // Only what does not fit as a whole is cut, and not inside a code point.
          expect(holds(grapheme.segment, limits)).toBe(false)
          expect((text.codePointAt(edge - 1) ?? 0) > 0xffff).toBe(false)
        }
      }
    }),
    RUNS,
  )
  expect(cuts).toBeGreaterThan(RUNS.numRuns / 3)
})

test('a piece that was filled tightly had no room for the next character', () => {
  fc.assert(
    fc.property(someText, someLimits, (text, limits) => {
      const pieces = tightly(text, limits) ?? []
      const places = placesOf(pieces, text)
      places.forEach(({ start, end }, i) => {
        const next = places[i + 1] && GRAPHEMES.segment(text).containing(places[i + 1]?.start ?? 0)
        if (next && next.index >= end)
          expect(holds(text.slice(start, next.index + next.segment.length), limits)).toBe(false)
      })
    }),
    RUNS,
  )
})

test.each([
  ['Chinese', '您好，请问有什么可以帮您？我们随时都在。'],
  ['English', 'Hello there, how can we help you? '],
  ['one long word', 'a'],
  ['families', '👨‍👩‍👧‍👦'],
  ['flags', '🇨🇳'],
  ['accents without end', '\u0301'],
  ['sentences of accents', '。\u0301'],
  ['white space', ' '],
  ['quotes', '"'],
])('100 KB of %s are split in no time', (_, unit) => {
  const text = unit.repeat(Math.ceil(100_000 / bytesOf(unit)))
  for (const limits of [{ maxBytes: 2_048 }, { maxChars: 20 }]) {
    const before = process.cpuUsage()
    const pieces = split(`x${text}x`, limits)
    // Milliseconds; the limit is for what grows with the square.
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(5_000)
    expect(pieces?.every((piece) => holds(piece, limits))).toBe(true)
  }
})
