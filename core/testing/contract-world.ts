/** What one check of the contract runs in: the channel, its simulated platform, and a bot that answers as it is told. */
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { CheckedChannel } from '../config/checked.ts'
import { messageOf } from '../errors.ts'
import type { Content, Part } from '../message.ts'
import { type ChannelMethods, defineBot } from '../plugin.ts'
import { makeLog } from '../services/log.ts'
import type { ChannelAddress, ChannelContract, ContractCheck, Shown, SimulatedPlatform } from './channel-contract.ts'
import { exchange, pipelined } from './contract-wire.ts'
import { type TestConfig, type TestRuntime, testRuntime } from './runtime.ts'
import { type TestServer, testServer } from './server.ts'

/** How long a check waits, in real time, for something that must happen. */
const PATIENCE_MS = 5_000
/** How long a polled channel is given to be back, by the clock of the test: longer than the core waits after failures. */
const POLL_AGAIN_MS = 60_000
/** In a line of the log that only warns. */
const WARNING = '"level":"warn"'
/** The customer of most checks. Digits, because some platforms have nothing else. */
export const CHAT = '1001'

/** How a request of the platform's ended. */
export interface Told {
  readonly status: number
  readonly body: string
  /** The message in it, if there is one. */
  readonly answer: Shown | undefined
}

/** An event as it was accepted. Files have the addresses that the channel gave. */
export interface Stored {
  readonly event: { readonly id: string; readonly chat: string; readonly [key: string]: unknown }
  /** Of a message: its words. Checks know messages by them, for the platform makes its own ids. */
  readonly text: string
  /** Its chat in the journal, and its number there. */
  readonly chat: string
  readonly seq: number
}

export class World implements AsyncDisposable {
  readonly platform: SimulatedPlatform
  readonly bot: TestRuntime
  readonly checked: CheckedChannel
  /** What the bot was asked, in order. */
  readonly asked: readonly string[]
  /** What was logged as an error, and as a warning. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  readonly #repeater: Repeater
  readonly #files: TestServer
  readonly #configOf: (name: string | undefined) => TestConfig
  readonly #ids = new Map<string, string>()
  #name = NAME

  private constructor(of: {
    readonly platform: SimulatedPlatform
    readonly bot: TestRuntime
    readonly checked: CheckedChannel
    readonly errors: readonly string[]
    readonly warnings: readonly string[]
    readonly repeater: Repeater
    readonly files: TestServer
    readonly configOf: (name: string | undefined) => TestConfig
  }) {
    this.platform = of.platform
    this.bot = of.bot
    this.checked = of.checked
    this.asked = of.repeater.asked
    this.errors = of.errors
    this.warnings = of.warnings
    this.#repeater = of.repeater
    this.#files = of.files
    this.#configOf = of.configOf
  }

  static async open(contract: ChannelContract, options: { readonly answer?: 'inline' } = {}): Promise<World> {
    const { plugin } = contract
    const { answer = 'later' } = options
    await using opened = new AsyncDisposableStack()
    const platform = opened.use(await contract.platform())
    const files = opened.use(await testServer(serveFile))
    const repeater = makeRepeater()
    let generation = 0
    const configOf = (name: string | undefined): TestConfig => ({
      // Another public address makes every instance another.
      server: { port: 0, publicUrl: `http://localhost/${++generation}` },
      http: { allow: ['127.0.0.1', 'localhost'] },
      channels: name === undefined ? {} : { [name]: { use: plugin, answer, ...contract.settings(platform) } },
      bots: { repeater: { use: repeater.plugin } },
    })
    const errors: string[] = []
    const warnings: string[] = []
    const write = (line: string) => void (line.includes(WARNING) ? warnings : errors).push(line.trim())
    const log = makeLog({ level: 'warn', stream: { write } })
    const started = testRuntime(configOf(NAME), { log, listen: true })
    const bot = opened.use(
      await started.catch((error: unknown) => assert.fail(`${plugin.name} cannot be started: ${messageOf(error)}`)),
    )
    const checked = bot.runtime.config.channels.find(({ name }) => name === NAME)
    if (!checked) return assert.fail(`${plugin.name} is no channel.`)
    opened.move()
    return new World({ platform, bot, checked, errors, warnings, repeater, files, configOf })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.#files[Symbol.asyncDispose]()
    await this.platform[Symbol.asyncDispose]()
  }

  fail(message: string): never {
    return assert.fail(`${this.checked.plugin.name}: ${message}`)
  }

  /** Checks every item, and fails once with what is wrong with any of them. */
  async each<T>(items: readonly T[], check: (item: T) => Promise<void>): Promise<void> {
    const wrong: string[] = []
    for (const item of items) await check(item).catch((error: unknown) => wrong.push(messageOf(error)))
    if (wrong.length > 0) assert.fail(wrong.join('\n'))
  }

  // ── what comes in ─────────────────────────────────────────────────────────────────────────

  get address(): ChannelAddress {
    return { url: `${this.bot.runtime.url}/${this.#name}`, nowMs: this.bot.clock.now() }
  }

  /** The bytes that tell of a text of a customer's; for the same text the same. */
  bytes(text: string, chat = CHAT): string {
    const id = this.#ids.get(text) ?? String(this.#ids.size + 1)
    this.#ids.set(text, id)
    return this.platform.message({ id, chat, text, atMs: this.bot.clock.now() })
  }

  /** The platform tells the channel, once. Of polled channels nothing can be known: `undefined`. */
  async tell(bytes: string, signal?: AbortSignal): Promise<Told | undefined> {
    if (!this.platform.offer) return this.send(await this.#requestOf(bytes), signal)
    this.platform.offer(bytes)
    return undefined
  }

  /** A customer says this; resolves when it has been handled. */
  async say(text: string, chat = CHAT): Promise<Told | undefined> {
    const told = await this.tell(this.bytes(text, chat))
    if (told && !isAccepted(told)) this.fail(`it answered ${shownTold(told)} to a request that is as it should be.`)
    await this.arrived([text])
    await this.idle()
    return told
  }

  /** A customer says all this at once: on one connection, one behind the other, without waiting for answers. */
  async sayTogether(texts: readonly string[], chat: string): Promise<void> {
    const all = texts.map((text) => this.bytes(text, chat))
    if (this.platform.offer) for (const bytes of all) this.platform.offer(bytes)
    else await pipelined(await Promise.all(all.map((bytes) => this.#requestOf(bytes))))
  }

  async send(request: Request, signal?: AbortSignal): Promise<Told> {
    const { status, body } = await exchange(request, signal)
    return { status, body, answer: this.platform.answerIn?.(body) }
  }

  async #requestOf(bytes: string): Promise<Request> {
    if (!this.platform.request) return this.fail('the simulated platform has neither request() nor offer().')
    return this.platform.request(bytes, this.address)
  }

  /** All events of the account, in the order in which they were accepted. */
  async events(): Promise<readonly Stored[]> {
    const { read } = this.bot.runtime.engine
    const rows = await read
      .selectFrom('entry')
      .innerJoin('chat', 'chat.id', 'entry.chat')
      .select(['entry.chat', 'entry.seq', 'body_json'])
      .where('account', '=', this.checked.account)
      .where('kind', '=', 'in')
      .orderBy('entry.id')
      .execute()
    const media = await read.selectFrom('media').select(['id', 'source']).execute()
    const sources = new Map(media.map(({ id, source }) => [`media:${id}`, source]))
    return rows.map(({ chat, seq, body_json }) => ({ chat, seq, ...readEvent(body_json, sources) }))
  }

  /** How many events were told of again by now. */
  async repeats(): Promise<number> {
    const { runtime } = this.bot
    const { body } = await exchange(new Request(`${runtime.url}/metrics`))
    return [...body.matchAll(/_events_total\{[^}]*repeated="yes"[^}]*\} (\d+)/g)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    )
  }

  /** Waits until all of these texts are in the journal; a polled channel is given time to come again. */
  async arrived(texts: readonly string[]): Promise<void> {
    const missing = async () => {
      const known = new Set((await this.events()).map(({ text }) => text))
      return texts.filter((text) => !known.has(text))
    }
    const untilMs = performance.now() + PATIENCE_MS
    let left = await missing()
    for (let quiet = 1; left.length > 0 && performance.now() < untilMs; quiet++) {
      // To look costs more than to wait.
      await wait(Math.min(quiet * 5, 50))
      // Nothing comes any more: after a failure the core waits before it polls again.
      if (this.platform.offer && quiet % 5 === 0) await this.bot.clock.advance(POLL_AGAIN_MS)
      const before = left.length
      left = await missing()
      if (left.length < before) quiet = 0
    }
    if (left.length > 0) this.fail(`${left.length} of ${texts.length} messages never arrived: ${few(left)}.`)
  }

  // ── what goes out ─────────────────────────────────────────────────────────────────────────

  /** The bot says this from now on; before, it repeats what it was told. */
  answerWith(answer: (text: string) => Content): void {
    this.#repeater.answer = answer
  }

  /** The bot waits with every answer until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#repeater.gate = promise
    return resolve
  }

  async shown(chat = CHAT): Promise<readonly Shown[]> {
    return this.platform.shown(chat, this.address)
  }

  get methods(): ChannelMethods {
    return this.bot.runtime.instance(this.#name)?.channel ?? this.fail('it is not running.')
  }

  /** Where a small file of this type can be fetched. */
  fileUrl(name: string, mimeType: string): string {
    return `${this.#files.url}/${name}?${new URLSearchParams({ type: mimeType })}`
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────

  async idle(): Promise<void> {
    await this.bot.idle()
  }

  /** Waits, but not for ever, until it is so. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS
    while (!(await isSo()) && performance.now() < untilMs) await wait(1)
  }

  /** Switches to a configuration in which every instance is another one, and the channel has this name. */
  async reload(name = this.#name): Promise<void> {
    await this.bot.apply(this.#configOf(name))
    this.#name = name
  }

  /** Switches to a configuration without the channel. */
  async remove(): Promise<void> {
    await this.bot.apply(this.#configOf(undefined))
  }

  async stop(): Promise<void> {
    await this.bot[Symbol.asyncDispose]()
  }
}

/** One check of a contract, in a world of its own. */
export function checkIn(
  contract: ChannelContract,
  name: string,
  check: (world: World) => Promise<void>,
  options: { readonly answer?: 'inline' } = {},
): ContractCheck {
  return { name, run: () => runIn(contract, check, options) }
}

/** Fails with all that went wrong: in the check, and in the platform (which says so when it is disposed). */
export async function runIn(
  contract: ChannelContract,
  check: (world: World) => Promise<void>,
  options: { readonly answer?: 'inline' } = {},
): Promise<void> {
  const world = await World.open(contract, options)
  const wrong: unknown[] = []
  for (const step of [() => check(world), () => world[Symbol.asyncDispose]()]) {
    await step().catch((error: unknown) => wrong.push(error))
  }
  if (wrong.length > 0) throw new assert.AssertionError({ message: wrong.map(messageOf).join('\n') })
}

const NAME = 'contracted'

interface Repeater {
  readonly plugin: ReturnType<typeof defineBot>
  readonly asked: string[]
  answer: (text: string) => Content
  gate: Promise<void>
}

function makeRepeater(): Repeater {
  const asked: string[] = []
  const plugin = defineBot({
    name: 'contract-bot',
    summary: 'Answers as the check says.',
    config: z.strictObject({}),
    setup: () => ({
      async answer(turn) {
        asked.push(turn.text)
        await repeater.gate
        return turn.reply(repeater.answer(turn.text))
      },
    }),
  })
  const repeater: Repeater = { plugin, asked, answer: (text) => `re: ${text}`, gate: Promise.resolve() }
  return repeater
}

const Event = z.looseObject({ id: z.string(), chat: z.string() })

function readEvent(json: string, sources: ReadonlyMap<string, string>): Pick<Stored, 'event' | 'text'> {
  const event = Event.parse(JSON.parse(json))
  if (!Array.isArray(event.parts)) return { event, text: '' }
  const parts = event.parts.map((part: Part) =>
    'url' in part ? { ...part, url: sources.get(part.url) ?? part.url } : part,
  )
  return { event: { ...event, parts }, text: parts.map((part) => ('text' in part ? part.text : '')).join('') }
}

/** The smallest picture that is one. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

function serveFile(request: Request): Response {
  const type = new URL(request.url).searchParams.get('type') ?? 'application/octet-stream'
  return new Response(type.startsWith('image/') ? PICTURE : 'a file', { headers: { 'content-type': type } })
}

/** Whether the platform would be content. */
export function isAccepted({ status }: Told): boolean {
  return status >= 200 && status < 300
}

/** A response, for a message. */
export function shownTold({ status, body }: Told): string {
  return body === '' ? String(status) : `${status} ${body.slice(0, 300)}`
}

/** The first of many. */
export function few(items: readonly string[], max = 12): string {
  return items.length <= max ? items.join(', ') : `${items.slice(0, max).join(', ')} and ${items.length - max} more`
}
