/** The widget: the custom element that the loader has put on the page comes alive. */
import type { WidgetSettings } from '../protocol.ts'
import { type Chat, makeChat } from './chat.ts'
import { makeContext } from './context.ts'
import { type Face, makeFace, type Places } from './face.ts'
import { makeFetched } from './fetched.ts'
import styles from './styles.css?inline'
import { type Language, languageOf } from './words.ts'

const TAG = 'switchboard-chat'

/** What the loader hands over. */
export interface Options extends Places {
  /** Adds styles for what is in the element. */
  style(text: string): void
  readonly host: SwitchboardChat
  readonly base: string
  readonly settings: WidgetSettings
  readonly language: Language
}

/** `<switchboard-chat>`, as host pages use it. Says `switchboard:open`, `switchboard:close` and `switchboard:unread`. */
export class SwitchboardChat extends HTMLElement {
  static get observedAttributes(): readonly string[] {
    return ['language']
  }
  /** What it has become, once the widget is there. */
  declare life: { readonly chat: Chat; readonly face: Face } | undefined

  /** A command of the host page, or of the loader. */
  run(command: string, value?: unknown): void {
    if (!this.life) return
    const { chat, face } = this.life
    const text = `${value}`
    const isToOpen = command === 'open' || (command === 'toggle' && !face.isOpen)
    // A page that opens it by itself does not take the focus from whoever is reading; a click takes it along.
    if (isToOpen || command === 'show') face.open(isToOpen && (navigator.userActivation?.isActive ?? true))
    else if (command === 'close' || command === 'toggle') face.close()
    else if (command === 'language') this.setAttribute(command, text)
    else if (command === 'forget') chat.forget()
    else if (command === 'identify') {
      chat.start()
      chat.identify(text).catch((error: unknown) => {
        console.warn('Switchboard: identify failed.', error)
      })
    } else if (command !== 'wake') console.warn(`Switchboard: there is no command "${command}".`)
  }

  connectedCallback(): void {
    this.life?.face.connect()
  }
  disconnectedCallback(): void {
    // A page that moves the element takes it out and puts it in again: that is no reason to connect anew.
    queueMicrotask(() => this.isConnected || this.life?.face.disconnect())
  }
  attributeChangedCallback(_name: string, _former: string | null, language: string | null): void {
    if (language) this.life?.face.speak(languageOf(language))
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'switchboard-chat': SwitchboardChat
  }
}

/** Brings the element to life: called once by the loader that made it. */
export function begin(options: Options): void {
  const { host, base, settings, style } = options
  // Two channels on one page share the element: the one that comes second finds it defined.
  if (!customElements.get(TAG)) customElements.define(TAG, SwitchboardChat)
  customElements.upgrade(host)
  style(styles)
  const language = languageOf(host.getAttribute('language') ?? options.language)
  const { fetch, use, here } = makeFetched(base, settings.fetched, style)
  const chat = makeChat({ base, settings, language, fetch })
  const face = makeFace(makeContext({ chat, settings, base, language, use, here }), options)
  host.life = { chat, face }
  options.launcher.onclick = () => host.run('toggle')
  if (host.isConnected) face.connect()
}
