/** What each page is told of a chat in which much happens at a time. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { makeLog } from '#core/testing'
import { type Connection, DRAFT_EVERY_MS, makeHub } from './hub.ts'
import type { StoredItem } from './log.ts'
import type { Frame, Snapshot } from './protocol.ts'

const log = makeLog({ level: 'error', stream: { write: (line: string) => expect.fail(line) } })

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** A chat whose state, and how long it takes to look it up, are the test's. */
function start() {
  const chat: { conversation: Snapshot['conversation']; items: StoredItem[]; lookedUp(): Promise<void> } = {
    conversation: 'bot',
    items: [],
    lookedUp: async () => {},
  }
  const hub = makeHub({
    history: {
      after: async (_chat, seq) => chat.items.filter((item) => item.seq > seq),
      extent: async () => ({ first: 1, head: chat.items.length }),
    },
    async snapshotOf(_chat, { head }) {
      const { conversation } = chat
      await chat.lookedUp()
      return { available: true, conversation, face: undefined, head, read: 0, name: undefined }
    },
    log,
  })
  return {
    chat,
    hub,
    says(text: string, by: 'us' | 'visitor' = 'us') {
      const seq = chat.items.length + 1
      chat.items.push({ seq, by, json: JSON.stringify({ seq, id: `${seq}`, by, part: { type: 'text', text } }) })
      hub.added('chat')
    },
    joins() {
      const told: string[] = []
      const page: Connection & { isFull: boolean } = {
        isFull: false,
        send: (frame) => void told.push(inWords(JSON.parse(frame))),
        beat: (frame) => {
          page.send(frame)
          return true
        },
        end: () => {},
        cut: () => void told.push('cut'),
      }
      return { told, page, ...hub.join('chat', page, { after: 0 }) }
    },
  }
}

function inWords(frame: Frame): string {
  if (frame.type === 'hello' || frame.type === 'snapshot') return `${frame.type} ${frame.snapshot.conversation}`
  if (frame.type === 'draft') return `draft ${frame.text}`
  return frame.type === 'item' ? `item ${frame.item.seq}` : frame.type
}

/** Until all that was set going has come to rest. */
async function settled(): Promise<void> {
  for (let round = 0; round < 50; round++) await Promise.resolve()
}

describe('how things are', () => {
  test('is told to those who were there already, when somebody else comes first to see it', async () => {
    const { chat, hub, joins } = start()
    const one = joins()
    await settled()
    chat.conversation = 'assigned'
    const two = joins()
    await settled()
    hub.look('chat')
    await settled()
    expect(one.told).toEqual(['hello bot', 'snapshot assigned'])
    expect(two.told).toEqual(['hello assigned'])
  })

  test('is in the end what it was last, however long the look before it takes', async () => {
    const { chat, hub, joins } = start()
    const { told } = joins()
    await settled()
    const slow = Promise.withResolvers<void>()
    chat.lookedUp = () => slow.promise
    chat.conversation = 'assigned'
    hub.look('chat')
    chat.lookedUp = async () => {}
    chat.conversation = 'closed'
    hub.look('chat')
    await settled()
    slow.resolve()
    await settled()
    expect(told.at(-1)).toBe('snapshot closed')
  })

  test('is told to who took nothing at that time as soon as he does', async () => {
    const { chat, hub, joins } = start()
    const { told, page, drained } = joins()
    await settled()
    page.isFull = true
    chat.conversation = 'closed'
    hub.look('chat')
    await settled()
    expect(told).toEqual(['hello bot'])
    page.isFull = false
    drained()
    await settled()
    expect(told).toEqual(['hello bot', 'snapshot closed'])
  })

  test('comes before anything else, a sign of life too', async () => {
    const { hub, joins } = start()
    const { told } = joins()
    hub.beat()
    await settled()
    hub.beat()
    expect(told).toEqual(['hello bot', 'beat'])
  })
})

describe('what is being written', () => {
  test('is told as it was last, a few times a second, however many words come', async () => {
    const { hub, joins } = start()
    const { told } = joins()
    await settled()
    for (let word = 1; word <= 1_000; word++) hub.draft('chat', `${word}`)
    expect(told).toEqual(['hello bot', 'draft 1'])
    vi.advanceTimersByTime(DRAFT_EVERY_MS)
    expect(told).toEqual(['hello bot', 'draft 1', 'draft 1000'])
    vi.advanceTimersByTime(DRAFT_EVERY_MS)
    hub.draft('chat', 'at once')
    expect(told.at(-1)).toBe('draft at once')
  })

  test('goes on while the visitor writes', async () => {
    const { hub, joins, says } = start()
    const { told } = joins()
    await settled()
    for (const text of ['one', 'two']) hub.draft('chat', text)
    says('and in blue?', 'visitor')
    await settled()
    vi.advanceTimersByTime(200)
    expect(told).toEqual(['hello bot', 'draft one', 'item 1', 'draft two'])
  })

  test('is never told after that it ended, or after what became of it', async () => {
    const { hub, joins, says } = start()
    const { told } = joins()
    await settled()
    for (const text of ['one', 'two', '']) hub.draft('chat', text)
    vi.advanceTimersByTime(10 * DRAFT_EVERY_MS)
    for (const text of ['three', 'four']) hub.draft('chat', text)
    says('four')
    await settled()
    vi.advanceTimersByTime(10 * DRAFT_EVERY_MS)
    expect(told).toEqual(['hello bot', 'draft one', 'draft ', 'draft three', 'item 1'])
  })

  test('keeps no timer when nobody is there any more, or the channel stops', async () => {
    const { hub, joins } = start()
    const { leave } = joins()
    await settled()
    hub.draft('chat', 'one')
    leave()
    expect(vi.getTimerCount()).toBe(0)
    joins()
    await settled()
    hub.draft('chat', 'one')
    hub.close()
    hub.draft('chat', 'two')
    expect(vi.getTimerCount()).toBe(0)
  })
})
