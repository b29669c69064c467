/** A turn or command as it was recorded, in the form in which the pipeline asks for it. */
import { z } from 'zod'
import type { LoadedAllowance, LoadedChat } from '../journal/engine.ts'
import type { TraceStep } from '../journal/trace.ts'
import { checkedGiven } from '../pipeline/checked.ts'
import { withFacts } from '../pipeline/draft.ts'
import { MAX_BLOCKED, MAX_FAILS } from '../pipeline/pipeline.ts'
import type { Recorded, RecordedStep } from '../pipeline/tools.ts'
import type { ManualClock } from '../testing/clock.ts'
import type { Facts } from '../turn.ts'
import type { Deed } from './recording.ts'

/** Each of its steps is taken once. */
export class RecordedDeed implements Recorded {
  readonly facts: Facts | undefined
  /** How often it had failed before, as far as that decided. */
  readonly failures: { readonly fails: number; readonly blocked: number }
  readonly #deed: Deed
  readonly #clock: ManualClock
  readonly #steps: TraceStep[]

  constructor(deed: Deed, clock: ManualClock) {
    this.#deed = deed
    this.#clock = clock
    this.#steps = [...deed.steps]
    const guardFailed = deed.steps.some(({ stage, did }) => stage === 'guard' && did === 'failed')
    const wasGivenUp = 'outcome' in deed.of && deed.of.outcome === 'failed' && !deed.steps.some(isOfTurn)
    this.failures = { fails: guardFailed ? MAX_FAILS : 0, blocked: wasGivenUp ? MAX_BLOCKED : 0 }
    const found = deed.found.flatMap(({ gave }) => (gave ? (checkedGiven(gave).facts ?? []) : []))
    // What was found only when the turn had looked counted for nothing in it.
    const knew = deed.steps.some(({ stage, gave }) => stage === 'outcome' && gave && 'learnt' in gave)
    this.facts = knew && found.length > 0 ? found.reduce(withFacts, {}) : undefined
  }

  /** What it saw of the platform's allowances. A response that was open then, stood alone. */
  seen({ allowances }: LoadedChat): Pick<LoadedChat, 'allowances' | 'openDeliveries'> {
    const noted = this.#deed.steps.findLast(({ stage }) => stage === 'allowance')
    return { allowances: noted ? Seen.parse(noted.gave).allowances : allowances, openDeliveries: 0 }
  }

  step(stage: string, by: string): RecordedStep | undefined {
    const index = this.#steps.findIndex((step) => step.stage === stage && step.by === by)
    const [step] = index < 0 ? [] : this.#steps.splice(index, 1)
    if (!step) {
      // Nobody outside is asked now; what it would have said, nobody knows.
      return stage === 'bot' ? { did: 'failed', because: 'it was not asked then', gave: {} } : undefined
    }
    const { at = 0, ms = 0, did, because, gave } = step
    // Never back: while it is composed, the clock shows when it was done.
    this.#clock.jump(Math.max(this.#clock.now(), this.#deed.startedAtMs + at + (gave ? ms : 0)))
    return gave && { did, because, gave }
  }
}

const Seen = z.object({
  allowances: z.array(
    z
      .object({
        on: z.string(),
        grantedAtMs: z.number(),
        eventAtMs: z.number().optional(),
        endsAtMs: z.number(),
        max: z.number().optional(),
        used: z.number(),
      })
      .transform(({ max, ...allowance }): LoadedAllowance => ({ ...allowance, max })),
  ),
})

/** Of a turn that was run, rather than given up: somebody had a say, or it came to a route. */
function isOfTurn({ stage }: TraceStep): boolean {
  return (
    stage !== 'outcome' &&
    stage !== 'adapt' &&
    stage !== 'allowance' &&
    stage !== 'ledger' &&
    stage !== 'rewrite' &&
    stage !== 'inline' &&
    stage !== 'prepare'
  )
}
