/**
 * How an identity is called on the platform: `prefix@WeChat-ID`, with a name that customers see.
 * Source: https://developers.weixin.qq.com/doc/subscription/en/api/customer/servicermanage/api_addkfaccount.html,
 * read 2026-11-20.
 */
import { createHash } from 'node:crypto'
import { type Identity, inLanguage } from '#core'

const MAX_PREFIX_CHARS = 10
const MAX_WECHAT_ID_CHARS = 30
/** How many user-perceived characters a name may have. */
export const MAX_NICKNAME_GRAPHEMES = 16

export const PREFIX = new RegExp(`^[A-Za-z0-9_]{1,${MAX_PREFIX_CHARS}}$`)

/** How many characters of a hash tell identities apart whose names are alike where they are cut. */
const HASH_CHARS = 5
const SHORTENED_CHARS = MAX_PREFIX_CHARS - HASH_CHARS - 1

/**
 * What stands before the @. An id that the platform takes is taken as it is; of another one what can be kept is, with
 * some of its hash behind it, so that it is the same at each start and `sales-beijing` is not `sales-shanghai`.
 */
export function prefixOf(id: string): string {
  if (PREFIX.test(id)) return id
  const hash = BigInt(`0x${createHash('sha256').update(id).digest('hex')}`)
    .toString(36)
    .slice(0, HASH_CHARS)
  const kept = id.replace(/[^A-Za-z0-9_]+/g, '').slice(0, SHORTENED_CHARS)
  return `${kept}_${hash}`
}

/** What is wrong with a WeChat ID, if anything: identities cannot be made under it. */
export function wechatIdProblem(wechatId: string | undefined): 'missing' | 'default' | 'long' | undefined {
  if (wechatId === undefined) return 'missing'
  if (/^gh_/i.test(wechatId)) return 'default'
  return wechatId.length > MAX_WECHAT_ID_CHARS ? 'long' : undefined
}

/** The one name that all customers see: the platform has no names by language, and its customers read Chinese. */
export function nicknameOf({ name }: Pick<Identity, 'name'>): string {
  return typeof name === 'string' ? name : (inLanguage(name, 'zh-CN', ['en']) ?? '')
}
