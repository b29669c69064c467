import { describe, expect, test } from 'vitest'
import type { Person, Row } from '../api/shapes.ts'
import { makeNotices, type Notice } from './notices.ts'
import { type Locks, makeVoice } from './voice.ts'
import { readWanted, written } from './wanted.ts'

const ME = 'amy'
const customer = { kind: 'customer' } as const

function row(id: string, atMs: number, changes: Partial<Row> = {}): Row {
  return {
    id,
    chat: id,
    customer: { id },
    channel: 'site',
    state: 'queued',
    queuedAtMs: atMs,
    origin: 'customer',
    lease: 1,
    openedAtMs: 0,
    head: 1,
    last: { by: customer, text: id, part: 'text', atMs },
    unread: 1,
    isBlocked: false,
    failed: 0,
    lookers: [],
    ...changes,
  }
}
const mine = (id: string, atMs: number, changes: Partial<Row> = {}) =>
  row(id, atMs, { state: 'assigned', person: ME, ...changes })

function person(status: Partial<Person['status']> = {}, reminder?: Person['reminder']): Person {
  return {
    name: ME,
    title: 'Amy',
    role: 'agent',
    status: { name: 'online', isForChats: true, sinceMs: 0, ...status },
    isConnected: true,
    teams: [],
    load: 0,
    capacity: 5,
    mayChat: true,
    ...(reminder && { reminder }),
  }
}

/** What is told, in short: `message a`. */
const short = (notices: readonly Notice[]) => notices.map(({ event, row: of }) => [event, of?.id].join(' ').trim())

/** Notices of somebody who has these rows already. */
function begun(rows: readonly Row[] = [], taken = new Set<string>()) {
  const notices = makeNotices(ME, taken)
  expect(notices.meet(rows)).toEqual([])
  return { notices, apply: (...changed: readonly Row[]) => short(notices.apply(changed, [])) }
}

describe('it is told', () => {
  test('that a conversation is mine now, but not of one that I take or have called back myself', () => {
    const taken = new Set(['b'])
    const { apply } = begun([row('a', 1), row('b', 1)], taken)
    expect(apply(mine('a', 1))).toEqual(['assigned a'])
    expect(apply(mine('b', 1))).toEqual([])
    expect(apply(mine('c', 1, { origin: 'callback' }))).toEqual([])
    // Taken from me, and given to me again.
    expect(apply(row('b', 1, { state: 'assigned', person: 'bo' }))).toEqual([])
    expect(apply(mine('b', 1))).toEqual(['assigned b'])
  })

  test('that a customer of mine has written, once; not what we say, and not what other people’s customers write', () => {
    const { apply } = begun([mine('a', 1)])
    expect(apply(mine('a', 2))).toEqual(['message a'])
    expect(apply(mine('a', 2, { lookers: ['bo'] }))).toEqual([])
    expect(apply(mine('a', 3, { last: { by: { kind: 'agent', name: ME }, text: '', part: 'text', atMs: 3 } }))).toEqual(
      [],
    )
    expect(apply(row('b', 3, { state: 'assigned', person: 'bo' }))).toEqual([])
    expect(apply(row('b', 4, { state: 'assigned', person: 'bo' }))).toEqual([])
  })

  test('that somebody has come into the queue, but not who was there before, or comes back from me', () => {
    const { apply } = begun([row('a', 5), mine('m', 1)])
    expect(apply(row('a', 6, { queuedAtMs: 5 }))).toEqual([])
    // It was further behind than the list went.
    expect(apply(row('old', 7, { queuedAtMs: 2 }))).toEqual([])
    expect(apply(row('b', 8))).toEqual(['waiting b'])
    expect(apply(row('b', 9, { queuedAtMs: 8 }))).toEqual([])
    expect(apply(row('m', 9))).toEqual([])
  })

  test('what came while there was no connection, once there is one again', () => {
    const { notices, apply } = begun([mine('a', 1), mine('b', 1)])
    expect(short(notices.meet([mine('a', 4), mine('c', 3)]))).toEqual(['message a', 'assigned c'])
    // It has been mine in the meantime no more.
    expect(apply(mine('b', 1))).toEqual(['assigned b'])
  })

  test('nothing before the first lists are here', () => {
    expect(makeNotices(ME, new Set()).apply([mine('a', 1)], [])).toEqual([])
  })
})

test('C-CH-05: in a status without chats nothing of chats is told, not even their number', () => {
  const { notices, apply } = begun([mine('a', 1)])
  notices.meetMyself(person({ name: 'away', isForChats: false }))
  expect(apply(mine('a', 2), mine('b', 2), row('c', 3))).toEqual([])
  expect(notices.unread).toBe(0)
  notices.meetMyself(person())
  expect(notices.unread).toBe(2)
  expect(apply(mine('a', 3))).toEqual(['message a'])
})

test('C-CH-06: the reminder is told when it comes, in a status without chats too, and not again with each change', () => {
  const { notices } = begun()
  const away = { name: 'away', isForChats: false }
  const reminder = { team: 'presale', sinceMs: 5 }
  expect(notices.meetMyself(person(away))).toEqual([])
  expect(notices.meetMyself(person(away, reminder))).toEqual([{ event: 'reminder' }])
  expect(notices.meetMyself(person(away, reminder))).toEqual([])
  expect(notices.meetMyself(person(away, { team: 'presale', sinceMs: 6 }))).toEqual([{ event: 'reminder' }])
  // It stands on the page from the beginning.
  expect(begun().notices.meetMyself(person(away, reminder))).toEqual([])
})

test('the unread are counted of mine alone', () => {
  const { notices } = begun([mine('a', 1, { unread: 3 }), row('b', 1, { unread: 5 })])
  expect(notices.unread).toBe(3)
  notices.apply([mine('a', 1, { unread: 0 }), mine('c', 2)], [])
  expect(notices.unread).toBe(1)
  notices.apply([], ['c'])
  expect(notices.unread).toBe(0)
})

test('what is wanted is kept as it was chosen; whatever else stands there is as at first', () => {
  const first = readWanted(undefined)
  expect(first).toMatchObject({ assigned: { sound: true, desktop: true }, waiting: { sound: false, desktop: false } })
  const chosen = { ...first, message: { sound: false, desktop: true }, waiting: { sound: true, desktop: false } }
  expect(readWanted(written(chosen))).toEqual(chosen)
  for (const text of ['', 'null', '[1]', '"x"', '{"message sound":"no"}', '{']) expect(readWanted(text)).toEqual(first)
})

describe('the voice', () => {
  test('is of one tab: of the first, and then of whichever was used last', async () => {
    /** Who has ever waited in line. */
    const waiting: AbortSignal[] = []
    const locks: Locks = {
      request(name, options, granted) {
        if (options.signal) waiting.push(options.signal)
        return navigator.locks.request(name, options, granted)
      },
    }
    const [first, second] = [makeVoice(locks, 'used last'), makeVoice(locks, 'used last')]
    await expect.poll(() => [first.isMine, second.isMine]).toEqual([true, false])
    for (let round = 0; round < 3; round++) {
      second.take()
      await expect.poll(() => [first.isMine, second.isMine]).toEqual([false, true])
      first.take()
      await expect.poll(() => [first.isMine, second.isMine]).toEqual([true, false])
    }
    // However often it has changed hands: the second, and what the first had waited for until it had it.
    expect(waiting.filter(({ aborted }) => !aborted)).toHaveLength(2)
  })

  test('is everybody’s where the browser has no locks', () => {
    expect(makeVoice(undefined, 'none').isMine).toBe(true)
  })
})
