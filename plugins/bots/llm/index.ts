import {
  type BotTurn,
  defineBot,
  duration,
  file,
  limitOf,
  messageOf,
  type Next,
  type Outcome,
  type Said,
  say,
  secret,
  z,
} from '#core'
import { addressProblems } from './address.ts'
import { readKnowledge } from './knowledge.ts'
import { ModelError, makeModel, type Written } from './model.ts'
import { messagesFor } from './prompt.ts'
import { makeSearch } from './search.ts'
import { makeSpending, spentTables, type Usage } from './spending.ts'
import { TOOLS, wishOf } from './tools.ts'

/** The core gives a bot 60 s; what is said when it does not answer needs some of them. */
const MAX_ANSWER_MS = 55_000
/** A model that is asked too often is asked once more, if that is to be within this. */
const MAX_RETRY_AFTER_MS = 10_000
const RETRY_AFTER_MS = 1_000

const tokens = z.int().min(1)
const price = z.number().min(0)

const Settings = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('The address of the API, as https://api.openai.com/v1.'),
  key: secret().optional().describe('The API key. A model of your own may need none.'),
  model: z.string().min(1).describe('The name of the model.'),
  prompt: z.string().min(1).describe('Who it is, and how it should answer.'),
  knowledge: file()
    .optional()
    .describe('A file of YAML or Markdown; the entries that fit the question are shown to it.'),
  history: z.int().min(0).max(100).default(20).describe('How many messages from before it is told.'),
  answerWithin: duration('30s').describe('How long it may take, at most 55s.'),
  handingOver: say().optional().describe('What is said when it hands over. Left out, texts.handedOver.'),
  fallback: say()
    .optional()
    .describe('What is said when it does not answer, refuses, or has used up a limit; counts as unknown.'),
  passOn: z.boolean().default(false).describe('The route’s next bot is asked then.'),
  limits: z
    .strictObject({
      answer: tokens.default(4_000).describe('Tokens of one answer, with those that a reasoning model thinks.'),
      conversation: tokens.optional().describe('Tokens of one conversation, what is asked and what is answered.'),
      day: tokens.optional().describe('Tokens of 24 hours.'),
      dayCost: price.optional().describe('What 24 hours may cost, in the currency of price.'),
    })
    .prefault({})
    .describe('What it may use up.'),
  price: z
    .strictObject({
      input: price.describe('What a million tokens cost that it reads.'),
      output: price.describe('What a million tokens cost that it writes.'),
    })
    .optional()
    .describe('What it costs, as its provider says.'),
})

export default defineBot({
  name: 'llm',
  summary: 'Answers with any model that speaks the OpenAI protocol; the model may hand over to people.',
  config: Settings,
  isModel: true,
  tables: spentTables,
  check: (config) => [
    ...(config.answerWithin > MAX_ANSWER_MS
      ? [{ path: ['answerWithin'], message: 'A bot has 60 s in all.', instead: 'Write at most 55s.' }]
      : []),
    ...(config.fallback !== undefined && config.passOn
      ? [{ path: ['passOn'], message: 'It cannot both say its fallback and pass on.', instead: 'Write one of them.' }]
      : []),
    ...(config.limits.dayCost !== undefined && !config.price
      ? [
          {
            path: ['limits', 'dayCost'],
            message: 'What it costs is not known.',
            instead: 'Write  price: { input: …, output: … }',
          },
        ]
      : []),
    ...addressProblems(config),
    ...knowledgeProblems(config),
  ],
  setup({ name, config, http, clock, log, sql, schedule }) {
    const model = makeModel({ ...config, maxTokens: config.limits.answer, tools: TOOLS, http })
    const search = makeSearch(config.knowledge ? readKnowledge(config.knowledge).entries : [])
    const spending = makeSpending({ sql, clock }, config.limits, config.price)
    schedule('1d', spending.trim)

    /** Asks until there is an answer: again after a moment when it is asked too often, with less when it was too much. */
    async function* ask(
      turn: BotTurn,
      signal: AbortSignal,
      used: (usage: Usage) => void,
    ): AsyncGenerator<string, Written> {
      const endsAtMs = clock.now() + config.answerWithin
      let said: readonly Said[] = config.history === 0 ? [] : await turn.history({ max: config.history })
      const before = said.findLast(({ by }) => by.kind === 'customer')?.text ?? ''
      const about = {
        prompt: config.prompt,
        language: turn.customer.language,
        knowledge: search(before, turn.text),
        tag: `customer-${Math.floor(turn.random() * 36 ** 8).toString(36)}`,
      }
      for (let mayWait = true; ; ) {
        try {
          return yield* model.ask(messagesFor({ ...about, said, text: turn.text }), { signal, used })
        } catch (error) {
          if (!(error instanceof ModelError)) throw error
          const { why, retryAfterMs = RETRY_AFTER_MS } = error
          if (why === 'too-long' && said.length > 0) said = said.slice(said.length - Math.floor(said.length / 4))
          else if (
            why === 'rate-limited' &&
            mayWait &&
            retryAfterMs <= MAX_RETRY_AFTER_MS &&
            clock.now() + retryAfterMs < endsAtMs
          ) {
            mayWait = false
            await wait(retryAfterMs, signal)
          } else throw error
        }
      }
    }

    async function wait(ms: number, signal: AbortSignal): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      signal.throwIfAborted()
      const cancel = clock.after(ms, resolve)
      signal.addEventListener('abort', () => reject(signal.reason))
      await promise.finally(cancel)
    }

    /** How its answer ends the turn: nothing but this can come of what a model writes. */
    function endBy({ text, call, ended }: Written, turn: BotTurn, next: Next, usage: Usage): Outcome {
      if (ended === 'refused') return without('The model refused to answer.', turn, next)
      const wish = call && wishOf(call)
      if (wish?.tool === 'hand_off') {
        const because = `the model asked for a person${wish.reason ? `: ${wish.reason}` : ''}`
        return turn.handOff({ say: config.handingOver, because })
      }
      if (wish) return turn.unknown(undefined, { because: 'the model said so' })
      if (text === '') return without('The model wrote nothing.', turn, next)
      const cost = spending.costOf(usage)
      const because = `${usage.input} + ${usage.output} tokens${cost === undefined ? '' : `, cost ${Number(cost.toPrecision(3))}`}`
      return turn.reply(ended === 'cut' ? `${text}…` : text, { because })
    }

    /** It has no answer, and that is no failure of anybody. */
    function without(because: string, turn: BotTurn, next: Next): Outcome {
      log.warn({ turn: turn.id }, `${name} (llm), bot: ${because}`)
      return config.passOn ? next() : turn.unknown(config.fallback, { because })
    }

    return {
      async *answer(turn, next) {
        if (turn.text.trim() === '') return turn.unknown()
        const { signal, conversation } = turn
        const refusal = await spending.refusal(conversation.id)
        if (refusal !== undefined) return without(refusal, turn, next)
        const late = () => new Error(`The model did not answer within ${config.answerWithin / 1000} s.`)
        const limit = limitOf({ signals: [signal], clock, ms: config.answerWithin, late })
        let usage: Usage = { input: 0, output: 0 }
        const used = ({ input, output }: Usage) => {
          usage = { input: usage.input + input, output: usage.output + output }
        }
        try {
          const written = yield* ask(turn, limit.signal, used)
          return endBy(written, turn, next, usage)
        } catch (error) {
          if (signal.aborted) throw error
          if (!config.passOn && config.fallback === undefined) throw error
          log.error({ turn: turn.id, error }, `${name} (llm), bot: ${messageOf(error)}`)
          return config.passOn ? next() : turn.unknown(config.fallback, { because: messageOf(error) })
        } finally {
          limit.release()
          if (usage.input + usage.output > 0) await add(conversation.id, usage)
        }
      },
    }

    async function add(conversation: string, usage: Usage): Promise<void> {
      try {
        await spending.add(conversation, usage)
      } catch (error) {
        log.error({ error, ...usage }, `${name} (llm): what was used could not be noted: ${messageOf(error)}`)
      }
    }
  },
})

function knowledgeProblems({ knowledge }: z.output<typeof Settings>) {
  if (!knowledge) return []
  const { mistake } = readKnowledge(knowledge)
  return mistake ? [{ path: ['knowledge'], ...mistake }] : []
}
