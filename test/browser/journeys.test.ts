/** What customers do with the chat, from the first word to the last, in both languages and in a real browser. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signIdentity } from '../../plugins/channels/web/identity.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { PICTURE } from './host.ts'
import { handOver, ONE_MOMENT, type Script, type Site, startSite, tokenOf } from './site.ts'
import { expectSeen, SOON, widgetOf } from './widget.ts'

const lab = useChromium()
const SECRET = 'the-secret-of-the-shop-in-this-test'
/** A token that says whose it is. */
const OF_A_USER = /^[^.]+\.[^.]+\.[^.]+\.[^.]+$/

/** What the bot waits for before it ends a long answer. */
let goOn = Promise.withResolvers<void>()

const answers: Script = (turn, next) => {
  switch (turn.text) {
    case 'choices':
      return turn.reply({
        type: 'choices',
        prompt: 'What is it about?',
        choices: [
          { id: 'cups', label: 'Cups' },
          { id: 'plates', label: 'Plates' },
        ],
      })
    case 'person':
      return handOver(turn, next)
    case 'long':
      return (async function* () {
        yield 'Once upon'
        yield 'Once upon a time'
        await goOn.promise
        return turn.reply('Once upon a time there was a cup.')
      })()
    case 'slow':
      return goOn.promise.then(() => turn.reply('At last.'))
    default:
      return turn.reply(`echo: ${turn.text}${turn.choice === undefined ? '' : ` (${turn.choice})`}`)
  }
}

let site: Site
beforeAll(async () => {
  site = await startSite({ bot: answers, web: { identify: { secret: SECRET } } })
})
afterAll(() => site[Symbol.asyncDispose]())
beforeEach(() => {
  goOn = Promise.withResolvers()
})

type Language = 'en' | 'zh-CN'
const shopOf = (where: Site, language: Language) => (language === 'en' ? where.shop : where.chineseShop)

async function visit(language: Language) {
  const page = await lab.page({ locale: language })
  const widget = widgetOf(page, language)
  await widget.open(shopOf(site, language))
  return { page, widget }
}

const LANGUAGES = ['en', 'zh-CN'] as const

describe.each(LANGUAGES)('in %s', (language) => {
  test('a visitor is greeted, answered, and picks a choice by its button', async () => {
    const { page, widget } = await visit(language)
    await widget.sees({ en: 'Hello! How can we help?', 'zh-CN': '您好，有什么可以帮您？' }[language])
    await widget.says('hello')
    await widget.sees('echo: hello')
    await widget.says('choices')
    await widget.log.getByRole('button', { name: 'Cups' }).click()
    await widget.sees('echo: Cups (cups)')
    await expectSeen(widget, ['hello', 'echo: hello', 'choices', 'What is it about?', 'Cups', 'Plates', 'Cups', 'echo'])
    await expect.poll(() => widget.log.getByRole('button', { name: 'Plates' }).isDisabled(), SOON).toBe(true)
    expectNothingWrong(lab, page)
  })

  test('people take over with their names and faces, send a picture, and close', async () => {
    const { page, widget } = await visit(language)
    const { system } = widget.words
    await widget.says('person')
    await widget.sees(ONE_MOMENT)
    await expect.poll(() => widget.panel.getByText(widget.words.queued).count(), SOON).toBe(1)
    expect(await site.agent(page, { type: 'take' })).toMatchObject({ ok: true })
    await widget.sees(system.assigned)
    await site.agent(page, { type: 'send', content: 'I am here.' })
    await widget.sees('I am here.')
    const [name, line2] = { en: ['Amy', 'Online shop'], 'zh-CN': ['小艾', '网店客服'] }[language]
    // In the header, and at the message itself.
    await expect.poll(() => widget.panel.getByText(name ?? '').count(), SOON).toBeGreaterThan(1)
    await expect.poll(() => widget.panel.getByText(line2 ?? '').count(), SOON).toBeGreaterThan(0)
    const url = `${site.host.origin}/cup.png`
    await site.agent(page, { type: 'send', content: { type: 'image', url, name: 'cup.png' } })
    const picture = widget.log.locator(`img[src="${url}"]`)
    await expect.poll(() => picture.evaluate((image) => image.naturalWidth), SOON).toBe(PICTURE.width)
    await site.agent(page, { type: 'close', because: 'solved' })
    await widget.sees(system.closed)
    await widget.says('one more thing')
    await widget.sees('echo: one more thing')
    expectNothingWrong(lab, page)
  })

  test('the other language is one click away, for all that the chat itself says', async () => {
    const { page, widget } = await visit(language)
    await widget.says('person')
    await widget.sees(ONE_MOMENT)
    await site.agent(page, { type: 'take' })
    await site.agent(page, { type: 'send', content: 'I am here.' })
    await widget.sees('I am here.')
    const other = widgetOf(page, language === 'en' ? 'zh-CN' : 'en')
    await widget.panel.getByRole('button', { name: other.words.language }).click()
    await other.sees(other.words.system.assigned)
    await other.composer.waitFor()
    await expect.poll(() => other.panel.getByText(language === 'en' ? '小艾' : 'Amy').count(), SOON).toBeGreaterThan(0)
    expect(await widget.panel.getByText(widget.words.system.assigned).count()).toBe(0)
    // It stays for the next page.
    await page.reload()
    await page.locator('switchboard-chat .launcher').click()
    await other.composer.waitFor()
    expectNothingWrong(lab, page)
  })

  test('who writes back is seen to be typing, both ways', async () => {
    const { page, widget } = await visit(language)
    await widget.says('slow')
    await expect.poll(() => site.line.passed.filter((asked) => asked.endsWith('/v1/typing')).length).toBeGreaterThan(0)
    // The core shows it when the bot takes longer than a second; the clock stands until it is moved.
    await expect
      .poll(async () => {
        await site.runtime.clock.advance(300)
        return widget.panel.getByRole('status').allTextContents()
      }, SOON)
      .toContainEqual(expect.stringMatching(language === 'en' ? /typing/ : /正在输入/))
    goOn.resolve()
    await widget.sees('At last.')
    expectNothingWrong(lab, page)
  })

  test('a file that is too large, or of a kind that is not taken, says so and goes on', async () => {
    await using small = await startSite({ web: { uploads: { maxBytes: '1KB', types: ['image/*'] } } })
    const page = await lab.page({ locale: language })
    const widget = widgetOf(page, language)
    await widget.open(shopOf(small, language))
    const give = (name: string, mimeType: string, buffer: Buffer) =>
      page.setInputFiles('switchboard-chat input[type=file]', [{ name, mimeType, buffer }])
    await give('big.png', 'image/png', Buffer.concat([PICTURE.bytes, Buffer.alloc(2_000)]))
    await widget.panel.getByText(widget.words.tooLarge('1 KB')).waitFor()
    // The name says picture, and the content something else: that only the server can tell.
    await give('cup.png', 'image/png', Buffer.from('<script>alarm(1)</script>'))
    await widget.panel.getByText(widget.words.wrongType).waitFor()
    await widget.says('hello')
    await widget.sees('echo: hello')
    await widget.panel.getByRole('button', { name: widget.words.remove }).first().click()
    await expect.poll(() => widget.panel.getByText(widget.words.tooLarge('1 KB')).count(), SOON).toBe(0)
    expectNothingWrong(lab, page)
  })

  test('where nobody is there, a form asks where to answer, keeps what is written, and says thanks', async () => {
    await using away = await startSite({ web: { offlineForm: true } })
    away.available = false
    const page = await lab.page({ locale: language })
    const widget = widgetOf(page, language)
    const { form } = widget.words
    await page.goto(shopOf(away, language))
    await widget.launcher.click()
    await widget.panel.getByRole('heading', { name: form.title }).waitFor()
    await widget.panel.getByRole('textbox', { name: form.message }).fill('Do you have blue cups?')
    await widget.panel.getByRole('button', { name: form.send }).click()
    await widget.panel.getByText(form.noEmail).waitFor()
    // A line that breaks must not cost what was written.
    away.line.isOpen = false
    away.line.cut()
    await widget.panel.getByRole('textbox', { name: form.name }).fill('Li Lei')
    await widget.panel.getByRole('textbox', { name: form.email }).fill('li@shop.example')
    await widget.panel.getByRole('button', { name: form.send }).click()
    await widget.panel.getByText(form.failed).waitFor()
    away.line.isOpen = true
    await widget.panel.getByRole('button', { name: form.send }).click()
    await widget.panel.getByText(form.doneText('li@shop.example')).waitFor()
    const customers = await away.runtime.runtime.engine.read.selectFrom('customer').selectAll().execute()
    expect(JSON.stringify(customers)).toContain('li@shop.example')
    // As soon as somebody is there, it is a chat.
    away.available = true
    await widget.panel.getByRole('button', { name: form.again }).click()
    await widget.composer.waitFor()
    await expect.poll(() => widget.log.getByText('Do you have blue cups?', { exact: true }).count(), SOON).toBe(1)
    expectNothingWrong(lab, page)
  })
})

describe.each(LANGUAGES)('in %s', (language) => {
  test('what comes while the chat is closed is counted on the button, until it is seen', async () => {
    const { page, widget } = await visit(language)
    await widget.says('person')
    await widget.sees(ONE_MOMENT)
    await site.agent(page, { type: 'take' })
    await widget.panel.getByRole('button', { name: widget.words.close }).click()
    await expect.poll(() => widget.panel.isVisible(), SOON).toBe(false)
    await site.agent(page, { type: 'send', content: 'Are you there?' })
    await expect.poll(() => widget.launcher.getAttribute('aria-label'), SOON).toBe(widget.words.openWithUnread(1))
    await site.agent(page, { type: 'send', content: 'Hello?' })
    await expect.poll(() => widget.launcher.getAttribute('aria-label'), SOON).toBe(widget.words.openWithUnread(2))
    // Also for somebody who comes back to another page meanwhile.
    await page.reload()
    await expect.poll(() => widget.launcher.getAttribute('aria-label'), SOON).toBe(widget.words.openWithUnread(2))
    await widget.launcher.click()
    await widget.sees('Hello?')
    await widget.panel.getByRole('button', { name: widget.words.close }).click()
    await expect.poll(() => widget.launcher.getAttribute('aria-label'), SOON).not.toContain('2')
    expectNothingWrong(lab, page)
  })

  test('everything is there again after a reload, and whose it is', async () => {
    const { page, widget } = await visit(language)
    await widget.says('person')
    await widget.sees(ONE_MOMENT)
    await site.agent(page, { type: 'take' })
    await site.agent(page, { type: 'send', content: 'I am here.' })
    const reads = site.line.passed.filter((asked) => asked.endsWith('/v1/read')).length
    await widget.sees('I am here.')
    // Until the server knows that it is seen, it would be new again.
    await expect
      .poll(() => site.line.passed.filter((asked) => asked.endsWith('/v1/read')).length, SOON)
      .toBeGreaterThan(reads)
    const before = await widget.log.textContent()
    const header = await widget.panel.getByRole('heading').first().textContent()
    await page.reload()
    await widget.launcher.click()
    await widget.sees('I am here.')
    await expect.poll(() => widget.log.textContent(), SOON).toBe(before)
    expect(await widget.panel.getByRole('heading').first().textContent()).toBe(header)
    // And a stranger sees nothing of it.
    const other = widgetOf(await lab.page({ locale: language }), language)
    await other.open(shopOf(site, language))
    await other.says('hello')
    await other.sees('echo: hello')
    expect(await other.log.textContent()).not.toContain('I am here.')
  })

  test('an answer is seen while it is being written, and once when it is done', async () => {
    const { page, widget } = await visit(language)
    await widget.says('long')
    await widget.sees('Once upon')
    // Drafts are shown a few times a second, by the clock, which stands until it is moved.
    await site.runtime.clock.advance(100)
    await widget.sees('Once upon a time')
    goOn.resolve()
    await widget.sees('Once upon a time there was a cup.')
    await expect.poll(() => widget.log.getByText('Once upon').count(), SOON).toBe(1)
    expectNothingWrong(lab, page)
  })

  test('what is written without a network is sent when there is one, once and in order', async () => {
    const { page, widget } = await visit(language)
    await widget.says('person')
    await widget.sees(ONE_MOMENT)
    await site.agent(page, { type: 'take' })
    await widget.sees(widget.words.system.assigned)
    site.line.isOpen = false
    site.line.cut()
    await page.context().setOffline(true)
    await widget.panel.getByText(widget.words.offline).waitFor()
    await widget.says('one')
    await widget.says('two')
    await site.agent(page, { type: 'send', content: 'meanwhile' })
    await expect.poll(() => widget.log.getByText(widget.words.waiting).count(), SOON).toBeGreaterThan(0)
    site.line.isOpen = true
    await page.context().setOffline(false)
    await expectSeen(widget, ['meanwhile', 'one', 'two'])
    await expect.poll(() => widget.log.getByText(widget.words.waiting).count(), SOON).toBe(0)
    expect(await widget.log.getByText('two', { exact: true }).count()).toBe(1)
    await expect.poll(() => widget.panel.getByText(widget.words.offline).count(), SOON).toBe(0)
    expectNothingWrong(lab, page)
  })

  test('a file is seen on its way, arrives, and can be opened again', async () => {
    const { page, widget } = await visit(language)
    const line = await page.context().newCDPSession(page)
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 200_000 }
    await line.send('Network.emulateNetworkConditions', slow)
    await page.setInputFiles('switchboard-chat input[type=file]', [
      { name: 'cup.png', mimeType: 'image/png', buffer: Buffer.concat([PICTURE.bytes, Buffer.alloc(100_000)]) },
    ])
    const progress = widget.panel.getByRole('progressbar')
    await progress.waitFor()
    await line.send('Network.emulateNetworkConditions', { ...slow, uploadThroughput: -1 })
    await expect.poll(() => progress.count(), SOON).toBe(0)
    const picture = widget.log.locator('img[src*="/files/"]').last()
    await expect.poll(() => picture.evaluate((image) => image.naturalWidth), SOON).toBe(PICTURE.width)
    const answer = await fetch((await picture.getAttribute('src')) ?? '')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-disposition')).toContain('attachment')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('set-cookie')).toBeNull()
    expectNothingWrong(lab, page)
  })

  test('somebody whom the shop knows is known, on each of his devices', async () => {
    const expires = Math.floor(site.runtime.clock.now() / 1000) + 600
    const identity = signIdentity(SECRET, { id: `li-${language}`, expires, name: 'Li Lei' })
    const known = await visit(language)
    await known.page.evaluate(`switchboard('identify', '${identity}')`)
    // From then on the chat is his. What he wrote before would be in another one, if his other device were first.
    await expect.poll(() => tokenOf(known.page), SOON).toMatch(OF_A_USER)
    await known.widget.says('mine')
    await known.widget.sees('echo: mine')
    const elsewhere = widgetOf(await lab.page({ locale: language }), language)
    await elsewhere.page.goto(shopOf(site, language))
    await elsewhere.page.evaluate(`switchboard('identify', '${identity}')`)
    await elsewhere.launcher.click()
    await elsewhere.sees('echo: mine')
    expectNothingWrong(lab, known.page)
  })
})
