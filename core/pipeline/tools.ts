/** What every part of the pipeline works with. */
import type { Engine } from '../journal/engine.ts'
import type { Plan } from '../runtime/plan.ts'
import type { Clock, MakeId } from '../services/clock.ts'
import type { Log } from '../turn.ts'

export interface Tools {
  readonly engine: Engine
  readonly clock: Clock
  readonly makeId: MakeId
  readonly log: Log
  /** Cuts secrets out of what is kept: the words of an error may hold one. */
  redact(text: string): string
  /** The plan in force. */
  plan(): Plan
  /** The plan in force, which is not stopped before `release` (or its time is over). */
  hold(): { readonly plan: Plan; release(): void }
}
