/**
 * What a browser lends the page, so that its logic runs in Node: a storage, and a network whose other end is the test's.
 * The modules of the page are to be imported after it, since some look at the browser as they begin.
 */
import { vi } from 'vitest'
import type { Frame, Me } from '../api/shapes.ts'

export const AMY: Me = { name: 'amy', title: 'Amy', role: 'supervisor', teams: [], desk: 'support', failedSignIns: 0 }

export interface Asked {
  readonly method: string
  /** Behind `api/`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: { readonly [name: string]: unknown } | undefined
}
/** `'offline'`: nobody is reached. */
export type Answer = { readonly status: number; readonly body: unknown } | 'offline'

export const done: Answer = { status: 200, body: { ok: true } }

export interface SimulatedPage {
  readonly asked: Asked[]
  readonly storage: Storage
  /** How all that is asked from now on is answered. */
  answers(answer: (asked: Asked) => Answer | Promise<Answer>): void
  /** What another tab of this browser does with the storage is told. */
  tellsOfStorage(key: string): void
  /** What the desk tells on the line that was opened last. */
  tells(frame: Frame): void
  /** The browser has its own things back. */
  close(): void
}

export function simulatedPage(): SimulatedPage {
  const asked: Asked[] = []
  let answer: (asked: Asked) => Answer | Promise<Answer> = () => done
  const storage = makeStorage()
  const events = new EventTarget()
  let hear: ((event: { readonly data: string }) => void) | undefined
  vi.stubGlobal('localStorage', storage)
  vi.stubGlobal('location', { pathname: '/support/', href: 'http://localhost/support/', hash: '', reload: vi.fn() })
  vi.stubGlobal('window', globalThis)
  vi.stubGlobal('addEventListener', events.addEventListener.bind(events))
  vi.stubGlobal('removeEventListener', events.removeEventListener.bind(events))
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => setTimeout(draw, 0))
  vi.stubGlobal('cancelAnimationFrame', clearTimeout)
  vi.stubGlobal(
    'WebSocket',
    class {
      set onmessage(listener: typeof hear) {
        hear = listener
      }
      close(): void {
        hear = undefined
      }
    },
  )
  vi.stubGlobal('fetch', async (address: string, { method = 'GET', body }: RequestInit = {}) => {
    const { pathname, searchParams } = new URL(address, 'http://localhost/')
    const one = {
      method,
      path: pathname.replace('/api', ''),
      query: searchParams,
      body: typeof body === 'string' ? JSON.parse(body) : undefined,
    }
    asked.push(one)
    const given = await answer(one)
    if (given === 'offline') throw new TypeError('Nobody is reached.')
    const text = typeof given.body === 'string' ? given.body : JSON.stringify(given.body)
    return new Response(text, { status: given.status })
  })
  return {
    asked,
    storage,
    answers(next) {
      answer = next
    },
    tellsOfStorage(key) {
      events.dispatchEvent(Object.assign(new Event('storage'), { key }))
    },
    tells: (frame) => hear?.({ data: JSON.stringify(frame) }),
    close: () => void vi.unstubAllGlobals(),
  }
}

/** As a browser's: its keys are its properties, too. */
function makeStorage(): Storage {
  const kept = new Map<string, string>()
  const methods = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
    clear: () => kept.clear(),
    key: (index: number) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size
    },
  }
  return new Proxy(methods, {
    ownKeys: () => [...kept.keys()],
    getOwnPropertyDescriptor: (_, key) =>
      typeof key === 'string' && kept.has(key)
        ? { enumerable: true, configurable: true, value: kept.get(key) }
        : undefined,
  })
}
