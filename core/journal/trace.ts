/** Why a turn ended as it did: one step for everyone who had a say, kept in the journal with the turn. */
import { z } from 'zod'

export interface TraceStep {
  /** guard, enrich, answered, intercept, respond, route, bot, where, rewrite, adapt, prepare, allowance, ledger, inline, commit, outcome. */
  readonly stage: string
  /** The instance's name, or `core`. */
  readonly by: string
  /** What it did: next, reply, drop, hand-off, … or `failed`. */
  readonly did: string
  readonly because?: string | undefined
  /** How long it took; left out when it was less than one ms. */
  readonly ms?: number | undefined
  /** When it began, in ms from the start of the turn; left out when it is none. */
  readonly at?: number | undefined
  /** `<revision>:<line>`: where the YAML says so. */
  readonly line?: string | undefined
  /**
   * What it added to the turn, if it could only know by asking outside: a bot, or whatever waited for something. A
   * replay takes it from here. Written as JSON.
   */
  readonly gave?: object | undefined
}

const Steps: z.ZodType<readonly TraceStep[]> = z.array(
  z.object({
    stage: z.string(),
    by: z.string(),
    did: z.string(),
    because: z.string().optional(),
    ms: z.number().optional(),
    at: z.number().optional(),
    line: z.string().optional(),
    gave: z.record(z.string(), z.unknown()).optional(),
  }),
)

/** The steps of a trace as it is stored; none when it is no longer kept. */
export function stepsOf(traceJson: string | null | undefined): readonly TraceStep[] {
  return traceJson === null || traceJson === undefined ? [] : Steps.parse(JSON.parse(traceJson))
}
