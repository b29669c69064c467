import { expect, test } from 'vitest'
import type { Entry, Stretch } from '../api/shapes.ts'
import { askAfter, type Line, linesOf, merged } from './chat-log.ts'

const MINUTE = 60_000
const customer = { kind: 'customer' } as const
const amy = { kind: 'agent', name: 'amy' } as const

const message = (seq: number, text: string, conversation = 'c1', atMs = seq * 1000): Entry => ({
  kind: 'message',
  id: `e${seq}`,
  seq,
  atMs,
  by: customer,
  conversation,
  parts: [{ type: 'text', text }],
})
const reply = (seq: number, state: 'sent' | 'pending' | 'dead'): Entry => ({
  kind: 'reply',
  id: `e${seq}`,
  seq,
  atMs: seq * 1000,
  by: amy,
  conversation: 'c1',
  parts: [],
  deliveries: [{ id: `d${seq}`, state, canSendAgain: state === 'dead' }],
})
const life = (seq: number, code: 'conversation.opened' | 'conversation.closed', conversation = 'c1'): Entry => ({
  kind: 'life',
  id: `e${seq}`,
  seq,
  atMs: seq * 1000,
  by: customer,
  conversation,
  code,
})

const sameDay = () => true
const shown = (lines: readonly Line[]) =>
  lines.map((line) => (line.type === 'entry' ? `${line.entry.id}${line.isFirst ? '*' : ''}` : line.type))
const stretch = (id: string, closedAtMs?: number): Stretch => ({
  id,
  state: closedAtMs === undefined ? 'bot' : 'closed',
  openedAtMs: 0,
  ...(closedAtMs !== undefined && { closedAtMs }),
  origin: 'customer',
  channel: 'site',
  chat: 'chat',
})
const linesIn = (
  entries: readonly Entry[],
  { stretches = [], hasOlder = false, isSameDay = sameDay }: Partial<Given> = {},
) => linesOf(entries, new Map(stretches.map((one) => [one.id, one])), hasOlder, isSameDay)
interface Given {
  readonly stretches: readonly Stretch[]
  readonly hasOlder: boolean
  readonly isSameDay: () => boolean
}

test('pages that overlap and come in any order give each entry once, in order', () => {
  const all = Array.from({ length: 9 }, (_, i) => message(i + 1, `${i}`))
  const pages = [all.slice(5), all.slice(2, 7), all.slice(0, 4), all.slice(5)]
  const log = pages.reduce<readonly Entry[]>(merged, [])
  expect(log.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('a reply that is asked for again takes the place of what it was', () => {
  const log = merged([message(1, 'a'), reply(2, 'pending')], [reply(2, 'sent')])
  expect(log).toEqual([message(1, 'a'), reply(2, 'sent')])
})

test('it asks for what is behind the last entry, or from the first of ours that may still arrive', () => {
  expect(askAfter([], 60)).toBe(0)
  expect(askAfter([message(1, 'a'), reply(4, 'sent')], 60)).toBe(4)
  expect(askAfter([message(1, 'a'), reply(4, 'pending'), message(6, 'b')], 60)).toBe(3)
  // Whoever sends it again, here or on another screen: it is told by nothing else.
  expect(askAfter([message(1, 'a'), reply(4, 'dead'), message(6, 'b')], 60)).toBe(3)
})

test('a message that was edited or taken back is another where it stands, and no line of its own', () => {
  const edited: Entry = {
    kind: 'change',
    id: 'e3',
    seq: 3,
    atMs: 3000,
    by: customer,
    what: 'edited',
    of: 'e1',
    parts: [{ type: 'text', text: 'better' }],
  }
  const log = merged([message(1, 'a'), message(2, 'b')], [edited])
  expect(log[0]).toMatchObject({ changed: 'edited', parts: [{ text: 'better' }] })
  expect(shown(linesIn(log))).toEqual(['e1*', 'e2'])
  const recalled = merged(log, [{ ...edited, id: 'e4', seq: 4, what: 'recalled', parts: [] }])
  expect(recalled[0]).toMatchObject({ changed: 'recalled', parts: [] })
})

test('the last messages that were not handled yet are asked for again', () => {
  const { conversation: _, ...loose } = message(6, 'b')
  expect(askAfter([message(1, 'a'), loose], 60)).toBe(5)
  expect(askAfter([loose, message(7, 'a')], 60)).toBe(7)
})

test('a conversation begins above its first entry and ends below its last (C-CU-13)', () => {
  const entries = [
    message(1, 'hello', 'c1'),
    life(2, 'conversation.opened', 'c1'),
    reply(3, 'sent'),
    life(4, 'conversation.closed', 'c1'),
    message(5, 'me again', 'c2'),
  ]
  const stretches = [stretch('c1', 4000), stretch('c2')]
  expect(shown(linesIn(entries, { stretches }))).toEqual(['start', 'e1*', 'e3*', 'end', 'start', 'e5*'])
})

test('where it is not known whether there is more of a conversation above, it does not begin', () => {
  const entries = [reply(3, 'sent'), message(5, 'x', 'c2')]
  const stretches = [stretch('c1', 4000), stretch('c2')]
  expect(shown(linesIn(entries, { stretches, hasOlder: true }))).toEqual(['e3*', 'end', 'start', 'e5*'])
})

test('who says something again soon is not named again, and on another day is', () => {
  const soon = [message(1, 'a', 'c1', 0), message(2, 'b', 'c1', MINUTE), message(3, 'c', 'c1', 20 * MINUTE)]
  expect(shown(linesIn(soon))).toEqual(['e1*', 'e2', 'e3*'])
  expect(shown(linesIn(soon.slice(0, 2), { isSameDay: () => false }))).toEqual(['e1*', 'day', 'e2*'])
})
