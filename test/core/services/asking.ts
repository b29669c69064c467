/** Asks a listener by real sockets, with any header: `fetch` lets nobody choose a `Host`. */
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export function ask(
  url: string,
  headers: { readonly [name: string]: string } = {},
  { method = 'GET', body = '' }: { method?: string; body?: string } = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, headers, agent: false }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      )
    })
    asking.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' })
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

/** Sends these bytes, and gives whatever comes back until the other side hangs up. */
export async function askInBytes(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}
