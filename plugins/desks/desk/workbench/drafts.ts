/** What was written and not sent, for each conversation; kept in this browser, for the account that wrote it. */
import { signal } from '@preact/signals'
import { me } from './session.ts'
import { recall, remember } from './storage.ts'

export type Mode = 'reply' | 'note'
/** What is begun in the dialog that closes: how it ended, and a field of the summary. */
type Closing = 'reason' | `summary ${string}`

/** Raised by each change, so that all who show a draft show the same: the field, the list, the dialog that closes. */
const changes = signal(0)

const keyOf = (conversation: string, mode: Mode | Closing) => `draft:${me.value?.name}:${mode}:${conversation}`

export function draftOf(conversation: string, mode: Mode | Closing): string {
  void changes.value
  return recall(keyOf(conversation, mode)) ?? ''
}

export function keepDraft(conversation: string, mode: Mode | Closing, text: string): void {
  remember(keyOf(conversation, mode), text === '' ? undefined : text)
  changes.value++
}

/** A file that goes with the next message. */
export interface Attached {
  readonly id: string
  readonly name: string
  readonly state: 'uploading' | 'failed' | { readonly file: string }
  /** While it is being uploaded: how much of it, from 0 to 1, has gone. */
  readonly share?: number
}

const attached = signal<ReadonlyMap<string, readonly Attached[]>>(new Map())

/** Stays while one looks at other conversations; not over a reload, for an upload does not. */
export const attachedIn = (conversation: string): readonly Attached[] => attached.value.get(conversation) ?? []

export function changeAttached(conversation: string, change: (now: readonly Attached[]) => readonly Attached[]): void {
  attached.value = new Map(attached.value).set(conversation, change(attachedIn(conversation)))
}

/** Of those that are attached, the ones that the desk has. */
export const uploadedIn = (conversation: string): readonly { readonly file: string; readonly name: string }[] =>
  attachedIn(conversation).flatMap(({ name, state }) => (typeof state === 'object' ? [{ file: state.file, name }] : []))
