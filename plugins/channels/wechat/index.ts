/** A push of the platform comes in by `receiving/`, is an event, and is answered inside its response or by `sending/`. */
import { type Capabilities, defineChannel, optional, tables, z } from '#core'
import { blacklist } from '../../services/blacklist.ts'
import { identities } from '../../services/identities.ts'
import { type AccountStateTables, accountStateTables, makeAccountState } from './account-state.ts'
import { type CustomerTables, customerTables, laterCustomerTables, makeCustomers } from './customers/customers.ts'
import { check as checkIdentities } from './identities/check.ts'
import { type IdentityTables, identityTables, openIdentities } from './identities/identities.ts'
import { MAX_NICKNAME_GRAPHEMES, smallPrefixOf, wechatIdProblem } from './identities/names.ts'
import { prefixesOf } from './identities/settings.ts'
import { bringMenuUp, type MenuTables, menuTables } from './menu/menu.ts'
import { keysOf } from './menu/settings.ts'
import { policyOf } from './policies.ts'
import { laterNonceTables, latestNonceTables, makeNonces, type NonceTables, nonceTables } from './receiving/nonces.ts'
import { platformDeskState, yieldToPlatformDesk } from './receiving/platform-desk.ts'
import { REPLY_PARTS } from './receiving/replies.ts'
import { askToType } from './receiving/voice.ts'
import { addWebhook } from './receiving/webhook.ts'
import { makeApi } from './sending/api.ts'
import { makeMedia, takes } from './sending/media.ts'
import { MAX_CHOICES, MAX_TEXT_BYTES, wordsOf } from './sending/messages.ts'
import { makeSender } from './sending/send.ts'
import { type SendingTables, sendingTables } from './sending/tables.ts'
import { checkSettings, type Settings, settings } from './settings.ts'

export default defineChannel({
  name: 'wechat',
  summary: 'WeChat Official Accounts (微信公众号): what customers write there is answered there.',
  config: settings,
  account: ({ appId }) => appId,
  capabilities,
  check: (config) => [...checkSettings(config), ...checkIdentities(config)],
  simulator: () => import('./simulated-platform/simulation.ts'),
  state: z.object({ ...platformDeskState }),
  needs: { identities: optional(identities), blacklist: optional(blacklist) },
  tables: tables<NonceTables & SendingTables & AccountStateTables & MenuTables & IdentityTables & CustomerTables>({
    ...nonceTables,
    ...sendingTables,
    ...menuTables,
    ...identityTables,
    ...customerTables,
    // New ones go last, whatever room they belong to.
    ...laterNonceTables,
    ...accountStateTables,
    ...laterCustomerTables,
    ...latestNonceTables,
  }),
  async setup(context) {
    const { config, name, web, sql, clock, log, schedule } = context
    const { appId, menu } = config
    const api = makeApi(context)
    const media = makeMedia({ ...context, appId, api, open: context.media.open })
    const accountState = makeAccountState({ ...context, api })
    const own = await openIdentities({ ...context, accountState, channel: name })
    const customers = makeCustomers({ ...context, api, accountState, account: `wechat:${appId}` })
    // Before another instance is told that it is in force.
    web.addHook('preClose', accountState.end)

    const nonces = await makeNonces(sql, { clock, freshnessMs: config.freshness })
    addWebhook(web, { ...context, nonces, receive: customers.receive })
    schedule('1h', nonces.forget)

    const { send, prepare, typing } = makeSender({ ...context, api, media, identities: own })
    return {
      send,
      prepare,
      fetchMedia: media.fetch,
      typing: config.replyBy === 'passive' ? undefined : typing,
      // Also before what somebody has asked the customer: it is the platform's desk that is answered.
      inbound: { guard: yieldToPlatformDesk, respond: askToType(config.voice.unrecognizedReply) },
      // The platform may be down for hours: what is brought up to date there holds up nobody.
      async started() {
        if (menu)
          accountState.bringUpUntilDone('The menu could not be brought up to date', (api) =>
            bringMenuUp(menu, { api, sql, log, appId }),
          )
        own.start()
        customers.start()
        await nonces.learn()
      },
      async doctor({ http, clock, signal }) {
        const { diagnose } = await import('./doctor.ts')
        // Of its own kind: a classic token would end that of the process that runs.
        const stable = { ...config, accessToken: 'stable' } as const
        const asking = makeApi({ log, http, clock, signal, config: stable, sql: undefined })
        return diagnose({ config, name, url: context.url, api: asking, identities: context.identities, signal })
      },
      erase: customers.erase,
      kept: customers.kept,
    }
  },
})

function capabilities({ replyBy, policy, menu, wechatId, identities, identityLimit }: Settings): Capabilities {
  const onlyAnswers = replyBy === 'passive'
  return {
    sends: SENDS,
    inline: replyBy === 'customer-service' ? undefined : INLINE,
    later: onlyAnswers ? [] : policyOf(policy).later,
    menuKeys: menu && keysOf(menu),
    // What is written into a response has no face.
    showsIdentity: onlyAnswers
      ? 'none'
      : {
          avatar: true,
          maxGraphemes: MAX_NICKNAME_GRAPHEMES,
          perAccount: identityLimit,
          knownAs: { set: prefixesOf(identities), made: smallPrefixOf },
          missing: wechatIdProblem(wechatId),
        },
  }
}

/** The platform hangs up after five seconds: https://developers.weixin.qq.com/doc/service/en/guide/product/message/Passive_user_reply_message.html, read 2026-11-20. */
const INLINE = { withinMs: 4_500, isPreferred: true, parts: REPLY_PARTS, showsIdentity: false }

/** A link that is larger than a text is cut: then `wordsOf` takes two bytes more for each of its ends. */
const text = { maxBytes: MAX_TEXT_BYTES - 4, hasLinks: true, holdsChoices: true, written: wordsOf }
const choices = { max: MAX_CHOICES }
const SENDS = {
  text,
  image: takes('image'),
  audio: takes('voice'),
  video: takes('video'),
  link: {},
  choices,
  native: {},
}
