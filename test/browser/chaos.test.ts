/**
 * The line breaks, the server dies, and nothing may show: at the end each page holds the server's log, with every
 * message of its visitor once and in the order in which it was written, and one answer to each.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Page as Tab } from 'playwright-core'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { NO_SOCKETS_UNTIL } from '../../plugins/channels/web/widget/known.ts'
import { reportLong } from '../crash/long.ts'
import { endAll, type Running, startProcess, temporaryFolder } from '../crash/process.ts'
import { makeRandom, type Random } from '../crash/random.ts'
import { soon } from '../crash/until.ts'
import { useChromium } from './chromium.ts'
import { type Cutter, startCutter, type Weather } from './cutter.ts'
import { type Host, shopPage, startHost } from './host.ts'
import { tokenOf } from './site.ts'
import { SOON, type Widget, widgetOf } from './widget.ts'

const SEED = Number(process.env.SEED ?? 20261122)
const LONG = process.env.LONG === '1'
const VISITORS = 10
/** Of each visitor's line. */
const CUTS = LONG ? 100 : 20
const KILLS = LONG ? 10 : 2
/** From a cut to a stream that is there again. */
const MEDIAN_RECOVERY_MS = 2_000
/**
 * Of twenty that found the server alive, the slowest but one. A page tries again within half a second, and where the storm
 * takes that request too, within one more and then two.
 */
const SLOW_RECOVERY_MS = 3_000
/** So often the hour ends in which a page does without WebSockets, since two of them were refused. */
const CUTS_IN_AN_HOUR = 4

/** Where WebSockets are refused the widget soon does without them, so that there are two kinds of storm. */
const STORMS: readonly Weather[] = [
  { lostRequests: 6, lostAnswers: 6, unavailable: 6, doubledFrames: 25, lateFrames: 25 },
  { lostRequests: 6, lostAnswers: 6, unavailable: 6, refusedUpgrades: 50, doubledFrames: 25, lateFrames: 25 },
]

const lab = useChromium()
afterAll(() => endAll())

interface Visitor {
  readonly name: string
  readonly line: Cutter
  readonly random: Random
  readonly storm: Weather
  /** The first sends and is looked at; a second one of the same browser only looks on, and sends now and then. */
  readonly tabs: readonly Widget[]
  /** What each tab has sent, in order. */
  readonly sent: readonly string[][]
}

test(
  `${VISITORS * CUTS} cuts, refused upgrades, 503s, frames twice and late, and a killed server lose and double nothing`,
  async () => {
    await using host = await startHost()
    await using world = await startServer(host)
    const lines: Cutter[] = []
    try {
      const random = makeRandom(SEED)
      const visitors = await Promise.all(
        Array.from({ length: VISITORS }, async (_, i): Promise<Visitor> => {
          const line = await startCutter(world.url, random.fork())
          lines.push(line)
          const storm = STORMS[i % STORMS.length] ?? {}
          return arrive(host, { line, name: `v${i}`, random: random.fork(), storm, tabs: i === 0 ? 2 : 1 })
        }),
      )
      const startedMs = performance.now()
      const kills = killNowAndThen(world, lines, random.fork())
      const recoveries = (await Promise.all(visitors.map((visitor) => weather(visitor, world)))).flat()
      await kills
      for (const line of lines) line.weather = {}
      for (const visitor of visitors) await expectNothingLost(visitor, world.url)
      expect(recoveries.length).toBeGreaterThanOrEqual(VISITORS * CUTS)
      const medianMs = slowest(recoveries, 0.5)
      const slowMs = slowest(
        recoveries.filter(({ wasServerUp }) => wasServerUp),
        0.95,
      )
      expect(medianMs, 'the median').toBeLessThanOrEqual(MEDIAN_RECOVERY_MS)
      expect(slowMs, 'the slowest but one of twenty').toBeLessThanOrEqual(SLOW_RECOVERY_MS)
      const sum = (what: keyof Cutter['done']) => lines.reduce((all, { done }) => all + done[what], 0)
      // Each kind of weather has really been there; upgrades were refused in more than one hour of each page's.
      for (const what of ['lostRequests', 'lostAnswers', 'unavailable', 'refusedUpgrades'] as const)
        expect(sum(what), what).toBeGreaterThan(5)
      for (const what of ['doubledFrames', 'lateFrames'] as const) expect(sum(what), what).toBeGreaterThan(20)
      if (LONG)
        reportLong('webChaos', {
          seed: SEED,
          cuts: sum('cuts'),
          kills: KILLS,
          messages: visitors.flatMap(({ sent }) => sent.flat()).length,
          lostRequests: sum('lostRequests'),
          lostAnswers: sum('lostAnswers'),
          unavailable: sum('unavailable'),
          refusedUpgrades: sum('refusedUpgrades'),
          doubledFrames: sum('doubledFrames'),
          lateFrames: sum('lateFrames'),
          medianRecoveryMs: Math.round(medianMs),
          slowRecoveryMs: Math.round(slowMs),
          seconds: Math.round((performance.now() - startedMs) / 1000),
        })
    } catch (error) {
      throw new Error(`With SEED=${SEED}: ${String(error)}\n${world.log()}`, { cause: error })
    } finally {
      for (const line of lines) await line[Symbol.asyncDispose]()
    }
  },
  LONG ? 600_000 : 120_000,
)

// ── the server ──────────────────────────────────────────────────────────────────────────────

interface World extends AsyncDisposable {
  readonly url: string
  /** Since when it is there, by `performance`; never, while it is not. */
  readonly upSinceMs: number
  /** As `kill -9`, and another one on the same folder. */
  killAndStart(): Promise<void>
  log(): string
}

async function startServer(host: Host): Promise<World> {
  const folder = temporaryFolder()
  const yaml = join(folder, 'switchboard.yaml')
  await writeFile(
    yaml,
    `
server: { port: 0, publicUrl: http://localhost }
storage: { folder: ./data }
languages: [en]
channels:
  site:
    use: web
    origins: ["${host.origin}"]
    limits: { messagesPerMinute: 100000, sessionsPerMinute: 100000, connectionsPerVisitor: 100, connectionsPerAddress: 1000 }
bots: { parrot: { use: echo } }
routes: [{ from: [site], mode: bot-only, bot: parrot }]
limits: { refusedPerMinute: 100000 }
`,
  )
  const start = () => startProcess(yaml, {}, {})
  let process: Running = start()
  let url = await process.ready()
  let upSinceMs = performance.now()
  return {
    get upSinceMs() {
      return upSinceMs
    },
    get url() {
      return url
    },
    async killAndStart() {
      upSinceMs = Number.POSITIVE_INFINITY
      await process.kill()
      process = start()
      url = await process.ready()
      upSinceMs = performance.now()
    },
    log: () => process.log(),
    async [Symbol.asyncDispose]() {
      await process.kill()
    },
  }
}

/** Kills the server some time after the pages are there, in the middle of whatever is under way. */
async function killNowAndThen(world: World, lines: readonly Cutter[], random: Random): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await pause(1_000 + random.upTo(3_000))
    await world.killAndStart()
    for (const line of lines) line.target = world.url
  }
}

// ── the visitors ────────────────────────────────────────────────────────────────────────────

async function arrive(
  host: Host,
  { line, name, tabs, ...rest }: Omit<Visitor, 'tabs' | 'sent'> & { readonly tabs: number },
): Promise<Visitor> {
  const shop = host.page(`/${name}`, shopPage(`src="${line.url}/site/chat.js" defer`))
  const context = await lab.visitor()
  const widgets: Widget[] = []
  for (let i = 0; i < tabs; i++) {
    const widget = widgetOf(await context.newPage())
    await widget.open(shop)
    widgets.push(widget)
    if (i > 0) continue
    // One token for both: the second tab finds that of the first.
    await widget.says(`${name} is here`)
    await widget.sees(`echo: ${name} is here`)
  }
  return { ...rest, name, line, tabs: widgets, sent: widgets.map((_, i) => (i === 0 ? [`${name} is here`] : [])) }
}

interface Recovery {
  readonly ms: number
  /** From the cut on, all the time. */
  readonly wasServerUp: boolean
}

/** How long it took at most, of this share of them. */
function slowest(recoveries: readonly Recovery[], share: number): number {
  const times = recoveries.map(({ ms }) => ms).sort((a, b) => a - b)
  return times[Math.floor(times.length * share)] ?? Number.NaN
}

/** Writes and is cut off, again and again; how long it took, each time, until a stream was there again. */
async function weather(visitor: Visitor, world: World): Promise<readonly Recovery[]> {
  const { line, random, storm } = visitor
  const recoveries: Recovery[] = []
  for (let cut = 0; cut < CUTS; cut++) {
    line.weather = random.upTo(3) === 1 ? {} : storm
    if (cut % CUTS_IN_AN_HOUR === 0) await passAnHour(visitor)
    await write(visitor)
    await pause(random.upTo(60))
    line.cut()
    const cutMs = performance.now()
    const back = line.nextStream()
    if (random.upTo(2) === 1) await write(visitor)
    await soon(() => `${visitor.name} was connected again`, back, 60_000)
    recoveries.push({ ms: performance.now() - cutMs, wasServerUp: world.upSinceMs <= cutMs })
  }
  return recoveries
}

/** From now on its pages try WebSockets again. The clock itself is left alone: the rest of the page lives by it. */
async function passAnHour({ tabs: [first] }: Visitor): Promise<void> {
  await first?.page.evaluate(
    `for (const key of Object.keys(localStorage)) if (key.endsWith('${NO_SOCKETS_UNTIL}')) localStorage.removeItem(key)`,
  )
}

async function write({ name, tabs, sent, random }: Visitor): Promise<void> {
  const tab = random.upTo(tabs.length) - 1
  const [widget, own] = [tabs[tab], sent[tab]]
  if (widget === undefined || own === undefined) throw new Error('There is no such tab.')
  const text = `${name} tab ${tab} says ${own.length}`
  own.push(text)
  await widget.saysAtOnce(text)
}

// ── the model ───────────────────────────────────────────────────────────────────────────────

const Page = z.object({
  items: z.array(
    z.looseObject({ seq: z.number(), by: z.string(), part: z.looseObject({ text: z.string() }).optional() }),
  ),
  more: z.boolean(),
})

/** The whole log of a visitor as the server has it: past every line. */
async function logOf(tab: Tab, url: string): Promise<readonly string[]> {
  const headers = { authorization: `Bearer ${await tokenOf(tab)}` }
  const said: string[] = []
  let after = 0
  for (let more = true; more; ) {
    const response = await fetch(`${url}/site/v1/events?after=${after}`, { headers })
    const page = Page.parse(await response.json())
    for (const { seq, by, part } of page.items) {
      expect(seq, 'the numbers of the log').toBe(after + 1)
      after = seq
      if (by !== 'system') said.push(part?.text ?? '')
    }
    more = page.more
  }
  return said
}

async function expectNothingLost({ tabs, sent, name }: Visitor, url: string): Promise<void> {
  const [first] = tabs
  if (first === undefined) throw new Error('There is no tab.')
  const all = sent.flat()
  const own = async () => (await logOf(first.page, url)).filter((text) => !text.startsWith('echo: '))
  // What still waits is sent as soon as the line is good.
  await expect.poll(async () => (await own()).length, { timeout: 60_000, interval: 50 }).toBe(all.length)
  await expect
    .poll(async () => (await logOf(first.page, url)).length, { timeout: 30_000, interval: 50 })
    .toBe(all.length * 2)
  const log = await logOf(first.page, url)
  for (const [tab, texts] of sent.entries()) {
    const arrived = log.filter(
      (text) => text.startsWith(`${name} tab ${tab}`) || (tab === 0 && text.endsWith('is here')),
    )
    expect(
      arrived.filter((text) => !text.startsWith('echo: ')),
      `${name}, tab ${tab}: in order, each once`,
    ).toEqual(texts)
  }
  expect(log.filter((text) => text.startsWith('echo: ')).toSorted(), `${name}: one answer to each`).toEqual(
    all.map((text) => `echo: ${text}`).toSorted(),
  )
  for (const widget of tabs) await expect.poll(() => rowsOf(widget, log.length), SOON).toEqual(log)
}

/** What stands on the page. Of a longer log it shows the end, and more as one scrolls back. */
async function rowsOf(widget: Widget, count: number): Promise<readonly string[]> {
  const rows = await widget.rows()
  if (rows.length < count) await widget.log.evaluate((list) => list.scrollTo(0, 0))
  return rows
}
