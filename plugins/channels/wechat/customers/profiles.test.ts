import { describe, expect, test } from 'vitest'
import { z } from '#core'
import { testServer } from '#core/testing'
import { connected, SHOP } from '../simulated-platform/connected.ts'

type Connected = Awaited<ReturnType<typeof connected>>
const HOUR = 60 * 60 * 1_000
const DAY = 24 * HOUR
const INFO = '/cgi-bin/user/info'
const Customer = z.object({
  id: z.string(),
  name: z.string().nullable(),
  tags_json: z.string(),
  fields_json: z.string(),
})

async function customer({ bot, wechat }: Connected, openId: string) {
  const chat = bot.runtime.engine.read.selectFrom('chat').innerJoin('customer', 'customer.id', 'chat.customer')
  const here = chat.selectAll('customer').where('account', '=', `wechat:${wechat.keys.appId}`)
  const { id, name, tags_json, fields_json } = Customer.parse(
    await here.where('external_id', '=', openId).executeTakeFirst(),
  )
  return { id, name, tags: JSON.parse(tags_json), fields: JSON.parse(fields_json) }
}
const asked = ({ wechat }: Connected) => wechat.calls.filter(({ path }) => path === INFO).length
const told = ({ bot }: Connected) => bot.logged.filter((line) => line.includes('tells nothing of customers'))
const profiles = ({ bot }: Connected) => bot.rows(SHOP, 'profile')
/** Whoever is asked for after the others is, so that they have been asked for too, or are not. */
async function othersAreAskedFor(shop: Connected, openId: string) {
  await shop.wechat.customer(openId).says('hello')
  await expect.poll(() => profiles(shop)).toContainEqual(expect.objectContaining({ open_id: openId }))
}

describe('a customer of whom WeChat tells nothing', () => {
  test.each([40003, 48002])('is asked for once a day, and the others as before (%i)', async (errcode) => {
    await using shop = await connected()
    shop.wechat.answers(INFO, errcode, { times: 1 })
    await shop.wechat.customer('o1').says('hello')
    await expect.poll(() => asked(shop)).toBe(1)
    await shop.bot.idle()
    await shop.wechat.customer('o1').says('again')
    await othersAreAskedFor(shop, 'o2')
    expect(asked(shop)).toBe(2)
    await shop.bot.clock.advance(DAY + 1)
    await shop.wechat.customer('o1').says('the day after')
    await expect.poll(() => asked(shop)).toBe(3)
  })

  test('for a reason that nobody knows is one of all, and that is said', async () => {
    await using shop = await connected()
    shop.wechat.answers(INFO, 99999, { times: 1 })
    await shop.wechat.customer('o1').says('hello')
    await expect.poll(() => told(shop)).toHaveLength(1)
    await shop.wechat.customer('o2').says('hello')
    await shop.bot.idle()
    expect(asked(shop)).toBe(1)
    await shop.bot.clock.advance(HOUR + 1)
    await othersAreAskedFor(shop, 'o2')
  })

  test('that can be read loses only what cannot be', async () => {
    await using shop = await connected()
    Object.assign(shop.wechat.account.person('o1'), { scene: 'x'.repeat(257), unionId: 'union-1' })
    await othersAreAskedFor(shop, 'o1')
    expect((await customer(shop, 'o1')).fields).toMatchObject({ unionId: 'union-1', subscribed: true })
    expect((await customer(shop, 'o1')).fields).not.toHaveProperty('subscribedByCode')
    expect(told(shop)).toEqual([])
  })

  test('that cannot be read at all keeps no others from being asked for', async () => {
    await using shop = await connected()
    shop.wechat.answers(INFO, { status: 200, body: '{"subscribe":"perhaps"}' }, { times: 4 })
    await shop.wechat.customer('o1').says('hello')
    const tries = async () => {
      await shop.bot.clock.advance(1_000)
      return asked(shop)
    }
    await expect.poll(tries, { timeout: 10_000 }).toBe(4)
    await othersAreAskedFor(shop, 'o2')
    expect(told(shop)).toEqual([])
  })
})

test('a tag that was made since is known at once; one that WeChat itself does not know is looked for once', async () => {
  await using shop = await connected({ tags: true })
  const { account } = shop.wechat
  const ask = async (openId: string, tag: number) => {
    account.person(openId).tags.add(tag)
    await shop.wechat.customer(openId).says('hello')
    await expect.poll(() => shop.bot.rows(SHOP, 'profile')).toContainEqual(expect.objectContaining({ open_id: openId }))
    return (await customer(shop, openId)).tags
  }
  const lists = () => shop.wechat.calls.filter(({ path }) => path === '/cgi-bin/tags/get').length
  account.tags.set(100, 'VIP')
  expect(await ask('o1', 100)).toEqual(['VIP'])
  account.tags.set(101, 'new')
  expect(await ask('o2', 101)).toEqual(['new'])
  expect(lists()).toBe(2)
  expect([await ask('o3', 999), await ask('o4', 999)]).toEqual([[], []])
  expect(lists()).toBe(3)
})

describe('what our side has given', () => {
  test('stays, of a tag that WeChat has too and takes away', async () => {
    await using shop = await connected({ tags: true })
    await othersAreAskedFor(shop, 'o1')
    const { id } = await customer(shop, 'o1')
    await shop.bot.runtime.engine.tagCustomer(id, { add: ['VIP'] })
    shop.wechat.account.tags.set(100, 'VIP').set(101, 'theirs')
    shop.wechat.account.person('o1').tags.add(100).add(101)
    const tags = async () => (await customer(shop, 'o1')).tags
    await shop.bot.clock.advance(DAY + 1)
    await shop.wechat.customer('o1').says('again')
    await expect.poll(tags).toEqual(['VIP', 'theirs'])
    shop.wechat.account.person('o1').tags.clear()
    await shop.bot.clock.advance(DAY + 1)
    await shop.wechat.customer('o1').says('again')
    await expect.poll(tags).toEqual(['VIP'])
  })

  test('stays, of a name given before the remark was known', async () => {
    await using shop = await connected()
    shop.wechat.account.person('o1').remark = '老王'
    shop.wechat.answers(INFO, 48001, { times: 1 })
    await shop.wechat.customer('o1').says('hello')
    await expect.poll(() => told(shop)).toHaveLength(1)
    const { id } = await customer(shop, 'o1')
    await shop.bot.runtime.engine.patchCustomer(id, { name: 'Mr Wang' }, shop.bot.clock.now())
    await shop.bot.clock.advance(HOUR + 1)
    await othersAreAskedFor(shop, 'o1')
    expect((await customer(shop, 'o1')).name).toBe('Mr Wang')
  })
})

describe('while a customer is asked for', () => {
  /** Between the runtime and the platform: answers about customers wait for `release`. */
  async function slow() {
    const opened = new AsyncDisposableStack()
    const { promise, resolve } = Promise.withResolvers<void>()
    const heard = { count: 0, platform: '' }
    const server = opened.use(
      await testServer(async (request) => {
        const { pathname, search } = new URL(request.url)
        const body = request.method === 'POST' ? await request.text() : null
        const answer = await fetch(`${heard.platform}${pathname}${search}`, { method: request.method, body })
        const text = await answer.text()
        if (pathname === INFO) {
          heard.count += 1
          await promise
        }
        return new Response(text, { headers: { 'content-type': 'application/json' } })
      }),
    )
    const config = { http: { allow: [server.host] } }
    const shop = opened.use(await connected({ apiBase: server.url }, { config }))
    heard.platform = shop.wechat.apiBase
    return { shop, heard, release: resolve, [Symbol.asyncDispose]: () => opened.disposeAsync() }
  }

  const notify = ({ wechat }: Connected, Event: string) =>
    wechat.customer('o1').tells({ MsgType: 'event', Event, OpenID: 'o1', AppID: wechat.keys.appId })

  test('and unfollows, they are no follower afterwards', async () => {
    await using held = await slow()
    const { shop } = held
    await shop.wechat.customer('o1').follows()
    await expect.poll(() => held.heard.count).toBe(1)
    await shop.wechat.customer('o1').unfollows()
    const subscribed = async () => (await customer(shop, 'o1')).fields.subscribed
    await expect.poll(subscribed).toBe(false)
    held.release()
    await othersAreAskedFor(shop, 'o2')
    expect(await subscribed()).toBe(false)
  })

  test('and something changes, they are asked for again', async () => {
    await using held = await slow()
    const { shop } = held
    await shop.wechat.customer('o1').says('hello')
    await expect.poll(() => held.heard.count).toBe(1)
    shop.wechat.account.person('o1').remark = '老王'
    await notify(shop, 'user_info_modified')
    await expect.poll(() => held.heard.count).toBe(2)
    held.release()
    await expect.poll(async () => (await customer(shop, 'o1')).name).toBe('老王')
  })

  test('and is erased, nothing is kept of what WeChat tells then', async () => {
    await using held = await slow()
    const { shop } = held
    shop.wechat.account.person('o1').remark = '王小明 13800000000'
    await shop.wechat.customer('o1').says('hello')
    await expect.poll(() => held.heard.count).toBe(1)
    await notify(shop, 'user_authorization_cancellation')
    const left = async () => {
      if ((await shop.bot.rows(SHOP, 'leaving')).length === 0) return 0
      await shop.bot.clock.advance(700)
      return 1
    }
    await expect.poll(left).toBe(0)
    held.release()
    await othersAreAskedFor(shop, 'o2')
    expect(await profiles(shop)).toMatchObject([{ open_id: 'o2' }])
  })
})
