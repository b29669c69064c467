import { describe, expect, test } from 'vitest'
import { defineBot, definePlugin, type Identity, type Part, service, z } from '#core'
import { channelContract, type TestConfig, testRuntime } from '#core/testing'
import { presence } from '../../services/index.ts'
import web from './index.ts'
import { settings } from './settings.ts'
import { SECRET, startPlatform } from './simulated-platform.ts'
import { siteOf, visit } from './simulated-visitor.ts'

const START = Date.UTC(2026, 0, 1)
const fixtures = {
  folder: new URL('__fixtures__/', import.meta.url),
  events: {
    'text.json': {
      type: 'message',
      parts: [{ type: 'text', text: 'Where is my order? 我的订单在哪里？🙂' }],
      atMs: START,
      grants: 'message',
      choice: undefined,
      entry: undefined,
    },
    'choice.json': { type: 'message', parts: [{ type: 'text', text: 'Yes, please' }], choice: 'yes' },
    // Signed in, it is who the host says; and nothing of the page is kept where the YAML does not say so.
    'contact.json': { type: 'message', parts: [{ type: 'text', text: 'Please write to me.' }], entry: undefined },
  },
} as const

describe('the contract', () => {
  const contract = channelContract({
    plugin: web,
    platform: startPlatform,
    settings: () => ({
      identify: { secret: SECRET },
      // A customer of the contract writes faster than any person.
      limits: { messagesPerMinute: 10_000, sessionsPerMinute: 10_000 },
    }),
    fixtures,
  })
  for (const { name, run } of contract) test(name, run)
})

// ── what only this channel has ──────────────────────────────────────────────────────────────

function start(settings: { readonly [setting: string]: unknown } = {}, more: TestConfig = {}) {
  return testRuntime(
    { channels: { site: { use: web, ...settings } }, bots: { parrot: { use: 'echo' } }, ...more },
    { listen: true },
  )
}

/** A bot that answers everything with this. */
function saying(part: Part) {
  return defineBot({
    name: 'saying',
    summary: 'Says one thing.',
    config: z.strictObject({}),
    setup: () => ({ answer: (turn) => turn.reply(part) }),
  })
}

describe('a message', () => {
  test('stands in the log before its answer, and whoever looks on sees both', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const looking = await anna.looks()
    const { seq } = await anna.says('hello', { id: 'message-1' })
    expect(seq).toBe(1)
    expect(await looking.untilItems(2)).toEqual([
      { seq: 1, id: 'message-1', atMs: START, by: 'visitor', part: { type: 'text', text: 'hello' } },
      { seq: 2, id: expect.any(String), atMs: START, by: 'us', part: { type: 'text', text: 'echo: hello' } },
    ])
    expect(await anna.log()).toEqual(looking.items)
  })

  test('that comes again changes nothing, and has the same number', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const all = await Promise.all(Array.from({ length: 5 }, () => anna.says('hello', { id: 'message-1' })))
    await anna.says('and you?', { id: 'message-2' })
    await bot.idle()
    expect(new Set(all.map(({ seq }) => seq))).toEqual(new Set([1]))
    expect(await anna.says('something else', { id: 'message-1' })).toEqual({ seq: 1 })
    const texts = (await anna.log()).map((item) => ('part' in item && item.part.type === 'text' ? item.part.text : ''))
    expect(texts.toSorted()).toEqual(['and you?', 'echo: and you?', 'echo: hello', 'hello'])
  })

  test('of one visitor does not stand in the way of another’s that has the same id', async () => {
    await using bot = await start()
    const [anna, li] = [await visit(siteOf(bot)), await visit(siteOf(bot))]
    await anna.says('I am Anna', { id: 'message-1' })
    await li.says('I am Li', { id: 'message-1' })
    await bot.idle()
    expect((await li.log()).map((item) => 'part' in item && item.part)).toEqual([
      { type: 'text', text: 'I am Li' },
      { type: 'text', text: 'echo: I am Li' },
    ])
  })

  test.each([
    ['nothing', { id: 'message-1', language: 'en' }],
    ['an empty text', { id: 'message-1', language: 'en', text: '  ' }],
    ['too long a text', { id: 'message-1', language: 'en', text: 'x'.repeat(10_001) }],
    ['an id that can be guessed', { id: '1', language: 'en', text: 'hello' }],
    ['an id with signs in it', { id: 'message/../1', language: 'en', text: 'hello' }],
    ['something unknown', { id: 'message-1', language: 'en', text: 'hello', admin: true }],
    ['an address that is none', { id: 'message-1', language: 'en', text: 'hello', contact: { email: 'me' } }],
    ['a language that is none', { id: 'message-1', language: '<b>', text: 'hello' }],
    ['a file of nobody’s', { id: 'message-1', language: 'en', file: 'e30.AAAA' }],
  ])('with %s is refused', async (_what, body) => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const response = await anna.post('v1/messages', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ code: expect.any(String), message: expect.any(String) })
    expect(await anna.log()).toEqual([])
  })

  test('with a choice that has no label is refused, though there is a file', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    const { file } = await anna.uploads('a.txt', 'hello')
    const send = (more: object) => anna.post('v1/messages', { id: 'message-1', language: 'en', file, ...more })
    expect((await send({ choice: 'yes' })).status).toBe(400)
    expect((await send({})).status).toBe(200)
  })

  test('that is larger than any is refused before it is read', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    expect((await anna.post('v1/messages', { id: 'message-1', text: 'x'.repeat(100_000) })).status).toBe(413)
  })
})

describe('an answer', () => {
  const wearing = (identity: Identity) =>
    definePlugin({
      name: 'wearing',
      summary: 'Gives everybody one face.',
      config: z.strictObject({}),
      setup: () => ({ outbound: { rewrite: (_reply, next) => next({ identity }) } }),
    })

  test('has the name and face that it is said under, and so has the conversation', async () => {
    const identity = { id: 'sales', name: { en: 'Sales' }, line2: 'Shoes', avatarUrl: 'https://files.example/s.png' }
    await using bot = await start({}, { features: [{ use: wearing(identity) }] })
    const anna = await visit(siteOf(bot))
    const looking = await anna.looks()
    await anna.says('hello')
    const { id: _, ...face } = identity
    expect(await looking.untilItems(2)).toMatchObject([{}, { by: 'us', face }])
    const { snapshot } = await looking.until('snapshot', (frame) => frame.snapshot.face !== undefined)
    expect(snapshot).toMatchObject({ conversation: 'bot', face })
  })

  test('has no face that is not a picture of the web', async () => {
    const identity = { id: 'sales', name: 'Sales', avatarUrl: 'javascript:alert(1)' }
    await using bot = await start({}, { features: [{ use: wearing(identity) }] })
    const anna = await visit(siteOf(bot))
    await anna.says('hello')
    await bot.idle()
    expect((await anna.log())[1]).toMatchObject({ by: 'us', face: { name: 'Sales' } })
    expect(JSON.stringify(await anna.page())).not.toContain('javascript')
  })

  test.each([
    [{ type: 'choices', prompt: 'Which?', choices: [{ id: 'a', label: 'A' }] }],
    [{ type: 'image', url: 'https://files.example/1.png', name: '1.png', mimeType: 'image/png' }],
    [{ type: 'link', url: 'https://shop.example/1', title: 'Shoes' }],
  ] as const)('is shown as it is: $type', async (part) => {
    await using bot = await start({}, { bots: { saying: { use: saying(part) } } })
    const anna = await visit(siteOf(bot))
    await anna.says('hello')
    await bot.idle()
    expect((await anna.log())[1]).toMatchObject({ by: 'us', part })
  })

  test.each([
    [{ type: 'link', url: 'javascript:alert(1)', title: 'Shoes' }],
    [{ type: 'link', url: 'JAVASCRIPT:alert(1)', title: 'Shoes' }],
    [{ type: 'link', url: 'data:text/html,<script>', title: 'Shoes' }],
    [{ type: 'image', url: 'javascript:alert(1)' }],
    [{ type: 'file', url: 'data:text/html,<script>alert(1)</script>' }],
    [{ type: 'file', url: 'file:///etc/passwd' }],
  ] as const)('that leads a browser astray is never shown: $url', async (part) => {
    await using bot = await start({}, { bots: { saying: { use: saying(part) } } })
    const anna = await visit(siteOf(bot))
    await anna.says('hello')
    await bot.idle()
    expect(JSON.stringify(await anna.log())).not.toContain(part.url)
    const { read } = bot.runtime.engine
    const failed = await read.selectFrom('delivery').select(['state', 'code']).where('part', '=', 0).execute()
    expect(failed).toContainEqual({ state: 'dead', code: 'CHANNEL_REFUSED' })
  })

  test('is seen while it is written, and only by who looks on', async () => {
    const writing = defineBot({
      name: 'writing',
      summary: 'Writes letter by letter.',
      config: z.strictObject({}),
      setup: () => ({
        async *answer(turn) {
          yield 'H'
          yield 'He'
          return turn.reply('Hey')
        },
      }),
    })
    await using bot = await start({}, { bots: { writing: { use: writing } } })
    const [anna, li] = [await visit(siteOf(bot)), await visit(siteOf(bot))]
    const [looking, other] = [await anna.looks(), await li.looks()]
    await Promise.all([looking.until('hello'), other.until('hello')])
    await anna.says('hello')
    await looking.untilItems(2)
    await looking.until('draft', ({ text }) => text === 'H')
    expect(other.frames.map(({ type }) => type)).toEqual(['hello'])
    expect((await anna.log()).map((item) => 'part' in item && item.part)).toEqual([
      { type: 'text', text: 'hello' },
      { type: 'text', text: 'Hey' },
    ])
  })
})

test('C-ID-13: names and faces are shown only in the layout that has a place for them', async () => {
  const identity = { id: 'sales', name: 'Sales', avatarUrl: 'https://files.example/s.png' }
  const wearing = definePlugin({
    name: 'wearing',
    summary: 'Gives everybody one face.',
    config: z.strictObject({}),
    setup: () => ({ outbound: { rewrite: (_reply, next) => next({ identity }) } }),
  })
  expect(web.capabilities(settings.parse({ layout: 'left-right' })).showsIdentity).toEqual({ avatar: true })
  expect(web.capabilities(settings.parse({ layout: 'one-sided' })).showsIdentity).toBe('none')
  await using bot = await start({ layout: 'one-sided' }, { features: [{ use: wearing }] })
  const anna = await visit(siteOf(bot))
  await anna.says('hello')
  await bot.idle()
  const { items, snapshot } = await anna.page()
  expect(items).toMatchObject([{ by: 'visitor' }, { by: 'us' }])
  expect(JSON.stringify([items, snapshot])).not.toMatch(/"face"|s\.png/)
})

test.each([
  ['left-right', []],
  ['one-sided', ['agent-identity: site shows no names and faces, as it is set up here.']],
] as const)('C-ID-13: check tells where an identity is not seen: layout %s', async (layout, notes) => {
  const desk = { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { all: { members: ['amy'] } } }
  const faces = { use: 'agent-identity', identities: { sales: { name: 'Sales' } }, assign: { amy: 'sales' } }
  await using bot = await start({ layout }, { desks: { support: desk }, features: [faces] })
  expect(bot.runtime.config.notes.map(({ what }) => what)).toEqual(notes)
})

describe('people', () => {
  const handsOver = definePlugin({
    name: 'hands-over',
    summary: 'Everybody gets a person.',
    config: z.strictObject({}),
    setup: () => ({ inbound: { respond: (turn) => turn.handOff({ because: 'always' }) } }),
  })
  const desk = { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { all: { members: ['amy'] } } }

  test('take over: what happens stands in the log, and how things are is told', async () => {
    await using bot = await start({}, { desks: { support: desk }, features: [{ use: handsOver }] })
    const anna = await visit(siteOf(bot))
    const looking = await anna.looks()
    await anna.says('hello')
    await looking.until('snapshot', ({ snapshot }) => snapshot.conversation === 'queued')
    const chat = (await bot.runtime.engine.findChat('web:web', anna.chat)) ?? ''
    const amy = bot.agent('amy')
    expect(await amy.does({ type: 'take', chat })).toMatchObject({ ok: true })
    await looking.until('snapshot', ({ snapshot }) => snapshot.conversation === 'assigned')
    await amy.does({ type: 'send', chat, content: 'I am Amy' })
    await amy.does({ type: 'close', chat, because: 'solved' })
    await looking.until('snapshot', ({ snapshot }) => snapshot.conversation === 'closed')
    await bot.idle()
    const log = await anna.log()
    const shown = log.filter((item) => item.by === 'system' || item.by === 'us')
    expect(shown.map((item) => ('code' in item ? item.code : item.part.type === 'text' && item.part.text))).toEqual(
      expect.arrayContaining(['queued', 'assigned', 'I am Amy', 'closed']),
    )
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, i) => i + 1))
    expect(looking.items).toEqual(log)
  })

  test('who come or go are told to every page at once', async () => {
    const control = service<{ set(isThere: boolean): void }>('control')
    let set = (_isThere: boolean) => {}
    const there = definePlugin({
      name: 'there',
      summary: 'Says who is there.',
      config: z.strictObject({}),
      provides: { presence, control },
      setup() {
        let isThere = false
        const listeners = new Set<() => void>()
        set = (now) => {
          isThere = now
          for (const listener of listeners) listener()
        }
        return {
          services: {
            presence: {
              isAvailable: ({ channel }) => isThere && channel === 'site',
              onChange(listener) {
                listeners.add(listener)
                return () => listeners.delete(listener)
              },
            },
            control: { set },
          },
        }
      },
    })
    await using bot = await start({}, { features: [{ use: there }] })
    const [anna, li] = [await visit(siteOf(bot)), await visit(siteOf(bot))]
    const [one, two] = [await anna.looks(), await li.looks({ by: 'events' })]
    for (const looking of [one, two]) expect((await looking.until('hello')).snapshot.available).toBe(false)
    set(true)
    for (const looking of [one, two]) await looking.until('snapshot', ({ snapshot }) => snapshot.available)
    expect((await anna.page()).snapshot.available).toBe(true)
  })

  test('are taken to be there where whoever should tell fails, and that is said once', async () => {
    const broken = definePlugin({
      name: 'broken',
      summary: 'Fails.',
      config: z.strictObject({}),
      provides: { presence },
      setup: () => ({
        services: {
          presence: {
            isAvailable(): boolean {
              throw new Error('presence is broken')
            },
            onChange: () => () => {},
          },
        },
      }),
    })
    await using bot = await start({}, { features: [{ use: broken }] })
    const anna = await visit(siteOf(bot))
    const looking = await anna.looks()
    expect((await looking.until('hello')).snapshot.available).toBe(true)
    await anna.says('hello')
    await looking.untilItems(2)
    expect(bot.logged.filter((line) => line.includes('presence is broken'))).toHaveLength(1)
  })

  test('are taken to be there where nobody can tell', async () => {
    await using bot = await start()
    expect((await (await visit(siteOf(bot))).page()).snapshot.available).toBe(true)
  })
})

describe('what was read', () => {
  test('is told to the visitor’s other pages, and never goes back', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    await anna.says('hello')
    await bot.idle()
    const looking = await anna.looks()
    expect((await looking.until('hello')).snapshot).toMatchObject({ head: 2, read: 0 })
    expect((await anna.post('v1/read', { seq: 2 })).status).toBe(204)
    await looking.until('snapshot', ({ snapshot }) => snapshot.read === 2)
    await anna.post('v1/read', { seq: 1 })
    expect((await anna.page()).snapshot.read).toBe(2)
    await anna.post('v1/read', { seq: 1_000 })
    expect((await anna.page()).snapshot.read).toBe(2)
  })

  test('of nothing is not even kept', async () => {
    await using bot = await start()
    const anna = await visit(siteOf(bot))
    expect((await anna.post('v1/read', { seq: 5 })).status).toBe(204)
    expect((await anna.post('v1/typing', {})).status).toBe(204)
    expect(await bot.rows('site', 'visitor')).toEqual([])
    expect(await bot.runtime.engine.read.selectFrom('customer').selectAll().execute()).toEqual([])
  })
})
