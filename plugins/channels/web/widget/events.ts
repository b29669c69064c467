/** The other way for the stream: server-sent events, where upgrades to a WebSocket are refused. */
import type { Browser } from './browser.ts'
import { NO_SOCKETS_UNTIL } from './known.ts'
import { retryAfterMs } from './requests.ts'
import type { Store } from './storage.ts'

/** It has no looks. */
export const styles = ''

/** How long upgrades are not tried again where they were refused twice. */
const WITHOUT_SOCKETS_MS = 3_600_000

interface Connection {
  readonly browser: Browser
  readonly store: Store
  readonly address: string
  readonly token: string
  /** An upgrade was refused before: if this works, it is the upgrade, not us. */
  readonly isInstead: boolean
  /** The connection before was good. */
  readonly isFirst: boolean
  readonly signal: AbortSignal
  /** The server did not take the token. */
  refused(token: string): void
  /** Called for every piece that comes, and with the data of every event. Returns whether that was a `hello`. */
  heard(data?: string): boolean
}

/**
 * Hears events until they end, by `fetch`, because an `EventSource` sends no token. Resolves with how long to wait for the
 * next connection, where that is known.
 */
export async function hearEvents(connection: Connection): Promise<number | undefined> {
  const { browser, store, address, token, isInstead, isFirst, signal, refused, heard } = connection
  const { status, ok, headers, body } = await browser.fetch(address, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
    cache: 'no-store',
    credentials: 'omit',
    signal,
  })
  if (status === 401) refused(token)
  // A token that has run out costs no wait, as long as the next one is good.
  const waitMs = status === 401 && isFirst ? 0 : retryAfterMs(headers.get('retry-after'))
  if (!ok || !headers.get('content-type')?.startsWith('text/event-stream')) return waitMs
  const reader = body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    heard()
    const events = (text + decoder.decode(piece.value, { stream: true })).split(/\r?\n\r?\n/)
    text = events.pop() ?? ''
    for (const event of events) {
      const data = event.split(/\r?\n/).flatMap((line) => (line.startsWith('data:') ? line.slice(5) : []))
      if (data.length > 0 && heard(data.join('\n')) && isInstead) noteRefusal(browser, store)
    }
  }
  return waitMs
}

/** The first refused upgrade may be a mishap. */
function noteRefusal(browser: Browser, store: Store): void {
  const again = store.get(NO_SOCKETS_UNTIL) !== undefined
  store.set(NO_SOCKETS_UNTIL, String(again ? browser.Date.now() + WITHOUT_SOCKETS_MS : 0))
}
