/** So many screens look on at the desk: what each of them costs the server; and how soon an agent sees what was said. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { newId, OWN_ORIGIN, PASSWORD, screenOf } from '../../plugins/desks/desk/simulated-screen.ts'
import { reportLong } from '../crash/long.ts'
import { endAll, startProcess, temporaryFolder } from '../crash/process.ts'
import { soon } from '../crash/until.ts'
import { launch } from './chromium.ts'

const LONG = process.env.LONG === '1'
const SCREENS = LONG ? 4_000 : 40
/** So many are there before it is counted. */
const FIRST = LONG ? 800 : 20
/** So many each program may have open. */
const PER_TOKEN = 20
/** Counted at the long run alone: of few connections the rest of the process is the greater part. */
const CONNECTION_MAX_BYTES = 20 * 1024
const MESSAGES = 60
const SEEN_WITHIN_MS = 50

afterAll(() => endAll())

const SIZE = `
import { definePlugin, z } from 'switchboard'

export default definePlugin({
  name: 'size',
  summary: 'Says how large the process is.',
  config: z.strictObject({}),
  setup({ web }) {
    web.get('/', async () => {
      for (let round = 0; round < 5; round++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return { rss: process.memoryUsage().rss }
    })
    return {}
  },
})
`

const YAML = `
server: { port: 0, publicUrl: http://localhost, maxConnections: 100000 }
storage: { folder: ./data }
languages: [en]
channels:
  site: { use: web, limits: { messagesPerMinute: 100000 } }
desks:
  support:
    use: desk
    people: { amy: { name: Amy, role: administrator } }
    teams: { all: { members: [amy] } }
features: [{ use: ./size.js }]
routes: [{ from: [site], mode: agent-only, desk: support }]
`

const Size = z.object({ rss: z.number() })
const Session = z.object({ token: z.string() })

/** The real process with a desk, and Amy signed in. */
async function startDesk() {
  const folder = temporaryFolder()
  const yaml = join(folder, 'switchboard.yaml')
  await writeFile(yaml, YAML)
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'size.js'), SIZE)
  const server = startProcess(yaml, { NODE_OPTIONS: '--expose-gc' }, {})
  const url = await server.ready()
  const amy = screenOf(`${url}/support`)
  const link = /#link=([\w.-]+)/.exec(server.log())?.[1] ?? ''
  await amy.call('POST /links/use', { body: { link, password: PASSWORD } })
  return { server, url, amy }
}

test(
  `${SCREENS} screens that look on cost little`,
  async () => {
    const { server, url, amy } = await startDesk()
    const open: WebSocket[] = []
    const size = async () => Size.parse(await (await fetch(`${url}/size/`)).json()).rss
    const come = async (count: number) => {
      for (let i = 0; i < count; i += PER_TOKEN) {
        const { secret } = await amy.call('POST /tokens', { body: { name: newId(), role: 'supervisor' } })
        open.push(...(await Promise.all(Array.from({ length: PER_TOKEN }, () => lookOn(url, secret)))))
      }
    }
    try {
      // What a process takes once, to have room to work in, is not what each of them costs.
      await come(FIRST)
      const before = await size()
      await come(SCREENS - FIRST)
      const perConnection = ((await size()) - before) / (SCREENS - FIRST)
      expect(open).toHaveLength(SCREENS)
      if (!LONG) return
      reportLong('deskCrowd', { connections: SCREENS, bytesPerConnection: Math.round(perConnection) })
      expect(perConnection, 'bytes of the process for each connection').toBeLessThanOrEqual(CONNECTION_MAX_BYTES)
    } catch (error) {
      throw new Error(`${String(error)}\n${server.log()}`, { cause: error })
    } finally {
      for (const socket of open) socket.terminate()
      await server.kill()
    }
  },
  LONG ? 300_000 : 60_000,
)

/** A screen as plain as can be; resolves when it was greeted. */
async function lookOn(url: string, secret: string): Promise<WebSocket> {
  const headers = { authorization: `Bearer ${secret}` }
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/support/api/stream`, {
    headers,
    perMessageDeflate: false,
  })
  const greeted = Promise.withResolvers<void>()
  socket.once('message', () => greeted.resolve())
  socket.once('error', greeted.reject)
  await soon(() => 'a screen was greeted', greeted.promise)
  return socket
}

// Of a busy machine the time says nothing.
test.runIf(LONG)(
  'what a customer writes is on the agent’s screen at once',
  async () => {
    const { server, url, amy } = await startDesk()
    const browser = await launch()
    try {
      const context = await browser.newContext({ viewport: { width: 1400, height: 860 } })
      await context.addCookies([...amy.cookies].map(([name, value]) => ({ name, value, url })))
      const page = await context.newPage()
      await page.goto(`${url}/support/`)
      await page.locator('.opener .dot').waitFor()
      const headers = { 'content-type': 'application/json', origin: OWN_ORIGIN }
      const opened = await fetch(`${url}/site/v1/session`, { method: 'POST', headers, body: '{}' })
      const { token } = Session.parse(await opened.json())
      const says = async (text: string) => {
        const answer = await fetch(`${url}/site/v1/messages`, {
          method: 'POST',
          headers: { ...headers, authorization: `Bearer ${token}` },
          body: JSON.stringify({ id: newId(), text, language: 'en' }),
        })
        if (!answer.ok) throw new Error(`The message was not taken: ${await answer.text()}`)
      }
      await says('hello')
      await page.locator('.row').first().click()
      await page.locator('.bubble', { hasText: 'hello' }).waitFor()
      const times: number[] = []
      for (let i = 0; i < MESSAGES; i++) {
        const text = `message ${i} of many`
        const seen = page.evaluate<number>(seenAt(text))
        // The page watches by then.
        await page.evaluate(() => 0)
        const atMs = performance.timeOrigin + performance.now()
        await says(text)
        times.push((await seen) - atMs)
      }
      times.sort((a, b) => a - b)
      const at = (share: number) => Math.round(times[Math.floor(MESSAGES * share)] ?? Number.NaN)
      reportLong('customerToAgentScreen', { messages: MESSAGES, medianMs: at(0.5), fastestTenthMs: at(0.1) })
      // Whatever else this machine does only adds to it.
      expect(at(0.1), 'ms until the agent saw it').toBeLessThanOrEqual(SEEN_WITHIN_MS)
    } catch (error) {
      throw new Error(`${String(error)}\n${server.log()}`, { cause: error })
    } finally {
      await browser.close()
      await server.kill()
    }
  },
  120_000,
)

/** For the page: when this text is in the log. */
function seenAt(text: string): string {
  return `new Promise((resolve) => {
    const watching = new MutationObserver(() => {
      if (!document.querySelector('.log')?.textContent.includes(${JSON.stringify(text)})) return
      watching.disconnect()
      resolve(performance.timeOrigin + performance.now())
    })
    watching.observe(document.body, { subtree: true, childList: true, characterData: true })
  })`
}
