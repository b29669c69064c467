/** The form in which WeChat and a server speak to each other, in plain and in secure mode. */
import { timingSafeEqual } from 'node:crypto'
import { decrypt, digest, encrypt, type Keys } from '../plugins/channels/wechat/simulated-platform/signing.ts'

/** `secure`: messages are encrypted. */
export type Mode = 'plain' | 'secure'
export const MODES = ['plain', 'secure'] as const satisfies readonly Mode[]

/** The account's name on the platform. */
const ACCOUNT = 'gh_bench'
/** What both sides know of the account. */
export const KEYS: Keys = {
  appId: 'wxbench',
  token: 'the-token-of-the-bench',
  encodingAesKey: 'TheKeyOfTheBenchIsKnownToEverybodyWhoReads0',
}
/** Whoever has it gets the access token, which stands in each call. */
export const APP_SECRET = 'the-secret-of-the-bench'
export const ACCESS_TOKEN = 'bench'
/** Where answers are posted, as on api.weixin.qq.com. */
export const SEND_PATH = `/cgi-bin/message/custom/send?access_token=${ACCESS_TOKEN}`

/** One message of a customer as the platform posts it, signed and, in secure mode, encrypted. */
export function platformPost(
  host: string,
  path: string,
  message: { readonly id: number; readonly from: string; readonly text: string },
  mode: Mode,
): string {
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const nonce = String(message.id)
  const signature = digest(KEYS.token, timestamp, nonce)
  let query = `signature=${signature}&timestamp=${timestamp}&nonce=${nonce}&openid=${message.from}`
  let body = xmlOf(message, timestamp)
  if (mode === 'secure') {
    const encrypted = encrypt(KEYS, body)
    query += `&encrypt_type=aes&msg_signature=${digest(KEYS.token, timestamp, nonce, encrypted)}`
    body = `<xml><ToUserName><![CDATA[${ACCOUNT}]]></ToUserName><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`
  }
  return `POST ${path}?${query} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: text/xml\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

function xmlOf(
  { id, from, text }: { readonly id: number; readonly from: string; readonly text: string },
  timestamp: string,
): string {
  return `<xml><ToUserName><![CDATA[${ACCOUNT}]]></ToUserName><FromUserName><![CDATA[${from}]]></FromUserName><CreateTime>${timestamp}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[${text}]]></Content><MsgId>${id}</MsgId></xml>`
}

/** What a baseline makes of a request: the message as it was before it was encrypted. `undefined`: it is not the platform's. */
export function open(query: URLSearchParams, body: string, mode: Mode): string | undefined {
  const [timestamp, nonce] = [query.get('timestamp') ?? '', query.get('nonce') ?? '']
  if (!isSame(query.get('signature') ?? '', digest(KEYS.token, timestamp, nonce))) return undefined
  if (mode === 'plain') return body
  const encrypted = /<Encrypt><!\[CDATA\[(.*?)\]\]>/.exec(body)?.[1] ?? ''
  if (!isSame(query.get('msg_signature') ?? '', digest(KEYS.token, timestamp, nonce, encrypted))) return undefined
  return decrypt(KEYS, encrypted)
}

/** Takes as long for a wrong one as for a right one. */
function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** What a baseline reads of a message. */
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
