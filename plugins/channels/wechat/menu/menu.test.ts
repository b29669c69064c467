import { describe, expect, test } from 'vitest'
import { z } from '#core'
import { connected } from '../simulated-platform/connected.ts'
import { differenceOf, toWire } from './menu.ts'
import { menu as schema } from './settings.ts'

const MENU = [
  { type: 'click', name: '人工客服', key: 'HUMAN' },
  {
    type: 'submenu',
    name: '更多',
    buttons: [
      { type: 'view', name: '商城', url: 'https://shop.example/' },
      { type: 'click', name: '营业时间', key: 'HOURS' },
    ],
  },
]
const BUTTONS = [
  { type: 'click', name: '人工客服', key: 'HUMAN' },
  {
    name: '更多',
    sub_button: [
      { type: 'view', name: '商城', url: 'https://shop.example/' },
      { type: 'click', name: '营业时间', key: 'HOURS' },
    ],
  },
]
const FOREIGN = [{ type: 'click', name: '他们', key: 'THEIRS' }]

type Connected = Awaited<ReturnType<typeof connected>>

const created = ({ wechat }: Connected) =>
  wechat.calls.filter(({ path, errcode }) => path === '/cgi-bin/menu/create' && errcode === 0).map(({ body }) => body)
const asked = ({ wechat }: Connected) => wechat.calls.filter(({ path }) => path === '/cgi-bin/menu/get').length
const Line = z.object({ msg: z.string() })
const said = ({ bot }: Connected) =>
  bot.logged.map((line) => Line.parse(JSON.parse(line)).msg).filter((text) => text.toLowerCase().includes('menu'))

describe('the menu of the YAML', () => {
  test('is written at the start, and again only when it is another one', async () => {
    await using shop = await connected({ menu: MENU })
    await expect.poll(() => created(shop)).toEqual([{ button: BUTTONS }])
    await expect
      .poll(() => said(shop))
      .toEqual(['The menu is as the YAML says now. Customers see it within five minutes.'])
    await shop.bot.restart()
    await expect.poll(() => asked(shop)).toBe(2)
    await shop.apply({ menu: MENU.slice(0, 1) })
    await expect.poll(() => created(shop)).toEqual([{ button: BUTTONS }, { button: BUTTONS.slice(0, 1) }])
    // Ours: nobody else has changed it.
    expect(said(shop).filter((text) => text.startsWith('Somebody else'))).toEqual([])
  })

  test('C-WX-10: takes the place of a foreign one, and says so; the last to write it wins', async () => {
    await using shop = await connected({ menu: MENU })
    await expect.poll(() => created(shop)).toHaveLength(1)
    await shop.bot.idle()
    shop.wechat.account.menu = FOREIGN
    await shop.bot.restart()
    await expect.poll(() => created(shop)).toHaveLength(2)
    await expect.poll(() => said(shop)).toContainEqual(expect.stringMatching(/^Somebody else has made the menu/))
  })

  test('takes the place of one that was made in the console, and says what was there', async () => {
    await using shop = await connected({ menu: MENU }, { platform: { isVerified: false } })
    await expect.poll(() => said(shop)).toHaveLength(1)
    shop.wechat.account.isVerified = true
    const button = [
      { type: 'text', name: '关于我们', value: '我们是一家小店' },
      { name: '更多', sub_button: { list: [{ type: 'view', name: '商城', url: 'https://old.example/' }] } },
    ]
    const body = JSON.stringify({ is_menu_open: 1, selfmenu_info: { button } })
    shop.wechat.answers('/cgi-bin/get_current_selfmenu_info', { status: 200, body })
    await shop.bot.clock.advance(30_000)
    await expect.poll(() => created(shop)).toHaveLength(1)
    expect(said(shop)).toContainEqual(expect.stringMatching(/^Somebody else has made the menu/))
    expect(shop.bot.logged.join()).toContain('关于我们: text 我们是一家小店')
    expect(shop.bot.logged.join()).toContain('更多 > 商城: view https://old.example/')
  })

  test('left out, the account’s own is left alone', async () => {
    await using shop = await connected()
    await shop.bot.idle()
    expect(shop.wechat.calls.filter(({ path }) => path.startsWith('/cgi-bin/menu/'))).toEqual([])
  })

  test('that cannot be written is said once and tried again, and holds up nothing', async () => {
    await using shop = await connected({ menu: MENU }, { platform: { isVerified: false } })
    await expect.poll(() => said(shop)).toEqual([expect.stringContaining('The menu could not be brought up to date')])
    shop.wechat.account.isVerified = true
    // To the moment: what is asked then has a limit of a few seconds by the same clock.
    await shop.bot.clock.advance(30_000)
    await expect.poll(() => created(shop)).toHaveLength(1)
    expect(said(shop).filter((text) => text.includes('could not'))).toHaveLength(1)
  })
})

describe('what differs', () => {
  const wire = toWire(schema.parse(MENU))

  test('is told button by button', () => {
    const other = toWire(schema.parse([{ type: 'view', name: '人工客服', url: 'https://a.example/' }, MENU[1]]))
    expect(differenceOf(wire, other)).toEqual({
      added: ['人工客服: view https://a.example/'],
      removed: ['人工客服: click HUMAN'],
      isOtherOrder: false,
    })
    expect(differenceOf(wire, wire.toReversed())).toEqual({ added: [], removed: [], isOtherOrder: true })
    expect(differenceOf(undefined, wire)).toMatchObject({ added: { length: 3 }, removed: [] })
  })

  test('is in which of two submenus of one name a button is', () => {
    const [a, b] = ['a', 'b'].map((name) => ({ type: 'click', name, key: name }))
    const one = toWire(schema.parse([{ type: 'submenu', name: '更多', buttons: [a, b] }]))
    const two = toWire(schema.parse([a, b].map((button) => ({ type: 'submenu', name: '更多', buttons: [button] }))))
    expect(differenceOf(one, two)).toMatchObject({ added: ['更多 (2) > b: click b'], removed: ['更多 > b: click b'] })
  })

  test('is not what the platform adds to each button', () => {
    expect(
      differenceOf(
        wire.map((one) => ({ sub_button: [], ...one })),
        wire,
      ),
    ).toBeUndefined()
  })
})

describe('a menu that WeChat would not take is refused with its place', () => {
  const click = { type: 'click', name: '人工', key: 'K' }
  const submenu = (buttons: readonly object[]) => ({ type: 'submenu', name: '更多', buttons })
  test.each([
    ['four buttons', [click, click, click, click], '3'],
    ['six below one', [submenu(Array(6).fill(click))], '0.buttons.5'],
    ['anything, beside four buttons', [{ ...click, name: '' }, click, click, click], '0.name'],
    ['none below one', [submenu([])], '0.buttons'],
    ['a submenu below one', [submenu([submenu([click])])], '0.buttons.0.type'],
    ['a name of 18 bytes', [{ ...click, name: '人工客服热线' }], '0.name'],
    ['a name of 63 bytes below one', [submenu([{ ...click, name: '人'.repeat(21) }])], '0.buttons.0.name'],
    ['a key of 129 bytes', [{ ...click, key: 'x'.repeat(129) }], '0.key'],
    ['no key', [{ type: 'click', name: '人工' }], '0.key'],
    ['an address that is none', [{ type: 'view', name: '商城', url: 'shop.example' }], '0.url'],
    ['a type that nobody knows', [{ ...click, type: 'dance' }], '0.type'],
  ])('%s', (_what, menu, path) => {
    const parsed = schema.safeParse(menu)
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(path)
  })

  test('what just fits is taken', () => {
    const fits = [
      submenu([{ ...click, name: '人'.repeat(20), key: 'x'.repeat(128) }]),
      { ...click, name: 'x'.repeat(16) },
    ]
    expect(schema.safeParse(fits).success).toBe(true)
  })
})
