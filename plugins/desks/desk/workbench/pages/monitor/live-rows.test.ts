import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Row } from '../../../api/shapes.ts'
import { AMY, type Answer, type SimulatedPage, simulatedPage } from '../../simulated-page.ts'
import type { LiveRows } from './live-rows.ts'

let page: SimulatedPage
let shown: LiveRows | undefined
let stop: () => void

const nobody: Answer = { status: 200, body: { rows: [] } }

/** Whoever is signed in looks at the queue. */
beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  page = simulatedPage()
  page.answers(({ path }) => (path === '/conversations' ? nobody : { status: 404, body: {} }))
  const { begin } = await import('../../desk.ts')
  begin(AMY)
  page.tells({ type: 'hello', connection: 'k', heartbeatMs: 3_600_000, me: AMY })
  await vi.advanceTimersByTimeAsync(10)
})
afterEach(() => {
  stop()
  vi.useRealTimers()
  page.close()
})

async function look(): Promise<void> {
  shown = undefined
  const { followRows } = await import('./live-rows.ts')
  stop = followRows({ list: 'queue', sort: 'waiting' }, (rows) => {
    shown = rows
  })
}

const row = (n: number): Row => ({
  id: `c${n}`,
  chat: `h${n}`,
  customer: { id: `u${n}` },
  channel: 'site',
  state: 'queued',
  queuedAtMs: n,
  origin: 'customer',
  lease: 1,
  openedAtMs: n,
  head: 1,
  unread: 0,
  isBlocked: false,
  failed: 0,
  lookers: [],
})
/** A hundred of those who wait, from this one on, and others behind them. */
const hundredFrom = (first: number): Answer => ({
  status: 200,
  body: { rows: Array.from({ length: 100 }, (_, i) => row(first + i)), next: 'more' },
})
const timesAsked = () => page.asked.filter(({ query }) => query.get('sort') === 'waiting').length

test('while the rest is asked for it is not asked for again, however many go meanwhile', async () => {
  const answers: ((answer: Answer) => void)[] = []
  page.answers(() => new Promise<Answer>((resolve) => answers.push(resolve)))
  await look()
  await vi.advanceTimersByTimeAsync(1)
  answers.at(-1)?.(hundredFrom(0))
  await vi.advanceTimersByTimeAsync(10)
  const before = timesAsked()
  for (let n = 0; n < 95; n++) page.tells({ type: 'rows', rows: [], gone: [`c${n}`] })
  await vi.advanceTimersByTimeAsync(10)
  expect(timesAsked() - before).toBe(1)
  // What went meanwhile is not in the answer either way; once more it is asked for, and then there are enough.
  answers.at(-1)?.(hundredFrom(50))
  await vi.advanceTimersByTimeAsync(10)
  answers.at(-1)?.(hundredFrom(95))
  await vi.advanceTimersByTimeAsync(10)
  expect(timesAsked() - before).toBe(2)
  expect(shown?.rows.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, i) => `c${95 + i}`))
})

test('what could not be had is asked for again, more and more slowly, and said once', async () => {
  const { toasts } = await import('../../toasts.ts')
  page.answers(() => ({ status: 503, body: {} }))
  toasts.value = []
  await look()
  await vi.advanceTimersByTimeAsync(10)
  expect(toasts.value.length).toBe(1)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(timesAsked()).toBeGreaterThan(4)
  expect(timesAsked()).toBeLessThan(9)
  expect(toasts.value.length).toBeLessThan(2)
  page.answers(() => hundredFrom(0))
  await vi.advanceTimersByTimeAsync(30_000)
  expect(shown?.rows.length).toBe(100)
  const before = timesAsked()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(timesAsked()).toBe(before)
})

test('of what is no longer looked at nothing is shown', async () => {
  const answer = Promise.withResolvers<Answer>()
  page.answers(() => answer.promise)
  await look()
  stop()
  answer.resolve(hundredFrom(0))
  await vi.advanceTimersByTimeAsync(10)
  expect(shown).toBeUndefined()
})
