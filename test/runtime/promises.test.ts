import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { memoryChannel, testRuntime } from '#core/testing'
import { botThat, featureWith, gate, quietDesk } from './cast.ts'

const HOUR = 3_600_000
const echo = botThat((turn) => turn.reply(`echo: ${turn.text}`))

test('a chat is handled strictly in order, and no chat waits for another', async () => {
  const door = gate()
  const bot = botThat(async (turn) => {
    if (turn.text === 'slow') await door.pass()
    return turn.reply(`echo: ${turn.text}`)
  })
  await using runtime = await testRuntime({ bots: { bot: { use: bot } } })
  const slow = runtime.user('slow').says('slow').says('second')
  await door.reached()
  await runtime.user('quick').says('hello').hears('echo: hello')
  expect(runtime.channel.sent.map(({ chat }) => chat)).toEqual(['quick'])
  door.open()
  await slow.hears('echo: slow', 'echo: second')
})

test('a repeated event is handled once, and its answer is sent once', async () => {
  await using runtime = await testRuntime({ bots: { bot: { use: echo } } })
  const event = {
    id: 'same',
    chat: 'u1',
    atMs: 1,
    grants: 'message',
    type: 'message',
    parts: [{ type: 'text', text: 'hello' }],
  } as const
  await Promise.all([1, 2, 3].map(() => runtime.channel.receive(event)))
  await runtime.idle()
  await runtime.channel.receive(event)
  await runtime.user('u1').hears('echo: hello').hearsNothing()
  expect(await runtime.outcomes('u1')).toHaveLength(1)
})

test('what a customer’s outbox repeats after months is handled once, as long as his messages are kept', async () => {
  const DAY = 24 * HOUR
  for (const repeatsLate of [true, false]) {
    const channel = memoryChannel({ capabilities: { repeatsLate } })
    await using runtime = await testRuntime({ bots: { bot: { use: echo } }, keep: { messages: '200d' } }, { channel })
    const { clock } = runtime
    /** Moves on, until what is old has been removed. */
    const daysPass = async (days: number) => {
      const nowMs = clock.now() + days * DAY
      clock.jump(nowMs)
      await clock.advance(0)
      const done = runtime.runtime.engine.read
        .selectFrom('job_run')
        .select('name')
        .where('started_at', '>=', nowMs)
        .where('finished_at', 'is not', null)
      while ((await done.execute()).length === 0) await setImmediate()
    }
    const parts = [{ type: 'text', text: 'hello' }] as const
    const event = { id: 'm1', chat: 'u1', type: 'message', atMs: clock.now(), parts } as const
    const heard: number[] = []
    for (const days of [0, 60, 60, 60, 21]) {
      if (days > 0) await daysPass(days)
      await channel.receive(event)
      await runtime.idle()
      heard.push(channel.sent.length)
      // What belongs to an open conversation is never old.
      await runtime.agent('amy').closes('u1')
    }
    expect(heard).toEqual(repeatsLate ? [1, 1, 1, 1, 2] : [1, 2, 3, 4, 5])
  }
})

test('a bot that answers after an agent has taken over is not heard, and the desk gets the message', async () => {
  const door = gate()
  const bot = botThat(async (turn) => {
    if (turn.text === 'slow') await door.pass()
    return turn.reply(`echo: ${turn.text}`)
  })
  const { desk, items } = quietDesk()
  await using runtime = await testRuntime({ bots: { bot: { use: bot } }, desks: { support: { use: desk } } })
  const user = runtime.user('u1')
  await user.says('hello').hears('echo: hello').says('slow')
  await door.reached()
  expect(await runtime.agent('amy').takes('u1')).toMatchObject({ ok: true })
  expect(await runtime.agent('amy').sends('u1', 'This is Amy.')).toMatchObject({ ok: true })
  door.open()
  await user.hears('This is Amy.').hearsNothing()
  expect(await runtime.outcomes('u1')).toEqual(['answered: bot', 'to-desk: support has the conversation'])
  expect(items.map(({ type }) => type)).toEqual(['handed-over', 'message'])
  const [entry] = (await runtime.entries('u1')).filter(({ outcome }) => outcome === 'to-desk')
  expect(entry?.trace_json).toContain('superseded')
})

test('what a bot had still to send is cancelled when an agent takes over', async () => {
  const door = gate()
  const { desk } = quietDesk()
  const bot = botThat((turn) =>
    turn.reply([
      { type: 'text', text: 'one' },
      { type: 'text', text: 'two' },
    ]),
  )
  await using runtime = await testRuntime({ bots: { bot: { use: bot } }, desks: { support: { use: desk } } })
  runtime.channel.beforeSend(() => door.pass())
  const user = runtime.user('u1')
  await user.says('hello')
  await door.reached()
  expect(await runtime.agent('amy').takes('u1')).toMatchObject({ ok: true })
  expect(await runtime.agent('amy').sends('u1', 'This is Amy.')).toMatchObject({ ok: true })
  door.open()
  await user.hears('one', 'This is Amy.').hearsNothing()
})

test('nothing is sent that the platform would refuse, and the last sends are kept for people', async () => {
  const channel = memoryChannel({
    capabilities: { later: [{ on: 'message', withinMs: 48 * HOUR, max: 3, resets: true }] },
  })
  const { desk } = quietDesk()
  await using runtime = await testRuntime(
    {
      channels: { memory: { use: channel.plugin, reserve: 1 } },
      bots: {
        bot: {
          use: botThat((turn) =>
            turn.reply(['1', '2', '3'].map((text) => ({ type: 'image', url: `https://x.example/${text}` }))),
          ),
        },
      },
      desks: { support: { use: desk } },
    },
    { channel },
  )
  const user = runtime.user('u1')
  await user.says('hello').hears({ url: 'https://x.example/1' }, { url: 'https://x.example/2' }).hearsNothing()
  const amy = runtime.agent('amy')
  await amy.takes('u1')
  expect(await amy.sends('u1', 'the last one')).toMatchObject({ ok: true })
  await user.hears('the last one')
  expect(await amy.sends('u1', 'one too many')).toMatchObject({ ok: false, code: 'WINDOW_CLOSED' })
  await user.says('thanks')
  expect(await amy.sends('u1', 'now it goes')).toMatchObject({ ok: true })
  await user.hears('now it goes')
  await runtime.advance(48 * HOUR + 1)
  expect(await amy.sends('u1', 'too late')).toMatchObject({ ok: false, code: 'WINDOW_CLOSED' })
  await user.hearsNothing()
})

test('every decision says who, because of what, and at which line of which revision', async () => {
  const guard = featureWith({ inbound: { guard: (turn, next) => (turn.text === 'spam' ? turn.drop('spam') : next()) } })
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, features: [{ use: guard }] })
  await runtime.user('u1').says('spam').says('hello').hears('echo: hello')
  expect(await runtime.outcomes('u1')).toEqual(['dropped: spam', 'answered: bot'])
  const Step = z.object({
    stage: z.string(),
    by: z.string(),
    did: z.string(),
    because: z.string().optional(),
    line: z.string().optional(),
  })
  const [dropped, answered] = (await runtime.entries('u1'))
    .filter(({ kind }) => kind === 'in')
    .map(({ trace_json }) => z.array(Step).parse(JSON.parse(trace_json ?? '')))
  const { revision, lineOf } = runtime.runtime.config
  const at = (path: readonly (string | number)[]) => `${revision.hash.slice(0, 12)}:${lineOf(path)}`
  expect(dropped).toEqual([
    { stage: 'guard', by: 'scripted-feature', did: 'drop', because: 'spam', line: at(['features', 0]) },
    { stage: 'outcome', by: 'scripted-feature', did: 'dropped', because: 'spam' },
  ])
  expect(answered?.map(({ stage, by, did }) => `${stage} ${by} ${did}`)).toEqual([
    'guard scripted-feature next',
    'route core routes[0]',
    'bot bot reply',
    'outcome bot answered',
  ])
  expect(answered?.[1]?.line).toBe(at(['routes', 0]))
})

test('past the backlog nothing is accepted, and what was accepted before is still handled', async () => {
  const door = gate()
  const bot = botThat(async (turn) => {
    await door.pass()
    return turn.done('seen')
  })
  await using runtime = await testRuntime({ bots: { bot: { use: bot } } })
  const event = (n: number) =>
    ({ id: `e${n}`, chat: 'u1', atMs: 1, type: 'message', parts: [{ type: 'text', text: `${n}` }] }) as const
  const results = await Promise.allSettled(Array.from({ length: 203 }, (_, n) => runtime.channel.receive(event(n))))
  const refused = results.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(3)
  expect(refused[0]).toMatchObject({ reason: { code: 'BACKLOG_FULL', statusCode: 503 } })
  door.open()
  await runtime.idle()
  expect(await runtime.outcomes('u1')).toHaveLength(200)
  await runtime.channel.receive(event(999))
  await runtime.idle()
  expect(await runtime.outcomes('u1')).toHaveLength(201)
})

test('what waited when the process stopped is handled after the start, and counted in the backlog', async () => {
  const door = gate()
  const bot = botThat(async (turn) => {
    await door.pass()
    return turn.reply(`echo: ${turn.text}`)
  })
  const first = await testRuntime({ bots: { bot: { use: bot } }, limits: { drainFor: '0s' } })
  const { folder } = first
  await first.user('u1').says('one').says('two')
  await door.reached()
  const stopping = first.runtime.stop()
  await first.clock.advance(10_000)
  await stopping
  door.open()
  expect(first.channel.sent).toEqual([])

  const second = await testRuntime({ bots: { bot: { use: echo } } }, { folder })
  await second.user('u1').hears('echo: one', 'echo: two').hearsNothing()
  // The folder is the first one's to remove, and it must not be in use then.
  await second[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
})
