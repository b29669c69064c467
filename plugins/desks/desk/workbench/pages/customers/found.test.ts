import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type SimulatedPage, simulatedPage } from '../../simulated-page.ts'

const MINUTE = 60_000
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

test('whoever comes back from a customer has the list as it was, and whoever comes back later has a new one', async () => {
  const { find, found } = await import('./found.ts')
  page.answers(() => ({ status: 200, body: { customers: [{ id: `u${page.asked.length}` }] } }))
  const listed = async () => {
    await find({})
    return found.value.customers.map(({ id }) => id)
  }
  expect(await listed()).toEqual(['u1'])
  await vi.advanceTimersByTimeAsync(MINUTE)
  expect(await listed()).toEqual(['u1'])
  await vi.advanceTimersByTimeAsync(5 * MINUTE)
  expect(await listed()).toEqual(['u2'])
})
