/**
 * Reads the YAML: bytes → document → plain values that remember where each key and value stands. Nothing is read from
 * a document with errors; variables (`${NAME}`) are looked up on the parsed scalars, never in the text.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, relative, resolve, sep } from 'node:path'
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  visit,
} from 'yaml'
import { messageOf } from '../errors.ts'
import type { Path } from './checked.ts'
import { hiddenIn, SECRET_KEY } from './hidden.ts'
import { type Finding, found } from './problems.ts'
import { syntaxFindings } from './syntax.ts'

/** The largest YAML that is read. */
export const MAX_BYTES = 1024 * 1024
/** How many values a file may have, aliases filled in. */
export const MAX_VALUES = 50_000
/** How deeply it may nest. */
const MAX_DEPTH = 100

/** A piece of one line, in UTF-16 units; lines and columns are counted from 1. */
export interface Span {
  readonly line: number
  readonly column: number
  readonly length: number
}

/** From one offset in the text to another. */
export interface Range {
  readonly from: number
  readonly to: number
}

interface Place {
  /** Of items in a list: none. */
  readonly key: Span | undefined
  readonly value: Span
  /** All of the value, over several lines if it has them. */
  readonly range: Range
  /** A scalar as it is written, without its quotes' escapes undone. */
  readonly source: string | undefined
  /** The name in `${NAME}`. */
  readonly variable: string | undefined
}

/** The document as plain values, and where each of them stands. */
export interface YamlFile {
  /** Absolute. */
  readonly path: string
  /** As problems show it: from the working directory. */
  readonly shown: string
  readonly folder: string
  readonly text: string
  /** SHA-256 of the text, in hex. */
  readonly hash: string
  readonly value: { readonly [key: string]: unknown }
  /** The value at a path, if there is one. */
  get(path: Path): unknown
  /** The key at a path, if it has one; else the nearest place above it. */
  keyAt(path: Path): Span
  /** The value at a path; else the key of the nearest one above it. */
  valueAt(path: Path): Span
  /** The scalar at a path as it is written. */
  sourceAt(path: Path): string | undefined
  /** The name of the variable that the value at this path comes from. */
  variableAt(path: Path): string | undefined
  /** Every variable that is used, with the paths. */
  readonly variables: readonly { readonly name: string; readonly path: Path }[]
  /** All of the value at a path. */
  rangeAt(path: Path): Range | undefined
  /** Values that a look at the file must not show, because their key sounds secret. */
  readonly hidden: readonly Range[]
}

/** Something wrong at a place (none: with the file as a whole). */
export interface Placed {
  readonly finding: Finding
  readonly span: Span | undefined
  readonly path: Path
  /** Whether the value at `path` must not be shown. */
  readonly isSecret?: boolean | undefined
  /** Where to read more. */
  readonly readme?: string | undefined
  /** The file that the span is in, when that is not the YAML. */
  readonly inFile?: { readonly shown: string; readonly text: string } | undefined
  /** Nothing is wrong, it is only told. */
  readonly isNote?: boolean | undefined
}

export type Read =
  | { readonly ok: true; readonly file: YamlFile; readonly problems: readonly Placed[] }
  | {
      readonly ok: false
      readonly shown: string
      readonly text: string
      readonly hidden: readonly Range[]
      readonly problems: readonly Placed[]
    }

/** Reads the file at `path`. Never throws: what cannot be read is a problem. */
export async function readYaml(path: string, env: Environment): Promise<Read> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    return refused(showPath(path), '', whole(unreadable(showPath(path), error)))
  }
  return readBytes(path, bytes, env)
}

export interface Environment {
  readonly [name: string]: string | undefined
}

/** Why a file could not be read. */
export function unreadable(file: string, error: unknown): Finding {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return found('CONFIG_NO_FILE', { file })
  const because =
    code === 'EISDIR' ? 'it is a folder' : code === 'EACCES' ? 'this user may not read it' : messageOf(error)
  return found('CONFIG_UNREADABLE', { file, because })
}

/** Reads what stands in a file. `path` is only named, not opened. */
export function readBytes(path: string, bytes: Uint8Array, env: Environment): Read {
  const shown = showPath(path)
  if (bytes.length > MAX_BYTES) {
    const size = `${(bytes.length / 1024 / 1024).toFixed(1)} MB`
    return refused(shown, '', whole(found('CONFIG_TOO_BIG', { size, limit: `${MAX_BYTES / 1024 / 1024} MB` })))
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const { readable, byte, span } = firstBadByte(bytes)
    return refused(shown, readable, { finding: found('CONFIG_NOT_UTF8', { byte }), span, path: [] })
  }
  try {
    return parse(path, shown, text, env)
  } catch (error) {
    // Thousands of open brackets end the parser's own stack.
    if (!(error instanceof RangeError)) throw error
    return refused(shown, text, whole(found('CONFIG_TOO_DEEP', {})))
  }
}

function parse(path: string, shown: string, text: string, env: Environment): Read {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    merge: true,
    prettyErrors: false,
    // Found here, with both places, and without comparing every key to every other.
    uniqueKeys: false,
  })
  const walk = new Walk(text, lines, document, env)
  const syntax = syntaxFindings(document, text)
  if (syntax.length > 0) {
    return refused(
      shown,
      text,
      ...syntax.map(({ finding, from, to }) => ({ finding, span: walk.span(from, to), path: [] })),
    )
  }
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
    const what = `The file says that it is YAML ${document.directives.yaml.version}; it is read as YAML 1.2.`
    return refused(shown, text, {
      finding: found('CONFIG_YAML', { what, instead: 'Take the line that begins with %YAML away.' }),
      span: walk.span(0, text.indexOf('\n')),
      path: [],
    })
  }
  const value = walk.all()
  if (walk.broken.length > 0) {
    return { ok: false, shown, text, hidden: walk.hidden, problems: walk.broken }
  }
  if (value === null || value === undefined) return refused(shown, text, whole(found('CONFIG_EMPTY', {})))
  if (!isRecord(value)) {
    const what = 'The file is no map of sections.'
    return refused(shown, text, {
      finding: found('CONFIG_YAML', {
        what,
        instead: 'Begin with  server:  channels:  routes:  at the start of a line.',
      }),
      span: walk.places.get(keyOf([]))?.value,
      path: [],
    })
  }
  const absolute = resolve(path)
  const place = (at: Path): Place | undefined => walk.places.get(keyOf(at))
  const above = (at: Path): Span => {
    for (let length = at.length; length >= 0; length--) {
      const there = place(at.slice(0, length))
      if (there) return there.key ?? there.value
    }
    return { line: 1, column: 1, length: 1 }
  }
  return {
    ok: true,
    problems: walk.problems,
    file: {
      path: absolute,
      shown,
      folder: dirname(absolute),
      text,
      hash: createHash('sha256').update(text).digest('hex'),
      value,
      get: (at) => getIn(value, at),
      keyAt: above,
      valueAt: (at) => place(at)?.value ?? above(at),
      rangeAt: (at) => place(at)?.range,
      sourceAt: (at) => place(at)?.source,
      variableAt: (at) => place(at)?.variable,
      variables: walk.variables,
      hidden: walk.hidden,
    },
  }
}

function refused(shown: string, text: string, ...problems: readonly Placed[]): Read {
  return { ok: false, shown, text, hidden: hiddenIn(text), problems }
}

function whole(finding: Finding): Placed {
  return { finding, span: undefined, path: [] }
}

/** A path from the working directory, with forward slashes; one that lies outside stays absolute. */
export function showPath(path: string): string {
  const from = relative(process.cwd(), resolve(path))
  return (from.startsWith('..') || from === '' ? resolve(path) : from).split(sep).join('/')
}

const VARIABLE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/
const VARIABLE_INSIDE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/
/** YAML 1.1 reads these as true and false, and other tools that touch the file still do. */
const NOT_AS_KEY = new Set(['on', 'off', 'yes', 'no'])

class Walk {
  readonly places = new Map<string, Place>()
  readonly variables: { name: string; path: Path }[] = []
  readonly hidden: Range[] = []
  /** What lets the rest be checked all the same. */
  readonly problems: Placed[] = []
  /** After these, nothing is read from the document. */
  readonly broken: Placed[] = []
  readonly #text: string
  readonly #lines: LineCounter
  readonly #document: Document
  readonly #env: Environment
  readonly #open = new Set<unknown>()
  /** What each alias stands for: the last anchor of its name before it. */
  readonly #targets = new Map<unknown, Node>()
  /** The alias that is being filled in, with all those inside. */
  #outermost: { readonly span: Span; readonly path: Path } | undefined
  #values = 0

  constructor(text: string, lines: LineCounter, document: Document, env: Environment) {
    this.#text = text
    this.#lines = lines
    this.#document = document
    this.#env = env
  }

  /** From one offset to another, cut at the end of the line. */
  span(start: number, end: number): Span {
    const from = Math.max(0, Math.min(start, this.#text.length))
    const { line, col } = this.#lines.linePos(from)
    const newline = this.#text.indexOf('\n', from)
    const lineEnd = newline < 0 ? this.#text.length : newline
    const cut = this.#text.slice(from, Math.min(end, lineEnd)).trimEnd().length
    return { line: Math.max(line, 1), column: Math.max(col, 1), length: Math.max(cut, 1) }
  }

  #spanOf(node: unknown): Span {
    // A map in block style begins with its first key, which is enough to find it.
    const first = isMap(node) && !node.flow ? node.items[0]?.key : node
    const { from, to } = rangeOf(first)
    return this.span(from, to)
  }

  /** The plain value of the whole document. */
  all(): unknown {
    const anchors = new Map<string, Node>()
    visit(this.#document, {
      Node: (_, node) => {
        if (isAlias(node)) {
          const target = anchors.get(node.source)
          if (target) this.#targets.set(node, target)
        } else if (node.anchor) {
          anchors.set(node.anchor, node)
        }
      },
    })
    return this.#value(this.#document.contents, [], 0)
  }

  /** The plain value of a node; notes the place of everything in it. */
  #value(node: unknown, path: Path, depth: number, key?: Span): unknown {
    if (this.#values++ > MAX_VALUES) {
      if (this.#values === MAX_VALUES + 2) {
        const details = { limit: MAX_VALUES, hasAliases: this.#outermost !== undefined }
        const { span, path: at } = this.#outermost ?? { span: key ?? this.#spanOf(node), path }
        this.#break(found('CONFIG_TOO_MANY_VALUES', details), span, at)
      }
      return null
    }
    if (depth > MAX_DEPTH) {
      if (this.broken.length === 0) this.#break(found('CONFIG_TOO_DEEP', {}), key ?? this.#spanOf(node), path)
      return null
    }
    if (isAlias(node)) return this.#alias(node, path, depth, key)
    const span = this.#spanOf(node)
    this.places.set(keyOf(path), {
      key,
      value: span,
      range: rangeOf(node),
      source: sourceOf(node),
      variable: undefined,
    })
    if (isMap(node)) return this.#map(node.items, path, depth)
    if (isSeq(node)) return node.items.map((item, index) => this.#value(item, [...path, index], depth + 1))
    return isScalar(node) ? this.#scalar(node, span, path, key) : null
  }

  #alias(node: Alias, path: Path, depth: number, key: Span | undefined): unknown {
    const target = this.#targets.get(node)
    if (target === undefined || this.#open.has(target)) {
      const what = target
        ? `*${node.source} stands inside its own anchor.`
        : `There is no anchor &${node.source} before this.`
      const instead = 'Write the value out. (A text that begins with * belongs in quotes.)'
      this.#break(found('CONFIG_YAML', { what, instead }), this.#spanOf(node), path)
      return null
    }
    const outermost = this.#outermost
    this.#outermost ??= { span: this.#spanOf(node), path }
    this.#open.add(target)
    const value = this.#value(target, path, depth + 1, key)
    this.#open.delete(target)
    this.#outermost = outermost
    return value
  }

  #map(items: readonly Pair[], path: Path, depth: number): unknown {
    const map: { [key: string]: unknown } = {}
    const seen = new Map<string, number>()
    const merges: unknown[] = []
    for (const item of items) {
      const span = this.#spanOf(item.key)
      const key = this.#keyOf(item.key, span, path)
      if (key === undefined) continue
      if (key === '<<' && isScalar(item.key) && item.key.type === Scalar.PLAIN) {
        merges.push(item.value)
        continue
      }
      const first = seen.get(key)
      if (first !== undefined) {
        this.#break(found('CONFIG_DUPLICATE_KEY', { key, line: first }), span, [...path, key])
        continue
      }
      seen.set(key, span.line)
      map[key] = this.#value(item.value, [...path, key], depth + 1, span)
    }
    for (const merge of merges) this.#merge(merge, map, path, depth)
    return map
  }

  /** `<<: *base`: the keys of another map that this one has not. */
  #merge(node: unknown, into: { [key: string]: unknown }, path: Path, depth: number): void {
    const target = isAlias(node) ? this.#targets.get(node) : node
    if (isSeq(target)) {
      for (const item of target.items) this.#merge(item, into, path, depth + 1)
      return
    }
    if (!isMap(target) || this.#open.has(target) || depth > MAX_DEPTH) {
      const what = 'What stands after << is no map.'
      this.#break(
        found('CONFIG_YAML', { what, instead: 'Write  <<: *name  with the anchor of a map.' }),
        this.#spanOf(node),
        path,
      )
      return
    }
    this.#open.add(target)
    for (const item of target.items) {
      const span = this.#spanOf(item.key)
      const key = this.#keyOf(item.key, span, path)
      if (key === '<<') this.#merge(item.value, into, path, depth + 1)
      else if (key !== undefined && !Object.hasOwn(into, key)) {
        into[key] = this.#value(item.value, [...path, key], depth + 1, span)
      }
    }
    this.#open.delete(target)
  }

  /** The key as a text; `undefined` when it is none, which is a problem. */
  #keyOf(node: unknown, span: Span, path: Path): string | undefined {
    const resolved = isAlias(node) ? this.#targets.get(node) : node
    if (!isScalar(resolved)) {
      const what = 'This key is no text.'
      const instead = 'Write a word and a colon. (A text with brackets, or one that begins with ?, belongs in quotes.)'
      this.#break(found('CONFIG_YAML', { what, instead }), span, path)
      return undefined
    }
    const key = typeof resolved.value === 'string' ? resolved.value : (resolved.source ?? String(resolved.value))
    const isPlain = resolved.type === Scalar.PLAIN
    if (isPlain && NOT_AS_KEY.has(key.toLowerCase())) {
      const because = 'other YAML tools read it as true or false'
      const instead = `Write it in quotes ("${key}":), or choose another word.`
      this.problems.push({ finding: found('CONFIG_BAD_KEY', { key, because, instead }), span, path: [...path, key] })
    } else if (key === '__proto__') {
      const because = 'the word has a meaning of its own in programs'
      this.#break(found('CONFIG_BAD_KEY', { key, because, instead: 'Choose another word.' }), span, path)
      return undefined
    } else if (resolved.value === null) {
      this.#break(
        found('CONFIG_YAML', { what: 'A key is missing before the colon.', instead: 'Write  name: value.' }),
        span,
        path,
      )
      return undefined
    }
    return key
  }

  #scalar(node: Scalar, span: Span, path: Path, key: Span | undefined): unknown {
    const { value } = node
    const name = typeof value === 'string' ? VARIABLE.exec(value)?.[1] : undefined
    if (name !== undefined) {
      this.places.set(keyOf(path), { key, value: span, range: rangeOf(node), source: sourceOf(node), variable: name })
      this.variables.push({ name, path })
      const set = this.#env[name]
      if (set !== undefined && set !== '') return set
      return undefined
    }
    if (value !== null && path.slice(2).some((step) => typeof step === 'string' && SECRET_KEY.test(step))) {
      this.hidden.push(rangeOf(node))
    }
    if (typeof value !== 'string' || !value.includes('${')) return value
    const inside = VARIABLE_INSIDE.exec(value)?.[1]
    const isBad = /^\$\{[^}]*\}$/.test(value)
    if (inside === undefined && !isBad) return value
    const finding =
      inside === undefined
        ? found('CONFIG_BAD_VARIABLE', { text: value })
        : found('CONFIG_VARIABLE_INSIDE', { name: inside })
    this.problems.push({ finding, span, path })
    // Whatever else is wrong with it is not worth telling.
    this.places.set(keyOf(path), { key, value: span, range: rangeOf(node), source: undefined, variable: inside ?? '' })
    return undefined
  }

  #break(finding: Finding, span: Span, path: Path): void {
    this.broken.push({ finding, span, path })
  }
}

function sourceOf(node: unknown): string | undefined {
  return isScalar(node) ? (node.source ?? undefined) : undefined
}

function rangeOf(node: unknown): Range {
  return hasRange(node) ? { from: node.range[0], to: node.range[1] } : { from: 0, to: 0 }
}

function hasRange(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
}

/** Whether a value is a map of the YAML. */
export function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function getIn(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (Array.isArray(at)) at = at[Number(step)]
    else if (isRecord(at) && Object.hasOwn(at, step)) at = at[step]
    else return undefined
  }
  return at
}

function keyOf(path: Path): string {
  return JSON.stringify(path)
}

/** The text up to the first byte that is not UTF-8, and where that byte stands. */
function firstBadByte(bytes: Uint8Array): { readable: string; byte: number; span: Span } {
  // The decoder tells no position; a stream of it stops at the first piece that is wrong.
  let low = 0
  let high = bytes.length
  while (low + 1 < high) {
    const middle = (low + high) >> 1
    if (isUtf8Start(bytes.subarray(0, middle))) low = middle
    else high = middle
  }
  const readable = new TextDecoder('utf-8').decode(bytes.subarray(0, low)).replace(/\uFFFD$/, '')
  const line = readable.split('\n').length
  const column = readable.length - (readable.lastIndexOf('\n') + 1) + 1
  return { readable: `${readable}\uFFFD`, byte: bytes[low] ?? 0, span: { line, column, length: 1 } }
}

function isUtf8Start(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
