import { service } from '#core'

/** What a customer said of a conversation when they were asked how it was. */
export interface Rating {
  /** When they were asked. Left out: they said it by themselves. */
  readonly askedAtMs?: number | undefined
  /** Left out: they have not said anything. */
  readonly given?:
    | {
        /** From 1, the worst, to `of`, the best. */
        readonly score: number
        readonly of: number
        /** What they wrote besides. */
        readonly words?: string | undefined
        readonly atMs: number
      }
    | undefined
}

/** How customers found their conversations. */
export interface Ratings {
  /**
   * Of these conversations, by their ids, whoever may see them. Those that were not rated, and of which nobody was asked,
   * are left out. It is asked for each list that shows conversations, so it is quick.
   */
  of(conversations: readonly string[]): Promise<ReadonlyMap<string, Rating>>
}
export const ratings = service<Ratings>('ratings')
