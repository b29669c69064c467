/** The page of the audit log: what was done in words, filtered, and as a file. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditLine } from '../../plugins/desks/desk/api/shapes.ts'
import { words } from '../../plugins/desks/desk/workbench/pages/audit/words.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { workbenchOf } from './desk-site.ts'
import { type DeskWire, ME, startDeskWire } from './desk-wire.ts'
import { looksRight, WIDE } from './looks-right.ts'
import { SOON } from './widget.ts'

const lab = useChromium()
const NOW = Date.now()
const desk = { kind: 'desk', name: 'support' } as const
const bo = { kind: 'agent', name: 'bo', title: 'Bo van Dyke' } as const

const LINES: readonly Omit<AuditLine, 'id' | 'atMs'>[] = [
  {
    by: bo,
    who: 'bo',
    action: 'desk.take',
    about: { conversation: 'c1' },
    before: { state: 'queued', team: 'presale', lease: 2 },
    after: { state: 'assigned', team: 'presale', lease: 3, person: 'bo' },
  },
  { by: desk, who: 'amy', action: 'desk.assign', about: { conversation: 'c1' }, after: { person: 'cai' } },
  { by: bo, who: 'bo', action: 'people.status', before: { status: 'online' }, after: { status: 'meeting' } },
  { by: bo, who: 'bo', action: 'customers.tags', about: { customer: 'u1' }, before: ['VIP', 'new'], after: ['VIP'] },
  {
    by: bo,
    who: 'bo',
    action: 'customers.change',
    about: { customer: 'u1' },
    before: { phone: '138 0000 0000', size: null },
    after: { phone: null, size: '39' },
  },
  { by: { kind: 'feature', name: 'blacklist' }, action: 'blacklist.expire', before: { reason: 'spam', by: 'bo' } },
  { by: { kind: 'core' }, action: 'something.new', after: { answer: 42 } },
]
const lines = LINES.map(
  (line, index): AuditLine => ({
    id: `a${index}`,
    atMs: NOW - index * 61_000,
    ...(line.who !== undefined && { from: '203.0.113.7' }),
    ...line,
  }),
)

let wire: DeskWire
let asked: URLSearchParams[] = []
beforeAll(async () => {
  wire = await startDeskWire([])
  wire.answers['GET /me'] = () => ({ ...ME, role: 'supervisor' })
  wire.answers['GET /audit'] = (_, query) => {
    asked.push(query)
    const isSecond = query.has('cursor')
    const found = lines.filter(({ action }) => action.startsWith(query.get('action') ?? ''))
    return { lines: isSecond ? found.slice(3) : found.slice(0, 3), ...(!isSecond && found.length > 3 && { next: '3' }) }
  }
})
afterAll(() => wire[Symbol.asyncDispose]())

test.each([
  ['en', 'dark'],
  ['zh-CN', 'light'],
] as const)(
  'what was done stands there in words, before and after, and is found by time, person and deed: %s (C-GR-11)',
  async (locale, colorScheme) => {
    asked = []
    const said = words[locale]
    const page = await lab.page({ locale, colorScheme, viewport: WIDE })
    const { words: shared, dialog } = workbenchOf(page, locale)
    await page.goto(`${wire.address}#page=audit`)
    await page.getByRole('button', { name: said.more }).click()
    const row = (action: keyof typeof said.actions) => page.getByRole('row', { name: said.actions[action] })
    await row('customers.change').waitFor()
    const textOf = (action: keyof typeof said.actions) => row(action).locator('.audit-changes').textContent()
    const plain = async (action: keyof typeof said.actions) => (await textOf(action))?.replace(/\s+/g, ' ') ?? ''
    expect(await plain('desk.take')).toBe(
      `${said.fields.state}${shared.states.queued} ${shared.states.assigned}${said.fields.lease}2 3${said.fields.person}${said.nothing} Bo van Dyke`,
    )
    expect(await plain('people.status')).toContain(locale === 'en' ? 'Online In a meeting' : '在线 会议中')
    expect(await plain('customers.tags')).toBe('VIP, new VIP')
    expect(await plain('customers.change')).toContain(`${shared.customer.fields.phone}138 0000 0000 ${said.nothing}`)
    expect(await plain('customers.change')).toContain(locale === 'en' ? 'Shoe size' : '鞋码')
    expect(await row('desk.assign').textContent()).toContain(said.forTheDesk)
    await page.getByRole('cell', { name: 'something.new' }).waitFor()
    await looksRight(page, `audit-${locale}`)

    await page.getByRole('combobox', { name: said.what, exact: true }).selectOption('customers.')
    await expect.poll(() => page.getByRole('row').count(), SOON).toBe(3)
    await page.getByRole('combobox', { name: said.who, exact: true }).selectOption('bo')
    await page.getByRole('combobox', { name: said.when, exact: true }).selectOption('other')
    await dialog.getByRole('button', { name: shared.range.show }).click()
    await expect.poll(() => asked.at(-1)?.get('from'), SOON).not.toBeNull()
    const last = Object.fromEntries(asked.at(-1) ?? [])
    expect(last).toMatchObject({ action: 'customers.', who: 'bo' })
    // The desk is in Shanghai: a day there, wherever the screen is.
    expect((Number(last.from) + 8 * 3_600_000) % 86_400_000).toBe(0)
    expect(Number(last.until) - Number(last.from)).toBe(86_400_000)
    // Other days than the ones that are chosen already; meanwhile it says what is listed.
    const when = page.getByRole('combobox', { name: said.when, exact: true })
    const before = new URL(page.url()).hash
    await when.selectOption('other')
    await dialog.getByRole('table').waitFor()
    expect(await when.inputValue()).toBe('today')
    await page.keyboard.press('Escape')
    await page.goto(page.url().replace(/from=[\d-]+/, 'from=2026-10-01'))
    await when.selectOption('other')
    await dialog.getByRole('table').waitFor()
    expect(await when.inputValue()).toBe('days')
    await page.keyboard.press('Escape')
    await page.goBack()
    expect(new URL(page.url()).hash).toBe(before)
    const file = await page.getByRole('link', { name: said.file }).getAttribute('href')
    expect(new URLSearchParams(file?.split('?')[1]).toString()).toContain(`language=${locale}&from=${last.from}`)
    await page.getByRole('button', { name: said.toCustomer }).first().click()
    expect(new URL(page.url()).hash).toBe('#page=customers&customer=u1')
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: said.title }).waitFor()
    expectNothingWrong(lab, page)
  },
)
