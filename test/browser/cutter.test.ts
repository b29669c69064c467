/** The line must really be as bad as the tests of the chat believe it to be. */
import { createServer } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { makeRandom } from '../crash/random.ts'
import { type Cutter, startCutter, type Weather } from './cutter.ts'

const FRAMES = 400
const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
})

/** A server that answers every request with what it was asked, and sends numbers to every WebSocket. */
async function line(): Promise<Cutter & { readonly heard: readonly string[] }> {
  const heard: string[] = []
  const server = createServer(async (asked, answer) => {
    let body = ''
    for await (const chunk of asked) body += chunk
    heard.push(body)
    answer.end(`heard ${body}`)
  })
  const sockets = new WebSocketServer({ server, perMessageDeflate: false })
  sockets.on('connection', (socket) => {
    // Some of them longer than what one byte, and what two bytes, can say.
    for (let i = 0; i < FRAMES; i++) socket.send(`${i} ${'x'.repeat(i === 7 ? 70_000 : i === 9 ? 300 : 1)}`)
    socket.on('message', (text) => socket.send(`heard ${text}`))
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The server has no address.')
  const cutter = await startCutter(`http://127.0.0.1:${address.port}`, makeRandom(1))
  open.push(cutter, {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      server.close()
    },
  })
  return Object.assign(cutter, { heard })
}

/** The numbers that come by a WebSocket, in this weather, until all have come and what is late as well. */
async function numbers(weather: Weather): Promise<readonly number[]> {
  const cutter = await line()
  cutter.weather = weather
  const socket = new WebSocket(cutter.url.replace('http', 'ws'))
  const got: number[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.on('message', (text) => {
    const number = Number(String(text).split(' ')[0])
    if (Number.isNaN(number)) resolve()
    else got.push(number)
    if (new Set(got).size === FRAMES) socket.send('you')
  })
  socket.on('error', reject)
  await promise
  socket.close()
  return got
}

const inOrder = Array.from({ length: FRAMES }, (_, i) => i)

test('a good line passes everything on as it is', async () => {
  expect(await numbers({})).toEqual(inOrder)
})

test('frames come twice', async () => {
  const got = await numbers({ doubledFrames: 30 })
  expect(got.length).toBeGreaterThan(FRAMES * 1.2)
  expect([...new Set(got)]).toEqual(inOrder)
})

test('frames come late, and none is lost', async () => {
  const got = await numbers({ lateFrames: 30 })
  expect(got).not.toEqual(inOrder)
  expect(got.toSorted((a, b) => a - b)).toEqual(inOrder)
})

test('an upgrade is refused, and the socket never opens', async () => {
  const cutter = await line()
  cutter.weather = { refusedUpgrades: 100 }
  const socket = new WebSocket(cutter.url.replace('http', 'ws'))
  const { promise, resolve } = Promise.withResolvers<Error>()
  socket.on('error', resolve)
  expect(String(await promise)).toContain('403')
  expect(cutter.done.refusedUpgrades).toBe(1)
})

test('of a lost request the server never hears, and of a lost answer the browser', async () => {
  const cutter = await line()
  const post = (body: string) => fetch(cutter.url, { method: 'POST', body })
  cutter.weather = { lostRequests: 100 }
  await expect(post('one')).rejects.toThrow('fetch failed')
  cutter.weather = { lostAnswers: 100 }
  await expect(post('two')).rejects.toThrow('fetch failed')
  cutter.weather = { unavailable: 100 }
  expect((await post('three')).status).toBe(503)
  cutter.weather = {}
  expect(await (await post('four')).text()).toBe('heard four')
  expect(cutter.heard).toEqual(['two', 'four'])
})

test('a cut breaks what is open, and nothing gets through a closed line', async () => {
  const cutter = await line()
  const socket = new WebSocket(cutter.url.replace('http', 'ws'))
  const opened = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  socket.on('open', opened.resolve)
  socket.on('close', closed.resolve)
  await opened.promise
  expect(cutter.cut()).toBeGreaterThan(0)
  await closed.promise
  cutter.isOpen = false
  await expect(fetch(cutter.url)).rejects.toThrow('fetch failed')
})
