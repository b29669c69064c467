/** What an open panel needs soon: links, times, what is on its way, the room on a phone. */
export { linked } from './links.ts'
export { default as styles } from './more.css?inline'
export { moreWords } from './more-words.ts'
export { bringOlder } from './older.ts'
export { makeState } from './outgoing.ts'
export { furnish } from './panel.ts'
export { fullTimeText, timeBetween } from './times.ts'
