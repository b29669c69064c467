/** The outside world in a test: a real HTTP server on loopback, so that what a plugin sends is checked as it is sent. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

/** As a service worker's: `request.signal` is aborted when the other side hangs up. */
export type Answer = (request: Request) => Response | Promise<Response>

/**
 * What `answer` throws (a failed assertion about a request, say) is answered with 500, and thrown when the server is
 * disposed, so that it fails the test.
 */
export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, also after it has been down. */
  readonly url: string
  /** For `http: { allow: [server.host] }` in the YAML: plugins may not call private addresses otherwise. */
  readonly host: string
  /** Breaks every connection; from now on new ones are refused. */
  down(): Promise<void>
  /** Is there again, at the same address. */
  up(): Promise<void>
}

/** Starts a server that answers every request by `answer`. */
export async function testServer(answer: Answer): Promise<TestServer> {
  const failures: unknown[] = []
  const server = createServer((message, response) => {
    respond(answer, message, response).catch((error: unknown) => {
      failures.push(error)
      if (!response.headersSent) response.writeHead(500)
      response.end()
    })
  })
  const port = await listen(server, 0)
  const host = `127.0.0.1:${port}`

  async function down(): Promise<void> {
    if (!server.listening) return
    const { promise, resolve } = Promise.withResolvers<void>()
    server.close(() => resolve())
    server.closeAllConnections()
    await promise
  }

  return {
    url: `http://${host}`,
    host,
    down,
    async up() {
      if (!server.listening) await listen(server, port)
    },
    async [Symbol.asyncDispose]() {
      await down()
      if (failures.length === 1) throw failures[0]
      if (failures.length > 1) throw new AggregateError(failures, 'The server could not answer.')
    },
  }
}

async function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, '127.0.0.1', resolve)
  await promise
  server.off('error', reject)
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The server has no address.')
  return address.port
}

async function respond(answer: Answer, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const { status, headers, body } = await answer(requestOf(message, gone.signal))
  if (gone.signal.aborted) return void body?.cancel()
  response.writeHead(status, Object.fromEntries(headers))
  response.flushHeaders()
  if (body) {
    const reader = body.getReader()
    gone.signal.addEventListener('abort', () => void reader.cancel())
    for (let read = await reader.read(); !read.done; read = await reader.read()) response.write(read.value)
  }
  response.end()
}

function requestOf(message: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', headers, url = '/' } = message
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const entries = Object.entries(headers).flatMap(([name, value = '']) => [value].flat().map((one) => [name, one]))
  return new Request(new URL(url, `http://${headers.host}`), {
    method,
    headers: entries.map(([name = '', value = '']): [string, string] => [name, value]),
    signal,
    ...(hasBody && { body: Readable.toWeb(message), duplex: 'half' }),
  })
}
