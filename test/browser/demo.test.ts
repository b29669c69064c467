/** The page to try the chat on: its switch takes the network from it, so that anybody can see that nothing gets lost. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { handOver, ONE_MOMENT, type Script, type Site, startSite } from './site.ts'
import { expectSeen, SOON, widgetOf } from './widget.ts'

const lab = useChromium()
const answers: Script = (turn, next) =>
  turn.text === 'person' ? handOver(turn, next) : turn.reply(`echo: ${turn.text}`)
let site: Site
beforeAll(async () => {
  site = await startSite({ bot: answers })
})
afterAll(() => site[Symbol.asyncDispose]())

test('without its network nothing gets out or in; with it all of it does, once and in order', async () => {
  const page = await lab.page()
  const widget = widgetOf(page)
  await widget.open(site.base)
  await widget.says('person')
  await widget.sees(ONE_MOMENT)
  await site.agent(page, { type: 'take' })
  await widget.sees(widget.words.system.assigned)
  await expect.poll(() => site.line.openStreams, SOON).toBe(1)
  const network = page.getByRole('switch', { name: 'Network of this page' })
  await network.click()
  expect(await network.getAttribute('aria-checked')).toBe('false')
  await expect.poll(() => site.line.openStreams, SOON).toBe(0)
  await widget.panel.getByText(widget.words.offline).waitFor()

  const before = site.line.passed.length
  const file = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('a note') }
  await page.setInputFiles('switchboard-chat input[type=file]', [file])
  await widget.says('one')
  await widget.says('two')
  await site.agent(page, { type: 'send', content: 'meanwhile' })
  await expect.poll(() => widget.log.getByText(widget.words.waiting).count(), SOON).toBe(3)
  // It tries again and again, and the line hears nothing of it.
  await page.evaluate("dispatchEvent(new Event('online'))")
  expect(await widget.log.getByText('meanwhile').count()).toBe(0)
  expect(site.line.passed.slice(before)).toEqual([])

  await network.click()
  expect(await network.getAttribute('aria-checked')).toBe('true')
  await expectSeen(widget, ['meanwhile', 'note.txt', 'one', 'two'])
  await expect.poll(() => widget.log.getByText(widget.words.waiting).count(), SOON).toBe(0)
  for (const text of ['meanwhile', 'one', 'note.txt', 'two'])
    expect(await widget.log.getByText(text, { exact: true }).count(), text).toBe(1)
  await expect.poll(() => widget.panel.getByText(widget.words.offline).count(), SOON).toBe(0)
  expectNothingWrong(lab, page)
})
