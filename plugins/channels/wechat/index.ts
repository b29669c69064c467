/** A push of the platform comes in by `receiving/`, is an event, and is answered inside its response or by `sending/`. */
import { type Capabilities, DeliveryError, defineChannel } from '#core'
import { addWebhook } from './receiving/webhook.ts'
import { type Settings, settings } from './settings.ts'

const HOUR_MS = 60 * 60 * 1_000
const MINUTE_MS = 60 * 1_000

export default defineChannel({
  name: 'wechat',
  summary: 'WeChat Official Accounts (微信公众号): what customers write there is answered there.',
  config: settings,
  account: ({ appId }) => appId,
  capabilities,
  setup(context) {
    addWebhook(context)
    return {
      async send() {
        throw new DeliveryError('CHANNEL_REFUSED', { message: 'Customer-service messages cannot be sent yet.' })
      },
    }
  },
})

function capabilities({ replyBy }: Settings): Capabilities {
  return {
    sends: { text: { maxBytes: 2_047 } },
    inline: replyBy === 'customer-service' ? undefined : { withinMs: 4_500 },
    later: replyBy === 'passive' ? [] : ALLOWANCES,
    showsIdentity: 'none',
  }
}

/** Source: https://developers.weixin.qq.com/doc/service/en/api/customer/message/api_sendcustommessage.html, read 2026-11-20. */
const ALLOWANCES = [
  { on: 'message', withinMs: 48 * HOUR_MS, max: 5, resets: true },
  { on: 'menu', withinMs: MINUTE_MS, max: 3, resets: true },
  { on: 'follow', withinMs: MINUTE_MS, max: 3, resets: true },
  { on: 'scan', withinMs: MINUTE_MS, max: 3, resets: true },
]
