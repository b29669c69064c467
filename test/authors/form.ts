import { definePlugin, duration, keyword, matcher, say, z } from '#core'

/** What answers look like. A choice is picked, or typed as its number or label. */
const ANSWERS = { text: /\S/, choice: /\S/, email: /^\S+@\S+\.\S+$/, phone: /^\+?[\d ()-]{6,}$/ }

const Question = z.strictObject({
  key: z.string().min(1).describe('The field of the customer in which the answer is noted.'),
  ask: say().describe('The question, with its choices if it has any.'),
  answer: z.enum(['text', 'choice', 'email', 'phone']).default('text').describe('Anything else is no answer.'),
})

export default definePlugin({
  name: 'form',
  summary: 'Asks some questions, one after the other, and notes the answers on the customer.',
  config: z.strictObject({
    start: z.array(keyword()).min(1).describe('Words that begin the form, or go on where it was left.'),
    questions: z.array(Question).min(1).describe('What is asked, in this order.'),
    thanks: say().describe('What is said at the end.'),
    within: duration('30m').describe('How long an answer may take.'),
  }),
  state: z.object({ answers: z.record(z.string(), z.string()).default({}) }),
  setup({ config: { start, questions, thanks, within } }) {
    const starts = matcher(start)
    const following = (answers: { [key: string]: string }) => questions.find(({ key }) => answers[key] === undefined)
    return {
      inbound: {
        respond(turn, next) {
          const question = starts(turn.text) === undefined ? undefined : following(turn.state.answers)
          return question ? turn.reply(question.ask, { expect: { key: question.key, forMs: within } }) : next()
        },
      },
      answered(turn, next) {
        const asked = questions.find(({ key }) => key === turn.key)
        const given = asked?.answer === 'choice' ? turn.choice : turn.text.trim()
        if (!asked || given === undefined || !ANSWERS[asked.answer].test(given)) return next()
        turn.state.answers[asked.key] = given
        const question = following(turn.state.answers)
        if (question) return turn.reply(question.ask, { expect: { key: question.key, forMs: within } })
        turn.learn({ customer: { fields: { ...turn.state.answers } } })
        turn.state.answers = {}
        return turn.reply(thanks)
      },
    }
  },
})
