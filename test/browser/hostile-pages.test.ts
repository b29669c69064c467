/** The chat lives on pages that nobody has made for it. It must work there, look the same, and leave them alone. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { type HostPage, shopPage } from './host.ts'
import { type Site, startSite, tokenOf } from './site.ts'
import { expectSeen, SOON, type Widget, widgetOf } from './widget.ts'

const lab = useChromium()
let site: Site
let second: Site
beforeAll(async () => {
  site = await startSite()
  second = await startSite({ web: { origins: [site.host.origin], position: 'left', title: 'The other one' } })
})
afterAll(async () => {
  await site[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

/** What the README says that a page's policy must let in. */
const README = readFileSync(join(import.meta.dirname, '../../plugins/channels/web/README.md'), 'utf8')
const POLICY = /`(script-src [^`]+)`/.exec(README)?.[1] ?? ''

const tag = (where: Site = site) => `src="${where.base}chat.js" defer`

async function visit(path: string, page: string | HostPage, options?: BrowserContextOptions): Promise<Widget> {
  const widget = widgetOf(await lab.page(options))
  await widget.page.goto(site.host.page(path, page))
  await widget.launcher.waitFor()
  return widget
}

async function expectWorking(widget: Widget): Promise<void> {
  if (!(await widget.composer.isVisible())) await widget.launcher.click()
  await widget.says('hello')
  await widget.sees('echo: hello')
}

/** Where the button, the panel and the field are, and how they look, when the button for files is there too. */
async function look({ launcher, panel, composer, log }: Widget): Promise<readonly unknown[]> {
  await panel.locator('input[type=file]').waitFor({ state: 'attached' })
  return Promise.all(
    [launcher, panel, log, composer].map(async (part) => [
      await part.boundingBox(),
      await part.evaluate((element) => {
        const { fontSize, fontFamily, color, backgroundColor, direction, writingMode, textTransform, letterSpacing } =
          element.ownerDocument.defaultView.getComputedStyle(element)
        return { fontSize, fontFamily, color, backgroundColor, direction, writingMode, textTransform, letterSpacing }
      }),
    ]),
  )
}

describe('styles of the page', () => {
  const RULES = {
    'everything is hidden and unset': 'body *{all:unset!important;display:none!important}',
    'everything is moved': `body *,switchboard-chat{position:static!important;float:left!important;transform:rotate(9deg)!important;
      opacity:.2!important;filter:blur(3px)!important;zoom:2!important;margin:40px!important;width:9px!important;
      clip-path:circle(3px)!important;visibility:hidden!important;pointer-events:none!important;contain:strict!important}`,
    'everything that is inherited is strange': `html,body,*{font:900 40px/3 serif!important;letter-spacing:9px!important;
      text-transform:uppercase!important;direction:rtl!important;writing-mode:vertical-rl!important;color:red!important;
      text-indent:50px!important;white-space:nowrap!important;cursor:none!important;user-select:none!important;
      word-spacing:40px!important;text-align:right!important;visibility:collapse}body{visibility:visible}`,
    'sizes hang on a root of 40 px': 'html{font-size:40px!important;-webkit-text-size-adjust:300%}',
  } as const

  let plain: readonly unknown[]
  beforeAll(async () => {
    const widget = await visit('/plain', shopPage(tag()))
    await widget.launcher.click()
    await widget.composer.waitFor()
    plain = await look(widget)
  })

  test.each(Object.entries(RULES))('%s: the chat looks as everywhere', async (name, rules) => {
    const strange = await visit(`/${name.length}`, shopPage(tag(), { head: `<style>${rules}</style>` }))
    await strange.launcher.click()
    await strange.composer.waitFor()
    expect(await look(strange)).toEqual(plain)
    await expectWorking(strange)
  })

  test('the chat changes nothing of the page', async () => {
    const boxes = (page: Page) => page.evaluate<readonly unknown[]>('lab.boxes()')
    const bare = await lab.page()
    await bare.goto(site.host.page('/bare', shopPage('')))
    const widget = await visit('/full', shopPage(tag()))
    await widget.launcher.click()
    await widget.composer.waitFor()
    expect(await boxes(widget.page)).toEqual(await boxes(bare))
    // And what stands behind it can still be clicked, beside it.
    await widget.page.locator('#before').click()
  })
})

describe('policies of the page', () => {
  const STRICT = (where: string) => ({
    'content-security-policy': [
      "default-src 'none'",
      POLICY.replaceAll('https://chat.shop.example', where).replaceAll(
        'wss://chat.shop.example',
        where.replace('http', 'ws'),
      ),
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'referrer-policy': 'no-referrer',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  })

  test('the strictest policy that names our address: all of it works, and nothing is refused', async () => {
    const page = await lab.page()
    await page.addInitScript('lab.watchPage()')
    const widget = widgetOf(page)
    const html = shopPage(tag())
    const strict = site.host.page('/strict', { html, headers: STRICT(new URL(site.base).origin) })
    await widget.open(strict.replace(site.host.origin, site.host.trustedOrigin))
    await expectWorking(widget)
    const file = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('a note') }
    await page.setInputFiles('switchboard-chat input[type=file]', [file])
    await widget.log.getByRole('link', { name: 'note.txt' }).waitFor()
    expect(await page.evaluate('lab.seen()')).toMatchObject({ refused: 0 })
    expectNothingWrong(lab, page)
  })

  test('a policy that does not name it: the page goes on without a chat', async () => {
    const page = await lab.page()
    const html = shopPage(tag())
    await page.goto(site.host.page('/closed', { html, headers: { 'content-security-policy': "default-src 'self'" } }))
    expect(await page.locator('h1').textContent()).toBe('Shop')
    expect(await page.locator('switchboard-chat').count()).toBe(0)
  })

  test('a page that is not in the list of origins gets no chat, and goes on', async () => {
    const page = await lab.page()
    const elsewhere = site.host.page('/', shopPage(tag())).replace('shop.example', 'other.example')
    const before = site.line.passed.length
    const asked = (what: string) => site.line.passed.slice(before).filter((line) => line.startsWith(what)).length
    await page.goto(elsewhere)
    const widget = widgetOf(page)
    await widget.launcher.click()
    // Whoever has been let in asks for no second session.
    await expect.poll(() => asked('OPTIONS /site/v1/session'), SOON).toBeGreaterThan(2)
    expect([asked('POST'), asked('UPGRADE'), asked('GET /site/v1/')]).toEqual([0, 0, 0])
    expect(site.line.openStreams).toBe(0)
    expect(await page.locator('h1').textContent()).toBe('Shop')
  })
})

describe('shapes of the page', () => {
  test('without a doctype, in the way of old pages', async () => {
    const widget = await visit('/quirks', shopPage(tag()).replace('<!doctype html>\n', ''))
    expect(await widget.page.evaluate('document.compatMode')).toBe('BackCompat')
    await expectWorking(widget)
    expectNothingWrong(lab, widget.page)
  })

  test('a base that leads elsewhere', async () => {
    const widget = await visit(
      '/base',
      shopPage(tag(), { head: '<base href="http://elsewhere.example/x/" target="_top">' }),
    )
    await expectWorking(widget)
    expectNothingWrong(lab, widget.page)
  })

  test('no secure context: plain http, where browsers lack what others rely on', async () => {
    const widget = await visit('/plain', shopPage(tag()))
    expect(await widget.page.evaluate("[isSecureContext, 'randomUUID' in crypto]")).toEqual([false, false])
    await expectWorking(widget)
  })

  test('inside a frame', async () => {
    site.host.page('/framed', shopPage(tag()))
    const page = await lab.page()
    await page.goto(site.host.page('/frame', '<!doctype html><iframe src="/framed" width="900" height="600"></iframe>'))
    const frame = page.frameLocator('iframe')
    await frame.locator('switchboard-chat .launcher').click()
    const field = frame.getByRole('textbox', { name: 'Message', exact: true })
    await field.fill('hello')
    await field.press('Enter')
    await frame.getByText('echo: hello').waitFor()
    expectNothingWrong(lab, page)
  })

  test('a storage that throws at every touch: the chat remembers as long as the page is there', async () => {
    const page = await lab.page()
    await page.addInitScript('lab.refuseStorage()')
    const widget = widgetOf(page)
    await widget.open(site.host.page('/forgetful', shopPage(tag())))
    await expectWorking(widget)
    site.line.cut()
    await widget.says('again')
    await widget.sees('echo: again')
    await expectSeen(widget, ['hello', 'echo: hello', 'again', 'echo: again'])
    expectNothingWrong(lab, page)
  })

  test('a page that has changed what every program counts on', async () => {
    const page = await lab.page()
    await page.addInitScript('lab.strangeGlobals()')
    const widget = widgetOf(page)
    await widget.open(site.host.page('/changed', shopPage(tag())))
    await expectWorking(widget)
    expectNothingWrong(lab, page)
  })
})

describe('keys of the page', () => {
  test('shortcuts of the page take nothing of what is typed in the chat', async () => {
    const shortcuts = `<script>for (const type of ['keydown', 'keypress', 'keyup']) addEventListener(type, (event) => {
      if (/^(input|textarea)$/i.test(event.target.tagName)) return
      if ('/ jk'.includes(event.key)) event.preventDefault()
      if (event.key === '/') document.querySelector('#search').focus()
    })</script>`
    const widget = await visit('/keys', shopPage(tag(), { head: shortcuts, body: '<input id="search">' }))
    await widget.launcher.click()
    await widget.page.locator('switchboard-chat [aria-modal]').waitFor()
    await widget.composer.focus()
    await widget.page.keyboard.type('just ask about a/b, ok')
    expect(await widget.composer.inputValue()).toBe('just ask about a/b, ok')
    expect(await widget.page.inputValue('#search')).toBe('')
  })
})

describe('life of the page', () => {
  test('the element is moved to another place: the same chat, and one connection', async () => {
    const widget = await visit('/moved', shopPage(tag(), { body: '<div id="there"></div>' }))
    await expectWorking(widget)
    await expect.poll(() => site.line.openStreams, SOON).toBe(1)
    await widget.page.evaluate("document.querySelector('#there').append(document.querySelector('switchboard-chat'))")
    await widget.says('moved')
    await widget.sees('echo: moved')
    await expectSeen(widget, ['hello', 'echo: hello', 'moved', 'echo: moved'])
    await expect.poll(() => site.line.openStreams, SOON).toBe(1)
    expectNothingWrong(lab, widget.page)
  })

  test('the page is drawn anew without a load: the chat can be put back, and is not there twice', async () => {
    const widget = await visit('/spa', shopPage(tag()))
    await expectWorking(widget)
    await widget.page.evaluate('lab.drawAnew(true)')
    await widget.says('next')
    await widget.sees('echo: next')
    // Frameworks run the script again with every page.
    await widget.page.evaluate('lab.drawAnew(false)')
    await widget.page.evaluate(`lab.run('${site.base}chat.js')`)
    await expect.poll(() => widget.page.locator('switchboard-chat').count(), SOON).toBe(1)
    await expectWorking(widget)
    await expect.poll(() => site.line.openStreams, SOON).toBe(1)
    expectNothingWrong(lab, widget.page)
  })

  test('a removed chat lets go of its connection', async () => {
    const widget = await visit('/removed', shopPage(tag()))
    await expectWorking(widget)
    await widget.page.evaluate("document.querySelector('switchboard-chat').remove()")
    await expect.poll(() => site.line.openStreams, SOON).toBe(0)
  })

  test('two channels on one page are two chats', async () => {
    const page = await lab.page()
    await page.goto(site.host.page('/two', shopPage(tag(), { body: `<script ${tag(second)}></script>` })))
    await expect.poll(() => page.locator('switchboard-chat').count(), SOON).toBe(2)
    for (const i of [0, 1]) {
      const chat = page.locator('switchboard-chat').nth(i)
      await chat.locator('.launcher').click()
      const field = chat.getByRole('textbox', { name: 'Message', exact: true })
      await field.fill(`to number ${i}`)
      await field.press('Enter')
      await chat.getByText(`echo: to number ${i}`).waitFor()
    }
    expect(await page.locator('switchboard-chat').nth(0).getByRole('log').textContent()).not.toContain('number 1')
    expectNothingWrong(lab, page)
  })

  test('the script twice on one page is one chat', async () => {
    const page = await lab.page()
    await page.goto(site.host.page('/twice', shopPage(tag(), { body: `<script ${tag()}></script>` })))
    const widget = widgetOf(page)
    await expectWorking(widget)
    expect(await page.locator('switchboard-chat').count()).toBe(1)
    await expect.poll(() => site.line.openStreams, SOON).toBe(1)
  })

  test('a page that the browser keeps for the way back has no connection, and catches up when it is back', async () => {
    const widget = await visit('/kept', shopPage(tag()))
    await expectWorking(widget)
    // A browser that is driven by a program keeps no page, so that the program says what the browser else would.
    const turn = (type: string) =>
      widget.page.evaluate(`dispatchEvent(new PageTransitionEvent('${type}', { persisted: true }))`)
    await turn('pagehide')
    await expect.poll(() => site.line.openStreams, SOON).toBe(0)
    const headers = { authorization: `Bearer ${await tokenOf(widget.page)}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ id: randomUUID(), text: 'from my phone', language: 'en' })
    await fetch(`${site.base}v1/messages`, { method: 'POST', headers, body })
    await turn('pageshow')
    await expectSeen(widget, ['hello', 'echo: hello', 'from my phone', 'echo: from my phone'])
    await expect.poll(() => site.line.openStreams, SOON).toBe(1)
    expectNothingWrong(lab, widget.page)
  })

  test('a click while the widget is on its way is not lost', async () => {
    const page = await lab.page()
    const widget = widgetOf(page)
    const arrived = Promise.withResolvers<void>()
    await page.route('**/widget-*', async (route) => {
      await arrived.promise
      await route.continue()
    })
    await page.goto(site.host.page('/slow', shopPage(`${tag()} data-language="en"`)))
    await page.evaluate("switchboard('language', 'en')")
    await widget.launcher.click()
    arrived.resolve()
    await widget.composer.waitFor()
  })

  test('a widget that cannot be fetched leaves a button that says so, and tries again', async () => {
    const page = await lab.page()
    const widget = widgetOf(page)
    await page.route('**/widget-*', (route) => route.abort())
    await page.goto(site.host.page('/blocked', shopPage(tag())))
    await widget.launcher.click()
    await expect.poll(() => widget.launcher.getAttribute('aria-label'), SOON).toContain('Try again')
    await page.unroute('**/widget-*')
    await widget.launcher.click()
    await widget.composer.waitFor()
    expectNothingWrong(lab, page)
  })

  test('what the page says before the chat is there is done when it is', async () => {
    const queue =
      'window.switchboard=window.switchboard||function(){(window.switchboard.q=window.switchboard.q||[]).push(arguments)};'
    const head = `<script>${queue}switchboard('open')</script>`
    const page = await lab.page()
    // Whatever a test asks a page counts as a touch; here nobody has touched it.
    await page.addInitScript("Object.defineProperty(navigator, 'userActivation', { value: { isActive: false } })")
    await page.goto(site.host.page('/queued', shopPage(tag(), { head })))
    const widget = widgetOf(page)
    await widget.composer.waitFor()
    expect(await page.evaluate('document.activeElement.localName'), 'the focus is not taken').toBe('body')
    await page.evaluate("switchboard('close')")
    await expect.poll(() => widget.panel.isVisible(), SOON).toBe(false)
  })
})
