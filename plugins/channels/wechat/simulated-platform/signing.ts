/**
 * How the simulated platform signs and encrypts. It shares no line with the channel, so that a mistake in one shows
 * against the other.
 * Source: https://developers.weixin.qq.com/doc/service/en/guide/dev/push/encryption.html, read 2026-11-22.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** Padding is to blocks of this size, though the cipher’s own are half of it. */
const BLOCK = 32

/** What both sides know of the account. */
export interface Keys {
  readonly appId: string
  readonly token: string
  /** 43 characters, which are the key in base64 without its last sign. */
  readonly encodingAesKey: string
}

/** The digest of texts in their order by bytes: `signature` of token, time and nonce; `msg_signature` of these and the encrypted text. */
export function digest(...texts: readonly string[]): string {
  return createHash('sha1')
    .update([...texts].sort().join(''))
    .digest('hex')
}

/** A text as it stands in `Encrypt`. `random` is given only where a published example has to come out. */
export function encrypt({ appId, encodingAesKey }: Keys, text: string, random = randomBytes(16)): string {
  const key = Buffer.from(encodingAesKey, 'base64')
  const message = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(message.length)
  const whole = Buffer.concat([random, length, message, Buffer.from(appId)])
  const missing = BLOCK - (whole.length % BLOCK)
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([cipher.update(whole), cipher.update(Buffer.alloc(missing, missing))]).toString('base64')
}

/** What stands in `Encrypt`. Throws with what is wrong with it. */
export function decrypt({ appId, encodingAesKey }: Keys, encrypted: string): string {
  const sealed = Buffer.from(encrypted, 'base64')
  if (sealed.length === 0 || sealed.length % BLOCK > 0) throw new Error(`${sealed.length} bytes are no whole blocks`)
  const key = Buffer.from(encodingAesKey, 'base64')
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const whole = Buffer.concat([decipher.update(sealed), decipher.final()])
  const padding = whole.at(-1) ?? 0
  if (padding < 1 || padding > BLOCK || whole.subarray(-padding).some((byte) => byte !== padding))
    throw new Error('the padding is wrong')
  const end = whole.length - padding
  const messageEnd = 20 + whole.readUInt32BE(16)
  if (messageEnd > end) throw new Error('the length is wrong')
  const id = whole.toString('utf8', messageEnd, end)
  if (id !== appId) throw new Error(`it is for ${JSON.stringify(id)}`)
  return whole.toString('utf8', 20, messageEnd)
}
