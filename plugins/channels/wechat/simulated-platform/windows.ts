/** When, and how often, an account may write to a customer without being asked: the platform’s side of the windows. */
import type { Allowance } from '#core'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** What a customer does that lets the account write. */
export type Trigger = 'message' | 'menu' | 'follow' | 'scan'

/** The platform’s rule for one trigger, by its name. */
export type Rule = Allowance

/**
 * That a new message starts the count again is not said anywhere, and is what everybody sees; the same is taken for the
 * other triggers. Whether what several of them allow adds up is not known: here it does, and what ends first is used first.
 * Source: https://developers.weixin.qq.com/doc/service/en/api/customer/message/api_sendcustommessage.html, read 2026-11-22.
 */
export const RULES_OF_2023: readonly Rule[] = [
  { on: 'message', withinMs: 48 * HOUR_MS, max: 5, resets: true },
  { on: 'menu', withinMs: MINUTE_MS, max: 3, resets: true },
  { on: 'follow', withinMs: MINUTE_MS, max: 3, resets: true },
  { on: 'scan', withinMs: MINUTE_MS, max: 3, resets: true },
]

/** As before: more messages in the same time. */
export const RULES_OF_2022: readonly Rule[] = RULES_OF_2023.map((rule) =>
  rule.on === 'message' ? { ...rule, max: 20 } : rule,
)

/** One window of one customer. */
export interface OpenWindow {
  readonly on: Trigger
  readonly untilMs: number
  /** How many messages it still takes; `Infinity` where the rules have no number. */
  readonly left: number
}

/** The windows of one customer. */
export class Windows {
  #open: readonly OpenWindow[] = []

  /** The customer has done this now. */
  trigger(on: Trigger, rules: readonly Rule[], nowMs: number): void {
    const rule = rules.find((one) => one.on === on)
    if (!rule) return
    const before = this.#open.find((one) => one.on === on && one.untilMs >= nowMs)
    if (before && !rule.resets) return
    const { withinMs, max = Number.POSITIVE_INFINITY } = rule
    this.#open = [...this.#open.filter((one) => one.on !== on), { on, untilMs: nowMs + withinMs, left: max }]
  }

  /** The customer does not follow any more. */
  close(): void {
    this.#open = []
  }

  /** Those that have not ended, the one that ends first in front. */
  at(nowMs: number): readonly OpenWindow[] {
    return this.#open.filter(({ untilMs }) => nowMs <= untilMs).sort((a, b) => a.untilMs - b.untilMs)
  }

  /** Counts one message. `undefined`, or why it is not taken. */
  take(nowMs: number): 'over' | 'used-up' | undefined {
    const open = this.at(nowMs)
    if (open.length === 0) return 'over'
    const used = open.find(({ left }) => left > 0)
    if (!used) return 'used-up'
    this.#open = this.#open.map((one) => (one === used ? { ...one, left: one.left - 1 } : one))
    return undefined
  }
}
