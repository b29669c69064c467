import { describe, expect, test } from 'vitest'
import { manualClock } from '#core/testing'
import { Settings } from '../config.ts'
import { makeRoster } from './roster.ts'
import type { KeptPerson } from './tables.ts'

const MINUTE = 60_000
/** A Thursday, 08:00 in the time zone of these tests. */
const MORNING = Date.UTC(2026, 0, 1, 8)
const AMY = { kind: 'agent', person: 'amy' } as const
const PEOPLE = { amy: { name: 'Amy' }, bo: { name: 'Bo' }, cy: { name: 'Cy' } }
const TEAMS = { presale: { members: ['amy', 'bo'] } }

/** A roster without a desk around it; `kept` is what it would read after a restart. */
function rosterOf(more: object = {}, before: ReadonlyMap<string, KeptPerson> = new Map()) {
  const clock = manualClock(MORNING)
  const gone: string[] = []
  const kept = new Map(before)
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const roster = makeRoster({
    settings: Settings.parse({ people: PEOPLE, teams: TEAMS, ...more }),
    clock,
    log,
    load: () => 0,
    keep: async (person, now) => void kept.set(person, now),
    moved() {},
    gone: async (person) => void gone.push(person),
  })
  roster.know(before)
  roster.begin()
  return { roster, clock, gone, kept }
}

describe('who may chat', () => {
  test('is whoever is connected, in a team, and in a status with chats', () => {
    const { roster } = rosterOf()
    expect(roster.person('amy')?.mayChat).toEqual({ because: 'not-connected' })
    roster.connect('amy')
    roster.connect('cy')
    expect(roster.person('amy')?.mayChat).toBe(true)
    expect(roster.person('cy')?.mayChat).toEqual({ because: 'no-team' })
    for (const nobody of ['nobody', 'constructor']) expect(roster.person(nobody)).toBeUndefined()
  })

  test('C-CH-05: is nobody in a status without chats, and the status is named', async () => {
    const { roster } = rosterOf({
      statuses: { lunch: { name: 'Lunch', chats: false }, phone: { name: 'Phone', chats: true } },
    })
    roster.connect('amy')
    for (const [status, may] of [
      ['meeting', { because: 'status', status: 'meeting' }],
      ['lunch', { because: 'status', status: 'lunch' }],
      ['phone', true],
      ['online', true],
    ] as const) {
      await roster.setStatus('amy', status, AMY)
      expect(roster.person('amy')?.mayChat).toEqual(may)
    }
    await expect(roster.setStatus('amy', 'asleep', AMY)).rejects.toThrow(/no status "asleep".*online, busy/)
    for (const nobody of ['nobody', 'constructor'])
      await expect(roster.setStatus(nobody, 'busy', AMY)).rejects.toThrow(`nobody called "${nobody}"`)
  })

  test('stays over signing out and a restart; of the very first everybody is online', async () => {
    const { roster, kept, clock } = rosterOf()
    expect(roster.person('amy')?.status).toMatchObject({ name: 'online', isForChats: true })
    await clock.advance(MINUTE)
    await roster.setStatus('amy', 'busy', AMY)
    const again = rosterOf({}, kept).roster
    expect(again.person('amy')?.status).toEqual({
      name: 'busy',
      isForChats: false,
      sinceMs: MORNING + MINUTE,
      by: AMY,
    })
    // A status that is no longer in the YAML.
    const renamed = rosterOf({}, new Map([['amy', { status: 'lunch', sinceMs: 0, by: AMY, wasThere: false }]])).roster
    expect(renamed.person('amy')?.status.name).toBe('online')
  })
})

describe('the grace', () => {
  test('C-CH-04: begins when the last screen has gone, and ends when one is back', async () => {
    const { roster, clock, gone } = rosterOf()
    const [first, second] = [roster.connect('amy'), roster.connect('amy')]
    first()
    first()
    expect(roster.person('amy')?.isConnected).toBe(true)
    second()
    expect(roster.person('amy')).toMatchObject({ isConnected: false, isThere: true })
    await clock.advance(59_000)
    roster.connect('amy')
    await clock.advance(10 * MINUTE)
    expect(gone).toEqual([])
  })

  test('C-CH-04: begins with a status without chats too, and a short toggle ends nothing', async () => {
    const { roster, clock, gone } = rosterOf()
    roster.connect('amy')
    await roster.setStatus('amy', 'away', AMY)
    await clock.advance(30_000)
    await roster.setStatus('amy', 'online', AMY)
    await clock.advance(MINUTE)
    expect(gone).toEqual([])
    await roster.setStatus('amy', 'meeting', AMY)
    await clock.advance(59_999)
    expect(gone).toEqual([])
    await clock.advance(1)
    expect(gone).toEqual(['amy'])
  })

  test('is given after a restart to who was there, and to nobody else', async () => {
    const { roster, kept } = rosterOf()
    roster.connect('amy')
    roster.connect('bo')()
    const again = rosterOf({}, kept)
    expect(again.roster.all().map(({ isThere }) => isThere)).toEqual([true, true, false])
    await again.clock.advance(MINUTE)
    expect(again.gone).toEqual(['amy', 'bo'])
    expect(rosterOf({}, again.kept).roster.person('amy')?.isThere).toBe(false)
  })
})

test('C-CH-06: whoever is still away some minutes after the hours of their team began is reminded, until they change it', async () => {
  const { roster, clock } = rosterOf()
  await roster.setStatus('amy', 'away', AMY)
  await clock.advance(MINUTE)
  roster.hoursBegan('presale')
  await clock.advance(MINUTE)
  // In a meeting since then: that is not forgotten.
  await roster.setStatus('bo', 'meeting', AMY)
  await clock.advance(4 * MINUTE)
  expect(roster.person('amy')?.reminder).toEqual({ team: 'presale', sinceMs: MORNING + MINUTE })
  expect(roster.person('bo')?.reminder).toBeUndefined()
  await roster.setStatus('amy', 'online', AMY)
  expect(roster.person('amy')?.reminder).toBeUndefined()
})

test('nothing is left when it is stopped', async () => {
  const { roster, clock } = rosterOf()
  roster.connect('amy')()
  roster.hoursBegan('presale')
  roster.stop()
  expect(clock.waiting).toBe(0)
})
