import { type Actor, service } from '#core'

/** Whom an entry is about: a customer with all their chats, or one address: what a platform's account calls somebody. */
export type Listed = { readonly customer: string } | { readonly account: string; readonly id: string }

/** Why somebody is on the blacklist. */
export interface BlacklistEntry {
  readonly reason: string
  /** Who has put them there. */
  readonly by: string
  readonly atMs: number
  /** From then on they are heard again. Left out: never. */
  readonly untilMs?: number | undefined
}

/** Who is turned away. What the YAML lists is not part of it: that is changed in the YAML. */
export interface Blacklist {
  /** The entry that holds for a customer now, by whichever of their chats it was made. */
  find(customer: string): Promise<BlacklistEntry | undefined>
  /**
   * Turns somebody away from now on, and closes what is open with them. Again changes reason and end. Rejects without a
   * reason, and when there is no such customer.
   */
  add(
    who: Listed,
    entry: { readonly reason: string; readonly by: Actor; readonly untilMs?: number | undefined },
  ): Promise<void>
  /** Hears somebody again. False: they were not on it. */
  remove(who: Listed, options: { readonly by: Actor }): Promise<boolean>
}
export const blacklist = service<Blacklist>('blacklist')
