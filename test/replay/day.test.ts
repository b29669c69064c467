import { expect, test } from 'vitest'
import { Replay } from '../../core/replay/replay.ts'
import { manualClock, testRuntime } from '../../core/testing/index.ts'
import { makeRandom } from '../crash/random.ts'
import { configOf, live, makeDay } from './day.ts'

/** The clocks of threads differ from run to run, so the day does too: the seed says only how it was made up. */
const SEED = Number(process.env.SEED ?? 7)
const EVENTS = process.env.LONG === '1' ? 5_000 : 1_000

test(`a day of ${EVENTS} events, made up by chance, comes out byte for byte (seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  const random = makeRandom(SEED)
  const clock = manualClock()
  const { channel, plugins } = makeDay(random, clock)
  await using bot = await testRuntime(configOf(plugins, 0), { channel, clock })
  const commands = await live(bot, channel, random, {
    events: EVENTS,
    customers: 120,
    reload: (edition) => bot.apply(configOf(plugins, edition)),
  })
  const { read } = bot.runtime.engine
  await using replay = new Replay(read, { plugins })
  const recorded: string[] = []
  const replayed: string[] = []
  for (const { id } of await read.selectFrom('chat').select('id').execute()) {
    const { deeds, skipped } = await replay.chat(id)
    expect(skipped).toBe(0)
    for (const deed of deeds) {
      recorded.push(`${id} ${JSON.stringify(deed.recorded)}`)
      replayed.push(`${id} ${JSON.stringify(deed.replayed)}`)
    }
  }
  expect(replayed.join('\n')).toBe(recorded.join('\n'))
  expect(recorded.length).toBeGreaterThan(EVENTS + commands)
})
