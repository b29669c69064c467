import { bytes, definePlugin, duration, file, hours, say, z } from '#core'
import { cron } from '../../../../../core/config/schema.ts'

export default definePlugin({
  name: 'rules',
  summary: 'Answers by rules: one setting of every kind.',
  config: z.strictObject({
    rules: z.array(z.strictObject({ when: z.array(z.string()).min(1), say: say() })).default([]),
    users: z.array(z.string()).default([]),
    onFollow: say().optional(),
    oncePer: duration('1h'),
    maxSize: bytes('2MB'),
    report: cron('0 9 * * 1-5'),
    open: hours().optional(),
    words: file().optional(),
  }),
  setup: () => ({}),
})
