/** How long people wait, as far as it can be honestly said: from how often the last ones were served. */

/** Of fewer nothing is said. */
const ENOUGH = 5
const KEPT = 20
/** What was longer ago says nothing about now. */
const RECENT_MS = 3_600_000

export interface Waits {
  /** Somebody who had waited since then is an agent's now. */
  served(team: string, sinceMs: number, nowMs: number): void
  /** The whole minutes between which the wait of whoever has this place probably is; `undefined`: nobody knows. */
  range(team: string, place: number, nowMs: number): { readonly from: number; readonly to: number } | undefined
}

interface Served {
  readonly atMs: number
  /** Since the one before, or since somebody waited. */
  readonly gapMs: number
}

export function makeWaits(): Waits {
  const known = new Map<string, readonly Served[]>()
  return {
    served(team, sinceMs, nowMs) {
      const before = known.get(team) ?? []
      const gapMs = nowMs - Math.max(sinceMs, before.at(-1)?.atMs ?? 0)
      // Whoever was served at once has not waited, and says nothing about those who do.
      if (sinceMs < nowMs) known.set(team, [...before, { atMs: nowMs, gapMs }].slice(-KEPT))
    },
    range(team, place, nowMs) {
      const gaps = (known.get(team) ?? [])
        .filter(({ atMs }) => nowMs - atMs <= RECENT_MS)
        .map(({ gapMs }) => gapMs)
        .sort((a, b) => a - b)
      if (gaps.length < ENOUGH) return undefined
      const at = (share: number) => gaps[Math.floor((gaps.length - 1) * share)] ?? 0
      const from = Math.max(1, Math.floor((place * at(0.25)) / 60_000))
      return { from, to: Math.max(from + 1, Math.ceil((place * at(0.75)) / 60_000)) }
    },
  }
}
