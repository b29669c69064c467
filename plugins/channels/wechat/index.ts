/** A push of the platform comes in by `receiving/`, is an event, and is answered inside its response or by `sending/`. */
import { type Capabilities, defineChannel, tables } from '#core'
import { policyOf } from './policies.ts'
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
  tables: tables<SendingTables>(sendingTables),
  setup(context) {
    const { config } = context
    const api = makeApi(context)
    const media = makeMedia({ ...context, appId: config.appId, api, open: context.media.open })
    addWebhook(context)
    const { send, typing } = makeSender({ ...context, api, media, accountOf: () => undefined })
    return { send, fetchMedia: media.fetch, typing: config.replyBy === 'passive' ? undefined : typing }
  },
})

function capabilities({ replyBy, policy }: Settings): Capabilities {
  const onlyAnswers = replyBy === 'passive'
  return {
    sends: onlyAnswers ? IN_RESPONSES : LATER,
    inline: replyBy === 'customer-service' ? undefined : { withinMs: 4_500 },
    later: onlyAnswers ? [] : policyOf(policy).later,
    showsIdentity: 'none',
  }
}

const text = { maxBytes: MAX_TEXT_BYTES }
const IN_RESPONSES = { text, link: {} }
const LATER = {
  text,
  image: takes('image'),
  audio: takes('voice'),
  video: takes('video'),
  link: {},
  choices: { max: MAX_CHOICES },
  native: {},
}
