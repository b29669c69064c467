/** What the widget fetches when it needs it may not come at the first time. Nothing stays empty because of that. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useChromium } from './chromium.ts'
import { handOver, type Script, type Site, startSite } from './site.ts'
import { SOON, widgetOf } from './widget.ts'

const lab = useChromium()
const answers: Script = (turn, next) => {
  if (turn.text === 'person') return handOver(turn, next)
  if (turn.text.startsWith('see')) return turn.done('nothing to say')
  const choices = ['Cups', 'Plates'].map((label) => ({ id: label, label }))
  return turn.reply({ type: 'choices', prompt: 'What is it about?', choices })
}

let site: Site
beforeAll(async () => {
  site = await startSite({ bot: answers })
})
afterAll(() => site[Symbol.asyncDispose]())

test('files that fail for a while: the names stand there, and all of it comes by itself', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  let isCut = true
  let asked = 0
  await page.route(/\/(more|files)-/, (route) => {
    asked += 1
    return isCut ? route.abort() : route.continue()
  })
  await widget.open(site.shop)
  await widget.says('see https://shop.example')
  await expect.poll(() => widget.log.getAttribute('aria-live'), SOON).toBe('polite')
  await widget.says('hello')
  await widget.sees(/^What is it about\?\s+Cups\s+Plates$/)
  await widget.says('person')
  await widget.sees('One moment, please.')
  await site.agent(page, { type: 'take' })
  const url = `${site.host.origin}/cup.png`
  await site.agent(page, {
    type: 'send',
    content: [
      { type: 'image', url, name: 'cup.png' },
      { type: 'file', url, name: 'contract.pdf' },
    ],
  })
  await widget.log.getByRole('link', { name: 'cup.png' }).waitFor()
  await widget.log.getByRole('link', { name: 'contract.pdf' }).waitFor()
  for (let i = 0; i < 50; i++) await widget.log.dispatchEvent('scroll')
  // One attempt at a time, whatever asks for it.
  expect(asked).toBeLessThan(20)

  await page.evaluate('lab.listen()')
  isCut = false
  await expect.poll(() => widget.log.getByRole('button', { name: 'Cups' }).count(), SOON).toBe(1)
  await expect.poll(() => widget.log.locator('.picture img, a.file').count(), SOON).toBe(2)
  await widget.log.getByText('contract.pdf').waitFor()
  await widget.log.getByRole('link', { name: 'https://shop.example' }).waitFor()
  expect(await page.evaluate('lab.heard()')).toEqual([])
})

test('the own file is read aloud when it is picked, and not again when it has arrived', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  await widget.open(site.shop)
  await expect.poll(() => widget.log.getAttribute('aria-live'), SOON).toBe('polite')
  await page.evaluate('lab.listen()')
  const file = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('a note') }
  await page.setInputFiles('switchboard-chat input[type=file]', [file])
  await widget.log.getByRole('link', { name: 'note.txt' }).waitFor()
  const texts: readonly string[] = await page.evaluate('lab.heard()')
  expect(texts.filter((text) => text.includes('note.txt'))).toHaveLength(1)
})

/** A visitor's page on which a person of ours answers. */
async function talkToAgent() {
  const page = await lab.page()
  const widget = widgetOf(page)
  await widget.open(site.shop)
  await widget.says('person')
  await widget.sees('One moment, please.')
  await site.agent(page, { type: 'take' })
  return { page, widget }
}

test('a picture that is enlarged shows how it is closed, and closes by a click beside it', async () => {
  const { page, widget } = await talkToAgent()
  const url = `${site.host.origin}/cup.png`
  await site.agent(page, { type: 'send', content: { type: 'image', url, name: 'cup.png' } })
  const viewer = page.getByRole('dialog', { name: 'cup.png' })
  await widget.log.getByRole('button', { name: 'cup.png' }).click()
  await viewer.locator('svg').click()
  await expect.poll(() => viewer.count(), SOON).toBe(0)
  await widget.log.getByRole('button', { name: 'cup.png' }).click()
  await viewer.waitFor()
  await page.mouse.click(5, 5)
  await expect.poll(() => viewer.count(), SOON).toBe(0)
})

test.each([
  { what: 'picture', type: 'image', name: 'cup.png' },
  { what: 'sound', type: 'audio', name: 'cup.wav' },
  { what: 'film', type: 'video', name: 'cup.mp4' },
] as const)('a $what that cannot be shown can be fetched', async ({ type, name }) => {
  const { page, widget } = await talkToAgent()
  const url = `${site.host.origin}/none/${name}`
  await site.agent(page, { type: 'send', content: { type, url, name } })
  const link = widget.log.getByRole('link', { name }).and(page.locator('a.file'))
  await link.waitFor()
  expect(await link.getAttribute('href')).toBe(url)
  expect(await widget.log.locator('img, audio, video').count()).toBe(0)
})
