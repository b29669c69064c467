import { expect, test } from 'vitest'
import { sizeText } from './sizes.ts'

test('sizes are said in the largest unit that fits', () => {
  expect([0, 940, 1_500, 12_345, 999_400, 999_600, 10_000_000].map(sizeText)).toEqual([
    '0 B',
    '940 B',
    '1.5 KB',
    '12 KB',
    '999 KB',
    '1 MB',
    '10 MB',
  ])
})
