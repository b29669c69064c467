import { describe, expect, test } from 'vitest'
import { DeliveryError, defineBot, z } from '#core'
import { memoryChannel, type TestRuntime } from '#core/testing'
import desk from '../index.ts'
import { deskOf, deskRuntime, newId, other, type SimulatedScreen, screenOf, staffOf } from '../simulated-screen.ts'
import { openApiOf } from './documentation.ts'
import type { QueryOf } from './routes.ts'
import type { Entry, Person, Row } from './shapes.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const echo = defineBot({
  name: 'parrot',
  summary: 'Says it again, and hands over when it is asked for a person.',
  config: z.strictObject({}),
  setup: () => ({
    answer: (turn) =>
      turn.text === 'person' ? turn.handOff({ because: 'asked', say: 'Wait.' }) : turn.reply(`echo: ${turn.text}`),
  }),
})
const WITH_BOT = { bots: { parrot: { use: echo } } }

async function rowOf(screen: SimulatedScreen, list: 'mine' | 'queue' | 'bot' | 'all' | 'closed' = 'all'): Promise<Row> {
  const { rows } = await screen.call('GET /conversations', { query: { list } })
  const [row] = rows
  if (!row) throw new Error(`Nothing is in ${list}.`)
  return row
}

const namesIn = async (screen: SimulatedScreen, query: QueryOf<'GET /conversations'>) =>
  (await screen.call('GET /conversations', { query })).rows.map(({ customer }) => customer.name)

/** A customer with a name who waits for people. */
async function waits(bot: TestRuntime, name: string, text = 'hello'): Promise<void> {
  await bot.user(name, { name }).says(text)
  await bot.idle()
}

describe('a row of a list', () => {
  test('shows who, where, what was said last, since when it waits, and what I have not read', async () => {
    const channel = memoryChannel()
    await using bot = await deskRuntime({}, { channel })
    const { bo, sue } = await staffOf(bot, 'bo', 'sue')
    const parts = [{ type: 'text', text: 'Where is my parcel?' } as const]
    const sender = { name: '张伟', avatarUrl: 'https://example.com/a.png' }
    const event = { chat: 'u1', type: 'message', parts, sender, grants: 'message' } as const
    const atMs = bot.clock.now()
    await channel.receive({ ...event, id: '1', atMs, entry: 'shop-th' })
    await bot.advance(MINUTE)
    await channel.receive({
      ...event,
      id: '2',
      atMs: bot.clock.now(),
      parts: [{ type: 'image', url: 'https://example.com/x.png' }],
    })
    await bot.idle()
    const row = await rowOf(bo, 'queue')
    expect(row).toMatchObject({
      customer: { name: '张伟', avatarUrl: 'https://example.com/a.png' },
      channel: 'memory',
      entry: 'shop-th',
      state: 'queued',
      team: 'presale',
      openedAtMs: atMs,
      queuedAtMs: atMs,
      queuedBecause: 'the route is agent-only',
      last: { by: { kind: 'customer' }, text: '', part: 'image', atMs: atMs + MINUTE },
      waitingSinceMs: atMs,
      unread: 2,
      isBlocked: false,
      failed: 0,
      lookers: [],
    })
    await bo.call('POST /chats/:chat/read', { params: row, body: { seq: row.head } })
    expect(await rowOf(bo)).toMatchObject({ unread: 0 })
    expect(await rowOf(sue)).toMatchObject({ unread: 2 })
    // Not back by itself: another screen has shown less.
    await bo.call('POST /chats/:chat/read', { params: row, body: { seq: 1 } })
    expect(await rowOf(bo)).toMatchObject({ unread: 0 })
    await bo.call('POST /chats/:chat/read', { params: row, body: { seq: row.head - 1, isBack: true } })
    expect(await rowOf(bo)).toMatchObject({ unread: 1 })
    await bo.call('POST /conversations/:conversation/take', { params: { conversation: row.id }, body: { id: newId() } })
    await bo.call('POST /conversations/:conversation/send', {
      params: { conversation: row.id },
      body: { id: newId(), text: 'On its way.' },
    })
    const taken = await rowOf(bo, 'mine')
    expect(taken).toMatchObject({
      state: 'assigned',
      person: 'bo',
      last: { by: { kind: 'agent', name: 'bo', title: 'Bo' }, text: 'On its way.' },
    })
    expect(taken.lease).toBeGreaterThan(row.lease)
    expect(taken.waitingSinceMs).toBeUndefined()
  })

  test('waits since it came into the queue, also when the bot has had the last word', async () => {
    const talker = defineBot({
      name: 'talker',
      summary: 'Says something, and hands over.',
      config: z.strictObject({}),
      setup: () => ({
        answer(turn) {
          turn.say('I ask a colleague.')
          return turn.handOff({ because: 'asked' })
        },
      }),
    })
    await using bot = await deskRuntime({ bots: { talker: { use: talker } } })
    const { bo } = await staffOf(bot, 'bo')
    await waits(bot, 'first')
    const queuedAtMs = bot.clock.now()
    await bot.advance(MINUTE)
    await waits(bot, 'second')
    expect(await rowOf(bo, 'queue')).toMatchObject({ queuedAtMs: queuedAtMs + MINUTE })
    expect(await namesIn(bo, { list: 'queue', sort: 'waiting' })).toEqual(['first', 'second'])
    const { rows } = await bo.call('GET /conversations', { query: { list: 'queue', sort: 'waiting' } })
    expect(rows.map(({ waitingSinceMs }) => waitingSinceMs)).toEqual([queuedAtMs, queuedAtMs + MINUTE])
  })

  test('is in the lists where it belongs, and counted there', async () => {
    await using bot = await deskRuntime(WITH_BOT)
    const { bo, sue } = await staffOf(bot, 'bo', 'sue')
    for (const name of ['with the bot', 'in the queue', 'mine', 'of a colleague', 'closed']) {
      await waits(bot, name)
      if (name !== 'with the bot') await waits(bot, name, 'person')
    }
    for (const name of ['mine', 'closed']) await bot.agent('bo').takes(name)
    await bot.agent('sue').takes('of a colleague')
    await bot.agent('bo').closes('closed')
    const lists = async (screen: SimulatedScreen) => {
      const found: { [list: string]: unknown } = {}
      for (const list of ['mine', 'queue', 'bot', 'all', 'closed'] as const) {
        const { rows } = await screen.call('GET /conversations', { query: { list } })
        found[list] = rows.map(({ customer }) => customer.name).toSorted()
      }
      return found
    }
    const open = ['in the queue', 'mine', 'of a colleague', 'with the bot']
    expect(await lists(bo)).toEqual({
      mine: ['mine'],
      queue: ['in the queue'],
      bot: ['with the bot'],
      all: open,
      closed: ['closed'],
    })
    expect(await lists(sue)).toMatchObject({ mine: ['of a colleague'], all: open })
    expect(await bo.call('GET /counts', {})).toEqual({ mine: 1, queue: 1, bot: 1, all: 4 })
    expect(await sue.call('GET /counts', {})).toEqual({ mine: 1, queue: 1, bot: 1, all: 4 })
  })
})

describe('a list', () => {
  test('is sorted by who came last or who waits longest, and filtered by channel and team', async () => {
    const channel = other()
    await using bot = await deskRuntime({}, { other: channel })
    const { sue, bo } = await staffOf(bot, 'sue', 'bo')
    for (const name of ['first', 'second', 'third']) {
      await waits(bot, name)
      await bot.advance(MINUTE)
    }
    const parts = [{ type: 'text', text: 'hello' } as const]
    await channel.receive({
      id: '1',
      chat: 'u9',
      type: 'message',
      parts,
      atMs: bot.clock.now(),
      grants: 'message',
      sender: { name: 'elsewhere' },
    })
    await bot.idle()
    await bot.advance(MINUTE)
    await waits(bot, 'first', 'still here')
    await bot.agent('bo').takes('second')
    await bot.agent('bo').sends('second', 'Here I am.')
    expect(await namesIn(sue, { list: 'all' })).toEqual(['first', 'elsewhere', 'third', 'second'])
    expect(await namesIn(sue, { list: 'all', sort: 'waiting' })).toEqual(['first', 'third', 'elsewhere', 'second'])
    expect(await namesIn(sue, { list: 'all', channel: 'other' })).toEqual(['elsewhere'])
    expect(await namesIn(sue, { list: 'all', channel: 'none' })).toEqual([])
    expect(await namesIn(sue, { list: 'queue', team: 'aftersale' })).toEqual(['elsewhere'])
    expect(await namesIn(bo, { list: 'all', team: 'aftersale' })).toEqual([])
    expect(await namesIn(sue, { list: 'all', person: 'bo' })).toEqual(['second'])
    expect(await namesIn(sue, { list: 'all', search: 'IR' })).toEqual(['first', 'third'])
    expect(await namesIn(sue, { list: 'all', search: '%' })).toEqual([])
    expect(await namesIn(bo, { list: 'all', search: 'elsewhere' })).toEqual([])
  })

  test.each(['newest', 'waiting'] as const)('comes by pages, without a gap or a repeat: %s first', async (sort) => {
    await using bot = await deskRuntime()
    const { bo } = await staffOf(bot, 'bo')
    // Some at the very same moment.
    for (let i = 0; i < 7; i++) {
      await waits(bot, `customer ${i}`)
      if (i % 3 === 2) await bot.advance(MINUTE)
    }
    const seen: string[] = []
    let cursor: string | undefined
    let pages = 0
    do {
      const page = await bo.call('GET /conversations', { query: { list: 'queue', sort, limit: 3, cursor } })
      seen.push(...page.rows.map(({ id }) => id))
      cursor = page.next
      pages += 1
    } while (cursor !== undefined)
    const whole = await bo.call('GET /conversations', { query: { list: 'queue', sort } })
    expect(pages).toBe(3)
    expect(seen).toEqual(whole.rows.map(({ id }) => id))
    expect(new Set(seen).size).toBe(7)
  })
})

describe('what was said in a chat', () => {
  const kinds = (entries: readonly Entry[]) => entries.map((entry) => (entry.kind === 'life' ? entry.code : entry.kind))

  test('is shown with who said it and as whom, notes, life, and what became of ours', async () => {
    const channel = memoryChannel()
    await using bot = await deskRuntime(WITH_BOT, { channel, there: ['sue'] })
    const { bo } = await staffOf(bot, 'bo')
    await waits(bot, 'u1')
    await waits(bot, 'u1', 'person')
    const { id: conversation, chat } = await rowOf(bo)
    await bo.call('POST /conversations/:conversation/take', { params: { conversation }, body: { id: newId() } })
    await bo.call('POST /conversations/:conversation/note', {
      params: { conversation },
      body: { id: newId(), text: 'VIP' },
    })
    channel.beforeSend(() => {
      throw new DeliveryError('CHANNEL_REFUSED')
    })
    await bo.call('POST /conversations/:conversation/send', {
      params: { conversation },
      body: { id: newId(), text: 'Hi!' },
    })
    await bot.idle()
    const { entries, conversations, head, more } = await bo.call('GET /chats/:chat/entries', { params: { chat } })
    expect(kinds(entries)).toEqual([
      'message',
      'reply',
      'message',
      'reply',
      'conversation.queued',
      'conversation.assigned',
      'note',
      'reply',
    ])
    expect(entries.filter(({ kind }) => kind === 'reply').map(({ by }) => by)).toEqual([
      { kind: 'bot', name: 'parrot' },
      { kind: 'bot', name: 'parrot' },
      { kind: 'agent', name: 'bo', title: 'Bo' },
    ])
    const last = entries.at(-1)
    expect(last).toMatchObject({
      parts: [{ type: 'text', text: 'Hi!' }],
      deliveries: [{ state: 'dead', code: 'CHANNEL_REFUSED', canSendAgain: true }],
    })
    expect(entries.find(({ kind }) => kind === 'note')).toMatchObject({ text: 'VIP', by: { name: 'bo' } })
    expect(conversations).toMatchObject([{ id: conversation, person: 'bo', team: 'presale' }])
    expect([head >= (last?.seq ?? 0), more]).toEqual([true, false])

    expect(await rowOf(bo)).toMatchObject({ failed: 1 })
    channel.beforeSend(() => undefined)
    const delivery = last?.kind === 'reply' ? (last.deliveries[0]?.id ?? '') : ''
    await bo.call('POST /conversations/:conversation/resend', {
      params: { conversation },
      body: { id: newId(), delivery },
    })
    await bot.idle()
    expect(channel.sent.at(-1)?.part).toEqual({ type: 'text', text: 'Hi!' })
    expect(await rowOf(bo)).toMatchObject({ failed: 0 })
  })

  test('is as it was edited last, and no longer there when it was taken back', async () => {
    const channel = memoryChannel()
    await using bot = await deskRuntime({}, { channel })
    const { bo } = await staffOf(bot, 'bo')
    const says = (id: string, text: string) =>
      channel.receive({ id, chat: 'u1', type: 'message', parts: [{ type: 'text', text }], atMs: 0, grants: 'message' })
    await says('1', 'my password is 12345')
    await says('2', 'helo')
    await channel.receive({
      id: '3',
      chat: 'u1',
      type: 'edit',
      of: '2',
      parts: [{ type: 'text', text: 'hello' }],
      atMs: 0,
    })
    await bot.idle()
    const { chat } = await rowOf(bo)
    const before = await bo.call('GET /chats/:chat/entries', { params: { chat } })
    await channel.receive({ id: '4', chat: 'u1', type: 'recall', of: '1', atMs: 0 })
    await bot.idle()
    const { entries } = await bo.call('GET /chats/:chat/entries', { params: { chat } })
    const messages = entries.filter(({ kind }) => kind === 'message')
    expect(messages).toMatchObject([
      { parts: [], changed: 'recalled' },
      { parts: [{ type: 'text', text: 'hello' }], changed: 'edited' },
    ])
    expect(JSON.stringify(entries)).not.toContain('12345')
    // Whoever has the messages already is told which of them have changed.
    const after = await bo.call('GET /chats/:chat/entries', { params: { chat }, query: { after: before.head } })
    expect(after.entries).toMatchObject([{ kind: 'change', what: 'recalled', of: messages[0]?.id, parts: [] }])
    const edit = entries.find((entry) => entry.kind === 'change' && entry.what === 'edited')
    expect(edit).toMatchObject({ of: messages[1]?.id, parts: [{ type: 'text', text: 'hello' }] })
  })

  test('is read across conversations in both directions, without a gap or a repeat [C-CU-13]', async () => {
    await using bot = await deskRuntime()
    const { bo } = await staffOf(bot, 'bo')
    for (let conversation = 0; conversation < 3; conversation++) {
      for (let i = 0; i < 4; i++) await waits(bot, 'u1', `${conversation}.${i}`)
      await bot.agent('bo').takes('u1')
      await bot.advance(MINUTE)
      await bot.agent('bo').closes('u1', 'solved')
      await bot.advance(HOUR)
    }
    const { chat } = await rowOf(bo, 'closed')
    const whole = await bo.call('GET /chats/:chat/entries', { params: { chat }, query: { limit: 200 } })
    expect(whole.conversations).toHaveLength(3)
    for (const { openedAtMs, closedAtMs, closeReason } of whole.conversations) {
      expect(closedAtMs).toBe(openedAtMs + MINUTE)
      expect(closeReason).toBe('solved')
    }
    const backwards: Entry[] = []
    for (let before: number | undefined; ; ) {
      const page = await bo.call('GET /chats/:chat/entries', { params: { chat }, query: { limit: 5, before } })
      backwards.unshift(...page.entries)
      before = page.entries[0]?.seq
      if (!page.more) break
    }
    expect(backwards).toEqual(whole.entries)
    const forwards: Entry[] = []
    for (let after = 0; ; ) {
      const page = await bo.call('GET /chats/:chat/entries', { params: { chat }, query: { limit: 5, after } })
      forwards.push(...page.entries)
      after = page.entries.at(-1)?.seq ?? after
      if (!page.more) break
    }
    expect(forwards).toEqual(whole.entries)
  })

  test('of a conversation of another team is not shown to whoever has the next one of the same customer [C-CU-01]', async () => {
    await using bot = await deskRuntime({
      desks: {
        support: {
          use: (await import('../index.ts')).default,
          people: { amy: { name: 'Amy', role: 'administrator' }, bo: { name: 'Bo' }, cai: { name: '蔡' } },
          teams: {
            presale: { members: ['bo'], assign: 'by-hand' },
            aftersale: { members: ['cai'], assign: 'by-hand' },
          },
        },
      },
    })
    const { bo, cai } = await staffOf(bot, 'bo', 'cai')
    await waits(bot, 'u1', 'for the first team')
    await bot.agent('bo').takes('u1')
    await bot.agent('bo').closes('u1')
    await bot.advance(HOUR)
    await waits(bot, 'u1', 'for the second team')
    const { id: conversation, chat } = await rowOf(bo, 'queue')
    await bo.call('POST /conversations/:conversation/transfer', {
      params: { conversation },
      body: { id: newId(), team: 'aftersale' },
    })
    const seen = async (screen: SimulatedScreen) =>
      JSON.stringify((await screen.call('GET /chats/:chat/entries', { params: { chat } })).entries)
    expect(await seen(cai)).toContain('for the second team')
    expect(await seen(cai)).not.toContain('for the first team')
    expect(await seen(bo)).toContain('for the first team')
    expect(await seen(bo)).not.toContain('for the second team')
    const { customer } = await rowOf(cai, 'queue')
    const known = await cai.call('GET /customers/:customer', { params: { customer: customer.id } })
    expect(known.conversations.map(({ id }) => id)).toEqual([conversation])
  })
})

describe('a command', () => {
  async function assigned() {
    const bot = await deskRuntime()
    const screens = await staffOf(bot, 'bo', 'sue')
    await waits(bot, 'u1')
    const { id: conversation } = await rowOf(screens.bo)
    await screens.bo.call('POST /conversations/:conversation/take', { params: { conversation }, body: { id: newId() } })
    return { bot, ...screens, params: { conversation } }
  }

  test('that is given twice is done once, and answered as the first time, whatever has changed meanwhile; in a status without chats it is refused with the status named (C-CH-05)', async () => {
    const { bot, bo, sue, params } = await assigned()
    await using _ = bot
    const body = { id: newId(), text: 'Hello!' }
    const send = () => bo.call('POST /conversations/:conversation/send', { params, body })
    await Promise.all([send(), send(), send()])
    await bo.call('POST /status', { body: { status: 'meeting' } })
    const late = { id: newId(), text: 'More' }
    const refused = await bo.ask(`api/conversations/${params.conversation}/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(late),
    })
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'STATUS_WITHOUT_CHATS', params: { status: 'meeting' } })
    // It was done before, and is still done.
    await send()
    await bot.user('u1').hears('Hello!').hearsNothing()
    // Somebody else’s id is another command, even if it is the same text.
    expect(await sue.refused('POST /conversations/:conversation/send', { params, body })).toBe('NOT_OWNER')
  })

  test('stands in the audit log once, however often it is given; and another one needs another id', async () => {
    const { bot, bo, amy, params } = await assigned()
    await using _ = bot
    const said = { id: newId(), text: 'Hello!' }
    await bo.call('POST /conversations/:conversation/send', { params, body: said })
    const wrong = { params, body: { id: said.id, because: 'done' } }
    expect(await bo.refused('POST /conversations/:conversation/close', wrong)).toBe('ID_TAKEN')
    const corrected = { params, body: { id: said.id, text: 'Goodbye!' } }
    expect(await bo.refused('POST /conversations/:conversation/send', corrected)).toBe('ID_TAKEN')
    expect((await bot.conversation('u1'))?.state).toBe('assigned')
    await waits(bot, 'u2')
    const next = (await rowOf(bo, 'queue')).id
    const taken = { params: { conversation: next }, body: { id: newId() } }
    await bo.call('POST /conversations/:conversation/take', taken)
    const elsewhere = { params: { conversation: next }, body: said }
    expect(await bo.refused('POST /conversations/:conversation/send', elsewhere)).toBe('ID_TAKEN')
    const close = { params, body: { id: newId(), because: 'done' } }
    await bo.call('POST /conversations/:conversation/close', close)
    await bo.call('POST /conversations/:conversation/close', close)
    const { lines } = await amy.call('GET /audit', {})
    expect(lines.filter(({ action }) => action === 'desk.close')).toMatchObject([
      { before: { state: 'assigned' }, after: { state: 'closed' } },
    ])
  })

  test('gives nobody a channel’s customers whom they may not serve: not by passing on, giving, taking or calling back', async () => {
    const people = {
      amy: { name: 'Amy', role: 'administrator' },
      sue: { name: 'Sue', role: 'supervisor', mayServe: ['other'] },
      bo: { name: 'Bo' },
      cai: { name: 'Cai', mayServe: ['other'] },
    }
    const teams = {
      presale: { members: ['bo'], sources: ['memory'], assign: 'by-hand' },
      aftersale: { members: ['cai', 'sue'], sources: ['other'], assign: 'by-hand' },
    }
    await using bot = await deskRuntime({ desks: { support: { use: desk, people, teams } } })
    const { bo, sue, amy } = await staffOf(bot, 'bo', 'sue')
    await waits(bot, 'u1')
    const { id: conversation, chat, customer } = await rowOf(bo)
    const params = { conversation }
    const body = (more: object = {}) => ({ params, body: { id: newId(), ...more } })
    expect(await sue.refused('POST /conversations/:conversation/take', body())).toBe('MAY_NOT_SERVE')
    await bo.call('POST /conversations/:conversation/take', body())
    const toCai = { params, body: { id: newId(), person: 'cai' } }
    expect(await bo.refused('POST /conversations/:conversation/transfer', toCai)).toBe('MAY_NOT_SERVE')
    expect(await amy.refused('POST /conversations/:conversation/assign', toCai)).toBe('MAY_NOT_SERVE')
    expect((await bot.conversation('u1'))?.owner).toMatchObject({ person: 'bo' })
    await bot.agent('bo').closes('u1')
    const callBack = { params: { customer: customer.id }, body: { id: newId(), chat, text: 'Hello?' } }
    expect(await sue.refused('POST /customers/:customer/call-back', callBack)).toBe('MAY_NOT_SERVE')
  })

  test('gives nothing to whoever can be given nothing: not there, without a team, or in a status without chats (C-CH-05)', async () => {
    const { bot, bo, sue, params } = await assigned()
    await using _ = bot
    const to = (person: string) => ({ params, body: { id: newId(), person } })
    await bot.agent('cai').comes()
    await bot.agent('cai').goes()
    await bot.advance(30_000)
    // A cut of half a minute is not enough.
    await bo.call('POST /conversations/:conversation/transfer', to('cai'))
    await bot.advance(HOUR)
    expect(await sue.refused('POST /conversations/:conversation/assign', to('cai'))).toBe('NOT_AVAILABLE')
    expect(await sue.refused('POST /conversations/:conversation/transfer', to('amy'))).toBe('NOT_AVAILABLE')
    await sue.call('POST /status', { body: { status: 'away' } })
    expect(await sue.refused('POST /conversations/:conversation/assign', to('sue'))).toBe('NOT_AVAILABLE')
  })

  test('that passes on is done, and stands in the audit log, also when the customer goes at once', async () => {
    const { bot, bo, sue, amy, params } = await assigned()
    await using _ = bot
    const stream = await sue.looks()
    // Whoever it was passed on to closes it as soon as they hear of it.
    const closed = stream
      .until('rows', ({ rows }) => rows.some(({ team }) => team === 'aftersale'))
      .then(() =>
        sue.call('POST /conversations/:conversation/close', { params, body: { id: newId(), because: 'gone' } }),
      )
    await bo.call('POST /conversations/:conversation/transfer', {
      params,
      body: { id: newId(), team: 'aftersale', note: 'Wants a refund' },
    })
    await closed
    stream.close()
    const { lines } = await amy.call('GET /audit', {})
    expect(lines.map(({ action }) => action)).toContain('desk.transfer')
    const { read } = bot.runtime.engine
    const notes = await read.selectFrom('entry').select('body_json').where('kind', '=', 'note').orderBy('seq').execute()
    const [before, after] = ['Wants a refund', 'transferred to aftersale'].map((text) =>
      notes.findIndex(({ body_json }) => body_json.includes(text)),
    )
    // Not after it: by then it may be closed already, and the note would be lost.
    expect(before).toBeGreaterThanOrEqual(0)
    expect(after).toBeGreaterThan(before ?? 0)
  })

  test('by which a conversation has left the team is answered as the first time, and another is not', async () => {
    const { bot, bo, params } = await assigned()
    await using _ = bot
    const body = { id: newId(), team: 'aftersale' }
    const transfer = () => bo.call('POST /conversations/:conversation/transfer', { params, body })
    await transfer()
    expect(await bo.refused('GET /conversations/:conversation', { params })).toBe('NOT_FOUND')
    await transfer()
    const more = { params, body: { id: newId(), team: 'presale' } }
    expect(await bo.refused('POST /conversations/:conversation/transfer', more)).toBe('NOT_FOUND')
  })

  test('is refused with a code: not the owner, an old lease, nobody there, nothing to send, closed', async () => {
    const { bot, bo, amy, sue, params } = await assigned()
    await using _ = bot
    const id = newId
    const send = (screen: SimulatedScreen, more: object) =>
      screen.refused('POST /conversations/:conversation/send', { params, body: { id: id(), ...more } })
    expect(await send(sue, { text: 'Hi' })).toBe('NOT_OWNER')
    expect(await send(bo, { text: 'Hi', lease: 1 })).toBe('NOT_OWNER')
    expect(await send(bo, { text: '  ' })).toBe('NOTHING_TO_SEND')
    expect(await send(bo, {})).toBe('NOTHING_TO_SEND')
    expect(await send(bo, { files: ['made-up'] })).toBe('FILE_REFUSED')
    const transfer = (to: object) =>
      bo.refused('POST /conversations/:conversation/transfer', { params, body: { id: id(), ...to } })
    expect(await transfer({ person: 'nobody' })).toBe('NOBODY_THERE')
    expect(await transfer({ team: 'none' })).toBe('TEAM_UNKNOWN')
    expect(await bo.refused('POST /conversations/:conversation/return', { params, body: { id: id() } })).toBe('INVALID')
    await bo.call('POST /conversations/:conversation/close', { params, body: { id: id(), because: 'solved' } })
    expect(await send(bo, { text: 'Hi' })).toBe('CLOSED')
    expect(await amy.refused('POST /conversations/:conversation/take', { params, body: { id: id() } })).toBe('CLOSED')
  })

  test('of a supervisor may take what a colleague has; an agent’s may not, nor may a machine that is no more', async () => {
    const { bot, bo, sue, amy, params } = await assigned()
    await using _ = bot
    const { secret } = await amy.call('POST /tokens', { body: { name: 'crm', role: 'agent' } })
    const crm = screenOf(deskOf(bot), { token: secret })
    const close = { params, body: { id: newId(), because: 'over' } }
    expect(await crm.refused('POST /conversations/:conversation/close', close)).toBe('NOT_OWNER')
    await sue.call('POST /conversations/:conversation/take', { params, body: { id: newId() } })
    expect(await rowOf(sue, 'mine')).toMatchObject({ person: 'sue' })
    expect(await bo.refused('POST /conversations/:conversation/take', { params, body: { id: newId() } })).toBe(
      'NOT_OWNER',
    )
    await bot.agent('bo').comes()
    await sue.call('POST /conversations/:conversation/assign', { params, body: { id: newId(), person: 'bo' } })
    expect(await rowOf(bo, 'mine')).toMatchObject({ person: 'bo' })
    const { lines } = await amy.call('GET /audit', {})
    expect(
      lines
        .filter(({ action }) => action.startsWith('desk.'))
        .map(({ who, action, about, before, after }) => ({ who, action, about, before, after })),
    ).toMatchObject([
      {
        who: 'sue',
        action: 'desk.assign',
        about: params,
        before: { person: 'sue' },
        after: { person: 'bo', state: 'assigned' },
      },
      { who: 'sue', action: 'desk.take', before: { person: 'bo' }, after: { person: 'sue' } },
      { who: 'bo', action: 'desk.take', before: { state: 'queued', team: 'presale' }, after: { person: 'bo' } },
    ])
  })

  test('passes a conversation on with a note for the colleague, back to the queue, and says a last word', async () => {
    const { bot, bo, sue, params } = await assigned()
    await using _ = bot
    await bot.agent('sue').comes()
    await bo.call('POST /conversations/:conversation/transfer', {
      params,
      body: { id: newId(), person: 'sue', note: 'She is angry.' },
    })
    const { chat } = await rowOf(sue, 'mine')
    const { entries } = await sue.call('GET /chats/:chat/entries', { params: { chat } })
    expect(entries.findLast(({ kind }) => kind === 'note')).toMatchObject({ text: 'She is angry.', by: { name: 'bo' } })
    await sue.call('POST /conversations/:conversation/transfer', { params, body: { id: newId() } })
    expect(await rowOf(bo, 'queue')).toMatchObject({ team: 'presale' })
    await bo.call('POST /conversations/:conversation/take', { params, body: { id: newId() } })
    await bo.call('POST /conversations/:conversation/close', {
      params,
      body: { id: newId(), because: 'solved', say: 'Bye!' },
    })
    await bot.user('u1').hears('Bye!')
    expect(await rowOf(bo, 'closed')).toMatchObject({ closed: { reason: 'solved', by: { name: 'bo' } } })
  })
})

test('the composer knows what the platform still takes; a customer is called back within that, and only once', async () => {
  const channel = memoryChannel({
    capabilities: { later: [{ on: 'message', withinMs: 48 * HOUR, max: 5, resets: true }] },
  })
  await using bot = await deskRuntime({}, { channel })
  const { bo, amy } = await staffOf(bot, 'bo')
  await bot.user('u1').says('hello')
  await bot.idle()
  const startMs = bot.clock.now()
  const { chat, customer } = await rowOf(bo)
  const sendable = () => bo.call('GET /chats/:chat/sendable', { params: { chat } })
  expect(await sendable()).toEqual({ left: 5, max: 5, untilMs: startMs + 48 * HOUR })
  const callBack = (id: string) => ({
    params: { customer: customer.id },
    body: { id, chat, text: 'It has arrived.' },
  })
  expect(await bo.refused('POST /customers/:customer/call-back', callBack(newId()))).toBe('ALREADY_OPEN')
  await bot.agent('bo').takes('u1')
  await bot.agent('bo').closes('u1')
  const id = newId()
  await bo.call('POST /customers/:customer/call-back', callBack(id))
  await bo.call('POST /customers/:customer/call-back', callBack(id))
  await bot.user('u1').hears('It has arrived.').hearsNothing()
  expect(await rowOf(bo, 'mine')).toMatchObject({ origin: 'callback', person: 'bo' })
  expect(await sendable()).toEqual({ left: 4, max: 5, untilMs: startMs + 48 * HOUR })
  const { lines } = await amy.call('GET /audit', {})
  expect(lines[0]).toMatchObject({ who: 'bo', action: 'desk.call-back', about: { customer: customer.id } })
  await bo.call('POST /status', { body: { status: 'away' } })
  expect(await bo.refused('POST /customers/:customer/call-back', callBack(newId()))).toBe('STATUS_WITHOUT_CHATS')
  await bo.call('POST /status', { body: { status: 'online' } })
  for (let day = 0; day < 3; day++) {
    // Whoever does nothing for a day is signed out.
    await bot.advance(17 * HOUR)
    await bo.call('GET /me')
  }
  expect(await sendable()).toMatchObject({ closed: 'over', left: 0 })
  await bot.agent('bo').closes('u1')
  expect(await bo.refused('POST /customers/:customer/call-back', callBack(newId()))).toBe('WINDOW_CLOSED')
})

test('in a cooperation the bot’s suggestions are there until somebody has answered, and for nobody else (C-RM-01)', async () => {
  const greeting = 'I am here.'
  const people = { amy: { name: 'Amy', role: 'administrator' }, bo: { name: 'Bo' }, cai: { name: '蔡' } }
  const teams = { presale: { members: ['bo'], assign: 'by-hand' }, aftersale: { members: ['cai'], assign: 'by-hand' } }
  await using bot = await deskRuntime({
    ...WITH_BOT,
    desks: { support: { use: desk, people, teams, greeting } },
    routes: [{ from: ['memory', 'other'], mode: 'cooperation', bot: 'parrot', desk: 'support', team: 'presale' }],
  })
  const { bo, cai } = await staffOf(bot, 'bo', 'cai')
  const stream = await bo.looks()
  await bot.user('u1').says('blue?')
  await bot.idle()
  const { chat } = await rowOf(bo)
  const suggested = async (screen: SimulatedScreen) =>
    (await screen.call('GET /chats/:chat/entries', { params: { chat }, query: {} })).suggestions.map(({ text }) => text)
  expect(await suggested(bo)).toEqual(['echo: blue?'])
  await bot.agent('bo').takes('u1')
  await expect.poll(() => bot.channel.sent.length).toBe(1)
  await bot.user('u1').hears(greeting)
  // A greeting answers nothing.
  for (const text of ['red?', 'green?', 'white?']) await bot.user('u1').says(text)
  stream.forget()
  await bot.idle()
  expect(await suggested(bo)).toEqual(['echo: white?', 'echo: green?', 'echo: red?'])
  // The screen asks again because it is told that something has changed, at the latest by the suggestion itself.
  await stream.until('rows', ({ rows }) => rows[0]?.chat === chat)
  stream.close()
  await bot.agent('bo').sends('u1', 'All of them.')
  expect(await suggested(bo)).toEqual([])
  await bot.user('u1').says('and now?')
  await bot.idle()
  expect(await suggested(bo)).toEqual(['echo: and now?'])
  await bot.agent('bo').closes('u1')
  expect(await suggested(bo)).toEqual([])
  // Whoever saw an earlier conversation of the chat sees nothing of one of another team.
  await bot.user('u1').says('again')
  await bot.idle()
  await bot.agent('bo').does({ type: 'transfer', chat, to: { team: 'aftersale' } })
  await bot.user('u1').says('for others')
  await bot.idle()
  expect(await suggested(cai)).toEqual(['echo: for others', 'echo: again'])
  expect(await suggested(bo)).toEqual([])
  // It is never sent by itself.
  await bot.user('u1').hears('All of them.').hearsNothing()
})

test('lists are searched by the customer’s name, in any case and width, within what one may see', async () => {
  const second = other()
  await using bot = await deskRuntime({}, { other: second })
  const { bo, sue } = await staffOf(bot, 'bo', 'sue')
  for (const name of ['Anna Müller', 'Hannah', '张伟明', 'Bob 100%']) await waits(bot, name)
  const parts = [{ type: 'text', text: 'x' } as const]
  const theirs = { id: '1', chat: 'u9', type: 'message', parts, atMs: 0, grants: 'message' } as const
  await second.receive({ ...theirs, sender: { name: 'Anna of others' } })
  await bot.idle()
  const found = async (screen: SimulatedScreen, search: string, more: Partial<QueryOf<'GET /conversations'>> = {}) =>
    (await namesIn(screen, { list: 'all', search, ...more })).toSorted()
  expect(await found(bo, 'ANNA')).toEqual(['Anna Müller', 'Hannah'])
  expect(await found(sue, 'anna')).toEqual(['Anna Müller', 'Anna of others', 'Hannah'])
  expect(await found(sue, 'anna', { channel: 'other' })).toEqual(['Anna of others'])
  expect(await found(bo, '伟明')).toEqual(['张伟明'])
  expect(await found(bo, 'ｂｏｂ')).toEqual(['Bob 100%'])
  expect(await found(bo, '0%')).toEqual(['Bob 100%'])
  expect(await found(bo, 'nobody')).toEqual([])
  // By pages.
  const [first] = [await bo.call('GET /conversations', { query: { list: 'all', search: 'anna', limit: 1 } })]
  const rest = await bo.call('GET /conversations', {
    query: { list: 'all', search: 'anna', limit: 1, cursor: first.next },
  })
  expect([...first.rows, ...rest.rows].map(({ customer }) => customer.name).toSorted()).toEqual([
    'Anna Müller',
    'Hannah',
  ])
  expect(rest.next).toBeUndefined()
  await bot.agent('bo').takes('Hannah')
  await bot.agent('bo').closes('Hannah')
  expect(await found(bo, 'anna', { list: 'closed' })).toEqual(['Hannah'])
})

test('a file goes both ways: what people upload is sent, what customers send is fetched, and only by who may', async () => {
  const channel = memoryChannel()
  await using bot = await deskRuntime({}, { channel })
  const { bo, sue, cai } = await staffOf(bot, 'bo', 'sue', 'cai')
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
    'base64',
  )
  channel.files.set('photo', new Blob([png], { type: 'image/png' }))
  await bot.user('u1').says([{ type: 'image', url: 'photo', name: 'parcel.png' }])
  await bot.idle()
  const { id: conversation, chat } = await rowOf(bo)
  const page = await bo.call('GET /chats/:chat/entries', { params: { chat } })
  const [image] = page.entries.flatMap((entry) => (entry.kind === 'message' ? entry.parts : []))
  const address = image?.type === 'image' ? image.url : 'none'
  const fetched = await bo.ask(address)
  expect([fetched.status, fetched.headers.get('content-type')]).toEqual([200, 'image/png'])
  expect(fetched.headers.get('content-disposition')).toContain('parcel.png')
  expect(fetched.headers.get('content-security-policy')).toContain('sandbox')
  expect((await cai.ask(address)).status).toBe(404)

  await bo.call('POST /conversations/:conversation/take', { params: { conversation }, body: { id: newId() } })
  const upload = await bo.ask('api/files?name=..%2Finvoice.png', {
    method: 'POST',
    body: png,
    headers: { 'content-type': 'image/png' },
  })
  const { file, type }: { file: string; type: string } = JSON.parse(upload.text)
  expect(type).toBe('image')
  // What somebody else has uploaded is not theirs to send.
  expect(
    await sue.refused('POST /conversations/:conversation/send', {
      params: { conversation },
      body: { id: newId(), files: [file] },
    }),
  ).toBe('FILE_REFUSED')
  const withFile = { params: { conversation }, body: { id: newId(), text: 'Here:', files: [file] } }
  await bo.call('POST /conversations/:conversation/send', withFile)
  await bo.call('POST /conversations/:conversation/send', withFile)
  await bot.idle()
  expect(channel.sent.map(({ part }) => part.type)).toEqual(['text', 'image'])
  const sent = channel.sent.at(-1)?.part
  expect(sent).toMatchObject({ name: '_invoice.png', mimeType: 'image/png', sizeBytes: png.length })
  expect((await bo.ask('api/files', { method: 'POST', body: '' })).code).toBe('FILE_EMPTY')
  const huge = await bo.ask('api/files', { method: 'POST', body: new Uint8Array(26 * 1024 * 1024) })
  expect(huge).toMatchObject({ status: 413, code: 'FILE_TOO_LARGE' })
})

test('of a message only what is kept here is a file: no address that a customer has written is asked', async () => {
  await using bot = await deskRuntime({ http: { allow: ['127.0.0.1'] } })
  const { bo } = await staffOf(bot, 'bo')
  // An address of our own network: the server itself, which would answer.
  const url = `${bot.runtime.url}/healthz`
  await bot.user('u1').says([{ type: 'link', url, title: 'Look' }])
  await bot.idle()
  const { chat } = await rowOf(bo)
  const { entries } = await bo.call('GET /chats/:chat/entries', { params: { chat } })
  const entry = entries.find(({ kind }) => kind === 'message')?.id
  expect(await bo.ask(`api/chats/${chat}/entries/${entry}/files/0`)).toMatchObject({ status: 410, code: 'FILE_GONE' })
})

test('who once had a chat shows nothing in it, and is shown nothing of it, once another team has the next conversation', async () => {
  await using bot = await deskRuntime()
  const { bo, cai } = await staffOf(bot, 'bo', 'cai')
  await waits(bot, 'u1')
  const { chat } = await rowOf(bo)
  await bot.agent('bo').takes('u1')
  const stream = await bo.looks()
  const look = { params: { chat }, body: { connection: stream.connection, isLooking: true } }
  await bo.call('POST /chats/:chat/looking', look)
  await bo.call('POST /chats/:chat/typing', { params: { chat } })
  await bot.agent('bo').closes('u1')
  await bot.advance(10 * MINUTE)
  await bot.user('u1').says('once more')
  await bot.idle()
  const conversation = (await bot.conversation('u1'))?.id ?? ''
  await bot.agent('sue').does({ type: 'transfer', conversation, to: { team: 'aftersale' } })
  await bot.agent('cai').takes('u1')
  await stream.until('rows', ({ gone }) => gone.includes(conversation))
  expect(await rowOf(cai, 'mine')).toMatchObject({ id: conversation, lookers: [] })
  expect(await bo.refused('POST /chats/:chat/typing', { params: { chat } })).toBe('NOT_FOUND')
  expect(await bo.refused('POST /chats/:chat/looking', look)).toBe('NOT_FOUND')
  await cai.call('POST /chats/:chat/typing', { params: { chat } })
  stream.close()
})

test('why a conversation is where it is: every change, by whom, because of what, with the steps that led to it', async () => {
  await using bot = await deskRuntime(WITH_BOT)
  const { bo } = await staffOf(bot, 'bo')
  await waits(bot, 'u1', 'person')
  const { id: conversation } = await rowOf(bo)
  await bo.call('POST /conversations/:conversation/take', { params: { conversation }, body: { id: newId() } })
  const { changes } = await bo.call('GET /conversations/:conversation/why', { params: { conversation } })
  expect(changes.map(({ type, because }) => [type, because])).toEqual([
    ['opened', expect.any(String)],
    ['queued', 'asked'],
    ['assigned', 'bo took it'],
  ])
  const queued = changes.find(({ type }) => type === 'queued')
  expect(queued?.steps.map(({ stage, by, did }) => `${stage} ${by} ${did}`)).toContain('bot parrot hand-off')
})

describe('a customer', () => {
  test('is turned away with a reason, and heard again; both stand in the audit log', async () => {
    await using bot = await deskRuntime({ features: [{ use: 'blacklist' }] })
    const { bo, amy } = await staffOf(bot, 'bo')
    await waits(bot, '李娜')
    const { customer } = await rowOf(bo)
    const params = { customer: customer.id }
    await bo.call('POST /customers/:customer/blacklist', { params, body: { reason: 'spam' } })
    expect(await rowOf(bo, 'closed')).toMatchObject({ isBlocked: true, closed: { reason: 'blacklisted' } })
    expect(await bo.call('GET /customers/:customer', { params })).toMatchObject({
      name: '李娜',
      chats: [{ channel: 'memory', externalId: '李娜' }],
      blacklist: [{ reason: 'spam', by: 'bo' }],
    })
    expect(await bo.refused('POST /customers/:customer/blacklist', { params, body: { reason: 'x', untilMs: 1 } })).toBe(
      'BLACKLIST_REFUSED',
    )
    await bo.call('POST /customers/:customer/blacklist/remove', { params })
    expect(await bo.call('GET /customers/:customer', { params })).toMatchObject({ blacklist: [] })
    const { lines } = await amy.call('GET /audit', {})
    expect(
      lines
        .filter(({ action }) => action.startsWith('customers.'))
        .map(({ action, before, after }) => [action, before, after]),
    ).toMatchObject([
      ['customers.blacklist-remove', [{ reason: 'spam' }], []],
      ['customers.blacklist', [], [{ reason: 'spam' }]],
    ])
  })

  test('cannot be turned away where nothing can do it', async () => {
    await using bot = await deskRuntime()
    const { bo } = await staffOf(bot, 'bo')
    await waits(bot, 'u1')
    const params = { customer: (await rowOf(bo)).customer.id }
    expect(await bo.call('GET /customers/:customer', { params })).not.toHaveProperty('blacklist')
    expect(await bo.refused('POST /customers/:customer/blacklist', { params, body: { reason: 'spam' } })).toBe(
      'NO_BLACKLIST',
    )
  })
})

test('the desk now: people with role, status, teams and load, teams with who waits, statuses, channels', async () => {
  await using bot = await deskRuntime()
  const { bo } = await staffOf(bot, 'bo')
  await waits(bot, 'u1')
  const now = await bo.call('GET /now', {})
  expect(now.people.find(({ name }) => name === 'sue')).toMatchObject({
    title: 'Sue',
    role: 'supervisor',
    teams: ['presale'],
    isConnected: false,
  })
  expect(now.teams).toMatchObject([
    { name: 'presale', members: ['bo', 'sue'], sources: ['memory'], isOpen: true, waiting: 1 },
    { name: 'aftersale', waiting: 0 },
  ])
  expect(now.statuses.map(({ name }) => name)).toEqual(['online', 'busy', 'away', 'meeting'])
  expect(now.channels.toSorted()).toEqual(['memory', 'other'])
  expect(await bo.refused('POST /status', { body: { status: 'asleep' } })).toBe('STATUS_UNKNOWN')
})

test('of each person it is told who has set their status, and when they last wrote, also after a restart', async () => {
  await using bot = await deskRuntime()
  const { bo, sue } = await staffOf(bot, 'bo', 'sue')
  const person = async (name: string) => (await sue.call('GET /now')).people.find((one) => one.name === name)
  expect(await person('bo')).not.toHaveProperty('lastReplyAtMs')
  expect((await person('bo'))?.status).not.toHaveProperty('by')
  await waits(bot, 'u1')
  await bot.agent('bo').takes('u1')
  await bot.advance(MINUTE)
  await bot.agent('bo').sends('u1', 'hello')
  const atMs = bot.clock.now()
  await bot.advance(MINUTE)
  expect(await person('bo')).toMatchObject({ lastReplyAtMs: atMs })
  await sue.call('POST /people/:person/status', { params: { person: 'bo' }, body: { status: 'away' } })
  expect(await person('bo')).toMatchObject({
    status: { name: 'away', by: { kind: 'agent', name: 'sue', title: 'Sue' } },
  })
  await bot.restart()
  const again = screenOf(deskOf(bot))
  for (const [name, value] of bo.cookies) again.cookies.set(name, value)
  const { people } = await again.call('GET /now')
  expect(people.find(({ name }) => name === 'bo')).toMatchObject({
    lastReplyAtMs: atMs,
    status: { by: { name: 'sue' } },
  })
})

test('C-CH-06: whoever is still away after the hours of their team began is told so on their screen', async () => {
  const hours = { weekdays: { thu: '13:00-18:00' } }
  const people = { amy: { name: 'Amy', role: 'administrator' }, bo: { name: 'Bo' } }
  const teams = { presale: { members: ['bo'], hours } }
  await using bot = await deskRuntime({ timeZone: 'UTC', desks: { support: { use: desk, people, teams } } })
  const { bo } = await staffOf(bot, 'bo')
  await bo.call('POST /status', { body: { status: 'away' } })
  const stream = await bo.looks()
  await bot.advance(HOUR)
  const reminderIn = (all: readonly Person[]) => all.find(({ name }) => name === 'bo')?.reminder
  const beganMs = bot.clock.now()
  await bot.advance(5 * MINUTE)
  await bot.advance(1_000)
  const { people: told } = await stream.until('people', (frame) => reminderIn(frame.people) !== undefined)
  expect(reminderIn(told)).toEqual({ team: 'presale', sinceMs: beganMs })
  await bo.call('POST /status', { body: { status: 'online' } })
  await bot.advance(1_000)
  await stream.until('people', (frame) =>
    frame.people.some(({ name, status }) => name === 'bo' && status.name === 'online'),
  )
  expect(reminderIn((await bo.call('GET /now')).people)).toBeUndefined()
  stream.close()
})

describe('the documentation', () => {
  test('has every route, for everybody, as OpenAPI and as a page', async () => {
    await using bot = await deskRuntime()
    const nobody = screenOf(deskOf(bot))
    const { text } = await nobody.ask('api/openapi.json')
    const { paths }: { paths: { [path: string]: object } } = JSON.parse(text)
    expect(paths).toEqual(JSON.parse(JSON.stringify(openApiOf().paths)))
    expect(paths['/conversations/{conversation}/send']).toMatchObject({
      post: { parameters: [{ name: 'conversation', in: 'path' }], requestBody: { required: true } },
    })
    expect(paths['/conversations']).toMatchObject({
      get: { parameters: expect.arrayContaining([expect.objectContaining({ name: 'list', required: true })]) },
    })
    const page = await nobody.ask('api')
    expect(page.headers.get('content-type')).toContain('text/html')
    for (const sign of ['POST /conversations/:conversation/send', 'STATUS_WITHOUT_CHATS', 'api/openapi.json'])
      expect(page.text).toContain(sign)
    expect((await nobody.ask('api/')).text).toBe(page.text)
  })

  test('is what /api and /api/openapi.json lead to', async () => {
    await using bot = await deskRuntime()
    const at = async (path: string) => (await fetch(new URL(path, deskOf(bot)))).text()
    expect(await at('/api')).toContain('POST /conversations/:conversation/send')
    expect(Object.keys(JSON.parse(await at('/api/openapi.json')).paths)).toContain('/conversations/{conversation}/send')
  })
})
