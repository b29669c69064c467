import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type SimulatedPage, simulatedPage } from './simulated-page.ts'

let page: SimulatedPage
beforeEach(() => {
  vi.useFakeTimers()
  vi.resetModules()
  page = simulatedPage()
  // The browser's own is by no clock of ours.
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const late = new AbortController()
    setTimeout(() => late.abort(), ms)
    return late.signal
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  page.close()
})

test.each([
  ['a file of 20 MB on a line of 4 Mbit/s is taken', 20_000_000, 40_000, 'f'],
  ['a small one that takes as long is given up', 20_000, 40_000, 'OFFLINE'],
])('%s', async (_what, bytes, tookMs, found) => {
  const { Refusal, upload } = await import('./server.ts')
  vi.stubGlobal('fetch', (_address: string, { signal }: RequestInit) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    setTimeout(() => resolve(Response.json({ file: 'f' })), tookMs)
    signal?.addEventListener('abort', () => reject(signal.reason))
    return promise
  })
  const given = upload(new File([new Uint8Array(bytes)], 'film.mp4')).catch((error: unknown) =>
    error instanceof Refusal ? error.code : error,
  )
  await vi.advanceTimersByTimeAsync(tookMs)
  expect(await given).toBe(found)
})
