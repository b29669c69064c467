/** What the page and the telling of news know of each other: the latter is loaded only when the page is there. */
import { signal } from '@preact/signals'

/** How many messages in their conversations they have not read. */
export const unread = signal(0)
/** Sounds are wanted, and the browser lets none be heard before a click. */
export const isSilent = signal(false)
/** The conversations that they are taking here: that those are theirs then is no news. */
export const taken = new Set<string>()
