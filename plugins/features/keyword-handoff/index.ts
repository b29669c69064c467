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
    guidance: z
      .strictObject({
        say: say().describe('The line itself.'),
        enabled: z.boolean().default(true).describe('false: the line is not said. The words go on working.'),
      })
      .optional()
      .describe('A line that tells how to get a person: once in a conversation, after the first answer.'),
  }),
  setup: ({ config: { keywords, say, guidance } }) => {
    const asksForPerson = matcher(keywords)
    return {
      inbound: {
        respond(turn, next) {
          const word = asksForPerson(turn.text)
          return word === undefined ? next() : turn.handOff({ say, because: `keyword ${word}` })
        },
      },
      // Where there is nothing to say, nothing is journaled for it either.
      events: guidance?.enabled
        ? {
            // Comes behind all that the first message was answered with, so the line stands below the greeting too.
            'conversation.opened'(turn) {
              // A channel that sends nothing later would say it in place of the next answer.
              const canFollow = turn.channel.capabilities.later.length > 0
              if (canFollow && turn.conversation.state === 'bot') turn.say(guidance.say)
            },
          }
        : undefined,
    }
  },
})
