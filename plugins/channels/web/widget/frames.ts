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

type Fields = { readonly [key: string]: unknown }

const CODES = ['queued', 'assigned', 'returned', 'closed']
/** The text that every part of a type must have. */
const TEXT_OF: Fields = {
  text: 'text',
  image: 'url',
  audio: 'url',
  video: 'url',
  file: 'url',
  link: 'title',
  choices: 'prompt',
}

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

const isText = (value: unknown, name: string): boolean => readText(value, name) !== undefined
const isCount = (value: unknown, name: string): boolean => readCount(value, name) !== undefined

/** `undefined` for what is no JSON. */
export function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

export function readFrame(data: string): Frame | undefined {
  const frame = parse(data)
  return isFrame(frame) ? frame : undefined
}

function isFrame(frame: unknown): frame is Frame {
  const { type, snapshot } = fields(frame)
  if (type === 'hello') return isSnapshot(snapshot) && isCount(frame, 'heartbeatMs')
  if (type === 'snapshot') return isSnapshot(snapshot)
  if (type === 'skip') return isCount(frame, 'from')
  if (type === 'draft') return isText(frame, 'text')
  return type === 'item' || type === 'typing' || type === 'beat'
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

export function placesOf(items: readonly unknown[]): readonly Place[] {
  return items.flatMap((item) => {
    const seq = readCount(item, 'seq')
    return seq ? { seq, item: isItem(item) ? item : undefined } : []
  })
}

function isItem(item: unknown): item is Item {
  const { by, code, part } = fields(item)
  const { type, choices } = fields(part)
  const text = readText(TEXT_OF, `${type}`)
  const isPart = text && isText(part, text) && (type !== 'choices' || Array.isArray(choices))
  const isKnown = by === 'system' ? CODES.includes(`${code}`) : (by === 'us' || by === 'visitor') && !!isPart
  return isKnown && isText(item, 'id') && isCount(item, 'atMs')
}

const isSnapshot = (value: unknown): value is Snapshot =>
  isText(value, 'conversation') && isCount(value, 'head') && isCount(value, 'read')
