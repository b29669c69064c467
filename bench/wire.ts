/** The form in which the platform and a server speak to each other: that of WeChat's plain mode. */
import { createHash } from 'node:crypto'

/** The account's name on the platform. */
export const ACCOUNT = 'gh_bench'
export const TOKEN = 'the-token-of-the-bench'
/** Where answers are posted, as on api.weixin.qq.com. */
export const SEND_PATH = '/cgi-bin/message/custom/send?access_token=bench'

/**
 * What `signature` says of a request.
 * Source: https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/message-push.html, read 2026-11-20.
 */
export function sign(token: string, timestamp: string, nonce: string): string {
  return createHash('sha1').update([token, timestamp, nonce].sort().join('')).digest('hex')
}

/** One message of a customer as the platform posts it, signed. */
export function platformPost(
  host: string,
  path: string,
  message: { readonly id: number; readonly from: string; readonly text: string },
): string {
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const nonce = String(message.id)
  const body = xmlOf(message, timestamp)
  const query = `signature=${sign(TOKEN, timestamp, nonce)}&timestamp=${timestamp}&nonce=${nonce}&openid=${message.from}`
  return `POST ${path}?${query} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: text/xml\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

function xmlOf(
  { id, from, text }: { readonly id: number; readonly from: string; readonly text: string },
  timestamp: string,
): string {
  return `<xml><ToUserName><![CDATA[${ACCOUNT}]]></ToUserName><FromUserName><![CDATA[${from}]]></FromUserName><CreateTime>${timestamp}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[${text}]]></Content><MsgId>${id}</MsgId></xml>`
}

/** What a server reads of it. */
export interface Incoming {
  readonly id: string
  readonly from: string
  readonly text: string
}

/** Reads a text message; anything else is none of the bench. */
export function readXml(xml: string): Incoming {
  const id = /<MsgId>(\d+)</.exec(xml)?.[1]
  const from = /<FromUserName><!\[CDATA\[(.*?)\]\]>/.exec(xml)?.[1]
  const text = /<Content><!\[CDATA\[(.*?)\]\]>/s.exec(xml)?.[1]
  if (id === undefined || from === undefined || text === undefined) throw new Error(`This is no text message: ${xml}`)
  return { id, from, text }
}

/** The body of an answer. */
export function answerTo(customer: string, content: string): string {
  return JSON.stringify({ touser: customer, msgtype: 'text', text: { content } })
}
