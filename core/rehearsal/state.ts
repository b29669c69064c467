/** What is known of a customer in a rehearsal, in the words in which a scenario expects it. */
import { isDeepStrictEqual } from 'node:util'
import type { CheckedChannel, CheckedConfig } from '../config/checked.ts'
import type { Owner } from '../conversation.ts'
import type { Engine } from '../journal/engine.ts'
import { stepsOf } from '../journal/trace.ts'
import { checkedGiven } from '../pipeline/checked.ts'
import { left } from '../pipeline/ledger.ts'
import type { ExpectedState } from './sentences.ts'

/** As of `ExpectedState`, with everything in it. */
export type ActualState = { readonly [K in keyof ExpectedState]-?: unknown }

/** One thing that was looked at. */
export interface Looked {
  readonly what: string
  readonly ok: boolean
  readonly expected: string
  readonly actual: string
}

/** How a customer stands now. `chat` is the journal's own id of it. */
export async function stateOf(
  chat: string,
  at: {
    readonly engine: Engine
    readonly config: CheckedConfig
    readonly channel: CheckedChannel
    readonly nowMs: number
  },
): Promise<ActualState> {
  const { engine, config, channel, nowMs } = at
  const loaded = await engine.load(chat)
  const latest = await latestEvent(engine, chat)
  const { capabilities } = channel
  const sending = { allowances: loaded?.allowances ?? [], capabilities, nowMs, by: PERSON, reserve: 0 }
  return {
    owner: loaded?.conversation ? inWords(loaded.conversation.owner) : 'nobody',
    state: loaded?.conversation?.state ?? (await lastState(engine, chat)),
    outcome: latest?.outcome ?? 'being handled',
    because: latest?.because ?? '',
    ...answerIn(latest?.trace_json),
    language: loaded?.customer.language ?? config.languages[0],
    fields: loaded?.customer.fields ?? {},
    question: loaded?.question && loaded.question.untilMs > nowMs ? 'open' : 'none',
    left: left(sending).left ?? 'unlimited',
  }
}

/** Whoever it is: nothing is kept from people. */
const PERSON = { kind: 'agent', person: '' } as const

/** The latest thing that came in for a chat, or became due in it. */
export async function latestEvent(engine: Engine, chat: string) {
  return engine.read
    .selectFrom('entry')
    .select(['id', 'outcome', 'because', 'trace_json'])
    .where('chat', '=', chat)
    .where('kind', '=', 'in')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** What the bot that did not pass has answered. */
function answerIn(traceJson: string | null | undefined): Pick<ActualState, 'answer' | 'intent'> {
  const step = stepsOf(traceJson).findLast(({ stage, gave }) => stage === 'bot' && gave !== undefined)
  const ending = step && checkedGiven(step.gave).ending
  if (ending?.kind === 'unknown') return { answer: 'unknown', intent: 'none' }
  if (ending?.kind !== 'reply') return { answer: 'none', intent: 'none' }
  return { answer: ending.guided ? 'guided' : 'understood', intent: ending.intent ?? 'none' }
}

async function lastState(engine: Engine, chat: string): Promise<string> {
  const last = await engine.read
    .selectFrom('conversation')
    .select('state')
    .where('chat', '=', chat)
    .orderBy('opened_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last?.state ?? 'none yet'
}

function inWords(owner: Owner): string {
  switch (owner.kind) {
    case 'bot':
      return owner.bot
    case 'agent':
      return owner.person
    case 'queue':
      return owner.team === undefined ? owner.desk : `${owner.desk}/${owner.team}`
  }
}

/** Everything that a scenario looks at, in its order. */
export function lookAt(expected: ExpectedState, actual: ActualState): readonly Looked[] {
  return KEYS.flatMap((key) => {
    const wanted = expected[key]
    if (wanted === undefined) return []
    return [{ what: key, ok: isSo(key, wanted, actual[key]), expected: show(wanted), actual: show(actual[key]) }]
  })
}

const KEYS = [
  'owner',
  'state',
  'outcome',
  'because',
  'answer',
  'intent',
  'language',
  'fields',
  'question',
  'left',
] as const

function isSo(key: (typeof KEYS)[number], wanted: unknown, actual: unknown): boolean {
  if (wanted instanceof RegExp) return wanted.test(String(actual))
  // A desk alone stands for any of its teams.
  if (key === 'owner') return actual === wanted || String(actual).startsWith(`${String(wanted)}/`)
  if (key !== 'fields') return actual === wanted
  const known = new Map(Object.entries(actual ?? {}))
  return Object.entries(wanted ?? {}).every(([name, value]) => isDeepStrictEqual(known.get(name), value))
}

function show(value: unknown): string {
  return value instanceof RegExp || typeof value !== 'object' ? String(value) : JSON.stringify(value)
}
