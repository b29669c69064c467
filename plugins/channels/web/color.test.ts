import fc from 'fast-check'
import { expect, test } from 'vitest'
import { accentOn, brandOf, colorsOf, contrastOf } from './color.ts'

const colors = fc.integer({ min: 0, max: 0xffffff }).map((number) => `#${number.toString(16).padStart(6, '0')}`)

test('contrast is reckoned as the guidelines do', () => {
  expect(contrastOf('#000000', '#ffffff')).toBeCloseTo(21)
  expect(contrastOf('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
  expect(contrastOf('#1a73e8', '#1a73e8')).toBe(1)
})

test('whatever the brand, what stands on it can be read', () => {
  fc.assert(
    fc.property(colors, (color) => {
      const { brand, onBrand } = brandOf(color)
      expect(contrastOf(brand, onBrand)).toBeGreaterThanOrEqual(4.5)
    }),
    { numRuns: 2_000 },
  )
})

test('whatever the brand, it can be read as a text on light and on dark', () => {
  fc.assert(
    fc.property(colors, fc.constantFrom('#f1f3f6', '#262b32'), (color, surface) => {
      expect(contrastOf(accentOn(surface, color), surface)).toBeGreaterThanOrEqual(4.5)
    }),
    { numRuns: 2_000 },
  )
})

test('a colour that can be read stays as it is', () => {
  expect(brandOf('#0b6e4f')).toEqual({ brand: '#0b6e4f', onBrand: '#ffffff' })
  expect(accentOn('#ffffff', '#0b6e4f')).toBe('#0b6e4f')
})

test('a middling colour is darkened a little for white, a light one carries dark', () => {
  expect(brandOf('#ff5a5f').onBrand).toBe('#ffffff')
  expect(brandOf('#ffb400')).toEqual({ brand: '#ffb400', onBrand: '#111418' })
})

test('the widget gets its colours ready: one to stand on, and one to be written with in either theme', () => {
  expect(colorsOf('#0b6e4f')).toMatch(/^--brand:#0b6e4f;--on-brand:#ffffff;--on-light:#0b6e4f;--on-dark:#[0-9a-f]{6}$/)
})
