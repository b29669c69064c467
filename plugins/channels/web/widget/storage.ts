import type { Browser } from './browser.ts'

/** What outlives the page, and is shared by the tabs of one site. */
export interface Store {
  get(key: string): string | undefined
  set(key: string, value: string): void
  remove(key: string): void
  /** The keys that begin like this. */
  keys(beginning: string): readonly string[]
}

/**
 * The browser's storage as far as there is one: it can be missing, full, or forbidden at every single call, and then
 * this page remembers by itself.
 */
export function makeStore(browser: Browser, prefix: string): Store {
  const memory = new Map<string, string>()

  function attempt<T>(run: (storage: Browser['localStorage']) => T): T | undefined {
    try {
      return run(browser.localStorage)
    } catch {
      // Private mode, a sandbox, no room: the memory has it.
      return undefined
    }
  }

  return {
    get: (key) => attempt((storage) => storage.getItem(prefix + key)) ?? memory.get(key),
    set(key, value) {
      memory.set(key, value)
      attempt((storage) => {
        storage.setItem(prefix + key, value)
        memory.delete(key)
      })
    },
    remove(key) {
      memory.delete(key)
      attempt((storage) => storage.removeItem(prefix + key))
    },
    keys(beginning) {
      const kept = attempt((storage) => Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? ''))
      const own = (kept ?? []).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
      return [...new Set([...own, ...memory.keys()])].filter((key) => key.startsWith(beginning))
    },
  }
}
