/** How the platform tells the account’s server what happened: signed, encrypted where that is set, and again when it must. */
import { request as httpRequest } from 'node:http'
import { text as textOf } from 'node:stream/consumers'
import { messageOf } from '#core'
import type { Account } from './account.ts'
import { type Reply, readReply } from './replies.ts'
import { digest, encrypt } from './signing.ts'
import { type Fields, type Read, readXml, writeXml } from './xml.ts'

/**
 * How long an answer may take, after which the next try begins; and how many there are.
 * Source: https://developers.weixin.qq.com/doc/service/en/guide/product/message/Passive_user_reply_message.html, read 2026-11-22.
 */
const ANSWER_WITHIN_MS = 5_000
const TRIES = 3

/** How the pushes of the account are encrypted: not at all, beside the clear text, or only. */
export type Mode = 'plain' | 'compatible' | 'secure'

export interface PushOptions {
  /** The server’s address. Left out: the one that was set. */
  readonly to?: string | undefined
  /** Left out: the one that was set. */
  readonly mode?: Mode | undefined
  /** Left out: three. */
  readonly tries?: number | undefined
  /** In seconds since 1970, as text. Left out: now. */
  readonly timestamp?: string | undefined
  /** Left out: another one with each try. */
  readonly nonce?: string | undefined
}

/** What became of a push. */
export interface Pushed {
  readonly tries: number
  /** Of the last answer; 0 when there was none. */
  readonly status: number
  readonly body: string
  /** What it answered inside the response. */
  readonly reply: Reply | undefined
  /** Why the customer was shown the platform’s words of failure instead. */
  readonly failure: string | undefined
}

/** What the push says, as far as the platform itself needs it. */
interface Told {
  readonly openId: string
  readonly type: string
  readonly event: string
}

/** The signed request that brings this XML; the customer has then done what it says. */
export function requestOf(
  account: Account,
  xml: string,
  to: string,
  options: PushOptions & { readonly mode: Mode },
): Request {
  const { keys, originalId } = account
  const { timestamp = String(Math.floor(account.clock.now() / 1000)), nonce = String(100_000_000 + account.next()) } =
    options
  const url = new URL(to)
  const told = toldBy(xml)
  url.searchParams.set('signature', digest(keys.token, timestamp, nonce))
  url.searchParams.set('timestamp', timestamp)
  url.searchParams.set('nonce', nonce)
  if (told) url.searchParams.set('openid', told.openId)
  const headers = { 'content-type': 'text/xml' }
  if (options.mode === 'plain') return new Request(url, { method: 'POST', headers, body: xml })
  const encrypted = encrypt(keys, xml)
  url.searchParams.set('encrypt_type', 'aes')
  url.searchParams.set('msg_signature', digest(keys.token, timestamp, nonce, encrypted))
  const sealed = `<Encrypt><![CDATA[${encrypted}]]></Encrypt>`
  const body =
    options.mode === 'secure'
      ? `<xml><ToUserName><![CDATA[${originalId}]]></ToUserName>${sealed}</xml>`
      : xml.replace(/<\/xml>\s*$/, () => `${sealed}</xml>`)
  return new Request(url, { method: 'POST', headers, body })
}

/** What the customer has done opens windows, or closes them. */
export function note(account: Account, xml: string): Told | undefined {
  const told = toldBy(xml)
  if (!told) return undefined
  const nowMs = account.clock.now()
  const person = account.person(told.openId)
  person.lastAtMs = nowMs
  if (told.event === 'unsubscribe') {
    person.follows = false
    person.windows.close()
    return told
  }
  if (told.event === 'subscribe') Object.assign(person, { follows: true, followedAtMs: nowMs })
  const trigger = told.type === 'event' ? TRIGGERS[told.event] : 'message'
  if (trigger) person.windows.trigger(trigger, account.rules, nowMs)
  return told
}

/** Only these events let the account write; https://developers.weixin.qq.com/doc/service/en/api/customer/message/api_sendcustommessage.html, read 2026-11-22. */
const TRIGGERS: { readonly [event: string]: 'menu' | 'follow' | 'scan' } = {
  CLICK: 'menu',
  scancode_push: 'menu',
  scancode_waitmsg: 'menu',
  subscribe: 'follow',
  SCAN: 'scan',
}

/** Pushes it until it is answered, and shows the customer what stands in the answer. */
export async function push(
  account: Account,
  what: string | Fields,
  options: PushOptions & { readonly to: string; readonly mode: Mode },
): Promise<Pushed> {
  const xml = typeof what === 'string' ? what : writeXml(what)
  const told = note(account, xml)
  const { tries = TRIES } = options
  const startedMs = account.clock.now()
  for (let tried = 1; ; tried++) {
    const answer = await deliver(account, requestOf(account, xml, options.to, options))
    if (answer && answer.status === 200)
      return { tries: tried, ...answer, ...shown(account, answer.body, told, options) }
    if (tried >= tries) {
      const failure = answer ? `it answered ${answer.status}` : 'no answer came in time'
      if (told) account.fail(told.openId, failure)
      return { tries: tried, status: 0, body: '', ...answer, reply: undefined, failure }
    }
    await until(account, startedMs + tried * ANSWER_WITHIN_MS)
  }
}

/** What the customer is shown because of this answer. */
function shown(
  account: Account,
  body: string,
  told: Told | undefined,
  { mode }: { readonly mode: Mode },
): Pick<Pushed, 'reply' | 'failure'> {
  const { keys, originalId: from } = account
  const openId = told?.openId ?? ''
  try {
    const isEvent = told?.type === 'event'
    const reply = readReply(body, {
      keys,
      from,
      openId,
      isEvent,
      mode,
      hasMedia: (id) => account.file(id) !== undefined,
    })
    if (reply) account.show(openId, reply, { via: 'passive', kfAccount: undefined, isAi: false })
    return { reply, failure: undefined }
  } catch (error) {
    const failure = messageOf(error)
    account.fail(openId, failure)
    return { reply: undefined, failure }
  }
}

/** One try: `undefined` when nobody is there, or nothing is answered in time. Connections are not kept. */
async function deliver(
  { clock }: Account,
  request: Request,
): Promise<{ readonly status: number; readonly body: string } | undefined> {
  const { url, method } = request
  const body = await request.text()
  const headers = { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) }
  const gone = new AbortController()
  const cancel = clock.after(ANSWER_WITHIN_MS, () => gone.abort())
  const { promise, resolve } = Promise.withResolvers<{ readonly status: number; readonly body: string } | undefined>()
  const sending = httpRequest(url, { method, headers, agent: false, signal: gone.signal })
  sending.once('error', () => resolve(undefined))
  sending.once('response', (response) => {
    textOf(response).then(
      (said) => resolve({ status: response.statusCode ?? 0, body: said }),
      () => resolve(undefined),
    )
  })
  sending.end(body)
  const answer = await promise
  cancel()
  return answer
}

async function until({ clock }: Account, atMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  clock.after(atMs - clock.now(), resolve)
  await promise
}

/** `undefined`: nothing that the platform itself would say. */
function toldBy(xml: string): Told | undefined {
  let read: Read
  try {
    read = readXml(xml)
  } catch {
    // Tests push what is no XML, too.
    return undefined
  }
  if (typeof read === 'string') return undefined
  const field = (name: string) => (typeof read[name] === 'string' ? read[name] : '')
  return field('FromUserName') === ''
    ? undefined
    : { openId: field('FromUserName'), type: field('MsgType'), event: field('Event') }
}
