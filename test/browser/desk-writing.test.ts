/** What helps an agent to write: suggestions, canned replies, what the platform still takes; and how it ends. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { textOf } from '#core'
import { memoryChannel } from '#core/testing'
import { words as pageWords } from '../../plugins/desks/desk/workbench/pages/customers/words.ts'
import { words as replyWords } from '../../plugins/desks/desk/workbench/pages/replies/words.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { type DeskSite, startDeskSite, type Workbench, workbenchOf } from './desk-site.ts'
import { SOON, widgetOf } from './widget.ts'

const lab = useChromium()
const WIDE = { width: 1400, height: 860 }
const HOUR = 3_600_000
const customerWords = pageWords.en

let site: DeskSite
beforeAll(async () => {
  const later = [{ on: 'message', withinMs: HOUR, max: 3, resets: true }]
  site = await startDeskSite({
    mode: 'cooperation',
    texts: { handedOver: '', waiting: '' },
    channel: memoryChannel({ capabilities: { later } }),
    desk: {
      summary: {
        topic: {
          name: { en: 'Topic', 'zh-CN': '问题类型' },
          options: { order: 'Order', refund: 'Refund' },
          required: true,
        },
        remark: { name: { en: 'Remark', 'zh-CN': '备注' } },
        parcel: { name: 'Parcel', required: true, teams: ['aftersale'] },
      },
    },
  })
})
afterAll(() => site[Symbol.asyncDispose]())

async function desk(): Promise<Workbench> {
  const context = await lab.visitor({ viewport: WIDE })
  await context.addCookies([...(await site.cookiesOf('amy'))])
  const workbench = workbenchOf(await context.newPage())
  await workbench.page.goto(site.desk)
  await workbench.page.locator('.opener .dot').waitFor()
  return workbench
}

async function takes(workbench: Workbench, name: string): Promise<void> {
  await workbench.list('queue')
  await workbench.button(workbench.words.row.takeOf(name)).click()
  await workbench.reply.waitFor()
}

const heardBy = (name: string) =>
  site.runtime.channel.sent.filter(({ chat }) => chat === name).map(({ part }) => textOf(part))

const keepReply = (page: Page, id: string, shortcut: string, texts: object) =>
  page.evaluate(
    `fetch('api/replies/shared/${id}', { method: 'POST', headers: { 'content-type': 'application/json' },
      body: ${JSON.stringify(JSON.stringify({ shortcut, texts }))} }).then(({ ok }) => { if (!ok) throw new Error() })`,
  )

test('the bot suggests, a sign finds canned replies, and what is left is told, until all of it is closed (C-RM-01, C-LC-06, C-CU-14)', async () => {
  const amy = await desk()
  const { page, words, reply } = amy
  const { composer } = words
  await keepReply(page, 'reply-hello', 'hello', { en: 'Hello {customer}!', 'zh-CN': '{customer}您好，我是{agent}。' })
  await keepReply(page, 'reply-help', 'help', { en: 'How can I help?' })
  const customer = site.runtime.user('Mei', { name: '小梅', language: 'zh-CN' })
  await customer.says('杯子有吗')
  await takes(amy, '小梅')
  const cards = page.locator('.suggestion')
  const why = page.locator('.composer-why')
  await expect.poll(() => cards.allTextContents(), SOON).toEqual([expect.stringContaining('echo: 杯子有吗')])
  await expect.poll(() => why.textContent(), SOON).toMatch(/^3 of 3 messages left, until /)

  // A suggestion goes into the field by its key, behind what is there, and is sent by nobody but the agent.
  await reply.fill('Yes.')
  await reply.press('Alt+1')
  expect(await reply.inputValue()).toBe('Yes.\necho: 杯子有吗')
  expect(await cards.count()).toBe(0)
  await reply.press('Enter')
  await amy.sees('Yes.\necho: 杯子有吗')
  await expect.poll(() => why.textContent(), SOON).toMatch(/^2 of 3 messages left/)
  await customer.says('红色的')
  await expect.poll(() => cards.count(), SOON).toBe(1)
  await expect.poll(() => why.textContent(), SOON).toMatch(/^3 of 3 messages left/)
  await amy.button(composer.dismiss).click()
  expect(await cards.count()).toBe(0)

  // The list is the field's: by arrows, Enter and Escape, in the language of the customer, with the names in it.
  const options = page.getByRole('listbox', { name: composer.canned }).getByRole('option')
  await reply.pressSequentially('/he')
  await expect
    .poll(() => options.allTextContents(), SOON)
    .toEqual([expect.stringContaining('/hello'), expect.stringContaining('/help')])
  await reply.press('ArrowUp')
  expect(await reply.getAttribute('aria-activedescendant')).toBe(await options.nth(1).getAttribute('id'))
  await reply.press('Escape')
  expect(await options.count()).toBe(0)
  expect(await page.locator('.composer textarea:focus').count()).toBe(1)
  await reply.fill('')
  await amy.button(composer.canned).click()
  await options.first().waitFor()
  // Whoever composes a word sends and chooses nothing by the Enter that ends it.
  const keyboard = await page.context().newCDPSession(page)
  await keyboard.send('Input.imeSetComposition', { text: 'he', selectionStart: 2, selectionEnd: 2 })
  const enter = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 229 }
  await keyboard.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...enter })
  await keyboard.send('Input.dispatchKeyEvent', { type: 'keyUp', ...enter })
  const back = { key: 'Escape', code: 'Escape', windowsVirtualKeyCode: 229 }
  await keyboard.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...back })
  await keyboard.send('Input.dispatchKeyEvent', { type: 'keyUp', ...back })
  expect(await options.count()).toBeGreaterThan(0)
  expect(await page.locator('.composer textarea:focus').count()).toBe(1)
  await keyboard.send('Input.insertText', { text: 'hell' })
  expect(await reply.inputValue()).toBe('/hell')
  await reply.press('Enter')
  expect(await reply.inputValue()).toBe('小梅您好，我是Amy Chen。')
  expect(await options.count()).toBe(0)

  // Sent and closed in one: what is required is asked for, and both are done or neither.
  await reply.press('Control+Shift+Enter')
  const { dialog } = amy
  await dialog.getByRole('group', { name: words.closing.required('Topic') }).waitFor()
  expect(await dialog.getByLabel(words.closing.lastWord).inputValue()).toBe('小梅您好，我是Amy Chen。')
  // What only another team is asked is not asked here.
  expect(await dialog.getByText('Parcel').count()).toBe(0)
  await dialog.getByLabel('Remark').fill('two cups')
  await page.keyboard.press('Control+Enter')
  expect(await dialog.isVisible()).toBe(true)
  await dialog.getByText('Refund').click()
  await page.keyboard.press('Control+Enter')
  await page.locator('.composer').getByText(composer.closed).waitFor()
  await expect.poll(() => page.locator('.summary').textContent(), SOON).toBe('TopicRefundRemarktwo cups')
  expect(heardBy('Mei')).toEqual(['Yes.\necho: 杯子有吗', '小梅您好，我是Amy Chen。'])

  // Called back within the time, and refused behind it, with when that was.
  await amy.button(words.customer.callBack).click()
  await dialog.getByLabel(customerWords.firstMessage).fill('One more thing.')
  await dialog.getByRole('button', { name: customerWords.callBack }).click()
  await expect.poll(() => why.textContent(), SOON).toMatch(/^1 of 3 messages left/)
  await amy.says('The last one.')
  await expect.poll(() => why.textContent(), SOON).toBe(composer.window['used-up'])
  await reply.fill('too many')
  expect(await amy.button(composer.send).isDisabled()).toBe(true)
  await page.keyboard.press('Escape')
  await page.keyboard.press('e')
  await dialog.getByText('Order').click()
  await page.keyboard.press('Control+Enter')
  await page.locator('.composer').getByText(composer.closed).waitFor()
  await site.runtime.advance(HOUR)
  await amy.button(words.customer.callBack).click()
  await dialog.getByLabel(customerWords.firstMessage).fill('Too late.')
  await page.keyboard.press('Control+Enter')
  // With the day, where midnight has come between.
  await dialog.getByText(/takes no more messages to this customer since (?:.+ )?\d\d:\d\d\./).waitFor()
  expect(await dialog.getByLabel(customerWords.firstMessage).inputValue()).toBe('Too late.')
  expect(heardBy('Mei')).toHaveLength(4)
  expectNothingWrong(lab, page)
})

test('what is begun for one customer comes to no other, and a note to no customer', async () => {
  const amy = await desk()
  const { page, words, reply, dialog } = amy
  for (const name of ['Emma', 'Jonas', 'Tom']) await site.runtime.user(name, { name }).says('hello')
  await takes(amy, 'Jonas')
  await takes(amy, 'Emma')
  await page.getByRole('heading', { name: 'Emma' }).waitFor()
  await reply.fill('Emma, your money is on')
  await reply.press('Control+Shift+Enter')
  await dialog.getByLabel(words.closing.lastWord).fill('Emma, your money is on its way.')
  await page.goBack()
  await page.getByRole('heading', { name: 'Jonas' }).waitFor()
  expect(await dialog.count()).toBe(0)
  expect(await reply.inputValue()).toBe('')
  await page.goForward()
  await page.getByRole('heading', { name: 'Emma' }).waitFor()
  expect(await dialog.count()).toBe(0)
  expect(await reply.inputValue()).toBe('Emma, your money is on its way.')

  // Assigned while a note is written: it stays where it is, and what it is.
  await amy.list('queue')
  await page.locator('.row', { hasText: 'Tom' }).getByRole('button').first().click()
  await page.getByRole('textbox', { name: words.composer.writeNote }).click()
  await page.keyboard.type('Careful: ')
  await site.runtime.agent('amy').takes('Tom')
  await page.getByText(words.pane.ownerYou).waitFor()
  await page.keyboard.type('he has cheated us')
  await page.keyboard.press('Enter')
  await page.locator('.bubble.note').getByText('Careful: he has cheated us').last().waitFor()
  expect(heardBy('Tom')).toEqual([])
  expectNothingWrong(lab, page)
})

test('closing says, saves and sends what was written, once, and says in the dialog why it was refused', async () => {
  const amy = await desk()
  const { page, words, reply, dialog } = amy
  await site.runtime.user('Paul', { name: 'Paul' }).says('my invoice?')
  await takes(amy, 'Paul')
  // On a slow line, one sees how much of a file has gone.
  const line = await page.context().newCDPSession(page)
  const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 100_000 }
  await line.send('Network.emulateNetworkConditions', slow)
  const film = { name: 'film.txt', mimeType: 'text/plain', buffer: Buffer.alloc(400_000, 'x') }
  await page.locator('input[type=file]').setInputFiles([film])
  const progress = page.getByRole('progressbar', { name: 'film.txt' })
  const share = async () => Number(await progress.getAttribute('value'))
  await expect.poll(share, SOON).toBeGreaterThan(0)
  expect(await share()).toBeLessThan(1)
  await line.send('Network.emulateNetworkConditions', { ...slow, uploadThroughput: -1 })
  await progress.waitFor({ state: 'detached' })
  await amy.button(words.composer.remove('film.txt')).click()
  await page.route('**/api/files?name=broken.txt', (route) => route.fulfill({ status: 500, json: {} }))
  await page.locator('input[type=file]').setInputFiles([
    { name: 'invoice.txt', mimeType: 'text/plain', buffer: Buffer.from('9 EUR') },
    { name: 'broken.txt', mimeType: 'text/plain', buffer: Buffer.from('?') },
  ])
  await reply.fill('Here is your invoice.')
  await page.locator('.attached').getByText(words.composer.uploadFailed).waitFor()
  await page.getByRole('tab', { name: words.composer.note }).click()
  await page.keyboard.type('wants to be called on Monday')
  await page.keyboard.press('Control+Shift+Enter')
  await dialog.getByText(words.closing.files('invoice.txt'), { exact: true }).waitFor()
  expect(await dialog.getByLabel(words.closing.lastWord).inputValue()).toBe('Here is your invoice.')
  expect(await dialog.getByLabel(words.closing.note).inputValue()).toBe('wants to be called on Monday')
  await dialog.getByText('Order').click()
  await dialog.getByText(words.closing.reasons.unsolved, { exact: true }).click()
  await dialog.getByLabel('Remark').fill('a copy of the invoice')
  await page.mouse.click(5, 400)
  expect(await dialog.getByLabel('Remark').inputValue()).toBe('a copy of the invoice')

  let asked = 0
  await page.route('**/close', async (route) => {
    if (++asked === 1) await route.fulfill({ status: 409, json: { code: 'NEW_MESSAGE', message: '' } })
    else await route.continue()
  })
  await dialog.getByRole('button', { name: words.closing.submit }).click()
  await dialog.getByRole('alert').getByText(words.refusals.NEW_MESSAGE).waitFor()
  expect(await dialog.getByLabel(words.closing.lastWord).inputValue()).toBe('Here is your invoice.')
  await page.keyboard.press('Escape')
  expect(await reply.count()).toBe(0)
  await page.getByRole('tab', { name: words.composer.reply }).click()
  expect(await reply.inputValue()).toBe('Here is your invoice.')
  await page.keyboard.press('Escape')
  await page.keyboard.press('e')
  // What was begun of the summary is still there.
  expect(await dialog.getByLabel('Remark').inputValue()).toBe('a copy of the invoice')
  expect(await dialog.getByRole('radio', { name: 'Order' }).isChecked()).toBe(true)
  expect(await dialog.getByRole('radio', { name: words.closing.reasons.unsolved }).isChecked()).toBe(true)
  await page.keyboard.press('Control+Enter')
  await page.keyboard.press('Control+Enter')
  await page.locator('.composer').getByText(words.composer.closed).waitFor()
  expect(asked).toBe(2)
  await site.runtime.idle()
  const sent = site.runtime.channel.sent.filter(({ chat }) => chat === 'Paul').map(({ part }) => part)
  expect(sent).toMatchObject([{ type: 'file', name: 'invoice.txt' }, { text: 'Here is your invoice.' }])
  expect(await page.locator('.bubble.note').getByText('wants to be called on Monday').count()).toBe(1)
  expect(await page.evaluate(`Object.keys(localStorage).filter((key) => key.includes('draft:'))`)).toEqual([])
  expectNothingWrong(lab, page)
})

test('without WebSockets the screen hears by events; files go to the customer, typing both ways, and whoever is turned away is heard no more', async () => {
  const context = await lab.visitor({ viewport: WIDE })
  await context.addCookies([...(await site.cookiesOf('amy'))])
  await context.routeWebSocket(/\/support\/api\/stream/, (socket) => socket.close())
  const amy = workbenchOf(await context.newPage())
  const { page, words } = amy
  const byEvents = page.waitForRequest((asked) => asked.url().endsWith('/support/api/stream'))
  await page.goto(site.desk)
  await byEvents
  await amy.list('queue')
  const customer = widgetOf(await lab.page())
  await customer.open(site.chat)
  await customer.says('hello')
  await amy.button(words.row.takeOf(words.row.noName)).click()
  await amy.reply.waitFor()
  await amy.sees('hello')

  // It is told at most every three seconds, and the first message has told it just now.
  await expect
    .poll(async () => {
      await customer.composer.press('a')
      return page.getByText(words.pane.customerTypes).count()
    }, SOON)
    .toBe(1)
  await amy.reply.pressSequentially('I am')
  await customer.page.getByText(customer.words.typing('')).waitFor()
  await page
    .locator('input[type=file]')
    .setInputFiles([{ name: 'cup.txt', mimeType: 'text/plain', buffer: Buffer.from('a blue cup') }])
  await expect.poll(() => amy.button(words.composer.send).isEnabled(), SOON).toBe(true)
  await amy.reply.press('Enter')
  await customer.sees('I am')
  await customer.log.getByText('cup.txt').waitFor()
  await amy.log.getByText('cup.txt').last().waitFor()

  await amy.button(words.customer.block).click()
  await amy.dialog.getByLabel(words.customer.blockReason).fill('rude')
  await amy.dialog.getByRole('button', { name: words.customer.block }).click()
  await page.locator('.composer').getByText(words.composer.closed).waitFor()
  await page.locator('.blocked-box').getByText('rude').waitFor()
  await amy.button(words.customer.unblock).click()
  await amy.button(words.customer.block).waitFor()
  expectNothingWrong(lab, page)
})

test('replies are written, found, changed and removed on their page, and stand in the next answer', async () => {
  const amy = await desk()
  const { page, dialog } = amy
  const said = replyWords.en
  await page.locator('.rail').getByRole('button', { name: said.title }).click()
  await amy.button(said.add).click()
  await dialog.getByLabel(said.shortcut).fill('/bye')
  await dialog.getByRole('button', { name: said.save }).click()
  await dialog.getByText(said.needsText).waitFor()
  await dialog.getByLabel('English').fill('Goodbye, {customer}.')
  await dialog.getByLabel('中文').fill('再见')
  await dialog.getByText(said.mine).click()
  await dialog.getByRole('button', { name: said.save }).click()
  const row = page.getByRole('row', { name: '/bye' })
  await row.getByText(said.mine).waitFor()
  await page.getByRole('searchbox').fill('再')
  await expect.poll(() => page.locator('.replies tbody tr').count(), SOON).toBe(1)
  await row.getByRole('button', { name: said.edit }).click()
  await dialog.getByLabel(said.shortcut).fill('later')
  await dialog.getByLabel('中文').fill('再见啦')
  // Meanwhile both texts are corrected elsewhere: what is not written here is taken over, the other one is shown.
  await page.evaluate(
    `fetch('api/replies').then((answer) => answer.json()).then(({ replies }) => {
      const { id, shortcut, revision } = replies.find(({ shortcut }) => shortcut === 'bye')
      const texts = { en: 'See you, {customer}.', 'zh-CN': '再会' }
      return fetch('api/replies/own/' + id, { method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ shortcut, texts, revision }) })
    })`,
  )
  await dialog.getByRole('button', { name: said.save }).click()
  await dialog.getByText(amy.words.refusals.CHANGED_MEANWHILE).waitFor()
  await dialog.getByText(said.savedNow('再会')).waitFor()
  expect(await dialog.getByLabel('English').inputValue()).toBe('See you, {customer}.')
  expect(await dialog.getByLabel('中文').inputValue()).toBe('再见啦')
  await dialog.getByRole('button', { name: said.save }).click()
  await page.getByRole('row', { name: '/later' }).waitFor()

  await site.runtime.user('Ann', { name: 'Ann', language: 'en' }).says('hello')
  await page.keyboard.press('1')
  await takes(amy, 'Ann')
  await amy.reply.fill('Well. ')
  await amy.reply.pressSequentially('/lat')
  await amy.page.getByRole('option', { name: 'later' }).click()
  expect(await amy.reply.inputValue()).toBe('Well. See you, Ann.')
  await page.locator('.rail').getByRole('button', { name: said.title }).click()
  await expect.poll(() => page.getByRole('row', { name: '/later' }).locator('.number').textContent(), SOON).toBe('1')
  await page.getByRole('row', { name: '/later' }).getByRole('button', { name: said.remove }).click()
  await dialog.getByRole('button', { name: said.remove }).click()
  await expect.poll(() => page.getByRole('row', { name: '/later' }).count(), SOON).toBe(0)
  expectNothingWrong(lab, page)
})
