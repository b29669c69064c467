/** A channel without a platform: what it is sent is kept in memory, and tests say what its customers do. */
import { z } from 'zod'
import { ALWAYS, type Capabilities } from '../capabilities.ts'
import { DeliveryError } from '../errors.ts'
import type { InboundEvent } from '../message.ts'
import { type Delivery, defineChannel, type Plugin, type ReceiveOptions } from '../plugin.ts'

export interface MemoryChannel {
  /** For `use:`. */
  readonly plugin: Plugin
  /** Everything that was sent, in order. */
  readonly sent: readonly Delivery[]
  /** What was shown of answers that were still being written. */
  readonly drafts: readonly { readonly chat: string; readonly text: string }[]
  /** What can be fetched from this platform, by the url or reference that an event's part names. */
  readonly files: Map<string, Blob>
  /** Gives one event to the runtime, as the platform would. */
  receive(event: InboundEvent, options?: ReceiveOptions): Promise<Delivery | undefined>
  /** From now on called for every send, before it counts as sent: to let it fail or take its time. */
  beforeSend(before: (delivery: Delivery, options: { readonly signal: AbortSignal }) => Promise<void> | void): void
  /** Calls `look` after every send; the returned function ends it. */
  onSent(look: () => void): () => void
}

/** Sends any type of part at any time, unless `capabilities` says otherwise. */
export function memoryChannel(
  options: { readonly name?: string | undefined; readonly capabilities?: Partial<Capabilities> | undefined } = {},
): MemoryChannel {
  const { name = 'memory', capabilities } = options
  const sent: Delivery[] = []
  const drafts: { chat: string; text: string }[] = []
  const files = new Map<string, Blob>()
  const looking = new Set<() => void>()
  let before: Parameters<MemoryChannel['beforeSend']>[0] = () => undefined
  let receive: MemoryChannel['receive'] | undefined

  const plugin = defineChannel({
    name,
    summary: 'Keeps what it is sent in memory.',
    config: z.strictObject({ account: z.string().default(name) }),
    account: ({ account }) => account,
    capabilities: () => ({ ...EVERYTHING, ...capabilities }),
    setup(context) {
      const outer = receive
      const own = context.receive
      receive = own
      // A rehearsal beside the test's runtime has it too, for as long as it runs.
      context.onDispose(() => {
        if (receive === own && outer) receive = outer
      })
      return {
        async send(delivery, { signal }) {
          await before(delivery, { signal })
          sent.push(delivery)
          for (const look of looking) look()
          return { platformId: delivery.id }
        },
        async fetchMedia(url) {
          const body = files.get(url)
          if (!body) throw new DeliveryError('CHANNEL_REFUSED', { message: `The platform has no file ${url}.` })
          return { body, mimeType: body.type }
        },
        draft(chat, text) {
          drafts.push({ chat, text })
        },
      }
    },
  })

  return {
    plugin,
    sent,
    drafts,
    files,
    receive(event, options) {
      if (!receive) throw new Error(`The channel ${name} is not running.`)
      return receive(event, options)
    },
    beforeSend(next) {
      before = next
    },
    onSent(look) {
      looking.add(look)
      return () => looking.delete(look)
    },
  }
}

const EVERYTHING: Capabilities = {
  sends: { text: {}, image: {}, audio: {}, video: {}, file: {}, location: {}, link: {}, choices: {}, native: {} },
  later: [ALWAYS],
  showsIdentity: { avatar: true },
  idempotentSend: false,
}
