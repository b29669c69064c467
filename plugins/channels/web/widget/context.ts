/** What all parts of the face share. */
import type { Text, WidgetSettings } from '../protocol.ts'
import type { Chat } from './chat.ts'
import { hush } from './dom.ts'
import type { Fetched, Files } from './fetched.ts'
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
  /** An element that is made when it can be. Until then another one stands there. */
  later<Name extends keyof Files>(
    meanwhile: HTMLElement,
    file: Name,
    makeIt: (its: Files[Name]) => HTMLElement,
  ): HTMLElement
  /** Called when such an element has taken its place. */
  onGrown: () => void
}

export function makeContext(given: Pick<Context, 'chat' | 'settings' | 'base' | 'language' | 'use'>): Context {
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
    later(meanwhile, file, makeIt) {
      let element = meanwhile
      this.use(file, (its) => {
        const made = makeIt(its)
        hush(element)
        element.replaceWith(made)
        element = made
        this.onGrown()
      })
      return element
    },
  }
}
