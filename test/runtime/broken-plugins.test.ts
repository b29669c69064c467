import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { DeliveryError } from '#core'
import { memoryChannel, testRuntime } from '#core/testing'
import { botThat, featureWith, quietDesk } from './cast.ts'

const echo = botThat((turn) => turn.reply(`echo: ${turn.text}`))
const never = () => new Promise<never>(() => undefined)
const broken = () => {
  throw new Error('I am broken.')
}

test.each(['intercept', 'respond'] as const)('a feature that throws in %s is skipped', async (stage) => {
  await using runtime = await testRuntime({
    bots: { bot: { use: echo } },
    features: [{ use: featureWith({ inbound: { [stage]: broken } }) }],
  })
  await runtime.user('u1').says('hello').hears('echo: hello')
  const [entry] = await runtime.entries('u1')
  expect(entry?.trace_json).toContain('I am broken.')
})

test.each(['intercept', 'respond', 'enrich'] as const)(
  'a feature that never answers in %s is skipped when its time is over',
  async (stage) => {
    await using runtime = await testRuntime({
      bots: { bot: { use: echo } },
      features: [{ use: featureWith({ inbound: { [stage]: never } }) }],
    })
    await runtime.user('u1').says('hello')
    await runtime.clock.advance(5_000)
    await runtime.user('u1').hears('echo: hello')
  },
)

test('a feature that throws in enrich, and one that throws in rewrite, are skipped', async () => {
  const feature = featureWith({ inbound: { enrich: broken }, outbound: { rewrite: broken } })
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, features: [{ use: feature }] })
  await runtime.user('u1').says('hello').hears('echo: hello')
})

test('what a feature has said before it throws is not said', async () => {
  const feature = featureWith({
    inbound: {
      intercept(turn) {
        turn.say('half a sentence')
        return broken()
      },
    },
  })
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, features: [{ use: feature }] })
  await runtime.user('u1').says('hello').hears('echo: hello').hearsNothing()
})

test('a guard that fails is tried again with growing waits, and then lets pass or drops as the plugin says', async () => {
  let asked = 0
  const feature = featureWith({
    inbound: {
      guard() {
        asked += 1
        return broken()
      },
    },
  })
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, features: [{ use: feature }] })
  const user = runtime.user('u1')
  await user.says('hello').hearsNothing()
  for (const ms of [1_000, 5_000, 20_000]) await runtime.advance(ms)
  await user.hears('echo: hello')
  expect(asked).toBe(4)
})

test('a bot that throws or never answers gives the fallback, and the next message is answered', async () => {
  const bot = botThat((turn) => {
    if (turn.text === 'throw') return broken()
    if (turn.text === 'hang') return never()
    return turn.reply(`echo: ${turn.text}`)
  })
  await using runtime = await testRuntime({ bots: { bot: { use: bot } }, texts: { fallback: 'Sorry.' } })
  const user = runtime.user('u1')
  await user.says('throw').hears('Sorry.').says('hang')
  await runtime.clock.advance(60_000)
  await user.hears('Sorry.').says('hello').hears('echo: hello')
  expect(await runtime.outcomes('u1')).toEqual(['failed: no bot answered', 'failed: no bot answered', 'answered: bot'])
})

test('a poisonous event ends as failed with the fallback after growing waits, and the chat goes on', async () => {
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, texts: { fallback: 'Sorry.' } })
  // The journal itself refuses that this one be answered: nothing that any plugin does would help.
  const journal = new DatabaseSync(join(runtime.folder, 'journal.sqlite'))
  journal.exec(`CREATE TRIGGER poison BEFORE UPDATE OF outcome ON entry
    WHEN NEW.outcome = 'answered' AND NEW.body_json LIKE '%poison%' BEGIN SELECT RAISE(ABORT, 'poison'); END`)
  journal.close()
  const user = runtime.user('u1')
  await user.says('poison').says('hello').hearsNothing()
  await runtime.user('other').says('hello').hears('echo: hello')
  for (const ms of [1_000, 5_000, 20_000]) await runtime.advance(ms)
  await user.hears('Sorry.', 'echo: hello')
  expect((await runtime.outcomes('u1'))[0]).toMatch(/^failed: .*poison/)
})

test('a write that is refused hurts only the plugin that made it, and names it', async () => {
  const feature = featureWith({
    inbound: {
      intercept(turn, next) {
        turn.write({ compile: () => ({ sql: 'INSERT INTO nowhere VALUES (1)', parameters: [] }) } as never)
        return next()
      },
    },
  })
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, features: [{ use: feature }] })
  await runtime.user('u1').says('hello').hears('echo: hello')
  const trace = (await runtime.entries('u1'))[0]?.trace_json
  expect(trace).toContain('"stage":"commit","by":"scripted-feature","did":"failed"')
})

test('a reason that is no text is the plugin’s error, by name', async () => {
  const reason: never = Promise.resolve('late') as never
  const feature = featureWith({ inbound: { intercept: (turn) => turn.done(reason) } })
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, features: [{ use: feature }] })
  await runtime.user('u1').says('hello').hears('echo: hello')
  expect((await runtime.entries('u1'))[0]?.trace_json).toContain('scripted-feature')
})

test('a promise of another make that never settles is waited for no longer than any other', async () => {
  // biome-ignore lint/suspicious/noThenProperty: that is what makes it a promise.
  const never: never = { then: () => undefined } as never
  const feature = featureWith({ inbound: { intercept: () => never } })
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, features: [{ use: feature }] })
  await runtime.user('u1').says('hello')
  await runtime.clock.advance(5_000)
  await runtime.user('u1').hears('echo: hello')
})

test('one plugin cannot change what the next one reads', async () => {
  const feature = featureWith({
    inbound: {
      intercept(turn, next) {
        if (turn.event.type === 'message') Object.assign(turn.event.parts[0] ?? {}, { text: 'changed' })
        return next()
      },
    },
  })
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, features: [{ use: feature }] })
  await runtime.user('u1').says('hello').hears('echo: hello')
})

test('a wait that is no number does not stop the queue', async () => {
  const channel = memoryChannel()
  await using runtime = await testRuntime({ bots: { bot: { use: echo } } }, { channel })
  let tries = 0
  channel.beforeSend(() => {
    tries += 1
    if (tries === 1) throw new DeliveryError('CHANNEL_RATE_LIMITED', { retryAfterMs: Number('tomorrow') })
  })
  await runtime.user('u1').says('hello').hearsNothing()
  await runtime.advance(1_000)
  await runtime.user('u1').hears('echo: hello')
})

test('a listener that says something about a failed delivery is not told that this failed too', async () => {
  const channel = memoryChannel()
  let told = 0
  const feature = featureWith({
    events: {
      'delivery.failed'(turn) {
        told += 1
        turn.say('Sorry, that did not get through.')
      },
    },
  })
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, features: [{ use: feature }] }, { channel })
  channel.beforeSend(() => {
    throw new DeliveryError('CHANNEL_REFUSED')
  })
  await runtime.user('u1').says('hello').hearsNothing()
  expect(told).toBe(1)
})

test('a hook that returns nothing is the plugin’s error, by name', async () => {
  const returnsNothing: never = (() => undefined) as never
  await using runtime = await testRuntime({
    bots: { bot: { use: echo } },
    features: [{ use: featureWith({ inbound: { respond: returnsNothing } }) }],
  })
  await runtime.user('u1').says('hello').hears('echo: hello')
  expect((await runtime.entries('u1'))[0]?.trace_json).toContain('Return next()')
})

test('a platform that fails is tried again, and a refusal is not', async () => {
  const channel = memoryChannel()
  const codes: string[] = []
  const feature = featureWith({
    events: {
      'delivery.failed'(turn) {
        codes.push(turn.event.code)
      },
    },
  })
  await using runtime = await testRuntime({ bots: { bot: { use: echo } }, features: [{ use: feature }] }, { channel })
  let tries = 0
  channel.beforeSend(({ part }) => {
    tries += 1
    if (part.type === 'text' && part.text.includes('refuse')) throw new DeliveryError('CHANNEL_REFUSED')
    if (tries < 3) throw new DeliveryError('CHANNEL_DOWN')
  })
  const user = runtime.user('u1')
  await user.says('hello').hearsNothing()
  await runtime.advance(1_000)
  await runtime.advance(5_000)
  await user.hears('echo: hello')
  expect(tries).toBe(3)
  await user.says('refuse').hearsNothing()
  await runtime.advance(700_000)
  expect(tries).toBe(4)
  expect(codes).toEqual(['CHANNEL_REFUSED'])
})

test('an error of the whole channel pauses it, and costs no delivery a try', async () => {
  const channel = memoryChannel()
  await using runtime = await testRuntime({ bots: { bot: { use: echo } } }, { channel })
  let tries = 0
  channel.beforeSend(() => {
    tries += 1
    if (runtime.clock.now() < start + 300_000)
      throw new DeliveryError('CHANNEL_TOKEN', { scope: 'channel', retryAfterMs: 60_000 })
  })
  const start = runtime.clock.now()
  for (const chat of ['u1', 'u2', 'u3']) await runtime.user(chat).says('hello').hearsNothing()
  expect(tries).toBe(1)
  for (let minute = 0; minute < 5; minute++) await runtime.advance(60_000)
  for (const chat of ['u1', 'u2', 'u3']) await runtime.user(chat).hears('echo: hello')
  expect(tries).toBeLessThan(20)
})

test('the pause of a channel ends with the reload that replaces it', async () => {
  const [paused, mended] = [memoryChannel(), memoryChannel()]
  const bots = { bot: { use: echo } }
  await using runtime = await testRuntime({ bots }, { channel: paused })
  paused.beforeSend(() => {
    throw new DeliveryError('CHANNEL_TOKEN', { scope: 'channel', retryAfterMs: 3_600_000 })
  })
  await runtime.user('u1').says('hello').hearsNothing()
  await runtime.apply({ channels: { memory: { use: mended.plugin } }, bots })
  await runtime.idle()
  expect(mended.sent.map(({ part }) => part)).toEqual([{ type: 'text', text: 'echo: hello' }])
})

test('a send of which nobody knows whether it arrived is unknown: shown, and not sent again', async () => {
  const channel = memoryChannel()
  await using runtime = await testRuntime({ bots: { bot: { use: echo } } }, { channel })
  channel.beforeSend(() => {
    throw new Error('The connection broke while the answer was awaited.')
  })
  await runtime.user('u1').says('hello').hearsNothing()
  await runtime.advance(700_000)
  await runtime.user('u1').hearsNothing()
  const rows = await runtime.runtime.engine.read.selectFrom('delivery').select(['state', 'error']).execute()
  expect(rows).toMatchObject([{ state: 'unknown', error: expect.stringContaining('broke') }])
})

test('a bot’s failing picture does not block an agent', async () => {
  const channel = memoryChannel()
  const { desk } = quietDesk()
  const bot = botThat((turn) => turn.reply({ type: 'image', url: `https://x.example/${turn.text}` }))
  await using runtime = await testRuntime(
    { bots: { bot: { use: bot } }, desks: { support: { use: desk } } },
    { channel },
  )
  channel.beforeSend(({ part }) => {
    if (part.type === 'image') throw new DeliveryError('CHANNEL_DOWN')
  })
  await runtime.user('u1').says('hello').hearsNothing()
  await runtime.agent('amy').takes('u1')
  await runtime.agent('amy').sends('u1', 'Here I am.')
  await runtime.advance(31_000)
  await runtime.user('u1').hears('Here I am.')
})
