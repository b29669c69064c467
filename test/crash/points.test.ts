/**
 * The process is killed at each point at which something is half done, started again, and everything is checked: what
 * was left, and what has become of it. See `check.ts` for what "everything" is.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Channel } from './known.ts'
import { endAll, warmUp } from './process.ts'
import { until } from './until.ts'
import { openWorld, type World } from './world.ts'

beforeAll(warmUp)
afterAll(endAll)

const ALL: readonly Channel[] = ['kept', 'again', 'quick', 'quicker']
const LIMIT_MS = 60_000

/** Two customers on each channel say three things each, one after the other. */
function crowd(text: string, channels: readonly Channel[] = ALL) {
  return (world: World) =>
    Promise.all(
      channels.flatMap((channel) =>
        ['ann', 'ben'].map(async (name) => {
          for (let i = 0; i < 3; i++) await world.says(channel, `${name}-${channel}`, text)
        }),
      ),
    )
}

/** The events that the platform was told nothing about yet, and whether the journal has each. */
function unanswered(world: World): readonly boolean[] {
  using journal = world.journal()
  const accepted = new Set(journal.entries().map(({ event }) => event))
  return [...world.events.values()].filter(({ acked }) => !acked).map(({ id }) => accepted.has(id))
}

/** What has become of everything that was to be sent to customers of a channel. */
function deliveries(world: World, channel: Channel) {
  using journal = world.journal()
  return journal
    .deliveries()
    .filter(({ account, destination }) => account.endsWith(`:${channel}`) && destination === 'channel')
    .map(({ id, text, state, unknown }) => ({
      text,
      state,
      unknown,
      times: world.platform.receipts.filter((receipt) => receipt.id === id).length,
    }))
}

/** The `nth` thing that is sent on a channel (or told the desk) ends the process: it has arrived by then, or it is lost. */
function endsAt(world: World, to: Channel | 'desk', nth: number, fate: 'take' | 'lose'): void {
  let count = 0
  world.platform.meddle = (coming) => {
    if (coming !== to || ++count !== nth) return undefined
    world.running.shoot()
    world.platform.meddle = undefined
    return fate
  }
}

test(
  'killed while an event is accepted, it is handled once when the platform sends it again',
  async () => {
    await using world = await openWorld()
    await world.crash({ point: { at: 'accept', when: 'before', nth: 2 } }, crowd('hello'))
    expect(unanswered(world)).toContain(false)
    await world.crash({ point: { at: 'accept', when: 'after', nth: 2 } }, crowd('again'))
    expect(unanswered(world)).toContain(true)
    await world.finish()
  },
  LIMIT_MS,
)

test(
  'killed when an event is acknowledged and its turn has not begun, it is handled all the same',
  async () => {
    await using world = await openWorld()
    await world.crash({ hook: 'hold' }, async () => {
      for (const text of ['hello', 'hold on', 'are you there?', 'hello?']) await world.says('kept', 'ann', text)
      world.running.shoot()
    })
    {
      using journal = world.journal()
      expect(journal.entries().filter(({ done, kind }) => kind === 'in' && done === null)).toHaveLength(3)
    }
    await world.finish()
    expect(world.platform.receipts.map(({ text }) => text.slice(0, 12))).toEqual(
      [1, 2, 3, 4].map((n) => `${n}: message ${n}`),
    )
  },
  LIMIT_MS,
)

test(
  'killed in the middle of a turn or in its commit, all of it is done once',
  async () => {
    await using world = await openWorld()
    await world.crash({ hook: 'answer' }, async () => {
      await Promise.all([crowd('hello')(world), world.says('again', 'ann-again', 'crash')])
    })
    await world.crash({ point: { at: 'turn', when: 'before', nth: 3 } }, crowd('hello'))
    await world.crash({ point: { at: 'turn', when: 'after', nth: 3 } }, crowd('hello'))
    await world.finish()
  },
  LIMIT_MS,
)

test(
  'killed between the platform and the journal, nothing is sent twice but what is unknown and sent again',
  async () => {
    await using world = await openWorld()
    for (const channel of ['kept', 'again'] as const) {
      for (const fate of ['lose', 'take'] as const) {
        endsAt(world, channel, 3, fate)
        await world.crash({}, crowd(fate, [channel]))
      }
    }
    await world.finish()
    const unsure = (channel: Channel) =>
      deliveries(world, channel)
        .filter(({ unknown }) => unknown > 0)
        .map(({ state, times }) => `${state}, arrived ${times} times`)
    expect(unsure('kept')).toEqual(expect.arrayContaining(['unknown, arrived 0 times', 'unknown, arrived 1 times']))
    expect(unsure('again')).toEqual(expect.arrayContaining(['sent, arrived 1 times', 'sent, arrived 2 times']))
  },
  LIMIT_MS,
)

test(
  'killed while the result of a delivery is recorded, nothing is lost of the next',
  async () => {
    await using world = await openWorld()
    await world.crash({ point: { at: 'recorded', when: 'before', nth: 2 } }, crowd('hello'))
    await world.crash({ point: { at: 'recorded', when: 'after', nth: 2 } }, crowd('hello'))
    await world.crash({ point: { at: 'claimed', when: 'before', nth: 1 } }, crowd('hello'))
    await world.crash({ point: { at: 'claimed', when: 'after', nth: 1 } }, crowd('hello'))
    await world.finish()
  },
  LIMIT_MS,
)

test(
  'killed when an answer has gone inside the response and is not recorded, it is not given again',
  async () => {
    await using world = await openWorld()
    await world.crash({ point: { at: 'recorded', when: 'before', nth: 1 } }, async () => {
      await world.says('quick', 'ann', 'hello')
      await world.says('quick', 'ann', 'hello again')
    })
    expect(deliveries(world, 'quick')).toMatchObject([{ state: 'sending', times: 1 }])
    await world.finish()
    expect(deliveries(world, 'quick')).toMatchObject([
      { state: 'unknown', times: 1 },
      { state: 'sent', times: 1 },
    ])
    await world.running.kill()

    await world.crash({ point: { at: 'recorded', when: 'before', nth: 1 } }, () =>
      world.says('quicker', 'ben', 'hello'),
    )
    await world.finish()
    expect(deliveries(world, 'quicker')).toMatchObject([{ state: 'sent', times: 2 }])
  },
  LIMIT_MS,
)

test(
  'killed when wakes are due or while what they woke runs, each is there once',
  async () => {
    await using world = await openWorld()
    const wakes = crowd('wake', ['kept', 'again'])
    await world.crash({ point: { at: 'wake', when: 'before', nth: 2 } }, wakes)
    await world.crash({ point: { at: 'wake', when: 'after', nth: 1 } }, wakes)
    await world.crash({ hook: 'woken' }, wakes)
    await world.finish()
    using journal = world.journal()
    expect(journal.woken()).toHaveLength(36)
  },
  LIMIT_MS,
)

test(
  'killed while a command is carried out, its repetition gives the same result and changes nothing',
  async () => {
    await using world = await openWorld()
    for (const when of ['before', 'after'] as const) {
      await world.crash({ point: { at: 'command', when, nth: 3 } }, async () => {
        const name = `ann-${when}`
        await world.says('again', name, 'person')
        await until('she was asked for', () => world.platform.receipts.some(({ customer }) => customer === name))
        await world.does('again', name, { type: 'take' })
        await world.does('again', name, { type: 'note', text: `a note, ${when}` })
        await world.does('again', name, { type: 'send', content: `Amy here, ${when}` }, `send-${when}`)
        await world.does('again', name, { type: 'return' })
        // It is not hers any more, and yet the same command has the same result.
        expect(JSON.parse(await world.does('again', name, { type: 'send', content: '' }, `send-${when}`)).ok).toBe(true)
        expect(JSON.parse(await world.does('again', name, { type: 'send', content: `refused, ${when}` })).ok).toBe(
          false,
        )
      })
    }
    await world.finish()
  },
  LIMIT_MS,
)

test(
  'killed while a desk is told something, it is told again with the same id, and everything in order',
  async () => {
    await using world = await openWorld()
    const script = async () => {
      for (const text of ['person', 'are you there?', 'hello?', 'bye']) {
        await Promise.all((['kept', 'again'] as const).map((channel) => world.says(channel, `ann-${channel}`, text)))
      }
    }
    endsAt(world, 'desk', 3, 'take')
    await world.crash({}, script)
    endsAt(world, 'desk', 3, 'lose')
    await world.crash({}, script)
    await world.finish()
  },
  LIMIT_MS,
)

test(
  'killed again and again while it puts things in order after a kill, it gets there in the end',
  async () => {
    await using world = await openWorld()
    endsAt(world, 'again', 3, 'take')
    await world.crash({}, crowd('wake'))
    await world.crash({ point: { at: 'recovered', when: 'before', nth: 1 } }, crowd('hello'))
    await world.crash({ point: { at: 'recovered', when: 'after', nth: 1 } }, crowd('hello'))
    await world.crash({ point: { at: 'claimed', when: 'before', nth: 1 } }, crowd('hello'))
    await world.crash({ point: { at: 'claimed', when: 'after', nth: 1 } }, crowd('hello'))
    await world.finish()
  },
  LIMIT_MS,
)

test(
  'a folder has one process at a time, and is free at once when that is killed',
  async () => {
    await using world = await openWorld()
    await world.start()
    await world.says('kept', 'ann', 'hello')
    const first = world.running
    await expect(world.start()).rejects.toThrow('Another process uses this storage folder')
    expect(await world.running.ended()).toBe(1)
    expect(first.isAlive).toBe(true)
    await first.kill()
    await world.finish()
  },
  LIMIT_MS,
)
