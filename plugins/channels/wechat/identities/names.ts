/**
 * How an identity is called on the platform: `prefix@WeChat-ID`, with a name that customers see.
 * Source: https://developers.weixin.qq.com/doc/subscription/en/api/customer/servicermanage/api_addkfaccount.html,
 * read 2026-11-20.
 */
import { createHash } from 'node:crypto'
import { type Identity, inLanguage } from '#core'

const MAX_PREFIX_CHARS = 10
const MAX_WECHAT_ID_CHARS = 30
/** Which letters a WeChat ID may begin with, and its least length, no page for accounts tells. */
const WECHAT_ID = /^[A-Za-z0-9_-]+$/
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

/** Whether the platform tells capitals from small letters is not documented: it is taken not to. */
export function smallPrefixOf(id: string): string {
  return prefixOf(id).toLowerCase()
}

/** What is wrong with the WeChat ID, if anything: customer-service accounts are named after it. */
export function wechatIdProblem(
  wechatId: string | undefined,
): { readonly message: string; readonly instead: string } | undefined {
  const instead =
    'Set a WeChat ID (微信号) for the account: mp.weixin.qq.com, Settings and development, Account information (公众号设置, 账号详情). It can be changed only once a year. Then write it under wechatId.'
  if (wechatId === undefined)
    return { message: 'the channel has no wechatId, and identities are named after it.', instead }
  if (/^gh_/i.test(wechatId))
    return {
      message: `${wechatId} is the id that WeChat gave the account by itself, and identities cannot be made under it.`,
      instead,
    }
  if (!WECHAT_ID.test(wechatId))
    return { message: `${wechatId} is no WeChat ID: these have letters, digits, _ and - only.`, instead }
  if (wechatId.length <= MAX_WECHAT_ID_CHARS) return undefined
  return {
    message: `${wechatId} has ${wechatId.length} characters, and a WeChat ID has at most ${MAX_WECHAT_ID_CHARS}.`,
    instead,
  }
}

/** The one name that all customers see: the platform has no names by language, and its customers read Chinese. */
export function nicknameOf({ name }: Pick<Identity, 'name'>): string {
  return typeof name === 'string' ? name : (inLanguage(name, 'zh-CN', ['en']) ?? '')
}
