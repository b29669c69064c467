/** What most visitors never see, in a file of its own: fetched when the panel is open and idle, or at once when needed. */
export { makeForm } from './form.ts'
export { default as styles } from './more.css?inline'
export { outgoingFile, partElement } from './parts.ts'
