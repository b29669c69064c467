import { fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { type ChannelContext, SwitchboardError } from '#core'
import { makeLog, manualClock } from '#core/testing'
import wechat from '../index.ts'
import { settings as channelSettings } from '../settings.ts'
import { startWeChat } from '../simulated-platform/index.ts'
import { type Connected, parrot, start } from './connected.ts'
import { makeEncryption } from './encryption.ts'
import { makeNonces, type NonceTables } from './nonces.ts'
import { sign } from './signature.ts'
import { addWebhook } from './webhook.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** What is asked, signed as it should be unless `query` says otherwise. */
function asked(world: Connected, query: { readonly [name: string]: string } = {}, body?: string): Promise<Response> {
  const timestamp = String(Math.floor(world.clock.now() / SECOND))
  const nonce = query.nonce ?? '1320562132'
  const signature = sign(world.platform.keys.token, query.timestamp ?? timestamp, nonce)
  const all = new URLSearchParams({ signature, timestamp, nonce, ...query })
  return fetch(`${world.url}?${all}`, body === undefined ? {} : { method: 'POST', body })
}

function textXml(id: string, text = 'hello', of: { readonly to?: string; readonly from?: string } = {}): string {
  const { to = 'gh_2f0a9c41b7de', from = 'u1' } = of
  return `<xml><ToUserName>${to}</ToUserName><FromUserName>${from}</FromUserName><CreateTime>1767225600</CreateTime><MsgType>text</MsgType><Content><![CDATA[${text}]]></Content><MsgId>${id}</MsgId></xml>`
}

describe('the check of the address', () => {
  test('is answered with what was asked, unchanged', async () => {
    await using world = await start()
    for (const echostr of ['6054768590064713728', '<b>"&\n😀', '']) {
      const response = await asked(world, { echostr })
      expect([response.status, await response.text()]).toEqual([200, echostr])
      expect(response.headers.get('content-type')).toContain('text/plain')
    }
  })

  test('is refused without a word to whoever does not know the token', async () => {
    await using world = await start()
    const signature = sign('another token', '1767225600', '1320562132')
    for (const query of [{ signature }, { signature: '' }, { timestamp: 'now' }, { nonce: 'x'.repeat(200) }]) {
      const response = await asked(world, { echostr: '1', ...query })
      expect([response.status, await response.text()]).toEqual([403, ''])
    }
    expect((await fetch(world.url)).status).toBe(403)
    expect((await asked(world)).status).toBe(403)
  })
})

describe.each(['plain', 'compatible', 'secure'] as const)('in %s mode', (mode) => {
  const settings = mode === 'compatible' ? { mode } : {}

  test('a message is answered inside its response', async () => {
    await using world = await start({ mode, settings })
    const pushed = await world.platform.customer('u1').says('你好 ]]> <b> &amp; 😀')
    expect(pushed).toMatchObject({ tries: 1, status: 200, failure: undefined })
    expect(world.platform.customer('u1').heard).toEqual(['re: 你好 ]]> <b> &amp; 😀'])
    expect(pushed.body.includes('<Encrypt>')).toBe(mode !== 'plain')
  })

  test('what is not answered is acknowledged in the clear', async () => {
    await using world = await start({ mode, settings })
    expect(await world.platform.customer('u1').says('…')).toMatchObject({ tries: 1, body: 'success' })
    expect(await world.events()).toMatchObject([{ chat: 'u1', type: 'message' }])
  })
})

describe('of an encrypted message', () => {
  const keys = { appId: 'wx0123456789abcdef', encodingAesKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG' }

  /** A body that is encrypted for `appId`, with other words beside it. */
  function envelope(text: string, appId = keys.appId, beside = ''): string {
    const encrypted = makeEncryption(keys.encodingAesKey, appId).encrypt(text)
    return `<xml>${beside}<Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`
  }

  function sealedQuery(world: Connected, body: string, nonce: string): { readonly [name: string]: string } {
    const timestamp = String(Math.floor(world.clock.now() / SECOND))
    const encrypted = /CDATA\[(.*?)\]/.exec(body.slice(body.indexOf('<Encrypt>')))?.[1] ?? ''
    const msg_signature = sign(world.platform.keys.token, timestamp, nonce, encrypted)
    return { nonce, encrypt_type: 'aes', msg_signature }
  }

  test('only what is inside counts', async () => {
    await using world = await start({ mode: 'compatible', settings: { mode: 'compatible' } })
    const beside = textXml('1', 'forged', { from: 'u2' }).slice('<xml>'.length, -'</xml>'.length)
    const body = envelope(textXml('1', 'genuine'), keys.appId, beside)
    expect((await asked(world, sealedQuery(world, body, 'n1'), body)).status).toBe(200)
    expect(await world.events()).toMatchObject([{ chat: 'u1' }])
  })

  test('nothing is remembered on disk where none can be replaced by a clear one', async () => {
    await using world = await start({ mode: 'secure' })
    await world.platform.customer('u1').says('hello')
    expect(await world.bot.rows('shop', 'used')).toEqual([])
  })

  test.each(['compatible', 'secure'] as const)('in %s mode the signature is over all of it', async (mode) => {
    await using world = await start({ mode, settings: { mode } })
    const body = envelope(textXml('1'))
    const { msg_signature, ...unsigned } = sealedQuery(world, body, 'n1')
    const other = sealedQuery(world, envelope(textXml('2')), 'n1')
    for (const query of [unsigned, other, { ...unsigned, msg_signature: '' }]) {
      expect((await asked(world, query, body)).status).toBe(403)
    }
    expect(await world.events()).toEqual([])
    expect((await asked(world, { ...unsigned, msg_signature: msg_signature ?? '' }, body)).status).toBe(200)
  })

  test('one for another app is refused, and the operator is told once', async () => {
    await using world = await start({ mode: 'secure' })
    for (const nonce of ['n1', 'n2']) {
      const body = envelope(textXml('1'), 'wxffffffffffffffff')
      expect((await asked(world, sealedQuery(world, body, nonce), body)).status).toBe(403)
    }
    expect(await world.events()).toEqual([])
    expect(world.bot.logged.filter((line) => line.includes('Compare encodingAesKey and appId'))).toHaveLength(1)
  })

  test('one that cannot be read is refused where there is no key, and the operator is told', async () => {
    await using world = await start({ mode: 'plain' })
    const body = envelope(textXml('1'))
    expect((await asked(world, sealedQuery(world, body, 'n1'), body)).status).toBe(403)
    expect(world.bot.logged.some((line) => line.includes('Set encodingAesKey'))).toBe(true)
    const readable = envelope(textXml('1'), keys.appId, textXml('1').slice('<xml>'.length, -'</xml>'.length))
    expect((await asked(world, sealedQuery(world, readable, 'n2'), readable)).status).toBe(200)
    expect(await world.events()).toHaveLength(1)
  })
})

test('a clear message is refused in secure mode, and taken in compatible mode', async () => {
  await using secure = await start({ mode: 'secure' })
  expect((await asked(secure, {}, textXml('1'))).status).toBe(403)
  expect(await secure.events()).toEqual([])
  expect(secure.bot.logged.some((line) => line.includes('secure mode'))).toBe(true)
  await using compatible = await start({ mode: 'compatible', settings: { mode: 'compatible' } })
  expect((await asked(compatible, {}, textXml('1'))).status).toBe(200)
  expect(await compatible.events()).toHaveLength(1)
})

test('a message is refused that is signed for another time, however well', async () => {
  await using world = await start({ settings: { freshness: '10m' } })
  const at = (ms: number) => String(Math.floor((world.clock.now() + ms) / SECOND))
  for (const timestamp of [at(-10 * MINUTE - SECOND), at(10 * MINUTE + SECOND)]) {
    expect((await asked(world, { timestamp, nonce: timestamp }, textXml('1'))).status).toBe(403)
  }
  expect(await world.events()).toEqual([])
  expect(world.bot.logged.filter((line) => line.includes('Is the clock of this machine right?'))).toHaveLength(1)
  for (const timestamp of [at(-10 * MINUTE), at(10 * MINUTE)]) {
    expect((await asked(world, { timestamp, nonce: timestamp }, textXml('1'))).status).toBe(200)
  }
})

describe('a signature', () => {
  test('serves for one event: with the same again it is a retry, with another it is refused', async () => {
    await using world = await start()
    expect((await asked(world, { nonce: 'n1' }, textXml('1'))).status).toBe(200)
    const again = await asked(world, { nonce: 'n1' }, textXml('1'))
    expect(await again.text()).toContain('re: hello')
    expect((await asked(world, { nonce: 'n1' }, textXml('2', 'forged'))).status).toBe(403)
    expect(await world.events()).toHaveLength(1)
  })

  test('of another time with the same nonce is another one', async () => {
    await using world = await start()
    expect((await asked(world, { nonce: 'n1' }, textXml('1'))).status).toBe(200)
    await world.clock.advance(SECOND)
    expect((await asked(world, { nonce: 'n1' }, textXml('2'))).status).toBe(200)
  })

  test('of the check of the address serves for no event, nor that of an event for the check', async () => {
    await using world = await start()
    expect((await asked(world, { nonce: 'n1', echostr: '1' })).status).toBe(200)
    expect((await asked(world, { nonce: 'n1' }, textXml('1'))).status).toBe(403)
    expect((await asked(world, { nonce: 'n2' }, textXml('1'))).status).toBe(200)
    expect((await asked(world, { nonce: 'n2', echostr: '1' })).status).toBe(403)
  })

  const where = `<xml><ToUserName>gh_2f0a9c41b7de</ToUserName><FromUserName>u1</FromUserName><CreateTime>1767225600</CreateTime><MsgType>event</MsgType><Event>LOCATION</Event></xml>`
  test.each([
    ['the check of the address', (world: Connected) => asked(world, { nonce: 'n2', echostr: '1' })],
    ['a retry', (world: Connected) => asked(world, { nonce: 'n2' }, textXml('1'))],
    ['what is not kept', (world: Connected) => asked(world, { nonce: 'n2' }, where)],
    [
      'an encrypted message',
      (world: Connected) => fetch(world.platform.request(textXml('2'), { to: world.url, nonce: 'n2', mode: 'secure' })),
    ],
  ])('of %s serves for nothing else, not even after a restart', async (_of, ask) => {
    await using world = await start({ mode: 'compatible', settings: { mode: 'compatible' } })
    expect((await asked(world, { nonce: 'n1' }, textXml('1'))).status).toBe(200)
    expect((await ask(world)).status).toBe(200)
    await world.bot.restart()
    const before = await world.events()
    expect((await asked(world, { nonce: 'n2' }, textXml('9', 'forged', { from: 'u9' }))).status).toBe(403)
    expect(await world.events()).toEqual(before)
  })

  test('serves nobody to erase a customer, not even after a restart', async () => {
    await using world = await start()
    for (const nonce of ['n1', 'n2']) expect((await asked(world, { nonce }, textXml('1'))).status).toBe(200)
    await world.bot.restart()
    const left = `<xml><ToUserName>gh_2f0a9c41b7de</ToUserName><FromUserName>oSystem</FromUserName><CreateTime>1767225600</CreateTime><MsgType>event</MsgType><Event>user_authorization_cancellation</Event><OpenID>u1</OpenID></xml>`
    expect((await asked(world, { nonce: 'n2' }, left)).status).toBe(403)
    await world.bot.advance(MINUTE)
    expect(await world.events()).toMatchObject([{ chat: 'u1' }])
  })

  test('is known after a restart, as long as it could be used', async () => {
    await using world = await start()
    expect((await asked(world, { nonce: 'n1' }, textXml('1'))).status).toBe(200)
    await world.bot.restart()
    expect((await asked(world, { nonce: 'n1' }, textXml('2', 'forged'))).status).toBe(403)
    expect((await asked(world, { nonce: 'n1' }, textXml('1'))).status).toBe(200)
    const used = await world.bot.rows('shop', 'used')
    expect(used).toHaveLength(2)
    expect(used).toMatchObject(
      expect.arrayContaining(
        ['the check of the address', 'u1:1767225600:1'].map((event) => expect.objectContaining({ event })),
      ),
    )
    await world.bot.advance(90 * MINUTE)
    expect(await world.bot.rows('shop', 'used')).toEqual([])
  })
})

test('a message to another account is refused, where the account is known', async () => {
  await using world = await start({ settings: { originalId: 'gh_2f0a9c41b7de' } })
  expect((await asked(world, { nonce: 'n1' }, textXml('1', 'hello', { to: 'gh_another' }))).status).toBe(403)
  expect((await asked(world, { nonce: 'n2' }, textXml('1'))).status).toBe(200)
  expect(await world.events()).toHaveLength(1)
})

test('what cannot be read is refused, and what is too large', async () => {
  await using world = await start()
  const bodies = ['', '{}', '<xml>', '<xml><A>a</A></xml>', `<!DOCTYPE xml>${textXml('1')}`]
  for (const [i, body] of bodies.entries())
    expect((await asked(world, { nonce: `n${i}` }, body)).status, body).toBe(400)
  const large = textXml('1', 'x'.repeat(256 * 1_024))
  expect((await asked(world, { nonce: 'large' }, large)).status).toBe(413)
  expect(await world.events()).toEqual([])
})

test('where a customer’s phone says that he is, is acknowledged and not kept', async () => {
  await using world = await start()
  const where = { MsgType: 'event', Event: 'LOCATION', Latitude: '31.2', Longitude: '121.4', Precision: '65' }
  expect(await world.platform.customer('u1').tells(where)).toMatchObject({ tries: 1, body: 'success' })
  expect(await world.events()).toEqual([])
})

test('C-WX-08: the same customer of two accounts is two customers', async () => {
  await using other = await startWeChat({
    clock: manualClock(),
    appId: 'wxsecond',
    token: 'secondToken',
    originalId: 'gh_second',
  })
  const { encodingAesKey: _, ...keys } = other.keys
  await using world = await start()
  const { encodingAesKey: __, ...first } = world.platform.keys
  const channels = {
    shop: { use: wechat, ...first, apiBase: world.platform.apiBase },
    second: { use: wechat, ...keys, apiBase: other.apiBase },
  }
  const bots = { parrot: { use: parrot() } }
  await world.bot.apply({ http: { allow: ['127.0.0.1'] }, channels, bots })
  await other.connect(`${world.bot.runtime.url}/second`)
  expect((await asked(world, { nonce: 'n1' }, textXml('1', 'to the shop'))).status).toBe(200)
  expect(await (await asked(world, { nonce: 'n2' }, textXml('1', 'again'))).text()).toContain('re: to the shop')
  // The very same ids and the same words' place, on the other account.
  const signed = new URL(other.request(textXml('1'), { to: `${world.bot.runtime.url}/second` }).url)
  const response = await fetch(signed, { method: 'POST', body: textXml('1', 'to the second') })
  expect(await response.text()).toContain('re: to the second')
  expect(await world.events()).toMatchObject([
    { account: 'wechat:wx0123456789abcdef', chat: 'u1' },
    { account: 'wechat:wxsecond', chat: 'u1' },
  ])
})

/** The webhook alone, in front of a stand-in for the runtime that takes in what it is told. */
async function alone(world: Connected, receive: ChannelContext['receive']) {
  const { appId, token } = world.platform.keys
  const config = channelSettings.parse({ appId, appSecret: 'secret', token })
  const nonces = await makeNonces(world.bot.runtime.engine.tablesOf<NonceTables>('shop'), {
    clock: world.clock,
    freshnessMs: config.freshness,
  })
  const web = fastify()
  addWebhook(web, { config, clock: world.clock, log: makeLog({ level: 'silent' }), nonces, receive })
  const url = await web.listen({ host: '127.0.0.1', port: 0 })
  return { url, [Symbol.asyncDispose]: () => web.close() }
}

test('a message that the disk does not take in is to come again, and that is said before the platform hangs up', async () => {
  await using world = await start()
  const { clock, platform } = world
  const disk = Promise.withResolvers<undefined>()
  await using web = await alone(world, () => disk.promise)
  const answers: number[] = []
  const push = async () => {
    const { status } = await fetch(platform.request(textXml('1'), { to: web.url }))
    answers.push(status)
  }
  const before = clock.waiting
  const first = push()
  await expect.poll(() => clock.waiting).toBe(before + 1)
  await clock.advance(4_699)
  expect(answers).toEqual([])
  await clock.advance(1)
  await first
  disk.resolve(undefined)
  await push()
  expect(answers).toEqual([503, 200])
  expect(clock.waiting).toBe(before)
})

test('a request is written together with what it told; where that is refused, by itself', async () => {
  await using world = await start()
  let isRoom = true
  const together: unknown[] = []
  await using web = await alone(world, async (_event, options) => {
    if (!isRoom) throw new SwitchboardError('BACKLOG_FULL')
    together.push(options?.writeAlways?.compile().parameters.at(-1))
    return undefined
  })
  const push = async (id: string, nonce: string) => {
    await fetch(world.platform.request(textXml(id), { to: web.url, nonce }))
    const used = world.bot.runtime.engine.tablesOf<NonceTables>('shop').selectFrom('used').select('event')
    return (await used.execute()).map(({ event }) => event).filter((event) => event !== 'the check of the address')
  }
  expect(await push('1', 'n1')).toEqual([])
  // The same once more, and a retry of another time.
  for (const nonce of ['n1', 'n2']) expect(await push('1', nonce)).toEqual([])
  expect(together).toEqual(['u1:1767225600:1', undefined, 'u1:1767225600:1'])
  isRoom = false
  expect(await push('2', 'n3')).toEqual(['u1:1767225600:2'])
})

test('the request of a late retry serves for nothing else either, not even after a restart', async () => {
  await using world = await start()
  expect((await asked(world, { nonce: 'n1' }, textXml('1'))).status).toBe(200)
  await world.bot.advance(30 * MINUTE)
  expect((await asked(world, { nonce: 'n2' }, textXml('1'))).status).toBe(200)
  await world.bot.restart()
  expect((await asked(world, { nonce: 'n2' }, textXml('2', 'forged'))).status).toBe(403)
  expect(await world.events()).toHaveLength(1)
})

test('what another instance has used meanwhile is known as soon as this one is in its place', async () => {
  await using world = await start()
  const sql = world.bot.runtime.engine.tablesOf<NonceTables>('shop')
  const of = { clock: world.clock, freshnessMs: 10 * MINUTE }
  const [before, after] = [await makeNonces(sql, of), await makeNonces(sql, of)]
  before.claim('n1', 'e1', world.clock.now())
  await before.keep('n1', 'e1', world.clock.now())
  await after.learn()
  expect(after.claim('n1', 'e2', world.clock.now())).toBe(false)
})
