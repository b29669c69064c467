import { definePlugin, keyword, matcher, say, z } from '#core'

export default definePlugin({
  name: 'keyword-handoff',
  summary: 'Hands over to people on given words.',
  config: z.strictObject({
    keywords: z
      .array(keyword())
      .min(1)
      .describe('Words that ask for a person. A bare word matches as a whole word or Chinese phrase.'),
    say: say().optional().describe('What the customer is told meanwhile. Left out, texts.handedOver is said.'),
  }),
  setup: ({ config }) => {
    const asksForPerson = matcher(config.keywords)
    return {
      inbound: {
        respond(turn, next) {
          const word = asksForPerson(turn.text)
          return word === undefined ? next() : turn.handOff({ say: config.say, because: `keyword ${word}` })
        },
      },
    }
  },
})
