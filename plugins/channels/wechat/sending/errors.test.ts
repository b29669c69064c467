import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DeliveryError, z } from '#core'
import { type ManualClock, makeLog, manualClock } from '#core/testing'
import { type SimulatedWeChat, startWeChat } from '../simulated-platform/index.ts'
import { type Api, makeApi } from './api.ts'
import { type Action, ERRORS, toDeliveryError, WeChatError } from './errors.ts'
import { journalInMemory } from './journal-in-memory.ts'

const SEND = '/cgi-bin/message/custom/send'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** A morning in Shanghai: hours before its midnight. */
const MORNING = Date.UTC(2026, 0, 1, 2)

let wechat: SimulatedWeChat
let clock: ManualClock
let api: Api
const stopping = new AbortController()

beforeAll(async () => {
  clock = manualClock(MORNING)
  wechat = await startWeChat({ clock })
  const log = makeLog({ level: 'silent' })
  const config = { ...wechat.keys, apiBase: wechat.apiBase, accessToken: 'stable' } as const
  api = makeApi({ config, http: fetch, clock, sql: journalInMemory().open(), log, signal: stopping.signal })
})
afterAll(async () => {
  stopping.abort()
  await wechat[Symbol.asyncDispose]()
})

/** What a send ends with when the platform answers so. */
async function sendRefusedWith(errcode: number): Promise<unknown> {
  wechat.answers(SEND, errcode, { times: 2 })
  const body = { touser: 'oA', msgtype: 'text', text: { content: 'x' } }
  const error = await api.post(SEND, body, z.object({})).then(
    () => 'it was taken',
    (thrown: unknown) => thrown,
  )
  wechat.answers(SEND, 0, { times: 0 })
  return toDeliveryError(error, clock.now())
}

/** As the platform's documents and clients have it: number, and what becomes of a message. */
const BY_ACTION: { readonly [A in Action]: { readonly retry: boolean; readonly scope: 'chat' | 'channel' } } = {
  retry: { retry: true, scope: 'chat' },
  refresh: { retry: true, scope: 'channel' },
  wait: { retry: true, scope: 'channel' },
  fallback: { retry: false, scope: 'chat' },
  drop: { retry: false, scope: 'chat' },
  config: { retry: true, scope: 'channel' },
  bug: { retry: false, scope: 'chat' },
  reupload: { retry: false, scope: 'chat' },
  'no-identity': { retry: false, scope: 'chat' },
  done: { retry: false, scope: 'chat' },
  ignore: { retry: false, scope: 'chat' },
}

describe('every number of the table, refused through the wire', () => {
  const rows = ERRORS.flatMap((row) => row.codes.map((code) => ({ code, row })))

  test.each(rows)('$code becomes what its row says', async ({ code, row }) => {
    const error = await sendRefusedWith(code)
    expect(error).toBeInstanceOf(DeliveryError)
    const { scope, retry } = row.scope === 'chat' ? { ...BY_ACTION[row.action], scope: 'chat' } : BY_ACTION[row.action]
    const isLasting = row.action === 'config' && row.scope === 'chat'
    expect(error).toMatchObject({ code: row.delivery, scope, retry: isLasting ? false : retry })
    expect(error).toMatchObject({ message: expect.stringContaining(`${code} `) })
    expect(error).toMatchObject({ message: expect.stringContaining(row.says.en) })
  })

  test('stands there once, with a sentence in both languages', () => {
    const codes = rows.map(({ code }) => code)
    expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([])
    for (const { says } of ERRORS) {
      expect(says.en).toMatch(/^[A-Z].*\.$/s)
      expect(says['zh-CN']).toMatch(/[\u4e00-\u9fff].*。$/s)
    }
  })
})

describe('the numbers that matter most', () => {
  test.each([
    [-1, { code: 'CHANNEL_BUSY', scope: 'chat', retry: true }],
    [40001, { code: 'CHANNEL_TOKEN', scope: 'channel', retry: true }],
    [40014, { code: 'CHANNEL_TOKEN', scope: 'channel', retry: true }],
    [42001, { code: 'CHANNEL_TOKEN', scope: 'channel', retry: true }],
    [40003, { code: 'CHANNEL_NO_CHAT', scope: 'chat', retry: false }],
    [40013, { code: 'CHANNEL_TOKEN', scope: 'channel', retry: true }],
    [40164, { code: 'CHANNEL_TOKEN', scope: 'channel', retry: true }],
    [43004, { code: 'CHANNEL_NO_CHAT', scope: 'chat', retry: false }],
    [45002, { code: 'CHANNEL_REFUSED', scope: 'chat', retry: false }],
    [45009, { code: 'CHANNEL_RATE_LIMITED', scope: 'channel', retry: true, retryAfterMs: HOUR }],
    [45011, { code: 'CHANNEL_RATE_LIMITED', scope: 'channel', retry: true, retryAfterMs: MINUTE }],
    [45015, { code: 'CHANNEL_WINDOW_CLOSED', scope: 'chat', retry: false }],
    [45047, { code: 'CHANNEL_WINDOW_CLOSED', scope: 'chat', retry: false }],
    [48001, { code: 'CHANNEL_ONLY_ANSWERS', scope: 'channel', retry: true }],
    [48004, { code: 'CHANNEL_SETUP', scope: 'channel', retry: true }],
    [48008, { code: 'CHANNEL_REFUSED', scope: 'chat', retry: false }],
    [70000, { code: 'CHANNEL_REFUSED', scope: 'chat', retry: false }],
    [89506, { code: 'CHANNEL_TOKEN', scope: 'channel', retry: true, retryAfterMs: 24 * HOUR }],
    [9_001_001, { code: 'CHANNEL_REFUSED', scope: 'chat', retry: false }],
  ])('%i', async (code, expected) => {
    expect(await sendRefusedWith(code)).toMatchObject(expected)
  })

  test('the day’s quota is tried again at midnight in Shanghai, when that is less than an hour away', async () => {
    const before = clock.now()
    clock.jump(Date.UTC(2026, 0, 1, 15, 40))
    expect(await sendRefusedWith(45009)).toMatchObject({ retryAfterMs: 20 * MINUTE })
    clock.jump(before)
  })

  test('a number that nobody knows says where to ask, with the rid', async () => {
    const error = await sendRefusedWith(9_001_001)
    expect(error).toMatchObject({
      message: expect.stringMatching(/9001001 .*rid: [0-9a-f-]+\. This number is not known/),
    })
  })
})

test('40001 to the call for a token is about the AppSecret, and nothing is fetched anew for it', () => {
  const error = new WeChatError({ errcode: 40001, errmsg: 'x', path: '/cgi-bin/stable_token', isTokenCall: true })
  expect(error).toMatchObject({ action: 'config', scope: 'channel' })
  expect(error.message).toContain('The AppSecret is wrong')
})

test('whatever is no refusal stays as it is, for the core to see whether the message may have gone out', () => {
  const error = new TypeError('fetch failed')
  expect(toDeliveryError(error, 0)).toBe(error)
})
