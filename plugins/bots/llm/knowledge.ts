/**
 * What the operator lets the model know, entry by entry.
 *
 * Any file will do that people can read, such as the one of a faq bot: of YAML what stands in `entries`, or else every
 * entry of its lists and maps, whatever its keys; of any other text every section with a heading, or every paragraph.
 * The model reads them as they stand.
 */
import { isMap, isNode, type Node, parseDocument, stringify } from 'yaml'
import type { ConfigProblem, SettingFile } from '#core'
import { beginningOf } from './characters.ts'

/** How long an entry is at most: what is longer becomes several. */
const MAX_ENTRY_CHARS = 2_000
/** The first line of an entry is repeated in each part of it, if it is no longer than this. */
const MAX_HEADING_CHARS = 200
/** Larger files would keep everything else waiting for too long while they are read. */
const MAX_CHARS = 2_000_000

export type KnowledgeFile = Pick<SettingFile, 'path' | 'text'>

export interface ReadKnowledge {
  readonly entries: readonly string[]
  /** Why it cannot be used. */
  readonly mistake?: Mistake | undefined
}
type Mistake = Pick<ConfigProblem, 'message' | 'instead' | 'at'>

/** What `check` has read, `setup` need not read again. */
const known = new WeakMap<KnowledgeFile, ReadKnowledge>()

/** Reads a file. Throws only what its `text` throws, when it is not UTF-8. */
export function readKnowledge(file: KnowledgeFile): ReadKnowledge {
  const read = known.get(file) ?? readNow(file)
  known.set(file, read)
  return read
}

function readNow(file: KnowledgeFile): ReadKnowledge {
  const { path, text } = file
  if (text.length > MAX_CHARS) {
    const instead = 'Keep only what customers ask for, or make two bots of it.'
    return { entries: [], mistake: { message: `The file has more than ${MAX_CHARS} characters.`, instead } }
  }
  const { entries, mistake } = /\.(ya?ml|json)$/i.test(path) ? readYaml(file) : { entries: sections(text) }
  if (mistake) return { entries: [], mistake }
  const whole = entries.flatMap((entry) => parts(entry.trim()))
  return whole.length > 0 ? { entries: whole } : { entries: [], mistake: { message: 'The file has nothing in it.' } }
}

function readYaml(file: KnowledgeFile): ReadKnowledge {
  // Looking for keys that are there twice, the parser would compare every one to every other.
  const document = parseDocument(file.text, { uniqueKeys: false })
  const wrong = (message: string, offset = 0) => ({ entries: [], mistake: { message, at: { file, offset } } })
  const [error] = document.errors
  if (error) {
    const [what = ''] = error.message.split(/:?\n/)
    return wrong(`This is no YAML. ${what.replace(/ at line .*/, '')}.`, error.pos[0])
  }
  const twice = keyTwice(document.contents)
  if (twice) return wrong(`"${twice}" is there twice.`, twice.range?.[0])
  return { entries: yamlEntries(document.toJS()) }
}

/** The first key of the entries that is there for the second time: only one of both would be found. */
function keyTwice(root: unknown): Node | undefined {
  if (!isMap(root)) return undefined
  const entries = root.get('entries', true)
  if (entries) return keyTwice(entries)
  const seen = new Set<string>()
  for (const { key } of root.items) {
    if (isNode(key) && seen.has(String(key))) return key
    seen.add(String(key))
  }
  return undefined
}

function yamlEntries(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map((entry) => stringify(entry))
  if (typeof value !== 'object' || value === null) return value === null ? [] : [String(value)]
  // A faq bot's file has more on top, such as synonyms, that answers nothing.
  if ('entries' in value) return yamlEntries(value.entries)
  return Object.entries(value).flatMap(([key, inner]) =>
    isListOfEntries(inner) ? inner.map((entry) => stringify({ [key]: entry })) : [stringify({ [key]: inner })],
  )
}

/** A list of texts is one entry, as an answer in several sentences is. */
function isListOfEntries(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.some((entry) => typeof entry === 'object' && entry !== null)
}

function sections(text: string): readonly string[] {
  return /^#{1,6} /m.test(text) ? text.split(/^(?=#{1,6} )/m) : text.split(/\n\s*\n/)
}

/** An entry in parts that are not too long, cut between lines where there are any, each with its first line as heading. */
function parts(entry: string): readonly string[] {
  if (entry.length <= MAX_ENTRY_CHARS) return entry === '' ? [] : [entry]
  const [first = ''] = entry.split('\n', 1)
  const heading = first.length <= MAX_HEADING_CHARS ? `${first}\n` : ''
  const found: string[] = []
  for (let rest = entry.slice(heading.length); rest !== ''; ) {
    const most = beginningOf(rest, MAX_ENTRY_CHARS - heading.length)
    const end = most.length === rest.length ? most.length : endIn(most)
    found.push(`${heading}${rest.slice(0, end)}`.trimEnd())
    rest = rest.slice(end)
  }
  return found
}

/** Where to cut: behind the last line, else the last sentence, else the last word, if that leaves at least half of it. */
function endIn(text: string): number {
  for (const end of [/\n(?=[^\n]*$)/, /[.!?。！？](?=[^.!?。！？]*$)/, / (?=[^ ]*$)/]) {
    const at = text.search(end)
    if (at >= text.length / 2) return at + 1
  }
  return text.length
}
