/** A push of the platform comes in by `receiving/`, is an event, and is answered inside its response or by `sending/`. */
import { type Capabilities, defineChannel, tables, z } from '#core'
import { policyOf } from './policies.ts'
import { makeNonces, type NonceTables, nonceTables } from './receiving/nonces.ts'
import { platformDeskState, yieldToPlatformDesk } from './receiving/platform-desk.ts'
import { REPLY_PARTS } from './receiving/replies.ts'
import { askToType } from './receiving/voice.ts'
import { addWebhook } from './receiving/webhook.ts'
import { makeApi } from './sending/api.ts'
import { makeMedia, takes } from './sending/media.ts'
import { MAX_CHOICES, MAX_TEXT_BYTES } from './sending/messages.ts'
import { makeSender } from './sending/send.ts'
import { type SendingTables, sendingTables } from './sending/tables.ts'
import { type Settings, settings } from './settings.ts'

export default defineChannel({
  name: 'wechat',
  summary: 'WeChat Official Accounts (微信公众号): what customers write there is answered there.',
  config: settings,
  account: ({ appId }) => appId,
  capabilities,
  simulator: () => import('./simulated-platform/simulation.ts'),
  state: z.object({ ...platformDeskState }),
  tables: tables<NonceTables & SendingTables>({ ...nonceTables, ...sendingTables }),
  async setup(context) {
    const { config, web, sql, clock, schedule } = context
    const api = makeApi(context)
    const media = makeMedia({ ...context, appId: config.appId, api, open: context.media.open })

    const nonces = await makeNonces(sql, { clock, freshnessMs: config.freshness })
    addWebhook(web, { ...context, nonces })
    schedule('1h', nonces.forget)

    const { send, typing } = makeSender({ ...context, api, media, accountOf: () => undefined })
    return {
      send,
      fetchMedia: media.fetch,
      typing: config.replyBy === 'passive' ? undefined : typing,
      inbound: { intercept: yieldToPlatformDesk, respond: askToType(config.voice.unrecognizedReply) },
    }
  },
})

function capabilities({ replyBy, policy }: Settings): Capabilities {
  const onlyAnswers = replyBy === 'passive'
  return {
    sends: onlyAnswers ? IN_RESPONSES : LATER,
    inline: replyBy === 'customer-service' ? undefined : INLINE,
    later: onlyAnswers ? [] : policyOf(policy).later,
    showsIdentity: 'none',
  }
}

/** The platform hangs up after five seconds: https://developers.weixin.qq.com/doc/service/en/guide/product/message/Passive_user_reply_message.html, read 2026-11-20. */
const INLINE = { withinMs: 4_500, isPreferred: true, parts: REPLY_PARTS, showsIdentity: false }

const text = { maxBytes: MAX_TEXT_BYTES, hasLinks: true }
const choices = { max: MAX_CHOICES }
const IN_RESPONSES = { text, link: {}, choices }
const LATER = {
  text,
  image: takes('image'),
  audio: takes('voice'),
  video: takes('video'),
  link: {},
  choices,
  native: {},
}
