/** What every part of the pipeline works with. */
import type { Engine } from '../journal/engine.ts'
import type { Metrics } from '../operations/metrics.ts'
import type { Plan } from '../runtime/plan.ts'
import type { Clock, MakeId } from '../services/clock.ts'
import type { Facts, Log } from '../turn.ts'

export interface Tools {
  readonly engine: Engine
  readonly clock: Clock
  readonly makeId: MakeId
  readonly log: Log
  readonly metrics: Metrics
  /** Resolves after so many ms. */
  wait(ms: number): Promise<void>
  /** Cuts secrets out of what is kept: the words of an error may hold one. */
  redact(text: string): string
  /** Something in this chat has become another: screens are told. */
  changed(chat: string): void
  /** The plan in force. */
  plan(): Plan
  /** The platform has said that it lets this account only answer: from now on its channel is one that sends nothing later. */
  onlyAnswers(account: string): void
  /** The plan in force, or one that is held already: it is not stopped before `release` (or its time is over). */
  hold(held?: Plan): { readonly plan: Plan; release(): void }
  /** In a replay: what is known of the turn that is run again. */
  readonly recorded?: Recorded | undefined
}

/** A turn as it was recorded. What asked outside then is not asked again. */
export interface Recorded {
  /** What enrichers had found. */
  readonly facts: Facts | undefined
  /** The next recorded step of this hook, if it is not to be called again; the clock goes to its time. */
  step(stage: string, by: string): RecordedStep | undefined
}

export interface RecordedStep {
  readonly did: string
  readonly because: string | undefined
  readonly gave: unknown
}
