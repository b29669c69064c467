import { expect, test } from 'vitest'
import type { Command } from '#core'
import { type Connected, start } from '../receiving/connected.ts'

const leaves = ({ platform }: Connected, openId: string) =>
  platform.customer('oSystem').tells({
    ...{ MsgType: 'event', Event: 'user_authorization_cancellation' },
    ...{ OpenID: openId, AppID: platform.keys.appId },
  })
const findChat = ({ bot, platform }: Connected, openId: string) =>
  bot.runtime.engine.findChat(`wechat:${platform.keys.appId}`, openId)

test('one who cannot be erased yet keeps nobody else from being erased', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  await using shop = await start({ held: promise })
  await shop.platform.customer('o2').says('hello')
  await shop.bot.idle()
  const slow = shop.platform.customer('o1').says('slow')
  await expect.poll(() => findChat(shop, 'o1')).toBeDefined()
  const first = leaves(shop, 'o1')
  await expect.poll(() => shop.bot.logged.filter((line) => line.includes('could not be erased here'))).toHaveLength(1)
  const second = leaves(shop, 'o2')
  await expect.poll(() => findChat(shop, 'o2')).toBeUndefined()
  await expect.poll(() => shop.bot.rows('shop', 'leaving')).toEqual([{ open_id: 'o1' }])
  resolve()
  await Promise.allSettled([slow, first, second])
})

test('what an agent has said on an account that may only answer, and waits for their next message, holds nothing up', async () => {
  await using shop = await start({
    settings: { replyBy: 'passive' },
    config: {
      desks: { support: { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { presale: { members: ['amy'] } } } },
      routes: [{ from: ['memory', 'shop'], mode: 'agent-only', desk: 'support' }],
    },
  })
  const { engine } = shop.bot.runtime
  const first = shop.platform.customer('o1').says('hello')
  await expect.poll(() => findChat(shop, 'o1')).toBeDefined()
  await shop.clock.advance(6_000)
  await first
  await shop.bot.idle()
  const chat = await shop.chat('o1')
  const run = (command: Command) => shop.bot.runtime.command(command)
  const by = { kind: 'agent', desk: 'support', person: 'amy' } as const
  await run({ id: 'c1', type: 'take', chat, by })
  await run({ id: 'c2', type: 'send', chat, by, content: 'Hello, I am Amy.' })
  await run({ id: 'c3', type: 'close', chat, by, because: 'They have left.' })
  await shop.bot.idle()
  const open = engine.read.selectFrom('delivery').select('state').where('chat', '=', chat).where('state', '<>', 'sent')
  expect(await open.execute()).toEqual([{ state: 'pending' }])
  const row = engine.read.selectFrom('chat').select('customer').where('id', '=', chat)
  const { customer } = await row.executeTakeFirstOrThrow()
  const erased = await engine.eraseCustomer(customer, { nowMs: shop.clock.now(), instances: [] })
  expect(erased.state).toBe('erased')
  expect(await findChat(shop, 'o1')).toBeUndefined()
})
