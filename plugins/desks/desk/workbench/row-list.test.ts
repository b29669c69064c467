import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Row } from '../api/shapes.ts'
import { belongs, makeRowList, type View } from './row-list.ts'

const ME = 'amy'
const QUEUE: View = { list: 'queue', sort: 'waiting' }
const ALL: View = { list: 'all', sort: 'newest' }

function row(id: string, atMs: number, changes: Partial<Row> = {}): Row {
  return {
    id,
    chat: id,
    customer: { id },
    channel: 'site',
    team: 'presale',
    state: 'queued',
    origin: 'customer',
    lease: 1,
    openedAtMs: 0,
    head: 1,
    last: { by: { kind: 'customer' }, text: id, part: 'text', atMs },
    waitingSinceMs: atMs,
    unread: 0,
    isBlocked: false,
    failed: 0,
    lookers: [],
    ...changes,
  }
}

const mine = (id: string, atMs: number) => row(id, atMs, { state: 'assigned', person: ME })

test('a row stands in the list of its state, and only in mine if I have it', () => {
  const lists = (one: Row) =>
    (['mine', 'queue', 'bot', 'all', 'closed'] as const).filter((list) => belongs(one, { list, sort: 'newest' }, ME))
  expect(lists(row('a', 1))).toEqual(['queue', 'all'])
  expect(lists(mine('a', 1))).toEqual(['mine', 'all'])
  expect(lists(row('a', 1, { state: 'assigned', person: 'bo' }))).toEqual(['all'])
  expect(lists(row('a', 1, { state: 'bot' }))).toEqual(['bot', 'all'])
  expect(lists(row('a', 1, { state: 'closed' }))).toEqual(['closed'])
})

test('a filter leaves out other channels and teams', () => {
  expect(belongs(row('a', 1), { ...QUEUE, channel: 'wechat' }, ME)).toBe(false)
  expect(belongs(row('a', 1), { ...QUEUE, channel: 'site', team: 'presale' }, ME)).toBe(true)
  expect(belongs(row('a', 1), { ...QUEUE, team: 'aftersale' }, ME)).toBe(false)
})

test('a new row comes to its place, one that is another moves, and one that belongs elsewhere goes', () => {
  const list = makeRowList(QUEUE, ME)
  list.reset([row('a', 10), row('b', 20), row('c', 30)], true)
  list.update(row('d', 15))
  expect(list.order).toEqual(['a', 'd', 'b', 'c'])
  list.update(row('a', 40))
  expect(list.order).toEqual(['d', 'b', 'c', 'a'])
  list.update(mine('b', 20))
  expect(list.order).toEqual(['d', 'c', 'a'])
})

test('an answer of ours moves nothing, and what the customer writes brings it up', () => {
  const list = makeRowList(ALL, ME)
  list.reset([row('a', 30), row('b', 20)], true)
  const by = { kind: 'agent', name: ME } as const
  list.update(row('b', 20, { last: { by, text: 'yes', part: 'text', atMs: 99 } }))
  expect(list.order).toEqual(['a', 'b'])
  list.update(row('b', 100))
  expect(list.order).toEqual(['b', 'a'])
})

test('while it is held no row moves: what is new is counted, what has gone is marked, and both wait', () => {
  const list = makeRowList(QUEUE, ME)
  list.reset([row('a', 10), row('b', 20), row('c', 30)], true)
  list.hold()
  list.update(row('d', 5))
  list.update(row('a', 99))
  list.update(mine('b', 20))
  list.remove('c')
  expect(list.order).toEqual(['a', 'b', 'c'])
  expect([list.isGone('a'), list.isGone('b'), list.isGone('c')]).toEqual([false, true, true])
  expect([list.fresh, list.row('a')?.waitingSinceMs]).toEqual([1, 99])
  list.settle()
  expect(list.order).toEqual(['d', 'a'])
  expect(list.fresh).toBe(0)
})

test('what stands behind the last page that is here comes with the pages behind it', () => {
  const list = makeRowList(QUEUE, ME)
  list.reset([row('a', 10), row('b', 20)], false)
  list.update(row('z', 90))
  expect(list.order).toEqual(['a', 'b'])
  list.append([row('c', 30), row('z', 90)], true)
  list.update(row('y', 95))
  expect(list.order).toEqual(['a', 'b', 'c', 'z', 'y'])
})

test('whatever happens, the settled list is the one that a new listing would give', () => {
  const change = fc.oneof(
    fc.record({ id: fc.integer({ min: 0, max: 7 }), atMs: fc.integer({ min: 0, max: 50 }), isMine: fc.boolean() }),
    fc.constantFrom('hold', 'settle'),
  )
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const list = makeRowList(QUEUE, ME)
      const now = new Map<string, Row>()
      list.reset([], true)
      for (const one of changes) {
        if (one === 'hold') list.hold()
        else if (one === 'settle') list.settle()
        else {
          const next = one.isMine ? mine(`${one.id}`, one.atMs) : row(`${one.id}`, one.atMs)
          now.set(next.id, next)
          list.update(next)
        }
      }
      list.settle()
      const wanted = [...now.values()].filter(({ state }) => state === 'queued')
      expect(list.order.toSorted()).toEqual(wanted.map(({ id }) => id).toSorted())
      const times = list.order.map((id) => list.row(id)?.waitingSinceMs ?? Number.NaN)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      for (const one of wanted) expect(list.row(one.id)).toBe(one)
    }),
    { seed: 7 },
  )
})

test('while a name is looked for, nobody else comes in, and whom the desk has found stays', () => {
  const list = makeRowList({ ...ALL, search: 'ＡＮＮ' }, ME)
  const named = (id: string, name: string) => row(id, 10, { customer: { id, name } })
  list.reset([named('a', 'Ann'), named('b', 'known by another name')], true)
  list.update(named('c', 'Hannah'))
  list.update(named('d', 'Bob'))
  list.update(named('b', 'known by another name'))
  expect(list.order.toSorted()).toEqual(['a', 'b', 'c'])
})
