/** The page of customers: to find somebody, to see all of them, and to do what can be done. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import survey, { QUESTION } from '../../plugins/desks/desk/simulated-survey.ts'
import { words } from '../../plugins/desks/desk/workbench/pages/customers/words.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { type DeskSite, startDeskSite, workbenchOf } from './desk-site.ts'
import { looksRight, WIDE } from './looks-right.ts'
import { SOON } from './widget.ts'

const lab = useChromium()

let site: DeskSite
beforeAll(async () => {
  site = await startDeskSite({ features: [{ use: survey }] })
})
afterAll(() => site[Symbol.asyncDispose]())

test.each(['en', 'zh-CN'] as const)(
  'customers are found, known, read across conversations, called back, merged and erased: %s (C-CU-04, C-CU-11, C-CU-13, C-CU-14, C-BL-01)',
  async (locale) => {
    const said = words[locale]
    const { runtime } = site
    const name = locale === 'en' ? 'Emma Stone' : '王小丽'
    // Two spaces: a page shows them as one, and so it is typed.
    // No digit: the row of the other, with the time of day behind the name, would be one that begins so too.
    const twin = `${name}  II`
    const asTyped = `${name} II`
    for (let episode = 1; episode <= 3; episode++) {
      for (let line = 1; line <= 12; line++)
        await runtime.user(name, { name }).says(`${episode}.${line}`).hears(`echo: ${episode}.${line}`)
      await runtime.agent('bo').takes(name)
      await runtime.agent('bo').closes(name, 'solved')
      await runtime.user(name).hears(QUESTION)
      if (episode === 2) await runtime.user(name).says('4 quick and kind')
    }
    await runtime.user(twin, { name: twin }).says('me again')
    await runtime.idle()
    const context = await lab.visitor({ locale, viewport: WIDE, colorScheme: locale === 'en' ? 'light' : 'dark' })
    await context.addCookies([...(await site.cookiesOf('amy'))])
    const page = await context.newPage()
    const { words: shared, dialog, list, rows } = workbenchOf(page, locale)
    const button = (label: string) => page.getByRole('button', { name: label, exact: true })

    // How they found it stands beside each closed conversation, and above the open one.
    const { rating } = shared.entry
    await page.goto(site.desk)
    await list('closed')
    await rows.getByTitle(rating.asked).first().waitFor()
    await rows.filter({ hasText: name, has: page.getByTitle(rating.given(4, 5)) }).click()
    await page.locator('.pane-title').getByText(rating.given(4, 5)).waitFor()
    await page.locator('.past').getByText(rating.given(4, 5)).waitFor()
    await looksRight(page, `closed-${locale}-rated`)

    // The list has who came this week; it is searched, and the address says what is listed.
    await page.goto(`${site.desk}#page=customers`)
    await page.getByRole('row', { name: twin }).waitFor()
    // Whoever was elsewhere meanwhile is shown who has come since.
    await page.keyboard.press('1')
    await page.getByRole('heading', { level: 1, name: said.title }).waitFor({ state: 'detached' })
    await runtime.user(`new ${locale}`, { name: `new ${locale}` }).says('hello')
    await runtime.idle()
    await page.goBack()
    await page.getByRole('row', { name: `new ${locale}` }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(name)
    await expect.poll(() => new URLSearchParams(new URL(page.url()).hash.slice(1)).get('search'), SOON).toBe(name)
    // The address is there before what it leads to is asked for.
    await page.getByRole('row', { name: `new ${locale}` }).waitFor({ state: 'detached' })
    await looksRight(page, `customers-${locale}`)
    await page.getByLabel(said.came).selectOption('other')
    await dialog.getByRole('table').waitFor()
    await looksRight(page, `customers-${locale}-days`)
    await dialog.getByRole('button', { name: shared.range.show }).click()
    await expect.poll(() => new URL(page.url()).hash, SOON).toMatch(/from=\d{4}-\d\d-\d\d/)
    // Other days than those.
    await page.getByLabel(said.came).selectOption('other')
    await dialog.getByRole('table').waitFor()
    expect(await page.getByLabel(said.came).inputValue()).toBe('days')
    await page.keyboard.press('Escape')
    await page.getByRole('table').getByRole('button', { name, exact: true }).click()

    // Who it is: a field and a tag are changed where they stand.
    await page.getByRole('heading', { level: 1, name }).waitFor()
    await page.getByLabel(shared.customer.fields.company).fill('Cups & Co')
    await button(said.save).click()
    await page.getByText(said.saved).waitFor()
    // What is being written stays, whatever else happens to the customer, and while another tab is looked at.
    const notes = page.getByLabel(shared.customer.fields.notes)
    await notes.fill('pays by invoice')
    await page.evaluate(
      `fetch('api/customers/' + new URLSearchParams(location.hash.slice(1)).get('customer') + '/change',
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"fields":{"phone":"0170 1234"}}' })`,
    )
    await page.getByPlaceholder(said.newTag).fill('VIP')
    await page.keyboard.press('Enter')
    await button(said.removeTag('VIP')).waitFor()
    expect(await page.getByLabel(shared.customer.fields.phone).inputValue()).toBe('0170 1234')
    await page.getByRole('tab', { name: said.tabs.history }).click()
    await page.getByRole('tab', { name: said.tabs.profile }).click()
    expect(await notes.inputValue()).toBe('pays by invoice')
    await button(said.save).click()
    await button(said.save).waitFor({ state: 'detached' })
    expect(await runtime.customer(name)).toMatchObject({
      tags: ['VIP'],
      fields: { company: 'Cups & Co', phone: '0170 1234', notes: 'pays by invoice' },
    })
    await looksRight(page, `customer-${locale}`)

    // What was said: from the end upward, and from a conversation to the next.
    await page.getByRole('tab', { name: said.tabs.history }).click()
    const log = page.getByRole('region', { name: said.messages })
    await log.getByText(said.allRead).waitFor()
    await looksRight(page, `customer-${locale}-history`)
    await button(said.moreBefore).click()
    await log.getByText(shared.pane.start).waitFor()
    const lines = [1, 2, 3].flatMap((episode) => [
      ...Array.from({ length: 12 }, (_, line) => [`${episode}.${line + 1}`, `echo: ${episode}.${line + 1}`]).flat(),
      QUESTION,
      ...(episode === 2 ? ['4 quick and kind'] : []),
    ])
    expect(await log.locator('.bubble.text').allTextContents()).toEqual(lines)
    expect(await log.locator('.separator.conversation').count()).toBe(6)
    // How the customer found each: where it ends, and in the list, the latest first.
    const found = [rating.asked, rating.given(4, 5), rating.asked]
    expect(await log.locator('.summary dd').allTextContents()).toEqual(
      found.map((each) => expect.stringContaining(each)),
    )
    await log.getByText('“quick and kind”').waitFor()
    expect(await page.locator('.past small').allTextContents()).toEqual(
      found.map((each) => expect.stringContaining(each)),
    )
    await page.locator('.past').last().click()
    await log.getByText('1.1', { exact: true }).waitFor()
    const focused = () => page.evaluate<string>("document.activeElement?.nextElementSibling?.textContent ?? ''")
    for (const episode of [2, 3]) {
      await button(said.nextConversation).click()
      await expect.poll(focused, SOON).toContain(`${episode}.1`)
    }

    // What can be done.
    await button(shared.customer.block).click()
    await dialog.getByLabel(shared.customer.blockReason).fill('spam')
    await dialog.getByRole('button', { name: shared.customer.block }).click()
    await button(shared.customer.unblock).waitFor()
    await button(said.callBack).click()
    // An answer that is lost: the same text is the same command, another one is another.
    const ids: string[] = []
    await page.route('**/call-back', (route) => {
      ids.push(route.request().postDataJSON().id)
      return ids.length < 3 ? route.abort() : route.fallback()
    })
    await dialog.getByLabel(said.firstMessage).fill('Hello!')
    for (const times of [1, 2]) {
      await dialog.getByRole('button', { name: said.callBack }).click()
      await expect.poll(() => ids.length, SOON).toBe(times)
      await dialog.getByText(shared.refusals.OFFLINE).waitFor()
    }
    await dialog.getByLabel(said.firstMessage).fill('Hello?')
    await dialog.getByRole('button', { name: said.callBack }).click()
    await dialog.getByText(shared.refusals.BLOCKED).waitFor()
    expect(ids[1]).toBe(ids[0])
    expect(ids[2]).not.toBe(ids[0])
    await looksRight(page, `customer-${locale}-call-back`)
    await page.keyboard.press('Escape')
    await button(shared.customer.unblock).click()
    await button(shared.customer.block).waitFor()
    await button(said.merge).click()
    await dialog.getByPlaceholder(said.search).fill(twin)
    await dialog.getByRole('radio', { name: twin }).check()
    await dialog.getByText(said.mergeText(name, twin)).waitFor()
    await looksRight(page, `customer-${locale}-merge`)
    await dialog.getByRole('button', { name: said.merge }).click()
    await page.getByRole('heading', { level: 1, name: twin }).waitFor()
    await button(said.callBack).click()
    await dialog.getByLabel(said.channel).selectOption({ label: `memory · ${name}` })
    await dialog.getByLabel(said.firstMessage).fill('Are you there?')
    await dialog.getByRole('button', { name: said.callBack }).click()
    await page.getByRole('log').getByText('Are you there?').waitFor()
    await page.goBack()
    await button(said.erase).click()
    await dialog.getByLabel(said.eraseType(asTyped)).fill(asTyped)
    await dialog.getByRole('button', { name: said.erase }).click()
    await dialog.getByText(shared.refusals.CUSTOMER_BUSY).waitFor()
    await runtime.agent('amy').closes(name)
    await runtime.agent('amy').closes(twin)
    await runtime.idle()
    await dialog.getByRole('button', { name: said.erase }).click()
    await page.getByRole('heading', { level: 1, name: said.title }).waitFor()
    await page.getByText(said.none).waitFor()
    expectNothingWrong(lab, page)
  },
)

test.each(['en', 'zh-CN'] as const)(
  'an agent without the list has the customer of a conversation: who it is, with tags and notes, and each conversation with its end: %s (C-CU-02, C-CU-07, C-CU-10)',
  async (locale) => {
    const said = words[locale]
    const { runtime } = site
    const name = locale === 'en' ? 'Mia Wong' : '王美娅'
    await runtime.user(name, { name }).says('hello').hears('echo: hello')
    await runtime.agent('bo').takes(name)
    await runtime.agent('bo').closes(name, 'solved')
    await runtime.user(name).hears(QUESTION)
    await runtime.user(name).says('once more').hears('echo: once more')
    await runtime.agent('bo').takes(name)
    await runtime.idle()
    const context = await lab.visitor({ locale, viewport: WIDE, colorScheme: locale === 'en' ? 'dark' : 'light' })
    await context.addCookies([...(await site.cookiesOf('bo'))])
    const page = await context.newPage()
    const { words: shared, rows, button } = workbenchOf(page, locale)
    await page.goto(site.desk)
    await rows.filter({ hasText: name }).getByRole('button').first().click()
    const past = page.locator('.panel .past')
    await expect.poll(() => past.count(), SOON).toBe(2)
    expect(await past.last().locator('time').count()).toBe(2)
    await button(shared.customer.page).click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    await page.getByLabel(shared.customer.fields.notes).fill('pays by invoice')
    await button(said.save).click()
    await button(said.save).waitFor({ state: 'detached' })
    await page.getByPlaceholder(said.newTag).fill('VIP')
    await page.keyboard.press('Enter')
    await button(said.removeTag('VIP')).waitFor()
    await looksRight(page, `customer-${locale}-of-an-agent`)
    // There is no list to go back to: it leads to the conversation, where all of it stands beside.
    expect(await button(said.back).count()).toBe(0)
    await button(shared.page.toConversations).click()
    await page.locator('.panel .tags').getByText('VIP').waitFor()
    await page.locator('.panel').getByText('pays by invoice').waitFor()
    await page.evaluate("location.hash = '#page=customers'")
    await page.getByRole('heading', { name: shared.page.notThere }).waitFor()
    await runtime.agent('bo').closes(name)
    expectNothingWrong(lab, page)
  },
)
