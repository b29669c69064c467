/**
 * Who answers in a chat: the ownership of a conversation, as a pure function.
 * Turns and commands alike go through `decide`; nothing else changes an owner.
 */

export type Owner =
  | { readonly kind: 'bot'; readonly bot: string }
  | { readonly kind: 'queue'; readonly desk: string; readonly team?: string | undefined }
  | { readonly kind: 'agent'; readonly desk: string; readonly team?: string | undefined; readonly person: string }

/** Who does something. `core` is the runtime itself (a reload that removed the owner, for instance). */
export type Actor =
  | { readonly kind: 'customer' }
  | { readonly kind: 'bot' | 'feature' | 'channel' | 'desk'; readonly name: string }
  | { readonly kind: 'agent'; readonly person: string }
  | { readonly kind: 'core' }

export type ConversationState = 'bot' | 'queued' | 'assigned' | 'closed'

/** One service episode in a chat, from open to closed. */
export interface Conversation {
  readonly id: string
  readonly state: ConversationState
  /** Who answers; once closed, who answered last. */
  readonly owner: Owner
  /** Raised by every change of owner: a reply made under an older lease is never sent. */
  readonly lease: number
  readonly openedAtMs: number
  /** What opened it: the customer's event, or a callback of ours. */
  readonly origin: 'customer' | 'callback'
  /** The route it runs on, as `routes[0]`. */
  readonly route: string
  /** How often running the bot has not known (`unknown`) or not answered (`failures`), for the route's triggers. */
  readonly counts: { readonly unknown: number; readonly failures: number }
  readonly closed?: { readonly atMs: number; readonly reason: string; readonly by: Actor } | undefined
}
