/** What may be written to a customer, by either way, in the form of the customer-service interface. */
import { z } from '#core'
import { Refused } from './refused.ts'

/** In UTF-8 bytes. The limit is nowhere published; longer ones have been seen to be refused. */
const MAX_TEXT_BYTES = 2048

const id = z.string().min(1)
const words = z.string().optional()
const url = z.url({ protocol: /^https?$/ }).max(2048)
const address = url.or(z.literal('')).optional()

/** What may stand beside any content. */
const around = {
  touser: z.string(),
  customservice: z.strictObject({ kf_account: z.string() }).optional(),
  aimsgcontext: z.strictObject({ is_ai_msg: z.union([z.literal(0), z.literal(1)]) }).optional(),
}

/** Source: https://developers.weixin.qq.com/doc/service/en/api/customer/message/api_sendcustommessage.html, read 2026-11-22. */
const Sent = z.discriminatedUnion('msgtype', [
  z.strictObject({ ...around, msgtype: z.literal('text'), text: z.strictObject({ content: z.string() }) }),
  z.strictObject({ ...around, msgtype: z.literal('image'), image: z.strictObject({ media_id: id }) }),
  z.strictObject({ ...around, msgtype: z.literal('voice'), voice: z.strictObject({ media_id: id }) }),
  z.strictObject({
    ...around,
    msgtype: z.literal('video'),
    video: z.strictObject({ media_id: id, thumb_media_id: id.optional(), title: words, description: words }),
  }),
  z.strictObject({
    ...around,
    msgtype: z.literal('music'),
    music: z.strictObject({
      title: words,
      description: words,
      musicurl: address,
      hqmusicurl: address,
      thumb_media_id: id,
    }),
  }),
  z.strictObject({
    ...around,
    msgtype: z.literal('news'),
    news: z.strictObject({
      articles: z
        .array(z.strictObject({ title: z.string(), description: words, url: address, picurl: address }))
        .min(1),
    }),
  }),
  z.strictObject({ ...around, msgtype: z.literal('mpnews'), mpnews: z.strictObject({ media_id: id }) }),
  z.strictObject({ ...around, msgtype: z.literal('mpnewsarticle'), mpnewsarticle: z.strictObject({ article_id: id }) }),
  z.strictObject({
    ...around,
    msgtype: z.literal('msgmenu'),
    msgmenu: z.strictObject({
      head_content: words,
      list: z.array(z.strictObject({ id, content: z.string().min(1) })).min(1),
      tail_content: words,
    }),
  }),
  z.strictObject({ ...around, msgtype: z.literal('wxcard'), wxcard: z.strictObject({ card_id: id }) }),
  z.strictObject({
    ...around,
    msgtype: z.literal('miniprogrampage'),
    miniprogrampage: z.strictObject({ title: words, appid: id, pagepath: z.string().min(1), thumb_media_id: id }),
  }),
])
type Sent = z.infer<typeof Sent>

/** One message to a customer: `{ msgtype: 'text', text: { content } }` and so on. */
export type Message = Sent extends infer S ? (S extends Sent ? Readonly<Omit<S, keyof typeof around>> : never) : never

/** A message with what the sender said beside it. */
export interface Posted {
  readonly openId: string
  readonly message: Message
  readonly kfAccount: string | undefined
  readonly isAi: boolean
}

/** Reads what was posted to the interface. Throws `Refused` with the platform’s number for what is wrong. */
export function readPosted(json: unknown): Posted {
  const read = Sent.safeParse(json)
  if (!read.success) throw refusalOf(read.error)
  const { touser, customservice, aimsgcontext, ...message } = read.data
  refuseWrong(message)
  return { openId: touser, message, kfAccount: customservice?.kf_account, isAi: aimsgcontext?.is_ai_msg === 1 }
}

/** What holds for both ways. */
export function refuseWrong(message: Message): void {
  if (message.msgtype === 'text') refuseText(message.text.content)
  if (message.msgtype === 'news' && message.news.articles.length > 1) throw new Refused(45008)
}

function refuseText(text: string): void {
  if (text === '') throw new Refused(44004)
  if (Buffer.byteLength(text) > MAX_TEXT_BYTES) throw new Refused(45002)
}

function refusalOf({ issues }: z.ZodError): Refused {
  const isType = issues.some(({ path, code }) => path[0] === 'msgtype' || code === 'invalid_union')
  const told = issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  return new Refused(isType ? 40008 : 47001, isType ? undefined : `data format error ${told}`)
}

/** Every file that a message refers to. */
export function mediaOf(message: Message): readonly { readonly id: string; readonly type: string }[] {
  const of = (type: string, ...ids: readonly (string | undefined)[]) =>
    ids.flatMap((one) => (one === undefined ? [] : [{ id: one, type }]))
  switch (message.msgtype) {
    case 'image':
      return of('image', message.image.media_id)
    case 'voice':
      return of('voice', message.voice.media_id)
    case 'video':
      return [...of('video', message.video.media_id), ...of('thumb', message.video.thumb_media_id)]
    case 'music':
      return of('thumb', message.music.thumb_media_id)
    case 'miniprogrampage':
      return of('thumb', message.miniprogrampage.thumb_media_id)
    default:
      return []
  }
}

/** As one would read it aloud, for tests and lists. */
export function wordsOf(message: Message): string {
  switch (message.msgtype) {
    case 'text':
      return message.text.content
    case 'msgmenu': {
      const { head_content = '', list, tail_content = '' } = message.msgmenu
      return [head_content, ...list.map(({ content }) => content), tail_content].filter(Boolean).join('\n')
    }
    case 'news':
      return message.news.articles.map(({ title }) => title).join('\n')
    case 'miniprogrampage':
      return message.miniprogrampage.title ?? `[${message.msgtype}]`
    default:
      return `[${message.msgtype}]`
  }
}
