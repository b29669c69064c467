/** What goes out, through the whole runtime, by the rules that the channel declares and the platform enforces. */
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type BotTurn,
  type CommandResult,
  type Content,
  defineBot,
  type Maybe,
  type Outcome,
  type Part,
  type Plugin,
  z,
} from '#core'
import { type ManualClock, manualClock, memoryDesk, type TestRuntime, testRuntime } from '#core/testing'
import wechat from '../index.ts'
import {
  RULES_OF_2022,
  RULES_OF_2023,
  type SimulatedWeChat,
  startWeChat,
  type WeChatOptions,
} from '../simulated-platform/index.ts'
import { SEND_PATH } from './errors.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

interface World {
  readonly clock: ManualClock
  readonly platform: SimulatedWeChat
  readonly bot: TestRuntime
  /** What an agent says, who has the conversation or takes it. */
  says(content: Content): Promise<CommandResult>
  /** So many texts of the agent; how each ended. */
  saysTimes(times: number): Promise<readonly string[]>
  /** What became of each delivery to the customer. */
  deliveries(): Promise<
    readonly { readonly state: string; readonly code: string | null; readonly error: string | null }[]
  >
  customer: ReturnType<SimulatedWeChat['customer']>
}

/** Without a bot people have the conversations. */
async function start(
  options: {
    readonly settings?: { readonly [setting: string]: unknown }
    readonly platform?: WeChatOptions
    readonly bot?: Plugin
  } = {},
): Promise<World> {
  const clock = manualClock()
  const platform = await startWeChat({ clock, ...options.platform })
  const { encodingAesKey: _, ...keys } = platform.keys
  const bots = options.bot && { bot: { use: options.bot } }
  const shop = { use: wechat, ...keys, apiBase: platform.apiBase, replyBy: 'customer-service', ...options.settings }
  const bot = await testRuntime(
    {
      http: { allow: ['127.0.0.1'] },
      texts: { handedOver: '' },
      channels: { shop },
      bots,
      desks: { desk: { use: memoryDesk().plugin } },
    },
    { clock, listen: true },
  )
  onTestFinished(async () => {
    await bot[Symbol.asyncDispose]()
    await platform[Symbol.asyncDispose]()
  })
  await platform.connect(`${bot.runtime.url}/shop`)
  const amy = bot.agent('amy')
  const chat = async () => {
    await bot.idle()
    return (await bot.runtime.engine.findChat(`wechat:${keys.appId}`, 'oA')) ?? ''
  }
  let hasTaken = false
  const says = async (content: Content) => {
    const where = await chat()
    if (!hasTaken) await amy.does({ type: 'take', chat: where })
    hasTaken = true
    const result = await amy.does({ type: 'send', chat: where, content })
    await bot.idle()
    return result
  }
  return {
    ...{ clock, platform, bot, says },
    async saysTimes(times) {
      const ended: string[] = []
      for (let i = 0; i < times; i++) {
        const result = await says(`message ${i}`)
        ended.push(result.ok ? 'sent' : `${result.code}: ${result.message}`)
      }
      return ended
    },
    async deliveries() {
      await bot.idle()
      const { read } = bot.runtime.engine
      const rows = read.selectFrom('delivery').select(['state', 'code', 'error']).where('destination', '=', 'channel')
      return rows.orderBy('id').execute()
    },
    customer: platform.customer('oA'),
  }
}

function botThat(answer: (turn: BotTurn) => Maybe<Outcome>) {
  return defineBot({
    name: 'bot',
    summary: 'Says what it is told to.',
    config: z.strictObject({}),
    setup: () => ({ answer }),
  })
}

const sent = (times: number) => Array.from({ length: times }, () => 'sent')
const USED_UP = /^WINDOW_CLOSED: .*All messages that the platform takes are used up/
const OVER = /^WINDOW_CLOSED: .*The time in which the platform takes messages is over/

describe.each([
  ['wechat-oa-2022', 20, RULES_OF_2022],
  ['wechat-oa-2023', 5, RULES_OF_2023],
] as const)('by the rules of %s', (policy, most, rules) => {
  const begin = () => start({ settings: { policy }, platform: { rules } })

  test(`C-WX-02: ${most} messages go out after one of the customer's, and no more`, async () => {
    const world = await begin()
    await world.customer.says('hello')
    expect(await world.saysTimes(most)).toEqual(sent(most))
    expect(await world.saysTimes(1)).toEqual([expect.stringMatching(USED_UP)])
    expect(world.customer.heard).toHaveLength(most)
    // The platform counts the same: it has not been asked once in vain, and would take none either.
    expect(world.platform.calls.filter(({ errcode }) => errcode !== 0)).toEqual([])
    expect(world.platform.account.person('oA').windows.take(world.clock.now())).toBe('used-up')
  })

  test('C-WX-02: at 48 hours and a second the first is refused, and a new message of the customer resets both', async () => {
    const world = await begin()
    await world.customer.says('hello')
    expect(await world.saysTimes(1)).toEqual(['sent'])
    await world.bot.idle()
    world.clock.jump(world.clock.now() + 48 * HOUR + SECOND)
    expect(await world.saysTimes(1)).toEqual([expect.stringMatching(OVER)])
    expect(world.platform.account.person('oA').windows.take(world.clock.now())).toBe('over')
    await world.customer.says('still there?')
    expect(await world.saysTimes(most)).toEqual(sent(most))
    expect(await world.saysTimes(1)).toEqual([expect.stringMatching(USED_UP)])
  })

  test('C-WX-03: three messages go out within a minute of a click in the menu, and no more', async () => {
    const world = await begin()
    await world.customer.clicks('HUMAN')
    expect(await world.saysTimes(3)).toEqual(sent(3))
    expect(await world.saysTimes(1)).toEqual([expect.stringMatching(USED_UP)])
    expect(world.platform.account.person('oA').windows.take(world.clock.now())).toBe('used-up')
  })

  test('C-WX-03: a click grants nothing beyond its minute: the reply allowance is only for messages', async () => {
    const world = await begin()
    await world.customer.clicks('HUMAN')
    expect(await world.saysTimes(1)).toEqual(['sent'])
    world.clock.jump(world.clock.now() + MINUTE + SECOND)
    expect(await world.saysTimes(1)).toEqual([expect.stringMatching(OVER)])
  })

  test('C-WX-03: what a click allows is used first, and takes nothing of what a message allows', async () => {
    const world = await begin()
    await world.customer.says('hello')
    await world.customer.clicks('HUMAN')
    expect(await world.saysTimes(most + 3)).toEqual(sent(most + 3))
    expect(await world.saysTimes(1)).toEqual([expect.stringMatching(USED_UP)])
  })
})

describe('what the platform takes', () => {
  test('C-WX-01: an agent can still write after the customer has closed the page', async () => {
    const world = await start()
    await world.customer.says('hello')
    await world.bot.idle()
    // The platform tells nobody that a page was closed: there is nothing but time.
    world.clock.jump(world.clock.now() + 47 * HOUR)
    expect(await world.saysTimes(1)).toEqual(['sent'])
    expect(world.customer.heard).toEqual(['message 0'])
  })

  test('less than its rules say (45047) empties the allowance: nothing more is tried, until the customer writes', async () => {
    const rules = RULES_OF_2023.map((rule) => (rule.on === 'message' ? { ...rule, max: 2 } : rule))
    const world = await start({ platform: { rules } })
    await world.customer.says('hello')
    expect(await world.saysTimes(3)).toEqual(sent(3))
    expect(await world.deliveries()).toMatchObject([
      { state: 'sent' },
      { state: 'sent' },
      { state: 'dead', code: 'CHANNEL_WINDOW_CLOSED', error: expect.stringContaining('45047') },
    ])
    expect(await world.saysTimes(1)).toEqual([expect.stringMatching(OVER)])
    expect(world.platform.calls.filter(({ path }) => path === SEND_PATH)).toHaveLength(3)
    await world.customer.says('again')
    expect(await world.saysTimes(1)).toEqual(['sent'])
    expect(world.customer.heard).toHaveLength(3)
  })

  test('nothing of an answer behind the part that it has refused (45047)', async () => {
    const bot = botThat((turn) => {
      if (turn.text === 'again') return turn.reply('four')
      turn.say('one')
      turn.say('two')
      return turn.reply('three')
    })
    const rules = RULES_OF_2023.map((rule) => (rule.on === 'message' ? { ...rule, max: 1 } : rule))
    const world = await start({ bot, platform: { rules } })
    await world.customer.says('hello')
    const refused = {
      state: 'dead',
      code: 'CHANNEL_WINDOW_CLOSED',
      error: expect.stringContaining('45047'),
    }
    expect(await world.deliveries()).toMatchObject([{ state: 'sent' }, refused, refused])
    expect(world.platform.calls.filter(({ path }) => path === SEND_PATH)).toHaveLength(2)
    await world.customer.says('again')
    await world.bot.idle()
    expect(world.customer.heard).toEqual(['one', 'four'])
  })

  test('no more, since the customer has left (45015), empties it too', async () => {
    const world = await start()
    await world.customer.says('hello')
    await world.bot.idle()
    world.platform.account.person('oA').windows.close()
    expect(await world.saysTimes(1)).toEqual(['sent'])
    expect(await world.deliveries()).toMatchObject([{ state: 'dead', error: expect.stringContaining('45015') }])
    expect(await world.saysTimes(1)).toEqual([expect.stringMatching(OVER)])
  })

  test('nothing while the token is refused: the channel is paused, the operator sees why, and then the message goes', async () => {
    const world = await start()
    await world.customer.says('hello')
    await world.bot.idle()
    world.platform.answers(SEND_PATH, 40001, { times: 2 })
    await world.says('at last')
    expect(await world.deliveries()).toMatchObject([{ state: 'pending', code: 'CHANNEL_TOKEN' }])
    const paused = JSON.stringify(world.bot.logged)
    expect(paused).toContain('another program fetches tokens with the same AppSecret')
    await world.bot.advance(MINUTE)
    expect(world.customer.heard).toEqual(['at last'])
    const secrets = [
      world.platform.keys.appSecret,
      ...(await world.bot.rows('shop', 'token')).map((row) => Reflect.get(row, 'value')),
    ]
    for (const secret of secrets) expect(paused).not.toContain(secret)
  })

  test('nothing for a minute after it was asked too often (45011)', async () => {
    const world = await start()
    await world.customer.says('hello')
    await world.bot.idle()
    world.platform.answers(SEND_PATH, 45011)
    await world.says('at last')
    await world.bot.advance(MINUTE - SECOND)
    expect(world.customer.heard).toEqual([])
    await world.bot.advance(SECOND)
    expect(world.customer.heard).toEqual(['at last'])
  })

  test('nobody knows what: a message without an answer is shown as unknown, and never sent again by itself', async () => {
    const world = await start()
    await world.customer.says('hello')
    await world.bot.idle()
    world.platform.answers(SEND_PATH, { status: 502 })
    await world.says('did it go?')
    await world.bot.advance(HOUR)
    expect(await world.deliveries()).toMatchObject([{ state: 'unknown' }])
    expect(world.platform.calls.filter(({ path }) => path === SEND_PATH)).toHaveLength(1)
  })

  test('when it is busy (-1) the message goes again a second later, as the platform asks', async () => {
    const world = await start()
    await world.customer.says('hello')
    await world.bot.idle()
    world.platform.answers(SEND_PATH, -1)
    await world.says('at last')
    await world.bot.advance(SECOND)
    expect(world.customer.heard).toEqual(['at last'])
  })
})

describe('what a bot says', () => {
  test.each<[string, Part, string]>([
    [
      'a file',
      { type: 'file', url: 'https://files.example/a.pdf', name: 'a.pdf', mimeType: 'application/pdf' },
      '[File] a.pdf\nhttps://files.example/a.pdf',
    ],
    [
      'a place',
      { type: 'location', latitude: 31.2, longitude: 121.5, label: 'Shanghai' },
      '[Location] Shanghai\n31.2, 121.5',
    ],
    [
      'a picture of another type',
      { type: 'image', url: 'https://files.example/a.webp', mimeType: 'image/webp' },
      '[Picture]\nhttps://files.example/a.webp',
    ],
    [
      'a video that is too large',
      { type: 'video', url: 'https://files.example/a.mp4', mimeType: 'video/mp4', sizeBytes: 11_000_000 },
      '[Video]\nhttps://files.example/a.mp4',
    ],
    [
      'a native part of another platform',
      { type: 'native', platform: 'line', data: {}, text: 'A sticker' },
      'A sticker',
    ],
  ])('C-WX-04: %s goes as text with its link, and the trace says why', async (_what, part, text) => {
    const world = await start({ bot: botThat((turn) => turn.reply(part)) })
    await world.customer.says('hello')
    await world.bot.idle()
    expect(world.customer.heard).toEqual([text])
    const traces = await world.bot.runtime.engine.read.selectFrom('entry').select('trace_json').execute()
    expect(JSON.stringify(traces)).toContain('was sent as text, because')
  })

  test('C-WX-05: a choice is taken by a tap, by its number and by its words; too many are a numbered text', async () => {
    const choices = ['track', 'human'].map((id) => ({ id, label: `The ${id}` }))
    const many = Array.from({ length: 11 }, (_, i) => ({ id: `c${i}`, label: `Choice ${i}` }))
    const asked: (string | undefined)[] = []
    const bot = botThat((turn) => {
      asked.push(turn.choice)
      return turn.reply({ type: 'choices', prompt: 'Which?', choices: turn.text === 'many' ? many : choices })
    })
    const world = await start({ bot })
    for (const said of [['hello'], ['The human', 'human'], ['2'], ['The track'], ['many'], ['11']] as const) {
      await world.customer.says(said[0], said[1] === undefined ? {} : { choice: said[1] })
      await world.bot.idle()
    }
    expect(asked).toEqual([undefined, 'human', 'human', 'track', undefined, 'c10'])
    const menu = { msgtype: 'msgmenu', msgmenu: { head_content: 'Which?' } }
    expect(world.customer.shown[0]?.message).toMatchObject(menu)
    expect(world.customer.heard[4]).toContain('11. Choice 10')
  })

  test('C-ID-05: without an identity it is shown under the account’s own name', async () => {
    const world = await start({ bot: botThat((turn) => turn.reply('hello')) })
    await world.customer.says('hello')
    await world.bot.idle()
    expect(world.customer.shown).toMatchObject([{ kfAccount: undefined }])
    const bodies = world.platform.calls.filter(({ path }) => path === SEND_PATH).map(({ body }) => body)
    expect(bodies).toEqual([{ touser: 'oA', msgtype: 'text', text: { content: 'hello' } }])
  })

  test('is sent in pieces that the platform takes, and never cut inside a link', async () => {
    const link = `<a href="https://x.example/${'y'.repeat(100)}">订单</a>`
    const text = `${'长文。'.repeat(215)}${link} ${'后面。'.repeat(100)}`
    const world = await start({ bot: botThat((turn) => turn.reply(text)) })
    await world.customer.says('hello')
    await world.bot.idle()
    expect(world.customer.heard.length).toBe(2)
    expect(world.customer.heard.some((piece) => piece.includes(link))).toBe(true)
    for (const piece of world.customer.heard) expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(2_047)
    expect(world.platform.calls.filter(({ errcode }) => errcode !== 0)).toEqual([])
  })
})

describe('an account that may only answer (48001)', () => {
  test('says so once and goes on by answers: what came too late is said to the next message', async () => {
    const slow = Promise.withResolvers<void>()
    const bot = botThat(async (turn) => {
      if (turn.text === 'slow') await slow.promise
      return turn.reply(`re: ${turn.text}`)
    })
    const world = await start({ bot, settings: { replyBy: 'auto' }, platform: { isVerified: false } })
    const late = world.customer.says('slow')
    await world.clock.advance(4_500)
    await late
    slow.resolve()
    await world.bot.idle()
    expect(await world.deliveries()).toMatchObject([{ state: 'pending', code: 'CHANNEL_ONLY_ANSWERS' }])
    await world.customer.says('quick')
    await world.bot.idle()
    await world.customer.says('next')
    await world.bot.idle()
    expect(world.customer.heard).toEqual(['re: slow\nre: quick', 're: next'])
    expect(world.platform.calls.filter(({ path }) => path === SEND_PATH)).toHaveLength(1)
    expect(world.bot.logged.filter((line) => line.includes(`${SEND_PATH}: 48001`))).toHaveLength(1)
  })
})

describe('the line that says that a message is made by AI', () => {
  const model = defineBot({
    name: 'model',
    summary: 'A model.',
    config: z.strictObject({}),
    isModel: true,
    setup: () => ({
      answer: (turn) => (turn.text === 'person' ? turn.handOff({ because: 'asked' }) : turn.reply(`re: ${turn.text}`)),
    }),
  })

  test('stands under what a model wrote, in every message of it, and under nobody else’s', async () => {
    const world = await start({ bot: model })
    await world.customer.says('字'.repeat(1_000))
    await world.bot.idle()
    expect(world.platform.sent.map(({ isAi }) => isAi)).toEqual([true, true])
    await world.customer.says('person')
    await world.says('I am Amy')
    expect(world.platform.sent.slice(2).map(({ isAi }) => isAi)).toEqual([false])
    const program = await start({ bot: botThat((turn) => turn.reply('by heart')) })
    await program.customer.says('hi')
    await program.bot.idle()
    expect(program.platform.sent.map(({ isAi }) => isAi)).toEqual([false])
  })

  test('stands under a message that is tried again, too', async () => {
    const world = await start({ bot: model })
    world.platform.answers(SEND_PATH, -1)
    await world.customer.says('hi')
    await world.bot.idle()
    await world.clock.advance(SECOND)
    await world.bot.idle()
    expect(world.platform.sent.map(({ isAi }) => isAi)).toEqual([true])
  })
})
