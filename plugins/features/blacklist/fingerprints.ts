/**
 * Which keys may be there, in 32 bits each and (as at most half of the places are taken) 8 MB for a million, or twice
 * that just after growing: as texts they would take ten times as much. Another
 * key may have the same bits, so a "yes" is looked up; a "no" is certain, and costs no look at the disk.
 */
export interface Fingerprints {
  add(key: string): void
  mayHave(key: string): boolean
}

export function makeFingerprints(): Fingerprints {
  // Numbers outside of the heap, so that nothing has to go through them when memory is tidied up. 0 is a free place.
  let places = new Int32Array(1_024)
  let count = 0

  /** Where this one is, or would be: at its place, or the next free one behind it. */
  function placeOf(fingerprint: number): number {
    let place = fingerprint & (places.length - 1)
    while (places[place] !== 0 && places[place] !== fingerprint) place = (place + 1) & (places.length - 1)
    return place
  }

  function put(fingerprint: number): void {
    const place = placeOf(fingerprint)
    if (places[place] === 0) count += 1
    places[place] = fingerprint
  }

  return {
    add(key) {
      // At most half of the places are taken: the next free one is never far.
      if (count * 2 >= places.length) {
        const before = places
        places = new Int32Array(before.length * 2)
        count = 0
        for (const fingerprint of before) if (fingerprint !== 0) put(fingerprint)
      }
      put(fingerprintOf(key))
    },
    mayHave: (key) => places[placeOf(fingerprintOf(key))] !== 0,
  }
}

/** FNV-1a over UTF-16 units, its bits mixed once more so that the low ones depend on all; never 0. */
function fingerprintOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13) || 1
}
