/** Starts, switches and stops the whole: the journal, the plugins, the pipeline and the listener. */
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Command, CommandResult } from '../command.ts'
import type { CheckedConfig, CheckedInstance } from '../config/checked.ts'
import type { Actor } from '../conversation.ts'
import { messageOf } from '../errors.ts'
import { type Engine, type LoadedChat, NEVER_MS, type SendAgain } from '../journal/engine.ts'
import { openSqlite } from '../journal/sqlite/engine.ts'
import { makeBacklog } from '../operations/backlog.ts'
import { type Metrics, makeMetrics } from '../operations/metrics.ts'
import { makePages } from '../operations/pages.ts'
import { type Readiness, readiness } from '../operations/readiness.ts'
import { type Commands, makeCommands } from '../pipeline/command.ts'
import { type Deliver, makeDeliver } from '../pipeline/deliver.ts'
import { left } from '../pipeline/ledger.ts'
import { makePipeline, type Pipeline } from '../pipeline/pipeline.ts'
import { makeReceive, type Receive } from '../pipeline/receive.ts'
import { CORE } from '../pipeline/settle.ts'
import { makeSweep, type Sweep } from '../pipeline/sweep.ts'
import type { Tools } from '../pipeline/tools.ts'
import { makeWatchers } from '../pipeline/watchers.ts'
import type { Sendable } from '../plugin.ts'
import { makeCallers } from '../services/callers.ts'
import { type Clock, type MakeId, makeIds, systemClock } from '../services/clock.ts'
import { makeDocuments } from '../services/documents.ts'
import type { RuntimeLog } from '../services/log.ts'
import { makeMedia } from '../services/media.ts'
import { makeSchedule } from '../services/schedule.ts'
import { currentRequest, documentedIn, outsideOfRequests, startWeb, type Web } from '../services/web.ts'
import { makeContainer } from './container.ts'
import { makeErasing } from './erasing.ts'
import { type Ground, type Instance, startInstance, tellStarted } from './instance.ts'
import { Listeners } from './listeners.ts'
import { makePlan, onlyAnswering, type Plan } from './plan.ts'
import { watch } from './watchdog.ts'

/** How often rows that are too old are looked for. */
const TRIM_EVERY = '1h'
/** What is due is looked for again after this, when it could not be read. */
const SWEEP_AGAIN_MS = 1_000

/** How often it is looked for what is due even if nothing is known to be: every due moment is known, so this finds nothing. */
const SWEEP_EVERY_MS = 60_000

/** What each still gets when it stops, and others have taken all the time that there was. */
const LAST_MS = 1_000

export interface Runtime {
  /** Where it listens; undefined when it was started without a listener. */
  readonly url: string | undefined
  readonly engine: Engine
  readonly metrics: Metrics
  readonly config: CheckedConfig
  /** What is running, laid out for each channel. */
  readonly plan: Plan
  /**
   * Switches to another configuration: what is new starts beside the old, then everything switches at once, then what
   * is gone stops. When something cannot start, nothing has changed. One after the other; none once it stops.
   */
  apply(config: CheckedConfig): Promise<void>
  command(command: Command): Promise<CommandResult>
  /** An instance that is running. */
  instance(name: string): Instance | undefined
  /** Resolves when nothing is being handled or sent, nor looked for that is due. */
  idle(): Promise<void>
  /** Finishes what is under way (at most `limits.drainFor`), stops every plugin and closes the journal. Twice is safe. */
  stop(): Promise<void>
}

export interface RuntimeOptions {
  readonly log: RuntimeLog
  readonly clock?: Clock | undefined
  readonly makeId?: MakeId | undefined
  /** False: no listener, no port. */
  readonly listen?: boolean | undefined
  /** False: the journal need not outlive the machine's power. For tests and rehearsals. */
  readonly durable?: boolean | undefined
  /** Nothing outside is asked: plugins' `http` refuses every request. */
  readonly offline?: boolean | undefined
  /** How often it is looked for what is due even if nothing is known to be. */
  readonly sweepEveryMs?: number | undefined
  /** Ends the process when a plugin blocks the thread: true, or after how many ms. Left out: not. */
  readonly watchdog?: boolean | number | undefined
  /** The journal can no longer be written, for good: nothing more is accepted, and the process should end. */
  readonly onJournalGone?: ((error: Error) => void) | undefined
  /** Typing and read marks, as channels give them. */
  readonly live?: ((account: string, chat: string, what: 'typing' | 'read') => void) | undefined
}

/** Starts everything; resolves when every channel is up. Throws, with nothing left open, when something cannot start. */
export async function startRuntime(config: CheckedConfig, options: RuntimeOptions): Promise<Runtime> {
  const opened = new AsyncDisposableStack()
  try {
    return await start(config, options, opened)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

async function start(first: CheckedConfig, options: RuntimeOptions, opened: AsyncDisposableStack): Promise<Runtime> {
  const { log, clock = systemClock } = options
  const makeId = options.makeId ?? makeIds(clock)
  log.hide(first.secrets)
  const { folder } = first.storage
  const engine = await openSqlite({ folder, clock, log, durable: options.durable, onGone: options.onJournalGone })
  opened.defer(() => engine.close())
  const recovery = await engine.recover(clock.now(), sendAgain(first, clock.now()))

  let config = first
  let plan: Plan = makePlan({ ...first, channels: [], bots: [], desks: [], features: [], routes: [] }, new Map())
  /** Of which accounts the platform has said that they may only answer, to which instance: another one asks anew. */
  const answering = new Map<string, Instance>()
  const uses = new Map<Plan, { count: number; free: PromiseWithResolvers<void> }>()
  const metrics = makeMetrics()
  const callers = makeCallers(() => config.server)
  const watchers = makeWatchers()
  const tools: Tools = {
    engine,
    clock,
    makeId,
    log,
    metrics,
    wait: (ms) => new Promise((resolve) => clock.after(ms, resolve)),
    redact: log.redact,
    changed: watchers.changed,
    plan: () => plan,
    onlyAnswers(account) {
      const instance = plan.channels.get(account)?.instance
      if (instance) answering.set(account, instance)
      plan = onlyAnswering(plan, account)
    },
    hold(held = plan) {
      const use = uses.get(held) ?? { count: 0, free: Promise.withResolvers<void>() }
      use.count += 1
      uses.set(held, use)
      const release = () => {
        use.count -= 1
        if (use.count > 0) return
        uses.delete(held)
        use.free.resolve()
      }
      return { plan: held, release }
    },
  }

  // The four know each other only through these.
  const nudge = (chat: string, loaded?: LoadedChat) => outsideOfRequests(() => pipeline.nudge(chat, loaded))
  const media = makeMedia({
    engine,
    folder: join(folder, 'media'),
    clock,
    log,
    fetcher: (account) => plan.channels.get(account)?.instance.channel?.fetchMedia,
    allowPrivate: () => config.http.allow,
    offline: options.offline,
    keepMessagesMs: () => config.keep.messagesMs,
  })
  opened.defer(() => media.stop())
  const deliver: Deliver = makeDeliver(tools, { sweep: () => sweep, nudge })
  const receive: Receive = makeReceive(tools, {
    deliver: () => deliver,
    nudge,
    fetchMedia: () => media.kick(),
    response: currentRequest,
  })
  const pipeline: Pipeline = makePipeline(tools, { receive: () => receive, deliver: () => deliver, sweep: () => sweep })
  const commands: Commands = makeCommands(tools, {
    deliver: () => deliver,
    nudge,
    interrupt: (chat) => pipeline.interrupt(chat),
    sendDue: () => sweep.by(clock.now()),
  })
  const sweep: Sweep = makeSweep(clock, options.sweepEveryMs ?? SWEEP_EVERY_MS, async () => {
    try {
      return await deliver.takeDue()
    } catch (error) {
      log.error({ error }, `What is due could not be read: ${messageOf(error)}`)
      return clock.now() + SWEEP_AGAIN_MS
    }
  })
  opened.defer(() => sweep.stop())

  const erasing = makeErasing({ engine, clock, log, instances: () => plan.instances })
  const schedule = makeSchedule({ clock, engine, timeZone: () => config.timeZone, log })
  const ground: Ground = {
    engine,
    clock,
    makeId,
    log,
    media,
    documents: makeDocuments({ folder: join(folder, 'documents'), log }),
    schedule,
    callers,
    keepMessagesMs: () => config.keep.messagesMs,
    text: (name) => config.texts[name],
    offline: options.offline ?? false,
    channels: () => [
      ...config.channels.map(({ name, account }) => ({ name, account })),
      ...[...plan.down].map(([account, { name }]) => ({ name, account })),
    ],
    command: (command) => commands.run(command),
    receive: (account, event, options) => receive.receive(account, event, options),
    live: passOnLive,
    watch: watchers.add,
    typing: showTyping,
    told: toldOfCustomer,
    erase: (customer) => erasing.erase(customer),
    kept: (customer) => erasing.kept(customer),
    sendable,
  }

  /** The chats of before, which may be gone, and those of after, which may be more. */
  async function toldOfCustomer<T>(customer: string, change: () => Promise<T>): Promise<T> {
    if (!watchers.areThere) return change()
    const before = await engine.knownAs(customer)
    const done = await change()
    const after = await engine.knownAs(customer)
    const chats = [...(before?.chats ?? []), ...(after?.chats ?? [])].map(({ id }) => id)
    for (const chat of new Set(chats)) watchers.changed(chat)
    return done
  }

  /** A mark of a customer of whom nothing is known yet is nobody's business. */
  function passOnLive(account: string, externalId: string, what: 'typing' | 'read'): void {
    options.live?.(account, externalId, what)
    if (!watchers.areThere) return
    engine.findChat(account, externalId).then(
      (chat) => chat !== undefined && watchers.live(chat, what),
      (error: unknown) => log.debug({ error }, `That a customer is ${what} was told nobody: ${messageOf(error)}`),
    )
  }

  async function sendable(chat: string, by: Actor): Promise<Sendable | undefined> {
    const found = await engine.load(chat)
    const channel = found && plan.channels.get(found.account)
    if (!channel) return undefined
    const { capabilities, reserve } = channel
    const now = left({ allowances: found.allowances, capabilities, nowMs: clock.now(), by, reserve })
    const ends = now.untilMs === undefined || now.untilMs >= NEVER_MS ? undefined : now.untilMs
    return { left: now.left, max: now.max, untilMs: ends, closed: now.closed?.why }
  }

  async function showTyping(chat: string): Promise<void> {
    const found = await engine.load(chat)
    const instance = found && plan.channels.get(found.account)?.instance
    try {
      if (found) instance?.channel?.typing?.(found.externalId)
    } catch (error) {
      instance?.log.warn({ error }, `${instance.name} (${instance.plugin.name}), typing: ${messageOf(error)}`)
    }
  }

  const listeners = new Listeners(clock)
  /** As metrics name a channel. */
  const nameOf = (account: string) => plan.channels.get(account)?.name ?? 'gone'
  const backlog = makeBacklog(engine.read, clock, nameOf)
  let web: Web | undefined
  let stopped: Promise<void> | undefined
  /** Turns, requests and polled channels share the time that there is when it stops. */
  let stopByMs: number | undefined
  const drainLeftMs = () => Math.max(LAST_MS, (stopByMs ?? clock.now() + config.limits.drainForMs) - clock.now())
  const mounts = new Map<string, { unmount(): void; drained(withinMs: number): Promise<void> }>()
  opened.defer(() => stopAll([...plan.instances.values()]))

  /** Starts what `next` needs and cannot take over from the plan in force. */
  async function startInstances(next: CheckedConfig): Promise<Map<string, Instance>> {
    const container = makeContainer()
    const running = new Map<string, Instance>()
    const started: Instance[] = []
    try {
      for (const checked of inOrder(next)) {
        const old = plan.instances.get(checked.name)
        const keeps =
          old &&
          isKept(old, checked) &&
          checked.dependsOn.every((name) => running.get(name) === plan.instances.get(name))
        const instance = keeps ? old : await startInstance(checked, next, container, ground)
        if (!keeps) started.push(instance)
        running.set(instance.name, instance)
        for (const token of Object.values(instance.plugin.provides))
          container.lend(token, instance.services.get(token.name))
      }
      return running
    } catch (error) {
      await stopAll(started)
      throw error
    }
  }

  /** One assignment: from here on everything new runs by `next`. */
  function switchTo(next: CheckedConfig, running: Map<string, Instance>): void {
    plan = makePlan(next, running, plan)
    for (const [account, instance] of answering) {
      if (plan.channels.get(account)?.instance === instance) plan = onlyAnswering(plan, account)
      else answering.delete(account)
    }
    config = next
    if (!web) return
    for (const [name, mount] of mounts) {
      if (running.get(name)?.web) continue
      mount.unmount()
      mounts.delete(name)
    }
    for (const { name, web: app } of running.values()) if (app) mounts.set(name, web.mount(name, app))
  }

  async function apply(next: CheckedConfig): Promise<void> {
    const before = { plan, config }
    log.hide([...before.config.secrets, ...next.secrets])
    const running = await startInstances(next)
    const oldMounts = new Map(mounts)
    try {
      await engine.saveRevision({ ...next.revision, file: next.file, at: clock.now() })
      switchTo(next, running)
    } catch (error) {
      await stopAll([...running.values()].filter((instance) => plan.instances.get(instance.name) !== instance))
      throw error
    }
    noteApplied(before.config, next)
    const leaving = [...before.plan.instances.values()].filter((instance) => running.get(instance.name) !== instance)
    listeners.begin(newTo(before.plan, leaving))
    const holders = [...uses].filter(([held]) => leaving.some((one) => held.instances.get(one.name) === one))
    const drainMs = next.limits.drainForMs
    // Whoever looks on comes again, to those in force now: no request that is still under way holds them back.
    await within(clock, drainMs, Promise.all(leaving.map(({ web }) => web?.close())))
    const begun = [...running.values()].filter((instance) => before.plan.instances.get(instance.name) !== instance)
    const telling = Promise.all(begun.map((instance) => tellStarted(instance, clock)))
    await Promise.all([
      ...leaving.map((instance) => oldMounts.get(instance.name)?.drained(drainMs)),
      listeners.end(leaving, drainMs),
      within(clock, drainMs, Promise.all(holders.map(([, { free }]) => free.promise))),
    ])
    await stopAll(leaving)
    listeners.begin([...running.values()])
    await rehome()
    await telling
    // Nobody waits for a plugin that cannot.
    void erasing.goOn()
    const replaced = [...plan.channels.values()].filter(({ instance }) => begun.includes(instance))
    await goOn(replaced.map(({ account }) => account))
    log.hide(next.secrets)
  }

  /** Of what people can look up by whom and when, a reload is part; the texts are kept by their hash. */
  function noteApplied(before: CheckedConfig, next: CheckedConfig): void {
    const [was, is] = [{ revision: before.revision.hash }, { revision: next.revision.hash }]
    const deed = { id: makeId(), at: clock.now(), by: CORE, action: 'config.apply', before: was, after: is }
    engine.audit({ ...deed, instance: 'core' }).catch((error: unknown) => {
      log.error({ error }, `That another configuration is in force is not in the audit log: ${messageOf(error)}`)
    })
  }

  /** Channels that nobody has to leave first: neither their name nor their account is that of one which is leaving. */
  function newTo(before: Plan, leaving: readonly Instance[]): readonly Instance[] {
    const old = [...before.channels.values()].filter(({ instance }) => leaving.includes(instance))
    return [...plan.channels.values()]
      .filter(({ name, account }) => !old.some((one) => one.name === name || one.account === account))
      .map(({ instance }) => instance)
  }

  /** What has waited for the channels of these accounts, which were down or others, waits no longer. */
  async function goOn(accounts: readonly string[]): Promise<void> {
    try {
      const chats = await engine.read
        .selectFrom('chat')
        .select('id')
        .where('account', 'in', accounts)
        .where('pending', '>', 0)
        .execute()
      for (const { id } of chats) nudge(id)
      await deliver.resume(accounts, clock.now())
    } catch (error) {
      log.error({ error }, `What has waited for a channel goes on later: ${messageOf(error)}`)
    }
  }

  /**
   * Open conversations whose bot, desk, team or person is not in the plan go to whoever the plan says, and those whose
   * channel is not are closed: also after a start with another file, and, where a channel was down, once it is back.
   * What cannot be moved stays, and is in the log.
   */
  async function rehome(): Promise<void> {
    const { bots, desks } = config
    try {
      const rows = await engine.read
        .selectFrom('conversation')
        .innerJoin('chat', 'chat.id', 'conversation.chat')
        .select(['conversation.id', 'account', 'bot', 'desk', 'team', 'person'])
        .where('state', '!=', 'closed')
        .where('account', 'not in', [...plan.down.keys()])
        .where((where) =>
          where.or([
            where('account', 'not in', [...plan.channels.keys()]),
            // To SQLite, null is not in an empty list: who has no bot would be one whose bot is gone.
            where('bot', 'is not', null).and(
              'bot',
              'not in',
              bots.map(({ name }) => name),
            ),
            where('desk', 'is not', null).and(
              'desk',
              'not in',
              desks.map(({ name }) => name),
            ),
            ...desks
              .filter(({ names }) => names.teams.length > 0)
              .map(({ name, names }) => where.and([where('desk', '=', name), where('team', 'not in', names.teams)])),
            ...desks
              .filter(({ names }) => names.people.length > 0)
              .map(({ name, names }) => where.and([where('desk', '=', name), where('person', 'not in', names.people)])),
          ]),
        )
        .execute()
      for (const { id, account, bot, desk, team, person } of rows) {
        if (!plan.channels.has(account)) {
          await commands.channelGone(id, `no channel has the account ${account} any more`)
          continue
        }
        const at = desks.find(({ name }) => name === desk)?.names
        const who = at?.people.length && !at.people.some((name) => name === person) ? (person ?? team) : team
        const because = at ? `${who} is no longer at ${desk}` : `${bot ?? desk} is no longer in the configuration`
        await commands.ownerGone(id, because)
      }
    } catch (error) {
      log.error({ error }, `Conversations without an owner could not be moved: ${messageOf(error)}`)
    }
  }

  if (options.watchdog) {
    opened.defer(watch(folder, options.watchdog === true ? undefined : options.watchdog))
  }
  const running = await startInstances(first)
  await engine.saveRevision({ ...first.revision, file: first.file, at: clock.now() })
  if (options.listen !== false) {
    const pages = await makePages({ log, callers, metrics, readiness: readinessNow, backlog, readings, documented })
    opened.defer(() => pages.close())
    const settings = () => ({ ...config.limits, publicUrl: config.server.publicUrl, down: config.down })
    const listening = await startWeb({ ...first.server, settings, callers, log, clock })
    opened.defer(() => listening.close(drainLeftMs()))
    listening.mount('', pages)
    web = listening
  }
  switchTo(first, running)
  await rehome()
  listeners.begin([...running.values()])
  opened.defer(() => listeners.end([...plan.instances.values()], drainLeftMs()))
  for (const { account, destination } of recovery.unknown) {
    metrics.delivered(destination === 'channel' ? nameOf(account) : destination, { state: 'unknown', code: 'UNKNOWN' })
  }
  receive.restore(recovery.chats)
  for (const { id } of recovery.chats) nudge(id)
  await deliver.resume([...plan.channels.keys()], NEVER_MS)
  media.kick()
  for (const instance of running.values()) await tellStarted(instance, clock)
  void erasing.goOn()
  const stopping = new AbortController()
  opened.defer(() => stopping.abort())
  schedule('core', TRIM_EVERY, () => trim(), stopping.signal)

  function readinessNow(): Readiness {
    return readiness({
      nowMs: clock.now(),
      config,
      journalWritable: engine.healthy,
      stopping: stopped !== undefined,
      paused: deliver.paused,
      failing: listeners.failing,
    })
  }

  function documented() {
    return [...plan.instances.values()].flatMap(({ name, web }) => (web ? [{ name, ...documentedIn(web) }] : []))
  }

  function readings() {
    const { channels, journal } = readinessNow()
    return {
      channels: new Map(channels.map(({ name, state }) => [name, state === 'up' ? 1 : 0] as const)),
      journal: { ...journal, ...engine.counts },
      web: web?.counts ?? { refused: 0, keptOut: 0, overloaded: 0 },
      revision: config.revision.hash,
    }
  }

  async function trim(): Promise<void> {
    const nowMs = clock.now()
    const { messagesMs, tracesMs, deliveriesMs, commandsMs, dedupeMs, auditMs } = config.keep
    await engine.trim({
      dedupeBeforeMs: nowMs - dedupeMs,
      messagesBeforeMs: nowMs - messagesMs,
      tracesBeforeMs: nowMs - tracesMs,
      deliveriesBeforeMs: nowMs - deliveriesMs,
      commandsBeforeMs: nowMs - commandsMs,
      auditBeforeMs: nowMs - auditMs,
    })
    await media.removeUnused()
    await erasing.goOn()
  }

  /** What one of them ends may set another going, so they are asked until none had anything to do. */
  async function idle(): Promise<void> {
    let busy = true
    while (busy)
      busy = (await Promise.all([sweep.idle(), pipeline.idle(), deliver.idle(), commands.idle()])).includes(true)
  }

  let applying: Promise<void> = Promise.resolve()
  return {
    url: web?.url,
    engine,
    metrics,
    get config() {
      return config
    },
    get plan() {
      return plan
    },
    apply(next) {
      applying = applying.catch(() => undefined).then(() => (stopped ? undefined : metrics.reloaded(apply(next))))
      return applying
    },
    command: (command) => commands.run(command),
    instance: (name) => plan.instances.get(name),
    idle,
    stop() {
      stopped ??= (async () => {
        await applying.catch(() => undefined)
        receive.close()
        pipeline.stop()
        sweep.stop()
        stopByMs = clock.now() + config.limits.drainForMs
        await within(clock, config.limits.drainForMs, idle())
        deliver.stop()
        await opened.disposeAsync()
      })()
      return stopped
    },
  }
}

/** What a crash has left on its way to these accounts goes again, before anything new is sent. */
function sendAgain({ channels }: CheckedConfig, nowMs: number): readonly SendAgain[] {
  return channels
    .filter(({ onUnknown }) => onUnknown === 'resend')
    .map(({ account, capabilities }) => ({ account, nextAtMs: capabilities.later.length > 0 ? nowMs : NEVER_MS }))
}

/** Every instance after those that lend it something, otherwise in the order of the YAML. */
function inOrder(config: CheckedConfig): readonly CheckedInstance[] {
  const all = new Map<string, CheckedInstance>()
  for (const checked of [...config.features, ...config.desks, ...config.bots, ...config.channels])
    all.set(checked.name, checked)
  const ordered = new Set<CheckedInstance>()
  const visit = (checked: CheckedInstance): void => {
    for (const name of checked.dependsOn) {
      const provider = all.get(name)
      if (provider && !ordered.has(provider)) visit(provider)
    }
    ordered.add(checked)
  }
  for (const checked of all.values()) visit(checked)
  return [...ordered]
}

/** Also not when it could do without a lender that is gone, or that has come. */
function isKept({ plugin, checked: old }: Instance, checked: CheckedInstance): boolean {
  const isSame = plugin === checked.plugin && old.fingerprint === checked.fingerprint
  return isSame && isDeepStrictEqual(old.dependsOn, checked.dependsOn)
}

/** Those that were started last first: whoever borrows before whoever lends. */
async function stopAll(instances: readonly Instance[]): Promise<void> {
  for (const instance of instances.toReversed()) await instance.stop()
}

/** Waits, but not longer than this. */
async function within(clock: Clock, limitMs: number, work: Promise<unknown> | undefined): Promise<void> {
  if (!work) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = clock.after(limitMs, resolve)
  await Promise.race([work, promise])
  cancel()
}
