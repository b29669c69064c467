/** The outside: takes what is sent to customers and to the desk's people, checks it, and remembers all of it in order. */
import { createServer, type IncomingMessage } from 'node:http'
import { z } from 'zod'
import { isSigned } from '../../plugins/channels/loopback/signature.ts'

/** What a customer was sent: one arrival of one delivery. */
export interface Receipt {
  readonly channel: string
  /** It came inside the response to an event. */
  readonly inside: boolean
  /** A killed process had written this answer already, and its response never came: it is given to the event's next try. */
  readonly again: boolean
  readonly id: string
  readonly customer: string
  readonly text: string
}

/** What the desk's people were told. */
export interface Told {
  readonly id: string
  readonly conversation: string
  readonly type: string
}

export interface Platform extends AsyncDisposable {
  readonly url: string
  /** `127.0.0.1:<port>`: the address is private, so the YAML has to allow it. */
  readonly host: string
  readonly receipts: readonly Receipt[]
  readonly told: readonly Told[]
  /** Requests that were not as they should be. */
  readonly problems: readonly string[]
  /**
   * What happens to what comes in: called before it is taken, with the channel, or `desk`. `lose`: it is not taken and
   * never answered. `take`: it is taken and never answered. `undefined`: it is taken and answered.
   */
  meddle: ((to: string) => 'lose' | 'take' | undefined) | undefined
  /** An answer that came inside a response. */
  note(receipt: Receipt): void
}

const Sent = z.object({
  id: z.string(),
  chat: z.string(),
  part: z.object({ type: z.literal('text'), text: z.string() }),
})
const Item = z.object({ id: z.string(), conversation: z.string(), type: z.string() })

/** Listens on a free port of loopback. */
export async function openPlatform(secret: string): Promise<Platform> {
  const receipts: Receipt[] = []
  const told: Told[] = []
  const problems: string[] = []

  /** Gives whether it is answered. */
  function take(to: string, headers: IncomingMessage['headers'], text: string): boolean {
    const fate = platform.meddle?.(to)
    if (to === 'desk') {
      if (fate !== 'lose') told.push(Item.parse(JSON.parse(text)))
      return fate === undefined
    }
    if (!isSigned(secret, headers, text, Date.now())) throw new Error('it was not signed')
    const { id, chat, part } = Sent.parse(JSON.parse(text))
    if (fate !== 'lose')
      receipts.push({ channel: to, inside: false, again: false, id, customer: chat, text: part.text })
    return fate === undefined
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      try {
        if (take(request.url?.slice(1) ?? '', request.headers, text)) response.end('{}')
      } catch (error) {
        problems.push(`${request.url} ${text}: ${error instanceof Error ? error.message : error}`)
        response.writeHead(400).end()
      }
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The platform has no address.')
  const host = `127.0.0.1:${address.port}`
  const platform: Platform = {
    url: `http://${host}`,
    host,
    receipts,
    told,
    problems,
    meddle: undefined,
    note: (receipt) => void receipts.push(receipt),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
  return platform
}
