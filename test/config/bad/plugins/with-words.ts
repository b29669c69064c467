import { definePlugin, keyword, refers, z } from 'switchboard'

export default definePlugin({
  name: 'with-words',
  summary: 'Takes keywords or patterns, and names.',
  config: z.strictObject({
    when: z.array(z.union([keyword(), z.strictObject({ pattern: z.string() })])),
    few: z.array(z.string()).max(1, 'Write the most important one.').default([]),
    bot: refers('bot').optional(),
    faces: z.record(z.string(), z.string().meta({ switchboard: 'name' })).default({}),
  }),
  setup: () => ({}),
})
