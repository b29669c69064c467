/**
 * Stop 8: sends what the journal says is to be sent, one at a time for each chat and destination, and records what
 * became of it. Channels know nothing of retries; everything about trying again is here.
 */
import { DeliveryError, messageOf, SwitchboardError } from '../errors.ts'
import { type DeliveryResult, type DueDelivery, NEVER_MS, type NewEntry } from '../journal/engine.ts'
import type { Delivery, DeskItem } from '../plugin.ts'
import type { Plan, PlannedChannel } from '../runtime/plan.ts'
import { during } from '../runtime/watchdog.ts'
import { signalUnder } from '../services/limit.ts'
import { canBeSaidInside } from './adapt.ts'
import { limited } from './chain.ts'
import { HOLD_MS } from './compose.ts'
import { customerOf } from './draft.ts'
import { readHistory } from './history.ts'
import { isLimited, left, reserve } from './ledger.ts'
import { CORE } from './settle.ts'
import type { Sweep } from './sweep.ts'
import type { Tools } from './tools.ts'

/** How long one send may take before nobody knows what became of it. */
const SEND_LIMIT_MS = 30_000
/** Waits between the tries of one delivery; after the last it is dead. A desk is tried for ever. */
const RETRY_MS = [1_000, 5_000, 30_000, 120_000, 600_000]
/** How long a channel is paused when it does not say itself. */
const PAUSE_MS = 60_000
/** How much of a chat a desk is shown when it is handed over. */
const HANDED_OVER_MESSAGES = 200

/** The platform takes nothing but what is said inside a response. */
const ONLY_ANSWERS = 'CHANNEL_ONLY_ANSWERS'

/** How a delivery ends that was not sent in its time. */
const EXPIRED = { state: 'dead', code: 'EXPIRED' } as const

/** A channel or desk that is not sent to for a while. */
export interface Paused {
  /** The channel's account, or `desk:<name>`. */
  readonly what: string
  /** Since when nothing has been sent to it, though it was tried. */
  readonly sinceMs: number
  readonly untilMs: number
  readonly code: string
  readonly message: string
}

export interface Deliver {
  /** Sends what the journal has marked as `sending`, and then whatever is due behind it. */
  start(deliveries: readonly DueDelivery[]): void
  /** Takes what is due from the journal. Says when the next is. */
  takeDue(): Promise<number | undefined>
  /** An answer that went out inside a response: whether it was finished. */
  recordInline(delivery: DueDelivery, finished: boolean): void
  /**
   * What is to be sent to these accounts at `fromMs` or later is due now, and no pause goes on: their channels are others
   * than they were. Where a channel only answers, it goes on waiting for an event.
   */
  resume(accounts: readonly string[], fromMs: number): Promise<void>
  /** The platform message of a delivery. */
  asPlatformMessage(delivery: DueDelivery): Delivery
  /** Those that could not be sent to, until something is sent again: also when their pause is over by now. */
  readonly paused: ReadonlyMap<string, Paused>
  /** Resolves when nothing is being sent: true if something was. */
  idle(): Promise<boolean>
  stop(): void
}

export function makeDeliver(tools: Tools, use: { readonly sweep: () => Sweep; nudge(chat: string): void }): Deliver {
  const { engine, clock, log } = tools
  const underWay = new Set<Promise<void>>()
  const paused = new Map<string, Paused>()
  const stopping = new AbortController()

  function track(work: Promise<void>): void {
    underWay.add(work)
    work.finally(() => underWay.delete(work))
  }

  function pause(what: string, why: Omit<Paused, 'what' | 'sinceMs'>): void {
    paused.set(what, { what, sinceMs: paused.get(what)?.sinceMs ?? clock.now(), ...why })
  }

  async function sendAll(first: DueDelivery): Promise<void> {
    let delivery: DueDelivery | undefined = first
    while (delivery) delivery = await attempt(delivery)
  }

  async function attempt(delivery: DueDelivery): Promise<DueDelivery | undefined> {
    const startedMs = clock.now()
    const { plan, release } = tools.hold()
    try {
      const result =
        delivery.payload.kind === 'part' ? await sendToChannel(plan, delivery) : await tellDesk(plan, delivery)
      return await record({ ...result, id: delivery.id, nowMs: clock.now(), ms: clock.now() - startedMs }, delivery)
    } finally {
      release()
    }
  }

  /** What became of it must not be forgotten: it is tried until the journal takes it. */
  async function record(result: DeliveryResult, delivery: DueDelivery): Promise<DueDelivery | undefined> {
    const life = result.state === 'dead' ? failedEvent(delivery, result) : undefined
    for (;;) {
      try {
        const takeNext = !stopping.signal.aborted
        const { next, pending, expired, ended } = await engine.recordDelivery({
          ...result,
          nowMs: clock.now(),
          life,
          takeNext,
        })
        tools.metrics.delivered(channelOf(delivery), result)
        tools.changed(delivery.chat)
        for (let i = 0; i < ended; i++) tools.metrics.delivered(channelOf(delivery), result)
        for (let i = 0; i < expired; i++) tools.metrics.delivered(channelOf(delivery), EXPIRED)
        // What stands behind one that waits is looked at again when that one no longer holds it back.
        if (result.nextAtMs !== undefined) use.sweep().by(Math.min(result.nextAtMs, clock.now() + HOLD_MS))
        if (pending > 0) use.nudge(delivery.chat)
        return next
      } catch (error) {
        const isFull = error instanceof SwitchboardError && error.code === 'JOURNAL_FULL'
        const because = `The result of a delivery could not be written: ${messageOf(error)}`
        log.error({ delivery: delivery.id, error }, because)
        if (stopping.signal.aborted || !isFull) return undefined
        await tools.wait(1_000)
      }
    }
  }

  /** As metrics name where it goes. */
  function channelOf({ account, destination }: { account: string; destination: string }): string {
    return destination === 'channel' ? (tools.plan().channels.get(account)?.name ?? 'gone') : destination
  }

  function failedEvent(delivery: DueDelivery, { code }: DeliveryResult): NewEntry | undefined {
    const channel = tools.plan().channels.get(delivery.account)
    if (!channel?.chain.listeners['delivery.failed'].length || !delivery.conversation) return undefined
    if (delivery.payload.kind !== 'part') return undefined
    const id = tools.makeId()
    const atMs = clock.now()
    const body = { id, type: 'delivery.failed', atMs, code: code ?? '', content: [delivery.payload.part] } as const
    return { id, kind: 'life', type: body.type, body, by: CORE, conversation: delivery.conversation, atMs }
  }

  async function sendToChannel(plan: Plan, delivery: DueDelivery): Promise<Result> {
    const channel = plan.channels.get(delivery.account)
    const send = channel?.instance.channel?.send
    const down = plan.down.get(delivery.account)
    if (down) {
      const error = `${down.name} is down. ${down.because}`
      return { state: 'pending', counts: false, nextAtMs: clock.now() + PAUSE_MS, code: 'CHANNEL_DOWN', error }
    }
    if (!channel || !send) {
      return {
        state: 'dead',
        counts: true,
        code: 'CHANNEL_GONE',
        error: `No channel has the account ${delivery.account}.`,
      }
    }
    if (channel.capabilities.later.length === 0) {
      return waitingForEvent(channel, delivery, undefined)
    }
    const pause = paused.get(delivery.account)
    if (pause && pause.untilMs > clock.now()) {
      return { state: 'pending', counts: false, nextAtMs: pause.untilMs, code: pause.code, error: pause.message }
    }
    const closed = await unlessCounted(channel, delivery)
    if (closed) return closed
    const { signal, abort, release } = signalUnder(channel.instance.signal)
    try {
      const sent = await limited(
        clock,
        SEND_LIMIT_MS,
        during(channel.instance, delivery.id, () => send(asPlatformMessage(delivery), { signal })),
      )
      paused.delete(delivery.account)
      return { state: 'sent', counts: true, platformId: platformIdOf(sent) }
    } catch (error) {
      abort()
      return failedSend(channel, delivery, error)
    } finally {
      release()
    }
  }

  /**
   * An answer that was meant for a response is counted by no allowance, and takes one now. Gives how it ends when the
   * platform takes nothing more.
   */
  async function unlessCounted(channel: PlannedChannel, delivery: DueDelivery): Promise<Result | undefined> {
    const { capabilities } = channel
    if (delivery.allowance !== undefined || !isLimited(capabilities)) return undefined
    try {
      for (;;) {
        const allowances = (await engine.load(delivery.chat))?.allowances ?? []
        const nowMs = clock.now()
        const sending = { allowances, capabilities, nowMs, by: delivery.by, reserve: channel.reserve }
        const [place] = reserve(sending, 1)
        if (!place) {
          const { closed } = left(sending)
          // What came while the channel only answered has granted nothing that is known: the platform decides.
          if (closed?.why === 'no-event') return undefined
          return { state: 'dead', counts: true, code: 'CHANNEL_WINDOW_CLOSED', error: closed?.message }
        }
        // Another may have taken the last one meanwhile: then there is one less to choose from.
        if (place.on === undefined || (await engine.reserve(delivery.id, place.on, nowMs))) return undefined
      }
    } catch (error) {
      const because = `What the platform still takes could not be written: ${messageOf(error)}`
      log.error({ delivery: delivery.id, error }, because)
      const code = error instanceof SwitchboardError ? error.code : 'CHANNEL_FAILED'
      return { state: 'pending', counts: false, nextAtMs: clock.now() + 1_000, code, error: because }
    }
  }

  function failedSend(channel: PlannedChannel, delivery: DueDelivery, error: unknown): Result {
    const code = error instanceof DeliveryError ? error.code : 'CHANNEL_FAILED'
    const message = tools.redact(messageOf(error))
    const { instance } = channel
    instance.log.warn(
      { delivery: delivery.id, code, error },
      `${instance.name} (${instance.plugin.name}), send: ${message}`,
    )
    if (!(error instanceof DeliveryError)) return unsure(channel, delivery, error, message)
    if (code === ONLY_ANSWERS && channel.capabilities.inline) {
      tools.onlyAnswers(delivery.account)
      return waitingForEvent(channel, delivery, message)
    }
    if (error.scope === 'channel') {
      const untilMs = clock.now() + (error.retryAfterMs ?? PAUSE_MS)
      pause(delivery.account, { untilMs, code, message })
      return { state: 'pending', counts: false, nextAtMs: untilMs, code, error: message }
    }
    const windowClosed = code === 'CHANNEL_WINDOW_CLOSED'
    if (!error.retry)
      return { state: 'dead', counts: true, code, error: message, windowClosed, endsWaiting: windowClosed }
    return again(delivery, code, message, error.retryAfterMs)
  }

  /** What can be said inside the response to the next event waits for it. */
  function waitingForEvent(channel: PlannedChannel, { payload }: DueDelivery, error: string | undefined): Result {
    const canBeSaid = payload.kind === 'part' && canBeSaidInside(channel.capabilities, payload.part)
    if (!canBeSaid) return { state: 'dead', counts: true, code: ONLY_ANSWERS, error }
    return { state: 'pending', counts: false, nextAtMs: NEVER_MS, code: ONLY_ANSWERS, error }
  }

  /** Nobody knows whether the platform has it, unless the connection was never made or sending twice is harmless. */
  function unsure(channel: PlannedChannel, delivery: DueDelivery, error: unknown, message: string): Result {
    const safe = channel.onUnknown === 'resend' || neverConnected(error)
    return safe
      ? again(delivery, 'CHANNEL_FAILED', message, undefined)
      : { state: 'unknown', counts: true, code: 'CHANNEL_FAILED', error: message }
  }

  function again(delivery: DueDelivery, code: string, error: string, retryAfterMs: number | undefined): Result {
    const wait = RETRY_MS[delivery.attempts]
    if (wait === undefined) return { state: 'dead', counts: true, code, error }
    return { state: 'pending', counts: true, nextAtMs: clock.now() + (retryAfterMs ?? wait), code, error }
  }

  async function tellDesk(plan: Plan, delivery: DueDelivery): Promise<Result> {
    const name = delivery.destination.slice('desk:'.length)
    const desk = plan.instances.get(name)
    const deliver = desk?.desk?.deliver
    if (!desk || !deliver) return { state: 'dead', counts: true, code: 'DESK_GONE', error: `There is no desk ${name}.` }
    const { signal, abort, release } = signalUnder(desk.signal)
    try {
      const item = await deskItem(plan, delivery)
      if (!item) return { state: 'dead', counts: true, code: 'CHAT_GONE', error: 'The chat has been erased.' }
      await limited(
        clock,
        SEND_LIMIT_MS,
        during(desk, delivery.id, () => deliver(item, { id: delivery.id, signal })),
      )
      paused.delete(delivery.destination)
      return { state: 'sent', counts: true }
    } catch (error) {
      abort()
      const code = error instanceof DeliveryError ? error.code : 'DESK_FAILED'
      const message = tools.redact(messageOf(error))
      desk.log.warn({ delivery: delivery.id, code, error }, `${desk.name} (${desk.plugin.name}), deliver: ${message}`)
      const wait = (error instanceof DeliveryError ? error.retryAfterMs : undefined) ?? deskRetryMs(delivery.attempts)
      const untilMs = clock.now() + wait
      pause(delivery.destination, { untilMs, code, message })
      return { state: 'pending', counts: true, nextAtMs: untilMs, code, error: message }
    } finally {
      release()
    }
  }

  async function deskItem(plan: Plan, delivery: DueDelivery): Promise<DeskItem | undefined> {
    if (delivery.payload.kind !== 'desk') return undefined
    const chat = await engine.load(delivery.chat)
    if (!chat) return undefined
    const { item } = delivery.payload
    const base = {
      conversation: item.conversation,
      customer: customerOf(plan, chat.customer),
      channel: plan.channels.get(chat.account)?.name ?? chat.account,
    }
    switch (item.type) {
      case 'handed-over': {
        const history = await readHistory(engine, chat.id, { beforeSeq: item.upToSeq + 1, max: HANDED_OVER_MESSAGES })
        return { ...base, type: item.type, because: item.because, history }
      }
      case 'suggestion':
        return { ...base, type: item.type, content: item.parts }
      case 'message':
        return { ...base, type: item.type, parts: item.parts }
      case 'edit':
        return { ...base, type: item.type, of: item.of, parts: item.parts }
      case 'recall':
        return { ...base, type: item.type, of: item.of }
      case 'facts':
        return { ...base, type: item.type, facts: item.facts }
      default:
        return { ...base, type: item.type, because: item.because }
    }
  }

  function asPlatformMessage(delivery: DueDelivery): Delivery {
    if (delivery.payload.kind !== 'part') throw new Error('An item for a desk is no platform message.')
    const { part, isByModel, identity, inReplyTo } = delivery.payload
    const by = delivery.by.kind === 'agent' ? 'person' : isByModel ? 'model' : 'program'
    return { id: delivery.id, chat: delivery.externalId, part, by, identity, inReplyTo }
  }

  async function recordInline(delivery: DueDelivery, finished: boolean): Promise<void> {
    const later = tools.plan().channels.get(delivery.account)?.capabilities.later.length ?? 0
    const nextAtMs = later > 0 ? clock.now() + 1_000 : NEVER_MS
    const result: Result = finished
      ? { state: 'sent', counts: true }
      : { state: 'pending', counts: true, nextAtMs, code: 'CHANNEL_HUNG_UP' }
    const next = await record({ ...result, id: delivery.id, nowMs: clock.now(), ms: 0 }, delivery)
    if (next) track(sendAll(next))
  }

  return {
    start(deliveries) {
      for (const delivery of deliveries) track(sendAll(delivery))
    },
    async takeDue() {
      const nowMs = clock.now()
      const held = [...paused.values()].filter(({ untilMs }) => untilMs > nowMs).map(({ what }) => what)
      const down = tools.plan().down.keys()
      const due = await engine.claimDue(nowMs, { limit: 200, paused: [...held, ...down] })
      for (const one of due.expired) tools.metrics.delivered(channelOf(one), EXPIRED)
      for (const chat of due.chats) use.nudge(chat)
      for (const delivery of due.deliveries) track(sendAll(delivery))
      return due.nextAtMs
    },
    recordInline(delivery, finished) {
      track(recordInline(delivery, finished))
    },
    async resume(accounts, fromMs) {
      for (const account of accounts) paused.delete(account)
      const { channels } = tools.plan()
      const sending = accounts.filter((account) => (channels.get(account)?.capabilities.later.length ?? 0) > 0)
      if (sending.length > 0) await engine.dueAgain(sending, { nowMs: clock.now(), fromMs })
      use.sweep().by(clock.now())
    },
    asPlatformMessage,
    paused,
    async idle() {
      const busy = underWay.size > 0
      while (underWay.size > 0) await Promise.all(underWay)
      return busy
    },
    stop() {
      stopping.abort()
    },
  }
}

type Result = Omit<DeliveryResult, 'id' | 'nowMs' | 'ms'>

function deskRetryMs(attempts: number): number {
  return Math.min(60_000, 1_000 * 2 ** Math.min(attempts, 6))
}

function platformIdOf(sent: unknown): string | undefined {
  if (typeof sent !== 'object' || sent === null || !('platformId' in sent)) return undefined
  return typeof sent.platformId === 'string' ? sent.platformId : undefined
}

/** Codes of errors that say the platform cannot have seen the request. */
const NEVER_CONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'HTTP_PRIVATE_ADDRESS',
])

function neverConnected(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && NEVER_CONNECTED.has(at.code)) return true
  }
  return false
}
