/** Visitors whom the host's own server vouches for: it signs who they are, and the widget brings it to us. */
import { createHmac } from 'node:crypto'
import { type Json, z } from '#core'
import { Refusal } from './refusal.ts'
import { isSame } from './token.ts'

/** A signed identity is good for the user's chat: one that is good for ever would be so for whoever finds it, too. */
const MAX_AHEAD_MS = 7 * 24 * 60 * 60 * 1000
const MAX_FIELDS = 20

const Short = z.string().max(256)
const Payload = z
  .object({
    id: z.union([z.string().min(1).max(128), z.int()]).transform(String),
    /** In seconds since 1970. */
    expires: z.number(),
    name: Short.nullish(),
  })
  .catchall(z.union([Short, z.number(), z.boolean(), z.null()]))
  .refine((fields) => Object.keys(fields).length <= MAX_FIELDS, `An identity has at most ${MAX_FIELDS} fields.`)

export interface User {
  readonly id: string
  readonly name: string | undefined
  /** All that is known besides. */
  readonly fields: { readonly [field: string]: string | number | boolean }
}

/** What the host's server makes: `<payload>.<HMAC-SHA-256 of it>`, both base64url. For tests and demonstrations. */
export function signIdentity(secret: string, payload: { readonly [field: string]: Json }): string {
  const text = Buffer.from(JSON.stringify(payload)).toString('base64url')
  return `${text}.${signatureOf(secret, text)}`
}

/** Who it is. Throws a `Refusal`. */
export function verifiedUser(secret: string, identity: string, nowMs: number): User {
  const [text = '', signature = '', ...rest] = identity.split('.')
  if (rest.length > 0 || !isSame(signature, signatureOf(secret, text))) throw new Refusal('IDENTITY_REFUSED')
  const { id, expires, name, ...more } = Payload.parse(jsonOf(text))
  const leftMs = expires * 1000 - nowMs
  if (!(leftMs > 0 && leftMs <= MAX_AHEAD_MS)) throw new Refusal('IDENTITY_EXPIRED')
  const fields = Object.fromEntries(Object.entries(more).flatMap(([field, is]) => (is === null ? [] : [[field, is]])))
  return { id, name: name || undefined, fields }
}

/** The chat of a user who has none yet: always the same, and nobody else can tell which. */
export function homeOf(secret: string, account: string, user: string): string {
  return `u${createHmac('sha256', secret)
    .update(JSON.stringify(['chat', account, user]))
    .digest('base64url')}`
}

function signatureOf(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch (cause) {
    throw new Refusal('IDENTITY_REFUSED', { cause })
  }
}
