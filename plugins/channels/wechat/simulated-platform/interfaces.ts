/** The interfaces that the account’s server may call, by path: what each takes, and what it answers. */
import type { Json } from '#core'
import { z } from '#core'
import type { Account } from './account.ts'
import { readPosted } from './messages.ts'
import { Refused } from './refused.ts'

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

/** One interface. Throws `Refused`. */
export interface Interface {
  readonly method: 'GET' | 'POST'
  /** What is called without a token. */
  readonly isOpen?: boolean
  /** Only accounts that are verified may call it. */
  readonly verified?: boolean
  /** How often a day; https://developers.weixin.qq.com/doc/service/en/guide/dev/api/limit.html, read 2026-11-22. */
  readonly perDay?: number
  answer(call: Call, account: Account): Json | Response
}

const OK = { errcode: 0, errmsg: 'ok' }

/** Reads posted JSON. Throws what the platform says of anything else. */
export function posted<T extends z.ZodType>(schema: T, json: unknown): z.output<T> {
  const read = schema.safeParse(json)
  if (read.success) return read.data
  throw new Refused(47001, `data format error ${read.error.issues.map(({ path }) => path.join('.')).join(', ')}`)
}

const Stable = z.strictObject({
  grant_type: z.string(),
  appid: z.string(),
  secret: z.string(),
  force_refresh: z.boolean().optional(),
})

/** Whoever asks for a token knows the secret, and asks from an address that is on the list. */
function checkCaller(
  account: Account,
  call: Call,
  of: { readonly [K in 'grant_type' | 'appid' | 'secret']: string | null },
): void {
  if (of.grant_type !== 'client_credential') throw new Refused(40002)
  if (!of.appid) throw new Refused(41002)
  if (!of.secret) throw new Refused(41004)
  if (of.appid !== account.keys.appId) throw new Refused(40013)
  if (account.ipList && !account.ipList.includes(call.ip))
    throw new Refused(40164, `invalid ip ${call.ip} ipv6 ::ffff:${call.ip}, not in whitelist`)
  if (of.secret !== account.keys.appSecret) throw new Refused(40125)
}

const base: { readonly [path: string]: Interface } = {
  '/cgi-bin/token': {
    method: 'GET',
    isOpen: true,
    perDay: 2_000,
    answer(call, account) {
      const [grant_type, appid, secret] = ['grant_type', 'appid', 'secret'].map((name) => call.query.get(name))
      checkCaller(account, call, { grant_type: grant_type ?? null, appid: appid ?? null, secret: secret ?? null })
      return { ...account.tokens.classic() }
    },
  },
  '/cgi-bin/stable_token': {
    method: 'POST',
    isOpen: true,
    perDay: 500_000,
    answer(call, account) {
      const { force_refresh = false, ...of } = posted(Stable, call.json)
      checkCaller(account, call, of)
      return { ...account.tokens.stable(force_refresh) }
    },
  },
  '/cgi-bin/message/custom/send': {
    method: 'POST',
    verified: true,
    perDay: 500_000,
    answer({ json }, account) {
      const { openId, message, kfAccount, isAi } = readPosted(json)
      account.send(openId, message, { kfAccount, isAi })
      return OK
    },
  },
}

export const INTERFACES: { readonly [path: string]: Interface } = { ...base }
