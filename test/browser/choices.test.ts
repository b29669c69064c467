/** What a bot asks stays open until it is answered, and every page shows the answer that the log has. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useChromium } from './chromium.ts'
import { type Script, type Site, startSite } from './site.ts'
import { expectSeen, SOON, type Widget, widgetOf } from './widget.ts'

const lab = useChromium()
const asks: Script = (turn) => {
  if (turn.choice !== undefined) return turn.reply(`picked: ${turn.choice}`)
  const choices = ['Cups', 'Plates'].map((label) => ({ id: label, label }))
  return turn.reply({ type: 'choices', prompt: 'What is it about?', choices })
}
let site: Site
beforeAll(async () => {
  site = await startSite({ bot: asks })
})
afterAll(() => site[Symbol.asyncDispose]())

const choice = ({ log }: Widget, label: string) => log.getByRole('button', { name: label, exact: true })

test('a file that was refused answers no question', async () => {
  const widget = widgetOf(await lab.page())
  await widget.open(site.shop)
  const file = { name: 'a.exe', mimeType: 'application/x-msdownload', buffer: Buffer.from('x') }
  await widget.page.setInputFiles('switchboard-chat input[type=file]', [file])
  await widget.panel.getByText(widget.words.wrongType).waitFor()
  await widget.says('hello')
  await choice(widget, 'Cups').click()
  await widget.sees('picked: Cups')
  expect(await choice(widget, 'Cups').getAttribute('aria-pressed')).toBe('true')
})

test('a file that was refused stays where it was, and what comes after stands below it', async () => {
  const widget = widgetOf(await lab.page())
  await widget.open(site.shop)
  await widget.says('before')
  await choice(widget, 'Cups').waitFor()
  const file = { name: 'a.exe', mimeType: 'application/x-msdownload', buffer: Buffer.from('x') }
  await widget.page.setInputFiles('switchboard-chat input[type=file]', [file])
  await widget.panel.getByText(widget.words.wrongType).waitFor()
  const refused = await widget.log.getByText('a.exe').elementHandle()
  await choice(widget, 'Cups').click()
  await expectSeen(widget, ['before', 'What is it about?', 'a.exe', 'Cups', 'picked: Cups'])
  expect(await refused?.evaluate((element) => element.isConnected)).toBe(true)
})

test('two pages that pick differently show the same answer in the end', async () => {
  const visitor = await lab.visitor()
  const one = widgetOf(await visitor.newPage())
  const other = widgetOf(await visitor.newPage())
  await one.open(site.shop)
  await one.says('hello')
  await choice(one, 'Cups').waitFor()
  await other.open(site.shop)
  await choice(other, 'Plates').waitFor()
  await Promise.all([choice(one, 'Cups').click(), choice(other, 'Plates').click()])
  for (const widget of [one, other]) {
    await widget.sees('picked: Cups')
    await widget.sees('picked: Plates')
  }
  const pressed = (widget: Widget) => widget.log.locator('.choice[aria-pressed=true]').allTextContents()
  expect(await pressed(one)).toHaveLength(1)
  expect(await pressed(one)).toEqual(await pressed(other))
})

test('a click on a choice is not read aloud as its texts once more', async () => {
  const widget = widgetOf(await lab.page())
  await widget.open(site.shop)
  await widget.says('hello')
  await choice(widget, 'Cups').waitFor()
  const group = widget.log.getByRole('group')
  await group.evaluate((element) => {
    const { MutationObserver } = element.ownerDocument.defaultView
    const note = (changes: Iterable<{ addedNodes: Iterable<{ textContent: string }> }>) => {
      for (const { addedNodes } of changes)
        for (const { textContent } of addedNodes) element.title = `${element.title}|${textContent}`
    }
    new MutationObserver(note).observe(element, { childList: true, subtree: true, characterData: true })
  })
  await choice(widget, 'Cups').click()
  await widget.sees('picked: Cups')
  // The mark has come, and nothing else.
  await expect.poll(() => group.getAttribute('title'), SOON).toBe('|')
})

test('in forced colours what is used up looks used up', async () => {
  const widget = widgetOf(await lab.page({ forcedColors: 'active' }))
  await widget.open(site.shop)
  await widget.says('hello')
  const colors = () =>
    choice(widget, 'Plates').evaluate((element) => {
      const { color, borderTopColor } = element.ownerDocument.defaultView.getComputedStyle(element)
      return [color, borderTopColor]
    })
  const [color, edge] = await colors()
  await choice(widget, 'Cups').click()
  await widget.sees('picked: Cups')
  const [colorAfter, edgeAfter] = await colors()
  expect([colorAfter !== color, edgeAfter !== edge]).toEqual([true, true])
})
