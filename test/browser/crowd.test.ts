/** So many visitors look on at once: what each of them costs the server, and how soon all of them hear of a change. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { PROTOCOL, TOKEN_PROTOCOL } from '../../plugins/channels/web/protocol.ts'
import { reportLong } from '../crash/long.ts'
import { endAll, startProcess, temporaryFolder } from '../crash/process.ts'
import { soon } from '../crash/until.ts'

const LONG = process.env.LONG === '1'
const VISITORS = LONG ? 5_000 : 200
/** So many are there before it is counted. */
const FIRST = VISITORS / 5
/** So many are on their way in at a time. */
const AT_ONCE = 50
/** Counted at the long run alone: of few connections the rest of the process is the greater part. */
const CONNECTION_MAX_BYTES = 18 * 1024
const TOLD_WITHIN_MS = 200

afterAll(() => endAll())

/** Says by request whether people are there, and how large the process is. */
const PEOPLE = `
import { definePlugin, z } from 'switchboard'
import { presence } from 'switchboard/services'

let available = true
const listeners = new Set()
export default definePlugin({
  name: 'people',
  summary: 'Says whether somebody is there, as it is told.',
  config: z.strictObject({}),
  provides: { presence },
  setup({ web }) {
    web.post('/available', async ({ body }) => {
      available = body.available
      for (const listener of listeners) listener()
      return {}
    })
    web.get('/size', async () => {
      for (let round = 0; round < 5; round++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return { rss: process.memoryUsage().rss }
    })
    const isAvailable = () => available
    const onChange = (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
    return { services: { presence: { isAvailable, onChange } } }
  },
})
`

const YAML = `
server: { port: 0, publicUrl: http://localhost, maxConnections: 100000 }
storage: { folder: ./data }
languages: [en]
channels:
  site:
    use: web
    limits: { sessionsPerMinute: 100000, connectionsPerAddress: 100000 }
bots: { parrot: { use: echo } }
features: [{ use: ./people.js }]
routes: [{ from: [site], mode: bot-only, bot: parrot }]
`

const Session = z.object({ token: z.string() })
const Size = z.object({ rss: z.number() })

test(
  `${VISITORS} visitors who look on cost little, and are all told at once`,
  async () => {
    const folder = temporaryFolder()
    const yaml = join(folder, 'switchboard.yaml')
    await writeFile(yaml, YAML)
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(join(folder, 'people.js'), PEOPLE)
    const server = startProcess(yaml, { NODE_OPTIONS: '--expose-gc' }, {})
    const url = await server.ready()
    const size = async () => Size.parse(await (await fetch(`${url}/people/size`)).json()).rss
    const looking: Looking[] = []
    const come = async (count: number) => {
      for (let i = 0; i < count; i += AT_ONCE)
        looking.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - i) }, () => lookOn(url)))))
    }
    try {
      // What a process takes once, to have room to work in, is not what each of them costs.
      await come(FIRST)
      const before = await size()
      await come(VISITORS - FIRST)
      const perConnection = ((await size()) - before) / (VISITORS - FIRST)
      const times: number[] = []
      for (const available of [false, true, false, true, false]) {
        const told = Promise.all(looking.map((one) => one.hears(`"available":${available}`)))
        const startMs = performance.now()
        const body = JSON.stringify({ available })
        const headers = { 'content-type': 'application/json' }
        await fetch(`${url}/people/available`, { method: 'POST', headers, body })
        await soon(() => 'everybody was told', told)
        times.push(performance.now() - startMs)
      }
      // Whatever else this machine does only adds to it.
      const toldMs = Math.min(...times)
      if (!LONG) return
      reportLong('webCrowd', {
        connections: VISITORS,
        bytesPerConnection: Math.round(perConnection),
        toldAllWithinMs: Math.round(toldMs),
      })
      expect(perConnection, 'bytes of the process for each connection').toBeLessThanOrEqual(CONNECTION_MAX_BYTES)
      expect(toldMs, 'ms until the last was told').toBeLessThanOrEqual(TOLD_WITHIN_MS)
    } catch (error) {
      throw new Error(`${String(error)}\n${server.log()}`, { cause: error })
    } finally {
      for (const { socket } of looking) socket.destroy()
      await server.kill()
    }
  },
  LONG ? 300_000 : 60_000,
)

interface Looking {
  readonly socket: Socket
  /** Resolves when this has come, from now on. */
  hears(text: string): Promise<void>
}

/** A new visitor with a WebSocket, as plain as can be: five thousand of them are in this process, too. */
async function lookOn(url: string): Promise<Looking> {
  const opened = await fetch(`${url}/site/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'http://localhost' },
    body: '{}',
  })
  const { token } = Session.parse(await opened.json())
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let waitsFor = '"type":"hello"'
  let arrived = Promise.withResolvers<void>()
  let tail: Buffer = Buffer.alloc(0)
  socket.on('data', (bytes) => {
    // It may come in two pieces.
    tail = Buffer.concat([tail, Buffer.from(bytes)]).subarray(-1_000)
    if (tail.includes(waitsFor)) arrived.resolve()
  })
  socket.on('error', (error) => arrived.reject(error))
  await once(socket, 'connect')
  socket.write(
    [
      'GET /site/v1/events?after=0 HTTP/1.1',
      `host: ${hostname}:${port}`,
      'origin: http://localhost',
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
      `sec-websocket-protocol: ${PROTOCOL}, ${TOKEN_PROTOCOL}${token}`,
      '\r\n',
    ].join('\r\n'),
  )
  await soon(() => 'a visitor was greeted', arrived.promise)
  return {
    socket,
    hears(text) {
      waitsFor = text
      tail = Buffer.alloc(0)
      arrived = Promise.withResolvers()
      return arrived.promise
    },
  }
}
