/**
 * Runs plugins' hooks: one after the other, each in its own time, each failure kept to the one who failed.
 * `next()` means "not mine": a chain is a plain loop over a stage, nothing nests.
 */
import { messageOf, SwitchboardError } from '../errors.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Step } from '../runtime/plan.ts'
import { during, isThenable } from '../runtime/watchdog.ts'
import type { Clock } from '../services/clock.ts'
import type { Maybe, Next, Outcome, Reply } from '../turn.ts'
import { checkedChange, checkedGiven, checkedSay } from './checked.ts'
import {
  type DraftReply,
  dropped,
  type Ending,
  endingOf,
  HookTurn,
  next,
  nextWith,
  type Rewritten,
  type TurnDraft,
} from './draft.ts'
import type { RecordedStep, Tools } from './tools.ts'

/** How long one hook may take. A bot has its own, longer limit. */
export const HOOK_LIMIT_MS = 5_000

/** A hook that ended the turn, and whose it is. */
export interface Ended {
  readonly ending: Exclude<Ending, { kind: 'next' }>
  readonly stage: string
  readonly by: Instance
}

/** A guard could not say whether the event may pass: the event is tried again. */
export class GuardFailed extends Error {
  override readonly name = 'GuardFailed'
}

/** Any hook that returns an outcome, called with the turn as it sees it. */
export type OutcomeHook = (turn: HookTurn, next: Next) => unknown

/**
 * Runs a stage until one ends the turn. A hook that fails is logged and skipped; in `guard` it fails the stage
 * (`GuardFailed`), unless `patience` says that the event has waited long enough: then the plugin's `ifGuardFails` decides.
 */
export async function runStage(
  tools: Tools,
  draft: TurnDraft,
  stage: 'guard' | 'intercept' | 'respond',
  steps: readonly Step<OutcomeHook>[],
  patience: 'try-again' | 'decide' = 'try-again',
): Promise<Ended | undefined> {
  for (const { instance, run } of steps) {
    const asked = runHook(tools, draft, instance, stage, run)
    // Most answer at once, and to wait for nothing takes longer than all that they do.
    const ending = asked instanceof Promise ? await asked : asked
    if (ending instanceof Error) {
      if (stage !== 'guard') continue
      if (patience === 'try-again') throw new GuardFailed(instance.name, { cause: ending })
      if (instance.plugin.ifGuardFails === 'pass') continue
      return { ending: { kind: 'drop', because: `${instance.name} failed` }, stage, by: instance }
    }
    if (ending.kind !== 'next') return { ending, stage, by: instance }
  }
  return undefined
}

/** A hook that is being asked, and since when. */
interface Asked {
  readonly tools: Tools
  readonly draft: TurnDraft
  readonly instance: Instance
  readonly stage: string
  readonly sinceMs: number
}

/** How a hook is asked, where that is not the same for all. */
interface Asking {
  readonly key?: string
  readonly limitMs?: number
  readonly interrupted?: AbortSignal | undefined
}

/**
 * Runs one hook that returns an outcome; a promise only if the hook has not answered at once. An error is returned, not
 * thrown: it is in the log and the trace by then. Throws only `RunAgain`.
 */
export function runHook(
  tools: Tools,
  draft: TurnDraft,
  instance: Instance,
  stage: string,
  hook: OutcomeHook,
  asking?: Asking,
): Maybe<Ending | Error> {
  const turn = new HookTurn(draft, instance, stage, asking?.key)
  const recorded = tools.recorded?.step(stage, instance.name)
  const asked = { tools, draft, instance, stage, sinceMs: tools.clock.now() }
  if (recorded) return again(asked, turn, recorded)
  // A bot is never asked again in a replay, even one that answers at once.
  const isBot = stage === 'bot'
  try {
    const returned = during(instance, draft.entry.id, hook, turn, next)
    return isThenable(returned) ? whenAnswered(asked, turn, returned, asking) : ended(asked, turn, returned, isBot)
  } catch (error) {
    turn.giveUp()
    return failed(asked, error, isBot)
  }
}

async function whenAnswered(
  asked: Asked,
  turn: HookTurn,
  answer: PromiseLike<unknown>,
  { limitMs = HOOK_LIMIT_MS, interrupted }: Asking = {},
): Promise<Ending | Error> {
  try {
    return ended(
      asked,
      turn,
      await limited(asked.tools.clock, limitMs, answer, asked.instance.signal, interrupted),
      true,
    )
  } catch (error) {
    turn.giveUp()
    return failed(asked, error, true)
  }
}

/** `waited`: it could only know by asking outside, so a replay does not ask it again. */
function ended(asked: Asked, turn: HookTurn, returned: unknown, waited: boolean): Ending {
  const ending = endingOf(returned)
  if (!ending) throw new SwitchboardError('PLUGIN_NO_OUTCOME')
  turn.merge()
  note(asked, ending.kind, 'because' in ending ? ending.because : undefined, waited ? turn.given(ending) : undefined)
  return ending
}

/** In a replay: what the hook did then. */
function again(asked: Asked, turn: HookTurn, { did, because, gave }: RecordedStep): Ending | Error {
  if (did === 'failed') {
    note(asked, did, because, {})
    return new Error(because)
  }
  const given = checkedGiven(gave)
  turn.add(given)
  const ending = given.ending ?? { kind: 'next' as const }
  note(asked, did, because, given)
  return ending
}

/** Runs one hook that returns nothing: enrichers and listeners. `merged` waits with what it learnt until it returns. */
export async function runWork(
  tools: Tools,
  draft: TurnDraft,
  instance: Instance,
  stage: string,
  work: (turn: HookTurn) => unknown,
): Promise<void> {
  const turn = new HookTurn(draft, instance, stage)
  const recorded = tools.recorded?.step(stage, instance.name)
  const asked = { tools, draft, instance, stage, sinceMs: tools.clock.now() }
  if (recorded) return void again(asked, turn, recorded)
  let waited = false
  try {
    const called = during(instance, draft.entry.id, work, turn)
    waited = isThenable(called)
    if (waited) await limited(tools.clock, HOOK_LIMIT_MS, called, instance.signal)
    turn.merge()
    note(asked, 'done', undefined, waited || stage === 'enrich' ? turn.given() : undefined)
  } catch (error) {
    turn.giveUp()
    failed(asked, error, waited)
  }
}

/** Everyone notes what they find out, beside each other. */
export async function enrich(
  tools: Tools,
  draft: TurnDraft,
  steps: readonly Step<(turn: HookTurn) => unknown>[],
): Promise<void> {
  await Promise.all(steps.map(({ instance, run }) => runWork(tools, draft, instance, 'enrich', run)))
}

/** In a replay: how a rewrite ended then. */
function endedAs({ did, because = '', gave }: RecordedStep): Outcome {
  if (did === 'failed') throw new Error(because)
  return did === 'drop' ? dropped(because) : nextWith(checkedChange(gave))
}

/** Passes a reply through the channel's `rewrite` hooks; `undefined` when one dropped it. One that fails leaves it as it was. */
export async function rewrite(tools: Tools, draft: TurnDraft, reply: DraftReply): Promise<Rewritten | undefined> {
  let now: Rewritten = { ...reply, identity: undefined }
  for (const { instance, run } of draft.channel.chain.rewrite) {
    const recorded = tools.recorded?.step('rewrite', instance.name)
    const asked = { tools, draft, instance, stage: 'rewrite', sinceMs: tools.clock.now() }
    let waited = false
    try {
      const shown: Reply = {
        by: now.by,
        content: now.say,
        identity: now.identity,
        customer: draft.customer,
        chat: draft.shownChat,
        channel: draft.channel,
        conversation: draft.conversation,
        drop: dropped,
      }
      const called = recorded ? endedAs(recorded) : during(instance, draft.entry.id, run, shown, nextWith)
      const isLater = isThenable(called)
      waited = recorded !== undefined || isLater
      const ending = endingOf(isLater ? await limited(tools.clock, HOOK_LIMIT_MS, called, instance.signal) : called)
      if (!ending) throw new SwitchboardError('PLUGIN_NO_OUTCOME')
      if (ending.kind === 'drop') {
        note(asked, 'drop', ending.because, waited ? { ending } : undefined)
        return undefined
      }
      if (ending.kind === 'next' && ending.change) {
        const { content, identity } = ending.change
        now = {
          ...now,
          say: content === undefined ? now.say : checkedSay(content),
          identity: identity ?? now.identity,
        }
        note(asked, 'changed', undefined, waited ? { change: ending.change } : undefined)
      } else if (waited) note(asked, 'next', undefined, {})
    } catch (error) {
      failed(asked, error, waited)
    }
  }
  return now
}

/** What was asked is to be asked again: the plugin is being stopped, or the conversation has another owner by now. */
export class RunAgain extends Error {
  override readonly name = 'RunAgain'
}

/**
 * Waits for a plugin's promise, but not longer than the limit (`PLUGIN_TIMEOUT`), nor than one of `running` goes on
 * (`RunAgain`). What comes later is ignored.
 */
export function limited(
  clock: Clock,
  limitMs: number,
  returned: unknown,
  ...running: readonly (AbortSignal | undefined)[]
): unknown {
  if (!isThenable(returned)) return returned
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const cancel = clock.after(limitMs, () =>
    reject(new SwitchboardError('PLUGIN_TIMEOUT', { detail: `${limitMs} ms.` })),
  )
  const stopped = () => reject(new RunAgain('it was interrupted'))
  for (const signal of running) {
    if (signal?.aborted) stopped()
    signal?.addEventListener('abort', stopped, { once: true })
  }
  Promise.resolve(returned).then(resolve, reject)
  return promise.finally(() => {
    cancel()
    for (const signal of running) signal?.removeEventListener('abort', stopped)
  })
}

function failed(asked: Asked, error: unknown, waited: boolean): Error {
  const { tools, draft, instance, stage } = asked
  if (instance.signal.aborted) throw new RunAgain(`${instance.name} was stopped`)
  if (error instanceof RunAgain) throw error
  const because = tools.redact(messageOf(error))
  const about = { stage, turn: draft.entry.id, error }
  instance.log.error(about, `${instance.name} (${instance.plugin.name}), ${stage}: ${because}`)
  note(asked, 'failed', because, waited ? {} : undefined)
  tools.metrics.hookFailed(instance.name, stage)
  return error instanceof Error ? error : new Error(because)
}

/** Adds a step to the trace, with the time that it took. */
function note(
  { tools, draft, instance, stage, sinceMs }: Asked,
  did: string,
  because: string | undefined,
  gave: object | undefined,
): void {
  draft.trace.push({
    stage,
    by: instance.name,
    did,
    because,
    ms: tools.clock.now() - sinceMs || undefined,
    at: sinceMs - draft.startedAtMs || undefined,
    line: instance.line,
    gave,
  })
}
