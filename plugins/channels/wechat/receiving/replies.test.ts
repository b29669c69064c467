import { describe, expect, test } from 'vitest'
import type { Part } from '#core'
import { makeEncryption } from './encryption.ts'
import { NOTHING_TO_SAY, replyOf, sealed } from './replies.ts'
import { sign } from './signature.ts'
import { readXml } from './xml.ts'

const NOW = Date.UTC(2026, 10, 22)
const TO = { customer: 'u1', account: 'gh_2f0a9c41b7de' }

function said(part: Part): unknown {
  const xml = replyOf(part, TO, NOW)
  const fields = readXml(xml)
  return fields && JSON.parse(JSON.stringify(fields))
}

test('a reply goes from the account to the customer, whose names are those of the push the other way round', () => {
  expect(said({ type: 'text', text: '您好\n再见' })).toEqual({
    ToUserName: 'u1',
    FromUserName: 'gh_2f0a9c41b7de',
    CreateTime: String(NOW / 1_000),
    MsgType: 'text',
    Content: '您好\n再见',
  })
})

test.each([
  ['the end of CDATA', 'a]]>b]]]]>c', 'a]]>b]]]]>c'],
  ['XML', '<xml><B>&amp;</B></xml>', '<xml><B>&amp;</B></xml>'],
  ['control characters', 'a\u0000b\u0008c\u001fd\ufffe', 'abcd'],
  ['emoji', '👨‍👩‍👧😀', '👨‍👩‍👧😀'],
])('a text may have %s in it', (_what, text, shown) => {
  expect(said({ type: 'text', text })).toMatchObject({ Content: shown })
})

test('nothing is said rather than something empty, which customers are shown as a failure', () => {
  for (const text of ['', ' \n ', '\u0000\u0001']) expect(replyOf({ type: 'text', text }, TO, NOW)).toBe(NOTHING_TO_SAY)
})

test('a link is an article', () => {
  const link = { type: 'link', url: 'https://shop.example/?a=1&b=2', title: '订单', description: 'd' } as const
  expect(said({ ...link, imageUrl: 'https://shop.example/a.png' })).toMatchObject({
    MsgType: 'news',
    ArticleCount: '1',
    Articles: {
      item: {
        Title: '订单',
        Description: 'd',
        PicUrl: 'https://shop.example/a.png',
        Url: 'https://shop.example/?a=1&b=2',
      },
    },
  })
})

describe('C-WX-05: choices', () => {
  const choices = (labels: readonly string[]) =>
    ({ type: 'choices', prompt: '请选择：', choices: labels.map((label, i) => ({ id: `id&${i}`, label })) }) as const

  test('are links, by which a customer says what stands on them', () => {
    expect(said(choices(['查物流', '<b> & "人工"']))).toMatchObject({
      Content: [
        '请选择：',
        '<a href="weixin://bizmsgmenu?msgmenucontent=%E6%9F%A5%E7%89%A9%E6%B5%81&msgmenuid=id%260">查物流</a>',
        '<a href="weixin://bizmsgmenu?msgmenucontent=%3Cb%3E%20%26%20%22%E4%BA%BA%E5%B7%A5%22&msgmenuid=id%261">＜b＞ & "人工"</a>',
      ].join('\n'),
    })
  })

  test('are numbered where their links would be too long', () => {
    const labels = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(10) + '选'.repeat(20))
    const lines = labels.map((label, i) => `${i + 1}. ${label}`)
    expect(said(choices(labels))).toMatchObject({ Content: ['请选择：', ...lines].join('\n') })
  })
})

test('what cannot be said in a response is never tried', () => {
  expect(() => replyOf({ type: 'location', latitude: 1, longitude: 1 }, TO, NOW)).toThrow('location')
})

describe('encrypted', () => {
  const encryption = makeEncryption('abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG', 'wx2c2769f8efd9abc2')
  const of = { token: 'spamtest', encryption, nowMs: NOW }

  test('a reply is signed, and reads as it was', () => {
    const reply = replyOf({ type: 'text', text: '您好😀' }, TO, NOW)
    const { Encrypt, MsgSignature, TimeStamp, Nonce } = { ...readXml(sealed(reply, of)) }
    expect(MsgSignature).toBe(sign('spamtest', String(TimeStamp), String(Nonce), String(Encrypt)))
    expect(encryption.decrypt(String(Encrypt))).toBe(reply)
    expect(TimeStamp).toBe(String(NOW / 1_000))
  })

  test('nothing is said in the clear', () => expect(sealed(NOTHING_TO_SAY, of)).toBe('success'))
})

test('a link without a title is called by its address, and a picture that only we can open is left out', () => {
  const url = 'https://shop.example/1'
  const shown = replyOf({ type: 'link', title: ' ', url, imageUrl: 'media:1' }, TO, NOW)
  expect(shown).toContain(`<Title><![CDATA[${url}]]></Title>`)
  expect(shown).toContain('<PicUrl><![CDATA[]]></PicUrl>')
})
