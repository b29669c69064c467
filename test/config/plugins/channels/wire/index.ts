import { ALWAYS, defineChannel, duration, file, localized, secret, z } from '#core'

export default defineChannel({
  name: 'wire',
  summary: 'A channel that connects nothing.',
  config: z.strictObject({
    appId: z.string().min(1).describe('The id of the account, from the platform’s console.'),
    appSecret: secret().describe('The secret of the account.'),
    token: secret().optional(),
    title: localized().optional(),
    retries: z.int().min(0).max(10).default(3),
    pollEvery: duration('30s'),
    verified: z.boolean().default(false),
    apiBase: z.url().optional(),
    menu: file().optional(),
  }),
  account: ({ appId }) => appId,
  capabilities: () => ({
    sends: { text: { maxBytes: 2048 } },
    later: [ALWAYS],
    showsIdentity: { avatar: true, maxGraphemes: 8, perAccount: 2 },
  }),
  setup: () => ({ send: async () => ({}) }),
})
