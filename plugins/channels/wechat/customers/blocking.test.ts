import { expect, test } from 'vitest'
import { z } from '#core'
import type { TestConfig } from '#core/testing'
import { connected, SHOP } from '../simulated-platform/connected.ts'

type Connected = Awaited<ReturnType<typeof connected>>
const MINUTE = 60_000
const BLOCK = '/cgi-bin/tags/members/batchblacklist'
const Rows = z.array(z.object({ open_id: z.string(), state: z.string() }))
const GET = '/cgi-bin/tags/members/getblacklist'

const list = (users: readonly string[]): TestConfig => ({
  features: [{ use: 'blacklist', customers: { [SHOP]: users } }],
})

/** An account on which these have written. */
async function start(...openIds: readonly string[]): Promise<Connected> {
  const shop = await connected({ blacklist: true }, { config: list([]) })
  for (const openId of openIds) await shop.wechat.customer(openId).says('hello')
  await shop.bot.idle()
  return shop
}

const blocked = ({ wechat }: Connected) =>
  [...wechat.account.people.values()].flatMap(({ isBlocked, openId }) => (isBlocked ? [openId] : [])).sort()
const noted = async ({ bot }: Connected) =>
  Object.fromEntries(Rows.parse(await bot.rows(SHOP, 'blocked')).map(({ open_id, state }) => [open_id, state]))

/** After each of the minutes that it takes. */
async function inMinutes<T>(shop: Connected, value: () => T | Promise<T>) {
  return expect.poll(
    async () => {
      await shop.bot.clock.advance(MINUTE)
      return value()
    },
    { timeout: 10_000 },
  )
}

test('one customer whom WeChat knows no more keeps nobody else from being blocked', async () => {
  await using shop = await start('o1', 'o2')
  shop.wechat.account.people.delete('o1')
  await shop.apply({ blacklist: true }, list(['o1', 'o2']))
  await (await inMinutes(shop, () => noted(shop))).toEqual({ o1: 'not-ours', o2: 'ours' })
  expect(blocked(shop)).toEqual(['o2'])
})

test('one customer whom WeChat knows no more keeps nobody else from being heard again', async () => {
  await using shop = await start('o1', 'o2')
  await shop.apply({ blacklist: true }, list(['o1', 'o2']))
  await (await inMinutes(shop, () => noted(shop))).toEqual({ o1: 'ours', o2: 'ours' })
  shop.wechat.account.people.delete('o1')
  await shop.apply({ blacklist: true }, list([]))
  await (await inMinutes(shop, () => noted(shop))).toEqual({})
  expect(blocked(shop)).toEqual([])
})

test('whom the account itself has blocked before stays blocked when ours lists them no more', async () => {
  await using shop = await start('o9')
  shop.wechat.account.person('o9').isBlocked = true
  await shop.apply({ blacklist: true }, list(['o9']))
  await (await inMinutes(shop, () => noted(shop))).toEqual({ o9: 'not-ours' })
  await shop.apply({ blacklist: true }, list([]))
  await (await inMinutes(shop, () => noted(shop))).toEqual({})
  expect(blocked(shop)).toEqual(['o9'])
})

test('whom WeChat has blocked for us, before we could note it, counts as ours', async () => {
  await using shop = await start('o1')
  shop.wechat.answers(BLOCK, 'hangs')
  await shop.apply({ blacklist: true }, list(['o1']))
  await (await inMinutes(shop, () => noted(shop))).toEqual({ o1: 'begun' })
  shop.wechat.account.person('o1').isBlocked = true
  await shop.apply({ blacklist: true }, list([]))
  await (await inMinutes(shop, () => noted(shop))).toEqual({})
  expect(blocked(shop)).toEqual([])
})

test('whoever was put there is taken off when that is switched off', async () => {
  await using shop = await start('o1')
  await shop.apply({ blacklist: true }, list(['o1']))
  await (await inMinutes(shop, () => noted(shop))).toEqual({ o1: 'ours' })
  await shop.apply({ blacklist: false }, list(['o1']))
  await (await inMinutes(shop, () => noted(shop))).toEqual({})
  expect(blocked(shop)).toEqual([])
})

test('whoever is erased here is taken off, and then nothing is kept of them', async () => {
  await using shop = await start('o1')
  await shop.apply({ blacklist: true }, list(['o1']))
  await (await inMinutes(shop, () => noted(shop))).toEqual({ o1: 'ours' })
  await shop.wechat.customer('oSystem').tells({
    ...{ MsgType: 'event', Event: 'user_authorization_cancellation' },
    ...{ OpenID: 'o1', AppID: shop.wechat.keys.appId },
  })
  await (await inMinutes(shop, () => noted(shop))).toEqual({})
  expect(blocked(shop)).toEqual([])
})

test('that the account may not is said once', async () => {
  await using shop = await connected({ blacklist: true }, { config: list(['o1']), platform: { isVerified: false } })
  await shop.wechat.customer('o1').says('hello')
  const asked = () => shop.wechat.calls.filter(({ path }) => path === GET).length
  await (await inMinutes(shop, asked)).toBe(3)
  expect(shop.bot.logged.filter((line) => line.includes('blacklist could not be brought up'))).toHaveLength(1)
})
