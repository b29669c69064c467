/** Who looks on: screens are told that something in a chat has become another, and read it again in the journal. */
import { messageOf } from '../errors.ts'
import type { Watcher } from '../plugin.ts'
import type { Log } from '../turn.ts'

export interface Watchers {
  /** Until the returned function is called. What a watcher throws is in its log, and hurts nobody else. */
  add(watcher: Watcher, log: Log): () => void
  changed(chat: string): void
  live(chat: string, what: 'typing' | 'read'): void
  /** Whether anybody looks on at all. */
  readonly areThere: boolean
}

export function makeWatchers(): Watchers {
  const all = new Set<{ readonly watcher: Watcher; readonly log: Log }>()

  function tell(call: (watcher: Watcher) => void): void {
    for (const { watcher, log } of all) {
      try {
        call(watcher)
      } catch (error) {
        log.error({ error }, `watch: ${messageOf(error)}`)
      }
    }
  }

  return {
    add(watcher, log) {
      const one = { watcher, log }
      all.add(one)
      return () => void all.delete(one)
    },
    changed: (chat) => tell((watcher) => watcher.changed(chat)),
    live: (chat, what) => tell((watcher) => watcher.live(chat, what)),
    get areThere() {
      return all.size > 0
    },
  }
}
