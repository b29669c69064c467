/**
 * How the platform says whom a request is from.
 * Source: https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/message-push.html, read 2026-11-20.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

/** SHA-1 in hex over the parts (the token among them) in the order of their bytes, one behind the other. */
export function sign(...parts: readonly string[]): string {
  return createHash('sha1').update(parts.toSorted().join('')).digest('hex')
}

/** Whether two texts are the same. Takes as long for a wrong one as for a right one. */
export function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
