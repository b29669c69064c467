/** Why a turn ended as it did: one step for everyone who had a say, kept in the journal with the turn. */
import type { Json } from '../message.ts'

export interface TraceStep {
  /** guard, enrich, answered, intercept, respond, router, bot, rewrite, adapt, ledger, commit. */
  readonly stage: string
  /** The instance's name, or `core`. */
  readonly by: string
  /** What it did: next, reply, drop, hand-off, … or `failed`. */
  readonly did: string
  readonly because?: string | undefined
  readonly ms?: number | undefined
  /** `<revision>:<line>`: where the YAML says so. */
  readonly line?: string | undefined
}

/** As it is stored. */
export function traceJson(steps: readonly TraceStep[]): Json {
  return steps.map(({ stage, by, did, because, ms, line }) => ({
    stage,
    by,
    did,
    ...(because === undefined ? {} : { because }),
    ...(ms ? { ms } : {}),
    ...(line === undefined ? {} : { line }),
  }))
}
