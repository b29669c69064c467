/** The address that stands in the platform's server configuration: what it asks is checked, and what it tells received. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Compilable } from 'kysely'
import { type ChannelContext, type Clock, type Log, z } from '#core'
import { modeOf, type Settings } from '../settings.ts'
import { makeEncryption } from './encryption.ts'
import { type Push, readPush } from './events.ts'
import type { Nonces } from './nonces.ts'
import { NOTHING_TO_SAY, replyOf, sealed } from './replies.ts'
import { isSame, sign } from './signature.ts'
import { readXml, type XmlFields } from './xml.ts'

/** Of what a request was that asked for the `echostr`: of no event. */
const THE_CHECK = 'the check of the address'
/** Of what a request was that told what is not kept. */
const NOTHING = 'nothing'
/**
 * The platform hangs up after five seconds, and comes again: a disk that takes longer than this to take a message in
 * shall not keep its line open. Behind the 4.5 s for which an answer is waited for.
 * Source: https://developers.weixin.qq.com/doc/service/en/guide/product/message/Passive_user_reply_message.html, read 2026-11-20.
 */
const TAKEN_IN_WITHIN_MS = 4_700
/** The platform's own messages have a few KB. */
const MAX_BODY_BYTES = 256 * 1_024

const Signed = z.object({
  signature: z.string().max(64),
  timestamp: z.string().regex(/^\d{1,12}$/),
  nonce: z.string().max(128),
})
type Signed = z.output<typeof Signed>
const Asked = z.object({ echostr: z.string().max(4_096) })
const Sealed = z.object({ msg_signature: z.string().max(64) })
const Encrypted = z.string().min(1)

/** What was told, and whether it was encrypted: then the answer is too. */
interface Opened {
  readonly fields: XmlFields
  readonly isSealed: boolean
}

export function addWebhook(
  web: FastifyInstance,
  of: {
    readonly config: Settings
    readonly clock: Clock
    readonly log: Log
    readonly nonces: Nonces
    readonly receive: ChannelContext['receive']
  },
): void {
  const { config, clock, nonces, receive } = of
  const { token, appId, encodingAesKey, originalId } = config
  const mode = modeOf(config)
  const encryption = encodingAesKey === undefined ? undefined : makeEncryption(encodingAesKey, appId)
  const told = new Set<string>()

  /** What stands for the request, if the platform has sent it, and lately. */
  function signatureOf({ signature, timestamp, nonce }: Signed): string | undefined {
    const right = sign(token, timestamp, nonce)
    if (!isSame(signature, right)) return undefined
    if (Math.abs(clock.now() - sentAtMs(timestamp)) <= config.freshness) return right
    warnOnce('A signed message is too old, or from the future. Is the clock of this machine right?')
    return undefined
  }

  /** Of an encrypted message, only what is inside counts: what stands beside it is not signed. */
  function open(text: string, query: unknown, { timestamp, nonce }: Signed): Opened | 'refused' | undefined {
    const fields = readXml(text)
    if (!fields) return undefined
    const encrypted = 'Encrypt' in fields ? Encrypted.safeParse(fields.Encrypt).data?.trim() : undefined
    if (encrypted === undefined) {
      if (mode !== 'secure') return { fields, isSealed: false }
      warnOnce(
        'A clear message was refused. Set the server configuration of mp.weixin.qq.com to secure mode (安全模式).',
      )
      return 'refused'
    }
    if (!encryption) {
      if ('MsgType' in fields) return { fields, isSealed: false }
      warnOnce('An encrypted message cannot be read. Set encodingAesKey to the EncodingAESKey of mp.weixin.qq.com.')
      return 'refused'
    }
    const signature = Sealed.safeParse(query).data?.msg_signature ?? ''
    if (!isSame(signature, sign(token, timestamp, nonce, encrypted))) return 'refused'
    const inside = encryption.decrypt(encrypted)
    if (inside === undefined) {
      warnOnce('A message cannot be decrypted. Compare encodingAesKey and appId with those of mp.weixin.qq.com.')
      return 'refused'
    }
    const opened = readXml(inside)
    return opened && { fields: opened, isSealed: true }
  }

  /**
   * Whoever has seen a request could send it again with other words, a clear message in place of an encrypted one, too.
   * Not where clear messages are refused: what is encrypted is signed as a whole.
   */
  const mustKeep = mode !== 'secure'

  /** Takes in what is told, together with the request that has told it. */
  async function takeIn({ event, answerable }: Push, signature: string, sentMs: number) {
    if (event) {
      const told = (writeAlways?: Compilable) => receive(event, { answerable, writeAlways })
      return mustKeep ? nonces.keepWith(signature, event.id, sentMs, told) : told()
    }
    if (mustKeep) await nonces.keep(signature, NOTHING, sentMs)
    return undefined
  }

  async function inTime<T>(work: Promise<T>): Promise<T | 'late'> {
    const { promise: late, resolve } = Promise.withResolvers<'late'>()
    const cancel = clock.after(TAKEN_IN_WITHIN_MS, () => resolve('late'))
    return Promise.race([work, late]).finally(cancel)
  }

  function warnOnce(text: string): void {
    if (told.has(text)) return
    told.add(text)
    of.log.warn({}, text)
  }

  web.removeAllContentTypeParsers()
  web.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES }, (_request, body, done) =>
    done(null, body),
  )

  web.get('/', async ({ query }, answer) => {
    const signed = Signed.safeParse(query).data
    const signature = signed && signatureOf(signed)
    const asked = Asked.safeParse(query).data
    if (!signature || !asked) return refuse(answer)
    const sentMs = sentAtMs(signed.timestamp)
    if (!nonces.claim(signature, THE_CHECK, sentMs)) return refuse(answer)
    if (mustKeep) await nonces.keep(signature, THE_CHECK, sentMs)
    return answer.type('text/plain; charset=utf-8').send(asked.echostr)
  })

  web.post('/', async ({ query, body }, answer) => {
    const signed = Signed.safeParse(query).data
    const signature = signed && signatureOf(signed)
    if (!signature) return refuse(answer)
    const opened = open(String(body ?? ''), query, signed)
    if (opened === 'refused') return refuse(answer)
    const push = opened && readPush(opened.fields)
    if (!push) return answer.code(400).send()
    if (originalId !== undefined && push.to !== originalId) {
      warnOnce(`A message to another account than ${originalId} was refused. Compare originalId with mp.weixin.qq.com.`)
      return refuse(answer)
    }
    const sentMs = sentAtMs(signed.timestamp)
    if (!nonces.claim(signature, push.event?.id ?? NOTHING, sentMs)) return refuse(answer)
    const done = await inTime(takeIn(push, signature, sentMs))
    // Told again, it is known by then.
    if (done === 'late') return answer.code(503).send()
    if (!done) return NOTHING_TO_SAY
    const reply = replyOf(done.part, { customer: done.chat, account: push.to }, clock.now())
    answer.type('application/xml; charset=utf-8')
    return opened.isSealed && encryption ? sealed(reply, { token, encryption, nowMs: clock.now() }) : reply
  })
}

/** Whoever is not the platform learns nothing. */
function refuse(answer: FastifyReply): FastifyReply {
  return answer.code(403).send()
}

function sentAtMs(timestamp: string): number {
  return Number(timestamp) * 1_000
}
