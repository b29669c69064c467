import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALWAYS, type Allowance } from '../../../core/capabilities.ts'
import type { Actor } from '../../../core/conversation.ts'
import type { LoadedAllowance } from '../../../core/journal/engine.ts'
import { grantOf, left, reserve, type Sending } from '../../../core/pipeline/ledger.ts'

const RUNS = { seed: 2, numRuns: process.env.LONG ? 20_000 : 2_000 }

const MINUTE = 60_000
const HOURS = 3_600_000
const NOW = 1_000 * HOURS
const bot: Actor = { kind: 'bot', name: 'faq' }
const amy: Actor = { kind: 'agent', person: 'amy' }

/** A shape like WeChat's: a few messages for two days, a few more for a minute. */
const message: Allowance = { on: 'message', withinMs: 48 * HOURS, max: 5, resets: true }
const follow: Allowance = { on: 'follow', withinMs: MINUTE, max: 3, resets: true }

/** What the journal holds of a grant made just now, of which `used` are used. */
function granted(allowance: Allowance, used = 0, agoMs = 0): LoadedAllowance {
  const grantedAtMs = NOW - agoMs
  const endsAtMs = Math.min(grantedAtMs + allowance.withinMs, Number.MAX_SAFE_INTEGER)
  return { on: allowance.on, grantedAtMs, endsAtMs, max: allowance.max, used }
}

function sending(allowances: readonly LoadedAllowance[], more: Partial<Sending> = {}): Sending {
  return { allowances, capabilities: { later: [message, follow] }, nowMs: NOW, by: bot, reserve: 0, ...more }
}

describe('what an event grants', () => {
  const capabilities = { later: [message, follow] }

  test('is the allowance of its class, from when it happened', () => {
    expect(grantOf({ grants: 'message', atMs: NOW - 5 * MINUTE }, capabilities, NOW)).toEqual({
      on: 'message',
      endsAtMs: NOW - 5 * MINUTE + 48 * HOURS,
      max: 5,
      resets: true,
    })
  })

  test('says whether a further event starts the count again', () => {
    const later = [message, { ...follow, resets: false }]
    const resets = ['message', 'follow'].map((grants) => grantOf({ grants, atMs: NOW }, { later }, NOW)?.resets)
    expect(resets).toEqual([true, false])
  })

  test('starts now if the platform’s clock is ahead', () => {
    expect(grantOf({ grants: 'follow', atMs: NOW + HOURS }, capabilities, NOW)?.endsAtMs).toBe(NOW + MINUTE)
  })

  test('is nothing without a class, with an unknown one, and when it comes too late', () => {
    expect(grantOf({ atMs: NOW }, capabilities, NOW)).toBeUndefined()
    expect(grantOf({ grants: 'scan', atMs: NOW }, capabilities, NOW)).toBeUndefined()
    expect(grantOf({ grants: 'follow', atMs: NOW - MINUTE }, capabilities, NOW)).toBeUndefined()
    expect(grantOf({ grants: 'message', atMs: NOW }, { later: [] }, NOW)).toBeUndefined()
  })

  test('never ends where there is no window, in a number that SQLite and JSON can hold', () => {
    const grant = grantOf({ grants: 'message', atMs: NOW }, { later: [ALWAYS] }, NOW)
    expect(grant).toEqual({ on: 'message', endsAtMs: Number.MAX_SAFE_INTEGER, max: undefined, resets: true })
  })
})

describe('what is left', () => {
  test('is counted down, and ends with the window', () => {
    expect(left(sending([granted(message, 2)]))).toEqual({ left: 3, max: 5, untilMs: NOW + 48 * HOURS })
    expect(left(sending([granted(message, 5)]))).toMatchObject({ left: 0, max: 5, closed: { why: 'used-up' } })
    expect(left(sending([granted(message, 0, 48 * HOURS - 1)]))).toEqual({ left: 5, max: 5, untilMs: NOW + 1 })
    expect(left(sending([granted(message, 0, 48 * HOURS)]))).toMatchObject({
      left: 0,
      max: undefined,
      untilMs: NOW,
      closed: { why: 'over' },
    })
  })

  test('is the sum of all open windows', () => {
    expect(left(sending([granted(follow, 1), granted(message, 1)]))).toEqual({
      left: 6,
      max: 8,
      untilMs: NOW + 48 * HOURS,
    })
  })

  test('is left of what all open windows take, one that is used up too', () => {
    expect(left(sending([granted(follow, 3), granted(message, 1)]))).toMatchObject({ left: 4, max: 8 })
    expect(left(sending([granted(follow, 3, MINUTE), granted(message, 1)]))).toMatchObject({ left: 4, max: 5 })
    const only = { capabilities: { later: [message] } }
    expect(left(sending([granted(follow), granted(message, 1)], only))).toMatchObject({ left: 4, max: 5 })
  })

  test('is left of no number where one window has none', () => {
    const later = [message, { ...follow, max: undefined }]
    const asked = sending([granted(message, 1), granted({ ...follow, max: undefined })], { capabilities: { later } })
    expect(left(asked)).toMatchObject({ left: undefined, max: undefined })
  })

  test('is any number where the platform has no limit', () => {
    const later = [{ ...message, max: undefined }]
    const asked = sending([granted({ ...message, max: undefined }, 700)], { capabilities: { later }, reserve: 3 })
    expect(left(asked)).toEqual({ left: undefined, untilMs: NOW + 48 * HOURS })
  })

  test('is nothing before the first event, and on channels that only answer inline', () => {
    expect(left(sending([]))).toMatchObject({ left: 0, untilMs: undefined, closed: { why: 'no-event' } })
    const asked = sending([granted(message)], { capabilities: { later: [] } })
    expect(left(asked)).toMatchObject({ left: 0, untilMs: undefined, closed: { why: 'never-later' } })
  })

  test('needs no event where the channel always takes messages, until the platform has refused one', () => {
    const capabilities = { later: [ALWAYS] }
    expect(left(sending([], { capabilities }))).toEqual({ left: undefined, untilMs: Number.MAX_SAFE_INTEGER })
    expect(reserve(sending([], { capabilities }), 2)).toEqual([
      { on: undefined, endsAtMs: Number.MAX_SAFE_INTEGER },
      { on: undefined, endsAtMs: Number.MAX_SAFE_INTEGER },
    ])
    const emptied = { ...granted(ALWAYS), endsAtMs: NOW - 1 }
    expect(left(sending([emptied], { capabilities }))).toMatchObject({ left: 0, closed: { why: 'over' } })
  })

  test('needs an event where there is a number or an end', () => {
    for (const allowance of [
      { ...ALWAYS, max: 9 },
      { ...ALWAYS, withinMs: HOURS },
    ]) {
      expect(left(sending([], { capabilities: { later: [allowance] } })).left).toBe(0)
    }
  })

  test('does not count what the channel no longer declares', () => {
    expect(left(sending([granted(follow)], { capabilities: { later: [message] } }))).toMatchObject({
      left: 0,
      untilMs: undefined,
      closed: { why: 'no-event' },
    })
  })

  test('never falls below nothing', () => {
    expect(left(sending([granted({ ...message, max: 2 }, 4), granted(follow)])).left).toBe(3)
  })
})

describe('what is kept for people', () => {
  test('bots may not use, agents may', () => {
    const asked = sending([granted(message, 2)], { reserve: 2 })
    expect(left(asked)).toMatchObject({ left: 1, max: 5 })
    expect(left({ ...asked, by: amy })).toMatchObject({ left: 3, max: 5 })
    expect(reserve(asked, 5)).toHaveLength(1)
    expect(reserve({ ...asked, by: amy }, 5)).toHaveLength(3)
    expect(left({ ...asked, reserve: 3 })).toMatchObject({ left: 0, closed: { why: 'kept-for-people' } })
    for (const kind of ['feature', 'desk'] as const) expect(left({ ...asked, by: { kind, name: 'x' } }).left).toBe(1)
  })

  test('is kept in the window that ends last', () => {
    const asked = sending([granted(message, 2), granted(follow)], { reserve: 2 })
    expect(reserve(asked, 9, 'message').map(({ on }) => on)).toEqual(['message', 'follow', 'follow', 'follow'])
    expect(left({ ...asked, reserve: 3 })).toEqual({ left: 3, max: 8, untilMs: NOW + MINUTE })
  })
})

describe('a delivery is reserved', () => {
  const both = [granted(message), granted(follow, 1)]

  test('on the allowance of the event that it answers', () => {
    expect(reserve(sending(both), 1, 'message')).toEqual([{ on: 'message', endsAtMs: NOW + 48 * HOURS }])
  })

  test('else on the one that ends first', () => {
    expect(reserve(sending(both), 3).map(({ on }) => on)).toEqual(['follow', 'follow', 'message'])
    expect(reserve(sending(both), 1, 'scan').map(({ on }) => on)).toEqual(['follow'])
  })

  test('on another when the first is used up, and on none when nothing is left', () => {
    const ons = reserve(sending([granted(message, 4), granted(follow, 1)]), 9, 'message').map(({ on }) => on)
    expect(ons).toEqual(['message', 'follow', 'follow'])
    expect(reserve(sending([]), 1)).toEqual([])
  })
})

// ── beside a model in which every send is a coin ────────────────────────────────────────────

const CLASSES = ['message', 'follow', 'click']
const MANY = 1_000
const someAllowance = fc
  .record({ withinMs: fc.integer({ min: 1, max: 20 }), max: fc.option(fc.nat({ max: 5 }), { nil: undefined }) })
  .map((allowance) => ({ ...allowance, resets: true }))
const someRow = fc.record({
  grantedAtMs: fc.constant(0),
  endsAtMs: fc.integer({ min: NOW - 3, max: NOW + 3 }),
  max: fc.option(fc.nat({ max: 5 }), { nil: undefined }),
  used: fc.nat({ max: 6 }),
})
const someSending = fc
  .record({
    later: fc.array(someAllowance, { maxLength: 3 }),
    rows: fc.array(someRow, { maxLength: 3 }),
    by: fc.constantFrom(bot, amy),
    reserve: fc.nat({ max: 4 }),
  })
  .map(
    ({ later, rows, by, reserve }): Sending => ({
      // Different ends, so that there is one order.
      allowances: rows.map((row, i) => ({ ...row, on: CLASSES[i] ?? '', endsAtMs: row.endsAtMs + i / 4 })),
      capabilities: { later: later.map((allowance, i) => ({ ...allowance, on: CLASSES[i] ?? '' })) },
      nowMs: NOW,
      by,
      reserve,
    }),
  )

/** Every message that may be sent, one by one, in the order of their ends. */
function coinsOf({ allowances, capabilities, nowMs, by, reserve }: Sending): { on: string; endsAtMs: number }[] {
  const coins = allowances
    .filter((row) => capabilities.later.some(({ on }) => on === row.on) && row.endsAtMs > nowMs)
    .flatMap(({ on, endsAtMs, max, used }) => {
      const number = max === undefined ? MANY : Math.max(max - used, 0)
      return Array.from({ length: number }, () => ({ on, endsAtMs }))
    })
    .sort((a, b) => a.endsAtMs - b.endsAtMs)
  return by.kind === 'agent' ? coins : coins.slice(0, Math.max(0, coins.length - reserve))
}

describe('beside a model', () => {
  test('what is left and what is reserved are the coins of the model', () => {
    fc.assert(
      fc.property(someSending, fc.nat({ max: 12 }), fc.option(fc.constantFrom(...CLASSES)), (asked, count, event) => {
        const coins = coinsOf(asked)
        const now = left(asked)
        expect(now.left).toBe(coins.length >= MANY / 2 ? undefined : coins.length)
        expect(now.closed === undefined).toBe(now.left !== 0)
        const answers = event ?? undefined
        const chosen = [...coins.filter(({ on }) => on === answers), ...coins.filter(({ on }) => on !== answers)]
        const reserved = reserve(asked, count, answers)
        expect(reserved).toEqual(chosen.slice(0, count))
        if (coins.length > 0) expect(now.untilMs).toBe(coins.at(-1)?.endsAtMs)
      }),
      RUNS,
    )
  })

  test('a grant that is spent to its end allows exactly its number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 99_999 }), (max, withinMs) => {
        const later = [{ on: 'message', withinMs, max, resets: true }]
        const grant = grantOf({ grants: 'message', atMs: NOW }, { later }, NOW)
        if (!grant) throw new Error('no grant')
        let used = 0
        for (;;) {
          const allowances = [{ ...grant, max: grant.max, grantedAtMs: NOW, used }]
          const at = (nowMs: number) => reserve(sending(allowances, { capabilities: { later }, nowMs }), 1)
          expect(at(NOW + withinMs)).toEqual([])
          if (at(NOW + withinMs - 1).length === 0) break
          used += 1
        }
        expect(used).toBe(max)
      }),
      { seed: 3, numRuns: 50 },
    )
  })
})
