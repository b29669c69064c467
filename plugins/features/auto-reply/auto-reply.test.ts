import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { definePlugin, z } from '#core'
import { memoryChannel, type TestConfig, testRuntime } from '#core/testing'
import autoReply from './index.ts'
import { mayBeSaid } from './memory.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const FOLLOW = { type: 'follow' } as const
const PICTURE = { type: 'image', url: 'https://files.example/shop.png' }
const SUPPORT = { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { presale: { members: ['amy'] } } }

/** As a literal it would look like a promise's. */
const then = (what: string) => Object.fromEntries([['then', what]])

/** The clock of a test begins on a Thursday, at midnight. */
function start(settings: object, more: TestConfig = {}) {
  return testRuntime({ bots: { parrot: { use: 'echo' } }, features: [{ use: autoReply, ...settings }], ...more })
}

describe('C-FO-01: a customer who follows', () => {
  test('is greeted once for each follow, also when the platform repeats it', async () => {
    await using bot = await start({ onFollow: 'Welcome!' })
    await bot.user('u1').does(FOLLOW).hears('Welcome!').repeats().hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['answered: follow'])
  })

  test('is greeted again when they follow again', async () => {
    await using bot = await start({ onFollow: 'Welcome!', onFollowAgain: true })
    const user = bot.user('u1')
    await user.does(FOLLOW).hears('Welcome!').does({ type: 'unfollow' }).does(FOLLOW).hears('Welcome!').hearsNothing()
  })

  test('is not greeted again when that is switched off, not even after a restart', async () => {
    await using bot = await start({ onFollow: 'Welcome!', onFollowAgain: false })
    const user = bot.user('u1')
    await user.does(FOLLOW).hears('Welcome!').does({ type: 'unfollow' }).does(FOLLOW).hearsNothing()
    await bot.restart()
    await user.does(FOLLOW).hearsNothing()
    await bot.user('u2').does(FOLLOW).hears('Welcome!')
  })

  test('hears several messages, in their order and language', async () => {
    const picture = { type: 'image', url: 'https://files.example/shop.png' }
    const onFollow = [{ en: 'Welcome!', 'zh-CN': '您好！' }, picture, 'http://shop.example']
    await using bot = await start({ onFollow }, { languages: ['en', 'zh-CN'] })
    await bot.user('u1').does(FOLLOW).hears('Welcome!', { type: 'image' }, 'http://shop.example').hearsNothing()
    await bot.user('u2', { language: 'zh-CN' }).does(FOLLOW).hears('您好！', { type: 'image' }, /shop/)
  })

  test('is sent what the platform takes after a follow, and no more; what it takes for messages is left alone', async () => {
    const later = [
      { on: 'follow', withinMs: 60_000, max: 3, resets: true },
      { on: 'message', withinMs: 48 * HOUR_MS, max: 5, resets: true },
    ]
    const channel = memoryChannel({ capabilities: { later } })
    const features = [{ use: autoReply, onFollow: [PICTURE, PICTURE, PICTURE, PICTURE] }]
    await using bot = await testRuntime({ bots: { parrot: { use: 'echo' } }, features }, { channel })
    const event = { chat: 'u1', atMs: bot.clock.now() } as const
    await channel.receive({ ...event, id: '1', type: 'follow', grants: 'follow' })
    await bot.idle()
    expect(channel.sent).toHaveLength(3)
    const parts = [{ type: 'text', text: 'hi' }] as const
    await channel.receive({ ...event, id: '2', type: 'message', parts, grants: 'message' })
    await bot.idle()
    expect(channel.sent.slice(3).map(({ part }) => part)).toEqual([{ type: 'text', text: 'echo: hi' }])
    const chat = await bot.runtime.engine.read.selectFrom('chat').select('id').executeTakeFirstOrThrow()
    const loaded = await bot.runtime.engine.load(chat.id)
    expect(loaded?.allowances).toMatchObject([
      { on: 'follow', used: 3 },
      { on: 'message', used: 1 },
    ])
  })

  test('is greeted during the hours that are given, by a second entry at others, and by nobody at the rest', async () => {
    // The test begins at midnight.
    const hours = (weekdays: object) => ({ weekdays })
    const day = { onFollow: 'Good day!', onFollowDuring: 'office' }
    const night = { onFollow: 'Good night!', onFollowDuring: hours({ thu: '18:00-20:00' }) }
    const features = [
      { use: autoReply, ...day },
      { use: autoReply, name: 'at-night', ...night },
    ]
    await using bot = await start({}, { hours: { office: hours({ 'mon-fri': '09:00-18:00' }) }, features })
    const user = bot.user('u1')
    await user.does(FOLLOW).hearsNothing()
    await bot.advance(9 * HOUR_MS - 1)
    await user.does(FOLLOW).hearsNothing()
    await bot.advance(1)
    await user.does(FOLLOW).hears('Good day!').hearsNothing()
    await bot.advance(9 * HOUR_MS)
    await user.does(FOLLOW).hears('Good night!').hearsNothing()
    await bot.advance(2 * HOUR_MS)
    await user.does(FOLLOW).hearsNothing()
  })

  test('at another hour has followed all the same: the next time is not the first', async () => {
    const onFollowDuring = { weekdays: { thu: '09:00-18:00' } }
    await using bot = await start({ onFollow: 'Welcome!', onFollowAgain: false, onFollowDuring })
    await bot.user('u1').does(FOLLOW).hearsNothing()
    await bot.advance(10 * HOUR_MS)
    await bot.user('u1').does(FOLLOW).hearsNothing()
    await bot.user('u2').does(FOLLOW).hears('Welcome!')
  })

  test('hears nothing when nothing is to be said, and no conversation is opened either way', async () => {
    await using bot = await start({})
    await bot.user('u1').does(FOLLOW).hearsNothing()
    expect(await bot.outcomes('u1')).toEqual(['ignored: nobody answers follow'])
    await bot.apply({ bots: { parrot: { use: 'echo' } }, features: [{ use: autoReply, onFollow: 'Welcome!' }] })
    await bot.user('u1').does(FOLLOW).hears('Welcome!')
    expect(await bot.conversation('u1')).toBeUndefined()
  })
})

describe('the first message of a conversation', () => {
  test('is greeted, and then answered by the bot', async () => {
    await using bot = await start({ onFirstMessage: ['Hello.', 'What can I do for you?'] })
    const user = bot.user('u1')
    await user.says('hi').hears('Hello.', 'What can I do for you?', 'echo: hi')
    await user.says('well').hears('echo: well').hearsNothing()
  })

  test('is greeted in each conversation, or once in a given time', async () => {
    const again = async (settings: object, heard: readonly string[]) => {
      await using bot = await start({ onFirstMessage: 'Hello.', ...settings }, { desks: { support: SUPPORT } })
      const user = bot.user('u1')
      await user.says('one').hears('Hello.', 'echo: one')
      await bot.agent('amy').takes('u1')
      await bot.agent('amy').closes('u1')
      await bot.advance(HOUR_MS)
      await user
        .says('two')
        .hears(...heard, 'echo: two')
        .hearsNothing()
    }
    await again({}, ['Hello.'])
    await again({ every: '24h' }, [])
    await again({ every: '30m' }, ['Hello.'])
  })

  test('is the first of several that are collected for one answer', async () => {
    const routes = [{ from: 'memory', mode: 'bot-first', bot: 'parrot', desk: 'support', collect: '2s' }]
    await using bot = await start({ onFirstMessage: 'Hello.' }, { desks: { support: SUPPORT }, routes })
    const user = bot.user('u1')
    const collected = async (...lines: readonly string[]) => {
      for (const line of lines) user.says(line)
      await bot.advance(3_000)
    }
    await collected('one', 'two', 'three')
    await user.hears('Hello.', 'echo: one\ntwo\nthree').hearsNothing()
    await bot.agent('amy').takes('u1')
    await bot.agent('amy').closes('u1')
    await bot.advance(HOUR_MS)
    await collected('four', 'five')
    await user.hears('Hello.', 'echo: four\nfive').hearsNothing()
  })

  test('is not greeted again as long as no conversation comes of it', async () => {
    const nobody = definePlugin({
      name: 'nobody',
      summary: 'Nobody is there.',
      config: z.strictObject({}),
      setup: () => ({ inbound: { respond: (turn) => turn.done('nobody is there') } }),
    })
    const features = [{ use: autoReply, onFirstMessage: 'Hello.' }, { use: nobody }]
    await using bot = await testRuntime({ bots: { parrot: { use: 'echo' } }, features })
    const user = bot.user('u1')
    await user.says('one').hears('Hello.').says('two').hearsNothing()
    await bot.apply({ bots: { parrot: { use: 'echo' } }, features: features.slice(0, 1) })
    await user.says('three').hears('echo: three').hearsNothing()
  })

  test('is one that was written: not an item of the menu, an edit or a recall', async () => {
    await using bot = await start({ onFirstMessage: 'Hello.' })
    const user = bot.user('u1')
    await user.does({ type: 'recall', of: 'x' }).hearsNothing()
    await user.does({ type: 'menu-click', key: 'A' }).hearsNothing()
    await user.says('hi').hears('echo: hi').hearsNothing()
  })
})

describe('a rule', () => {
  const RULES = [
    { when: ['opening hours', '营业时间'], say: 'From 9 to 6.' },
    { when: [{ text: 'price', match: 'exact' }], say: 'See the list.' },
    { when: [{ text: 'deliver', match: 'contains' }], say: 'In two days.' },
    {
      when: [{ pattern: '^order +\\d+$' }, { pattern: '订单号?\\d{3,}' }, { pattern: '房间[A-C]\\d' }],
      say: 'We are looking.',
    },
  ]

  test.each([
    ['What are your OPENING  hours?', 'From 9 to 6.', 'keyword opening hours'],
    ['請問營業時間', 'From 9 to 6.', 'keyword 营业时间'],
    ['Ｐrice!', 'See the list.', 'keyword price'],
    ['Undeliverable?', 'In two days.', 'keyword deliver'],
    ['Order 123', 'We are looking.', 'pattern ^order +\\d+$'],
    ['我的订单号12345呢', 'We are looking.', 'pattern 订单号?\\d{3,}'],
    ['房间b7', 'We are looking.', 'pattern 房间[A-C]\\d'],
    ['the price', 'echo: the price', 'bot'],
    ['reopening hours', 'echo: reopening hours', 'bot'],
    ['order 12 now', 'echo: order 12 now', 'bot'],
  ])('of words, a whole message, a part, a pattern: “%s” hears “%s”', async (said, heard, because) => {
    await using bot = await start({ rules: RULES })
    await bot.user('u1').says(said).hears(heard).hearsNothing()
    expect(await bot.outcomes('u1')).toEqual([`answered: ${because}`])
  })

  test('counts before the ones below it, whether it has words or a pattern', async () => {
    const rules = [
      { when: [{ pattern: 'refund' }], say: 'one' },
      { when: ['refund', 'money'], say: 'two' },
      { when: [{ pattern: 'money|order' }], say: 'three' },
    ]
    await using bot = await start({ rules })
    const user = bot.user('u1')
    await user.says('my order, a refund, my money').hears('one')
    await user.says('my order, my money').hears('two').says('my order').hears('three').hearsNothing()
  })

  test('answers instead of the bot, or before it', async () => {
    const rules = [
      { when: ['stop'], say: ['One.', 'Two.'] },
      { when: ['go'], say: ['Three.', 'Four.'], ...then('go-on') },
    ]
    await using bot = await start({ rules })
    const user = bot.user('u1')
    await user.says('stop').hears('One.', 'Two.').hearsNothing()
    expect((await bot.conversation('u1'))?.owner).toEqual({ kind: 'bot', bot: 'parrot' })
    await user.says('go').hears('Three.', 'Four.', 'echo: go').hearsNothing()
  })

  test('is said in the customer’s language', async () => {
    const rules = [{ when: ['hours'], say: { en: 'From 9 to 6.', 'zh-CN': '九点到六点。' } }]
    await using bot = await start({ rules }, { languages: ['en', 'zh-CN'] })
    await bot.user('u1', { language: 'zh-CN' }).says('hours').hears('九点到六点。')
    await bot.user('u2').says('hours').hears('From 9 to 6.')
  })

  test('is said once in its time to each customer, and meanwhile the bot is asked', async () => {
    const rules = [
      { when: ['hours'], say: 'From 9 to 6.', every: '24h' },
      { when: ['price'], say: 'See the list.' },
      { when: ['news'], say: 'None.', every: '1h', ...then('go-on') },
    ]
    await using bot = await start({ rules })
    const user = bot.user('u1')
    await user.says('hours').hears('From 9 to 6.').says('hours').hears('echo: hours').hearsNothing()
    await user.says('price').hears('See the list.').says('price').hears('See the list.').hearsNothing()
    await user.says('news').hears('None.', 'echo: news').says('news').hears('echo: news').hearsNothing()
    await bot.user('u2').says('hours').hears('From 9 to 6.')
    await bot.advance(DAY_MS - 1)
    await user.says('hours').hears('echo: hours').says('news').hears('None.', 'echo: news').hearsNothing()
    await bot.advance(1)
    await user.says('hours').hears('From 9 to 6.').hearsNothing()
  })

  test('has the time of all when it has none of its own', async () => {
    const rules = [
      { when: ['hours'], say: 'From 9 to 6.' },
      { when: ['price'], say: 'See the list.', every: '0s' },
    ]
    await using bot = await start({ rules, every: '24h' })
    const user = bot.user('u1')
    await user.says('hours').hears('From 9 to 6.').says('hours').hears('echo: hours').hearsNothing()
    await user.says('price').hears('See the list.').says('price').hears('See the list.').hearsNothing()
  })

  test('keeps its time when it moves in the list, and after a restart', async () => {
    const hours = { when: ['hours'], say: 'From 9 to 6.' }
    const price = { when: ['price'], say: 'See the list.' }
    const config = (rules: readonly object[]): TestConfig => ({
      bots: { parrot: { use: 'echo' } },
      features: [{ use: autoReply, rules, every: '24h' }],
    })
    await using bot = await testRuntime(config([hours, price]))
    const user = bot.user('u1')
    await user.says('hours').hears('From 9 to 6.')
    await bot.restart(config([price, hours]))
    await user.says('hours').hears('echo: hours').says('price').hears('See the list.')
  })

  test('is not looked for once people have the conversation', async () => {
    const rules = [{ when: ['hours'], say: 'From 9 to 6.' }]
    await using bot = await start({ rules }, { desks: { support: SUPPORT } })
    const user = bot.user('u1')
    await user.says('hours').hears('From 9 to 6.')
    await bot.agent('amy').takes('u1')
    await user.says('hours').hearsNothing()
    expect((await bot.outcomes('u1')).at(-1)).toBe('to-desk: support has the conversation')
  })

  test('takes a text of any kind in time that grows with its length only', async () => {
    const rules = [{ when: [{ pattern: '(a+)+$' }, { pattern: '(a|aa)+b' }], say: 'found' }]
    await using bot = await start({ rules })
    // A backtracking engine would take longer than the universe has been there: the hook would be given up.
    const text = `${'a'.repeat(3_000)}!`
    await bot.user('u1').says(text).hears(`echo: ${text}`)
    expect(bot.logged.filter((line) => line.includes('auto-reply'))).toEqual([])
  })

  test('looks with a pattern at the first thousand characters', async () => {
    await using bot = await start({
      rules: [{ when: [{ pattern: 'order \\d' }, { pattern: '^x+$' }], say: 'We are looking.' }],
    })
    const user = bot.user('u1')
    await user.says(`${'x'.repeat(993)}order 1`).hears('We are looking.')
    await user.says(`${'x'.repeat(994)}order 1`).hears(/^echo: xxx/)
    await user.says(`${'x'.repeat(1_000)}, please`).hears(/^echo: xxx/)
  })

  test.each([
    ['(', /"\(" is no regular expression that can be used: .*missing closing \)/],
    ['a(?=b)', /"a\(\?=b\)" is no regular expression .* Look-around and back-references are not known here\./],
    ['(a)\\1', /invalid escape sequence in \\1\. Look-around and back-references are not known here\./],
    ['[', /missing closing \]\. Write a \\ before a sign that means itself\./],
    ['*', /missing argument to repetition operator\. Write a \\ before/],
    ['a\\p{Foo}', /invalid character class range in \\p\{Foo\}\. Write a \\ before/],
    ['a{5000}', /is no regular expression/],
    ['', /"" fits every message, or one without a text\. Write what must be in it\./],
    ['.*', /"\.\*" fits every message/],
    ['x?', /"x\?" fits every message/],
    ['(a|b|c|d){0,1000}z', /is too large: it is \d+ instructions, and 200 are taken\. Repeat less of it/],
  ])('is refused with the pattern %s', async (pattern, told) => {
    await expect(start({ rules: [{ when: [{ pattern }], say: 'x' }] })).rejects.toThrow(told)
  })

  test.each([
    [{ rules: [{ when: [], say: 'x' }] }, /rules\[0\]\.when/],
    [{ rules: [{ when: ['a'], say: [] }] }, /rules\[0\]\.say/],
    [{ rules: [{ when: ['a'], say: '' }] }, /rules\[0\]\.say\s/],
    [{ rules: [{ when: ['a'], say: { en: ' ', 'zh-CN': '' } }] }, /Nothing is said by an empty text\./],
    [{ onFollow: ['', ''] }, /Nothing is said by an empty text\. Write a text, or leave out what says it\./],
    [{ rules: [{ when: ['a'], say: 'x', ...then('stop') }] }, /end.*go-on/],
    [{ rules: [{ when: [{ text: 'a', match: 'equals' }], say: 'x' }] }, /word.*exact.*contains/],
    [{ rules: [{ when: [5], say: 'x' }] }, /wants a word here, and this is the number 5/],
    [{ onFirstMessage: 5 }, /wants a text \(or one for each language\) here, and this is the number 5/],
    [{ onFolow: 'x' }, /Write "onFollow" instead/],
    [{ outsideHours: { hours: 'ofice', say: 'x' } }, /office/],
  ])('and settings like %j are refused with what to write', async (settings, told) => {
    const hours = { office: { weekdays: { 'mon-fri': '09:00-18:00' } } }
    await expect(start(settings, { hours })).rejects.toThrow(told)
  })
})

describe('on a channel that only answers inside the platform’s request', () => {
  const CLOSED = { hours: { weekdays: { sat: '00:00-00:01' } }, say: 'We are closed.', every: '1h' }

  test('what is said besides the answer stands above it in one message, and shifts no answer to the next request', async () => {
    const rules = [
      { when: ['go'], say: ['One.', 'Two.'], ...then('go-on') },
      { when: ['stop'], say: ['Three.', 'Four.'] },
    ]
    const channel = memoryChannel({ capabilities: { inline: { withinMs: 4_500 }, later: [] } })
    const features = [{ use: autoReply, onFirstMessage: 'Hello.', outsideHours: CLOSED, rules }]
    await using bot = await testRuntime({ bots: { parrot: { use: 'echo' } }, features }, { channel })
    const ask = async (id: string) => {
      const parts = [{ type: 'text', text: id }] as const
      const answer = await channel.receive({ id, chat: 'u1', type: 'message', parts, atMs: bot.clock.now() })
      await bot.idle()
      return answer?.part
    }
    const text = (...lines: readonly string[]) => ({ type: 'text', text: lines.join('\n') })
    expect(await ask('one')).toEqual(text('Hello.', 'We are closed.', 'echo: one'))
    expect(await ask('two')).toEqual(text('echo: two'))
    expect(await ask('go')).toEqual(text('One.', 'Two.', 'echo: go'))
    expect(await ask('stop')).toEqual(text('Three.', 'Four.'))
    expect(await ask('three')).toEqual(text('echo: three'))
  })
})

describe('outside the opening hours', () => {
  const HOURS = { office: { weekdays: { 'mon-fri': '09:00-18:00' }, holidays: ['2026-01-02'] } }
  const NOTICE = { outsideHours: { hours: 'office', say: 'We are back at nine.' } }
  const open = (settings: object = NOTICE, more: TestConfig = {}) =>
    start(settings, { hours: HOURS, timeZone: 'Asia/Shanghai', ...more })

  test('C-LC-03: a message is told so once in a while, and answered by the bot', async () => {
    // Midnight of UTC is eight in Shanghai.
    await using bot = await open()
    const user = bot.user('u1')
    await user.says('hi').hears('We are back at nine.', 'echo: hi').says('so?').hears('echo: so?').hearsNothing()
    await bot.advance(HOUR_MS)
    await user.says('now?').hears('echo: now?').hearsNothing()
    await bot.advance(11 * HOUR_MS)
    await user.says('and now?').hears('We are back at nine.', 'echo: and now?').hearsNothing()
  })

  test('is on holidays too, and hours of its own may be written', async () => {
    await using bot = await open()
    await bot.advance(DAY_MS + 4 * HOUR_MS)
    await bot.user('u1').says('hi').hears('We are back at nine.', 'echo: hi')
    const never = { weekdays: { sat: '00:00-00:01' } }
    await using other = await open({ outsideHours: { hours: never, say: 'Closed.', every: '0s' } })
    await other.user('u1').says('hi').hears('Closed.', 'echo: hi').says('so').hears('Closed.', 'echo: so')
  })

  test('nothing is said while it is open', async () => {
    await using bot = await open()
    await bot.advance(2 * HOUR_MS)
    await bot.user('u1').says('hi').hears('echo: hi').hearsNothing()
  })

  test('C-LC-03: people find the message in their queue all the same', async () => {
    const routes = [{ from: 'memory', mode: 'agent-only', desk: 'support' }]
    const more = { desks: { support: SUPPORT }, routes, texts: { offline: '' } }
    await using bot = await open(NOTICE, more)
    await bot.user('u1').says('hi').hears('We are back at nine.').hearsNothing()
    expect((await bot.conversation('u1'))?.owner).toMatchObject({ kind: 'queue', desk: 'support' })
  })
})

describe('several of them', () => {
  test('C-GR-09: each serves the channels it is for, and no other', async () => {
    const other = memoryChannel({ name: 'other' })
    await using bot = await testRuntime({
      channels: { second: { use: other.plugin } },
      bots: { parrot: { use: 'echo' } },
      features: [
        { use: autoReply, for: ['memory'], onFollow: 'Welcome to the first shop.' },
        { use: autoReply, name: 'second-reply', for: ['second'], rules: [{ when: ['hours'], say: 'From 9 to 6.' }] },
      ],
    })
    await bot.user('u1').does(FOLLOW).hears('Welcome to the first shop.').says('hours').hears('echo: hours')
    const event = { chat: 'u9', atMs: bot.clock.now(), grants: 'message' } as const
    await other.receive({ ...event, id: '1', type: 'follow' })
    await other.receive({ ...event, id: '2', type: 'message', parts: [{ type: 'text', text: 'hours' }] })
    await bot.idle()
    expect(other.sent.map(({ part }) => part)).toEqual([{ type: 'text', text: 'From 9 to 6.' }])
  })

  test('in one message, the greeting, the notice and a rule come in this order, before the bot', async () => {
    const settings = {
      onFollow: 'Welcome!',
      onFirstMessage: 'Hello.',
      outsideHours: { hours: { weekdays: { sat: '00:00-00:01' } }, say: 'We are closed.', every: '24h' },
      rules: [
        { when: ['hours'], say: 'From 9 to 6.', ...then('go-on') },
        { when: ['price'], say: 'See the list.' },
      ],
    }
    await using bot = await start(settings)
    const user = bot.user('u1')
    await user.does(FOLLOW).hears('Welcome!')
    await user.says('hours').hears('Hello.', 'We are closed.', 'From 9 to 6.', 'echo: hours').hearsNothing()
    await user.says('price').hears('See the list.').hearsNothing()
    await bot.user('u2').says('price').hears('Hello.', 'We are closed.', 'See the list.').hearsNothing()
  })
})

test('what is remembered of a chat stays small, and the latest is kept', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 400 }), (said) => {
      const saidAt: { [key: string]: number } = {}
      said.forEach((one, atMs) => void mayBeSaid(saidAt, `rule ${one}`, { everyMs: 1, atMs }))
      const latest = [...new Set(said.map((one) => `rule ${one}`).reverse())].slice(0, 100).reverse()
      expect(Object.keys(saidAt)).toEqual(latest)
    }),
    { seed: 5, numRuns: 100 },
  )
})
