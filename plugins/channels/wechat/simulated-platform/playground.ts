/** What people have done on the page of the simulated platform, and what the page shows of it. */
import { z } from '#core'
import type { SentMessage } from './account.ts'
import type { SimulatedCustomer, SimulatedWeChat } from './index.ts'
import { wordsOf } from './messages.ts'
import type { Button, Customer, Doing, Line, State, What } from './page/state.ts'
import type { Mode, Pushed } from './pushing.ts'

const SEND = '/cgi-bin/message/custom/send'
const text = (max: number) => z.string().max(max)
const customer = z.string().max(64)
const button = { name: text(60), type: text(32).optional(), key: text(128).optional(), url: text(1024).optional() }

/** What the page may post. A picture of 2 MB is longer in base64. */
export const Posted: z.ZodType<Doing> = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('meets') }),
  z.strictObject({ do: z.literal('says'), customer, text: text(4_000).min(1), choice: text(256).optional() }),
  z.strictObject({ do: z.literal('image'), customer, data: z.base64().max(3_000_000), mimeType: text(64) }),
  z.strictObject({ do: z.literal('voice'), customer, words: text(4_000).optional() }),
  z.strictObject({
    do: z.literal('location'),
    customer,
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    label: text(256),
  }),
  z.strictObject({ do: z.literal('link'), customer, title: text(256).min(1), url: text(2_048).min(1) }),
  z.strictObject({ do: z.literal('follows'), customer, scene: text(64).optional() }),
  z.strictObject({ do: z.literal('unfollows'), customer }),
  z.strictObject({ do: z.literal('scans'), customer, scene: text(64).min(1) }),
  z.strictObject({
    do: z.literal('taps'),
    customer,
    button: z.strictObject({ ...button, sub_button: z.array(z.strictObject(button)).optional() }),
  }),
  z.strictObject({
    do: z.literal('time'),
    ms: z
      .int()
      .min(0)
      .max(60 * 24 * 60 * 60 * 1000),
  }),
  z.strictObject({ do: z.literal('mode'), mode: z.enum(['plain', 'compatible', 'secure']) }),
  z.strictObject({ do: z.literal('verified'), isVerified: z.boolean() }),
  z.strictObject({ do: z.literal('slow'), isSlow: z.boolean() }),
  z.strictObject({ do: z.literal('expire') }),
  z.strictObject({ do: z.literal('refuse'), errcode: z.int() }),
])

/** Those who are there from the beginning, and those who come. */
const NAMES = ['李雷', '韩梅梅', 'Amy', 'Ben', '王芳', 'Chloe', '张伟', 'Daniel']
/** There is no menu yet: an answer, and no refusal. */
const NO_MENU = 46003
/** The smallest sound that is one: its header, and nothing. */
const SILENCE = new Uint8Array(Buffer.from('#!AMR\n'))

export interface Playground {
  state(): State
  /** Resolves when it has happened, except for what the customer waits for. Throws for what cannot be done. */
  does(doing: Doing): Promise<void>
  /** A picture or a sound of a message, or the picture of an identity. */
  file(name: string): { readonly mimeType: string; readonly body: Uint8Array<ArrayBuffer> | Blob } | undefined
}

export function makePlayground(
  wechat: SimulatedWeChat,
  of: {
    readonly name: string
    /** Whether the account has a key. */
    readonly canEncrypt: boolean
    readonly mode: Mode
    advance(ms: number): Promise<void>
    setMode(mode: Mode): void
    changed(): void
  },
): Playground {
  const { account } = wechat
  const met = new Map<string, { readonly name: string; readonly lines: Line[] }>()
  let mode = of.mode
  let isSlow = false

  function meet(): void {
    const n = met.size
    const name = `${NAMES[n % NAMES.length]}${n < NAMES.length ? '' : ` ${Math.floor(n / NAMES.length) + 1}`}`
    const openId = `oSimulated${String(n + 1).padStart(18, '0')}`
    met.set(openId, { name, lines: [] })
    account.person(openId).follows = false
  }
  for (let n = 0; n < 2; n++) meet()

  /** Shows what somebody does at once; what became of it, when that is known. */
  function tell(openId: string, what: What, push: (customer: SimulatedCustomer) => Promise<Pushed>): void {
    const known = met.get(openId)
    if (!known) throw new Error('There is no such customer.')
    const line: Line = { n: account.next(), atMs: account.clock.now(), from: 'customer', what, told: 'under-way' }
    known.lines.push(line)
    const end = (changed: Partial<Line>) => {
      known.lines[known.lines.findIndex(({ n }) => n === line.n)] = { ...line, ...changed }
      of.changed()
    }
    push(wechat.customer(openId)).then(
      ({ tries, status }) => end({ tries, told: tries === 0 ? 'blocked' : status === 200 ? 'taken' : 'not-taken' }),
      () => end({ told: 'not-taken' }),
    )
  }

  function tap(openId: string, { type = 'click', name, key = '', url = '' }: Button): void {
    if (type === 'view' || type === 'miniprogram') {
      const event = type === 'view' ? 'VIEW' : 'view_miniprogram'
      const fields = { MsgType: 'event', Event: event, EventKey: url, MenuId: 419_119_257 }
      tell(openId, { type: 'event', event: 'view', detail: `${name}: ${url}` }, (one) => one.tells(fields))
      return
    }
    const what: What = { type: 'event', event: 'click', detail: name }
    const scanned = { ScanCodeInfo: { ScanType: 'qrcode', ScanResult: 'RMA-7781' } }
    const more = type.startsWith('scancode') ? scanned : {}
    const Event = type === 'click' ? 'CLICK' : type
    tell(openId, what, (one) => one.tells({ MsgType: 'event', Event, EventKey: key, ...more }))
  }

  async function does(doing: Doing): Promise<void> {
    switch (doing.do) {
      case 'meets':
        return meet()
      case 'says':
        return tell(doing.customer, { type: 'text', text: doing.text }, (one) =>
          one.says(doing.text, doing.choice === undefined ? {} : { choice: doing.choice }),
        )
      case 'image': {
        const bytes = new Uint8Array(Buffer.from(doing.data, 'base64'))
        const url = `/files/${account.keep({ type: 'image', mimeType: doing.mimeType, bytes })}`
        return tell(doing.customer, { type: 'image', url }, (one) => one.sendsImage(bytes, doing.mimeType))
      }
      case 'voice':
        return tell(doing.customer, { type: 'voice', url: '', words: doing.words }, (one) =>
          one.sendsVoice(SILENCE, doing.words),
        )
      case 'location': {
        const { latitude, longitude, label } = doing
        const what = { type: 'location', latitude, longitude, label } as const
        return tell(doing.customer, what, (one) => one.sendsLocation({ latitude, longitude, label }))
      }
      case 'link': {
        const { title, url } = doing
        return tell(doing.customer, { type: 'link', title, url }, (one) => one.sendsLink({ title, url }))
      }
      case 'follows': {
        const what: What = { type: 'event', event: 'follow', detail: doing.scene ?? '' }
        return tell(doing.customer, what, (one) => one.follows(doing.scene))
      }
      case 'unfollows':
        return tell(doing.customer, { type: 'event', event: 'unfollow', detail: '' }, (one) => one.unfollows())
      case 'scans': {
        const what: What = { type: 'event', event: 'scan', detail: doing.scene }
        // Who does not follow is asked to, and then has followed by this code.
        const follows = account.person(doing.customer).follows
        return tell(doing.customer, what, (one) => (follows ? one.scans(doing.scene) : one.follows(doing.scene)))
      }
      case 'taps':
        return tap(doing.customer, doing.button)
      case 'time':
        return of.advance(doing.ms)
      case 'mode':
        mode = doing.mode
        return of.setMode(mode)
      case 'verified':
        account.isVerified = doing.isVerified
        return
      case 'slow':
        isSlow = doing.isSlow
        return wechat.answers(SEND, 'hangs', { times: isSlow ? Number.POSITIVE_INFINITY : 0 })
      case 'expire':
        return wechat.expireToken()
      case 'refuse':
        return wechat.answers(SEND, doing.errcode)
    }
  }

  function lineOf(sent: SentMessage): Line {
    const { n, atMs, via, isAi, kfAccount, shownAs } = sent
    const avatar = kfAccount === undefined ? undefined : account.identities.get(kfAccount)?.avatar
    const picture = avatar && kfAccount !== undefined ? `/files/${encodeURIComponent(kfAccount)}` : undefined
    const as = shownAs === undefined ? undefined : { name: shownAs, picture }
    return {
      ...{ n, atMs, from: 'account', via, isAi, as, what: whatOf(sent) },
      isPending: kfAccount !== undefined && shownAs === undefined,
    }
  }

  function customerOf(
    openId: string,
    { name, lines }: { readonly name: string; readonly lines: readonly Line[] },
  ): Customer {
    const person = account.person(openId)
    const nowMs = account.clock.now()
    const refused = refusals().filter(({ to }) => to === openId)
    const all: readonly Line[] = [
      ...lines,
      ...account.sent.filter((one) => one.openId === openId).map(lineOf),
      ...account.failures
        .filter((one) => one.openId === openId)
        .map(({ n, atMs, because }): Line => ({ n, atMs, from: 'platform', what: { type: 'failure', because } })),
      ...refused.map(({ n, atMs, errcode, errmsg, words }): Line => {
        return { n, atMs, from: 'platform', what: { type: 'refused', errcode, errmsg, words } }
      }),
    ]
    return {
      ...{ openId, name, follows: person.follows, isBlocked: person.isBlocked },
      isTyping: person.typingUntilMs > nowMs,
      windows: person.windows.at(nowMs).map(({ on, left, untilMs }) => {
        const max = account.rules.find((rule) => rule.on === on)?.max ?? left
        return { on, left, max, untilMs }
      }),
      lines: all.toSorted((a, b) => a.n - b.n),
    }
  }

  /** Calls that were refused, with whom they were about. */
  function refusals() {
    return wechat.calls.flatMap(({ n, atMs, path, errcode, errmsg, status, body }) => {
      if (status === 200 && (errcode === 0 || errcode === NO_MENU)) return []
      const about = About.safeParse(body).data
      const told = errcode === 0 ? (status === 0 ? 'no answer' : `HTTP ${status}`) : errmsg
      return [{ n, atMs, path, errcode, errmsg: told, to: about?.touser, words: about?.text?.content ?? '' }]
    })
  }

  return {
    does,
    state: () => ({
      account: {
        ...{ name: of.name, appId: account.keys.appId, mode, canEncrypt: of.canEncrypt },
        ...{ isVerified: account.isVerified, isSlow, nowMs: account.clock.now() },
      },
      menu: account.menu ?? [],
      customers: [...met].map(([openId, one]) => customerOf(openId, one)),
      refused: refusals()
        .filter(({ to }) => to === undefined || !met.has(to))
        .map(({ n, atMs, path, errcode, errmsg }) => ({ n, atMs, path, errcode, errmsg })),
    }),
    file(name) {
      const file = account.file(name)
      if (file) return { mimeType: file.mimeType, body: file.bytes }
      const avatar = account.identities.get(name)?.avatar
      return avatar && { mimeType: 'image/jpeg', body: avatar }
    },
  }
}

/** Of a message that was refused: for whom it was, and what it said. */
const About = z.looseObject({
  touser: z.string(),
  text: z.looseObject({ content: z.string() }).optional(),
})

function whatOf({ message }: SentMessage): What {
  const file = (id: string) => `/files/${encodeURIComponent(id)}`
  switch (message.msgtype) {
    case 'text':
      return { type: 'text', text: message.text.content }
    case 'image':
      return { type: 'image', url: file(message.image.media_id) }
    case 'voice':
      return { type: 'voice', url: file(message.voice.media_id) }
    case 'video':
      return { type: 'video', url: file(message.video.media_id), title: message.video.title }
    case 'news': {
      const [{ title, description, url = '' } = { title: '' }] = message.news.articles
      return { type: 'link', title, description, url }
    }
    case 'msgmenu': {
      const { head_content = '', list, tail_content = '' } = message.msgmenu
      const choices = list.map(({ id, content }) => ({ id, label: content }))
      return { type: 'menu', head: head_content, choices, tail: tail_content }
    }
    case 'transfer_customer_service':
      return { type: 'card', kind: message.msgtype, title: message.kfAccount ?? '' }
    default:
      return { type: 'card', kind: message.msgtype, title: wordsOf(message) }
  }
}
