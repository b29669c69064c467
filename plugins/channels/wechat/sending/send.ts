/** Sends one delivery. What can be mended about a refusal is mended once: a file that is gone, an identity that is not taken. */
import { type Clock, type Delivery, type Log, z } from '#core'
import type { OwnAccounts } from '../identities/identities.ts'
import { type Api, toDeliveryError, WeChatError } from './api.ts'
import type { Media } from './media.ts'
import { type Message, messageOf } from './messages.ts'

export const SEND_PATH = '/cgi-bin/message/custom/send'
const TYPING_PATH = '/cgi-bin/message/custom/typing'
/** Typing is shown so long, and must not be shown again meanwhile. Source: the page of `/custom/typing`, read 2026-11-20. */
const TYPING_MS = 15_000
/** Chats of which is known that typing is shown there; those of before are forgotten then. */
const MAX_TYPING = 1_000

/** The platform's own answer holds nothing: no id, no receipt. */
const Taken = z.object({})

export interface Sender {
  send(delivery: Delivery, options: { readonly signal: AbortSignal }): Promise<Record<never, never>>
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

  async function post(chat: string, message: Message, account: string | undefined, signal: AbortSignal): Promise<void> {
    const body = { touser: chat, ...message, ...(account !== undefined && { customservice: { kf_account: account } }) }
    await api.post(SEND_PATH, body, Taken, { signal })
  }

  async function send({ chat, part, identity }: Delivery, signal: AbortSignal): Promise<void> {
    let account = identities.accountOf(identity)
    let mayUploadAgain = true
    for (;;) {
      const uploaded: string[] = []
      const message = await messageOf(part, async (url, kind) => {
        const id = await media.idOf(url, kind, signal)
        uploaded.push(id)
        return id
      })
      try {
        return await post(chat, message, account, signal)
      } catch (error) {
        const action = error instanceof WeChatError ? error.action : undefined
        if (action === 'reupload' && mayUploadAgain && uploaded.length > 0) {
          mayUploadAgain = false
          await media.forget(uploaded)
        } else if (action === 'no-identity' && account !== undefined) {
          identities.refused(account)
          account = undefined
        } else throw error
      }
    }
  }

  return {
    async send(delivery, { signal }) {
      try {
        await send(delivery, signal)
        return {}
      } catch (error) {
        throw toDeliveryError(error, clock.now())
      }
    },
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
