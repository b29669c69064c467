import { defineBot, say, z } from '#core'

export default defineBot({
  name: 'echo',
  summary: 'Says what the customer said: for trying out routes, features and channels.',
  config: z.strictObject({
    prefix: z.string().default('echo: ').describe('Stands before what the customer said.'),
    wordless: say().optional().describe('What is said to a message without words. Left out, it counts as unknown.'),
  }),
  setup: ({ config }) => ({
    answer: (turn) => (turn.text ? turn.reply(`${config.prefix}${turn.text}`) : turn.unknown(config.wordless)),
  }),
})
