import { definePlugin, service, z } from '#core'

export default definePlugin({
  name: 'chicken',
  summary: 'Lends and borrows.',
  config: z.strictObject({}),
  needs: { egg: service<string>('egg') },
  provides: { chicken: service<string>('chicken') },
  setup: () => ({ services: { chicken: 'here' } }),
})
