/** What a channel can send, and when: data that the channel declares and the core enforces. */
import type { PartType } from './message.ts'

export interface TextLimits {
  readonly maxChars?: number | undefined
  /** In UTF-8 bytes. */
  readonly maxBytes?: number | undefined
  /** `<a href="…">…</a>` is a link there: a long text is never cut inside one. */
  readonly hasLinks?: boolean | undefined
  /** Choices stand in the same text as what is asked, at worst as a numbered list: both together are within the limits. */
  readonly holdsChoices?: boolean | undefined
  /** A text as the channel writes it: that is what is measured, and said. Twice is as once. */
  readonly written?: ((text: string) => string) | undefined
}

export interface MediaLimits {
  readonly maxBytes?: number | undefined
  readonly mimeTypes?: readonly string[] | undefined
  /** How many in one part (choices, for instance). */
  readonly max?: number | undefined
}

/**
 * After an event with `grants: on` the platform takes `max` messages (any number when left out) within `withinMs`.
 * `resets`: a further event starts the count again; otherwise it counts on until the window has ended.
 */
export interface Allowance {
  readonly on: string
  readonly withinMs: number
  readonly max?: number | undefined
  readonly resets: boolean
}

/** How a channel answers inside the webhook's own response. */
export interface Inline {
  /** … if the answer is there within this time. */
  readonly withinMs: number
  /** Where it can also send afterwards: an answer in time goes inside the response, unless the YAML says `answer: later`. */
  readonly isPreferred?: boolean | undefined
  /** What can be said there; all else goes afterwards, where the channel can. Left out: all that it sends. */
  readonly parts?: readonly PartType[] | undefined
  /** `false`: no name or face can be shown there, so what has one goes afterwards, where the channel can. */
  readonly showsIdentity?: boolean | undefined
}

/** What a channel can send. A part type that `sends` leaves out is degraded to text before it reaches the channel. */
export interface Capabilities {
  readonly sends: { readonly text: TextLimits } & {
    readonly [T in Exclude<PartType, 'text'>]?: MediaLimits | undefined
  }
  /** The channel can answer inside the webhook's own response. */
  readonly inline?: Inline | undefined
  /** Which messages it can send afterwards. Empty: never, and all texts of a turn are then one message. */
  readonly later: readonly Allowance[]
  readonly showsIdentity:
    | 'none'
    | {
        readonly avatar: boolean
        readonly maxGraphemes?: number | undefined
        readonly perAccount?: number | undefined
        /**
         * What the platform knows an identity by: as the settings say for it, or as it is made from its name. Two that
         * would be the same there are refused. Left out: each is its own.
         */
        readonly knownAs?:
          | {
              readonly set: { readonly [identity: string]: string }
              readonly made: (identity: string) => string
            }
          | undefined
        /** What is wrong with the channel's settings, so that nobody can be seen under one: whoever assigns one is told. */
        readonly missing?: { readonly message: string; readonly instead: string } | undefined
      }
  /** What its menu can send as the key of a click, where the YAML has that menu. Left out: anything. */
  readonly menuKeys?: readonly string[] | undefined
  /** The platform takes our delivery id as an idempotency key, so sending again after a crash doubles nothing. */
  readonly idempotentSend?: boolean | undefined
  /**
   * Customers may send again what they sent long ago (from an outbox, say): the ids of this channel's events are
   * remembered as long as their messages are kept, and not only for the `keep.dedupe` of the YAML.
   */
  readonly repeatsLate?: boolean | undefined
}

/** An allowance that goes on for ever: for platforms without windows and quotas. */
export const ALWAYS: Allowance = { on: 'message', withinMs: Number.MAX_SAFE_INTEGER, resets: true }
