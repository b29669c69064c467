import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type SimulatedPage, simulatedPage } from './simulated-page.ts'

let page: SimulatedPage

beforeEach(() => {
  vi.useFakeTimers()
  vi.resetModules()
  page = simulatedPage()
})
afterEach(() => {
  vi.useRealTimers()
  page.close()
})

test('what was done once more is said once; each refusal is said, and all of it goes by itself', async () => {
  const { toast, toasts } = await import('./toasts.ts')
  for (const text of ['Saved.', 'Closed.', 'Saved.']) toast(text)
  expect(toasts.value.map(({ text }) => text)).toEqual(['Closed.', 'Saved.'])
  for (let i = 0; i < 2; i++) toast('"ok" was not sent.', true)
  expect(toasts.value.map(({ text }) => text)).toEqual(['Saved.', '"ok" was not sent.', '"ok" was not sent.'])
  vi.advanceTimersByTime(6_000)
  expect(toasts.value).toEqual([])
})
