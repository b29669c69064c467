import { definePlugin, service, z } from '#core'

export default definePlugin({
  name: 'lender',
  summary: 'Lends and borrows.',
  config: z.strictObject({}),
  needs: {},
  provides: { gossip: service<string>('gossip') },
  setup: () => ({ services: { gossip: 'here' } }),
})
