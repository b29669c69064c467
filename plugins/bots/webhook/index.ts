import {
  bytes,
  capped,
  defineBot,
  duration,
  httpUrl,
  limitOf,
  messageOf,
  type Next,
  type Outcome,
  SwitchboardError,
  say,
  secret,
  z,
} from '#core'
import { type Asked, endBy, readAnswer, State, UnusableAnswer } from './answer.ts'
import { LeftAlone, makeCircuit } from './circuit.ts'
import { rasaBody, readRasaAnswer } from './rasa.ts'
import { bodyOf, headersOf } from './request.ts'

/** The core gives a bot 60 s; what is said when it does not answer needs some of them. */
const MAX_ANSWER_MS = 55_000
const MIN_MS = 1_000
const MAX_PAUSE_MS = 3_600_000
const MIN_ANSWER_BYTES = 1 << 10
const MAX_ANSWER_BYTES = 10 << 20
const HISTORY = 20

export default defineBot({
  name: 'webhook',
  summary: 'Asks a bot of your own, or a Rasa assistant, by HTTP.',
  config: z.strictObject({
    url: httpUrl().describe('Where the bot listens.'),
    secret: secret().optional().describe('Signs every request. Only a Rasa assistant can do without.'),
    protocol: z
      .enum(['switchboard', 'rasa'])
      .default('switchboard')
      .describe('How it is asked: as below, or as the REST channel of Rasa.'),
    history: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe(`How many messages from before it is told. Left out, ${HISTORY}; Rasa is told none.`),
    answerWithin: duration('20s').describe('How long it may take, at most 55s.'),
    maxAnswer: bytes('1MB').describe('How large its answer may be, at most 10MB.'),
    fallback: say()
      .optional()
      .describe('What is said when it does not answer; counts as unknown. Left out, texts.fallback, and as a failure.'),
    passOn: z.boolean().default(false).describe('The route’s next bot is asked when this one does not answer.'),
    pauseAfter: z.int().min(1).default(5).describe('After so many failures in a row it is left alone.'),
    pauseFor: duration('30s').describe('For how long, at most 1h. Then one request tries whether it answers again.'),
  }),
  state: State,
  check: ({ protocol, secret, history, answerWithin, maxAnswer, fallback, passOn, pauseFor }) => [
    ...(protocol === 'switchboard' && secret === undefined
      ? [
          {
            path: ['secret'],
            message: 'Without a secret the bot cannot tell who asks.',
            instead: `Write  secret: \${BOT_SECRET}`,
          },
        ]
      : []),
    ...(protocol === 'rasa' && history !== undefined
      ? [{ path: ['history'], message: 'Rasa is told nothing of what was said before.', instead: 'Leave it out.' }]
      : []),
    ...(answerWithin < MIN_MS || answerWithin > MAX_ANSWER_MS
      ? [{ path: ['answerWithin'], message: 'A bot has 60 s in all.', instead: 'Write from 1s to 55s.' }]
      : []),
    ...(maxAnswer < MIN_ANSWER_BYTES || maxAnswer > MAX_ANSWER_BYTES
      ? [{ path: ['maxAnswer'], message: 'No answer has this size.', instead: 'Write from 1KB to 10MB.' }]
      : []),
    ...(pauseFor < MIN_MS || pauseFor > MAX_PAUSE_MS
      ? [{ path: ['pauseFor'], message: 'That is no pause after which to try again.', instead: 'Write from 1s to 1h.' }]
      : []),
    ...(fallback !== undefined && passOn
      ? [{ path: ['passOn'], message: 'It cannot both say its fallback and pass on.', instead: 'Write one of them.' }]
      : []),
  ],
  setup({ name, config, http, clock, log }) {
    const isRasa = config.protocol === 'rasa'
    const circuit = makeCircuit({ failures: config.pauseAfter, pauseMs: config.pauseFor, clock, log })

    /** One request. The time limit goes on until the last byte of a stream. */
    async function* ask(turn: Asked, next: Next, body: string, signal: AbortSignal): AsyncGenerator<string, Outcome> {
      const headers = headersOf(body, turn.id, config.secret, clock.now())
      const asked = http(config.url, { method: 'POST', redirect: 'manual', headers, body, signal })
      const response = await asked.catch((error: unknown) => {
        if (!(error instanceof TypeError)) throw error
        throw new Error(`It cannot be reached: ${messageOf(error.cause ?? error)}.`, { cause: error })
      })
      const { status } = response
      if (!response.ok) await response.body?.cancel()
      // A redirect would carry what customers write to an address that nobody wrote down.
      if (status >= 300 && status < 400)
        throw new UnusableAnswer(`It answered with a redirect (HTTP ${status}). Write the address behind it as url.`)
      const said = `It answered with HTTP ${status}.`
      if (!response.ok) throw status >= 500 || status === 429 ? new Error(said) : new UnusableAnswer(said)
      const limited = capped(response, config.maxAnswer)
      try {
        const answer = isRasa ? await readRasaAnswer(limited) : yield* readAnswer(limited)
        return endBy(answer, turn, next)
      } catch (error) {
        if (!(error instanceof TypeError) || signal.aborted) throw error
        throw new Error('It broke off in the middle of its answer.', { cause: error })
      }
    }

    return {
      async *answer(turn, next) {
        const body = isRasa ? rasaBody(turn) : await bodyOf(turn, name, config.history ?? HISTORY)
        if (body === undefined) return turn.unknown()
        const { signal } = turn
        const late = () => new Error(`It did not answer within ${config.answerWithin / 1000} s.`)
        const limit = limitOf({ signals: [signal], clock, ms: config.answerWithin, late })
        let call: Awaited<ReturnType<typeof circuit.enter>> | undefined
        try {
          call = await circuit.enter()
          const outcome = yield* ask(turn, next, body, limit.signal)
          call.answered()
          return outcome
        } catch (error) {
          if (signal.aborted) throw error
          if (isAnswer(error)) call?.answered()
          else call?.failed(error)
          if (!config.passOn && config.fallback === undefined) throw error
          const isTold = error instanceof LeftAlone
          if (!isTold) log.error({ turn: turn.id, error }, `${name} (webhook), bot: ${messageOf(error)}`)
          return config.fallback === undefined ? next() : turn.unknown(config.fallback, { because: messageOf(error) })
        } finally {
          limit.release()
          call?.givenUp()
        }
      },
    }
  },
})

/** Whether it has answered, though with something that cannot be used: one customer's words may be enough for that. */
function isAnswer(error: unknown): boolean {
  const isOfUs = error instanceof SwitchboardError
  return error instanceof UnusableAnswer || (isOfUs && ['HTTP_TOO_LARGE', 'PLUGIN_BAD_CONTENT'].includes(error.code))
}
