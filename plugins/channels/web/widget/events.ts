import type { Browser } from './browser.ts'
import { retryAfterMs } from './requests.ts'

/** How the events ended: the status of the answer, and for how long the server asked to wait. */
export interface EventsEnd {
  readonly status: number
  readonly waitMs: number | undefined
}

/**
 * Reads server-sent events by `fetch`, because an `EventSource` sends no token. Resolves when they end. `heard` is
 * called for every piece that comes, and with the data of every event.
 */
export async function readEvents(
  browser: Browser,
  address: string,
  token: string,
  signal: AbortSignal,
  heard: (data?: string) => void,
): Promise<EventsEnd> {
  const response = await browser.fetch(address, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
    cache: 'no-store',
    credentials: 'omit',
    signal,
  })
  const end = { status: response.status, waitMs: retryAfterMs(response.headers.get('retry-after')) }
  if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream')) return end
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    heard()
    const events = (text + decoder.decode(piece.value, { stream: true })).split(/\r?\n\r?\n/)
    text = events.pop() ?? ''
    for (const event of events) {
      const data = event.split(/\r?\n/).flatMap((line) => (line.startsWith('data:') ? line.slice(5) : []))
      if (data.length > 0) heard(data.join('\n'))
    }
  }
  return end
}
