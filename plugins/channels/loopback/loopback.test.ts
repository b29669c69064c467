import { describe, expect, test } from 'vitest'
import { definePlugin, type Part, z } from '#core'
import { channelContract, type TestRuntime, testRuntime } from '#core/testing'
import { loopback as inProcess, type Loopback } from '../../services/index.ts'
import loopback from './index.ts'
import { signedHeaders } from './signature.ts'
import { SECRET, startPlatform } from './simulated-platform.ts'

const START = Date.UTC(2026, 0, 1)
const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const fixtures = {
  folder: new URL('__fixtures__/', import.meta.url),
  events: {
    'text.json': {
      id: 'e-1',
      chat: 'u1',
      type: 'message',
      parts: [{ type: 'text', text: 'Where is my order? 我的订单在哪里？🙂' }],
      atMs: START,
      grants: 'message',
      sender: undefined,
    },
    'choice.json': { type: 'message', parts: [{ type: 'text', text: 'Yes' }], choice: 'yes', atMs: 1767225600000 },
    'parts.json': {
      type: 'message',
      sender: { name: '李雷', language: 'zh-CN' },
      entry: 'help page',
      parts: [
        { type: 'text', text: 'this one' },
        { type: 'image', url: 'https://files.example/receipt.png', name: 'receipt.png', mimeType: 'image/png' },
        { type: 'audio', url: 'https://files.example/voice.mp3' },
        { type: 'location', latitude: 31.2304, longitude: 121.4737, label: 'Shanghai' },
        { type: 'link', url: 'https://shop.example/1', title: 'Red shoes' },
      ],
    },
    'edit.json': { type: 'edit', of: 'e-1', parts: [{ type: 'text', text: 'Where are my orders?' }] },
    'recall.json': { type: 'recall', of: 'e-1' },
    'menu-click.json': { type: 'menu-click', key: 'HUMAN', grants: 'message' },
    'follow.json': { type: 'follow', entry: 'poster', grants: 'message' },
    'agent-message.json': { type: 'agent-message', agent: 'bo', parts: [{ type: 'text', text: 'I have called you.' }] },
  },
} as const

describe('C-WX-15: a channel that is no platform’s, posting answers', () => {
  const contract = channelContract({
    plugin: loopback,
    platform: startPlatform,
    settings: ({ url }) => ({ secret: SECRET, sendTo: url }),
    fixtures,
    refusals: {
      'wrong secret': { code: 'CHANNEL_TOKEN', scope: 'channel' },
      'no such chat': { code: 'CHANNEL_NO_CHAT', retry: false },
      'not like this': { code: 'CHANNEL_REFUSED', retry: false },
      'too fast': { code: 'CHANNEL_RATE_LIMITED', retryAfterMs: 7_000 },
      'under repair': { code: 'CHANNEL_DOWN', retry: true },
    },
  })
  for (const { name, run } of contract) test(name, run)
})

describe('C-WX-15: a channel that is no platform’s, keeping answers to be fetched', () => {
  const contract = channelContract({
    plugin: loopback,
    platform: async () => {
      const platform = await startPlatform()
      return { ...platform, shown: platform.fetched }
    },
    settings: () => ({ secret: SECRET }),
    fixtures,
  })
  for (const { name, run } of contract) test(name, run)
})

// ── what only this channel has ──────────────────────────────────────────────────────────────

const Fetched = z.object({ sent: z.array(z.object({ n: z.number(), part: z.object({ text: z.string() }) })) })

function start(settings: { readonly [setting: string]: unknown } = {}, features: readonly Feature[] = []) {
  return testRuntime(
    { channels: { demo: { use: loopback, secret: SECRET, ...settings } }, bots: { parrot: { use: 'echo' } }, features },
    { listen: true },
  )
}
type Feature = { readonly use: ReturnType<typeof definePlugin> }

function post(bot: TestRuntime, body: string, headers: { readonly [name: string]: string } = {}): Promise<Response> {
  const signed = signedHeaders(SECRET, bot.clock.now(), body)
  const all = { 'content-type': 'application/json', ...signed, ...headers }
  return fetch(`${bot.runtime.url}/demo`, { method: 'POST', headers: all, body })
}

async function fetchSent(bot: TestRuntime, query: string): Promise<readonly { n: number; text: string }[]> {
  const headers = signedHeaders(SECRET, bot.clock.now(), query)
  const response = await fetch(`${bot.runtime.url}/demo/sent?${query}`, { headers })
  expect(response.status).toBe(200)
  return Fetched.parse(await response.json()).sent.map(({ n, part }) => ({ n, text: part.text }))
}

describe('a request', () => {
  test.each([
    ['half a JSON', '{', 'The body is not JSON.'],
    ['a list', '[]', 'id: '],
    ['with a key that nobody knows', '{"id":"1","chat":"u1","text":"hi","colour":"red"}', 'Unrecognized key: "colour"'],
    ['of a type that nobody knows', '{"id":"1","chat":"u1","type":"dance"}', 'type: '],
    ['without parts', '{"id":"1","chat":"u1","type":"message","parts":[]}', 'parts: '],
    ['too long', `{"id":"1","chat":"u1","text":"${'x'.repeat(20_001)}"}`, 'text: '],
  ])('that is %s is refused, and told why', async (_what, body, why) => {
    await using bot = await start()
    const response = await post(bot, body)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ code: 'BAD_REQUEST', message: expect.stringContaining(why) })
  })

  test('of another type than JSON is refused', async () => {
    await using bot = await start()
    expect((await post(bot, 'id=1', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415)
    expect((await post(bot, 'hello', { 'content-type': 'text/plain' })).status).toBe(415)
  })

  test('whose time is more than five minutes from ours is refused', async () => {
    await using bot = await start()
    const body = '{"id":"1","chat":"u1","text":"hello"}'
    const at = (ms: number) => post(bot, body, signedHeaders(SECRET, bot.clock.now() + ms, body))
    expect((await at(-300_001)).status).toBe(403)
    expect((await at(300_001)).status).toBe(403)
    expect((await post(bot, body, { 'x-timestamp': 'now' })).status).toBe(403)
    expect((await at(-300_000)).status).toBe(200)
  })

  test('that asks for answers must sign what it asks for', async () => {
    await using bot = await start()
    const url = `${bot.runtime.url}/demo/sent?chat=u2`
    const headers = signedHeaders(SECRET, bot.clock.now(), 'chat=u1')
    expect((await fetch(url, { headers })).status).toBe(403)
    expect((await fetch(url)).status).toBe(403)
    expect((await fetch(`${bot.runtime.url}/demo/anything-else`)).status).toBe(403)
  })
})

describe('answers that wait', () => {
  test('are fetched once each, if asked from the last one on', async () => {
    await using bot = await start()
    for (const id of ['1', '2']) await post(bot, JSON.stringify({ id, chat: 'u1', text: `message ${id}` }))
    await post(bot, JSON.stringify({ id: '3', chat: 'u2', text: 'hello' }))
    await bot.idle()
    const first = await fetchSent(bot, 'chat=u1')
    expect(first.map(({ text }) => text)).toEqual(['echo: message 1', 'echo: message 2'])
    expect(await fetchSent(bot, `chat=u1&after=${first[1]?.n}`)).toEqual([])
    expect((await fetchSent(bot, 'chat=u2')).map(({ text }) => text)).toEqual(['echo: hello'])
  })

  test('say under which name and face they are shown', async () => {
    const identity = { id: 'sales', name: 'Sales', avatarUrl: 'https://files.example/sales.png' }
    const faces = definePlugin({
      name: 'faces',
      summary: 'Gives everybody one face.',
      config: z.strictObject({}),
      setup: () => ({ outbound: { rewrite: (_reply, next) => next({ identity }) } }),
    })
    await using bot = await start({}, [{ use: faces }])
    await post(bot, JSON.stringify({ id: '1', chat: 'u1', text: 'hello' }))
    await bot.idle()
    const [row] = await bot.rows('demo', 'sent')
    const { message } = z.object({ message: z.string() }).parse(row)
    expect(JSON.parse(message)).toMatchObject({ part: { text: 'echo: hello' }, identity, inReplyTo: '1' })
  })

  test('are forgotten after a week', async () => {
    await using bot = await start()
    await post(bot, JSON.stringify({ id: '1', chat: 'u1', text: 'hello' }))
    await bot.idle()
    await bot.clock.advance(6 * DAY)
    expect(await fetchSent(bot, 'chat=u1')).toHaveLength(1)
    await bot.clock.advance(DAY)
    // The job runs at the hour; what it does takes real time.
    const rows = async () => {
      await bot.clock.advance(HOUR)
      return bot.rows('demo', 'sent')
    }
    await expect.poll(rows).toEqual([])
  })
})

describe('a plugin in the same process', () => {
  function onlooker() {
    const seen: Part[] = []
    let lent: Loopback | undefined
    const plugin = definePlugin({
      name: 'onlooker',
      summary: 'Talks to the channel from inside.',
      config: z.strictObject({}),
      needs: { channel: inProcess },
      setup({ channel }) {
        lent = channel
        channel.onSent(() => {
          throw new Error('I looked away')
        })
        channel.onSent(({ part }) => seen.push(part))
        return {}
      },
    })
    const says = (id: string, text: string) =>
      lent?.receive({
        id,
        chat: 'u1',
        type: 'message',
        parts: [{ type: 'text', text }],
        atMs: START,
        grants: 'message',
      })
    return { plugin, seen, says }
  }

  test.each(['later', 'inline'])(
    'says something and sees what is answered %s, though another fails',
    async (answer) => {
      const { plugin, seen, says } = onlooker()
      await using bot = await start({ answer }, [{ use: plugin }])
      await says('1', 'hello')
      await bot.idle()
      expect(seen).toEqual([{ type: 'text', text: 'echo: hello' }])
    },
  )
})
