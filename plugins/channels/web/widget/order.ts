import type { Item } from '../protocol.ts'
import type { Outgoing, View } from './chat.ts'

/** Behind which number of the log something stands that was not sent, by its id. */
const places = new Map<string, number>()

/**
 * What stands in the conversation, in its order. What was not sent stays where it was then, and does not sink below all
 * that comes after; what is on its way stands at the end.
 */
export function inOrder({ items, outbox }: Pick<View, 'items' | 'outbox'>): readonly (Item | Outgoing)[] {
  const last = items[items.length - 1]?.seq ?? 0
  let isBehind = false
  for (const { id, state } of outbox) {
    if (state !== 'failed') {
      places.delete(id)
      isBehind = true
    } else if (!isBehind && !places.has(id)) places.set(id, last)
  }
  const placeOf = (entry: Item | Outgoing) =>
    'by' in entry ? entry.seq : (places.get(entry.id) ?? Number.MAX_SAFE_INTEGER) + 0.5
  return [...items, ...outbox].sort((a, b) => placeOf(a) - placeOf(b))
}
