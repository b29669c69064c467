/**
 * The settings that plugins have in common, as zod schemas. A default is the argument: zod's own `.default('10m')`
 * stands behind the transform and would want ms. What only means something inside one configuration (a name, a file
 * beside the YAML) is asked of the resolver while zod parses, see `resolve.ts`.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import cronLibrary from 'node-cron'
import { z } from 'zod'
import type { Content, Localized, Part, Say } from '../message.ts'
import { type Hours, hoursSchema, makeHours, refuse } from './hours.ts'
import { Finding, found } from './problems.ts'
import { type ReferenceKind, resolver, type SettingFile } from './resolve.ts'
import { DURATION_PATTERN, meantDuration, meantSize, parseDuration, parseSize, SIZE_PATTERN } from './units.ts'

export type { Hours } from './hours.ts'
export type { ReferenceKind, SettingFile } from './resolve.ts'

/** A setting that is written as a text and read as something else. */
type FromText<T> = z.ZodType<T, string>

/** A length of time, as `10m`: gives ms. */
export function duration(): FromText<number>
export function duration(byDefault: string): z.ZodPrefault<FromText<number>>
export function duration(byDefault?: string): FromText<number> | z.ZodPrefault<FromText<number>> {
  const schema: FromText<number> = z
    .string()
    .transform((text, context) => {
      const ms = parseDuration(text)
      if (ms === undefined) refuse(context, found('CONFIG_BAD_DURATION', { text, meant: meantDuration(text) }))
      return ms ?? z.NEVER
    })
    .meta({ switchboard: 'duration', pattern: DURATION_PATTERN, examples: ['10m'] })
  return byDefault === undefined ? schema : schema.prefault(byDefault)
}

/** A size, as `2MB`: gives bytes. */
export function bytes(): FromText<number>
export function bytes(byDefault: string): z.ZodPrefault<FromText<number>>
export function bytes(byDefault?: string): FromText<number> | z.ZodPrefault<FromText<number>> {
  const schema: FromText<number> = z
    .string()
    .transform((text, context) => {
      const size = parseSize(text)
      if (size === undefined) refuse(context, found('CONFIG_BAD_SIZE', { text, meant: meantSize(text) }))
      return size ?? z.NEVER
    })
    .meta({ switchboard: 'size', pattern: SIZE_PATTERN, examples: ['2MB'] })
  return byDefault === undefined ? schema : schema.prefault(byDefault)
}

/** A password, token or key. In the YAML only `${NAME}` will do; it is cut from every log. */
export function secret(): z.ZodType<string, string> {
  return z
    .string()
    .min(1)
    .superRefine((value, context) => {
      const finding = resolver()?.secret(value)
      if (finding) refuse(context, finding)
    })
    .meta({ switchboard: 'secret', pattern: '^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$', examples: [`\${WECHAT_SECRET}`] })
}

/** The address of something that is asked by http or https. Who we are is told by a secret, never by the address. */
export function httpUrl(): z.ZodType<string, string> {
  return z.url({ protocol: /^https?$/ }).refine((text) => !hasUser(text), {
    error: 'The address has a user or password in it, which is not sent. Leave them out.',
  })
}

function hasUser(text: string): boolean {
  const { username = '', password = '' } = URL.parse(text) ?? {}
  return username !== '' || password !== ''
}

/** The key of a map per language. */
const language = z.string().superRefine((text, context) => {
  if (!isLanguage(text)) refuse(context, found('CONFIG_BAD_LANGUAGE', { text, meant: meantLanguage(text) }))
})

/** A language by its tag, as `zh-CN`. */
export function languageTag(): z.ZodType<string, string> {
  return language.meta({ switchboard: 'language', examples: ['zh-CN', 'en'] })
}

function isLanguage(text: string): boolean {
  return /^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?$/.test(text)
}

function meantLanguage(text: string): string | undefined {
  const LANGUAGES = new Map([
    ['chinese', 'zh-CN'],
    ['中文', 'zh-CN'],
    ['cn', 'zh-CN'],
    ['english', 'en'],
    ['英文', 'en'],
  ])
  const known = LANGUAGES.get(text.toLowerCase())
  if (known) return known
  try {
    const tag = Intl.getCanonicalLocales(text.replaceAll('_', '-'))[0]
    return tag !== undefined && isLanguage(tag) ? tag : undefined
  } catch {
    return undefined
  }
}

const media = { url: z.string().min(1), name: z.string().optional(), mimeType: z.string().optional() }

const part: z.ZodType<Part, Part> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string().min(1) }),
  z.strictObject({ type: z.literal('image'), ...media }),
  z.strictObject({ type: z.literal('audio'), ...media }),
  z.strictObject({ type: z.literal('video'), ...media }),
  z.strictObject({ type: z.literal('file'), ...media }),
  z.strictObject({
    type: z.literal('location'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    label: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('link'),
    url: z.string().min(1),
    title: z.string().min(1),
    description: z.string().optional(),
    imageUrl: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('choices'),
    prompt: z.string(),
    choices: z.array(z.strictObject({ id: z.string().min(1), label: z.string().min(1) })).min(1),
  }),
  z.strictObject({
    type: z.literal('native'),
    platform: z.string().min(1),
    data: z.json(),
    text: z.string(),
  }),
])

/** What is said: a text, one part, or several. */
export const content: z.ZodType<Content, Content> = z
  .union([z.string(), part, z.array(part).min(1)])
  .meta({ switchboard: 'content' })

function perLanguage<T>(value: z.ZodType<T, T>): z.ZodType<Localized<T>, Localized<T>> {
  const map: z.ZodType<Localized<T>, Localized<T>> = z.record(language, value)
  return map.refine((languages) => Object.keys(languages).length > 0, {
    error: 'The map of languages is empty. Write at least one, as en: …',
  })
}

/** What a customer is told: a text, a map of texts per language, or parts such as a picture. */
export function say(): z.ZodType<Say, Say> {
  return z.union([z.string(), part, z.array(part).min(1), perLanguage(content)]).meta({ switchboard: 'say' })
}

/** A text, or a map of texts per language. */
export function localized(): z.ZodType<string | Localized<string>, string | Localized<string>> {
  return z.union([z.string(), perLanguage(z.string())]).meta({ switchboard: 'localized' })
}

/** Opening hours: the name of an entry under `hours:`, or such an entry itself. */
export function hours(): z.ZodType<Hours, string | z.input<typeof hoursSchema>> {
  return z
    .union([z.string(), hoursSchema])
    .transform((written, context): Hours => {
      const now = resolver()
      const zone = now?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
      if (typeof written !== 'string') return makeHours(written, zone)
      const known =
        now?.hours(written) ??
        found('CONFIG_UNKNOWN_NAME', { kind: 'hours', name: written, nearest: undefined, known: [] })
      if (!(known instanceof Finding)) return known
      refuse(context, known)
      return z.NEVER
    })
    .meta({ switchboard: 'hours' })
}

/** A file beside the YAML. Its content is part of the configuration: an edited file is a change. */
export function file(): FromText<SettingFile> {
  return z
    .string()
    .min(1)
    .transform((path, context): SettingFile => {
      const read = resolver()?.file(path) ?? readDirectly(path)
      if (!(read instanceof Finding)) return read
      refuse(context, read)
      return z.NEVER
    })
    .meta({ switchboard: 'file', examples: ['./faq.yaml'] })
}

function readDirectly(path: string): SettingFile | Finding {
  try {
    const bytes = readFileSync(path)
    return { path: resolve(path), text: bytes.toString('utf8'), bytes }
  } catch {
    return found('CONFIG_BAD_FILE', { path, because: 'cannot be read' })
  }
}

/** The name of something else in the YAML. Works as the key of a `z.record` too. */
export function refers(to: ReferenceKind): z.ZodType<string, string> & z.core.$ZodRecordKey {
  return z
    .string()
    .superRefine((name, context) => {
      const finding = resolver()?.refers(to, name)
      if (finding) refuse(context, finding)
    })
    .meta({ switchboard: to })
}

/** When a job runs: a cron expression in the YAML's time zone, or an interval such as `30s`, as `schedule` takes it. */
export function cron(): z.ZodType<string, string>
export function cron(byDefault: string): z.ZodPrefault<z.ZodType<string, string>>
export function cron(byDefault?: string): z.ZodType<string, string> | z.ZodPrefault<z.ZodType<string, string>> {
  const schema: z.ZodType<string, string> = z
    .string()
    .superRefine((text, context) => {
      if (parseDuration(text) !== undefined || isCron(text)) return
      const meant = meantDuration(text)
      refuse(context, found('CONFIG_BAD_CRON', { text, meant: meant && `Write ${meant}.` }))
    })
    .meta({ switchboard: 'cron', examples: ['0 9 * * 1-5', '30s'] })
  return byDefault === undefined ? schema : schema.prefault(byDefault)
}

function isCron(text: string): boolean {
  try {
    return cronLibrary.validate(text)
  } catch {
    return false
  }
}
