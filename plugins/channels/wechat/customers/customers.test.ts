import { describe, expect, test } from 'vitest'
import { z } from '#core'
import type { TestConfig } from '#core/testing'
import { connected, SHOP } from '../simulated-platform/connected.ts'

type Connected = Awaited<ReturnType<typeof connected>>
type Fields = { readonly [key: string]: unknown }
const DAY = 24 * 60 * 60 * 1_000
const MINUTE = 60_000
const INFO = '/cgi-bin/user/info'

const Customer = z.object({
  name: z.string().nullable(),
  language: z.string().nullable(),
  tags_json: z.string(),
  fields_json: z.string(),
})

/** What the journal has of whoever has this id on the account; `undefined`: nobody. */
async function customer({ bot, wechat }: Connected, openId: string, appId = wechat.keys.appId) {
  await bot.idle()
  const { read } = bot.runtime.engine
  const chat = read.selectFrom('chat').innerJoin('customer', 'customer.id', 'chat.customer').selectAll('customer')
  const row = await chat.where('account', '=', `wechat:${appId}`).where('external_id', '=', openId).executeTakeFirst()
  if (!row) return undefined
  const { name, language, tags_json, fields_json } = Customer.parse(row)
  return { id: row.id, name, language, tags: JSON.parse(tags_json), fields: JSON.parse(fields_json) }
}

const asked = ({ wechat }: Connected, path = INFO) => wechat.calls.filter((call) => call.path === path).length
const start = (settings: Fields = {}, config: TestConfig = {}) => connected(settings, { config })

describe('C-WX-12: a customer', () => {
  test('is called after account and id, until somebody on our side gives a name: that stays', async () => {
    await using shop = await start({ nicknameFallback: '我的号_{openId}' })
    await shop.wechat.customer('oABC').says('hello')
    await expect.poll(() => shop.bot.rows(SHOP, 'profile')).toHaveLength(1)
    expect(await customer(shop, 'oABC')).toMatchObject({ name: '我的号_oABC' })
    shop.wechat.account.person('oABC').remark = '王小明'
    await shop.bot.clock.advance(DAY + 1)
    await shop.wechat.customer('oABC').says('again')
    await expect.poll(async () => (await customer(shop, 'oABC'))?.name).toBe('王小明')
    await shop.wechat.customer('oABC').says('and again')
    // The id is the chat's: history has not moved.
    expect((await customer(shop, 'oABC'))?.name).toBe('王小明')
  })

  test('is called after the name of the channel, where nothing else is said', async () => {
    await using shop = await start()
    await shop.wechat.customer('oABC').follows()
    expect((await customer(shop, 'oABC'))?.name).toBe('shop_oABC')
  })

  test('whom our side has named keeps that name, as long as the remark on WeChat is the same', async () => {
    await using shop = await start()
    shop.wechat.account.person('o1').remark = '老王'
    await shop.wechat.customer('o1').says('hello')
    await expect.poll(async () => (await customer(shop, 'o1'))?.name).toBe('老王')
    const { id = '' } = (await customer(shop, 'o1')) ?? {}
    await shop.bot.runtime.engine.patchCustomer(id, { name: 'Mr Wang' }, shop.bot.clock.now())
    await shop.bot.clock.advance(DAY + 1)
    await shop.wechat.customer('o1').says('again')
    await expect.poll(() => asked(shop)).toBe(2)
    expect((await customer(shop, 'o1'))?.name).toBe('Mr Wang')
  })
})

describe('what WeChat tells of a customer', () => {
  test('is asked for once a day, and kept: language, UnionID, and how they came to follow', async () => {
    await using shop = await start()
    const person = shop.wechat.account.person('o1')
    Object.assign(person, { unionId: 'union-1', language: 'zh_TW', scene: 'poster' })
    for (const text of ['1', '2', '3']) await shop.wechat.customer('o1').says(text)
    await expect
      .poll(async () => (await customer(shop, 'o1'))?.fields)
      .toMatchObject({
        subscribed: true,
        unionId: 'union-1',
        subscribedBy: 'ADD_SCENE_QR_CODE',
        subscribedByCode: 'poster',
      })
    expect((await customer(shop, 'o1'))?.language).toBe('zh-TW')
    await shop.wechat.customer('o1').says('4')
    expect(asked(shop)).toBe(1)
    await shop.bot.restart()
    await shop.wechat.connect(`${shop.bot.runtime.url}/${SHOP}`)
    await shop.wechat.customer('o1').says('5')
    await shop.bot.idle()
    expect(asked(shop)).toBe(1)
  })

  test('holds up no message: it is answered though nothing is told', async () => {
    await using shop = await start()
    shop.wechat.answers(INFO, 'hangs')
    await shop.wechat.customer('o1').says('hello')
    expect(shop.wechat.customer('o1').heard).toEqual(['echo: hello'])
  })

  test('is asked for no more for an hour where the account may not, and that is said once', async () => {
    await using shop = await connected({}, { platform: { isVerified: false } })
    const warnings = () => shop.bot.logged.filter((line) => line.includes('tells nothing of customers'))
    await shop.wechat.customer('o1').says('hello')
    await expect.poll(warnings).toHaveLength(1)
    await shop.wechat.customer('o2').says('hello')
    await shop.bot.idle()
    expect([asked(shop), warnings().length]).toEqual([1, 1])
  })

  test('changes when they unfollow and follow again', async () => {
    await using shop = await start()
    const one = shop.wechat.customer('o1')
    const subscribed = async () => (await customer(shop, 'o1'))?.fields.subscribed
    await one.follows()
    await expect.poll(subscribed).toBe(true)
    await one.unfollows()
    await expect.poll(subscribed).toBe(false)
    await one.follows()
    await expect.poll(subscribed).toBe(true)
    await one.tells({ MsgType: 'event', Event: 'user_info_modified', OpenID: 'o1', AppID: shop.wechat.keys.appId })
    await expect.poll(() => asked(shop)).toBe(3)
  })

  test('their tags become ours, and go when they go there; what our side has tagged stays', async () => {
    await using shop = await start({ tags: true })
    shop.wechat.account.tags.set(100, 'VIP')
    shop.wechat.account.person('o1').tags.add(100).add(2)
    await shop.wechat.customer('o1').says('hello')
    await expect.poll(async () => (await customer(shop, 'o1'))?.tags).toEqual(['VIP'])
    const { id = '' } = (await customer(shop, 'o1')) ?? {}
    await shop.bot.runtime.engine.tagCustomer(id, { add: ['own'] })
    shop.wechat.account.person('o1').tags.clear()
    await shop.bot.clock.advance(DAY + 1)
    await shop.wechat.customer('o1').says('again')
    await expect.poll(async () => (await customer(shop, 'o1'))?.tags).toEqual(['own'])
  })
})

test('that somebody has unfollowed is noted on them after a crash too: it is on disk with the event', async () => {
  await using shop = await start()
  const one = shop.wechat.customer('o1')
  await one.follows()
  const subscribed = async () => (await customer(shop, 'o1'))?.fields.subscribed
  await expect.poll(subscribed).toBe(true)
  // As a crash does, this keeps anything from being done after the event was accepted.
  const write = (sql: string) => shop.bot.runtime.engine.write([{ sql, parameters: [] }])
  await write(`CREATE TRIGGER crash BEFORE UPDATE ON "${SHOP}__profile" BEGIN SELECT RAISE(ABORT, 'crash'); END`)
  await one.unfollows()
  await shop.bot.idle()
  expect(await subscribed()).toBe(true)
  await write('DROP TRIGGER crash')
  await shop.bot.restart()
  await expect.poll(subscribed).toBe(false)
  await expect.poll(() => shop.bot.rows(SHOP, 'unfollowed')).toEqual([])
})

test('whoever unfollows can be sent nothing: the window is closed until they come back', async () => {
  await using shop = await start({ replyBy: 'customer-service' })
  const one = shop.wechat.customer('o1')
  await one.says('hello')
  await shop.bot.idle()
  const left = async () => {
    const chat = (await shop.bot.runtime.engine.findChat(`wechat:${shop.wechat.keys.appId}`, 'o1')) ?? ''
    return shop.bot.runtime.instance(SHOP) && (await shop.bot.runtime.engine.load(chat))?.allowances
  }
  expect(await left()).toMatchObject([{ used: 1 }])
  await one.unfollows()
  await shop.bot.idle()
  expect(await left()).toMatchObject([{ max: 5, used: 5, endsAtMs: shop.bot.clock.now() }])
})

test('whoever deletes their WeChat account is erased here, though a conversation is open', async () => {
  await using shop = await start()
  await shop.wechat.customer('o1').says('hello')
  await expect.poll(() => shop.bot.rows(SHOP, 'profile')).toHaveLength(1)
  expect(await customer(shop, 'o1')).toBeDefined()
  const { appId } = shop.wechat.keys
  await shop.wechat.customer('o1').tells({
    ...{ FromUserName: 'oSystem', MsgType: 'event', Event: 'user_authorization_cancellation' },
    ...{ OpenID: 'o1', AppID: appId },
  })
  const gone = async () => {
    const row = await customer(shop, 'o1')
    if (row) await shop.bot.clock.advance(30_000)
    return row
  }
  await expect.poll(gone, { timeout: 10_000 }).toBeUndefined()
  await expect.poll(() => shop.bot.rows(SHOP, 'leaving')).toEqual([])
  expect(await shop.bot.rows(SHOP, 'profile')).toEqual([])
})

test('whoever is on our blacklist is put on the account’s, and taken off again; the account’s own entries stay', async () => {
  const list = (users: readonly string[]): TestConfig => ({
    features: [{ use: 'blacklist', customers: { [SHOP]: users } }],
  })
  await using shop = await start({ blacklist: true }, list([]))
  shop.wechat.account.person('o9').isBlocked = true
  for (const openId of ['o1', 'o2']) await shop.wechat.customer(openId).says('hello')
  await shop.bot.idle()
  const blocked = () => [...shop.wechat.account.people.values()].filter((one) => one.isBlocked).map((one) => one.openId)
  const soon = async () => {
    await shop.bot.clock.advance(MINUTE)
    return blocked().sort()
  }
  await shop.apply({ blacklist: true }, list(['o1']))
  await expect.poll(soon, { timeout: 10_000 }).toEqual(['o1', 'o9'])
  await shop.apply({ blacklist: true }, list([]))
  await expect.poll(soon, { timeout: 10_000 }).toEqual(['o9'])
})

test('C-WX-08: two accounts have nothing of each other, though a customer has the same id on both', async () => {
  await using other = await connected({}, { platform: { appId: 'wxffffffffffffffff' } })
  await using shop = await start()
  await shop.wechat.customer('o1').says('to the one')
  await other.wechat.customer('o1').says('to the other')
  expect(shop.wechat.customer('o1').heard).toEqual(['echo: to the one'])
  expect(other.wechat.customer('o1').heard).toEqual(['echo: to the other'])
})

describe('C-FO-01: who follows is greeted', () => {
  const greeting = (more: Fields = {}): TestConfig => ({
    features: [{ use: 'auto-reply', onFollow: '您好，欢迎关注！', ...more }],
  })

  test('at once, inside the response', async () => {
    await using shop = await start({}, greeting())
    await shop.wechat.customer('o1').follows('poster')
    expect(shop.wechat.customer('o1').heard).toEqual(['您好，欢迎关注！'])
  })

  test('each time, or only the first time', async () => {
    await using shop = await start({}, greeting({ onFollowAgain: false }))
    const one = shop.wechat.customer('o1')
    await one.follows()
    await one.unfollows()
    await shop.bot.clock.advance(MINUTE)
    await one.follows()
    expect(one.heard).toEqual(['您好，欢迎关注！'])
  })
})
