/** What a bot answers: the contract of the README, checked, and made into the end of a turn. */
import { type BotTurn, eventStream, type Next, type Outcome, say, z } from '#core'

/** What a bot may keep of one chat, as JSON. */
const MAX_STATE_BYTES = 4_096

/** What is kept of a chat: whatever the bot has sent as `state`. */
export const State = z.object({ kept: z.json().default(null) })
export type Asked = BotTurn<typeof State>

/** Checking takes time for each value, and every chat waits for it. */
const MAX_VALUES = 5_000
const MAX_LEVELS = 64

/** An answer that came whole, and that cannot be used. It fails the turn that it was for, and says nothing of the next. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer'
}

const yes = z.literal(true)
const because = z.string().min(1).max(500).nullish()

const state = z
  .json()
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= MAX_STATE_BYTES, 'is larger than 4 KB')

/** How an answer may end a turn; at most one of these. */
const ENDS = ['handOff', 'close', 'unknown', 'pass'] as const

export const Keys = z
  .strictObject({
    content: say().optional(),
    choices: z
      .array(z.strictObject({ id: z.string().min(1).max(512), label: z.string().min(1).max(1_024) }))
      .min(1)
      .max(100)
      .optional(),
    handOff: z.union([yes, z.strictObject({ because, team: z.string().min(1).nullish() })]).optional(),
    close: z.union([yes, z.strictObject({ because })]).optional(),
    unknown: yes.optional(),
    pass: yes.optional(),
    intent: z.string().min(1).max(200).optional(),
    guided: z.boolean().optional(),
    state: state.optional(),
  })
  .superRefine((answer, context) => {
    const ends = ENDS.filter((key) => answer[key] !== undefined)
    const refuse = (message: string) => context.addIssue({ code: 'custom', message })
    if (ends.length > 1) refuse(`has ${ends.join(' and ')}, and may have one of them`)
    if (answer.choices && typeof answer.content !== 'string') refuse('has choices, so content must be a text')
    if (answer.pass && answer.content !== undefined) refuse('has pass and content, and who passes says nothing')
    if (ends.length > 0) return
    if (answer.content === undefined) refuse(`has none of content, ${ENDS.join(', ')}`)
    else if (!answer.choices && isBlank(answer.content))
      refuse(`has nothing in content, and none of ${ENDS.join(', ')}`)
  })

/** What other languages write for a key that they leave out; of `state` it is a value. */
export const Answer = z.preprocess(
  (answer) =>
    typeof answer === 'object' && answer !== null && !Array.isArray(answer)
      ? Object.fromEntries(
          Object.entries(answer).filter(([key, value]) => key === 'state' || (value !== null && value !== false)),
        )
      : answer,
  Keys,
)
export type Answer = z.output<typeof Answer>

/** What a stream consists of: pieces of text, and at last the answer. */
const Streamed = z.union([z.strictObject({ delta: z.string() }), z.strictObject({ answer: z.looseObject({}) })])

/** Reads the body of a response, with the text so far of an answer that is streamed. Throws when it is not as agreed. */
export async function* readAnswer(response: Response): AsyncGenerator<string, Answer> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    return checked(Answer, parsed(await response.text()))
  }
  let text = ''
  for await (const data of eventStream(response)) {
    const piece = checked(Streamed, parsed(data))
    if ('answer' in piece) return checked(Answer, text === '' ? piece.answer : { content: text, ...piece.answer })
    text += piece.delta
    yield text
  }
  throw new Error('It broke off in the middle of its answer.')
}

/** Ends the turn as the bot wants it. What it keeps is kept only when its answer is one. */
export function endBy(answer: Answer, turn: Asked, next: Next): Outcome {
  const outcome = outcomeOf(answer, turn, next)
  if (answer.state !== undefined) turn.state.kept = answer.state
  return outcome
}

function outcomeOf(answer: Answer, turn: Asked, next: Next): Outcome {
  const { content, choices, handOff, close, intent, guided } = answer
  const said = choices && typeof content === 'string' ? { type: 'choices' as const, prompt: content, choices } : content
  if (answer.pass) return next()
  if (answer.unknown) return turn.unknown(said)
  if (handOff) {
    const { because, team } = handOff === true ? {} : handOff
    return turn.handOff({
      say: said,
      because: because ?? 'the bot asked for a person',
      to: team ? { team } : undefined,
    })
  }
  if (close) {
    const { because } = close === true ? {} : close
    return turn.close({ say: said, because: because ?? 'the bot closed it' })
  }
  return turn.reply(said ?? '', { intent, guided })
}

/** Whether there is nothing to be seen in it: a text, parts, or, of a map of languages, one of them. */
function isBlank(content: unknown): boolean {
  if (typeof content === 'string') return content.trim() === ''
  if (Array.isArray(content)) return content.every(isBlank)
  if (typeof content !== 'object' || content === null) return false
  if ('type' in content) return content.type === 'text' && 'text' in content && isBlank(content.text)
  return Object.values(content).some(isBlank)
}

export function parsed(text: string): unknown {
  const value = fromJson(text)
  if (isTooMuch(value))
    throw new UnusableAnswer(`Its answer has more than ${MAX_VALUES} values, or more than ${MAX_LEVELS} levels.`)
  return value
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UnusableAnswer(text === '' ? 'It answered nothing.' : 'It answered with something that is not JSON.')
  }
}

function isTooMuch(value: unknown): boolean {
  let left = MAX_VALUES
  let level = [value]
  for (let levels = 0; level.length > 0; levels++) {
    left -= level.length
    if (left < 0 || levels > MAX_LEVELS) return true
    level = level.flatMap((one): unknown[] => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return false
}

/**
 * What it should be, or an error that says where it first is not. What was answered is not repeated: customers may be
 * quoted in it.
 */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value)
  if (!error) return data
  const where = z.prettifyError(new z.ZodError(error.issues.slice(0, 1)))
  throw new UnusableAnswer(`Its answer is not as agreed. ${/^.{0,500}/su.exec(where)?.[0] ?? ''}`)
}
