import { expect, test } from 'vitest'
import type { Item } from '../protocol.ts'
import type { Outgoing, View } from './chat.ts'
import { inOrder } from './order.ts'

const item = (seq: number): Item => ({
  seq,
  id: `${seq}`,
  atMs: 0,
  by: 'visitor',
  part: { type: 'text', text: '' },
})
const outgoing = (id: string, state: Outgoing['state']): Outgoing => ({ id, text: '', state })

function shown(seqs: readonly number[], outbox: readonly Outgoing[]): string {
  const view: Pick<View, 'items' | 'outbox'> = { items: seqs.map(item), outbox }
  return inOrder(view)
    .map(({ id }) => id)
    .join(' ')
}

test('what was not sent keeps its place among what comes after', () => {
  expect(shown([1, 2], [outgoing('a', 'failed')])).toBe('1 2 a')
  expect(shown([1, 2, 3], [outgoing('a', 'failed'), outgoing('b', 'sending')])).toBe('1 2 a 3 b')
  expect(shown([1, 2, 3, 4], [outgoing('a', 'failed'), outgoing('b', 'failed')])).toBe('1 2 a 3 4 b')
})

test('two that were not sent at the same place stand as they were written', () => {
  expect(shown([1], [outgoing('c', 'failed'), outgoing('d', 'failed')])).toBe('1 c d')
  expect(shown([1, 2], [outgoing('c', 'failed'), outgoing('d', 'failed')])).toBe('1 c d 2')
})

test('what was not sent stays behind what was written before it and is still on its way', () => {
  expect(shown([1], [outgoing('e', 'waiting'), outgoing('f', 'failed')])).toBe('1 e f')
  // What was e is 2 by now.
  expect(shown([1, 2], [outgoing('f', 'failed')])).toBe('1 2 f')
  expect(shown([1, 2, 3], [outgoing('f', 'failed')])).toBe('1 2 f 3')
})

test('what is tried again stands at the end, and has another place if it fails again', () => {
  expect(shown([1], [outgoing('g', 'failed')])).toBe('1 g')
  expect(shown([1, 2], [outgoing('g', 'waiting')])).toBe('1 2 g')
  expect(shown([1, 2], [outgoing('g', 'failed')])).toBe('1 2 g')
  expect(shown([1, 2, 3], [outgoing('g', 'failed')])).toBe('1 2 g 3')
})

test('older ones that are fetched stand before it', () => {
  expect(shown([8, 9], [outgoing('h', 'failed')])).toBe('8 9 h')
  expect(shown([1, 2, 8, 9, 10], [outgoing('h', 'failed')])).toBe('1 2 8 9 h 10')
})
