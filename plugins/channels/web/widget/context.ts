/** What all parts of the face share. */
import type { Text, WidgetSettings } from '../protocol.ts'
import type { Chat } from './chat.ts'
import type { Fetched } from './fetched.ts'
import { type Language, textIn, type Words, words } from './words.ts'

export interface Context {
  readonly chat: Chat
  readonly settings: WidgetSettings
  /** The channel's address. */
  readonly base: string
  /** Changes when the visitor wants another. */
  language: Language
  readonly words: Words
  /** Called when the language has changed. */
  readonly speakers: (() => void)[]
  /** A text of the operator. */
  text(text: Text): string
  readonly use: Fetched['use']
  readonly here: Fetched['here']
  /** Called when an element has taken the place of a smaller one. */
  onGrown: () => void
}

export function makeContext(given: Pick<Context, 'chat' | 'settings' | 'base' | 'language' | 'use' | 'here'>): Context {
  return {
    ...given,
    get words() {
      return words[this.language]
    },
    speakers: [],
    text(text) {
      return textIn(text, this.language)
    },
    onGrown() {},
  }
}
