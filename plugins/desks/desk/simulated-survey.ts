/** Asks customers in tests how it was, and lends the desk what they say. */
import { definePlugin, tables, z } from '#core'
import { ratings } from '../../services/ratings.ts'

export const QUESTION = 'How was it, from 1 to 5?'

interface Row {
  conversation: string
  asked_at: number
  score: number | null
  words: string | null
  at: number | null
}

export default definePlugin({
  name: 'simulated-survey',
  summary: 'Asks for a rating when an agent has closed the conversation.',
  config: z.strictObject({}),
  provides: { ratings },
  tables: tables<{ rating: Row }>({
    '1-rating': `CREATE TABLE rating (
      conversation TEXT PRIMARY KEY, asked_at BIGINT NOT NULL, score INTEGER, words TEXT, at BIGINT)`,
  }),
  setup({ sql, clock }) {
    return {
      services: {
        ratings: {
          async of(conversations) {
            const asked = sql.selectFrom('rating').selectAll().where('conversation', 'in', conversations)
            return new Map(
              (await asked.execute()).map(({ conversation, asked_at, score, words, at }) => [
                conversation,
                {
                  askedAtMs: asked_at,
                  given: score === null ? undefined : { score, of: 5, words: words ?? undefined, atMs: at ?? 0 },
                },
              ]),
            )
          },
        },
      },
      events: {
        'conversation.closed'(turn) {
          if (turn.event.by.kind !== 'agent') return
          const { id } = turn.conversation
          const row = { conversation: id, asked_at: clock.now(), score: null, words: null, at: null }
          turn.write(sql.insertInto('rating').values(row))
          turn.say(QUESTION, { expect: { key: id, forMs: 600_000 } })
        },
      },
      answered(turn, next) {
        const [, score, words] = /^([1-5])(?: (.+))?$/.exec(turn.text) ?? []
        if (score === undefined) return next()
        const rated = { score: Number(score), words: words ?? null, at: clock.now() }
        turn.write(sql.updateTable('rating').set(rated).where('conversation', '=', turn.key))
        return turn.done('rated')
      },
    }
  },
})
