/** What all parts of the face share. */
import type { Text, WidgetSettings } from '../protocol.ts'
import type { Chat } from './chat.ts'
import { addStyles, make } from './dom.ts'
import type * as more from './more.ts'
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
  /** Uses what is fetched later, now or soon. Where it cannot be had nothing happens, and the next one asks again. */
  withMore(use: (its: typeof more) => void): void
  /** An element that is made when it can be. Until then one of this class keeps the place. */
  later(className: string, makeIt: (its: typeof more) => HTMLElement): HTMLElement
  /** Called when such an element has taken its place. */
  onGrown: () => void
}

export function makeContext(
  root: ShadowRoot,
  given: Pick<Context, 'chat' | 'settings' | 'base' | 'language'>,
): Context {
  const { settings, base } = given
  let has: typeof more | undefined
  let coming: Promise<void> | undefined
  let tries = 0

  async function fetchMore(from: string): Promise<void> {
    try {
      const its: typeof more = await import(/* @vite-ignore */ from)
      addStyles(root, its.styles)
      has = its
    } catch {
      coming = undefined
    }
  }

  return {
    ...given,
    get words() {
      return words[this.language]
    },
    text(text) {
      return textIn(text, this.language)
    },
    limit: sizeText(settings.uploads?.maxBytes ?? 0),
    withMore(use) {
      if (has) return use(has)
      coming ??= fetchMore(`${base + settings.more}?${tries++}`)
      coming.then(() => has && use(has))
    },
    onGrown() {},
    later(className, makeIt) {
      let element: HTMLElement = make('div', className)
      this.withMore((its) => {
        const made = makeIt(its)
        element.replaceWith(made)
        element = made
        this.onGrown()
      })
      return element
    },
  }
}
