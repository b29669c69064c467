/** Passwords and other secrets: made, hashed, compared. */
import { type Argon2Parameters, argon2, createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/**
 * What one password costs, to us and to whoever tries many.
 * Source: OWASP Password Storage Cheat Sheet, Argon2id,
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html, read 2026-11-22.
 */
const COST = { memory: 19_456, passes: 2, parallelism: 1 } as const
const SALT_BYTES = 16
const HASH_BYTES = 32
const SECRET_BYTES = 32
/** Each holds 19 MB while it is worked out. */
const AT_ONCE = 2
/** More than so many that wait are not worth waiting for. */
const MAX_WAITING = 50

const derive = promisify<'argon2id', Argon2Parameters, Buffer>(argon2)

/** Too many passwords are being tried at a time. */
export class TooBusy extends Error {
  override readonly name = 'TooBusy'
}

export interface Passwords {
  /** What is kept of a password: `argon2id$<memory>$<passes>$<salt>$<hash>`. Throws `TooBusy`. */
  hash(password: string): Promise<string>
  /**
   * Whether it is this password. With nothing to compare it takes as long, and it is not. Throws `TooBusy`, and what
   * `onTurn` throws, which is called when it is sure to have its turn.
   */
  isRight(password: string, kept: string | undefined, onTurn: () => void): Promise<boolean>
}

/** `memory` and `passes` are lower in tests alone. */
export function makePasswords(cost: { readonly memory: number; readonly passes: number } = COST): Passwords {
  let running = 0
  const waiting: (() => void)[] = []
  const nobodys = format(cost, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES))

  async function inTurn<T>(work: () => Promise<T>, onTurn: () => void = () => undefined): Promise<T> {
    if (waiting.length >= MAX_WAITING) throw new TooBusy('Too many passwords are being tried at a time.')
    onTurn()
    if (running >= AT_ONCE) await new Promise<void>((go) => waiting.push(go))
    running += 1
    try {
      return await work()
    } finally {
      running -= 1
      waiting.shift()?.()
    }
  }

  return {
    hash: (password) =>
      inTurn(async () => {
        const salt = randomBytes(SALT_BYTES)
        return format(cost, salt, await derived(password, salt, cost))
      }),
    isRight: (password, kept, onTurn) =>
      inTurn(async () => {
        const { salt, hash, ...then } = parsed(kept) ?? parsed(nobodys) ?? { ...cost, salt: NOTHING, hash: NOTHING }
        const given = await derived(password, salt, then)
        return timingSafeEqual(given, hash) && kept !== undefined
      }, onTurn),
  }
}

const NOTHING = Buffer.alloc(HASH_BYTES)

function derived(password: string, salt: Buffer, { memory, passes }: { memory: number; passes: number }) {
  // However an input method has composed its letters, it is the same password.
  const message = password.normalize('NFC')
  return derive('argon2id', { message, nonce: salt, tagLength: HASH_BYTES, ...COST, memory, passes })
}

function format({ memory, passes }: { memory: number; passes: number }, salt: Buffer, hash: Buffer): string {
  return `argon2id$${memory}$${passes}$${salt.toString('base64url')}$${hash.toString('base64url')}`
}

function parsed(kept: string | undefined) {
  const [, memory, passes, salt = '', hash = ''] = /^argon2id\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/.exec(kept ?? '') ?? []
  const bytes = Buffer.from(hash, 'base64url')
  if (!memory || !passes || bytes.length !== HASH_BYTES) return undefined
  return { memory: Number(memory), passes: Number(passes), salt: Buffer.from(salt, 'base64url'), hash: bytes }
}

/** What nobody can guess. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** What is kept of a secret that nobody can guess: it needs no salt, and no time. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

/** A text that only we can have made, for `whom` alone: `<text>.<signature>`. */
export function seal(key: string, text: string, whom: string): string {
  const content = Buffer.from(text).toString('base64url')
  return `${content}.${signature(key, content, whom)}`
}

/** The text of what `seal` made for the same one. */
export function unseal(key: string, sealed: string, whom: string): string | undefined {
  const [content = '', given = '', ...rest] = sealed.split('.')
  if (rest.length > 0 || !isSame(given, signature(key, content, whom))) return undefined
  return Buffer.from(content, 'base64url').toString()
}

/** Of somebody's name, say. */
export function signature(key: string, ...what: readonly string[]): string {
  return createHmac('sha256', key).update(JSON.stringify(what)).digest('base64url')
}

/** Takes as long for a wrong one as for the right one. */
export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
