/**
 * Runs plugins' hooks: one after the other, each in its own time, each failure kept to the one who failed.
 * `next()` means "not mine": a chain is a plain loop over a stage, nothing nests.
 */
import { messageOf, SwitchboardError } from '../errors.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Step } from '../runtime/plan.ts'
import { during } from '../runtime/watchdog.ts'
import type { Clock } from '../services/clock.ts'
import type { Next, Outcome, Reply } from '../turn.ts'
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
 * (`GuardFailed`), unless `failing` says that the event has waited long enough: then the plugin's `ifGuardFails` decides.
 */
export async function runStage(
  tools: Tools,
  draft: TurnDraft,
  stage: 'guard' | 'intercept' | 'respond',
  steps: readonly Step<OutcomeHook>[],
  patience: 'try-again' | 'decide' = 'try-again',
): Promise<Ended | undefined> {
  for (const { instance, run } of steps) {
    const ending = await runHook(tools, draft, instance, stage, run)
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

/**
 * Runs one hook that returns an outcome. An error is returned, not thrown: it is in the log and the trace by then.
 * Throws only `RunAgain`.
 */
export async function runHook(
  tools: Tools,
  draft: TurnDraft,
  instance: Instance,
  stage: string,
  hook: OutcomeHook,
  options: { key?: string; limitMs?: number; interrupted?: AbortSignal | undefined } = {},
): Promise<Ending | Error> {
  const turn = new HookTurn(draft, instance, stage, options.key)
  const recorded = tools.recorded?.step(stage, instance.name)
  const note = noting(tools, draft, instance, stage)
  if (recorded) return again(turn, recorded, note)
  // A bot is never asked again in a replay, even one that answers at once.
  let waited = instance.bot !== undefined && stage === 'bot'
  try {
    const called = during(instance, draft.entry.id, () => hook(turn, next))
    waited ||= isThenable(called)
    const returned = await limited(
      tools.clock,
      options.limitMs ?? HOOK_LIMIT_MS,
      called,
      options.interrupted ? AbortSignal.any([instance.signal, options.interrupted]) : instance.signal,
    )
    const ending = endingOf(returned)
    if (!ending) throw new SwitchboardError('PLUGIN_NO_OUTCOME')
    turn.merge()
    note(ending.kind, 'because' in ending ? ending.because : undefined, waited ? turn.given(ending) : undefined)
    return ending
  } catch (error) {
    turn.giveUp()
    return failed(tools, instance, stage, draft.entry.id, error, note, waited)
  }
}

/** In a replay: what the hook did then. */
function again(turn: HookTurn, { did, because, gave }: RecordedStep, note: Note): Ending | Error {
  if (did === 'failed') {
    note(did, because, {})
    return new Error(because)
  }
  const given = checkedGiven(gave)
  turn.add(given)
  const ending = given.ending ?? { kind: 'next' as const }
  note(did, because, given)
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
  const note = noting(tools, draft, instance, stage)
  if (recorded) return void again(turn, recorded, note)
  let waited = false
  try {
    const called = during(instance, draft.entry.id, () => work(turn))
    waited = isThenable(called)
    await limited(tools.clock, HOOK_LIMIT_MS, called, instance.signal)
    turn.merge()
    note('done', undefined, waited || stage === 'enrich' ? turn.given() : undefined)
  } catch (error) {
    turn.giveUp()
    failed(tools, instance, stage, draft.entry.id, error, note, waited)
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
    const note = noting(tools, draft, instance, 'rewrite')
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
      const called = recorded ? endedAs(recorded) : during(instance, draft.entry.id, () => run(shown, nextWith))
      waited = recorded !== undefined || isThenable(called)
      const ending = endingOf(await limited(tools.clock, HOOK_LIMIT_MS, called, instance.signal))
      if (!ending) throw new SwitchboardError('PLUGIN_NO_OUTCOME')
      if (ending.kind === 'drop') {
        note('drop', ending.because, waited ? { ending } : undefined)
        return undefined
      }
      if (ending.kind === 'next' && ending.change) {
        const { content, identity } = ending.change
        now = {
          ...now,
          say: content === undefined ? now.say : checkedSay(content),
          identity: identity ?? now.identity,
        }
        note('changed', undefined, waited ? { change: ending.change } : undefined)
      } else if (waited) note('next', undefined, {})
    } catch (error) {
      failed(tools, instance, 'rewrite', draft.entry.id, error, note, waited)
    }
  }
  return now
}

/** What was asked is to be asked again: the plugin is being stopped, or the conversation has another owner by now. */
export class RunAgain extends Error {
  override readonly name = 'RunAgain'
}

/**
 * Waits for a plugin's promise, but not longer than the limit (`PLUGIN_TIMEOUT`), nor than `running` goes on
 * (`RunAgain`). What comes later is ignored.
 */
export function limited(clock: Clock, limitMs: number, returned: unknown, running?: AbortSignal): unknown {
  if (!isThenable(returned)) return returned
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const cancel = clock.after(limitMs, () =>
    reject(new SwitchboardError('PLUGIN_TIMEOUT', { detail: `${limitMs} ms.` })),
  )
  const stopped = () => reject(new RunAgain('it was interrupted'))
  if (running?.aborted) stopped()
  running?.addEventListener('abort', stopped, { once: true })
  Promise.resolve(returned).then(resolve, reject)
  return promise.finally(() => {
    cancel()
    running?.removeEventListener('abort', stopped)
  })
}

/** A promise of any make: a query builder is one too. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function failed(
  tools: Tools,
  instance: Instance,
  stage: string,
  turn: string,
  error: unknown,
  note: Note,
  waited: boolean,
): Error {
  if (instance.signal.aborted) throw new RunAgain(`${instance.name} was stopped`)
  if (error instanceof RunAgain) throw error
  const because = tools.redact(messageOf(error))
  instance.log.error({ stage, turn, error }, `${instance.name} (${instance.plugin.name}), ${stage}: ${because}`)
  note('failed', because, waited ? {} : undefined)
  tools.metrics.hookFailed(instance.name, stage)
  return error instanceof Error ? error : new Error(because)
}

/** Adds a step to the trace, with the time that it took from here on. */
type Note = (did: string, because: string | undefined, gave: object | undefined) => void

function noting({ clock }: Tools, { trace, startedAtMs }: TurnDraft, instance: Instance, stage: string): Note {
  const { name: by, line } = instance
  const atMs = clock.now()
  return (did, because, gave) => {
    const ms = clock.now() - atMs || undefined
    trace.push({ stage, by, did, because, ms, at: atMs - startedAtMs || undefined, line, gave })
  }
}
