/** What a channel keeps when something goes out: it sends what it declares, nothing else, and tells what became of it. */
import assert from 'node:assert/strict'
import { DeliveryError, messageOf } from '../errors.ts'
import type { Part, PartType } from '../message.ts'
import type { ChannelContract, ContractCheck, ExpectedRefusal, Shown } from './channel-contract.ts'
import { CHAT, checkIn, few, isAccepted, shownTold, type World } from './contract-world.ts'

const PART_TYPES = [
  'text',
  'image',
  'audio',
  'video',
  'file',
  'location',
  'link',
  'choices',
  'native',
] as const satisfies readonly PartType[]

export function sendingChecks(contract: ChannelContract): readonly ContractCheck[] {
  const inline = { answer: 'inline' } as const
  return [
    checkIn(contract, 'what it declares arrives, and nothing else', (world) =>
      world.each(PART_TYPES, (type) => arrives(world, contract, type)),
    ),
    checkIn(contract, 'a long text arrives whole, in pieces within its limits', keepsLimits),
    checkIn(contract, 'a refusal of the platform becomes the right error', (world) => translates(world, contract)),
    checkIn(contract, 'a message sent twice is shown once, if that is declared', sendsOnce),
    checkIn(contract, 'an answer in time stands in the response, if that is declared', answersInside, inline),
    checkIn(contract, 'a request that was hung up on and comes again gets the same answer', answersAgain, inline),
  ]
}

/** What the customer is shown because of this message, inside the response and afterwards. */
async function shownFor(world: World, text: string, chat = CHAT): Promise<readonly Shown[]> {
  const before = (await world.shown(chat)).length
  const told = await world.say(text, chat)
  const later = (await world.shown(chat)).slice(before)
  return told?.answer ? [told.answer, ...later] : later
}

async function deliveries(world: World): Promise<string> {
  const rows = await world.bot.runtime.engine.read.selectFrom('delivery').select(['state', 'code', 'error']).execute()
  const failed = rows.filter(({ state }) => state !== 'sent')
  return failed.map(({ state, code, error }) => ` A message is ${state}: ${code} ${error}`).join('')
}

// ── what it sends ───────────────────────────────────────────────────────────────────────────

async function arrives(world: World, contract: ChannelContract, type: PartType): Promise<void> {
  const { sends } = world.checked.capabilities
  const part = contract.samples?.[type] ?? sampleOf(world, type)
  if (type === 'native' && sends.native && !contract.samples?.native) {
    return world.fail('it declares native parts: give one of them as samples.native.')
  }
  world.answerWith(() => part)
  const shown = await shownFor(world, `send ${type}`, `20${PART_TYPES.indexOf(type)}`)
  const undeclared = shown.find((one) => !sends[one.type])
  if (undeclared) {
    world.fail(`the platform was sent a part of type ${undeclared.type}, which the capabilities do not declare.`)
  }
  const [one] = shown
  if (sends[type] === undefined) {
    if (one?.type !== 'text') world.fail(`a text should stand for ${type}, and ${JSON.stringify(shown)} was shown.`)
    return
  }
  if (shown.length !== 1 || one?.type !== type) {
    const found = shown.length === 0 ? 'nothing' : few(shown.map((other) => other.type))
    world.fail(`it declares ${type}, and when one was sent ${found} arrived.${await deliveries(world)}`)
  }
  for (const [key, value] of Object.entries(one ?? {})) {
    const wanted: unknown = Reflect.get(part, key)
    if (wanted === undefined) continue
    const words = `${key} of the ${type} should be ${JSON.stringify(wanted)} and is ${JSON.stringify(value)}.`
    assert.deepStrictEqual(value, wanted, `${contract.plugin.name}: ${words}`)
  }
}

/** A part that fits what the channel declares. */
function sampleOf(world: World, type: PartType): Part {
  const { sends } = world.checked.capabilities
  switch (type) {
    case 'text':
      return { type, text: '你好 👋🏽 <b>&amp;</b> "quoted" \\ {{braces}}' }
    case 'location':
      return { type, latitude: 31.2304, longitude: 121.4737, label: 'Shanghai' }
    case 'link':
      return { type, url: 'https://example.com/a?b=1&c=2', title: 'A page', description: 'What it is about' }
    case 'choices':
      return {
        type,
        prompt: 'Which one?',
        choices: ['red', 'green', 'blue'].slice(0, sends.choices?.max ?? 3).map((id) => ({ id, label: `The ${id}` })),
      }
    case 'native':
      return { type, platform: 'elsewhere', data: { card: 1 }, text: 'A card' }
    default: {
      const mimeType = (sends[type]?.mimeTypes ?? []).find((one) => !one.includes('*')) ?? MIME_TYPES[type]
      const name = `sample.${mimeType.split('/')[1]?.replace('jpeg', 'jpg')}`
      return { type, url: world.fileUrl(name, mimeType), name, mimeType, sizeBytes: 70 }
    }
  }
}

const MIME_TYPES = { image: 'image/png', audio: 'audio/mpeg', video: 'video/mp4', file: 'application/pdf' } as const

// ── limits ──────────────────────────────────────────────────────────────────────────────────

/** Longest text that is tried: where a channel declares no limit, or a very large one. */
const MAX_TRIED_CHARS = 10_000
/** How many messages the text makes, at least. */
const PIECES = 3

async function keepsLimits(world: World): Promise<void> {
  const { maxChars, maxBytes } = world.checked.capabilities.sends.text
  const most = Math.min(maxChars ?? MAX_TRIED_CHARS, Math.ceil((maxBytes ?? MAX_TRIED_CHARS) / 4), MAX_TRIED_CHARS)
  const sentence = '长文 long text 👨‍👩‍👧. '
  const text = sentence.repeat(Math.ceil((most * (PIECES - 0.5)) / sentence.length))
  world.answerWith(() => text)
  const shown = await shownFor(world, 'hello')
  const pieces = shown.map((one) => ('text' in one && one.text !== undefined ? one.text : ''))
  for (const piece of pieces) {
    const bytes = Buffer.byteLength(piece)
    if (piece.length > (maxChars ?? Number.POSITIVE_INFINITY) || bytes > (maxBytes ?? Number.POSITIVE_INFINITY)) {
      world.fail(
        `it declares texts of at most ${maxChars ?? '∞'} characters and ${maxBytes ?? '∞'} bytes, and sent one of ` +
          `${piece.length} characters and ${bytes} bytes. Send the part as it is given.`,
      )
    }
  }
  const words = (all: string) => all.replace(/\s+/g, '')
  const arrived = words(pieces.join(''))
  const isWhole = takesSeveral(world) ? arrived === words(text) : words(text).startsWith(arrived)
  if (arrived === '' || !isWhole) {
    world.fail(`a text of ${text.length} characters arrived as ${pieces.length} pieces that are not the same text.`)
  }
}

/** Whether the platform takes as many messages at once as the long text has pieces. */
function takesSeveral({ checked }: World): boolean {
  const { later } = checked.capabilities
  return later.length > 0 && later.every(({ max = PIECES }) => max >= PIECES)
}

// ── what the platform refuses ───────────────────────────────────────────────────────────────

async function translates(world: World, { refusals = {} }: ChannelContract): Promise<void> {
  const names = Object.entries(refusals)
  if (names.length === 0) return
  if (!world.platform.refuse) return world.fail('give the simulated platform a method refuse(name).')
  // First something that works: so it is the refusal that the error comes from.
  await shownFor(world, 'hello')
  await world.each(names, ([name, expected]) => translatesOne(world, name, expected))
}

async function translatesOne(world: World, name: string, expected: ExpectedRefusal): Promise<void> {
  world.platform.refuse?.(name)
  const error = await sendDirectly(world, `refused ${name}`)
  const { scope = 'chat', code, retry, retryAfterMs } = expected
  if (error === undefined) {
    return world.fail(
      `the platform refused a message with "${name}", and send resolved as if it were sent. Throw a DeliveryError.`,
    )
  }
  if (!(error instanceof DeliveryError)) {
    const kind = error instanceof Error ? error.name : typeof error
    return world.fail(`for "${name}" send threw ${kind} (${messageOf(error)}). Throw a DeliveryError with ${code}.`)
  }
  const found = { code: error.code, scope: error.scope, retry: error.retry, retryAfterMs: error.retryAfterMs }
  const wanted = {
    code,
    scope,
    retry: retry ?? new DeliveryError(code).retry,
    retryAfterMs: retryAfterMs ?? found.retryAfterMs,
  }
  for (const [key, value] of Object.entries(wanted)) {
    const is: unknown = Reflect.get(found, key)
    if (is !== value) world.fail(`for "${name}" the error’s ${key} should be ${value} and is ${is} (${error.message}).`)
  }
  if (error.message === error.code) {
    world.fail(`for "${name}" the error does not say what the platform said. Give its number and text as message.`)
  }
}

/** What `send` throws; `undefined` when it resolves. */
async function sendDirectly(world: World, id: string): Promise<unknown> {
  const part = { type: 'text', text: 'hello' } as const
  const [first] = await world.events()
  if (!first) return world.fail('nothing was received.')
  const { chat, id: inReplyTo } = first.event
  const delivery = { id, chat, part, by: 'program', inReplyTo } as const
  try {
    await world.methods.send(delivery, { signal: new AbortController().signal })
    return undefined
  } catch (error) {
    return error
  }
}

async function sendsOnce(world: World): Promise<void> {
  if (!world.checked.capabilities.idempotentSend) return
  const before = await shownFor(world, 'hello')
  for (let i = 0; i < 2; i++) {
    const error = await sendDirectly(world, 'twice')
    if (error !== undefined) world.fail(`a message sent again was refused: ${messageOf(error)}`)
  }
  const shown = (await world.shown()).length - before.length
  if (shown !== 1) {
    world.fail(`it declares idempotentSend, and one delivery sent twice was shown ${shown} times. Send its id along.`)
  }
}

// ── inside the response ─────────────────────────────────────────────────────────────────────

async function answersInside(world: World): Promise<void> {
  if (!world.checked.capabilities.inline) return
  if (!world.platform.answerIn) return world.fail('give the simulated platform a method answerIn(body).')
  const told = await world.tell(world.bytes('hello'))
  if (!told || !isAnswer(told.answer, 're: hello')) {
    return world.fail(
      `it declares inline, and answered ${told ? shownTold(told) : 'nothing'}. Write what receive resolves with into ` +
        'the response.',
    )
  }
  await world.idle()
  const later = await world.shown()
  if (later.length > 0) world.fail(`the answer stood in the response and was sent too: ${JSON.stringify(later)}`)
}

/** Of one that is kept open for its answer: the listener's, and the one of `receive`. A channel may have some of its own. */
const TIMERS_OF_A_REQUEST = 2

async function answersAgain(world: World): Promise<void> {
  if (!world.checked.capabilities.inline) return
  const goOn = world.hold()
  const bytes = world.bytes('hello')
  const gone = new AbortController()
  const first = world.tell(bytes, gone.signal).catch(() => undefined)
  await world.until(() => world.asked.length > 0)
  // By its timers it can be seen when the core has lost a request.
  const { clock } = world.bot
  const withFirst = clock.waiting
  gone.abort()
  await first
  await world.until(() => clock.waiting <= withFirst - TIMERS_OF_A_REQUEST)
  const before = await world.repeats()
  const again = world.tell(bytes)
  await Promise.race([again, world.until(async () => (await world.repeats()) > before)])
  goOn()
  const second = await again
  await world.idle()
  const third = await world.tell(bytes)
  for (const told of [second, third]) {
    if (told && isAccepted(told) && isAnswer(told.answer, 're: hello')) continue
    world.fail(
      `the platform hung up and asked again, and was answered ${told ? shownTold(told) : 'nothing'}. Give receive every ` +
        'repeat, with the same id.',
    )
  }
  if (world.asked.length !== 1) world.fail(`the bot was asked ${world.asked.length} times for one message.`)
  const later = await world.shown()
  if (later.length > 0) world.fail(`the answer stood in the response and was sent too: ${JSON.stringify(later)}`)
}

function isAnswer(answer: Shown | undefined, text: string): boolean {
  return answer?.type === 'text' && answer.text === text
}
