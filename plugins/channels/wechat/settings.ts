/** What stands in the YAML. */
import { type ConfigProblem, duration, httpUrl, say, secret, z } from '#core'
import { identities } from './identities/settings.ts'
import { menu } from './menu/settings.ts'
import { allPolicies } from './policies.ts'

/** No tolerance is documented: below this, a platform whose clock or network is slow would be turned away. */
const LEAST_FRESHNESS_MS = 10 * 60 * 1_000

/**
 * How long the key is that the platform calls EncodingAESKey.
 * Source: https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/message-push.html, read 2026-11-20.
 */
const AES_KEY = /^[A-Za-z0-9]{43}$/

const UNRECOGNIZED = {
  'zh-CN': '抱歉，没有听清您的语音，请输入文字。',
  en: 'the voice is unrecognized, I don’t understand, please type',
}

export const settings = z.strictObject({
  appId: z
    .string()
    .min(1)
    .describe(
      'The AppID of the account: mp.weixin.qq.com, Settings and development, Development interface management.',
    ),
  appSecret: secret().describe('The AppSecret, from the same page.'),
  token: secret().describe('The Token of the server configuration there: any text that both sides know.'),
  encodingAesKey: secret()
    .refine((key) => AES_KEY.test(key), { error: 'An EncodingAESKey has 43 letters and digits.' })
    .optional()
    .describe('The EncodingAESKey of the server configuration: with it the messages are encrypted.'),
  mode: z
    .enum(['plain', 'compatible', 'secure'])
    .optional()
    .describe(
      'How messages come in. secure: only encrypted ones are taken. compatible: clear ones too, for changing over. plain: nothing is encrypted. Left out: secure with an encodingAesKey, plain without.',
    ),
  originalId: z
    .string()
    .regex(/^gh_/, { error: 'An original id begins with gh_; it stands on the account’s page of mp.weixin.qq.com.' })
    .optional()
    .describe('The account’s original id, gh_…: messages to another account are refused.'),
  wechatId: z
    .string()
    .min(1)
    .optional()
    .describe('The WeChat ID that you have set for the account: identities are named after it.'),
  replyBy: z
    .enum(['auto', 'customer-service', 'passive'])
    .default('auto')
    .describe(
      'How answers go out. auto: in the response to the message if they are ready in time, else as customer-service messages. customer-service: always so. passive: only in responses, for accounts without the customer-service interface.',
    ),
  policy: z
    .string()
    .superRefine((name, context) => {
      const names = allPolicies().map((policy) => policy.name)
      if (names.includes(name)) return
      context.addIssue(
        `There is no policy "${name}". Write one of ${names.join(', ')}, or leave it out for the newest.`,
      )
    })
    .optional()
    .describe('The rules of reply windows and quotas, by their name in policies.yaml. Left out: the newest.'),
  accessToken: z
    .enum(['stable', 'classic'])
    .default('stable')
    .describe(
      'By which call the access token is fetched. stable: others with the same AppSecret may do so too. classic: each fetch ends the token of all others.',
    ),
  apiBase: httpUrl().default('https://api.weixin.qq.com').describe('The address of the platform’s interface.'),
  voice: z
    .strictObject({
      unrecognizedReply: say()
        .default(UNRECOGNIZED)
        .describe('What a customer is told whose voice message came without its words; "" leaves it to the bot.'),
    })
    .prefault({})
    .describe('What becomes of voice messages.'),
  nicknameFallback: z
    .string()
    .min(1)
    .default('{account}_{openId}')
    .describe(
      'How customers are called of whom WeChat tells no name: {account} is the name of this channel, {openId} the customer’s id.',
    ),
  menu: menu.optional().describe('The buttons below the chat. Left out: the menu that the account has is left alone.'),
  identities: identities.describe('What only WeChat wants of identities, by their names under agent-identity.'),
  propagation: duration('5m').describe(
    'How long WeChat takes to show a new identity everywhere. Until then messages go out under the account’s own name.',
  ),
  tags: z
    .boolean()
    .default(false)
    .describe('Whether the tags that customers have on WeChat are tags here too. Ours are not written there.'),
  blacklist: z
    .boolean()
    .default(false)
    .describe('Whether whoever is on our blacklist is put on the account’s too, and taken off again.'),
  identityLimit: z.int().min(1).max(100).default(100).describe('How many identities the account may have.'),
  freshness: duration('10m')
    .refine((ms) => ms >= LEAST_FRESHNESS_MS, { error: 'Write 10m or more: clocks differ, and messages come late.' })
    .describe('How far the time of a message may be from ours. An older one is refused.'),
  identify: z
    .unknown()
    .optional()
    .refine((value) => value === undefined, {
      error:
        'WeChat tells nobody which of your own users a customer is, so that cannot be known here. Take it away; the web channel has it, for pages of your own.',
    })
    .describe('Cannot be set: WeChat tells nobody which of your own users a customer is. The web channel has it.'),
})
export type Settings = z.output<typeof settings>

/** What zod cannot see of the settings: which of them do not go together. */
export function checkSettings({ mode, encodingAesKey }: Settings): readonly ConfigProblem[] {
  if (mode === undefined || mode === 'plain' || encodingAesKey !== undefined) return []
  const message = `In ${mode} mode messages are encrypted, and there is no encodingAesKey to read them.`
  return [{ path: ['mode'], message, instead: 'Add encodingAesKey, or take mode away.' }]
}

/** In which modes messages are taken: what is written, or what the key says. */
export function modeOf({
  mode,
  encodingAesKey,
}: Pick<Settings, 'mode' | 'encodingAesKey'>): 'plain' | 'compatible' | 'secure' {
  return mode ?? (encodingAesKey === undefined ? 'plain' : 'secure')
}
