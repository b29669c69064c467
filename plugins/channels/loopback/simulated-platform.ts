/** The other side of a loopback channel, for its tests: signs what it asks, and takes only what is signed and known. */
import { z } from '#core'
import { type ChannelAddress, type Shown, type SimulatedPlatform, testServer } from '#core/testing'
import { isSigned, signedHeaders } from './signature.ts'

/** What both sides know. */
export const SECRET = 'loopback-secret'

const File = z.strictObject({
  type: z.enum(['image', 'file']),
  url: z.url(),
  name: z.string(),
  mimeType: z.string(),
  sizeBytes: z.number(),
})
const Message = z.strictObject({
  /** Only in what is fetched: its number. */
  n: z.int().positive().optional(),
  id: z.string().min(1),
  chat: z.string().min(1),
  inReplyTo: z.string().optional(),
  part: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('text'), text: z.string().min(1).max(4_000) }),
    File,
    z.strictObject({ type: z.literal('link'), url: z.url(), title: z.string(), description: z.string() }),
    z.strictObject({
      type: z.literal('choices'),
      prompt: z.string(),
      choices: z.array(z.strictObject({ id: z.string(), label: z.string() })).max(20),
    }),
  ]),
})
const Answered = z.strictObject({ reply: Message.optional() })
const Fetched = z.strictObject({ sent: z.array(Message) })

/** How it refuses, by name. */
const REFUSALS: { readonly [refusal: string]: () => Response } = {
  'wrong secret': () => new Response('who are you?', { status: 403 }),
  'no such chat': () => new Response('no such chat', { status: 404 }),
  'not like this': () => new Response('too silly', { status: 422 }),
  'too fast': () => new Response('slow down', { status: 429, headers: { 'retry-after': '7' } }),
  'under repair': () => new Response('later', { status: 503 }),
}

/** Its address is for `sendTo`. `shown` gives what was posted there; `fetched`, what waits at the channel. */
export async function startPlatform(): Promise<
  SimulatedPlatform & {
    readonly url: string
    fetched(chat: string, channel: ChannelAddress): Promise<readonly Shown[]>
  }
> {
  const taken = new Map<string, z.infer<typeof Message>>()
  let refused: string | undefined
  const server = await testServer(async (request) => {
    const body = await request.text()
    const headers = Object.fromEntries(request.headers)
    if (!isSigned(SECRET, headers, body, Number(headers['x-timestamp']))) return new Response('', { status: 401 })
    if (refused !== undefined) return REFUSALS[refused]?.() ?? new Response('', { status: 500 })
    const message = Message.parse(JSON.parse(body))
    // The same message may come again after a crash: its id says so.
    if (!taken.has(message.id)) taken.set(message.id, message)
    return new Response()
  })
  return {
    url: `${server.url}/messages`,
    message: (said) => JSON.stringify(said),
    request: (bytes, { url, nowMs }) =>
      new Request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signedHeaders(SECRET, nowMs, bytes) },
        body: bytes,
      }),
    signature: { header: 'x-signature' },
    shown: (chat) => [...taken.values()].filter((message) => message.chat === chat).map(({ part }) => part),
    answerIn: (body) => Answered.safeParse(JSON.parse(body)).data?.reply?.part,
    async fetched(chat, { url, nowMs }) {
      const query = String(new URLSearchParams({ chat }))
      const response = await fetch(`${url}/sent?${query}`, { headers: signedHeaders(SECRET, nowMs, query) })
      return Fetched.parse(await response.json()).sent.map(({ part }) => part)
    },
    refuse(refusal) {
      refused = refusal
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
