/** Tokens, and what tells an operator how the account stands. */
import { z } from '#core'
import type { Account } from '../account.ts'
import { Refused } from '../refused.ts'
import { type Call, type Interfaces, OK, posted } from './interface.ts'

const Stable = z.strictObject({
  grant_type: z.string(),
  appid: z.string(),
  secret: z.string(),
  force_refresh: z.boolean().optional(),
})
const Check = z.strictObject({
  action: z.enum(['dns', 'ping', 'all']),
  check_operator: z.enum(['CHINANET', 'UNICOM', 'CAP', 'DEFAULT']),
})

/** Whoever asks for a token knows the secret, and asks from an address that is on the list. */
function checkCaller(
  account: Account,
  { ip }: Call,
  of: { readonly grant_type: string | null; readonly appid: string | null; readonly secret: string | null },
): void {
  if (of.grant_type !== 'client_credential') throw new Refused(40002)
  if (!of.appid) throw new Refused(41002)
  if (!of.secret) throw new Refused(41004)
  if (of.appid !== account.keys.appId) throw new Refused(40013)
  if (account.ipList && !account.ipList.includes(ip))
    throw new Refused(40164, `invalid ip ${ip} ipv6 ::ffff:${ip}, not in whitelist`)
  if (of.secret !== account.keys.appSecret) throw new Refused(40125)
}

export const tokens: Interfaces = {
  '/cgi-bin/token': {
    method: 'GET',
    isOpen: true,
    perDay: 2_000,
    answer(call, account) {
      const of = (name: string) => call.query.get(name)
      checkCaller(account, call, { grant_type: of('grant_type'), appid: of('appid'), secret: of('secret') })
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
  '/cgi-bin/getcallbackip': { method: 'GET', answer: () => ({ ip_list: ['127.0.0.1/32', '101.226.103.0/25'] }) },
  '/cgi-bin/get_api_domain_ip': { method: 'GET', answer: () => ({ ip_list: ['127.0.0.1'] }) },
  '/cgi-bin/callback/check': {
    method: 'POST',
    answer({ json }) {
      posted(Check, json)
      const [ip, from_operator] = ['127.0.0.1', 'UNICOM']
      return {
        dns: [{ ip, real_operator: from_operator }],
        ping: [{ ip, from_operator, package_loss: '0%', time: '1.000ms' }],
      }
    },
  },
  '/cgi-bin/openapi/quota/get': {
    method: 'POST',
    answer({ json }, account) {
      const { cgi_path } = posted(z.strictObject({ cgi_path: z.string() }), json)
      const quota = account.quotas.of(cgi_path)
      if (!quota) throw new Refused(76021)
      return { ...OK, quota: { daily_limit: quota.max, used: quota.used, remain: quota.max - quota.used } }
    },
  },
  '/cgi-bin/clear_quota': {
    method: 'POST',
    answer({ json }, account) {
      const { appid } = posted(z.strictObject({ appid: z.string() }), json)
      if (appid !== account.keys.appId) throw new Refused(40013)
      account.quotas.clear()
      return OK
    },
  },
}
