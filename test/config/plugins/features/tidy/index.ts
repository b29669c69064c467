import { definePlugin, service, z } from '#core'

export default definePlugin({
  name: 'tidy',
  summary: 'Lends and borrows.',
  config: z.strictObject({}),
  needs: { gossip: service<string>('gossip') },
  provides: {},
  setup: () => ({ services: {} }),
})
