/** What the desk remembers of a chat. */
import { z } from '#core'

export const memory = z.object({
  /** Who had the last conversation, in which team, and until when. */
  last: z.object({ person: z.string(), team: z.string().optional(), untilMs: z.number() }).optional(),
  /** The platform counts what is sent. */
  isCounted: z.boolean().default(false),
})
