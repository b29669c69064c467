/** How the contract plays the platform's side of HTTP: without keeping connections, and hanging up when it likes. */
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

/** Sends one request on a connection of its own, which is closed afterwards. */
export async function exchange(
  request: Request,
  signal?: AbortSignal,
): Promise<{ readonly status: number; readonly body: string }> {
  const { method, url } = request
  const body = await request.text()
  const headers = { ...Object.fromEntries(request.headers), 'content-length': String(Buffer.byteLength(body)) }
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const sending = httpRequest(url, { method, headers, agent: false, ...(signal && { signal }) })
  sending.once('error', reject)
  sending.once('response', (response) => {
    text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject)
  })
  sending.end(body)
  return promise
}

/** Writes all requests at once on one connection, and reads until the last has been answered. */
export async function pipelined(requests: readonly Request[]): Promise<void> {
  const [first] = requests
  if (!first) return
  const written = await Promise.all(requests.map((request, i) => serialize(request, i === requests.length - 1)))
  const { hostname, port } = new URL(first.url)
  const socket = connect(Number(port), hostname)
  try {
    socket.write(written.join(''))
    await text(socket)
  } finally {
    socket.destroy()
  }
}

async function serialize(request: Request, isLast: boolean): Promise<string> {
  const body = await request.text()
  const { host, pathname, search } = new URL(request.url)
  const lines = [
    `${request.method} ${pathname}${search} HTTP/1.1`,
    `host: ${host}`,
    ...[...request.headers].map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    ...(isLast ? ['connection: close'] : []),
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
