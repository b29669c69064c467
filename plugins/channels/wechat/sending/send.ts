/** Sends one delivery. What can be mended about a refusal is mended once: a file that is gone, an identity that is not taken. */
import {
  type Clock,
  type Delivery,
  DeliveryError,
  type Log,
  limitOf,
  type Part,
  messageOf as wordsOfError,
  z,
} from '#core'
import type { OwnAccounts } from '../identities/identities.ts'
import { type Api, toDeliveryError, WeChatError } from './api.ts'
import { SEND_PATH, WITHOUT_IDENTITY } from './errors.ts'
import type { Media } from './media.ts'
import { type Message, messageOf, withFilesThere } from './messages.ts'

const TYPING_PATH = '/cgi-bin/message/custom/typing'
/** Typing is shown so long, and must not be shown again meanwhile. Source: the page of `/custom/typing`, read 2026-11-20. */
const TYPING_MS = 15_000
/** Chats of which is known that typing is shown there; those of before are forgotten then. */
const MAX_TYPING = 1_000

/** The core gives one send 30 s. This has an end before that: then it is known here whether anything has gone out. */
const SEND_LIMIT_MS = 28_000

/** The platform's own answer holds nothing else: no id, no receipt. */
const Taken = z.object({ errcode: z.literal(0) })

export interface Sender {
  send(delivery: Delivery, options: { readonly signal: AbortSignal }): Promise<Record<never, never>>
  /** Gives the platform the files of what is to be said inside a response. */
  prepare(part: Part, options: { readonly signal: AbortSignal }): Promise<Part>
  /** What goes wrong with it is of no consequence. */
  typing(chat: string): void
}

export function makeSender(options: {
  readonly api: Api
  readonly media: Media
  readonly clock: Clock
  readonly log: Log
  /** Knows the customer-service account of an identity, once the platform shows it; and is told what it refuses. */
  readonly identities: Pick<OwnAccounts, 'accountOf' | 'refused'>
}): Sender {
  const { api, media, clock, log, identities } = options
  const typingSince = new Map<string, number>()

  /** What a model wrote is marked as such, which no response can do. Source: as of `Message`. */
  async function post(
    { chat, by }: Delivery,
    message: Message,
    account: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const beside = {
      ...(account !== undefined && { customservice: { kf_account: account } }),
      ...(by === 'model' && { aimsgcontext: { is_ai_msg: 1 } }),
    }
    const body = { touser: chat, ...message, ...beside }
    await api.post(SEND_PATH, body, Taken, { signal })
  }

  async function send(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { part, identity } = delivery
    let account = identities.accountOf(identity)
    let mayUploadAgain = true
    /** As long as it is not on its way, or was refused, it has certainly not gone out. */
    let isOnItsWay = false
    try {
      for (;;) {
        const uploaded: string[] = []
        const message = await messageOf(part, async (url, kind) => {
          const id = await media.idOf(url, kind, signal)
          uploaded.push(id)
          return id
        })
        isOnItsWay = true
        try {
          return await post(delivery, message, account, signal)
        } catch (error) {
          if (!(error instanceof WeChatError)) throw error
          isOnItsWay = false
          const without = WITHOUT_IDENTITY.get(error.errcode)
          if (error.action === 'reupload' && mayUploadAgain && uploaded.length > 0) {
            mayUploadAgain = false
            await media.forget(uploaded)
          } else if (without && account !== undefined) {
            if (without === 'from now on') identities.refused(account)
            account = undefined
          } else throw error
        }
      }
    } catch (error) {
      if (isOnItsWay || error instanceof WeChatError || error instanceof DeliveryError) throw error
      const message = `The message has not gone out: ${wordsOfError(error)}`
      throw new DeliveryError('CHANNEL_DOWN', { message, cause: error })
    }
  }

  return {
    async send(delivery, { signal }) {
      const late = () => new Error(`It took longer than ${SEND_LIMIT_MS / 1_000} s.`)
      const limit = limitOf({ signals: [signal], clock, ms: SEND_LIMIT_MS, late })
      try {
        await send(delivery, limit.signal)
        return {}
      } catch (error) {
        throw toDeliveryError(error, clock.now())
      } finally {
        limit.release()
      }
    },
    prepare: (part, { signal }) => withFilesThere(part, (url, kind) => media.idOf(url, kind, signal)),
    typing(chat) {
      const nowMs = clock.now()
      if (nowMs - (typingSince.get(chat) ?? Number.NEGATIVE_INFINITY) < TYPING_MS) return
      if (typingSince.size >= MAX_TYPING) typingSince.clear()
      typingSince.set(chat, nowMs)
      api.post(TYPING_PATH, { touser: chat, command: 'Typing' }, Taken).catch((error: unknown) => {
        log.debug({ error }, 'Typing was not shown.')
      })
    },
  }
}
