/**
 * What each of the platform's messages and events means here. What is not known, or not as it is documented, is noted as
 * it came.
 * Sources: https://developers.weixin.qq.com/doc/service/guide/product/message/Receiving_standard_messages.html and
 * https://developers.weixin.qq.com/doc/service/en/guide/product/message/Receiving_event_pushes.html, read 2026-11-20.
 */
import { createHash } from 'node:crypto'
import { type InboundEvent, type Json, type Part, z } from '#core'
import type { XmlFields } from './xml.ts'

/** To whom it is written, and the event that it is. */
export interface Push {
  /** The account, by its original id. */
  readonly to: string
  /** `undefined`: of no use to anybody, and coming every few seconds. */
  readonly event: InboundEvent | undefined
  /** Whether the customer is shown what is said inside the response. */
  readonly answerable: boolean
}

const Id = z.string().min(1).max(128)
const Head = z.looseObject({
  ToUserName: Id,
  FromUserName: Id,
  CreateTime: z.string().regex(/^\s*\d{1,12}\s*$/),
  MsgType: Id,
})
type Head = z.output<typeof Head>

/** What an event is, without what all have. */
type Meaning = InboundEvent extends infer E ? (E extends InboundEvent ? Omit<E, 'id' | 'chat' | 'atMs'> : never) : never

/** One message or event of the platform's. `undefined`: it does not say who wrote to whom, and when. */
export function readPush(fields: XmlFields): Push | undefined {
  const head = Head.safeParse(fields).data
  if (!head) return undefined
  const { FromUserName: from, ToUserName: to } = head
  if (head.MsgType !== 'event')
    return { to, event: eventOf(head, from, idOfMessage(head), meaningOfMessage(head)), answerable: true }
  const kind = Event.safeParse(head).data?.Event ?? 'event'
  if (NOT_KEPT.has(kind)) return { to, event: undefined, answerable: false }
  // The platform itself tells what has become of a customer, who is named inside.
  const chat = OfCustomer.safeParse(head).data?.OpenID ?? from
  const event = eventOf(head, chat, idOfEvent(head, kind), meaningOfEvent(head, kind))
  return { to, event, answerable: ANSWERABLE.has(kind) }
}

/**
 * Acknowledged and no more. Of where a customer is, one comes every five seconds while the chat is looked at; the others
 * tell what has become of articles, and come from the platform's helper or an administrator, who are no customers.
 * Source: https://developers.weixin.qq.com/doc/service/en/guide/product/message/Receiving_event_pushes.html, read 2026-11-20.
 */
const NOT_KEPT: ReadonlySet<string> = new Set(['LOCATION', 'MASSSENDJOBFINISH', 'PUBLISHJOBFINISH'])

/** The events that the platform shows an answer to: those by which a customer has asked for one. */
const ANSWERABLE: ReadonlySet<string> = new Set([
  'subscribe',
  'SCAN',
  'CLICK',
  'scancode_waitmsg',
  'pic_sysphoto',
  'pic_photo_or_album',
  'pic_weixin',
  'location_select',
])

const Event = z.object({ Event: Id })
const OfCustomer = z.object({ OpenID: Id })

function eventOf(head: Head, chat: string, id: string, meaning: Meaning): InboundEvent {
  return { ...meaning, id, chat, atMs: Number(head.CreateTime) * 1_000 }
}

// ── which one it is ─────────────────────────────────────────────────────────────────────────

/**
 * A number of a message has been seen with two customers, so they count too. It stays as it is: under another, a repeat
 * that comes after an update would be a new message.
 * Source: https://github.com/Wechat-Group/WxJava/issues/333, read 2026-11-20.
 */
function idOfMessage(head: Head): string {
  const { FromUserName, CreateTime } = head
  return `${FromUserName}:${CreateTime.trim()}:${Numbered.safeParse(head).data?.MsgId ?? digest(JSON.stringify(head))}`
}

const Numbered = z.object({ MsgId: z.string().regex(/^\d{1,32}$/) })

/** Events have no number. A customer who picks two menu items within a second has made two. */
function idOfEvent(head: Head, kind: string): string {
  const { FromUserName, CreateTime } = head
  const about = Object.values(About.safeParse(head).data ?? {}).filter(Boolean)
  const key = about.join(':')
  return `${FromUserName}:${CreateTime.trim()}:${kind}:${key.length > MAX_KEY_CHARS ? digest(key) : key}`
}

/** A key may be a whole address. */
const MAX_KEY_CHARS = 128

/** What tells apart two events of the same kind, customer and second. */
const About = z.object({
  EventKey: z.string().optional(),
  MsgID: z.string().optional(),
  OpenID: z.string().optional(),
  KfAccount: z.string().optional(),
  ToKfAccount: z.string().optional(),
})

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

// ── messages ────────────────────────────────────────────────────────────────────────────────

/** Reads one type of message, or gives `undefined` if it is not as documented. */
type ReadMessage = (head: Head) => Meaning | undefined

function meaningOfMessage(head: Head): Meaning {
  const { MsgType } = head
  const read = Object.hasOwn(MESSAGES, MsgType) ? MESSAGES[MsgType] : undefined
  return read?.(head) ?? { type: 'other', kind: MsgType, grants: 'message', raw: rawOf(head) }
}

const MediaId = z.string().min(1).max(1_024)
const Label = z.string().max(4_096)

const Text = z.object({ Content: z.string().min(1).max(20_000), bizmsgmenuid: z.string().min(1).max(512).optional() })
const Image = z.object({ MediaId })
const Video = z.object({ MediaId })
const Voice = z.object({
  MediaId,
  MediaId16K: MediaId.optional().catch(undefined),
  Format: z.string().max(32).optional(),
  Recognition: z.string().max(20_000).optional(),
})
const Degrees = z
  .string()
  .regex(/^\s*-?\d{1,3}(\.\d{1,20})?\s*$/)
  .transform(Number)
const Place = z.object({
  Location_X: Degrees.pipe(z.number().min(-90).max(90)),
  Location_Y: Degrees.pipe(z.number().min(-180).max(180)),
  Label: Label.optional(),
})
const Link = z.object({ Url: z.url().max(4_096), Title: Label.optional(), Description: Label.optional() })
const File = z.object({ Title: z.string().min(1).max(512) })
const Card = z.object({ Title: Label })

/**
 * What stands in place of a message that the platform passes on to nobody, in the language of the customer's WeChat. The
 * bot could only be confused by it.
 */
const UNSUPPORTED: ReadonlySet<string> = new Set([
  '【收到不支持的消息类型，暂无法显示】',
  '【收到不支援的訊息類型，無法顯示】',
  '[Unsupported Message]',
])

const MESSAGES: { readonly [type: string]: ReadMessage } = {
  text(head) {
    const said = Text.safeParse(head).data
    if (!said) return undefined
    const { Content: text, bizmsgmenuid: choice } = said
    if (UNSUPPORTED.has(text.trim())) return { type: 'other', kind: 'unsupported', grants: 'message', raw: rawOf(head) }
    return { ...message({ type: 'text', text }), choice }
  },
  image(head) {
    const image = Image.safeParse(head).data
    return image && message({ type: 'image', url: referenceTo(image.MediaId) })
  },
  voice(head) {
    const voice = Voice.safeParse(head).data
    if (!voice) return undefined
    // Twice as fine, and therefore better to recognise words in.
    const url = referenceTo(voice.MediaId16K ?? voice.MediaId)
    const transcript = voice.Recognition?.trim() || undefined
    return message({ type: 'audio', url, transcript })
  },
  video: readVideo,
  shortvideo: readVideo,
  location(head) {
    const place = Place.safeParse(head).data
    if (!place) return undefined
    // X is the latitude.
    const { Location_X: latitude, Location_Y: longitude, Label: label } = place
    return message({ type: 'location', latitude, longitude, label: label || undefined })
  },
  link(head) {
    const link = Link.safeParse(head).data
    if (!link) return undefined
    const { Url: url, Title: title, Description: description } = link
    return message({ type: 'link', url, title: title || url, description: description || undefined })
  },
  // There is no way to fetch it: what is known of it is its name.
  file(head) {
    const file = File.safeParse(head).data
    return file && message({ type: 'native', platform: 'wechat', data: rawOf(head), text: `📎 ${file.Title}` })
  },
  miniprogrampage(head) {
    const card = Card.safeParse(head).data
    return card && message({ type: 'native', platform: 'wechat', data: rawOf(head), text: card.Title })
  },
}

function readVideo(head: Head): Meaning | undefined {
  const video = Video.safeParse(head).data
  return video && message({ type: 'video', url: referenceTo(video.MediaId) })
}

/** Every message opens the window of 48 hours, whatever is in it. */
function message(part: Part): Extract<Meaning, { readonly type: 'message' }> {
  return { type: 'message', parts: [part], grants: 'message' }
}

/** The file of the platform's that has this id: `sending/media.ts` fetches it. */
function referenceTo(mediaId: string): string {
  return `wechat:${mediaId}`
}

// ── events ──────────────────────────────────────────────────────────────────────────────────

/** In front of the scene by which somebody has begun to follow. */
const SCENE = 'qrscene_'

const Key = z.object({ EventKey: z.string().max(1_024).default('') })
const Scanned = z.object({
  EventKey: z.string().max(512),
  ScanCodeInfo: z.object({ ScanResult: z.string().min(1).max(4_096) }),
})

function meaningOfEvent(head: Head, kind: string): Meaning {
  const read = Object.hasOwn(EVENTS, kind) ? EVENTS[kind] : undefined
  return { ...(read?.(head) ?? { type: 'other', kind }), raw: rawOf(head) }
}

/**
 * Those that mean something here. All others are noted as they came: who looked at a page (`VIEW`) has asked nothing; of
 * pictures and places that are announced, each comes as a message of its own; what became of notices to many is no
 * customer's.
 */
const EVENTS: { readonly [kind: string]: ReadMessage } = {
  subscribe(head) {
    const key = Key.safeParse(head).data?.EventKey ?? ''
    const entry = key.startsWith(SCENE) ? key.slice(SCENE.length) : ''
    return { type: 'follow', entry: entry || undefined, grants: 'follow' }
  },
  unsubscribe: () => ({ type: 'unfollow' }),
  SCAN(head) {
    const entry = Key.safeParse(head).data?.EventKey
    return { type: 'scan', entry: entry || undefined, grants: 'scan' }
  },
  CLICK(head) {
    const key = Key.safeParse(head).data?.EventKey
    return key === undefined ? undefined : { type: 'menu-click', key, grants: 'menu' }
  },
  // The customer's WeChat shows what was scanned by itself, and may be written to for a minute.
  scancode_push: () => ({ type: 'other', kind: 'scancode_push', grants: 'menu' }),
  // The customer has scanned something for us and waits: what stands in the code is what is said.
  scancode_waitmsg(head) {
    const scanned = Scanned.safeParse(head).data
    if (!scanned) return undefined
    const { EventKey: choice, ScanCodeInfo } = scanned
    return { ...message({ type: 'text', text: ScanCodeInfo.ScanResult }), choice, grants: 'menu' }
  },
}

/** What the platform sent, as JSON. */
function rawOf(head: Head): Json {
  const raw: Json = JSON.parse(JSON.stringify(head))
  return raw
}
