/** Turns what zod has against some settings into findings, each at its place in the YAML. */
import { z } from 'zod'
import type { Path } from './checked.ts'
import {
  aboutIt,
  inputSchema,
  inWords,
  knownKeys,
  mapsIn,
  markOf,
  NAMES,
  requiredKeys,
  type SchemaNode,
  schemaAt,
} from './expects.ts'
import { SECRET_KEY } from './hidden.ts'
import { nearest } from './nearest.ts'
import { Finding, found } from './problems.ts'
import { isRecord, type Placed, type YamlFile } from './read.ts'

type Issue = z.core.$ZodIssue

/** Settings that were parsed: where they stand, and whose they are. */
export interface Parsed {
  readonly file: YamlFile
  /** Where the parsed value stands in the file. */
  readonly path: Path
  /** What was parsed. */
  readonly value: unknown
  readonly schema: z.ZodType
  /** Who wants it, as the operator would say: `wechat`, `A bot-first route`. */
  readonly owner: string
  /** Keys beside the schema's own, that are known too. */
  readonly coreKeys?: readonly string[]
  /** What to say to a key that is unknown here, when more can be said than its nearest name. */
  readonly elsewhere?: (key: string) => string | undefined
}

interface Leaf {
  readonly issue: Issue
  readonly path: Path
  /** Whether it is about the key at `path`, not the value. */
  readonly onKey: boolean
}

/** The findings of zod's issues, with paths from the top of the file. */
export function explainIssues(issues: readonly Issue[], parsed: Parsed): readonly Placed[] {
  const explain = new Explanation(parsed)
  return explain.all(issues)
}

class Explanation {
  readonly #of: Parsed
  readonly #root: SchemaNode

  constructor(parsed: Parsed) {
    this.#of = parsed
    this.#root = inputSchema(parsed.schema)
  }

  all(issues: readonly Issue[]): readonly Placed[] {
    const leaves = issues.flatMap((issue) => this.#leaves(issue, [], false))
    const missing = leaves.filter((leaf) => this.#isMissing(leaf))
    const placed: Placed[] = []
    const joined = new Set<Leaf>()
    for (const leaf of leaves) {
      if (leaf.issue.code !== 'unrecognized_keys') continue
      for (const key of leaf.issue.keys) placed.push(this.#unknownKey(leaf.path, key, missing, joined))
    }
    for (const leaf of leaves) {
      if (leaf.issue.code === 'unrecognized_keys' || joined.has(leaf)) continue
      const one = this.#explain(leaf)
      if (one) placed.push(one)
    }
    return placed
  }

  #valueAt(path: Path): unknown {
    return path.reduce<unknown>(
      (at, step) => (isRecord(at) || Array.isArray(at) ? Reflect.get(at, step) : undefined),
      this.#of.value,
    )
  }

  /** The issues that say something, out of unions and records. */
  #leaves(issue: Issue, prefix: Path, onKey: boolean): readonly Leaf[] {
    const path = [...prefix, ...issue.path.filter((step) => typeof step !== 'symbol')]
    if (issue.code === 'invalid_key') return issue.issues.flatMap((inner) => this.#leaves(inner, path, true))
    if (issue.code === 'invalid_element') return issue.issues.flatMap((inner) => this.#leaves(inner, path, false))
    if (issue.code === 'invalid_union' && issue.errors.length > 0 && this.#valueAt(path) !== undefined) {
      const meant = meantBranch(issue.errors, this.#valueAt(path))
      if (meant) return meant.flatMap((inner) => this.#leaves(inner, path, onKey))
    }
    return [{ issue, path, onKey }]
  }

  #isMissing({ issue, path, onKey }: Leaf): boolean {
    if (onKey || issue.code === 'custom' || path.length === 0) return false
    return this.#valueAt(path) === undefined && !this.#isVariable(path)
  }

  #isVariable(path: Path): boolean {
    return this.#of.file.variableAt([...this.#of.path, ...path]) !== undefined
  }

  #unknownKey(path: Path, key: string, missing: readonly Leaf[], joined: Set<Leaf>): Placed {
    const wanted = missing.filter((leaf) => samePath(leaf.path.slice(0, -1), path))
    const required = nearest(
      key,
      wanted.map((leaf) => String(leaf.path.at(-1))),
    )
    const apart = required ? undefined : this.#apart(path, key, schemaAt(this.#root, path, this.#of.value), wanted)
    if (apart) {
      for (const one of wanted) joined.add(one)
      const at = [...this.#of.path, ...path, key]
      return { finding: apart, span: this.#of.file.keyAt(at), path: at }
    }
    const leaf = wanted.find(({ path: at }) => String(at.at(-1)) === required)
    if (leaf) joined.add(leaf)
    const schema = schemaAt(this.#root, path, this.#of.value)
    const core = path.length === 0 ? (this.#of.coreKeys ?? []) : []
    const known = [...knownKeys(schema), ...core]
    const at = [...this.#of.path, ...path, key]
    const elsewhere = required ? undefined : this.#of.elsewhere?.(key)
    const details = { owner: this.#owner(path), key, nearest: required ?? nearest(key, known), known }
    const finding = found('CONFIG_UNKNOWN_KEY', { ...details, isRequired: required !== undefined })
    const meant = details.nearest
    return {
      finding: elsewhere ? new Finding(finding.code, { what: finding.what, instead: elsewhere }) : finding,
      span: this.#of.file.keyAt(at),
      path: at,
      isSecret: meant !== undefined && markOf(schemaAt(this.#root, [...path, meant], undefined)) === 'secret',
    }
  }

  /** What is wrong with a key where one of several maps may stand: it belongs to another than the rest, or to none. */
  #apart(path: Path, key: string, schema: SchemaNode, wanted: readonly Leaf[]): Finding | undefined {
    const maps = mapsIn(schema).map((map) => ({ keys: knownKeys(map), required: requiredKeys(map) }))
    if (maps.length < 2) return undefined
    const owner = this.#owner(path)
    const written = Object.keys(recordOf(this.#valueAt(path)))
    const own = maps.filter(({ keys }) => keys.includes(key))
    const beside = written.find((other) => maps.some(({ keys }) => keys.includes(other) && !keys.includes(key)))
    if (own.length > 0 && beside !== undefined && !own.some(({ keys }) => keys.includes(beside))) {
      const either = maps.filter(({ keys }) => keys.includes(key) || keys.includes(beside))
      return found('CONFIG_KEY_CLASH', { owner, key, beside, forms: either.map(({ keys }) => keys.join(', ')) })
    }
    const known = maps.flatMap(({ keys }) => keys)
    if (wanted.length === 0 || written.some((one) => known.includes(one))) return undefined
    const near = nearest(key, known)
    if (near !== undefined) return found('CONFIG_UNKNOWN_KEY', { owner, key, nearest: near, known, isRequired: true })
    const needs = [...new Set(maps.flatMap(({ required }) => required.slice(0, 1)))]
    return found('CONFIG_NEITHER_KEY', { owner, key, needs, forms: maps.map(({ keys }) => keys.join(', ')) })
  }

  /** `wechat`; deeper inside: `"people.amy" of desk`. */
  #owner(path: Path): string {
    return path.length === 0 ? this.#of.owner : `"${dotted(path)}" of ${lowerArticle(this.#of.owner)}`
  }

  #explain(leaf: Leaf): Placed | undefined {
    const { issue, path, onKey } = leaf
    const at = [...this.#of.path, ...path]
    const { file } = this.#of
    if (this.#isMissing(leaf)) return this.#missing(leaf)
    // A variable that is not set has a problem of its own.
    const value = this.#valueAt(path)
    if (value === undefined && this.#isVariable(path)) return undefined
    const span = onKey ? file.keyAt(at) : file.valueAt(at)
    const finding = this.#finding(issue, path, value)
    const isSecret = finding.code === 'CONFIG_LITERAL_SECRET'
    return { finding, span: value === null && !onKey ? file.keyAt(at) : span, path: at, isSecret }
  }

  #missing({ issue, path }: Leaf): Placed {
    const key = path.at(-1) ?? ''
    const parent = path.slice(0, -1)
    const schema = schemaAt(this.#root, path, this.#of.value)
    const expects = optionsOf(issue) ? `one of ${optionsOf(issue)?.join(', ')}` : inWords(schema)
    const about = aboutIt(schema)
    return {
      finding: found('CONFIG_MISSING_KEY', { owner: this.#owner(parent), key: String(key), expects, about }),
      span: this.#of.file.keyAt([...this.#of.path, ...parent]),
      path: [...this.#of.path, ...path],
    }
  }

  #finding(issue: Issue, path: Path, value: unknown): Finding {
    const schema = schemaAt(this.#root, path, this.#of.value)
    const key =
      path.findLast((step) => typeof step === 'string') ?? this.#of.path.findLast((step) => typeof step === 'string')
    const isListItem = typeof path.at(-1) === 'number'
    const name = String(key ?? '')
    if (issue.code === 'custom') {
      const custom = this.#custom(issue, path)
      // `secret()` does not know where it stands.
      return custom.code === 'CONFIG_LITERAL_SECRET' ? this.#literalSecret(name) : custom
    }
    if (value === null) {
      return found('CONFIG_NO_VALUE', { key: isListItem ? '-' : name, expects: `${inWords(schema)} after it` })
    }
    if (markOf(schema) === 'secret' && typeof value !== 'object' && !this.#isVariable(path)) {
      return this.#literalSecret(name)
    }
    const owner = this.#of.owner
    const shown = this.#show(value, path)
    const own = ownWords(issue)
    switch (issue.code) {
      case 'invalid_value': {
        const known = issue.values.map(String)
        if (typeof value === 'object') break
        return found('CONFIG_UNKNOWN_VALUE', { owner, found: shown, nearest: nearest(String(value), known), known })
      }
      case 'invalid_union': {
        const known = optionsOf(issue)
        if (!known || typeof value === 'object') break
        return found('CONFIG_UNKNOWN_VALUE', { owner, found: shown, nearest: nearest(String(value), known), known })
      }
      case 'too_small':
      case 'too_big':
        return withOwnWords(limit(issue, name, shown, this.#isRequired(path)), own)
      case 'not_multiple_of':
        return found('CONFIG_WRONG_VALUE', {
          what: `"${name}" is ${shown}.`,
          instead: `Write a multiple of ${issue.divisor}.`,
        })
      case 'invalid_format':
        return withOwnWords(badFormat(issue, name, shown, schema), own)
    }
    return found('CONFIG_WRONG_TYPE', {
      owner,
      expects: inWords(schema),
      found: shown,
      write: this.#write(schema, value, path, isListItem ? '-' : `${name}:`),
    })
  }

  #literalSecret(key: string): Finding {
    const instance = typeof this.#of.path[1] === 'string' ? this.#of.path[1] : ''
    return found('CONFIG_LITERAL_SECRET', { key, variable: variableFor(`${instance}-${key}`) })
  }

  #custom(issue: Issue & { code: 'custom' }, path: Path): Finding {
    const finding: unknown = issue.params?.finding
    if (finding instanceof Finding) return finding
    const owner = this.#owner(path)
    const isOwnWords = issue.message !== '' && issue.message !== 'Invalid input'
    return found('CONFIG_WRONG_VALUE', {
      what: isOwnWords ? `${this.#of.owner}: ${issue.message}` : `${owner} does not take what is written here.`,
      instead: undefined,
    })
  }

  #isRequired(path: Path): boolean {
    const parent = schemaAt(this.#root, path.slice(0, -1), this.#of.value)
    const { required } = parent
    return path.length === 0 || (Array.isArray(required) && required.includes(path.at(-1)))
  }

  /** What stands there, as in `this is the text "oSpammer1"`. Never a secret. */
  #show(value: unknown, path: Path): string {
    const variable = this.#of.file.variableAt([...this.#of.path, ...path])
    if (variable !== undefined) return `the text from \${${variable}}`
    const key = path.at(-1)
    const isSecret = typeof key === 'string' && SECRET_KEY.test(key)
    if (typeof value === 'string') return isSecret ? 'a text' : `the text "${shorten(value)}"`
    if (typeof value === 'number') return isSecret ? 'a number' : `the number ${this.#source(path) ?? value}`
    if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
    return typeof value === 'object' ? 'a map' : String(value)
  }

  #source(path: Path): string | undefined {
    const source = this.#of.file.sourceAt([...this.#of.path, ...path])
    return source === undefined || source.length > 60 ? undefined : source
  }

  /** The line as it should be, when it can be known. */
  #write(schema: SchemaNode, value: unknown, path: Path, key: string): string | undefined {
    const source = this.#source(path)
    const last = path.at(-1)
    const mark = markOf(schema)
    if (typeof value === 'number' && source && (mark === 'duration' || mark === 'size')) {
      const units = mark === 'duration' ? ['s', 'm'] : ['KB', 'MB']
      return `Write its unit too, as  ${key} ${source}${units[0]}  or  ${key} ${source}${units[1]}`
    }
    if (isRecord(value) && schema.type === 'array') return 'Begin each entry with a dash, as in  - …'
    if (source === undefined || (typeof last === 'string' && SECRET_KEY.test(last)) || source.includes('\n')) {
      if (Array.isArray(value) && schema.type === 'object') return 'Write names with a colon instead of the dashes.'
      return undefined
    }
    const wants = typesOf(schema)
    if (typeof value === 'string') {
      const isTrue = /^(yes|on|y)$/i.test(value)
      if (wants.has('boolean') && (isTrue || /^(no|off|n)$/i.test(value))) return `Write  ${key} ${isTrue}`
      const isNumber = /^-?\d+(\.\d+)?$/.test(value)
      if (isNumber && (wants.has('number') || wants.has('integer'))) return `Write  ${key} ${value}`
      if (wants.has('array') && /^-\S/.test(source)) return 'Write a space after each dash:  - one'
    } else if (takesText(schema) && (typeof value === 'number' || typeof value === 'boolean')) {
      return `Write  ${key} "${source}"`
    }
    if (wants.has('array') && isRecord(schema.items) && typesOf(schema.items).has(typeof value)) {
      return `Write  ${key} [${source}]`
    }
    return undefined
  }
}

/** The member of a union that was most likely meant; `undefined` when the value is of none of their types. */
function meantBranch(errors: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | undefined {
  let best: readonly Issue[] | undefined
  let bestScore = Number.POSITIVE_INFINITY
  for (const branch of errors) {
    const score = branchScore(branch, value)
    if (score < bestScore) {
      best = branch
      bestScore = score
    }
  }
  return bestScore >= WRONG_TYPE ? undefined : best
}

const WRONG_TYPE = 1000

function branchScore(branch: readonly Issue[], value: unknown): number {
  let score = 0
  for (const issue of branch) {
    const isRoot = issue.path.length === 0
    if (isRoot && (issue.code === 'invalid_type' || issue.code === 'invalid_value')) return WRONG_TYPE
    if (isRoot && issue.code === 'invalid_union') {
      const meant = meantBranch(issue.errors, value)
      if (!meant) return WRONG_TYPE
      score += branchScore(meant, value)
    } else if (optionsOf(issue)) {
      // Without the key that tells the members apart, probably none of them is meant; with a wrong one, surely one is.
      score += isRecord(value) && Object.hasOwn(value, String(issue.path.at(-1))) ? 0 : 100
    } else {
      score += issue.code === 'unrecognized_keys' ? issue.keys.length : 1
    }
  }
  return score
}

/** What the key that tells the members of a union apart may say. */
function optionsOf(issue: Issue): readonly string[] | undefined {
  return 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : undefined
}

function typesOf(schema: SchemaNode): ReadonlySet<unknown> {
  const union = schema.anyOf ?? schema.oneOf
  if (Array.isArray(union)) return new Set(union.filter(isRecord).flatMap((one) => [...typesOf(one)]))
  return new Set([schema.type])
}

/** Whether any text may stand there: not the name of something else. */
function takesText(schema: SchemaNode): boolean {
  const union = schema.anyOf ?? schema.oneOf
  if (NAMES.has(markOf(schema))) return false
  return Array.isArray(union) ? union.filter(isRecord).some(takesText) : schema.type === 'string'
}

/** What the author of the schema says to write, where it is not what zod says by itself. */
function ownWords(issue: Issue): string | undefined {
  const byItself = z.config().localeError?.({ ...issue, input: undefined })
  return issue.message === (typeof byItself === 'string' ? byItself : byItself?.message) ? undefined : issue.message
}

function withOwnWords(finding: Finding, own: string | undefined): Finding {
  return own === undefined ? finding : new Finding(finding.code, { what: finding.what, instead: own })
}

function recordOf(value: unknown): { readonly [key: string]: unknown } {
  return isRecord(value) ? value : {}
}

/** Too many or too few, too large or too small. */
function limit(
  issue: Issue & { code: 'too_small' | 'too_big' },
  key: string,
  shown: string,
  isRequired: boolean,
): Finding {
  const isTooSmall = issue.code === 'too_small'
  const edge = isTooSmall ? issue.minimum : issue.maximum
  const unit = COUNTED.get(issue.origin)
  if (unit === undefined) {
    const bound = issue.inclusive === false ? `${isTooSmall ? 'more' : 'less'} than ${edge}` : undefined
    const instead = `Write ${bound ?? `${edge} or ${isTooSmall ? 'more' : 'less'}`}.`
    return found('CONFIG_WRONG_VALUE', { what: `"${key}" is ${shown}.`, instead })
  }
  const orLeave = isRequired ? '.' : ', or take the line away.'
  if (isTooSmall && Number(edge) === 1) {
    return unit === 'characters'
      ? found('CONFIG_WRONG_VALUE', { what: `"${key}" is an empty text.`, instead: `Write the text${orLeave}` })
      : found('CONFIG_TOO_FEW', { what: `"${key}" is an empty list.`, instead: `Write at least one${orLeave}` })
  }
  const what = `"${key}" has too ${isTooSmall ? 'few' : 'many'} ${unit}.`
  return found('CONFIG_WRONG_VALUE', { what, instead: `Write at ${isTooSmall ? 'least' : 'most'} ${edge}.` })
}

/** What is counted of it; of numbers, nothing. */
const COUNTED: ReadonlyMap<string, string> = new Map([
  ['string', 'characters'],
  ['array', 'entries'],
  ['set', 'entries'],
  ['map', 'entries'],
])

/** What a text should look like, by zod's name for its format. */
const FORMATS: ReadonlyMap<string, readonly [what: string, example: string]> = new Map([
  ['url', ['an address', 'https://example.com/path']],
  ['email', ['an e-mail address', 'name@example.com']],
  ['uuid', ['a UUID', '123e4567-e89b-42d3-a456-426614174000']],
  ['ipv4', ['an IPv4 address', '10.0.0.5']],
  ['ipv6', ['an IPv6 address', '2001:db8::1']],
  ['datetime', ['a date with time', '2027-01-01T09:00:00Z']],
  ['date', ['a date', '2027-01-01']],
  ['time', ['a time', '09:00:00']],
])

function badFormat(issue: Issue & { code: 'invalid_format' }, key: string, shown: string, schema: SchemaNode): Finding {
  const [what = 'in the form that is wanted', example] = FORMATS.get(issue.format) ?? []
  const examples = Array.isArray(schema.examples) ? schema.examples : []
  const written = examples[0] ?? example
  const pattern = issue.pattern === undefined ? undefined : `It must match ${issue.pattern}`
  return found('CONFIG_WRONG_VALUE', {
    what: `"${key}" is ${shown}, which is not ${what}.`,
    instead: written === undefined ? pattern : `Write one such as ${String(written)}.`,
  })
}

/** `shop-wechat-appSecret` → `SHOP_WECHAT_APP_SECRET`. */
function variableFor(words: string): string {
  const name = words
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^[_0-9]+/, '')
  return name === '' ? 'MY_SECRET' : name.toUpperCase()
}

function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((step, index) => step === b[index])
}

function dotted(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('')
}

function lowerArticle(owner: string): string {
  return owner.replace(/^(A|An|The) /, (article) => article.toLowerCase())
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return [...line].length > 40 ? `${[...line].slice(0, 40).join('')}…` : line
}
