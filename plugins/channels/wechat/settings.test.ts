import { expect, test } from 'vitest'
import { testRuntime } from '#core/testing'
import wechat from './index.ts'
import { modeOf } from './settings.ts'

const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
const REQUIRED = { use: wechat, appId: 'wx0123456789abcdef', appSecret: 'secret', token: 'token' }

/** What the operator is told of these settings. */
async function told(settings: { readonly [setting: string]: unknown }): Promise<string> {
  const config = { channels: { shop: { ...REQUIRED, ...settings } }, bots: { parrot: { use: 'echo' } } }
  const started = testRuntime(config).then((runtime) => runtime[Symbol.asyncDispose]())
  return started.then(
    () => 'nothing',
    (error: unknown) => (error instanceof Error ? error.message.replace(/\s+/g, ' ') : ''),
  )
}

test('C-WX-14: a customer cannot be bound to a user of your own, and the operator is told why', async () => {
  expect(await told({ identify: { secret: 'secret' } })).toMatch(
    /channels\.shop\.identify .*WeChat tells nobody which of your own users a customer is/,
  )
})

test.each([
  ['encodingAesKey', { encodingAesKey: KEY.slice(1) }, 'An EncodingAESKey has 43 letters and digits.'],
  ['mode', { mode: 'secure' }, 'there is no encodingAesKey to read them'],
  ['mode', { mode: 'compatible' }, 'Add encodingAesKey, or take mode away.'],
  ['freshness', { freshness: '9m' }, 'Write 10m or more'],
  ['originalId', { originalId: 'my-shop' }, 'begins with gh_'],
  ['identityLimit', { identityLimit: 101 }, '100'],
])('%s: %o is refused', async (setting, settings, words) => {
  const message = await told(settings)
  expect(message).toContain(`channels.shop.${setting} `)
  expect(message).toContain(words)
})

test('of a menu all is told at once, each at its place: what is too many, and what another type of button has', async () => {
  const click = (name: string) => ({ type: 'click', name, key: name })
  const view = { type: 'view', name: 'B', url: 'https://shop.example/', key: 'B' }
  const message = await told({ menu: [click('营业时间和地址'), view, click('C'), click('D')] })
  expect(message).toMatch(/channels\.shop\.menu\[0\]\.name .* has 21 bytes/)
  expect(message).toMatch(/channels\.shop\.menu\[1\]\.key .*"menu\[1\]" of wechat takes: type, name, url\./)
  expect(message).toMatch(/channels\.shop\.menu\[3\] .*A menu has at most 3 buttons/)
})

test('a route that waits for a click that no button of the menu sends is a note of check, with what may be meant', async () => {
  const click = (key: string) => ({ type: 'click', name: key, key })
  const menu = [click('HUMAN'), { type: 'submenu', name: 'More', buttons: [click('HOURS')] }]
  async function notes(settings: object, keys: readonly string[]) {
    await using bot = await testRuntime({
      channels: { shop: { ...REQUIRED, ...settings } },
      bots: { parrot: { use: 'echo' } },
      desks: { support: { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { presale: { members: ['amy'] } } } },
      routes: [
        { from: 'memory', mode: 'bot-only', bot: 'parrot' },
        { from: 'shop', mode: 'bot-first', bot: 'parrot', desk: 'support', handOff: { menu: keys } },
      ],
    })
    return bot.runtime.config.notes.map(({ path, what, instead }) => `${path}: ${what} ${instead}`)
  }
  expect(await notes({ menu }, ['HUMNA', 'HUMAN', 'HOURS'])).toEqual([
    'routes[1].handOff.menu[0]: The menu of shop has no key "HUMNA", so nobody can click it. Is it HUMAN?',
  ])
  // Of a menu that somebody else makes nothing is known.
  expect(await notes({}, ['HUMNA'])).toEqual([])
})

test('with a key only encrypted messages are taken, unless another mode is written', () => {
  expect(modeOf({ mode: undefined, encodingAesKey: undefined })).toBe('plain')
  expect(modeOf({ mode: undefined, encodingAesKey: KEY })).toBe('secure')
  expect(modeOf({ mode: 'compatible', encodingAesKey: KEY })).toBe('compatible')
})
