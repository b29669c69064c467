/** What the chat uses of a browser: its window. A test gives one of its own. */
export interface Browser extends Listened {
  readonly localStorage: Pick<Storage, 'length' | 'key' | 'getItem' | 'setItem' | 'removeItem'>
  readonly document: Listened & { readonly visibilityState: string; readonly referrer: string }
  readonly location: { readonly href: string }
  readonly crypto: { getRandomValues(numbers: Uint32Array<ArrayBuffer>): Uint32Array }
  readonly Date: { now(): number }
  readonly WebSocket: typeof WebSocket
  readonly XMLHttpRequest: new () => Upload
  fetch(url: string, init: RequestInit): Promise<Response>
  setTimeout(run: () => void, ms: number): number
  clearTimeout(timer: number | undefined): void
}

interface Listened {
  addEventListener(type: string, listener: (event: Event) => void): void
  removeEventListener(type: string, listener: (event: Event) => void): void
}

/** Of a request that says how far it is, which `fetch` cannot. */
interface Upload {
  readonly upload: {
    addEventListener(type: 'progress', listener: (event: { loaded: number; total: number }) => void): void
  }
  readonly status: number
  readonly responseText: string
  open(method: string, url: string): void
  setRequestHeader(name: string, value: string): void
  getResponseHeader(name: string): string | null
  addEventListener(type: 'loadend', listener: () => void): void
  send(body: File): void
  abort(): void
}

/** Waits grow from half a second to half a minute, each by chance, so that not all come back at once. */
export const backoffMs = (failures: number) => Math.random() * Math.min(500 * 2 ** failures, 30_000)

/** Unguessable, also on a page without https: there browsers have no `randomUUID`. */
export const makeId = (browser: Browser): string => browser.crypto.getRandomValues(new Uint32Array(4)).join('-')
