/** The whole of it: the real runtime with the web chat, a shop with the chat on its pages, and the line between them. */
import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import {
  type BotTurn,
  type Command,
  type CommandResult,
  defineBot,
  definePlugin,
  type Identity,
  type Next,
  z,
} from '#core'
import { memoryDesk, type TestRuntime, testRuntime } from '#core/testing'
import type { Maybe, Outcome } from '../../core/turn.ts'
import web from '../../plugins/channels/web/index.ts'
import { presence } from '../../plugins/services/index.ts'
import { makeRandom } from '../crash/random.ts'
import { type Cutter, startCutter } from './cutter.ts'
import { type Host, shopPage, startHost } from './host.ts'

/** What a bot answers. `this` is none: it is called like a bot's own `answer`. */
export type Script = (turn: BotTurn, next: Next) => Maybe<Outcome> | AsyncGenerator<string, Outcome>

export interface SiteOptions {
  /** Settings of the channel, over those of a shop that has everything. */
  readonly web?: { readonly [setting: string]: unknown } | undefined
  readonly bot?: Script | undefined
}

export interface Site extends AsyncDisposable {
  readonly runtime: TestRuntime
  readonly host: Host
  readonly line: Cutter
  /** The channel's address behind the line, with a `/` at the end: the demo page. */
  readonly base: string
  /** A page of the shop with the chat on it, and the same in Chinese. */
  readonly shop: string
  readonly chineseShop: string
  /** Whether people of ours are there. */
  available: boolean
  /** What our people are to customers. */
  identity: Identity | undefined
  /** What an agent does in the chat of this page's visitor. */
  agent(page: Page, doing: AgentDoing): Promise<CommandResult>
}

type AgentDoing = Command extends infer C
  ? C extends { readonly type: string; readonly id: string }
    ? Omit<C, 'id' | 'by' | 'chat' | 'conversation'>
    : never
  : never

const AMY: Identity = {
  id: 'amy',
  name: { en: 'Amy', 'zh-CN': '小艾' },
  line2: { en: 'Online shop', 'zh-CN': '网店客服' },
}

/** Starts a site. Everything is on, nothing is limited, and the bot says what it is told. */
export async function startSite({ web: settings, bot = echo }: SiteOptions = {}): Promise<Site> {
  const host = await startHost()
  const line = await startCutter('http://127.0.0.1', makeRandom(1))
  const desk = memoryDesk({ nobody: () => !site.available })
  const listeners = new Set<() => void>()
  let available = true
  const people = definePlugin({
    name: 'people',
    summary: 'Says whether somebody is there.',
    config: z.strictObject({}),
    provides: { presence },
    setup: () => ({
      services: {
        presence: {
          isAvailable: () => available,
          onChange(listener) {
            listeners.add(listener)
            return () => listeners.delete(listener)
          },
        },
      },
    }),
  })
  const faces = definePlugin({
    name: 'faces',
    summary: 'Says who our people are to customers.',
    config: z.strictObject({}),
    setup: () => ({
      outbound: {
        rewrite: (reply, next) => (reply.by.kind === 'agent' ? next({ identity: site.identity }) : next()),
      },
    }),
  })
  const answering = defineBot({
    name: 'script',
    summary: 'Answers as the test says.',
    config: z.strictObject({}),
    setup: () => ({ answer: (turn, next) => bot(turn, next) }),
  })
  const runtime = await testRuntime(
    {
      server: { port: 0, publicUrl: line.url },
      languages: ['en', 'zh-CN'],
      channels: {
        site: {
          use: web,
          origins: [host.origin, host.trustedOrigin],
          title: { en: 'Cups & Plates', 'zh-CN': '杯碟小店' },
          greeting: { en: 'Hello! How can we help?', 'zh-CN': '您好，有什么可以帮您？' },
          limits: { messagesPerMinute: 100_000, sessionsPerMinute: 100_000 },
          ...settings,
        },
      },
      bots: { script: { use: answering } },
      desks: { support: { use: desk.plugin } },
      features: [{ use: people }, { use: faces }],
      routes: [{ from: ['site', 'memory'], mode: 'bot-first', bot: 'script', desk: 'support' }],
    },
    { listen: true },
  )
  line.target = runtime.runtime.url ?? ''
  const base = `${line.url}/site/`
  const script = `src="${base}chat.js" defer`

  const site: Site = {
    runtime,
    host,
    line,
    base,
    shop: host.page('/', shopPage(script)),
    chineseShop: host.page('/zh', shopPage(script, { lang: 'zh-CN' })),
    get available() {
      return available
    },
    set available(next) {
      available = next
      for (const listener of listeners) listener()
    },
    identity: AMY,
    async agent(page, doing) {
      const visitor = await visitorOf(page)
      const chat = await runtime.runtime.engine.read
        .selectFrom('chat')
        .select('id')
        .where('external_id', '=', visitor)
        .executeTakeFirst()
      if (!chat) throw new Error(`${visitor} has not written yet.`)
      return runtime.runtime.command({
        ...doing,
        chat: chat.id,
        id: randomUUID(),
        by: { kind: 'agent', person: 'amy' },
      })
    },
    async [Symbol.asyncDispose]() {
      await line[Symbol.asyncDispose]()
      await runtime[Symbol.asyncDispose]()
      await host[Symbol.asyncDispose]()
    },
  }
  return site
}

/** The token that the page's browser keeps. */
export async function tokenOf(page: Page): Promise<string> {
  const kept = await page.evaluate<readonly string[]>('Object.values({ ...localStorage })')
  const token = /\b[uv][\w-]+\.[0-9a-z]+\.[\w-]*\.[\w-]{43}/.exec(kept.join('\n'))?.[0]
  if (token === undefined) throw new Error('This browser has no token yet.')
  return token
}

async function visitorOf(page: Page): Promise<string> {
  return (await tokenOf(page)).split('.')[0] ?? ''
}

/** What customers are told when a test hands them over. */
export const ONE_MOMENT = 'One moment, please.'
/** Hands over to people. */
export const handOver: Script = (turn) => turn.handOff({ say: ONE_MOMENT, because: 'asked for a person' })

const echo: Script = (turn) => turn.reply(`echo: ${turn.text}`)
