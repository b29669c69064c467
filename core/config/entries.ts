/** The entries under `channels`, `bots`, `desks` and `features`: their names, their plugins, their settings. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { Capabilities } from '../capabilities.ts'
import { messageOf } from '../errors.ts'
import type { Json } from '../message.ts'
import type { Plugin } from '../plugin.ts'
import { KIND_OF, type LoadedPlugin, type Section } from '../runtime/load.ts'
import type { CheckedInstance, DeskNames, Path, ReadFile } from './checked.ts'
import type { Hours } from './hours.ts'
import { explainIssues } from './issues.ts'
import { nearest } from './nearest.ts'
import { Finding, found, sentence } from './problems.ts'
import { isRecord, type Placed, showPath, type YamlFile } from './read.ts'
import { spanAt } from './report.ts'
import { type Resolver, resolving, type SettingFile } from './resolve.ts'
import { ENTRY, RESERVED_NAMES } from './sections.ts'

/** One entry as it stands in the file; its plugin is not looked at yet. */
export interface Entry {
  readonly section: Section
  readonly path: Path
  /** As written: the key, or a feature's `name`. */
  readonly writtenName: string | undefined
  readonly use: string | undefined
  readonly isParked: boolean
  readonly core: { readonly [key: string]: unknown }
  /** All that is not the core's. */
  readonly settings: { readonly [key: string]: unknown }
}

/** The core's keys of a section's entries. */
export function coreKeys(section: Section): readonly string[] {
  return Object.keys(ENTRY[section].shape)
}

/** Splits what stands under a section into its entries. */
export function entriesOf(
  section: Section,
  value: unknown,
): readonly { readonly path: Path; readonly value: unknown }[] {
  if (section === 'features') {
    return Array.isArray(value) ? value.map((one: unknown, index) => ({ path: [section, index], value: one })) : []
  }
  if (!isRecord(value)) return []
  return Object.entries(value).map(([name, one]) => ({ path: [section, name], value: one }))
}

/** Reads the core's keys of an entry; `undefined` when it is no map. */
export function readEntry(section: Section, path: Path, value: unknown): Entry | undefined {
  if (!isRecord(value)) return undefined
  const known = new Set(coreKeys(section))
  const pick = (isCore: boolean) =>
    Object.fromEntries(Object.entries(value).filter(([key]) => known.has(key) === isCore))
  const { use, name, enabled } = value
  const written = section === 'features' ? name : path.at(-1)
  return {
    section,
    path,
    writtenName: typeof written === 'string' ? written : undefined,
    use: typeof use === 'string' ? use : undefined,
    // A variable is always a text.
    isParked: enabled === false || enabled === 'false',
    core: pick(true),
    settings: pick(false),
  }
}

/** What is wrong with a name, if anything. */
export function nameFinding(name: string): Finding | undefined {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    const words = name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
    const meant = words.replace(/[^a-z0-9]+/g, '-').replace(/^[-0-9]+|-+$/g, '')
    return found('CONFIG_BAD_NAME', { name, meant: meant === '' ? undefined : meant })
  }
  return RESERVED_NAMES.includes(name) ? found('CONFIG_RESERVED_NAME', { name, reserved: RESERVED_NAMES }) : undefined
}

/** What settings are resolved against. */
export interface Surroundings {
  readonly file: YamlFile
  readonly timeZone: string
  readonly hours: ReadonlyMap<string, Hours>
  /** `undefined`: not known, then nothing is compared. So it is when the section is of the wrong shape. */
  readonly channels: readonly string[] | undefined
  readonly bots: readonly string[] | undefined
  readonly desks: readonly string[] | undefined
  /** Of all desks; not known as long as a desk has not said it. */
  readonly people: readonly string[] | undefined
  readonly teams: readonly string[] | undefined
  /** Of all features; not known as long as one of them has not said it. */
  readonly identities: readonly string[] | undefined
  /** The values of all variables. */
  readonly variables: ReadonlySet<string>
  readonly literalSecretsAllowed: boolean
  /** Collects every secret that passes. */
  readonly secrets: Set<string>
  /** Files that were read, so that each is read once. */
  readonly cache: Map<string, { readonly bytes: Buffer; readonly hash: string } | Finding>
}

/** Settings as the plugin's schema gave them, and what they were resolved with. */
export interface ParsedSettings {
  readonly settings: unknown
  readonly files: readonly ReadFile[]
  /** The names of the opening hours that were used. */
  readonly hours: readonly string[]
}

/** Parses an entry's settings by its plugin's schema. */
export function parseSettings(
  entry: Entry,
  plugin: Plugin,
  around: Surroundings,
): ParsedSettings | { readonly problems: readonly Placed[] } {
  const files = new Map<string, ReadFile>()
  const hours = new Set<string>()
  const resolver = makeResolver(around, files, hours)
  const parsing = {
    file: around.file,
    path: entry.path,
    schema: plugin.config,
    owner: plugin.name,
    coreKeys: coreKeys(entry.section),
  }
  try {
    const parsed = parseWithVariables(plugin.config, entry.settings, around.file, entry.path, resolver)
    if (parsed.success) return { settings: parsed.data, files: [...files.values()], hours: [...hours] }
    return { problems: explainIssues(parsed.error.issues, { ...parsing, value: entry.settings }) }
  } catch (error) {
    // A schema that waits for something, or one whose own code throws.
    return { problems: [failed(entry, plugin, 'its settings', error, around.file)] }
  }
}

/**
 * Parses, and once more if a number or yes/no is wanted where a variable stands: variables are always texts.
 */
export function parseWithVariables<T extends z.ZodType>(
  schema: T,
  value: unknown,
  file: YamlFile,
  path: Path,
  resolver: Resolver,
): z.ZodSafeParseResult<z.output<T>> {
  const first = resolving(resolver, () => schema.safeParse(value, ONCE))
  if (first.success) return first
  let changed = value
  for (const issue of first.error.issues) {
    if (issue.code !== 'invalid_type') continue
    const at = issue.path.filter((step) => typeof step !== 'symbol')
    const text = file.get([...path, ...at])
    if (file.variableAt([...path, ...at]) === undefined || typeof text !== 'string') continue
    const wanted = fromText(text, issue.expected)
    if (wanted !== undefined) changed = replaced(changed, at, wanted)
  }
  return changed === value ? first : resolving(resolver, () => schema.safeParse(changed, ONCE))
}

/** Settings are read once: to compile their schemas would take longer than to read them. */
const ONCE = { jitless: true } as const

function fromText(text: string, expected: string): number | boolean | undefined {
  if (expected === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  if (expected !== 'number' && expected !== 'int') return undefined
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

function replaced(value: unknown, [step, ...rest]: Path, by: unknown): unknown {
  if (step === undefined) return by
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => (index === step ? replaced(item, rest, by) : item))
  }
  return isRecord(value) ? { ...value, [step]: replaced(value[step], rest, by) } : value
}

/** Larger files are no settings. */
const MAX_FILE_BYTES = 10 * 1024 * 1024

/** Resolves names, files and secrets against the rest of the YAML. */
export function makeResolver(around: Surroundings, files: Map<string, ReadFile>, usedHours: Set<string>): Resolver {
  const namesOf = {
    channel: around.channels,
    bot: around.bots,
    desk: around.desks,
    team: around.teams,
    person: around.people,
    identity: around.identities,
  }
  return {
    timeZone: around.timeZone,
    refers(kind, name) {
      const known = namesOf[kind]
      if (known === undefined || known.includes(name)) return undefined
      return found('CONFIG_UNKNOWN_NAME', { kind, name, nearest: nearest(name, known), known })
    },
    hours(name) {
      usedHours.add(name)
      const known = [...around.hours.keys()]
      return (
        around.hours.get(name) ??
        found('CONFIG_UNKNOWN_NAME', { kind: 'hours', name, nearest: nearest(name, known), known })
      )
    },
    file(path) {
      const absolute = resolve(around.file.folder, path)
      const read = around.cache.get(absolute) ?? readSettingFile(absolute, path)
      around.cache.set(absolute, read)
      if (read instanceof Finding) return read
      files.set(absolute, { path: absolute, hash: read.hash })
      return settingFile(absolute, path, read.bytes)
    },
    secret(value) {
      if (!around.literalSecretsAllowed && !around.variables.has(value)) {
        return found('CONFIG_LITERAL_SECRET', { key: '', variable: '' })
      }
      around.secrets.add(value)
      return undefined
    },
  }
}

function readSettingFile(absolute: string, path: string): { bytes: Buffer; hash: string } | Finding {
  let bytes: Buffer
  try {
    bytes = readFileSync(absolute)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const because =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? 'is not there'
        : code === 'EISDIR'
          ? 'is a folder'
          : `cannot be read (${messageOf(error)})`
    return found('CONFIG_BAD_FILE', { path, because })
  }
  if (bytes.length > MAX_FILE_BYTES) return found('CONFIG_BAD_FILE', { path, because: 'is larger than 10 MB' })
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex') }
}

function settingFile(path: string, written: string, bytes: Buffer): SettingFile {
  return {
    path,
    bytes,
    // Only when asked for: a picture has no text.
    get text() {
      try {
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
      } catch {
        throw new UnreadableText(written)
      }
    },
  }
}

/** Thrown by a file's `text` when it has none. */
class UnreadableText extends Error {
  override readonly name = 'UnreadableText'
  readonly written: string

  constructor(written: string) {
    super(`The file "${written}" is not UTF-8.`)
    this.written = written
  }
}

/** Where a text stands in some settings. */
function findText(value: unknown, text: string, path: Path): Path | undefined {
  if (value === text) return path
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    const there = findText(inner, text, [...path, Array.isArray(value) ? Number(key) : key])
    if (there) return there
  }
  return undefined
}

/** A plugin's own function that threw. */
export function failed(entry: Entry, plugin: Plugin, stage: string, error: unknown, file: YamlFile): Placed {
  const written = error instanceof UnreadableText ? error.written : undefined
  const where = written === undefined ? undefined : findText(entry.settings, written, entry.path)
  if (written !== undefined && where) {
    const because = 'is not UTF-8; save it again as UTF-8'
    return { finding: found('CONFIG_BAD_FILE', { path: written, because }), span: file.valueAt(where), path: where }
  }
  const at = [...entry.path, 'use']
  const finding = found('CONFIG_PLUGIN_FAILS', { plugin: plugin.name, stage, because: sentence(messageOf(error)) })
  return { finding, span: file.valueAt(at), path: entry.path }
}

const deskNames = z.object({
  people: z.array(z.string()),
  teams: z.array(z.string()),
  sources: z.record(z.string(), z.array(z.string())).default({}),
})

/** What a desk's settings may be referred to by. Throws what the plugin throws. */
export function namesOfDesk(plugin: Plugin, settings: unknown): DeskNames {
  return deskNames.parse(plugin.names(settings))
}

/** The identities that a feature declares. Throws what the plugin throws. */
export function identitiesOf(plugin: Plugin, settings: unknown): readonly string[] {
  return z.array(z.string()).parse(plugin.identities(settings))
}

const configProblems = z.array(
  z.object({
    path: z.array(z.union([z.string(), z.number()])),
    message: z.string(),
    instead: z.string().optional(),
    at: z
      .object({
        file: z.object({ path: z.string(), text: z.string() }),
        offset: z.number(),
        length: z.number().optional(),
      })
      .optional(),
    isNote: z.boolean().optional(),
  }),
)

/** What the plugin itself has to say of its settings. */
export function askPlugin(
  entry: Entry,
  plugin: Plugin,
  settings: unknown,
  channels: { readonly [name: string]: Capabilities },
  file: YamlFile,
): readonly Placed[] {
  try {
    return configProblems
      .parse(plugin.check(settings, channels))
      .flatMap(({ message, instead, at, isNote, ...its }) => {
        const path = [...entry.path, ...its.path]
        // The plugin cannot see that it is written, and only its variable is not set: that is told already.
        if (file.variableAt(path) !== undefined && file.get(path) === undefined) return []
        const finding = found('CONFIG_PLUGIN_SAYS', { what: `${plugin.name}: ${message}`, instead })
        if (!at) return { finding, span: file.valueAt(path), path, isNote }
        const inFile = { shown: showPath(at.file.path), text: at.file.text }
        return { finding, span: spanAt(inFile.text, at.offset, at.length), path, inFile, isNote }
      })
  } catch (error) {
    return [failed(entry, plugin, 'check', error, file)]
  }
}

// ── the finished instance ───────────────────────────────────────────────────────────────────

/** Hashes made with it can be compared in this process, and tell nothing outside of it. */
const PROCESS_KEY = randomBytes(32)

/** A hash of something that may be secret, to be compared in this process only. */
export function keyedHash(text: string): string {
  return createHmac('sha256', PROCESS_KEY).update(text).digest('hex')
}

/** A value of the YAML as JSON, with those from variables as hashes. */
export function rawOf(file: YamlFile, path: Path, value: unknown): Json {
  const variable = file.variableAt(path)
  if (variable !== undefined) return `\${${variable}} ${keyedHash(String(value)).slice(0, 16)}`
  if (Array.isArray(value)) return value.map((item: unknown, index) => rawOf(file, [...path, index], item))
  if (isRecord(value)) {
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]) =>
        inner === undefined && file.variableAt([...path, key]) === undefined
          ? []
          : [[key, rawOf(file, [...path, key], inner)]],
      ),
    )
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}

/** What an instance can be kept by: everything that its `setup` was given. */
export function fingerprintOf(parts: {
  readonly use: string
  readonly raw: Json
  readonly files: readonly ReadFile[]
  readonly around: Json
}): string {
  return keyedHash(JSON.stringify([parts.use, parts.raw, parts.files, parts.around]))
}

/** An entry whose plugin is loaded and whose settings are parsed. */
export interface ReadyEntry {
  readonly entry: Entry
  readonly name: string
  readonly loaded: LoadedPlugin
  readonly parsed: ParsedSettings
}

/** The part of an instance that all kinds have. */
export function instanceOf(
  { entry, name, loaded, parsed }: ReadyEntry,
  more: { readonly file: YamlFile; readonly around: Json; readonly dependsOn: readonly string[] },
): CheckedInstance {
  const raw = rawOf(more.file, entry.path, entry.settings)
  const use = entry.use ?? loaded.plugin.name
  return {
    kind: KIND_OF[entry.section],
    name,
    use,
    plugin: loaded.plugin,
    settings: parsed.settings,
    raw,
    fingerprint: fingerprintOf({ use, raw, files: parsed.files, around: more.around }),
    dependsOn: more.dependsOn,
    path: entry.path,
    line: more.file.keyAt(entry.path).line,
    files: parsed.files,
  }
}
