/**
 * One folder with its journal, the process that works on it, and everyone around: customers who send an event until it
 * is acknowledged, agents whose commands are repeated until they are answered, and the platform.
 */
import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { stringify } from 'yaml'
import { z } from 'zod'
import { sign } from '../../plugins/channels/loopback/signature.ts'
import { atAnyMoment, atTheEnd } from './check.ts'
import { type Journal, openJournal, snapshot } from './journal.ts'
import { type Act, accountOf, CHANNELS, type Channel, type GivenCommand, type Known, type SentEvent } from './known.ts'
import { openPlatform, type Platform } from './platform.ts'
import { FULL, type Point } from './point.ts'
import { COMPILED, type Running, startProcess, temporaryFolder } from './process.ts'
import { until } from './until.ts'

export interface World extends AsyncDisposable, Known {
  readonly folder: string
  /** While this file is there, the disk is full. */
  readonly fullFile: string
  /** How often something was refused for now (503). */
  readonly refusals: number
  /** The process that was started last. */
  readonly running: Running
  /** Starts the process; resolves when it is ready. */
  start(options?: StartOptions): Promise<void>
  /**
   * Starts the process and has something done, at which it is to be killed: by the point or hook of the options, or by
   * `shoot`. Resolves when it is gone, whether `work` could end or not; checks what it has left.
   */
  crash(options: StartOptions, work: (world: World) => Promise<unknown>): Promise<void>
  /** Starts the process, waits until everything that was begun has ended, and checks all. The process runs on. */
  finish(): Promise<void>
  /** Sends a message until it is acknowledged, also across restarts. Gives its id. */
  says(channel: Channel, customer: string, text: string): Promise<string>
  /** Sends an event once more that was sent before. Gives whether it was acknowledged. */
  repeats(id: string): Promise<boolean>
  /** Gives a command until it is answered, also across restarts. Gives the result, as JSON. */
  does(channel: Channel, customer: string, act: Act, id?: string): Promise<string>
  /** Resolves when nothing waits any more. */
  settled(): Promise<void>
  /** How much there was of everything. */
  counts(): { readonly [what: string]: number }
  /** The journal as it is now, to be closed: a copy when no process works on it. */
  journal(): Journal
}

export interface StartOptions {
  readonly point?: Point | undefined
  /** The hook of the bot that is to hold on or crash, see `plugins/counter.ts`. */
  readonly hook?: 'answer' | 'woken' | undefined
  /** A file for its calls of the operating system. */
  readonly trace?: string | undefined
}

const SECRET = 'a secret of loopback'
/** As a platform: it gives up a request after this, and sends it again. */
const REQUEST_MS = 10_000
const AGAIN_AFTER_MS = 10
/** Nobody tries for longer than this, as long as a process is there. */
const GIVE_UP_MS = 15_000

const Inline = z.object({
  reply: z.object({ id: z.string(), chat: z.string(), part: z.object({ text: z.string() }) }).optional(),
})

/** Makes a folder, a configuration and a platform. Nothing runs yet. Disposing ends and removes everything. */
export async function openWorld({ wakeAfterMs = 50 }: { wakeAfterMs?: number } = {}): Promise<World> {
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  const yaml = join(folder, 'switchboard.yaml')
  const fullFile = join(folder, 'full')
  const platform = await openPlatform(SECRET)
  writeFileSync(yaml, yamlOf(platform, wakeAfterMs))
  const http = new Agent({ connections: 64, pipelining: 1 })
  const events = new Map<string, SentEvent>()
  const commands = new Map<string, GivenCommand>()
  const problems: string[] = []
  /** The deliveries that killed processes have left. */
  const left = new Set<string>()
  const works: Promise<unknown>[] = []
  let running: Running | undefined
  let url: string | undefined
  let numbers = 0
  let refusals = 0
  let closed = false

  /** One request; `undefined` when it was not answered, or put off. */
  async function post(path: string, body: string, headers: { [name: string]: string }): Promise<unknown> {
    if (url === undefined) return undefined
    try {
      const response = await request(`${url}/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
        dispatcher: http,
        headersTimeout: REQUEST_MS,
        bodyTimeout: REQUEST_MS,
      })
      const text = await response.body.text()
      if (response.statusCode === 200) return JSON.parse(text)
      if (response.statusCode === 503) refusals += 1
      else if (path !== 'people' || response.statusCode !== 404)
        problems.push(`${path} was answered ${response.statusCode} ${text}: ${body}`)
      return undefined
    } catch {
      // The process was killed meanwhile.
      return undefined
    }
  }

  async function sendOnce(event: SentEvent): Promise<boolean> {
    const { id, channel, customer, text } = event
    const body = JSON.stringify({ id, chat: customer, text })
    const timestamp = String(Date.now())
    const answer = await post(channel, body, { 'x-timestamp': timestamp, 'x-signature': sign(SECRET, timestamp, body) })
    if (answer === undefined) return false
    const { reply } = Inline.parse(answer)
    // Of a repeat the platform shows nothing that it has shown already.
    if (reply && !event.acked) {
      const again = left.has(reply.id) && reply.part.text.endsWith(`, ${id}`)
      platform.note({ channel, inside: true, again, id: reply.id, customer: reply.chat, text: reply.part.text })
    }
    event.acked = true
    return true
  }

  async function commandOnce(command: GivenCommand): Promise<boolean> {
    const { id, channel, customer, act } = command
    const target = { id, person: 'amy', account: accountOf(channel), customer }
    const result = await post('people', JSON.stringify({ ...target, ...act }), {})
    if (result === undefined) return false
    const text = JSON.stringify(result)
    if (command.result !== undefined && command.result !== text)
      problems.push(`The command ${id} was answered ${command.result}, and then ${text}.`)
    command.result = text
    return true
  }

  async function untilDone(what: string, once: () => Promise<boolean>): Promise<void> {
    let endMs = Date.now() + GIVE_UP_MS
    while (!(await once())) {
      if (closed) return
      if (url === undefined) endMs = Date.now() + GIVE_UP_MS
      if (Date.now() > endMs) throw new Error([`${what} was never answered.`, ...problems, running?.log()].join('\n'))
      await pause(AGAIN_AFTER_MS)
    }
  }

  function launch({ point, hook, trace }: StartOptions): Promise<void> {
    const env = {
      LOOPBACK_SECRET: SECRET,
      [FULL]: fullFile,
      ...(hook && { CRASH_HOOK: hook }),
    }
    const started = startProcess(yaml, env, { point, trace })
    running = started
    void started.closed.then(() => {
      if (running === started) url = undefined
    })
    return started.ready().then((ready) => {
      if (running === started && started.isAlive) url = ready
    })
  }

  async function settled(): Promise<void> {
    using journal = openJournal(data)
    await until('nothing waited any more', () => journal.isSettled() || undefined)
  }

  const known: Known = { events, commands, platform, problems }
  const world: World = {
    ...known,
    folder,
    fullFile,
    get refusals() {
      return refusals
    },
    get running() {
      if (!running) throw new Error('Nothing was started yet.')
      return running
    },
    start: (options = {}) => launch(options),
    async crash(options, work) {
      // It may well be killed before it is ready: then its starting was under way.
      launch(options).catch(() => undefined)
      const underWay = work(world)
      works.push(underWay)
      // Work that ends does not end the process, but work that fails would wait for that in vain.
      const failed = underWay.then(() => new Promise<never>(() => undefined))
      const end = await Promise.race([world.running.ended(), failed])
      failed.catch(() => undefined)
      assert.equal(end, 'SIGKILL', world.running.log())
      using journal = snapshot(data)
      assert.deepEqual(atAnyMoment(journal, known), [])
      for (const { id } of journal.deliveries()) left.add(id)
    },
    async finish() {
      await launch({})
      await Promise.all(works.splice(0))
      await settled()
      using journal = openJournal(data)
      assert.deepEqual(atTheEnd(journal, known), [])
    },
    settled,
    counts() {
      using journal = openJournal(data)
      const deliveries = journal.deliveries()
      const times = Map.groupBy(platform.receipts, ({ id }) => id)
      return {
        events: events.size,
        commands: commands.size,
        wakes: journal.woken().length,
        deliveries: deliveries.length,
        unknown: deliveries.filter(({ state }) => state === 'unknown').length,
        arrivedTwice: [...times.values()].filter((arrived) => arrived.length > 1).length,
        putOff: refusals,
      }
    },
    journal: () => (running?.isAlive ? openJournal(data) : snapshot(data)),
    async says(channel, customer, text) {
      const id = `${customer}-${++numbers}`
      const event: SentEvent = { id, channel, customer, text, acked: false }
      events.set(id, event)
      await untilDone(`The event ${id}`, () => sendOnce(event))
      return id
    },
    async repeats(id) {
      const event = events.get(id)
      if (!event) throw new Error(`There is no event ${id}.`)
      return sendOnce(event)
    },
    async does(channel, customer, act, id = `command-${++numbers}`) {
      const command = commands.get(id) ?? { id, channel, customer, act, result: undefined }
      commands.set(id, command)
      await untilDone(`The command ${id}`, () => commandOnce(command))
      return command.result ?? ''
    },
    async [Symbol.asyncDispose]() {
      closed = true
      await running?.kill()
      await http.destroy()
      await platform[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return world
}

function yamlOf(platform: Platform, wakeAfterMs: number): string {
  const plugin = (name: string) => resolve(import.meta.dirname, 'plugins', `${name}.ts`)
  const channels = Object.entries(CHANNELS).map(([name, { use, ...core }]) => [
    name,
    {
      use: use === 'line' ? plugin(use) : use,
      secret: `\${LOOPBACK_SECRET}`,
      account: name,
      sendTo: `${platform.url}/${name}`,
      ...core,
    },
  ])
  return stringify({
    server: { port: 0 },
    storage: { folder: './data' },
    http: { allow: [platform.host] },
    channels: Object.fromEntries(channels),
    bots: { counter: { use: plugin('counter'), wakeAfterMs } },
    desks: { people: { use: plugin('people'), postTo: `${platform.url}/desk` } },
    routes: [{ from: Object.keys(CHANNELS), mode: 'bot-first', bot: 'counter', desk: 'people' }],
  })
}

/**
 * Starts everything once and stops it: only a process that ends by itself leaves behind what it has compiled. That the
 * folder is there says nothing, since whoever is killed has made it too.
 */
export async function warmUp(): Promise<void> {
  const isWarm = join(COMPILED, 'is-warm')
  if (existsSync(isWarm)) return
  await using world = await openWorld()
  await world.start()
  await world.running.stop()
  writeFileSync(isWarm, '')
}
