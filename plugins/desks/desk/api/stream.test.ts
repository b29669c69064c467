import { describe, expect, test } from 'vitest'
import { ALWAYS, type ChannelContext, defineChannel, z } from '#core'
import { memoryChannel } from '#core/testing'
import desk from '../index.ts'
import { deskOf, deskRuntime, newId, other, screenOf, staffOf } from '../simulated-screen.ts'

const BOTH = ['socket', 'events'] as const
const text = (words: string) => [{ type: 'text', text: words } as const]

describe.each(BOTH)('by %s', (by) => {
  test('a screen is told of a new conversation, of what is said in it, and of the counts', async () => {
    await using bot = await deskRuntime()
    const { bo } = await staffOf(bot, 'bo')
    const stream = await bo.looks(by)
    expect(stream.frames[0]).toMatchObject({ type: 'hello', me: { name: 'bo', teams: ['presale'] } })
    await bot.user('u1', { name: '王芳' }).says('hello')
    const { rows } = await stream.until('rows', ({ rows }) => rows[0]?.state === 'queued')
    expect(rows).toMatchObject([{ customer: { name: '王芳' }, last: { text: 'hello' }, unread: 1 }])
    await stream.until('counts', ({ counts }) => counts.queue === 1 && counts.all === 1)
    await bot.user('u1').says('anybody there?')
    await stream.until('rows', ({ rows }) => rows[0]?.last?.text === 'anybody there?')
    stream.close()
  })

  test('nobody is told anything of another team’s conversation', async () => {
    const channel = other()
    await using bot = await deskRuntime({}, { other: channel })
    const { bo, dan, cai, sue } = await staffOf(bot, 'bo', 'dan', 'cai', 'sue')
    const streams = {
      bo: await bo.looks(by),
      dan: await dan.looks(by),
      cai: await cai.looks(by),
      sue: await sue.looks(by),
    }
    await channel.receive({
      id: '1',
      chat: 'u9',
      type: 'message',
      parts: text('secret'),
      atMs: bot.clock.now(),
      grants: 'message',
    })
    for (const stream of [streams.cai, streams.sue])
      await stream.until('rows', ({ rows }) => rows[0]?.last?.text === 'secret')
    // What they are told after it shows that it would have come by now.
    await bot.user('u1').says('for the first team')
    await streams.bo.until('rows', ({ rows }) => rows[0]?.last?.text === 'for the first team')
    await bo.call('POST /status', { body: { status: 'away' } })
    await bot.advance(1_000)
    await streams.dan.until('people', ({ people }) =>
      people.some(({ name, status }) => name === 'bo' && status.name === 'away'),
    )
    for (const stream of [streams.bo, streams.dan]) expect(JSON.stringify(stream.frames)).not.toContain('secret')
    const of = (stream: typeof streams.bo) =>
      stream.frames.flatMap((frame) =>
        frame.type === 'rows' ? [...frame.rows.map(({ id }) => id), ...frame.gone] : [],
      )
    expect(of(streams.dan)).toEqual([])
    expect(of(streams.bo).some((id) => of(streams.cai).includes(id))).toBe(false)
    for (const stream of Object.values(streams)) stream.close()
  })
})

test('whoever had a conversation before them is told that it is gone, and no more of it', async () => {
  await using bot = await deskRuntime()
  const { bo, cai, sue } = await staffOf(bot, 'bo', 'cai', 'sue')
  await bot.user('u1').says('hello')
  await bot.idle()
  const { rows } = await bo.call('GET /conversations', { query: { list: 'queue' } })
  const conversation = rows[0]?.id ?? ''
  const before = await bo.looks()
  const after = await cai.looks()
  await sue.call('POST /conversations/:conversation/transfer', {
    params: { conversation },
    body: { id: newId(), team: 'aftersale' },
  })
  await before.until('rows', ({ gone }) => gone.includes(conversation))
  await after.until('rows', ({ rows }) => rows[0]?.team === 'aftersale')
  before.forget()
  await bot.user('u1').says('not for the first team')
  await after.until('rows', ({ rows }) => rows[0]?.last?.text === 'not for the first team')
  expect(JSON.stringify(before.frames)).not.toContain('not for the first team')
  before.close()
  after.close()
})

test('whoever had it is told that it is gone also when somebody in the other team is given it at once', async () => {
  const people = {
    amy: { name: 'Amy', role: 'administrator' },
    sue: { name: 'Sue', role: 'supervisor' },
    bo: { name: 'Bo' },
    cai: { name: 'Cai' },
  }
  const teams = {
    presale: { members: ['bo', 'sue'], sources: ['memory'], assign: 'by-hand' },
    aftersale: { members: ['cai'], sources: ['other'] },
  }
  await using bot = await deskRuntime({ desks: { support: { use: desk, people, teams } } })
  const { bo, cai, sue } = await staffOf(bot, 'bo', 'cai', 'sue')
  const [his, hers] = [await bo.looks(), await cai.looks()]
  const passedOn: string[] = []
  for (const user of ['u1', 'u2', 'u3']) {
    await bot.user(user).says('hello')
    await bot.idle()
    await bot.agent('bo').takes(user)
    const conversation = (await bot.conversation(user))?.id ?? ''
    await his.until('rows', ({ rows }) => rows.some(({ id, person }) => id === conversation && person === 'bo'))
    await sue.call('POST /conversations/:conversation/transfer', {
      params: { conversation },
      body: { id: newId(), team: 'aftersale' },
    })
    await hers.until('rows', ({ rows }) => rows.some(({ id, person }) => id === conversation && person === 'cai'))
    passedOn.push(conversation)
  }
  for (const conversation of passedOn) await his.until('rows', ({ gone }) => gone.includes(conversation))
  his.close()
  hers.close()
})

test('that a conversation was closed is told also when the next one of the chat is open before it is read', async () => {
  await using bot = await deskRuntime()
  const { bo } = await staffOf(bot, 'bo')
  await bot.user('u1').says('hello')
  await bot.idle()
  await bot.agent('bo').takes('u1')
  const first = (await bot.conversation('u1'))?.id ?? ''
  const stream = await bo.looks()
  // The reader is busy, as in a rush: what the stream asks for waits its turn.
  const { read } = bot.runtime.engine
  const busy = Array.from({ length: 40 }, () => read.selectFrom('entry').select('id').execute())
  await bot.agent('bo').closes('u1')
  await bot.user('u1').says('one more thing')
  await bot.idle()
  await Promise.all(busy)
  await stream.until('rows', ({ rows }) => rows.some(({ id }) => id !== first))
  await stream.until('rows', ({ rows }) => rows.some(({ id, state }) => id === first && state === 'closed'))
  stream.close()
})

test('colleagues see who looks at a chat, as long as the screen is there that looks', async () => {
  await using bot = await deskRuntime()
  const { bo, sue } = await staffOf(bot, 'bo', 'sue')
  await bot.user('u1').says('hello')
  await bot.idle()
  const { rows } = await bo.call('GET /conversations', { query: { list: 'queue' } })
  const chat = rows[0]?.chat ?? ''
  const [his, hers] = [await bo.looks(), await sue.looks()]
  const look = (isLooking: boolean) =>
    bo.call('POST /chats/:chat/looking', { params: { chat }, body: { connection: his.connection, isLooking } })
  await look(true)
  await hers.until('rows', ({ rows }) => rows[0]?.lookers.includes('bo') === true)
  await his.until('rows', ({ rows }) => rows[0]?.lookers.length === 0)
  hers.forget()
  await look(false)
  await hers.until('rows', ({ rows }) => rows[0]?.lookers.length === 0)
  await look(true)
  await hers.until('rows', ({ rows }) => rows[0]?.lookers.includes('bo') === true)
  hers.forget()
  // With the screen the look ends too.
  his.close()
  await hers.until('rows', ({ rows }) => rows[0]?.lookers.length === 0)
  // Nobody looks by a connection that is not theirs.
  expect(
    await bo.refused('POST /chats/:chat/looking', {
      params: { chat },
      body: { connection: hers.connection, isLooking: true },
    }),
  ).toBe('NOT_FOUND')
  hers.close()
})

test('that a customer types is told to whoever looks at the chat, and to nobody else', async () => {
  let line: Pick<ChannelContext, 'live' | 'receive'> | undefined
  const phone = defineChannel({
    name: 'phone',
    summary: 'Says who is typing.',
    config: z.strictObject({}),
    account: () => 'one',
    capabilities: () => ({ sends: { text: {} }, later: [ALWAYS], showsIdentity: 'none' }),
    setup(context) {
      line = context
      return { send: async () => ({}) }
    },
  })
  const people = { amy: { name: 'Amy', role: 'administrator' }, sue: { name: 'Sue', role: 'supervisor' } }
  const teams = { presale: { members: ['sue'], assign: 'by-hand' } }
  await using bot = await deskRuntime({
    channels: { phone: { use: phone } },
    desks: { support: { use: desk, people, teams } },
  })
  const { sue, amy } = await staffOf(bot, 'sue')
  const sent = { chat: 'c1', type: 'message', parts: text('hello'), atMs: bot.clock.now(), grants: 'message' } as const
  await line?.receive({ id: '1', ...sent })
  await bot.idle()
  const chat = (await bot.runtime.engine.findChat('phone:one', 'c1')) ?? ''
  const [looks, looksElsewhere] = [await sue.looks(), await amy.looks()]
  const row = await sue.call('GET /conversations', { query: { list: 'all' } })
  expect(row.rows.map((one) => one.chat)).toContain(chat)
  await sue.call('POST /chats/:chat/looking', {
    params: { chat },
    body: { connection: looks.connection, isLooking: true },
  })
  line?.live('c1', 'typing')
  await looks.until('live', (live) => live.chat === chat && live.what === 'typing')
  // What both are told after it shows that it would have come by now.
  await line?.receive({ id: '2', ...sent, parts: text('again') })
  await looksElsewhere.until('rows', ({ rows }) => rows[0]?.last?.text === 'again')
  expect(looksElsewhere.frames.some(({ type }) => type === 'live')).toBe(false)
  looks.close()
  looksElsewhere.close()
})

test('a person is there as long as a screen of theirs is: two are one person, and the last one counts', async () => {
  await using bot = await deskRuntime()
  const { bo, sue } = await staffOf(bot, 'bo', 'sue')
  const hers = await sue.looks()
  const isThere = async () => (await sue.call('GET /now', {})).people.find(({ name }) => name === 'bo')?.isConnected
  const [first, second] = [await bo.looks(), await bo.looks('events')]
  expect(await isThere()).toBe(true)
  await bot.advance(1_000)
  await hers.until('people', ({ people }) => people.some(({ name, isConnected }) => name === 'bo' && isConnected))
  first.close()
  await first.ended
  expect(await isThere()).toBe(true)
  second.close()
  await expect.poll(isThere).toBe(false)
  hers.close()
})

test('a token is told what its teams may see, is nobody who is there, and has to accept the stream', async () => {
  await using bot = await deskRuntime()
  const { amy } = await staffOf(bot)
  const { secret } = await amy.call('POST /tokens', {
    body: { name: 'wallboard', role: 'agent', teams: ['aftersale'] },
  })
  const wallboard = screenOf(deskOf(bot), { token: secret })
  // Whoever says that anything will do is not sent what never ends.
  expect(await wallboard.ask('api/stream')).toMatchObject({ status: 406, code: 'STREAM_NOT_ACCEPTED' })
  const stream = await wallboard.looks()
  await bot.user('u1').says('for the first team')
  await bot.idle()
  const { people } = await amy.call('GET /now', {})
  expect(people.some(({ isConnected }) => isConnected)).toBe(false)
  await amy.call('POST /status', { body: { status: 'away' } })
  await bot.advance(1_000)
  await stream.until('people')
  expect(stream.frames.some(({ type }) => type === 'rows')).toBe(false)
  stream.close()
})

test('a person has twenty screens at most, and gets another one when one is closed', async () => {
  await using bot = await deskRuntime()
  const { bo } = await staffOf(bot, 'bo')
  const streams = await Promise.all(Array.from({ length: 20 }, () => bo.looks('events')))
  const refused = await bo.ask('api/stream', { headers: { accept: 'text/event-stream' } })
  expect(refused).toMatchObject({ status: 429, code: 'TOO_MANY_CONNECTIONS' })
  streams[0]?.close()
  await expect
    .poll(async () => (await bo.looks('events').catch(() => undefined))?.frames.length ?? 0)
    .toBeGreaterThan(0)
})

test('screens are told to come again when the desk is set up anew, and what was there before still holds', async () => {
  const channel = memoryChannel()
  await using bot = await deskRuntime({}, { channel })
  const { bo } = await staffOf(bot, 'bo')
  const stream = await bo.looks()
  await bot.restart()
  expect(await stream.ended).toMatch(/^1012 /)
  const again = screenOf(deskOf(bot))
  for (const [name, value] of bo.cookies) again.cookies.set(name, value)
  const next = await again.looks()
  await channel.receive({
    id: '1',
    chat: 'u1',
    type: 'message',
    parts: text('hello'),
    atMs: bot.clock.now(),
    grants: 'message',
  })
  await next.until('rows', ({ rows }) => rows[0]?.last?.text === 'hello')
  next.close()
})

test('a reload of the desk takes nothing from those whose screens come again, and tells their customers nothing', async () => {
  const people = { amy: { name: 'Amy', role: 'administrator' }, bo: { name: 'Bo' } }
  const desks = (more: object = {}) => ({
    support: { use: desk, people, teams: { presale: { members: ['bo'] } }, ...more },
  })
  const texts = { handedOver: '', offline: 'Nobody is here.', agentGone: 'Bo is gone.' }
  await using bot = await deskRuntime({ channels: {}, desks: desks(), texts })
  const { bo } = await staffOf(bot, 'bo')
  const before = await bo.looks()
  await bot.user('u1').says('hello')
  await bot.idle()
  await bot.apply({ desks: desks({ lingerFor: '3m' }), texts })
  await before.ended
  const after = await bo.looks()
  // In steps: what the grace of the desk that is no more would set going takes its time.
  for (let minutes = 0; minutes < 3; minutes++) await bot.advance(60_000)
  expect(await bot.conversation('u1')).toMatchObject({ owner: { person: 'bo' }, lease: 2 })
  await bot.user('u1').hearsNothing()
  const { people: now } = await bo.call('GET /now')
  expect(now.find(({ name }) => name === 'bo')?.isConnected).toBe(true)
  expect(await bot.rows('support', 'person')).toMatchObject([{ name: 'bo', there: 1 }])
  after.close()
})
