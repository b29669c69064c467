/**
 * A recorded set, and what was reckoned of it by hand. It is played once, and every test reads it. All times are those of
 * Shanghai, on the second of March 2026 unless another day is said; `w` waits, `r` is the first answer since it came to
 * people, `h` how long somebody had it.
 *
 *   conversation                        came to people   then
 *    1  10:00 ann, with the bot         never            10:01 the bot closes
 *    2  10:02 bea says the keyword      keyword          w 2m bo; r 3m; 1 from her, 2 from bo; h 6m, closes 10:10
 *    3  10:11 cat, twice not known      unknown 10:12    10:15 leaves the queue, after 3m
 *    4  10:34 dan picks from the menu   menu 10:35       10:36 bo closes what waits
 *    5  10:37 eve, with the bot         taken 10:38      r 2m; 1 from bo; h 3m, closes 10:41
 *    6  10:42 fay                       bot              w 1m cai; no answer; blacklisted 10:45, h 2m
 *    7  10:46 bo calls ann back         –                1 from bo, 1 from ann; h 4m, closes 10:50
 *    8  10:51 on the other channel      route            w 2m cai; r 3m; 1 from cai; h 3m, closes 10:56
 *    9  11:00 gus is guided             guided           w 1m bo, who loses it at 11:13; w 2m cai; r 16m; 1 from cai;
 *                                                        h 2m, back to the bot 11:17, which closes 11:18
 *   10  11:25 hal wants money back      intent           w 1m cai; r 1m30s; 1 from cai; h 2m, to bo 11:28; 1 from bo;
 *                                                        h 5m, closes 11:33
 *   11  23:50 ida                       bot              w 5m bo; r 15m at 00:05; 1 from bo; h 15m, closes 00:10
 *   12  00:12 the next day: jim         bot              still waits
 *
 *   waits      1 1 1 2 2 2 5 minutes         median 2, 90 %: 2 + 0.4 × 3 = 3.2
 *   answers    1.5 2 3 3 15 16               median 3, 90 %: 15 + 0.5 × 1 = 15.5
 *   handling   2 2 2 3 3 4 5 6 15            median 3, 90 %: 6 + 0.2 × 9 = 7.8
 *   a bot had  1 3 4 5 9 10 11, without 6, who is blacklisted: it handled 1 of 7 alone
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defineBot, z } from '#core'
import { manualClock, type TestRuntime } from '#core/testing'
import type { QueryOf } from '../../plugins/desks/desk/api/routes.ts'
import type { Statistics, Values } from '../../plugins/desks/desk/api/statistics-shapes.ts'
import desk from '../../plugins/desks/desk/index.ts'
import {
  deskOf,
  deskRuntime,
  other,
  type SimulatedScreen,
  screenOf,
  staffOf,
} from '../../plugins/desks/desk/simulated-screen.ts'
import { CODES, measureOf } from '../../plugins/desks/desk/statistics/measures.ts'
import type { MomentRow } from '../../plugins/desks/desk/statistics/tables.ts'
import blacklist from '../../plugins/features/blacklist/index.ts'
import keywordHandoff from '../../plugins/features/keyword-handoff/index.ts'

const START_MS = Date.UTC(2026, 2, 2, 2)
const MINUTE = 60_000

const helper = defineBot({
  name: 'helper',
  summary: 'Answers as the script needs it.',
  config: z.strictObject({}),
  setup: () => ({
    answer(turn) {
      switch (turn.text) {
        case 'person':
          return turn.handOff({ because: 'asked for a person: 13800138000' })
        case 'what':
          return turn.unknown()
        case 'money back':
          return turn.reply('Wait.', { intent: 'refund' })
        case 'guide me':
          return turn.reply('This way.', { guided: true })
        case 'bye':
          return turn.close({ because: 'said goodbye' })
        default:
          return turn.reply('Hello!')
      }
    },
  }),
})

const teams = {
  presale: { members: ['bo', 'cai', 'sue'], sources: ['memory'], assign: 'by-hand', answerWithin: '12m' },
  aftersale: { members: ['cai'], sources: ['other'], assign: 'by-hand' },
}
const people = {
  amy: { name: 'Amy', role: 'administrator' },
  sue: { name: 'Sue', role: 'supervisor' },
  bo: { name: '=Bo' },
  cai: { name: '蔡' },
}
const config = {
  timeZone: 'Asia/Shanghai',
  bots: { helper: { use: helper } },
  features: [{ use: blacklist }, { use: keywordHandoff, keywords: ['human'] }],
  desks: { support: { use: desk, people, teams, leaveWords: ['never mind'], lingerFor: '0s' } },
  routes: [
    {
      from: ['memory'],
      mode: 'bot-first',
      bot: 'helper',
      desk: 'support',
      handOff: { unknown: 2, guided: true, intents: ['refund'], menu: ['HELP'] },
    },
    { from: ['other'], mode: 'agent-only', desk: 'support' },
  ],
}

const channel = other()
let bot: TestRuntime
let screens: { readonly amy: SimulatedScreen; readonly sue: SimulatedScreen; readonly bo: SimulatedScreen }

/** On the second of March, as `10:02`; on the third, as `24:12`. */
async function at(time: string): Promise<void> {
  const [hour = 0, minute = 0, second = 0] = time.split(':').map(Number)
  await bot.advance(START_MS + ((hour - 10) * 60 + minute) * MINUTE + second * 1000 - bot.clock.now())
}

/** What is done must be done. */
async function done(result: Promise<{ readonly ok: boolean }>): Promise<void> {
  expect(await result).toMatchObject({ ok: true })
  await bot.idle()
}

async function chatOf(externalId: string) {
  const rows = bot.runtime.engine.read.selectFrom('chat').select(['id', 'customer'])
  return rows.where('external_id', '=', externalId).executeTakeFirstOrThrow()
}

beforeAll(async () => {
  bot = await deskRuntime(config, { other: channel, clock: manualClock(START_MS) })
  screens = await staffOf(bot, 'sue', 'bo')
  const [bo, cai] = [bot.agent('bo'), bot.agent('cai')]
  await bo.comes()
  await cai.comes()
  const says = async (time: string, user: string, text: string) => {
    await at(time)
    await bot.user(user).says(text)
    await bot.idle()
  }
  const takes = async (time: string, agent: typeof bo, user: string) => {
    await at(time)
    await done(agent.takes(user))
  }
  const sends = async (time: string, agent: typeof bo, user: string) => {
    await at(time)
    await done(agent.sends(user, 'I look into it.'))
  }
  const closes = async (time: string, agent: typeof bo, user: string) => {
    await at(time)
    await done(agent.closes(user))
  }

  await says('10:00', 'ann', 'hi')
  await says('10:01', 'ann', 'bye')

  await says('10:02', 'bea', 'human')
  await takes('10:04', bo, 'bea')
  await sends('10:05', bo, 'bea')
  await says('10:06', 'bea', 'thanks')
  await sends('10:07', bo, 'bea')
  await closes('10:10', bo, 'bea')

  await says('10:11', 'cat', 'what')
  await says('10:12', 'cat', 'what')
  await says('10:15', 'cat', 'never mind')

  await says('10:34', 'dan', 'hi')
  await at('10:35')
  await bot.user('dan').does({ type: 'menu-click', key: 'HELP' })
  await bot.idle()
  await closes('10:36', bo, 'dan')

  await says('10:37', 'eve', 'hi')
  await takes('10:38', bo, 'eve')
  await sends('10:40', bo, 'eve')
  await closes('10:41', bo, 'eve')

  await says('10:42', 'fay', 'person')
  await takes('10:43', cai, 'fay')
  await at('10:45')
  const { customer } = await chatOf('fay')
  await screens.sue.call('POST /customers/:customer/blacklist', { params: { customer }, body: { reason: 'spam' } })
  await bot.idle()

  await at('10:46')
  await done(bo.does({ type: 'call-back', chat: (await chatOf('ann')).id, content: 'It is here.' }))
  await says('10:47', 'ann', 'fine')
  await closes('10:50', bo, 'ann')

  await at('10:51')
  const words = [{ type: 'text' as const, text: 'hello' }]
  await channel.receive({
    id: '1',
    chat: 'olga',
    type: 'message',
    parts: words,
    atMs: bot.clock.now(),
    grants: 'message',
  })
  await bot.idle()
  const { id: chat } = await chatOf('olga')
  await at('10:53')
  await done(cai.does({ type: 'take', chat }))
  await at('10:54')
  await done(cai.does({ type: 'send', chat, content: 'Hello.' }))
  await at('10:56')
  await done(cai.does({ type: 'close', chat, because: 'solved' }))

  await says('11:00', 'gus', 'guide me')
  await takes('11:01', bo, 'gus')
  await takes('11:15', cai, 'gus')
  await sends('11:16', cai, 'gus')
  await at('11:17')
  await done(cai.does({ type: 'return', chat: (await chatOf('gus')).id }))
  await says('11:18', 'gus', 'bye')

  await says('11:25', 'hal', 'money back')
  await takes('11:26', cai, 'hal')
  await sends('11:26:30', cai, 'hal')
  await at('11:28')
  await done(cai.does({ type: 'transfer', chat: (await chatOf('hal')).id, to: { person: 'bo' } }))
  await sends('11:29', bo, 'hal')
  await closes('11:33', bo, 'hal')

  await says('23:50', 'ida', 'person')
  await takes('23:55', bo, 'ida')
  await sends('24:05', bo, 'ida')
  await closes('24:10', bo, 'ida')

  await says('24:12', 'jim', 'person')
  await at('24:20')
}, 60_000)
afterAll(() => bot[Symbol.asyncDispose]())

const DAYS = { from: '2026-03-02', until: '2026-03-03' } as const
const ask = (query: QueryOf<'GET /statistics'> = {}, screen = screens.sue): Promise<Statistics> =>
  screen.call('GET /statistics', { query: { ...DAYS, ...query } })

/** By key, only these numbers. */
async function apart(
  by: NonNullable<QueryOf<'GET /statistics'>['by']>,
  codes: readonly string[],
  screen = screens.sue,
) {
  const { rows = [] } = await ask({ by }, screen)
  return Object.fromEntries(rows.map(({ key, values }) => [key ?? '–', codes.map((code) => values[code])]))
}

const ALL = {
  opened: 12,
  closed: 11,
  openNow: 1,
  botAlone: 1,
  containment: 1 / 7,
  handedOver: 10,
  firstResponseMedian: 3 * MINUTE,
  firstResponseP90: 15.5 * MINUTE,
  handlingMedian: 3 * MINUTE,
  handlingP90: 7.8 * MINUTE,
  waitMedian: 2 * MINUTE,
  waitP90: 3.2 * MINUTE,
  waitLongest: 5 * MINUTE,
  left: 1,
  noAnswer: 1,
  transfers: 1,
  sent: 9,
  received: 2,
  // Both from 10:00 to 00:20.
  online: 2 * 860 * MINUTE,
}

describe('C-ST-01, C-GR-10: the recorded set is counted as by hand', () => {
  test('all together', async () => {
    const { total = {}, timeZone } = await ask()
    expect(Object.keys(ALL)).toEqual([...CODES])
    for (const code of CODES) expect(total[code], code).toBeCloseTo(ALL[code], 6)
    expect(timeZone).toBe('Asia/Shanghai')
  })

  test('by channel', async () => {
    expect(
      await apart('channel', ['opened', 'closed', 'handedOver', 'waitMedian', 'sent', 'left', 'botAlone']),
    ).toEqual({
      memory: [11, 10, 9, 1.5 * MINUTE, 8, 1, 1],
      other: [1, 1, 1, 2 * MINUTE, 1, 0, 0],
    })
  })

  test('by team: where it was waited for, who handled it, and in which it ended', async () => {
    expect(await apart('team', ['closed', 'handedOver', 'left', 'noAnswer', 'sent'])).toEqual({
      // 1 and 9 were the bot’s in the end, 5 was taken from it for no team, and 7 is a callback.
      '–': [4, 1, 0, 0, 2],
      aftersale: [1, 1, 0, 0, 1],
      presale: [6, 8, 1, 1, 6],
    })
  })

  test('by person', async () => {
    const codes = [
      'closed',
      'firstResponseMedian',
      'handlingMedian',
      'noAnswer',
      'transfers',
      'sent',
      'received',
      'online',
    ]
    expect(await apart('person', codes)).toEqual({
      // Answers: 3, 2 and 15 minutes. Handling: 6, 5, 3, 4 and 15.
      bo: [5, 3 * MINUTE, 5 * MINUTE, 1, 0, 6, 2, 860 * MINUTE],
      // 16, 1.5 and 3. Handling: 2, 2, 2 and 3.
      cai: [2, 3 * MINUTE, 2 * MINUTE, 0, 1, 3, 0, 860 * MINUTE],
      '–': [4, null, null, 0, 0, 0, 0, 0],
    })
  })

  test('by bot, and by why it came to people', async () => {
    expect(await apart('bot', ['closed', 'botAlone', 'containment', 'handedOver'])).toEqual({
      helper: [8, 1, 1 / 7, 8],
      '–': [3, 0, null, 2],
    })
    expect(await apart('reason', ['handedOver'])).toEqual({
      bot: [3],
      guided: [1],
      intent: [1],
      keyword: [1],
      menu: [1],
      route: [1],
      taken: [1],
      unknown: [1],
    })
  })

  test('by day and hour: over midnight, opened on one day and closed on another', async () => {
    expect(await apart('day', ['opened', 'closed', 'waitLongest', 'firstResponseP90'])).toEqual({
      // 1.5, 2, 3, 3 and 16 minutes: 3 + 0.6 × 13.
      '2026-03-02': [11, 10, 5 * MINUTE, 10.8 * MINUTE],
      '2026-03-03': [1, 1, null, 15 * MINUTE],
    })
    const hours = await apart('hour', ['opened', 'closed'])
    expect(Object.keys(hours)).toHaveLength(24)
    expect([hours[0], hours[10], hours[11], hours[12], hours[23]]).toEqual([
      [1, 1],
      [8, 8],
      [2, 2],
      [0, 0],
      [1, 0],
    ])
  })

  test('one channel, team or person alone is what it is among the others', async () => {
    const { rows: channels = [] } = await ask({ by: 'channel' })
    for (const { key, values } of channels)
      expect((await ask({ channel: key ?? '' })).total).toEqual(without(values, 'online'))
    const { rows: ofTeams = [] } = await ask({ by: 'team' })
    for (const { key, values } of ofTeams.filter((row) => row.key !== null))
      expect((await ask({ team: key ?? '' })).total).toEqual(values)
    expect((await ask({ person: 'bo' })).total).toEqual(
      (await ask({ by: 'person' })).rows?.find(({ key }) => key === 'bo')?.values,
    )
  })
})

const without = (values: Values, code: string): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => name !== code))

describe('what is told apart', () => {
  test.each(['day', 'hour', 'channel', 'team', 'person', 'bot', 'reason', 'status'] as const)(
    'adds up to all of it: by %s',
    async (by) => {
      const { rows = [], measures } = await ask({ by })
      const { total = {} } = await ask()
      const counts = measures.filter(({ unit, code }) => unit === 'count' || code === 'online')
      expect(counts.length).toBeGreaterThan(0)
      for (const { code } of counts)
        expect(
          rows.reduce((sum, { values }) => sum + (values[code] ?? 0), 0),
          code,
        ).toBe(total[code])
    },
  )
})

const momentsOf = async (of: TestRuntime) => {
  const rows = of.runtime.engine.tablesOf<{ moment: MomentRow }>('support').selectFrom('moment').selectAll()
  return rows.orderBy('conversation').orderBy('n').orderBy('what').execute()
}

describe('what is kept', () => {
  test('is the same as what the journal gives at once: a desk that is new on it counts as one that was always there', async () => {
    await ask()
    const asItWent = await momentsOf(bot)
    expect(asItWent.length).toBeGreaterThan(50)
    await bot.runtime.engine.write([{ sql: 'DELETE FROM "support__moment"', parameters: [] }])
    expect(await momentsOf(bot)).toEqual([])
    await bot.restart()
    screens = { ...screens, sue: await againAt(screens.sue) }
    const before = (await ask()).total
    expect(await momentsOf(bot)).toEqual(asItWent)
    // Asked again, nothing is kept twice.
    expect((await ask()).total).toEqual(before)
    expect(await momentsOf(bot)).toEqual(asItWent)
  })

  test('is nothing that was said, and no name of a customer; when one is erased, the numbers stay', async () => {
    const { total, rows } = { ...(await ask()), rows: (await ask({ by: 'day' })).rows }
    screens = { ...screens, amy: await againAt(screens.amy) }
    const before = await momentsOf(bot)
    expect(JSON.stringify(before)).not.toMatch(/13800138000|hi|ann|goodbye/)
    const { customer } = await chatOf('ida')
    await screens.amy.call('POST /customers/:customer/erase', { params: { customer } })
    expect(
      await bot.runtime.engine.read.selectFrom('conversation').select('id').where('customer', '=', customer).execute(),
    ).toEqual([])
    expect((await ask()).total).toEqual(total)
    expect((await ask({ by: 'day' })).rows).toEqual(rows)
    expect(await momentsOf(bot)).toEqual(before)
  })
})

/** The same browser, at the address that the desk has after a restart. */
async function againAt(screen: SimulatedScreen): Promise<SimulatedScreen> {
  const next = screenOf(deskOf(bot))
  for (const [name, value] of screen.cookies) next.cookies.set(name, value)
  return next
}

describe('who may see what', () => {
  test('an agent is given what they have done themselves, whatever they ask, and nobody else’s', async () => {
    screens = { ...screens, bo: await againAt(screens.bo) }
    const own = await ask({}, screens.bo)
    expect(own.isOwn).toBe(true)
    expect(own.total).toEqual((await ask({ person: 'bo' })).total)
    expect(own.total).toMatchObject({ closed: 5, sent: 6 })
    expect(Object.keys(await apart('person', ['closed'], screens.bo))).toEqual(['bo'])
    const query = { ...DAYS, person: 'cai' }
    expect(await screens.bo.refused('GET /statistics', { query })).toBe('FORBIDDEN')
    expect(await screens.bo.refused('GET /statistics/csv', { query })).toBe('FORBIDDEN')
  })

  test('a token sees what its teams have had; as an agent it is nobody who has done anything', async () => {
    const { secret } = await screens.amy.call('POST /tokens', {
      body: { name: 'board', role: 'supervisor', teams: ['aftersale'] },
    })
    const board = screenOf(deskOf(bot), { token: secret })
    expect((await ask({}, board)).total).toEqual((await ask({ team: 'aftersale' })).total)
    expect((await ask({ team: 'presale' }, board)).total).toMatchObject({ closed: 0, sent: 0, waitMedian: null })
    const agent = await screens.amy.call('POST /tokens', { body: { name: 'x', role: 'agent' } })
    const machine = screenOf(deskOf(bot), { token: agent.secret })
    expect(await machine.refused('GET /statistics', { query: DAYS })).toBe('FORBIDDEN')
  })
})

describe('C-GR-10: each number comes with what it means', () => {
  test('the API gives the definition of every measure that it answers, in both languages', async () => {
    const { measures, total = {} } = await ask()
    expect(measures.map(({ code }) => code)).toEqual(Object.keys(total))
    for (const { code, name, definition, formula, exclusions } of measures)
      for (const text of [name, definition, formula, exclusions]) {
        expect(text.en, code).toMatch(/^[\p{L}\d]/u)
        expect(text.en, code).not.toMatch(/\p{Script=Han}/u)
        expect(text['zh-CN'], code).toMatch(/\p{Script=Han}/u)
      }
  })

  test('so does the table for spreadsheets, which names columns in the language asked for and lets no name be a formula', async () => {
    const csv = async (query: string) =>
      (await screens.sue.ask(`api/statistics/csv?from=2026-03-02&until=2026-03-03&${query}`)).text
    const chinese = await csv('by=person&language=zh-CN')
    expect(chinese.startsWith('客服,已结束,')).toBe(true)
    const lines = chinese.split('\r\n')
    expect(lines.map((line) => line.split(',')[0])).toEqual(expect.arrayContaining(["'=Bo", '蔡', '合计', '时区']))
    // Seconds.
    const column = lines[0]?.split(',').indexOf('首次响应（中位数） (s)') ?? -1
    expect(lines.find((line) => line.startsWith('蔡'))?.split(',')[column]).toBe('180')
    for (const { definition, splits } of CODES.map(measureOf))
      expect(chinese.includes(definition['zh-CN'])).toBe(splits.includes('person'))
    expect(await csv('by=day')).toMatch(
      /^Day,Opened,Closed,By the bot alone,Containment \(%\),.*\r\n2026-03-02,11,10,1,/,
    )
  })
})

describe('the period', () => {
  test('is days by the clocks of the YAML, compared with as many days before, up to the same time', async () => {
    const { period, previous } = await ask({ from: '2026-03-03', until: '2026-03-03' })
    expect(period).toMatchObject({ fromMs: START_MS + 14 * 60 * MINUTE, untilMs: bot.clock.now() })
    expect(previous).toEqual({
      from: '2026-03-02',
      until: '2026-03-02',
      fromMs: period.fromMs - 24 * 60 * MINUTE,
      untilMs: period.untilMs - 24 * 60 * MINUTE,
    })
    const { total, before } = await screens.sue.call('GET /statistics', { query: { period: 'today' } })
    expect([total?.opened, before?.opened]).toEqual([1, 0])
    const month = await screens.sue.call('GET /statistics', { query: { period: '30-days' } })
    expect([month.period.from, month.previous.from, month.total?.opened]).toEqual(['2026-02-02', '2026-01-03', 12])
  })

  test.each([
    ['2026-03-03', '2026-03-02'],
    ['2026-02-30', '2026-03-02'],
    ['2024-03-01', '2026-03-02'],
  ])('is refused when there are no such days, or more than a year of them: %s to %s', async (from, until) => {
    expect(await screens.sue.refused('GET /statistics', { query: { from, until } })).toBe('PERIOD_NOT_GOOD')
  })
})

test('whoever is erased before anybody has asked is counted, too', async () => {
  const before = (await ask({ from: '2026-03-03' })).total
  await bot.user('zoe').says('hi')
  await bot.user('zoe').says('bye')
  await bot.idle()
  const { customer } = await chatOf('zoe')
  await screens.amy.call('POST /customers/:customer/erase', { params: { customer } })
  await bot.advance(1)
  const after = (await ask({ from: '2026-03-03' })).total
  expect(after).toMatchObject({ opened: (before?.opened ?? 0) + 1, botAlone: (before?.botAlone ?? 0) + 1 })
})
