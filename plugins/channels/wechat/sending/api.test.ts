import { describe, expect, onTestFinished, test } from 'vitest'
import { DeliveryError, type Log, messageOf, z } from '#core'
import { type ManualClock, makeLog, manualClock } from '#core/testing'
import { type SimulatedWeChat, startWeChat, type WeChatOptions } from '../simulated-platform/index.ts'
import { type Api, makeApi, WeChatError } from './api.ts'
import { type JournalInMemory, journalInMemory } from './journal-in-memory.ts'
import { makeAccessToken, type TokenKind } from './token.ts'

const SEND = '/cgi-bin/message/custom/send'
const STABLE = '/cgi-bin/stable_token'
const CLASSIC = '/cgi-bin/token'
const USER = '/cgi-bin/user/info'
const TYPING = '/cgi-bin/message/custom/typing'
const MINUTE = 60_000
const Anything = z.looseObject({})

interface World {
  readonly wechat: SimulatedWeChat
  readonly clock: ManualClock
  readonly journal: JournalInMemory
  readonly api: Api
  readonly logged: readonly string[]
  /** One of another process, with the same journal. */
  another(settings?: { readonly appSecret?: string }): Api
  /** The calls of a path, by what came of them. */
  calls(path: string): readonly number[]
}

async function start(options: WeChatOptions & { readonly kind?: TokenKind } = {}): Promise<World> {
  const { kind = 'stable', ...rest } = options
  const clock = manualClock()
  const wechat = await startWeChat({ clock, ...rest })
  const journal = journalInMemory()
  const logged: string[] = []
  const log: Log = makeLog({ level: 'debug', stream: { write: (line) => void logged.push(line) } })
  const stopping = new AbortController()
  onTestFinished(async () => {
    stopping.abort(new Error('The test is over.'))
    await wechat[Symbol.asyncDispose]()
  })
  const another: World['another'] = (settings) =>
    makeApi({
      config: { ...wechat.keys, apiBase: wechat.apiBase, accessToken: kind, ...settings },
      http: fetch,
      clock,
      sql: journal.open(),
      log,
      signal: stopping.signal,
    })
  return {
    wechat,
    clock,
    journal,
    logged,
    another,
    api: another(),
    calls: (path) => wechat.calls.filter((call) => call.path === path).map(({ errcode }) => errcode),
  }
}

/** Any call that everybody may make. */
function ask(api: Api, openId = 'oA'): Promise<unknown> {
  return api.post(SEND, { touser: openId, msgtype: 'text', text: { content: '你好' } }, Anything)
}

/** Somebody who has just written. */
async function meet({ wechat }: World, openId = 'oA'): Promise<void> {
  wechat.account.person(openId).windows.trigger('message', wechat.account.rules, wechat.account.clock.now())
}

async function refusal(asked: Promise<unknown>): Promise<WeChatError> {
  const error = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof WeChatError) return error
  throw new Error(`It should be refused: ${messageOf(error)}`)
}

describe('the access token', () => {
  test('is fetched once, however many need it at the same time', async () => {
    const world = await start()
    await meet(world)
    await Promise.all([ask(world.api), ask(world.api), ask(world.api)])
    expect(world.calls(STABLE)).toEqual([0])
    expect(world.calls(SEND)).toEqual([0, 0, 0])
  })

  test('is fetched anew five minutes before it ends, and not before', async () => {
    const world = await start()
    await meet(world)
    await ask(world.api)
    await world.clock.advance(7_200_000 - 5 * MINUTE - 1)
    await ask(world.api)
    expect(world.calls(STABLE)).toEqual([0])
    await world.clock.advance(1)
    await ask(world.api)
    await expect.poll(() => world.calls(STABLE)).toEqual([0, 0])
    expect(world.calls(SEND)).toEqual([0, 0, 0])
  })

  test.each([{ status: 502 }, 'hangs', 50007] as const)(
    'holds on to its end while a newer one is not to be had (%j), and is asked for every half a minute',
    async (answer) => {
      const world = await start()
      await meet(world)
      await ask(world.api)
      await world.clock.advance(7_200_000 - 5 * MINUTE)
      world.wechat.answers(STABLE, answer, { times: 1_000 })
      for (const nth of [2, 2, 3]) {
        await ask(world.api)
        await expect.poll(() => world.calls(STABLE)).toHaveLength(nth)
        await world.clock.advance(15_000)
      }
      // One who has just come has it from the table.
      await ask(world.another())
      expect(world.calls(SEND)).toEqual([0, 0, 0, 0, 0])
      world.clock.jump(world.clock.now() + 5 * MINUTE)
      world.wechat.answers(STABLE, 50007, { times: 1_000 })
      await expect(ask(world.api)).rejects.toThrow()
      expect(world.calls(SEND)).toHaveLength(5)
    },
  )

  test.each([STABLE, CLASSIC])('that is refused again and again is fetched anew once a minute (%s)', async (path) => {
    const world = await start({ kind: path === STABLE ? 'stable' : 'classic' })
    world.wechat.answers(TYPING, 40001, { times: 1_000 })
    for (let i = 0; i < 61; i++) {
      await refusal(world.api.post(TYPING, { touser: `o${i}`, command: 'Typing' }, Anything))
      await world.clock.advance(1_000)
    }
    expect(world.calls(path)).toEqual([0, 0, 0])
  })

  test('that another has got since the table was read is taken, and the claim let go', async () => {
    const journal = journalInMemory()
    const clock = manualClock()
    const row = { app_id: 'wx1', kind: 'classic', value: 'theirs', claimed_until: 0 }
    const until = { refresh_at: clock.now() + MINUTE, expires_at: clock.now() + 6 * MINUTE }
    let results = 0
    const sql = journal.open().withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        results += 1
        if (results === 2)
          await journal
            .open()
            .insertInto('token')
            .values({ ...row, ...until })
            .execute()
        return result
      },
    })
    const ask = async () => ({ value: 'ours', expiresInMs: 7_200_000 })
    const { signal } = new AbortController()
    const token = makeAccessToken({
      appId: 'wx1',
      kind: 'classic',
      sql,
      clock,
      log: makeLog({ level: 'silent' }),
      signal,
      ask,
    })
    expect(await token.get()).toBe('theirs')
    expect(journal.rows('token')).toEqual([{ ...row, ...until }])
  })

  test.each(['stable', 'classic'] as const)(
    'of kind %s is shared by processes: one asks, the other waits',
    async (kind) => {
      const world = await start({ kind })
      await meet(world)
      const other = world.another()
      const both = Promise.all([ask(world.api), ask(other)])
      await world.clock.advance(1_000)
      await both
      expect(world.calls(kind === 'stable' ? STABLE : CLASSIC)).toEqual([0])
      expect(world.calls(SEND)).toEqual([0, 0])
    },
  )

  test('that a process has left is used by the next one', async () => {
    const world = await start()
    await meet(world)
    await ask(world.api)
    await ask(world.another())
    expect(world.calls(STABLE)).toEqual([0])
  })

  test.each(['expired', 'taken-back'] as const)(
    'that was %s is fetched anew once, and the call made again',
    async (how) => {
      const world = await start()
      await meet(world)
      await ask(world.api)
      world.wechat.expireToken(how)
      await ask(world.api)
      expect(world.calls(SEND)).toEqual([0, how === 'expired' ? 42001 : 40001, 0])
      expect(world.calls(STABLE)).toEqual([0, 0])
    },
  )

  test('that another process has fetched anew meanwhile is taken from there: processes never thrash', async () => {
    const world = await start({ kind: 'classic' })
    await meet(world)
    const other = world.another()
    await ask(world.api)
    await ask(other)
    world.wechat.expireToken('taken-back')
    await ask(other)
    expect(world.calls(CLASSIC)).toEqual([0, 0])
    await ask(world.api)
    expect(world.calls(CLASSIC)).toEqual([0, 0])
  })

  test('that one process cannot fetch is fetched by the one that waits for it', async () => {
    const world = await start()
    await meet(world)
    world.wechat.answers(STABLE, 'hangs')
    const never = ask(world.api).catch(messageOf)
    const waits = ask(world.another())
    await expect.poll(() => world.calls(STABLE)).toEqual([0])
    await world.clock.advance(6_000)
    await waits
    expect(await never).toContain('cannot be asked for an access token')
    expect(world.calls(STABLE)).toEqual([0, 0])
  })

  test('that a process was fetching when it died is fetched by another after ten seconds', async () => {
    const world = await start()
    await meet(world)
    const claimed = {
      kind: 'stable',
      value: '',
      refresh_at: 0,
      expires_at: 0,
      claimed_until: world.clock.now() + 10_000,
    }
    const rows = world.journal.open().insertInto('token')
    await rows.values({ app_id: world.wechat.keys.appId, ...claimed }).execute()
    const waits = ask(world.api)
    await world.clock.advance(9_000)
    expect(world.calls(STABLE)).toEqual([])
    await world.clock.advance(1_500)
    await waits
    expect(world.calls(STABLE)).toEqual([0])
  })

  test('that is refused twice, though fresh, is an alert for the whole channel, and no loop', async () => {
    const world = await start()
    await meet(world)
    await ask(world.api)
    world.wechat.answers(SEND, 40001, { times: 100 })
    const error = await refusal(ask(world.api))
    expect(error).toMatchObject({ errcode: 40001, action: 'refresh', scope: 'channel', delivery: 'CHANNEL_TOKEN' })
    expect(error.message).toContain('another program fetches tokens with the same AppSecret')
    expect(world.calls(SEND)).toEqual([0, 40001, 40001])
  })

  test('of 512 characters and more is kept whole', async () => {
    const world = await start()
    await meet(world)
    const long = 'x'.repeat(2_000)
    const { stable } = world.wechat.account.tokens
    world.wechat.account.tokens.stable = (force) => ({
      ...stable.call(world.wechat.account.tokens, force),
      access_token: long,
    })
    await ask(world.api).catch(() => {})
    expect(world.journal.rows('token')).toMatchObject([{ value: long }])
  })

  test('with a wrong AppSecret says where the right one stands', async () => {
    const world = await start()
    const error = await refusal(ask(world.another({ appSecret: 'wrong-secret-of-ours' })))
    expect(error).toMatchObject({ errcode: 40125, action: 'config', scope: 'channel' })
    expect(error.message).toMatch(/40125 .*The AppSecret is wrong\. Reset it in the console/)
  })

  test('from an address that is not on the list says which address, and where the list is', async () => {
    const world = await start({ ipList: ['203.0.113.9'] })
    const error = await refusal(ask(world.api))
    expect(error).toMatchObject({ errcode: 40164, action: 'config', scope: 'channel' })
    expect(error.message).toMatch(/127\.0\.0\.1.*IP allow-list/)
  })

  test('is not to be had while nobody answers: the channel waits, and nothing counts as sent', async () => {
    const world = await start()
    await world.wechat.down()
    const error = await ask(world.api).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DeliveryError)
    expect(error).toMatchObject({ code: 'CHANNEL_DOWN', scope: 'channel', retry: true })
  })
})

describe('a call', () => {
  test('that is refused says number, words, rid and what to do, and never a secret', async () => {
    const world = await start()
    await meet(world)
    await ask(world.api)
    const token = String(world.journal.rows('token')[0]?.value)
    const { appSecret } = world.wechat.keys
    const errmsg = `bad access_token=${token} secret ${appSecret}`
    world.wechat.answers(SEND, { errcode: 45166, errmsg })
    const error = await refusal(ask(world.api))
    expect(error).toMatchObject({ errcode: 45166, path: SEND })
    expect(error.rid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/)
    expect(error.message).toBe(
      `${SEND}: 45166 bad access_token=… secret … rid: ${error.rid}. WeChat does not take this content.`,
    )
    for (const said of [messageOf(error), error.stack, JSON.stringify(error), ...world.logged]) {
      expect(said).not.toContain(token)
      expect(said).not.toContain(appSecret)
    }
  })

  test('that posts is never made again by itself when nobody knows what became of it', async () => {
    const world = await start()
    await meet(world)
    await ask(world.api)
    world.wechat.answers(SEND, { status: 502 })
    const error = await ask(world.api).catch((thrown: unknown) => thrown)
    expect(error).not.toBeInstanceOf(WeChatError)
    expect(error).not.toBeInstanceOf(DeliveryError)
    expect(messageOf(error)).toBe(`${SEND}: HTTP 502.`)
    expect(world.calls(SEND)).toEqual([0, 0])
  })

  test('that nobody answers ends after eight seconds', async () => {
    const world = await start()
    await meet(world)
    await ask(world.api)
    world.wechat.answers(SEND, 'hangs')
    const said = ask(world.api).catch(messageOf)
    await expect.poll(() => world.calls(SEND)).toHaveLength(2)
    await world.clock.advance(8_000)
    expect(await said).toContain('did not answer within 8 s')
  })

  test('that only asks is made again after one, two and four seconds, while the platform is busy', async () => {
    const world = await start()
    world.wechat.answers(USER, -1, { times: 100 })
    const asked = refusal(world.api.get(USER, { openid: 'oA' }, Anything))
    const triesAfter = async (ms: number) => {
      await world.clock.advance(ms)
      return world.calls(USER).length
    }
    await expect.poll(() => world.calls(USER)).toHaveLength(1)
    await expect.poll(() => triesAfter(1_000)).toBe(2)
    await expect.poll(() => triesAfter(2_000)).toBe(3)
    await expect.poll(() => triesAfter(4_000)).toBe(4)
    expect(await asked).toMatchObject({ errcode: -1, action: 'retry' })
    expect(world.calls(USER)).toHaveLength(4)
  })

  test('whose answer is no JSON, or another than is documented, says so', async () => {
    const world = await start()
    await meet(world)
    const odd = world.api.post(
      SEND,
      { touser: 'oA', msgtype: 'text', text: { content: 'x' } },
      z.object({ id: z.string() }),
    )
    expect(await odd.catch(messageOf)).toBe(`${SEND}: WeChat’s answer cannot be read.`)
  })
})
