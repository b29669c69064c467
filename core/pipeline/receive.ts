/**
 * Stop 2: an event is checked, given to the journal and acknowledged; or, on channels that answer inside the response,
 * the request is kept open for a while, for the answer to be written into it.
 */
import type { Compilable } from 'kysely'
import { SwitchboardError } from '../errors.ts'
import type { Accepted, DueDelivery, LoadedChat, NewMedia, Recovery, Statement } from '../journal/engine.ts'
import type { InboundEvent, MediaType, Part } from '../message.ts'
import type { Delivery, ReceiveOptions } from '../plugin.ts'
import type { PlannedChannel } from '../runtime/plan.ts'
import { checkedEvent } from './checked.ts'
import type { Deliver } from './deliver.ts'
import { grantOf } from './ledger.ts'
import type { Tools } from './tools.ts'

/** Past these nothing is accepted: the platform is told to come again. */
export const MAX_WAITING_PER_CHAT = 200
const MAX_WAITING = 20_000
/** What strangers write on one channel must leave room for the others. */
const MAX_WAITING_PER_ACCOUNT = MAX_WAITING / 2
/** An answer that was written into a response is given again to a repeated request for this long. */
const REMEMBER_ANSWERS_MS = 60_000

/** How a response goes on: `core/services/web.ts` knows it for the request that is being handled. */
export interface OpenResponse {
  /** Called once: true when the response was written to its end, false when the other side hung up before. */
  onFinish(ended: (finished: boolean) => void): void
}

interface Waiting {
  readonly response: OpenResponse | undefined
  readonly resolve: (delivery: DueDelivery | undefined) => void
}

/** An answer that was written into a response, and is again into that of a repeated request. */
interface Answered {
  readonly delivery: DueDelivery
  readonly forget: () => void
  /** Responses that are being written. */
  open: number
  /** The journal knows what became of it. */
  recorded: boolean
}

export interface Receive {
  /** Resolves once the event is durably accepted; see `ChannelContext.receive`. */
  receive(account: string, event: unknown, options?: ReceiveOptions): Promise<Delivery | undefined>
  /**
   * The guards have let this entry's event pass: what waits for one, because it can only be said inside a response, is
   * said in its response, or in that of a repeat of it.
   */
  passed(chat: string, entry: string): Promise<void>
  /** An entry has ended: there is room for another. */
  ended(account: string, externalId: string): void
  /** Counts what waited already when the process started. */
  restore(chats: Recovery['chats']): void
  /** Whether a request of this entry is still open for an answer. */
  canAnswer(entry: string): boolean
  /** Writes the answer into the newest open request of the entry, and lets the others go. False when none is open. */
  answer(entry: string, delivery: DueDelivery): boolean
  /** Lets the requests of an entry go without an answer: it goes later, or there is none. */
  letGo(entry: string): void
  /** From now on nothing is accepted. */
  close(): void
}

export function makeReceive(
  tools: Tools,
  use: {
    readonly deliver: () => Deliver
    nudge(chat: string, loaded: LoadedChat | undefined): void
    fetchMedia(): void
    response(): OpenResponse | undefined
  },
): Receive {
  const { engine, clock } = tools
  const open = new Map<string, Waiting[]>()
  const answered = new Map<string, Answered>()
  /** Entries under way that the guards have let pass. */
  const past = new Set<string>()
  /** By chat, and by account. */
  const waiting = new Map<string, number>()
  let total = 0
  let closed = false

  async function accept(channel: PlannedChannel, event: InboundEvent, options: ReceiveOptions): Promise<Accepted> {
    const { account } = channel
    const isFull =
      (waiting.get(keyOf(account, event.chat)) ?? 0) >= MAX_WAITING_PER_CHAT ||
      (waiting.get(account) ?? 0) >= MAX_WAITING_PER_ACCOUNT ||
      total >= MAX_WAITING
    if (isFull) throw new SwitchboardError('BACKLOG_FULL')
    count(account, event.chat, 1)
    let accepted: Accepted | undefined
    try {
      const nowMs = clock.now()
      const media: NewMedia[] = []
      accepted = await engine.accept({
        account: channel.account,
        event: withOwnMedia(event, media, tools.makeId),
        ids: { entry: tools.makeId(), chat: tools.makeId(), customer: tools.makeId() },
        nowMs,
        grant: grantOf(event, channel.capabilities, nowMs),
        media,
        repeatsLate: channel.capabilities.repeatsLate,
        write: options.write && statementOf(options.write, channel.instance.name),
      })
      tools.metrics.accepted(channel.name, accepted.repeated)
      if (media.length > 0 && !accepted.repeated) use.fetchMedia()
      if (!accepted.repeated) tools.changed(accepted.chat)
      return accepted
    } finally {
      if (!accepted || accepted.repeated) ended(channel.account, event.chat)
    }
  }

  function ended(account: string, externalId: string): void {
    if (waiting.has(keyOf(account, externalId))) count(account, externalId, -1)
  }

  function count(account: string, externalId: string, more: number): void {
    total += more
    for (const key of [account, keyOf(account, externalId)]) {
      const now = (waiting.get(key) ?? 0) + more
      if (now > 0) waiting.set(key, now)
      else waiting.delete(key)
    }
  }

  /** Waits for the answer of an entry, but not longer than the channel can keep its response open. */
  function waitForAnswer(entry: string, withinMs: number): Promise<DueDelivery | undefined> {
    const { promise, resolve } = Promise.withResolvers<DueDelivery | undefined>()
    const request: Waiting = { response: use.response(), resolve }
    const requests = open.get(entry)
    if (requests) requests.push(request)
    else open.set(entry, [request])
    const cancel = clock.after(withinMs, () => {
      remove(entry, request)
      resolve(undefined)
    })
    // Whoever hung up waits for nothing any more.
    request.response?.onFinish(() => {
      remove(entry, request)
      resolve(undefined)
    })
    return promise.finally(cancel)
  }

  function remove(entry: string, request: Waiting): void {
    const rest = open.get(entry)?.filter((other) => other !== request) ?? []
    if (rest.length === 0) open.delete(entry)
    else open.set(entry, rest)
  }

  /** The newest request is the one that the platform still listens to. */
  function answer(entry: string, delivery: DueDelivery): boolean {
    const request = open.get(entry)?.at(-1)
    if (!request) return false
    remove(entry, request)
    letGo(entry)
    const forget = clock.after(REMEMBER_ANSWERS_MS, () => answered.delete(entry))
    const given: Answered = { delivery, forget, open: 0, recorded: false }
    answered.set(entry, given)
    request.resolve(delivery)
    write(entry, given, request.response)
    return true
  }

  /** The journal is told whether a response reached the other side; without one, the caller has it in its hands. */
  function write(entry: string, given: Answered, response: OpenResponse | undefined): void {
    const ended = (finished: boolean) => {
      given.open -= 1
      // While another request has the same answer on its way, this one's end says nothing yet.
      if (given.recorded || (!finished && given.open > 0)) return
      given.recorded = true
      if (!finished) forget(entry)
      void use.deliver().recordInline(given.delivery, finished)
    }
    given.open += 1
    if (response) response.onFinish(ended)
    else ended(true)
  }

  async function passed(chat: string, entry: string): Promise<void> {
    past.add(entry)
    if (open.has(entry)) await answerHeld(chat, entry)
  }

  /** Of a repeat, whether the guards let the event pass the first time. */
  async function hasPassed({ entry, done }: Accepted): Promise<boolean> {
    if (!done) return past.has(entry)
    const first = engine.readChat.selectFrom('entry').select('outcome').where('id', '=', entry)
    return (await first.executeTakeFirst())?.outcome !== 'dropped'
  }

  async function answerHeld(chat: string, entry: string): Promise<void> {
    const held = await engine.claimHeld(chat, clock.now())
    if (held && !answer(entry, held)) void use.deliver().recordInline(held, false)
  }

  /** What did not reach the other side goes another way: a repeated request must not get it too. */
  function forget(entry: string): void {
    answered.get(entry)?.forget()
    answered.delete(entry)
  }

  function letGo(entry: string): void {
    const requests = open.get(entry)
    open.delete(entry)
    for (const request of requests ?? []) request.resolve(undefined)
  }

  return {
    async receive(account, given, options = {}) {
      const channel = tools.plan().channels.get(account)
      if (closed || !channel) throw new SwitchboardError('STOPPING')
      const event = checkedEvent(given)
      const accepted = await accept(channel, event, options)
      const { inline } = channel.capabilities
      if (!inline || !channel.answersInline) {
        if (!accepted.repeated) use.nudge(accepted.chat, accepted.loaded)
        return undefined
      }
      const again = accepted.repeated ? answered.get(accepted.entry) : undefined
      if (again) {
        write(accepted.entry, again, use.response())
        return use.deliver().asPlatformMessage(again.delivery)
      }
      const waits = waitForAnswer(accepted.entry, inline.withinMs)
      try {
        const mayHold = accepted.repeated && channel.capabilities.later.length === 0
        if (mayHold && (await hasPassed(accepted))) await answerHeld(accepted.chat, accepted.entry)
      } finally {
        use.nudge(accepted.chat, accepted.loaded)
      }
      if (accepted.done) letGo(accepted.entry)
      const delivery = await waits
      return delivery && use.deliver().asPlatformMessage(delivery)
    },
    passed,
    ended,
    restore(chats) {
      for (const chat of chats) count(chat.account, chat.externalId, chat.waiting)
    },
    canAnswer: (entry) => open.has(entry),
    answer,
    letGo(entry) {
      past.delete(entry)
      letGo(entry)
    },
    close() {
      closed = true
      for (const requests of open.values()) for (const request of requests) request.resolve(undefined)
      open.clear()
      for (const entry of [...answered.keys()]) forget(entry)
    },
  }
}

/** What a channel writes into its own tables together with the event. */
function statementOf(write: Compilable, instance: string): Statement {
  const { sql, parameters } = write.compile()
  return { sql, parameters, instance }
}

/** How the backlog of a chat is counted. */
function keyOf(account: string, externalId: string): string {
  return `${account}\n${externalId}`
}

const MEDIA_TYPES: ReadonlySet<string> = new Set<MediaType>(['image', 'audio', 'video', 'file'])

function isMedia(part: Part): part is Extract<Part, { readonly type: MediaType }> {
  return MEDIA_TYPES.has(part.type)
}

/** The platform's links expire: every file of an event gets an address of ours, and is fetched from theirs. */
function withOwnMedia(event: InboundEvent, media: NewMedia[], makeId: () => string): InboundEvent {
  if (event.type !== 'message' && event.type !== 'edit' && event.type !== 'agent-message') return event
  if (!event.parts.some(isMedia)) return event
  const parts = event.parts.map((part) => {
    if (!isMedia(part) || part.url.startsWith('media:')) return part
    const id = makeId()
    media.push({ id, source: part.url, type: part.type })
    return { ...part, url: `media:${id}` }
  })
  return { ...event, parts }
}
