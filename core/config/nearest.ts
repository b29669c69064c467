/** What was probably meant: the nearest of the names that are known. */

/** The known name nearest to `name`, at most two edits away (one in a name of up to four letters). */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const limit = [...name].length <= 4 ? 1 : 2
  let best: string | undefined
  let bestDistance = limit + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance && candidate !== name) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/**
 * How many letters must be added, taken away, replaced or swapped with their neighbour to make `b` of `a`.
 * Gives `limit` when it is that many or more.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    let smallest = row
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(
        (above[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (before[column - 2] ?? 0) + 1)
      }
      current.push(cost)
      smallest = Math.min(smallest, cost)
    }
    if (smallest >= limit) return limit
    before = above
    above = current
  }
  return Math.min(above[b.length] ?? limit, limit)
}
