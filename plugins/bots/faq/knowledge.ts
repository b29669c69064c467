/** The knowledge file: questions in several wordings, and what is answered. */
import { hash } from 'node:crypto'
import { relative } from 'node:path'
import { isMap, LineCounter, type ParsedNode, parseDocument } from 'yaml'
import { type ConfigProblem, type Content, localized, type Say, type SettingFile, say, toParts, z } from '#core'
import { gistsBy } from './terms.ts'

const name = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'Names are small letters, digits and dashes, and begin with a letter.')
const words = z.string().regex(/[\p{L}\p{N}]/u, 'There is no word in it.')

const entry = z.strictObject({
  /** What it is called where several are offered. Left out: its first wording in the customer's language. */
  title: localized().optional(),
  group: z.string().optional(),
  questions: z.array(words).min(1),
  answer: say(),
})

const knowledge = z.strictObject({
  /** By name: the title, which customers may also say alone. */
  groups: z.record(name, localized()).default({}),
  /** Words and phrases that mean the same, a row of them each. */
  synonyms: z.array(z.array(words).min(2)).default([]),
  entries: z
    .record(name, entry)
    .refine((entries) => Object.keys(entries).length > 0, 'There is no entry. Write at least one.'),
})

export type Entry = z.output<typeof entry>
export type Knowledge = z.output<typeof knowledge>

/** Something wrong in the file. */
export type Mistake = Omit<ConfigProblem, 'path'>

/** What is read of a setting's file. */
export type KnowledgeFile = Pick<SettingFile, 'path' | 'text'>

export interface ReadKnowledge {
  /** There when there are no mistakes. */
  readonly knowledge?: Knowledge | undefined
  readonly mistakes: readonly Mistake[]
}

type Path = readonly (string | number)[]

/** A mistake before its place is looked up. */
interface Found {
  readonly path: Path
  /** It is about the key of the path, not about the value. */
  readonly isOfKey?: boolean | undefined
  /** Where it is, when the path does not say so. */
  readonly offset?: number | undefined
  readonly what: string
  /** Where the other half of it stands. */
  readonly other?: Path | undefined
  readonly instead?: string | undefined
}

/** More say nothing new, and each is looked up in a file that may be large. */
const MAX_MISTAKES = 50

/** Larger files would keep everything else waiting for too long while they are read. */
const MAX_CHARS = 4_000_000

/** What a bot uses need not be read again as long as the file is the same: by `setup` after `check`, or at a reload. */
const inUse = new Map<string, { readonly digest: string; readonly knowledge: WeakRef<Knowledge> }>()

/** Reads and checks a knowledge file. Never throws for what stands in it, unless it is not UTF-8. */
export function readKnowledge(file: KnowledgeFile): ReadKnowledge {
  const digest = hash('sha256', file.text)
  const before = inUse.get(file.path)
  const known = before?.digest === digest ? before.knowledge.deref() : undefined
  if (known) return { knowledge: known, mistakes: [] }
  const read = readNow(file)
  if (read.knowledge) inUse.set(file.path, { digest, knowledge: new WeakRef(read.knowledge) })
  return read
}

function readNow(file: KnowledgeFile): ReadKnowledge {
  const shown = relative(process.cwd(), file.path)
  if (file.text.length > MAX_CHARS) {
    const instead = 'Make two bots of it, and name both in the route.'
    return { mistakes: [{ message: `${shown} has more than ${MAX_CHARS} characters.`, instead }] }
  }
  const lines = new LineCounter()
  const document = parseDocument(file.text, { lineCounter: lines, version: '1.2', uniqueKeys: false })
  const shownPlace = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${shown}:${line}:${col}`
  }
  const placed = ({ path, isOfKey, offset, what, other, instead }: Found): Mistake => {
    const also = other ? ` (${shownPlace(offsetOf(document.contents, other))})` : ''
    const at = { file, offset: offset ?? offsetOf(document.contents, path, isOfKey) }
    return { message: `${what}${also}`, instead, at }
  }
  if (document.errors.length > 0) {
    const mistakes = document.errors.slice(0, MAX_MISTAKES).map(({ pos, message }) => {
      const [what = ''] = message.split(/:?\n/)
      return { message: `This is no YAML. ${what.replace(/ at line .*/, '')}.`, at: { file, offset: pos[0] } }
    })
    return { mistakes }
  }
  const twice = entriesTwice(document.contents)
  const written: unknown = document.toJS()
  const parsed = knowledge.safeParse(written)
  const found = parsed.success ? mistakesIn(parsed.data) : parsed.error.issues.map((issue) => inWords(issue, written))
  const mistakes = [...twice, ...found].slice(0, MAX_MISTAKES).map(placed)
  return { knowledge: mistakes.length === 0 ? parsed.data : undefined, mistakes }
}

/** Where a value or its key stands; where the nearest one above it does, when it is not there. */
function offsetOf(root: ParsedNode | null, path: Path, isOfKey = false): number {
  let node: unknown = root
  let offset = offsetIn(root) ?? 0
  for (const [i, step] of path.entries()) {
    const pair = isMap(node) ? node.items.find(({ key }) => String(key) === String(step)) : undefined
    if (isOfKey && i === path.length - 1) return offsetIn(pair?.key) ?? offset
    node = pair ? pair.value : itemOf(node, step)
    offset = offsetIn(node) ?? offset
  }
  return offset
}

function itemOf(node: unknown, step: string | number): unknown {
  if (typeof node !== 'object' || node === null || !('items' in node) || !Array.isArray(node.items)) return undefined
  return node.items[Number(step)]
}

function offsetIn(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined
  return typeof node.range[0] === 'number' ? node.range[0] : undefined
}

/** What the parser is told not to look for, since it would compare every key to every other. */
function entriesTwice(root: ParsedNode | null): readonly Found[] {
  const map = isMap(root) ? root.get('entries', true) : undefined
  if (!isMap(map)) return []
  const seen = new Set<string>()
  return map.items.flatMap(({ key }) => {
    const name = String(key)
    if (seen.has(name)) {
      const what = `The entry "${name}" is there twice.`
      return [{ path: ['entries', name], offset: offsetIn(key), what, instead: 'Give one of them another name.' }]
    }
    seen.add(name)
    return []
  })
}

const WANTED: { readonly [type: string]: string } = {
  array: 'a list',
  string: 'a text',
  record: 'a map',
  object: 'a map',
}

/** What zod has against the file, in the words of who writes it. */
function inWords(issue: z.core.$ZodIssue, written: unknown): Found {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? step.toString() : step))
  const last = path.at(-1)
  const of = last === undefined ? 'A knowledge file' : typeof last === 'number' ? 'A list' : `"${last}"`
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const known = Object.keys((path.length === 0 ? knowledge : entry).shape).join(', ')
    return { path: [...path, key], isOfKey: true, what: `${of} has no "${key}".`, instead: `It takes: ${known}.` }
  }
  if (last !== undefined && valueAt(written, path) === undefined) {
    return { path: path.slice(0, -1), isOfKey: true, what: `${of} is missing.` }
  }
  if (issue.code === 'invalid_key') {
    return { path, isOfKey: true, what: `${of} cannot be a name.`, instead: issue.issues[0]?.message }
  }
  if (issue.code === 'invalid_type') {
    return { path, what: `${of} wants ${WANTED[issue.expected] ?? issue.expected} here.` }
  }
  if (issue.code === 'too_small') return { path, what: `${of} needs at least ${issue.minimum} here.` }
  if (issue.code === 'invalid_union') {
    return { path, what: `${of} is neither a text, nor one for each language, nor parts such as a picture.` }
  }
  return { path, what: `${of} is not right: ${issue.message}` }
}

function valueAt(written: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null) return undefined
    return new Map<unknown, unknown>(Object.entries(value)).get(String(step))
  }, written)
}

// ── what only shows in the whole ────────────────────────────────────────────────────────────

function mistakesIn(knowledge: Knowledge): readonly Found[] {
  return [...namesIn(knowledge), ...synonymsTwice(knowledge), ...questionsTwice(knowledge)]
}

function namesIn({ groups, entries }: Knowledge): readonly Found[] {
  const known = new Set([...Object.keys(groups), ...Object.keys(entries)])
  const isBoth = Object.keys(groups).filter((group) => Object.hasOwn(entries, group))
  return [
    ...isBoth.map((both) => ({
      path: ['groups', both],
      isOfKey: true,
      what: `"${both}" is a group and an entry.`,
      instead: 'Give one of them another name.',
    })),
    ...Object.entries(entries).flatMap(([name, { group, answer }]) => [
      ...(group === undefined || Object.hasOwn(groups, group)
        ? []
        : [
            {
              path: ['entries', name, 'group'],
              what: `There is no group "${group}".`,
              instead: `Add it under groups:, or write one of ${Object.keys(groups).join(', ')}.`,
            },
          ]),
      ...choicesIn(answer)
        .filter((choice) => !known.has(choice))
        .map((choice) => ({
          path: ['entries', name, 'answer'],
          what: `The choice "${choice}" names no entry and no group, so a click on it would not be understood.`,
          instead: 'Write the name of the entry that answers it as its id.',
        })),
    ]),
  ]
}

/** The ids of all choices that are shown with an answer, in whatever language. */
function choicesIn(answer: Say): readonly string[] {
  return contentsOf(answer).flatMap((content) =>
    toParts(content).flatMap((part) => (part.type === 'choices' ? part.choices.map(({ id }) => id) : [])),
  )
}

function contentsOf(answer: Say): readonly Content[] {
  return typeof answer === 'string' || isContent(answer) ? [answer] : Object.values(answer)
}

function isContent(answer: Say): answer is Content {
  return Array.isArray(answer) || (typeof answer === 'object' && 'type' in answer)
}

function synonymsTwice({ synonyms }: Knowledge): readonly Found[] {
  const gistOf = gistsBy([])
  const rows = new Map<string, number>()
  return synonyms.flatMap((row, i) =>
    row.flatMap((phrase, k) => {
      const said = gistOf(phrase)
      const other = rows.get(said) ?? i
      rows.set(said, other)
      if (other === i) return []
      const what = `"${phrase}" is also in the row that begins with "${synonyms[other]?.[0]}"; only that one counts.`
      return [{ path: ['synonyms', i, k], what, instead: 'Keep it in one of them, or make one row of both.' }]
    }),
  )
}

/** Questions of two entries that the bot cannot keep apart, and the same one twice in an entry. */
function questionsTwice({ entries, synonyms }: Knowledge): readonly Found[] {
  const gistOf = gistsBy(synonyms)
  const asked = new Map<string, { readonly name: string; readonly question: string; readonly path: Path }>()
  return Object.entries(entries).flatMap(([name, { questions }]) =>
    questions.flatMap((question, i) => {
      const gist = gistOf(question)
      const path = ['entries', name, 'questions', i]
      const other = asked.get(gist)
      if (!other) asked.set(gist, { name, question, path })
      if (!other || (other.name === name && other.question !== question)) return []
      const what =
        other.question === question
          ? `"${question}" is also a question of ${other.name}.`
          : `"${question}" says nearly the same as "${other.question}" of ${other.name}.`
      const instead = other.name === name ? 'Keep it once.' : 'Keep it in one of the two entries, or say more in each.'
      return [{ path, what, other: other.path, instead }]
    }),
  )
}
