/** What the channel signs with a key of its own, and knows again: who a visitor is, what he has uploaded, what an address leads to. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Bytes of the key, and of what nobody may guess. */
const KEY_BYTES = 32
const ID_BYTES = 16

export interface Visitor {
  /** The visitor's id, and that of the chat. */
  readonly chat: string
  readonly expiresAtMs: number
  /** The mark of the user whose chat it was when the token was made; empty: nobody's. */
  readonly whose: string
}

/** What a signature is for: one that was made for something else is not good. */
type Purpose = 'token' | 'user' | 'upload' | 'file'

export interface Signer {
  /** `<visitor id>.<expiry>.<mark of the user>.<signature>` */
  tokenFor(visitor: Visitor): string
  /** Always the same for a user, and says nothing of him to anybody else. */
  markOf(user: string): string
  /** Whose token it is; `undefined` when we have not made it, or not for now. */
  visitorOf(token: string, nowMs: number): Visitor | undefined
  /** `<content>.<signature>`: a text that only we can have made, for `whom` alone where that is given. */
  seal(purpose: 'upload' | 'file', content: string, whom?: string): string
  /** The content of what `seal` made for the same purpose and the same one. */
  unseal(purpose: 'upload' | 'file', sealed: string, whom?: string): string | undefined
}

/** A visitor whom nobody has seen before. */
export function newVisitorId(): string {
  return `v${randomBytes(ID_BYTES).toString('base64url')}`
}

/** A key for `makeSigner`. */
export function newKey(): string {
  return randomBytes(KEY_BYTES).toString('base64url')
}

export function makeSigner(key: string): Signer {
  const sign = (purpose: Purpose, ...what: readonly string[]) =>
    createHmac('sha256', key)
      .update(JSON.stringify([purpose, ...what]))
      .digest('base64url')
  return {
    tokenFor({ chat, expiresAtMs, whose }) {
      const expiry = expiresAtMs.toString(36)
      return `${chat}.${expiry}.${whose}.${sign('token', chat, expiry, whose)}`
    },
    markOf: (user) => sign('user', user),
    visitorOf(token, nowMs) {
      const [chat = '', expiry = '', whose = '', signature = '', ...rest] = token.split('.')
      if (rest.length > 0 || !isSame(signature, sign('token', chat, expiry, whose))) return undefined
      const expiresAtMs = Number.parseInt(expiry, 36)
      return expiresAtMs > nowMs ? { chat, expiresAtMs, whose } : undefined
    },
    seal(purpose, content, whom = '') {
      const text = Buffer.from(content).toString('base64url')
      return `${text}.${sign(purpose, whom, text)}`
    },
    unseal(purpose, sealed, whom = '') {
      const [text = '', signature = '', ...rest] = sealed.split('.')
      if (rest.length > 0 || !isSame(signature, sign(purpose, whom, text))) return undefined
      return Buffer.from(text, 'base64url').toString()
    },
  }
}

/** Takes as long for a wrong signature as for the right one. */
export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
