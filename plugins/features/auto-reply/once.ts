/** What is said once in a while: when that was, in the memory that the plugin has of the chat. */

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
