/** Whoever cannot see it, or has no mouse, can use it: axe finds nothing in any state, and the keyboard is enough. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsInBoth } from './axe.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { PICTURE } from './host.ts'
import { film, sound } from './media.ts'
import { handOver, ONE_MOMENT, type Script, type Site, startSite } from './site.ts'
import { SOON, type Widget, widgetOf } from './widget.ts'

const lab = useChromium()

let goOn = Promise.withResolvers<void>()
const answers: Script = (turn, next) => {
  if (turn.text === 'person') return handOver(turn, next)
  if (turn.text === 'long')
    return (async function* () {
      yield 'Once upon'
      await goOn.promise
      return turn.reply('Once upon a time.')
    })()
  if (turn.text !== 'choices') return turn.reply(`echo: ${turn.text}`)
  const choices = ['Cups', 'Plates', 'Something else'].map((label) => ({ id: label, label }))
  return turn.reply({ type: 'choices', prompt: 'What is it about?', choices })
}

let site: Site
let away: Site
beforeAll(async () => {
  site = await startSite({ bot: answers, web: { privacy: 'We keep what you write for a year.' } })
  away = await startSite({ web: { offlineForm: true } })
  away.available = false
})
afterAll(async () => {
  await site[Symbol.asyncDispose]()
  await away[Symbol.asyncDispose]()
})

async function expectAccessible(widget: Widget, state: string): Promise<void> {
  expect(await faultsInBoth(widget.page), state).toEqual([])
}

/** A conversation with everything that a conversation can have. */
async function fill(widget: Widget): Promise<void> {
  await widget.says('choices')
  await widget.log.getByRole('button', { name: 'Cups' }).click()
  await widget.sees('echo: Cups')
  await widget.says('choices')
  await widget.says('person')
  await widget.sees(ONE_MOMENT)
  await site.agent(widget.page, { type: 'take' })
  const url = `${site.host.origin}/cup.png`
  await site.agent(widget.page, {
    type: 'send',
    content: [
      { type: 'text', text: 'Look at https://shop.example/cups, please.' },
      { type: 'link', url: 'https://shop.example/', title: 'Shop', description: 'Cups and plates', imageUrl: url },
      ...(['image', 'file', 'audio', 'video'] as const).map((type) => ({ type, url, name: 'cup.png', sizeBytes: 72 })),
    ],
  })
  // The file, and the sound and the film that are none: those can only be fetched.
  await expect.poll(() => widget.log.locator('a[href$="/cup.png"]').count(), SOON).toBe(3)
}

const give = (widget: Widget, name: string, mimeType: string) =>
  widget.page.setInputFiles('switchboard-chat input[type=file]', [{ name, mimeType, buffer: PICTURE.bytes }])

const SCREENS = [
  { name: 'at a desk', options: {} },
  { name: 'on a phone', options: { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true } },
]

test.each(SCREENS)('axe finds nothing in any state, light or dark: $name', async ({ options }) => {
  const page = await lab.page(options)
  const widget = widgetOf(page)
  await page.goto(site.shop)
  await widget.launcher.waitFor()
  await expectAccessible(widget, 'closed')
  await widget.launcher.click()
  await widget.composer.waitFor()
  await expectAccessible(widget, 'open and empty')
  await fill(widget)
  await expectAccessible(widget, 'a conversation')
  await give(widget, 'cup.exe', 'application/octet-stream')
  await widget.panel.getByText(widget.words.wrongType).waitFor()
  await expectAccessible(widget, 'a failed file')
  site.line.isOpen = false
  site.line.cut()
  await page.context().setOffline(true)
  await widget.says('are you there?')
  await widget.panel.getByText(widget.words.offline).waitFor()
  await expectAccessible(widget, 'without a network')
  site.line.isOpen = true
  expectNothingWrong(lab, page)
})

test.each(SCREENS)(
  'axe finds nothing while a sound and a film are played, light or dark: $name',
  async ({ options }) => {
    const page = await lab.page(options)
    const widget = widgetOf(page)
    await widget.open(site.shop)
    for (const recording of [sound(), await film(page)]) {
      await page.setInputFiles('switchboard-chat input[type=file]', [recording])
      const player = widget.log.getByLabel(recording.name).and(page.locator('audio, video'))
      await player.evaluate(async (element) => {
        element.loop = true
        await element.play()
      })
      await expect.poll(() => player.evaluate(({ paused, currentTime }) => !paused && currentTime > 0), SOON).toBe(true)
    }
    await expectAccessible(widget, 'a sound and a film')
    expectNothingWrong(lab, page)
  },
)

test('axe finds nothing while an answer is being written', async () => {
  goOn = Promise.withResolvers()
  const widget = widgetOf(await lab.page())
  await widget.open(site.shop)
  await widget.says('long')
  await widget.sees('Once upon')
  await expectAccessible(widget, 'a draft')
  goOn.resolve()
  await widget.sees('Once upon a time.')
})

test('axe finds nothing in the form for those who find nobody, light or dark', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  const { form } = widget.words
  await page.goto(away.shop)
  await widget.launcher.click()
  await widget.panel.getByRole('heading', { name: form.title }).waitFor()
  await expectAccessible(widget, 'the form')
  await widget.panel.getByRole('button', { name: form.send }).click()
  await widget.panel.getByText(form.noEmail).waitFor()
  await expectAccessible(widget, 'the form with errors')
  await widget.panel.getByRole('textbox', { name: form.email }).fill('li@shop.example')
  await widget.panel.getByRole('textbox', { name: form.message }).fill('Do you have blue cups?')
  await widget.panel.getByRole('button', { name: form.send }).click()
  await widget.panel.getByText(form.done).waitFor()
  await expectAccessible(widget, 'the thanks')
})

test.each(['en', 'zh-CN'] as const)('axe finds nothing on the demo page, light or dark: %s', async (language) => {
  const page = await lab.page({ locale: language })
  const widget = widgetOf(page, language)
  await page.goto(site.base)
  await widget.launcher.waitFor()
  await expectAccessible(widget, 'the demo page')
  await widget.launcher.click()
  await widget.composer.waitFor()
  await widget.says('hello')
  await widget.sees('echo: hello')
  await expectAccessible(widget, 'the demo page with the chat open')
  expectNothingWrong(lab, page)
})

const focused = (page: Page) => page.evaluate<string>('lab.focused()')

test('the keyboard is enough: open, write, choose, close, and the focus is where it was', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  await page.goto(site.shop)
  await widget.launcher.waitFor()
  const press = async (key: string, until: string) => {
    for (let presses = 0; presses < 40; presses++) {
      await page.keyboard.press(key)
      if ((await focused(page)) === until) return
    }
    throw new Error(`${key} never leads to ${until}.`)
  }
  const open = (await widget.launcher.getAttribute('aria-label')) ?? ''
  await press('Tab', open)
  await page.keyboard.press('Enter')
  await widget.composer.waitFor()
  await expect.poll(() => focused(page), SOON).toBe(widget.words.message)
  await page.keyboard.type('choices')
  await page.keyboard.press('Enter')
  await widget.sees('What is it about?')
  await press('Shift+Tab', 'Plates')
  await page.keyboard.press('Enter')
  await widget.sees('echo: Plates')
  // The panel is no trap: whoever goes on comes to the page again.
  await press('Tab', 'Buy')
  await press('Shift+Tab', widget.words.message)
  await page.keyboard.press('Escape')
  await expect.poll(() => widget.panel.isVisible(), SOON).toBe(false)
  expect(await focused(page)).toBe(await widget.launcher.getAttribute('aria-label'))
})

test('a line break is written by Shift+Enter, and characters that are being composed are not sent by Enter', async () => {
  const widget = widgetOf(await lab.page())
  await widget.open(site.shop)
  await widget.composer.pressSequentially('one')
  await widget.composer.press('Shift+Enter')
  await widget.composer.pressSequentially('two')
  const keyboard = await widget.page.context().newCDPSession(widget.page)
  await keyboard.send('Input.imeSetComposition', { text: 'ke', selectionStart: 2, selectionEnd: 2 })
  await keyboard.send('Input.dispatchKeyEvent', {
    type: 'keyDown',
    key: 'Process',
    code: 'Enter',
    windowsVirtualKeyCode: 229,
  })
  expect(await widget.rows()).not.toContain('one\ntwoke')
  await keyboard.send('Input.insertText', { text: '客服' })
  await widget.composer.press('Enter')
  await widget.sees(/echo: one\s+two客服/)
})

test('a message that is on its way stays the same element when it has arrived, so that it is read once', async () => {
  const widget = widgetOf(await lab.page())
  await widget.open(site.shop)
  await widget.says('first')
  await widget.sees('echo: first')
  site.line.isOpen = false
  site.line.cut()
  await widget.says('second')
  const row = await widget.log.getByText('second', { exact: true }).elementHandle()
  site.line.isOpen = true
  await widget.sees('echo: second')
  expect(await row?.evaluate((element) => element.isConnected)).toBe(true)
  expect(await widget.log.getByText('second', { exact: true }).count()).toBe(1)
})
