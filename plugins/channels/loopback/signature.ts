/** How both sides of the loopback platform know each other: HMAC-SHA-256 over the time and what is sent. */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** A request is refused when its time is further from ours than this: an old one cannot be sent again by a listener. */
export const MAX_AGE_MS = 300_000

/** What `x-signature` says of `sent` (a body, or the query of a GET) at `timestamp` (ms since 1970), in hex. */
export function sign(secret: string, timestamp: string, sent: string | Buffer): string {
  return createHmac('sha256', secret).update(`${timestamp}.`).update(sent).digest('hex')
}

/** The headers of a request that sends this now. */
export function signedHeaders(secret: string, nowMs: number, sent: string): Record<string, string> {
  const timestamp = String(nowMs)
  return { 'x-timestamp': timestamp, 'x-signature': sign(secret, timestamp, sent) }
}

/** Whether the headers of a request sign what it sends: all of it, lately. Takes as long for a wrong one as for a right. */
export function isSigned(secret: string, headers: Headers, sent: string | Buffer, nowMs: number): boolean {
  const timestamp = headers['x-timestamp']
  const signature = headers['x-signature']
  if (typeof timestamp !== 'string' || typeof signature !== 'string') return false
  // Written so that a time that is no number is refused too.
  if (!(Math.abs(nowMs - Number(timestamp)) <= MAX_AGE_MS)) return false
  const expected = Buffer.from(sign(secret, timestamp, sent))
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

type Headers = { readonly [name: string]: string | readonly string[] | undefined }
