/**
 * Reads what the server says. What is not as the protocol has it is left out, so that a wrong frame breaks no page, and
 * everything behind this file can rely on the types.
 */
import type { Frame, Item, Page, Session, ShownPart, Snapshot } from '../protocol.ts'

/** A place in the log. `item` is missing where it can't be shown: its number is taken all the same. */
export interface Place {
  readonly seq: number
  readonly item: Item | undefined
}
export type Heard = Exclude<Frame, { type: 'item' }> | ({ readonly type: 'item' } & Place)

type Fields = { readonly [key: string]: unknown }

const MAX_HEARTBEAT_MS = 600_000
const CODES = ['queued', 'assigned', 'returned', 'closed']
/** The texts that every kind of part must have; the others it may have. */
const PARTS = new Map([
  ['text', ['text']],
  ['image', ['url']],
  ['audio', ['url']],
  ['video', ['url']],
  ['file', ['url']],
  ['link', ['url', 'title']],
  ['choices', ['prompt']],
])

const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? { ...value } : {})
const isText = (value: unknown) => typeof value === 'string'
/** A whole number from 0, as all of the protocol's. */
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const areTexts = (value: unknown, names: readonly string[]) => names.every((name) => isText(fields(value)[name]))
const isListOf = (value: unknown, isFine: (one: unknown) => boolean) => Array.isArray(value) && value.every(isFine)

export function readFrame(data: string): Heard | undefined {
  const frame = fields(parse(data))
  const { type, snapshot, token, from } = frame
  if (type === 'hello' && isSnapshot(snapshot)) {
    const heartbeatMs = Math.min(readCount(frame, 'heartbeatMs') || MAX_HEARTBEAT_MS, MAX_HEARTBEAT_MS)
    return { type, snapshot, heartbeatMs, ...(isText(token) && { token }) }
  }
  if (type === 'snapshot' && isSnapshot(snapshot)) return { type, snapshot }
  if (type === 'skip' && isCount(from)) return { type, from }
  if (type === 'item') {
    const [place] = placesOf([frame.item])
    return place && { type, ...place }
  }
  if (type === 'draft') return { type, text: readText(frame, 'text') ?? '' }
  if (type === 'typing' || type === 'beat') return { type }
  return undefined
}

export function readPage(value: unknown): ({ places: readonly Place[] } & Pick<Page, 'more' | 'snapshot'>) | undefined {
  const { items, more, snapshot } = fields(value)
  return isSnapshot(snapshot) && Array.isArray(items)
    ? { places: placesOf(items), more: more === true, snapshot }
    : undefined
}

export function readSession(value: unknown): Session | undefined {
  const { token, snapshot } = fields(value)
  return isText(token) && isSnapshot(snapshot) ? { token, snapshot } : undefined
}

/** One text of an answer, as `code` and `file`. */
export function readText(value: unknown, name: string): string | undefined {
  const text = fields(value)[name]
  return isText(text) ? text : undefined
}

/** One number of an answer, as `seq`. */
export function readCount(value: unknown, name: string): number | undefined {
  const count = fields(value)[name]
  return isCount(count) ? count : undefined
}

/** `undefined` for what is no JSON. */
export function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

function placesOf(items: readonly unknown[]): readonly Place[] {
  return items.flatMap((item) => {
    const seq = readCount(item, 'seq')
    return seq ? [{ seq, item: isItem(item) ? item : undefined }] : []
  })
}

function isItem(value: unknown): value is Item {
  const { by, code, part } = fields(value)
  const isFine = by === 'system' ? CODES.includes(String(code)) : (by === 'us' || by === 'visitor') && isPart(part)
  return isFine && areTexts(value, ['id']) && isCount(fields(value).atMs)
}

function isPart(part: unknown): part is ShownPart {
  const { type, choices } = fields(part)
  const texts = PARTS.get(String(type))
  if (!texts || !areTexts(part, texts)) return false
  return type !== 'choices' || isListOf(choices, (choice) => areTexts(choice, ['id', 'label']))
}

function isSnapshot(value: unknown): value is Snapshot {
  const { conversation, head, read } = fields(value)
  return isText(conversation) && isCount(head) && isCount(read)
}
