/** Where a browser keeps what it knows of a channel: the loader looks whether it has been here, without the widget. */

/** What every key of a channel's begins with. `base`: the channel's address. */
export const prefixOf = (base: string): string => `switchboard ${base} `

/** The key of the visitor's token, after the prefix. */
export const TOKEN = 'token'
/** The key of the language that the visitor has picked. */
export const LANGUAGE = 'language'

/** What is kept. A storage that is forbidden knows nothing. */
export function recall(base: string, key: string): string | null | undefined {
  try {
    return localStorage.getItem(prefixOf(base) + key)
  } catch {}
}

/** Keeps it, where there is a storage. */
export function remember(base: string, key: string, value: string): void {
  try {
    localStorage.setItem(prefixOf(base) + key, value)
  } catch {
    // This page knows it all the same.
  }
}
