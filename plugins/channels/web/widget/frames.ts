/**
 * Reads what the server says. What would break a page is left out: numbers and texts are such, and what is told apart by
 * its type is of a type that is known.
 */
import type { Frame, Item, Page, Session, Snapshot } from '../protocol.ts'

/** A place in the log. `item` is missing where it can't be shown: its number is taken all the same. */
export interface Place {
  readonly seq: number
  readonly item: Item | undefined
}
export type Heard = Exclude<Frame, { type: 'item' }> | ({ readonly type: 'item' } & Place)

type Fields = { readonly [key: string]: unknown }

/** Longest heartbeat; also where none is said. */
const MAX_HEARTBEAT_MS = 600_000
const CODES = ['queued', 'assigned', 'returned', 'closed']
/** The text that every part of a type must have. */
const TEXT_OF: Fields = { text: 'text', link: 'title', choices: 'prompt' }
for (const type of ['image', 'audio', 'video', 'file']) Object.assign(TEXT_OF, { [type]: 'url' })

const fields = (value: unknown): Fields => ({ ...Object(value) })

/** One text of an answer, as `code` and `file`. */
export function readText(value: unknown, name: string): string | undefined {
  const text = fields(value)[name]
  return typeof text === 'string' ? text : undefined
}

/** One whole number from 0 of an answer, as `seq`. */
export function readCount(value: unknown, name: string): number | undefined {
  const count = fields(value)[name]
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined
}

/** `undefined` for what is no JSON. */
export function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

export function readFrame(data: string): Heard | undefined {
  const frame = parse(data)
  const { type, snapshot, item } = fields(frame)
  if (type === 'hello' && isSnapshot(snapshot)) {
    return {
      type,
      snapshot,
      heartbeatMs: Math.min(readCount(frame, 'heartbeatMs') || MAX_HEARTBEAT_MS, MAX_HEARTBEAT_MS),
      token: readText(frame, 'token'),
    }
  }
  if (type === 'snapshot' && isSnapshot(snapshot)) return { type, snapshot }
  if (type === 'skip') return { type, from: readCount(frame, 'from') ?? 0 }
  if (type === 'item') {
    const [place] = placesOf([item])
    return place && { type, ...place }
  }
  if (type === 'draft') return { type, text: readText(frame, 'text') ?? '' }
  return type === 'typing' || type === 'beat' ? { type } : undefined
}

export function readPage(value: unknown): ({ places: readonly Place[] } & Pick<Page, 'more'>) | undefined {
  const { items, more } = fields(value)
  return Array.isArray(items) ? { places: placesOf(items), more: more === true } : undefined
}

export function readSession(value: unknown): Session | undefined {
  const { snapshot } = fields(value)
  const token = readText(value, 'token')
  return token !== undefined && isSnapshot(snapshot) ? { token, snapshot } : undefined
}

function placesOf(items: readonly unknown[]): readonly Place[] {
  return items.flatMap((item) => {
    const seq = readCount(item, 'seq')
    return seq ? { seq, item: isItem(item) ? item : undefined } : []
  })
}

function isItem(item: unknown): item is Item {
  const { by, code, part } = fields(item)
  const { type, choices } = fields(part)
  const text = readText(TEXT_OF, `${type}`)
  const isPart = text && readText(part, text) !== undefined && (type !== 'choices' || Array.isArray(choices))
  const isKnown = by === 'system' ? CODES.includes(`${code}`) : (by === 'us' || by === 'visitor') && isPart
  return !!isKnown && readText(item, 'id') !== undefined && readCount(item, 'atMs') !== undefined
}

const isSnapshot = (value: unknown): value is Snapshot =>
  [readText(value, 'conversation'), readCount(value, 'head'), readCount(value, 'read')].every(
    (one) => one !== undefined,
  )
