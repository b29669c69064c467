/** How customers found their conversations, as far as something in the YAML asks them. */
import { type Context, messageOf } from '#core'
import type { Rating as Lent, Ratings } from '../../../services/ratings.ts'
import type { Rating } from './shapes.ts'

/** Of these conversations, by their ids. */
export type RatingsOf = (conversations: readonly string[]) => Promise<ReadonlyMap<string, Rating>>

/** When whoever has them fails, conversations are shown without. */
export function makeRatings(lent: Ratings | undefined, log: Context<unknown, unknown>['log']): RatingsOf {
  return async (conversations) => {
    if (!lent || conversations.length === 0) return new Map()
    try {
      const found = await lent.of(conversations)
      return new Map([...found].map(([conversation, rating]) => [conversation, shownOf(rating)]))
    } catch (error) {
      log.warn({ error }, `Conversations are shown without their ratings: ${messageOf(error)}`)
      return new Map()
    }
  }
}

function shownOf({ askedAtMs, given }: Lent): Rating {
  return {
    ...(askedAtMs !== undefined && { askedAtMs }),
    ...(given && {
      given: {
        score: given.score,
        of: given.of,
        ...(given.words !== undefined && given.words !== '' && { words: given.words }),
        atMs: given.atMs,
      },
    }),
  }
}
