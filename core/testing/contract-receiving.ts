/** What a channel keeps when something comes in: decoded, from whom it should be, once, in order, and never lost. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { MAX_WAITING_PER_CHAT } from '../pipeline/receive.ts'
import type { ChannelContract, ContractCheck, ExpectedEvent, SimulatedPlatform } from './channel-contract.ts'
import { checkIn, few, isAccepted, type Stored, shownTold, type World } from './contract-world.ts'

export function receivingChecks(contract: ChannelContract): readonly ContractCheck[] {
  return [
    checkIn(contract, 'every fixture is the event that it should be', (world) => decodesAll(world, contract)),
    checkIn(contract, 'what is not signed is refused and never received', refusesForgeries),
    checkIn(contract, 'what is no message is refused without a word about our inside', refusesNonsense),
    checkIn(contract, 'a repeated event is handled once', handlesOnce),
    checkIn(contract, 'what could not be accepted is not acknowledged, and comes again', acknowledgesLate),
    checkIn(contract, 'messages of a chat keep their order, however fast they come', keepsOrder),
    checkIn(contract, 'a reload in the middle keeps every event', survivesReload),
  ]
}

async function decodesAll(world: World, { fixtures }: ChannelContract): Promise<void> {
  const files = await readdir(fixtures.folder, { withFileTypes: true })
  const unnamed = files.filter((file) => file.isFile() && !Object.hasOwn(fixtures.events, file.name))
  if (unnamed.length > 0) {
    const names = few(unnamed.map(({ name }) => name))
    world.fail(`nothing is expected of ${names}. Name each under fixtures.events, with its event.`)
  }
  await world.each(Object.entries(fixtures.events), async ([file, expected]) => {
    const bytes = await readFile(new URL(file, fixtures.folder), 'utf8')
    await decodes(world, file, bytes, isList(expected) ? expected : [expected])
  })
}

async function decodes(world: World, file: string, bytes: string, expected: readonly ExpectedEvent[]): Promise<void> {
  const before = (await world.events()).length
  const told = await world.tell(bytes)
  if (told && !isAccepted(told)) world.fail(`it answered ${shownTold(told)} to ${file}.`)
  const untilMs = performance.now() + 2_000
  let events = await world.events()
  while (events.length - before < expected.length && performance.now() < untilMs) {
    await wait(5)
    events = await world.events()
  }
  const found = events.slice(before)
  if (found.length !== expected.length) {
    world.fail(`${file} should be ${expected.length} events and is ${found.length}: ${JSON.stringify(found)}`)
  }
  for (const [i, one] of expected.entries()) compare(world, file, one, found[i])
}

function isList(expected: ExpectedEvent | readonly ExpectedEvent[]): expected is readonly ExpectedEvent[] {
  return Array.isArray(expected)
}

function compare(world: World, file: string, expected: ExpectedEvent, stored: Stored | undefined): void {
  for (const [key, value] of Object.entries(expected)) {
    const found = stored?.event[key]
    // As the journal keeps it: what is undefined is not there.
    const wanted: unknown = value === undefined ? undefined : JSON.parse(JSON.stringify(value))
    const words = `${file}: ${key} should be ${JSON.stringify(wanted)} and is ${JSON.stringify(found)}.`
    try {
      assert.deepStrictEqual(found, wanted)
    } catch {
      world.fail(words)
    }
  }
}

// ── from whom ───────────────────────────────────────────────────────────────────────────────

async function refusesForgeries(world: World): Promise<void> {
  const { platform } = world
  if (platform.offer) return
  if (!platform.request || !platform.signature) {
    return world.fail('say in platform.signature where its requests show whom they are from.')
  }
  const other = signatureOf(await platform.request(world.bytes('something else'), world.address), platform.signature)
  for (const [how, forge] of Object.entries(FORGERIES)) {
    const text = `forged ${how}`
    const request = await platform.request(world.bytes(text), world.address)
    const signature = signatureOf(request, platform.signature)
    if (signature.length < 8) world.fail(`there is no signature at ${JSON.stringify(platform.signature)}.`)
    const forged = forge(signature, other)
    if (how === FROM_ANOTHER && (other === signature || platform.signature.coversBody === false)) continue
    const told = await world.send(withSignature(request, platform.signature, forged))
    await world.idle()
    if ((await world.events()).some((event) => event.text === text)) {
      world.fail(`a request ${how} was received. Check the signature, all of it, before anything else.`)
    }
    if (told.status < 400 || told.status > 499) {
      world.fail(`a request ${how} was answered ${shownTold(told)}. It should be refused with a status such as 403.`)
    }
  }
  await world.say('genuine')
}

const FROM_ANOTHER = 'with the signature of another message'

/** What someone would try who does not know the secret. */
const FORGERIES: { readonly [how: string]: (signature: string, other: string) => string | undefined } = {
  'without a signature': () => undefined,
  'with an empty signature': () => '',
  'with only the first half of its signature': (signature) => signature.slice(0, signature.length / 2),
  'with a signature that is wrong at its end': (signature) => changedAt(signature, signature.length - 4),
  'with a signature that is wrong at its beginning': (signature) => changedAt(signature, 0),
  [FROM_ANOTHER]: (_signature, other) => other,
}

function changedAt(signature: string, i: number): string {
  return `${signature.slice(0, i)}${signature[i] === '0' ? '1' : '0'}${signature.slice(i + 1)}`
}

type Place = NonNullable<SimulatedPlatform['signature']>

function signatureOf(request: Request, place: Place): string {
  if ('header' in place) return request.headers.get(place.header) ?? ''
  return new URL(request.url).searchParams.get(place.query) ?? ''
}

function withSignature(request: Request, place: Place, signature: string | undefined): Request {
  if ('header' in place) {
    const headers = new Headers(request.headers)
    if (signature === undefined) headers.delete(place.header)
    else headers.set(place.header, signature)
    return new Request(request, { headers })
  }
  const url = new URL(request.url)
  if (signature === undefined) url.searchParams.delete(place.query)
  else url.searchParams.set(place.query, signature)
  return new Request(url, request)
}

async function refusesNonsense(world: World): Promise<void> {
  const { platform } = world
  if (!platform.request) return
  for (const bytes of ['', '{', 'null', '"\\u0000"', '<xml><a></xml>', '[]', `{"a":${'['.repeat(5_000)}`]) {
    const told = await world.send(await platform.request(bytes, world.address))
    if (told.status >= 500) {
      world.fail(`it answered ${shownTold(told)} to ${JSON.stringify(bytes.slice(0, 20))}. Refuse it with 400.`)
    }
    if (/\n\s+at |node_modules|\.ts:\d/.test(told.body)) world.fail(`its answer shows our inside: ${told.body}`)
  }
  const received = await world.events()
  if (received.length > 0) world.fail(`something that is no message was received: ${JSON.stringify(received[0])}`)
}

// ── once ────────────────────────────────────────────────────────────────────────────────────

async function handlesOnce(world: World): Promise<void> {
  await world.say('once')
  const bytes = world.bytes('once')
  for (const told of await Promise.all([world.tell(bytes), world.tell(bytes)])) {
    if (told && !isAccepted(told)) {
      world.fail(`a repeat was answered ${shownTold(told)}, so the platform would send it again and again.`)
    }
  }
  // Behind the repeats, so that they have been handled when it has.
  await world.say('next')
  const times = world.asked.filter((text) => text === 'once').length
  if (times !== 1) {
    world.fail(
      `an event that came three times was handled ${times} times. Its id must be the platform’s own, so that a repeat ` +
        'has the same.',
    )
  }
  const shown = await world.shown()
  if (shown.length > 2) world.fail(`two messages were answered by ${shown.length}: ${JSON.stringify(shown)}`)
}

// ── never lost ──────────────────────────────────────────────────────────────────────────────

/** More than may wait in one chat. */
const TOO_MANY = MAX_WAITING_PER_CHAT + 20
/** What another customer says behind them, for whom there is a place. */
const BEHIND = 'behind them'

async function acknowledgesLate(world: World): Promise<void> {
  const goOn = world.hold()
  const texts = Array.from({ length: TOO_MANY }, (_, i) => `message ${i + 1}`)
  const refused = Promise.withResolvers<void>()
  const acknowledged = new Set<string>()
  const telling = texts.map(async (text) => {
    const told = await world.tell(world.bytes(text))
    if (!told) return
    if (isAccepted(told)) acknowledged.add(text)
    else refused.resolve()
    if (told.status >= 400 && told.status < 500 && told.status !== 429) {
      world.fail(`when too much waits it answers ${shownTold(told)}. Let the error of receive pass: it is 503.`)
    }
  })
  const all = Promise.all(telling)
  // Those that answer inside the response wait for the bot: the first refusal shows that all places are taken.
  await Promise.race([all, refused.promise])
  if (world.platform.offer) {
    await world.arrived(texts.slice(0, MAX_WAITING_PER_CHAT))
    // A polled channel that is refused says so, or goes on to what comes behind: then the places may be free again.
    await world.tell(world.bytes(BEHIND, '1002'))
    await world.until(() => world.warnings.length > 0 || world.asked.includes(BEHIND))
  }
  goOn()
  await all
  await world.idle()
  const known = new Set((await world.events()).map(({ text }) => text))
  const lost = [...acknowledged].filter((text) => !known.has(text))
  if (lost.length > 0) {
    world.fail(
      `it acknowledged ${lost.length} events that were not accepted (${few(lost)}). Acknowledge only when receive has ` +
        'resolved, and let its error pass.',
    )
  }
  if (!world.platform.offer) for (const text of texts) if (!acknowledged.has(text)) await world.say(text)
  await world.arrived(texts)
  await world.idle()
  const asked = world.asked.filter((text) => text !== BEHIND).length
  if (asked !== TOO_MANY) {
    world.fail(`${TOO_MANY} messages came, some of them again, and the bot was asked ${asked} times.`)
  }
}

// ── in order ────────────────────────────────────────────────────────────────────────────────

async function keepsOrder(world: World): Promise<void> {
  const chats = ['1001', '1002', '1003'].map((chat) => ({
    chat,
    texts: Array.from({ length: 10 }, (_, i) => `${chat}/${i + 1}`),
  }))
  await Promise.all(chats.map(({ chat, texts }) => world.sayTogether(texts, chat)))
  await world.arrived(chats.flatMap(({ texts }) => texts))
  await world.idle()
  for (const { chat, texts } of chats) await inOrder(world, chat, texts)
}

/** They are in one chat of the journal, in this order, each once, and were answered in it. */
async function inOrder(world: World, chat: string, texts: readonly string[]): Promise<void> {
  const own = (await world.events()).filter(({ text }) => texts.includes(text)).sort((a, b) => a.seq - b.seq)
  if (new Set(own.map((event) => event.chat)).size > 1) {
    const found = [...new Set(own.map(({ event }) => event.chat))]
    world.fail(`what one customer said came into ${found.length} chats: ${few(found)}.`)
  }
  const received = own.map(({ text }) => text)
  if (!sameTexts(received, texts)) {
    world.fail(
      `messages came in the order ${few(texts)} and were received in the order ${few(received)}. Call receive in the ` +
        'order in which they come, and wait for nothing before it.',
    )
  }
  if (world.checked.capabilities.later.length === 0) return
  const shown = (await world.shown(chat)).map((part) => ('text' in part ? `${part.text}` : part.type))
  const all = texts.map((text) => `re: ${text}`)
  // Where the platform takes only so many, some may be missing.
  const answers = mayRunOut(world) ? all.filter((text) => shown.includes(text)) : all
  if (!sameTexts(shown, answers)) {
    world.fail(
      `the answers ${few(answers)} were shown as ${few(shown)}. Let send resolve only when the platform has the message.`,
    )
  }
}

/** Whether the platform takes fewer answers than there are messages, when all of these come before the first answer. */
function mayRunOut({ checked }: World): boolean {
  return checked.capabilities.later.some(({ max }) => max !== undefined)
}

function sameTexts(found: readonly string[], wanted: readonly string[]): boolean {
  return found.length === wanted.length && wanted.every((text, i) => found[i] === text)
}

async function survivesReload(world: World): Promise<void> {
  const said: { readonly [chat: string]: string[] } = { '1001': [], '1002': [] }
  const begun = Promise.withResolvers<void>()
  let reloaded = false
  const telling = Object.entries(said).map(async ([chat, texts]) => {
    while (texts.length < 12 || (!reloaded && texts.length < 500)) {
      const text = `${chat}/${texts.length + 1}`
      texts.push(text)
      await tellUntilAccepted(world, text, chat)
      if (texts.length === 4) begun.resolve()
    }
  })
  await Promise.race([begun.promise, Promise.all(telling)])
  await world.reload()
  reloaded = true
  await Promise.all(telling)
  await world.arrived(Object.values(said).flat())
  await world.idle()
  for (const [chat, texts] of Object.entries(said)) await inOrder(world, chat, texts)
}

/** As the platform would: again, when it was refused or nobody was there. */
async function tellUntilAccepted(world: World, text: string, chat: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const told = await world.tell(world.bytes(text, chat)).catch(() => ({ status: 0, body: '', answer: undefined }))
    if (!told) return world.arrived([text])
    if (isAccepted(told)) return
    await wait(5)
  }
  world.fail(`during a reload ${text} was refused again and again.`)
}
