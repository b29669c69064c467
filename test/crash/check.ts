/**
 * What must hold, found by comparing three records that know nothing of each other: the journal, what the platform and
 * the people were sent, and what those who sent something were told. Each gives sentences; none is a good sign.
 */
import { z } from 'zod'
import type { ChatLine, CountLine, DeliveryLine, EntryLine, Journal } from './journal.ts'
import { CHANNELS, type Channel, type GivenCommand, type Known } from './known.ts'

/** So many sentences say enough. */
const SHOWN = 20

/** What must hold at any moment, also in the journal that a killed process leaves behind. */
export function atAnyMoment(journal: Journal, known: Known): readonly string[] {
  if (journal.isEmpty) return [...known.events.values()].some(({ acked }) => acked) ? ['the journal is empty'] : []
  return few([...known.problems, ...known.platform.problems, ...always(read(journal), known)])
}

/** What must hold when everything that was begun has ended. */
export function atTheEnd(journal: Journal, known: Known): readonly string[] {
  const all = read(journal)
  return few([
    ...known.problems,
    ...known.platform.problems,
    ...journal.damage(),
    ...always(all, known),
    ...ended(all, known),
    ...sentAsRecorded(all, known),
    ...toldAsRecorded(all, known),
    ...commandsDone(all, known),
  ])
}

function few(problems: readonly string[]): readonly string[] {
  const rest = problems.length - SHOWN
  return rest > 0 ? [...problems.slice(0, SHOWN), `… and ${rest} more`] : problems
}

/** All of a journal, by chat. */
interface All {
  readonly chats: readonly ChatLine[]
  readonly entries: ReadonlyMap<string, readonly EntryLine[]>
  readonly deliveries: readonly DeliveryLine[]
  readonly seen: ReadonlyMap<string, readonly CountLine[]>
  readonly woken: ReadonlyMap<string, readonly CountLine[]>
  readonly wakes: readonly { readonly chat: string; readonly key: string }[]
  readonly commands: ReadonlyMap<string, string>
  readonly changes: readonly { readonly cause: string; readonly type: string }[]
}

function read(journal: Journal): All {
  return {
    chats: journal.chats(),
    entries: byChat(journal.entries()),
    deliveries: journal.deliveries(),
    seen: byChat(journal.seen()),
    woken: byChat(journal.woken()),
    wakes: journal.wakes(),
    commands: new Map(journal.commands().map(({ id, result }) => [id, result])),
    changes: journal.changes(),
  }
}

function byChat<T extends { readonly chat: string }>(rows: readonly T[]): ReadonlyMap<string, readonly T[]> {
  return Map.groupBy(rows, ({ chat }) => chat)
}

/** Of a turn or wake that the bot has ended. */
const ANSWERED: ReadonlySet<string | null> = new Set(['answered', 'handed-off'])

const State = z.object({ messages: z.number(), wakes: z.number(), said: z.number() })

function* always(all: All, known: Known): Iterable<string> {
  yield* acceptedOnce(all, known)
  for (const chat of all.chats) {
    const entries = all.entries.get(chat.id) ?? []
    yield* inOrder(chat, entries)
    yield* counted(chat, entries, all)
  }
  yield* nothingUnrecorded(all, known)
  for (const { id, result } of known.commands.values()) {
    if (result !== undefined && !isSame(all.commands.get(id), result))
      yield `the command ${id} was answered ${result}, and the journal says ${all.commands.get(id)}`
  }
}

/** What was acknowledged is there; nothing is there twice, or in another chat. */
function* acceptedOnce(all: All, known: Known): Iterable<string> {
  const found = new Map<string, number>()
  for (const { id, customer } of all.chats) {
    for (const { kind, type, event } of all.entries.get(id) ?? []) {
      if (kind !== 'in' || type !== 'message' || event === null) continue
      found.set(event, (found.get(event) ?? 0) + 1)
      if (known.events.get(event)?.customer !== customer) yield `${event} is in the chat of ${customer}`
    }
  }
  for (const [event, times] of found) if (times > 1) yield `${event} is in the journal ${times} times`
  for (const { id, acked } of known.events.values())
    if (acked && !found.has(id)) yield `${id} was acknowledged and is lost`
}

/** Numbers without gaps, and no entry done before one that was accepted earlier. */
function* inOrder(chat: ChatLine, entries: readonly EntryLine[]): Iterable<string> {
  const name = `${chat.account} ${chat.customer}`
  if (entries.some(({ seq }, i) => seq !== i + 1) || chat.seq !== entries.length)
    yield `the entries of ${name} are not numbered from 1 to ${chat.seq}`
  const toHandle = entries.filter(({ kind }) => kind === 'in' || kind === 'life')
  const waiting = toHandle.filter(({ done }) => done === null)
  if (waiting.length !== chat.pending) yield `${name} counts ${chat.pending} waiting entries of ${waiting.length}`
  let lastDone = 0
  let isWaiting = false
  for (const { seq, done, outcome } of toHandle) {
    if ((done === null) !== (outcome === null))
      yield `entry ${seq} of ${name} has an outcome and is not done, or the reverse`
    if (done !== null && (isWaiting || done < lastDone)) yield `entry ${seq} of ${name} was done before an earlier one`
    isWaiting ||= done === null
    lastDone = done ?? lastDone
  }
}

/** The outcomes, the bot's memory, its table, its total and what it said are five records of the same. */
function* counted(chat: ChatLine, entries: readonly EntryLine[], all: All): Iterable<string> {
  const name = `${chat.account} ${chat.customer}`
  const answered = entries.filter(({ kind, outcome }) => kind === 'in' && ANSWERED.has(outcome))
  const messages = answered.filter(({ type }) => type === 'message').map(({ event }) => event)
  const wakes = answered.filter(({ type }) => type === 'wake').map(({ event }) => event)
  const expected: string[] = []
  let message = 0
  let wake = 0
  for (const { type, event } of answered) {
    const what = type === 'wake' ? `wake ${++wake}` : `message ${++message}`
    expected.push(`${expected.length + 1}: ${what}, ${event}`)
  }
  const said = entries.filter(({ kind, by }) => kind === 'out' && by === 'bot').map(({ text }) => text)
  const state = chat.state === null ? { messages: 0, wakes: 0, said: 0 } : State.parse(JSON.parse(chat.state))
  const counts = { messages: messages.length, wakes: wakes.length, said: expected.length }
  yield* same(`${name}: what the bot said`, said, expected)
  yield* same(`${name}: the bot’s state`, state, counts)
  yield* same(`${name}: the bot’s totals`, [chat.messages ?? 0, chat.wakes ?? 0], [counts.messages, counts.wakes])
  yield* same(`${name}: the messages that the bot has seen`, keysOf(all.seen.get(chat.id)), numbered(messages))
  yield* same(`${name}: the wakes that the bot has had`, keysOf(all.woken.get(chat.id)), numbered(wakes))

  // Each wake that was asked for is there once: it waits, or it is an entry.
  const asked = entries.filter(
    ({ type, text, outcome }) => type === 'message' && ANSWERED.has(outcome) && text?.includes('wake'),
  )
  const due = entries.filter(({ type }) => type === 'wake').map(({ event }) => event)
  const waiting = all.wakes.filter((row) => row.chat === chat.id).map(({ key }) => key)
  yield* same(`${name}: its wakes`, [...due, ...waiting].sort(), asked.map(({ event }) => event).sort())
}

function keysOf(rows: readonly CountLine[] = []): readonly string[] {
  return rows.map(({ key, n }) => `${n} ${key}`)
}

function numbered(keys: readonly (string | null)[]): readonly string[] {
  return keys.map((key, i) => `${i + 1} ${key}`)
}

/** Nobody was sent what is not in the journal: it is written before it is sent. */
function* nothingUnrecorded(all: All, { platform }: Known): Iterable<string> {
  const deliveries = new Map(all.deliveries.map((delivery) => [delivery.id, delivery]))
  for (const { channel, id, customer, text } of platform.receipts) {
    const delivery = deliveries.get(id)
    if (!delivery) yield `${customer} was sent "${text}", which is not in the journal`
    else if (delivery.text !== text || delivery.customer !== customer || channelOf(delivery) !== channel)
      yield `${customer} was sent "${text}" on ${channel}, and the journal says ${JSON.stringify(delivery)}`
  }
  for (const { id, type } of platform.told)
    if (!deliveries.has(id)) yield `the desk was told ${type} ${id}, which is not in the journal`
}

/** Everything was acknowledged, and nothing waits. */
function* ended(all: All, known: Known): Iterable<string> {
  for (const { id, acked } of known.events.values()) if (!acked) yield `${id} was never acknowledged`
  for (const { account, customer, pending } of all.chats) if (pending > 0) yield `${account} ${customer} still waits`
  for (const { key } of all.wakes) yield `the wake ${key} still waits`
  for (const { id, state } of all.deliveries)
    if (state === 'pending' || state === 'sending' || state === 'dead') yield `the delivery ${id} is ${state}`
}

/** What customers were sent agrees with the state of each delivery, came in order, and twice only where it says so. */
function* sentAsRecorded(all: All, { platform }: Known): Iterable<string> {
  const toCustomers = all.deliveries.filter(({ destination }) => destination === 'channel')
  const times = countOf(platform.receipts)
  for (const delivery of toCustomers) {
    const { id, state, unknown, text, customer, takenOver } = delivery
    const sent = times.get(id) ?? 0
    const [least, most] = timesOf(delivery)
    if (sent < least || sent > most)
      yield `${customer} was sent "${text}" ${sent} times; it is ${state}, was unknown ${unknown} times (${id})`
    // What a bot has said is not repeated over a person.
    if (state === 'unknown' && resends(delivery) && !takenOver)
      yield `"${text}" for ${customer} was not sent again (${id})`
  }
  // Which of two connections is read first says nothing, so each way has an order of its own. What is given again comes
  // when the platform asks for it again, which may be after what has been said since.
  for (const way of [true, false]) {
    yield* inOrderOfJournal(
      toCustomers,
      platform.receipts.filter(({ inside, again }) => inside === way && !again),
    )
  }
}

/** How often a customer may have been sent it. */
function timesOf(delivery: DeliveryLine): readonly [least: number, most: number] {
  switch (delivery.state) {
    case 'sent':
      return [1, resends(delivery) ? 1 + delivery.unknown : 1]
    case 'unknown':
      return [0, 1]
    default:
      return [0, resends(delivery) ? delivery.unknown : 0]
  }
}

/** The desk was told everything, in order; again only what a crash has left unknown, with the same id. */
function* toldAsRecorded(all: All, { platform }: Known): Iterable<string> {
  const toDesk = all.deliveries.filter(({ destination }) => destination !== 'channel')
  const times = countOf(platform.told)
  for (const { id, state, unknown, customer } of toDesk) {
    const told = times.get(id) ?? 0
    if (state !== 'sent') yield `the item ${id} of ${customer} for the desk is ${state}`
    else if (told < 1 || told > 1 + unknown)
      yield `the desk was told ${id} of ${customer} ${told} times, unknown ${unknown} times`
  }
  yield* inOrderOfJournal(toDesk, platform.told)
}

/** In each chat, what arrived came in the order of the journal. */
function* inOrderOfJournal(
  deliveries: readonly DeliveryLine[],
  arrived: readonly { readonly id: string }[],
): Iterable<string> {
  const byId = new Map(deliveries.map((delivery) => [delivery.id, delivery]))
  const last = new Map<string, DeliveryLine>()
  for (const { id } of arrived) {
    const delivery = byId.get(id)
    if (!delivery) continue
    const before = last.get(delivery.chat)
    if (before && before.n > delivery.n) yield `${delivery.customer} was sent "${delivery.text}" after "${before.text}"`
    last.set(delivery.chat, delivery)
  }
}

function countOf(arrived: readonly { readonly id: string }[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  for (const { id } of arrived) times.set(id, (times.get(id) ?? 0) + 1)
  return times
}

/** Each command has one result and, if it was accepted, one effect. */
function* commandsDone(all: All, known: Known): Iterable<string> {
  const texts = new Map<string, number>()
  for (const entries of all.entries.values()) {
    for (const { kind, by, text } of entries)
      if (by === 'agent' && (kind === 'note' || kind === 'out'))
        texts.set(`${kind} ${text}`, 1 + (texts.get(`${kind} ${text}`) ?? 0))
  }
  for (const command of known.commands.values()) {
    const { id, result } = command
    if (result === undefined) yield `the command ${id} was never answered`
    else {
      const accepted = JSON.parse(result).ok === true
      const effects = effectsOf(command, texts, all)
      // Taking or returning what is there already is accepted, and changes nothing.
      const mayBeNone = !accepted || command.act.type === 'take' || command.act.type === 'return'
      if (effects > (accepted ? 1 : 0) || (effects === 0 && !mayBeNone))
        yield `the command ${id} (${command.act.type}) was answered ${result} and done ${effects} times`
    }
  }
}

function effectsOf({ id, act }: GivenCommand, texts: ReadonlyMap<string, number>, { changes }: All): number {
  switch (act.type) {
    case 'send':
      return texts.get(`out ${act.content}`) ?? 0
    case 'note':
      return texts.get(`note ${act.text}`) ?? 0
    default:
      return changes.filter(({ cause }) => cause === id).length
  }
}

function channelOf({ account }: DeliveryLine): string {
  return account.slice(account.indexOf(':') + 1)
}

function resends(delivery: DeliveryLine): boolean {
  const name = channelOf(delivery)
  return isChannel(name) && CHANNELS[name].onUnknown === 'resend'
}

function isChannel(name: string): name is Channel {
  return name in CHANNELS
}

function* same(what: string, found: unknown, expected: unknown): Iterable<string> {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)]
  if (is !== should) yield `${what}: ${is}, and it should be ${should}`
}

/** Two JSON texts of the same value. */
function isSame(a: string | undefined, b: string): boolean {
  return a !== undefined && JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b))
}
