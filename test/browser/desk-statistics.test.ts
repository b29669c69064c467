/** The page of statistics: what is asked for, what each number means, and how it looks. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MEASURES } from '../../plugins/desks/desk/statistics/measures.ts'
import { words as both } from '../../plugins/desks/desk/workbench/pages/statistics/words.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { statisticsOf } from './desk-figures.ts'
import { workbenchOf } from './desk-site.ts'
import { type DeskWire, ME, rowOf, startDeskWire } from './desk-wire.ts'
import { picture } from './looks-right.ts'

const lab = useChromium()
const said = both.en

let wire: DeskWire
/** Each question since the last look, without what it is told apart by. */
let asked: URLSearchParams[] = []
beforeAll(async () => {
  wire = await startDeskWire([rowOf(0), rowOf(1)])
  wire.answers['GET /me'] = () => ({ ...ME, role: 'supervisor' })
  wire.answers['GET /statistics'] = (_, query) => {
    asked.push(query)
    return statisticsOf(query)
  }
})
afterAll(() => wire[Symbol.asyncDispose]())

const lastAsked = () => Object.fromEntries(asked.findLast((query) => !query.has('by')) ?? [])

test('C-ST-01, C-GR-10: a supervisor looks for what a team did in these days, and what the numbers mean', async () => {
  const page = await lab.page({ viewport: { width: 1400, height: 900 } })
  const { words, button, dialog } = workbenchOf(page)
  await page.goto(wire.address)
  await page.getByRole('navigation', { name: words.rail.label }).getByRole('button', { name: said.title }).click()
  const opened = page.locator('.card', { hasText: MEASURES.opened.name.en }).first()
  expect(await opened.textContent()).toMatch(/1,284\+25% before: 1,027/)
  await page.getByText('Nov 1 – 30, 2026, compared with Oct 2 – 31, 2026 · Asia/Shanghai').waitFor()

  // What a number means is told beside it.
  await button(said.means(MEASURES.containment.name.en)).click()
  await dialog.getByText(MEASURES.containment.definition.en).waitFor()
  await dialog.getByText(MEASURES.containment.exclusions.en).waitFor()
  await page.keyboard.press('Escape')

  // Each chart is a picture with a name, and a table, too.
  const chart = page.getByRole('img', { name: said.byDay })
  await chart.waitFor()
  await button(said.tableOf(said.byDay)).click()
  await page
    .getByRole('row', { name: /Nov 1\b|1 Nov/ })
    .first()
    .waitFor()
  expect(await chart.count()).toBe(0)
  await button(said.chartOf(said.byDay)).click()
  await chart.waitFor()

  // What is asked for stands in the address.
  await page.getByRole('combobox', { name: said.team }).selectOption('presale')
  await page.getByText(said.periods['30-days'], { exact: true }).click()
  await expect.poll(lastAsked).toEqual({ period: '30-days', team: 'presale' })
  expect(new URL(page.url()).hash).toBe('#page=statistics&team=presale&period=30-days')
  await button(said.otherDays).click()
  await dialog.getByRole('button', { name: /November 4, 2026/ }).click()
  await dialog.getByRole('button', { name: /November 9, 2026/ }).click()
  await dialog.getByRole('button', { name: words.range.show }).click()
  await expect.poll(lastAsked).toEqual({ from: '2026-11-04', until: '2026-11-09', team: 'presale' })
  asked = []
  await page.reload()
  await expect.poll(lastAsked).toEqual({ from: '2026-11-04', until: '2026-11-09', team: 'presale' })
  const csv = await page.getByRole('link', { name: said.csvOf(said.reasons) }).getAttribute('href')
  expect(csv).toBe('api/statistics/csv?from=2026-11-04&until=2026-11-09&team=presale&by=reason&language=en')

  // In detail, by whatever it can be told apart by.
  await page.getByText(said.by.status, { exact: true }).click()
  await page.getByRole('row', { name: /In a meeting/ }).waitFor()

  // The list behind a number.
  await button(said.showOpen).click()
  await expect.poll(() => page.locator('.row').count()).toBe(2)
  expectNothingWrong(lab, page)
})

test('when it cannot be counted it says so, and counts when it can; an agent is told that it is their own', async () => {
  const page = await lab.page()
  const { button } = workbenchOf(page)
  const answer = wire.answers['GET /statistics']
  delete wire.answers['GET /statistics']
  wire.answers['GET /me'] = () => ME
  await page.goto(`${wire.address}#page=statistics`)
  await page.getByText(said.failed).first().waitFor()
  wire.answers['GET /statistics'] = (_, query) => statisticsOf(query, true)
  await button(said.again).click()
  await page.getByText(said.own).waitFor()
  expect(await page.getByRole('combobox', { name: said.person }).count()).toBe(0)
  if (answer) wire.answers['GET /statistics'] = answer
  wire.answers['GET /me'] = () => ({ ...ME, role: 'supervisor' })
})

test('with today in it, it is counted anew while it is looked at, and says as of when; of other days it is not', async () => {
  const page = await lab.page()
  await page.clock.install({ time: new Date('2026-11-30T04:00:00Z') })
  wire.answers['GET /statistics'] = (_, query) => {
    asked.push(query)
    return statisticsOf(query)
  }
  await page.goto(`${wire.address}#page=statistics&period=30-days`)
  const asOf = page.getByText(said.asOf(''))
  await asOf.waitFor()
  const first = await asOf.textContent()
  asked = []
  await page.clock.runFor('03:00')
  await expect.poll(() => asked.filter((query) => !query.has('by')).length).toBeGreaterThan(1)
  await expect.poll(() => asOf.textContent()).not.toBe(first)
  // What cannot be counted now stays as it was counted last.
  const answer = wire.answers['GET /statistics']
  delete wire.answers['GET /statistics']
  await page.clock.runFor('02:00')
  await page.getByRole('img', { name: said.byDay }).waitFor()
  wire.answers['GET /statistics'] = answer
  // On the next day these days are over.
  const last = await asOf.textContent()
  await page.clock.setSystemTime(new Date('2026-12-02T09:30:00Z'))
  await page.clock.runFor('02:00')
  await expect.poll(() => asOf.textContent()).not.toBe(last)
  asked = []
  await page.clock.runFor('05:00')
  expect(asked.filter((query) => !query.has('by'))).toEqual([])
})

test.each([
  { locale: 'en', theme: 'light' },
  { locale: 'zh-CN', theme: 'dark' },
] as const)('nothing is cut off: $locale, $theme', async ({ locale, theme }) => {
  const page = await lab.page({ locale, colorScheme: theme, viewport: { width: 1400, height: 900 } })
  await page.goto(`${wire.address}#page=statistics`)
  for (const width of [1400, 900, 320]) {
    await page.setViewportSize({ width, height: 900 })
    await page.getByRole('img', { name: both[locale].byDay }).waitFor()
    await page.getByRole('row', { name: 'Bo van Dyke' }).waitFor()
    const inside = await page.locator('.statistics').boundingBox()
    // All of it, from above to below.
    await page.setViewportSize({ width, height: Math.ceil((inside?.height ?? 0) + 260) })
    await picture(page, `desk-statistics-${locale}-${theme}-${width}`)
    expect(await page.evaluate<readonly string[]>('lab.misfits()'), `${width}`).toEqual([])
  }
})
