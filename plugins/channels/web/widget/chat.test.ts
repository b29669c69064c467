import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Frame, WidgetSettings } from '../protocol.ts'
import type { Browser } from './browser.ts'
import { type Chat, makeChat } from './chat.ts'
import { problemOf } from './files.ts'
import { makeSender } from './form.ts'
import { type Tab, type TestBrowser, testBrowser } from './testing/browser.ts'
import { fetchFile } from './testing/fetched.ts'
import { type Server, testServer } from './testing/server.ts'

const SETTINGS: WidgetSettings = {
  channel: 'site',
  widget: 'widget.js',
  fetched: { more: 'more.js', files: 'files.js', form: 'form.js', events: 'events.js' },
  colors: '',
  layout: 'left-right',
  position: 'right',
  theme: 'auto',
  offlineForm: true,
  uploads: { maxBytes: 1_000, types: ['image/*', 'application/pdf'] },
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
  const chat = makeChat({ base: server.base, settings, language: 'en', fetch: fetchFile }, tab)
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
const states = ({ view }: Chat) => view.outbox.map(({ text, state, error }) => [text, state, ...(error ? [error] : [])])
const posted = (server: Server, path: string) =>
  server.asked.filter((one) => one.method === 'POST' && one.path === path)
const item = (seq: number, text: string) => ({
  type: 'item',
  item: { seq, id: `id${seq}`, atMs: 1, by: 'us', part: { type: 'text', text } },
})

/** Lets the network go on long enough for an answer, where nothing is to happen. */
async function rounds(ms = 40): Promise<void> {
  for (const endMs = performance.now() + ms; performance.now() < endMs; ) await setImmediate()
}

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

test('a message leaves the outbox in the change that shows it in the log', async () => {
  const { browser, chat } = await online()
  const counts: number[] = []
  chat.onChange(({ items, outbox }) => counts.push(items.length + outbox.length))
  chat.send('one')
  await browser.until(() => chat.view.items.length === 1 && chat.view.outbox.length === 0)
  browser.advance(20)
  expect(new Set(counts)).toEqual(new Set([1]))
})

test('listeners are called once for what comes together', async () => {
  const { server, browser, chat } = await online()
  browser.advance(20)
  const told: number[] = []
  chat.onChange(({ items }) => told.push(items.length))
  for (let n = 1; n <= 50; n++) server.say(`${n}`)
  await browser.soon(() => chat.view.items.length === 50)
  browser.advance(20)
  expect(told).toEqual([50])
})

test('a frame twice is shown once, and frames out of order stand in order', async () => {
  const { server, browser, chat } = await online()
  let held: Frame[] = []
  server.faults.distort = (frame) => {
    held = [frame, frame, ...held]
    return held.length < 6 ? [] : held.splice(0)
  }
  for (const text of ['one', 'two', 'three']) server.say(text)
  await browser.soon(() => chat.view.items.length === 3)
  expect(texts(chat)).toEqual(['one', 'two', 'three'])
})

test('a gap is never shown: what is lacking is asked for at once', async () => {
  const { server, browser, chat } = await online()
  const seen: string[] = []
  chat.onChange(({ items }) => seen.push(items.map(({ seq }) => seq).join()))
  server.faults.keepBack = true
  for (const text of ['one', 'two', 'three']) server.say(text)
  server.faults.keepBack = false
  server.say('four')
  await browser.until(() => chat.view.items.length === 4)
  browser.advance(20)
  expect(texts(chat)).toEqual(['one', 'two', 'three', 'four'])
  expect(seen.every((seqs) => '1,2,3,4'.startsWith(seqs))).toBe(true)
  expect(server.asked.find(({ path }) => path === 'v1/events')?.query.get('after')).toBe('0')
})

test('a number without a message does not stop the others', async () => {
  const { server, browser, chat } = await online()
  server.write(item(1_000_000, 'from nowhere'))
  await browser.soon(() => chat.view.connection === 'reconnecting')
  await browser.until(() => chat.view.connection === 'online')
  server.say('one')
  await browser.until(() => chat.view.items.length === 1)
  server.faults.keepBack = true
  server.say('two')
  server.faults.keepBack = false
  server.say('three')
  await browser.until(() => chat.view.items.length === 3)
  await rounds()
  expect(chat.view.connection).toBe('online')
  expect(server.opened.length).toBe(2)
})

test('a server that always tells of numbers that it does not have is asked ever more rarely', async () => {
  const { server, browser } = await online()
  let told = 0
  for (let ms = 0; ms < 60_000; ms += 500) {
    browser.advance(500)
    if (server.opened.length > told) server.write(item(1_000_000, 'from nowhere'))
    told = server.opened.length
    await rounds(4)
  }
  expect(told).toBeGreaterThan(2)
  expect(told).toBeLessThan(25)
})

test('a lost frame is noticed by the next snapshot', async () => {
  const { server, browser, chat } = await online()
  server.faults.keepBack = true
  server.say('one')
  server.set({ available: false })
  await browser.soon(() => chat.view.items.length === 1)
  expect(chat.view.snapshot).toMatchObject({ available: false, head: 1 })
})

test('whoever comes back after long begins with the latest page, and scrolls back for the rest', async () => {
  const { server, browser, tab, chat } = await online()
  server.say('0')
  await browser.soon(() => chat.view.items.length === 1)
  tab.tell('pagehide')
  for (let n = 1; n <= 250; n++) server.say(`${n}`)
  tab.tell('pageshow')
  await browser.soon(() => chat.view.items.at(-1)?.seq === 251)
  expect(chat.view.items.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 152))
  expect(chat.view.hasOlder).toBe(true)
  await Promise.all([chat.loadOlder(), chat.loadOlder()])
  expect(chat.view.items[0]?.seq).toBe(52)
  await chat.loadOlder()
  expect(chat.view.items.map(({ seq }) => seq)).toEqual(Array.from({ length: 251 }, (_, n) => n + 1))
  expect(chat.view.hasOlder).toBe(false)
  tab.tell('pagehide')
  for (let n = 251; n <= 400; n++) server.say(`${n}`)
  tab.tell('pageshow')
  await browser.soon(() => chat.view.items.at(-1)?.seq === 401)
  expect(chat.view.hasOlder).toBe(true)
})

test('where older items are no longer kept, scrolling back ends', async () => {
  const { server, browser, chat } = await online()
  for (let n = 1; n <= 120; n++) server.say(`${n}`)
  await browser.soon(() => chat.view.items.length === 120)
  server.trim(50)
  const next = openTab(server, browser).chat
  next.start()
  await browser.soon(() => next.view.items.at(-1)?.seq === 120)
  expect(next.view.hasOlder).toBe(true)
  await next.loadOlder()
  expect(next.view.hasOlder).toBe(false)
  expect(next.view.items[0]?.seq).toBe(50)
})

test('where the older items cannot be had now, they can be asked for again', async () => {
  const { server, browser, tab, chat } = await online()
  server.say('0')
  tab.tell('pagehide')
  for (let n = 1; n <= 150; n++) server.say(`${n}`)
  tab.tell('pageshow')
  await browser.soon(() => chat.view.hasOlder)
  server.faults.status = 503
  await chat.loadOlder()
  expect(chat.view.hasOlder).toBe(true)
  server.faults.status = undefined
  await chat.loadOlder()
  expect(chat.view.items.length).toBe(151)
})

test('frames that are not as the protocol has them break nothing', async () => {
  const { server, browser, chat } = await online()
  const wrong = [
    null,
    7,
    'text',
    {},
    { type: 'item' },
    { type: 'item', item: null },
    { type: 'item', item: { seq: -1 } },
    { type: 'item', item: { seq: '1', id: 'a', atMs: 1, by: 'us', part: { type: 'text', text: 'x' } } },
    { type: 'hello' },
    { type: 'hello', snapshot: { available: 'yes' } },
    { type: 'snapshot', snapshot: { available: false, conversation: 'bot', head: 1.5, read: 0 } },
    { type: 'snapshot', snapshot: { available: false, head: 0, read: 0 } },
    { type: 'skip', from: 'far' },
    { type: 'unheard' },
  ]
  for (const frame of wrong) server.write(frame)
  const parts = [
    { type: 'text' },
    { type: 'image', url: 1 },
    { type: 'link', url: 'https://shop.example' },
    { type: 'choices', prompt: 'Which?', choices: 'one' },
    { type: 'choices', prompt: 'Which?' },
    { type: 'toString' },
    { type: 'hologram' },
    undefined,
  ]
  parts.forEach((part, index) => {
    server.write({ type: 'item', item: { seq: index + 1, id: `${index}`, atMs: 1, by: 'us', part } })
  })
  const after = parts.length + 1
  server.write(item(after, 'fine'))
  await browser.soon(() => chat.view.items.length === 1)
  expect(chat.view.items.map(({ seq }) => seq)).toEqual([after])
  expect(chat.view.snapshot).toMatchObject({ available: true })
})

test('what is sent without a network goes out when it is back, once and in order', async () => {
  const { server, browser, chat } = await online()
  await server.down()
  for (const text of ['one', 'two', 'three']) chat.send(text)
  await browser.until(() => chat.view.connection === 'reconnecting' && chat.view.outbox[0]?.state === 'waiting')
  expect(states(chat).map(([text]) => text)).toEqual(['one', 'two', 'three'])
  await server.up()
  await browser.until(() => chat.view.items.length === 3)
  expect(texts(chat)).toEqual(['one', 'two', 'three'])
  expect(chat.view.outbox).toEqual([])
})

test('an answer that gets lost does not double the message', async () => {
  const { server, browser, chat } = await online()
  server.faults.loseAnswers = true
  server.faults.keepBack = true
  chat.send('once')
  await browser.until(() => posted(server, 'v1/messages').length >= 3)
  server.faults.loseAnswers = false
  server.faults.keepBack = false
  await browser.until(() => chat.view.outbox.length === 0)
  expect(texts(chat)).toEqual(['once'])
  expect(server.log().length).toBe(1)
})

test('one message is posted at a time', async () => {
  const { server, browser, chat } = await online()
  server.faults.loseAnswers = true
  server.faults.keepBack = true
  for (const text of ['one', 'two', 'three']) chat.send(text)
  await browser.until(() => posted(server, 'v1/messages').length >= 5)
  const bodies = posted(server, 'v1/messages').map(({ body }) => JSON.stringify(body))
  expect(bodies.every((body) => body.includes('"one"'))).toBe(true)
  expect(states(chat)).toContainEqual(['three', 'waiting'])
})

test('what the server does not take is shown as failed, and those behind it go on', async () => {
  const { server, browser, chat } = await online()
  chat.send('BAD')
  chat.send('good')
  await browser.soon(() => chat.view.items.length === 1)
  expect(texts(chat)).toEqual(['good'])
  expect(states(chat)).toEqual([['BAD', 'failed', 'TEXT_BAD']])
  chat.retry(chat.view.outbox[0]?.id ?? '')
  expect(chat.view.outbox[0]).toMatchObject({ state: 'sending', error: undefined })
  await browser.soon(() => chat.view.outbox[0]?.state === 'failed')
  chat.cancel(chat.view.outbox[0]?.id ?? '')
  expect(chat.view.outbox).toEqual([])
  expect(server.log().length).toBe(1)
})

test('a server that asks for a wait gets it, whatever is written meanwhile', async () => {
  const { server, browser, chat } = await online()
  server.faults.status = 429
  server.faults.retryAfter = '60'
  chat.send('one')
  await browser.soon(() => chat.view.outbox[0]?.state === 'waiting')
  server.faults.status = undefined
  chat.send('two')
  browser.advance(30_000)
  await rounds()
  expect(posted(server, 'v1/messages').length).toBe(1)
  browser.advance(30_000)
  await browser.until(() => chat.view.items.length === 2)
  expect(texts(chat)).toEqual(['one', 'two'])
})

test('a message that the stream does not bring is asked for', async () => {
  const { server, browser, chat } = await online()
  server.faults.keepBack = true
  chat.send('one')
  await browser.soon(() => server.log().length === 1)
  expect(chat.view.outbox.length).toBe(1)
  await browser.until(() => chat.view.items.length === 1)
  expect(chat.view.outbox).toEqual([])
})

test('what waits outlives the page, and is sent by the next one', async () => {
  const { server, browser, chat } = await online()
  await server.down()
  chat.send('one')
  chat.send('two')
  chat.choose({ id: 'c1', label: 'Yes' })
  await browser.until(() => chat.view.connection === 'reconnecting')
  chat.stop()
  await server.up()
  const next = openTab(server, browser)
  expect(next.chat.isKnown).toBe(true)
  expect(states(next.chat)).toEqual([
    ['one', 'waiting'],
    ['two', 'waiting'],
    ['Yes', 'waiting'],
  ])
  next.chat.start()
  await browser.until(() => next.chat.view.items.length === 3)
  expect(texts(next.chat)).toEqual(['one', 'two', 'Yes'])
  expect(next.chat.view.items[2]).toMatchObject({ choice: 'c1' })
  expect([...browser.stored.keys()].filter((key) => key.includes('out:'))).toEqual([])
})

test('what is in the storage and no message of ours is left out', async () => {
  const { server, browser } = await visit()
  browser.stored.set(`switchboard ${server.base} out:x`, '{"id":7}')
  browser.stored.set(`switchboard ${server.base} out:y`, 'nonsense')
  browser.stored.set('somebody else', 'out:z')
  const { chat } = openTab(server, browser)
  expect(chat.view.outbox).toEqual([])
  expect([...browser.stored.keys()]).toEqual(['somebody else'])
})

test('two tabs that open at once are one visitor', async () => {
  const { server, browser, chat } = await visit()
  const other = openTab(server, browser).chat
  chat.start()
  other.start()
  await browser.soon(() => chat.view.connection === 'online' && other.view.connection === 'online')
  chat.send('from the first')
  other.send('from the second')
  await browser.until(() => chat.view.items.length === 2 && other.view.items.length === 2)
  expect(texts(chat)).toEqual(texts(other))
})

test('what another tab has cancelled is not sent', async () => {
  const { server, browser, chat } = await online()
  server.faults.status = 503
  chat.send('never mind')
  await browser.soon(() => chat.view.outbox[0]?.state === 'waiting')
  const other = openTab(server, browser).chat
  expect(other.view.outbox.length).toBe(1)
  chat.cancel(chat.view.outbox[0]?.id ?? '')
  server.faults.status = undefined
  other.start()
  await browser.until(() => other.view.connection === 'online')
  expect(other.view.outbox).toEqual([])
  expect(server.log()).toEqual([])
})

test.each([
  [
    'throws at every call',
    () => {
      throw new Error('Storage is forbidden here.')
    },
  ],
  [
    'is full',
    (key: string) => {
      if (key) throw new DOMException('full', 'QuotaExceededError')
    },
  ],
])('the chat works where the storage %s', async (_name, refuse: (key: string) => void) => {
  const localStorage = {
    length: 0,
    key: () => null,
    getItem() {
      refuse('')
      return null
    },
    setItem: (key: string) => refuse(key),
    removeItem: () => refuse(''),
  }
  const { server, browser, chat } = await online({ localStorage })
  chat.send('one')
  await browser.soon(() => chat.view.items.length === 1)
  server.cut()
  await browser.until(() => server.opened.length === 2)
  expect(server.visitors.length).toBe(1)
})

test('the chat works where there is no storage at all, and remembers by itself', async () => {
  const server = await testServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const browser = testBrowser()
  let upgrades = 0
  const WebSocket = new Proxy(globalThis.WebSocket, {
    construct(target, [url, protocols]: [string, string[]]) {
      upgrades++
      return new target(url, protocols)
    },
  })
  const tab = browser.tab({ WebSocket })
  Object.defineProperty(tab, 'localStorage', {
    get() {
      throw new DOMException('sandboxed', 'SecurityError')
    },
  })
  const chat = makeChat({ base: server.base, settings: SETTINGS, language: 'en', fetch: fetchFile }, tab)
  onTestFinished(() => chat.stop())
  server.faults.refuseUpgrades = true
  chat.start()
  chat.send('one')
  await browser.soon(() => chat.view.items.length === 1 && chat.view.connection === 'online')
  for (const times of [2, 3, 4]) {
    server.cut()
    await browser.until(() => server.opened.length === times && chat.view.connection === 'online')
  }
  expect(upgrades).toBe(2)
})

test('ids are unguessable also where the page has no https', async () => {
  const { server, browser, chat } = await online({
    crypto: { getRandomValues: (numbers) => globalThis.crypto.getRandomValues(numbers) },
  })
  chat.send('one')
  chat.send('two')
  await browser.soon(() => server.log().length === 2)
  const ids = server.log().map(({ id }) => id)
  expect(new Set(ids).size).toBe(2)
  for (const id of ids) expect(id).toMatch(/^\d+-\d+-\d+-\d+$/)
})

test('C-CU-12: nothing of the surroundings is sent that is not to be collected', async () => {
  const { server, browser, chat } = await online()
  chat.setLanguage('zh-CN')
  chat.send('one')
  await browser.soon(() => server.log().length === 1)
  expect(posted(server, 'v1/messages')[0]?.body).toEqual({ id: expect.any(String), text: 'one', language: 'zh-CN' })
})

test('C-CU-12: what is to be collected is sent', async () => {
  const { server, browser, chat } = await online({}, { ...SETTINGS, collect: ['page', 'referrer', 'timeZone'] })
  chat.send('one')
  await browser.soon(() => server.log().length === 1)
  expect(posted(server, 'v1/messages')[0]?.body).toMatchObject({
    page: 'https://shop.example/cart?item=7',
    referrer: 'https://search.example/?q=shop',
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  })
})

test('where an upgrade is refused, events come at once by another way', async () => {
  const { server, browser, chat } = await visit()
  server.faults.refuseUpgrades = true
  chat.start()
  await browser.soon(() => chat.view.connection === 'online')
  server.say('中文也一样')
  await browser.soon(() => chat.view.items.length === 1)
  expect(texts(chat)).toEqual(['中文也一样'])
  expect(server.opened).toEqual(['events'])
})

test('after two refused upgrades none is tried for an hour, also by the next page, and then one', async () => {
  const { server, browser, tab, chat } = await visit()
  let upgrades = 0
  const WebSocket = new Proxy(globalThis.WebSocket, {
    construct(target, [url, protocols]: [string, string[]]) {
      upgrades++
      return new target(url, protocols)
    },
  })
  chat.stop()
  server.faults.refuseUpgrades = true
  let page = openTab(server, browser, { WebSocket })
  const reconnect = async () => {
    page.chat.stop()
    page = openTab(server, browser, { WebSocket })
    page.chat.start()
    await browser.soon(() => page.chat.view.connection === 'online')
  }
  await reconnect()
  await reconnect()
  expect(upgrades).toBe(2)
  await reconnect()
  await reconnect()
  expect(upgrades).toBe(2)
  expect(tab.waiting).toBe(0)

  browser.sleep(1_800_000)
  await reconnect()
  browser.sleep(1_800_000)
  await reconnect()
  await reconnect()
  expect(upgrades).toBe(3)

  browser.sleep(3_600_000)
  server.faults.refuseUpgrades = false
  await reconnect()
  await reconnect()
  expect(server.opened.slice(-2)).toEqual(['socket', 'socket'])

  // One mishap after a good connection is the first again.
  server.faults.refuseUpgrades = true
  await reconnect()
  server.faults.refuseUpgrades = false
  await reconnect()
  expect(server.opened.slice(-2)).toEqual(['events', 'socket'])
})

test('a server that is away does not count as one that refuses upgrades', async () => {
  const { server, browser, chat } = await online()
  await server.down()
  await browser.until(() => chat.view.connection === 'reconnecting')
  browser.advance(5_000)
  await server.up()
  await browser.until(() => chat.view.connection === 'online')
  expect(server.opened).toEqual(['socket', 'socket'])
  expect([...browser.stored.keys()].some((key) => key.endsWith('sse'))).toBe(false)
})

test('a page whose policy forbids WebSockets is served all the same', async () => {
  const WebSocket = new Proxy(globalThis.WebSocket, {
    construct() {
      throw new DOMException('Refused to connect.', 'SecurityError')
    },
  })
  const { server } = await online({ WebSocket })
  expect(server.opened).toEqual(['events'])
})

test('a socket of which nothing but an error is heard costs no wait', async () => {
  class Refused extends EventTarget {
    onerror = () => {}
    readonly close = () => {}
    constructor() {
      super()
      queueMicrotask(() => this.onerror())
    }
  }
  const WebSocket = new Proxy(globalThis.WebSocket, { construct: () => new Refused() })
  const { server } = await online({ WebSocket })
  expect(server.opened).toEqual(['events'])
})

test('a connection that never says hello is given up', async () => {
  class Silent extends EventTarget {
    readonly close = () => {}
  }
  const WebSocket = new Proxy(globalThis.WebSocket, { construct: () => new Silent() })
  const { server, browser, chat } = await visit({ WebSocket })
  chat.start()
  await browser.until(() => chat.view.connection === 'online')
  expect(server.opened).toEqual(['events'])
})

test('a cut connection is made again within half a second, and brings what was missed', async () => {
  const { server, browser, tab, chat } = await online()
  server.faults.keepBack = true
  server.say('missed')
  server.faults.keepBack = false
  server.cut()
  await browser.soon(() => chat.view.connection === 'reconnecting')
  const cutAtMs = tab.Date.now()
  browser.advance(500)
  await browser.soon(() => chat.view.connection === 'online' && chat.view.items.length === 1)
  expect(tab.Date.now() - cutAtMs).toBeLessThanOrEqual(500)
})

test('waits grow up to half a minute, by chance, and begin anew after a good connection', async () => {
  const { server, browser, chat } = await online()
  vi.spyOn(Math, 'random').mockReturnValue(1)
  onTestFinished(() => void vi.restoreAllMocks())
  await server.down()
  await browser.soon(() => chat.view.connection === 'reconnecting')
  let tries = 0
  const watch = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    if (String(input).includes('after=')) tries++
    throw new TypeError(`Not to be reached: ${String(input)} ${init?.method}`)
  })
  const waited: number[] = []
  for (let turn = 0; turn < 9; turn++) {
    const before = tries
    let ms = 0
    while (tries === before) {
      browser.advance(250)
      ms += 250
      await rounds(3)
    }
    waited.push(ms)
  }
  // The first follows the good connection.
  expect(waited).toEqual([500, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  watch.mockRestore()
  await server.up()
  browser.advance(30_000)
  await browser.soon(() => chat.view.connection === 'online')
  server.cut()
  await browser.soon(() => chat.view.connection === 'reconnecting')
  browser.advance(500)
  await browser.soon(() => chat.view.connection === 'online')
})

test.each([
  ['the network is back', ({ tab }: Visit) => tab.tell('online')],
  ['the page is shown from the way back', ({ tab }: Visit) => tab.tell('pageshow')],
  ['the page is looked at', ({ tab }: Visit) => tab.show()],
  ['something is sent', ({ chat }: Visit) => chat.send('Are you there?')],
])('nobody waits any longer when %s', async (_when, happens) => {
  const there = await online()
  const { server, browser, chat } = there
  vi.spyOn(Math, 'random').mockReturnValue(1)
  onTestFinished(() => void vi.restoreAllMocks())
  await server.down()
  await browser.soon(() => chat.view.connection === 'reconnecting')
  await server.up()
  await setImmediate()
  expect(chat.view.connection).toBe('reconnecting')
  happens(there)
  await browser.soon(() => chat.view.connection === 'online')
})

test('a server that restarts says over what time those who come back are spread', async () => {
  const { server, browser, chat } = await online()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  onTestFinished(() => void vi.restoreAllMocks())
  server.end(1012, '20000')
  await browser.soon(() => chat.view.connection === 'reconnecting')
  browser.advance(9_999)
  await rounds()
  expect(server.opened.length).toBe(1)
  browser.advance(1)
  await browser.soon(() => chat.view.connection === 'online')
})

test('a connection that has been silent for too long is made again, by the clock on the wall', async () => {
  const { server, browser, tab, chat } = await online()
  browser.advance(44_000)
  server.write({ type: 'beat' })
  server.say('still here')
  await browser.soon(() => chat.view.items.length === 1)
  browser.advance(44_000)
  await rounds()
  expect(chat.view.connection).toBe('online')
  // The phone slept: no timer has run.
  browser.sleep(60_000)
  tab.show()
  await browser.soon(() => chat.view.connection === 'reconnecting')
  await browser.until(() => server.opened.length === 2 && chat.view.connection === 'online')
  browser.advance(45_000)
  await browser.until(() => server.opened.length === 3)
})

test('a page that is put away lets go of its connection, and has it again when it is back', async () => {
  const { server, browser, tab, chat } = await online()
  tab.tell('pagehide')
  await browser.soon(() => server.streams === 0)
  expect(chat.view.connection).toBe('reconnecting')
  server.say('meanwhile')
  tab.tell('pageshow')
  await browser.soon(() => chat.view.items.length === 1)
})

test('after stop nothing is left: no connection, no timer, no listener; and start goes on', async () => {
  const { server, browser, tab, chat } = await online()
  server.faults.status = 503
  chat.send('one')
  server.write({ type: 'typing' })
  await browser.soon(() => chat.view.isTyping && chat.view.outbox[0]?.state === 'waiting')
  chat.stop()
  chat.stop()
  browser.advance(20)
  expect(tab.waiting).toBe(0)
  expect(tab.listening).toBe(0)
  expect(chat.view).toMatchObject({ connection: 'off', isTyping: false })
  await browser.soon(() => server.streams === 0)
  server.faults.status = undefined
  chat.start()
  chat.start()
  await browser.until(() => chat.view.items.length === 1)
  expect(server.streams).toBe(1)
})

test('what is being sent while the chat stops goes out later', async () => {
  const { server, browser, chat } = await online()
  chat.send('one')
  chat.stop()
  await rounds()
  expect(states(chat)).toEqual([['one', 'waiting']])
  chat.start()
  await browser.until(() => chat.view.items.length === 1)
  expect(server.log().length).toBe(1)
})

test('a token that is not good any longer is replaced, and what waits is sent in the new session', async () => {
  const { server, browser, chat } = await online()
  chat.send('in the old one')
  await browser.soon(() => chat.view.items.length === 1)
  server.forgetTokens()
  chat.send('in the new one')
  await browser.soon(() => texts(chat).join() === 'in the new one')
  expect(chat.view.outbox).toEqual([])
  expect(server.visitors.map((visitor) => server.log(visitor).length)).toEqual([1, 1])
})

test('a token that has run out costs no wait at the start', async () => {
  const { server, browser } = await visit()
  browser.stored.set(`switchboard ${server.base} token`, 'visitor0.1..expired')
  const { chat } = openTab(server, browser)
  chat.start()
  await browser.soon(() => chat.view.connection === 'online')
})

test('a server that takes no token at all is not asked without a pause', async () => {
  const { server, browser, chat } = await visit()
  server.faults.refuseTokens = true
  chat.start()
  await browser.soon(() => posted(server, 'v1/session').length > 1)
  await rounds(100)
  expect(posted(server, 'v1/session').length).toBeLessThan(4)
})

test('a new token comes by hello, and is used from then on', async () => {
  const { server, browser, chat } = await online()
  const [visitor] = (browser.stored.get(`switchboard ${server.base} token`) ?? '').split('.')
  const snapshot = { available: true, conversation: 'none', head: 0, read: 0 }
  server.write({ type: 'hello', snapshot, heartbeatMs: 20_000, token: `${visitor}.2..renewed` })
  await browser.soon(() => browser.stored.get(`switchboard ${server.base} token`) === `${visitor}.2..renewed`)
  chat.send('one')
  await browser.soon(() => posted(server, 'v1/messages').length > 0)
  expect(posted(server, 'v1/messages')[0]?.token).toBe(`${visitor}.2..renewed`)
})

test('a hello without a heartbeat of use is no reason to make another connection', async () => {
  const { server, browser, chat } = await online()
  const snapshot = { available: true, conversation: 'none', head: 0, read: 0 }
  server.write({ type: 'hello', snapshot, heartbeatMs: 0 })
  server.say('one')
  await browser.soon(() => chat.view.items.length === 1)
  browser.advance(600_000)
  await rounds()
  expect(chat.view.connection).toBe('online')
})

test('a log that was set back is shown as it is now', async () => {
  const { server, browser, chat } = await online()
  for (let n = 1; n <= 5; n++) server.say(`before ${n}`)
  await browser.soon(() => chat.view.items.length === 5)
  const [visitor] = server.visitors
  server.setBack()
  server.say('after', visitor)
  server.cut()
  await browser.until(() => texts(chat).join() === 'after')
})

test('typing is shown for 6 s, and until there is an answer', async () => {
  const { server, browser, chat } = await online()
  server.write({ type: 'typing' })
  await browser.soon(() => chat.view.isTyping)
  browser.advance(5_000)
  server.write({ type: 'typing' })
  server.write({ type: 'draft', text: 'so' })
  await browser.soon(() => chat.view.draft === 'so')
  browser.advance(5_900)
  expect(chat.view.isTyping).toBe(true)
  browser.advance(100)
  expect(chat.view.isTyping).toBe(false)
  server.write({ type: 'typing' })
  await browser.soon(() => chat.view.isTyping)
  server.say('so far')
  await browser.soon(() => chat.view.items.length === 1)
  expect(chat.view).toMatchObject({ isTyping: false, draft: '' })
})

test('a draft is taken away by an empty one, and by a new connection', async () => {
  const { server, browser, chat } = await online()
  server.write({ type: 'draft', text: 'Let me' })
  await browser.soon(() => chat.view.draft === 'Let me')
  server.write({ type: 'draft', text: '' })
  await browser.soon(() => chat.view.draft === '')
  server.write({ type: 'draft', text: 'Let me see' })
  await browser.soon(() => chat.view.draft === 'Let me see')
  server.cut()
  await browser.until(() => server.opened.length === 2 && chat.view.connection === 'online')
  expect(chat.view.draft).toBe('')
})

test('that the visitor is typing is told at most once in 3 s', async () => {
  const { server, browser, chat } = await online()
  for (let n = 0; n < 10; n++) chat.typing()
  browser.advance(2_999)
  chat.typing()
  await browser.soon(() => posted(server, 'v1/typing').length === 1)
  browser.advance(1)
  chat.typing()
  await browser.soon(() => posted(server, 'v1/typing').length === 2)
  chat.stop()
  chat.typing()
  await rounds()
  expect(posted(server, 'v1/typing').length).toBe(2)
})

test('what is read is told at most once a second, and the last of it in the end', async () => {
  const { server, browser, chat } = await online()
  for (let n = 1; n <= 10; n++) {
    server.say(`${n}`)
    await browser.soon(() => chat.view.items.length === n)
    expect(chat.view.unread).toBe(1)
    chat.markRead()
    expect(chat.view.unread).toBe(0)
  }
  await browser.soon(() => posted(server, 'v1/read').length === 1)
  browser.advance(1_000)
  await browser.soon(() => posted(server, 'v1/read').length === 2)
  browser.advance(5_000)
  expect(posted(server, 'v1/read').map(({ body }) => body)).toEqual([{ seq: 1 }, { seq: 10 }])
})

test('what was read is read for the next page too, and is told again if it got lost', async () => {
  const { server, browser, chat } = await online()
  server.say('one')
  server.say('two')
  await browser.soon(() => chat.view.unread === 2)
  server.faults.status = 503
  chat.markRead()
  await browser.soon(() => posted(server, 'v1/read').length === 1)
  server.faults.status = undefined
  browser.advance(2_000)
  server.cut()
  await browser.until(() => posted(server, 'v1/read').length === 2)
  server.say('three')
  const next = openTab(server, browser).chat
  next.start()
  await browser.until(() => next.view.items.length === 3)
  expect(next.view.unread).toBe(1)
})

const file = (bytes: number, name = 'photo.png', type = 'image/png') =>
  new File([new Uint8Array(bytes)], name, { type })

test('a file is uploaded with its progress, and becomes a message', async () => {
  const { server, browser, chat } = await online()
  const progress: (number | undefined)[] = []
  chat.sendFile(file(1_000, 'a&b 图.png'))
  chat.send('after it')
  await browser.until(() => {
    progress.push(chat.view.outbox[0]?.progress)
    return chat.view.items.length === 2
  })
  expect(chat.view.items[0]).toMatchObject({ part: { type: 'file', url: 'files/ref-a&b 图.png' } })
  expect(texts(chat)[1]).toBe('after it')
  expect(progress).toContain(0.5)
  expect(posted(server, 'v1/files')[0]?.body).toHaveLength(1_000)
  expect(posted(server, 'v1/messages')[0]?.body).not.toHaveProperty('text')
})

test.each([
  ['FILE_TOO_LARGE', SETTINGS, file(1_001)],
  ['FILE_TYPE', SETTINGS, file(1, 'x.exe', 'application/x-msdownload')],
  ['FILE_TYPE', SETTINGS, file(1, 'x.html', 'imagex/html')],
  ['FILE_TYPE', { ...SETTINGS, uploads: undefined }, file(1)],
])('a file that the server will not take is refused with %s before it is sent', async (code, settings, wrong) => {
  const { server, chat } = await online({}, settings)
  chat.sendFile(wrong, problemOf(wrong, settings.uploads))
  expect(chat.view.outbox).toMatchObject([{ file: wrong, state: 'failed', error: code }])
  chat.retry(chat.view.outbox[0]?.id ?? '')
  await rounds()
  expect(chat.view.outbox).toMatchObject([{ state: 'failed', error: code }])
  expect(posted(server, 'v1/files')).toEqual([])
})

test('a file is not uploaded again when only its message did not get through', async () => {
  const { server, browser, chat } = await online()
  chat.sendFile(file(10))
  await browser.soon(() => posted(server, 'v1/files').length === 1)
  server.faults.status = 503
  await browser.until(() => posted(server, 'v1/messages').length >= 2)
  server.faults.status = undefined
  await browser.until(() => chat.view.items.length === 1)
  expect(posted(server, 'v1/files').length).toBe(1)
})

test('an upload that is cancelled ends, and what is behind it goes on', async () => {
  const { server, browser, chat } = await online()
  chat.sendFile(file(1_000))
  chat.send('after it')
  expect(chat.view.outbox[0]?.state).toBe('sending')
  chat.cancel(chat.view.outbox[0]?.id ?? '')
  expect(states(chat)).toEqual([['after it', 'waiting']])
  await browser.until(() => chat.view.items.length === 1)
  expect(texts(chat)).toEqual(['after it'])
  expect(posted(server, 'v1/files')).toEqual([])
})

test('a file without a network goes out when it is back', async () => {
  const { server, browser, chat } = await online()
  await server.down()
  chat.sendFile(file(10))
  await browser.until(() => chat.view.outbox[0]?.state === 'waiting')
  await server.up()
  await browser.until(() => chat.view.items.length === 1)
  expect(server.log().length).toBe(1)
})

test('a file with which our server fails again and again is given up, and what is behind it goes on', async () => {
  const { server, browser, chat } = await online()
  server.faults.status = 500
  chat.sendFile(file(10))
  chat.send('after it')
  await browser.until(() => chat.view.outbox[0]?.state === 'failed')
  expect(posted(server, 'v1/files').length).toBe(5)
  server.faults.status = undefined
  await browser.until(() => texts(chat).join() === 'after it')
  chat.retry(chat.view.outbox[0]?.id ?? '')
  await browser.until(() => chat.view.items.length === 2)
  expect(chat.view.outbox).toEqual([])
})

test('a file that would have to wait for long is given up, and what is behind it goes on', async () => {
  const { server, browser, chat } = await online()
  server.faults.filesAfterS = 61
  chat.sendFile(file(10))
  chat.send('after it')
  await browser.until(() => texts(chat).join() === 'after it')
  expect(chat.view.outbox).toMatchObject([{ state: 'failed', error: 'TOO_MANY_FILES' }])
  server.faults.filesAfterS = undefined
  chat.retry(chat.view.outbox[0]?.id ?? '')
  await browser.until(() => chat.view.items.length === 2)
  expect(chat.view.outbox).toEqual([])
})

test('a file that has to wait for a moment keeps its place before what is behind it', async () => {
  const { server, browser, chat } = await online()
  server.faults.filesAfterS = 60
  chat.sendFile(file(10))
  chat.send('after it')
  await browser.until(() => posted(server, 'v1/files').length === 1)
  await browser.until(() => chat.view.outbox[0]?.state === 'waiting')
  server.faults.filesAfterS = undefined
  browser.advance(60_000)
  await browser.until(() => chat.view.items.length === 2)
  expect(texts(chat)[1]).toBe('after it')
})

test.each([
  [1, 'arrives'],
  [2, 'has failed'],
])('a file that the server has lost %i times is uploaded once more, and %s', async (times) => {
  const { server, browser, chat } = await online()
  server.faults.loseFiles = times
  chat.sendFile(file(10))
  await browser.until(() => chat.view.items.length === 1 || chat.view.outbox[0]?.state === 'failed')
  expect(posted(server, 'v1/files').length).toBe(2)
  expect(chat.view.items.length).toBe(2 - times)
  expect(chat.view.outbox.map(({ error }) => error)).toEqual(times === 1 ? [] : ['FILE_GONE'])
})

test('a message of the form is there once, however often it is tried', async () => {
  const { server, browser, tab, chat } = await online()
  const leaveMessage = makeSender(chat, tab)
  const form = { name: 'Ada', email: 'ada@example.com', text: 'Please call.' }
  server.faults.loseAnswers = true
  await expect(leaveMessage(form)).rejects.toMatchObject({ code: 'OFFLINE' })
  server.faults.loseAnswers = false
  await leaveMessage(form)
  await browser.until(() => chat.view.items.length === 1)
  expect(server.log().length).toBe(1)
  expect(posted(server, 'v1/messages')[1]?.body).toMatchObject({ contact: { name: 'Ada', email: 'ada@example.com' } })
  await leaveMessage(form)
  expect(server.log().length).toBe(2)
  await expect(leaveMessage({ ...form, text: 'BAD' })).rejects.toMatchObject({ code: 'TEXT_BAD' })
})

test('whoever is identified has their own log and name, in all tabs', async () => {
  const { server, browser, chat } = await online()
  const other = openTab(server, browser).chat
  other.start()
  chat.send('as a stranger')
  await browser.until(() => other.view.items.length === 1)
  await chat.identify('ada')
  await browser.until(() => other.view.items.length === 0 && other.view.connection === 'online')
  expect(chat.view.snapshot?.name).toBe('ada')
  chat.send('as Ada')
  await browser.until(() => texts(chat).join() === 'as Ada' && texts(other).join() === 'as Ada')
  expect(other.view.snapshot?.name).toBe('ada')
  await expect(chat.identify('forged')).rejects.toMatchObject({ code: 'IDENTITY' })
})

test('after forget somebody else sits there, in all tabs; nothing of the one before is shown or sent', async () => {
  const { server, browser, chat } = await online()
  const other = openTab(server, browser).chat
  other.start()
  chat.send('mine')
  await browser.until(() => other.view.items.length === 1 && chat.view.items.length === 1)
  server.faults.status = 503
  chat.send('still waiting')
  await browser.soon(() => chat.view.outbox[0]?.state === 'waiting')
  chat.forget()
  expect(chat.view).toMatchObject({ items: [], outbox: [], snapshot: undefined, unread: 0 })
  expect(chat.isKnown).toBe(false)
  server.faults.status = undefined
  await browser.until(() => chat.view.connection === 'online' && other.view.connection === 'online')
  chat.send('somebody else')
  await browser.until(() => other.view.items.length === 1 && chat.view.items.length === 1)
  expect([texts(chat), texts(other)]).toEqual([['somebody else'], ['somebody else']])
  expect(server.visitors.map((visitor) => server.log(visitor).length)).toEqual([1, 1])
})

test('what waits when another tab forgets is sent by nobody, and what is being written goes', async () => {
  const { server, browser, chat } = await online()
  const other = openTab(server, browser).chat
  other.start()
  await browser.soon(() => other.view.connection === 'online')
  let strangers = 0
  chat.onStranger = () => strangers++
  server.faults.status = 503
  chat.send('my secret address')
  await browser.soon(() => chat.view.outbox[0]?.state === 'waiting')
  other.forget()
  server.faults.status = undefined
  await browser.until(() => strangers === 1 && chat.view.connection === 'online')
  expect(chat.view.outbox).toEqual([])
  other.send('somebody else')
  await browser.until(() => texts(chat).join() === 'somebody else')
  browser.advance(60_000)
  await rounds()
  expect(server.visitors.flatMap((visitor) => server.log(visitor)).length).toBe(1)
  expect(strangers).toBe(1)
})

test.each([
  ['keeps the visitor', undefined],
  ['ends the chat of a user', 'ada'],
])('a page that empties the storage with two tabs open %s', async (_name, user) => {
  const { server, browser, chat } = await online()
  if (user) await chat.identify(user)
  const { tab, chat: other } = openTab(server, browser)
  other.start()
  await browser.until(() => chat.view.connection === 'online' && other.view.connection === 'online')
  chat.send('one')
  await browser.until(() => texts(other).join() === 'one')
  browser.stored.clear()
  tab.tell('storage', { key: null, newValue: null })
  await rounds()
  if (user) await browser.until(() => other.view.connection === 'online')
  expect(texts(other)).toEqual(user ? [] : ['one'])
  other.send('two')
  await browser.until(() => texts(other).includes('two'))
  expect(server.visitors.length).toBe(user ? 2 : 1)
})

test('what a user could not send is not said by the one who signs in after', async () => {
  const { server, browser, chat } = await online()
  await chat.identify('ada')
  await browser.soon(() => chat.view.connection === 'online')
  server.faults.status = 503
  chat.send('private words of Ada')
  await browser.soon(() => chat.view.outbox[0]?.state === 'waiting')
  chat.stop()
  const next = openTab(server, browser).chat
  expect(states(next)).toEqual([['private words of Ada', 'waiting']])
  next.start()
  await rounds()
  server.faults.status = undefined
  await next.identify('bob')
  expect(next.view.outbox).toEqual([])
  await browser.until(() => next.view.connection === 'online')
  next.send('Bob')
  await browser.until(() => texts(next).join() === 'Bob')
  // Before he came it may have been said by Ada herself.
  expect(server.log('known-bob').map(({ id }) => id)).toHaveLength(1)
  expect(server.visitors.filter((visitor) => visitor !== 'known-ada')).toEqual(['known-bob'])
})

test('whoever cannot be identified now is so as soon as it can be', async () => {
  const { server, browser, chat } = await online()
  server.faults.status = 503
  const identified = chat.identify('ada')
  await browser.until(() => posted(server, 'v1/identify').length > 2)
  server.faults.status = undefined
  await browser.until(() => chat.view.snapshot?.name === 'ada')
  await identified
})

test('who somebody is is said at once when the connection is back, by the last name that was given', async () => {
  const { server, browser, chat } = await online()
  server.faults.status = 503
  server.faults.retryAfter = '600'
  const first = chat.identify('ada')
  const second = chat.identify('bob')
  await browser.soon(() => posted(server, 'v1/identify').length === 2)
  await rounds()
  server.faults.status = undefined
  chat.stop()
  chat.start()
  await browser.soon(() => chat.view.snapshot?.name === 'bob')
  await Promise.all([first, second])
  browser.advance(600_000)
  await rounds()
  expect(posted(server, 'v1/identify').length).toBe(3)
})

test('a browser in which the first words wait is known', async () => {
  const { server, browser, chat } = await visit()
  await server.down()
  chat.start()
  chat.send('hello?')
  await rounds()
  chat.stop()
  expect(openTab(server, browser).chat.isKnown).toBe(true)
})

test('what somebody wrote before he signed in is his', async () => {
  const { server, browser, chat } = await online()
  server.faults.status = 503
  chat.send('before')
  await browser.soon(() => chat.view.outbox[0]?.state === 'waiting')
  server.faults.status = undefined
  await chat.identify('ada')
  await browser.until(() => texts(chat).join() === 'before')
  expect(server.visitors).toEqual(['known-ada'])
})

test('a message whose answer got lost has arrived when the log has it', async () => {
  const { server, browser, chat } = await online()
  server.faults.loseAnswers = true
  chat.send('one')
  await browser.soon(() => chat.view.items.length === 1)
  expect(chat.view.outbox).toEqual([])
  await rounds()
  browser.advance(60_000)
  await rounds()
  expect(posted(server, 'v1/messages').length).toBe(1)
})

test('a message that was accepted is on its way no longer when the log has gone past it', async () => {
  const { server, browser, chat } = await online()
  server.faults.keepBack = true
  chat.send('one')
  await browser.soon(() => server.log().length === 1)
  await rounds()
  expect(states(chat)).toEqual([['one', 'sending']])
  server.write({ type: 'skip', from: 2 })
  await browser.soon(() => chat.view.outbox.length === 0)
})

test('what was accepted in the old session is not sent again in the new one', async () => {
  const { server, browser, chat } = await online()
  server.faults.keepBack = true
  chat.send('one')
  await browser.soon(() => server.log().length === 1)
  await rounds()
  server.forgetTokens()
  server.cut()
  await browser.until(() => server.opened.length === 2 && chat.view.connection === 'online')
  expect(chat.view).toMatchObject({ items: [], outbox: [] })
  await rounds()
  expect(server.visitors.length).toBe(1)
})

test('what waits is sent as soon as the stream is back', async () => {
  const { server, browser, chat } = await online()
  vi.spyOn(Math, 'random').mockReturnValue(1)
  onTestFinished(() => void vi.restoreAllMocks())
  server.faults.status = 503
  chat.send('one')
  await browser.until(() => posted(server, 'v1/messages').length === 6 && chat.view.outbox[0]?.state === 'waiting')
  server.faults.status = undefined
  server.cut()
  await browser.soon(() => chat.view.connection === 'reconnecting')
  browser.advance(500)
  await browser.soon(() => chat.view.items.length === 1)
})
