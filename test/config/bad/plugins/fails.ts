import { defineChannel, z } from '#core'

export default defineChannel({
  name: 'fails',
  summary: 'A channel that knows only one policy.',
  config: z.strictObject({ policy: z.string() }),
  account: () => 'one',
  capabilities: ({ policy }) => {
    if (policy !== '2023') throw new Error(`there is no policy "${policy}"; known: 2023`)
    return { sends: { text: {} }, later: [], showsIdentity: 'none' }
  },
  setup: () => ({ send: async () => ({}) }),
})
