/** The rows of one list in their order, kept true while rows change, without moving what somebody points at. */
import type { ListName, Row } from '../api/shapes.ts'

/**
 * What is shown: one of the lists, and of it only what comes in by a channel, belongs to a team, has a name, or is
 * somebody’s.
 */
export interface View {
  readonly list: ListName
  readonly channel?: string | undefined
  readonly team?: string | undefined
  readonly search?: string | undefined
  readonly person?: string | undefined
  readonly sort: 'newest' | 'waiting'
}

export interface RowList {
  /** Which rows stand there, from above. */
  readonly order: readonly string[]
  row(id: string): Row | undefined
  /** It belongs here no more, and stands here still because the list is held. */
  isGone(id: string): boolean
  /** How many are new since the list is held. */
  readonly fresh: number
  /** Begins again with the first page. `isWhole`: there is no other. */
  reset(rows: readonly Row[], isWhole: boolean): void
  /** The next page. */
  append(rows: readonly Row[], isWhole: boolean): void
  /** A row is new or another than before. */
  update(row: Row): void
  /** It is not ours to see any more. */
  remove(id: string): void
  /** Somebody points at a row or goes through them by the keyboard: from now on none moves, until it is settled. */
  hold(): void
  /** Brings all to their places. */
  settle(): void
}

/** Whether a row stands in a list. */
export function belongs(row: Row, { list, channel, team, person }: View, me: string): boolean {
  if (person !== undefined && row.person !== person) return false
  if ((channel !== undefined && row.channel !== channel) || (team !== undefined && row.team !== team)) return false
  switch (list) {
    case 'mine':
      return row.state === 'assigned' && row.person === me
    case 'queue':
      return row.state === 'queued'
    case 'bot':
      return row.state === 'bot'
    case 'all':
      return row.state !== 'closed'
    case 'closed':
      return row.state === 'closed'
  }
}

const isNamed = ({ customer }: Row, { search }: View) =>
  search === undefined || folded(customer.name ?? '').includes(folded(search))

/** Full-width signs and case do not matter. */
const folded = (text: string) => text.normalize('NFKC').toLowerCase()

export function makeRowList(view: View, me: string): RowList {
  const rows = new Map<string, Row>()
  /** By what a row is ordered: the smaller, the further above. */
  const places = new Map<string, number>()
  /** What has to be brought to its place, or away, when the list is settled. */
  const moved = new Set<string>()
  const gone = new Set<string>()
  let order: string[] = []
  let isHeld = false
  /** The last page is here, so that what comes behind all others is the last. */
  let isWhole = true

  const placeIn = (id: string) => places.get(id) ?? Number.POSITIVE_INFINITY

  /** The first index whose place is behind this one. */
  function indexFor(place: number): number {
    let [low, high] = [0, order.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (placeIn(order[middle] ?? '') <= place) low = middle + 1
      else high = middle
    }
    return low
  }

  function insert(id: string): void {
    const index = indexFor(placeIn(id))
    // What would stand behind the last page that we have comes with the pages behind it.
    if (index === order.length && !isWhole) forget(id)
    else order.splice(index, 0, id)
  }

  /** Takes a row out of its place, where it is found by what it was ordered by. */
  function takeOut(id: string): void {
    const index = order[indexFor(placeIn(id)) - 1] === id ? indexFor(placeIn(id)) - 1 : order.indexOf(id)
    if (index >= 0) order.splice(index, 1)
  }

  function forget(id: string): void {
    rows.delete(id)
    places.delete(id)
    gone.delete(id)
    moved.delete(id)
  }

  function append(page: readonly Row[], whole: boolean): void {
    isWhole = whole
    for (const row of page) {
      if (rows.has(row.id)) continue
      rows.set(row.id, row)
      // The order of the server holds, also where the row does not show what it goes by.
      places.set(row.id, Math.max(placeOf(row, view, undefined), lastPlace()))
      order.push(row.id)
    }
  }

  function lastPlace(): number {
    const last = order.at(-1)
    return last === undefined ? Number.NEGATIVE_INFINITY : placeIn(last)
  }

  function remove(id: string): void {
    if (!rows.has(id)) return
    if (isHeld && !moved.has(id)) {
      gone.add(id)
      return
    }
    if (!moved.has(id)) takeOut(id)
    forget(id)
  }

  return {
    get order() {
      return order
    },
    row: (id) => rows.get(id),
    isGone: (id) => gone.has(id),
    get fresh() {
      return moved.size
    },
    reset(page, whole) {
      rows.clear()
      places.clear()
      moved.clear()
      gone.clear()
      order = []
      append(page, whole)
    },
    append,
    update(row) {
      const before = rows.get(row.id)
      // What the desk has found stays: it knows a customer by more than the name that is shown.
      if (!belongs(row, view, me) || (!before && !isNamed(row, view))) return remove(row.id)
      const place = placeOf(row, view, places.get(row.id))
      if (isHeld) {
        rows.set(row.id, row)
        gone.delete(row.id)
        if (before) return
        places.set(row.id, place)
        moved.add(row.id)
        return
      }
      if (before && place === places.get(row.id)) {
        rows.set(row.id, row)
        return
      }
      if (before) takeOut(row.id)
      rows.set(row.id, row)
      places.set(row.id, place)
      insert(row.id)
    },
    remove,
    hold() {
      isHeld = true
    },
    settle() {
      isHeld = false
      for (const id of [...gone]) remove(id)
      const fresh = [...moved]
      moved.clear()
      for (const id of fresh) insert(id)
      for (const id of [...order]) {
        const row = rows.get(id)
        const place = row && placeOf(row, view, places.get(id))
        if (place === undefined || place === places.get(id)) continue
        takeOut(id)
        places.set(id, place)
        insert(id)
      }
    },
  }
}

/** By what a row is ordered. `before`: what it was ordered by until now. */
function placeOf(row: Row, { list, sort }: View, before: number | undefined): number {
  if (list === 'closed') return -(row.closed?.atMs ?? row.openedAtMs)
  if (sort === 'waiting') return row.waitingSinceMs ?? Number.MAX_SAFE_INTEGER
  // By what the customer did last: an answer of ours moves nothing.
  if (row.last?.by.kind === 'customer') return -row.last.atMs
  return before ?? -(row.last?.atMs ?? row.openedAtMs)
}
