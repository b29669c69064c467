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
