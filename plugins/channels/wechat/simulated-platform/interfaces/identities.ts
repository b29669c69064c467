/** Customer-service accounts: the names and faces that the account may write under. */
import { z } from '#core'
import type { Account } from '../account.ts'
import { Refused } from '../refused.ts'
import { type Interfaces, OK, posted } from './interface.ts'

/**
 * How many there may be; the part before the @, the name in characters, and the picture.
 * Source: https://developers.weixin.qq.com/doc/subscription/en/api/customer/servicermanage/api_addkfaccount.html, read 2026-11-22.
 */
const MAX_ACCOUNTS = 100
const PREFIX = /^[A-Za-z0-9_]{1,10}$/
const MAX_NAME_CHARS = 16
const MAX_AVATAR_BYTES = 5 * 1024 * 1024
/** How long WeChat takes to show a change: some minutes, as operators are told. */
const SHOWN_AFTER_MS = 3 * 60_000

const Named = z.strictObject({ kf_account: z.string(), nickname: z.string() })
const Invited = z.strictObject({ kf_account: z.string(), invite_wx: z.string().min(1) })
const JPEG = Buffer.from([0xff, 0xd8, 0xff])

/** The feature is switched on, and the account has a WeChat ID of its own. */
function checkFeature({ hasCustomerService, wechatId }: Account): void {
  if (!hasCustomerService || wechatId === undefined) throw new Refused(65400)
}

function existing(account: Account, name: string) {
  checkFeature(account)
  const found = account.identities.get(name)
  if (!found) throw new Refused(65401)
  return found
}

function checkNickname(nickname: string): void {
  if (nickname === '' || [...nickname].length > MAX_NAME_CHARS) throw new Refused(65403)
}

export const identities: Interfaces = {
  '/customservice/kfaccount/add': {
    method: 'POST',
    verified: true,
    answer({ json }, account) {
      const { kf_account, nickname } = posted(Named, json)
      checkFeature(account)
      const [prefix = '', suffix] = kf_account.split('@')
      if (!PREFIX.test(prefix) || suffix !== account.wechatId) throw new Refused(65404)
      checkNickname(nickname)
      if (account.identities.has(kf_account)) throw new Refused(65406)
      if (account.identities.size >= MAX_ACCOUNTS) throw new Refused(65405)
      const id = String(1000 + account.next())
      const liveAtMs = account.clock.now() + SHOWN_AFTER_MS
      account.identities.set(kf_account, { id, nickname, avatar: undefined, invited: undefined, liveAtMs })
      return OK
    },
  },
  '/customservice/kfaccount/update': {
    method: 'POST',
    verified: true,
    answer({ json }, account) {
      const { kf_account, nickname } = posted(Named, json)
      const before = existing(account, kf_account)
      checkNickname(nickname)
      account.identities.set(kf_account, { ...before, nickname, liveAtMs: account.clock.now() + SHOWN_AFTER_MS })
      return OK
    },
  },
  '/customservice/kfaccount/del': {
    method: 'GET',
    verified: true,
    answer({ query }, account) {
      const name = query.get('kf_account') ?? ''
      existing(account, name)
      account.identities.delete(name)
      return OK
    },
  },
  '/customservice/kfaccount/uploadheadimg': {
    method: 'POST',
    verified: true,
    async answer({ form, query }, account) {
      const name = query.get('kf_account') ?? ''
      const before = existing(account, name)
      const file = form?.get('media')
      if (!(file instanceof File)) throw new Refused(41005)
      if (file.size > MAX_AVATAR_BYTES) throw new Refused(40009)
      const bytes = new Uint8Array(await file.arrayBuffer())
      if (JPEG.compare(bytes, 0, JPEG.length) !== 0) throw new Refused(40005)
      account.identities.set(name, { ...before, avatar: bytes, liveAtMs: account.clock.now() + SHOWN_AFTER_MS })
      return OK
    },
  },
  '/customservice/kfaccount/inviteworker': {
    method: 'POST',
    verified: true,
    answer({ json }, account) {
      const { kf_account, invite_wx } = posted(Invited, json)
      account.identities.set(kf_account, { ...existing(account, kf_account), invited: invite_wx })
      return OK
    },
  },
  '/cgi-bin/customservice/getkflist': {
    method: 'GET',
    verified: true,
    answer(_call, account) {
      checkFeature(account)
      return {
        kf_list: [...account.identities].map(([kf_account, { id, nickname, avatar, invited }]) => ({
          ...{ kf_account, kf_id: id, kf_nick: nickname },
          kf_headimgurl: avatar ? `${account.filesUrl}/${encodeURIComponent(kf_account)}` : '',
          ...(invited !== undefined && { invite_wx: invited, invite_status: 'waiting' }),
        })),
      }
    },
  },
  '/cgi-bin/customservice/getonlinekflist': {
    method: 'GET',
    verified: true,
    answer(_call, account) {
      checkFeature(account)
      return { kf_online_list: [] }
    },
  },
}
