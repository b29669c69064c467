/** As `events.test.ts`, for what does not come from a platform: wakes, commands, what desks are told; and the folder. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { crowd, endsAt } from './crowd.ts'
import { canTrace, endAll } from './process.ts'
import { until } from './until.ts'
import { openWorld, warmUp } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })
beforeAll(warmUp)
afterAll(endAll)

test.runIf(canTrace)('an acknowledgement leaves after the disk has been flushed', async () => {
  await using world = await openWorld()
  const trace = join(world.folder, 'trace')
  await world.start({ trace })
  await world.says('kept', 'ann', 'hello')
  await world.running.stop()
  const calls = readFileSync(trace, 'utf8').split('\n')
  const came = calls.findIndex((call) => call.includes('"POST /kept'))
  const left = calls.findIndex((call) => call.includes('"HTTP/1.1 200 OK'))
  const flushed = calls.slice(came, left).filter((call, i, between) => {
    const [, thread] = /^(\d+) .*sync\(\d+<.*journal\.sqlite-wal>/.exec(call) ?? []
    if (thread === undefined || call.endsWith(' = 0')) return thread !== undefined
    // Other threads did something meanwhile: its end is a line of its own.
    return between.slice(i).some((later) => new RegExp(`^${thread} .*sync resumed>.* = 0$`).test(later))
  })
  expect(came).toBeGreaterThan(0)
  expect(left).toBeGreaterThan(came)
  expect(flushed).not.toEqual([])
})

test('killed when wakes are due or while what they woke runs, each is there once', async () => {
  await using world = await openWorld()
  const wakes = crowd('wake', ['kept', 'again'])
  await world.crash({ point: { at: 'wake', when: 'before', nth: 2 } }, wakes)
  await world.crash({ point: { at: 'wake', when: 'after', nth: 1 } }, wakes)
  await world.crash({ hook: 'woken' }, wakes)
  await world.finish()
  using journal = world.journal()
  expect(journal.woken()).toHaveLength(36)
})

test('killed while a command is carried out, its repetition gives the same result and changes nothing', async () => {
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
      expect(JSON.parse(await world.does('again', name, { type: 'send', content: `refused, ${when}` })).ok).toBe(false)
    })
  }
  await world.finish()
})

test('killed while a desk is told something, it is told again with the same id, and everything in order', async () => {
  await using world = await openWorld()
  const script = async () => {
    for (const text of ['person', 'are you there?', 'hello?', 'bye']) {
      await Promise.all((['kept', 'again'] as const).map((channel) => world.says(channel, `ann-${channel}`, text)))
    }
  }
  endsAt(world, ['desk'], 3, 'take')
  await world.crash({}, script)
  await world.finish()
})

test('a folder has one process at a time, and is free at once when that is killed', async () => {
  await using world = await openWorld()
  await world.start()
  await world.says('kept', 'ann', 'hello')
  const first = world.running
  await expect(world.start()).rejects.toThrow('Another process uses this storage folder')
  expect(await world.running.ended()).toBe(1)
  expect(first.isAlive).toBe(true)
  await first.kill()
  await world.finish()
})

test('on a full disk nothing is acknowledged, nothing acknowledged is lost, and it goes on by itself', async () => {
  await using world = await openWorld()
  /** Everyone writes long letters, and nothing more goes into the journal from now on. */
  const fill = async () => {
    const before = world.refusals
    writeFileSync(world.fullFile, '')
    const all = crowd('a long letter '.repeat(1_000))(world)
    await until('the journal was full', () => world.refusals > before + 20)
    return { all }
  }
  await world.crash({}, async () => {
    await crowd('hello')(world)
    const first = await fill()
    rmSync(world.fullFile)
    await first.all
    await world.settled()
    const second = await fill()
    world.running.shoot()
    await second.all
  })
  rmSync(world.fullFile)
  await world.finish()
})
