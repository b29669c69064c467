/** What a schema wants at a place, in an operator's words. Read from the JSON Schema that zod makes of it. */
import { z } from 'zod'
import type { Path } from './checked.ts'
import { isRecord } from './read.ts'

/** The part of JSON Schema that zod writes, as far as it is read here. */
export interface SchemaNode {
  readonly [keyword: string]: unknown
}

/** Converting is slow, and a schema never changes. */
const converted = new WeakMap<z.ZodType, SchemaNode>()

/** The JSON Schema of what may be written; an empty one when the schema cannot be put into words. */
export function inputSchema(schema: z.ZodType): SchemaNode {
  const known = converted.get(schema)
  if (known) return known
  const made = convert(schema)
  converted.set(schema, made)
  return made
}

function convert(schema: z.ZodType): SchemaNode {
  try {
    return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  } catch {
    // A plugin's schema may be of a kind that has no JSON form; its problems are then told without it.
    return {}
  }
}

/** The schema of the value at a path. `value` is the whole, to choose among alternatives. */
export function schemaAt(root: SchemaNode, path: Path, value: unknown): SchemaNode {
  let nodes: readonly SchemaNode[] = [root]
  let here = value
  for (const step of path) {
    const whole = here
    nodes = nodes.flatMap((node) => alternatives(root, node, whole)).flatMap((node) => childrenOf(node, step))
    here = isRecord(here) || Array.isArray(here) ? Reflect.get(here, step) : undefined
  }
  // What a function of schema.ts makes is told by its mark, whatever it consists of.
  nodes = nodes.flatMap((node) => alternatives(root, node, here, 'whole'))
  if (nodes.length > 1) return { anyOf: nodes }
  return nodes[0] ?? {}
}

/**
 * The members of a union that a value could be meant for; all of them when it fits none. What a function of schema.ts
 * makes may be one of them as a whole, or what it consists of.
 */
function alternatives(
  root: SchemaNode,
  node: SchemaNode,
  value: unknown,
  marked: 'whole' | 'inside' = 'inside',
): readonly SchemaNode[] {
  if (marked === 'whole' && markOf(node)) return [node]
  const reference = node.$ref
  if (typeof reference === 'string') {
    const target = reference
      .split('/')
      .slice(1)
      .reduce<unknown>((at, step) => (isRecord(at) ? at[step] : undefined), root)
    return isRecord(target) && target !== node ? alternatives(root, target, value, marked) : []
  }
  const union = nodesIn(node.anyOf ?? node.oneOf)
  if (union.length === 0) return [node]
  const fitting = union.filter((one) => couldBe(one, value))
  return (fitting.length > 0 ? fitting : union).flatMap((one) => alternatives(root, one, value, marked))
}

/** Whether a value has this shape at its outside: its type, and the constants that tell union members apart. */
function couldBe(node: SchemaNode, value: unknown): boolean {
  const { type } = node
  if (type === 'object' && isRecord(value)) {
    return Object.entries(isRecord(node.properties) ? node.properties : {}).every(
      ([key, child]) => !isRecord(child) || couldSay(child, value[key]),
    )
  }
  return (type === 'array' && Array.isArray(value)) || type === typeof value || type === undefined
}

function couldSay({ const: constant, enum: choices }: SchemaNode, value: unknown): boolean {
  if (constant !== undefined) return constant === value
  return value === undefined || !Array.isArray(choices) || choices.includes(value)
}

function childrenOf(node: SchemaNode, step: string | number): readonly SchemaNode[] {
  const properties = node.properties
  const child = isRecord(properties) && Object.hasOwn(properties, step) ? properties[step] : undefined
  const other = typeof step === 'number' ? node.items : node.additionalProperties
  return [child ?? other].filter(isRecord)
}

function nodesIn(value: unknown): readonly SchemaNode[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

/** The keys that a map may have. */
export function knownKeys(node: SchemaNode): readonly string[] {
  const union = nodesIn(node.anyOf ?? node.oneOf)
  const properties = node.properties
  return [...new Set([...(isRecord(properties) ? Object.keys(properties) : []), ...union.flatMap(knownKeys)])]
}

/** The maps among the alternatives of a schema. */
export function mapsIn(node: SchemaNode): readonly SchemaNode[] {
  const union = nodesIn(node.anyOf ?? node.oneOf)
  if (union.length > 0) return union.flatMap(mapsIn)
  return isRecord(node.properties) ? [node] : []
}

/** The keys that a map must have. */
export function requiredKeys({ required }: SchemaNode): readonly string[] {
  return Array.isArray(required) ? required.map(String) : []
}

/** What the author says of the setting. */
export function aboutIt(node: SchemaNode): string | undefined {
  return typeof node.description === 'string' ? node.description : undefined
}

/** Which function of `schema.ts` the setting is made with. */
export function markOf(node: SchemaNode): string | undefined {
  return typeof node.switchboard === 'string' ? node.switchboard : undefined
}

/** Singular and plural of what these marks stand for. */
const MARKS: ReadonlyMap<string, readonly [one: string, many: string]> = new Map(
  Object.entries({
    duration: ['a duration such as 10m', 'durations such as 10m'],
    size: ['a size such as 2MB', 'sizes such as 2MB'],
    secret: [`a variable such as \${NAME}`, `variables such as \${NAME}`],
    say: ['a text (or one for each language)', 'texts'],
    content: ['a text', 'texts'],
    localized: ['a text (or one for each language)', 'texts'],
    hours: ['the name of opening hours', 'names of opening hours'],
    file: ['the path of a file', 'paths of files'],
    cron: ['a cron expression or an interval', 'cron expressions or intervals'],
    language: ['a language such as zh-CN', 'languages such as zh-CN'],
    'time zone': ['a time zone such as Asia/Shanghai', 'time zones'],
    times: ['times such as "09:00-18:00"', 'times such as "09:00-18:00"'],
    keyword: ['a word', 'words'],
    name: ['a name', 'names'],
    channel: ['the name of a channel', 'names of channels'],
    bot: ['the name of a bot', 'names of bots'],
    desk: ['the name of a desk', 'names of desks'],
    team: ['the name of a team', 'names of teams'],
    person: ['the name of a person', 'names of people'],
    identity: ['the name of an identity', 'names of identities'],
  } as const),
)

/** Marks of texts that name something else: a number in quotes would be no better there. */
export const NAMES: ReadonlySet<unknown> = new Set([
  'name',
  'channel',
  'bot',
  'desk',
  'team',
  'person',
  'identity',
  'hours',
  'file',
])

const TYPES: ReadonlyMap<unknown, readonly [one: string, many: string]> = new Map(
  Object.entries({
    string: ['a text', 'texts'],
    number: ['a number', 'numbers'],
    integer: ['a whole number', 'whole numbers'],
    boolean: ['true or false', 'true or false'],
    null: ['nothing', 'nothing'],
  } as const),
)

/** `a list of texts`. */
export function inWords(node: SchemaNode): string {
  return words(node, 0, 0)
}

function words(node: SchemaNode, form: 0 | 1, depth: number): string {
  const mark = MARKS.get(markOf(node) ?? '')
  if (mark) return mark[form]
  if (depth > 3) return form === 0 ? 'a value' : 'values'
  if (node.const !== undefined) return String(node.const)
  const choices = node.enum
  if (Array.isArray(choices)) return choices.length > 1 ? `one of ${choices.join(', ')}` : String(choices[0])
  const union = nodesIn(node.anyOf ?? node.oneOf)
  if (union.length > 0) return [...new Set(union.map((one) => words(one, form, depth + 1)))].join(' or ')
  if (node.type === 'array') {
    const list = form === 0 ? 'a list' : 'lists'
    return isTold(node.items) ? `${list} of ${words(node.items, 1, depth + 1)}` : list
  }
  if (node.type === 'object') {
    const other = node.additionalProperties
    const map = form === 0 ? 'a map' : 'maps'
    if (isRecord(other)) return isTold(other) ? `${map} of ${words(other, 1, depth + 1)}` : map
    const keys = knownKeys(node)
    if (form === 1) return 'maps'
    return keys.length > 0 && keys.length <= 4 ? `a map with ${keys.join(', ')}` : 'a map of settings'
  }
  return TYPES.get(node.type)?.[form] ?? (form === 0 ? 'a value' : 'values')
}

/** Whether a schema says anything about the value. */
function isTold(node: unknown): node is SchemaNode {
  return isRecord(node) && Object.keys(node).length > 0
}
