/**
 * The platform's other side: gives the access token, takes every answer at once, and knows which were to come. What was
 * not expected (the wrong text, another customer's, a second time, another call) is kept, so that no figure is made of
 * work that was not done.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { z } from 'zod'
import { httpReader } from './http-reader.ts'
import { ACCESS_TOKEN, APP_SECRET, KEYS, SEND_PATH } from './wire.ts'

const ACCEPTED = response('{"errcode":0,"errmsg":"ok"}')
const TOKEN = response(JSON.stringify({ access_token: ACCESS_TOKEN, expires_in: 7_200 }))
/** As to an account without the right: what a customer is called is asked once, and is no work of the baselines. */
const NO_RIGHT = response('{"errcode":48001,"errmsg":"api unauthorized"}')
const SEND = `POST ${SEND_PATH} `
const TOKEN_CALL = 'POST /cgi-bin/stable_token '
const PROFILE_CALL = 'GET /cgi-bin/user/info?'
/** Of what was wrong, so much is shown. */
const SHOWN = 5

const Answer = z.strictObject({
  touser: z.string(),
  msgtype: z.literal('text'),
  text: z.strictObject({ content: z.string() }),
})
const Credential = z.object({ appid: z.literal(KEYS.appId), secret: z.literal(APP_SECRET) })

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

  function answer(head: string, body: Buffer): string {
    if (head.startsWith(SEND)) {
      take(body)
      return ACCEPTED
    }
    if (head.startsWith(PROFILE_CALL)) return NO_RIGHT
    if (head.startsWith(TOKEN_CALL) && Credential.safeParse(JSON.parse(body.toString())).success) return TOKEN
    isWrong(`Nobody expected ${head.slice(0, head.indexOf('\r'))}`)
    return NO_RIGHT
  }

  function take(body: Buffer): void {
    const { touser, text } = Answer.parse(JSON.parse(body.toString()))
    const found = expecting.get(touser)?.find(({ reply }) => reply === text.content)
    if (found) {
      forget(found)
      found.arrived()
      return
    }
    isWrong(`${touser} got "${text.content}"`)
  }

  function isWrong(what: string): void {
    wrong.count += 1
    if (wrong.first.length < SHOWN) wrong.first.push(what)
  }

  function forget(expected: Expected): void {
    const rest = expecting.get(expected.customer)?.filter((other) => other !== expected) ?? []
    if (rest.length > 0) expecting.set(expected.customer, rest)
    else expecting.delete(expected.customer)
  }

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    const read = httpReader((head, body) => socket.write(answer(head, body)))
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

function response(body: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

function portOf(server: Server): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('It does not listen.')
  return address.port
}
