/** Channels that a reload takes down: what belongs to them waits, and goes on when they are back. */
import { expect, test, vi } from 'vitest'
import { memoryChannel, type TestRuntime, testRuntime } from '#core/testing'
import type { CheckedConfig } from '../../core/config/checked.ts'
import { botThat, gate, quietDesk } from './cast.ts'

const BECAUSE = 'The environment variable GOING is not set.'

/** As a reload reads the file when the variable of the channel is not set any more; `now` is what it is called there. */
function withoutGoing(config: CheckedConfig, now = 'going'): CheckedConfig {
  return {
    ...config,
    channels: config.channels.filter(({ name }) => name !== 'going'),
    routes: config.routes.map((route) => ({ ...route, from: ['memory'] })),
    down: [{ name: now, use: 'going', line: 1, because: BECAUSE }],
  }
}

/** The same file with the channel under another name. */
function renamed(config: CheckedConfig): CheckedConfig {
  return {
    ...config,
    channels: config.channels.map((channel) => (channel.name === 'going' ? { ...channel, name: 'renamed' } : channel)),
    routes: config.routes.map((route) => ({ ...route, from: ['memory', 'renamed'] })),
  }
}

/** The first `slow` waits at the door; everything is echoed. */
function slowOnce() {
  const door = gate()
  let asked = 0
  const bot = botThat(async (turn) => {
    asked += 1
    if (asked === 1) await door.pass()
    return turn.reply(`echo: ${turn.text}`)
  })
  return { door, bot }
}

function customerOf({ receive }: ReturnType<typeof memoryChannel>, chat = 'u1') {
  return (text: string) =>
    receive({
      ...{ id: text, chat, atMs: 1, grants: 'message', type: 'message' },
      parts: [{ type: 'text', text }],
    })
}

const textsOf = ({ sent }: ReturnType<typeof memoryChannel>) =>
  sent.map(({ part }) => (part.type === 'text' ? part.text : '')).sort()
const outcomesOf = async ({ runtime }: TestRuntime) =>
  (
    await runtime.engine.read.selectFrom('entry').select('outcome').where('kind', '=', 'in').orderBy('seq').execute()
  ).map(({ outcome }) => outcome)

test('an event that is cut off by the reload that takes its channel down waits too', async () => {
  const { door, bot } = slowOnce()
  const going = memoryChannel({ name: 'going' })
  await using runtime = await testRuntime({
    bots: { bot: { use: bot } },
    channels: { going: { use: going.plugin } },
    limits: { drainFor: '5s' },
  })
  await customerOf(going)('hello')
  await door.reached()
  const { config } = runtime.runtime
  const down = withoutGoing(config)
  const applied = runtime.runtime.apply({ ...down, bots: down.bots.map((bot) => ({ ...bot, fingerprint: 'changed' })) })
  await vi.waitFor(() => expect(runtime.runtime.config).not.toBe(config), 10_000)
  await runtime.clock.advance(5_000)
  await applied
  await runtime.idle()
  expect(await outcomesOf(runtime)).toEqual([null])

  await runtime.runtime.apply(config)
  await runtime.idle()
  expect(await outcomesOf(runtime)).toEqual(['answered'])
  expect(textsOf(going)).toEqual(['echo: hello'])
})

test('a channel that is renamed in the save that takes it down waits as well', async () => {
  const { door, bot } = slowOnce()
  const going = memoryChannel({ name: 'going' })
  await using runtime = await testRuntime({ bots: { bot: { use: bot } }, channels: { going: { use: going.plugin } } })
  const says = customerOf(going)
  await says('one')
  await door.reached()
  await says('two')
  const { config } = runtime.runtime
  const applied = runtime.runtime.apply(withoutGoing(config, 'renamed'))
  await vi.waitFor(() => expect(runtime.runtime.config).not.toBe(config), 10_000)
  door.open()
  await applied
  await runtime.runtime.apply({ ...runtime.runtime.config })
  await runtime.advance(300_000)
  expect(await outcomesOf(runtime)).toEqual(['answered', null])
  expect(textsOf(going)).toEqual([])

  await runtime.runtime.apply(renamed(config))
  await runtime.idle()
  expect(textsOf(going)).toEqual(['echo: one', 'echo: two'])
})

test('what waits for a channel is given up when it is in the file no more, and nothing there is down', async () => {
  const { door, bot } = slowOnce()
  const going = memoryChannel({ name: 'going' })
  await using runtime = await testRuntime({ bots: { bot: { use: bot } }, channels: { going: { use: going.plugin } } })
  await customerOf(going)('one')
  await door.reached()
  await customerOf(going)('two')
  const { config } = runtime.runtime
  const down = withoutGoing(config, 'another')
  const applied = runtime.runtime.apply(down)
  await vi.waitFor(() => expect(runtime.runtime.config).not.toBe(config), 10_000)
  door.open()
  await applied
  await runtime.runtime.apply({ ...down, down: [] })
  await runtime.advance(300_000)
  expect(await outcomesOf(runtime)).toEqual(['answered', 'ignored'])
})

test('whose agent leaves while the channel is down goes to the queue when it is back', async () => {
  const { desk } = quietDesk()
  const going = memoryChannel({ name: 'going' })
  const config = (people: readonly string[]) => ({
    bots: { bot: { use: botThat((turn) => turn.handOff({ because: 'asked', say: '' })) } },
    desks: { support: { use: desk, people } },
    channels: { going: { use: going.plugin } },
  })
  await using runtime = await testRuntime(config(['amy', 'bo']))
  await customerOf(going)('person')
  await runtime.idle()
  const { engine } = runtime.runtime
  const chat = (await engine.findChat('going:going', 'u1')) ?? ''
  const owner = async () => (await engine.load(chat))?.conversation?.owner
  await runtime.agent('bo').does({ type: 'take', chat })
  const { desks } = runtime.runtime.config

  await runtime.apply(config(['amy']))
  const amyAlone = runtime.runtime.config
  expect(await owner()).toMatchObject({ kind: 'queue' })
  await runtime.runtime.apply({ ...amyAlone, desks })
  await runtime.agent('bo').does({ type: 'take', chat })

  await runtime.runtime.apply(withoutGoing(amyAlone))
  expect(await owner()).toMatchObject({ kind: 'agent', person: 'bo' })
  expect(runtime.logged.filter((line) => line.includes('without an owner'))).toEqual([])
  await runtime.runtime.apply(amyAlone)
  expect(await owner()).toMatchObject({ kind: 'queue', desk: 'support' })
})

test('who writes to a customer of a channel that is down is told so, and what was under way waits untried', async () => {
  const { desk } = quietDesk()
  const going = memoryChannel({ name: 'going' })
  await using runtime = await testRuntime({
    bots: { bot: { use: botThat((turn) => turn.handOff({ because: 'asked', say: '' })) } },
    desks: { support: { use: desk } },
    channels: { going: { use: going.plugin } },
  })
  await customerOf(going)('person')
  await runtime.idle()
  const { engine, config } = runtime.runtime
  const chat = (await engine.findChat('going:going', 'u1')) ?? ''
  const amy = { kind: 'agent', person: 'amy' } as const
  const sends = (id: string, content: string) => runtime.runtime.command({ id, type: 'send', chat, content, by: amy })
  await runtime.runtime.command({ id: 'take', type: 'take', chat, by: amy })
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  going.beforeSend(() => {
    throw new Error('The platform is away.', { cause: refused })
  })
  expect(await sends('early', 'before')).toMatchObject({ ok: true })
  await runtime.idle()
  const attempts = () => engine.read.selectFrom('delivery_attempt').select(['code', 'error']).execute()
  const before = await attempts()
  expect(before.length).toBeGreaterThan(0)

  await runtime.runtime.apply(withoutGoing(config))
  const isDown = { ok: false, code: 'CHANNEL_DOWN', message: `going is down. ${BECAUSE}` }
  expect(await sends('late', 'meanwhile')).toEqual(isDown)
  await runtime.advance(3_600_000)
  expect(await attempts()).toEqual(before)

  going.beforeSend(() => undefined)
  await runtime.runtime.apply(config)
  await runtime.idle()
  expect(textsOf(going)).toEqual(['before'])
  expect(await sends('late', 'meanwhile')).toEqual(isDown)
})
