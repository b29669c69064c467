import { createCipheriv } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { makeEncryption } from './encryption.ts'
import { isSame, sign } from './signature.ts'
import { V4_BODY, V6, V7, VECTORS } from './vectors.ts'
import { readXml } from './xml.ts'

const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
const APP = 'wx2c2769f8efd9abc2'

describe.each(Object.entries(VECTORS))('published vector %s', (_name, vector) => {
  const { token, encodingAesKey, appId, timestamp, nonce, signature, random = '', plain, encrypted } = vector
  const encryption = makeEncryption(encodingAesKey, appId)

  test('is signed as it says', () => expect(sign(token, timestamp, nonce, encrypted)).toBe(signature))
  test('is decrypted', () => expect(encryption.decrypt(encrypted)).toBe(plain))
  test('is encrypted to the same', () => expect(encryption.encrypt(plain, Buffer.from(random))).toBe(encrypted))
})

test('published vector V6 is decrypted, with a padding longer than a block of the cipher', () => {
  const { token, encodingAesKey, appId, timestamp, nonce, signature, encrypted } = V6
  expect(sign(token, timestamp, nonce, encrypted)).toBe(signature)
  const plain = makeEncryption(encodingAesKey, appId).decrypt(encrypted)
  expect(plain).toContain('<Content><![CDATA[hello]]></Content>')
  expect(plain).toContain('<MsgId>4561255354251345929</MsgId>')
})

test('published vector V7: what the platform asks is signed as it says', () => {
  expect(sign(V7.token, V7.timestamp, V7.nonce)).toBe(V7.signature)
})

test('a message of any length comes back, whatever padding it needs', () => {
  const encryption = makeEncryption(KEY, APP)
  for (let length = 0; length < 64; length++) {
    const message = 'x'.repeat(length)
    expect(encryption.decrypt(encryption.encrypt(message)), `${length} bytes`).toBe(message)
  }
})

test('the same message is never encrypted to the same', () => {
  const encryption = makeEncryption(KEY, APP)
  expect(encryption.encrypt('hello')).not.toBe(encryption.encrypt('hello'))
})

describe('what is not ours is refused:', () => {
  const encryption = makeEncryption(KEY, APP)
  const AES = Buffer.from(`${KEY}=`, 'base64')

  /** Encrypts bytes as they are, padding and all. */
  function raw(bytes: Buffer): string {
    const cipher = createCipheriv('aes-256-cbc', AES, AES.subarray(0, 16)).setAutoPadding(false)
    return Buffer.concat([cipher.update(bytes), cipher.final()]).toString('base64')
  }

  /** A message of so many bytes by its own account, with whatever padding. */
  function message(text: string, { says = text.length, pad = [] as readonly number[], app = APP } = {}): Buffer {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(says)
    return Buffer.concat([Buffer.alloc(16, 1), length, Buffer.from(text + app), Buffer.from(pad)])
  }

  // 16 + 4 + 8 + 18 are 46: 18 bytes of padding.
  const right = Array.from({ length: 18 }, () => 18)

  test('this is how a right one looks', () => {
    expect(encryption.decrypt(raw(message('88888888', { pad: right })))).toBe('88888888')
  })

  test('another key', () => {
    const other = makeEncryption(`${KEY.slice(1)}a`, APP)
    expect(encryption.decrypt(other.encrypt('hello'))).toBeUndefined()
  })

  test('another app, also one whose id only begins or ends as ours', () => {
    for (const app of ['wx2c2769f8efd9abc3', `${APP}0`, APP.slice(0, -1), '']) {
      expect(encryption.decrypt(makeEncryption(KEY, app).encrypt('hello')), app).toBeUndefined()
    }
  })

  test('a padding that is none', () => {
    for (const last of [0, 33, 255]) {
      const pad = [...right.slice(1), last]
      expect(encryption.decrypt(raw(message('88888888', { pad }))), `ends with ${last}`).toBeUndefined()
    }
    const uneven = [17, ...right.slice(1)]
    expect(encryption.decrypt(raw(message('88888888', { pad: uneven })))).toBeUndefined()
  })

  test('a length beyond the end, or one that cuts the message short', () => {
    for (const says of [7, 9, 27, 0xffff_ffff]) {
      expect(encryption.decrypt(raw(message('88888888', { says, pad: right }))), `${says}`).toBeUndefined()
    }
  })

  test('nothing, half a block, and what is no base64', () => {
    const half = Buffer.from(encryption.encrypt('hello'), 'base64').subarray(0, 48).toString('base64')
    for (const bytes of ['', 'AAAA', half, '<xml>', '!!!!']) expect(encryption.decrypt(bytes), bytes).toBeUndefined()
  })

  test('less than a head', () => {
    expect(encryption.decrypt(raw(Buffer.alloc(32, 32)))).toBeUndefined()
    expect(encryption.decrypt(raw(Buffer.alloc(32, 13)))).toBeUndefined()
  })
})

test('a key of another length is none', () => {
  expect(() => makeEncryption(KEY.slice(1), APP)).toThrow('43')
})

test('a signature is compared as a whole', () => {
  expect(isSame(V7.signature, V7.signature)).toBe(true)
  expect(isSame(V7.signature.slice(0, -1), V7.signature)).toBe(false)
  expect(isSame(`${V7.signature}0`, V7.signature)).toBe(false)
  expect(isSame('', V7.signature)).toBe(false)
  expect(isSame(V7.signature.toUpperCase(), V7.signature)).toBe(false)
})

test('of V4, which came in compatible mode, the encrypted part is found beside the clear one', () => {
  expect(readXml(V4_BODY)).toMatchObject({ Content: 'abcdteT', Encrypt: VECTORS.V4?.encrypted })
})
