import { expect, test } from 'vitest'
import { fileWords, formWords, moreWords } from './more-words.ts'
import { brokenWords, initialsOf, languageOf, openWords, textIn, words } from './words.ts'

/** Every text of a language by its path; those that are made of something, made of it. */
function textsOf(value: unknown, path = ''): readonly (readonly [string, string])[] {
  if (typeof value === 'function') return [[path, String(value(3))]]
  if (typeof value === 'string') return [[path, value]]
  return Object.entries(Object(value)).flatMap(([key, inner]) => textsOf(inner, `${path}.${key}`))
}

const CHINESE = /\p{Script=Han}/u
test('everything is said in both languages, and in neither twice the same', () => {
  const [en, zh] = [
    textsOf([words.en, moreWords.en, fileWords.en, formWords.en, openWords.en, brokenWords.en]),
    textsOf([words, moreWords, fileWords, formWords, openWords, brokenWords].map((both) => both['zh-CN'])),
  ]
  expect(en.length).toBeGreaterThan(40)
  expect(zh.map(([path]) => path)).toEqual(en.map(([path]) => path))
  for (const [path, text] of en) expect(text, path).not.toMatch(CHINESE)
  for (const [path, text] of zh) expect(text, path).toMatch(CHINESE)
  expect([moreWords.en.language, moreWords['zh-CN'].language]).toEqual(['English', '中文'])
})

test('the language is the nearest that there is', () => {
  expect(['zh', 'zh-TW', 'ZH-hans-CN', 'en-GB', 'fr', ''].map(languageOf)).toEqual([
    'zh-CN',
    'zh-CN',
    'zh-CN',
    'en',
    'en',
    'en',
  ])
})

test('a text of the operator comes in the language, else in the nearest that he has written', () => {
  expect(textIn('Tea', 'zh-CN')).toBe('Tea')
  expect(textIn({ 'zh-CN': '茶', en: 'Tea' }, 'en')).toBe('Tea')
  expect(textIn({ zh: '茶', fr: 'Thé' }, 'zh-CN')).toBe('茶')
  expect(textIn({ 'zh-CN': '茶' }, 'en')).toBe('茶')
  expect(textIn({ fr: 'Thé' }, 'en')).toBe('Thé')
  expect(textIn({}, 'en')).toBe('')
})

test('a name without a picture has its first letters', () => {
  expect(['Amy Chen', 'amy', '陈爱美', '售前 客服', '  Bo  van Dyke', '🍵 Tea', ''].map(initialsOf)).toEqual([
    'AC',
    'A',
    '陈',
    '售',
    'BV',
    '🍵',
    '',
  ])
})
