import { definePlugin, duration, say, tables, z } from '#core'

interface Rating {
  conversation: string
  score: number
  at: number
}

export default definePlugin({
  name: 'satisfaction',
  summary: 'Asks for a rating when an agent has closed the conversation.',
  config: z.strictObject({
    ask: z.string().min(1).describe('The question.'),
    scores: z.array(z.string().min(1)).min(2).describe('What can be picked, the worst first.'),
    thanks: say().optional().describe('What is said to a rating.'),
    within: duration('10m').describe('How long an answer counts as a rating.'),
  }),
  tables: tables<{ rating: Rating }>({
    '1-rating': 'CREATE TABLE rating (conversation TEXT PRIMARY KEY, score INTEGER NOT NULL, at BIGINT NOT NULL)',
  }),
  setup({ config, sql, clock }) {
    const choices = config.scores.map((label, i) => ({ id: `score-${i + 1}`, label }))
    return {
      events: {
        'conversation.closed'(turn) {
          if (turn.event.by.kind !== 'agent') return
          const expect = { key: turn.conversation.id, forMs: config.within }
          turn.say({ type: 'choices', prompt: config.ask, choices }, { expect })
        },
      },
      answered(turn, next) {
        const score = choices.findIndex(({ id }) => id === turn.choice) + 1
        if (score === 0) return next()
        const rating = { conversation: turn.key, score, at: clock.now() }
        turn.write(sql.insertInto('rating').values(rating))
        return config.thanks ? turn.reply(config.thanks) : turn.done('rated')
      },
    }
  },
})
