/** What the READMEs show is checked, so that what is copied from them works. */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseDocument, stringify } from 'yaml'
import { checkConfig } from '../core/config/check.ts'
import { inputSchema, inWords, markOf, type SchemaNode } from '../core/config/expects.ts'
import { formatProblems } from '../core/config/report.ts'
import type { Plugin } from '../core/plugin.ts'
import { loadPlugin, SECTIONS, type Section, shippedPlugins } from '../core/runtime/load.ts'

const ROOT = resolve(import.meta.dirname, '..')

// ── YAML fences ─────────────────────────────────────────────────────────────────────────────

interface Fence {
  readonly file: string
  /** Of its first line. */
  readonly line: number
  readonly text: string
}

/** The fences of a Markdown text that say `yaml` and nothing else: one that says more is no configuration. */
function fencesIn(file: string, markdown: string): readonly Fence[] {
  return [...markdown.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => ({
    file,
    line: markdown.slice(0, match.index).split('\n').length + 1,
    text: match[1] ?? '',
  }))
}

/** What stands in for a section that a fence does not show. */
const FRAME: { readonly [section: string]: object } = {
  channels: { demo: { use: 'loopback', secret: `\${LOOPBACK_SECRET}` } },
  bots: { parrot: { use: 'echo' } },
  desks: { support: { use: 'desk', people: { amy: { name: 'Amy' } }, teams: { presale: { members: ['amy'] } } } },
}

/**
 * A fence with `routes:` is a whole configuration. Any other one shows a few sections of one: the missing ones are
 * added below it, with a route from every channel to every bot and the first desk.
 */
function completed({ line, text }: Fence): string {
  // As many lines before it, so that problems have the line of the README.
  const placed = `${'\n'.repeat(line - 1)}${text}`
  const shown: unknown = parseDocument(text).toJS()
  const sections = typeof shown === 'object' && shown !== null ? shown : {}
  if ('routes' in sections) return placed
  const all = { ...FRAME, ...sections }
  const [from, bot, [desk]] = [namesOf(all.channels), namesOf(all.bots), namesOf(all.desks)]
  const missing = Object.entries(FRAME).filter(([section]) => !(section in sections))
  const route = { from, mode: 'bot-first', bot, desk }
  return `${placed}${stringify({ ...Object.fromEntries(missing), routes: [route] })}`
}

function namesOf(section: object | undefined): readonly string[] {
  return Object.keys(section ?? {})
}

/** Every variable is set, to what may be a key too: some have so many letters and digits. */
function variablesIn(text: string): { readonly [name: string]: string } {
  return Object.fromEntries([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => [name, 'v'.repeat(43)]))
}

async function problemsOf(fence: Fence): Promise<string> {
  const text = completed(fence)
  const checked = await checkConfig(join(ROOT, fence.file), { text, env: variablesIn(text) })
  return checked.ok ? '' : formatProblems(checked.problems)
}

const readmes = ['README.md', 'deploy/README.md', ...globSync('plugins/**/README.md', { cwd: ROOT })].filter((file) =>
  existsSync(join(ROOT, file)),
)
const fences = readmes.flatMap((file) => fencesIn(file, readFileSync(join(ROOT, file), 'utf8')))

describe('YAML in a README', () => {
  test.each(fences)('can be copied: $file:$line', async (fence) => {
    expect(await problemsOf(fence)).toBe('')
  })

  test('is checked: a mistake is found at its line', async () => {
    const markdown =
      '# A plugin\n\n```yaml\nbots:\n  parrot:\n    use: echo\n    prefex: "> "\n```\n\n```yaml faq.yaml\n- no: config\n```\n'
    const [fence, ...others] = fencesIn('README.md', markdown)
    expect(others).toEqual([])
    expect(fence && (await problemsOf(fence))).toMatch(
      /^README\.md:7:5 {2}bots\.parrot\.prefex .*Write "prefix" instead/s,
    )
  })

  test('that is whole is checked as it is', async () => {
    const whole = { file: 'README.md', line: 1, text: 'routes:\n  - { from: [demo], mode: bot-only, bot: parrot }\n' }
    expect(await problemsOf(whole)).toContain('CONFIG_MISSING')
  })
})

// ── a plugin's own README ───────────────────────────────────────────────────────────────────

/** One row for each setting, those inside it below it. */
function rowsOf(node: SchemaNode, path: string): readonly string[] {
  const required = Array.isArray(node.required) ? node.required : []
  return Object.entries(nodesOf(node.properties)).flatMap(([key, child]) => {
    const at = path === '' ? key : `${path}.${key}`
    const row = [`\`${at}\``, inWords(child), leftOut(child, required.includes(key)), String(child.description ?? '')]
    return [`| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`, ...rowsInside(child, at)]
  })
}

function rowsInside(child: SchemaNode, at: string): readonly string[] {
  if (markOf(child)) return []
  const { additionalProperties, items } = child
  if (isNode(additionalProperties)) return rowsOf(additionalProperties, `${at}.*`)
  return isNode(items) ? rowsOf(items, `${at}[]`) : rowsOf(child, at)
}

function leftOut(node: SchemaNode, isRequired: boolean): string {
  if (node.default !== undefined) return `\`${JSON.stringify(node.default)}\``
  return isRequired ? 'must be there' : ''
}

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nodesOf(properties: unknown): { readonly [key: string]: SchemaNode } {
  if (!isNode(properties)) return {}
  return Object.fromEntries(Object.entries(properties).flatMap(([key, value]) => (isNode(value) ? [[key, value]] : [])))
}

function settingsTable({ config }: Plugin): string {
  const rows = rowsOf(inputSchema(config), '')
  if (rows.length === 0) return 'None.'
  return ['| Setting | Is | Left out | What it is for |', '|---|---|---|---|', ...rows].join('\n')
}

const SETTINGS = /(?<=^## Settings\n\n)[\s\S]*?(?=\n\n)/m
const WORKS = /^## What works\n\n\| +\| +\|\n\| -+ \| -+ \|\n((?:\|.*\|\n)+)/m

/** A table however its columns are aligned. */
function unaligned(table: string): string {
  return table.replace(/ *\| */g, '|').replace(/-{3,}/g, '---')
}

const plugins = SECTIONS.flatMap((section) => shippedPlugins(section).map((name) => ({ section, name })))

async function read(section: Section, name: string): Promise<{ plugin: Plugin; path: string; text: string }> {
  const loaded = await loadPlugin(name, section, { folder: ROOT })
  if (!('plugin' in loaded)) throw new Error(loaded.what)
  const path = join(ROOT, 'plugins', section, name, 'README.md')
  return { plugin: loaded.plugin, path, text: readFileSync(path, 'utf8') }
}

describe.each(plugins)('the README of $name', ({ section, name }) => {
  test('begins with its name and its summary', async () => {
    const { plugin, text } = await read(section, name)
    expect(text.split('\n').slice(0, 3)).toEqual([`# ${name}`, '', plugin.summary])
  })

  test('has YAML that uses it', async () => {
    const { path } = await read(section, name)
    const own = fences.filter(({ file }) => file === relative(ROOT, path))
    expect(own.some(({ text }) => text.includes(`use: ${name}`))).toBe(true)
  })

  test('has every setting as the schema describes it', async () => {
    const { plugin, path, text } = await read(section, name)
    const table = settingsTable(plugin)
    if (process.env.UPDATE_READMES)
      writeFileSync(
        path,
        text.replace(SETTINGS, () => table),
      )
    const written = SETTINGS.exec(readFileSync(path, 'utf8'))?.[0] ?? ''
    expect(unaligned(written), 'UPDATE_READMES=1 npx vitest run test/readmes.test.ts; npm run format').toBe(
      unaligned(table),
    )
  })

  test('says of everything whether it works: yes, not yet, or no and why', async () => {
    const { text } = await read(section, name)
    const rows = WORKS.exec(text)?.[1]?.trim().split('\n') ?? []
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.filter((row) => !/^\| .+ \| (yes|not yet|no: [^|]+) +\|$/.test(row))).toEqual([])
  })
})
