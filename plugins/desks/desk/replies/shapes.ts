/** What goes over the API about canned replies. As in `../api/shapes.ts`. */
import { z } from 'zod'

const Id = z.string().min(8).max(128)

/** A text for each language, by its tag: `zh-CN`, `en`. In it `{customer}` and `{agent}` stand for their names. */
const Texts = z
  .record(z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/), z.string().trim().min(1).max(5_000))
  .refine((texts) => Object.keys(texts).length > 0, { error: 'a text in at least one language' })

export const CannedReply = z.object({
  id: Id,
  /** Everybody’s, and kept by supervisors; else the own of whoever asks. */
  isShared: z.boolean(),
  /** By which it is found after a `/`. */
  shortcut: z.string(),
  texts: z.record(z.string(), z.string()),
  /** Another one after each change of shortcut or texts. */
  revision: z.string(),
  /** How often it was put into an answer. */
  used: z.int(),
})
export type CannedReply = z.output<typeof CannedReply>

export const CannedReplies = z.object({ replies: z.array(CannedReply) })

export const askedOfReplies = {
  keep: z.strictObject({
    shortcut: z.string().trim().min(1).max(40).regex(/^\S+$/),
    texts: Texts,
    /** What is changed by this: the reply as it was read. A new one has none. */
    revision: z.string().max(128).optional(),
  }),
}
