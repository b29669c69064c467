/** The list while things happen: nothing moves under a hand, and what is looked for is found. */
import { expect, test } from 'vitest'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { workbenchOf } from './desk-site.ts'
import { rowOf, startDeskWire } from './desk-wire.ts'
import { SOON } from './widget.ts'

const lab = useChromium()

test('the row under the pointer does not move: what is new is counted, and comes when it is wanted', async () => {
  await using wire = await startDeskWire([rowOf(3), rowOf(2), rowOf(1)])
  const page = await lab.page()
  const amy = workbenchOf(page)
  const names = () => page.locator('.row-name').allTextContents()
  await page.goto(wire.address)
  await amy.list('all')
  const before = ['Customer 3', 'Customer 2', 'Customer 1']
  await expect.poll(names, SOON).toEqual(before)
  await amy.rows.nth(1).hover()
  wire.tell({ type: 'rows', rows: [rowOf(0)], gone: ['c3'] })
  await amy.button(amy.words.lists.fresh(1)).waitFor()
  expect(await names()).toEqual(before)
  expect(await amy.rows.first().textContent()).toContain(amy.words.row.gone)
  await amy.button(amy.words.lists.fresh(1)).click()
  await page.mouse.move(600, 600)
  await expect.poll(names, SOON).toEqual(['Customer 0', 'Customer 1', 'Customer 2'])
  expectNothingWrong(lab, page)
})

test('a search leaves those of the name, and a list without any says what to do', async () => {
  await using wire = await startDeskWire([rowOf(1), rowOf(2, { customer: { id: 'u2', name: '王小丽' } })])
  const page = await lab.page()
  const amy = workbenchOf(page)
  await page.goto(wire.address)
  await amy.page.getByText(amy.words.lists.emptyHint.mineWaiting(2)).waitFor()
  await amy.button(amy.words.lists.toQueue).click()
  await page.keyboard.press('/')
  await page.keyboard.type('小丽')
  await expect.poll(() => page.locator('.row-name').allTextContents(), SOON).toEqual(['王小丽'])
  await page.keyboard.type('x')
  await amy.button(amy.words.lists.clearFilters).click()
  await expect.poll(() => amy.rows.count(), SOON).toBe(2)
})

test('what the line tells is newer than an answer that is still on its way', async () => {
  await using wire = await startDeskWire([])
  const page = await lab.page()
  const amy = workbenchOf(page)
  const urgent = page.locator('.count.urgent')
  await page.route('**/api/counts', async (route) => {
    const response = await route.fetch()
    wire.tell({ type: 'counts', counts: { mine: 0, queue: 3, bot: 0, all: 3 } })
    await urgent.waitFor()
    await route.fulfill({ response })
  })
  const answered = page.waitForResponse('**/api/counts')
  await page.goto(wire.address)
  await (await answered).finished()
  await amy.page.getByText(amy.words.lists.empty.mine).waitFor()
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))')
  expect(await urgent.textContent()).toBe('3')
})
