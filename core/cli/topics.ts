/** `switchboard explain <topic>`: what plugins tell of their own settings, without starting anything. */
import type { Capabilities } from '../capabilities.ts'
import type { CheckedConfig } from '../config/checked.ts'
import { displayWidth, visible } from '../config/report.ts'
import type { Explained } from '../plugin.ts'
import { readConfig } from './read-config.ts'

type Rows = Explained[string]

export async function explainTopic(file: string, topic: string, json: boolean): Promise<void> {
  const config = await readConfig(file)
  if (!config) return
  const topics = topicsOf(config)
  const rows = topics.get(topic)
  if (rows) {
    process.stdout.write(json ? `${JSON.stringify({ [topic]: rows }, undefined, 2)}\n` : rowsAsText(rows))
    return
  }
  const known = [...topics.keys()]
  const instead = known.length > 0 ? `Known here: ${known.join(', ')}.` : 'Nothing in it explains anything.'
  process.stderr.write(`No plugin of this configuration explains "${topic}". ${instead}\n`)
  process.exitCode = 1
}

/** What all plugins together tell, by topic. */
export function topicsOf(config: CheckedConfig): ReadonlyMap<string, Rows> {
  const topics = new Map<string, Rows>()
  const { channels, bots, desks, features } = config
  const onAll = [...channels, ...bots, ...desks].map((instance) => ({ ...instance, for: undefined }))
  for (const { plugin, settings, for: only } of [...onAll, ...features]) {
    const seen: { [name: string]: Capabilities } = {}
    for (const { name, capabilities } of channels) if (only?.includes(name) ?? true) seen[name] = capabilities
    for (const [topic, rows] of Object.entries(plugin.explain(settings, seen)))
      topics.set(topic, [...(topics.get(topic) ?? []), ...rows])
  }
  return topics
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
