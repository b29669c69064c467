import { type InboundEvent, type Part, service } from '#core'

/** Talks to a `loopback` channel from inside the process. */
export interface Loopback {
  /** Hands over one event, as the platform would. Resolves when it is durably accepted. */
  receive(event: InboundEvent): Promise<void>
  /** Calls `take` for every message that is sent from now on; the returned function ends it. */
  onSent(take: (sent: { readonly id: string; readonly chat: string; readonly part: Part }) => void): () => void
}
export const loopback = service<Loopback>('loopback')
