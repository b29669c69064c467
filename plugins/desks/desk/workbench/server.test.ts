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

/** The browser's own, of a line on which a file takes so long. After a quarter of it, it says so. */
const simulatedUpload = (tookMs: number) =>
  class {
    readonly upload: { onprogress?: (progress: { loaded: number; total: number }) => void } = {}
    readonly status = 200
    readonly responseText = '{"file":"f"}'
    timeout = 0
    onload?: () => void
    ontimeout?: () => void
    open(): void {}
    setRequestHeader(): void {}
    send({ size }: File): void {
      setTimeout(() => this.upload.onprogress?.({ loaded: size / 4, total: size }), tookMs / 4)
      setTimeout(() => this.onload?.(), tookMs)
      setTimeout(() => this.ontimeout?.(), this.timeout)
    }
  }

test.each([
  ['a file of 20 MB on a line of 4 Mbit/s is taken', 20_000_000, 40_000, 'f'],
  ['a small one that takes as long is given up', 20_000, 40_000, 'OFFLINE'],
])('%s', async (_what, bytes, tookMs, found) => {
  const { Refusal, upload } = await import('./server.ts')
  vi.stubGlobal('XMLHttpRequest', simulatedUpload(tookMs))
  const shares: number[] = []
  const film = new File([new Uint8Array(bytes)], 'film.mp4')
  const given = upload(film, (share) => void shares.push(share)).catch((error: unknown) =>
    error instanceof Refusal ? error.code : error,
  )
  await vi.advanceTimersByTimeAsync(tookMs / 4)
  expect(shares).toEqual([0.25])
  await vi.advanceTimersByTimeAsync(tookMs)
  expect(await given).toBe(found)
})
