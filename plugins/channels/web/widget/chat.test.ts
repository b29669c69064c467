import { expect, onTestFinished, test } from 'vitest'
import type { WidgetSettings } from '../protocol.ts'
import type { Browser } from './browser.ts'
import { type Chat, makeChat } from './chat.ts'
import { type Tab, type TestBrowser, testBrowser } from './testing/browser.ts'
import { type Server, testServer } from './testing/server.ts'

const SETTINGS: WidgetSettings = {
  channel: 'site',
  color: '#1a73e8',
  layout: 'left-right',
  position: 'right',
  theme: 'auto',
  offlineForm: true,
  uploads: { maxBytes: 1_000, types: ['image/*', 'application/pdf', '.log'] },
  collect: [],
}

interface Visit {
  readonly server: Server
  readonly browser: TestBrowser
  readonly tab: Tab
  readonly chat: Chat
}

/** A page with the chat, not yet started; whatever it opens is gone after the test. */
function openTab(server: Server, browser: TestBrowser, changes: Partial<Browser> = {}, settings = SETTINGS) {
  const tab = browser.tab(changes)
  const chat = makeChat({ base: server.base, settings, language: 'en' }, tab)
  onTestFinished(() => chat.stop())
  return { tab, chat }
}

async function visit(changes: Partial<Browser> = {}, settings = SETTINGS): Promise<Visit> {
  const server = await testServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const browser = testBrowser()
  const { tab, chat } = openTab(server, browser, changes, settings)
  return { server, browser, tab, chat }
}

/** The same, and online. */
async function online(changes: Partial<Browser> = {}, settings = SETTINGS): Promise<Visit> {
  const there = await visit(changes, settings)
  there.chat.start()
  await there.browser.soon(() => there.chat.view.connection === 'online')
  return there
}

const texts = ({ view }: Chat) =>
  view.items.map((item) => ('part' in item && 'text' in item.part ? item.part.text : ''))
test('nothing is asked before it is started', async () => {
  const { server, chat } = await visit()
  expect(chat.isKnown).toBe(false)
  expect(chat.view).toMatchObject({ connection: 'off', items: [], outbox: [], unread: 0 })
  expect(server.asked).toEqual([])
})

test('a question and its answer stand in the log, in order', async () => {
  const { server, browser, chat } = await online()
  chat.send('hello')
  await browser.soon(() => chat.view.items.length === 1)
  server.say('Good day.')
  await browser.soon(() => chat.view.items.length === 2)
  expect(texts(chat)).toEqual(['hello', 'Good day.'])
  expect(chat.view).toMatchObject({ outbox: [], unread: 1, hasOlder: false })
  expect(server.opened).toEqual(['socket'])
})
