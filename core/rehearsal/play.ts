/** Plays one scenario: everything in it happens in a rehearsal of its own, and what must be so is looked at. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { CheckedChannel, CheckedConfig } from '../config/checked.ts'
import { DeliveryError, messageOf } from '../errors.ts'
import { type Choice, type InboundEvent, inLanguage, type Part, textOf, toParts } from '../message.ts'
import { makeLog } from '../services/log.ts'
import { attend } from '../testing/attend.ts'
import { chatsUnderWay } from '../testing/settled.ts'
import type { Identity } from '../turn.ts'
import { type Rehearsal, rehearse } from './rehearse.ts'
import type { ExpectedMessage, PlainEvent, Scenario, Sentence } from './scenario.ts'
import type { ExpectedState, PartialPart } from './sentences.ts'
import { MeantFailure } from './stand-in-bot.ts'
import { type ActualState, type Looked, latestEvent, lookAt, stateOf } from './state.ts'

export interface Played {
  readonly scenario: Scenario
  readonly ms: number
  readonly failure?: Failure | undefined
  /** What plugins did wrong meanwhile, from the log. */
  readonly errors: readonly string[]
  /** What of the configuration was left out. */
  readonly warnings: readonly string[]
}

/** Why a scenario failed: at which of its lines, and what was so instead. */
export interface Failure {
  readonly line: number
  /** As it is written: `anna hears`. */
  readonly sentence: string
  /** A sentence for the operator, where the comparison does not say it all. */
  readonly message?: string | undefined
  /** Messages that were expected or came, in their order. */
  readonly messages: readonly ComparedMessage[]
  /** What was looked at. */
  readonly looked: readonly Looked[]
  /** What became of the customer's latest event, and why. */
  readonly why?: string | undefined
}

export interface ComparedMessage {
  /** `undefined`: nothing was expected in this place. */
  readonly expected: string | undefined
  /** `undefined`: nothing came. */
  readonly came: string | undefined
  readonly ok: boolean
}

/** Tells what became of one entry of the journal, and why. */
export type TellStory = (journal: Rehearsal['runtime']['engine']['read'], entry: string) => Promise<string | undefined>

/** Plays a scenario to its end, or to the first of its lines that is not so. Never throws for what plugins do. */
export async function play(scenario: Scenario, config: CheckedConfig, tellStory: TellStory): Promise<Played> {
  const startedMs = performance.now()
  const errors: string[] = []
  const log = makeLog({ level: 'error', stream: { write: (line) => void errors.push(...told(line)) } })
  let warnings: readonly string[] = []
  const done = (failure?: Failure): Played => ({
    scenario,
    ms: Math.round(performance.now() - startedMs),
    failure,
    errors: [...new Set(errors)],
    warnings,
  })
  let rehearsal: Rehearsal
  try {
    rehearsal = await rehearse(config, { log, startMs: scenario.startMs, bots: scenario.bots })
  } catch (error) {
    return done(
      failed({ line: scenario.line, key: 'scenario' }, { message: `It could not be started: ${messageOf(error)}` }),
    )
  }
  await using running = rehearsal
  warnings = running.warnings
  const stage = new Stage(scenario, config, running)
  const wrong = await stage.playAll()
  if (!wrong) return done()
  return done(failed(wrong.at, { ...wrong.told, why: await stage.why(wrong.customer, tellStory) }))
}

type Told = Partial<Omit<Failure, 'line' | 'sentence'>>

/** A place in the file. */
type At = Pick<Sentence, 'line' | 'key'>

function failed({ line, key }: At, told: Told): Failure {
  return { messages: [], looked: [], ...told, line, sentence: key }
}

/** What is not as the scenario has it. `at`: where, when it is not the sentence that is being played. */
class Wrong extends Error {
  readonly customer: string | undefined
  readonly told: Told
  readonly at: At | undefined

  constructor(customer: string | undefined, told: Told, at?: At) {
    super(told.message ?? 'It is not so.')
    this.customer = customer
    this.told = told
    this.at = at
  }
}

const Line = z.object({ msg: z.string(), error: z.object({ name: z.string() }).optional().catch(undefined) })

/** What a line of the log says, unless the scenario itself has brought it about. */
function told(line: string): readonly string[] {
  const { msg, error } = Line.parse(JSON.parse(line))
  return error?.name === MeantFailure.name ? [] : [msg]
}

/** A message that a customer was sent. */
interface Came {
  readonly part: Part
  readonly identity: Identity | undefined
  /** During which sentence. */
  readonly at: At
}

interface Player {
  readonly name: string
  readonly channel: CheckedChannel
  readonly came: Came[]
  /** How many of them the scenario has heard. */
  heard: number
  readonly events: InboundEvent[]
  /** The sentence that brought the latest event about. */
  latest: At
}

/** No limit of a plugin's turn is longer. */
const LIMITS_PASS_MS = 120_000

/** The customers of one scenario in one rehearsal. */
class Stage {
  readonly #scenario: Scenario
  readonly #config: CheckedConfig
  readonly #rehearsal: Rehearsal
  readonly #players = new Map<string, Player>()
  /** What channels are still to refuse, in this order. */
  readonly #refusals: { readonly channel: string; readonly code: string; readonly at: At }[] = []
  #now: At

  constructor(scenario: Scenario, config: CheckedConfig, rehearsal: Rehearsal) {
    this.#scenario = scenario
    this.#config = config
    this.#rehearsal = rehearsal
    this.#now = { line: scenario.line, key: 'scenario' }
    for (const [name, channel] of rehearsal.channels) {
      channel.beforeSend(() => this.#refuseNext(name))
      channel.onSent(() => {
        const sent = channel.sent.at(-1)
        const player = this.#players.get(sent?.chat ?? '')
        if (sent && player?.channel.name === name)
          player.came.push({ part: sent.part, identity: sent.identity, at: this.#now })
      })
    }
  }

  /** Plays to the end, or to the first sentence that is not so. */
  async playAll(): Promise<
    { readonly customer: string | undefined; readonly told: Told; readonly at: At } | undefined
  > {
    try {
      for (const person of this.#scenario.there) attend(this.#rehearsal.runtime.plan, person, true)
      for (const sentence of this.#scenario.sentences) {
        this.#now = sentence
        await this.#play(sentence)
      }
      await this.#mustBeDone()
      for (const name of this.#players.keys()) this.#mustHaveHeard(name)
      this.#mustHaveRefused()
      return undefined
    } catch (error) {
      if (!(error instanceof Wrong)) throw error
      const { customer, told, at = this.#now } = error
      return { customer, told, at }
    }
  }

  /** Lets one sentence happen, and all that follows from it by itself. Throws `Wrong`. */
  async #play(sentence: Sentence): Promise<void> {
    switch (sentence.type) {
      case 'says':
        return this.#does(sentence.customer, { type: 'message', parts: toParts(sentence.content) })
      case 'clicks':
        return this.#clicks(sentence.customer, sentence.choice)
      case 'edits':
        return this.#edits(sentence.customer, toParts(sentence.content))
      case 'recalls':
        return this.#recalls(sentence.customer, sentence.text)
      case 'does':
        return this.#does(sentence.customer, sentence.event)
      case 'attends':
        attend(this.#rehearsal.runtime.plan, sentence.person, sentence.isThere)
        await this.#rehearsal.settle()
        return
      case 'repeats':
        return this.#repeats(sentence.customer)
      case 'hears':
        return this.#hears(sentence.customer, sentence.expected)
      case 'commands':
        return this.#commands(sentence)
      case 'refuses':
        this.#refusals.push({ channel: sentence.channel, code: sentence.code, at: sentence })
        return
      case 'after':
        return this.#rehearsal.advance(sentence.ms)
      case 'then':
        return this.#then(sentence.customers)
    }
  }

  /** Why the customer's latest event became what it is. */
  async why(customer: string | undefined, tellStory: TellStory): Promise<string | undefined> {
    const { engine } = this.#rehearsal.runtime
    const chat = customer === undefined ? undefined : await this.#chatOf(customer)
    const latest = chat === undefined ? undefined : await latestEvent(engine, chat)
    return latest && tellStory(engine.read, latest.id)
  }

  #player(name: string): Player {
    const known = this.#players.get(name)
    if (known) return known
    const on = this.#scenario.customers.get(name)?.channel
    const channel = this.#config.channels.find((one) => one.name === on)
    if (!channel) throw new Wrong(undefined, { message: `No channel runs that ${name} could write on.` })
    const player: Player = { name, channel, came: [], heard: 0, events: [], latest: this.#now }
    this.#players.set(name, player)
    return player
  }

  async #chatOf(customer: string): Promise<string | undefined> {
    return this.#rehearsal.runtime.engine.findChat(this.#player(customer).channel.account, customer)
  }

  // ── what customers and platforms do ──

  async #does(customer: string, doing: PlainEvent): Promise<void> {
    this.#mustHaveHeard(customer)
    const player = this.#player(customer)
    const event: InboundEvent = {
      ...doing,
      id: randomUUID(),
      chat: customer,
      sender: this.#scenario.customers.get(customer)?.sender,
      atMs: this.#rehearsal.clock.now(),
      grants: grantOf(doing, player.channel),
    }
    player.events.push(event)
    await this.#receive(player, event)
  }

  async #receive(player: Player, event: InboundEvent): Promise<void> {
    const at = this.#now
    player.latest = at
    let refusal: unknown
    // Where the answer goes inside the response, this waits for it: it may take the clock to move on.
    const received = this.#rehearsal.channels.get(player.channel.name)?.receive(event)
    received?.then(
      (answer) => {
        if (answer) player.came.push({ part: answer.part, identity: answer.identity, at })
      },
      (error: unknown) => {
        refusal = error
      },
    )
    await this.#rehearsal.settle()
    if (refusal !== undefined) throw new Wrong(player.name, { message: `It was not accepted: ${messageOf(refusal)}` })
  }

  async #repeats(customer: string): Promise<void> {
    const player = this.#player(customer)
    const latest = player.events.at(-1)
    if (latest) await this.#receive(player, latest)
  }

  async #edits(customer: string, parts: readonly Part[]): Promise<void> {
    const latest = this.#player(customer).events.findLast(({ type }) => type === 'message')
    if (!latest) throw new Wrong(customer, { message: `${customer} has not written anything that could be edited.` })
    await this.#does(customer, { type: 'edit', of: latest.id, parts })
  }

  async #recalls(customer: string, words: string): Promise<void> {
    const own = this.#player(customer).events.findLast(
      (event) => event.type === 'message' && textOf(event.parts) === words,
    )
    if (!own) throw new Wrong(customer, { message: `${customer} has not written “${words}”.` })
    await this.#does(customer, { type: 'recall', of: own.id })
  }

  async #clicks(customer: string, wanted: string): Promise<void> {
    const shown = this.#player(customer).came.findLast(({ part }) => part.type === 'choices')?.part
    const choices: readonly Choice[] = shown?.type === 'choices' ? shown.choices : []
    const choice = choices.find(({ id, label }) => label === wanted || id === wanted)
    if (!choice) {
      const message = choices.length
        ? `${customer} was shown no choice “${wanted}”, but ${choices.map(({ label }) => `“${label}”`).join(', ')}.`
        : `${customer} was shown no choices to click. Where the channel shows them as numbered text, let ${customer} say the number.`
      throw new Wrong(customer, { message })
    }
    await this.#does(customer, { type: 'message', parts: [{ type: 'text', text: choice.label }], choice: choice.id })
  }

  /** Called before a channel sends. Throws when the scenario has it refuse this one. */
  #refuseNext(channel: string): void {
    const next = this.#refusals.findIndex((one) => one.channel === channel)
    const [refusal] = next < 0 ? [] : this.#refusals.splice(next, 1)
    if (refusal) throw new DeliveryError(refusal.code)
  }

  /** Every refusal has met a message. */
  #mustHaveRefused(): void {
    const [refusal] = this.#refusals
    if (!refusal) return
    throw new Wrong(undefined, { message: `Nothing was sent that ${refusal.channel} could have refused.` }, refusal.at)
  }

  // ── what agents do ──

  async #commands({ agent, customer, command, refused }: Extract<Sentence, { type: 'commands' }>): Promise<void> {
    const chat = (await this.#chatOf(customer)) ?? ''
    const by = { kind: 'agent', person: agent } as const
    const result = await this.#rehearsal.runtime.command({ ...command, id: randomUUID(), by, chat })
    await this.#rehearsal.settle()
    const actual = result.ok ? 'done' : `refused: ${result.code} (${result.message})`
    const isSo = result.ok ? refused === undefined : result.code === refused
    if (isSo) return
    const expected = refused === undefined ? 'done' : `refused: ${refused}`
    throw new Wrong(customer, { looked: [{ what: agent, ok: false, expected, actual }] })
  }

  // ── what must be so ──

  async #hears(customer: string, expected: readonly ExpectedMessage[]): Promise<void> {
    const player = this.#player(customer)
    await this.#rehearsal.settle()
    const came = await Promise.all(player.came.slice(player.heard).map((one) => this.#asSeen(customer, one)))
    const isSo = expected.length > 0 ? expected.every((one, i) => isMessage(one, came[i])) : came.length === 0
    if (!isSo) throw new Wrong(customer, { messages: compare(expected, came) })
    player.heard += expected.length
  }

  /** A message, and the name under which the customer sees it. */
  async #asSeen(customer: string, { part, identity }: Came): Promise<Seen> {
    if (identity === undefined) return { part, as: NOBODY }
    const { language } = await this.#stateOf(customer)
    const { languages } = this.#config
    const { name } = identity
    const as = typeof name === 'string' ? name : inLanguage(name, String(language), languages)
    return { part, as: as ?? NOBODY }
  }

  /** Nothing is under way at the end: what would still come of it, the scenario would not see. */
  async #mustBeDone(): Promise<void> {
    const settled = await this.#rehearsal.settle()
    if (settled === 'done') return
    const { runtime, clock } = this.#rehearsal
    const [chat] = await chatsUnderWay(runtime, clock)
    const player = this.#players.get(chat?.externalId ?? '')
    if (!player) throw new Wrong(undefined, { message: 'What was sent last is still on its way.' })
    const { name } = player
    if (settled === 'waiting') {
      const message = `${name}’s message still waits for its answer. Let time go by at the end, as  - after: 1m`
      throw new Wrong(name, { message }, player.latest)
    }
    // The limits that plugins have pass, so that the journal names the one that does not answer.
    await this.#rehearsal.advance(LIMITS_PASS_MS)
    throw new Wrong(name, { message: `${name}’s message is still being handled after a second.` }, player.latest)
  }

  /** Nothing has come that no line of the scenario hears. */
  #mustHaveHeard(customer: string): void {
    const player = this.#player(customer)
    const rest = player.came.slice(player.heard)
    const [first] = rest
    if (!first) return
    const message = `${customer} was sent this, and no line of the scenario hears it.`
    throw new Wrong(customer, { message, messages: compare([], rest) }, first.at)
  }

  async #then(states: ReadonlyMap<string, ExpectedState>): Promise<void> {
    await this.#rehearsal.settle()
    for (const [customer, expected] of states) {
      const looked = lookAt(expected, await this.#stateOf(customer))
      if (looked.some(({ ok }) => !ok)) throw new Wrong(customer, { message: `Of ${customer}:`, looked })
    }
  }

  async #stateOf(customer: string): Promise<ActualState> {
    const { channel } = this.#player(customer)
    const { runtime, clock } = this.#rehearsal
    const chat = (await this.#chatOf(customer)) ?? ''
    return stateOf(chat, { engine: runtime.engine, config: this.#config, channel, nowMs: clock.now() })
  }
}

/** The class of allowance that such an event opens: what the channel declares for its type, or for messages. */
function grantOf({ type }: PlainEvent, { capabilities }: CheckedChannel): string | undefined {
  if (capabilities.later.some(({ on }) => on === type)) return type
  return type === 'message' || type === 'menu-click' || type === 'scan' ? 'message' : undefined
}

/** A message as the customer sees it. */
interface Seen {
  readonly part: Part
  /** The name, or `nobody`; left out, it has not been looked up. */
  readonly as?: string
}

/** Stands for a message without a name. */
const NOBODY = 'nobody'

/** Expected and heard beside each other; what came beyond is told too. */
function compare(expected: readonly ExpectedMessage[], came: readonly Seen[]): readonly ComparedMessage[] {
  return Array.from({ length: Math.max(expected.length, came.length) }, (_, i) => {
    const [wanted, one] = [expected[i], came[i]]
    return {
      expected: wanted && withName(showExpected(wanted), wanted.as),
      came: one && withName(showPart(one.part, wanted !== undefined && isPart(wanted.said)), wanted?.as && one.as),
      ok: wanted !== undefined && isMessage(wanted, one),
    }
  })
}

function isMessage({ said, as }: ExpectedMessage, came: Seen | undefined): boolean {
  if (!came || (as !== undefined && as !== came.as)) return false
  if (typeof said === 'string') return textOf(came.part) === said
  return said instanceof RegExp ? said.test(textOf(came.part)) : isPartly(said, came.part)
}

function isPart(said: ExpectedMessage['said']): said is PartialPart {
  return typeof said === 'object' && !(said instanceof RegExp)
}

function withName(shown: string, as: string | undefined): string {
  return as === undefined ? shown : `${shown} (as ${as})`
}

function isPartly(expected: PartialPart, part: Part): boolean {
  try {
    assert.partialDeepStrictEqual(part, expected)
    return true
  } catch {
    return false
  }
}

function showExpected({ said }: ExpectedMessage): string {
  return isPart(said) ? JSON.stringify(said) : String(said)
}

/** A message as a person reads it; one without words, or that was to be a certain part, with all that it is. */
function showPart(part: Part, whole: boolean): string {
  return whole || textOf(part) === '' ? JSON.stringify(part) : textOf(part)
}
