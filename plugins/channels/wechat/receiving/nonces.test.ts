import { expect, test } from 'vitest'
import { manualClock } from '#core/testing'
import { start } from './connected.ts'
import { makeNonces } from './nonces.ts'

const MINUTE = 60_000
const FRESHNESS = { freshnessMs: 10 * MINUTE }

test('what can no longer be used is forgotten, and of what could be only so much is remembered', async () => {
  await using world = await start()
  const sql = world.bot.runtime.engine.tablesOf<{ used: { signature: string; event: string; until: number } }>('shop')
  const clock = manualClock()
  const nonces = await makeNonces(sql, { clock, ...FRESHNESS })
  const claim = (i: number, event: string) => nonces.claim(`signature ${i}`, event, clock.now())
  for (let i = 0; i < 100_000; i++) claim(i, 'one')
  expect(claim(0, 'another')).toBe(false)
  expect(nonces.remembered).toBe(100_000)
  expect(claim(100_000, 'one')).toBe(true)
  // The one of longest ago has made room.
  expect(nonces.remembered).toBe(100_000)
  expect(claim(1, 'another')).toBe(false)
  await clock.advance(10 * MINUTE + 1)
  expect(claim(200_000, 'one')).toBe(true)
  expect(nonces.remembered).toBe(1)
})
