import { definePlugin, duration, say, type TurnWork, z } from '#core'

export default definePlugin({
  name: 'idle-close',
  summary: 'Warns when nobody has written for a while, and then closes the conversation.',
  config: z.strictObject({
    warnAfter: duration('8m').describe('How long it is quiet before the warning.'),
    closeAfter: duration('10m').describe('How long it is quiet before the close.'),
    warning: say().describe('What the customer is warned with.'),
    goodbye: say().optional().describe('What the customer is told at the close.'),
  }),
  check: ({ warnAfter, closeAfter }) =>
    warnAfter < closeAfter ? [] : [{ path: ['warnAfter'], message: 'The warning has to come before the close.' }],
  setup({ config }) {
    const arm = (turn: Pick<TurnWork, 'wake'>) => {
      turn.wake('warn', { inMs: config.warnAfter })
      turn.wake('close', { inMs: config.closeAfter })
    }
    return {
      inbound: {
        // As a guard it sees every message, also one that answers an open question.
        guard(turn, next) {
          if (turn.event.type === 'message') arm(turn)
          return next()
        },
      },
      events: { 'agent.replied': arm },
      woken(turn, next) {
        // Who is in the queue is not idle: it is we who are awaited.
        if (!turn.conversation || turn.conversation.state === 'queued') return next()
        if (turn.key === 'warn') return turn.reply(config.warning, { because: 'it has been quiet' })
        return turn.close({ say: config.goodbye, because: 'it has been quiet for too long' })
      },
    }
  },
})
