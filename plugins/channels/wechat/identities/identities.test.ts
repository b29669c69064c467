import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Identity, z } from '#core'
import type { TestConfig } from '#core/testing'
import { connected, SHOP } from '../simulated-platform/connected.ts'
import { check } from './check.ts'
import { planOf, type Wanted, wantedOf } from './identities.ts'
import { prefixOf, wechatIdProblem } from './names.ts'

const PICTURES = join(import.meta.dirname, '../../../features/agent-identity/__fixtures__')
const MINUTE = 60_000
/** To the moment, and not beyond: what is asked then has a limit of a few seconds by the same clock. */
const TRIED_AGAIN_MS = 30_000
const ID = 'simulated-shop'

type Connected = Awaited<ReturnType<typeof connected>>
type Fields = { readonly [key: string]: unknown }

/** The bot is seen as `sales`, and nobody as `spare`. */
function seenAs(identity: Fields = { name: { 'zh-CN': '售前客服', en: 'Sales' } }, more: Fields = {}): TestConfig {
  const identities = { sales: identity, spare: { name: 'Spare' } }
  return { features: [{ use: 'agent-identity', identities, bots: { parrot: 'sales' }, ...more }] }
}

/** Two bots, each under an identity of its own; the name of the first is one that WeChat does not take. */
function two(first: string, second: string): TestConfig {
  const identities = { [first]: { name: '👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦' }, [second]: { name: 'Second' } }
  return {
    bots: { parrot: { use: 'echo' }, other: { use: 'echo' } },
    features: [{ use: 'agent-identity', identities, bots: { parrot: first, other: second } }],
  }
}

const start = (settings: Fields = {}, config = seenAs(), platform: Fields = {}) =>
  connected({ wechatId: ID, ...settings }, { config, platform })

const asked = ({ wechat }: Connected, path: string) => wechat.calls.filter((call) => call.path.endsWith(path))
const accounts = ({ wechat }: Connected) => Object.fromEntries([...wechat.account.identities])
const Line = z.object({ level: z.string(), msg: z.string() })
const said = ({ bot }: Connected, what: RegExp) =>
  bot.logged.map((line) => Line.parse(JSON.parse(line)).msg).filter((text) => what.test(text))

/** Sends to somebody who has just written, under the identity `sales`; gives the body of the call. */
async function send(shop: Connected, identity: Identity | undefined = { id: 'sales', name: 'Sales' }) {
  shop.wechat.account.person('o1')
  const send = shop.bot.runtime.instance(SHOP)?.channel?.send
  const part = { type: 'text', text: 'hello' } as const
  await send?.({ id: '1', chat: 'o1', part, by: 'person', identity }, { signal: AbortSignal.timeout(20_000) }).catch(
    () => undefined,
  )
  return z.object({ customservice: z.unknown() }).partial().parse(asked(shop, '/custom/send').at(-1)?.body)
}

describe('identities that are seen on the channel', () => {
  test.each([
    ['auto', [`sales@${ID}`]],
    ['passive', []],
  ] as const)('are not made where all is said inside responses, which show no face (replyBy: %s)', (replyBy, made) => {
    const declared = [{ id: 'sales', name: 'Sales', isSeen: true }]
    const wanted = wantedOf({ replyBy, wechatId: ID, identities: {} }, declared)
    expect(wanted.map(({ account }) => account)).toEqual(made)
  })

  test('C-ID-02: are customer-service accounts, made with their names; nobody is seen as the others, and these are not', async () => {
    await using shop = await start()
    await expect
      .poll(() => accounts(shop))
      .toMatchObject({ [`sales@${ID}`]: { nickname: '售前客服', avatar: undefined } })
    expect(Object.keys(accounts(shop))).toEqual([`sales@${ID}`])
  })

  test('C-ID-02: have the picture of the YAML, as a JPEG', async () => {
    await using shop = await start({}, seenAs({ name: 'Sales', avatar: join(PICTURES, 'wide.png') }))
    await expect.poll(() => accounts(shop)[`sales@${ID}`]?.avatar, { timeout: 10_000 }).toBeInstanceOf(Uint8Array)
  })

  test('C-ID-02: have what the channel itself says of them', async () => {
    const sales = { kfAccount: 'shop_1', nickname: '小艾', avatar: join(PICTURES, 'wide.jpg') }
    await using shop = await start({ identities: { sales } })
    await expect.poll(() => accounts(shop)[`shop_1@${ID}`]?.avatar).toBeInstanceOf(Uint8Array)
    expect(accounts(shop)[`shop_1@${ID}`]).toMatchObject({ nickname: '小艾' })
  })

  test('C-ID-10: are renamed after a reload and given another picture; what is so already is not done again', async () => {
    await using shop = await start({}, seenAs({ name: 'Sales', avatar: join(PICTURES, 'wide.png') }))
    await expect.poll(() => asked(shop, '/uploadheadimg').length, { timeout: 10_000 }).toBe(1)
    await expect
      .poll(() => shop.bot.rows(SHOP, 'identity'))
      .toMatchObject([{ avatar: expect.stringContaining('.png') }])
    await shop.bot.restart()
    await expect.poll(() => asked(shop, '/getkflist').length).toBe(2)
    await shop.apply({ wechatId: ID }, seenAs({ name: 'Presale', avatar: join(PICTURES, 'wide.jpg') }))
    await expect.poll(() => asked(shop, '/uploadheadimg').length, { timeout: 10_000 }).toBe(2)
    expect(accounts(shop)).toMatchObject({ [`sales@${ID}`]: { nickname: 'Presale' } })
    expect([asked(shop, '/kfaccount/add').length, asked(shop, '/kfaccount/update').length]).toEqual([1, 1])
    expect(asked(shop, '/kfaccount/del')).toEqual([])
  })

  test('C-ID-09: are made though WeChat does not take one before them, which is named once', async () => {
    await using shop = await start({}, two('first', 'second'))
    // The name is short as people count; the platform may count otherwise.
    await expect.poll(() => Object.keys(accounts(shop))).toEqual([`second@${ID}`])
    await expect.poll(() => said(shop, /could not be brought.*first: .*65403/)).toHaveLength(1)
    await shop.bot.clock.advance(TRIED_AGAIN_MS)
    await expect.poll(() => asked(shop, '/getkflist')).toHaveLength(2)
    expect(said(shop, /could not be brought/)).toHaveLength(1)
  })

  test('that somebody makes meanwhile (65406) are there', async () => {
    await using shop = await start({}, seenAs(), { hasCustomerService: false })
    await expect.poll(() => said(shop, /could not be brought/)).toHaveLength(1)
    shop.wechat.account.hasCustomerService = true
    shop.wechat.answers('/customservice/kfaccount/add', 65406)
    await shop.bot.clock.advance(TRIED_AGAIN_MS)
    await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toMatchObject([{ account: `sales@${ID}` }])
    expect(said(shop, /could not be brought/)).toHaveLength(1)
  })
})

test('C-ID-08: a changed WeChat ID is told at the reload, and that it can be changed only once a year; once', async () => {
  await using shop = await start()
  await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toHaveLength(1)
  expect(said(shop, /only once a year/)).toEqual([])
  shop.wechat.account.wechatId = 'new-shop'
  await shop.apply({ wechatId: 'new-shop' })
  expect(said(shop, /only once a year/)).toEqual([expect.stringContaining(`as sales@${ID} is`)])
  await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toHaveLength(2)
  await shop.bot.restart()
  expect(said(shop, /only once a year/)).toHaveLength(1)
})

describe('a message', () => {
  test('C-ID-10: goes without its identity until that is shown everywhere, and then with it; also after a restart', async () => {
    await using shop = await start({ propagation: '5m' })
    await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toHaveLength(1)
    expect(await send(shop)).not.toHaveProperty('customservice')
    await shop.bot.clock.advance(5 * MINUTE)
    expect(await send(shop)).toMatchObject({ customservice: { kf_account: `sales@${ID}` } })
    await shop.bot.restart()
    expect(await send(shop)).toMatchObject({ customservice: { kf_account: `sales@${ID}` } })
    expect(asked(shop, '/kfaccount/add')).toHaveLength(1)
  })

  test('C-ID-05: of whoever has no identity goes under the account’s own logo', async () => {
    await using shop = await start({ propagation: '1s' })
    await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toHaveLength(1)
    await shop.bot.clock.advance(MINUTE)
    expect(await send(shop, { id: 'spare', name: 'Spare' })).not.toHaveProperty('customservice')
    expect(await send(shop)).toHaveProperty('customservice')
  })

  test('C-ID-06: goes without it when the platform does not know it any more, and that is said once', async () => {
    await using shop = await start({ propagation: '1s' })
    await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toHaveLength(1)
    await shop.bot.clock.advance(MINUTE)
    shop.wechat.account.identities.clear()
    expect(await send(shop)).not.toHaveProperty('customservice')
    expect(await send(shop)).not.toHaveProperty('customservice')
    expect(asked(shop, '/custom/send')).toHaveLength(3)
    expect(said(shop, /does not take the customer-service account/)).toHaveLength(1)
  })

  test('C-ID-06: goes with its identity again when that was looked for, and made, as the log says', async () => {
    await using shop = await start({ propagation: '1s' })
    await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toHaveLength(1)
    await shop.bot.clock.advance(MINUTE)
    shop.wechat.account.identities.clear()
    expect(await send(shop)).not.toHaveProperty('customservice')
    expect(said(shop, /looked for again every 10 minutes/)).toHaveLength(1)
    await shop.bot.clock.advance(10 * MINUTE)
    await expect.poll(() => Object.keys(accounts(shop))).toEqual([`sales@${ID}`])
    await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toMatchObject([{ made_at: shop.bot.clock.now() }])
    await shop.bot.clock.advance(MINUTE)
    expect(await send(shop)).toMatchObject({ customservice: { kf_account: `sales@${ID}` } })
    expect(asked(shop, '/getkflist')).toHaveLength(2)
  })

  test('C-ID-06: is tried with a refused identity every ten minutes at most, and that is said once', async () => {
    await using shop = await start({ propagation: '1s' })
    await expect.poll(() => shop.bot.rows(SHOP, 'identity')).toHaveLength(1)
    await shop.bot.clock.advance(MINUTE)
    for (let round = 1; round <= 3; round++) {
      await expect.poll(() => send(shop)).toHaveProperty('customservice')
      shop.wechat.answers('/cgi-bin/message/custom/send', 65402)
      for (const text of ['1', '2', '3']) expect(await send(shop), text).not.toHaveProperty('customservice')
      expect(asked(shop, '/custom/send').filter(({ errcode }) => errcode === 65402)).toHaveLength(round)
      await shop.bot.clock.advance(10 * MINUTE)
      await expect.poll(() => asked(shop, '/getkflist')).toHaveLength(1 + round)
    }
    expect(said(shop, /does not take the customer-service account/)).toHaveLength(1)
  })

  test('C-ID-06: goes without it where customer service is switched off, with one warning that says the step', async () => {
    await using shop = await start({}, seenAs(), { hasCustomerService: false })
    await expect.poll(() => said(shop, /65400/)).toHaveLength(1)
    expect(said(shop, /65400/)[0]).toMatch(/Switch it on in the console/)
    for (const text of ['1', '2', '3']) expect(await send(shop), text).not.toHaveProperty('customservice')
    expect(said(shop, /65400/)).toHaveLength(1)
    // Switched on, it comes by itself.
    shop.wechat.account.hasCustomerService = true
    await shop.bot.clock.advance(TRIED_AGAIN_MS)
    await expect.poll(() => Object.keys(accounts(shop))).toEqual([`sales@${ID}`])
    expect(said(shop, /65400/)).toHaveLength(1)
  })
})

describe('check', () => {
  const problems = async (settings: Fields, config = seenAs()) => {
    try {
      await using _ = await connected(settings, { config })
      return ''
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  test.each([
    ['missing', undefined],
    ['the one that the platform made up', 'gh_2f0a9c41b7de'],
  ])(
    'C-ID-07: a WeChat ID that is %s is refused where identities are assigned, with what to do',
    async (_what, wechatId) => {
      const told = await problems({ wechatId })
      expect(told).toContain('bots.parrot')
      expect(told).toContain('Set a WeChat ID')
      expect(told).toContain('only once a year')
      expect(await problems({ wechatId }, {})).toBe('')
    },
  )

  test.each(['my shop', 'shop@home', '我的店铺'])(
    'C-ID-07: a WeChat ID that can be none (%s) is refused where identities are assigned',
    async (wechatId) => {
      expect(await problems({ wechatId })).toContain(`${wechatId} is no WeChat ID`)
    },
  )

  test('two identities that would be one customer-service account are refused at the start', async () => {
    expect(await problems({ wechatId: ID }, two('Sales', 'sales'))).toContain('Sales and sales would both be sales,')
    const identities = { other: { kfAccount: 'sales' } }
    expect(await problems({ wechatId: ID, identities }, two('other', 'sales'))).toContain('other and sales would both')
    expect(await problems({ wechatId: ID, identities }, two('other', 'presale'))).toBe('')
  })

  test('what is written of an identity that nobody has declared is refused at the start', async () => {
    const identities = { slaes: { nickname: '小艾' } }
    expect(await problems({ wechatId: ID, identities })).toContain('no identity "slaes"')
    expect(await problems({ wechatId: ID, identities }, {})).toContain('no identity "slaes"')
  })

  test('C-ID-04: the hundred-and-first identity is refused, with the account and the count; a hundred are taken', async () => {
    const many = (count: number) => {
      const ids = Array.from({ length: count }, (_, n) => `i${n}`)
      const bots = Object.fromEntries(ids.map((id) => [id, { use: 'echo' }]))
      const identities = Object.fromEntries(ids.map((id) => [id, { name: id }]))
      const assign = Object.fromEntries(ids.map((id) => [id, id]))
      return { bots, features: [{ use: 'agent-identity', identities, bots: assign }] }
    }
    expect(await problems({ wechatId: ID }, many(101))).toContain(
      '101 identities are assigned on shop, and its account takes 100',
    )
    expect(await problems({ wechatId: ID, identityLimit: 2 }, many(3))).toContain('takes 2')
    expect(await problems({ wechatId: ID, identityLimit: 3 }, many(3))).toBe('')
  })

  test('C-ID-09: a name has at most 16 characters as people count them', async () => {
    expect(await problems({ wechatId: ID }, seenAs({ name: '汉'.repeat(17) }))).toContain('has 17 characters')
    const own = (nickname: string) => check({ wechatId: ID, identities: { sales: { nickname } } })
    expect(own('👨‍👩‍👧‍👦'.repeat(16))).toEqual([])
    expect(own('é'.repeat(17))).toMatchObject([{ path: ['identities', 'sales', 'nickname'] }])
  })

  test('pictures that are no JPEG are refused', () => {
    const avatar = (bytes: Uint8Array) => ({ path: 'a.jpg', bytes, text: '' })
    const told = check({
      wechatId: ID,
      identities: {
        other: { avatar: avatar(new Uint8Array([0x89, 0x50])) },
        large: {
          avatar: avatar(new Uint8Array(5 * 1024 * 1024 + 1).fill(0xff, 0, 1).fill(0xd8, 1, 2).fill(0xff, 2, 3)),
        },
      },
    })
    expect(told.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([
      'identities.other.avatar: the file is no JPEG picture.',
      'identities.large.avatar: the picture has more than 5 MB.',
    ])
  })
})

test('a customer-service account is called as the identity is, or after it, within ten characters', () => {
  expect(prefixOf('sales')).toBe('sales')
  const made = ['sales-beijing', 'sales-shanghai', '售前', '售后', 'a'.repeat(40)].map(prefixOf)
  for (const one of made) expect(one).toMatch(/^[A-Za-z0-9_]{1,10}$/)
  expect(new Set(made).size).toBe(made.length)
  expect(made).toEqual(['sales-beijing', 'sales-shanghai', '售前', '售后', 'a'.repeat(40)].map(prefixOf))
  expect(wechatIdProblem('x'.repeat(31))).toMatchObject({ message: expect.stringContaining('31 characters') })
  expect(wechatIdProblem(ID)).toBeUndefined()
})

test('the plan says what is done, and never that something is deleted', () => {
  const wanted = (id: string, avatar = ''): Wanted => ({ id, account: `${id}@x`, nickname: id, avatar })
  const there = ['old', 'same', 'gone'].map((id) => ({
    kf_account: `${id}@x`,
    kf_nick: id === 'old' ? 'Old' : id,
    kf_headimgurl: '',
  }))
  const known = [{ account: 'same@x', avatar: 'picture' }]
  expect(planOf([wanted('new', 'p'), wanted('old'), wanted('same', 'picture')], there, known)).toMatchObject([
    { create: true, renameFrom: undefined, setAvatar: true },
    { create: false, renameFrom: 'Old', setAvatar: false },
    { create: false, renameFrom: undefined, setAvatar: false },
  ])
})
