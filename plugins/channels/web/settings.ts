/** What stands in the YAML, and what of it the loader brings to the widget. */
import { supportedMimeTypes } from 'file-type'
import { bytes, duration, file, localized, secret, z } from '#core'
import { colorsOf } from './color.ts'
import type { WidgetSettings } from './protocol.ts'

const origin = z
  .string()
  .refine((text) => text === '*' || (URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text), {
    error: 'An origin is scheme, host and port, without a path, as https://shop.example; or "*" for every site.',
  })

/** As browsers name them, and as their content shows. Left out are the types that a browser would run. */
const TYPES = [
  ...['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'audio/*', 'video/*'],
  ...['application/pdf', 'application/zip', 'text/plain'],
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.oasis.opendocument.text',
  'application/vnd.oasis.opendocument.spreadsheet',
  'application/vnd.oasis.opendocument.presentation',
]

/** What a file can be found to be. */
const SHOWN: ReadonlySet<string> = new Set([...supportedMimeTypes, 'text/plain', 'application/octet-stream'])

const type = z
  .string()
  .refine((text) => /^[a-z]+\/(\*|[a-z0-9.+-]+)$/.test(text), {
    error: 'A type is written as image/png, or all of a kind as image/*.',
  })
  .refine((text) => text.endsWith('/*') || SHOWN.has(text), {
    error:
      'No file shows by its content that it is of this type, so none would be taken. A table as CSV is text/plain.',
  })

const uploads = z.strictObject({
  maxBytes: bytes('10MB').describe('The largest file.'),
  types: z
    .array(type)
    .min(1)
    .default(TYPES)
    .describe('What may be uploaded. What counts is the content, not the name.'),
})

const limits = z.strictObject({
  messagesPerMinute: z
    .int()
    .min(1)
    .default(30)
    .describe('Messages and files of one visitor; one address has ten times as many.'),
  uploadsPerHour: bytes('200MB').describe('What is uploaded from one address.'),
  sessionsPerMinute: z.int().min(1).default(60).describe('New visitors from one address.'),
  connectionsPerVisitor: z.int().min(1).default(10).describe('Pages that one visitor has open.'),
  connectionsPerAddress: z.int().min(1).default(200).describe('Pages that are open at one address.'),
})

export const settings = z.strictObject({
  account: z
    .string()
    .min(1)
    .default('web')
    .describe(
      'The name of the account; chats belong to it. A second web channel needs another one. Changed, every visitor is a new customer with a new chat to your people, while he himself still sees what was said.',
    ),
  origins: z
    .array(origin)
    .default([])
    .describe(
      'The sites that may show the chat, as https://shop.example. Those of server.publicUrl always may; "*" is every site.',
    ),
  title: localized().optional().describe('What stands at the top until somebody has answered.'),
  greeting: localized().optional().describe('What stands above the first message. It is not a message.'),
  privacy: localized().optional().describe('A line below the composer: what becomes of what is written.'),
  color: z
    .string()
    .refine((text) => /^#[0-9a-fA-F]{6}$/.test(text), { error: 'A colour is written as #1a73e8, in quotes.' })
    .default('#1a73e8')
    .describe('The colour of your brand. Text on it is made readable by itself.'),
  logo: z
    .union([z.url({ protocol: /^https?$/ }), file()])
    .optional()
    .describe('The picture of whoever has none of his own: an address, or a file beside this one.'),
  layout: z
    .enum(['left-right', 'one-sided'])
    .default('left-right')
    .describe('Whether the two sides stand opposite, with names and faces, or all of it on one side.'),
  position: z.enum(['left', 'right']).default('right').describe('The corner of the page.'),
  theme: z.enum(['auto', 'light', 'dark']).default('auto').describe('Light or dark; auto is as the visitor has it.'),
  language: z.enum(['zh-CN', 'en']).optional().describe('The language to begin with. Left out: the page’s.'),
  offlineForm: z
    .boolean()
    .default(false)
    .describe('Ask for an e-mail address first where nobody of yours is there to answer.'),
  collect: z
    .array(z.enum(['ip', 'region', 'browser', 'page', 'referrer']))
    .default([])
    .describe(
      'What is kept of a visitor’s surroundings: the address, the browser’s time zone, what browser it is, the page that the chat is on, and where the visitor came from. Pages are kept without what stands behind "?".',
    ),
  uploads: z
    .union([z.literal(false), uploads])
    .prefault({})
    .describe('The files that visitors may send; false switches it off.'),
  identify: z
    .strictObject({
      secret: secret().describe('Signs the identities. Your own server has it, no page ever.'),
      site: z
        .string()
        .min(1)
        .optional()
        .describe(
          'The name of the site whose ids these are; left out, that of the account. Channels that name the same one share customers.',
        ),
    })
    .optional()
    .describe('Lets your site tell us who is signed in there.'),
  limits: limits.prefault({}).describe('How much of it one visitor, or one address, gets.'),
  keep: duration('1y').describe('How long visitors see what was said, and are known again.'),
})
export type Settings = z.output<typeof settings>

/** What the widget is told. */
export function widgetSettings(
  channel: string,
  config: Settings,
  files: Pick<WidgetSettings, 'widget' | 'fetched'> & { readonly logoUrl: string | undefined },
): WidgetSettings {
  const { title, greeting, privacy, layout, position, theme, language, offlineForm, uploads } = config
  return {
    ...files,
    ...{ channel, title, greeting, privacy, layout, position, theme, language, offlineForm },
    colors: colorsOf(config.color),
    uploads: uploads || undefined,
    collect: config.collect.flatMap((what) => SENT[what] ?? []),
  }
}

/** What the widget must send for it; the server sees the rest by itself. */
const SENT: { readonly [what: string]: WidgetSettings['collect'][number] } = {
  region: 'timeZone',
  page: 'page',
  referrer: 'referrer',
}
