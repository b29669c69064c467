/** What all parts of the face share. */
import type { Text, WidgetSettings } from '../protocol.ts'
import type { Chat } from './chat.ts'
import { type Language, sizeText, textIn, type Words, words } from './words.ts'

export interface Context {
  readonly chat: Chat
  readonly settings: WidgetSettings
  /** The channel's address. */
  readonly base: string
  /** Changes when the visitor wants another. */
  language: Language
  readonly words: Words
  /** A text of the operator. */
  text(text: Text): string
  /** The size up to which files are taken. */
  readonly limit: string
}

export function makeContext(chat: Chat, settings: WidgetSettings, base: string, language: Language): Context {
  return {
    chat,
    settings,
    base,
    language,
    get words() {
      return words[this.language]
    },
    text(text) {
      return textIn(text, this.language)
    },
    limit: sizeText(settings.uploads?.maxBytes ?? 0),
  }
}
