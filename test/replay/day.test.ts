import { expect, test } from 'vitest'
import { differences, Replay } from '../../core/replay/replay.ts'
import { manualClock, testRuntime } from '../../core/testing/index.ts'
import { makeRandom } from '../crash/random.ts'
import { configOf, live, makeDay } from './day.ts'

const SEED = Number(process.env.SEED ?? 7)
const EVENTS = Number(process.env.EVENTS ?? 5_000)

test(`a day of ${EVENTS} events by chance is run again, and comes out byte for byte (seed ${SEED})`, async () => {
  const random = makeRandom(SEED)
  const clock = manualClock()
  const { channel, plugins } = makeDay(random, clock)
  await using bot = await testRuntime(configOf(plugins, 0), { channel, clock })
  const t0 = performance.now()
  const commands = await live(bot, channel, random, {
    events: EVENTS,
    customers: EVENTS / 40,
    reload: (edition) => bot.apply(configOf(plugins, edition)),
  })
  const t1 = performance.now()
  const chats = await bot.runtime.engine.read.selectFrom('chat').select('id').execute()
  await using replay = new Replay(bot.runtime.engine.read, { plugins })
  const recorded: string[] = []
  const replayed: string[] = []
  let shown = 0
  for (const { id } of chats) {
    const one = await replay.chat(id)
    for (const d of differences(one))
      if (shown++ < 12)
        console.log(
          id,
          JSON.stringify(d.deed.of).slice(0, 300),
          '\n',
          JSON.stringify(d.recorded),
          '\n',
          JSON.stringify(d.replayed),
          d.because,
          one.endedBecause,
        )
    expect(one.skipped).toBe(0)
    for (const deed of one.deeds) {
      recorded.push(JSON.stringify(deed.recorded))
      replayed.push(JSON.stringify(deed.replayed))
    }
  }
  console.log({
    commands,
    chats: chats.length,
    deeds: recorded.length,
    shown,
    live: t1 - t0,
    replay: performance.now() - t1,
  })
  expect(replayed.join('\n')).toBe(recorded.join('\n'))
}, 200_000)
