/** What was written and not sent, for each conversation; kept in this browser, for the account that wrote it. */
import { me } from './session.ts'
import { recall, remember } from './storage.ts'

export type Mode = 'reply' | 'note'

const keyOf = (conversation: string, mode: Mode) => `draft:${me.value?.name}:${mode}:${conversation}`

export const draftOf = (conversation: string, mode: Mode): string => recall(keyOf(conversation, mode)) ?? ''

export function keepDraft(conversation: string, mode: Mode, text: string): void {
  remember(keyOf(conversation, mode), text === '' ? undefined : text)
}

export const hasDraft = (conversation: string): boolean => draftOf(conversation, 'reply') !== ''
