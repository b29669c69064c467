/** The JSON Schema that editors check and complete files of scenarios by. `npm run schema` writes it beside the YAML. */
import { z } from 'zod'
import { isRecord } from '../config/read.ts'
import { scenarioFile } from './read-scenarios.ts'
import { FORMS, REFUSED } from './sentences.ts'

/** The schema as text, as it stands in `config/scenarios.schema.json`. */
export function scenariosSchema(): string {
  const values = FORMS.map(({ words, value }) => [words.join(' '), value] as const)
  // All in one, so that what they have in common is there once.
  const all = z.object({ file: scenarioFile, [REFUSED.word]: REFUSED.value, ...Object.fromEntries(values) })
  const made = z.toJSONSchema(all, { io: 'input', target: 'draft-7', unrepresentable: 'any', reused: 'ref' })
  const text = JSON.stringify(made, (key, value) => (key === 'switchboard' ? undefined : value))
  const { properties, definitions } = recordOf(JSON.parse(text))
  const { file, ...parts } = recordOf(properties)
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Scenarios of Switchboard',
    ...withSteps(recordOf(file), sentences(parts), recordOf(definitions)),
    definitions,
  }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

/** What may stand in a step: single words as they are, the others with any names in them. */
function sentences(parts: { readonly [words: string]: unknown }): object {
  const properties: { [word: string]: unknown } = { [REFUSED.word]: parts[REFUSED.word] }
  const patternProperties: { [pattern: string]: unknown } = {}
  for (const { words, about } of FORMS) {
    // With a description beside it, a bare $ref would win in draft 7.
    const schema = { description: about, allOf: [parts[words.join(' ')]] }
    if (words.length === 1) properties[words.join()] = schema
    else patternProperties[`^${words.map((word) => (word.startsWith('<') ? '\\S+' : word)).join(' ')}$`] = schema
  }
  return { type: 'object', minProperties: 1, additionalProperties: false, properties, patternProperties }
}

/** The schema of the file, whose steps zod knows nothing of. */
function withSteps(file: Node, step: object, definitions: Node): object {
  const properties = recordOf(file.properties)
  const scenarios = itself(properties.scenarios, definitions)
  const scenario = itself(scenarios.items, definitions)
  const parts = recordOf(scenario.properties)
  const steps = { ...itself(parts.steps, definitions), items: step }
  const items = { ...scenario, properties: { ...parts, steps } }
  return { ...file, properties: { ...properties, scenarios: { ...scenarios, items } } }
}

interface Node {
  readonly [keyword: string]: unknown
}

/** What a reference stands for. */
function itself(value: unknown, definitions: Node): Node {
  const node = recordOf(value)
  return typeof node.$ref === 'string' ? recordOf(definitions[node.$ref.replace('#/definitions/', '')]) : node
}

function recordOf(value: unknown): Node {
  return isRecord(value) ? value : {}
}
