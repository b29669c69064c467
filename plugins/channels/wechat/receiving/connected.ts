/** The channel, running and connected with a simulated platform, for its tests. */
import { type Conversation, defineBot, z } from '#core'
import { type ManualClock, manualClock, type TestConfig, type TestRuntime, testRuntime } from '#core/testing'
import wechat from '../index.ts'
import { type Mode, type SimulatedWeChat, startWeChat, type WeChatOptions } from '../simulated-platform/index.ts'

/** A bot that repeats what it is told; says nothing to "…", and waits with "slow" until it is let go. */
export function parrot(held: Promise<void> = Promise.resolve()) {
  return defineBot({
    name: 'parrot',
    summary: 'Repeats what it is told.',
    config: z.strictObject({}),
    setup: () => ({
      async answer(turn) {
        if (turn.text === '…') return turn.done('nothing to say')
        if (turn.text === 'slow') await held
        return turn.reply(`re: ${turn.text}`)
      },
    }),
  })
}

interface Accepted {
  readonly account: string
  readonly chat: string
  readonly type: string
  /** `answered: unknown` and the like. */
  readonly became: string
}

export interface Connected extends AsyncDisposable {
  readonly clock: ManualClock
  readonly platform: SimulatedWeChat
  readonly bot: TestRuntime
  readonly url: string
  /** All that was accepted, and what became of it. */
  events(): Promise<readonly Accepted[]>
  /** The customer's chat in the journal. */
  chat(openId: string): Promise<string>
  conversation(openId: string): Promise<Conversation | undefined>
}

/** Starts it all; pushes come as `mode` says. */
export async function start(
  options: {
    readonly settings?: { readonly [setting: string]: unknown }
    readonly mode?: Mode
    readonly held?: Promise<void>
    readonly platform?: WeChatOptions
    readonly config?: TestConfig
  } = {},
): Promise<Connected> {
  await using opened = new AsyncDisposableStack()
  const { mode = 'plain', settings = {} } = options
  const clock = manualClock()
  const platform = opened.use(await startWeChat({ clock, ...options.platform }))
  const { encodingAesKey, ...keys } = platform.keys
  const own = {
    use: wechat,
    ...keys,
    apiBase: platform.apiBase,
    ...(mode !== 'plain' && { encodingAesKey }),
    ...settings,
  }
  const config = {
    http: { allow: ['127.0.0.1'] },
    channels: { shop: own },
    bots: { parrot: { use: parrot(options.held) } },
    ...options.config,
  }
  const bot = opened.use(await testRuntime(config, { clock, listen: true }))
  await platform.connect(`${bot.runtime.url}/shop`, mode)
  const chat = async (openId: string) =>
    (await bot.runtime.engine.findChat(`wechat:${keys.appId}`, openId)) ?? `${openId} has not written yet`
  const whole = opened.move()
  return {
    clock,
    platform,
    bot,
    get url() {
      return `${bot.runtime.url}/shop`
    },
    async events() {
      await bot.idle()
      const { read } = bot.runtime.engine
      const rows = await read
        .selectFrom('entry')
        .innerJoin('chat', 'chat.id', 'entry.chat')
        .select(['account', 'external_id as chat', 'type', 'outcome', 'because'])
        .where('kind', '=', 'in')
        .orderBy('entry.id')
        .execute()
      return rows.map(({ outcome, because, ...row }) => ({ ...row, became: `${outcome}: ${because}` }))
    },
    chat,
    async conversation(openId) {
      await bot.idle()
      return (await bot.runtime.engine.load(await chat(openId)))?.conversation
    },
    [Symbol.asyncDispose]: () => whole.disposeAsync(),
  }
}
