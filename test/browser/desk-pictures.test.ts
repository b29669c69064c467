/** How the workbench looks, in both languages, light and dark, wide and narrow: for people to see, and nothing cut off. */
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { By, Delivery, Entry, Row } from '../../plugins/desks/desk/api/shapes.ts'
import { useChromium } from './chromium.ts'
import { workbenchOf } from './desk-site.ts'
import { type DeskWire, rowOf, startDeskWire } from './desk-wire.ts'
import { picture } from './looks-right.ts'

const lab = useChromium()
/** The one that the README shows. Made anew by UPDATE_SCREENSHOTS=1. */
const README = resolve(import.meta.dirname, '../../docs/desk.png')
const README_MAX_BYTES = 160_000
const MINUTE = 60_000
const NOW = Date.now()

const amy: By = {
  kind: 'agent',
  name: 'amy',
  title: 'Amy Chen',
  seenAs: { name: { en: 'Sales', 'zh-CN': '售前客服' } },
}
const bo: By = { kind: 'agent', name: 'bo', title: 'Bo van Dyke' }
const bot: By = { kind: 'bot', name: 'helper' }
const customer: By = { kind: 'customer' }

const PEOPLE: readonly (readonly [name: string, text: string])[] = [
  ['Emma Stone', 'One more thing: can I keep the broken one?'],
  ['李明', '你好，我的快递到哪里了？'],
  ['Jonas Weber', 'Do you have the blue cups in stock?'],
  ['王小丽', '可以退换吗'],
  ['Sofia Rossi', 'Could you check order 20251122-118 for me please? It says delivered.'],
  ['María López', 'Gracias, hasta mañana'],
  ['Tom Baker', 'hello?'],
]

const rows = (): readonly Row[] => [
  ...PEOPLE.map(([name, text], index) =>
    rowOf(index, {
      customer: { id: `u${index}`, name },
      state: 'assigned',
      person: 'amy',
      last: { by: index === 5 ? amy : customer, text, part: 'text', atMs: NOW - index * MINUTE },
      unread: [1, 2, 0, 0, 1, 0, 0][index] ?? 0,
      lookers: index === 0 ? ['bo'] : [],
      failed: index === 0 ? 1 : 0,
    }),
  ).map(({ waitingSinceMs, ...row }, index) =>
    index === 5 || waitingSinceMs === undefined ? row : { ...row, waitingSinceMs: NOW - (index + 0.5) * 50_000 },
  ),
  ...Array.from({ length: 9 }, (_, index) => rowOf(20 + index)),
  ...Array.from({ length: 12 }, (_, index) => rowOf(40 + index, { state: 'bot', bot: 'helper' })),
]

type Without<E> = E extends unknown ? Omit<E, 'id' | 'seq' | 'atMs'> : never
function entry(minutes: number, what: Without<Entry>): Without<Entry> & { readonly atMs: number } {
  return { conversation: 'c0', ...what, atMs: NOW - minutes * MINUTE }
}
const text = (words: string) => [{ type: 'text' as const, text: words }]
const sent = (state: Delivery['state'] = 'sent'): Delivery[] => [{ id: 'd', state, canSendAgain: state === 'dead' }]
const CUP = { type: 'image' as const, url: 'cup.png', name: 'cup.png' }
const ENTRIES = [
  entry(14, {
    kind: 'message',
    by: customer,
    parts: text('Hello, my order came today and one of the cups is broken.'),
  }),
  entry(13.5, {
    kind: 'reply',
    by: bot,
    parts: [
      {
        type: 'choices',
        prompt: 'I am sorry to hear that. What would you like?',
        choices: ['A new cup', 'My money back', 'A person, please'].map((label) => ({ id: label, label })),
      },
    ],
    deliveries: sent(),
  }),
  entry(13, { kind: 'message', by: customer, parts: text('A person, please'), choice: 'A person, please' }),
  entry(12, { kind: 'life', by: bot, code: 'conversation.queued', because: 'the customer chose a person' }),
  entry(11, { kind: 'life', by: amy, code: 'conversation.assigned', person: 'amy' }),
  entry(10, { kind: 'message', by: customer, parts: [CUP] }),
  entry(9, { kind: 'reply', by: amy, parts: text('Hello Emma, I am sorry about that!'), deliveries: sent() }),
  entry(8.9, {
    kind: 'reply',
    by: amy,
    parts: text('I send you a new one today. Is it this one? https://shop.example/cups/blue'),
    deliveries: sent(),
  }),
  entry(8, { kind: 'note', by: bo, text: 'She had the same in May: free shipping, please.' }),
  entry(6, { kind: 'message', by: customer, parts: text('Yes, that one! 谢谢'), changed: 'edited' }),
  entry(5, { kind: 'reply', by: amy, parts: text('Done: it is on its way.'), deliveries: sent('dead') }),
  entry(2, { kind: 'message', by: customer, parts: text('One more thing: can I keep the broken one?') }),
].map((one, index) => ({ ...one, id: `e${index}`, seq: index + 1 }))

let wire: DeskWire
beforeAll(async () => {
  wire = await startDeskWire(rows(), () => ENTRIES)
  const stretch = { origin: 'customer', channel: 'site', chat: 'chat0' } as const
  wire.answers['GET /customers/:customer'] = () => ({
    id: 'u0',
    name: 'Emma Stone',
    language: 'en-GB',
    tags: ['VIP', 'wholesale'],
    fields: { email: 'emma@mail.example', company: 'Cups & Co' },
    firstAtMs: NOW - 40 * 24 * 60 * MINUTE,
    lastAtMs: NOW - 2 * MINUTE,
    chats: [{ chat: 'chat0', channel: 'site', externalId: 'u7f3a9b2c1' }],
    conversations: [
      { ...stretch, id: 'c0', state: 'assigned', openedAtMs: NOW - 14 * MINUTE, person: 'amy' },
      {
        ...stretch,
        id: 'c99',
        state: 'closed',
        openedAtMs: NOW - 3_000 * MINUTE,
        closedAtMs: NOW - 2_990 * MINUTE,
        closeReason: 'solved',
        bot: 'helper',
      },
    ],
    blacklist: [],
  })
})
afterAll(() => wire[Symbol.asyncDispose]())

/** A page with Emma's conversation open, and with the picture that she sends. */
async function openDesk(options: Parameters<typeof lab.page>[0]): Promise<Page> {
  const page = await lab.page(options)
  await page.route('**/cup.png', (route) =>
    route.fulfill({ contentType: 'image/svg+xml', body: CUP_PICTURE, headers: { 'content-security-policy': '' } }),
  )
  await page.goto(wire.address)
  await page.locator('.row', { hasText: 'Emma Stone' }).getByRole('button').first().click()
  await page.getByText('Done: it is on its way.').waitFor()
  return page
}

const CUP_PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" width="220" height="150">
  <rect width="220" height="150" fill="#d9e4ee"/><rect y="112" width="220" height="38" fill="#b9a58c"/>
  <path d="M70 42h66l-6 66q-2 8-10 8H86q-8 0-10-8z" fill="#2f5bd7"/><path d="M136 56q26-2 24 20t-28 20" fill="none" stroke="#2f5bd7" stroke-width="9"/>
  <path d="M104 42l6 18-9 12 8 14" fill="none" stroke="#d9e4ee" stroke-width="5"/><path d="M150 118l22-8 4 10z" fill="#2f5bd7"/></svg>`

test.each(['en', 'zh-CN'] as const)('nothing is cut off, light or dark: %s', async (locale) => {
  const page = await openDesk({ locale, viewport: { width: 600, height: 860 } })
  const { words } = workbenchOf(page, locale)
  const transfer = page.getByRole('button', { name: words.pane.transfer })
  const shoot = async (state: string) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await misfits(page), `${state}, ${colorScheme}`).toEqual([])
      await picture(page, `desk-${locale}-${colorScheme}-${state}`)
    }
  }
  for (const width of [320, 600, 900, 1400]) {
    await page.setViewportSize({ width, height: 860 })
    // There is room for the customer now.
    if (width === 1400) await page.getByRole('button', { name: words.pane.profile, exact: true }).click()
    await shoot(`${width}`)
    await transfer.click()
    await page.getByRole('dialog').getByText(words.transfer.teams, { exact: true }).waitFor()
    await shoot(`${width}-transfer`)
    await page.keyboard.press('Escape')
  }
})

const misfits = (page: Page) => page.evaluate<readonly string[]>('lab.misfits()')

test('the picture of the README is there, and small', async () => {
  if (process.env.UPDATE_SCREENSHOTS === '1') {
    const page = await openDesk({ viewport: { width: 1280, height: 800 } })
    await page.getByText('emma@mail.example').waitFor()
    mkdirSync(resolve(README, '..'), { recursive: true })
    await page.screenshot({ path: README, animations: 'disabled' })
  }
  expect(readFileSync(README).subarray(1, 4).toString()).toBe('PNG')
  expect(statSync(README).size).toBeLessThanOrEqual(README_MAX_BYTES)
})
