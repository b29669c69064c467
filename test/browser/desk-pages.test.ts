/** The pages of the workbench: how one comes to them, what they say when they are shown, and the way back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { words as audit } from '../../plugins/desks/desk/workbench/pages/audit/words.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { workbenchOf } from './desk-site.ts'
import { type DeskWire, ME, rowOf, startDeskWire } from './desk-wire.ts'

const lab = useChromium()
let wire: DeskWire
beforeAll(async () => {
  wire = await startDeskWire([rowOf(1, { state: 'assigned', person: 'amy' }), rowOf(2)])
  wire.answers['GET /audit'] = () => ({ lines: [] })
})
afterAll(() => wire[Symbol.asyncDispose]())

const asAdministrator = () => {
  wire.answers['GET /me'] = () => ({ ...ME, role: 'administrator' })
}

test('pages are come to by mouse, key and address, say where one is, and lead back to what was open', async () => {
  asAdministrator()
  const page = await lab.page({ viewport: { width: 1280, height: 800 } })
  const { words } = workbenchOf(page)
  await page.goto(wire.address)
  await page.locator('.row', { hasText: 'Customer 1' }).getByRole('button').first().click()
  const conversation = page.getByRole('heading', { name: 'Customer 1' })
  await conversation.waitFor()
  const rail = page.getByRole('navigation', { name: words.rail.label })
  const audit = rail.getByRole('button', { name: 'Audit log' })
  await audit.click()
  const heading = page.getByRole('heading', { level: 1, name: 'Audit log' })
  await expect.poll(() => heading.evaluate((element) => element.matches(':focus'))).toBe(true)
  await expect.poll(() => page.title()).toMatch(/^\(1\) Audit log · /)
  expect(new URL(page.url()).hash).toBe('#page=audit')
  expect(await audit.getAttribute('aria-current')).toBe('page')
  expect(await conversation.count()).toBe(0)

  await page.goBack()
  await conversation.waitFor()
  await expect.poll(() => page.title()).not.toContain('Audit')
  await page.goForward()
  await heading.waitFor()
  await page.keyboard.press('1')
  await conversation.waitFor()
  expect(new URL(page.url()).hash).toBe('#conversation=c1')
  await page.keyboard.press((await audit.getAttribute('aria-keyshortcuts')) ?? '')
  await heading.waitFor()
  await page.reload()
  await heading.waitFor()
  await page.evaluate("location.hash = '#page=nowhere'")
  await page.getByRole('heading', { name: words.page.notThere }).waitFor()
  await page.getByRole('button', { name: words.page.toConversations }).click()
  await page.getByText(words.pane.none).waitFor()
  expectNothingWrong(lab, page)
})

test('where all is narrow every page can be come to, and who may not have one is not shown it', async () => {
  asAdministrator()
  const page = await lab.page({ viewport: { width: 320, height: 640 } })
  const { words } = workbenchOf(page)
  await page.goto(wire.address)
  const rail = page.getByRole('navigation', { name: words.rail.label })
  await rail.getByRole('button', { name: 'Audit log' }).click()
  await page.getByRole('heading', { level: 1, name: 'Audit log' }).waitFor()
  expect(await page.evaluate<readonly string[]>('lab.misfits()')).toEqual([])
  await rail.getByRole('button', { name: words.rail.conversations }).click()
  await page.locator('.row').first().waitFor()
  wire.answers['GET /me'] = () => ME
  await page.reload()
  await page.locator('.row').first().waitFor()
  expect(await rail.getByRole('button', { name: 'Audit log' }).count()).toBe(0)
  // Nor by its address; where the settings let them open one, they have it.
  const asked: string[] = []
  page.on('request', (request) => void asked.push(new URL(request.url()).pathname))
  for (const name of ['audit', 'people', 'customers']) {
    await page.evaluate(`location.hash = '#page=${name}'`)
    await page.getByRole('heading', { name: words.page.notThere }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: words.page.notThere }).waitFor()
    await page.evaluate("location.hash = ''")
    await page.locator('.row').first().waitFor()
  }
  expect(asked.filter((path) => /\/(audit|people|customers)$/.test(path))).toEqual([])
  await page.evaluate("location.hash = '#page=account'")
  await page.getByRole('heading', { level: 1, name: 'My account' }).waitFor()
})

test('a page whose files cannot be had says so, and is loaded when they can', async () => {
  asAdministrator()
  const page = await lab.page()
  const { words } = workbenchOf(page)
  let isCut = true
  await page.route(/\/audit-[^/]+\.js$/, (route) => (isCut ? route.abort() : route.continue()))
  await page.goto(`${wire.address}#page=audit`)
  await page.getByText(words.page.failed).waitFor()
  isCut = false
  await page.getByRole('button', { name: words.page.again }).click()
  await page.getByText(audit.en.none).waitFor()
})
