import { expect, test } from 'vitest'
import { manualClock, type TestRuntime } from '#core/testing'
import { deskRuntime, staffOf } from '../simulated-screen.ts'
import type { AttendanceRow } from './tables.ts'

const MINUTE = 60_000

/** `bo online 0-30`, in minutes since the beginning. */
async function kept(bot: TestRuntime, startMs: number): Promise<readonly string[]> {
  const rows = await bot.runtime.engine
    .tablesOf<{ attendance: AttendanceRow }>('support')
    .selectFrom('attendance')
    .selectAll()
    .orderBy('began_at')
    .orderBy('person')
    .execute()
  const minutes = (ms: number) => (ms - startMs) / MINUTE
  return rows.map((row) => `${row.person} ${row.status} ${minutes(row.began_at)}-${minutes(row.ended_at)}`)
}

test('C-GR-10: how long people were there, by status: a short cut does not end it, and a stop does', async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1, 2))
  const startMs = clock.now()
  await using bot = await deskRuntime({ timeZone: 'Asia/Shanghai' }, { clock })
  const screens = await staffOf(bot, 'sue', 'bo')
  const bo = bot.agent('bo')
  await bo.comes()
  await bot.advance(30 * MINUTE)
  await screens.bo.call('POST /status', { body: { status: 'meeting' } })
  await bot.advance(10 * MINUTE)
  await screens.bo.call('POST /status', { body: { status: 'online' } })
  await bot.advance(5 * MINUTE)
  // Back within the grace of a minute.
  await bo.goes()
  await bot.advance(0.5 * MINUTE)
  await bo.comes()
  await bot.advance(4.5 * MINUTE)

  const { rows } = await screens.sue.call('GET /statistics', { query: { period: 'today', by: 'status', person: 'bo' } })
  expect(rows).toEqual([
    { key: 'meeting', values: { online: 10 * MINUTE } },
    { key: 'online', values: { online: 40 * MINUTE } },
  ])
  expect(await kept(bot, startMs)).toEqual(['bo online 0-30', 'bo meeting 30-40', 'bo online 40-50'])

  // Gone for longer than the grace, it ended when they were given up.
  await bo.goes()
  await bot.advance(10 * MINUTE)
  expect((await kept(bot, startMs)).at(-1)).toBe('bo online 40-51')

  // Only what is in the period counts: of yesterday nothing, by the clocks of Shanghai.
  const yesterday = { from: '2025-12-31', until: '2025-12-31' }
  const { total } = await screens.sue.call('GET /statistics', { query: yesterday })
  expect(total?.online).toBe(0)

  // What goes on is written down every five minutes, so that a crash loses no more.
  await bo.comes()
  await bot.advance(7 * MINUTE)
  expect((await kept(bot, startMs)).at(-1)).toBe('bo online 60-65')
  // Stopped, it has ended then; nobody was there while the desk was not.
  await bo.goes()
  await bot.restart()
  expect((await kept(bot, startMs)).at(-1)).toBe('bo online 60-67')
})
