/** The sections of the YAML that are the core's own, and the core's keys in the entries that hold plugins. */
import { z } from 'zod'
import { isAddressOrNetwork } from '../services/callers.ts'
import type { CheckedRoute } from './checked.ts'
import { hoursSchema, refuse, timeZone } from './hours.ts'
import { found } from './problems.ts'
import { duration, languageTag, refers, say, secret } from './schema.ts'
import { mapTexts, TEXTS } from './texts.ts'

const publicUrl = z
  .string()
  .transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
      const what = `"${text}" is no address that platforms and browsers can use.`
      refuse(context, found('CONFIG_WRONG_VALUE', { what, instead: 'Write it as https://chat.example.com.' }))
    }
    return text.replace(/\/+$/, '')
  })
  .meta({ examples: ['https://chat.example.com'] })

const MIN_TOKEN_CHARS = 16

/** One that cannot be guessed. What it is must not be told, not even by its length. */
const token = secret().superRefine((value, context) => {
  if (value.length >= MIN_TOKEN_CHARS && /^\S+$/.test(value)) return
  const what = `The token is shorter than ${MIN_TOKEN_CHARS} characters, or has spaces in it.`
  const instead = 'Make one with  openssl rand -hex 32  and set the variable to it.'
  refuse(context, found('CONFIG_WRONG_VALUE', { what, instead }))
})

const proxy = z.string().superRefine((text, context) => {
  if (isAddressOrNetwork(text)) return
  const what = `"${text}" is no address of a proxy.`
  refuse(context, found('CONFIG_WRONG_VALUE', { what, instead: 'Write it as 10.0.0.5, or a network as 10.0.0.0/8.' }))
})

export const server = z.strictObject({
  port: z.int().min(0).max(65535).default(8080).describe('The port that the server listens on.'),
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('The address that it listens on; 0.0.0.0 for all of the machine.'),
  publicUrl: publicUrl.optional().describe('The address that platforms and browsers use.'),
  token: token
    .meta({ examples: [`\${SWITCHBOARD_TOKEN}`] })
    .optional()
    .describe(
      'Lets the operator in: to /metrics, to the detail of /readyz, to desks. Needed as soon as publicUrl is not localhost.',
    ),
  trustProxy: z
    .union([z.boolean(), z.array(proxy).min(1)])
    .default(false)
    .describe('Whether the proxy in front is believed about the caller’s address; or the addresses of those that are.'),
  maxConnections: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('How many connections may be open at a time; further ones are closed at once.'),
})

export const storage = z.strictObject({
  folder: z.string().min(1).default('./data').describe('Where the journal and the documents are kept.'),
})

export const http = z.strictObject({
  allow: z
    .array(z.string().min(1))
    .default([])
    .describe('Hosts with private addresses that plugins may call all the same, as 10.0.0.5 or bot.internal.'),
})

export const languages = z
  .array(languageTag())
  .min(1)
  .default(['zh-CN', 'en'])
  .describe('The languages of your texts. The first is used when a customer’s is unknown.')

export const zone = timeZone().default('UTC').describe('The time zone of opening hours and schedules.')

export const hours = z.record(z.string(), hoursSchema).default({}).describe('Opening hours, by name.')

export const texts = z
  .strictObject(mapTexts((name) => say().optional().describe(TEXTS[name].when)))
  .default({})
  .describe('What the core says. Left out: the built-in text; "": nothing is said.')

export const keep = z
  .strictObject({
    messages: duration('1y').describe('Conversations and what was said.'),
    traces: duration('30d').describe('Why things were decided.'),
    deliveries: duration('30d').describe('What became of each message that was sent.'),
    commands: duration('7d').describe('Commands with their results, so that a repeated one does nothing.'),
    dedupe: duration('72h').describe(
      'The ids of events, so that a repeated one is handled once. A channel with an outbox keeps them as long as messages.',
    ),
    audit: duration('1y').describe('Who changed what.'),
  })
  .describe('How long things are kept.')

export const limits = z
  .strictObject({
    drainFor: duration('30s').describe('How long turns under way may go on when their plugin is stopped.'),
    refusedPerMinute: z
      .int()
      .min(1)
      .default(120)
      .describe('After so many refused requests (4xx) an address is kept out for the rest of the minute.'),
  })
  .describe('Limits of the runtime.')

// ── entries that hold plugins ───────────────────────────────────────────────────────────────

const use = z.string().min(1).describe('The plugin, by its name, a path beside this file, or an npm package.')
const enabled = z.boolean().default(true).describe('false parks the entry: it stays in the file and is not loaded.')

/** The core's own keys of each section's entries; all others are the plugin's. */
export const ENTRY = {
  channels: z.object({
    use,
    enabled,
    answer: z
      .enum(['later', 'inline'])
      .optional()
      .describe(
        'How it answers where it can do both: afterwards, or inside the platform’s own request. Left out: as the channel prefers.',
      ),
    onUnknown: z
      .enum(['leave', 'resend'])
      .optional()
      .describe(
        'What becomes of a message when nobody knows whether it was sent. Left out: sent again only where the platform tells a repeat from a new one.',
      ),
    reserve: z.int().min(0).default(0).describe('How many sends of the platform’s allowance are kept for people.'),
  }),
  bots: z.object({ use, enabled }),
  desks: z.object({ use, enabled }),
  features: z.object({
    use,
    enabled,
    name: z.string().min(1).optional().describe('Its name, when one plugin is used twice.'),
    for: z.array(refers('channel')).min(1).optional().describe('The channels it is limited to.'),
  }),
} as const

// ── routes ──────────────────────────────────────────────────────────────────────────────────

/** One, or a list of at least one: always read as a list. */
function oneOrMore<T>(one: z.ZodType<T, string>): z.ZodType<readonly T[], string | string[]> {
  return z.union([one.transform((value) => [value]), z.array(one).min(1)])
}

const from = oneOrMore(refers('channel')).describe('The channels whose conversations it takes.')
const bot = oneOrMore(refers('bot')).describe('Who answers; of several, the next one when one passes.')
const desk = refers('desk').describe('Where people answer.')
const team = z
  .string()
  .min(1)
  .optional()
  .meta({ switchboard: 'team' })
  .describe('The team, when not the first whose sources fit.')
const collect = duration().optional().describe('Gathers messages that come within this time into one turn.')

const handOff = z.strictObject({
  unknown: z.int().min(1).optional().describe('After so many answers that the bot did not know.'),
  guided: z.boolean().default(false).describe('When a guided answer asks for a person.'),
  intents: z.array(z.string().min(1)).min(1).optional().describe('When the bot understands one of these.'),
  failures: z.int().min(1).optional().describe('After so many failures of the bot.'),
  menu: z.array(z.string().min(1)).min(1).optional().describe('When one of these menu keys is clicked.'),
})

export const route = z.discriminatedUnion('mode', [
  z.strictObject({ from, mode: z.literal('bot-only'), bot, collect }),
  z.strictObject({
    from,
    mode: z.literal('bot-first'),
    bot,
    desk,
    team,
    handOff: handOff.prefault({}).describe('What hands over to people, beside plugins that do.'),
    collect,
  }),
  z.strictObject({ from, mode: z.literal('agent-only'), desk, team, collect }),
  z.strictObject({ from, mode: z.literal('cooperation'), bot, desk, team, collect }),
])

/** The ways that a route can answer. */
export const MODES: readonly CheckedRoute['mode'][] = ['bot-only', 'bot-first', 'agent-only', 'cooperation']

/** Names that are addresses of the server's own. */
export const RESERVED_NAMES: readonly string[] = ['healthz', 'readyz', 'metrics', 'admin', 'media', 'assets', 'api']
