/** How a visitor whom the host has identified comes to the chat that is his, and what we know of him from then on. */
import { createHash } from 'node:crypto'
import { type InboundEvent, type ReceiveOptions, type Sender, z } from '#core'
import { homeOf, verifiedUser } from './identity.ts'
import type { Log } from './log.ts'

export interface Users {
  /** The chat that this visitor has from now on. Throws a `Refusal` when the identity is not good. */
  identify(chat: string, identity: string): Promise<string>
  /** Whose chat it is, for what is received from there; nothing of whom nobody has identified. */
  senderIn(chat: string): Promise<Sender>
}

/** As it is kept. */
const Said = z.object({
  name: z.string().optional(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
})

export function makeUsers(of: {
  readonly secret: string
  readonly account: string
  readonly history: Log
  readonly clock: { now(): number }
  receive(event: InboundEvent, options: ReceiveOptions): Promise<unknown>
}): Users {
  const { secret, account, history, clock, receive } = of

  async function senderIn(chat: string): Promise<Sender> {
    const row = await history.visitor(chat)
    if (!row?.user) return {}
    return { userId: row.user, ...Said.parse(JSON.parse(row.identity ?? '')) }
  }

  return {
    senderIn,
    async identify(chat, identity) {
      const nowMs = clock.now()
      const { id, ...user } = verifiedUser(secret, identity, nowMs)
      const [known, { head }] = await Promise.all([history.visitor(chat), history.extent(chat)])
      // Another user’s chat is never shown, and one that nobody has begun is left for where this user was before.
      const stays = known?.user ? known.user === id : head > 0
      const own = stays ? chat : ((await history.chatOf(id)) ?? homeOf(secret, account, id))
      const said = JSON.stringify(user)
      const [before, { head: ownHead }] = await Promise.all([history.visitor(own), history.extent(own)])
      if (before?.identity === said) return own
      const write = history.binding(own, id, { name: user.name, identity: said })
      // Who has not written anything is no customer yet.
      if (ownHead === 0) await write.execute()
      else {
        const event = {
          type: 'other',
          kind: 'identified',
          chat: own,
          atMs: nowMs,
          sender: { userId: id, ...user },
        } as const
        const what = createHash('sha256').update(said).digest('base64url')
        await receive({ ...event, id: `${own}/identified/${nowMs}/${what}` }, { write })
      }
      return own
    },
  }
}
