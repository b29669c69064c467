/** What a person or program on our side does in a chat: the commands, and how each may end. */
import type { Actor, Summary } from './conversation.ts'
import type { Content, Say } from './message.ts'

/**
 * Names a conversation, or a chat (then its open conversation is meant). The `id` is made by the caller: the same id
 * again within 7 days does nothing and gives the first result. `lease`, if given, is the owner change that the caller
 * has seen: the command is refused when there has been another since.
 */
export type Command =
  | ({ readonly id: string; readonly by: Actor; readonly lease?: number | undefined } & (
      | { readonly conversation: string }
      | { readonly chat: string }
    ) &
      (
        | {
            readonly type: 'send'
            readonly content: Say
            /** It is said for the agent, as a greeting is: they have not answered by it, and no `agent.replied` follows. */
            readonly isAutomatic?: boolean | undefined
          }
        /** Seen by our side only. */
        | { readonly type: 'note'; readonly text: string }
        /** A message that did not get through, or of which nobody knows, is tried again: the delivery of this id. */
        | { readonly type: 'resend'; readonly delivery: string }
        | { readonly type: 'take' }
        /** Back to the bot. */
        | { readonly type: 'return'; readonly because?: string | undefined }
        | {
            readonly type: 'assign'
            readonly person: string
            readonly team?: string | undefined
            readonly because?: string | undefined
          }
        | {
            readonly type: 'transfer'
            readonly because?: string | undefined
            readonly to: { readonly team?: string | undefined; readonly person?: string | undefined }
          }
        | {
            readonly type: 'close'
            readonly because: string
            readonly say?: Say | undefined
            readonly summary?: Summary | undefined
          }
      ))
  | {
      readonly id: string
      readonly type: 'call-back'
      readonly chat: string
      readonly by: Actor
      readonly content: Content
    }
  /**
   * By a guard that turns this chat away from now on. What is open is closed with this reason, also when the customer
   * has just written, and what programs have said and is not sent yet is cancelled. Whatever is being handled or asked
   * in the chat is begun again: so the guards are asked once more before anything comes of it. On a channel that it
   * does not guard it changes nothing.
   */
  | {
      readonly id: string
      readonly type: 'turn-away'
      readonly chat: string
      readonly by: Actor
      readonly because: string
    }

export type RefusalCode =
  /** No such conversation or chat, or it is closed. */
  | 'NOT_FOUND'
  /** Someone else owns it now, or the lease is an old one. */
  | 'NOT_OWNER'
  | 'ALREADY_OPEN'
  /** The customer has written something that nobody has handled yet. */
  | 'NEW_MESSAGE'
  | 'WINDOW_CLOSED'
  | 'BLOCKED'
  /** Its channel does not run at present. */
  | 'CHANNEL_DOWN'
  /** The command makes no sense here: an unknown team, an empty message. */
  | 'INVALID'

export type CommandResult =
  | { readonly ok: true; readonly conversation?: string | undefined }
  | { readonly ok: false; readonly code: RefusalCode; readonly message: string }
