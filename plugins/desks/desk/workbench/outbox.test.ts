import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Answer, type Asked, done, type SimulatedPage, simulatedPage } from './simulated-page.ts'

let page: SimulatedPage
let box: typeof import('./outbox.ts')
let toasts: typeof import('./toasts.ts')['toasts']

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  page = simulatedPage()
  box = await import('./outbox.ts')
  ;({ toasts } = await import('./toasts.ts'))
  const { me, session } = await import('./session.ts')
  me.value = { name: 'amy', title: 'Amy', role: 'agent', teams: [], desk: 'support', failedSignIns: 0 }
  session.value = 'open'
})
afterEach(() => {
  vi.useRealTimers()
  page.close()
})

const say = (conversation: string, text: string) =>
  box.send({ conversation, chat: `chat of ${conversation}`, mode: 'reply', text, files: [] })
const waits = () => box.outbox.value.map(({ text }) => text)
const sentTo = (conversation: string) =>
  page.asked.flatMap(({ path, body }) => (path.includes(`/${conversation}/`) ? [body?.text] : []))
const refusing =
  (conversation: string, answer: Answer) =>
  ({ path }: Asked): Answer =>
    path.includes(`/${conversation}/`) ? answer : done

test('what the desk cannot take now holds back nothing of other conversations, and goes in order once it can', async () => {
  page.answers(refusing('ann', { status: 500, body: {} }))
  say('ann', 'a')
  say('ben', 'b')
  say('ann', 'c')
  await vi.advanceTimersByTimeAsync(100)
  expect(waits()).toEqual(['a', 'c'])
  expect(sentTo('ben')).toEqual(['b'])
  page.answers(() => done)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(sentTo('ann')).toEqual(['a', 'a', 'c'])
  expect(waits()).toEqual([])
})

test('however much is written while nobody is reached, it is tried now and then, and at once when the line is back', async () => {
  page.answers(() => 'offline')
  for (let i = 0; i < 10; i++) say('ann', `${i}`)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(page.asked.length).toBeLessThan(8)
  page.answers(() => done)
  await box.flushOutbox()
  expect(sentTo('ann').slice(-10)).toEqual(Array.from({ length: 10 }, (_, i) => `${i}`))
  expect(waits()).toEqual([])
})

test('an answer that is none of the desk’s is no answer: it is tried again', async () => {
  page.answers(() => ({ status: 200, body: '<html>Sign in to the network of the hotel</html>' }))
  say('ann', 'a')
  await vi.advanceTimersByTimeAsync(100)
  expect(waits()).toEqual(['a'])
  page.answers(() => done)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(waits()).toEqual([])
})

test('what is refused while another conversation is open is told, and stays to be written again', async () => {
  page.answers(() => ({ status: 409, body: { code: 'NOT_OWNER' } }))
  say('ann', 'the important answer')
  await vi.advanceTimersByTimeAsync(100)
  expect(toasts.value).toMatchObject([{ isError: true, text: expect.stringContaining('the important answer') }])
  expect(box.outbox.value).toMatchObject([{ refused: 'NOT_OWNER', chat: 'chat of ann' }])
})

test('two tabs of one person have the same outbox, and a reload finds what both have written', async () => {
  page.answers(() => 'offline')
  box.hearOtherTabs()
  say('ann', 'of this tab')
  const key = 'desk:/support/:outbox:amy:x'
  const ofOther = { id: 'x', atMs: 1, conversation: 'ben', chat: 'b', mode: 'reply', text: 'of the other', files: [] }
  page.storage.setItem(key, JSON.stringify(ofOther))
  page.tellsOfStorage(key)
  expect(waits()).toEqual(['of the other', 'of this tab'])
  page.storage.removeItem(key)
  page.tellsOfStorage(key)
  expect(waits()).toEqual(['of this tab'])
  box.outbox.value = []
  box.recallOutbox()
  expect(waits()).toEqual(['of this tab'])
})

test('what is no message in the storage is forgotten, and the messages beside it go out', async () => {
  say('ann', 'kept')
  const start = 'desk:/support/:outbox:amy:'
  for (const [id, broken] of ['{"id":', 'null', '[]', '{"id":"x","text":"to whom?"}'].entries())
    page.storage.setItem(`${start}broken ${id}`, broken)
  box.recallOutbox()
  expect(waits()).toEqual(['kept'])
  expect(Object.keys(page.storage)).toEqual([`${start}${box.outbox.value[0]?.id}`])
})

test('whoever closes waits for what was written before, and is told why the desk has not taken it', async () => {
  const settled: unknown[] = []
  const settle = () => box.settle('ann').catch(({ code }) => code)
  let answer: (value: Answer) => void = () => undefined
  page.answers(() => new Promise<Answer>((resolve) => (answer = resolve)))
  say('ben', 'first')
  say('ann', 'a note')
  void settle().then((is) => settled.push(is))
  await vi.advanceTimersByTimeAsync(10)
  answer(done)
  await vi.advanceTimersByTimeAsync(10)
  expect(settled).toEqual([])
  answer(done)
  await vi.advanceTimersByTimeAsync(10)
  expect(settled).toEqual([undefined])

  page.answers(() => 'offline')
  say('ann', 'b')
  expect(await settle()).toBe('OFFLINE')
  page.answers(() => ({ status: 409, body: { code: 'WINDOW_CLOSED' } }))
  expect(await settle()).toBe('WINDOW_CLOSED')
  // Refused, it waits no more: it is for whoever wrote it to say it otherwise.
  expect(await settle()).toBeUndefined()
})

test('once nobody is signed in here any more nothing is sent: the cookie may be somebody else’s', async () => {
  const { session } = await import('./session.ts')
  session.value = 'expired'
  say('ann', 'private')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(page.asked).toEqual([])
  session.value = 'open'
  await box.flushOutbox()
  expect(sentTo('ann')).toEqual(['private'])
})
