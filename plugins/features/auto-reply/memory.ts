/** What the plugin remembers of a chat. */
import { z } from '#core'

export const memory = z.object({
  hasFollowed: z.boolean().default(false),
  /** Since the last conversation was opened; a first message need not open one. */
  isGreeted: z.boolean().default(false),
  /** When what is not said again for a while was last said, the latest last. */
  saidAt: z.record(z.string(), z.number()).default({}),
})

/** Of more than so many, the earliest are forgotten: a chat's memory is small. */
const MAX_KEPT = 100

/** Whether something may be said now, and then notes it. Without `everyMs` it always may, and nothing is noted. */
export function mayBeSaid(
  saidAt: { [key: string]: number },
  key: string,
  { everyMs, atMs }: { readonly everyMs: number | undefined; readonly atMs: number },
): boolean {
  if (everyMs === undefined) return true
  const lastMs = saidAt[key]
  if (lastMs !== undefined && atMs - lastMs < everyMs) return false
  // Taken out first, so that it becomes the latest.
  delete saidAt[key]
  saidAt[key] = atMs
  for (const early of Object.keys(saidAt).slice(0, -MAX_KEPT)) delete saidAt[early]
  return true
}

/** A conversation has been opened: the first message after its end is greeted again. */
export function greetAgain({ state }: { readonly state: z.infer<typeof memory> }): void {
  state.isGreeted = false
}
