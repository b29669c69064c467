/** The shop whose pages have the chat: a server of its own, and therefore another origin. */
import { createServer } from 'node:http'

export interface HostPage {
  readonly html: string
  readonly headers?: { readonly [name: string]: string } | undefined
}

export interface Host extends AsyncDisposable {
  /** A plain http origin of another name than this machine's: no secure context, as on many a real page. */
  readonly origin: string
  /** The same server by a name that browsers trust, so that they keep to policies that they else ignore. */
  readonly trustedOrigin: string
  /** What is at `/path` from now on; gives its address. */
  page(path: string, page: string | HostPage): string
}

/** A small picture, so small that what is not drawn is told from what is. */
export const PICTURE = {
  width: 3,
  bytes: Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAEElEQVR4nGNQaDgAQQxwFgBO1AhBM32XQgAAAABJRU5ErkJggg==',
    'base64',
  ),
} as const

/** Starts the shop, without any page but a picture at `/cup.png`. */
export async function startHost(): Promise<Host> {
  const pages = new Map<string, HostPage>()
  const server = createServer((asked, answer) => {
    const path = new URL(asked.url ?? '/', 'http://shop.example').pathname
    const page = pages.get(path)
    if (path === '/cup.png') return void answer.writeHead(200, { 'content-type': 'image/png' }).end(PICTURE.bytes)
    if (page === undefined) return void answer.writeHead(404).end()
    answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...page.headers }).end(page.html)
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  // Both names end there, whatever the machine makes of `localhost`.
  server.listen(0, resolve)
  await promise
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The shop has no address.')
  const origin = `http://shop.example:${address.port}`
  const trustedOrigin = `http://localhost:${address.port}`
  return {
    origin,
    trustedOrigin,
    page(path, page) {
      pages.set(path, typeof page === 'string' ? { html: page } : page)
      return `${origin}${path}`
    },
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      server.closeAllConnections()
      await closed.promise
    },
  }
}

/** A page of a shop with something to read on it, and the chat's script. `script`: the attributes of its tag. */
export function shopPage(script: string, { lang = 'en', head = '', body = '' } = {}): string {
  const paragraphs = Array.from(
    { length: 20 },
    (_, i) => `<p>Shelf ${i + 1}: cups, plates, and what goes with them.</p>`,
  )
  return `<!doctype html>
<html lang="${lang}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Shop</title>${head}</head>
<body><main><h1>Shop</h1><button id="before">Buy</button>${paragraphs.join('')}${body}</main><script ${script}></script></body>
</html>`
}
