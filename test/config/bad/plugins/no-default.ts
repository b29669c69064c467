import { definePlugin, z } from '#core'

export const plugin = definePlugin({ name: 'shy', summary: 'Not exported as default.', config: z.strictObject({}), setup: () => ({}) })
