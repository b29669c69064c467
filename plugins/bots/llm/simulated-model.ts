/** A model that speaks the OpenAI protocol as far as this bot uses it, and checks that the bot does. For tests. */
import { expect } from 'vitest'
import { z } from '#core'
import { type TestServer, testServer } from '#core/testing'

const Message = z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })
const Tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.enum(['hand_off', 'not_known']),
    description: z.string().min(1),
    parameters: z.looseObject({ type: z.literal('object'), additionalProperties: z.literal(false) }),
  }),
})
const Asked = z.strictObject({
  model: z.literal('small-1'),
  stream: z.literal(true),
  stream_options: z.strictObject({ include_usage: z.literal(true) }),
  max_tokens: z.number(),
  messages: z.tuple([z.strictObject({ role: z.literal('system'), content: z.string() })], Message),
  tools: z.tuple([Tool, Tool]),
})
export type Asked = z.infer<typeof Asked>

/** One thing that is streamed: a piece of text, any delta, a whole chunk, or bytes as they are. */
export type Streamed = string | { readonly delta: object } | { readonly chunk: unknown } | { readonly raw: string }
export type Stream = Iterable<Streamed> | AsyncIterable<Streamed>

export interface FakeModel extends TestServer {
  readonly asked: readonly Asked[]
}

export const KEY = 'sk-between-us-two'

/** Streams a text as a model does: its pieces, how it ended, what it used. */
export function* writes(...pieces: readonly string[]): Generator<Streamed> {
  yield { delta: { role: 'assistant', content: '' } }
  yield* pieces
  yield* ends('stop')
}

/** Calls a tool as a model does: its name, then its arguments in pieces. */
export function* calls(name: string, args: string): Generator<Streamed> {
  const call = (part: object) => ({ delta: { tool_calls: [{ index: 0, type: 'function', ...part }] } })
  yield call({ id: 'call_1', function: { name, arguments: '' } })
  const size = Math.max(5, args.length >> 4)
  for (let at = 0; at < args.length; at += size) yield call({ function: { arguments: args.slice(at, at + size) } })
  yield* ends('tool_calls')
}

export function* ends(reason: string, usage: object | undefined = { prompt_tokens: 100, completion_tokens: 20 }) {
  yield { chunk: { choices: [{ index: 0, delta: {}, finish_reason: reason }] } }
  if (usage) yield { chunk: { choices: [], usage } }
  yield { raw: 'data: [DONE]\n\n' }
}

/** What was said, by whom, with the tag that is another one each time written as `customer`. */
export function said({ messages: [system, ...said] }: Asked): readonly Asked['messages'][number][] {
  const tag = tagOf(system.content)
  return said.map(({ role, content }) => ({ role, content: content.replaceAll(tag, 'customer') }))
}

/** The tag that customers' words stand between. */
export function tagOf(system: string): string {
  return /<(customer-[a-z0-9]+)>/.exec(system)?.[1] ?? 'no tag'
}

/** A provider's error. */
export function refuses(status: number, error: object, headers: { readonly [name: string]: string } = {}): Response {
  return Response.json({ error }, { status, headers })
}

/** Ours, and those of any request. */
const HEADERS = new Set([
  ...['authorization', 'content-type', 'accept', 'host', 'connection', 'content-length', 'user-agent'],
  ...['accept-encoding', 'accept-language', 'sec-fetch-mode', 'transfer-encoding'],
])

/** `answer` says what is streamed to each request, by its number from 1 on. */
export async function fakeModel(
  answer: (asked: Asked, nth: number, signal: AbortSignal) => Stream | Response,
  options: { readonly key?: string | undefined } = { key: KEY },
): Promise<FakeModel> {
  const all: Asked[] = []
  const server = await testServer(async (request) => {
    expect(`${request.method} ${new URL(request.url).pathname}`).toBe('POST /v1/chat/completions')
    if (request.headers.get('authorization') !== (options.key === undefined ? null : `Bearer ${options.key}`)) {
      const message = `Incorrect API key provided: ${request.headers.get('authorization')}`
      return refuses(401, { message, code: 'invalid_api_key' })
    }
    expect([...request.headers.keys()].filter((name) => !HEADERS.has(name))).toEqual([])
    const asked = Asked.parse(await request.json())
    all.push(asked)
    const answered = answer(asked, all.length, request.signal)
    if (answered instanceof Response) return answered
    return new Response(ReadableStream.from(encoded(answered)), { headers: { 'content-type': 'text/event-stream' } })
  })
  return Object.assign(server, { asked: all })
}

/** In small pieces, cut wherever they like: in the middle of lines and characters. */
async function* encoded(stream: Stream): AsyncGenerator<Uint8Array> {
  for await (const one of stream) {
    const bytes = Buffer.from(
      typeof one === 'object' && 'raw' in one ? one.raw : `data: ${JSON.stringify(chunkOf(one))}\n\n`,
    )
    const size = Math.max(7, bytes.length >> 6)
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
}

function chunkOf(one: Exclude<Streamed, { raw: string }>): unknown {
  if (typeof one === 'string') return { choices: [{ index: 0, delta: { content: one }, finish_reason: null }] }
  return 'chunk' in one ? one.chunk : { choices: [{ index: 0, delta: one.delta, finish_reason: null }] }
}
