/**
 * The JSON Schema that editors check and complete the YAML by: the core's sections, and in every entry the settings of
 * the plugin that its `use` names. `npm run schema` writes it beside the YAML.
 */
import { z } from 'zod'
import { KIND_OF, loadPlugin, SECTIONS, type Section, shippedPlugins } from '../runtime/load.ts'
import type { SchemaNode } from './expects.ts'
import { Finding } from './problems.ts'
import { isRecord } from './read.ts'
import { say } from './schema.ts'
import * as sections from './sections.ts'

/** The schema as text, as it stands in `config/switchboard.schema.json`. */
export async function editorSchema(): Promise<string> {
  const definitions: { [name: string]: unknown } = {
    variable: { type: 'string', pattern: '^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$', description: 'From the environment.' },
  }
  definitions.say = convert('say', say(), definitions, true)
  for (const section of SECTIONS) definitions[KIND_OF[section]] = await entrySchema(section, definitions)
  const core = (name: string, schema: z.ZodType) => convert(name, schema, definitions)
  const map = (section: Section, description: string) => ({
    description,
    type: 'object',
    additionalProperties: { $ref: `#/definitions/${KIND_OF[section]}` },
  })
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Switchboard',
    type: 'object',
    additionalProperties: false,
    required: ['channels', 'routes'],
    properties: {
      server: core('server', sections.server),
      storage: core('storage', sections.storage),
      http: core('http', sections.http),
      languages: core('languages', sections.languages),
      timeZone: core('timeZone', sections.zone),
      hours: core('hours', sections.hours),
      channels: map('channels', 'The connected accounts, by name.'),
      bots: map('bots', 'The programs that answer, by name.'),
      desks: map('desks', 'Where people answer, by name.'),
      features: {
        description: 'Everything else, in the order in which it has its say.',
        type: 'array',
        items: { $ref: '#/definitions/feature' },
      },
      routes: {
        description: 'Who answers which channels. The first route that names a channel takes it.',
        type: 'array',
        items: core('route', sections.route),
      },
      texts: core('texts', sections.texts),
      keep: core('keep', sections.keep),
      limits: core('limits', sections.limits),
    },
    definitions,
  }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

/** An entry of a section: the core's keys, and those of the plugin that `use` names. */
async function entrySchema(section: Section, definitions: { [name: string]: unknown }): Promise<SchemaNode> {
  const core = convert(section, sections.ENTRY[section], definitions)
  const coreProperties = isRecord(core.properties) ? core.properties : {}
  const known: { const: string; description: string }[] = []
  const cases: unknown[] = []
  for (const use of shippedPlugins(section)) {
    const loaded = await loadPlugin(use, section, { folder: process.cwd() })
    if (loaded instanceof Finding) throw new Error(loaded.what)
    const settings = convert(`${section}-${use}`, loaded.plugin.config, definitions)
    known.push({ const: use, description: loaded.plugin.summary })
    definitions[`${section}-${use}`] = {
      ...settings,
      properties: { ...coreProperties, ...(isRecord(settings.properties) ? settings.properties : {}) },
    }
    cases.push({
      if: { required: ['use'], properties: { use: { const: use } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema, and nobody awaits it.
      then: { $ref: `#/definitions/${section}-${use}` },
    })
  }
  const elsewhere = {
    type: 'string',
    description: 'A path beside this file (./my-plugin/index.ts), or an npm package.',
  }
  return {
    type: 'object',
    required: ['use'],
    properties: { ...coreProperties, use: { ...describedUse(coreProperties), anyOf: [...known, elsewhere] } },
    ...(cases.length > 0 && { allOf: cases }),
  }
}

function describedUse({ use }: { readonly [key: string]: unknown }): { description?: unknown } {
  return isRecord(use) ? { description: use.description } : {}
}

/** The JSON Schema of what may be written; what it refers to goes to the definitions, under names of its own. */
function convert(
  name: string,
  schema: z.ZodType,
  definitions: { [name: string]: unknown },
  isWhole = false,
): SchemaNode {
  const {
    $schema: _,
    definitions: own,
    ...node
  }: SchemaNode = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
  })
  const tidy = (value: unknown) => tidied(value, name, !isWhole)
  for (const [key, value] of Object.entries(isRecord(own) ? own : {})) definitions[`${name}-${key}`] = tidy(value)
  const result = tidied(node, name, !isWhole)
  return isRecord(result) ? result : {}
}

/** Keywords whose values are maps of schemas: the keys in them are the operator's, not keywords. */
const MAPS = new Set(['properties', 'definitions', 'patternProperties'])

function tidied(value: unknown, name: string, mayRefer: boolean): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => tidied(item, name, true))
  if (!isRecord(value)) return value
  const { description } = value
  if (mayRefer && value.switchboard === 'say') {
    // With a description beside it, a bare $ref would win in draft 7.
    return { ...(description !== undefined && { description }), allOf: [{ $ref: '#/definitions/say' }] }
  }
  const node: { [key: string]: unknown } = {}
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'switchboard') continue
    if (key === '$ref' && typeof inner === 'string')
      node[key] = inner.replace('#/definitions/', `#/definitions/${name}-`)
    else if (MAPS.has(key) && isRecord(inner)) node[key] = mapped(inner, (one) => tidied(one, name, true))
    else if (key === 'default' || key === 'const' || key === 'enum' || key === 'examples' || key === 'required') {
      node[key] = inner
    } else node[key] = tidied(inner, name, true)
  }
  return orVariable(node)
}

function mapped(map: { readonly [key: string]: unknown }, by: (value: unknown) => unknown): { [key: string]: unknown } {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, by(value)]))
}

/** `${NAME}` may stand wherever something else than any text is wanted. */
function orVariable(node: { [key: string]: unknown }): SchemaNode {
  const { type, pattern, format, description, default: byDefault, examples, ...rest } = node
  const isNarrow =
    type === 'number' ||
    type === 'integer' ||
    type === 'boolean' ||
    (type === 'string' && (pattern !== undefined || format !== undefined || rest.enum !== undefined))
  if (!isNarrow || rest.const !== undefined || String(pattern).startsWith('^\\$\\{')) return node
  return {
    ...(description !== undefined && { description }),
    ...(byDefault !== undefined && { default: byDefault }),
    ...(examples !== undefined && { examples }),
    anyOf: [
      { type, ...(pattern !== undefined && { pattern }), ...(format !== undefined && { format }), ...rest },
      { $ref: '#/definitions/variable' },
    ],
  }
}
