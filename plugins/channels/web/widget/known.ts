/** Where a browser keeps what it knows of a channel: the loader looks whether it has been here, without the widget. */

/** What every key of a channel's begins with. `base`: the channel's address. */
export const prefixOf = (base: string): string => `switchboard ${base} `

/** The key of the visitor's token, after the prefix. */
export const TOKEN = 'token'
/** What the key of a message that waits to be sent begins with, after the prefix. */
export const WAITING = 'out:'
/** The key of the time until which upgrades are not tried. It is there from the first refused one on. */
export const NO_SOCKETS_UNTIL = 'sse'
/** The key of what is being written. */
export const DRAFT = 'draft'
/** The key of the language that the visitor has picked. */
export const LANGUAGE = 'language'

/** What is kept. A storage that is forbidden knows nothing. */
export function recall(base: string, key: string): string | null | undefined {
  try {
    return localStorage.getItem(prefixOf(base) + key)
  } catch {}
}

/** The keys of all that is kept of somebody, such as words that wait to be sent: but for his language. */
export function traces(base: string): readonly string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefixOf(base)) && !key.endsWith(LANGUAGE))
  } catch {
    return []
  }
}

/** Keeps it, where there is a storage. */
export function remember(base: string, key: string, value: string): void {
  try {
    localStorage.setItem(prefixOf(base) + key, value)
  } catch {
    // This page knows it all the same.
  }
}

export function erase(base: string, key: string): void {
  try {
    localStorage.removeItem(prefixOf(base) + key)
  } catch {
    // Then nothing was kept.
  }
}
