import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Row } from '../api/shapes.ts'
import { type Answer, type SimulatedPage, simulatedPage } from './simulated-page.ts'

let page: SimulatedPage
let lists: typeof import('./lists.ts')

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  page = simulatedPage()
  lists = await import('./lists.ts')
  lists.show({ list: 'bot' })
})
afterEach(() => {
  vi.useRealTimers()
  page.close()
})

const row = (n: number, changes: Partial<Row> = {}): Row => ({
  id: `c${n}`,
  chat: `h${n}`,
  customer: { id: `u${n}` },
  channel: 'site',
  state: 'bot',
  origin: 'customer',
  lease: 1,
  openedAtMs: 0,
  head: 1,
  last: { by: { kind: 'customer' }, text: `${n}`, part: 'text', atMs: 100_000 - n },
  unread: 0,
  isBlocked: false,
  failed: 0,
  lookers: [],
  ...changes,
})
/** The hundred behind a number, of a thousand. */
function pageBehind(cursor: string | null): Answer {
  const from = Number(cursor ?? 0)
  const rows = Array.from({ length: 100 }, (_, i) => row(from + i))
  return { status: 200, body: { rows, ...(from < 900 && { next: `${from + 100}` }) } }
}

test('a page of the old list is not put behind the first page of the new one', async () => {
  page.answers(({ query }) => pageBehind(query.get('cursor')))
  await lists.listAgain()
  await lists.loadMore()
  await lists.loadMore()
  const again = lists.listAgain()
  await lists.loadMore()
  await again
  await lists.loadMore()
  expect(lists.order.value).toEqual(Array.from({ length: 200 }, (_, i) => `c${i}`))
})

test('what is told while a page is on its way is newer than the page, and is kept no longer than that', async () => {
  const answer = Promise.withResolvers<Answer>()
  page.answers(() => answer.promise)
  const again = lists.listAgain()
  lists.applyToList([row(3, { unread: 7 })], ['c4'])
  answer.resolve(pageBehind(null))
  await again
  expect(lists.rowIn('c3')?.unread).toBe(7)
  expect(lists.rowIn('c4')).toBeUndefined()
  page.answers(() => pageBehind(null))
  await lists.listAgain()
  expect(lists.rowIn('c3')?.unread).toBe(0)
})
