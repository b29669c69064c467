import type { Browser } from './browser.ts'

/**
 * Reads server-sent events by `fetch`, because an `EventSource` sends no token. Resolves with the answer when they end.
 * `heard` is called for every piece that comes, and with the data of every event.
 */
export async function readEvents(
  browser: Browser,
  address: string,
  token: string,
  signal: AbortSignal,
  heard: (data?: string) => void,
): Promise<Response> {
  const response = await browser.fetch(address, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
    cache: 'no-store',
    credentials: 'omit',
    signal,
  })
  if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream')) return response
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
  return response
}
