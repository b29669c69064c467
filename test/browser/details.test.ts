/** What is easily lost without anybody noticing: what is read aloud, counted as read, reached by keys, or shown instead. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useChromium } from './chromium.ts'
import { handOver, ONE_MOMENT, type Script, type Site, startSite } from './site.ts'
import { SOON, type Widget, widgetOf } from './widget.ts'

const lab = useChromium()
const answers: Script = (turn, next) =>
  turn.text === 'person' ? handOver(turn, next) : turn.reply(`echo: ${turn.text}`)
let site: Site
beforeAll(async () => {
  site = await startSite({ bot: answers })
})
afterAll(() => site[Symbol.asyncDispose]())

async function withPerson(widget: Widget): Promise<void> {
  await widget.open(site.shop)
  await widget.says('person')
  await widget.sees(ONE_MOMENT)
  await site.agent(widget.page, { type: 'take' })
}

const send = ({ page }: Widget, content: string) => site.agent(page, { type: 'send', content })

test('what comes is read aloud, and what was there before is not', async () => {
  const widget = widgetOf(await lab.page())
  await widget.open(site.shop)
  await widget.says('hello')
  await widget.sees('echo: hello')
  await widget.page.addInitScript(`
    globalThis.inserted = []
    addEventListener('switchboard:open', ({ target }) => {
      const log = target.shadowRoot.querySelector('[role=log]')
      new MutationObserver(() => {
        if (log.textContent.includes('echo: hello')) inserted.push(log.getAttribute('aria-live'))
      }).observe(log, { childList: true, subtree: true })
    })`)
  await widget.open(site.shop)
  await widget.sees('echo: hello')
  await expect.poll(() => widget.log.getAttribute('aria-live'), SOON).toBe('polite')
  const inserted: readonly string[] = await widget.page.evaluate('inserted')
  expect(inserted[0] ?? 'off').toBe('off')
})

test('who has scrolled back stays there, is shown a button, and goes by it to what is new', async () => {
  const widget = widgetOf(await lab.page({ viewport: { width: 500, height: 500 } }))
  await withPerson(widget)
  for (let i = 0; i < 12; i++) await send(widget, `line ${i}`)
  await widget.sees('line 11')
  await widget.log.evaluate((log) => {
    log.scrollTop = 80
  })
  await send(widget, 'news')
  const newer = widget.panel.getByRole('button', { name: widget.words.newMessages })
  await newer.waitFor()
  expect(await widget.log.evaluate((log) => log.scrollTop)).toBe(80)
  await newer.click()
  await expect
    .poll(() => widget.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight), SOON)
    .toBeLessThan(2)
  expect(await newer.count()).toBe(0)
})

test('pasted text is a text, and a pasted picture a file', async () => {
  const widget = widgetOf(await lab.page())
  await widget.open(site.shop)
  await widget.panel.locator('input[type=file]').waitFor({ state: 'attached' })
  const paste = (type: string) =>
    widget.composer.evaluate((field, withType) => {
      const { DataTransfer, ClipboardEvent, File } = field.ownerDocument.defaultView
      const clipboardData = new DataTransfer()
      if (withType) clipboardData.setData(withType, 'a table')
      clipboardData.items.add(new File(['x'], withType ? 'table.txt' : 'note.txt', { type: 'text/csv' }))
      field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }, type)
  await paste('text/plain')
  await paste('')
  await widget.log.getByText('note.txt').waitFor()
  expect(await widget.log.getByText('table.txt').count()).toBe(0)
})

test('a face that cannot be loaded is shown by its letters', async () => {
  const widget = widgetOf(await lab.page())
  site.identity = { id: 'bo', name: { en: 'Bo Li' }, avatarUrl: `${site.host.origin}/none.png` }
  await withPerson(widget)
  await send(widget, 'good morning')
  await widget.sees('good morning')
  const face = widget.log.locator('.row', { hasText: 'good morning' }).locator('.avatar')
  await expect.poll(() => face.textContent(), SOON).toBe('BL')
})

test('on a phone Tab goes round in the panel', async () => {
  const page = await lab.page({ viewport: { width: 360, height: 640 } })
  const widget = widgetOf(page)
  await widget.open(site.shop)
  await widget.panel.and(page.locator('[aria-modal=true]')).waitFor()
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab')
    expect(await widget.panel.evaluate((panel) => panel.matches(':focus-within'))).toBe(true)
  }
})
