import { service } from '#core'

/** Who may chat now: one answer for routing, for the widget and for bridged platforms alike. */
export interface Presence {
  /** Whether people of ours can take a conversation from there now. */
  isAvailable(where: { readonly channel: string }): boolean
  /** Calls `listener` whenever an answer may have become another. The returned function ends it. */
  onChange(listener: () => void): () => void
}
export const presence = service<Presence>('presence')
