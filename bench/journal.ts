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
const CHATS = 10_000
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

/** Does this for all, so many at a time. */
async function measured<T, R>(all: readonly T[], atOnce: number, run: (one: T) => Promise<R>) {
  const before = process.cpuUsage()
  const startMs = performance.now()
  const results: R[] = []
  for (let i = 0; i < all.length; i += atOnce) results.push(...(await Promise.all(all.slice(i, i + atOnce).map(run))))
  const seconds = (performance.now() - startMs) / 1_000
  const { user, system } = process.cpuUsage(before)
  return { results, perSecond: all.length / seconds, cpuUs: (user + system) / all.length }
}

const rows: { [row: string]: { [figure: string]: number } } = {}
for (const [atOnce, count] of COUNTS) {
  using folder = temporaryFolder()
  const engine = await openSqlite({ folder: folder.path })
  const numbers = Array.from({ length: count }, (_, i) => i)
  const accepts = await measured(numbers, atOnce, (i) => accept(engine, i))
  const commits = await measured(accepts.results, atOnce, (waiting) => commit(engine, waiting))
  const records = await measured(commits.results, atOnce, (delivery) => record(engine, delivery))
  for (const [what, { perSecond, cpuUs }] of Object.entries({ accept: accepts, commit: commits, record: records }))
    rows[`${what}, ${atOnce} at a time`] = { perSecond, cpuUs }
  await engine.close()
}
console.log(JSON.stringify(rows))
