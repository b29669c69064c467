/** A channel's platform cannot be asked in a rehearsal: what it would be sent is kept, and customers are played. */
import type { Plugin } from '../plugin.ts'
import { type MemoryChannel, memoryChannel } from '../testing/memory-channel.ts'
import { hooksOf, manifestOf, type Offline, setUpOffline } from './offline.ts'

/**
 * A channel's plugin with what asks its platform replaced: sending, listening, fetching files, typing marks and drafts.
 * Its own hooks, what it lends, its tables and its state stay.
 */
export function standInChannel(name: string, real: Plugin, offline: Offline): MemoryChannel {
  const memory = memoryChannel({ name: real.name })
  const plugin: Plugin = {
    ...manifestOf(real),
    async setup(context) {
      const own = await setUpOffline(name, real, context, offline)
      return {
        ...own,
        ...hooksOf(memory.plugin.setup(context)),
        // A platform that shows no drafts shows none here.
        ...(own.draft === undefined && { draft: undefined }),
        typing: own.typing && (() => undefined),
        listen: undefined,
      }
    },
  }
  return { ...memory, plugin }
}
