import { defineBot, say, z } from '#core'

export default defineBot({
  name: 'echo',
  summary: 'Says what the customer said: for trying out routes, features and channels.',
  config: z.strictObject({
    prefix: z.string().default('echo: ').describe('Stands before what the customer said.'),
    wordless: say().optional().describe('What is said to a message without words. Left out, texts.unknown is said.'),
  }),
  setup: ({ config }) => ({
    answer(turn) {
      if (turn.text) return turn.reply(`${config.prefix}${turn.text}`)
      return turn.unknown(turn.event.type === 'message' ? config.wordless : undefined)
    },
  }),
})
