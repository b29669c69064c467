import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from '#core'
import { type ManualClock, manualClock, type TestServer, testServer } from '#core/testing'
import { RULES_OF_2022, type SimulatedWeChat, startWeChat } from './index.ts'
import { decrypt, digest, encrypt } from './signing.ts'
import { readXml, writeXml } from './xml.ts'

const SEND = '/cgi-bin/message/custom/send'
const HOUR = 3_600_000
const Issued = z.strictObject({ access_token: z.string(), expires_in: z.number() })

let clock: ManualClock
let wechat: SimulatedWeChat
/** The account’s server: what it was pushed, and what it answers. */
let own: TestServer
let pushed: { readonly url: URL; readonly body: string }[]
let answer: (body: string) => string | Response | Promise<Response>

beforeEach(async () => {
  clock = manualClock()
  pushed = []
  answer = () => 'success'
  own = await testServer(async (request) => {
    const [url, body] = [new URL(request.url), await request.text()]
    if (request.method === 'GET') return new Response(url.searchParams.get('echostr'))
    pushed.push({ url, body })
    const answered = await answer(body)
    return typeof answered === 'string' ? new Response(answered) : answered
  })
  wechat = await startWeChat({ clock })
  await wechat.connect(own.url)
})

afterEach(async () => {
  await wechat[Symbol.asyncDispose]()
  await own[Symbol.asyncDispose]()
})

/** What an interface answers to this. */
async function call(path: string, body?: unknown, token?: string): Promise<unknown> {
  const url = `${wechat.apiBase}${path}${token === undefined ? '' : `${path.includes('?') ? '&' : '?'}access_token=${token}`}`
  const init =
    body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }
  const response = await fetch(url, { ...init, headers: { connection: 'close' } })
  return response.json()
}

async function stableToken(force = false): Promise<z.infer<typeof Issued>> {
  const { appId: appid, appSecret: secret } = wechat.keys
  const asked = { grant_type: 'client_credential', appid, secret, force_refresh: force }
  return Issued.parse(await call('/cgi-bin/stable_token', asked))
}

async function classicToken(secret = wechat.keys.appSecret): Promise<unknown> {
  return call(`/cgi-bin/token?grant_type=client_credential&appid=${wechat.keys.appId}&secret=${secret}`)
}

async function say(to: string, content: string, token?: string): Promise<unknown> {
  const body = { touser: to, msgtype: 'text', text: { content } }
  return call(SEND, body, token ?? (await stableToken()).access_token)
}
const OK = { errcode: 0, errmsg: 'ok' }
const refused = (errcode: number) => expect.objectContaining({ errcode })

function reply(fields: { readonly [name: string]: string | number }, openId = 'o1'): string {
  const { originalId } = wechat.account
  return writeXml({ ToUserName: openId, FromUserName: originalId, CreateTime: 1_760_000_000, ...fields })
}

describe('a push of the simulated platform', () => {
  test('is signed, and says who has written', async () => {
    await wechat.customer('o1').says('你好 ]]> <b>')
    const [{ url, body } = { url: new URL(own.url), body: '' }] = pushed
    const at = (name: string) => url.searchParams.get(name) ?? ''
    expect(at('signature')).toBe(digest(wechat.keys.token, at('timestamp'), at('nonce')))
    expect(readXml(body)).toMatchObject({ FromUserName: 'o1', MsgType: 'text', Content: '你好 ]]> <b>' })
  })

  test('is encrypted in secure mode, and both in compatible mode', async () => {
    await wechat.customer('o1').tells({ MsgType: 'text', Content: 'one', MsgId: 1 }, { mode: 'secure' })
    await wechat.customer('o1').tells({ MsgType: 'text', Content: 'two', MsgId: 2 }, { mode: 'compatible' })
    const [secure, both] = pushed.map(({ body }) => readXml(body))
    expect(secure).toEqual({ ToUserName: wechat.account.originalId, Encrypt: expect.any(String) })
    expect(both).toMatchObject({ Content: 'two', Encrypt: expect.any(String) })
    const opened = z.object({ Encrypt: z.string() }).parse(secure).Encrypt
    expect(readXml(decrypt(wechat.keys, opened))).toMatchObject({ Content: 'one' })
    const { searchParams } = pushed[0]?.url ?? new URL(own.url)
    const [timestamp = '', nonce = ''] = [searchParams.get('timestamp') ?? '', searchParams.get('nonce') ?? '']
    expect(searchParams.get('msg_signature')).toBe(digest(wechat.keys.token, timestamp, nonce, opened))
  })

  test('comes again after five seconds, three times in all, and then the customer sees a failure', async () => {
    answer = () => new Promise<Response>(() => undefined)
    const told = wechat.customer('o1').says('hello')
    for (const tries of [1, 2, 3]) {
      await expect.poll(() => pushed.length).toBe(tries)
      await clock.advance(5_000)
    }
    expect(await told).toMatchObject({ tries: 3, failure: 'no answer came in time' })
    expect(new Set(pushed.map(({ body }) => body)).size).toBe(1)
    expect(new Set(pushed.map(({ url }) => url.searchParams.get('nonce'))).size).toBe(3)
    expect(wechat.failures).toMatchObject([{ openId: 'o1' }])
  })

  test('that is refused comes again, and is good when it is taken then', async () => {
    answer = () => (pushed.length < 2 ? new Response('', { status: 503 }) : 'success')
    const told = wechat.customer('o1').says('hello')
    await expect.poll(() => clock.waiting).toBeGreaterThan(0)
    await expect.poll(() => pushed.length).toBe(1)
    await expect.poll(() => clock.nextAtMs).toBe(clock.now() + 5_000)
    await clock.advance(5_000)
    expect(await told).toMatchObject({ tries: 2, status: 200, failure: undefined })
  })

  test('goes to no server that does not prove itself', async () => {
    await expect(wechat.connect(`${wechat.apiBase}/nobody`)).rejects.toThrow('does not prove itself')
  })
})

describe('an answer inside the response', () => {
  test('is shown to the customer', async () => {
    answer = () => reply({ MsgType: 'text', Content: '您好😀' })
    const told = await wechat.customer('o1').says('hello')
    expect(told).toMatchObject({ reply: { msgtype: 'text', text: { content: '您好😀' } }, failure: undefined })
    expect(wechat.customer('o1').heard).toEqual(['您好😀'])
  })

  test('may be encrypted, and must be in secure mode', async () => {
    const encrypted = (clear: string) => {
      const sealed = encrypt(wechat.keys, clear)
      const MsgSignature = digest(wechat.keys.token, '1', '2', sealed)
      return writeXml({ Encrypt: sealed, MsgSignature, TimeStamp: 1, Nonce: '2' })
    }
    const clear = reply({ MsgType: 'text', Content: 'hi' })
    const how = async (body: string, mode: 'plain' | 'compatible' | 'secure') => {
      answer = () => body
      return (await wechat.customer('o1').says('hello', { mode })).failure
    }
    expect(await how(encrypted(clear), 'secure')).toBeUndefined()
    expect(await how(encrypted(clear), 'compatible')).toBeUndefined()
    expect(await how(clear, 'compatible')).toBeUndefined()
    expect(await how('success', 'secure')).toBeUndefined()
    expect(await how(clear, 'secure')).toBe('it is not encrypted')
    expect(await how(encrypted(clear), 'plain')).toContain('it is encrypted')
    expect(await how(encrypted(clear).replace('<Nonce><![CDATA[2]', '<Nonce><![CDATA[3]'), 'secure')).toBe(
      'MsgSignature is wrong',
    )
  })

  test.each([
    ['is JSON', () => '{"reply":"hi"}', 'there is no element'],
    ['is for somebody else', () => reply({ MsgType: 'text', Content: 'hi' }, 'o2'), 'it is for o2'],
    ['is from the app id', () => reply({ MsgType: 'text', Content: 'hi', FromUserName: 'wx01' }), 'it is from wx01'],
    ['says nothing', () => reply({ MsgType: 'text', Content: '' }), 'Content is empty'],
    ['is too long', () => reply({ MsgType: 'text', Content: '长'.repeat(683) }), 'Content is too long'],
    ['has an element that nobody knows', () => reply({ MsgType: 'text', Content: 'hi', Mood: 'good' }), 'Mood'],
    [
      'names a file that is not there',
      () => reply({ MsgType: 'image' }).replace('</xml>', '<Image><MediaId>m</MediaId></Image></xml>'),
      'there is no media_id m',
    ],
  ])('that %s makes the customer see a failure', async (_what, body, because) => {
    answer = body
    const told = await wechat.customer('o1').says('hello')
    expect(told.failure).toContain(because)
    expect(wechat.customer('o1').heard).toEqual([])
    expect(wechat.failures).toHaveLength(1)
  })
})

describe('tokens of the simulated platform', () => {
  test('of the stable interface stay the same until five minutes before their end', async () => {
    const { access_token: first, expires_in } = await stableToken()
    expect(expires_in).toBe(7_200)
    await clock.advance(2 * HOUR - 301_000)
    expect((await stableToken()).access_token).toBe(first)
    await clock.advance(2_000)
    expect((await stableToken()).access_token).not.toBe(first)
    await wechat.customer('o1').says('hello')
    expect(await say('o1', 'with the old one', first)).toEqual(OK)
    await clock.advance(301_000)
    expect(await say('o1', 'with the old one', first)).toEqual(refused(42001))
  })

  test('of the classic interface end the one before', async () => {
    const first = Issued.parse(await classicToken()).access_token
    const second = Issued.parse(await classicToken()).access_token
    await wechat.customer('o1').says('hello')
    await clock.advance(301_000)
    expect(await say('o1', 'with the first', first)).toEqual(refused(42001))
    expect(await say('o1', 'with the second', second)).toEqual(OK)
  })

  test('forced to be new are so 30 s apart', async () => {
    const { access_token: first } = await stableToken()
    expect((await stableToken(true)).access_token).not.toBe(first)
    expect(await say('o1', 'hello', first)).toEqual(refused(40001))
    await expect(stableToken(true)).rejects.toThrow()
  })

  test('are given to those who know the secret, from addresses on the list', async () => {
    expect(await classicToken('wrong')).toEqual(refused(40125))
    wechat.account.ipList = ['10.0.0.1']
    expect(await classicToken()).toEqual({ errcode: 40164, errmsg: expect.stringContaining('invalid ip 127.0.0.1') })
  })

  test('can be ended by the test', async () => {
    const { access_token } = await stableToken()
    wechat.expireToken()
    expect(await say('o1', 'hello', access_token)).toEqual(refused(42001))
    const next = await stableToken()
    wechat.expireToken('taken-back')
    expect(await say('o1', 'hello', next.access_token)).toEqual(refused(40001))
    expect(await say('o1', 'hello', '')).toEqual(refused(41001))
  })
})

describe('a message by the customer-service interface', () => {
  test('is shown, and kept with what was called, without the token', async () => {
    await wechat.customer('o1').says('hello')
    expect(await say('o1', '您好')).toEqual(OK)
    expect(wechat.sent).toMatchObject([
      { openId: 'o1', via: 'customer-service', message: { text: { content: '您好' } } },
    ])
    expect(wechat.calls.at(-1)).toMatchObject({ path: SEND, errcode: 0, query: {}, body: { touser: 'o1' } })
    expect(JSON.stringify(wechat.calls)).not.toContain(wechat.keys.appSecret)
  })

  test.each([
    ['to somebody who is not known', { touser: 'o9', msgtype: 'text', text: { content: 'hi' } }, 40003],
    ['without words', { touser: 'o1', msgtype: 'text', text: { content: '' } }, 44004],
    ['that is too long', { touser: 'o1', msgtype: 'text', text: { content: '长'.repeat(683) } }, 45002],
    ['of a type that nobody knows', { touser: 'o1', msgtype: 'dance', dance: {} }, 40008],
    ['with a key that nobody knows', { touser: 'o1', msgtype: 'text', text: { content: 'hi', mood: 1 } }, 47001],
    ['with a file that is not there', { touser: 'o1', msgtype: 'image', image: { media_id: 'm' } }, 40007],
    ['of two articles', { touser: 'o1', msgtype: 'news', news: { articles: [{ title: 'a' }, { title: 'b' }] } }, 45008],
    ['that is no JSON', '{', 47001],
    ['with characters as numbers', '{"touser":"o1","msgtype":"text","text":{"content":"\\u60a8"}}', 40033],
  ])('%s is refused', async (_what, body, errcode) => {
    await wechat.customer('o1').says('hello')
    expect(await call(SEND, body, (await stableToken()).access_token)).toEqual(refused(errcode))
    expect(wechat.sent).toEqual([])
  })

  test('C-WX-02: five within 48 hours of a message, which the next one starts again', async () => {
    const customer = wechat.customer('o1')
    await customer.says('hello')
    for (let n = 1; n <= 5; n++) expect(await say('o1', `${n}`)).toEqual(OK)
    expect(await say('o1', '6')).toEqual(refused(45047))
    await customer.says('hello?')
    expect(await say('o1', '7')).toEqual(OK)
    await clock.advance(48 * HOUR + 1_000)
    expect(await say('o1', '8')).toEqual(refused(45015))
  })

  test('C-WX-02: twenty within 48 hours by the rules of before', async () => {
    wechat.account.rules = RULES_OF_2022
    await wechat.customer('o1').says('hello')
    const { access_token } = await stableToken()
    for (let n = 1; n <= 20; n++) expect(await say('o1', `${n}`, access_token)).toEqual(OK)
    expect(await say('o1', '21', access_token)).toEqual(refused(45047))
  })

  test('C-WX-03: three within a minute of a click in the menu, which opens nothing else', async () => {
    await wechat.customer('o1').clicks('HUMAN')
    for (let n = 1; n <= 3; n++) expect(await say('o1', `${n}`)).toEqual(OK)
    expect(await say('o1', '4')).toEqual(refused(45047))
    await clock.advance(61_000)
    expect(await say('o1', '5')).toEqual(refused(45015))
    await wechat.customer('o1').views('https://shop.example/')
    expect(await say('o1', '6')).toEqual(refused(45015))
  })

  test('is refused once the customer does not follow any more', async () => {
    await wechat.customer('o1').says('hello')
    await wechat.customer('o1').unfollows()
    expect(await say('o1', 'hello')).toEqual(refused(45015))
    await wechat.customer('o1').follows('shop42')
    expect(await say('o1', 'welcome')).toEqual(OK)
  })

  test('is refused to accounts that are not verified', async () => {
    wechat.account.isVerified = false
    await wechat.customer('o1').says('hello')
    expect(await say('o1', 'hello')).toEqual(refused(48001))
  })

  test('is refused as the test demands, so often', async () => {
    await wechat.customer('o1').says('hello')
    wechat.answers(SEND, 45009, { times: 2 })
    expect([await say('o1', '1'), await say('o1', '2'), await say('o1', '3')]).toEqual([
      refused(45009),
      refused(45009),
      OK,
    ])
  })
})

test('what nobody knows, and what is asked in another way, is refused', async () => {
  const { access_token } = await stableToken()
  expect(await call('/cgi-bin/anything', undefined, access_token)).toEqual(refused(40066))
  expect(await call(SEND, undefined, access_token)).toEqual(refused(43002))
})
