/** What a visitor may post, and the event that it is. */
import { type InboundEvent, type MediaPart, type Sender, z } from '#core'
import type { SendMessage } from './protocol.ts'
import { Refusal } from './refusal.ts'
import type { Settings } from './settings.ts'

/** In UTF-16 units. */
const MAX_TEXT_CHARS = 10_000

const Short = z.string().max(256)
const Address = z.string().max(4_096).optional()

export const Message: z.ZodType<SendMessage> = z
  .strictObject({
    id: z.string().regex(/^[\w-]{8,64}$/, 'An id has 8 to 64 letters and digits.'),
    text: z.string().trim().min(1).optional(),
    choice: Short.min(1).optional(),
    file: z.string().max(4_096).optional(),
    contact: z
      .strictObject({
        name: z.string().trim().max(128).optional(),
        email: z
          .string()
          .trim()
          .max(254)
          .regex(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'This is no e-mail address.'),
      })
      .optional(),
    language: z.string().regex(/^[A-Za-z0-9-]{2,35}$/, 'A language is written as zh-CN.'),
    page: Address,
    referrer: Address,
    timeZone: z.string().max(64).optional(),
  })
  .refine(({ text, file }) => (text === undefined) !== (file === undefined), 'A message is a text or a file.')
  .refine(({ text, choice }) => choice === undefined || text !== undefined, 'A choice comes with its label as text.')

export const Session = z.strictObject({ token: z.string().max(1_024).optional() })
export const Read = z.strictObject({ seq: z.int().min(0) })
export const Identity = z.strictObject({ identity: z.string().max(8_192) })
/** Where in the log a page or a stream begins. */
export const From = z.object({
  after: z.coerce.number().int().min(0).default(0),
  before: z.coerce.number().int().min(1).optional(),
})

/** What the server sees by itself. */
export interface Seen {
  readonly ip: string
  readonly browser: string | undefined
}

/** The event of a message. Throws a `Refusal`. `file`: what was uploaded for it. `sender`: who it is, where the host has said so. */
export function toEvent(
  message: SendMessage,
  of: {
    readonly chat: string
    readonly file: MediaPart | undefined
    readonly sender: Sender | undefined
    readonly seen: Seen
    readonly collect: Settings['collect']
    readonly nowMs: number
  },
): InboundEvent {
  const { chat, file, nowMs } = of
  if (message.text !== undefined && message.text.length > MAX_TEXT_CHARS) throw new Refusal('TEXT_TOO_LONG')
  const page = of.collect.includes('page') ? withoutQuery(message.page) : undefined
  return {
    type: 'message',
    // Two visitors may have chosen the same id, one of them perhaps because he knows the other's.
    id: `${chat}/${message.id}`,
    chat,
    parts: [file ?? { type: 'text', text: message.text ?? '' }],
    choice: message.choice,
    sender: withSurroundings(of.sender, message, of.seen, of.collect),
    atMs: nowMs,
    entry: page && new URL(page).pathname.slice(0, 256),
    grants: 'message',
  }
}

function withSurroundings(
  sender: Sender | undefined,
  message: SendMessage,
  seen: Seen,
  collect: Settings['collect'],
): Sender {
  const { contact, language, timeZone } = message
  const known: { readonly [what in Settings['collect'][number]]: string | undefined } = {
    ip: seen.ip,
    region: timeZone,
    browser: seen.browser?.slice(0, 256),
    page: withoutQuery(message.page),
    referrer: withoutQuery(message.referrer),
  }
  const fields = {
    ...sender?.fields,
    ...Object.fromEntries(collect.flatMap((what) => (known[what] ? [[what, known[what]]] : []))),
    // Nobody has proven that it is his: not to be mistaken for the address of an identity.
    ...(contact && { contactEmail: contact.email }),
  }
  const name = sender?.name ?? contact?.name
  return {
    ...sender,
    language,
    ...(name && { name }),
    ...(Object.keys(fields).length > 0 && { fields }),
  }
}

/** Of web pages only: what stands behind the path may be a secret of the site's. */
function withoutQuery(address: string | undefined): string | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined
  const { protocol, origin, pathname } = new URL(address)
  return /^https?:$/.test(protocol) ? `${origin}${pathname}`.slice(0, 1_024) : undefined
}
