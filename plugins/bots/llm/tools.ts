/**
 * What the model may ask for besides writing. These are the only gates: whatever it has been talked into, nothing else
 * can come of what it writes.
 */
import type OpenAI from 'openai'
import { z } from '#core'
import { beginningOf } from './characters.ts'

/** Longest reason that is kept; agents read it. */
const MAX_REASON_CHARS = 300
/** Longest arguments that are looked at, as JSON. */
export const MAX_ARGUMENTS_CHARS = 4_000

const arguments_ = {
  hand_off: z.strictObject({
    reason: z.string().optional().describe('Why, in a few words for the person who takes over.'),
  }),
  not_known: z.strictObject({}),
}

const descriptions: { readonly [tool in keyof typeof arguments_]: string } = {
  hand_off: 'Gets a person to take over the conversation: when the customer asks for one, complains, or needs one.',
  not_known: 'Says that you do not know the answer. Use it instead of guessing.',
}

/** As the model is shown them. */
export const TOOLS: OpenAI.Chat.ChatCompletionFunctionTool[] = (['hand_off', 'not_known'] as const).map((name) => {
  const { $schema: _, ...parameters } = z.toJSONSchema(arguments_[name], { io: 'input' })
  return { type: 'function', function: { name, description: descriptions[name], parameters } }
})

/** What the model wants done. */
export type Wish = { readonly tool: 'hand_off'; readonly reason: string | undefined } | { readonly tool: 'not_known' }

/** Reads a call. Throws when it is none of the declared tools, or its arguments are not as declared. */
export function wishOf(call: { readonly name: string; readonly arguments: string }): Wish {
  const given = parsed(call.arguments)
  if (call.name === 'hand_off') {
    const { reason } = fitting(arguments_.hand_off, given)
    return { tool: 'hand_off', reason: reason && oneLine(reason) }
  }
  if (call.name === 'not_known') {
    fitting(arguments_.not_known, given)
    return { tool: 'not_known' }
  }
  throw new Error('The model called a tool that it was not given.')
}

/** What a model does not want to say it leaves out, leaves empty, or calls null. */
function parsed(json: string): unknown {
  if (json.trim() === '') return {}
  const given = fromJson(json)
  if (given === null) return {}
  if (typeof given !== 'object' || Array.isArray(given)) return given
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
}

function fromJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw new Error('The model called a tool with arguments that are not JSON.')
  }
}

function fitting<T>(schema: z.ZodType<T>, given: unknown): T {
  const { data, error } = schema.safeParse(given)
  if (error) throw new Error('The model called a tool with arguments that it does not take.')
  return data
}

function oneLine(text: string): string {
  return beginningOf(text.replace(/[\s\p{C}]+/gu, ' ').trim(), MAX_REASON_CHARS)
}
