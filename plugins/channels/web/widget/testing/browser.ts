/** A browser in a test: tabs that share a storage, and a clock that stands still until the test moves it. */
import { request } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { Browser } from '../browser.ts'

/** One page, with the browser's own `fetch` and `WebSocket` from Node. */
export interface Tab extends Browser {
  /** What a page tells, as `online` and `pagehide`. */
  tell(type: string, more?: object): void
  show(): void
  hide(): void
  /** How many timers wait, and how many listeners there are: what is left behind. */
  readonly waiting: number
  readonly listening: number
}

export interface TestBrowser {
  tab(changes?: Partial<Browser>): Tab
  readonly stored: Map<string, string>
  /** Moves the time on, running what becomes due; without a pause for the network. */
  advance(ms: number): void
  /** Shows a later time, as after a sleep: what became due in between has not run. */
  sleep(ms: number): void
  /** Lets time and network go on until this holds. Throws when it does not after a long time. */
  until(holds: () => boolean): Promise<void>
  /** Lets the network go on until this holds; time stands still. */
  soon(holds: () => boolean): Promise<void>
}

/** How long a test waits in vain for the network, in real ms. */
const PATIENCE_MS = 10_000
/** How much faster time goes than it does: enough to wait for minutes, too little to outrun the network. */
const SPEED = 20

export function testBrowser(): TestBrowser {
  let nowMs = 1_767_225_600_000
  let made = 0
  const stored = new Map<string, string>()
  const tabs = new Set<Tab>()

  interface Timer {
    readonly id: number
    readonly atMs: number
    readonly run: () => void
  }
  const timers = new Map<Tab, Map<number, Timer>>()

  function advance(ms: number): void {
    const endMs = nowMs + ms
    const due = () =>
      [...timers.values()]
        .flatMap((own) => [...own.values()])
        .filter(({ atMs }) => atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs || a.id - b.id)[0]
    for (let next = due(); next; next = due()) {
      nowMs = Math.max(nowMs, next.atMs)
      for (const own of timers.values()) own.delete(next.id)
      next.run()
    }
    nowMs = endMs
  }

  async function wait(holds: () => boolean, speed: number): Promise<void> {
    const beganMs = performance.now()
    for (let lastMs = beganMs; lastMs < beganMs + PATIENCE_MS; ) {
      if (holds()) return
      await setImmediate()
      const realMs = performance.now()
      if (speed > 0) advance((realMs - lastMs) * speed)
      lastMs = realMs
    }
    throw new Error(`Waited in vain until ${holds}`)
  }

  return {
    tab(changes = {}) {
      const events = new EventTarget()
      const pageEvents = new EventTarget()
      const own = new Map<number, Timer>()
      const listeners = new Set<string>()
      let visibilityState = 'visible'

      const listened = (target: EventTarget, where: string) => ({
        addEventListener(type: string, listener: (event: Event) => void) {
          listeners.add(`${where} ${type}`)
          target.addEventListener(type, listener)
        },
        removeEventListener(type: string, listener: (event: Event) => void) {
          listeners.delete(`${where} ${type}`)
          target.removeEventListener(type, listener)
        },
      })
      const others = (key: string, newValue: string | null) => () => {
        for (const other of tabs) if (other !== tab) other.tell('storage', { key, newValue })
      }

      const tab: Tab = {
        ...listened(events, 'window'),
        localStorage: {
          get length() {
            return stored.size
          },
          key: (index) => [...stored.keys()][index] ?? null,
          getItem: (key) => stored.get(key) ?? null,
          setItem(key, value) {
            stored.set(key, value)
            queueMicrotask(others(key, value))
          },
          removeItem(key) {
            if (stored.delete(key)) queueMicrotask(others(key, null))
          },
        },
        document: {
          ...listened(pageEvents, 'document'),
          get visibilityState() {
            return visibilityState
          },
          referrer: 'https://search.example/?q=shop',
        },
        location: { href: 'https://shop.example/cart?item=7' },
        crypto: globalThis.crypto,
        Date: { now: () => Math.floor(nowMs) },
        WebSocket: globalThis.WebSocket,
        XMLHttpRequest: TestUpload,
        fetch: (url, init) => fetch(url, init),
        setTimeout(run, ms) {
          own.set(++made, { id: made, atMs: nowMs + Math.max(ms, 0), run })
          return made
        },
        clearTimeout: (timer) => void own.delete(timer ?? 0),
        ...changes,
        tell: (type, more) => void events.dispatchEvent(Object.assign(new Event(type), more)),
        show() {
          visibilityState = 'visible'
          pageEvents.dispatchEvent(new Event('visibilitychange'))
        },
        hide() {
          visibilityState = 'hidden'
          pageEvents.dispatchEvent(new Event('visibilitychange'))
        },
        get waiting() {
          return own.size
        },
        get listening() {
          return listeners.size
        },
      }
      timers.set(tab, own)
      tabs.add(tab)
      return tab
    },
    stored,
    advance,
    sleep(ms) {
      nowMs += ms
    },
    until: (holds) => wait(holds, SPEED),
    soon: (holds) => wait(holds, 0),
  }
}

/** The `XMLHttpRequest` that Node lacks, as far as an upload needs it: sends in two pieces, and tells after each. */
class TestUpload {
  status = 0
  responseText = ''
  readonly upload = new Progress()
  #url = ''
  #headers: Record<string, string> = {}
  #answered: Record<string, string> = {}
  #end: () => void = () => {}
  #outgoing: ReturnType<typeof request> | undefined

  open(_method: string, url: string): void {
    this.#url = url
  }
  setRequestHeader(name: string, value: string): void {
    this.#headers[name] = value
  }
  getResponseHeader(name: string): string | null {
    return this.#answered[name] ?? null
  }
  addEventListener(_type: 'loadend', listener: () => void): void {
    this.#end = listener
  }
  abort(): void {
    this.#outgoing?.destroy()
  }
  send(file: File): void {
    const outgoing = request(this.#url, { method: 'POST', headers: { ...this.#headers, 'content-length': file.size } })
    this.#outgoing = outgoing
    outgoing.on('error', () => {})
    outgoing.on('response', (response) => {
      response.setEncoding('utf8')
      response.on('error', () => {})
      response.on('data', (text: string) => {
        this.responseText += text
      })
      response.on('end', () => {
        this.status = response.statusCode ?? 0
        for (const [name, value] of Object.entries(response.headers)) this.#answered[name] = String(value)
      })
    })
    outgoing.on('close', () => this.#end())
    void file.arrayBuffer().then((whole) => {
      const bytes = Buffer.from(whole)
      const half = Math.ceil(bytes.length / 2)
      outgoing.write(bytes.subarray(0, half), () => {
        this.upload.tell({ loaded: half, total: bytes.length })
        void setImmediate().then(() => {
          outgoing.end(bytes.subarray(half), () => this.upload.tell({ loaded: bytes.length, total: bytes.length }))
        })
      })
    })
  }
}

/** Who listens to an upload. */
class Progress {
  #listener: (event: { loaded: number; total: number }) => void = () => {}

  addEventListener(_type: 'progress', listener: (event: { loaded: number; total: number }) => void): void {
    this.#listener = listener
  }
  tell(event: { loaded: number; total: number }): void {
    this.#listener(event)
  }
}
