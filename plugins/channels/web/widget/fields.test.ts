import { expect, test } from 'vitest'
import { isSubmitEnter } from './composer.ts'
import { isEmail } from './form.ts'

const enter = { key: 'Enter', shiftKey: false, isComposing: false, keyCode: 13 }

test('Enter sends, and with Shift begins a line', () => {
  expect(isSubmitEnter(enter)).toBe(true)
  expect(isSubmitEnter({ ...enter, shiftKey: true })).toBe(false)
  expect(isSubmitEnter({ ...enter, key: 'a' })).toBe(false)
})

test('Enter that ends a Chinese word sends nothing', () => {
  expect(isSubmitEnter({ ...enter, isComposing: true })).toBe(false)
  // Safari says it only by this number.
  expect(isSubmitEnter({ ...enter, keyCode: 229 })).toBe(false)
})

test('an email address has two sides and a dot', () => {
  for (const text of ['me@shop.example', 'a.b+c@mail.shop.example', '李@例子.公司'])
    expect(isEmail(text), text).toBe(true)
  for (const text of [
    '',
    'me',
    'me@shop',
    '@shop.example',
    'me@.example',
    'me@shop.',
    'a b@shop.example',
    'a@b@c.example',
  ])
    expect(isEmail(text), text).toBe(false)
})
