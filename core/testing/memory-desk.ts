/** A desk without people: what it is told is kept in memory, and tests say what its agents do (`runtime.agent(…)`). */
import { z } from 'zod'
import { type DeskItem, defineDesk, type Plugin } from '../plugin.ts'

export interface MemoryDesk {
  /** For `use:`. */
  readonly plugin: Plugin
  /** Everything that it was told, in order. */
  readonly items: readonly DeskItem[]
  /** From now on called before an item counts as told: to let it fail or take its time. */
  beforeDeliver(before: (item: DeskItem) => Promise<void> | void): void
}

/** Takes every conversation into its one queue, unless `nobody` says that there is nobody. */
export function memoryDesk(options: { readonly nobody?: () => boolean } = {}): MemoryDesk {
  const items: DeskItem[] = []
  let before: (item: DeskItem) => Promise<void> | void = () => undefined
  const plugin = defineDesk({
    name: 'memory-desk',
    summary: 'Keeps what it is told in memory.',
    config: z.strictObject({}),
    setup: () => ({
      where: () => (options.nobody?.() ? 'nobody' : {}),
      async deliver(item) {
        await before(item)
        items.push(item)
      },
    }),
  })
  return {
    plugin,
    items,
    beforeDeliver(next) {
      before = next
    },
  }
}
