/** What became of a turn or command, in one form: as it was recorded, and as it came out again. */
import type { ChatChange } from '../journal/engine.ts'
import type { DeliveryRow, EntryRow } from '../journal/tables.ts'
import type { TraceStep } from '../journal/trace.ts'
import type { Deed } from './recording.ts'

/** Everything that counts, and nothing that may differ: no ids of ours, no times. */
export interface Told {
  /** `answered: keyword price`; of a command, its result. */
  readonly outcome: string
  /** Who had a say and what they did, in order. */
  readonly steps: readonly string[]
  /** What was said, noted, or happened to the chat. */
  readonly entries: readonly string[]
  /** What went out to the customer and to desks, or could not. */
  readonly sends: readonly string[]
  /** What became of the conversation. */
  readonly changes: readonly string[]
  /** What plugins remember: their states, wakes and open question, as one short number. */
  readonly kept: readonly string[]
}
const FIELDS = ['outcome', 'steps', 'entries', 'sends', 'changes', 'kept'] as const satisfies readonly (keyof Told)[]

/** In what the two differ. */
export function differing(one: Told, other: Told): readonly (keyof Told)[] {
  return FIELDS.filter((field) => JSON.stringify(one[field]) !== JSON.stringify(other[field]))
}

/** As it was recorded. */
export function toldThen(deed: Deed): Told {
  return {
    outcome: 'outcome' in deed.of ? `${deed.of.outcome}: ${deed.of.because}` : deed.of.result_json,
    steps: stepsTold(deed.steps),
    entries: deed.entries.map(entryThen),
    sends: deed.deliveries.map(sendThen),
    changes: deed.changes.map(({ type, actor_json, because, lease, owner_json }) =>
      text({ type, by: JSON.parse(actor_json), because, lease, owner: JSON.parse(owner_json) }),
    ),
    kept: keptIn(deed.steps),
  }
}

/** As the replay would have written it. */
export function toldNow(change: ChatChange): Told {
  const { turn, command, conversation, entries = [], deliveries = [] } = change
  const { owner, lease } = conversation?.now ?? {}
  return {
    outcome: turn ? `${turn.outcome}: ${turn.because}` : JSON.stringify(command?.result),
    steps: stepsTold(turn?.trace ?? command?.trace ?? []),
    entries: entries.map(({ kind, type, by, body }) =>
      text({ kind, type, by, what: kind === 'life' ? undefined : body }),
    ),
    sends: deliveries.map(({ destination, payload, start, code }) =>
      text({ to: destination, what: withoutNumbers(payload), refused: start === 'dead' ? code : undefined }),
    ),
    changes: (conversation?.changes ?? []).map(({ type, actor, because }) =>
      text({ type, by: actor, because, lease, owner }),
    ),
    kept: keptIn(turn?.trace ?? []),
  }
}

function entryThen({ kind, type, by_json, body_json }: EntryRow): string {
  const what: unknown = kind === 'life' ? undefined : JSON.parse(body_json)
  return text({ kind, type, by: JSON.parse(by_json), what })
}

/** Refusals that are decided before anything is tried. */
const DECIDED: ReadonlySet<string | null> = new Set(['CHANNEL_WINDOW_CLOSED', 'CHANNEL_CANNOT_SEND'])

function sendThen({ destination, payload_json, state, allowance, attempts, code }: DeliveryRow): string {
  const refused = state === 'dead' && allowance === null && attempts === 0 && DECIDED.has(code) ? code : undefined
  return text({ to: destination, what: withoutNumbers(JSON.parse(payload_json)), refused })
}

/** Up to which number a desk is told of a chat differs when the chat is replayed from its middle. */
function withoutNumbers(payload: unknown): unknown {
  return JSON.parse(JSON.stringify(payload, (key, value: unknown) => (key === 'upToSeq' ? undefined : value)))
}

/** Enrichers are not asked again, and the outcome is told by itself. */
function stepsTold(steps: readonly TraceStep[]): readonly string[] {
  return steps
    .filter(({ stage }) => stage !== 'enrich' && stage !== 'outcome')
    .map(({ stage, by, did, because }) => `${stage}, ${by}: ${did}${because ? ` (${because})` : ''}`)
}

function keptIn(steps: readonly TraceStep[]): readonly string[] {
  return steps.flatMap(({ stage, gave }) => (stage === 'outcome' && gave ? [text(gave)] : []))
}

function text(value: object): string {
  return JSON.stringify(value)
}
