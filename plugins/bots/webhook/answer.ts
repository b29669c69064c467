/** What a bot answers: the contract of the README, checked, and made into the end of a turn. */
import { type BotTurn, eventStream, type Next, type Outcome, say, z } from '#core'

/** What a bot may keep of one chat, as JSON. */
const MAX_STATE_BYTES = 4_096

/** What is kept of a chat: whatever the bot has sent as `state`. */
export const State = z.object({ kept: z.json().default(null) })
export type Asked = BotTurn<typeof State>

const yes = z.literal(true)
const because = z.string().min(1).max(500).optional()

const state = z
  .json()
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= MAX_STATE_BYTES, 'is larger than 4 KB')

/** How an answer may end a turn; at most one of these. */
const ENDS = ['handOff', 'close', 'unknown', 'pass'] as const

export const Answer = z
  .strictObject({
    content: say().optional(),
    choices: z
      .array(z.strictObject({ id: z.string().min(1).max(512), label: z.string().min(1).max(1_024) }))
      .min(1)
      .max(100)
      .optional(),
    handOff: z.union([yes, z.strictObject({ because, team: z.string().min(1).optional() })]).optional(),
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
    if (ends.length === 0 && answer.content === undefined) refuse(`has none of content, ${ENDS.join(', ')}`)
  })
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
    const { because = 'the bot asked for a person', team } = handOff === true ? {} : handOff
    return turn.handOff({ say: said, because, to: team === undefined ? undefined : { team } })
  }
  if (close) {
    const { because = 'the bot closed it' } = close === true ? {} : close
    return turn.close({ say: said, because })
  }
  return turn.reply(said ?? '', { intent, guided })
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(text === '' ? 'It answered nothing.' : 'It answered with something that is not JSON.')
  }
}

/** What it should be, or an error that says where it is not. What was answered is not repeated: customers may be quoted in it. */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value)
  if (error) throw new Error(`Its answer is not as agreed. ${z.prettifyError(error).slice(0, 500)}`)
  return data
}
