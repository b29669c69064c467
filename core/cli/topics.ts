/** `switchboard explain <topic>`: what plugins tell of their own settings, without starting anything. */
import { z } from 'zod'
import type { Capabilities } from '../capabilities.ts'
import type { CheckedConfig } from '../config/checked.ts'
import { sentence } from '../config/problems.ts'
import { displayWidth, showYamlPath, visible } from '../config/report.ts'
import { messageOf } from '../errors.ts'
import type { Explained, Plugin } from '../plugin.ts'
import { readConfig } from './read-config.ts'

const explained = z.record(z.string(), z.array(z.record(z.string(), z.string())))
type Rows = Explained[string]

/** `name`: only the rows that begin with it. */
export async function explainTopic(
  file: string,
  { topic, name, json }: { readonly topic: string; readonly name?: string | undefined; readonly json: boolean },
): Promise<void> {
  const config = await readConfig(file)
  if (!config) return
  const { topics, failures } = topicsOf(config)
  const all = topics.get(topic)
  const rows = all?.filter((row) => name === undefined || Object.values(row)[0] === name)
  for (const failure of failures) process.stderr.write(`${failure}\n`)
  if (failures.length > 0) process.exitCode = 1
  if (all && name !== undefined && rows?.length === 0) {
    const known = [...new Set(all.map((row) => Object.values(row)[0]))].join(', ') || 'none'
    process.stderr.write(`There is no ${topic} "${name}". Known here: ${known}.\n`)
    process.exitCode = 1
  } else if (rows) {
    process.stdout.write(json ? `${JSON.stringify({ [topic]: rows }, undefined, 2)}\n` : rowsAsText(rows))
  }
  if (all) return
  const known = [...topics.keys()]
  const instead = known.length > 0 ? `Known here: ${known.join(', ')}.` : 'Nothing in it explains anything.'
  process.stderr.write(`No plugin of this configuration explains "${topic}". ${instead}\n`)
  process.exitCode = 1
}

/** What all plugins together tell, by topic; and which of them could not, and why. */
export function topicsOf(config: CheckedConfig): {
  readonly topics: ReadonlyMap<string, Rows>
  readonly failures: readonly string[]
} {
  const topics = new Map<string, Rows>()
  const failures: string[] = []
  const { channels, bots, desks, features } = config
  const onAll = [...channels, ...bots, ...desks].map((instance) => ({ ...instance, for: undefined }))
  for (const { name, plugin, settings, for: only } of [...onAll, ...features]) {
    const seen: { [name: string]: Capabilities } = {}
    for (const { name, capabilities } of channels) if (only?.includes(name) ?? true) seen[name] = capabilities
    try {
      for (const [topic, rows] of Object.entries(rowsOf(plugin, settings, seen)))
        topics.set(topic, [...(topics.get(topic) ?? []), ...rows])
    } catch (error) {
      failures.push(`${name} (${plugin.name}), explain: ${sentence(messageOf(error))}`)
    }
  }
  return { topics, failures }
}

/** What a plugin tells. Throws what it throws, and when that is nothing that could be shown. */
function rowsOf(plugin: Plugin, settings: unknown, seen: { readonly [name: string]: Capabilities }): Explained {
  const parsed = explained.safeParse(plugin.explain(settings, seen))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.length
    ? ` at ${showYamlPath(issue.path.map((step) => (typeof step === 'number' ? step : String(step))))}`
    : ''
  throw new Error(`It wants a list of rows of texts for each topic, and there is something else${where}.`)
}

/** As a table, under the headings. */
export function rowsAsText(rows: Rows): string {
  const headings = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  if (headings.length === 0) return 'There are none.\n'
  const lines = [headings, ...rows.map((row) => headings.map((heading) => visible(row[heading] ?? '')))]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => displayWidth(line[column] ?? ''))))
  return lines
    .map((line) => line.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - displayWidth(cell))).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}
