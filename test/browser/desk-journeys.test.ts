/** Both sides at once: customers in their chats, people at the desk. */
import type { BrowserContextOptions, Locator } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { DeliveryError, textOf } from '#core'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { type DeskSite, inviteBy, startDeskSite, type Workbench, workbenchOf } from './desk-site.ts'
import { ONE_MOMENT } from './site.ts'
import { SOON, widgetOf } from './widget.ts'

const lab = useChromium()
const WIDE = { width: 1400, height: 860 }

let site: DeskSite
beforeAll(async () => {
  site = await startDeskSite()
})
afterEach(() => {
  site.line.isOpen = true
})
afterAll(() => site[Symbol.asyncDispose]())

/** The workbench of somebody who is signed in, in a browser of their own. */
async function desk(person: 'amy' | 'bo', options: BrowserContextOptions = {}): Promise<Workbench> {
  const context = await lab.visitor({ viewport: WIDE, ...options })
  await context.addCookies([...(await site.cookiesOf(person))])
  const workbench = workbenchOf(await context.newPage())
  await workbench.page.goto(site.desk)
  // They are there: whoever asks for a person is not told that nobody is.
  await workbench.page.locator('.opener .dot').waitFor()
  return workbench
}

/** A customer who waits for a person. */
async function waiting(name: string, language?: string) {
  const customer = site.runtime.user(name, { name, language })
  await customer.says('person').hears(ONE_MOMENT)
  // Not by itself: whoever waits for it would wait for what it has been told to do.
  return { customer }
}

/** What a customer was sent, in the order in which it went out. */
const heardBy = (name: string) =>
  site.runtime.channel.sent.filter(({ chat }) => chat === name).map(({ part }) => textOf(part))

async function takes(workbench: Workbench, name: string): Promise<void> {
  await workbench.list('queue')
  await workbench.button(workbench.words.row.takeOf(name)).click()
  // Until then there may be another's before them.
  await workbench.page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  await workbench.reply.waitFor()
}

test('from the first link to the end of a conversation, in both languages (C-TA-01, C-LC-06)', async () => {
  await using fresh = await startDeskSite()
  const amy = workbenchOf(await lab.page({ viewport: WIDE }))
  await amy.comesBy(fresh.firstLink)
  expect(amy.page.url()).toBe(fresh.desk)
  await amy.page.getByText(amy.words.lists.empty.mine).waitFor()

  const customer = widgetOf(await lab.page({ locale: 'zh-CN' }), 'zh-CN')
  await customer.open(fresh.chat)
  await customer.says('hello')
  await customer.sees('echo: hello')
  await customer.says('person')
  await takes(amy, amy.words.row.noName)
  await amy.sees('echo: hello')
  await amy.says('Hello, I am Amy.')
  await customer.sees('Hello, I am Amy.')
  await customer.says('my cup is broken')
  await amy.sees('my cup is broken')
  await amy.notes('a good customer')
  await amy.sees('a good customer')

  const bo = workbenchOf(await lab.page({ viewport: WIDE, locale: 'zh-CN', colorScheme: 'dark' }), 'zh-CN')
  await bo.comesBy(await inviteBy(amy.page, 'bo'))
  await amy.button(amy.words.pane.transfer).click()
  await amy.dialog.getByText('Bo van Dyke').click()
  await amy.dialog.getByRole('textbox', { name: amy.words.transfer.note }).fill('please send a new cup')
  await amy.dialog.getByRole('button', { name: amy.words.transfer.submit, exact: true }).click()
  await bo.rows.first().getByRole('button').click()
  await bo.sees('a good customer')
  await bo.sees('please send a new cup')
  await bo.says('马上寄出')
  await customer.sees('马上寄出')
  expect(await amy.reply.count()).toBe(0)

  await bo.button(bo.words.pane.close).click()
  await bo.dialog.getByLabel('小结').fill('new cup sent')
  await bo.dialog.getByRole('button', { name: bo.words.closing.submit }).click()
  await bo.page.getByText(bo.words.lists.empty.mine).waitFor()
  await bo.sees('new cup sent')
  await bo.page.locator('.composer').getByText(bo.words.composer.closed).waitFor()
  const seen = await customer.log.textContent()
  for (const internal of ['a good customer', 'please send a new cup', 'new cup sent'])
    expect(seen).not.toContain(internal)

  await bo.button(bo.words.pane.why).click()
  const steps = bo.dialog.locator('.why > li')
  await expect.poll(() => steps.count(), SOON).toBeGreaterThanOrEqual(5)
  expect(await steps.last().textContent()).toContain(bo.words.why.closed)
  for (const page of [amy.page, bo.page, customer.page]) expectNothingWrong(lab, page)
})

test('a draft is there after a reload and in the other language, and not for another account', async () => {
  const amy = await desk('amy')
  await waiting('Draft')
  await takes(amy, 'Draft')
  await amy.reply.fill('half a sente')
  await amy.page.reload()
  await expect.poll(() => amy.reply.inputValue(), SOON).toBe('half a sente')
  await amy.page.locator('.opener').click()
  await amy.page.getByRole('menuitemradio', { name: '中文' }).click()
  const chinese = workbenchOf(amy.page, 'zh-CN')
  expect(await chinese.reply.inputValue()).toBe('half a sente')
  // The field that Bo has here, too.
  await chinese.page.getByRole('tab', { name: chinese.words.composer.note }).click()
  await amy.page.locator('textarea').fill('between us')

  await amy.page.context().clearCookies()
  await amy.page.context().addCookies([...(await site.cookiesOf('bo'))])
  await amy.page.reload()
  await chinese.page.getByRole('heading', { name: 'Draft' }).waitFor()
  expect(await amy.page.locator('textarea').inputValue()).toBe('')
  expect(await amy.page.locator('body').textContent()).not.toContain('half a sente')
  expectNothingWrong(lab, amy.page)
})

test('a line that is cut loses nothing and doubles nothing, in both directions', async () => {
  const amy = await desk('amy')
  const { customer } = await waiting('Cut')
  await takes(amy, 'Cut')
  await amy.says('before')
  const waits = () => amy.log.getByText(amy.words.composer.waiting).count()
  await expect.poll(() => heardBy('Cut'), SOON).toEqual([ONE_MOMENT, 'before'])
  // Else it would wait with the others.
  await expect.poll(waits, SOON).toBe(0)
  site.line.isOpen = false
  site.line.cut()
  await amy.page.getByText(amy.words.strip.reconnecting).waitFor()
  await amy.says('one')
  await amy.says('two')
  await expect.poll(waits, SOON).toBe(2)
  await customer.says('meanwhile')
  // It is kept in this browser: also the page may go.
  site.line.isOpen = true
  await amy.page.reload()
  await amy.reply.waitFor()
  await expect.poll(waits, SOON).toBe(0)
  await expect.poll(() => heardBy('Cut'), SOON).toEqual([ONE_MOMENT, 'before', 'one', 'two'])
  for (const text of ['before', 'meanwhile', 'one', 'two']) {
    await amy.sees(text)
    expect(await amy.log.getByText(text, { exact: true }).count(), text).toBe(1)
  }
  await site.runtime.idle()
  expect(heardBy('Cut')).toHaveLength(4)
  expectNothingWrong(lab, amy.page)
})

test('a session that ends asks to sign in over the page, and nothing on it is lost', async () => {
  const amy = await desk('amy')
  await waiting('Session')
  await takes(amy, 'Session')
  await amy.reply.fill('do not lose me')
  // As after a day, or when an administrator ends it.
  await amy.page.context().clearCookies()
  site.line.cut()
  await amy.dialog.getByRole('heading', { name: amy.words.signIn.again }).waitFor()
  await amy.page.keyboard.press('Escape')
  expect(await amy.dialog.isVisible()).toBe(true)
  await amy.dialog.getByLabel(amy.words.signIn.password).fill('one cup of green tea')
  await amy.dialog.getByRole('button', { name: amy.words.signIn.submit }).click()
  await expect.poll(() => amy.dialog.count(), SOON).toBe(0)
  expect(await amy.reply.inputValue()).toBe('do not lose me')
  await amy.reply.press('Enter')
  await amy.sees('do not lose me')
  expectNothingWrong(lab, amy.page)
})

test('in a status without chats nothing can be written to customers, and the way back is one click (C-CH-05, C-CH-06)', async () => {
  const amy = await desk('amy')
  await waiting('Status')
  await takes(amy, 'Status')
  await amy.page.locator('.opener').click()
  await amy.page.getByRole('menuitemradio', { name: 'In a meeting' }).click()
  await amy.page.getByText(amy.words.strip.away('In a meeting')).waitFor()
  await amy.reply.fill('hello')
  expect(await amy.button(amy.words.composer.send).isDisabled()).toBe(true)
  await amy.button(amy.words.strip.goOnline).click()
  await expect.poll(() => amy.button(amy.words.composer.send).isEnabled(), SOON).toBe(true)
})

test('who looks at a conversation is seen by colleagues, and who has it is named to them', async () => {
  const [amy, bo] = [await desk('amy'), await desk('bo')]
  await waiting('Both')
  await takes(amy, 'Both')
  await bo.list('all')
  await bo.page.locator('.row', { hasText: 'Both' }).getByRole('button').first().click()
  await amy.page.getByText(amy.words.pane.alsoHere('Bo van Dyke')).waitFor()
  await bo.page.getByText(bo.words.composer.notYours('Amy Chen')).waitFor()
})

test.each(['en', 'zh-CN'] as const)(
  'a conversation is taken over from the bot, which keeps quiet from then on; what did not arrive is sent again: %s',
  async (locale) => {
    const name = `Over ${locale}`
    const customer = site.runtime.user(name, { name })
    await customer.says('hello').hears('echo: hello')
    const amy = await desk('amy', { locale })
    const screen = workbenchOf(amy.page, locale)
    const { words } = screen
    await screen.list('bot')
    await screen.rows.filter({ hasText: name }).getByRole('button').first().click()
    await screen.button(words.pane.takeOver).click()
    await screen.reply.waitFor()
    await customer.says('is anybody there?')
    await screen.sees('is anybody there?')
    site.runtime.channel.beforeSend(() => {
      throw new DeliveryError('CHANNEL_REFUSED')
    })
    try {
      await screen.says('I am.')
      await screen.log.getByText(words.entry.delivery.dead).waitFor()
    } finally {
      site.runtime.channel.beforeSend(() => undefined)
    }
    await screen.button(words.entry.sendAgain).click()
    await expect.poll(() => heardBy(name), SOON).toEqual(['echo: hello', 'I am.'])
    await screen.log.getByText(words.entry.delivery.dead).waitFor({ state: 'detached' })
    await site.runtime.agent('amy').closes(name)
    expectNothingWrong(lab, amy.page)
  },
)

test('earlier conversations are read upward without gap or repeat, each with its start and end (C-CU-13)', async () => {
  const customer = site.runtime.user('History', { name: 'History' })
  const amy = await desk('amy')
  const said: string[] = []
  for (let episode = 1; episode <= 3; episode++) {
    for (let line = 1; line <= 15; line++) {
      said.push(`${episode}.${line}`, `echo: ${episode}.${line}`)
      await customer.says(`${episode}.${line}`).hears(`echo: ${episode}.${line}`)
    }
    await customer.says('person').hears(ONE_MOMENT)
    said.push('person', ONE_MOMENT)
    if (episode === 3) break
    await takes(amy, 'History')
    await amy.button(amy.words.pane.close).click()
    await amy.dialog.getByRole('button', { name: amy.words.closing.submit }).click()
    await amy.page.locator('.composer').getByText(amy.words.composer.closed).waitFor()
  }
  await takes(amy, 'History')
  // As whoever comes new to it: page by page, from the last.
  await amy.page.reload()
  await amy.reply.waitFor()
  await expect
    .poll(async () => {
      await amy.log.evaluate((log) => log.scrollTo(0, 0))
      return amy.page.getByText(amy.words.pane.start).count()
    }, SOON)
    .toBe(1)
  expect(await amy.log.locator('.bubble.text').allTextContents()).toEqual(said)
  expect(await amy.log.locator('.separator.conversation').count()).toBe(5)
})

test('the keyboard is enough: take, answer, note, transfer, close, go through the list', async () => {
  const amy = await desk('amy')
  await waiting('Keys')
  const { keyboard } = amy.page
  await expect.poll(() => amy.page.locator('.count.urgent').count(), SOON).toBe(1)
  await keyboard.press('Alt+2')
  await amy.page.getByText('Keys').first().waitFor()
  await keyboard.press('q')
  await amy.page.getByRole('heading', { name: 'Keys' }).waitFor()
  await keyboard.press('r')
  await keyboard.type('typed only')
  await keyboard.press('Enter')
  await expect.poll(() => heardBy('Keys'), SOON).toEqual([ONE_MOMENT, 'typed only'])
  await keyboard.press('Escape')
  await keyboard.press('n')
  await keyboard.type('noted only')
  await keyboard.press('Enter')
  await amy.sees('noted only')
  await keyboard.press('Escape')
  await keyboard.press('t')
  await amy.dialog.waitFor()
  await keyboard.type('after')
  await keyboard.press('Tab')
  await keyboard.press('Space')
  await keyboard.press('Enter')
  await amy.page.getByText(amy.words.pane.ownerQueue('aftersale')).waitFor()
  await keyboard.press('q')
  await amy.page.getByText(amy.words.pane.ownerYou).waitFor()
  await keyboard.press('e')
  await amy.dialog.waitFor()
  await keyboard.press('Control+Enter')
  await amy.page.locator('.composer').getByText(amy.words.composer.closed).waitFor()
  const closed = amy.page.url()
  await keyboard.press('Alt+5')
  await amy.rows.first().waitFor()
  await keyboard.press('j')
  await keyboard.press('j')
  await expect.poll(() => amy.page.url(), SOON).not.toBe(closed)
  await keyboard.press('?')
  await amy.dialog.getByRole('heading', { name: amy.words.help.title }).waitFor()
  await keyboard.press('Escape')
  await expect.poll(() => amy.dialog.count(), SOON).toBe(0)
  expectNothingWrong(lab, amy.page)
})

test('each other key does what the help says of it', async () => {
  // Amy has what the other tests have left.
  const bo = await desk('bo')
  for (const name of ['One', 'Two']) await waiting(name)
  const { page, words, dialog } = bo
  for (const name of ['One', 'Two']) await takes(bo, name)
  const isOpen = (name: string) => page.getByRole('heading', { name, exact: true }).waitFor()
  await page.keyboard.press('Escape')
  await expect.poll(() => bo.reply.count(), SOON).toBe(0)
  await bo.list('mine')
  await expect.poll(() => bo.rows.count(), SOON).toBe(2)
  const [first = '', second = ''] = await page.locator('.row-name').allTextContents()
  await page.locator('body').press('j')
  await isOpen(first)
  for (const [key, name] of [
    ['j', second],
    ['k', first],
    ['Alt+ArrowDown', second],
    ['Alt+ArrowUp', first],
  ] as const) {
    await page.locator('body').press(key)
    await isOpen(name)
  }
  for (const [key, title] of [
    ['w', words.why.title],
    ['b', words.giveBack.title],
    ['t', words.transfer.title],
    ['e', words.closing.title],
    ['?', words.help.title],
  ] as const) {
    await page.locator('body').press(key)
    await dialog.getByRole('heading', { name: title }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => dialog.count(), SOON).toBe(0)
  }
  const panel = page.getByRole('complementary', { name: words.customer.label })
  const wasThere = await panel.count()
  await page.locator('body').press('p')
  await expect.poll(() => panel.count(), SOON).toBe(1 - wasThere)
  await page.locator('body').press('p')
  await expect.poll(() => panel.count(), SOON).toBe(wasThere)
  await page.locator('body').press('s')
  await page.getByRole('menuitemradio', { name: 'In a meeting' }).waitFor()
  // Its keys are its own once it has the focus.
  await page.locator('[role=menuitemradio]:focus').waitFor()
  await page.keyboard.press('Escape')
  await expect.poll(() => page.getByRole('menuitemradio').count(), SOON).toBe(0)
  await page.locator('body').press('2')
  await expect.poll(() => page.getByRole('heading', { name: first, exact: true }).count(), SOON).toBe(0)
  await page.locator('body').press('1')
  await isOpen(first)
  for (const [key, list] of [
    ['Alt+2', 'queue'],
    ['Alt+3', 'bot'],
    ['Alt+4', 'all'],
    ['Alt+1', 'mine'],
  ] as const) {
    await page.locator('body').press(key)
    await page.locator('.tabs [aria-current]', { hasText: words.lists.tabs[list] }).waitFor()
  }
  for (const name of ['One', 'Two']) await site.runtime.agent('bo').closes(name)
  expectNothingWrong(lab, page)
})

test.each([1400, 900, 390])(
  'what is said of the last deed covers nothing of the next answer: %i wide',
  async (width) => {
    const bo = await desk('bo', { viewport: { width, height: 760 } })
    const { page, words, dialog } = bo
    for (const name of ['Last', 'Next']) await waiting(`${name} ${width}`)
    for (const name of ['Last', 'Next']) await site.runtime.agent('bo').takes(`${name} ${width}`)
    const open = (name: string) =>
      bo.rows
        .filter({ hasText: `${name} ${width}` })
        .getByRole('button')
        .first()
        .click()
    await open('Last')
    await bo.button(words.pane.close).click()
    await dialog.getByRole('button', { name: words.closing.submit }).click()
    const told = page.locator('.toast', { hasText: words.closing.done })
    await told.waitFor()
    // Not moved out of the way nor waited for: whoever is quick hits it.
    const isHit = (target: Locator) =>
      target.evaluate((it) => {
        const { left, top, width: wide, height } = it.getBoundingClientRect()
        return it.contains(it.ownerDocument.elementFromPoint(left + wide / 2, top + height / 2))
      })
    if (width === 1400) {
      expect(await isHit(bo.button(words.customer.callBack))).toBe(true)
      expect(await told.count()).toBe(1)
    }
    if (width < 900) await page.keyboard.press('Escape')
    await open('Next')
    await bo.reply.fill('hello')
    expect(await told.count()).toBe(1)
    for (const target of [bo.button(words.composer.send), bo.reply, bo.button(words.pane.close)])
      expect(await isHit(target)).toBe(true)
    await site.runtime.agent('bo').closes(`Next ${width}`)
  },
)
