import { type Actor, service } from '#core'

/** Whom an entry is about: a customer with all their chats, or one address: what a platform's account calls somebody. */
export type Listed = { readonly customer: string } | { readonly account: string; readonly id: string }

/** Why somebody is on the blacklist. */
export interface BlacklistEntry {
  readonly who: Listed
  readonly reason: string
  /** Who has put them there, and when; `undefined`: the YAML has them, and they are removed there. */
  readonly by: string | undefined
  readonly atMs: number | undefined
  /** From then on they are heard again. Left out: never. */
  readonly untilMs?: number | undefined
}

/** Who is turned away. */
export interface Blacklist {
  /** What holds for a customer now, by whichever of their chats it was listed: the oldest first, then what is in the YAML. */
  list(customer: string): Promise<readonly BlacklistEntry[]>
  /** Those of these customers who are turned away now. */
  among(customers: readonly string[]): Promise<ReadonlySet<string>>
  /** The customers who are turned away now: those whom the YAML has, then the latest listed first, at most so many. */
  customers(limit: number): Promise<readonly string[]>
  /**
   * Turns somebody away from now on, and closes what is open with them. Again changes reason and end. Rejects with a
   * sentence (and a status, for a web page's answer) without a reason, when there is no such customer or account, and
   * when the end is over already.
   */
  add(
    who: Listed,
    entry: { readonly reason: string; readonly by: Actor; readonly untilMs?: number | undefined },
  ): Promise<void>
  /** Hears somebody again, whom the YAML does not list. False: they were not on it. */
  remove(who: Listed, options: { readonly by: Actor }): Promise<boolean>
}
export const blacklist = service<Blacklist>('blacklist')
