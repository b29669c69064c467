import { definePlugin, duration, say, z } from '#core'

export default definePlugin({
  name: 'rate-limit',
  summary: 'Turns away messages of a customer who writes too fast.',
  config: z.strictObject({
    max: z.int().min(1).default(20).describe('How many messages a customer may write within the time.'),
    within: duration('1m').describe('The time; it begins with the first message.'),
    say: say().optional().describe('What the customer is told, once each time.'),
  }),
  state: z.object({ sinceMs: z.number().default(0), count: z.number().default(0) }),
  ifGuardFails: 'pass',
  setup: ({ config }) => ({
    inbound: {
      guard(turn, next) {
        const { event, state } = turn
        if (event.type !== 'message') return next()
        if (event.atMs - state.sinceMs >= config.within) {
          state.sinceMs = event.atMs
          state.count = 0
        }
        state.count += 1
        if (state.count <= config.max) return next()
        if (state.count === config.max + 1 && config.say) turn.say(config.say)
        return turn.drop(`more than ${config.max} messages`)
      },
    },
  }),
})
