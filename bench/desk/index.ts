/** A desk that takes every conversation, at which nobody works. */
import { defineDesk, z } from 'switchboard'

export default defineDesk({
  name: 'bench-desk',
  summary: 'Takes what is handed over, to be measured.',
  config: z.strictObject({}),
  setup: () => ({
    where: () => ({}),
    async deliver() {},
  }),
})
