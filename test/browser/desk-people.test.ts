/** The pages of those who look after the desk and let people in, and everybody's own: what they show, and what is done there. */
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Token } from '../../plugins/desks/desk/api/shapes.ts'
import { words as ofAccount } from '../../plugins/desks/desk/workbench/pages/account/words.ts'
import { words as ofMonitor } from '../../plugins/desks/desk/workbench/pages/monitor/words.ts'
import { words as ofPeople } from '../../plugins/desks/desk/workbench/pages/people/words.ts'
import { faults } from './axe.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { type DeskSite, PASSWORD, startDeskSite, workbenchOf } from './desk-site.ts'
import { type DeskWire, ME, rowOf, startDeskWire } from './desk-wire.ts'
import { picture } from './looks-right.ts'
import { ONE_MOMENT } from './site.ts'
import { SOON } from './widget.ts'

const lab = useChromium()
const WIDE = { width: 1400, height: 860 }

describe('at work', () => {
  let site: DeskSite
  beforeAll(async () => {
    site = await startDeskSite()
  })
  afterAll(() => site[Symbol.asyncDispose]())

  async function desk(person: 'amy' | 'bo', page = '', options: BrowserContextOptions = {}) {
    const context = await lab.visitor({ viewport: WIDE, ...options })
    await context.addCookies([...(await site.cookiesOf(person))])
    const workbench = workbenchOf(await context.newPage(), options.locale === 'zh-CN' ? 'zh-CN' : 'en')
    await workbench.page.goto(`${site.desk}${page}`)
    await workbench.page.locator('.opener .dot').waitFor()
    return workbench
  }

  test('the monitor shows who waits, why and how long, and who has what; from there it is given, taken over, and statuses are set', async () => {
    const said = ofMonitor.en
    const bo = await desk('bo', '', { locale: 'zh-CN' })
    const amy = await desk('amy', '#page=monitor')
    const { page } = amy
    await page.getByText(said.empty).waitFor()
    await site.runtime.user('Emma', { name: 'Emma' }).says('person').hears(ONE_MOMENT)
    const queue = page.getByRole('table', { name: said.queueOf('presale') })
    const waiting = queue.getByRole('row', { name: 'Emma' })
    await waiting.waitFor()
    expect(await waiting.textContent()).toContain('asked for a person')
    const first = await waiting.locator('.waiting').textContent()
    await expect.poll(() => waiting.locator('.waiting').textContent(), SOON).not.toBe(first)
    expect(await page.locator('.tile').first().textContent()).toBe(`${said.waiting}1`)
    await page.getByText(said.waits.room).waitFor()

    await page.getByRole('button', { name: said.assignOf('Emma') }).click()
    await amy.dialog.getByText('Bo van Dyke').click()
    await amy.dialog.getByRole('button', { name: amy.words.transfer.submit, exact: true }).click()
    await bo.page.locator('.row', { hasText: 'Emma' }).getByRole('button').first().click()
    await bo.says('你好 Emma')
    const bos = page.locator('tbody', { has: page.getByRole('rowheader', { name: 'Bo van Dyke' }) })
    await bos.getByText('ago').waitFor()
    await bos.getByRole('button', { name: said.showTheirs('Bo van Dyke', '1 / 5') }).click()
    await bos.getByRole('row', { name: 'Emma' }).waitFor()

    const status = bos.getByRole('combobox', { name: said.statusOf('Bo van Dyke') })
    await status.selectOption('meeting')
    await bo.page.getByText(bo.words.strip.away('会议中')).waitFor()
    await bos.getByText(/^set by Amy Chen/).waitFor()
    await page.getByText(said.waits.room).waitFor({ state: 'detached' })

    await page.getByRole('button', { name: said.wallboard }).click()
    await page.locator('.wall').getByRole('rowheader', { name: 'aftersale' }).waitFor()
    expect(await page.locator('.rail').isVisible()).toBe(false)
    expect(new URL(page.url()).hash).toBe('#page=monitor&view=wall')
    await page.keyboard.press('Escape')
    await bos.getByRole('button', { name: said.showTheirs('Bo van Dyke', '1 / 5') }).click()
    await page.getByRole('button', { name: said.takeOverOf('Emma') }).click()
    await page.getByRole('heading', { name: 'Emma' }).waitFor()
    await page.getByText(amy.words.pane.ownerYou).waitFor()
    for (const one of [amy, bo]) expectNothingWrong(lab, one.page)
  })

  test('people are let in by a link that is shown once, and signed out; programs by a token', async () => {
    const said = ofPeople.en
    const amy = await desk('amy', '#page=people')
    const { page } = amy
    const cais = page.getByRole('row', { name: /蔡明/ })
    await cais.getByText(said.noPassword).waitFor()
    await page.getByRole('button', { name: said.inviteOf('蔡明') }).click()
    const link = await amy.dialog.getByLabel(said.link).inputValue()
    await amy.dialog.getByRole('button', { name: said.done }).click()
    await cais.getByText(/Invited, until/).waitFor()
    expect(await page.content()).not.toContain(link)
    const cai = workbenchOf(await lab.page({ locale: 'zh-CN', viewport: WIDE }), 'zh-CN')
    await cai.comesBy(link)
    await page.reload()
    await cais.getByText(said.hasPassword).waitFor()
    expect(await cais.textContent()).toContain('Chrome · Linux')
    await page.getByRole('button', { name: said.signOutOf('蔡明') }).click()
    await amy.dialog.getByText(said.signOutText(1)).waitFor()
    await amy.dialog.getByRole('button', { name: said.signOut, exact: true }).click()
    await cai.dialog.getByText(cai.words.signIn.againText).waitFor()
    await cais.getByText(said.nowhere).waitFor()

    await page.getByRole('button', { name: said.newToken }).click()
    await amy.dialog.getByLabel(said.tokenName).fill('crm')
    await amy.dialog.getByText(said.roles.supervisor).click()
    await amy.dialog.getByText('presale').click()
    await amy.dialog.getByRole('button', { name: said.make }).click()
    const secret = await amy.dialog.getByLabel(said.secret).inputValue()
    await amy.dialog.getByRole('button', { name: said.done }).click()
    const asMachine = async () => {
      const answer = await fetch(`${site.desk}api/me`, { headers: { authorization: `Bearer ${secret}` } })
      return [answer.status, await answer.json()]
    }
    expect(await asMachine()).toMatchObject([200, { name: 'crm', role: 'supervisor', teams: ['presale'] }])
    const row = page.getByRole('row', { name: 'crm' })
    expect(await row.textContent()).toContain('Amy Chen')
    await page.getByRole('button', { name: said.revokeOf('crm') }).click()
    await amy.dialog.getByRole('button', { name: said.revoke, exact: true }).click()
    await row.waitFor({ state: 'detached' })
    expect(await asMachine()).toMatchObject([401, { code: 'NOT_SIGNED_IN' }])
    for (const one of [page, cai.page]) expectNothingWrong(lab, one)
  })

  test('everybody has their own page: language, keys, password, and where they are signed in; names stand in the YAML (C-GR-12)', async () => {
    const said = ofAccount['zh-CN']
    const bo = await desk('bo', '', { locale: 'zh-CN' })
    const { page } = bo
    await page.locator('.opener').click()
    await page.getByRole('menuitem', { name: bo.words.rail.myAccount }).click()
    await page.getByRole('heading', { level: 1, name: said.title }).waitFor()
    await page.getByText(said.signedInAs('Bo van Dyke', said.roles.agent)).waitFor()
    const fields = page.getByRole('main').getByRole('textbox')
    for (const field of await fields.all()) expect(await field.getAttribute('type'), 'no name').toBe('password')

    const next = 'another cup of green tea'
    const fill = async (now: string, again = next) => {
      await page.getByLabel(said.now).fill(now)
      await page.getByLabel(said.next, { exact: true }).fill(next)
      await page.getByLabel(said.repeat).fill(again)
      await page.getByRole('button', { name: said.change }).click()
    }
    await fill(PASSWORD, 'something else')
    await page.getByText(said.differ).waitFor()
    await fill('not the password')
    await page.getByText(bo.words.refusals.SIGN_IN_REFUSED).waitFor()
    await fill(PASSWORD)
    await page.getByText(said.changed).waitFor()

    const phone = workbenchOf(await lab.page({ userAgent: 'Mozilla/5.0 (iPhone) Safari/604.1', viewport: WIDE }))
    await phone.page.goto(site.desk)
    await phone.page.getByLabel(phone.words.signIn.who).fill('bo')
    await phone.page.getByLabel(phone.words.signIn.password).fill(next)
    await phone.button(phone.words.signIn.submit).click()
    await phone.page.locator('.opener .dot').waitFor()
    await page.reload()
    await page.getByRole('row', { name: 'Safari · iPhone' }).getByRole('button', { name: said.end }).click()
    await phone.dialog.getByText(phone.words.signIn.againText).waitFor()
    await expect.poll(() => page.getByRole('row', { name: 'Safari · iPhone' }).count(), SOON).toBe(0)
    await page.getByText(said.isThis, { exact: true }).waitFor()

    await page.getByLabel(bo.words.help.single).uncheck()
    await page.locator('body').press('?')
    expect(await bo.dialog.count()).toBe(0)
    await page.locator('body').press('Control+k')
    await bo.dialog.waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('English').click()
    await page.getByRole('heading', { level: 1, name: ofAccount.en.title }).waitFor()
    expectNothingWrong(lab, page)
  })
})

describe('to look at', () => {
  const NOW = Date.now()
  const MINUTE = 60_000
  let wire: DeskWire
  beforeAll(async () => {
    const rows = Array.from({ length: 6 }, (_, index) =>
      rowOf(index, {
        queuedBecause: index % 2 === 0 ? 'asked for a person' : 'unknown 2 times',
        team: index === 5 ? 'night' : 'presale',
      }),
    )
    const bos = rowOf(20, { state: 'assigned', person: 'bo', customer: { id: 'u', name: 'Sofia Rossi' } })
    wire = await startDeskWire([...rows, bos, rowOf(21, { state: 'bot' })])
    wire.answers['GET /me'] = () => ({ ...ME, role: 'administrator' })
    const firefox = 'Mozilla/5.0 (Windows NT 10.0; rv:150.0) Gecko/20100101 Firefox/150.0'
    const session = {
      id: 's',
      startedAtMs: NOW - 3000 * MINUTE,
      lastSeenAtMs: NOW,
      address: '192.0.2.7',
      browser: firefox,
    }
    wire.answers['GET /people'] = () => ({
      people: [
        {
          name: 'amy',
          title: 'Amy Chen',
          role: 'administrator',
          teams: ['presale'],
          hasPassword: true,
          sessions: [session],
        },
        {
          name: 'bo',
          title: 'Bo van Dyke',
          role: 'supervisor',
          teams: [],
          hasPassword: true,
          invitedUntilMs: NOW + 900 * MINUTE,
          sessions: [],
        },
        {
          name: 'cai',
          title: '蔡明',
          role: 'agent',
          teams: ['presale', 'aftersale'],
          hasPassword: false,
          sessions: [],
        },
        {
          name: 'dan',
          title: 'Dan Osei',
          role: 'agent',
          teams: [],
          hasPassword: false,
          invitedUntilMs: NOW + 900 * MINUTE,
          sessions: [],
        },
      ],
    })
    const token: Token = {
      id: 't',
      name: 'CRM of the shop',
      role: 'supervisor',
      teams: ['presale'],
      madeAtMs: NOW,
      madeBy: 'amy',
    }
    wire.answers['GET /tokens'] = () => ({ tokens: [token] })
    wire.answers['POST /tokens'] = () => ({ token, secret: 'sbt_made-up-for-a-picture-and-good-for-nothing' })
    wire.answers['POST /people/:person/invite'] = () => ({
      link: `${wire.address}#link=made-up`,
      untilMs: NOW + 1440 * MINUTE,
    })
    wire.answers['GET /sessions'] = () => ({
      sessions: [
        { ...session, isThis: true },
        { ...session, id: 's2', isThis: false },
      ],
    })
  })
  afterAll(() => wire[Symbol.asyncDispose]())

  /** Each state of each page. */
  async function states(page: Page, language: 'en' | 'zh-CN', at: (state: string) => Promise<void>): Promise<void> {
    const [people, monitor, account] = [ofPeople[language], ofMonitor[language], ofAccount[language]]
    const dialog = page.getByRole('dialog')
    await page.goto(`${wire.address}#page=monitor`)
    await page.getByRole('button', { name: monitor.showTheirs('Bo van Dyke', monitor.loadOf(5, 5)) }).click()
    await page.getByRole('rowheader', { name: 'Sofia Rossi' }).waitFor()
    await at('monitor')
    // By its address, as a screen on the wall has it; the button would make it the whole screen.
    await page.goto(`${wire.address}#page=monitor&view=wall`)
    await page.locator('.wall').waitFor()
    await at('wall')
    await page.goto(`${wire.address}#page=people`)
    await page.getByText(people.noPassword).waitFor()
    await at('people')
    await page.getByRole('button', { name: people.inviteOf('蔡明') }).click()
    await dialog.getByLabel(people.link).waitFor()
    await at('people-link')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: people.newToken }).click()
    await dialog.getByLabel(people.tokenName).waitFor()
    await at('people-token')
    await page.keyboard.press('Escape')
    await page.goto(`${wire.address}#page=account`)
    await page.getByText(account.isThis, { exact: true }).waitFor()
    await at('account')
  }

  test.each([
    { locale: 'en', colorScheme: 'light' },
    { locale: 'zh-CN', colorScheme: 'dark' },
  ] as const)('axe finds nothing, and nothing is cut off from 320 to 1400: $locale, $colorScheme', async (how) => {
    const page = await lab.page({ ...how, viewport: WIDE })
    await states(page, how.locale, async (state) => {
      expect(await faults(page), state).toEqual([])
      for (const width of [320, 1400]) {
        await page.setViewportSize({ width, height: 860 })
        await picture(page, `${state}-${how.locale}-${width}`)
        expect(await page.evaluate<readonly string[]>('lab.misfits()'), `${state}, ${width}`).toEqual([])
      }
    })
    expectNothingWrong(lab, page)
  })
})
