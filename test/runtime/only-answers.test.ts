/** An account of which the platform says, when it is sent something, that it may only answer. */
import { expect, test } from 'vitest'
import { DeliveryError, type InboundEvent, type Inline, type Say } from '#core'
import { memoryChannel, type TestOptions, type TestRuntime, testRuntime } from '#core/testing'
import { botThat, featureWith } from './cast.ts'

const LIMITED = { on: 'message', withinMs: 3_600_000, max: 5, resets: true }

let ids = 0
const message = (text: string): InboundEvent => ({
  ...{ id: `m${++ids}`, chat: 'u1', atMs: Date.UTC(2026, 0, 1), grants: 'message', type: 'message' },
  parts: [{ type: 'text', text }],
})

/** Two texts go later where the channel can; a channel that only answers is sent them as one. */
const bot = botThat((turn) => {
  const [first = '', second] = turn.text.split('|')
  if (second !== undefined) turn.say(echo(first))
  return turn.reply(echo(second ?? first))
})
const echo = (line: string): Say =>
  line === 'picture' ? { type: 'image', url: 'https://files.example/1.png' } : `echo: ${line}`

const faces = featureWith({
  outbound: { rewrite: (_reply, next) => next({ identity: { id: 'sales', name: 'Sales' } }) },
})

function start(options: TestOptions & { readonly inline?: Inline | undefined } = {}) {
  const { inline = { withinMs: 4_500 } } = options
  const channel = memoryChannel({
    capabilities: { inline: 'inline' in options ? options.inline : inline, later: [LIMITED] },
  })
  const tried: string[] = []
  channel.beforeSend(({ part }) => {
    tried.push(part.type === 'text' ? part.text : part.type)
    throw new DeliveryError('CHANNEL_ONLY_ANSWERS', { scope: 'channel', message: '48001 api unauthorized' })
  })
  const config = {
    channels: { memory: { use: channel.plugin, answer: 'inline' } },
    bots: { bot: { use: bot } },
    features: 'inline' in options && options.inline?.showsIdentity === false ? [{ use: faces }] : [],
  }
  return { channel, tried, config, runtime: testRuntime(config, { ...options, channel }) }
}

async function states({ runtime }: TestRuntime) {
  return runtime.engine.read.selectFrom('delivery').select(['state', 'code']).orderBy('id').execute()
}

test('what it cannot be sent waits for the next event, and is said there in front of the answer', async () => {
  const { channel, tried, runtime: started } = start()
  await using runtime = await started
  const ask = async (text: string) => {
    const said = (await channel.receive(message(text)))?.part
    await runtime.idle()
    return said
  }
  expect(await ask('one|two')).toBeUndefined()
  const kept = { state: 'pending', code: 'CHANNEL_ONLY_ANSWERS' }
  expect(await states(runtime)).toEqual([kept, expect.objectContaining({ state: 'pending' })])
  expect(await ask('three')).toEqual({ type: 'text', text: 'echo: one\necho: two\necho: three' })
  expect(await ask('four')).toEqual({ type: 'text', text: 'echo: four' })
  expect(tried).toEqual(['echo: one'])
})

test('is then used as one that only answers: the texts of a turn are one, and it is said once', async () => {
  const { channel, tried, runtime: started } = start()
  await using runtime = await started
  expect(await channel.receive(message('one|two'))).toBeUndefined()
  await runtime.idle()
  const answer = await channel.receive({ ...message('three|four'), chat: 'u2' })
  expect(answer?.part).toEqual({ type: 'text', text: 'echo: three\necho: four' })
  await runtime.idle()
  expect(tried).toEqual(['echo: one'])
  expect(runtime.logged.filter((line) => line.includes('48001'))).toHaveLength(1)
})

test('is so after a reload that leaves the channel as it is, and is asked again once the channel is another', async () => {
  const { channel, tried, config, runtime: started } = start()
  await using runtime = await started
  const ask = async (text: string) => {
    const said = (await channel.receive(message(text)))?.part
    await runtime.idle()
    return said
  }
  await ask('one|two')
  await runtime.apply({ ...config, texts: { fallback: 'Later.' } })
  expect(await ask('three|four')).toEqual({ type: 'text', text: 'echo: one\necho: two\necho: three\necho: four' })
  expect(tried).toEqual(['echo: one'])
  const other = { use: channel.plugin, answer: 'inline', account: 'other' }
  await runtime.apply({ ...config, channels: { memory: other } })
  await runtime.apply(config)
  expect(await ask('five|six')).toBeUndefined()
  expect(tried).toEqual(['echo: one', 'echo: five'])
})

test('what cannot be said inside a response is not kept for one, and later becomes a text', async () => {
  const { channel, tried, runtime: started } = start({ inline: { withinMs: 4_500, parts: ['text'] } })
  await using runtime = await started
  expect(await channel.receive(message('picture|picture'))).toBeUndefined()
  await runtime.idle()
  expect(tried).toEqual(['image'])
  expect(await states(runtime)).toEqual([
    { state: 'dead', code: 'CHANNEL_ONLY_ANSWERS' },
    { state: 'dead', code: 'CHANNEL_ONLY_ANSWERS' },
  ])
  const answer = await channel.receive({ ...message('picture'), chat: 'u2' })
  expect(answer?.part).toEqual({ type: 'text', text: '[Picture]\nhttps://files.example/1.png' })
})

test('has no faces inside a response: the name stands in front of the text then', async () => {
  const { channel, runtime: started } = start({ inline: { withinMs: 4_500, showsIdentity: false } })
  await using runtime = await started
  const ask = (chat: string) => channel.receive({ ...message('hello'), chat })
  expect(await ask('u1')).toBeUndefined()
  await runtime.idle()
  expect((await ask('u2'))?.part).toEqual({ type: 'text', text: 'Sales: echo: hello' })
})

test('after a restart what waited is still said at the next event', async () => {
  const { channel, runtime: started } = start()
  await using runtime = await started
  expect(await channel.receive(message('one|two'))).toBeUndefined()
  await runtime.idle()
  await runtime.restart()
  await runtime.idle()
  const answer = await channel.receive(message('three'))
  expect(answer?.part).toEqual({ type: 'text', text: 'echo: one\necho: two\necho: three' })
})

test('a channel that has no such answer is paused, and the operator is shown why', async () => {
  const { channel, runtime: started } = start({ inline: undefined })
  await using runtime = await started
  await channel.receive(message('hello'))
  await runtime.idle()
  expect(await states(runtime)).toEqual([{ state: 'pending', code: 'CHANNEL_ONLY_ANSWERS' }])
})

test('what waited goes out as soon as a reload has a channel that can send later', async () => {
  const inline = { withinMs: 4_500 }
  const only = memoryChannel({ capabilities: { inline, later: [] } })
  const bots = { bot: { use: bot } }
  await using runtime = await testRuntime({ channels: { memory: { use: only.plugin } }, bots }, { channel: only })
  // A response holds no two pictures: the second waits.
  await only.receive(message('picture|picture'))
  await runtime.idle()
  expect(await states(runtime)).toEqual([{ state: 'sent', code: null }, expect.objectContaining({ state: 'pending' })])
  const both = memoryChannel({
    capabilities: { inline, later: [{ on: 'message', withinMs: 3_600_000, resets: true }] },
  })
  await runtime.apply({ channels: { memory: { use: both.plugin } }, bots })
  await runtime.idle()
  expect(both.sent.map(({ part }) => part.type)).toEqual(['image'])
})
