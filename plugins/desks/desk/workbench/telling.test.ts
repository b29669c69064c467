import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Row } from '../api/shapes.ts'
import { AMY, type Answer, type SimulatedPage, simulatedPage } from './simulated-page.ts'

let page: SimulatedPage
beforeEach(() => {
  vi.useFakeTimers()
  vi.resetModules()
  page = simulatedPage()
  vi.stubGlobal('document', { hasFocus: () => false, title: '' })
  vi.stubGlobal('navigator', { locks: undefined })
  vi.stubGlobal('isSecureContext', false)
})
afterEach(() => {
  vi.useRealTimers()
  page.close()
})

const empty: Answer = { status: 200, body: { rows: [] } }
const row: Row = {
  id: 'c1',
  chat: 'h1',
  customer: { id: 'u1' },
  channel: 'site',
  state: 'assigned',
  person: AMY.name,
  origin: 'customer',
  lease: 1,
  openedAtMs: 1,
  head: 1,
  last: { by: { kind: 'customer' }, text: 'hello', part: 'text', atMs: 5 },
  unread: 3,
  isBlocked: false,
  failed: 0,
  lookers: [],
}

test('what is told while the lists are asked for a second time is newer than both answers', async () => {
  const answers: ((answer: Answer) => void)[] = []
  page.answers(({ path, query }) => {
    if (query.get('list') === 'queue') return new Promise((resolve) => answers.push(resolve))
    return path === '/conversations' ? empty : { status: 404, body: {} }
  })
  const { begin } = await import('./desk.ts')
  begin(AMY)
  const { beginTelling } = await import('./telling.ts')
  const { unread } = await import('./told.ts')
  const answerNext = async () => {
    answers.shift()?.(empty)
    await vi.advanceTimersByTimeAsync(1)
  }
  beginTelling()
  page.tells({ type: 'hello', connection: 'k', heartbeatMs: 60_000, me: AMY })
  await vi.advanceTimersByTimeAsync(1)
  expect(answers.length).toBe(2)
  await answerNext()
  page.tells({ type: 'rows', rows: [row], gone: [] })
  await answerNext()
  // It is counted anew with whatever is told.
  page.tells({ type: 'rows', rows: [], gone: [] })
  expect(unread.value).toBe(3)
})
