/**
 * Reads what the server says. What is not as the protocol has it is left out, so that a wrong frame breaks no page, and
 * everything behind this file can rely on the types.
 */
import type { Face, Frame, Item, Page, Session, ShownPart, Snapshot } from '../protocol.ts'

/** A place in the log. `item` is missing where it can't be shown: its number is taken all the same. */
export interface Place {
  readonly seq: number
  readonly item: Item | undefined
}
export type Heard = Exclude<Frame, { type: 'item' }> | ({ readonly type: 'item' } & Place)

type Fields = { readonly [key: string]: unknown }
type Check<T> = (value: unknown) => value is T

const MAX_HEARTBEAT_MS = 600_000
const CONVERSATIONS = ['none', 'bot', 'queued', 'assigned', 'closed']
const CODES = ['queued', 'assigned', 'returned', 'closed']
/** The texts that each part must have. */
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
const isText: Check<string> = (value) => typeof value === 'string'
/** A whole number from 0, as all of the protocol's. */
const isCount: Check<number> = (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const isMissing: Check<undefined> = (value) => value === undefined
const areTexts = (from: Fields, names: readonly string[], isFine: (value: unknown) => boolean = isText) =>
  names.every((name) => isFine(from[name]))
const isTextOrMissing = (value: unknown) => isText(value) || isMissing(value)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

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
  return isSnapshot(snapshot) ? { places: placesOf(list(items)), more: more === true, snapshot } : undefined
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
  const item = fields(value)
  if (!isText(item.id) || !isCount(item.atMs)) return false
  if (item.by === 'system') return CODES.includes(String(item.code))
  return (
    isPart(item.part) && (item.by === 'visitor' ? isTextOrMissing(item.choice) : item.by === 'us' && isFace(item.face))
  )
}

function isPart(value: unknown): value is ShownPart {
  const part = fields(value)
  return (
    areTexts(part, PARTS.get(String(part.type)) ?? ['']) &&
    areTexts(part, ['name', 'mimeType', 'description', 'imageUrl'], isTextOrMissing) &&
    (isMissing(part.sizeBytes) || isCount(part.sizeBytes)) &&
    (part.type !== 'choices' ||
      (Array.isArray(part.choices) && part.choices.every((one) => areTexts(fields(one), ['id', 'label']))))
  )
}

function isSnapshot(value: unknown): value is Snapshot {
  const { available, conversation, face, head, read, name } = fields(value)
  return (
    typeof available === 'boolean' &&
    CONVERSATIONS.includes(String(conversation)) &&
    isCount(head) &&
    isCount(read) &&
    isTextOrMissing(name) &&
    isFace(face)
  )
}

function isFace(value: unknown): value is Face | undefined {
  const face = fields(value)
  return (
    isMissing(value) ||
    (isWords(face.name) && (isMissing(face.line2) || isWords(face.line2)) && isTextOrMissing(face.avatarUrl))
  )
}

const isWords = (value: unknown) =>
  isText(value) || (typeof value === 'object' && Object.values(fields(value)).every(isText))
