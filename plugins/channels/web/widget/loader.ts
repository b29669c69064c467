/**
 * What the host page loads: paints the launcher at once, and fetches the widget when somebody wants it, or has been
 * here before. Whatever goes wrong in here, the page goes on as if there were no chat.
 */
import type { WidgetSettings } from '../protocol.ts'
import { addStyles, make, name, set } from './dom.ts'
import type { Options } from './element.ts'
import { LANGUAGE, recall, traces } from './known.ts'
import styles from './launcher.css?inline'
import { brokenWords, languageOf, openWords } from './words.ts'

/** The settings of the channel. The build writes the text "__SETTINGS__" here, and the server the settings in its place. */
declare const __SETTINGS__: WidgetSettings

/** What a host page says to the chat: `switchboard('open')`. Before the loader is there, a queue of what was said. */
interface HostApi {
  (command: string, ...values: readonly unknown[]): void
  q?: Iterable<[command: string, ...values: unknown[]]>
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
  const api = window.switchboard
  const former = api?.chats?.[base]
  if (former) {
    place(former)
    return
  }

  const settings = __SETTINGS__
  const page = document.documentElement.lang || navigator.language
  const language = languageOf(recall(base, LANGUAGE) || dataset.language || settings.language || page)
  const open = openWords[language]

  const host = make('switchboard-chat')
  const root = host.attachShadow({ mode: 'open' })
  const launcher = make('button', 'launcher')
  const frame = make('section', '', launcher)
  const style = (text: string) => addStyles(root, text)
  style(`:host{${settings.colors}}.launcher,.panel{${settings.position}:20px}${styles}`)
  frame.lang = language
  set(frame, 'aria-label', open)
  name(launcher, open)
  root.append(frame)
  place(host)

  function load(from: string): Promise<void> {
    const its: Promise<{ begin(options: Options): void }> = import(/* @vite-ignore */ from)
    return its.then(({ begin }) => begin({ host, base, settings, language, frame, launcher, style }))
  }
  const url = base + settings.widget
  let widget: Promise<void> | undefined
  let tries = 0
  /** Brings the element to life, then runs a command on it. */
  function run(command: string, ...values: readonly unknown[]): void {
    if (!host.isConnected) place(host)
    // At once: the page may be left before the widget is there.
    if (command === 'forget') for (const key of traces(base)) localStorage.removeItem(key)
    // A browser may remember that an address failed, so another try has another address.
    widget ??= load(`${url}?${tries++}`)
    widget.then(
      () => host.run(command, ...values),
      () => {
        widget = undefined
        name(launcher, brokenWords[language])
      },
    )
  }
  launcher.onclick = () => run('open')

  const whenIdle = () => {
    const command = 'open' in dataset ? 'show' : traces(base)[0] && 'wake'
    if (command) run(command)
    // Ready before it is wanted.
    document.head.append(Object.assign(make('link'), { rel: 'modulepreload', href: `${url}?0` }))
  }
  ;(window.requestIdleCallback ?? setTimeout)(whenIdle)

  if (api?.chats) api.chats[base] = host
  else {
    window.switchboard = Object.assign(run, { chats: { [base]: host } })
    for (const said of api?.q ?? []) run(...said)
  }
}

/** Puts the chat at the end of the page, as soon as the page has one. */
function place(host: HTMLElement): void {
  if (document.body) document.body.append(host)
  else addEventListener('DOMContentLoaded', () => place(host))
}

try {
  const { currentScript } = document
  if (currentScript instanceof HTMLScriptElement) begin(currentScript)
} catch (error) {
  console.warn(error)
}
