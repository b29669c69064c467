/** Whoever cannot see the workbench, or not well, can work with it: axe finds nothing in any state, in both themes. */
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { By, Delivery, Entry } from '../../plugins/desks/desk/api/shapes.ts'
import { words as statistics } from '../../plugins/desks/desk/workbench/pages/statistics/words.ts'
import { faultsInBoth } from './axe.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { statisticsOf } from './desk-figures.ts'
import { workbenchOf } from './desk-site.ts'
import { type DeskWire, ME, rowOf, startDeskWire } from './desk-wire.ts'

const lab = useChromium()
const NOW = Date.now()
const MINUTE = 60_000
const amy: By = {
  kind: 'agent',
  name: 'amy',
  title: 'Amy Chen',
  seenAs: { name: { en: 'Sales', 'zh-CN': '售前客服' } },
}
const bot: By = { kind: 'bot', name: 'helper' }
const customer: By = { kind: 'customer' }

type Without<E> = E extends unknown ? Omit<E, 'id' | 'seq' | 'atMs'> : never
const entry = (what: Without<Entry>, seq: number): Entry => ({
  conversation: 'c1',
  ...what,
  id: `e${seq}`,
  seq,
  atMs: NOW - (20 - seq) * MINUTE,
})
const delivery = (state: Delivery['state']): Delivery => ({ id: state, state, canSendAgain: state === 'dead' })
const text = (words: string) => [{ type: 'text' as const, text: words }]

/** A conversation with everything that a conversation can have. */
const entries = [
  { kind: 'message' as const, by: customer, parts: text('Could you help me? See https://shop.example/cups.') },
  {
    kind: 'reply' as const,
    by: bot,
    parts: [{ type: 'choices' as const, prompt: 'With what?', choices: [{ id: 'a', label: 'Cups' }] }],
    deliveries: [delivery('sent')],
  },
  { kind: 'message' as const, by: customer, parts: text('Cups'), choice: 'a' },
  { kind: 'life' as const, by: bot, code: 'conversation.queued' as const, because: 'the customer asked' },
  { kind: 'life' as const, by: amy, code: 'conversation.assigned' as const, person: 'amy' },
  { kind: 'reply' as const, by: amy, parts: text('Hello!'), deliveries: [delivery('sent')] },
  { kind: 'reply' as const, by: amy, parts: text('Not there.'), deliveries: [delivery('dead')] },
  { kind: 'reply' as const, by: amy, parts: text('On its way.'), deliveries: [delivery('pending')] },
  { kind: 'note' as const, by: amy, text: 'a good customer' },
  { kind: 'message' as const, by: customer, parts: [], changed: 'recalled' as const },
  { kind: 'deed' as const, by: customer, code: 'menu-click' as const, params: { key: 'HELP' } },
  {
    kind: 'message' as const,
    by: customer,
    parts: [
      { type: 'file' as const, url: 'https://shop.example/a.pdf', name: 'a.pdf', sizeBytes: 84_000 },
      { type: 'link' as const, url: 'https://shop.example/', title: 'Shop', description: 'Cups and plates' },
      { type: 'location' as const, latitude: 1, longitude: 2, label: 'Shop' },
    ],
  },
].map((one, index) => entry(one, index + 1))

let wire: DeskWire
beforeAll(async () => {
  const rows = Array.from({ length: 20 }, (_, index) => rowOf(index))
  const mine = rowOf(1, { state: 'assigned', person: 'amy', failed: 1, isBlocked: true, lookers: ['bo'], unread: 3 })
  wire = await startDeskWire(
    rows.map((row) => (row.id === 'c1' ? mine : row)),
    () => entries,
  )
  const stretch = { origin: 'customer', channel: 'site', chat: 'chat1', openedAtMs: NOW } as const
  wire.answers['GET /customers/:customer'] = () => ({
    id: 'u1',
    name: 'Customer 1',
    tags: ['VIP'],
    fields: { email: 'a@shop.example' },
    firstAtMs: NOW,
    lastAtMs: NOW,
    chats: [{ chat: 'chat1', channel: 'site', externalId: 'u1' }],
    conversations: [
      { ...stretch, id: 'c1', state: 'assigned', person: 'amy' },
      { ...stretch, id: 'c0', state: 'closed', closedAtMs: NOW, closeReason: 'solved', bot: 'helper' },
    ],
    blacklist: [{ reason: 'spam', by: 'amy', atMs: NOW }],
  })
  wire.answers['GET /statistics'] = (_, query) => statisticsOf(query)
  wire.answers['GET /conversations/:conversation/why'] = () => ({
    changes: [
      {
        type: 'queued',
        atMs: NOW,
        by: bot,
        because: 'unknown',
        lease: 1,
        team: 'presale',
        steps: [{ stage: 'where', by: 'support', did: 'presale', line: 'abc:3', ms: 2 }],
      },
    ],
  })
})
afterAll(() => wire[Symbol.asyncDispose]())

test('axe finds nothing in any state, light or dark', async () => {
  const page = await lab.page({ viewport: { width: 1400, height: 860 } })
  const amys = workbenchOf(page)
  const { words } = amys
  const expectAccessible = async (state: string) => expect(await faultsInBoth(page), state).toEqual([])

  await page.goto(wire.address)
  await page.getByText(words.pane.none).waitFor()
  await expectAccessible('nothing open')
  await amys.list('queue')
  await expect.poll(() => amys.rows.count()).toBeGreaterThan(5)
  await expectAccessible('the queue')
  await amys.list('mine')
  await page.getByRole('button', { name: 'Customer 1' }).first().click()
  await page.getByText('a@shop.example').waitFor()
  await page.getByText(words.composer.suggests).waitFor()
  await expectAccessible('a conversation with everything')
  await amys.reply.pressSequentially('/h')
  await page.locator('.canned').getByRole('option').first().waitFor()
  await expectAccessible('canned replies for an answer')
  await amys.reply.fill('')
  await page.getByRole('tab', { name: words.composer.note }).click()
  await expectAccessible('a note')
  for (const [name, inside] of [
    [words.pane.transfer, words.transfer.submit],
    [words.pane.giveBack, words.giveBack.submit],
    [words.pane.close, words.closing.submit],
    [words.pane.why, words.why.queued('presale')],
  ] as const) {
    const opener = amys.button(name)
    await opener.click()
    await amys.dialog.getByText(inside, { exact: true }).last().waitFor()
    if (name === words.pane.why) await amys.dialog.locator('summary').click()
    await expectAccessible(name)
    await page.keyboard.press('Escape')
    await expect
      .poll(() => opener.evaluate((it) => it === it.ownerDocument.activeElement), { message: name })
      .toBe(true)
  }
  await amys.button(words.rail.shortcuts).click()
  await expectAccessible('the help')
  await page.keyboard.press('Escape')
  await page.locator('.opener').click()
  await expectAccessible('the menu')
  await page.keyboard.press('Escape')
  await page.evaluate("location.hash = '#page=statistics'")
  await page.getByRole('row', { name: 'Bo van Dyke' }).waitFor()
  await expectAccessible('statistics')
  await amys.button(statistics.en.tableOf(statistics.en.byDay)).click()
  await expectAccessible('statistics, a chart as a table')
  await amys.button(statistics.en.chartOf(statistics.en.byDay)).click()
  await page.locator('.card .tool').first().click()
  await expectAccessible('statistics, what a number means')
  await page.keyboard.press('Escape')
  wire.tell({ type: 'people', people: [], teams: [] })
  wire.tell({ type: 'signed-out' })
  await amys.dialog.getByText(words.signIn.againText).waitFor()
  await expectAccessible('the session has ended')
  expectNothingWrong(lab, page)
})

test('axe finds nothing among the canned replies, light or dark', async () => {
  const page = await lab.page({ viewport: { width: 1400, height: 860 } })
  await page.goto(`${wire.address}#page=replies`)
  await page.getByText('/hello').first().waitFor()
  expect(await faultsInBoth(page), 'the list').toEqual([])
  await page.getByRole('button', { name: 'Edit /谢谢' }).click()
  expect(await faultsInBoth(page), 'one of them').toEqual([])
  await page.keyboard.press('Escape')
  await page.getByRole('searchbox').fill('none of this')
  await page.getByRole('status').getByText('No reply matches.').waitFor()
  expect(await faultsInBoth(page), 'none found').toEqual([])
  expectNothingWrong(lab, page)
})

test('axe finds nothing on the way in, light or dark', async () => {
  const page = await lab.page()
  const { words } = workbenchOf(page)
  const me = wire.answers['GET /me']
  delete wire.answers['GET /me']
  wire.answers['POST /links/look'] = () => ({ person: ME.name, title: ME.title })
  await page.goto(`${wire.address}#link=x`)
  await page.getByText(words.link.text).waitFor()
  expect(await faultsInBoth(page), 'a link').toEqual([])
  await page.goto('about:blank')
  await page.goto(wire.address)
  await page.getByRole('button', { name: words.signIn.submit }).click()
  await page.getByText(words.signIn.missing).waitFor()
  expect(await faultsInBoth(page), 'sign in').toEqual([])
  // Whoever comes in is told of those who have tried to.
  wire.answers['POST /sign-in'] = () => ({ ...ME, failedSignIns: 3 })
  await page.getByLabel(words.signIn.who).fill('amy')
  await page.getByLabel(words.signIn.password).fill('a cup of tea')
  await page.getByRole('button', { name: words.signIn.submit }).click()
  await page.getByText(words.signIn.failedBefore(3)).waitFor()
  expect(await faultsInBoth(page), 'told of failures').toEqual([])
  if (me) wire.answers['GET /me'] = me
})

test('in forced colours one sees which conversation is open and which list it is', async () => {
  const page = await lab.page({ viewport: { width: 1400, height: 860 }, forcedColors: 'active' })
  const { words, list, rows } = workbenchOf(page)
  await page.goto(wire.address)
  await list('all')
  await page.getByRole('button', { name: 'Customer 1' }).first().click()
  await page.getByText(words.composer.suggests).waitFor()
  expect(await rows.count()).toBeGreaterThan(5)
  /** What is drawn there: computed styles do not say what these colours make of them. */
  const drawn = async (of: Locator, part: { readonly from: 'left' | 'bottom' }) => {
    const { x, y, width, height } = (await of.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    const clip =
      part.from === 'left'
        ? { x, y: y + height / 2, width: 3, height: 4 }
        : { x: x + width / 2, y: y + height - 2, width: 4, height: 2 }
    return (await page.screenshot({ clip })).toString('base64')
  }
  await page.mouse.move(700, 400)
  const row = (which: string) => drawn(page.locator(`.row${which}`).first(), { from: 'left' })
  expect(await row('[aria-current]')).not.toBe(await row(':not([aria-current])'))
  const tab = (which: string) => drawn(page.locator(`.tabs button${which}`).first(), { from: 'bottom' })
  expect(await tab('[aria-current]')).not.toBe(await tab(':not([aria-current])'))
})
