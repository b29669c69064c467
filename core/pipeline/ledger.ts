/**
 * What the platform still lets us send in a chat. The journal keeps the counts; here is what they mean.
 *
 * A chat without any allowance is closed, whatever the channel could do: its platform takes nothing before the customer
 * has done something. The one exception is an allowance without number and end (`ALWAYS`): it is open until the journal
 * says otherwise, so that a chat that began with a mere follow can be written to.
 */
import { ALWAYS, type Allowance, type Capabilities } from '../capabilities.ts'
import type { Actor } from '../conversation.ts'
import { type Grant, type LoadedAllowance, NEVER_MS } from '../journal/engine.ts'
import type { InboundEvent } from '../message.ts'

/** All that decides what may be sent in a chat at one moment. */
export interface Sending {
  readonly allowances: readonly LoadedAllowance[]
  readonly capabilities: Pick<Capabilities, 'later'>
  readonly nowMs: number
  /** Who speaks: only an agent may use what is kept for people. */
  readonly by: Actor
  /** How many of the last sends are kept for people: the channel's `reserve`. */
  readonly reserve: number
}

/** What is left to send, for the composer of the desk and for the sentence of a refusal. */
export interface Left {
  /** `undefined`: any number. */
  readonly left: number | undefined
  /** How many the platform takes in all in the windows that are open; `undefined`: any number, or none is open. */
  readonly max: number | undefined
  /** When the last window that counts here ends, or ended; `NEVER_MS`: never. `undefined`: there has been none. */
  readonly untilMs: number | undefined
  /** There exactly when `left` is 0. */
  readonly closed?: { readonly why: Closed; readonly message: string } | undefined
}

/** Why nothing may be sent. */
export type Closed = 'never-later' | 'no-event' | 'over' | 'used-up' | 'kept-for-people'

const CLOSED: { readonly [W in Closed]: string } = {
  'never-later': 'This channel can answer only inside the platform’s own request.',
  'no-event': 'The platform takes nothing before the customer has written or done something.',
  over: 'The time in which the platform takes messages is over, until the customer writes again.',
  'used-up': 'All messages that the platform takes are used up, until the customer writes again.',
  'kept-for-people': 'What the platform still takes is kept for people.',
}

/** What one delivery is reserved on. */
export interface Reservation {
  /** The allowance that counts it. `undefined`: none does, since the channel always takes messages. */
  readonly on: string | undefined
  /** After this the platform refuses it. */
  readonly endsAtMs: number
}

/**
 * What this event lets us send, to be stored when it is accepted; `undefined` if nothing, or nothing any more.
 *
 * The window starts when the platform says that the event happened: that is the platform's own reckoning, and an event
 * may reach us late. A time that lies ahead of our clock counts as now.
 */
export function grantOf(
  event: Pick<InboundEvent, 'grants' | 'atMs'>,
  capabilities: Pick<Capabilities, 'later'>,
  nowMs: number,
): Grant | undefined {
  if (event.grants === undefined) return undefined
  const allowance = capabilities.later.find(({ on }) => on === event.grants)
  if (!allowance) return undefined
  const endsAtMs = Math.min(Math.min(event.atMs, nowMs) + allowance.withinMs, NEVER_MS)
  if (endsAtMs <= nowMs) return undefined
  return { on: allowance.on, endsAtMs, max: allowance.max, resets: allowance.resets }
}

/** How many messages may be sent now, and until when. */
export function left(sending: Sending): Left {
  const windows = openWindows(sending)
  const untilMs = (windows.findLast(({ free }) => free !== 0) ?? windows.at(-1) ?? lastKnown(sending))?.endsAtMs
  let sum: number | undefined = 0
  for (const { free } of windows) sum = sum === undefined || free === undefined ? undefined : sum + free
  const max = sum === undefined ? undefined : maxOf(sending)
  return sum === 0 ? { left: 0, max, untilMs, closed: closedOf(sending, windows) } : { left: sum, max, untilMs }
}

/**
 * What `count` deliveries are reserved on, in their order: the allowance of the event that they answer (`answers`: what
 * it `grants`) as long as it has any, then the one that ends first. Gives fewer than `count` when no more are left.
 */
export function reserve(sending: Sending, count: number, answers?: string | undefined): readonly Reservation[] {
  const windows = openWindows(sending)
  const own = windows.filter(({ on }) => on !== undefined && on === answers)
  const reservations: Reservation[] = []
  for (const { on, free, endsAtMs } of [...own, ...windows.filter((window) => !own.includes(window))]) {
    const take = Math.min(free ?? count, count - reservations.length)
    for (let i = 0; i < take; i++) reservations.push({ on, endsAtMs })
  }
  return reservations
}

interface Window {
  readonly on: string | undefined
  readonly endsAtMs: number
  /** What is left, and how much of it is free for who speaks. `undefined`: any number. */
  readonly left: number | undefined
  readonly free: number | undefined
}

/** The windows that are open with something left, the one that ends first at the front. */
function openWindows(sending: Sending): readonly Window[] {
  const { allowances, capabilities, by } = sending
  const open: Omit<Window, 'free'>[] = []
  for (const { on, endsAtMs, max, used } of openAllowances(sending)) {
    const remains = max === undefined ? undefined : Math.max(0, max - used)
    if (remains !== 0) open.push({ on, endsAtMs, left: remains })
  }
  const ungranted = (allowance: Allowance) => !allowances.some(({ on }) => on === allowance.on)
  if (capabilities.later.some((allowance) => isForEver(allowance) && ungranted(allowance))) {
    open.push({ on: undefined, endsAtMs: NEVER_MS, left: undefined })
  }
  open.sort((a, b) => a.endsAtMs - b.endsAtMs)

  // What is kept for people is kept in the windows that end last: elsewhere it would be gone before anybody comes.
  let kept = by.kind === 'agent' ? 0 : sending.reserve
  const windows: Window[] = []
  for (const window of open.reverse()) {
    const keep = window.left === undefined ? kept : Math.min(window.left, kept)
    kept -= keep
    windows.push({ ...window, free: window.left === undefined ? undefined : window.left - keep })
  }
  return windows.reverse()
}

/** Those whose time is not over, used up or not. What the channel no longer declares does not count: its policy has changed. */
function openAllowances({ allowances, capabilities, nowMs }: Sending): readonly LoadedAllowance[] {
  const isDeclared = (on: string) => capabilities.later.some((allowance) => allowance.on === on)
  return allowances.filter(({ on, endsAtMs }) => endsAtMs > nowMs && isDeclared(on))
}

/** Asked only when all that are open have a number. */
function maxOf(sending: Sending): number | undefined {
  const open = openAllowances(sending)
  return open.length === 0 ? undefined : open.reduce((sum, { max }) => sum + (max ?? 0), 0)
}

/** Whether the platform counts, so that it matters what is left. */
export function isLimited({ later }: Pick<Capabilities, 'later'>): boolean {
  return !later.every(isForEver)
}

function isForEver(allowance: Allowance): boolean {
  return allowance.withinMs === ALWAYS.withinMs && allowance.max === undefined
}

function lastKnown({ allowances, capabilities }: Sending): LoadedAllowance | undefined {
  const known = allowances.filter(({ on }) => capabilities.later.some((allowance) => allowance.on === on))
  return known.reduce<LoadedAllowance | undefined>((a, b) => (a && a.endsAtMs >= b.endsAtMs ? a : b), undefined)
}

function closedOf(sending: Sending, windows: readonly Window[]): { why: Closed; message: string } {
  const last = lastKnown(sending)
  const whyNot = (): Closed => {
    if (sending.capabilities.later.length === 0) return 'never-later'
    if (windows.length > 0) return 'kept-for-people'
    if (!last) return 'no-event'
    return last.endsAtMs <= sending.nowMs ? 'over' : 'used-up'
  }
  const why = whyNot()
  return { why, message: CLOSED[why] }
}
