/**
 * Every problem that a configuration can have, with its sentences, in one table: what is wrong, and what to write
 * instead. Where it is, `report.ts` adds.
 */

interface Sentences {
  readonly what: string
  readonly instead?: string | undefined
}

/** Where something is added that is not a section's entry. */
const PLACES: { readonly [kind: string]: string } = {
  person: 'the people of a desk.',
  team: 'the teams of a desk.',
  identity: 'the identities of a feature.',
  hours: 'hours:',
}

const table = {
  // ── the file ──
  CONFIG_NO_FILE: ({ file }: { file: string }) => ({
    what: `There is no file "${file}".`,
    instead: 'Name the file after the command, or copy one from config/examples/.',
  }),
  CONFIG_UNREADABLE: ({ file, because }: { file: string; because: string }) => ({
    what: `"${file}" cannot be read: ${because}.`,
    instead: 'Give the file itself, and let this user read it.',
  }),
  CONFIG_TOO_BIG: ({ size, limit }: { size: string; limit: string }) => ({
    what: `The file has ${size}; a configuration may have ${limit}.`,
    instead: 'Put long lists (knowledge, rules) into files of their own and name those in the settings.',
  }),
  CONFIG_NOT_UTF8: ({ byte }: { byte: number }) => ({
    what: `The file is not UTF-8: byte 0x${byte.toString(16).toUpperCase().padStart(2, '0')} stands here.`,
    instead: 'Save it again as UTF-8 (most editors ask for the encoding in "Save as").',
  }),
  CONFIG_EMPTY: (_: object) => ({
    what: 'The file has nothing in it.',
    instead: 'Start from config/switchboard.yaml, or from one of config/examples/.',
  }),

  // ── YAML itself ──
  CONFIG_TAB: (_: object) => ({
    what: 'A tab stands here. YAML takes only spaces at the start of a line.',
    instead: 'Write two spaces for each level.',
  }),
  CONFIG_INDENT: ({ before }: { before: string | undefined }) => ({
    what: before ? `This line does not line up with ${before}.` : 'This line does not line up with those around it.',
    instead: 'Give all keys of one map, and all "-" of one list, the same number of spaces in front.',
  }),
  CONFIG_DUPLICATE_KEY: ({ key, line }: { key: string; line: number }) => ({
    what: `"${key}" stands twice in the same map; the first one is in line ${line}.`,
    instead: 'Keep one of them, or give this one another name.',
  }),
  CONFIG_VARIABLE_IN_BRACES: ({ key, variable }: { key: string | undefined; variable: string }) => ({
    what: `\${${variable}} stands inside { } or [ ], where YAML reads its braces as a map of its own.`,
    instead: key
      ? `Write each setting on a line of its own, as  ${key}: \${${variable}}  or put it in quotes: "\${${variable}}".`
      : `Write each setting on a line of its own, or put it in quotes: "\${${variable}}".`,
  }),
  CONFIG_YAML: ({ what, instead }: { what: string; instead?: string | undefined }) => ({ what, instead }),
  CONFIG_TOO_DEEP: (_: object) => ({
    what: 'The file nests too deeply to be read.',
    instead: 'Look for brackets or dashes that are opened again and again.',
  }),
  CONFIG_TOO_MANY_VALUES: ({ limit, hasAliases }: { limit: number; hasAliases: boolean }) => ({
    what: hasAliases
      ? `With its anchors (&) and aliases (*) filled in, the file has more than ${limit} values.`
      : `The file has more than ${limit} values.`,
    instead: hasAliases
      ? 'Let an alias name something small, and no anchor contain aliases of aliases.'
      : 'Put long lists (knowledge, rules) into files of their own and name those in the settings.',
  }),
  CONFIG_BAD_KEY: ({ key, because, instead }: { key: string; because: string; instead: string }) => ({
    what: `"${key}" cannot be a key: ${because}.`,
    instead,
  }),

  // ── variables and secrets ──
  CONFIG_MISSING_VARIABLE: (it: { name: string; isEmpty: boolean; envFile: string }) => ({
    what: `The environment variable ${it.name} is ${it.isEmpty ? 'empty' : 'not set'}.`,
    instead: `Set it before starting  (export ${it.name}=…),  or write it into ${it.envFile} beside this file.`,
  }),
  CONFIG_VARIABLE_INSIDE: ({ name }: { name: string }) => ({
    what: `\${${name}} is only part of this text. A variable must be the whole value.`,
    instead: `Put the whole text into the variable, and write \${${name}} alone.`,
  }),
  CONFIG_BAD_VARIABLE: ({ text }: { text: string }) => ({
    what: `${text} names no variable.`,
    instead: `Write the name in letters, digits and underscores, as \${WECHAT_SECRET}.`,
  }),
  CONFIG_LITERAL_SECRET: ({ key, variable }: { key: string; variable: string }) => ({
    what: `A secret is written into the file. "${key}" must come from an environment variable.`,
    instead: `Write  ${key}: \${${variable}}  and set ${variable} in the environment.`,
  }),

  // ── keys and values ──
  CONFIG_UNKNOWN_KEY: (it: {
    owner: string
    key: string
    nearest: string | undefined
    known: readonly string[]
    isRequired?: boolean
  }) => ({
    what: `${it.owner} has no setting "${it.key}"${it.isRequired ? `, and needs "${it.nearest}"` : ''}.`,
    instead: joined(
      it.nearest ? `Write "${it.nearest}" instead.` : it.known.length ? undefined : 'Take the line away.',
      it.known.length ? listed(`${it.owner} takes: ${shortList(it.known)}`, it.nearest !== undefined) : undefined,
    ),
  }),
  CONFIG_NEITHER_KEY: (it: { owner: string; key: string; needs: readonly string[]; forms: readonly string[] }) => ({
    what: `${it.owner} has no setting "${it.key}", and needs ${it.needs.map((one) => `"${one}"`).join(' or ')}.`,
    instead: `Write one of them instead. (It takes: ${it.forms.join('; or: ')})`,
  }),
  CONFIG_KEY_CLASH: (it: { owner: string; key: string; beside: string; forms: readonly string[] }) => ({
    what: `${it.owner} cannot have "${it.key}" beside "${it.beside}".`,
    instead: `Take one of them away. (It takes: ${it.forms.join('; or: ')})`,
  }),
  CONFIG_MISSING_KEY: (it: { owner: string; key: string; expects: string; about: string | undefined }) => ({
    what: `${it.owner} needs "${it.key}".`,
    instead: joined(`Write  ${it.key}: …  (${it.expects}).`, it.about),
  }),
  CONFIG_NO_VALUE: (it: { key: string; expects: string }) => ({
    what: `"${it.key}" has no value.`,
    instead: `Write ${it.expects}, or take the line away.`,
  }),
  CONFIG_WRONG_TYPE: (it: { owner: string; expects: string; found: string; write: string | undefined }) => ({
    what: `${it.owner} wants ${it.expects} here, and this is ${it.found}.`,
    instead: it.write ?? `Write ${it.expects}.`,
  }),
  CONFIG_WRONG_VALUE: (it: { what: string; instead: string | undefined }) => it,
  CONFIG_UNKNOWN_VALUE: (it: {
    owner: string
    found: string
    nearest: string | undefined
    known: readonly string[]
  }) => ({
    what: `${it.owner} does not know ${it.found} here.`,
    instead: it.nearest ? `Write ${it.nearest} instead. (Known: ${shortList(it.known)})` : `Write ${oneOf(it.known)}.`,
  }),
  CONFIG_TOO_FEW: (it: { what: string; instead: string }) => it,
  CONFIG_BAD_DURATION: ({ text, meant }: { text: string; meant: string | undefined }) => ({
    what: `"${text}" is no duration.`,
    instead: `Write ${meant ? `${meant}` : 'a number with its unit, as 30s, 10m, 48h or 7d'}. (Units: ms, s, m, h, d, w, y)`,
  }),
  CONFIG_BAD_SIZE: ({ text, meant }: { text: string; meant: string | undefined }) => ({
    what: `"${text}" is no size.`,
    instead: `Write ${meant ?? 'a number with its unit, as 512KB or 2MB'}. (Units: B, KB, MB, GB)`,
  }),
  CONFIG_BAD_CRON: ({ text, meant }: { text: string; meant: string | undefined }) => ({
    what: `"${text}" is neither a cron expression nor an interval.`,
    instead:
      meant ??
      'Write five fields (minute, hour, day of the month, month, weekday), as "0 9 * * 1-5", or an interval, as 30s.',
  }),
  CONFIG_BAD_HOURS: (it: { what: string; instead: string }) => it,
  CONFIG_BAD_TIME_ZONE: ({ text, meant }: { text: string; meant: string | undefined }) => ({
    what: `There is no time zone "${text}".`,
    instead: `Write ${meant ?? 'a region and a city, as Asia/Shanghai or Europe/Berlin'}.`,
  }),
  CONFIG_BAD_LANGUAGE: ({ text, meant }: { text: string; meant: string | undefined }) => ({
    what: `"${text}" is no language tag.`,
    instead: `Write ${meant ?? 'one such as zh-CN or en'}.`,
  }),
  CONFIG_BAD_FILE: ({ path, because }: { path: string; because: string }) => ({
    what: `The file "${path}" ${because}.`,
    instead: 'Paths start at the folder of this YAML file.',
  }),

  // ── names ──
  CONFIG_BAD_NAME: ({ name, meant }: { name: string; meant: string | undefined }) => ({
    what: `"${name}" cannot be a name: names are small letters, digits and dashes, and begin with a letter.`,
    instead: `Write ${meant ?? 'one such as shop-wechat'}.`,
  }),
  CONFIG_RESERVED_NAME: ({ name, reserved }: { name: string; reserved: readonly string[] }) => ({
    what: `"${name}" is an address of the server's own, so nothing else may be called that.`,
    instead: `Choose another name, as my-${name}. (Taken: ${reserved.join(', ')})`,
  }),
  CONFIG_NAME_TAKEN: (it: { name: string; by: string; line: number; isFeature: boolean }) => ({
    what: `"${it.name}" is already the name of ${it.by} in line ${it.line}. Every name may be used once in the whole file.`,
    instead: it.isFeature ? `Give this one a name of its own:  name: ${it.name}-2` : 'Give one of them another name.',
  }),
  CONFIG_UNKNOWN_NAME: (it: { kind: string; name: string; nearest: string | undefined; known: readonly string[] }) => ({
    what: it.kind === 'hours' ? `There are no opening hours "${it.name}".` : `There is no ${it.kind} "${it.name}".`,
    instead: it.nearest
      ? `Write ${it.nearest} instead.${it.known.length > 1 ? ` (There are: ${shortList(it.known)})` : ''}`
      : it.known.length
        ? `Write one of those that are there: ${shortList(it.known)}.`
        : `Add it under ${PLACES[it.kind] ?? `${it.kind}s:`}`,
  }),
  CONFIG_PARKED: (it: { kind: string; name: string; line: number }) => ({
    what: `The ${it.kind} "${it.name}" is parked (enabled: false, line ${it.line}), so nothing can use it.`,
    instead: `Name another ${it.kind}, or take  enabled: false  away there.`,
  }),

  // ── plugins ──
  CONFIG_UNKNOWN_PLUGIN: (it: {
    kind: string
    use: string
    nearest: string | undefined
    known: readonly string[]
  }) => ({
    what: `There is no ${it.kind} plugin "${it.use}".`,
    instead: joined(
      it.nearest ? `Write "${it.nearest}" instead.` : undefined,
      it.known.length ? `Shipped ${it.kind} plugins: ${it.known.join(', ')}.` : undefined,
      it.nearest
        ? undefined
        : 'Your own is named by its path, beside this file (./my-plugin/index.ts), or as an npm package that is installed here.',
    ),
  }),
  CONFIG_WRONG_SECTION: (it: { use: string; is: string; section: string; here: string }) => ({
    what: `${it.use} is a ${it.is} plugin and cannot stand under ${it.here}:`,
    instead: `Move this entry to ${it.section}:`,
  }),
  CONFIG_PLUGIN_MISSING: ({ path, meant }: { path: string; meant: string | undefined }) => ({
    what: meant ? `"${path}" is a folder.` : `There is no plugin file "${path}".`,
    instead: meant
      ? `Write ${meant}.`
      : 'The path starts at the folder of this YAML file and ends with the file, as ./my-plugin/index.ts.',
  }),
  CONFIG_PLUGIN_COMMONJS: (it: { path: string; packageFile: string; other: string }) => ({
    what: `${it.path} cannot be loaded: ${it.packageFile} says "type": "commonjs", so Node reads it as CommonJS.`,
    instead: `Write "type": "module" in ${it.packageFile}, or rename the file to ${it.other}.`,
  }),
  CONFIG_PLUGIN_SYNTAX: (it: { path: string; because: string; instead: string }) => ({
    what: `${it.path} cannot be loaded: ${it.because}`,
    instead: it.instead,
  }),
  CONFIG_PLUGIN_THROWS: (it: { path: string; because: string; where: string | undefined }) => ({
    what: `${it.path} cannot be loaded: ${it.because}`,
    instead: it.where ? `It happened at ${it.where}.` : undefined,
  }),
  CONFIG_PLUGIN_HANGS: (it: { path: string; seconds: number }) => ({
    what: `${it.path} was not loaded within ${it.seconds} seconds.`,
    instead: 'A plugin only defines when it is imported: what waits belongs into setup.',
  }),
  CONFIG_NOT_A_PLUGIN: (it: { path: string; found: string }) => ({
    what: `${it.path} is no plugin: its default export is ${it.found}.`,
    instead:
      "Write  export default definePlugin({ … })  there (or defineChannel, defineBot, defineDesk, from 'switchboard').",
  }),
  CONFIG_PLUGIN_FAILS: (it: { plugin: string; stage: string; because: string }) => ({
    what: `${it.plugin} failed in ${it.stage}: ${it.because}`,
    instead: 'This is a mistake in the plugin, or a setting that it does not expect.',
  }),
  CONFIG_PLUGIN_SAYS: (it: { what: string; instead: string | undefined }) => it,

  // ── services ──
  CONFIG_NO_PROVIDER: (it: { owner: string; service: string; lenders: readonly string[] }) => ({
    what: `${it.owner} needs the service "${it.service}", and nothing in this file lends it.`,
    instead: it.lenders.length
      ? `Add one that does: ${it.lenders.join(', or ')}.`
      : 'Add the plugin that lends it, or take this entry away.',
  }),
  CONFIG_TWO_PROVIDERS: (it: { service: string; first: string; line: number }) => ({
    what: `The service "${it.service}" is already lent by ${it.first} in line ${it.line}; only one may.`,
    instead: 'Keep one of the two entries.',
  }),
  CONFIG_CYCLE: ({ chain }: { chain: readonly string[] }) => ({
    what: `These need each other, so none can start first: ${chain.join(' → ')}.`,
    instead: 'Take one of them away.',
  }),

  // ── channels and routes ──
  CONFIG_SAME_ACCOUNT: (it: { name: string; account: string; line: number }) => ({
    what: `"${it.name}" in line ${it.line} is the same account (${it.account}). An account is connected once.`,
    instead: 'Keep one of the two entries, or give this one the settings of its own account.',
  }),
  CONFIG_NO_ROUTE: ({ channel }: { channel: string }) => ({
    what: `No route takes the messages of "${channel}", so nobody would answer there.`,
    instead: `Add ${channel} to the  from:  of a route, or park the channel with  enabled: false.`,
  }),
  CONFIG_ROUTE_UNREACHED: (it: { channel: string; route: string; line: number }) => ({
    what: `The messages of "${it.channel}" already go to ${it.route} (line ${it.line}); this route would never see them.`,
    instead: `Take ${it.channel} away here or there.`,
  }),
  CONFIG_UNKNOWN_MENU_KEY: (it: {
    key: string
    channels: readonly string[]
    nearest: string | undefined
    known: readonly string[]
  }) => ({
    what: `The menu of ${it.channels.join(', ')} has no key "${it.key}", so nobody can click it.`,
    instead: it.nearest
      ? `Is it ${it.nearest}?`
      : it.known.length > 0
        ? `It has: ${shortList(it.known)}.`
        : 'It has none.',
  }),
  CONFIG_TEAM_SOURCES: (it: { team: string; desk: string; channel: string; others: readonly string[] }) => ({
    what: `The team "${it.team}" of ${it.desk} does not take ${it.channel}: its sources leave it out.`,
    instead: `Add ${it.channel} to the sources of ${it.team}${
      it.others.length ? `, or write a team that takes it: ${it.others.join(', ')}` : ''
    }.`,
  }),
} satisfies { readonly [code: `CONFIG_${string}`]: (details: never) => Sentences }

export type ProblemCode = keyof typeof table
type DetailsOf = { [C in ProblemCode]: Parameters<(typeof table)[C]>[0] }
const TABLE: { readonly [C in ProblemCode]: (details: DetailsOf[C]) => Sentences } = table

/** All codes, for tests and the documentation. */
export const PROBLEM_CODES: readonly ProblemCode[] = Object.keys(table).filter(
  (code): code is ProblemCode => code in table,
)

/** What is wrong, and what to write instead; not yet where. */
export class Finding {
  readonly code: ProblemCode
  readonly what: string
  readonly instead: string | undefined

  constructor(code: ProblemCode, sentences: Sentences) {
    this.code = code
    this.what = sentences.what
    this.instead = sentences.instead
  }
}

/** The sentences of a code. */
export function found<C extends ProblemCode>(code: C, details: DetailsOf[C]): Finding {
  return new Finding(code, TABLE[code](details))
}

/** With a full stop, if it has none. */
export function sentence(text: string): string {
  return /[.!?。…]$/.test(text) ? text : `${text}.`
}

/** `a, b, c, …`: enough to choose from. */
function shortList(names: readonly string[], max = 12): string {
  return names.length > max ? `${names.slice(0, max).join(', ')}, …` : names.join(', ')
}

/** A list of what is known, as an aside or as a sentence of its own. */
function listed(text: string, isAside: boolean): string {
  if (isAside) return `(${text})`
  return sentence(text)
}

function oneOf(values: readonly string[]): string {
  return values.length > 1 ? `one of: ${shortList(values)}` : (values[0] ?? 'something else')
}

function joined(...sentences: readonly (string | undefined)[]): string {
  return sentences.filter((sentence) => sentence !== undefined).join(' ')
}
