/** What calls whoever works here: sounds, notifications, the tab's title; and what is done by its name. */
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Row } from '../../plugins/desks/desk/api/shapes.ts'
import { KEYMAP } from '../../plugins/desks/desk/workbench/keymap.ts'
import { words as ofAccount } from '../../plugins/desks/desk/workbench/pages/account/words.ts'
import { faults } from './axe.ts'
import { expectNothingWrong, useChromium } from './chromium.ts'
import { workbenchOf } from './desk-site.ts'
import { type DeskWire, ME, rowOf, startDeskWire } from './desk-wire.ts'
import { SOON } from './widget.ts'

const lab = useChromium()
const NOW = Date.now()
const mine = (index: number, changes: Partial<Row> = {}) =>
  rowOf(index, { state: 'assigned', person: ME.name, unread: 0, ...changes })

let wire: DeskWire
beforeAll(async () => {
  wire = await startDeskWire([mine(1), mine(2), rowOf(3), rowOf(4, { customer: { id: 'u4', name: '王小丽' } })], () => [
    {
      id: 'e7',
      seq: 7,
      atMs: NOW,
      by: { kind: 'customer' },
      kind: 'message',
      parts: [{ type: 'text', text: 'hello' }],
    },
    { id: 'e8', seq: 8, atMs: NOW, by: { kind: 'bot' }, kind: 'reply', parts: [], deliveries: [] },
  ])
})
afterAll(() => wire[Symbol.asyncDispose]())

/** A customer of mine writes. */
let count = 0
function writes(index: number): void {
  count++
  const last = {
    by: { kind: 'customer' as const },
    text: `news ${count}`,
    part: 'text' as const,
    atMs: NOW + count * 1000,
  }
  wire.tell({ type: 'rows', rows: [mine(index, { last, unread: count })], gone: [] })
}

/** What the browser is given to hear and to show, and whether the tab has the lock that says that it is the one to do so. */
const EARS = `
  window.heard = []
  window.shown = []
  window.isCaller = false
  const locks = navigator.locks
  let latest
  // An empty tab, before it is the desk's, has none.
  if (locks)
    locks.request = (name, options, granted) => {
      const asked = LockManager.prototype.request.call(locks, name, options, (lock) => {
        latest = lock
        window.isCaller = true
        asked.catch(() => {
          if (latest === lock) window.isCaller = false
        })
        return granted(lock)
      })
      return asked
    }
  const Heard = OscillatorNode
  window.OscillatorNode = class extends Heard {
    constructor(context, options) {
      super(context, options)
      window.heard.push(options.frequency)
    }
  }
  window.Notification = class {
    static permission = 'default'
    static async requestPermission() {
      return (window.Notification.permission = 'granted')
    }
    constructor(title, { body }) {
      window.shown.push([title, body])
      window.notification = this
    }
    close() {}
  }`

async function listening(): Promise<{ readonly context: BrowserContext; tab(): Promise<Page> }> {
  const context = await lab.visitor({ viewport: { width: 1280, height: 800 } })
  await context.addInitScript({ content: EARS })
  return {
    context,
    async tab() {
      const page = await context.newPage()
      await page.goto(wire.address)
      await page.locator('.row').first().waitFor()
      return page
    },
  }
}
const heard = (page: Page) => page.evaluate<readonly number[]>('heard.splice(0)')
const shown = (page: Page) => page.evaluate<readonly (readonly string[])[]>('shown.splice(0)')
/** The browser gives a tab the lock some time after another one has lost it or is gone. */
const isCaller = (page: Page) => page.evaluate<boolean>('isCaller')
/** Sounds that come too soon after another are not played. */
const inAWhile = (page: Page) => page.clock.runFor(2_000)

test('news are heard once there was a click, in the tab that was used last, and shown by the system when nobody looks (C-CH-05, C-CH-06)', async () => {
  const { context, tab } = await listening()
  await context.clock.install()
  const first = await tab()
  const { words } = workbenchOf(first)
  const silent = first.getByRole('button', { name: words.rail.silent })
  await silent.waitFor()
  writes(1)
  await expect.poll(() => first.title(), SOON).toMatch(/^\(1\) /)
  expect(await heard(first)).toEqual([])
  await silent.click()
  await expect.poll(() => silent.count(), SOON).toBe(0)
  await inAWhile(first)
  writes(1)
  await expect.poll(() => heard(first), SOON).toHaveLength(1)

  const second = await tab()
  await second.getByRole('button', { name: words.rail.silent }).click()
  await expect.poll(() => isCaller(second), SOON).toBe(true)
  await inAWhile(second)
  writes(2)
  await expect.poll(() => heard(second), SOON).toHaveLength(1)
  expect(await heard(first)).toEqual([])
  // Used twice before the browser has given it the lock once.
  await first.evaluate(`for (let times = 0; times < 2; times++) dispatchEvent(new Event('focus'))`)
  await expect.poll(async () => [await isCaller(first), await isCaller(second)], SOON).toEqual([true, false])
  await inAWhile(first)
  writes(2)
  await expect.poll(() => heard(first), SOON).toHaveLength(1)
  expect(await heard(second)).toEqual([])
  await second.evaluate(`dispatchEvent(new Event('focus'))`)
  await expect.poll(async () => [await isCaller(first), await isCaller(second)], SOON).toEqual([false, true])
  await second.close()
  await expect.poll(() => isCaller(first), SOON).toBe(true)

  // Nobody has asked for them yet.
  await first.evaluate('document.hasFocus = () => false')
  await inAWhile(first)
  writes(2)
  await expect.poll(() => heard(first), SOON).toHaveLength(1)
  expect(await shown(first)).toEqual([])

  await first.locator('.opener').click()
  await first.getByRole('menuitem', { name: words.rail.myAccount }).click()
  const said = ofAccount.en
  await first.getByRole('button', { name: said.allow }).click()
  await first.getByText(said.permission.granted).waitFor()
  await first.getByRole('button', { name: said.testOf(said.events.reminder) }).click()
  await expect.poll(() => shown(first), SOON).toEqual([[words.notices.reminder, words.notices.reminderHint]])
  expect(await heard(first)).toHaveLength(3)
  await first.getByLabel(said.by(said.events.message, said.sound)).uncheck()
  await inAWhile(first)
  writes(2)
  await expect.poll(() => shown(first), SOON).toEqual([[`${words.notices.message}: Customer 2`, `news ${count}`]])
  expect(await heard(first)).toEqual([])
  await first.evaluate('notification.onclick()')
  await first.getByRole('heading', { name: 'Customer 2' }).waitFor()

  const { people, teams } = wire.answers['GET /now']?.([], new URLSearchParams()) ?? { people: [], teams: [] }
  const reminder = { team: 'presale', sinceMs: NOW }
  const status = { name: 'away', isForChats: false, sinceMs: NOW }
  wire.tell({ type: 'people', people: people.map((one) => ({ ...one, status, reminder })), teams })
  await first.getByText(words.strip.reminder('presale', 'Away')).waitFor()
  await expect.poll(() => shown(first), SOON).toEqual([[words.notices.reminder, words.notices.reminderHint]])
  await inAWhile(first)
  writes(1)
  await expect.poll(() => first.title(), SOON).not.toMatch(/^\(/)
  expect(await shown(first)).toEqual([])
  expectNothingWrong(lab, first)
})

test('everything that can be done is found by its name: actions, conversations, pages, statuses', async () => {
  wire.answers['GET /me'] = () => ({ ...ME, role: 'administrator' })
  const page = await lab.page({ viewport: { width: 1280, height: 800 } })
  const amys = workbenchOf(page)
  const { words } = amys
  const { keyboard } = page
  await page.goto(wire.address)
  await page.locator('.row').first().waitFor()
  const options = amys.dialog.getByRole('option')
  const choose = async (what: string, title: string) => {
    await keyboard.press('Control+k')
    await amys.dialog.getByRole('combobox').fill(what)
    await amys.dialog.getByRole('option', { name: title, selected: true }).waitFor()
    await keyboard.press('Enter')
  }
  const offered = async () => {
    await keyboard.press('Control+k')
    await options.first().waitFor()
    return (await options.allTextContents()).join()
  }

  // Nothing is open that could be passed on.
  expect(await offered()).not.toContain(words.help.transfer)
  await keyboard.press('Escape')
  await choose('小丽', '王小丽')
  await page.getByRole('heading', { name: '王小丽' }).waitFor()
  const now = await offered()
  for (const { key, what } of KEYMAP.flatMap(([, keys]) => keys))
    if (key !== undefined) expect(now).toContain(words.help[what])
  expect(await faults(page), 'the palette').toEqual([])
  // From the first one up comes the last.
  await keyboard.press('ArrowUp')
  expect(await options.last().getAttribute('aria-selected')).toBe('true')
  await keyboard.press('Escape')
  await choose('transf', words.help.transfer)
  await amys.dialog.getByRole('heading', { name: words.transfer.title }).waitFor()
  await keyboard.press('Escape')
  const unread = page.waitForRequest(/\/read$/)
  await keyboard.press('u')
  expect((await unread).postDataJSON()).toEqual({ seq: 6, isBack: true })
  await page.getByText(words.pane.none).waitFor()
  await choose('audit', 'Audit log')
  await page.getByRole('heading', { level: 1, name: 'Audit log' }).waitFor()
  const asked = page.waitForRequest(/\/api\/status$/)
  await choose('stat away', words.palette.status('Away'))
  expect((await asked).postDataJSON()).toEqual({ status: 'away' })
  // Whom other words have found is opened by none of these, also before the desk has answered.
  await keyboard.press('Control+k')
  await amys.dialog.getByRole('combobox').fill('小丽')
  await amys.dialog.getByRole('option', { name: '王小丽' }).waitFor()
  await page.route('**/api/conversations?*', () => undefined)
  await amys.dialog.getByRole('combobox').fill('Customer 2')
  await expect.poll(() => options.count(), SOON).toBe(0)
  expect(await amys.dialog.getByText(words.palette.nothing).count()).toBe(0)
  await page.unrouteAll()
  await amys.dialog.getByRole('combobox').fill('no such thing')
  await amys.dialog.getByText(words.palette.nothing).waitFor()
  expectNothingWrong(lab, page)
})
