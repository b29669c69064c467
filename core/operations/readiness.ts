/** Whether this process takes messages, and what is the matter with it: what `/readyz` says. */
import type { CheckedConfig } from '../config/checked.ts'
import type { Paused } from '../pipeline/deliver.ts'
import type { Failing } from '../runtime/listeners.ts'
import type { Backlog } from './backlog.ts'

/** What is known without asking anybody. */
export interface Vitals {
  readonly nowMs: number
  readonly config: CheckedConfig
  readonly journalWritable: boolean
  /** From the first signal on. */
  readonly stopping: boolean
  /** By account, and `desk:<name>`: those that could not be sent to, until something is sent again. */
  readonly paused: ReadonlyMap<string, Paused>
  /** By channel's name: those whose `listen` fails. */
  readonly failing: ReadonlyMap<string, Failing>
}

interface Trouble {
  readonly code?: string
  readonly because: string
  readonly since?: string
  readonly until?: string
}

/**
 * `up`: takes messages and sends. `paused`: takes messages; the platform refuses what is sent, which is tried again
 * later, and has taken nothing since. `not-listening`: its platform cannot be asked for messages; that is tried again. `down`: does not run at all.
 */
export type ChannelReadiness = { readonly name: string; readonly use: string } & (
  | { readonly state: 'up' }
  | ({ readonly state: 'paused' | 'not-listening' | 'down' } & Trouble)
)

export type DeskReadiness = { readonly name: string; readonly use: string } & (
  | { readonly state: 'up' }
  | ({ readonly state: 'failing' } & Trouble)
)

export interface Readiness {
  readonly ready: boolean
  /** Why it is not ready, in sentences; empty when it is. */
  readonly because: readonly string[]
  readonly revision: string
  readonly stopping: boolean
  readonly journal: { readonly writable: boolean }
  readonly channels: readonly ChannelReadiness[]
  readonly desks: readonly DeskReadiness[]
}

/** What waits; only operators are told. */
export interface Waiting {
  readonly events: { readonly waiting: number; readonly oldestMs: number }
  readonly deliveries: { readonly open: number; readonly unknown: number }
}

export function readiness(vitals: Vitals): Readiness {
  const { config, stopping, journalWritable } = vitals
  const channels = channelsOf(vitals)
  const because = [
    ...(stopping ? ['It is stopping.'] : []),
    ...(journalWritable ? [] : ['The journal cannot be written (is the disk full?).']),
    // One that is paused still takes messages: sent elsewhere, they would only be lost.
    ...(channels.some(({ state }) => state === 'up' || state === 'paused') ? [] : ['No channel takes messages.']),
  ]
  return {
    ready: because.length === 0,
    because,
    revision: config.revision.hash.slice(0, 12),
    stopping,
    journal: { writable: journalWritable },
    channels,
    desks: desksOf(vitals),
  }
}

export function waitingOf({ waiting, oldestMs, openDeliveries, unknownDeliveries }: Backlog): Waiting {
  const open = [...openDeliveries.values()].reduce((sum, count) => sum + count, 0)
  return { events: { waiting, oldestMs }, deliveries: { open, unknown: unknownDeliveries } }
}

function channelsOf({ config, paused, failing, nowMs }: Vitals): readonly ChannelReadiness[] {
  const running = config.channels.map(({ name, use, account }): ChannelReadiness => {
    const failed = failing.get(name)
    if (failed) return { name, use, state: 'not-listening', because: failed.because, since: moment(failed.sinceMs) }
    const pause = paused.get(account)
    return pause ? { name, use, state: 'paused', ...troubleOf(pause, nowMs) } : { name, use, state: 'up' }
  })
  const down = config.down.map(({ name, use, because }): ChannelReadiness => ({ name, use, state: 'down', because }))
  return [...running, ...down]
}

/** What a desk did not take is tried for ever, so it fails until it has taken something. */
function desksOf({ config, paused, nowMs }: Vitals): readonly DeskReadiness[] {
  return config.desks.map(({ name, use }) => {
    const pause = paused.get(`desk:${name}`)
    return pause ? { name, use, state: 'failing', ...troubleOf(pause, nowMs) } : { name, use, state: 'up' }
  })
}

/** `until` is the next try. Once that time is over, it is whatever is to be sent next. */
function troubleOf({ code, message, sinceMs, untilMs }: Paused, nowMs: number): Trouble {
  const trouble = { code, because: message, since: moment(sinceMs) }
  return untilMs > nowMs ? { ...trouble, until: moment(untilMs) } : trouble
}

function moment(ms: number): string {
  return new Date(ms).toISOString()
}
