/** Numbers that look random and are the same every time. */

export interface Random {
  /** A whole number from 1. */
  upTo(most: number): number
  pick<const T>(from: readonly T[]): T
  /** Another one, for somebody whose moments nobody knows beforehand. */
  fork(): Random
}

/** Mulberry32: small, and good enough to choose by. */
export function makeRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    upTo: (most) => 1 + Math.floor(next() * most),
    pick(from) {
      const picked = from[Math.floor(next() * from.length)]
      if (picked === undefined) throw new Error('There is nothing to pick from.')
      return picked
    },
    fork: () => makeRandom(Math.floor(next() * 2 ** 32)),
  }
}
