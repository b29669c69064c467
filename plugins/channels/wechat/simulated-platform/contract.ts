/** The simulated platform as the contract of all channels asks it. */
import { manualClock, type Shown, type SimulatedPlatform } from '#core/testing'
import { type Mode, type SimulatedWeChat, startWeChat } from './index.ts'
import { type Reply, readReply } from './replies.ts'
import { writeXml } from './xml.ts'

const SEND = '/cgi-bin/message/custom/send'

/** A picture that was uploaded before, by its media_id: what only this platform has may refer to one. */
export const COVER = 'media-cover'

/** How it refuses, by name. */
const REFUSALS: { readonly [refusal: string]: number } = {
  'somebody else has the token': 40001,
  'outside the window': 45015,
  'too many messages': 45047,
  'no such openid': 40003,
  'too fast': 45011,
  'too many today': 45009,
  'no right to': 48001,
  busy: -1,
  'not like this': 40008,
}

/** What the contract takes the customer for has digits only; an openid begins with a letter. */
const openIdOf = (chat: string) => `oContract${chat}`

export async function contractPlatform(mode: Mode): Promise<SimulatedPlatform & { readonly wechat: SimulatedWeChat }> {
  const clock = manualClock()
  const wechat = await startWeChat({ clock, mode })
  const { account } = wechat
  const untilMs = Number.POSITIVE_INFINITY
  account.media.set(COVER, { type: 'image', mimeType: 'image/png', bytes: new Uint8Array(1), untilMs })
  return {
    wechat,
    message: ({ id, chat, text, atMs }) =>
      writeXml({
        ...{ ToUserName: account.originalId, FromUserName: openIdOf(chat), CreateTime: Math.floor(atMs / 1000) },
        ...{ MsgType: 'text', Content: text, MsgId: BigInt(id) },
      }),
    request(bytes, { url, nowMs }) {
      clock.jump(nowMs)
      return wechat.request(bytes, { to: url })
    },
    // In plain mode nothing signs the body: the platform has no more than the token to be known by.
    signature: mode === 'plain' ? { query: 'signature', coversBody: false } : { query: 'msg_signature' },
    shown: (chat) => wechat.customer(openIdOf(chat)).shown.map(({ message }) => shownOf(message)),
    answerIn(body) {
      // A refusal is no answer to show.
      if (body.startsWith('{')) return undefined
      const { keys, originalId: from } = account
      const reply = readReply(body, {
        keys,
        from,
        isEvent: false,
        mode,
        hasMedia: (id) => account.file(id) !== undefined,
      })
      return reply && shownOf(reply)
    },
    refuse(refusal) {
      const answer = REFUSALS[refusal]
      if (answer === undefined) throw new Error(`It knows no refusal "${refusal}".`)
      wechat.answers(SEND, answer, { times: Number.POSITIVE_INFINITY })
    },
    [Symbol.asyncDispose]: () => wechat[Symbol.asyncDispose](),
  }
}

function shownOf(reply: Reply): Shown {
  switch (reply.msgtype) {
    case 'text':
      return { type: 'text', text: reply.text.content }
    case 'image':
      return { type: 'image' }
    case 'voice':
      return { type: 'audio' }
    case 'video':
      return { type: 'video' }
    case 'news': {
      const [{ title, description, url } = { title: '' }] = reply.news.articles
      return { type: 'link', title, description, ...(url !== undefined && { url }) }
    }
    case 'msgmenu': {
      const { head_content: prompt = '', list } = reply.msgmenu
      return { type: 'choices', prompt, choices: list.map(({ id, content }) => ({ id, label: content })) }
    }
    default:
      return { type: 'native' }
  }
}
