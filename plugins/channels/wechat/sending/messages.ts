/** A part as one customer-service message. */
import { DeliveryError, type Json, type MediaPart, type Part, z } from '#core'
import { addressOf, type UploadKind } from './media.ts'

/**
 * One message, without whom it is for.
 * Source of all bodies: https://developers.weixin.qq.com/doc/service/en/api/customer/message/api_sendcustommessage.html,
 * read 2026-11-20.
 */
export type Message = { readonly msgtype: string } & { readonly [key: string]: Json }

/** Gives the platform's id of the file that stands at a url. */
export type Upload = (url: string, kind: UploadKind) => Promise<string>

const address = z.url({ protocol: /^https?$/ })

/**
 * What only WeChat has, as the `data` of a native part. `image` is a picture anywhere, as the url of an image part; it
 * is uploaded. (That a card's cover is uploaded as a picture, and a song's as a cover of 64 KB, is not confirmed.)
 */
export const NativeData = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('mini-program'),
    title: z.string().min(1),
    /** Of the mini program, which must be linked to the account. */
    appId: z.string().min(1),
    /** The page that it opens, such as `pages/order/order?id=1`. */
    page: z.string().min(1),
    image: z.string().min(1),
  }),
  z.strictObject({
    type: z.literal('music'),
    title: z.string().optional(),
    description: z.string().optional(),
    url: address,
    /** Of better quality, played by Wi-Fi. Left out: the same. */
    hqUrl: address.optional(),
    image: z.string().min(1),
  }),
])
type Native = z.output<typeof NativeData>

/**
 * Longest text, in UTF-8 bytes. That of customer-service messages is not published (2,048 are taken to be safe); in a
 * response 2,047 have been seen to be the most (https://github.com/dodgepudding/wechat-php-sdk/issues/363, read
 * 2026-11-20). One text may go either way.
 */
export const MAX_TEXT_BYTES = 2_047
/** Most choices of one menu. The platform names no limit; more are sent as numbered text. */
export const MAX_CHOICES = 10

/** Longest recording that is taken. Source: as of `UPLOADS`. */
const MAX_VOICE_MS = 60_000

/** Makes the message of a part. Rejects with `DeliveryError`, and as `upload` does. */
export async function messageOf(part: Part, upload: Upload): Promise<Message> {
  switch (part.type) {
    case 'text':
      return { msgtype: 'text', text: { content: wordsOf(part.text) } }
    case 'image':
      return { msgtype: 'image', image: { media_id: await upload(part.url, 'image') } }
    case 'audio':
      return { msgtype: 'voice', voice: { media_id: await voiceOf(part, upload) } }
    case 'video':
      return { msgtype: 'video', video: { media_id: await upload(part.url, 'video'), ...titled(part.name) } }
    case 'link':
      return { msgtype: 'news', news: { articles: [articleOf(part)] } }
    case 'choices': {
      const list = part.choices.map(({ id, label }) => ({ id, content: wordsOf(label) }))
      return { msgtype: 'msgmenu', msgmenu: { head_content: wordsOf(part.prompt), list } }
    }
    case 'native':
      return nativeOf(part.data, upload)
    default:
      throw new DeliveryError('CHANNEL_REFUSED', { message: `WeChat takes no ${part.type}.` })
  }
}

/** A link as a card, which has a title. A file of ours is no address for the customer's phone. */
export function articleOf({ title, description, url, imageUrl }: Extract<Part, { readonly type: 'link' }>) {
  const picurl = address.safeParse(imageUrl).data
  return {
    title: title.trim() || url,
    ...described(description),
    url,
    ...(picurl && { picurl }),
  }
}

/** The part with files that the platform has: what is said inside a response refers to nothing else. Rejects as `messageOf`. */
export async function withFilesThere(part: Part, upload: Upload): Promise<Part> {
  switch (part.type) {
    case 'image':
    case 'video':
      return { ...part, url: addressOf(await upload(part.url, part.type)) }
    case 'audio':
      return { ...part, url: addressOf(await voiceOf(part, upload)) }
    case 'native': {
      const { type, url, hqUrl = url, image, ...words } = songOf(part.data)
      const id = await upload(image, 'thumb')
      return {
        ...part,
        data: { type, ...titled(words.title), ...described(words.description), url, hqUrl, image: addressOf(id) },
      }
    }
    default:
      return part
  }
}

/** The song that a native part is: of what only WeChat has, a response can hold nothing else. */
export function songOf(data: Json): Extract<Native, { readonly type: 'music' }> {
  const native = readNative(data)
  if (native.type === 'music') return native
  throw new DeliveryError('CHANNEL_REFUSED', { message: 'A mini program cannot be shown inside a response.' })
}

async function voiceOf({ url, durationMs = 0 }: MediaPart, upload: Upload): Promise<string> {
  if (durationMs <= MAX_VOICE_MS) return upload(url, 'voice')
  const message = `The recording takes ${Math.ceil(durationMs / 1_000)} s, and WeChat takes ${MAX_VOICE_MS / 1_000} s.`
  throw new DeliveryError('CHANNEL_FILE', { retry: false, message })
}

function readNative(data: Json): Native {
  const read = NativeData.safeParse(data)
  if (read.success) return read.data
  const message = `This is no native part of WeChat: ${z.prettifyError(read.error)}`
  throw new DeliveryError('CHANNEL_REFUSED', { message })
}

async function nativeOf(data: Json, upload: Upload): Promise<Message> {
  const native = readNative(data)
  if (native.type === 'mini-program') {
    const { title, appId, page, image } = native
    const thumb_media_id = await upload(image, 'image')
    return { msgtype: 'miniprogrampage', miniprogrampage: { title, appid: appId, pagepath: page, thumb_media_id } }
  }
  const { title, description, url, hqUrl = url, image } = native
  const thumb_media_id = await upload(image, 'thumb')
  const song = { ...titled(title), ...described(description), musicurl: url, hqmusicurl: hqUrl, thumb_media_id }
  return { msgtype: 'music', music: song }
}

function titled(title: string | undefined): { readonly title?: string } {
  return title === undefined ? {} : { title }
}

function described(description: string | undefined): { readonly description?: string } {
  return description === undefined ? {} : { description }
}

/** What JSON can only write as `\u…`, which the platform does not read. A line break and a tab are fine. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out.
const UNREADABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g
/** A link as the platform shows one: to a page, or what is said by a tap on it. */
const LINK = /<a\s[^<>]*\bhref="(?:https?:\/\/|weixin:\/\/bizmsgmenu\?)[^"<>]*"[^<>]*>[^<>]*<\/a>/gi
const TAG = /<(?=\/?a[\s>])/gi

/**
 * A text as it is shown. Only `<a>` is read as markup: what is no whole link, such as the half of one that a customer
 * has written and a bot repeats, is shown as it was written. (That `&lt;` would be is not confirmed, so the sign is
 * written in full width.)
 */
export function wordsOf(text: string): string {
  const plain = text.toWellFormed().replace(UNREADABLE, '')
  let shown = ''
  let from = 0
  for (const { 0: link, index } of plain.matchAll(LINK)) {
    shown += plain.slice(from, index).replace(TAG, '＜') + link
    from = index + link.length
  }
  return shown + plain.slice(from).replace(TAG, '＜')
}
