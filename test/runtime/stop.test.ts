import { expect, test, vi } from 'vitest'
import { definePlugin, z } from '#core'
import { type TestConfig, testRuntime } from '#core/testing'
import { botThat, gate } from './cast.ts'

const DRAIN_MS = 20_000

/** A runtime with a turn and a request under way that never end. */
async function stuck() {
  const turn = gate()
  const request = gate()
  const bot = botThat(async ({ reply }) => {
    await turn.pass()
    return reply('late')
  })
  const hanging = definePlugin({
    name: 'hanging',
    summary: 'Never answers a request.',
    config: z.strictObject({ round: z.number() }),
    setup({ web }) {
      web.get('/', () => request.pass())
      return {}
    },
  })
  const config = (round: number): TestConfig => ({
    bots: { bot: { use: bot } },
    features: [{ use: hanging, round }],
    limits: { drainFor: '20s' },
  })
  const runtime = await testRuntime(config(1), { listen: true })
  const cut = fetch(`${runtime.runtime.url}/hanging`).catch(() => 'cut')
  await runtime.channel.receive({
    ...{ id: '1', chat: 'u1', atMs: 1, type: 'message' },
    parts: [{ type: 'text', text: 'hello' }],
  })
  await Promise.all([turn.reached(), request.reached()])
  return { runtime, clock: runtime.clock, config, cut }
}

test('a turn and a request that never end share the time to drain when it stops', async () => {
  const { runtime, clock, cut } = await stuck()
  await using _ = runtime
  const untilMs = clock.now() + DRAIN_MS
  const stopping = runtime.runtime.stop()
  await vi.waitFor(() => expect(clock.nextAtMs).toBeLessThanOrEqual(untilMs), 10_000)
  await clock.advance(DRAIN_MS)
  await vi.waitFor(() => expect(clock.nextAtMs).toBeLessThanOrEqual(untilMs + 1_000), 10_000)
  await clock.advance(1_000)
  await stopping
  expect(await cut).toBe('cut')
  expect(clock.now()).toBe(untilMs + 1_000)
})

test('a turn and a request that never end are waited for beside each other at a reload', async () => {
  const { runtime, clock, config, cut } = await stuck()
  await using _ = runtime
  const waiting = clock.waiting
  const applied = runtime.apply(config(2))
  await vi.waitFor(() => expect(clock.waiting).toBeGreaterThan(waiting + 1), 10_000)
  await clock.advance(DRAIN_MS)
  await applied
  expect(await cut).toBe('cut')
})
