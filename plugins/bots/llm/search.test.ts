import { expect, test } from 'vitest'
import { indexOf, MAX_PLACES, makeSearch, wantedFor } from './search.ts'

/** The same numbers from 0 to below 1 each time. */
function chance(): () => number {
  let seed = 1
  return () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
}

/** Ten thousand entries of sixty characters, and a question of a thousand: of characters, or words, as common as in life. */
function much(word: (rank: number) => string, between: string) {
  const next = chance()
  const text = (chars: number) => {
    let made = ''
    while (made.length < chars) made += word(Math.floor(2_000 ** next())) + between
    return made.slice(0, chars)
  }
  return { entries: Array.from({ length: 10_000 }, () => text(60)), question: text(1_000) }
}

const looked = (wanted: ReturnType<typeof wantedFor>) => wanted.reduce((sum, { places }) => sum + places.length, 0)

test.each([
  ['Chinese', much((rank) => String.fromCharCode(0x4e00 + rank), '')],
  ['English', much((rank) => `w${rank.toString(36)}`, ' ')],
])('ten thousand entries of %s are looked through with bounded work, however long the question', (_what, work) => {
  const index = indexOf(work.entries)
  const chars = work.entries.length * 60
  expect(index.places.length).toBeGreaterThan(chars / 10)
  expect(index.places.length).toBeLessThanOrEqual(chars)
  const wanted = wantedFor(work.question, index)
  expect(looked(wanted)).toBeGreaterThan(MAX_PLACES / 2)
  expect(looked(wanted)).toBeLessThanOrEqual(MAX_PLACES)
  const [first = ''] = work.entries
  expect(makeSearch(work.entries)('', first)[0]).toBe(first)
})

test('what is misspelt is looked for a few times only', () => {
  const index = indexOf(['the opening hours'])
  const words = Array.from({ length: 200 }, (_, i) => `zzzz${String.fromCharCode(97 + (i % 26))}${'q'.repeat(i % 7)}`)
  let asked = 0
  const terms = new Map(index.terms)
  const get = terms.get.bind(terms)
  terms.get = (term) => {
    asked++
    return get(term)
  }
  wantedFor([...new Set(words)].join(' '), { ...index, terms })
  expect(asked).toBeGreaterThan(1_000)
  expect(asked).toBeLessThanOrEqual(20 * 55 * 20)
})

test('the rarest words say the most, and an entry that says them more often, or says less else, comes first', () => {
  const entries = [
    'A shirt is a shirt.',
    'A shirt of cotton, wool, silk, and what else there is to be had.',
    'Cotton.',
    'Cotton, cotton and cotton again for a shirt.',
  ]
  expect(makeSearch(entries)('a shirt of silk')[0]).toBe(entries[1])
  expect(makeSearch(entries)('cotton shirt')[0]).toBe(entries[3])
  expect(makeSearch(entries)('cotton')).toEqual([entries[2], entries[3], entries[1]])
  expect(makeSearch([])('cotton')).toEqual([])
})

test('a word is found in another form, and when it is misspelt', () => {
  const entries = [
    'Refunds take a week.',
    'The opening hours.',
    'Schuhgrößen stehen innen.',
    '退货要七天。',
    '営業時間は九時から',
  ]
  const search = makeSearch(entries)
  for (const [asked, entry] of [
    ['my refund?', 0],
    ['opnening', 1],
    ['openign', 1],
    ['opeming', 1],
    ['huors', 1],
    ['Schuh', 2],
    ['我要退货', 3],
    ['退貨', 3],
    ['営業', 4],
    ['ＲＥＦＵＮＤ', 0],
  ] as const)
    expect(search(asked), asked).toEqual([entries[entry]])
  expect(search('oping')).toEqual([])
  expect(search('货')).toEqual([])
})
