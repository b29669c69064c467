/** A small platform that is asked for what is new, by long polling, and a sound channel for it. */
import { ALWAYS, type Delivery, defineChannel, type InboundEvent, type Plugin, z } from '../../../core/index.ts'
import { type ContractCheck, channelContract, type SimulatedPlatform, testServer } from '../../../core/testing/index.ts'

const Update = z.object({ n: z.number(), id: z.string(), chat: z.string(), text: z.string(), atMs: z.number() })
const Message = z.object({ to: z.string(), text: z.string() })

type Receive = (event: InboundEvent) => Promise<Delivery | undefined>

/** A channel that asks for updates. `take` gives one of them to the core. */
export function polled(take: (receive: Receive, event: InboundEvent) => Promise<unknown>): Plugin {
  return defineChannel({
    name: 'polled',
    summary: 'Asks for what is new.',
    config: z.strictObject({ api: z.url() }),
    account: () => 'polled',
    capabilities: () => ({ sends: { text: { maxChars: 500 } }, later: [ALWAYS], showsIdentity: 'none' }),
    setup: ({ config, http, receive }) => ({
      async send({ chat, part }, { signal }) {
        const body = JSON.stringify({ to: chat, text: part.type === 'text' ? part.text : '' })
        const response = await http(`${config.api}/send`, { method: 'POST', body, signal })
        await response.arrayBuffer()
        return {}
      },
      async listen(signal) {
        for (let after = 0; !signal.aborted; ) {
          const response = await http(`${config.api}/updates?after=${after}`, { signal })
          for (const { n, id, chat, text, atMs } of z.array(Update).parse(await response.json())) {
            const parts = [{ type: 'text', text } as const]
            await take(receive, { id, chat, atMs, grants: 'message', type: 'message', parts })
            after = n
          }
        }
      },
    }),
  })
}

/** The other side: whoever asks for what is new after a number has what is up to it. */
async function startPlatform(): Promise<SimulatedPlatform & { readonly url: string }> {
  const updates: z.infer<typeof Update>[] = []
  const shown: z.infer<typeof Message>[] = []
  let made = 0
  let isNew = Promise.withResolvers<void>()
  const server = await testServer(async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/send') {
      shown.push(Message.parse(await request.json()))
      return new Response()
    }
    const after = Number(searchParams.get('after'))
    updates.splice(0, updates.filter(({ n }) => n <= after).length)
    const gone = new Promise((resolve) => request.signal.addEventListener('abort', resolve))
    if (updates.length === 0) await Promise.race([isNew.promise, gone])
    return Response.json(updates.slice(0, 100))
  })
  return {
    url: server.url,
    message: (said) => JSON.stringify(said),
    offer(bytes) {
      updates.push(Update.parse({ ...JSON.parse(bytes), n: ++made }))
      isNew.resolve()
      isNew = Promise.withResolvers<void>()
    },
    shown: (chat) => shown.filter(({ to }) => to === chat).map(({ text }) => ({ type: 'text', text })),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** The contract of a polled channel. */
export function polledContract(plugin: Plugin): readonly ContractCheck[] {
  return channelContract({
    plugin,
    platform: startPlatform,
    settings: ({ url }) => ({ api: url }),
    fixtures: {
      folder: new URL('__fixtures__/pager/', import.meta.url),
      events: { 'page.json': { id: '1', chat: '7', type: 'message', parts: [{ type: 'text', text: 'hello' }] } },
    },
  })
}
