/**
 * Reads what the server says. What is not as the protocol has it is left out, so that a wrong frame breaks no page, and
 * everything behind this file can rely on the types.
 */
import type { Face, Frame, Item, Page, Session, ShownPart, Snapshot, Text } from '../protocol.ts'

/** A place in the log. `item` is missing where it can't be shown: its number is taken all the same. */
export interface Place {
  readonly seq: number
  readonly item: Item | undefined
}
export type Heard = Exclude<Frame, { type: 'item' }> | ({ readonly type: 'item' } & Place)

type Fields = { readonly [key: string]: unknown }

const MAX_HEARTBEAT_MS = 600_000

const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? { ...value } : {})
const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
/** A whole number from 0, as all of the protocol's. */
const count = (value: unknown) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

export function readFrame(data: string): Heard | undefined {
  const frame = fields(parse(data))
  const snapshot = readSnapshot(frame.snapshot)
  switch (frame.type) {
    case 'hello': {
      const heartbeatMs = Math.min(count(frame.heartbeatMs) || MAX_HEARTBEAT_MS, MAX_HEARTBEAT_MS)
      const token = text(frame.token)
      return snapshot && { type: 'hello', snapshot, heartbeatMs, ...(token && { token }) }
    }
    case 'snapshot':
      return snapshot && { type: 'snapshot', snapshot }
    case 'skip': {
      const from = count(frame.from)
      return from === undefined ? undefined : { type: 'skip', from }
    }
    case 'item': {
      const place = readPlace(frame.item)
      return place && { type: 'item', ...place }
    }
    case 'draft':
      return { type: 'draft', text: text(frame.text) ?? '' }
    case 'typing':
    case 'beat':
      return { type: frame.type }
    default:
      return undefined
  }
}

export function readPage(value: unknown): ({ places: readonly Place[] } & Pick<Page, 'more' | 'snapshot'>) | undefined {
  const page = fields(value)
  const snapshot = readSnapshot(page.snapshot)
  if (!snapshot) return undefined
  return { places: list(page.items).flatMap((item) => readPlace(item) ?? []), more: page.more === true, snapshot }
}

export function readSession(value: unknown): Session | undefined {
  const session = fields(value)
  const token = text(session.token)
  const snapshot = readSnapshot(session.snapshot)
  return token && snapshot ? { token, snapshot } : undefined
}

/** One text of an answer, as `code` and `file`. */
export const readText = (value: unknown, key: string) => text(fields(value)[key])
/** One number of an answer, as `seq`. */
export const readCount = (value: unknown, key: string) => count(fields(value)[key])

/** `undefined` for what is no JSON. */
export function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

function readSnapshot(value: unknown): Snapshot | undefined {
  const { available, conversation, face, read, name, ...rest } = fields(value)
  const head = count(rest.head)
  if (typeof available !== 'boolean' || head === undefined) return undefined
  return {
    available,
    conversation:
      conversation === 'bot' || conversation === 'queued' || conversation === 'assigned' || conversation === 'closed'
        ? conversation
        : 'none',
    face: readFace(face),
    head,
    read: count(read) ?? 0,
    name: text(name),
  }
}

function readPlace(value: unknown): Place | undefined {
  const item = fields(value)
  const seq = count(item.seq)
  return seq ? { seq, item: readItem(seq, item) } : undefined
}

function readItem(seq: number, item: Fields): Item | undefined {
  const id = text(item.id)
  const atMs = count(item.atMs)
  const part = readPart(fields(item.part))
  if (id === undefined || atMs === undefined) return undefined
  const { by, code } = item
  if (by === 'system' && (code === 'queued' || code === 'assigned' || code === 'returned' || code === 'closed'))
    return { seq, id, atMs, by, code }
  if (by === 'visitor' && part) return { seq, id, atMs, by, part, choice: text(item.choice) }
  if (by === 'us' && part) return { seq, id, atMs, by, part, face: readFace(item.face) }
  return undefined
}

function readPart(part: Fields): ShownPart | undefined {
  const url = text(part.url)
  switch (part.type) {
    case 'text':
      return { type: part.type, text: text(part.text) ?? '' }
    case 'image':
    case 'audio':
    case 'video':
    case 'file': {
      const { type, name, mimeType, sizeBytes } = part
      return url ? { type, url, name: text(name), mimeType: text(mimeType), sizeBytes: count(sizeBytes) } : undefined
    }
    case 'link': {
      const { type, title, description, imageUrl } = part
      const shown = { title: text(title) ?? url ?? '', description: text(description), imageUrl: text(imageUrl) }
      return url ? { type, url, ...shown } : undefined
    }
    case 'choices': {
      const choices = list(part.choices).flatMap((one) => {
        const { id, label } = fields(one)
        return typeof id === 'string' && typeof label === 'string' ? { id, label } : []
      })
      return { type: part.type, prompt: text(part.prompt) ?? '', choices }
    }
    default:
      return undefined
  }
}

function readFace(value: unknown): Face | undefined {
  const face = fields(value)
  const name = readWords(face.name)
  return name ? { name, line2: readWords(face.line2), avatarUrl: text(face.avatarUrl) } : undefined
}

function readWords(value: unknown): Text | undefined {
  if (typeof value !== 'object' || value === null) return text(value)
  return Object.fromEntries(Object.entries(value).flatMap(([language, word]) => (text(word) ? [[language, word]] : [])))
}
