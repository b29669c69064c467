/** A channel whose platform must be given a file before it can stand in a response. */
import { expect, test } from 'vitest'
import { type Delivery, DeliveryError, defineChannel, type InboundEvent, type Part, z } from '#core'
import { testRuntime } from '#core/testing'
import { differences, Replay } from '../../core/replay/replay.ts'
import { botThat } from './cast.ts'

let ids = 0
const message = (text: string): InboundEvent => ({
  ...{ id: `m${++ids}`, chat: 'u1', atMs: 1, type: 'message' },
  parts: [{ type: 'text', text }],
})
const picture = { type: 'image', url: 'https://files.example/1.png' } as const

/** Only answers. `prepare` is the author's. */
function channelThat(prepare: (part: Part) => Promise<Part>) {
  const up: { receive?: (event: InboundEvent) => Promise<Delivery | undefined> } = {}
  const plugin = defineChannel({
    name: 'counter',
    summary: 'Answers inside responses.',
    config: z.strictObject({}),
    account: () => 'a',
    capabilities: () => ({
      sends: { text: {}, image: {} },
      inline: { withinMs: 4_500 },
      later: [],
      showsIdentity: 'none',
    }),
    setup({ receive }) {
      up.receive = receive
      return { send: async () => ({}), prepare }
    },
  })
  return { plugin, ask: async (text: string) => (await up.receive?.(message(text)))?.part }
}

const bot = botThat((turn) => (turn.text === '…' ? turn.done('nothing to say') : turn.reply(picture)))

test('what is said in the response is what the channel has made ready, and the journal keeps what was said', async () => {
  const counter = channelThat(async () => ({ ...picture, url: 'counter:1' }))
  await using runtime = await testRuntime({
    channels: { counter: { use: counter.plugin } },
    bots: { bot: { use: bot } },
  })
  expect(await counter.ask('show')).toEqual({ ...picture, url: 'counter:1' })
  await runtime.idle()
  const { read } = runtime.runtime.engine
  const rows = await read.selectFrom('delivery').select(['state', 'payload_json']).execute()
  expect(rows).toEqual([{ state: 'sent', payload_json: expect.stringContaining(picture.url) }])
})

test('a part that the channel refuses is said in words, and is so again in a replay, which asks nobody', async () => {
  let asked = 0
  const counter = channelThat(async () => {
    asked += 1
    throw new DeliveryError('CHANNEL_REFUSED', { message: 'no room' })
  })
  await using runtime = await testRuntime({
    channels: { counter: { use: counter.plugin } },
    bots: { bot: { use: bot } },
  })
  expect(await counter.ask('show')).toEqual({ type: 'text', text: `[Picture]\n${picture.url}` })
  await runtime.idle()
  const { engine } = runtime.runtime
  const chat = (await engine.findChat('counter:a', 'u1')) ?? ''
  await using again = new Replay(engine.read, {
    plugins: { memory: runtime.channel.plugin, counter: counter.plugin, scripted: bot },
    literalSecrets: true,
  })
  const replayed = await again.chat(chat)
  expect(replayed.deeds).toHaveLength(1)
  expect(differences(replayed)).toEqual([])
  expect(asked).toBe(1)
})

test('what is not ready in time waits for the next event that has no answer, and holds up no response', async () => {
  const ready = Promise.withResolvers<void>()
  const counter = channelThat(async (part) => {
    await ready.promise
    return part
  })
  await using runtime = await testRuntime({
    channels: { counter: { use: counter.plugin } },
    bots: { bot: { use: bot } },
  })
  const asking = counter.ask('show')
  await runtime.clock.advance(4_500)
  expect(await asking).toBeUndefined()
  ready.resolve()
  await runtime.idle()
  expect(await counter.ask('…')).toEqual(picture)
  await runtime.idle()
  expect(await counter.ask('…')).toBeUndefined()
})
