import { type BotTurn, defineBot, file, inLanguage, localized, type Outcome, say, z } from '#core'
import { type Entry, readKnowledge } from './knowledge.ts'
import { DEFAULTS, entriesOf, type Likely, understanding } from './understand.ts'

const share = z.number().min(0).max(1)

/** The id of the choice that asks for a person; no entry can be called that. */
const PERSON = ':person'

export default defineBot({
  name: 'faq',
  summary: 'Answers questions from a file that operators write, and offers what may be meant when it is not sure.',
  config: z.strictObject({
    knowledge: file().describe('The file with the questions and answers.'),
    understood: share
      .default(DEFAULTS.understood)
      .describe('How sure it must be of one question to answer it: 0 answers anything, 1 only the very same question.'),
    guided: share
      .default(DEFAULTS.guided)
      .describe('How alike a question must be to be offered: 0 offers anything, 1 only the very same question.'),
    choices: z.int().min(1).max(20).default(DEFAULTS.choices).describe('How many questions are offered at most.'),
    didYouMean: localized()
      .default({ en: 'Did you mean one of these?', 'zh-CN': '您想问的是：' })
      .describe('What stands above the questions that are offered.'),
    person: localized()
      .optional()
      .describe('A last choice below them, which hands over to people. Left out, there is none.'),
    unknown: say().optional().describe('What is said when nothing is alike. Left out, texts.unknown is said.'),
  }),
  check: ({ knowledge }) => readKnowledge(knowledge).mistakes.map((mistake) => ({ path: ['knowledge'], ...mistake })),
  setup: ({ config }) => {
    const { knowledge, mistakes } = readKnowledge(config.knowledge)
    if (!knowledge) throw new Error(mistakes[0]?.message)
    const understand = understanding(knowledge, config)
    const entryOf = (name: string) => (Object.hasOwn(knowledge.entries, name) ? knowledge.entries[name] : undefined)

    function offer(turn: BotTurn, likely: readonly Likely[], because: string): Outcome {
      const { language } = turn.customer
      const choices = likely.flatMap(({ entry }) => {
        const known = entryOf(entry)
        return known ? [{ id: entry, label: titleOf(known, language) }] : []
      })
      if (config.person !== undefined) choices.push({ id: PERSON, label: inTheirs(config.person, language) })
      const prompt = inTheirs(config.didYouMean, language)
      return turn.reply({ type: 'choices', prompt, choices }, { guided: true, because })
    }

    return {
      answer(turn) {
        const { choice = '' } = turn
        if (choice === PERSON) return turn.handOff({ because: 'none of the questions that were offered' })
        const picked = entryOf(choice)
        if (picked) return turn.reply(picked.answer, { intent: choice, because: `chose ${choice}` })
        if (Object.hasOwn(knowledge.groups, choice)) {
          return offer(turn, entriesOf(knowledge, choice), `chose ${choice}`)
        }
        const understood = understand(turn.text)
        switch (understood.kind) {
          case 'understood': {
            const { entry, score } = understood
            const because = `understood ${entry} (${score.toFixed(2)})`
            return turn.reply(entryOf(entry)?.answer ?? '', { intent: entry, because })
          }
          case 'guided': {
            const because = understood.entries.map(({ entry, score }) => `${entry} (${score.toFixed(2)})`)
            return offer(turn, understood.entries, `may be ${because.join(', ')}`)
          }
          case 'unknown':
            return turn.unknown(turn.event.type === 'message' ? config.unknown : undefined)
        }
      },
    }
  },
})

type Text = z.output<ReturnType<typeof localized>>

function inTheirs(text: Text, language: string): string {
  return typeof text === 'string' ? text : (inLanguage(text, language, []) ?? '')
}

/** What a question is called for a customer of this language. */
function titleOf({ title, questions }: Entry, language: string): string {
  if (title !== undefined) return inTheirs(title, language)
  const isChinese = language.startsWith('zh')
  return questions.find((question) => /\p{Script=Han}/u.test(question) === isChinese) ?? questions[0] ?? ''
}
