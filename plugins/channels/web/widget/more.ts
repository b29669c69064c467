/** What an open panel needs soon: pictures, links, the room on a phone, and another way for the stream. */
export { readEvents } from './events.ts'
export { linked } from './links.ts'
export { default as styles } from './more.css?inline'
export { fitPanel } from './panel.ts'
export { partElement } from './parts.ts'
