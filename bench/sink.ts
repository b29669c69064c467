/**
 * The platform's other side: takes every answer at once, and knows which were to come. What was not expected (the wrong
 * text, another customer's, a second time) is kept, so that no figure is made of work that was not done.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { z } from 'zod'
import { httpReader } from './http-reader.ts'

const ACCEPTED = '{"errcode":0,"errmsg":"ok"}'
const RESPONSE = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${ACCEPTED.length}\r\n\r\n${ACCEPTED}`
/** Of what was wrong, so much is shown. */
const SHOWN = 5

const Answer = z.object({ touser: z.string(), text: z.object({ content: z.string() }) })

/** A reply that is to come, once. */
export interface Expected {
  readonly customer: string
  readonly reply: string
  arrived(): void
}

export interface Sink {
  readonly port: number
  /** How many answers came that nobody expected, and the first of them. */
  readonly wrong: { readonly count: number; readonly first: readonly string[] }
  expect(expected: Expected): void
  /** It is not to come any more: its message was refused. */
  forget(expected: Expected): void
  close(): void
}

export async function startSink(): Promise<Sink> {
  const expecting = new Map<string, Expected[]>()
  const first: string[] = []
  const wrong = { count: 0, first }
  const sockets = new Set<Socket>()

  function take(body: Buffer): void {
    const { touser, text } = Answer.parse(JSON.parse(body.toString()))
    const found = expecting.get(touser)?.find(({ reply }) => reply === text.content)
    if (found) {
      forget(found)
      found.arrived()
      return
    }
    wrong.count += 1
    if (wrong.first.length < SHOWN) wrong.first.push(`${touser} got "${text.content}"`)
  }

  function forget(expected: Expected): void {
    const rest = expecting.get(expected.customer)?.filter((other) => other !== expected) ?? []
    if (rest.length > 0) expecting.set(expected.customer, rest)
    else expecting.delete(expected.customer)
  }

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    const read = httpReader((_head, body) => {
      socket.write(RESPONSE)
      take(body)
    })
    socket
      .on('data', read)
      .on('error', () => socket.destroy())
      .on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: portOf(server),
    wrong,
    expect(expected) {
      const others = expecting.get(expected.customer)
      if (others) others.push(expected)
      else expecting.set(expected.customer, [expected])
    },
    forget,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('It does not listen.')
  return address.port
}
