/**
 * Which keys may be there, in 32 bits each: a million texts would take ten times the memory. Another key may have the
 * same bits, so a "yes" is looked up; a "no" is certain, and costs no look at the disk.
 */
export interface Fingerprints {
  add(key: string): void
  mayHave(key: string): boolean
}

export function makeFingerprints(): Fingerprints {
  const known = new Set<number>()
  return {
    add: (key) => void known.add(hashOf(key)),
    mayHave: (key) => known.has(hashOf(key)),
  }
}

/** FNV-1a over UTF-16 units, as a signed integer: a Set keeps those without a place of their own in the heap. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash | 0
}
