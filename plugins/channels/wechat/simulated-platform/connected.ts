/** A runtime with one account of a simulated platform, for tests: what customers do there comes in here. */
import { manualClock, type TestConfig, type TestOptions, type TestRuntime, testRuntime } from '#core/testing'
import wechatChannel from '../index.ts'
import { type SimulatedWeChat, startWeChat, type WeChatOptions } from './index.ts'

/** The channel's name in the YAML of these tests. */
export const SHOP = 'shop'

export interface Connected extends AsyncDisposable {
  readonly bot: TestRuntime
  readonly wechat: SimulatedWeChat
  /** The same configuration with these settings of the channel. */
  apply(settings: Settings, more?: TestConfig): Promise<void>
  /** The same in another process: the one before has been stopped. */
  restart(settings: Settings, more?: TestConfig): Promise<void>
}

type Settings = { readonly [setting: string]: unknown }

/** Starts both. `settings` are the channel's, beside its keys. */
export async function connected(
  settings: Settings = {},
  given: { readonly config?: TestConfig; readonly platform?: WeChatOptions; readonly options?: TestOptions } = {},
): Promise<Connected> {
  const opened = new AsyncDisposableStack()
  try {
    const clock = given.options?.clock ?? manualClock()
    const wechat = opened.use(await startWeChat({ clock, ...given.platform }))
    const config = (own: Settings, more: TestConfig = given.config ?? {}): TestConfig => configOf(wechat, own, more)
    const bot = opened.use(await testRuntime(config(settings), { listen: true, ...given.options, clock }))
    await wechat.connect(`${bot.runtime.url}/${SHOP}`)
    const all = opened.move()
    return {
      bot,
      wechat,
      apply: (own, more) => bot.apply(config(own, more)),
      restart: (own, more) => bot.restart(config(own, more)),
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

function configOf({ keys, apiBase, host }: SimulatedWeChat, settings: Settings, more: TestConfig): TestConfig {
  const { appId, appSecret, token } = keys
  return {
    bots: { parrot: { use: 'echo' } },
    http: { allow: [host] },
    ...more,
    channels: { [SHOP]: { use: wechatChannel, appId, appSecret, token, apiBase, ...settings }, ...more.channels },
  }
}
