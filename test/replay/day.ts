/**
 * A day of customer service, made up by chance: customers who write, click and come back, bots that ask outside and
 * fail, agents who take, answer and forget, a platform that refuses, and an operator who changes the file in between.
 */
import { setImmediate } from 'node:timers/promises'
import {
  type Command,
  type CommandResult,
  DeliveryError,
  type DeskItem,
  defineBot,
  defineDesk,
  definePlugin,
  type InboundEvent,
  type Plugin,
  z,
} from '../../core/index.ts'
import {
  type ManualClock,
  type MemoryChannel,
  memoryChannel,
  type TestConfig,
  type TestRuntime,
} from '../../core/testing/index.ts'
import type { Random } from '../crash/random.ts'

const MINUTE_MS = 60_000

const WORDS = [
  'hello',
  'price',
  'agent',
  '2',
  'a b c',
  'rude',
  'form',
  '人工',
  'thanks',
  'where is my parcel?',
] as const
const PEOPLE = ['amy', 'bo'] as const

/** Everybody who plays: what they do by chance is decided by `random`, as the world outside decides it. */
export function makeDay(random: Random, clock: ManualClock) {
  const channel = memoryChannel({
    capabilities: {
      sends: { text: { maxChars: 40 }, choices: {} },
      later: [
        { on: 'message', withinMs: 30 * MINUTE_MS, max: 4, resets: true },
        { on: 'follow', withinMs: MINUTE_MS, max: 1, resets: false },
      ],
      showsIdentity: 'none',
    },
  })
  channel.beforeSend(async () => {
    const fate = random.upTo(40)
    if (fate === 1) throw new DeliveryError('CHANNEL_WINDOW_CLOSED')
    if (fate === 2) throw new DeliveryError('CHANNEL_REFUSED')
    if (fate === 3) throw new DeliveryError('CHANNEL_BUSY', { retryAfterMs: 5_000 })
    if (fate === 4) throw new Error('the connection was lost')
  })
  const plugins = [
    oracle(random, clock),
    gate(random, clock),
    survey,
    rhymes(random),
    ears(random, clock),
    idle,
    desk(random),
  ]
  return { channel, plugins: { ...Object.fromEntries(plugins.map((one) => [one.name, one])), memory: channel.plugin } }
}

/** The file, as the operator has it by now. */
export function configOf(plugins: { readonly [name: string]: Plugin }, edition: number): TestConfig {
  const use = (name: string) => {
    const plugin = plugins[name]
    if (!plugin) throw new Error(`There is no ${name}.`)
    return plugin
  }
  return {
    languages: ['en', 'zh-CN'],
    bots: { oracle: { use: use('oracle') }, second: { use: use('oracle') } },
    desks: { support: { use: use('a-desk') } },
    features: [
      { use: use('gate') },
      { use: use('ears') },
      { use: use('survey'), thanks: edition % 2 === 0 ? 'Thank you' : { en: 'Thanks a lot', 'zh-CN': '谢谢' } },
      { use: 'keyword-handoff', keywords: ['agent', '人工', ...(edition % 3 === 0 ? ['price'] : [])] },
      { use: use('rhymes') },
      { use: use('idle') },
    ],
    routes: [
      {
        from: 'memory',
        mode: edition % 4 === 3 ? 'cooperation' : 'bot-first',
        bot: edition % 2 === 0 ? ['oracle', 'second'] : ['second'],
        desk: 'support',
        ...(edition % 4 === 3 ? {} : { handOff: { unknown: 2, failures: 2 } }),
        ...(edition % 3 === 1 ? { collect: '2s' } : {}),
      },
    ],
  }
}

/** A bot somewhere outside: nobody knows what it will say, nor when. */
function oracle(random: Random, clock: ManualClock): Plugin {
  return defineBot({
    name: 'oracle',
    summary: 'Says anything.',
    config: z.strictObject({}),
    state: z.object({ asked: z.number().default(0) }),
    setup: () => ({
      async answer(turn, next) {
        turn.state.asked += 1
        const wait = random.upTo(4) === 1 ? random.upTo(8_000) : 0
        if (wait > 0) await new Promise<void>((resolve) => clock.after(wait, resolve))
        switch (random.upTo(12)) {
          case 1:
            throw new Error('the bot is down')
          case 2:
            return turn.unknown()
          case 3:
            return turn.handOff({ because: 'it is too hard' })
          case 4:
            return next()
          case 5:
            return turn.reply([{ type: 'choices', prompt: 'Which?', choices: CHOICES }])
          case 6:
            turn.say('One moment')
            return turn.reply(`no ${turn.state.asked}, `.repeat(random.upTo(9)))
          case 7:
            return turn.reply({ en: 'In English', 'zh-CN': '中文' }, { intent: 'human', because: 'it said so' })
          default:
            return turn.reply(`about "${turn.text}" I say ${random.upTo(1_000)}`)
        }
      },
    }),
  })
}
const CHOICES = [
  { id: 'a', label: 'Apples' },
  { id: 'b', label: 'Bananas' },
]

/** Asks a list outside whether somebody may come in, which fails now and then. */
function gate(random: Random, clock: ManualClock): Plugin {
  return definePlugin({
    name: 'gate',
    summary: 'Turns some away.',
    config: z.strictObject({}),
    ifGuardFails: 'drop',
    setup: () => ({
      inbound: {
        async guard(turn, next) {
          await setImmediate()
          if (random.upTo(60) === 1) throw new Error('the list cannot be read')
          if (random.upTo(30) === 1) await new Promise<void>((resolve) => clock.after(500, resolve))
          return turn.text === 'rude' && random.upTo(2) === 1 ? turn.drop('on the list') : next()
        },
      },
    }),
  })
}

/** Asks three things, at once or after a close; and says by chance which of its thanks it likes. */
const survey = definePlugin({
  name: 'survey',
  summary: 'Asks and counts.',
  config: z.strictObject({ thanks: z.union([z.string(), z.record(z.string(), z.string())]) }),
  state: z.object({ step: z.number().default(0), answers: z.array(z.string()).default([]) }),
  setup: ({ config, clock }) => ({
    inbound: {
      respond(turn, next) {
        if (turn.text !== 'form') return next()
        turn.state.step = 1
        return turn.reply('Your name?', { expect: { key: 'name', forMs: 10 * MINUTE_MS } })
      },
    },
    answered(turn, next) {
      if (turn.text === '') return next()
      turn.state.answers = [...turn.state.answers, turn.text].slice(-5)
      turn.state.step += 1
      if (turn.state.step < 3) {
        return turn.reply(`And ${turn.state.step}?`, { expect: { key: `${turn.state.step}`, forMs: 5 * MINUTE_MS } })
      }
      const late = clock.now() % 2 === 0 ? 'even' : 'odd'
      turn.say(config.thanks)
      return turn.reply(`${turn.state.answers.length} answers, ${turn.random() < 0.5 ? 'heads' : 'tails'}, ${late}`)
    },
    events: {
      'conversation.closed'(turn) {
        if (turn.random() < 0.3) turn.say('How was it?', { expect: { key: 'rating', forMs: 20 * MINUTE_MS } })
      },
      'delivery.failed'(turn) {
        turn.state.answers = [...turn.state.answers, turn.event.code].slice(-5)
      },
    },
  }),
})

/** Changes what is said: some of it by asking outside. */
function rhymes(random: Random): Plugin {
  return definePlugin({
    name: 'rhymes',
    summary: 'Signs what is said.',
    config: z.strictObject({}),
    setup: () => ({
      outbound: {
        async rewrite(reply, next) {
          await setImmediate()
          if (random.upTo(50) === 1) throw new Error('no rhyme')
          if (random.upTo(40) === 1) return reply.drop('too bad a rhyme')
          if (reply.by.kind !== 'agent') return next()
          return next({ identity: { id: 'sales', name: `Sales ${random.upTo(3)}` } })
        },
      },
    }),
  })
}

/** Finds out languages and names, sometimes only when the turn is over. */
function ears(random: Random, clock: ManualClock): Plugin {
  return definePlugin({
    name: 'ears',
    summary: 'Finds things out.',
    config: z.strictObject({}),
    setup: () => ({
      inbound: {
        async enrich(turn) {
          if (random.upTo(3) > 1) return
          if (random.upTo(3) === 1) await new Promise<void>((resolve) => clock.after(1_500, resolve))
          turn.learn({ language: random.pick(['en', 'zh-CN']), customer: { name: `Nr ${random.upTo(100)}` } })
        },
      },
    }),
  })
}

/** Closes what nobody goes on with. */
const idle = definePlugin({
  name: 'idle',
  summary: 'Closes after a while.',
  config: z.strictObject({}),
  setup: () => ({
    inbound: {
      guard(turn, next) {
        if (turn.event.type === 'message') turn.wake('idle', { inMs: 12 * MINUTE_MS })
        return next()
      },
    },
    woken(turn, next) {
      return turn.conversation ? turn.close({ say: 'Good bye', because: 'nobody said anything' }) : next()
    },
  }),
})

/** A desk of which nobody knows who is there. */
function desk(random: Random): Plugin {
  const items: DeskItem[] = []
  return defineDesk({
    name: 'a-desk',
    summary: 'Is there or not.',
    config: z.strictObject({}),
    names: () => ({ people: PEOPLE, teams: ['presale', 'care'] }),
    setup: () => ({
      where: ({ to }) => (random.upTo(5) === 1 ? 'nobody' : { team: to?.team ?? random.pick(['presale', 'care']) }),
      async deliver(item) {
        items.push(item)
      },
    }),
  })
}

/** Lets so many events happen, with all that people do meanwhile. Gives how many commands there were. */
export async function live(
  bot: TestRuntime,
  channel: MemoryChannel,
  random: Random,
  options: { readonly events: number; readonly customers: number; reload(edition: number): Promise<void> },
): Promise<number> {
  const { events, customers } = options
  let made = 0
  let commands = 0
  let edition = 0
  const results: Promise<CommandResult>[] = []
  while (made < events) {
    const at = random.upTo(6)
    const accepted: Promise<unknown>[] = []
    for (let i = 0; i < at && made < events; i++) {
      made += 1
      const chat = `c${random.upTo(customers)}`
      accepted.push(channel.receive(eventOf(random, chat, `e${made}`, bot.clock.now())))
    }
    await Promise.all(accepted)
    for (let i = random.upTo(3); i > 1; i--) {
      const command = await commandOf(bot, random, `c${random.upTo(customers)}`, `k${++commands}`)
      if (command) results.push(bot.runtime.command(command))
    }
    if (random.upTo(3) === 1) await rounds(20)
    const isLong = random.upTo(20) === 1
    // However slow the machine is, its journal does not take a quarter of an hour to be read.
    if (isLong) await rounds(200)
    await bot.clock.advance(random.upTo(isLong ? 20 * MINUTE_MS : 20_000))
    if (random.upTo(events / 20) === 1) {
      let isApplied = false
      const applied = options.reload(++edition).then(() => {
        isApplied = true
      })
      while (!isApplied) await bot.clock.advance(500)
      await applied
    }
  }
  await Promise.all(results)
  await bot.advance(60 * MINUTE_MS)
  return results.length
}

/** Lets what is under way go on, by as much on every machine. */
async function rounds(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate()
}

function eventOf(random: Random, chat: string, id: string, atMs: number): InboundEvent {
  const common = { id, chat, atMs }
  switch (random.upTo(14)) {
    case 1:
      return { ...common, type: 'follow', grants: 'follow' }
    case 2:
      return { ...common, type: 'menu-click', key: 'MENU', grants: 'message' }
    case 3:
      return { ...common, type: 'recall', of: 'e1' }
    case 4:
      return { ...common, type: 'chat-end' }
    case 5:
      return { ...common, type: 'message', parts: [{ type: 'text', text: 'Apples' }], choice: 'a', grants: 'message' }
    case 6:
      return {
        ...common,
        type: 'message',
        parts: [{ type: 'text', text: '1' }],
        sender: { name: `N${random.upTo(9)}` },
      }
    default:
      return { ...common, type: 'message', parts: [{ type: 'text', text: random.pick(WORDS) }], grants: 'message' }
  }
}

async function commandOf(bot: TestRuntime, random: Random, user: string, id: string): Promise<Command | undefined> {
  const chat = await bot.runtime.engine.findChat('memory:memory', user)
  if (chat === undefined) return undefined
  const person = random.pick(PEOPLE)
  const common = { id, chat, by: { kind: 'agent', person } } as const
  switch (random.upTo(10)) {
    case 1:
    case 2:
      return { ...common, type: 'take' }
    case 3:
    case 4:
      return { ...common, type: 'send', content: `I am ${person}, and this is number ${random.upTo(99)}` }
    case 5:
      return { ...common, type: 'note', text: 'a good customer' }
    case 6:
      return { ...common, type: 'transfer', to: random.pick([{ team: 'care' }, { person: 'bo' }]) }
    case 7:
      return { ...common, type: 'return' }
    case 8:
      return { ...common, type: 'assign', person }
    case 9:
      return { ...common, type: 'close', because: 'solved', say: random.pick(['Bye', '']) }
    default:
      return { ...common, type: 'call-back', content: 'We promised to write' }
  }
}
