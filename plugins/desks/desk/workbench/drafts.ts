/** What was written and not sent, for each conversation; kept in this browser, for the account that wrote it. */
import { signal } from '@preact/signals'
import { me } from './session.ts'
import { recall, remember } from './storage.ts'

export type Mode = 'reply' | 'note'

const keyOf = (conversation: string, mode: Mode) => `draft:${me.value?.name}:${mode}:${conversation}`

export const draftOf = (conversation: string, mode: Mode): string => recall(keyOf(conversation, mode)) ?? ''

export function keepDraft(conversation: string, mode: Mode, text: string): void {
  remember(keyOf(conversation, mode), text === '' ? undefined : text)
}

export const hasDraft = (conversation: string): boolean => draftOf(conversation, 'reply') !== ''

/** A file that goes with the next message. */
export interface Attached {
  readonly id: string
  readonly name: string
  readonly state: 'uploading' | 'failed' | { readonly file: string }
}

const attached = signal<ReadonlyMap<string, readonly Attached[]>>(new Map())

/** Stays while one looks at other conversations; not over a reload, for an upload does not. */
export const attachedIn = (conversation: string): readonly Attached[] => attached.value.get(conversation) ?? []

export function changeAttached(conversation: string, change: (now: readonly Attached[]) => readonly Attached[]): void {
  attached.value = new Map(attached.value).set(conversation, change(attachedIn(conversation)))
}
