/** The demo page: its looks, its two languages, and a switch that takes the network from it. */
import styles from './demo.css?inline'
import { languageOf } from './words.ts'

const page = document.documentElement
const sheet = new CSSStyleSheet()
sheet.replaceSync(styles)
document.adoptedStyleSheets = [sheet]

let off = new AbortController()
const isOff = (): boolean => page.classList.contains('is-off')
const failed = (): TypeError => new TypeError('The network of this page is switched off.')

const online = window.fetch.bind(window)
window.fetch = (input, init) => {
  const signals = [off.signal, ...(init?.signal ? [init.signal] : [])]
  return isOff() ? Promise.reject(failed()) : online(input, { ...init, signal: AbortSignal.any(signals) })
}
window.WebSocket = class extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    // One that is made and closed again has asked the server already.
    if (isOff()) throw failed()
    super(url, protocols)
    off.signal.addEventListener('abort', () => this.close())
  }
}
window.XMLHttpRequest = class extends XMLHttpRequest {
  override send(body?: Document | XMLHttpRequestBodyInit | null): void {
    // As one that fails: what is sent and aborted again may have got out.
    if (isOff()) {
      this.dispatchEvent(new ProgressEvent('loadend'))
      return
    }
    super.send(body)
    off.signal.addEventListener('abort', () => this.abort())
  }
}
Object.defineProperty(navigator, 'onLine', { get: () => !isOff() })

function switchNetwork(): void {
  page.classList.toggle('is-off')
  document.getElementById('network')?.setAttribute('aria-checked', String(!isOff()))
  if (isOff()) off.abort(failed())
  else off = new AbortController()
  window.dispatchEvent(new Event(isOff() ? 'offline' : 'online'))
}

function speak(language: string): void {
  page.lang = language
  document.title = language === 'en' ? 'Harbour Tea: a page with a chat' : '海港茶铺：带在线客服的页面'
}

async function copy(button: HTMLElement): Promise<void> {
  const snippet = document.getElementById('snippet')
  try {
    await navigator.clipboard.writeText(snippet?.textContent ?? '')
    button.classList.add('is-copied')
  } catch {
    // Forbidden, or no secure page: then it is marked, to be copied by hand.
    if (snippet) getSelection()?.selectAllChildren(snippet)
  }
}

const say = (command: string, ...values: readonly unknown[]): void => window.switchboard?.(command, ...values)

speak(languageOf(navigator.language))
document.addEventListener('DOMContentLoaded', () => {
  const snippet = document.getElementById('snippet')
  if (snippet) snippet.textContent = `<script async src="${new URL('chat.js', location.href)}"></script>`
})
document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest('button') : null
  if (button?.id === 'network') switchNetwork()
  if (button?.id === 'open') say('open')
  if (button?.id === 'copy') copy(button)
  if (button?.id !== 'language') return
  speak(page.lang === 'en' ? 'zh-CN' : 'en')
  say('language', page.lang)
})
