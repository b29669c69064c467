import { describe, expect, test } from 'vitest'
import type { Diagnosis } from '#core'
import type { TestConfig } from '#core/testing'
import { connected, SHOP } from './simulated-platform/connected.ts'

const ID = 'simulated-shop'
type Fields = { readonly [key: string]: unknown }
type Connected = Awaited<ReturnType<typeof connected>>

const SEEN: TestConfig = {
  features: [{ use: 'agent-identity', identities: { sales: { name: '售前' } }, bots: { parrot: 'sales' } }],
}

/** What doctor tells: by the thing in English, its state and sentence; `next`: what to click. */
async function told({ bot }: Connected, http: typeof fetch = fetch) {
  const { clock } = bot
  const signal = new AbortController().signal
  const found = (await bot.runtime.instance(SHOP)?.hooks.doctor?.({ http, clock, signal })) ?? []
  for (const diagnosis of found) expectBothLanguages(diagnosis)
  return new Map(
    found.map(({ about, state, says, next }) => [about.en ?? '', { state, says: says.en, next: next?.en }]),
  )
}

function expectBothLanguages({ about, says, next }: Diagnosis): void {
  for (const text of next ? [about, says, next] : [about, says]) {
    expect(Object.keys(text).sort()).toEqual(['en', 'zh-CN'])
    expect(text['zh-CN'], text.en).toMatch(/\p{Script=Han}/u)
  }
}

const start = (settings: Fields = {}, config: TestConfig = {}, platform: Fields = {}) =>
  connected(settings, { config, platform })

test('of an account that has everything nothing is missing but the public address of this test', async () => {
  await using shop = await start({ wechatId: ID }, SEEN)
  await expect.poll(() => shop.wechat.account.identities.size).toBe(1)
  const found = await told(shop)
  expect([...found].filter(([, { state }]) => state === 'missing').map(([about]) => about)).toEqual(['server address'])
  expect(found.get('access token')?.state).toBe('ok')
  expect(found.get('identities')).toMatchObject({ state: 'ok', says: 'All 1 are there with their names.' })
  expect(found.get('quota: /cgi-bin/message/custom/send')).toMatchObject({
    state: 'ok',
    says: '500000 of 500000 calls left today.',
  })
  expect(found.get('encryption')?.says).toContain('in clear')
  // Nothing was shown to anybody, and no token was forced.
  expect(shop.wechat.sent).toEqual([])
  expect(shop.wechat.calls.some(({ body }) => JSON.stringify(body ?? '').includes('"force_refresh":true'))).toBe(false)
  expect(JSON.stringify([...found])).not.toContain(shop.wechat.keys.appSecret)
})

describe('the access token', () => {
  test('of an address that is not on the list says which one to add, and nothing else is asked', async () => {
    await using shop = await start({}, {}, { ipList: ['203.0.113.7'] })
    const found = await told(shop)
    expect(found.get('access token')).toMatchObject({ state: 'missing', says: expect.stringContaining('40164') })
    expect(found.get('access token')?.next).toContain('add 127.0.0.1.')
    expect(found.has('right: custom menu')).toBe(false)
  })

  test.each([
    [40013, 'AppID'],
    [40125, 'AppSecret'],
  ])('that is refused with %i says where to look', async (errcode, word) => {
    await using shop = await start()
    shop.wechat.answers('/cgi-bin/stable_token', errcode, { times: 9 })
    const token = (await told(shop)).get('access token')
    expect(token).toMatchObject({ state: 'missing', next: expect.stringContaining('compare AppID and AppSecret') })
    expect(token?.says).toMatch(new RegExp(`${word}.*${errcode}`))
  })

  test.each([
    [-1, 'system busy', undefined],
    [45009, 'reach max api daily quota limit', undefined],
    [89503, 'waiting for the administrator to confirm', undefined],
    [40243, 'invalid appsecret: frozen', undefined],
    [40164, 'invalid ip 2408:8207:78c8:1::1, not in whitelist', 'add 2408:8207:78c8:1::1.'],
    [40164, 'invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist', 'add 203.0.113.7.'],
  ])('that is refused with %i (%s) leaves the AppSecret alone', async (errcode, errmsg, next) => {
    await using shop = await start()
    shop.wechat.answers('/cgi-bin/stable_token', { errcode, errmsg }, { times: 9 })
    const token = (await told(shop)).get('access token')
    expect(token?.state).toBe('missing')
    expect(token?.says).toContain(String(errcode))
    if (next === undefined) expect(token?.next).toBeUndefined()
    else expect(token?.next).toMatch(new RegExp(`IP allow-list: ${next.replaceAll('.', '\\.')}$`))
  })

  test('that cannot be asked for is something to be done, and says why', async () => {
    await using shop = await start()
    const refuses = () => Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }))
    const token = (await told(shop, refuses)).get('access token')
    expect(token?.state).toBe('missing')
    expect(token?.says).toMatch(/^WeChat could not be asked: .*fetch failed.*connect ECONNREFUSED/)
  })
})

test('C-WX-06: an account that is not certified is told what it loses; C-WX-09: and each right with the effect of its lack', async () => {
  await using shop = await start({}, {}, { isVerified: false })
  const found = await told(shop)
  expect(found.get('certification')).toMatchObject({
    state: 'missing',
    next: expect.stringContaining('replyBy: passive'),
  })
  for (const right of ['message management', 'custom menu', 'user management'])
    expect(found.get(`right: ${right}`)).toMatchObject({
      state: 'missing',
      says: expect.stringMatching(/^Not granted: /),
    })
})

test('C-WX-06: an account that answers inside responses only, as doctor has told it to, is not ill', async () => {
  await using shop = await start({ replyBy: 'passive' }, {}, { isVerified: false })
  const found = await told(shop)
  expect([...found].filter(([, { state }]) => state === 'missing').map(([about]) => about)).toEqual(['server address'])
  expect(found.get('certification')).toMatchObject({ state: 'ok', says: expect.stringContaining('not certified') })
  await shop.apply({ replyBy: 'passive', tags: true, menu: [{ type: 'click', name: '人工', key: 'HUMAN' }] })
  const again = await told(shop)
  for (const right of ['custom menu', 'user management']) expect(again.get(`right: ${right}`)?.state).toBe('missing')
})

test('C-WX-06: an account of which no right could be looked at is not told to be certified', async () => {
  await using shop = await start()
  for (const path of ['/cgi-bin/message/custom/typing', '/cgi-bin/menu/get', '/cgi-bin/tags/get'])
    shop.wechat.answers(path, 99999)
  expect((await told(shop)).get('certification')?.state).toBe('unknown')
})

test.each(['http://172.16.0.9', 'http://169.254.169.254', 'http://[::1]', 'http://localhost'])(
  'WeChat cannot reach %s',
  async (publicUrl) => {
    await using shop = await start({}, { server: { port: 0, publicUrl } })
    expect((await told(shop)).get('server address')).toMatchObject({
      state: 'missing',
      says: expect.stringContaining(`cannot reach ${publicUrl}/${SHOP}`),
    })
  },
)

test('C-WX-09: rights that are not required are told too, and are no problem', async () => {
  await using shop = await start()
  for (const path of ['/cgi-bin/template/get_all_private_template', '/cgi-bin/material/get_materialcount'])
    shop.wechat.answers(path, 48001)
  const found = await told(shop)
  expect(found.get('certification')?.state).toBe('ok')
  expect(found.get('right: mass messaging and notification')).toEqual({
    state: 'ok',
    says: 'Not granted, and not needed: no template messages.',
    next: undefined,
  })
  expect(found.get('right: material management')?.says).toContain('not needed')
  expect(found.get('rights: account and webpage service')?.state).toBe('unknown')
})

describe('identities', () => {
  test('C-ID-06: where customer service is switched off, the exact step is told', async () => {
    await using shop = await start({ wechatId: ID }, SEEN, { hasCustomerService: false })
    // The token is shared: whoever asks for one at the same time waits by this clock, which stands still.
    await expect.poll(() => shop.bot.logged.some((line) => line.includes('65400'))).toBe(true)
    expect((await told(shop)).get('customer-service feature')).toMatchObject({
      state: 'missing',
      next: expect.stringContaining('Customer Service (客服功能), Enable'),
    })
  })

  test('C-ID-06: without identities nobody needs it, nor C-ID-07: a WeChat ID', async () => {
    await using shop = await start({}, {}, { hasCustomerService: false })
    const found = await told(shop)
    expect(found.get('customer-service feature')?.state).toBe('unknown')
    expect(found.get('WeChat ID')).toMatchObject({ state: 'ok', says: 'Nothing here needs one.' })
  })

  test('C-ID-08: accounts of another WeChat ID tell that it was changed, and that it can be only once a year', async () => {
    await using shop = await start({ wechatId: ID }, SEEN)
    await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toHaveLength(1)
    const old = { id: '1', nickname: 'Old', avatar: undefined, invited: undefined, liveAtMs: 0 }
    shop.wechat.account.identities.set('sales@older-shop', old)
    const found = (await told(shop)).get('WeChat ID')
    expect(found?.says).toContain('sales@older-shop')
    expect(found?.says).toContain('only once a year')
  })

  test('C-ID-02: the plan tells what will be made and renamed, and what is left alone', async () => {
    await using shop = await start({ wechatId: ID }, SEEN)
    await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toHaveLength(1)
    const { identities } = shop.wechat.account
    const made = identities.get(`sales@${ID}`)
    if (made) identities.set(`sales@${ID}`, { ...made, nickname: 'Other' })
    if (made) identities.set(`else@${ID}`, made)
    const renamed = (await told(shop)).get('identities')?.says
    expect(renamed).toContain(`rename sales@${ID} "Other" → "售前"`)
    expect(renamed).toContain('1 others are there and left alone')
    identities.delete(`sales@${ID}`)
    expect((await told(shop)).get('identities')?.says).toContain(`make sales@${ID} "售前"`)
    expect(identities.size).toBe(1)
  })

  test('C-ID-04: more than the account takes are told with the count', async () => {
    await using shop = await start({ wechatId: ID, identityLimit: 1 }, SEEN)
    await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toHaveLength(1)
    const { identities } = shop.wechat.account
    const [made] = identities.values()
    identities.clear()
    if (made) identities.set(`else@${ID}`, made)
    expect((await told(shop)).get('identities')).toMatchObject({
      state: 'missing',
      says: expect.stringContaining('2 customer-service accounts'),
    })
  })
})

test('C-WX-10: the menu is told as it differs, and that the last to write it wins', async () => {
  await using shop = await start({ menu: [{ type: 'click', name: '人工', key: 'HUMAN' }] })
  await expect.poll(() => shop.wechat.account.menu).toBeDefined()
  expect((await told(shop)).get('menu')).toMatchObject({ state: 'ok', says: 'It is as the YAML says.' })
  shop.wechat.account.menu = [{ type: 'click', name: '他们', key: 'THEIRS' }]
  const says = (await told(shop)).get('menu')?.says
  expect(says).toContain('− 他们: click THEIRS; + 人工: click HUMAN')
  expect(says).toContain('The last to write it wins.')
})

test('C-WX-11: who is online at WeChat’s own desk receives nothing, and is told so; others cannot be seen', async () => {
  await using shop = await start()
  const found = await told(shop)
  expect(found.get('other receivers')).toMatchObject({ state: 'unknown', says: expect.stringContaining('both answer') })
  expect(found.get('other receivers')?.says).toContain('own desk receives none')
})

test('a quota that is used up is told, with how to clear it', async () => {
  await using shop = await start()
  shop.wechat.account.quotas.limit('/cgi-bin/menu/create', 0)
  expect((await told(shop)).get('quota: /cgi-bin/menu/create')).toMatchObject({
    state: 'missing',
    says: '0 of 0 calls left today.',
    next: expect.stringContaining('clear it'),
  })
})

test('what is asked leaves no access token behind: a doctor that is killed has none on the disk', async () => {
  await using shop = await start()
  expect((await told(shop)).get('access token')?.state).toBe('ok')
  expect(await shop.bot.rows(SHOP, 'token')).toEqual([])
})

test('customers who are blocked at WeChat are told of where the YAML blocks nobody', async () => {
  await using shop = await start()
  expect((await told(shop)).has('blacklist')).toBe(false)
  for (const openId of ['o1', 'o2']) shop.wechat.account.person(openId).isBlocked = true
  expect((await told(shop)).get('blacklist')).toMatchObject({
    state: 'unknown',
    says: expect.stringMatching(/^2 customers are blocked at WeChat.* blacklist is off/),
    next: expect.stringContaining('Blacklist'),
  })
  await shop.apply({ blacklist: true })
  expect((await told(shop)).get('blacklist')).toMatchObject({ state: 'ok', next: undefined })
})
