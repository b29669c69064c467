import { expect, test } from 'vitest'
import { manualClock } from '#core/testing'
import { makeAttempts } from './attempts.ts'

const OFFICE = { address: '203.0.113.7', isShared: false }
const PROXY = { address: '127.0.0.1', isShared: true }

const attempts = () => makeAttempts('key', manualClock(), (person) => person === 'amy' || person === 'bo')

test('however many names are made up, who is kept from an account is kept from it still', () => {
  const { failed, waitMs } = attempts()
  const bo = { person: 'bo', caller: PROXY, mark: undefined }
  for (let n = 0; n < 5; n++) failed(bo)
  for (let n = 0; n < 10_001; n++) failed({ ...bo, person: `nobody ${n}` })
  expect(waitMs(bo)).toBe(60_000)
})

test('what is tried through a proxy that nobody has named keeps nobody out who comes from that address themselves', () => {
  const { failed, waitMs } = attempts()
  for (let n = 0; n < 100; n++) failed({ person: `nobody ${n}`, caller: PROXY, mark: undefined })
  expect(waitMs({ person: 'amy', caller: { ...PROXY, isShared: false }, mark: undefined })).toBe(0)
  for (let n = 0; n < 30; n++) failed({ person: `nobody ${n}`, caller: OFFICE, mark: undefined })
  expect(waitMs({ person: 'amy', caller: OFFICE, mark: undefined })).toBeGreaterThan(0)
})
