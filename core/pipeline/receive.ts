/**
 * Stop 2: an event is checked, given to the journal and acknowledged; or, on channels that answer inside the response,
 * the request is kept open for a while, for the answer to be written into it.
 */
import type { Compilable } from 'kysely'
import { SwitchboardError } from '../errors.ts'
import type {
  Accepted,
  DueDelivery,
  HeldDelivery,
  LoadedChat,
  NewMedia,
  Recovery,
  Statement,
} from '../journal/engine.ts'
import type { InboundEvent, MediaType, Part } from '../message.ts'
import type { Delivery, ReceiveOptions } from '../plugin.ts'
import type { PlannedChannel } from '../runtime/plan.ts'
import { asOnePart, canBeSaidInside, isWords } from './adapt.ts'
import { checkedEvent } from './checked.ts'
import type { Deliver } from './deliver.ts'
import { grantOf } from './ledger.ts'
import { asSaid, inWords, prepare } from './prepare.ts'
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
  /** Its caller has little room left for further requests. */
  readonly isCrowded: boolean
}

interface Waiting {
  readonly response: OpenResponse | undefined
  readonly resolve: (delivery: Delivery | undefined) => void
  readonly reject: (error: SwitchboardError) => void
  readonly untilMs: number
  /** There is no other way for the answer. */
  readonly isOnlyWay: boolean
}

/** What was written into a response, and is again into that of a repeated request. */
interface Answered {
  /** All of them are said as one message. */
  readonly deliveries: readonly [DueDelivery, ...DueDelivery[]]
  readonly forget: () => void
  /** Responses that are being written. */
  open: number
  /** The journal knows what became of it. */
  recorded: boolean
}

export interface Receive {
  /** Resolves once the event is durably accepted; see `ChannelContext.receive`. */
  receive(account: string, event: unknown, options?: ReceiveOptions): Promise<Delivery | undefined>
  /** An entry has ended: there is room for another. */
  ended(account: string, externalId: string): void
  /** Counts what waited already when the process started. */
  restore(chats: Recovery['chats']): void
  /** How long a request of this entry is open for an answer; `undefined`: none is. */
  openUntilMs(entry: string): number | undefined
  /**
   * Writes the answer into the newest open request of the entry, and lets the others go; all of them, if there is none.
   * An answer whose request has ended meanwhile goes another way, or waits for the next event.
   */
  answer(entry: string, delivery: DueDelivery | undefined): void
  /** As `answer`, with what has waited in the chat for such a request: as much as fits in front of the answer. */
  answerWithHeld(
    of: { readonly chat: string; readonly entry: string; readonly channel: PlannedChannel },
    delivery: DueDelivery | undefined,
  ): Promise<void>
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
        writeAlways: options.writeAlways && statementOf(options.writeAlways, channel.instance.name),
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
  function waitForAnswer(entry: string, withinMs: number, isOnlyWay: boolean): Promise<Delivery | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Delivery | undefined>()
    const request: Waiting = { response: use.response(), resolve, reject, untilMs: clock.now() + withinMs, isOnlyWay }
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

  const openUntilMs = (entry: string) => open.get(entry)?.at(-1)?.untilMs

  /** The newest request is the one that the platform still listens to. */
  function answer(entry: string, ...deliveries: readonly DueDelivery[]): void {
    const [first, ...more] = deliveries
    const request = first && open.get(entry)?.at(-1)
    if (request) remove(entry, request)
    letGo(entry)
    if (!request) {
      record(deliveries, false)
      return
    }
    const given = remember(entry, [first, ...more])
    request.resolve(asOneMessage(given))
    write(entry, given, request.response)
  }

  function remember(entry: string, deliveries: Answered['deliveries']): Answered {
    const forget = clock.after(REMEMBER_ANSWERS_MS, () => answered.delete(entry))
    const given: Answered = { deliveries, forget, open: 0, recorded: false }
    answered.set(entry, given)
    return given
  }

  /** What this process does not know of: the response was written, or nearly, before it began. */
  async function answeredBefore(channel: PlannedChannel, { chat, entry }: Accepted, untilMs: number) {
    const said = await engine.saidInside(entry, clock.now() - REMEMBER_ANSWERS_MS)
    if (said?.payload.kind !== 'part') return undefined
    const part = await asSaidAgain(said.payload.part, { chat, entry, channel, untilMs })
    return answered.get(entry) ?? (part && remember(entry, [asSaid(said, part)]))
  }

  function record(deliveries: readonly DueDelivery[], finished: boolean): void {
    for (const delivery of deliveries) use.deliver().recordInline(delivery, finished)
  }

  /** What was said before comes first; the message is that of the last. */
  function asOneMessage({ deliveries: [first, ...more] }: Answered): Delivery {
    const messages = [first, ...more].map((delivery) => use.deliver().asPlatformMessage(delivery))
    const last = use.deliver().asPlatformMessage(more.at(-1) ?? first)
    const part = asOnePart(
      messages.map((message) => message.part),
      {},
    )
    return { ...last, part: part ?? last.part }
  }

  /** The journal is told whether a response reached the other side; without one, the caller has it in its hands. */
  function write(entry: string, given: Answered, response: OpenResponse | undefined): void {
    const ended = (finished: boolean) => {
      given.open -= 1
      // While another request has the same answer on its way, this one's end says nothing yet.
      if (given.recorded || (!finished && given.open > 0)) return
      given.recorded = true
      if (!finished) forget(entry)
      record(given.deliveries, finished)
    }
    given.open += 1
    if (response) response.onFinish(ended)
    else ended(true)
  }

  /** Of an event that is done, whether the guards let it pass. */
  async function hasPassed(entry: string): Promise<boolean> {
    const first = engine.read.selectFrom('entry').select('outcome').where('id', '=', entry)
    return (await first.executeTakeFirst())?.outcome !== 'dropped'
  }

  const answerWithHeld: Receive['answerWithHeld'] = async (of, own) => {
    let held: readonly DueDelivery[] = []
    try {
      if (open.has(of.entry)) held = await claimHeld(of, own)
    } finally {
      answer(of.entry, ...held, ...(own ? [own] : []))
    }
  }

  /**
   * Of what waits, as much as is one message together with the event's own answer, from the first. Of an answer that
   * waits itself, the first part: those behind it stay for later, as they do behind `own`. In front of an answer all is
   * in words: where every event has one, there would never be a response for anything else.
   */
  async function claimHeld(
    { chat, entry, channel }: Parameters<Receive['answerWithHeld']>[0],
    own: DueDelivery | undefined,
  ): Promise<readonly DueDelivery[]> {
    const { capabilities } = channel
    const waiting = (await engine.held(chat)).filter(({ part }) => canBeSaidInside(capabilities, part))
    const isOwn = ({ answers }: HeldDelivery) => answers === entry
    const last = own ? undefined : waiting.find(isOwn)
    const behind = own?.payload.kind === 'part' ? [own.payload.part] : last ? [last.part] : []
    const language = waiting.length > 0 ? (await engine.load(chat))?.customer.language : undefined
    const words = (part: Part) => (isWords(part) ? part : inWords(part, { channel, plan: tools.plan(), language }))
    const fitting: HeldDelivery[] = []
    for (const one of waiting) {
      const part = behind.length > 0 ? words(one.part) : one.part
      if (isOwn(one) || !part) break
      const parts = [...fitting.map((other) => other.part), part, ...behind]
      if (!asOnePart(parts, capabilities.sends.text)) break
      fitting.push({ ...one, part })
    }
    const chosen = [...fitting, ...(last ? [last] : [])]
    const [first] = chosen
    if (!first) return []
    // What is no words is alone.
    const said = await asSaidAgain(first.part, { chat, entry, channel, untilMs: openUntilMs(entry) ?? 0 })
    if (!said) return []
    const claimed = await engine.claimHeld(
      chosen.map(({ id }) => id),
      clock.now(),
    )
    const parts = new Map(chosen.map(({ id, part }) => [id, part])).set(first.id, said)
    return claimed.map((delivery) => {
      const part = parts.get(delivery.id)
      return part ? asSaid(delivery, part) : delivery
    })
  }

  /** `undefined`: not this time. What the platform refuses is said in words: it would wait for ever. */
  async function asSaidAgain(
    part: Part,
    of: Parameters<Receive['answerWithHeld']>[0] & { readonly untilMs: number },
  ): Promise<Part | undefined> {
    const { chat, channel } = of
    const prepared = await prepare(tools, channel, part, of)
    if (prepared.part || prepared.did === 'late') return prepared.part
    const language = (await engine.load(chat))?.customer.language
    return inWords(part, { channel, plan: tools.plan(), language })
  }

  /** To a repeat of what is done: what the first response did not hold, if the guards have let it pass. */
  async function answerAgain(channel: PlannedChannel, { chat, entry }: Accepted): Promise<void> {
    const mayWait = channel.capabilities.later.length === 0 && (await hasPassed(entry))
    if (mayWait) await answerWithHeld({ chat, entry, channel }, undefined)
    else letGo(entry)
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
      const receivedMs = clock.now()
      const accepted = await accept(channel, event, options)
      const { inline } = channel.capabilities
      if (!inline || !channel.answersInline || options.answerable === false) {
        if (!accepted.repeated) use.nudge(accepted.chat, accepted.loaded)
        return undefined
      }
      // The platform has waited since then, not only since the event is on disk.
      const untilMs = receivedMs + inline.withinMs
      const remembered = accepted.repeated ? answered.get(accepted.entry) : undefined
      const again = remembered ?? (accepted.done ? await answeredBefore(channel, accepted, untilMs) : undefined)
      if (again) {
        write(accepted.entry, again, use.response())
        return asOneMessage(again)
      }
      const isOnlyWay = channel.capabilities.later.length === 0
      if (!isOnlyWay && use.response()?.isCrowded) {
        // What is kept open now would turn away what comes next. The answer has another way.
        if (!accepted.done) use.nudge(accepted.chat, accepted.loaded)
        return undefined
      }
      const waits = waitForAnswer(accepted.entry, untilMs - clock.now(), isOnlyWay)
      if (!accepted.done) use.nudge(accepted.chat, accepted.loaded)
      else await answerAgain(channel, accepted)
      return waits
    },
    ended,
    restore(chats) {
      for (const chat of chats) count(chat.account, chat.externalId, chat.waiting)
    },
    openUntilMs,
    answer: (entry, delivery) => answer(entry, ...(delivery ? [delivery] : [])),
    answerWithHeld,
    close() {
      closed = true
      for (const { isOnlyWay, resolve, reject } of [...open.values()].flat()) {
        // Once it is acknowledged, the platform does not come again for the answer.
        if (isOnlyWay) reject(new SwitchboardError('STOPPING'))
        else resolve(undefined)
      }
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
