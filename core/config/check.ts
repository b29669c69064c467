/**
 * Checks a configuration: everything that can be known without starting anything, all problems at once. Plugins are
 * imported (which only defines them) and asked by their pure functions; `setup` is never called.
 */
import { basename, resolve } from 'node:path'
import { z } from 'zod'
import type { Capabilities } from '../capabilities.ts'
import type { Json } from '../message.ts'
import type { Plugin } from '../plugin.ts'
import {
  KIND_OF,
  type LoadedPlugin,
  loadPlugin,
  type PluginPlaces,
  SECTIONS,
  type Section,
  wrongKind,
} from '../runtime/load.ts'
import type {
  CheckedChannel,
  CheckedConfig,
  CheckedDesk,
  CheckedInstance,
  CheckedRoute,
  DeskNames,
  DownChannel,
  Path,
  ReadFile,
} from './checked.ts'
import {
  askPlugin,
  type Entry,
  entriesOf,
  failed,
  identitiesOf,
  instanceOf,
  keyedHash,
  makeResolver,
  nameFinding,
  namesOfDesk,
  parseSettings,
  parseWithVariables,
  type ReadyEntry,
  readEntry,
  type Surroundings,
} from './entries.ts'
import { SECRET_KEY } from './hidden.ts'
import { type Hours, makeHours } from './hours.ts'
import { explainIssues } from './issues.ts'
import { checkLending } from './lending.ts'
import { type Finding, found } from './problems.ts'
import { type Environment, isRecord, type Placed, type Range, readBytes, readYaml, type YamlFile } from './read.ts'
import { type Problem, problemAt, type Quotable, redact, sortProblems } from './report.ts'
import { checkRoutes } from './routes.ts'
import * as sections from './sections.ts'
import { builtInText, mapTexts } from './texts.ts'

export type {
  CheckedChannel,
  CheckedConfig,
  CheckedDesk,
  CheckedFeature,
  CheckedInstance,
  CheckedRoute,
  DeskNames,
  DownChannel,
  HandOffTriggers,
  Path,
  ReadFile,
} from './checked.ts'

export interface CheckOptions {
  /** Where `${NAME}` is looked up. Left out: the environment of the process. */
  readonly env?: Environment | undefined
  /**
   * What becomes of a channel whose variable is not set: the whole file is refused (`start`), or that channel is left
   * out as `down` (a reload). Anywhere else than in a channel it is always refused.
   */
  readonly ifVariableMissing?: 'refuse' | 'channel-down' | undefined
  /** At a reload: the port that it listens on already. `server.port` is in force only after a restart. */
  readonly listensOn?: number | undefined
  /** The text, when it is not to be read from the file. */
  readonly text?: string | undefined
  /** Plugins by what `use:` says, before any is looked for: for tests. */
  readonly plugins?: { readonly [use: string]: Plugin } | undefined
  /** The folder of the shipped plugins, when not the real one: for tests. */
  readonly shipped?: string | undefined
  /** Takes a secret that is written into the file: for tests. */
  readonly literalSecrets?: boolean | undefined
}

export type Checked =
  | { readonly ok: true; readonly config: CheckedConfig }
  | {
      readonly ok: false
      readonly problems: readonly Problem[]
      /** The files that it has looked for, there or not: a change of one of them may mend it. */
      readonly files: readonly string[]
    }

/** Reads and checks a configuration. Never throws for what stands in it. */
export async function checkConfig(path: string, options: CheckOptions = {}): Promise<Checked> {
  const env = options.env ?? process.env
  const read = options.text === undefined ? await readYaml(path, env) : readBytes(path, Buffer.from(options.text), env)
  if (!read.ok) {
    return {
      ok: false,
      problems: sortProblems(read.problems.map((one) => problemAt(one.finding, one, read))),
      files: [],
    }
  }
  const check = new Check(read.file, env, options)
  for (const problem of read.problems) check.report(problem)
  const config = await check.run()
  return config ? { ok: true, config } : { ok: false, problems: check.problems(), files: check.files() }
}

/** What must be there, and of which shape; what is inside is checked section by section. */
const root = z.strictObject({
  server: z.unknown().optional(),
  storage: z.unknown().optional(),
  http: z.unknown().optional(),
  languages: z.unknown().optional(),
  timeZone: z.unknown().optional(),
  hours: z.unknown().optional(),
  channels: z.record(z.string(), z.unknown()),
  bots: z.record(z.string(), z.unknown()).optional(),
  desks: z.record(z.string(), z.unknown()).optional(),
  features: z.array(z.unknown()).optional(),
  routes: z.array(z.unknown()),
  texts: z.unknown().optional(),
  keep: z.unknown().optional(),
  limits: z.unknown().optional(),
})

type Named = Entry & { readonly name: string; readonly loaded: LoadedPlugin | undefined }

class Check {
  readonly #file: YamlFile
  readonly #env: Environment
  readonly #options: CheckOptions
  readonly #placed: Placed[] = []
  readonly #secrets = new Set<string>()
  readonly #read: Surroundings['cache'] = new Map()
  readonly #places: PluginPlaces
  readonly #channelKeys = new Map<string, z.output<typeof sections.ENTRY.channels>>()
  readonly #featureKeys = new Map<string, z.output<typeof sections.ENTRY.features>>()
  #failed = false

  constructor(file: YamlFile, env: Environment, options: CheckOptions) {
    this.#file = file
    this.#env = env
    this.#options = options
    this.#places = { folder: file.folder, shipped: options.shipped }
  }

  report(problem: Placed): void {
    if (!problem.isNote) this.#failed = true
    this.#placed.push(problem)
  }

  #at(finding: Finding, path: Path): void {
    this.report({ finding, span: this.#file.valueAt(path), path })
  }

  /** Every file that a setting names, there or not. */
  files(): readonly string[] {
    return [...this.#read.keys()]
  }

  /** All that is wrong, sorted, with no secret in it; first in the YAML, then in the files that it names. */
  problems(): readonly Problem[] {
    return this.#told(this.#placed.filter(({ isNote }) => !isNote))
  }

  #told(all: readonly Placed[]): readonly Problem[] {
    const literal = this.#placed.flatMap(({ isSecret, path }) =>
      isSecret && this.#file.variableAt(path) === undefined ? (this.#file.rangeAt(path) ?? []) : [],
    )
    const { shown, text } = this.#file
    const yaml: Quotable = { shown, text, hidden: [...this.#file.hidden, ...literal] }
    const secrets = this.#allSecrets().map((value) => [value, '•'.repeat(8)] as const)
    const problemOf = (one: Placed, file: Quotable): Problem => {
      const problem = problemAt(one.finding, one, file)
      // What comes from a variable is told by its name, secret or not.
      const name = this.#file.variableAt(one.path)
      const cut = [...(name ? [[this.#env[name] ?? '', `\${${name}}`] as const] : []), ...secrets]
      const instead = problem.instead && redact(problem.instead, cut)
      return { ...problem, what: redact(problem.what, cut), instead }
    }
    const inYaml = all.flatMap((one) => (one.inFile ? [] : [problemOf(one, yaml)]))
    const inFiles = all.flatMap((one) => {
      if (!one.inFile) return []
      return [problemOf(one, { ...one.inFile, hidden: rangesOf(this.#allSecrets(), one.inFile.text) })]
    })
    return [...sortProblems(inYaml), ...sortProblems(inFiles)]
  }

  /** The values of `secret()` settings, and of variables whose name sounds secret, if it stands anywhere in the YAML. */
  #allSecrets(): readonly string[] {
    const named = Object.entries(this.#env).flatMap(([name, value]) =>
      value !== undefined && SECRET_KEY.test(name) && this.#file.text.includes(name) ? [value] : [],
    )
    return [...new Set([...this.#secrets, ...named])]
  }

  /** Goes through everything; `undefined` when there are problems. */
  async run(): Promise<CheckedConfig | undefined> {
    const { value } = this.#file
    this.#checkRoot()
    const core = this.#coreSections()
    const entries = await this.#entries()
    const down = this.#checkVariables(entries)
    const isDown = (entry: Named) => entry.section === 'channels' && down.some(({ name }) => name === entry.name)
    const running = entries.filter((entry) => !entry.isParked && !isDown(entry))

    const withoutDesks = this.#surroundings(core)
    const desks = this.#deskNames(running, withoutDesks)
    const identities = this.#identityNames(running, withoutDesks)
    const around = { ...withPeople(withoutDesks, desks), identities }
    for (const entry of entries) this.#checkCoreKeys(entry, around)
    const ready = this.#settings(running, around)
    const channels = this.#channelFacts(ready)
    this.#askPlugins(ready, channels)
    const dependsOn = await this.#lending(running)
    const routes = this.#routes(entries, isDown, around, { desks, channels })

    if (this.#failed || !isComplete(core)) return undefined
    const instance = (one: ReadyEntry): CheckedInstance =>
      instanceOf(one, {
        file: this.#file,
        around: [
          ...[core.server.publicUrl, core.server.trustProxy, core.http.allow, core.timeZone, core.languages],
          one.parsed.hours.map((name) => rawHours(value, name)),
        ],
        dependsOn: dependsOn.get(one.name) ?? [],
      })
    const of = (section: Section) => ready.filter(({ entry }) => entry.section === section)
    const { writtenHours: _, texts, ...settings } = core
    const files = uniqueFiles(ready)
    return {
      ...settings,
      file: this.#file.path,
      folder: this.#file.folder,
      revision: { hash: this.#file.hash, text: this.#file.text },
      fingerprint: keyedHash(JSON.stringify([this.#file.hash, files, this.#variables()])),
      texts: mapTexts((name) => texts[name] ?? builtInText(name)),
      channels: of('channels').flatMap((one) => this.#channel(instance(one), channels)),
      bots: of('bots').map(instance),
      desks: of('desks').flatMap((one) => this.#desk(instance(one), desks)),
      features: of('features').map((one) => ({
        ...instance(one),
        kind: 'feature',
        for: this.#featureKeys.get(one.name)?.for,
      })),
      routes,
      parked: this.#parked(entries),
      down,
      notes: this.#told(this.#placed),
      files,
      secrets: this.#allSecrets(),
      lineOf: (path) => this.#file.keyAt(path).line,
    }
  }

  #checkRoot(): void {
    const parsed = root.safeParse(this.#file.value)
    if (parsed.success) return
    const about = { file: this.#file, path: [], value: this.#file.value, schema: root, owner: 'A configuration' }
    for (const problem of explainIssues(parsed.error.issues, about)) this.report(problem)
  }

  /** The sections that hold no plugins, as far as they are right. */
  #coreSections(): CoreSections {
    const server = this.#section('server', sections.server.prefault({}))
    const storage = this.#section('storage', sections.storage.prefault({}))
    const keep = this.#section('keep', sections.keep.prefault({}))
    const limits = this.#section('limits', sections.limits.prefault({}))
    return {
      timeZone: this.#section('timeZone', sections.zone),
      writtenHours: this.#section('hours', sections.hours),
      server: server && {
        ...server,
        publicUrl: server.publicUrl ?? `http://localhost:${this.#options.listensOn ?? server.port}`,
      },
      storage: storage && { folder: resolve(this.#file.folder, storage.folder) },
      http: this.#section('http', sections.http.prefault({})),
      languages: this.#section('languages', sections.languages),
      texts: this.#section('texts', sections.texts),
      keep: keep && {
        messagesMs: keep.messages,
        tracesMs: keep.traces,
        deliveriesMs: keep.deliveries,
        commandsMs: keep.commands,
        dedupeMs: keep.dedupe,
        auditMs: keep.audit,
      },
      limits: limits && { drainForMs: limits.drainFor, refusedPerMinute: limits.refusedPerMinute },
    }
  }

  /** What settings are resolved against, as long as no desk was asked. */
  #surroundings({
    timeZone = 'UTC',
    writtenHours = {},
  }: Pick<CoreSections, 'timeZone' | 'writtenHours'>): Surroundings {
    const hours = new Map<string, Hours>()
    for (const [name, one] of Object.entries(writtenHours)) hours.set(name, makeHours(one, timeZone))
    const names = (section: Section) => {
      const written = this.#file.value[section]
      return written === undefined ? [] : isRecord(written) ? Object.keys(written) : undefined
    }
    return {
      file: this.#file,
      timeZone,
      hours,
      channels: names('channels'),
      bots: names('bots'),
      desks: names('desks'),
      people: undefined,
      teams: undefined,
      identities: undefined,
      variables: this.#variableValues(),
      literalSecretsAllowed: this.#options.literalSecrets ?? false,
      secrets: this.#secrets,
      cache: this.#read,
    }
  }

  /** For sections in which nothing is referred to. */
  #nowhere(): Surroundings {
    const names = { channels: [], bots: [], desks: [], people: [], teams: [], identities: [] }
    return { ...this.#surroundings({ timeZone: undefined, writtenHours: undefined }), ...names }
  }

  /** One of the core's own sections; `undefined` when it has problems. */
  #section<T extends z.ZodType>(name: string, schema: T): z.output<T> | undefined {
    const path = [name]
    const value = this.#file.get(path)
    if (value === undefined && this.#file.variableAt(path) !== undefined) return undefined
    const resolver = makeResolver(this.#nowhere(), new Map(), new Set())
    const parsed = parseWithVariables(schema, value, this.#file, path, resolver)
    if (parsed.success) return parsed.data
    const about = { file: this.#file, path, value, schema, owner: name }
    for (const problem of explainIssues(parsed.error.issues, about)) this.report(problem)
    return undefined
  }

  /** Reads all entries, imports their plugins, and finds their names. */
  async #entries(): Promise<readonly Named[]> {
    const file = this.#file
    const entries: Entry[] = []
    for (const section of SECTIONS) {
      for (const { path, value } of entriesOf(section, file.value[section])) {
        const entry = readEntry(section, path, value)
        if (entry) entries.push(entry)
        else this.#noEntry(section, path, value)
      }
    }
    const loaded = await Promise.all(entries.map((entry) => this.#load(entry)))
    const named = entries.map((entry, index): Named => {
      const plugin = loaded[index]
      const name = entry.writtenName ?? plugin?.plugin.name ?? entry.use ?? ''
      return { ...entry, name, loaded: plugin }
    })
    this.#checkNames(named)
    return named
  }

  #noEntry(section: Section, path: Path, value: unknown): void {
    const key = String(path.at(-1))
    const wanted = section === 'features' ? `- use: …` : `${key}:  and below it, indented,  use: …`
    if (value === undefined && this.#file.variableAt(path) !== undefined) return
    if (value === null) {
      const finding = found('CONFIG_NO_VALUE', { key, expects: 'use: … below it, indented' })
      this.report({ finding, span: this.#file.keyAt(path), path })
      return
    }
    const details = { owner: section, expects: 'a map with use', found: plainKind(value), write: `Write  ${wanted}` }
    this.#at(found('CONFIG_WRONG_TYPE', details), path)
  }

  async #load(entry: Entry): Promise<LoadedPlugin | undefined> {
    if (entry.isParked || entry.use === undefined) return undefined
    const given = this.#options.plugins?.[entry.use]
    const loaded = given
      ? (wrongKind(given, entry.use, entry.section) ?? { plugin: given, readme: undefined })
      : await loadPlugin(entry.use, entry.section, this.#places)
    if (!('plugin' in loaded)) {
      this.#at(loaded, [...entry.path, 'use'])
      return undefined
    }
    return loaded
  }

  #checkNames(entries: readonly Named[]): void {
    const taken = new Map<string, Named>()
    for (const entry of entries) {
      if (entry.name === '') continue
      const isFeature = entry.section === 'features'
      const isWritten = entry.writtenName !== undefined
      // A feature that could not be loaded, and is named nowhere else, has no name yet.
      if (isFeature && !isWritten && entry.loaded === undefined) continue
      const path = isFeature ? [...entry.path, isWritten ? 'name' : 'use'] : entry.path
      const span = isFeature ? this.#file.valueAt(path) : this.#file.keyAt(path)
      const bad = nameFinding(entry.name)
      if (bad) this.report({ finding: bad, span, path })
      const first = taken.get(entry.name)
      if (first) {
        const by = `${articled(KIND_OF[first.section])}`
        const line = this.#file.keyAt(first.path).line
        this.report({ finding: found('CONFIG_NAME_TAKEN', { name: entry.name, by, line, isFeature }), span, path })
      } else {
        taken.set(entry.name, entry)
      }
    }
  }

  /** Reports variables that are not set; gives the channels that are down for it, where that is allowed. */
  #checkVariables(entries: readonly Named[]): readonly DownChannel[] {
    const down = new Map<string, DownChannel>()
    const envFile = basename(this.#file.path).replace(/\.ya?ml$/, '.env')
    for (const { name, path } of this.#file.variables) {
      const value = this.#env[name]
      if (value !== undefined && value !== '') continue
      const entry = entries.find((one) => one.path.every((step, index) => path[index] === step))
      if (entry?.isParked) continue
      const finding = found('CONFIG_MISSING_VARIABLE', { name, isEmpty: value === '', envFile })
      if (entry?.section === 'channels' && this.#options.ifVariableMissing === 'channel-down') {
        const line = this.#file.keyAt(entry.path).line
        down.set(entry.name, { name: entry.name, use: entry.use ?? '', line, because: finding.what })
      } else {
        this.#at(finding, path)
      }
    }
    return [...down.values()]
  }

  #variables() {
    return this.#file.variables.map(({ name }) => [name, this.#env[name] ?? null])
  }

  #variableValues(): ReadonlySet<string> {
    return new Set(this.#file.variables.flatMap(({ name }) => this.#env[name] || []))
  }

  /** The core's own keys of an entry. Of a parked one too: they are there to be read. */
  #checkCoreKeys(entry: Named, around: Surroundings): void {
    if (entry.section === 'channels') {
      const keys = this.#coreKeys(sections.ENTRY.channels, entry, around)
      if (keys) this.#channelKeys.set(entry.name, keys)
    } else if (entry.section === 'features') {
      const keys = this.#coreKeys(sections.ENTRY.features, entry, around)
      if (keys) this.#featureKeys.set(entry.name, keys)
    } else {
      this.#coreKeys(sections.ENTRY[entry.section], entry, around)
    }
  }

  #coreKeys<T extends z.ZodType>(schema: T, entry: Named, around: Surroundings): z.output<T> | undefined {
    const resolver = makeResolver(around, new Map(), new Set())
    const parsed = parseWithVariables(schema, entry.core, this.#file, entry.path, resolver)
    if (parsed.success) return parsed.data
    const owner = entry.loaded?.plugin.name ?? articled(KIND_OF[entry.section], true)
    const about = { file: this.#file, path: entry.path, value: entry.core, schema, owner }
    for (const problem of explainIssues(parsed.error.issues, about)) this.report(problem)
    return undefined
  }

  /** What each desk lets others refer to. Asked with people and teams not yet compared, for a desk refers to its own. */
  #deskNames(running: readonly Named[], around: Surroundings): ReadonlyMap<string, DeskNames | undefined> {
    const names = new Map<string, DeskNames | undefined>((around.desks ?? ['']).map((name) => [name, undefined]))
    for (const entry of running) {
      if (entry.section !== 'desks' || !entry.loaded) continue
      const { plugin } = entry.loaded
      const parsed = parseSettings(entry, plugin, around)
      if ('problems' in parsed) continue
      names.set(
        entry.name,
        this.#ask(entry, plugin, 'names', () => namesOfDesk(plugin, parsed.settings)),
      )
    }
    return names
  }

  /** What the features declare; `undefined` when one of them cannot be asked. */
  #identityNames(running: readonly Named[], around: Surroundings): readonly string[] | undefined {
    const names: string[] = []
    for (const entry of running) {
      if (entry.section !== 'features') continue
      if (!entry.loaded) return undefined
      const { plugin } = entry.loaded
      const parsed = parseSettings(entry, plugin, around)
      if ('problems' in parsed) return undefined
      const own = this.#ask(entry, plugin, 'identities', () => identitiesOf(plugin, parsed.settings))
      if (!own) return undefined
      names.push(...own)
    }
    return names
  }

  #settings(running: readonly Named[], around: Surroundings): readonly ReadyEntry[] {
    return running.flatMap((entry) => {
      const { loaded, name } = entry
      if (!loaded) return []
      const parsed = parseSettings(entry, loaded.plugin, around)
      if (!('problems' in parsed)) return [{ entry, name, loaded, parsed }]
      for (const problem of parsed.problems) this.report({ ...problem, readme: loaded.readme })
      return []
    })
  }

  /** Asks each channel for its account and what it can send. */
  #channelFacts(ready: readonly ReadyEntry[]): ReadonlyMap<string, ChannelFacts> {
    const facts = new Map<string, ChannelFacts>()
    for (const { entry, name, loaded, parsed } of ready) {
      if (entry.section !== 'channels') continue
      const { plugin } = loaded
      const one = this.#ask(entry, plugin, 'account and capabilities', () => factsOf(plugin, parsed.settings))
      if (!one) continue
      const same = [...facts].find(([, { account }]) => account === one.account)
      if (same) {
        const line = this.#file.keyAt(['channels', same[0]]).line
        const finding = found('CONFIG_SAME_ACCOUNT', { name: same[0], account: one.account, line })
        this.report({ finding, span: this.#file.keyAt(entry.path), path: entry.path })
      }
      facts.set(name, one)
    }
    return facts
  }

  /** What one of the plugin's own functions gives; `undefined` when it throws. */
  #ask<T>(entry: Entry, plugin: Plugin, stage: string, ask: () => T): T | undefined {
    try {
      return ask()
    } catch (error) {
      this.report(failed(entry, plugin, stage, error, this.#file))
      return undefined
    }
  }

  #askPlugins(ready: readonly ReadyEntry[], channels: ReadonlyMap<string, ChannelFacts>): void {
    for (const { entry, name, loaded, parsed } of ready) {
      const only = this.#featureKeys.get(entry.section === 'features' ? name : '')?.for
      const seen: { [name: string]: Capabilities } = {}
      for (const [channel, { capabilities }] of channels)
        if (only?.includes(channel) ?? true) seen[channel] = capabilities
      for (const problem of askPlugin(entry, loaded.plugin, parsed.settings, seen, this.#file)) {
        this.report({ ...problem, readme: loaded.readme })
      }
    }
  }

  /** Who depends on whom, by name. */
  async #lending(running: readonly Named[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const parties = running.flatMap(({ name, loaded, path }) =>
      loaded ? [{ name, plugin: loaded.plugin, path, line: this.#file.keyAt(path).line }] : [],
    )
    const { dependsOn, problems } = await checkLending(parties, this.#places)
    for (const { finding, path } of problems) {
      this.report({ finding, span: this.#file.valueAt([...path, 'use']), path })
    }
    return dependsOn
  }

  #routes(
    entries: readonly Named[],
    isDown: (entry: Named) => boolean,
    around: Surroundings,
    said: {
      readonly desks: ReadonlyMap<string, DeskNames | undefined>
      readonly channels: ReadonlyMap<string, ChannelFacts>
    },
  ): readonly CheckedRoute[] {
    const { routes, problems } = checkRoutes(this.#file.value.routes, {
      file: this.#file,
      resolver: makeResolver(around, new Map(), new Set()),
      channels: entries
        .filter(({ section }) => section === 'channels')
        .map((entry) => ({
          name: entry.name,
          path: entry.path,
          runs: !entry.isParked && !isDown(entry),
          menuKeys: said.channels.get(entry.name)?.capabilities.menuKeys,
        })),
      parked: new Map(this.#parked(entries).map(({ kind, name, line }) => [`${kind} ${name}`, line])),
      desks: said.desks,
    })
    for (const problem of problems) this.report(problem)
    return routes
  }

  #parked(entries: readonly Named[]): CheckedConfig['parked'] {
    return entries
      .filter(({ isParked }) => isParked)
      .map(({ section, name, path }) => ({ kind: KIND_OF[section], name, line: this.#file.keyAt(path).line }))
  }

  #channel(instance: CheckedInstance, channels: ReadonlyMap<string, ChannelFacts>): readonly CheckedChannel[] {
    const facts = channels.get(instance.name)
    const keys = this.#channelKeys.get(instance.name)
    if (!facts || !keys) return []
    const { reserve } = keys
    const answer = keys.answer ?? (facts.capabilities.inline?.isPreferred ? 'inline' : 'later')
    const onUnknown = keys.onUnknown ?? (facts.capabilities.idempotentSend ? 'resend' : 'leave')
    return [{ ...instance, kind: 'channel', ...facts, answer, onUnknown, reserve }]
  }

  #desk(instance: CheckedInstance, desks: ReadonlyMap<string, DeskNames | undefined>): readonly CheckedDesk[] {
    const names = desks.get(instance.name)
    return names ? [{ ...instance, kind: 'desk', names }] : []
  }
}

interface ChannelFacts {
  readonly account: string
  readonly capabilities: Capabilities
}

/** What a channel says of itself. Throws what the plugin throws, and when it says nothing that can be used. */
function factsOf(plugin: Plugin, settings: unknown): ChannelFacts {
  const capabilities: Capabilities | undefined = plugin.capabilities(settings)
  const account: string | undefined = plugin.account(settings)
  if (typeof account !== 'string' || account === '') throw new Error('account gave no text')
  if (!isRecord(capabilities?.sends) || !Array.isArray(capabilities.later)) {
    throw new Error('capabilities gave no object with sends and later')
  }
  return { account: `${plugin.name}:${account}`, capabilities }
}

/** Adds what the desks say, once all of them have. */
function withPeople(around: Surroundings, desks: ReadonlyMap<string, DeskNames | undefined>): Surroundings {
  const names = [...desks.values()]
  if (names.some((one) => one === undefined)) return around
  return {
    ...around,
    people: names.flatMap((one) => one?.people ?? []),
    teams: names.flatMap((one) => one?.teams ?? []),
  }
}

/** The sections that hold no plugins; what is wrong is `undefined`. */
interface CoreSections {
  readonly timeZone: string | undefined
  readonly writtenHours: z.output<typeof sections.hours> | undefined
  readonly server: CheckedConfig['server'] | undefined
  readonly storage: CheckedConfig['storage'] | undefined
  readonly http: CheckedConfig['http'] | undefined
  readonly languages: CheckedConfig['languages'] | undefined
  readonly texts: z.output<typeof sections.texts> | undefined
  readonly keep: CheckedConfig['keep'] | undefined
  readonly limits: CheckedConfig['limits'] | undefined
}

function isComplete(core: CoreSections): core is { [K in keyof CoreSections]: NonNullable<CoreSections[K]> } {
  return Object.values(core).every((section) => section !== undefined)
}

/** Where in a text any of these values stands. */
function rangesOf(values: readonly string[], text: string): readonly Range[] {
  return values.flatMap((value) => {
    const ranges: Range[] = []
    // As in the sentences, where shorter ones would be found in anything.
    if (value.length < 4) return ranges
    for (let from = text.indexOf(value); from >= 0; from = text.indexOf(value, from + value.length))
      ranges.push({ from, to: from + value.length })
    return ranges
  })
}

function rawHours(file: YamlFile['value'], name: string): Json {
  return JSON.parse(JSON.stringify((isRecord(file.hours) && file.hours[name]) ?? null))
}

function uniqueFiles(ready: readonly ReadyEntry[]): readonly ReadFile[] {
  return [...new Map(ready.flatMap(({ parsed }) => parsed.files).map((file) => [file.path, file])).values()]
}

function plainKind(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return isRecord(value)
    ? 'a map'
    : typeof value === 'string'
      ? 'a text'
      : typeof value === 'number'
        ? 'a number'
        : `${value}`
}

function articled(kind: string, isStart = false): string {
  const article = isStart ? 'A' : 'a'
  return `${article} ${kind}`
}
