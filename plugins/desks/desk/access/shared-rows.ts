/**
 * Rows that every request asks for, in memory. During a reload there are two of a desk, the one in force and the one
 * that takes its place; each tells the other what it adds and removes.
 */
import { type Context, type Json, z } from '#core'

export type Feed = ReturnType<Context<unknown, unknown>['feed']>

interface Row {
  readonly hash: string
}

export interface SharedRows<R extends Row> {
  get(hash: string): R | undefined
  all(): readonly R[]
  /** Only here: what the other knows of it is good enough. */
  change(row: R): void
  /** Once it is written. Resolves when the other has it too. */
  add(row: R): Promise<void>
  /** Here at once. Resolves when they are deleted, and the other has them no more. */
  remove(rows: readonly R[]): Promise<void>
  /** Called with the hash of each that is removed, here or there. */
  onRemove(listener: (hash: string) => void): void
}

export async function openSharedRows<R extends Row & Json>(of: {
  readonly feed: Feed
  readonly row: z.ZodType<R>
  /** All that are kept. */
  read(): Promise<readonly R[]>
  delete(hashes: readonly string[]): Promise<unknown>
}): Promise<SharedRows<R>> {
  const { feed } = of
  const Told = z.union([z.object({ added: of.row }), z.object({ removed: z.array(z.string()) }), z.object({})])
  const byHash = new Map<string, R>()
  const listeners: ((hash: string) => void)[] = []

  function forget(hashes: readonly string[]): void {
    for (const hash of hashes) if (byHash.delete(hash)) for (const tell of listeners) tell(hash)
  }

  // Its number is that of the moment before the rows are read: whatever is told after it may not be among them.
  const since = await feed.publish({})
  for (const row of await of.read()) byHash.set(row.hash, row)
  feed.subscribe(since, (item) => {
    const told = Told.parse(item)
    if ('removed' in told) forget(told.removed)
    if ('added' in told && !byHash.has(told.added.hash)) byHash.set(told.added.hash, told.added)
  })

  return {
    get: (hash) => byHash.get(hash),
    all: () => [...byHash.values()],
    change: (row) => void byHash.set(row.hash, row),
    async add(row) {
      byHash.set(row.hash, row)
      await feed.publish({ added: row })
    },
    async remove(rows) {
      const hashes = rows.map(({ hash }) => hash)
      if (hashes.length === 0) return
      forget(hashes)
      await of.delete(hashes)
      await feed.publish({ removed: hashes })
    },
    onRemove: (listener) => void listeners.push(listener),
  }
}
