/** One request to the model, and what it streams: read with distrust. */
import OpenAI, { APIConnectionError, APIError } from 'openai'
import { capped, messageOf, SwitchboardError, z } from '#core'
import type { Usage } from './spending.ts'
import { MAX_ARGUMENTS_CHARS } from './tools.ts'

/** Far above what an answer takes, with all that is streamed around its words. */
const MAX_RESPONSE_BYTES = 8 << 20
/** More characters than a token ever has on average, in any language. */
const MAX_CHARS_PER_TOKEN = 16

/** Only for the books: an answer is none the worse for it. */
const count = z.int().min(0).nullish().catch(undefined)

const Chunk = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            refusal: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: z.int().min(0).max(100).nullish(),
                  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z.object({ prompt_tokens: count, completion_tokens: count }).nullish().catch(undefined),
})

/** What has come of a request. */
export interface Written {
  readonly text: string
  /** Only the first tool that it called counts. */
  readonly call: { readonly name: string; readonly arguments: string } | undefined
  readonly ended: 'whole' | 'cut' | 'refused'
}

export type Messages = OpenAI.Chat.ChatCompletionMessageParam[]

export interface Model {
  /**
   * Yields the text so far. `used` is called once if the model has begun to answer, or was given up before it had: with
   * what it says that it used, or with an estimate. Throws `ModelError`, or the reason of the signal.
   */
  ask(
    messages: Messages,
    options: { readonly signal: AbortSignal; used(usage: Usage): void },
  ): AsyncGenerator<string, Written>
}

/** Why the model has not answered, in words that hold nothing of what was said: `code` is the provider's. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly why: 'rate-limited' | 'too-long' | 'other'
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    why: ModelError['why'],
    more: { retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause })
    this.why = why
    this.retryAfterMs = more.retryAfterMs
  }
}

export function makeModel(options: {
  readonly url: string
  readonly key?: string | undefined
  readonly model: string
  readonly maxTokens: number
  readonly tools: OpenAI.Chat.ChatCompletionFunctionTool[]
  readonly http: typeof fetch
}): Model {
  const { url, key, model, maxTokens, tools, http } = options
  // Only these: the SDK would add what kind of machine this is, and what it finds in the environment.
  const headers = {
    'content-type': 'application/json',
    accept: 'text/event-stream',
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  }
  const client = new OpenAI({
    baseURL: url,
    apiKey: 'goes-with-the-headers',
    maxRetries: 0,
    logLevel: 'off',
    // A redirect would carry the key and what customers write to an address that nobody wrote down.
    fetch: async (input, init) =>
      capped(await http(input, { ...init, headers, redirect: 'manual' }), MAX_RESPONSE_BYTES),
  })

  return {
    async *ask(messages, { signal, used }) {
      let input: number | undefined
      let output: number | undefined
      let isAnswering = false
      let text = ''
      let call: { name: string; arguments: string } | undefined
      let isRefused = false
      let finish: string | undefined
      try {
        const stream = await client.chat.completions.create(
          {
            model,
            messages,
            tools,
            stream: true,
            stream_options: { include_usage: true },
            ...tokenLimit(url, maxTokens),
          },
          { signal },
        )
        isAnswering = true
        for await (const streamed of stream) {
          const chunk = Chunk.parse(streamed)
          input = chunk.usage?.prompt_tokens ?? input
          output = chunk.usage?.completion_tokens ?? output
          const [choice] = chunk.choices ?? []
          if (choice?.delta?.refusal) isRefused = true
          for (const { index, function: part } of choice?.delta?.tool_calls ?? []) {
            if (index) continue
            call ??= { name: '', arguments: '' }
            // Some repeat it with every piece of the arguments.
            call.name ||= part?.name ?? ''
            call.arguments += part?.arguments ?? ''
            if (call.name.length + call.arguments.length > MAX_ARGUMENTS_CHARS) throw endless()
          }
          finish = choice?.finish_reason ?? finish
          const piece = choice?.delta?.content
          if (!piece) continue
          text += piece
          if (text.length > maxTokens * MAX_CHARS_PER_TOKEN) throw endless()
          if (!isRefused && !call) yield text
        }
        // The SDK ends a stream that was aborted as if it were whole.
        signal.throwIfAborted()
      } catch (error) {
        throw signal.aborted ? signal.reason : told(error, isAnswering)
      } finally {
        if (isAnswering || signal.aborted) {
          input ??= estimated(JSON.stringify([messages, tools]))
          output ??= estimated(text + (call ? call.name + call.arguments : ''))
          used({ input, output })
        }
      }
      if (finish === undefined) throw new ModelError('The model broke off in the middle of its answer.', 'other')
      text = text.trim().toWellFormed()
      if (isRefused || finish === 'content_filter') return { text, call, ended: 'refused' }
      if (finish !== 'length') return { text, call, ended: 'whole' }
      if (text === '' || call) throw new ModelError(usedUp(maxTokens), 'other')
      return { text, call, ended: 'cut' }
    },
  }
}

/**
 * OpenAI has given the limit a new name, and its reasoning models refuse the old one; of the servers that speak its
 * protocol, not all know the new one.
 * Source: the documentation of `max_tokens` in the openai package 7.57.0, read 2026-11-22.
 */
export function tokenLimit(url: string, maxTokens: number): { max_completion_tokens: number } | { max_tokens: number } {
  return new URL(url).hostname.endsWith('.openai.com')
    ? { max_completion_tokens: maxTokens }
    : { max_tokens: maxTokens }
}

/** How many tokens a text has at most, or nearly: a Chinese character has three bytes and about one token. */
function estimated(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 3)
}

function usedUp(maxTokens: number): string {
  return `The model used its ${maxTokens} tokens before it had answered: raise limits.answer. What a reasoning model thinks counts too.`
}

function endless(): ModelError {
  return new ModelError('The model wrote more than it was allowed to.', 'other')
}

/** What providers say when the request does not fit the model. */
const TOO_LONG = /context.?(length|window|size)|maximum context|prompt is too long|too many (input )?tokens/i

/**
 * Of what a provider says only its status and code are told: its words may quote the customer, or the key. What the
 * connection says is kept.
 */
function told(error: unknown, isAnswering: boolean): unknown {
  if (error instanceof ModelError) return error
  if (error instanceof z.ZodError) return new ModelError('What the model streams is not as agreed.', 'other')
  if (error instanceof SyntaxError) return new ModelError('The model streams something that is not JSON.', 'other')
  const causes = causesOf(error)
  const own = causes.find((cause) => cause instanceof SwitchboardError)
  if (own) return own
  if (!isAnswering && (error instanceof APIConnectionError || !(error instanceof APIError))) {
    const cause = causes.find((cause) => !(cause instanceof APIError) && 'code' in cause) ?? causes.at(-1) ?? error
    return new ModelError(`The model cannot be reached: ${messageOf(cause)}.`, 'other', { cause })
  }
  if (!(error instanceof APIError))
    return new ModelError('The model broke off in the middle of its answer.', 'other', { cause: error })
  const { status, code, type, message, headers } = error
  const name = [code, type].find((one) => typeof one === 'string' && /^[\w.-]{1,60}$/.test(one))
  const said = `The model answered with ${status === undefined ? 'an error' : `HTTP ${status}`}${name ? ` (${name})` : ''}.`
  const isTooLong = (status === 400 || status === 413) && (code === 'context_length_exceeded' || TOO_LONG.test(message))
  const retryAfter = Number(headers?.get('retry-after') ?? Number.NaN)
  return new ModelError(said, status === 429 ? 'rate-limited' : isTooLong ? 'too-long' : 'other', {
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1_000 : undefined,
  })
}

/** An error and what it comes from, down to the first of all. */
function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = []
  for (let cause = error; cause instanceof Error && !causes.includes(cause); cause = cause.cause) causes.push(cause)
  return causes
}
