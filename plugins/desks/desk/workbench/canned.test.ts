import { expect, test } from 'vitest'
import { filled, foundBy, slashAt, textFor } from './canned.ts'

const reply = (shortcut: string, texts: { [language: string]: string } = { en: '' }) => ({
  id: shortcut,
  isShared: true,
  revision: shortcut,
  used: 0,
  shortcut,
  texts,
})

test.each([
  ['/', { from: 0, part: '' }],
  ['/hi', { from: 0, part: 'hi' }],
  ['well, /hi', { from: 6, part: 'hi' }],
  ['well\n／你好', { from: 5, part: '你好' }],
  ['、faq', { from: 0, part: 'faq' }],
  ['and/or', undefined],
  ['苹果、梨', undefined],
  ['https://shop.example', undefined],
  ['/hi there', undefined],
  ['hi', undefined],
])('a sign at the beginning of a word looks for a reply: %j', (text, found) => {
  expect(slashAt(text, text.length)).toEqual(found)
})

test('only what stands before the caret is looked for', () => {
  expect(slashAt('/hi and more', 3)).toEqual({ from: 0, part: 'hi' })
  expect(slashAt('/hi and more', 12)).toBeUndefined()
})

test('those come first whose shortcut begins with it, then by shortcut, then by text, and never too many', () => {
  const replies = [
    reply('late', { en: 'Sorry to hear that' }),
    reply('no-hi', { en: 'x' }),
    reply('hi', { en: 'x' }),
    reply('other', { 'zh-CN': '您好 HI' }),
    reply('none', { en: 'x' }),
  ]
  expect(foundBy(replies, 'ＨＩ').map(({ id }) => id)).toEqual(['hi', 'no-hi', 'other'])
  expect(foundBy(replies, 'hear').map(({ id }) => id)).toEqual(['late'])
  expect(foundBy(replies, '').map(({ id }) => id)).toEqual(['late', 'no-hi', 'hi', 'other', 'none'])
  const many = Array.from({ length: 30 }, (_, index) => reply(`r${index}`))
  expect(foundBy(many, 'r')).toHaveLength(8)
})

test('the text is the one of the customer’s language, or the nearest', () => {
  const texts = { en: 'Hello', 'zh-CN': '您好', 'zh-TW': '您好（繁）' }
  expect(textFor({ texts }, ['zh-TW'])).toBe('您好（繁）')
  expect(textFor({ texts }, ['zh-HK'])).toBe('您好')
  expect(textFor({ texts }, ['en-GB'])).toBe('Hello')
  expect(textFor({ texts }, [undefined, 'zh-CN'])).toBe('您好')
  expect(textFor({ texts: { fr: 'Bonjour' } }, ['de', 'en'])).toBe('Bonjour')
})

test('names are put in as they are, and one that is not known is left out', () => {
  const text = 'Hello {customer}, I am {agent}. {agent}!'
  expect(filled(text, { customer: '$& {agent}', agent: 'Amy' })).toBe('Hello $& Amy, I am Amy. Amy!')
  expect(filled(text, { customer: undefined, agent: 'Amy' })).toBe('Hello, I am Amy. Amy!')
  expect(filled('{customer}您好', { customer: undefined, agent: 'Amy' })).toBe('您好')
})
