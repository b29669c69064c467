/** What somebody writes is his: it is not lost on the way to another page, and nobody who comes after him sees it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { type Site, startSite, tokenOf } from './site.ts'
import { SOON, type Widget, widgetOf } from './widget.ts'

const lab = useChromium()
let site: Site
beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site[Symbol.asyncDispose]())

test('what is being written goes, when another tab forgets', async () => {
  const context = await lab.visitor()
  const one = widgetOf(await context.newPage())
  const other = widgetOf(await context.newPage())
  await one.open(site.shop)
  await one.says('hello')
  await one.sees('echo: hello')
  await one.composer.fill('my secret address')
  await other.page.goto(site.shop)
  await other.page.evaluate('switchboard("forget")')
  await expect.poll(() => one.composer.inputValue(), SOON).toBe('')
  await expect.poll(() => one.rows(), SOON).not.toContain('hello')
})

/** What the browser keeps of what is being written. */
const draftOf = ({ page }: Widget) => page.evaluate(`localStorage.getItem('switchboard ${site.base} draft')`)

test('what is being written is there again on the next page, until it is sent', async () => {
  const widget = widgetOf(await lab.page())
  await widget.open(site.shop)
  await expect.poll(() => widget.page.evaluate('Object.keys(localStorage).join()'), SOON).toContain('token')
  const lines = 'Do you have\nblue cups,\nor green ones?'
  const furnished = widget.panel.locator('.cut')
  await furnished.waitFor({ state: 'attached' })
  await widget.composer.fill(lines)
  const box = await widget.composer.boundingBox()
  await widget.open(`${site.shop}?another`)
  await expect.poll(() => widget.composer.inputValue(), SOON).toBe(lines)
  expect(await widget.composer.boundingBox()).toEqual(box)
  await widget.composer.press('Enter')
  await widget.sees(/echo: Do you have/)
  expect(await draftOf(widget)).toBeNull()
  await widget.page.reload()
  await widget.launcher.click()
  await furnished.waitFor({ state: 'attached' })
  expect(await widget.composer.inputValue()).toBe('')
})

test('what one has written the next one does not see, however the one has gone', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  const furnished = widget.panel.locator('.cut')
  const write = async () => {
    await widget.open(site.shop)
    await furnished.waitFor({ state: 'attached' })
    await expect.poll(() => page.evaluate('Object.keys(localStorage).join()'), SOON).toContain('token')
    await widget.composer.fill('my secret address')
    await expect.poll(() => draftOf(widget), SOON).toContain('my secret address')
  }
  const expectNothing = async () => {
    await widget.open(site.shop)
    await furnished.waitFor({ state: 'attached' })
    expect(await widget.composer.inputValue()).toBe('')
    expect(await draftOf(widget)).toBeNull()
  }
  // Signed out while it was written, and on a page where the chat is closed, which is left at once.
  await write()
  await page.evaluate('switchboard("forget")')
  expect(await draftOf(widget)).toBeNull()
  await expectNothing()
  await write()
  await page.goto(site.shop)
  await page.evaluate('switchboard("forget")')
  expect(await draftOf(widget)).toBeNull()
  await expectNothing()
  // His token alone is gone, and then another's is there.
  const key = `switchboard ${site.base} token`
  const other = await lab.page()
  await widgetOf(other).open(site.shop)
  await expect.poll(() => tokenOf(other).catch(() => ''), SOON).not.toBe('')
  for (const change of [`removeItem('${key}')`, `setItem('${key}', '${await tokenOf(other)}')`]) {
    await write()
    await page.goto(`${site.host.origin}/cup.png`)
    await page.evaluate(`localStorage.${change}`)
    await expectNothing()
  }
})

test('what is being written in the form goes, too', async () => {
  await using away = await startSite({ web: { offlineForm: true } })
  away.available = false
  const page = await lab.page()
  const widget = widgetOf(page)
  await page.goto(away.shop)
  await widget.launcher.click()
  const email = widget.panel.getByRole('textbox', { name: widget.words.form.email })
  await email.fill('ada@example.com')
  await page.evaluate('switchboard("forget")')
  await expect.poll(() => email.inputValue(), SOON).toBe('')
  expectNothingWrong(lab, page)
})

test('whoever signs out and leaves the page is forgotten, also when the widget is still on its way', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  await widget.open(site.shop)
  await widget.says('my secret')
  await widget.sees('echo: my secret')
  await page.route('**/widget-*', () => {})
  await page.reload()
  await page.evaluate('switchboard("forget")')
  const kept = await page.evaluate<readonly string[]>('Object.keys(localStorage)')
  expect(kept.filter((key) => /token|out:/.test(key))).toEqual([])
})

/** What the README says that a browser keeps: `token`, `out:…` … */
const README = readFileSync(join(import.meta.dirname, '../../plugins/channels/web/README.md'), 'utf8')
const SAID = Array.from(README.matchAll(/^\| `switchboard … (\w+)/gm), ([, what]) => what)

test('the browser keeps what the README says, from the first opening on, and nothing else', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  const kept = async () =>
    (await page.evaluate<readonly string[]>('Object.keys(localStorage)'))
      .map((key) => key.replace(`switchboard ${site.base} `, '').replace(/:.*/, ''))
      .sort()
  await page.goto(site.shop)
  await widget.launcher.waitFor()
  expect(await kept()).toEqual([])
  await page.route('**/v1/messages', (route) => route.abort())
  await page.routeWebSocket(/v1\/events/, (socket) => socket.close())
  await widget.launcher.click()
  await widget.composer.waitFor()
  await expect.poll(kept, SOON).toEqual(['sse', 'token'])
  await widget.says('hello')
  await widget.composer.fill('and what else')
  await widget.panel.getByRole('button', { name: widgetOf(page, 'zh-CN').words.language }).click()
  await expect.poll(kept, SOON).toEqual(['draft', 'language', 'out', 'sse', 'token'])
  expect(SAID.toSorted()).toEqual(await kept())
  expect(await page.context().cookies()).toEqual([])
  expect(await page.evaluate('indexedDB.databases().then(({ length }) => [length, sessionStorage.length])')).toEqual([
    0, 0,
  ])
})

test('first words without a network are sent by the next page, which nobody has opened', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  await page.route('**/v1/session', (route) => route.abort())
  await widget.open(site.shop)
  await widget.says('hello?')
  await expect.poll(() => page.evaluate('Object.keys(localStorage).join()'), SOON).toContain('out:')
  await page.unroute('**/v1/session')
  await page.reload()
  await expect.poll(() => page.evaluate('Object.keys(localStorage).join()'), SOON).toMatch(/^((?!out:).)*token$/)
  await widget.launcher.click()
  await widget.sees('echo: hello?')
})

test('what is not taken for a while is said to wait, also while the connection is good', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  await widget.open(site.shop)
  await widget.says('one')
  await widget.sees('echo: one')
  await page.route('**/v1/messages', (route) =>
    route.fulfill({ status: 429, headers: { 'access-control-allow-origin': '*', 'retry-after': '600' } }),
  )
  await widget.says('two')
  const waiting = widget.log.getByText(widget.words.waiting)
  expect((await waiting.boundingBox())?.height).toBe(0)
  await expect.poll(async () => (await waiting.boundingBox())?.height, SOON).toBeGreaterThan(10)
})

test('a file of which only the message is on its way can be removed no longer', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  await widget.open(site.shop)
  const posted = Promise.withResolvers<void>()
  await page.route('**/v1/files*', async (route) => {
    await posted.promise
    await route.continue()
  })
  await page.route('**/v1/messages', () => {})
  const file = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('a note') }
  await page.setInputFiles('switchboard-chat input[type=file]', [file])
  const remove = widget.log.getByRole('button', { name: widget.words.remove })
  await remove.waitFor()
  posted.resolve()
  await remove.waitFor({ state: 'detached' })
})

test('browsers without what came after 2020 have a chat that looks the same', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  await page.addInitScript(
    'for (const name of ["at", "findLast", "toSorted"]) delete Array.prototype[name]; delete String.prototype.at; ' +
      'delete CSSStyleSheet.prototype.replaceSync; delete HTMLFormElement.prototype.requestSubmit',
  )
  await widget.open(site.shop)
  await widget.says('hello')
  await widget.sees('echo: hello')
  const usual = widgetOf(await lab.page())
  await usual.open(site.shop)
  expect(await widget.panel.boundingBox()).toEqual(await usual.panel.boundingBox())
  expectNothingWrong(lab, page)
})
