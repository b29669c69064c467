/** What is easily lost without anybody noticing: what is read aloud, counted as read, reached by keys, or shown instead. */
import { rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { temporaryFolder } from '../crash/process.ts'
import { useChromium } from './chromium.ts'
import { handOver, ONE_MOMENT, type Script, type Site, startSite, tokenOf } from './site.ts'
import { SOON, type Widget, widgetOf } from './widget.ts'

const lab = useChromium()
const Log = z.object({
  items: z.array(z.looseObject({ seq: z.number(), part: z.looseObject({ text: z.string().optional() }).optional() })),
  snapshot: z.looseObject({ read: z.number() }),
})

/** What the bot waits for before it ends a long answer. */
let goOn = Promise.withResolvers<void>()
const answers: Script = (turn, next) => {
  if (turn.text === 'person') return handOver(turn, next)
  if (turn.text !== 'long') return turn.reply(`echo: ${turn.text}`)
  return (async function* () {
    yield 'Once upon'
    await goOn.promise
    return turn.reply('Once upon a time.')
  })()
}
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

test('an answer is not read aloud while it is being written, and once when it is done', async () => {
  goOn = Promise.withResolvers()
  const widget = widgetOf(await lab.page())
  await widget.open(site.shop)
  await expect.poll(() => widget.log.getAttribute('aria-live'), SOON).toBe('polite')
  await widget.page.evaluate('lab.listen()')
  await widget.says('long')
  await widget.sees('Once upon')
  goOn.resolve()
  await widget.sees('Once upon a time.')
  const heard: readonly string[] = await widget.page.evaluate('lab.heard()')
  expect(heard).toHaveLength(2)
  expect(heard[0]).toContain('long')
  expect(heard[1]).toContain('Once upon a time.')
})

test('what comes is read only by who has the chat open and the page before his eyes', async () => {
  const widget = widgetOf(await lab.page())
  const { page } = widget
  await withPerson(widget)
  await page.evaluate("addEventListener('switchboard:unread', ({ detail }) => { globalThis.unread = detail.unread })")
  const see = (isVisible: boolean, hasFocus: boolean) => page.evaluate(`lab.look(${isVisible}, ${hasFocus})`)
  /** Up to which number the server knows it to be read, and which number has this text. */
  const isRead = async (text: string) => {
    const headers = { authorization: `Bearer ${await tokenOf(page)}` }
    const { items, snapshot } = Log.parse(await (await fetch(`${site.base}v1/events`, { headers })).json())
    const seq = items.find(({ part }) => part?.text === text)?.seq ?? expect.fail(`${text} was not sent.`)
    return snapshot.read >= seq
  }
  await expect.poll(() => isRead(ONE_MOMENT), SOON).toBe(true)
  const close = widget.panel.getByRole('button', { name: widget.words.close })
  const states = [
    { what: 'another tab', hide: () => see(false, true), show: () => see(true, true) },
    { what: 'another program', hide: () => see(true, false), show: () => see(true, true) },
    {
      what: 'closed',
      hide: () => close.click(),
      meanwhile: () => see(true, true),
      show: () => widget.launcher.click(),
    },
  ]
  for (const { what, hide, meanwhile, show } of states) {
    await hide()
    await send(widget, `${what}: one`)
    await expect.poll(() => page.evaluate('unread'), SOON).toBe(1)
    await meanwhile?.()
    await send(widget, `${what}: two`)
    // Where the first were read it would be one.
    await expect.poll(() => page.evaluate('unread'), SOON).toBe(2)
    expect(await isRead(`${what}: one`), what).toBe(false)
    await show()
    await expect.poll(() => page.evaluate('unread'), SOON).toBe(0)
    await expect.poll(() => isRead(`${what}: two`), SOON).toBe(true)
  }
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

test('a file that is dropped onto the chat is sent, and a text is not', async () => {
  const widget = widgetOf(await lab.page())
  const { page } = widget
  const folder = temporaryFolder()
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const note = join(folder, 'note.txt')
  await writeFile(note, 'a note')
  await widget.open(site.shop)
  await widget.panel.locator('input[type=file]').waitFor({ state: 'attached' })
  const browser = await page.context().newCDPSession(page)
  const { x = 0, y = 0 } = (await widget.log.boundingBox()) ?? {}
  const drag = (type: 'dragEnter' | 'dragOver' | 'drop', what: object, beside = 50) =>
    browser.send('Input.dispatchDragEvent', {
      type,
      x: x + beside,
      y: y + 50,
      data: { items: [], dragOperationsMask: 1, ...what },
    })
  const hint = widget.panel.locator('.drop')
  const text = { items: [{ mimeType: 'text/plain', data: 'a text' }] }
  await drag('dragEnter', text)
  await drag('dragOver', text)
  expect(await hint.isVisible()).toBe(false)
  await drag('drop', text)
  const file = { files: [note] }
  await drag('dragEnter', file)
  await drag('dragOver', file)
  await expect.poll(() => hint.isVisible(), SOON).toBe(true)
  await drag('dragOver', file, -50)
  await expect.poll(() => hint.isVisible(), SOON).toBe(false)
  await drag('dragOver', file)
  await expect.poll(() => hint.isVisible(), SOON).toBe(true)
  await drag('drop', file)
  await widget.log.getByRole('link', { name: 'note.txt' }).waitFor()
  expect(await hint.isVisible()).toBe(false)
  expect(await widget.log.getByText('note.txt').count()).toBe(1)
  expect(await widget.log.getByText('a text').count()).toBe(0)
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

test('on a phone the panel is all there is of the page, and stays above the keyboard', async () => {
  const page = await lab.page({ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true })
  const widget = widgetOf(page)
  await widget.open(site.shop)
  await widget.panel.and(page.locator('[aria-modal=true]')).waitFor()
  const whole = { x: 0, y: 0, width: 360, height: 640 }
  expect(await widget.panel.boundingBox()).toEqual(whole)
  await page.evaluate('lab.seeOnly({ height: 300, offsetTop: 80 })')
  const aboveKeyboard = { x: 0, y: 80, width: 360, height: 300 }
  expect(await widget.panel.boundingBox()).toEqual(aboveKeyboard)
  const { y = 0, height = 0 } = (await widget.composer.boundingBox()) ?? {}
  expect(y + height).toBeLessThanOrEqual(380)
  // Who looks closer sees a part of it, and not all of it smaller.
  await page.evaluate('lab.seeOnly({ height: 150, offsetTop: 90, scale: 2 })')
  expect(await widget.panel.boundingBox()).toEqual(aboveKeyboard)
  await page.evaluate('lab.seeOnly()')
  expect(await widget.panel.boundingBox()).toEqual(whole)
})

test('beside a page that can be used the panel keeps its place, and says that it is not alone', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  await widget.open(site.shop)
  await widget.panel.and(page.locator('[aria-modal=false]')).waitFor()
  const before = await widget.panel.boundingBox()
  await page.evaluate('lab.seeOnly({ height: 300, offsetTop: 80 })')
  expect(await widget.panel.boundingBox()).toEqual(before)
  // A window can become as narrow as a phone.
  await page.setViewportSize({ width: 360, height: 640 })
  await widget.panel.and(page.locator('[aria-modal=true]')).waitFor()
})
