import { describe, expect, test } from 'vitest'
import { decrypt, digest, encrypt, type Keys } from './signing.ts'
import { readXml, writeXml } from './xml.ts'

/** Published with the platform’s own samples, and with the libraries WxJava, EasyWeChat and wechatpy. */
const SAMPLE = {
  appId: 'wxb11529c136998cb6',
  token: 'pamtest',
  encodingAesKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
} as const satisfies Keys
const RANDOM = Buffer.from('aaaabbbbccccdddd')

describe('the simulated platform signs and encrypts as published', () => {
  test('V1: a short text', () => {
    const encrypted = 'jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=='
    expect(encrypt(SAMPLE, '我是中文abcd123', RANDOM)).toBe(encrypted)
    expect(decrypt(SAMPLE, encrypted)).toBe('我是中文abcd123')
    expect(digest(SAMPLE.token, '1409304348', 'xxxxxx', encrypted)).toBe('82c962d39941aa48552f90ef55aa323dc620cc10')
  })

  test('V6: a padding that a library of its own would not take', () => {
    const keys = {
      appId: 'wx5823bf96d3bd56c7',
      token: 'QDG6eK',
      encodingAesKey: 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C',
    }
    const encrypted =
      'RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=='
    expect(digest(keys.token, '1409659813', '1372623149', encrypted)).toBe('477715d11cdb4164915debcba66cb864d751f3e6')
    expect(readXml(decrypt(keys, encrypted))).toMatchObject({ Content: 'hello', MsgId: '4561255354251345929' })
  })

  test('V7: the signature of a request that carries nothing', () => {
    expect(digest('spamtest', '1409735669', '1320562132')).toBe('16120ec1b8dbb870f510d87ce6bc2463eae6ca1a')
  })

  test('V8: an answer with a character outside the first plane', () => {
    const keys = { appId: 'wx2c2769f8efd9abc2', token: 'spamtest', encodingAesKey: SAMPLE.encodingAesKey }
    const clear = writeXml({
      ...{ ToUserName: 'oyORnuP8q7ou2gfYjqLzSIWZf0rs', FromUserName: 'gh_10f6c3c3ac5a', CreateTime: 1409735670 },
      ...{ MsgType: 'text', Content: '您好😀' },
    })
    const encrypted =
      'Q3stYC6hdFzMh9T8HCvyDBmmox8qWutExXCCUzyXU6brh7EG9p8kDn0C04ZZre2gdMo6g0q23YMKs87sDwbJ2PNvah/LJLQumltqvq+hVkpiLmUs9xqJ/BxI7TQsoN2sTeULEnId2dKka8uclvgiMyNn0zRxaTyJAT5wTGRj2NAvyLoYYpoVUtUE9/i/3+fqL8VYXMccp//HfPAcSTbDYITsVEY5OMbFnhfPVjZuQngLpLRw3oni6fJSkwQI+38pmXlRFsYO5VgmG5BScFoROJ7+EDiBM99ON1udktzlecRcX1nr0wy6HR4n9mnLCpPzvplOF56qg9U6Yc7Y/LORWruvfVYdx++xdfRgrJOGi14AzKTMDWRlDxdqD8Gls5+n'
    expect(encrypt(keys, clear, Buffer.from('0123456789abcdef'))).toBe(encrypted)
    expect(digest(keys.token, '1409735670', '1320562132', encrypted)).toBe('3329f36a53f26bc6ca0e50de1028c3c78769d5a0')
  })

  test('every length comes back', () => {
    for (let length = 0; length < 70; length++) {
      const text = 'x'.repeat(length)
      expect(decrypt(SAMPLE, encrypt(SAMPLE, text))).toBe(text)
    }
  })

  test.each([
    ['for another account', encrypt({ ...SAMPLE, appId: 'wx00000000000000ff' }, 'hello'), 'it is for'],
    ['cut off', encrypt(SAMPLE, 'hello').slice(0, 20), 'no whole blocks'],
    ['empty', '', 'no whole blocks'],
    ['under another key', encrypt({ ...SAMPLE, encodingAesKey: 'z'.repeat(43) }, 'hello'), 'padding'],
  ])('what is %s is not taken', (_what, encrypted, because) => {
    expect(() => decrypt(SAMPLE, encrypted)).toThrow(because)
  })
})

describe('the XML of the simulated platform', () => {
  test('holds any text, and comes back as it was', () => {
    const fields = {
      Content: ']]> <b>&amp; 😀\n',
      MsgId: 23_412_345_678_901_234n,
      List: [{ Id: 'a' }, { Id: 'b' }],
      Empty: '',
    }
    expect(readXml(writeXml(fields))).toEqual({ ...fields, MsgId: '23412345678901234' })
  })

  test.each([
    ['not closed', '<xml><a>1</a>', 'not closed'],
    ['another root', '<root></root>', 'its root is <root>'],
    ['a declaration of types', '<!DOCTYPE xml><xml></xml>', 'there is no element'],
    ['something behind it', '<xml></xml><xml></xml>', 'something stands behind'],
    ['a bare ampersand', '<xml><a>1 & 2</a></xml>', 'there is no element'],
    ['a control character', '<xml><a>\u0002</a></xml>', 'control character'],
    ['text beside elements', '<xml>hello<a>1</a></xml>', 'text beside elements'],
    ['JSON', '{"a":1}', 'there is no element'],
  ])('with %s is refused', (_what, text, because) => {
    expect(() => readXml(text)).toThrow(because)
  })
})
