/** The form for those who find nobody: nothing that was written in it is lost, and no failure is the end. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useChromium } from './chromium.ts'
import { type Site, startSite } from './site.ts'
import { SOON, type Widget, widgetOf } from './widget.ts'

const lab = useChromium()
let site: Site
beforeAll(async () => {
  site = await startSite({ web: { offlineForm: true, privacy: 'See our privacy notice.' } })
  site.available = false
})
afterAll(() => site[Symbol.asyncDispose]())

const messageOf = ({ panel, words }: Widget) => panel.getByRole('textbox', { name: words.form.message })

async function openForm(): Promise<Widget> {
  const widget = widgetOf(await lab.page())
  await widget.page.goto(site.shop)
  await widget.launcher.click()
  await widget.panel.getByRole('heading', { name: widget.words.form.title }).waitFor()
  return widget
}

async function fillIn(widget: Widget): Promise<void> {
  await widget.panel.getByRole('textbox', { name: widget.words.form.email }).fill('ann@shop.example')
  await messageOf(widget).fill('Do you have blue cups?')
}

const submit = ({ panel, words }: Widget) => panel.getByRole('button', { name: words.form.send }).click()

test('what is said of privacy stands below the form too', async () => {
  const widget = await openForm()
  await expect
    .poll(() => widget.panel.getByText('See our privacy notice.').filter({ visible: true }).count(), SOON)
    .toBe(1)
})

test('a browser that fills in what nobody sees loses nobody his words', async () => {
  const widget = await openForm()
  await fillIn(widget)
  await widget.panel.locator('form input.unseen').evaluate((field) => {
    field.value = 'https://shop.example'
  })
  await submit(widget)
  await widget.panel.getByText(widget.words.form.failed).waitFor()
  expect(await messageOf(widget).inputValue()).toBe('Do you have blue cups?')
  await submit(widget)
  await widget.panel.getByText(widget.words.form.done).waitFor()
})

test('a name is no longer than the server takes it', async () => {
  const widget = await openForm()
  await fillIn(widget)
  await widget.panel.getByRole('textbox', { name: widget.words.form.name }).pressSequentially('n'.repeat(130))
  await submit(widget)
  await widget.panel.getByText(widget.words.form.done).waitFor()
})

test('a message that is refused for good is said to be, and what fails for a while to be tried again', async () => {
  const widget = await openForm()
  await fillIn(widget)
  const headers = { 'access-control-allow-origin': '*' }
  let status = 400
  await widget.page.route('**/v1/messages', (route) =>
    route.fulfill({ status, headers, json: { code: 'NO', message: 'No.' } }),
  )
  await submit(widget)
  await widget.panel.getByText(widget.words.form.refused).waitFor()
  status = 503
  await submit(widget)
  await widget.panel.getByText(widget.words.form.failed).waitFor()
  await widget.page.unroute('**/v1/messages')
  await submit(widget)
  await widget.panel.getByText(widget.words.form.done).waitFor()
})

test('a text that the browser cuts is said to be full', async () => {
  const widget = await openForm()
  const message = messageOf(widget)
  await message.fill('a'.repeat(10_000))
  await widget.panel.getByText(widget.words.full).waitFor()
  await message.fill('short')
  await expect.poll(() => widget.panel.getByText(widget.words.full).count(), SOON).toBe(0)
})

test('when people come and go what was written goes along, and so does the focus', async () => {
  const widget = await openForm()
  const message = messageOf(widget)
  await message.fill('Do you have blue cups?')
  try {
    site.available = true
    await widget.composer.waitFor()
    expect(await widget.composer.inputValue()).toBe('Do you have blue cups?')
    await expect.poll(() => widget.composer.evaluate((field) => field.matches(':focus')), SOON).toBe(true)
    await widget.composer.fill('Do you have green cups?')
    site.available = false
    await message.waitFor()
    expect(await message.inputValue()).toBe('Do you have green cups?')
    await expect
      .poll(() => widget.panel.locator('.form').evaluate((form) => form.matches(':focus-within')), SOON)
      .toBe(true)
  } finally {
    site.available = false
  }
})
