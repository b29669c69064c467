/** What is known outside of the runtime: who sent what, and what they were told about it. */
import type { Platform } from './platform.ts'

/**
 * `kept` leaves a delivery whose fate is unknown, `again` sends it again; both answer later. `quick` and `quicker` answer
 * inside the response, and leave or send again; `inside` has no other way.
 */
export const CHANNELS = {
  kept: { use: 'loopback', answer: 'later', onUnknown: 'leave' },
  again: { use: 'line', answer: 'later', onUnknown: 'resend' },
  quick: { use: 'line', answer: 'inline', onUnknown: 'leave' },
  quicker: { use: 'line', answer: 'inline', onUnknown: 'resend' },
  inside: { use: 'line', answer: 'inline', onUnknown: 'resend', later: false },
} as const

/** The account of a channel: chats belong to it. */
export function accountOf(channel: Channel): string {
  return `${CHANNELS[channel].use}:${channel}`
}

export type Channel = keyof typeof CHANNELS

/** An event as the platform knows it. */
export interface SentEvent {
  readonly id: string
  readonly channel: Channel
  readonly customer: string
  readonly text: string
  /** The runtime has answered that it has it. */
  acked: boolean
}

/** A command as whoever gives it knows it. */
export interface GivenCommand {
  readonly id: string
  readonly channel: Channel
  readonly customer: string
  readonly act: Act
  /** What it was answered, as JSON. */
  result: string | undefined
}

/** What an agent does. */
export type Act =
  | { readonly type: 'take' | 'return' }
  | { readonly type: 'send'; readonly content: string }
  | { readonly type: 'note'; readonly text: string }

/** All that is known outside of the runtime. */
export interface Known {
  readonly events: ReadonlyMap<string, SentEvent>
  readonly commands: ReadonlyMap<string, GivenCommand>
  readonly platform: Platform
  /** Answers that nobody should ever be given. */
  readonly problems: readonly string[]
}
