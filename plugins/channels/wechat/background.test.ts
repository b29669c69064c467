import { expect, test } from 'vitest'
import { makeLog, manualClock } from '#core/testing'
import { runUntilDone } from './background.ts'
import { WeChatError } from './sending/errors.ts'

function world(job: () => Promise<void>) {
  const clock = manualClock()
  const lines: string[] = []
  const log = makeLog({ level: 'info', stream: { write: (line) => void lines.push(line) } })
  const ended = new AbortController()
  const signal = ended.signal
  runUntilDone({ clock, signal, log }, 'It could not be done', job)
  return { clock, lines, ended }
}

const refused = (rid: string) => new WeChatError({ errcode: 48001, errmsg: `api unauthorized rid: ${rid}`, path: '/a' })

test('what fails in the background is tried again, each time after twice as long, until it is done', async () => {
  let tries = 0
  const { clock } = world(async () => {
    tries += 1
    if (tries < 4) throw refused(String(tries))
  })
  const triedBy: number[] = []
  for (const ms of [0, 29_999, 1, 59_999, 1, 119_999, 1]) {
    await clock.advance(ms)
    triedBy.push(tries)
  }
  expect(triedBy).toEqual([1, 1, 2, 2, 3, 3, 4])
  await clock.advance(24 * 60 * 60 * 1_000)
  expect(tries).toBe(4)
  expect(clock.waiting).toBe(0)
})

test('it waits an hour at most, says each cause once, and ends with the instance', async () => {
  let tries = 0
  const { clock, lines, ended } = world(async () => {
    tries += 1
    throw tries === 3 ? new Error('The platform is away.') : refused(String(tries))
  })
  await clock.advance(24 * 60 * 60 * 1_000)
  expect(tries).toBeGreaterThan(24)
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    expect.stringMatching(/^It could not be done, and is tried again: .*48001/),
    'It could not be done, and is tried again: The platform is away.',
  ])
  ended.abort()
  expect(clock.waiting).toBe(0)
  const before = tries
  await clock.advance(24 * 60 * 60 * 1_000)
  expect(tries).toBe(before)
})
