/** What stands in the response to a push, read as the platform reads it: anything wrong, and the customer sees a failure. */
import { z } from '#core'
import { type Message, mediaOf } from './messages.ts'
import { decrypt, digest, type Keys } from './signing.ts'
import { type Read, readXml } from './xml.ts'

/** In UTF-8 bytes, as observed: https://github.com/dodgepudding/wechat-php-sdk/issues/363, read 2026-11-22. */
const MAX_TEXT_BYTES = 2047
/** Articles in an answer to a message, and to anything else. */
const MAX_ARTICLES = { message: 1, event: 8 } as const

/** The push that is answered. */
export interface Pushed {
  readonly keys: Keys
  /** The account, `gh_…`. */
  readonly from: string
  /** Left out: anybody has. */
  readonly openId?: string
  readonly isEvent: boolean
  /** Whether the answer must be encrypted, may be, or cannot be. */
  readonly mode: 'plain' | 'compatible' | 'secure'
  /** Whether the account has this file. */
  hasMedia(id: string): boolean
}

/** `transfer_customer_service` hands the customer to people in the platform’s own tool. */
export type Reply = Message | { readonly msgtype: 'transfer_customer_service'; readonly kfAccount: string | undefined }

const id = z.string().min(1)
const words = z.string().optional()
const head = { ToUserName: id, FromUserName: id, CreateTime: z.string().regex(/^\d{1,10}$/) }
const File = z.strictObject({ MediaId: id })
const Article = z.strictObject({ Title: words, Description: words, PicUrl: words, Url: words })

/** Source: https://developers.weixin.qq.com/doc/service/en/guide/product/message/Passive_user_reply_message.html, read 2026-11-22. */
const Answer = z.discriminatedUnion('MsgType', [
  z.strictObject({ ...head, MsgType: z.literal('text'), Content: z.string() }),
  z.strictObject({ ...head, MsgType: z.literal('image'), Image: File }),
  z.strictObject({ ...head, MsgType: z.literal('voice'), Voice: File }),
  z.strictObject({
    ...head,
    MsgType: z.literal('video'),
    Video: z.strictObject({ MediaId: id, Title: words, Description: words }),
  }),
  z.strictObject({
    ...head,
    MsgType: z.literal('music'),
    Music: z.strictObject({
      Title: words,
      Description: words,
      MusicUrl: words,
      HQMusicUrl: words,
      ThumbMediaId: id,
    }),
  }),
  z.strictObject({
    ...head,
    MsgType: z.literal('news'),
    ArticleCount: z.string().regex(/^\d{1,2}$/),
    Articles: z.strictObject({ item: z.union([z.array(Article), Article.transform((one) => [one])]) }),
  }),
  z.strictObject({
    ...head,
    MsgType: z.literal('transfer_customer_service'),
    TransInfo: z.strictObject({ KfAccount: id }).optional(),
  }),
])

const Envelope = z.strictObject({ Encrypt: id, MsgSignature: id, TimeStamp: z.string().regex(/^\d+$/), Nonce: id })

/** `undefined`: taken note of, nothing to show. Throws with what is wrong. */
export function readReply(body: string, pushed: Pushed): Reply | undefined {
  if (body === '' || body === 'success') return undefined
  const answer = checked(Answer, readXml(opened(body, pushed)))
  if (pushed.openId !== undefined && answer.ToUserName !== pushed.openId)
    throw new Error(`it is for ${answer.ToUserName}, who has not written`)
  if (answer.FromUserName !== pushed.from)
    throw new Error(`it is from ${answer.FromUserName}, and not from the account`)
  const reply = replyOf(answer, pushed)
  for (const file of 'kfAccount' in reply ? [] : mediaOf(reply))
    if (!pushed.hasMedia(file.id)) throw new Error(`there is no media_id ${file.id}`)
  return reply
}

/** The clear text of the answer. */
function opened(body: string, { keys, mode }: Pushed): string {
  const isSealed = body.includes('<Encrypt>')
  if (isSealed && mode === 'plain') throw new Error('it is encrypted, and this account has no encryption')
  if (!isSealed && mode === 'secure') throw new Error('it is not encrypted')
  if (!isSealed) return body
  const { Encrypt, MsgSignature, TimeStamp, Nonce } = checked(Envelope, readXml(body))
  if (digest(keys.token, TimeStamp, Nonce, Encrypt) !== MsgSignature) throw new Error('MsgSignature is wrong')
  return decrypt(keys, Encrypt)
}

function replyOf(answer: z.infer<typeof Answer>, { isEvent }: Pushed): Reply {
  switch (answer.MsgType) {
    case 'text':
      if (answer.Content === '') throw new Error('Content is empty')
      if (Buffer.byteLength(answer.Content) > MAX_TEXT_BYTES) throw new Error('Content is too long')
      return { msgtype: 'text', text: { content: answer.Content } }
    case 'image':
      return { msgtype: 'image', image: { media_id: answer.Image.MediaId } }
    case 'voice':
      return { msgtype: 'voice', voice: { media_id: answer.Voice.MediaId } }
    case 'video': {
      const { MediaId, Title, Description } = answer.Video
      return { msgtype: 'video', video: { media_id: MediaId, title: Title, description: Description } }
    }
    case 'music': {
      const { Title, Description, MusicUrl, HQMusicUrl, ThumbMediaId } = answer.Music
      const music = { title: Title, description: Description, musicurl: MusicUrl, hqmusicurl: HQMusicUrl }
      return { msgtype: 'music', music: { ...music, thumb_media_id: ThumbMediaId } }
    }
    case 'news': {
      const { item } = answer.Articles
      const max = isEvent ? MAX_ARTICLES.event : MAX_ARTICLES.message
      if (item.length !== Number(answer.ArticleCount)) throw new Error('ArticleCount is wrong')
      if (item.length > max) throw new Error(`${item.length} articles are more than ${max}`)
      const articles = item.map(({ Title = '', Description, PicUrl, Url }) => ({
        title: Title,
        description: Description,
        url: Url,
        picurl: PicUrl,
      }))
      return { msgtype: 'news', news: { articles } }
    }
    case 'transfer_customer_service':
      if (isEvent) throw new Error('only messages are handed to people, not events')
      return { msgtype: answer.MsgType, kfAccount: answer.TransInfo?.KfAccount }
  }
}

function checked<T extends z.ZodType>(schema: T, read: Read): z.output<T> {
  const found = schema.safeParse(read)
  if (found.success) return found.data
  throw new Error(found.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
}
