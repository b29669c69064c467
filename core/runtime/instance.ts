/**
 * One plugin running under one name: its context, what its setup returned (checked), and everything that was opened
 * for it, released last first when it stops.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Command, CommandResult } from '../command.ts'
import type { CheckedChannel, CheckedConfig, CheckedInstance } from '../config/checked.ts'
import { nearest } from '../config/nearest.ts'
import type { TextName } from '../config/texts.ts'
import type { Actor } from '../conversation.ts'
import { messageOf, SwitchboardError } from '../errors.ts'
import type { Engine, Erased } from '../journal/engine.ts'
import type { Json, Say } from '../message.ts'
import { limited } from '../pipeline/chain.ts'
import { customerOf } from '../pipeline/draft.ts'
import type {
  BotMethods,
  ChannelContext,
  ChannelMethods,
  Context,
  Delivery,
  DeskMethods,
  Hooks,
  Plugin,
  ReceiveOptions,
  Sendable,
  Watcher,
} from '../plugin.ts'
import type { Callers } from '../services/callers.ts'
import type { Clock, MakeId } from '../services/clock.ts'
import type { Documents } from '../services/documents.ts'
import { makeHttp } from '../services/http.ts'
import type { RuntimeLog } from '../services/log.ts'
import { DESK, type Media } from '../services/media.ts'
import type { Schedule } from '../services/schedule.ts'
import { makeInstanceWeb } from '../services/web.ts'
import type { Log } from '../turn.ts'
import type { Container } from './container.ts'

/** Hooks of a plugin whose own state type is forgotten; the state is checked by its schema when it is read. */
export type AnyHooks = Hooks<z.ZodObject>

export interface Instance {
  readonly name: string
  readonly plugin: Plugin
  readonly checked: CheckedInstance
  /** How it appears as the author of what it says. */
  readonly actor: Actor
  /** `<revision>:<line>` of its entry in the YAML. */
  readonly line: string
  readonly hooks: AnyHooks
  readonly channel: ChannelMethods | undefined
  readonly bot: BotMethods<z.ZodObject> | undefined
  readonly desk: DeskMethods | undefined
  /** What it lends, by the token's name. */
  readonly services: ReadonlyMap<string, unknown>
  readonly log: RuntimeLog
  /** Its routes, ready to be mounted; undefined when it has none. */
  readonly web: FastifyInstance | undefined
  /** Aborted when it stops. */
  readonly signal: AbortSignal
  /** Aborts its signal and releases everything, last first. Twice is safe. */
  stop(): Promise<void>
}

/** A method of the author's: its types were checked where it was defined, so here only that it is there. */
function method<T>() {
  return z.custom<T>((value) => typeof value === 'function', { error: 'must be a function' })
}

type Inbound = NonNullable<AnyHooks['inbound']>
type Events = NonNullable<AnyHooks['events']>

const hooks = {
  inbound: z
    .strictObject({
      guard: method<NonNullable<Inbound['guard']>>().optional(),
      enrich: method<NonNullable<Inbound['enrich']>>().optional(),
      intercept: method<NonNullable<Inbound['intercept']>>().optional(),
      respond: method<NonNullable<Inbound['respond']>>().optional(),
    })
    .optional(),
  outbound: z
    .strictObject({ rewrite: method<NonNullable<NonNullable<AnyHooks['outbound']>['rewrite']>>().optional() })
    .optional(),
  events: z
    .strictObject({
      'conversation.opened': method<NonNullable<Events['conversation.opened']>>().optional(),
      'conversation.queued': method<NonNullable<Events['conversation.queued']>>().optional(),
      'conversation.assigned': method<NonNullable<Events['conversation.assigned']>>().optional(),
      'conversation.returned': method<NonNullable<Events['conversation.returned']>>().optional(),
      'conversation.closed': method<NonNullable<Events['conversation.closed']>>().optional(),
      'agent.replied': method<NonNullable<Events['agent.replied']>>().optional(),
      'delivery.failed': method<NonNullable<Events['delivery.failed']>>().optional(),
    })
    .optional(),
  started: method<NonNullable<AnyHooks['started']>>().optional(),
  erase: method<NonNullable<AnyHooks['erase']>>().optional(),
  kept: method<NonNullable<AnyHooks['kept']>>().optional(),
  doctor: method<NonNullable<AnyHooks['doctor']>>().optional(),
  answered: method<NonNullable<AnyHooks['answered']>>().optional(),
  woken: method<NonNullable<AnyHooks['woken']>>().optional(),
  services: z.record(z.string(), z.unknown()).optional(),
}

const channel = {
  send: method<ChannelMethods['send']>(),
  prepare: method<NonNullable<ChannelMethods['prepare']>>().optional(),
  listen: method<NonNullable<ChannelMethods['listen']>>().optional(),
  fetchMedia: method<NonNullable<ChannelMethods['fetchMedia']>>().optional(),
  draft: method<NonNullable<ChannelMethods['draft']>>().optional(),
  typing: method<NonNullable<ChannelMethods['typing']>>().optional(),
}
const bot = { answer: method<BotMethods<z.ZodObject>['answer']>() }
const desk = {
  where: method<DeskMethods['where']>(),
  deliver: method<DeskMethods['deliver']>(),
  attend: method<NonNullable<DeskMethods['attend']>>().optional(),
}

const Returned = {
  feature: z.strictObject(hooks),
  channel: z.strictObject({ ...hooks, ...channel }),
  bot: z.strictObject({ ...hooks, ...bot }),
  desk: z.strictObject({ ...hooks, ...desk }),
}

/** How long one `setup` may take. */
const SETUP_LIMIT_MS = 30_000
/** How long one release may take when an instance stops. */
const RELEASE_LIMIT_MS = 10_000

/** What every instance's context is made of. */
export interface Ground {
  readonly engine: Engine
  readonly clock: Clock
  readonly makeId: MakeId
  readonly log: RuntimeLog
  readonly media: Media
  readonly documents: Documents
  readonly schedule: Schedule
  readonly callers: Callers
  /** Asked each time: it may change while an instance goes on. */
  readonly keepMessagesMs: () => number
  /** Asked each time too. */
  readonly text: (name: TextName) => Say
  /** Plugins' `http` refuses every request. */
  readonly offline: boolean
  channels(): readonly { readonly name: string; readonly account: string }[]
  command(command: Command): Promise<CommandResult>
  receive(account: string, event: unknown, options?: ReceiveOptions): Promise<Delivery | undefined>
  live(account: string, chat: string, what: 'typing' | 'read'): void
  watch(watcher: Watcher, log: Log): () => void
  typing(chat: string): Promise<void>
  /** Changes something of a customer, and has whoever looks at their chats look again. */
  told<T>(customer: string, change: () => Promise<T>): Promise<T>
  erase(customer: string): Promise<Erased>
  kept(customer: string): Promise<{ readonly [instance: string]: Json }>
  sendable(chat: string, by: Actor): Promise<Sendable | undefined>
}

/**
 * Sets up one plugin. When that fails, everything that was opened for it is released and `PLUGIN_SETUP` says whose
 * fault it was.
 */
export async function startInstance(
  checked: CheckedInstance,
  config: CheckedConfig,
  container: Container,
  ground: Ground,
): Promise<Instance> {
  const { name, plugin } = checked
  const opened = new AsyncDisposableStack()
  const stopping = new AbortController()
  const log = ground.log.child({ instance: name })
  try {
    if (plugin.tables) await ground.engine.migrate(name, plugin.tables.migrations)
    const made = makeContext(checked, config, ground, { opened, log, signal: stopping.signal })
    const context = Object.defineProperties(
      { ...container.borrow(plugin.needs) },
      Object.getOwnPropertyDescriptors(made.context),
    )
    const returned = await limited(ground.clock, SETUP_LIMIT_MS, plugin.setup(context))
    const kind = Returned[plugin.kind].safeParse(returned ?? {})
    if (!kind.success) throw new SwitchboardError('PLUGIN_SETUP', { detail: wrongHooks(kind.error) })
    const web = made.web()
    await web?.ready()
    const services = new Map(
      Object.entries(plugin.provides).map(([key, { name }]) => [name, lent(kind.data.services, key)]),
    )
    let stopped: Promise<void> | undefined
    return {
      name,
      plugin,
      checked,
      actor: { kind: plugin.kind, name },
      line: `${config.revision.hash.slice(0, 12)}:${checked.line}`,
      hooks: kind.data,
      channel: plugin.kind === 'channel' ? Returned.channel.parse(returned) : undefined,
      bot: plugin.kind === 'bot' ? Returned.bot.parse(returned) : undefined,
      desk: plugin.kind === 'desk' ? Returned.desk.parse(returned) : undefined,
      services,
      log,
      web,
      signal: stopping.signal,
      stop: () => {
        // First: what is cut off by a release is not to look like a failure of the other side.
        stopping.abort()
        stopped ??= opened.disposeAsync().catch((error: unknown) => {
          log.error({ error }, `${name} (${plugin.name}), stop: ${messageOf(error)}`)
        })
        return stopped
      },
    }
  } catch (error) {
    stopping.abort()
    await opened.disposeAsync()
    throw new SwitchboardError('PLUGIN_SETUP', {
      detail: `${name} (${plugin.name}), setup: ${messageOf(error)}`,
      cause: error,
    })
  }
}

/** Tells an instance that it is in force. That it cannot do what it wants then is in the log, and changes nothing. */
export async function tellStarted({ name, plugin, hooks, log, signal }: Instance, clock: Clock): Promise<void> {
  try {
    await limited(clock, SETUP_LIMIT_MS, hooks.started?.(), signal)
  } catch (error) {
    log.error({ error }, `${name} (${plugin.name}), started: ${messageOf(error)}`)
  }
}

/** The context's properties; what costs something to open is opened when it is first asked for. */
function makeContext(
  checked: CheckedInstance,
  config: CheckedConfig,
  ground: Ground,
  own: { readonly opened: AsyncDisposableStack; readonly log: RuntimeLog; readonly signal: AbortSignal },
): { readonly context: object; web(): FastifyInstance | undefined } {
  const { engine, clock, log: runtimeLog } = ground
  const { name } = checked
  const { opened, log, signal } = own
  const onDispose = (release: () => unknown): void => {
    opened.defer(async () => {
      await limited(clock, RELEASE_LIMIT_MS, release())
    })
  }
  let web: FastifyInstance | undefined
  let http: typeof fetch | undefined

  const common: Omit<Context<unknown, unknown>, 'web' | 'http' | 'sql' | 'keepMessagesMs'> = {
    name,
    config: checked.settings,
    log,
    signal,
    url: `${config.server.publicUrl}/${name}`,
    callerOf: ground.callers.callerOf,
    clock,
    command: ground.command,
    channels: ground.channels,
    schedule: (when, job) => ground.schedule(name, when, job, signal),
    documents: { open: (document, schema) => ground.documents.open(name, document, schema) },
    customers: {
      patch: (id, patch) => ground.told(id, () => engine.patchCustomer(id, patch, clock.now())),
      async get(id) {
        const found = await engine.findCustomer(id)
        return found && customerOf(config, found)
      },
      list: engine.findCustomers,
      tag: (id, tags) => ground.told(id, () => engine.tagCustomer(id, tags)),
      merge: (from, into) => ground.told(into, () => engine.mergeCustomers(from, into)),
      erase: (id) => ground.told(id, () => ground.erase(id)),
      kept: ground.kept,
    },
    timeZone: config.timeZone,
    media: { open: (url, { signal } = {}) => ground.media.open(url, { signal }) },
    audit: ({ by, action, before, after }) => {
      const row = { id: ground.makeId(), at: clock.now(), by, action, before, after, instance: name }
      engine.audit(row).catch((error: unknown) => {
        runtimeLog.error({ instance: name, action, error }, `An audit entry could not be written: ${messageOf(error)}`)
      })
    },
    journal: engine.read,
    text: ground.text,
    feed: (topic) => ({
      publish: (item: Json) => engine.publish(`${name}:${topic}`, item, clock.now()),
      subscribe(after, take) {
        const end = engine.subscribe(`${name}:${topic}`, after, take)
        onDispose(end)
        return end
      },
    }),
    watch(watcher) {
      const end = ground.watch(watcher, log)
      onDispose(end)
      return end
    },
    typing: ground.typing,
    sendable: ground.sendable,
    onDispose,
  }
  const lazy = {
    get web() {
      if (!web) {
        const app = makeInstanceWeb(name, { log, callers: ground.callers, guarded: checked.kind !== 'channel' })
        onDispose(() => app.close())
        web = app
      }
      return web
    },
    get http() {
      if (!http) {
        const { offline } = ground
        const client = makeHttp({ log, signal, clock, allowPrivate: config.http.allow, offline })
        onDispose(() => client.close())
        http = client.fetch
      }
      return http
    },
    get sql() {
      return engine.tablesOf(name)
    },
    get keepMessagesMs() {
      return ground.keepMessagesMs()
    },
  }
  const channel: Partial<ChannelContext & Pick<Context<unknown, unknown>, 'media'>> = isChannel(checked)
    ? {
        receive: (event, options) => ground.receive(checked.account, event, options),
        media: {
          open: (url, { signal } = {}) => ground.media.open(url, { signal, account: checked.account }),
          keep: (body, options) => ground.media.keep(checked.account, body, options),
        },
        live: (chat, what) => ground.live(checked.account, chat, what),
      }
    : checked.kind === 'desk'
      ? {
          media: {
            open: (url, { signal } = {}) => ground.media.open(url, { signal }),
            keep: (body, options) => ground.media.keep(`${DESK}${name}`, body, options),
          },
        }
      : {}
  const context = Object.defineProperties({ ...common, ...channel }, Object.getOwnPropertyDescriptors(lazy))
  return { context, web: () => web }
}

function isChannel(checked: CheckedInstance): checked is CheckedChannel {
  return checked.kind === 'channel'
}

function lent(services: { readonly [name: string]: unknown } | undefined, key: string): unknown {
  const service = services?.[key]
  if (service === undefined)
    throw new SwitchboardError('PLUGIN_SETUP', { detail: `It provides "${key}", and did not return it.` })
  return service
}

const HOOK_NAMES = [
  'guard',
  'enrich',
  'intercept',
  'respond',
  'rewrite',
  ...Object.keys(hooks),
  ...Object.keys(channel),
  'answer',
  ...Object.keys(desk),
]

/** Names the unknown hooks, with what was probably meant. */
function wrongHooks(error: z.ZodError): string {
  return error.issues
    .map((issue) => {
      if (issue.code !== 'unrecognized_keys') return `${issue.path.join('.')} ${issue.message}`
      return issue.keys
        .map((key) => {
          const meant = nearest(key, HOOK_NAMES)
          return `There is no hook "${[...issue.path, key].join('.')}".${meant ? ` Is it "${meant}"?` : ''}`
        })
        .join(' ')
    })
    .join('; ')
}
