/**
 * What is said inside the response to a message.
 * Source: https://developers.weixin.qq.com/doc/service/en/guide/product/message/Passive_user_reply_message.html, read
 * 2026-11-20.
 */
import { randomInt } from 'node:crypto'
import type { Choice, Part } from '#core'
import { idAt } from '../sending/media.ts'
import { articleOf, MAX_TEXT_BYTES, songOf, wordsOf } from '../sending/messages.ts'
import type { Encryption } from './encryption.ts'
import { sign } from './signature.ts'
import { withoutControls } from './xml.ts'

/** Nothing is said; never encrypted. */
export const NOTHING_TO_SAY = 'success'

/** What can be said inside a response; files once the platform has them. */
export const REPLY_PARTS = [
  'text',
  'link',
  'choices',
  'image',
  'audio',
  'video',
  'native',
] as const satisfies readonly Part['type'][]

/** Who is answered, and as whom. */
export interface Addressed {
  /** By their openid. It need not be who the platform names as the sender. */
  readonly customer: string
  /** By its original id. */
  readonly account: string
}

/** A part as the body of the response. Throws for what cannot be said there, such as a file that the platform does not have. */
export function replyOf(part: Part, { customer, account }: Addressed, nowMs: number): string {
  const content = contentOf(part)
  if (content === undefined) return NOTHING_TO_SAY
  const head = { ToUserName: customer, FromUserName: account, CreateTime: secondsOf(nowMs) }
  return `<xml>${elements(head)}${content}</xml>`
}

/** The body of an encrypted response. */
export function sealed(
  reply: string,
  of: { readonly token: string; readonly encryption: Encryption; readonly nowMs: number },
): string {
  if (reply === NOTHING_TO_SAY) return reply
  const Encrypt = of.encryption.encrypt(reply)
  const TimeStamp = secondsOf(of.nowMs)
  const Nonce = String(randomInt(1_000_000_000, 10_000_000_000))
  return `<xml>${elements({ Encrypt, MsgSignature: sign(of.token, TimeStamp, Nonce, Encrypt), TimeStamp, Nonce })}</xml>`
}

/** `undefined`: after all that cannot be shown has been left out, nothing is left to say. */
function contentOf(part: Part): string | undefined {
  switch (part.type) {
    case 'text':
      return textReply(part.text)
    case 'choices':
      return textReply(withLinks(part.prompt, part.choices))
    case 'link': {
      const { title, description = '', picurl = '', url } = articleOf(part)
      const item = elements({ Title: title, Description: description, PicUrl: picurl, Url: url })
      return `${elements({ MsgType: 'news', ArticleCount: '1' })}<Articles><item>${item}</item></Articles>`
    }
    case 'image':
      return `${elements({ MsgType: 'image' })}<Image>${elements({ MediaId: mediaId(part.url) })}</Image>`
    case 'audio':
      return `${elements({ MsgType: 'voice' })}<Voice>${elements({ MediaId: mediaId(part.url) })}</Voice>`
    case 'video': {
      const titled = part.name === undefined ? {} : { Title: part.name }
      return `${elements({ MsgType: 'video' })}<Video>${elements({ MediaId: mediaId(part.url), ...titled })}</Video>`
    }
    case 'native': {
      const { title = '', description = '', url, hqUrl = url, image } = songOf(part.data)
      const song = { Title: title, Description: description, MusicUrl: url, HQMusicUrl: hqUrl }
      const music = elements({ ...song, ThumbMediaId: mediaId(image) })
      return `${elements({ MsgType: 'music' })}<Music>${music}</Music>`
    }
    default:
      throw new Error(`A part of type ${part.type} cannot be said inside a response.`)
  }
}

function mediaId(url: string): string {
  const id = idAt(url)
  if (id === undefined) throw new Error('The platform does not have this file.')
  return id
}

function textReply(text: string): string | undefined {
  const shown = wordsOf(text)
  return shown.trim() === '' ? undefined : elements({ MsgType: 'text', Content: shown })
}

/**
 * The choices as links: a tap on one says its label, and tells its id. Where there is no room for the addresses, they are
 * numbered.
 * Source: https://developers.weixin.qq.com/doc/service/en/api/customer/message/api_sendcustommessage.html, read 2026-11-20.
 */
function withLinks(prompt: string, choices: readonly Choice[]): string {
  const links = choices.map(({ id, label }) => {
    const query = `msgmenucontent=${encodeURIComponent(label)}&msgmenuid=${encodeURIComponent(id)}`
    return `<a href="weixin://bizmsgmenu?${query}">${label.replaceAll('<', '＜').replaceAll('>', '＞')}</a>`
  })
  const linked = [prompt, ...links].join('\n')
  if (Buffer.byteLength(linked) <= MAX_TEXT_BYTES) return linked
  return [prompt, ...choices.map(({ label }, i) => `${i + 1}. ${label}`)].join('\n')
}

/** As elements, each with its text as CDATA. */
function elements(texts: { readonly [element: string]: string }): string {
  return Object.entries(texts)
    .map(([name, text]) => `<${name}><![CDATA[${escaped(text)}]]></${name}>`)
    .join('')
}

/** So that no text can end its CDATA. */
function escaped(text: string): string {
  return withoutControls(text).replaceAll(']]>', ']]]]><![CDATA[>')
}

function secondsOf(ms: number): string {
  return String(Math.floor(ms / 1_000))
}
