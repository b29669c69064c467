import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyCharacter } from '../../../../test/any-character.ts'
import { safeFileUrl, safeUrl } from './addresses.ts'
import { tokensOf } from './links.ts'

const linksOf = (text: string) => tokensOf(text).flatMap(({ href }) => href ?? [])

test.each([
  ['See https://shop.example/a?b=1#c, please.', 'https://shop.example/a?b=1#c'],
  ['请看https://shop.example/退货，谢谢', 'https://shop.example/%E9%80%80%E8%B4%A7'],
  ['（https://shop.example/a）', 'https://shop.example/a'],
  ['(https://shop.example/a_(b))', 'https://shop.example/a_(b)'],
  ['[https://shop.example/a]', 'https://shop.example/a'],
  ['“http://shop.example”', 'http://shop.example/'],
  ['Write to shop+tea@mail.example.com.', 'mailto:shop+tea@mail.example.com'],
  ['mailto:tea@shop.example', 'mailto:tea@shop.example'],
  ['tel:+86-755-1234567', 'tel:+86-755-1234567'],
])('%s has one link', (text, href) => {
  expect(linksOf(text)).toEqual([href])
})

test.each([
  'javascript:alert(1)',
  'JaVaScRiPt://shop.example/%0aalert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:x',
  'file:///etc/passwd',
  'ftp://shop.example/',
  'http://',
  'https://[',
  'tel:',
  'me@localhost',
  'version 1.2.3, 12:30, and/or',
])('%s has none', (text) => {
  expect(linksOf(text)).toEqual([])
})

test('the pieces of any text are the text, and lead nowhere but to the web, to mail and to telephones', () => {
  const pieces = fc.constantFrom(
    'https://',
    'shop.example/',
    'javascript:',
    'a@b.example',
    '.',
    '(',
    ')',
    '，',
    '"',
    '<',
    ' ',
    '\u202e',
    '%',
  )
  const texts = fc.array(fc.oneof(pieces, fc.string({ unit: anyCharacter, maxLength: 5 }))).map((all) => all.join(''))
  fc.assert(
    fc.property(texts, (text) => {
      const tokens = tokensOf(text)
      expect(tokens.map((token) => token.text).join('')).toBe(text)
      for (const { href } of tokens) if (href) expect(href).toMatch(/^(https?|mailto|tel):/)
    }),
  )
})

test('no text takes long', () => {
  const texts = [
    'a'.repeat(10_000),
    'a.'.repeat(5_000),
    `${'a@'.repeat(5_000)}`,
    `https://${'('.repeat(9_990)}`,
    `x@${'a.'.repeat(5_000)}`,
  ]
  const began = process.cpuUsage().user
  for (const text of texts)
    expect(
      tokensOf(text)
        .map((token) => token.text)
        .join(''),
    ).toBe(text)
  expect(process.cpuUsage().user - began).toBeLessThan(1_000_000)
})

test('an address of the bot may lead to the web, to mail or to a telephone, and to nothing that runs', () => {
  expect(safeUrl('https://shop.example/a b')).toBe('https://shop.example/a%20b')
  expect(safeUrl('mailto:tea@shop.example')).toBe('mailto:tea@shop.example')
  for (const url of ['javascript:alert(1)', ' \tjava\nscript:alert(1)', 'data:text/html,x', '//shop.example', ''])
    expect(safeUrl(url)).toBeUndefined()
})

test('a file stands whole, or relative to the channel', () => {
  const base = 'https://chat.example/site/'
  expect(safeFileUrl('files/1/a.png', base)).toBe('https://chat.example/site/files/1/a.png')
  expect(safeFileUrl('https://cdn.example/a.png', base)).toBe('https://cdn.example/a.png')
  for (const url of ['javascript:alert(1)', 'data:image/svg+xml,x', 'tel:1', 'blob:x'])
    expect(safeFileUrl(url, base)).toBeUndefined()
})
