import type { Item } from '../protocol.ts'
import type { Place } from './frames.ts'

/** The numbered log as far as it is held: without a gap, whatever came twice or out of order. */
export interface Log {
  /** By rising numbers; a new list after a change. */
  readonly items: readonly Item[]
  /** The lowest number that is held. */
  readonly first: number
  /** Whether there is more before it. */
  readonly hasOlder: boolean
  /** Everything up to this number is held, or known not to come. */
  readonly last: number
  /** Something came that stands behind a gap, and is kept aside until the gap is filled. */
  readonly hasGap: boolean
  /** Takes what has come, in any order. Returns the items that are shown from now on. */
  add(places: readonly Place[]): readonly Item[]
  /** What stands before this number will not come. Returns the items that are shown from now on. */
  skipTo(from: number): readonly Item[]
  /** Takes a page of what stands before `first`, and whether there is more before that. */
  addOlder(places: readonly Place[], more: boolean): void
  /** Lets go of what stands behind a gap: it will come again. */
  dropAside(): void
}

export function makeLog(): Log {
  let items: readonly Item[] = []
  let first = 1
  let last = 0
  let hasOlder = false
  const aside = new Map<number, Place>()

  function joinUp(): readonly Item[] {
    const added: Item[] = []
    for (let next = aside.get(last + 1); next; next = aside.get(last + 1)) {
      last = next.seq
      if (next.item) added.push(next.item)
    }
    for (const seq of aside.keys()) if (seq <= last) aside.delete(seq)
    if (added.length > 0) items = [...items, ...added]
    return added
  }

  return {
    get items() {
      return items
    },
    get first() {
      return first
    },
    get hasOlder() {
      return hasOlder
    },
    get last() {
      return last
    },
    get hasGap() {
      return aside.size > 0
    },
    add(places) {
      for (const place of places) aside.set(place.seq, place)
      return joinUp()
    },
    skipTo(from) {
      if (from > last + 1) {
        // What was shown before would stand next to what comes behind the gap.
        items = []
        first = from
        last = from - 1
        hasOlder = true
      }
      return joinUp()
    },
    addOlder(places, more) {
      const older = places.filter(({ seq }) => seq < first).sort((a, b) => a.seq - b.seq)
      first = older[0]?.seq ?? first
      items = [...older.flatMap(({ item }) => item ?? []), ...items]
      hasOlder = more
    },
    dropAside: () => aside.clear(),
  }
}
