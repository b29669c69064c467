/** Whatever network and server do: in the end the page shows the server's log, with every message once and in order. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Frame, WidgetSettings } from '../protocol.ts'
import { type Chat, makeChat } from './chat.ts'
import { type TestBrowser, testBrowser } from './testing/browser.ts'
import { fetchFile } from './testing/fetched.ts'
import { type Server, testServer } from './testing/server.ts'

const RUNS = process.env.LONG ? 1_000 : 60
const SEED = 20_261_122

const SETTINGS: WidgetSettings = {
  channel: 'site',
  widget: 'widget.js',
  fetched: { more: 'more.js', files: 'files.js', form: 'form.js', events: 'events.js' },
  colors: '',
  layout: 'left-right',
  position: 'right',
  theme: 'auto',
  offlineForm: false,
  collect: [],
}

type Step =
  | { readonly do: 'send' | 'reload' | 'sleep'; readonly tab: 0 | 1 }
  | { readonly do: 'say' | 'cut' | 'restart' | 'online' | 'snapshot' }
  | { readonly do: 'upgrades' | 'events' | 'answers' | 'status' | 'down' | 'shuffle'; readonly isBad: boolean }
  | { readonly do: 'pass'; readonly ms: number }

const tab = fc.constantFrom<(0 | 1)[]>(0, 1)
const isBad = fc.boolean()
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant<'send'>('send'), tab }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant<'pass'>('pass'), ms: fc.integer({ min: 1, max: 20_000 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom<('say' | 'cut')[]>('say', 'cut') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom<('reload' | 'sleep')[]>('reload', 'sleep'), tab }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom<('restart' | 'online' | 'snapshot')[]>('restart', 'online', 'snapshot'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom<('upgrades' | 'events' | 'answers' | 'status' | 'down' | 'shuffle')[]>(
        'upgrades',
        'events',
        'answers',
        'status',
        'down',
        'shuffle',
      ),
      isBad,
    }),
  },
)

/** Two tabs of one visitor, and what they have sent. */
class World {
  readonly server: Server
  readonly browser: TestBrowser
  readonly sent: [string[], string[]] = [[], []]
  readonly tabs: ReturnType<typeof this.open>[] = []
  readonly #random: () => number
  #isDown = false
  #held: Frame[] = []

  constructor(server: Server, random: () => number) {
    this.server = server
    this.browser = testBrowser()
    this.#random = random
    this.tabs = [this.open(), this.open()]
  }

  open() {
    const page = this.browser.tab()
    const chat: Chat = makeChat({ base: this.server.base, settings: SETTINGS, language: 'en', fetch: fetchFile }, page)
    chat.start()
    return { page, chat }
  }

  async run(step: Step): Promise<void> {
    const { server, browser } = this
    switch (step.do) {
      case 'send': {
        const texts = this.sent[step.tab]
        texts.push(`${step.tab}:${texts.length}`)
        this.tabs[step.tab]?.chat.send(texts.at(-1) ?? '')
        break
      }
      case 'reload':
        this.tabs[step.tab]?.page.tell('pagehide')
        this.tabs[step.tab]?.chat.stop()
        this.tabs[step.tab] = this.open()
        break
      case 'sleep':
        this.tabs[step.tab]?.page.hide()
        browser.sleep(60_000)
        this.tabs[step.tab]?.page.show()
        break
      case 'say':
        if (server.visitors.length > 0) server.say('An answer.')
        break
      case 'cut':
        server.cut()
        break
      case 'restart':
        server.end(1012, '500')
        break
      case 'online':
        for (const { page } of this.tabs) page.tell('online')
        break
      case 'snapshot':
        server.set({ available: false })
        break
      case 'upgrades':
        server.faults.refuseUpgrades = step.isBad
        break
      case 'events':
        server.faults.refuseEvents = step.isBad
        break
      case 'answers':
        server.faults.loseAnswers = step.isBad
        break
      case 'status':
        server.faults.status = step.isBad ? 503 : undefined
        break
      case 'shuffle':
        server.faults.distort = step.isBad ? (frame) => this.shuffle(frame) : (frame) => [frame]
        break
      case 'down':
        if (step.isBad !== this.#isDown) await (step.isBad ? server.down() : server.up())
        this.#isDown = step.isBad
        break
      case 'pass': {
        const untilMs = this.tabs[0]?.page.Date.now() ?? 0
        await browser.until(() => (this.tabs[0]?.page.Date.now() ?? 0) >= untilMs + step.ms / 50)
      }
    }
  }

  /** Sends frames twice, late, and in another order. */
  shuffle(frame: Frame): readonly Frame[] {
    const chance = this.#random()
    if (chance < 0.3) return [frame, frame]
    if (chance < 0.6) this.#held.push(frame)
    else return [frame, ...this.#held.splice(0).reverse()]
    return []
  }

  /** The network is well again, and all have had time. */
  async heal(): Promise<void> {
    for (const kind of ['upgrades', 'events', 'answers', 'status', 'shuffle', 'down'] as const)
      await this.run({ do: kind, isBad: false })
    const { server, browser, tabs } = this
    const isDone = ({ chat: { view } }: (typeof tabs)[number]) =>
      view.connection === 'online' && view.outbox.length === 0 && view.items.length === server.log().length
    await browser.until(() => tabs.every(({ chat }) => chat.view.connection === 'online'))
    server.set({ available: true })
    await browser.until(() => tabs.every(isDone))
  }

  [Symbol.dispose](): void {
    for (const { chat } of this.tabs) chat.stop()
  }
}

test(`in ${RUNS} random days nothing is lost, doubled or out of order`, { timeout: RUNS * 5_000 }, async () => {
  const seeds = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
  const day = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), seeds, async (steps, chances) => {
    await using server = await testServer()
    using world = new World(server, () => chances.next().value)
    for (const step of steps) await world.run(step)
    await world.heal()

    const log = server.log()
    for (const { chat } of world.tabs) expect(chat.view.items).toEqual(log)
    const arrived = log.flatMap((item) => (item.by === 'visitor' && item.part.type === 'text' ? item.part.text : []))
    for (const tab of [0, 1] as const)
      expect(arrived.filter((text) => text.startsWith(`${tab}:`))).toEqual(world.sent[tab])
    expect([...world.browser.stored.keys()].filter((key) => key.includes('out:'))).toEqual([])
    expect(server.visitors.length).toBeLessThan(2)
  })
  await fc.assert(day, { numRuns: RUNS, seed: SEED })
})
