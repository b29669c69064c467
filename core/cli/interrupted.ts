/** For commands that work in a temporary folder: interrupted, they end as if they were not asked, only that they tidy up. */

const INTERRUPTS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const

/** An ordinary exit removes the folders that are in use; a signal by itself does not. */
export function tidyUpWhenInterrupted(): void {
  for (const [signal, status] of INTERRUPTS) process.once(signal, () => process.exit(status))
}
