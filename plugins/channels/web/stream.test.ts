/** What looking on keeps: all of it, in order, each once; by WebSocket, by server-sent events, and page by page. */
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { type TestConfig, testRuntime } from '#core/testing'
import { HEARTBEAT_MS } from './hub.ts'
import web from './index.ts'
import { openSocket, type SimulatedVisitor, siteOf, visit, visitorWith } from './simulated-visitor.ts'

const MUCH = { limits: { messagesPerMinute: 10_000, connectionsPerVisitor: 1_000, connectionsPerAddress: 1_000 } }

function config(settings: { readonly [setting: string]: unknown } = {}, more: TestConfig = {}): TestConfig {
  return { channels: { site: { use: web, ...MUCH, ...settings } }, bots: { parrot: { use: 'echo' } }, ...more }
}
const start = (settings = {}, more: TestConfig = {}) => testRuntime(config(settings, more), { listen: true })

const seqs = (items: readonly { readonly seq: number }[]) => items.map(({ seq }) => seq)
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

describe.each(['socket', 'events'] as const)('looking on by %s', (by) => {
  test('begins with how things are, and goes on where the page left off', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    for (const text of ['one', 'two', 'three']) await anna.says(text)
    await bot.idle()
    const looking = await anna.looks({ by, after: 4 })
    expect(seqs(await looking.untilItems(2))).toEqual([5, 6])
    expect(looking.frames[0]).toEqual({
      type: 'hello',
      heartbeatMs: HEARTBEAT_MS,
      snapshot: { available: true, conversation: 'bot', head: 6, read: 0 },
    })
    await anna.says('four')
    expect(seqs(await looking.untilItems(4))).toEqual([5, 6, 7, 8])
  })

  test('skips what is too much for a beginning, which can be scrolled back to', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    for (const text of upTo(60).map(String)) await anna.says(text)
    await bot.idle()
    const looking = await anna.looks({ by })
    await looking.untilItems(100)
    expect(looking.frames[1]).toEqual({ type: 'skip', from: 21 })
    expect(seqs(looking.items)).toEqual(upTo(120, 21))
    const older = await anna.page('?before=21')
    expect([seqs(older.items), older.more]).toEqual([upTo(20), false])
    const middle = await anna.page('?before=120')
    expect([seqs(middle.items), middle.more]).toEqual([upTo(119, 20), true])
  })

  test('sees every number once and in order, while fifty pages write and are answered', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const early = await anna.looks({ by })
    const sending = upTo(50).map((i) => anna.says(`message ${i}`))
    const late = await Promise.all(upTo(10).map(() => anna.looks({ by })))
    await Promise.all(sending)
    await bot.idle()
    const log = await anna.log()
    expect(seqs(log)).toEqual(upTo(100))
    for (const looking of [early, ...late]) expect(await looking.untilItems(100)).toEqual(log)
    // An answer never stands before its question.
    const texts = log.map((item) => ('part' in item && item.part.type === 'text' ? item.part.text : ''))
    for (const i of upTo(50)) {
      const question = texts.indexOf(`message ${i}`)
      expect(question).toBeGreaterThanOrEqual(0)
      expect(texts.indexOf(`echo: message ${i}`)).toBeGreaterThan(question)
    }
  })

  test('ends with a reload, and goes on with the next instance', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const looking = await anna.looks({ by })
    await anna.says('before')
    await looking.untilItems(2)
    await bot.apply(config({ title: 'Another' }))
    expect(await looking.ended).toBe(by === 'socket' ? '1012 0' : 'end')
    const again = await anna.looks({ by, after: 2 })
    await anna.says('after')
    expect(seqs(await again.untilItems(2))).toEqual([3, 4])
  })

  test('shows a chat as empty to whoever has seen more of it than there is', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const looking = await anna.looks({ by, after: 7 })
    expect((await looking.until('hello')).snapshot.head).toBe(0)
    await anna.says('hello')
    expect(seqs(await looking.untilItems(1)).at(0)).toBe(1)
  })
})

test('what another process has written is seen at the next beat', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const looking = await anna.looks()
    await looking.until('hello')
    const body = JSON.stringify({ part: { type: 'text', text: 'from elsewhere' } })
    const row = { chat: anna.chat, seq: 1, id: 'elsewhere', at: bot.clock.now(), by: 'us', body }
    await bot.runtime.engine.tablesOf<{ log: typeof row }>('site').insertInto('log').values(row).execute()
    expect(looking.items).toEqual([])
    vi.advanceTimersByTime(HEARTBEAT_MS)
    expect(await looking.untilItems(1)).toMatchObject([{ seq: 1, id: 'elsewhere' }])
  } finally {
    vi.useRealTimers()
  }
})

test('a restart on the same folder keeps sessions, log and numbers', async () => {
  await using bot = await start()
  const anna = await visit(siteOf(bot))
  await anna.says('before', { id: 'message-1' })
  await bot.idle()
  await bot.restart()
  const again = visitorWith(siteOf(bot), anna.token)
  expect(await again.says('before', { id: 'message-1' })).toEqual({ seq: 1 })
  expect(await again.says('after')).toEqual({ seq: 3 })
  await bot.idle()
  expect(seqs(await again.log())).toEqual([1, 2, 3, 4])
})

test('after a restart those who come again are spread, the more of them the longer', async () => {
  await using bot = await start()
  const anna = await visit(siteOf(bot))
  const all = await Promise.all(upTo(50).map(() => anna.looks()))
  await Promise.all(all.map((looking) => looking.until('hello')))
  await bot.runtime.stop()
  expect(new Set(await Promise.all(all.map(({ ended }) => ended)))).toEqual(new Set(['1012 100']))
})

describe('an upgrade that is refused', () => {
  const refused = (site: string, token: string, origin?: string) => {
    const socket = openSocket(site, token, { origin })
    const { promise, resolve } = Promise.withResolvers<number | 'open' | undefined>()
    socket.on('open', () => resolve('open'))
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve(response.statusCode)
    })
    socket.on('error', () => resolve(undefined))
    return promise.finally(() => socket.terminate())
  }

  test('is answered before there is a WebSocket: without a token, from elsewhere, too many', async () => {
    await using bot = await start({ limits: { connectionsPerVisitor: 1 } })
    const site = siteOf(bot)
    const { token, looks } = await visit(site)
    expect(await refused(site, 'forged.token.here', 'http://localhost')).toBe(401)
    expect(await refused(site, token, 'https://elsewhere.example')).toBe(403)
    expect(await refused(site, token, '')).toBe(403)
    const looking = await looks()
    await looking.until('hello')
    expect(await refused(site, token, 'http://localhost')).toBe(429)
    looking.close()
    await expect.poll(() => refused(site, token, 'http://localhost')).toBe('open')
  })

  test('leaves nothing open, three hundred times', async () => {
    await using bot = await start({}, { limits: { refusedPerMinute: 10_000 } })
    const site = siteOf(bot)
    const count = () => readdirSync('/proc/self/fd').length
    await refused(site, 'forged.token.here', 'http://localhost')
    const before = count()
    for (let round = 0; round < 6; round++) {
      const all = upTo(50).map(() => refused(site, 'forged.token.here', 'http://localhost'))
      expect(new Set(await Promise.all(all))).toEqual(new Set([401]))
    }
    await expect.poll(count).toBeLessThanOrEqual(before + 2)
  })
})

describe('a page that takes nothing', () => {
  /** More than the network holds by itself on the way to a page. */
  async function writeMuch(anna: SimulatedVisitor): Promise<void> {
    const text = '字'.repeat(7_000)
    for (let round = 0; round < 5; round++) await Promise.all(upTo(50).map(() => anna.says(text)))
  }

  test('harms nobody else, and is cut off by the second beat', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      await using bot = await start()
      const site = new URL(siteOf(bot))
      const anna = await visit(site.href)
      const sleeping = connect(Number(site.port), site.hostname)
      const closed = new Promise((resolve) => sleeping.once('close', resolve))
      sleeping.on('error', () => undefined)
      const headers = ['host: localhost', 'accept: text/event-stream', `authorization: Bearer ${anna.token}`]
      sleeping.write(`GET /site/v1/events?after=0 HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
      sleeping.pause()
      const awake = await anna.looks()
      await awake.until('hello')
      await writeMuch(anna)
      await bot.idle()
      expect(seqs(await awake.untilItems(500))).toEqual(upTo(500))
      vi.advanceTimersByTime(HEARTBEAT_MS)
      vi.advanceTimersByTime(HEARTBEAT_MS)
      sleeping.resume()
      await closed
    } finally {
      vi.useRealTimers()
    }
  })

  test.each(['socket', 'events'] as const)('for a while gets all of it in the end, by %s', async (by) => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const looking = await anna.looks({ by })
    await looking.until('hello')
    looking.sleep()
    await writeMuch(anna)
    await bot.idle()
    looking.wake()
    expect(seqs(await looking.untilItems(500))).toEqual(upTo(500))
  })
})

test('both sides are told that the other is there, and a browser that is not is let go', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const here = await anna.looks()
    // As a phone that sleeps: its pings are answered by nobody.
    const gone = openSocket(siteOf(bot), anna.token, { autoPong: false })
    const pinged = new Promise((resolve) => gone.once('ping', resolve))
    const closed = new Promise((resolve) => gone.once('close', resolve))
    await Promise.all([here.until('hello'), new Promise((resolve) => gone.once('message', resolve))])
    vi.advanceTimersByTime(HEARTBEAT_MS)
    await here.until('beat')
    await pinged
    // By then the other has answered.
    await anna.page()
    vi.advanceTimersByTime(HEARTBEAT_MS)
    await closed
    await anna.says('still here')
    await here.untilItems(2)
  } finally {
    vi.useRealTimers()
  }
})
