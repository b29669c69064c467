import { expect, test } from 'vitest'
import { changesOf } from './changes.ts'

test('what was changed is told field by field, and what stayed the same is not', () => {
  expect(changesOf({ state: 'queued', team: 'presale' }, { state: 'assigned', team: 'presale', person: 'bo' })).toEqual(
    [
      { field: 'state', before: 'queued', after: 'assigned' },
      { field: 'person', before: undefined, after: 'bo' },
    ],
  )
  expect(changesOf({ phone: '138', email: null }, { phone: null, email: null })).toEqual([
    { field: 'phone', before: '138', after: undefined },
  ])
  expect(changesOf(undefined, { entries: 3 })).toEqual([{ field: 'entries', before: undefined, after: '3' }])
})

test('what has no fields is told itself', () => {
  expect(changesOf(['VIP', 'new'], ['VIP'])).toEqual([{ field: undefined, before: 'VIP, new', after: 'VIP' }])
  expect(changesOf([], [{ reason: 'spam', by: 'bo', atMs: 1 }])).toEqual([
    { field: undefined, before: undefined, after: 'spam' },
  ])
  expect(changesOf(undefined, undefined)).toEqual([])
  expect(changesOf(undefined, { who: { account: 'a', id: 'b' } })).toEqual([
    { field: 'who', before: undefined, after: 'account: a, id: b' },
  ])
})
