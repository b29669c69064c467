import { createHmac, timingSafeEqual } from 'node:crypto'

/** A request is refused when its time is further from ours than this: an old one cannot be sent again by a listener. */
export const MAX_AGE_MS = 300_000

/** What `x-signature` says of a text sent at `timestamp` (ms since 1970): HMAC-SHA-256 over both, in hex. */
export function sign(secret: string, timestamp: string, text: string): string {
  return createHmac('sha256', secret).update(`${timestamp}.${text}`).digest('hex')
}

/** Whether the headers of a request sign this text, in constant time. */
export function isSigned(secret: string, headers: Headers, text: string, nowMs: number): boolean {
  const timestamp = headers['x-timestamp']
  const signature = headers['x-signature']
  if (typeof timestamp !== 'string' || typeof signature !== 'string') return false
  if (!(Math.abs(nowMs - Number(timestamp)) <= MAX_AGE_MS)) return false
  const expected = Buffer.from(sign(secret, timestamp, text))
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

type Headers = { readonly [name: string]: string | readonly string[] | undefined }
