import { expect, test, vi } from 'vitest'
import { definePlugin, z } from '#core'
import { testRuntime } from '#core/testing'
import { botThat, gate } from './cast.ts'

test('a turn and a request that never end have the time to drain between them, not one after the other', async () => {
  const stuck = gate()
  const request = gate()
  const bot = botThat(async (turn) => {
    await stuck.pass()
    return turn.done('late')
  })
  const hanging = definePlugin({
    name: 'hanging',
    summary: 'Never answers a request.',
    config: z.strictObject({}),
    setup({ web }) {
      web.get('/', () => request.pass())
      return {}
    },
  })
  const drainFor = 20_000
  await using runtime = await testRuntime(
    { bots: { bot: { use: bot } }, features: [{ use: hanging }], limits: { drainFor: '20s' } },
    { listen: true },
  )
  const { clock } = runtime
  const cut = fetch(`${runtime.runtime.url}/hanging`).catch(() => 'cut')
  await runtime.channel.receive({
    id: '1',
    chat: 'u1',
    atMs: 1,
    type: 'message',
    parts: [{ type: 'text', text: 'hello' }],
  })
  await Promise.all([stuck.reached(), request.reached()])

  const untilMs = clock.now() + drainFor
  const stopping = runtime.runtime.stop()
  await vi.waitFor(() => expect(clock.nextAtMs).toBeLessThanOrEqual(untilMs))
  await clock.advance(drainFor)
  await vi.waitFor(() => expect(clock.nextAtMs).toBeLessThanOrEqual(untilMs + 1_000), 10_000)
  await clock.advance(1_000)
  await stopping
  expect(await cut).toBe('cut')
  expect(clock.now()).toBe(untilMs + 1_000)
})
