/** The whole runtime in a test: real pipeline, real journal in a temporary folder, a clock that stands still. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Command, CommandResult } from '../command.ts'
import { checkConfig } from '../config/check.ts'
import type { CheckedConfig } from '../config/checked.ts'
import { formatProblems } from '../config/report.ts'
import type { Conversation } from '../conversation.ts'
import type { LoadedChat, StoredCustomer } from '../journal/engine.ts'
import type { EntryRow } from '../journal/tables.ts'
import type { Sender } from '../message.ts'
import { isPlugin, type Plugin } from '../plugin.ts'
import { type Runtime, startRuntime } from '../runtime/runtime.ts'
import { makeLog, type RuntimeLog } from '../services/log.ts'
import { attend } from './attend.ts'
import { type ManualClock, manualClock } from './clock.ts'
import { type MemoryChannel, memoryChannel } from './memory-channel.ts'
import { makePace, SWEEP_EVERY_MS, stopHeld } from './pace.ts'
import { makeUser, type TestUser } from './user.ts'

/** As in the YAML; `use` may be the plugin itself. Secrets may be written out. */
interface Entry {
  readonly use: Plugin | string
  readonly [setting: string]: unknown
}

export interface TestConfig {
  readonly channels?: { readonly [name: string]: Entry } | undefined
  readonly bots?: { readonly [name: string]: Entry } | undefined
  readonly desks?: { readonly [name: string]: Entry } | undefined
  readonly features?: readonly Entry[] | undefined
  /** Left out: from every channel to the first bot (and the first desk, if there is one). */
  readonly routes?: readonly { readonly [key: string]: unknown }[] | undefined
  /** Any other section of the YAML. */
  readonly [section: string]: unknown
}

export interface TestOptions {
  /** The channel of `user(…)`: everything is in memory. It is there as `memory`, unless `channels` has it. */
  readonly channel?: MemoryChannel | undefined
  readonly clock?: ManualClock | undefined
  readonly log?: RuntimeLog | undefined
  /** A real listener on a free port of loopback. */
  readonly listen?: boolean | undefined
  /** Kept when it is given, so that another runtime can go on from it. */
  readonly folder?: string | undefined
  readonly env?: { readonly [name: string]: string } | undefined
  /** Who is at the desks from the beginning. Left out: nobody is, until they come. */
  readonly there?: readonly string[] | undefined
}

export interface TestRuntime extends AsyncDisposable {
  readonly clock: ManualClock
  readonly channel: MemoryChannel
  /** The one that runs now: another after `restart`. */
  readonly runtime: Runtime
  /** The storage folder. */
  readonly folder: string
  /** The lines of the log, each a JSON; none when the test gave a log of its own. */
  readonly logged: readonly string[]
  /** A customer; the same id again is the same customer. */
  user(id: string, sender?: Sender): TestUser
  /** What an agent does; the ids are made here. Refusals come back as results. */
  agent(person: string): TestAgent
  /** The customer's open conversation. */
  conversation(user: string): Promise<Conversation | undefined>
  /** What is known of the customer. */
  customer(user: string): Promise<StoredCustomer | undefined>
  /** Everything that has happened in the customer's chat, in order. */
  entries(user: string): Promise<readonly EntryRow[]>
  /** What became of the customer's events, in order: `answered: keyword r` and the like. */
  outcomes(user: string): Promise<readonly string[]>
  /** What is in a table of a plugin's own. */
  rows(instance: string, table: string): Promise<readonly object[]>
  /**
   * Moves the clock on from one due moment to the next, each time waiting until what became due is done. While the test
   * itself holds something back (an answer of its `testServer`, say), nothing is ever done: then use `clock.advance`.
   */
  advance(ms: number): Promise<void>
  /** Resolves when nothing is being handled, sent or due. */
  idle(): Promise<void>
  /** Switches to another configuration, as a reload would. */
  apply(config: TestConfig): Promise<void>
  /** Stops it, and starts another from the same folder: with the same configuration, if none is given. */
  restart(config?: TestConfig): Promise<void>
}

/** Any table with any columns: what is in it, the test knows. */
interface AnyTables {
  readonly [table: string]: { readonly [column: string]: unknown }
}

/** A command without its id and actor. */
type Doing = Command extends infer C ? (C extends unknown ? Omit<C, 'id' | 'by'> : never) : never

export interface TestAgent {
  does(command: Doing): Promise<CommandResult>
  /** Acts in the customer's open conversation (or, for a callback, in the chat). */
  takes(user: string): Promise<CommandResult>
  sends(user: string, text: string): Promise<CommandResult>
  /** Is at the desk from now on, also at another that a reload or restart puts in its place. */
  comes(): Promise<void>
  goes(): Promise<void>
  closes(user: string, because?: string): Promise<CommandResult>
}

/** Starts everything that `config` declares. Dispose it (`await using`) to stop it and remove its folder. */
export async function testRuntime(config: TestConfig, options: TestOptions = {}): Promise<TestRuntime> {
  const logged: string[] = []
  const stream = { write: (line: string) => void logged.push(line) }
  const { clock = manualClock(), channel = memoryChannel(), log = makeLog({ level: 'info', stream }) } = options
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'switchboard-')))
  const check = (next: TestConfig) => checked(next, { channel, folder, env: options.env ?? {} })
  const start = async (next: TestConfig) =>
    startRuntime(await check(next), {
      log,
      clock,
      listen: options.listen ?? false,
      durable: false,
      sweepEveryMs: SWEEP_EVERY_MS,
    })
  const removeFolder = async () => {
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
  }
  let current = config
  let runtime = await start(current).catch(async (error: unknown) => {
    await removeFolder()
    throw error
  })
  const users = new Map<string, TestUser>()
  const there = new Set(options.there)
  for (const person of there) attend(runtime.plan, person, true)

  const account = `${channel.plugin.name}:${channel.plugin.name}`
  const chatOf = (user: string) => runtime.engine.findChat(account, user)
  const { idle, advance } = makePace(clock, () => runtime)

  /** Stops it. What the test still holds back is given up when its time to drain is over. */
  const stop = () => stopHeld(clock, runtime)

  async function load(user: string): Promise<LoadedChat | undefined> {
    await idle()
    const chat = await chatOf(user)
    return chat === undefined ? undefined : runtime.engine.load(chat)
  }

  async function entries(user: string): Promise<readonly EntryRow[]> {
    await idle()
    const chat = (await chatOf(user)) ?? ''
    return runtime.engine.read.selectFrom('entry').selectAll().where('chat', '=', chat).orderBy('seq').execute()
  }

  return {
    clock,
    channel,
    get runtime() {
      return runtime
    },
    folder,
    logged,
    idle,
    user(id, sender) {
      const known = users.get(id)
      if (known) return known
      const user = makeUser({ channel, chat: id, sender, now: clock.now, nextId: randomUUID, idle })
      users.set(id, user)
      return user
    },
    agent(person) {
      const by = { kind: 'agent', person } as const
      const does = (command: Doing): Promise<CommandResult> => runtime.command({ ...command, id: randomUUID(), by })
      const within = async (user: string) => {
        const chat = await chatOf(user)
        if (chat === undefined) throw new Error(`${user} has not written yet.`)
        return chat
      }
      return {
        does,
        takes: async (user) => does({ type: 'take', chat: await within(user) }),
        sends: async (user, text) => does({ type: 'send', chat: await within(user), content: text }),
        closes: async (user, because = 'solved') => does({ type: 'close', chat: await within(user), because }),
        async comes() {
          if (there.has(person)) return
          there.add(person)
          attend(runtime.plan, person, true)
          await idle()
        },
        async goes() {
          if (!there.delete(person)) return
          attend(runtime.plan, person, false)
          await idle()
        },
      }
    },
    conversation: async (user) => (await load(user))?.conversation,
    customer: async (user) => (await load(user))?.customer,
    entries,
    async outcomes(user) {
      return (await entries(user))
        .filter(({ kind }) => kind === 'in')
        .map(({ outcome, because }) => `${outcome}: ${because}`)
    },
    rows: (instance, table) => runtime.engine.tablesOf<AnyTables>(instance).selectFrom(table).selectAll().execute(),
    advance,
    async apply(next) {
      current = next
      const before = runtime.plan
      await runtime.apply(await check(next))
      for (const person of there) attend(runtime.plan, person, true, before)
    },
    async restart(next = current) {
      current = next
      await stop()
      runtime = await start(next)
      for (const person of there) attend(runtime.plan, person, true)
    },
    async [Symbol.asyncDispose]() {
      await stop()
      await removeFolder()
    },
  }
}

/** The configuration as YAML, and checked as the command would. */
async function checked(
  config: TestConfig,
  given: {
    readonly channel: MemoryChannel
    readonly folder: string
    readonly env: { readonly [name: string]: string }
  },
): Promise<CheckedConfig> {
  const plugins: Record<string, Plugin> = {}
  const named = (entry: Entry) => {
    if (!isPlugin(entry.use)) return entry
    plugins[entry.use.name] = entry.use
    return { ...entry, use: entry.use.name }
  }
  const all = (section: { readonly [name: string]: Entry } = {}) =>
    Object.fromEntries(Object.entries(section).map(([name, entry]) => [name, named(entry)]))
  const { channels, bots, desks, features = [], routes, ...rest } = config
  const sections = {
    channels: all({ memory: { use: given.channel.plugin }, ...channels }),
    bots: all(bots),
    desks: all(desks),
    features: features.map(named),
  }
  const text = stringify({
    server: { port: 0, publicUrl: 'http://localhost' },
    storage: { folder: given.folder },
    languages: ['en'],
    ...rest,
    ...Object.fromEntries(Object.entries(sections).filter(([, entries]) => Object.keys(entries).length > 0)),
    routes: routes ?? [
      defaultRoute(Object.keys(sections.channels), Object.keys(sections.bots)[0], Object.keys(sections.desks)[0]),
    ],
  })
  const file = join(given.folder, 'switchboard.yaml')
  const result = await checkConfig(file, { text, plugins, literalSecrets: true, env: given.env })
  if (!result.ok) throw new Error(`${formatProblems(result.problems)}\n${text}`)
  return result.config
}

function defaultRoute(from: readonly string[], bot: string | undefined, desk: string | undefined) {
  if (bot === undefined) return { from, mode: 'agent-only', desk }
  return desk === undefined ? { from, mode: 'bot-only', bot } : { from, mode: 'bot-first', bot, desk }
}
