/**
 * What every channel keeps, as a list of checks: each runs the channel in a whole runtime against a platform that its
 * author simulates, so what is checked are the bytes of both sides.
 */
import type { InboundEvent, Part, PartType } from '../message.ts'
import type { Plugin } from '../plugin.ts'
import { lifetimeChecks } from './contract-lifetime.ts'
import { receivingChecks } from './contract-receiving.ts'
import { sendingChecks } from './contract-sending.ts'

/** One thing that every channel keeps. `run` rejects with an assertion that says what is wrong and what to do. */
export interface ContractCheck {
  /** A sentence, for the name of the test. */
  readonly name: string
  run(): Promise<void>
}

/** Where the channel is, and what time its clock shows. */
export interface ChannelAddress {
  /** `http://127.0.0.1:<port>/<name of the channel>` */
  readonly url: string
  readonly nowMs: number
}

/** One message as the platform has it: `type`, and what else can be read from the wire. What is there is compared. */
export type Shown = Part extends infer P ? (P extends Part ? Partial<P> & Pick<P, 'type'> : never) : never

/** The other side, made by the channel's author: a server on loopback that is as strict as the real one. */
export interface SimulatedPlatform extends AsyncDisposable {
  /**
   * The bytes in which this platform tells that a customer wrote a text. `id` and `chat` are digits, for platforms that
   * have nothing else; what the platform makes of them is its own affair, if it is always the same.
   */
  message(said: { readonly id: string; readonly chat: string; readonly text: string; readonly atMs: number }): string
  /** Platforms that call the channel: the signed request that brings `bytes`. It may have to sign in first. */
  request?(bytes: string, to: ChannelAddress): Request | Promise<Request>
  /**
   * Where such a request says whom it is from: the name of a header, or of a parameter of the query. `coversBody` is
   * false on platforms that do not sign what they say.
   */
  readonly signature?:
    | { readonly header: string; readonly coversBody?: boolean }
    | { readonly query: string; readonly coversBody?: boolean }
  /** Platforms that are asked: keeps `bytes` until the channel has taken them. */
  offer?(bytes: string): void
  /** All that this customer has been shown, oldest first, without what stood in responses. */
  shown(chat: string, channel: ChannelAddress): readonly Shown[] | Promise<readonly Shown[]>
  /** Channels that answer inside the response: the message that stands in one. */
  answerIn?(body: string): Shown | undefined
  /** From now on the platform takes no message, and says so in the way that has this name. */
  refuse?(refusal: string): void
}

/** What a channel makes of one of its platform's refusals: the `DeliveryError` that `send` throws. */
export interface ExpectedRefusal {
  readonly code: string
  /** Left out: `chat`. */
  readonly scope?: 'chat' | 'channel'
  /** Left out: as the code has it. */
  readonly retry?: boolean
  readonly retryAfterMs?: number
}

/** What is given here must be so; what else the event has is not looked at. */
export type ExpectedEvent = InboundEvent extends infer E ? (E extends InboundEvent ? Partial<E> : never) : never

export interface ChannelContract<P extends SimulatedPlatform = SimulatedPlatform> {
  readonly plugin: Plugin
  /** Starts the platform. Each check has its own. */
  platform(): P | Promise<P>
  /** What stands in the YAML beside `use:`. Secrets may be written out. */
  settings(platform: P): { readonly [setting: string]: unknown }
  /** Payloads in the platform's own form. Each file of the folder must be named, with the event (or events) that it is. */
  readonly fixtures: {
    readonly folder: URL
    readonly events: { readonly [file: string]: ExpectedEvent | readonly ExpectedEvent[] }
  }
  /** By the names that `platform.refuse` takes. */
  readonly refusals?: { readonly [refusal: string]: ExpectedRefusal }
  /** Parts to send, where those of the contract will not do. A channel that declares `native` gives one here. */
  readonly samples?: { readonly [T in PartType]?: Extract<Part, { readonly type: T }> }
}

/**
 * The checks of one channel, to be registered with whatever runs the tests:
 *
 *     for (const { name, run } of channelContract({ plugin, platform, settings, fixtures })) test(name, run)
 */
export function channelContract<P extends SimulatedPlatform>(contract: ChannelContract<P>): readonly ContractCheck[] {
  return [...receivingChecks(contract), ...sendingChecks(contract), ...lifetimeChecks(contract)]
}
