/** How a visitor whom the host has identified comes to the chat that is his, and what we know of him from then on. */
import { createHash } from 'node:crypto'
import { type InboundEvent, type ReceiveOptions, type Sender, z } from '#core'
import { homeOf, type User, verifiedUser } from './identity.ts'
import type { Log } from './log.ts'
import type { Signer } from './token.ts'

/** Who signs in keeps what he has written just before. What is older may be of whoever sat there then. */
const ADOPTED_MS = 60 * 60 * 1000

export interface Users {
  /** Throws a `Refusal` when the identity is not good. */
  verified(identity: string): SignedIn
  /** The chat that the visitor of this chat has from now on: the user's, and nobody else's. */
  signIn(chat: string, user: SignedIn): Promise<string>
  /** Whose chat it is, for what is received from there; nothing of whom nobody has identified. */
  senderIn(chat: string): Promise<Sender>
}

export interface SignedIn extends User {
  /** By which the user's chats and tokens are known. */
  readonly mark: string
  /** The user among those of all sites. */
  readonly userId: string
}

/** As it is kept. */
const Said = z.object({
  userId: z.string(),
  name: z.string().optional(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
})

export function makeUsers(of: {
  readonly secret: string
  /** Whose ids the host signs. */
  readonly site: string
  readonly account: string
  readonly signer: Pick<Signer, 'markOf'>
  readonly history: Log
  readonly clock: { now(): number }
  receive(event: InboundEvent, options: ReceiveOptions): Promise<unknown>
}): Users {
  const { secret, account, signer, history, clock, receive } = of
  // No colon is left in the site's name, so that no two users are one.
  const site = encodeURIComponent(of.site)

  /** Whether this chat is the user's now. */
  async function keepsChat(chat: string, mark: string): Promise<boolean> {
    const [row, lastWrittenMs = 0] = await Promise.all([history.visitor(chat), history.lastWrittenMs(chat)])
    if (row?.whose) return row.whose === mark
    if (clock.now() - lastWrittenMs > ADOPTED_MS) return false
    // Somebody else may have been quicker.
    return (await history.bind(chat, mark)).whose === mark
  }

  return {
    verified(identity) {
      const user = verifiedUser(secret, identity, clock.now())
      const userId = `web:${site}:${user.id}`
      return { ...user, userId, mark: signer.markOf(userId) }
    },
    async signIn(chat, { mark, userId, name, fields }) {
      let own = chat
      if (!(await keepsChat(chat, mark))) {
        own = (await history.chatOf(mark)) ?? homeOf(secret, account, userId)
        await history.leave(chat, own)
      }
      const sender = { userId, name, fields }
      const identity = JSON.stringify(sender)
      const [before, { head }] = await Promise.all([history.bind(own, mark), history.extent(own)])
      if (before.identity === identity) return own
      const write = history.naming(own, { name, identity })
      // Who has not written anything is no customer yet.
      if (head === 0) await write.execute()
      else {
        const atMs = clock.now()
        const what = createHash('sha256').update(identity).digest('base64url')
        const event = { type: 'other', kind: 'identified', chat: own, atMs, sender } as const
        await receive({ ...event, id: `${own}/identified/${atMs}/${what}` }, { write })
      }
      return own
    },
    async senderIn(chat) {
      const row = await history.visitor(chat)
      return row?.identity ? Said.parse(JSON.parse(row.identity)) : {}
    },
  }
}
