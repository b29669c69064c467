import { definePlugin, service, z } from '#core'

export default definePlugin({
  name: 'egg',
  summary: 'Lends and borrows.',
  config: z.strictObject({}),
  needs: { chicken: service<string>('chicken') },
  provides: { egg: service<string>('egg') },
  setup: () => ({ services: { egg: 'here' } }),
})
