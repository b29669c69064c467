import { expect, test } from 'vitest'
import { searchIn } from './search.ts'

const ENTRIES = [
  ['what are your opening hours', '几点开门'],
  ['how do I use a gift card', '礼品卡怎么用'],
  ['how do I return a parcel', '怎么退货'],
  ['who pays for the return', '退货运费谁出'],
  ['can you recommend a teapot', '推荐一个茶壶'],
]
const search = searchIn(ENTRIES, [['parcel', 'package', '包裹']])

/** The best entry for a text, if it is about the same at all, and how alike it is. */
function best(text: string) {
  return search(text, 5).found.find(({ isAbout }) => isAbout)
}

test.each([
  ['opening huors', 0],
  ['openning hours', 0],
  ['houts?', 0],
  ['giftcard', 1],
  ['recomend', 4],
  ['recommemd', 4],
])('a typing error in a word is no other word: “%s”', (text, entry) => {
  expect(best(text)).toMatchObject({ entry })
})

test('a word with a typing error counts less than the word itself', () => {
  expect(best('recomend')?.score).toBeLessThan(best('recommend')?.score ?? 0)
})

test.each(['rec', 'lift', 'xecommenx', 'parking'])('“%s” is no typing error of any word', (text) => {
  expect(best(text)).toBeUndefined()
})

test.each([
  ['returning parcels', 2],
  ['RETURNED a ｐａｒｃｅｌ', 2],
  ['退貨', 2],
  ['幾點開門', 0],
])('endings, case, width and traditional characters do not matter: “%s”', (text, entry) => {
  expect(best(text)).toMatchObject({ entry })
})

test('the very same question is 1, and nothing is more', () => {
  for (const [entry, wordings] of ENTRIES.entries()) {
    for (const wording of wordings) {
      const { score = 0, said, ...found } = best(`${wording}?`) ?? {}
      expect(found).toEqual({ entry, isAbout: true })
      expect(score).toBeCloseTo(1, 5)
      expect(score).toBeLessThanOrEqual(1)
    }
  }
})

test('what is said beside it counts against it, and the more the rarer it is', () => {
  const plain = best('opening hours')?.score ?? 0
  const courteous = best('hi, could you please tell me the opening hours')?.score ?? 0
  const another = best('opening hours of the swimming pool')?.score ?? 0
  expect(plain).toBeGreaterThan(courteous)
  expect(courteous).toBeGreaterThan(another)
})

test('what has only common words in common is not about it', () => {
  expect(search('what do you do', 5).found.some(({ score }) => score > 0)).toBe(true)
  expect(best('who am I for the zebra')).toBeUndefined()
  expect(best('我在哪里睡觉')).toBeUndefined()
})

test('words that mean the same are one, in any language', () => {
  expect(best('package')).toMatchObject({ entry: 2 })
  expect(best('包裹')).toMatchObject({ entry: 2 })
})

test('the very word is more alike than another that means the same', () => {
  const same = searchIn([['where is my parcel'], ['where is my package']], [['parcel', 'package', '包裹']])
  expect(same('my parcel', 2).found.map(({ entry }) => entry)).toEqual([0, 1])
  expect(same('my package', 2).found.map(({ entry }) => entry)).toEqual([1, 0])
})

test('how much of the closest question was said is told', () => {
  const [whole, half] = ['礼品卡怎么用', '礼品卡'].map((text) => search(text, 1).found[0]?.said ?? 0)
  expect(whole).toBeCloseTo(1, 5)
  expect(half).toBeLessThan(0.7)
})

test.each([
  ['refund', true],
  ['my parcel', true],
  ['退货', true],
  ['怎么退货', false],
  ['gift card', false],
  ['how much', false],
])('“%s” names a thing and asks nothing: %j', (text, isSubject) => {
  expect(search(text, 1).isSubject).toBe(isSubject)
})

test('the order of two words that make another question counts', () => {
  const [asked, other] = [['订单修改后能取消吗'], ['取消修改后的订单']]
  const inOrder = searchIn([asked, other], [])
  expect(inOrder('取消修改后的订单', 1).found[0]?.entry).toBe(1)
  expect(inOrder('订单修改后能取消吗', 1).found[0]?.entry).toBe(0)
})
