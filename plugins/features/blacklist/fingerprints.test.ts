import { expect, test } from 'vitest'
import { makeFingerprints } from './fingerprints.ts'

test('every key that was added is found, however many there are', () => {
  const fingerprints = makeFingerprints()
  for (let i = 0; i < 100_000; i++) fingerprints.add(`wechat:wx1\no${i}`)
  const missed = Array.from({ length: 100_000 }, (_, i) => `wechat:wx1\no${i}`).filter(
    (key) => !fingerprints.mayHave(key),
  )
  expect(missed).toEqual([])
})

test('of those that were not, nearly none', () => {
  const fingerprints = makeFingerprints()
  expect(fingerprints.mayHave('anybody')).toBe(false)
  for (let i = 0; i < 100_000; i++) fingerprints.add(`wechat:wx1\no${i}`)
  const others = Array.from({ length: 100_000 }, (_, i) => `wechat:wx1\nx${i}`)
  // By chance it would be two or three.
  expect(others.filter((key) => fingerprints.mayHave(key)).length).toBeLessThan(20)
})
