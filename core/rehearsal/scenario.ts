/** Scenarios as they are played: what an operator wrote, read and checked against the configuration. */
import type { Command, RefusalCode } from '../command.ts'
import type { Content, CustomerPatch, InboundEvent } from '../message.ts'
import type { ExpectedState, PartialPart } from './sentences.ts'
import type { StandInAnswer } from './stand-in-bot.ts'

export interface Scenarios {
  /** As messages show it: from the working directory. */
  readonly file: string
  readonly scenarios: readonly Scenario[]
}

export interface Scenario {
  readonly name: string
  readonly line: number
  /** When its clock starts. */
  readonly startMs: number
  /** Everyone who does anything in it. */
  readonly customers: ReadonlyMap<string, ScenarioCustomer>
  readonly bots: ReadonlyMap<string, readonly StandInAnswer[]>
  /** Who is at the desks when it begins. */
  readonly there: readonly string[]
  readonly sentences: readonly Sentence[]
}

export interface ScenarioCustomer {
  /** The name of the channel. */
  readonly channel: string
  /** What the platform tells of them with every event. */
  readonly sender: CustomerPatch
}

/** One line of a scenario: what happens, or what must be so. */
export type Sentence = Act & {
  readonly line: number
  /** As it is written before the colon. */
  readonly key: string
}

export type Act =
  | { readonly type: 'says' | 'edits'; readonly customer: string; readonly content: Content }
  | { readonly type: 'clicks'; readonly customer: string; readonly choice: string }
  | { readonly type: 'recalls'; readonly customer: string; readonly text: string }
  | { readonly type: 'does'; readonly customer: string; readonly event: PlainEvent }
  | { readonly type: 'hears'; readonly customer: string; readonly expected: readonly ExpectedMessage[] }
  | {
      readonly type: 'commands'
      readonly agent: string
      readonly customer: string
      readonly command: PlainCommand
      /** The code with which it must be refused; left out, it must be done. */
      readonly refused?: RefusalCode | undefined
    }
  | { readonly type: 'attends'; readonly person: string; readonly isThere: boolean }
  | { readonly type: 'repeats'; readonly channel: string; readonly customer: string }
  | { readonly type: 'refuses'; readonly channel: string; readonly code: string }
  | { readonly type: 'after'; readonly ms: number }
  | { readonly type: 'then'; readonly customers: ReadonlyMap<string, ExpectedState> }

type WithoutMade<T, K extends string> = T extends unknown ? Omit<T, K> : never

/** An event without what the rehearsal makes: who did it, when, and its id. */
export type PlainEvent = WithoutMade<InboundEvent, 'id' | 'chat' | 'atMs' | 'sender' | 'grants'>

/** A command without what the rehearsal makes: who gives it, in which chat, and its id. */
export type PlainCommand = WithoutMade<Command, 'id' | 'by' | 'chat' | 'conversation' | 'lease'>

/** A message that must come. */
export interface ExpectedMessage {
  /** Its words, a pattern of them, or the part itself, compared in what is written. */
  readonly said: string | RegExp | PartialPart
  /** The name under which the customer sees it, or `nobody`; left out, that is not looked at. */
  readonly as?: string | undefined
}
