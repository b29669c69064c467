/** How things are in a chat: what the journal says of the conversation, and the log of what was said. */
import type { Context } from '#core'
import type { Extent, Log } from './log.ts'
import type { Snapshot } from './protocol.ts'

/** `account`: as the journal has it. */
export function makeSnapshots(of: {
  readonly journal: Context<unknown, unknown>['journal']
  readonly account: string
  readonly history: Log
  isAvailable(): boolean
}): (chat: string, extent: Extent) => Promise<Snapshot> {
  const { journal, account, history, isAvailable } = of

  /** The one that is open, else the last that was. */
  function conversationOf(chat: string) {
    return journal
      .selectFrom('chat')
      .innerJoin('conversation', 'conversation.chat', 'chat.id')
      .where('account', '=', account)
      .where('external_id', '=', chat)
      .select(['state', 'opened_at'])
      .orderBy('opened_at', 'desc')
      .orderBy('conversation.id', 'desc')
      .limit(1)
      .executeTakeFirst()
  }

  return async (chat, { head }) => {
    const [visitor, conversation] = await Promise.all([
      history.visitor(chat),
      head > 0 ? conversationOf(chat) : undefined,
    ])
    const isOpen = conversation !== undefined && conversation.state !== 'closed'
    const face = isOpen ? await history.faceSince(chat, conversation.opened_at) : undefined
    return {
      // Last: who is greeted meanwhile is not told of a change before that.
      available: isAvailable(),
      conversation: conversation?.state ?? 'none',
      face,
      head,
      read: visitor?.read ?? 0,
      name: visitor?.name ?? undefined,
    }
  }
}
