/** A small webhook platform and a sound channel for it, of which every piece can be exchanged for a broken one. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import {
  ALWAYS,
  type Capabilities,
  type Clock,
  type Delivery,
  DeliveryError,
  defineChannel,
  type InboundEvent,
  type Log,
  type Plugin,
  z,
} from '../../../core/index.ts'
import {
  type ChannelContract,
  type ContractCheck,
  channelContract,
  type Shown,
  type SimulatedPlatform,
  testServer,
} from '../../../core/testing/index.ts'

const SECRET = 'pager-secret'
const Page = z.object({ id: z.string(), chat: z.string(), text: z.string(), atMs: z.number() })
const Message: z.ZodType<{ readonly to: string; readonly part: Shown }> = z.object({
  to: z.string(),
  part: z.discriminatedUnion('type', [
    z.object({ type: z.literal('text'), text: z.string() }),
    z.object({ type: z.literal('image'), url: z.url() }),
    z.object({ type: z.literal('link'), url: z.url(), title: z.string() }),
  ]),
})
const Answer = z.object({ answer: Message.optional() })

function sign(body: string): string {
  return createHmac('sha256', SECRET).update(body).digest('hex')
}

/** How a pager channel is made. Every piece is sound; the broken channels exchange one. */
export interface Pieces {
  /** Whether what a request shows as its signature is the one that it should be. */
  isSigned(given: string, expected: string): boolean
  toEvent(body: string): InboundEvent
  /** Gives the event to the core; resolves with what to answer. */
  take(event: InboundEvent, context: Given): Promise<Delivery | undefined>
  /** What is written into the response. */
  respond(answer: Delivery | undefined): object
  /** What is posted to the platform for a message. */
  toMessage(delivery: Delivery): object
  /** What the platform has to say about it. */
  read(response: Response): Promise<string>
  /** What that means; throws what `send` throws. */
  judge(status: number, said: string): void
  account(): string
  capabilities(): Capabilities
  /** Whatever else is done in `setup`. */
  also(context: Given): void
}

/** What of the context the pieces use. */
interface Given {
  readonly log: Log
  readonly clock: Clock
  receive(event: InboundEvent): Promise<Delivery | undefined>
  onDispose(release: () => void): void
}

const SOUND: Pieces = {
  isSigned: (given, expected) =>
    given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected)),
  toEvent(body) {
    const json = z
      .string()
      .transform((text, context): unknown => {
        try {
          return JSON.parse(text)
        } catch {
          context.addIssue('no JSON')
          return z.NEVER
        }
      })
      .parse(body)
    const { id, chat, text, atMs } = Page.parse(json)
    return { id, chat, atMs, grants: 'message', type: 'message', parts: [{ type: 'text', text }] }
  },
  take: (event, { receive }) => receive(event),
  respond: (answer) => ({ answer: answer && { to: answer.chat, part: answer.part } }),
  toMessage: ({ chat, part }) => ({ to: chat, part }),
  read: (response) => response.text(),
  judge(status, said) {
    if (status === 200) return
    if (status === 401) throw new DeliveryError('CHANNEL_TOKEN', { scope: 'channel', message: `401 ${said}` })
    throw new DeliveryError('CHANNEL_REFUSED', { message: `${status} ${said}` })
  },
  account: () => 'pager',
  capabilities: () => ({
    sends: { text: { maxChars: 500 }, image: {} },
    inline: { withinMs: 5_000 },
    later: [ALWAYS],
    showsIdentity: 'none',
  }),
  also() {},
}

/** A channel for the pager platform: sound but for these pieces, which are made anew for each that is set up. */
export function pager(broken: () => Partial<Pieces> = () => ({})): Plugin {
  const make = (): Pieces => ({ ...SOUND, ...broken() })
  const { account, capabilities } = make()
  return defineChannel({
    name: 'pager',
    summary: 'Pages people.',
    config: z.strictObject({ sendTo: z.url() }),
    account: () => account(),
    capabilities: () => capabilities(),
    setup(context) {
      const pieces = make()
      const { config, http, web } = context
      pieces.also(context)
      web.removeAllContentTypeParsers()
      web.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body))
      web.post('/', async ({ body, headers }, answer) => {
        const text = String(body ?? '')
        if (!pieces.isSigned(String(headers['x-page-signature'] ?? ''), sign(text))) return answer.code(403).send()
        return pieces.respond(await pieces.take(pieces.toEvent(text), context))
      })
      return {
        async send(delivery, { signal }) {
          const body = JSON.stringify(pieces.toMessage(delivery))
          const headers = { 'content-type': 'application/json' }
          const response = await http(config.sendTo, { method: 'POST', headers, body, signal })
          pieces.judge(response.status, await pieces.read(response))
          return {}
        },
      }
    },
  })
}

/** The other side. It takes what `Message` describes, and nothing else. */
export async function startPagerPlatform(): Promise<SimulatedPlatform & { readonly url: string }> {
  const shown: z.infer<typeof Message>[] = []
  let refused = false
  const server = await testServer(async (request) => {
    if (refused) return new Response('bad token', { status: 401 })
    shown.push(Message.parse(await request.json()))
    return new Response('ok')
  })
  return {
    url: server.url,
    message: (said) => JSON.stringify(said),
    request: (bytes, { url }) =>
      new Request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-page-signature': sign(bytes) },
        body: bytes,
      }),
    signature: { header: 'x-page-signature' },
    shown: (chat) => shown.filter(({ to }) => to === chat).map(({ part }) => part),
    answerIn: (body) => (body === '' ? undefined : Answer.safeParse(JSON.parse(body)).data?.answer?.part),
    refuse() {
      refused = true
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** The contract of a pager channel. */
export function pagerContract(
  plugin: Plugin,
  change: Partial<ChannelContract<Awaited<ReturnType<typeof startPagerPlatform>>>> = {},
): readonly ContractCheck[] {
  return channelContract({
    plugin,
    platform: startPagerPlatform,
    settings: ({ url }) => ({ sendTo: url }),
    fixtures: {
      folder: new URL('__fixtures__/pager/', import.meta.url),
      events: {
        'page.json': {
          id: '1',
          chat: '7',
          type: 'message',
          parts: [{ type: 'text', text: 'hello' }],
          atMs: 1767225600000,
        },
      },
    },
    refusals: { 'bad token': { code: 'CHANNEL_TOKEN', scope: 'channel' } },
    ...change,
  })
}
