/**
 * How fast the journal takes events, turns and deliveries, each on disk when it says so, when 1, 10 or 100 are asked for
 * at a time: together they share few transactions. Prints one line of JSON for `run.ts`.
 */
import type { ChatChange, DueDelivery, Engine } from '../core/journal/engine.ts'
import { openSqlite } from '../core/journal/sqlite/engine.ts'
import type { TraceStep } from '../core/journal/trace.ts'
import { makeIds, systemClock } from '../core/services/clock.ts'
import { temporaryFolder } from './temporary-folder.ts'

const isQuick = process.argv.includes('--quick')
/** By how many are asked for at a time. */
const COUNTS = new Map(
  isQuick
    ? [
        [1, 20],
        [10, 100],
        [100, 500],
      ]
    : [
        [1, 1_000],
        [10, 10_000],
        [100, 40_000],
      ],
)
const CHATS = isQuick ? 100 : 10_000
const BOT = { kind: 'bot', name: 'parrot' } as const
const newId = makeIds(systemClock)
/** As long as that of a message which a bot answers. */
const TRACE: readonly TraceStep[] = [
  'guard blacklist next',
  'respond keyword-handoff next',
  'respond auto-reply next',
  'bot parrot reply',
  'outcome core answered',
].map((step) => {
  const [stage = '', by = '', did = ''] = step.split(' ')
  return { stage, by, did, line: '0123456789ab:12' }
})

interface Waiting {
  readonly chat: string
  readonly seq: number
}

/** An event of one of the chats, none of them twice in a group. */
function accept(engine: Engine, i: number): Promise<Waiting> {
  return engine.accept({
    account: 'bench:gh_bench',
    event: {
      id: `m${i}`,
      chat: `u${i % CHATS}`,
      type: 'message',
      atMs: 0,
      parts: [{ type: 'text', text: `Where is my order ${i}?` }],
    },
    ids: { entry: newId(), chat: newId(), customer: newId() },
    nowMs: systemClock.now(),
    grant: { on: 'message', endsAtMs: Number.MAX_SAFE_INTEGER, max: 5, resets: true },
    media: [],
  })
}

/** The end of its turn: one text goes out. */
async function commit(engine: Engine, { chat, seq }: Waiting): Promise<DueDelivery> {
  const nowMs = systemClock.now()
  const part = { type: 'text', text: `echo: Where is my order ${seq}?` } as const
  const change: ChatChange = {
    ...{ chat, nowMs, expect: { conversation: null } },
    turn: {
      ...{ seq, outcome: 'answered', because: 'parrot', conversation: undefined, facts: undefined, trace: TRACE },
      began: { revision: '0123456789ab', atMs: nowMs, seq },
    },
    entries: [
      {
        id: newId(),
        kind: 'out',
        type: 'message',
        body: { parts: [part] },
        by: BOT,
        conversation: undefined,
        atMs: nowMs,
      },
    ],
    deliveries: [
      {
        ...{ id: newId(), entry: 0, part: 0, destination: 'channel', payload: { kind: 'part', part }, by: BOT },
        ...{ allowance: 'message', holdUntilMs: nowMs, start: 'now' },
      },
    ],
  }
  const committed = await engine.commit(change)
  const [delivery] = committed.ok ? committed.sending : []
  if (!delivery) throw new Error('Nothing is to be sent.')
  return delivery
}

async function record(engine: Engine, { id }: DueDelivery): Promise<void> {
  await engine.recordDelivery({ id, nowMs: systemClock.now(), ms: 1, state: 'sent', counts: true })
}

/** What one step takes. */
class Meter {
  #ms = 0
  #cpuUs = 0
  #count = 0

  /** Does this for all, so many at a time. */
  async run<T, R>(all: readonly T[], atOnce: number, step: (one: T) => Promise<R>): Promise<readonly R[]> {
    const before = process.cpuUsage()
    const startMs = performance.now()
    const results: R[] = []
    for (let i = 0; i < all.length; i += atOnce)
      results.push(...(await Promise.all(all.slice(i, i + atOnce).map(step))))
    this.#ms += performance.now() - startMs
    const { user, system } = process.cpuUsage(before)
    this.#cpuUs += user + system
    this.#count += all.length
    return results
  }

  get figures() {
    return { perSecond: this.#count / (this.#ms / 1_000), cpuUs: this.#cpuUs / this.#count }
  }
}

const rows: { [row: string]: { [figure: string]: number } } = {}
for (const [atOnce, count] of COUNTS) {
  using folder = temporaryFolder()
  const engine = await openSqlite({ folder: folder.path })
  const meters = { accept: new Meter(), commit: new Meter(), record: new Meter() }
  // Nobody writes again before their answer is out: it would hold back the next one.
  for (let from = 0; from < count; from += CHATS) {
    const numbers = Array.from({ length: Math.min(CHATS, count - from) }, (_, i) => from + i)
    const accepted = await meters.accept.run(numbers, atOnce, (i) => accept(engine, i))
    const committed = await meters.commit.run(accepted, atOnce, (waiting) => commit(engine, waiting))
    await meters.record.run(committed, atOnce, (delivery) => record(engine, delivery))
  }
  for (const [what, { figures }] of Object.entries(meters)) rows[`${what}, ${atOnce} at a time`] = figures
  await engine.close()
}
console.log(JSON.stringify(rows))
