/**
 * What this browser keeps for itself. The storage can be missing, full or forbidden at every single call; then this page
 * remembers by itself.
 */
const PREFIX = `desk:${location.pathname}:`
const memory = new Map<string, string>()

export function recall(key: string): string | undefined {
  try {
    return memory.get(key) ?? localStorage.getItem(PREFIX + key) ?? undefined
  } catch {
    return memory.get(key)
  }
}

/** All that is kept by keys that begin so, by its key. */
export function recallAll(start: string): ReadonlyMap<string, string> {
  const found = new Map([...memory].filter(([key]) => key.startsWith(start)))
  try {
    for (const key of Object.keys(localStorage)) {
      const value = key.startsWith(PREFIX + start) ? localStorage.getItem(key) : null
      if (value !== null) found.set(key.slice(PREFIX.length), value)
    }
  } catch {
    // What this page remembers by itself is all there is.
  }
  return found
}

/** Calls when another tab has kept or forgotten something by a key that begins so. The returned function ends it. */
export function onOtherTab(start: () => string, run: () => void): () => void {
  const hear = ({ key }: StorageEvent) => {
    if (key === null || key.startsWith(PREFIX + start())) run()
  }
  addEventListener('storage', hear)
  return () => removeEventListener('storage', hear)
}

/** `undefined`: it is forgotten. */
export function remember(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(PREFIX + key)
    else localStorage.setItem(PREFIX + key, value)
    memory.delete(key)
  } catch {
    if (value === undefined) memory.delete(key)
    else memory.set(key, value)
  }
}
