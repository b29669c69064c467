/** A customer in a test: says things, clicks, and hears what is answered. */
import assert from 'node:assert/strict'
import { type InboundEvent, type Part, type Sender, textOf } from '../message.ts'
import type { MemoryChannel } from './memory-channel.ts'

/** What a test waits for before it says that something has not come. */
const PATIENCE_MS = 5_000

/** What an expected message may be: its text, a pattern of it, or the part itself (compared without what is left out). */
export type Expected = string | RegExp | Partial<Part>

/**
 * Steps are queued and run in order: `await user.says('hello').hears('hello to you')`.
 * `hears` takes the messages that have come since the last one, and waits for those that are still to come.
 */
export interface TestUser extends PromiseLike<void> {
  /** Writes a text, or a message of parts, and goes on when it is accepted. */
  says(said: string | readonly Part[]): TestUser
  /** Picks one of the choices shown: by its id. */
  clicks(choice: string, label?: string): TestUser
  /** Does anything else: follows, clicks a menu, scans … */
  does(event: Doing): TestUser
  /** The platform gives the latest event a second time, as after a lost acknowledgement. */
  repeats(): TestUser
  /** The next messages are exactly these, in this order. */
  hears(...expected: readonly Expected[]): TestUser
  /** Nothing more has come when everything is done. */
  hearsNothing(): TestUser
}

/** An event without what the test makes itself: id, chat and time. */
export type Doing = InboundEvent extends infer E ? (E extends unknown ? Omit<E, 'id' | 'chat' | 'atMs'> : never) : never

export interface UserWorld {
  readonly channel: MemoryChannel
  readonly chat: string
  readonly sender?: Sender | undefined
  now(): number
  nextId(): string
  /** Resolves when nothing is being handled or sent. */
  idle(): Promise<void>
}

export function makeUser(world: UserWorld): TestUser {
  const { channel, chat } = world
  let heard = 0
  let latest: InboundEvent | undefined
  let steps: Promise<void> = Promise.resolve()
  const own = () => channel.sent.filter((delivery) => delivery.chat === chat)

  async function receive(doing: Doing): Promise<void> {
    const event: InboundEvent = {
      grants: 'message',
      sender: world.sender,
      ...doing,
      id: world.nextId(),
      chat,
      atMs: world.now(),
    }
    latest = event
    await channel.receive(event)
  }

  async function hear(expected: readonly Expected[]): Promise<void> {
    await arrived(heard + expected.length)
    const found = own()
      .slice(heard, heard + expected.length)
      .map(({ part }) => part)
    expected.forEach((wanted, i) => {
      const part = found[i]
      if (!part)
        assert.fail(`${chat} waits to hear ${show(wanted)}, and heard ${heard + i} messages in all.\n${transcript()}`)
      if (wanted instanceof RegExp) assert.match(textOf(part), wanted, transcript())
      else if (typeof wanted === 'string') assert.equal(textOf(part), wanted, transcript())
      else assert.partialDeepStrictEqual(part, wanted, transcript())
    })
    heard += expected.length
  }

  /** Until so many messages are there, or nothing more can come, or the patience ends. */
  async function arrived(count: number): Promise<void> {
    if (own().length >= count) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => {
      if (own().length >= count) resolve()
    }
    const end = channel.onSent(look)
    const tooLong = setTimeout(resolve, PATIENCE_MS)
    await Promise.race([promise, world.idle()])
    clearTimeout(tooLong)
    end()
  }

  function transcript(): string {
    const lines = own().map(({ part }, i) => `  ${i < heard ? ' ' : '>'} ${show(part)}`)
    return `${chat} was sent:\n${lines.join('\n') || '  nothing'}`
  }

  const then = (step: () => Promise<void>): TestUser => {
    steps = steps.then(step)
    // A failing step is reported where the steps are awaited.
    steps.catch(() => undefined)
    return user
  }

  const user: TestUser = {
    says: (said) =>
      then(() => receive({ type: 'message', parts: typeof said === 'string' ? [{ type: 'text', text: said }] : said })),
    clicks: (choice, label = choice) =>
      then(() => receive({ type: 'message', parts: [{ type: 'text', text: label }], choice })),
    does: (event) => then(() => receive(event)),
    repeats: () =>
      then(async () => {
        if (latest) await channel.receive(latest)
      }),
    hears: (...expected) => then(() => hear(expected)),
    hearsNothing: () =>
      then(async () => {
        await world.idle()
        assert.equal(own().length, heard, transcript())
      }),
    // biome-ignore lint/suspicious/noThenProperty: the steps are awaited as a whole.
    then: (fulfilled, rejected) => steps.then(fulfilled, rejected),
  }
  return user
}

function show(of: unknown): string {
  return of instanceof RegExp ? String(of) : JSON.stringify(of)
}
