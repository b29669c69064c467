/** What `check` makes of the YAML and the runtime starts from: everything parsed, resolved and known to fit together. */
import type { Capabilities } from '../capabilities.ts'
import type { Json, Say } from '../message.ts'
import type { Plugin, PluginKind } from '../plugin.ts'
import type { Problem } from './report.ts'
import type { TextName } from './texts.ts'

/** Where a value stands in the YAML: `['channels', 'shop-wechat', 'appId']`. */
export type Path = readonly (string | number)[]

export interface CheckedConfig {
  /** The YAML, as an absolute path. */
  readonly file: string
  /** Its folder: relative paths in the YAML start here. */
  readonly folder: string
  /** The text as it was read, and the SHA-256 of it in hex. */
  readonly revision: { readonly hash: string; readonly text: string }
  /** The same as long as nothing has changed that it was made of: its text, the files it names, its variables. */
  readonly fingerprint: string
  readonly server: {
    readonly port: number
    readonly host: string
    /** Without a slash at its end. */
    readonly publicUrl: string
    /** The operator's, for what is not open to everybody. */
    readonly token?: string | undefined
    /** Whose `x-forwarded-for` is believed: addresses and networks, or whoever connects. */
    readonly trustProxy: boolean | readonly string[]
    readonly maxConnections: number
  }
  /** An absolute path. */
  readonly storage: { readonly folder: string }
  /** Private addresses and hosts that plugins may call all the same. */
  readonly http: { readonly allow: readonly string[] }
  /** At least one; the first is used when a customer's is unknown. */
  readonly languages: readonly string[]
  readonly timeZone: string
  /** Everything the core says. An empty text says nothing. */
  readonly texts: { readonly [name in TextName]: Say }
  /** How long rows are kept. */
  readonly keep: {
    readonly messagesMs: number
    readonly tracesMs: number
    readonly deliveriesMs: number
    readonly commandsMs: number
    readonly dedupeMs: number
    readonly auditMs: number
  }
  readonly limits: {
    /** How long turns under way may go on when their plugin is stopped. */
    readonly drainForMs: number
    /** After so many refused requests an address is kept out for the rest of the minute. */
    readonly refusedPerMinute: number
  }
  /** In the order of the YAML, without those that are parked (`enabled: false`) or down. */
  readonly channels: readonly CheckedChannel[]
  readonly bots: readonly CheckedInstance[]
  readonly desks: readonly CheckedDesk[]
  readonly features: readonly CheckedFeature[]
  /** In the order of the YAML; the first one that names a channel takes its conversations. */
  readonly routes: readonly CheckedRoute[]
  /** Entries with `enabled: false`: not loaded, not checked beyond their name. */
  readonly parked: readonly { readonly kind: PluginKind; readonly name: string; readonly line: number }[]
  /** Channels that cannot run for want of an environment variable. Only at a reload; `start` refuses such a file. */
  readonly down: readonly DownChannel[]
  /** What plugins have to say of their settings, though nothing is wrong. */
  readonly notes: readonly Problem[]
  /** Every file that was read for `file()` settings. */
  readonly files: readonly ReadFile[]
  /** The values of all `secret()` settings, to be cut from logs. */
  readonly secrets: readonly string[]
  /** The line of a path in the YAML; of the nearest one above it that is there, when it is not. */
  lineOf(path: Path): number
}

/** One entry under `channels`, `bots`, `desks` or `features`. */
export interface CheckedInstance {
  readonly kind: PluginKind
  /** Unique in the whole file. */
  readonly name: string
  /** As the YAML says it: a plugin's name, a path or a package. */
  readonly use: string
  readonly plugin: Plugin
  /** What `setup` gets as `config`. */
  readonly settings: unknown
  /** The settings as the YAML has them, to show and compare; a value from a variable is a hash that only this process can make. */
  readonly raw: Json
  /**
   * The same as long as the instance can be kept at a reload: its `use`, settings, resolved hours, the content of its
   * files, and what its context was made with (public address, trusted proxies, hosts it may call, time zone,
   * languages) have not changed. Its providers are not part of it.
   */
  readonly fingerprint: string
  /** The names of the instances that lend it services, its optional ones included. They start before it. */
  readonly dependsOn: readonly string[]
  readonly path: Path
  readonly line: number
  readonly files: readonly ReadFile[]
}

export interface CheckedChannel extends CheckedInstance {
  readonly kind: 'channel'
  /** `wechat:wx1234567890`: chats hang on it, not on the name. */
  readonly account: string
  readonly capabilities: Capabilities
  /** Where both ways exist, how it answers. */
  readonly answer: 'later' | 'inline'
  /** What becomes of a delivery when nobody knows whether it was sent. */
  readonly onUnknown: 'leave' | 'resend'
  /** How many sends of an allowance are kept for people. */
  readonly reserve: number
}

export interface CheckedDesk extends CheckedInstance {
  readonly kind: 'desk'
  readonly names: DeskNames
}

/** What the YAML may refer to in a desk. */
export interface DeskNames {
  readonly people: readonly string[]
  readonly teams: readonly string[]
  /** The channels that a team takes; a team that is not in it takes every channel. */
  readonly sources: { readonly [team: string]: readonly string[] }
}

export interface CheckedFeature extends CheckedInstance {
  readonly kind: 'feature'
  /** The channels it is limited to; `undefined`: all. */
  readonly for: readonly string[] | undefined
}

export interface DownChannel {
  readonly name: string
  readonly use: string
  readonly line: number
  /** A sentence for the operator. */
  readonly because: string
}

/** Who answers the conversations of some channels. */
export type CheckedRoute = {
  /** A hash of what it says: the same wherever it stands in the list. Conversations remember their route by it. */
  readonly id: string
  /** As `routes[0]`: its place in the YAML. */
  readonly name: string
  /** Channels that run; one that is parked or down is left out. */
  readonly from: readonly string[]
  /** How long several short messages are gathered into one turn; 0: not at all. */
  readonly collectMs: number
  readonly line: number
} & (
  | { readonly mode: 'bot-only'; readonly bots: readonly string[] }
  | {
      readonly mode: 'bot-first'
      readonly bots: readonly string[]
      readonly desk: string
      readonly team: string | undefined
      readonly handOff: HandOffTriggers
    }
  | { readonly mode: 'agent-only'; readonly desk: string; readonly team: string | undefined }
  | {
      readonly mode: 'cooperation'
      readonly bots: readonly string[]
      readonly desk: string
      readonly team: string | undefined
    }
)

/** What makes a bot-first route ask for people, beside plugins that do. */
export interface HandOffTriggers {
  /** After so many answers in a row that the bot did not know. */
  readonly unknown: number | undefined
  /** When the bot's answer is a guided one that asks for a person. */
  readonly guided: boolean
  /** When the bot understands one of these. */
  readonly intents: readonly string[]
  /** After so many failures of the bot in a row. */
  readonly failures: number | undefined
  /** When one of these menu keys is clicked. */
  readonly menu: readonly string[]
}

export interface ReadFile {
  /** Absolute. */
  readonly path: string
  /** SHA-256 of its bytes, in hex. */
  readonly hash: string
}
