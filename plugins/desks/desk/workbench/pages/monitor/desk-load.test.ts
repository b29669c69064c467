import { expect, test } from 'vitest'
import type { Person } from '../../../api/shapes.ts'
import { byStatus, hasRoom, ticking, whyWaiting } from './desk-load.ts'

function person(name: string, changes: Partial<Person> = {}): Person {
  return {
    name,
    title: name,
    role: 'agent',
    status: { name: 'online', isForChats: true, sinceMs: 0 },
    isConnected: true,
    teams: [],
    load: 0,
    capacity: 2,
    mayChat: true,
    ...changes,
  }
}
const away = (name: string) =>
  person(name, { status: { name: 'away', isForChats: false, sinceMs: 0 }, mayChat: { code: 'status' } })
const full = (name: string) => person(name, { load: 2 })

test('why a queue does not move: closed, nobody there, all full; whoever is of another team does not count', () => {
  const team = { members: ['amy', 'bo'], isOpen: true }
  expect(whyWaiting({ ...team, isOpen: false }, [person('amy')])).toBe('closed')
  expect(whyWaiting(team, [away('amy'), person('cai')])).toBe('nobody')
  expect(whyWaiting(team, [full('amy'), away('bo'), person('cai')])).toBe('full')
  expect(whyWaiting(team, [full('amy'), person('bo', { load: 1 })])).toBe('room')
  // Of no team: anybody can take them.
  expect(whyWaiting(undefined, [person('cai')])).toBe('room')
  expect([person('amy'), full('bo'), away('cai')].filter(hasRoom).map(({ name }) => name)).toEqual(['amy'])
})

test('people are counted by status while they are here', () => {
  const { here, gone } = byStatus([person('amy'), away('bo'), person('cai', { isConnected: false }), person('dan')])
  expect([...here]).toEqual([
    ['online', 2],
    ['away', 1],
  ])
  expect(gone).toBe(1)
})

test.each([
  [-5, '0:00'],
  [5_999, '0:05'],
  [245_000, '4:05'],
  [3_753_000, '1:02:33'],
])('%d ms tick as %s', (ms, text) => {
  expect(ticking(ms)).toBe(text)
})
