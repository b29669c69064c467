import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { checkedEvent } from '../../../core/pipeline/checked.ts'

const event = { id: '1', chat: 'ann', type: 'message', atMs: 1, parts: [{ type: 'text', text: 'hello' }] }
const isTaken = (given: unknown) => {
  try {
    checkedEvent(given)
    return true
  } catch {
    return false
  }
}

test('what a channel keeps of the original may be any JSON, and nothing else', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
  })
  fc.assert(
    fc.property(fc.oneof(anything, fc.jsonValue()), (raw) => {
      const isJson = raw === undefined || z.json().safeParse(raw).success
      expect(isTaken({ ...event, raw })).toBe(isJson)
      expect(isTaken({ ...event, raw: { deep: [raw] } })).toBe(raw !== undefined && isJson)
    }),
    { seed: 20261122 },
  )
})

test('what is wrong with an event is said by its place', () => {
  expect(() => checkedEvent({ ...event, raw: { at: new Date(0) } })).toThrow(/must be JSON.*at raw/s)
  expect(() => checkedEvent({ ...event, parts: [{ type: 'text' }] })).toThrow(/at parts\[0\]\.text/)
})
