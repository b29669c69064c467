/**
 * What the host page loads: paints the launcher at once, and fetches the widget when somebody wants it, or has been
 * here before. Whatever goes wrong in here, the page goes on as if there were no chat.
 */
import type { WidgetSettings } from '../protocol.ts'
import { brandOf } from './color.ts'
import { addStyles, make, name } from './dom.ts'
import type { Options, SwitchboardChat } from './element.ts'
import { CHAT, icon } from './icons.ts'
import { LANGUAGE, recall, TOKEN } from './known.ts'
import styles from './launcher.css?inline'
import { languageOf, launcherWords } from './words.ts'

/** The settings of the channel. The build writes the text "__SETTINGS__" here, and the server the settings in its place. */
declare const __SETTINGS__: WidgetSettings

/** What a host page says to the chat: `switchboard('open')`. Before the loader is there, a queue of what was said. */
interface HostApi {
  (command: string, ...values: readonly unknown[]): void
  q?: readonly ArrayLike<unknown>[]
  /** The chats on this page by the address of their channel: a script that comes twice makes no second one. */
  chats?: Record<string, HTMLElement>
}
declare global {
  interface Window {
    switchboard?: HostApi
  }
}

function begin({ src, dataset }: HTMLScriptElement): void {
  const base = new URL('.', src).href
  const former = window.switchboard?.chats?.[base]
  if (former) {
    place(former)
    return
  }

  const settings = __SETTINGS__
  const page = document.documentElement.lang || navigator.language
  const language = languageOf(recall(base, LANGUAGE) || dataset.language || settings.language || page)
  const { open, broken } = launcherWords[language]
  const { brand, onBrand } = brandOf(settings.color)

  const host = document.createElement('switchboard-chat')
  const root = host.attachShadow({ mode: 'open' })
  addStyles(root, `:host{--brand:${brand};--on-brand:${onBrand}}${styles}`)
  const badge = make('span', 'badge')
  const launcher = make('button', 'launcher', icon(CHAT), badge)
  launcher.type = 'button'
  launcher.setAttribute('aria-expanded', 'false')
  name(launcher, open)
  const frame = make('section', settings.position, launcher)
  frame.lang = language
  frame.setAttribute('aria-label', open)
  root.append(frame)
  place(host)

  let loading: Promise<SwitchboardChat> | undefined
  let tries = 0
  function load(): Promise<SwitchboardChat> {
    loading ??= fetchWidget()
    return loading
  }
  async function fetchWidget(): Promise<SwitchboardChat> {
    launcher.setAttribute('aria-busy', 'true')
    try {
      // A browser may remember that an address failed, so another try has another address.
      const again = tries++ ? `?${tries}` : ''
      const widget: { begin: (options: Options) => void } = await import(
        /* @vite-ignore */ base + settings.widget + again
      )
      widget.begin({ host, root, base, settings, language, frame, launcher, badge })
      launcher.onclick = () => host.toggle()
      return host
    } catch (error) {
      loading = undefined
      name(launcher, broken)
      throw error
    } finally {
      launcher.removeAttribute('aria-busy')
    }
  }

  function run(command: string, ...values: readonly unknown[]): void {
    if (!host.isConnected) place(host)
    load().then(
      () => host.run(command, ...values),
      () => {},
    )
  }
  launcher.onclick = () => {
    if (!loading) run('open')
  }

  const prefetch = () => {
    launcher.onpointerenter = launcher.onfocus = null
    const hint = make('link')
    hint.rel = 'modulepreload'
    hint.href = base + settings.widget
    document.head.append(hint)
  }
  launcher.onpointerenter = launcher.onfocus = prefetch
  const whenIdle = () => {
    if (loading) return
    if (recall(base, TOKEN)) load().catch(() => {})
    else if (launcher.onfocus) prefetch()
  }
  const whenLoaded = () => (window.requestIdleCallback ?? setTimeout)(whenIdle)
  if (document.readyState === 'complete') whenLoaded()
  else addEventListener('load', whenLoaded, { once: true })

  const api = window.switchboard
  if (api?.chats) {
    api.chats[base] = host
  } else {
    window.switchboard = Object.assign(run, { chats: { [base]: host } })
    for (const [command, ...values] of Array.from(api?.q ?? [], (said) => Array.from(said)))
      run(String(command), ...values)
  }
  if (dataset.open !== undefined)
    load().then(
      () => host.open(),
      () => {},
    )
}

/** Puts the chat at the end of the page, as soon as the page has one. */
function place(host: HTMLElement): void {
  if (document.body) document.body.append(host)
  else addEventListener('DOMContentLoaded', () => document.body.append(host), { once: true })
}

try {
  if (document.currentScript instanceof HTMLScriptElement) begin(document.currentScript)
} catch (error) {
  console.warn('Switchboard: the chat cannot be shown here.', error)
}
