/** What one interface of the simulated platform is. */
import type { Json, z } from '#core'
import type { Account } from '../account.ts'
import { Refused } from '../refused.ts'

/** One call, as far as it is read. */
export interface Call {
  readonly query: URLSearchParams
  /** Posted JSON; `undefined` for GET and for files. */
  readonly json: unknown
  /** Posted files, by the name of their field. */
  readonly form: FormData | undefined
  /** Why what was posted cannot be read, as the platform’s number. */
  readonly unreadable?: number
  /** The caller’s address. */
  readonly ip: string
}

export interface Interface {
  readonly method: 'GET' | 'POST'
  /** What is called without a token. */
  readonly isOpen?: boolean
  /** Only accounts that are verified may call it. */
  readonly verified?: boolean
  /**
   * How often a day, for a new account. Left out: as often as one likes.
   * Source: https://developers.weixin.qq.com/doc/service/en/guide/dev/api/limit.html, read 2026-11-22.
   */
  readonly perDay?: number
  /** Throws `Refused`. */
  answer(call: Call, account: Account): Json | Response | Promise<Json | Response>
}

/** By path. */
export interface Interfaces {
  readonly [path: string]: Interface
}

/** What most of them answer. */
export const OK = { errcode: 0, errmsg: 'ok' }

/** Reads posted JSON. Throws what the platform says of anything else. */
export function posted<T extends z.ZodType>(schema: T, json: unknown): z.output<T> {
  const read = schema.safeParse(json)
  if (read.success) return read.data
  throw new Refused(47001, `data format error ${read.error.issues.map(({ path }) => path.join('.')).join(', ')}`)
}
