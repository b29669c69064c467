/**
 * How messages are encrypted: AES-256-CBC over 16 random bytes, the length of the message, the message, and the app id.
 * Source: https://developers.weixin.qq.com/doc/service/en/guide/dev/push/encryption.html, read 2026-11-20.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** The padding goes up to a multiple of this. Ciphers pad to 16 by themselves, and would refuse half of all lengths. */
const BLOCK_BYTES = 32
const RANDOM_BYTES = 16
/** The random bytes, and the length of the message in four. */
const HEAD_BYTES = RANDOM_BYTES + 4

/** Both directions, for one account. */
export interface Encryption {
  /** The message inside, or `undefined`: not encrypted with this key, not whole, or meant for another app. */
  decrypt(encrypted: string): string | undefined
  /** In base64. `random` is given by tests alone. */
  encrypt(message: string, random?: Buffer): string
}

/** Throws when the key is none: the settings have checked it. */
export function makeEncryption(encodingAesKey: string, appId: string): Encryption {
  const key = Buffer.from(`${encodingAesKey}=`, 'base64')
  if (encodingAesKey.length !== 43 || key.length !== 32) throw new Error('An EncodingAESKey has 43 letters and digits.')
  const iv = key.subarray(0, 16)
  const app = Buffer.from(appId)
  return {
    decrypt(encrypted) {
      const bytes = Buffer.from(encrypted, 'base64')
      if (bytes.length === 0 || bytes.length % BLOCK_BYTES !== 0) return undefined
      const decipher = createDecipheriv('aes-256-cbc', key, iv).setAutoPadding(false)
      const padded = Buffer.concat([decipher.update(bytes), decipher.final()])
      const plain = withoutPadding(padded)
      if (plain === undefined || plain.length < HEAD_BYTES) return undefined
      const end = HEAD_BYTES + plain.readUInt32BE(RANDOM_BYTES)
      if (end > plain.length || !plain.subarray(end).equals(app)) return undefined
      return plain.toString('utf8', HEAD_BYTES, end)
    },
    encrypt(message, random = randomBytes(RANDOM_BYTES)) {
      const text = Buffer.from(message)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(text.length)
      const plain = Buffer.concat([random, length, text, app])
      const padding = BLOCK_BYTES - (plain.length % BLOCK_BYTES)
      const cipher = createCipheriv('aes-256-cbc', key, iv).setAutoPadding(false)
      const padded = Buffer.concat([plain, Buffer.alloc(padding, padding)])
      return Buffer.concat([cipher.update(padded), cipher.final()]).toString('base64')
    },
  }
}

/** Without the last bytes, each of which says how many they are. */
function withoutPadding(padded: Buffer): Buffer | undefined {
  const count = padded.at(-1) ?? 0
  if (count < 1 || count > BLOCK_BYTES) return undefined
  const end = padded.length - count
  return padded.subarray(end).every((byte) => byte === count) ? padded.subarray(0, end) : undefined
}
