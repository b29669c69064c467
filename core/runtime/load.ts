/**
 * Finds and imports the plugin that a `use:` names: a shipped one, a path beside the YAML, or an npm package. Whatever
 * a plugin imports as `switchboard` or `#core` is the core that runs: a second one would have its own errors and its
 * own zod, and nothing of it would be recognised here.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { findPackageJSON, isBuiltin, registerHooks } from 'node:module'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { nearest } from '../config/nearest.ts'
import { Finding, found, sentence } from '../config/problems.ts'
import { showPath } from '../config/read.ts'
import { messageOf } from '../errors.ts'
import { isPlugin, type Plugin, type PluginKind } from '../plugin.ts'

/** The four sections of the YAML that hold plugins. */
export const SECTIONS = ['channels', 'bots', 'desks', 'features'] as const
export type Section = (typeof SECTIONS)[number]

/** What a section's plugins are. */
export const KIND_OF: { readonly [section in Section]: PluginKind } = {
  channels: 'channel',
  bots: 'bot',
  desks: 'desk',
  features: 'feature',
}

export interface LoadedPlugin {
  readonly plugin: Plugin
  /** Where its settings are explained, from the working directory. */
  readonly readme: string | undefined
}

const ROOT = new URL('../../', import.meta.url)
const SHIPPED = fileURLToPath(new URL('plugins/', ROOT))

/** The doors of the core, by what plugins write. */
const DOORS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    switchboard: 'core/index.ts',
    '#core': 'core/index.ts',
    'switchboard/services': 'plugins/services/index.ts',
    'switchboard/testing': 'core/testing/index.ts',
    '#core/testing': 'core/testing/index.ts',
  }).map(([written, file]) => [written, new URL(file, ROOT).href]),
)

/** Asks Node to resolve a package as if the YAML itself imported it. */
const FROM_YAML = 'switchboard-plugin:'

let hooked = false

/** Sends the core's names, from any file, to the running core. Done once for the process; again does nothing. */
export function shareCore(): void {
  if (hooked) return
  hooked = true
  registerHooks({
    resolve(specifier, context, next) {
      const door = DOORS.get(specifier)
      if (door !== undefined) return { url: door, shortCircuit: true }
      if (!specifier.startsWith(FROM_YAML)) return next(specifier, context)
      const { searchParams } = new URL(specifier)
      const parentURL = searchParams.get('from') ?? undefined
      return next(searchParams.get('use') ?? specifier, { ...context, parentURL })
    },
  })
}

const LIMIT_MS = 10_000

/** Where plugins are looked for. */
export interface PluginPlaces {
  /** The YAML's: paths and packages start there. */
  readonly folder: string
  /** The plugins that are named by their name alone: a folder with one for each section. Left out: those shipped. */
  readonly shipped?: string | undefined
  /** The longest that importing a plugin may take. Left out: 10 s. */
  readonly limitMs?: number | undefined
}

/**
 * The plugin of `use` for a section, or what is wrong with it. Never throws; a plugin that was imported before is not
 * imported again, so changed code needs a new process.
 */
export async function loadPlugin(use: string, section: Section, places: PluginPlaces): Promise<LoadedPlugin | Finding> {
  shareCore()
  const { limitMs = LIMIT_MS } = places
  const source = locate(use, section, places)
  if (source instanceof Finding) return source
  let module: unknown
  try {
    module = await within(limitMs, import(/* @vite-ignore */ source.url))
  } catch (error) {
    return whyNot(error, source)
  }
  if (module === TOO_SLOW) return found('CONFIG_PLUGIN_HANGS', { path: source.shown, seconds: limitMs / 1000 })
  const plugin = defaultOf(module)
  if (!isPlugin(plugin)) {
    return found('CONFIG_NOT_A_PLUGIN', { path: source.shown, found: whatIs(module, plugin) })
  }
  return wrongKind(plugin, use, section) ?? { plugin, readme: source.readme }
}

/** What is wrong when a plugin stands under a section that is not for its kind. */
export function wrongKind(plugin: Plugin, use: string, section: Section): Finding | undefined {
  return plugin.kind === KIND_OF[section] ? undefined : wrongSection(use, plugin.kind, section)
}

/** The names of the shipped plugins of a section. */
export function shippedPlugins(section: Section, shipped: string = SHIPPED): readonly string[] {
  try {
    const names = readdirSync(join(shipped, section)).sort()
    return names.filter((name) => isFile(join(shipped, section, name, 'index.ts')))
  } catch {
    // A section without a folder has no plugins.
    return []
  }
}

interface Source {
  readonly url: string
  /** As problems name it. */
  readonly shown: string
  readonly file: string | undefined
  readonly readme: string | undefined
}

function locate(use: string, section: Section, { folder, shipped = SHIPPED }: PluginPlaces): Source | Finding {
  if (/^(\.{1,2}[\\/]|[\\/])/.test(use)) return locatePath(use, folder)
  if (/^[a-z0-9-]+$/.test(use)) {
    const file = join(shipped, section, use, 'index.ts')
    if (isFile(file)) return fileSource(file, use)
    const other = SECTIONS.find((name) => shippedPlugins(name, shipped).includes(use))
    if (other) return wrongSection(use, KIND_OF[other], section)
  }
  if (hasPackage(use, folder)) {
    const from = pathToFileURL(join(folder, 'switchboard.yaml')).href
    const url = `${FROM_YAML}?${new URLSearchParams({ use, from })}`
    return { url, shown: use, file: undefined, readme: undefined }
  }
  const known = shippedPlugins(section, shipped)
  const asPath = isFile(resolve(folder, use)) ? `./${use}` : undefined
  return found('CONFIG_UNKNOWN_PLUGIN', { kind: KIND_OF[section], use, nearest: asPath ?? nearest(use, known), known })
}

function locatePath(use: string, folder: string): Source | Finding {
  const path = resolve(folder, use)
  if (isFile(path)) return fileSource(path, use)
  const there = ['index.ts', 'index.mts', 'index.js', 'index.mjs'].find((name) => isFile(join(path, name)))
  return found('CONFIG_PLUGIN_MISSING', { path: use, meant: there && `${use.replace(/\/+$/, '')}/${there}` })
}

function fileSource(file: string, shown: string): Source {
  const readme = join(dirname(file), 'README.md')
  return { url: pathToFileURL(file).href, shown, file, readme: isFile(readme) ? showPath(readme) : undefined }
}

function wrongSection(use: string, kind: PluginKind, here: Section): Finding {
  const section = SECTIONS.find((name) => KIND_OF[name] === kind) ?? here
  return found('CONFIG_WRONG_SECTION', { use, is: kind, section, here })
}

function hasPackage(use: string, folder: string): boolean {
  if (isBuiltin(use) || !/^(@[\w.~-]+\/)?[\w.~-]+(\/[\w.~/-]+)?$/.test(use)) return false
  try {
    return findPackageJSON(use, pathToFileURL(join(folder, 'switchboard.yaml'))) !== undefined
  } catch {
    // ERR_MODULE_NOT_FOUND: not installed.
    return false
  }
}

function defaultOf(module: unknown): unknown {
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined
}

function whatIs(module: unknown, value: unknown): string {
  const hasDefault = typeof module === 'object' && module !== null && 'default' in module
  if (!hasDefault || value === undefined) return 'missing'
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  // A loader in front of Node (tsx, for one) can load the core again for files outside of it.
  return 'setup' in value && value.constructor !== Object
    ? 'made by a second copy of Switchboard, which a loader other than Node itself has brought in'
    : 'an object that no define… has made'
}

const TOO_SLOW = Symbol('too slow')

async function within<T>(limitMs: number, work: Promise<T>): Promise<T | typeof TOO_SLOW> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<typeof TOO_SLOW>((done) => {
    timer = setTimeout(done, limitMs, TOO_SLOW)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** Why an import failed, and what the author can do. */
function whyNot(error: unknown, source: Source): Finding {
  const path = source.shown
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const because = sentence(messageOf(error).split('\n')[0] ?? '')
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') {
    return found('CONFIG_PLUGIN_SYNTAX', {
      path,
      because: 'it is a package that ships TypeScript, and Node runs that only outside node_modules.',
      instead: 'A package has to ship JavaScript: build it, or name its source by path.',
    })
  }
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return found('CONFIG_PLUGIN_SYNTAX', {
      path,
      because,
      instead: 'Only TypeScript that can be erased runs here: no enum, namespace or parameter property.',
    })
  }
  const packageFile = error instanceof SyntaxError && source.file ? commonjsPackage(source.file) : undefined
  if (packageFile !== undefined && source.file) {
    const other = basename(source.file).replace(/\.([jt]s)$/, '.m$1')
    return found('CONFIG_PLUGIN_COMMONJS', { path, packageFile: showPath(packageFile), other })
  }
  const where = error instanceof Error ? placeIn(error, source.file) : undefined
  return found('CONFIG_PLUGIN_THROWS', { path, because, where })
}

/** The package.json that makes Node read this file as CommonJS. */
function commonjsPackage(file: string): string | undefined {
  if (!['.ts', '.js'].includes(extname(file))) return undefined
  try {
    const packageFile = findPackageJSON(pathToFileURL(file))
    if (packageFile === undefined) return undefined
    const content: unknown = JSON.parse(readFileSync(packageFile, 'utf8'))
    const type = typeof content === 'object' && content !== null && 'type' in content ? content.type : undefined
    return type === 'commonjs' ? packageFile : undefined
  } catch {
    // A package.json that cannot be read decides nothing.
    return undefined
  }
}

/** The line of the plugin at which it threw. */
function placeIn(error: Error, file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  for (const line of error.stack?.split('\n') ?? []) {
    const [, url, at] = /((?:file:\/\/)?\/[^\s()]*?)(:\d+(?::\d+)?)\)?$/.exec(line) ?? []
    if (url === undefined) continue
    const path = url.startsWith('file:') ? fileURLToPath(url) : url
    if (dirname(path).startsWith(dirname(file)) && !path.includes('node_modules')) return `${showPath(path)}${at}`
  }
  return undefined
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
  } catch {
    // A name that is too long, or has a zero byte in it, names no file either.
    return false
  }
}
