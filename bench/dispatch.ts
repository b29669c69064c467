/**
 * What it takes to pass one message through four middlewares, the last of which answers: by the product, with a turn
 * made for it and its trace; by plain calls; and nested as koa-compose does. Prints one line of JSON for `run.ts`.
 */
import { definePlugin, type InboundEvent, z } from '#core'
import { runStage } from '../core/pipeline/chain.ts'
import { TurnDraft } from '../core/pipeline/draft.ts'
import type { Tools } from '../core/pipeline/tools.ts'
import { makeIds, systemClock } from '../core/services/clock.ts'
import { memoryChannel, testRuntime } from '../core/testing/index.ts'
import { median } from './statistics.ts'

const isQuick = process.argv.includes('--quick')
const ROUNDS = isQuick ? 3 : 61
const MESSAGES_OF_A_ROUND = isQuick ? 100 : 2_000
const TEXT = 'Where is my order 1042?'

function parsed(): InboundEvent {
  return { id: 'm1', chat: 'ann', type: 'message', grants: 'message', atMs: 0, parts: [{ type: 'text', text: TEXT }] }
}

/** Looks at the text and says that it is not for them; the fourth answers. */
const isFor = (place: number, text: string) => text.length > 0 && place === 3

// ── the product ─────────────────────────────────────────────────────────────────────────────

const features = [0, 1, 2, 3].map((place) =>
  definePlugin({
    name: `place-${place}`,
    summary: 'One of four.',
    config: z.strictObject({}),
    setup: () => ({
      inbound: { respond: (turn, next) => (isFor(place, turn.text) ? turn.reply('Tomorrow.') : next()) },
    }),
  }),
)
const channel = memoryChannel()
await using bot = await testRuntime(
  {
    channels: { memory: { use: channel.plugin } },
    bots: { parrot: { use: 'echo' } },
    features: features.map((use) => ({ use })),
  },
  { channel },
)
await bot.user('ann').says(TEXT)
await bot.idle()
const { engine, metrics, plan } = bot.runtime
const planned = [...plan.channels.values()][0]
const chat = planned && (await engine.load((await engine.findChat(planned.account, 'ann')) ?? ''))
if (!planned || !chat) throw new Error('There is no chat.')
const log = { debug() {}, info() {}, warn() {}, error() {} }
const tools: Tools = {
  ...{ engine, metrics, log, clock: systemClock, makeId: makeIds(systemClock) },
  wait: async () => {},
  redact: (text) => text,
  changed() {},
  plan: () => plan,
  onlyAnswers() {},
  hold: () => ({ plan, release() {} }),
}

async function byTheProduct(event: InboundEvent): Promise<string> {
  if (!planned || !chat) return ''
  const draft = new TurnDraft({
    ...{ chat, event, plan, channel: planned, trace: [], conversation: chat.conversation },
    entry: { id: 'e1', seq: 1, facts: undefined, acceptedAtMs: 0 },
    startedAtMs: systemClock.now(),
    history: async () => [],
    newConversation: () => 'conversation',
  })
  const ended = await runStage(tools, draft, 'respond', planned.chain.respond)
  if (draft.trace.length !== 4) throw new Error(`Of four steps ${draft.trace.length} are in the trace.`)
  return ended?.ending.kind ?? ''
}

// ── without it ──────────────────────────────────────────────────────────────────────────────

interface Plain {
  readonly text: string
}

const plainCalls = [0, 1, 2, 3].map((place) => async (turn: Plain) => (isFor(place, turn.text) ? 'reply' : undefined))

async function byPlainCalls(event: InboundEvent): Promise<string> {
  const turn = asPlain(event)
  for (const call of plainCalls) {
    const ended = await call(turn)
    if (ended !== undefined) return ended
  }
  return ''
}

type Nested = (turn: Plain, next: () => Promise<string>) => Promise<string>
const nested = [0, 1, 2, 3].map(
  (place): Nested =>
    async (turn, next) =>
      isFor(place, turn.text) ? 'reply' : next(),
)

function byNesting(event: InboundEvent): Promise<string> {
  const turn = asPlain(event)
  const dispatch = (place: number): Promise<string> => {
    const middleware = nested[place]
    return middleware ? Promise.resolve(middleware(turn, () => dispatch(place + 1))) : Promise.resolve('')
  }
  return dispatch(0)
}

function asPlain(event: InboundEvent): Plain {
  const part = event.type === 'message' ? event.parts[0] : undefined
  return { text: part?.type === 'text' ? part.text : '' }
}

// ── measuring ───────────────────────────────────────────────────────────────────────────────

const ways = { plain: byPlainCalls, nested: byNesting, switchboard: byTheProduct }

/** Of the processor, and by all threads of the process: what the garbage of a way costs later is its own. */
async function microsecondsPerMessage(way: (event: InboundEvent) => Promise<string>): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < MESSAGES_OF_A_ROUND; i++)
    if ((await way(parsed())) !== 'reply') throw new Error('It was not answered.')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / MESSAGES_OF_A_ROUND
}

const times: { readonly [way in keyof typeof ways]: number[] } = { plain: [], nested: [], switchboard: [] }
for (let round = -5; round < ROUNDS; round++) {
  for (const way of ['plain', 'nested', 'switchboard'] as const) {
    const us = await microsecondsPerMessage(ways[way])
    // The first few are for the compiler.
    if (round >= 0) times[way].push(us)
  }
}
console.log(
  JSON.stringify(Object.fromEntries(Object.entries(times).map(([way, values]) => [way, { us: median(values) }]))),
)
