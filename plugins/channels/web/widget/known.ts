/** Where a browser keeps what it knows of a channel: the loader looks whether it has been here, without the widget. */

/** What every key of a channel's begins with. `base`: the channel's address. */
export const prefixOf = (base: string): string => `switchboard ${base} `

/** The key of the visitor's token, after the prefix. */
export const TOKEN = 'token'

/** Whether this browser has been here before. A storage that is forbidden throws, and knows nothing. */
export function isKnown(base: string): boolean {
  try {
    return localStorage.getItem(prefixOf(base) + TOKEN) !== null
  } catch {
    return false
  }
}
