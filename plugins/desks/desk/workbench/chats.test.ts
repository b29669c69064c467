import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Entry, Row } from '../api/shapes.ts'
import { type Answer, type Asked, type SimulatedPage, simulatedPage } from './simulated-page.ts'

let page: SimulatedPage
let chats: typeof import('./chats.ts')
/** All that happened in the chat, and which of ours are still on their way. */
let last: number
let pending: ReadonlySet<number>

beforeEach(async () => {
  vi.resetModules()
  page = simulatedPage()
  chats = await import('./chats.ts')
  last = 600
  pending = new Set()
  page.answers(answer)
})
afterEach(() => page.close())

const row: Row = {
  id: 'c',
  chat: 'h',
  customer: { id: 'u' },
  channel: 'site',
  state: 'assigned',
  person: 'amy',
  origin: 'customer',
  lease: 2,
  openedAtMs: 0,
  head: 1,
  unread: 0,
  isBlocked: false,
  failed: 0,
  lookers: [],
}

const entry = (seq: number): Entry => ({
  kind: 'reply',
  id: `e${seq}`,
  seq,
  atMs: seq,
  conversation: 'c',
  by: { kind: 'agent', name: 'amy' },
  parts: [],
  deliveries: [{ id: `d${seq}`, state: pending.has(seq) ? 'pending' : 'sent', canSendAgain: false }],
})

function entriesOf({ query }: Asked): Answer {
  const limit = Number(query.get('limit'))
  const [after, before] = [query.get('after'), query.get('before')]
  const all = Array.from({ length: last }, (_, i) => i + 1)
  const found =
    after === null ? all.filter((seq) => seq < Number(before ?? last + 1)) : all.filter((seq) => seq > Number(after))
  const seqs = after === null ? found.slice(-limit) : found.slice(0, limit)
  const body = { entries: seqs.map(entry), conversations: [], suggestions: [], more: found.length > limit }
  return { status: 200, body }
}
const answer = (asked: Asked): Answer =>
  asked.path.endsWith('/entries') ? entriesOf(asked) : { status: 200, body: row }

const seqs = () =>
  chats.openChat.value?.lines.value.flatMap((line) => (line.type === 'entry' ? [line.entry.seq] : [])) ?? []
const hasNoGap = () => expect(seqs()).toEqual(Array.from({ length: seqs().length }, (_, i) => (seqs()[0] ?? 0) + i))

test('older entries that come after the log has begun again leave no hole in it', async () => {
  await chats.open('c')
  const older = Promise.withResolvers<Answer>()
  page.answers((asked) => (asked.query.has('before') ? older.promise : answer(asked)))
  const asking = chats.openChat.value?.older()
  last = 1_200
  await chats.openChat.value?.refresh()
  older.resolve(
    entriesOf({ method: 'GET', path: '', query: new URLSearchParams('before=541&limit=60'), body: undefined }),
  )
  await asking
  hasNoGap()
  expect(seqs().at(-1)).toBe(1_200)
})

test('a reply that stays on its way keeps nobody from what is new, and is known to have arrived', async () => {
  pending = new Set([560])
  await chats.open('c')
  for (last of [660, 720]) await chats.openChat.value?.refresh()
  page.asked.length = 0
  last = 721
  await chats.openChat.value?.refresh()
  expect(page.asked.map(({ query }) => [query.get('after'), query.get('limit')])).toEqual([
    ['559', '1'],
    ['720', '60'],
  ])
  hasNoGap()
  expect(seqs()[0]).toBe(541)
  pending = new Set()
  await chats.openChat.value?.refresh()
  page.asked.length = 0
  await chats.openChat.value?.refresh()
  expect(page.asked).toHaveLength(1)
})

test('what the line has told of a conversation is newer than an answer that was asked for before', async () => {
  const asked = Promise.withResolvers<Answer>()
  page.answers((one) => (one.path.endsWith('/entries') ? entriesOf(one) : asked.promise))
  const opening = chats.open('c')
  chats.applyRows([{ ...row, lease: 3, person: 'bo' }], [])
  asked.resolve({ status: 200, body: row })
  await opening
  expect(chats.openRow.value).toMatchObject({ lease: 3, person: 'bo' })
})

test('only what the desk does not show is missing, not what cannot be asked for now', async () => {
  page.answers(() => 'offline')
  await chats.open('c')
  expect(chats.isMissing.value).toBe(false)
  page.answers(() => ({ status: 404, body: { code: 'NOT_FOUND' } }))
  await chats.refreshOpenChat()
  expect(chats.isMissing.value).toBe(true)
})
