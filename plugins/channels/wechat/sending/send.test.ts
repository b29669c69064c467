import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type Delivery,
  DeliveryError,
  type Identity,
  type Part,
  SwitchboardError,
  messageOf as wordsOfError,
} from '#core'
import { type ManualClock, makeLog, manualClock } from '#core/testing'
import { type SimulatedCustomer, type SimulatedWeChat, startWeChat } from '../simulated-platform/index.ts'
import { makeApi } from './api.ts'
import { SEND_PATH } from './errors.ts'
import { type JournalInMemory, journalInMemory } from './journal-in-memory.ts'
import { type Media, makeMedia } from './media.ts'
import { wordsOf } from './messages.ts'
import { makeSender } from './send.ts'

const UPLOAD = '/cgi-bin/media/upload'
const TYPING = '/cgi-bin/message/custom/typing'
const HOUR = 60 * 60_000
const MB = 1_024 * 1_024

interface World {
  readonly wechat: SimulatedWeChat
  readonly clock: ManualClock
  readonly journal: JournalInMemory
  readonly media: Media
  readonly customer: SimulatedCustomer
  readonly logged: readonly string[]
  /** What our media service opens, by url. */
  readonly files: Map<string, Blob | 'gone'>
  send(part: Part, identity?: Delivery['identity']): Promise<unknown>
  typing(): void
  calls(path: string): readonly number[]
  /** The message that the customer saw last. */
  last(): unknown
}

/** Somebody has just written to us. `accounts`: the customer-service account of an identity. */
async function start(accounts: { readonly [identity: string]: string } = {}): Promise<World> {
  const clock = manualClock()
  const wechat = await startWeChat({ clock })
  const journal = journalInMemory()
  const logged: string[] = []
  const log = makeLog({ level: 'debug', stream: { write: (line) => void logged.push(line) } })
  const stopping = new AbortController()
  const { signal } = stopping
  onTestFinished(async () => {
    stopping.abort(new Error('The test is over.'))
    await wechat[Symbol.asyncDispose]()
  })
  const { appId } = wechat.keys
  const config = { ...wechat.keys, apiBase: wechat.apiBase, accessToken: 'stable' } as const
  const files = new Map<string, Blob | 'gone'>()
  const open = async (url: string) => {
    const body = files.get(url)
    if (body === 'gone') throw new SwitchboardError('MEDIA_GONE')
    if (!body) throw new Error('There is no such file.')
    return { body, mimeType: body.type }
  }
  const api = makeApi({ config, http: fetch, clock, sql: journal.open(), log, signal })
  const media = makeMedia({ appId, api, http: fetch, open, sql: journal.open(), clock })
  const refused = (account: string) => log.warn({}, `refused: ${account}`)
  const identities = { accountOf: (identity?: Identity) => identity && accounts[identity.id], refused }
  const sender = makeSender({ api, media, clock, log, identities })
  const person = wechat.account.person('oA')
  person.windows.trigger('message', wechat.account.rules, clock.now())
  person.lastAtMs = clock.now()
  let made = 0
  return {
    ...{ wechat, clock, journal, media, files, logged },
    customer: wechat.customer('oA'),
    send: (part, identity) => sender.send({ id: `d${++made}`, chat: 'oA', part, by: 'program', identity }, { signal }),
    typing: () => sender.typing('oA'),
    calls: (path) => wechat.calls.filter((call) => call.path === path).map(({ errcode }) => errcode),
    last: () => wechat.sent.at(-1)?.message,
  }
}

async function refusal(sent: Promise<unknown>): Promise<DeliveryError> {
  const error = await sent.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof DeliveryError) return error
  throw new Error(`It should be refused: ${wordsOfError(error)}`)
}

describe('C-WX-04: what goes out', () => {
  test('a text arrives as it is, emoji and quotes and markup that WeChat does not read', async () => {
    const world = await start()
    const text = '你好 👋🏽 <b>&amp;</b> "quoted" \\ \n{{braces}} 1 < 2'
    await world.send({ type: 'text', text })
    expect(world.last()).toEqual({ msgtype: 'text', text: { content: text } })
  })

  test('a text goes without what WeChat cannot read: control characters and halves of characters', async () => {
    const world = await start()
    await world.send({ type: 'text', text: 'a\u0002b\u001d\tc\ud83d' })
    expect(world.last()).toEqual({ msgtype: 'text', text: { content: 'ab\tc\ufffd' } })
  })

  test.each([
    ['image', 'image/png', 'image', 'image'],
    ['audio', 'audio/mpeg', 'voice', 'voice'],
    ['video', 'video/mp4', 'video', 'video'],
  ] as const)('%s is uploaded and shown', async (type, mimeType, kind, msgtype) => {
    const world = await start()
    world.files.set('media:1', new Blob(['the file'], { type: mimeType }))
    await world.send({ type, url: 'media:1' })
    expect(world.last()).toMatchObject({ msgtype })
    expect(world.wechat.calls.find(({ path }) => path === UPLOAD)?.query).toEqual({ type: kind })
    expect([...world.wechat.account.media.values()]).toMatchObject([{ type: kind, mimeType }])
  })

  test('a link is a card with title, words and picture', async () => {
    const world = await start()
    const link = { title: 'Red shoes', description: 'On sale', url: 'https://shop.example/1?a=1&b=2' }
    await world.send({ type: 'link', ...link, imageUrl: 'https://shop.example/1.jpg' })
    expect(world.last()).toEqual({
      msgtype: 'news',
      news: { articles: [{ ...link, picurl: 'https://shop.example/1.jpg' }] },
    })
    // A file of ours is no address for the customer's phone.
    await world.send({ type: 'link', ...link, imageUrl: 'media:1' })
    expect(world.last()).toEqual({ msgtype: 'news', news: { articles: [link] } })
  })

  test('C-WX-05: choices are a menu whose items keep their ids', async () => {
    const world = await start()
    const choices = [
      { id: 'track', label: '查物流' },
      { id: 'human', label: '转人工' },
    ]
    await world.send({ type: 'choices', prompt: '请选择：', choices })
    const list = [
      { id: 'track', content: '查物流' },
      { id: 'human', content: '转人工' },
    ]
    expect(world.last()).toEqual({ msgtype: 'msgmenu', msgmenu: { head_content: '请选择：', list } })
  })

  test('a card of a mini program, and a song, are native parts', async () => {
    const world = await start()
    world.files.set('media:cover', new Blob(['cover'], { type: 'image/jpeg' }))
    const native = { type: 'native', platform: 'wechat', text: 'for others' } as const
    const card = {
      type: 'mini-program',
      title: 'Order 7',
      appId: 'wxMINI',
      page: 'pages/order?id=7',
      image: 'media:cover',
    }
    await world.send({ ...native, data: card })
    expect(world.last()).toMatchObject({
      msgtype: 'miniprogrampage',
      miniprogrampage: { title: 'Order 7', appid: 'wxMINI', pagepath: 'pages/order?id=7' },
    })
    const url = 'https://music.example/1.mp3'
    await world.send({ ...native, data: { type: 'music', title: 'Song', url, image: 'media:cover' } })
    expect(world.last()).toMatchObject({ msgtype: 'music', music: { title: 'Song', musicurl: url, hqmusicurl: url } })
  })

  test('a native part that is none is refused with what is wrong with it', async () => {
    const world = await start()
    const data = { type: 'mini-program', title: 'Order 7' }
    const error = await refusal(world.send({ type: 'native', platform: 'wechat', data, text: '' }))
    expect(error).toMatchObject({ code: 'CHANNEL_REFUSED', retry: false, message: expect.stringContaining('appId') })
  })
})

describe('markup in a text', () => {
  test.each([
    [
      'a whole link stays',
      'See <a href="https://x.example/y">here</a>.',
      'See <a href="https://x.example/y">here</a>.',
    ],
    [
      'what is said by a tap stays',
      '<a href="weixin://bizmsgmenu?msgmenucontent=%E8%BD%AC&msgmenuid=3">转</a>',
      '<a href="weixin://bizmsgmenu?msgmenucontent=%E8%BD%AC&msgmenuid=3">转</a>',
    ],
    ['half of a link is shown as it was written', 'see <a href="https://x.ex', 'see ＜a href="https://x.ex'],
    ['a link to elsewhere too', '<a href="javascript:1">x</a>', '＜a href="javascript:1">x＜/a>'],
    [
      'a link in a link too',
      '<a href="https://a"><a href="https://b">x</a></a>',
      '＜a href="https://a"><a href="https://b">x</a>＜/a>',
    ],
    ['other signs stay', 'a < b <abbr> <3 </p>', 'a < b <abbr> <3 </p>'],
  ])('%s', (_what, text, shown) => {
    expect(wordsOf(text)).toBe(shown)
  })

  test('costs no time that grows faster than the text', () => {
    const text = '<a href="https://x'.repeat(20_000)
    const startedAt = performance.now()
    expect(wordsOf(text)).toHaveLength(text.length)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})

describe('identities', () => {
  const identity = { id: 'sales', name: 'Sales' }

  test('C-ID-05: without an identity that the platform shows, the message has no kf_account', async () => {
    const world = await start()
    await world.send({ type: 'text', text: 'from nobody' })
    await world.send({ type: 'text', text: 'from somebody who is not shown' }, identity)
    const bodies = world.wechat.calls.filter(({ path }) => path === SEND_PATH).map(({ body }) => body)
    expect(bodies).toEqual([
      { touser: 'oA', msgtype: 'text', text: { content: 'from nobody' } },
      { touser: 'oA', msgtype: 'text', text: { content: 'from somebody who is not shown' } },
    ])
  })

  test('C-ID-02: the message of one that is shown names its account', async () => {
    const world = await start({ sales: 'sales@simulated-shop' })
    await world.send({ type: 'text', text: 'hello' }, identity)
    const call = world.wechat.calls.find(({ path }) => path === SEND_PATH)
    expect(call?.body).toMatchObject({ customservice: { kf_account: 'sales@simulated-shop' } })
  })

  test('one that the platform does not take is left out, once and with a warning: the customer gets the message', async () => {
    const world = await start({ sales: 'sales@simulated-shop' })
    world.wechat.answers(SEND_PATH, 65401)
    await world.send({ type: 'text', text: 'hello' }, identity)
    expect(world.calls(SEND_PATH)).toEqual([65401, 0])
    expect(world.wechat.sent).toMatchObject([{ kfAccount: undefined }])
    expect(world.logged.filter((line) => line.includes('"level":"warn"'))).toMatchObject([
      expect.stringContaining('refused: sales@simulated-shop'),
    ])
  })

  test.each([61455, 65400, 65402, 65404])('%i is about the identity, and never about the message', async (errcode) => {
    const world = await start({ sales: 'sales@simulated-shop' })
    world.wechat.answers(SEND_PATH, errcode)
    await world.send({ type: 'text', text: 'hello' }, identity)
    expect(world.calls(SEND_PATH)).toEqual([errcode, 0])
    expect(world.logged.filter((line) => line.includes('refused: sales'))).toHaveLength(1)
  })

  test.each([65414, 65415])('%i leaves the identity out of this message, and of no other', async (errcode) => {
    const world = await start({ sales: 'sales@simulated-shop' })
    world.wechat.answers(SEND_PATH, errcode)
    await world.send({ type: 'text', text: 'hello' }, identity)
    expect(world.calls(SEND_PATH)).toEqual([errcode, 0])
    expect(world.logged.filter((line) => line.includes('refused: sales'))).toEqual([])
  })
})

describe('files', () => {
  const picture: Part = { type: 'image', url: 'media:1' }

  test('the same content is uploaded once within three days, whatever it is called', async () => {
    const world = await start()
    for (const url of ['media:1', 'media:2']) world.files.set(url, new Blob(['same'], { type: 'image/png' }))
    await world.send(picture)
    await world.send({ type: 'image', url: 'media:2' })
    expect(world.calls(UPLOAD)).toEqual([0])
    const sha256 = createHash('sha256').update('same').digest('hex')
    expect(world.journal.rows('upload')).toMatchObject([{ sha256: `image:${sha256}` }])
  })

  test('it is uploaded again before the platform forgets it, and the old row goes', async () => {
    const world = await start()
    world.files.set('media:1', new Blob(['same'], { type: 'image/png' }))
    await world.send(picture)
    world.clock.jump(world.clock.now() + 71 * HOUR)
    world.wechat.account.person('oA').windows.trigger('message', world.wechat.account.rules, world.clock.now())
    await world.send(picture)
    expect(world.calls(UPLOAD)).toEqual([0, 0])
    expect(world.journal.rows('upload')).toHaveLength(1)
  })

  test('one that the platform has lost is uploaded again, once', async () => {
    const world = await start()
    world.files.set('media:1', new Blob(['same'], { type: 'image/png' }))
    await world.send(picture)
    world.wechat.account.media.clear()
    await world.send(picture)
    expect(world.calls(UPLOAD)).toEqual([0, 0])
    expect(world.calls(SEND_PATH)).toEqual([0, 40007, 0])
    world.wechat.answers(SEND_PATH, 40007, { times: 100 })
    expect(await refusal(world.send(picture))).toMatchObject({ code: 'CHANNEL_REFUSED', retry: false })
    expect(world.calls(SEND_PATH)).toEqual([0, 40007, 0, 40007, 40007])
  })

  test.each([
    ['image', 'image/webp', 10, 'The picture is image/webp, and WeChat takes image/png, image/jpeg, image/gif.'],
    ['image', 'image/png', 2 * MB + 1, 'The picture has 2097153 bytes, and WeChat takes 2097152.'],
    ['image', 'image/png', 0, 'The picture is empty.'],
    ['audio', 'audio/ogg', 10, 'The recording is audio/ogg, and WeChat takes audio/mpeg, audio/amr.'],
    ['video', 'video/mp4', 10 * MB + 1, 'The video has 10485761 bytes, and WeChat takes 10485760.'],
  ] as const)(
    '%s of %s with %i bytes is not uploaded, and the reason is told',
    async (type, mimeType, size, message) => {
      const world = await start()
      world.files.set('media:1', new Blob([randomBytes(size)], { type: mimeType }))
      expect(await refusal(world.send({ type, url: 'media:1' }))).toMatchObject({
        code: 'CHANNEL_FILE',
        retry: false,
        message,
      })
      expect(world.wechat.calls).toEqual([])
    },
  )

  test('a recording of more than a minute is not uploaded', async () => {
    const world = await start()
    const error = await refusal(world.send({ type: 'audio', url: 'media:1', durationMs: 61_000 }))
    expect(error).toMatchObject({ retry: false, message: 'The recording takes 61 s, and WeChat takes 60 s.' })
  })

  test('one that is not here yet is tried again', async () => {
    const world = await start()
    expect(await refusal(world.send(picture))).toMatchObject({ code: 'CHANNEL_FILE', retry: true })
  })

  test('one that is gone for good is not tried again', async () => {
    const world = await start()
    world.files.set('media:1', 'gone')
    expect(await refusal(world.send(picture))).toMatchObject({ code: 'CHANNEL_FILE', retry: false })
  })

  test.each([
    [45009, { code: 'CHANNEL_RATE_LIMITED', scope: 'chat', retry: true, retryAfterMs: HOUR }],
    [45011, { code: 'CHANNEL_RATE_LIMITED', scope: 'chat', retry: true, retryAfterMs: 60_000 }],
    [48001, { code: 'CHANNEL_REFUSED', scope: 'chat', retry: false }],
    [48004, { code: 'CHANNEL_REFUSED', scope: 'chat', retry: false }],
    [40164, { code: 'CHANNEL_TOKEN', scope: 'channel', retry: true }],
  ])('%i for an upload holds up nothing else, unless it is about the whole account', async (errcode, expected) => {
    const world = await start()
    world.files.set('media:1', new Blob(['same'], { type: 'image/png' }))
    world.wechat.answers(UPLOAD, errcode)
    expect(await refusal(world.send(picture))).toMatchObject(expected)
  })

  test('an upload that fails leaves no doubt whether the message went out: it did not', async () => {
    const world = await start()
    world.files.set('media:1', new Blob(['same'], { type: 'image/png' }))
    world.wechat.answers(UPLOAD, { status: 502 })
    expect(await refusal(world.send(picture))).toMatchObject({ code: 'CHANNEL_DOWN', retry: true })
    expect(world.calls(SEND_PATH)).toEqual([])
  })
})

describe('files of customers', () => {
  const options = { signal: new AbortController().signal }

  test('are fetched by their id', async () => {
    const world = await start()
    const bytes = new Blob([randomBytes(5_000)])
    const id = world.wechat.account.keep({ type: 'voice', mimeType: 'audio/amr', bytes })
    const { body, mimeType } = await world.media.fetch(`wechat:${id}`, options)
    expect(mimeType).toBe('audio/amr')
    expect(await new Response(body).bytes()).toEqual(await bytes.bytes())
  })

  test('a video is fetched from where the platform says', async () => {
    const world = await start()
    const id = world.wechat.account.keep({ type: 'video', mimeType: 'video/mp4', bytes: new Blob(['a video']) })
    const { body, mimeType } = await world.media.fetch(`wechat:${id}`, options)
    expect([await new Response(body).text(), mimeType]).toEqual(['a video', 'video/mp4'])
  })

  test('what the platform does not have any more is gone for good, though the answer looks like a file', async () => {
    const world = await start()
    expect(await refusal(world.media.fetch('wechat:long-gone', options))).toMatchObject({ retry: false })
  })

  test('an error that comes as if it were the file, in pieces without a length, is none', async () => {
    const world = await start()
    const body = '{"errcode":40007,"errmsg":"invalid media_id"}'
    world.wechat.answers('/cgi-bin/media/get', { status: 200, body, type: 'image/jpeg' })
    expect(await refusal(world.media.fetch('wechat:x', options))).toMatchObject({ code: 'CHANNEL_REFUSED' })
  })

  test('one that only begins as an error is the file', async () => {
    const world = await start()
    const bytes = new Blob([`{${'x'.repeat(100_000)}`])
    const id = world.wechat.account.keep({ type: 'image', mimeType: 'image/png', bytes })
    const { body } = await world.media.fetch(`wechat:${id}`, options)
    expect(await new Response(body).bytes()).toEqual(await bytes.bytes())
  })

  test('while nobody answers, another try may help', async () => {
    const world = await start()
    await world.wechat.down()
    expect(await refusal(world.media.fetch('wechat:x', options))).toMatchObject({ retry: true })
  })
})

describe('what becomes of a message', () => {
  const text = { type: 'text', text: 'hello' } as const

  test('is not known when the platform gives no answer: that is for the core to see, and nothing is sent twice', async () => {
    const world = await start()
    world.wechat.answers(SEND_PATH, { status: 504 })
    const error = await world.send({ type: 'text', text: 'hello' }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(DeliveryError)
    expect(world.calls(SEND_PATH)).toHaveLength(1)
  })

  test.each([
    '{"errcode":45015,"errmsg":null}',
    '{"errcode":"45015","errmsg":"out of response count limit"}',
    '{"errcode":45015,"errmsg":{"a":1}}',
  ])('is what the number says, whatever the words beside it are: %s', async (body) => {
    const world = await start()
    world.wechat.answers(SEND_PATH, { status: 200, body })
    expect(await refusal(world.send(text))).toMatchObject({ code: 'CHANNEL_WINDOW_CLOSED' })
  })

  test.each(['{}', '{"errcode":null}', '{"errcode":"no"}', '{"message":"please sign in to this network"}', 'ok'])(
    'is not known when the answer does not say so: %s',
    async (body) => {
      const world = await start()
      world.wechat.answers(SEND_PATH, { status: 200, body })
      const error = await world.send(text).catch((thrown: unknown) => thrown)
      expect(error).not.toBeInstanceOf(DeliveryError)
      expect(wordsOfError(error)).toContain('cannot be read')
    },
  )

  test.each([302, 403, 413, 429])('is known when somebody on the way turns it back: HTTP %i', async (status) => {
    const world = await start()
    world.wechat.answers(SEND_PATH, { status })
    expect(await refusal(world.send(text))).toMatchObject({ code: 'CHANNEL_DOWN', scope: 'chat', retry: true })
  })

  test.each([50007, 99999, 40002, 41004, 43002, 48001, 61024])(
    'waits with the channel when the token is refused with %i: nothing is wrong with the message',
    async (errcode) => {
      const world = await start()
      world.wechat.answers('/cgi-bin/stable_token', errcode)
      expect(await refusal(world.send(text))).toMatchObject({ code: 'CHANNEL_TOKEN', scope: 'channel', retry: true })
      expect(world.calls(SEND_PATH)).toEqual([])
    },
  )

  test('is to be tried again when the token cannot be kept in the journal', async () => {
    const world = await start()
    world.journal.close()
    expect(await refusal(world.send(text))).toMatchObject({ code: 'CHANNEL_DOWN', retry: true })
    expect(world.calls(SEND_PATH)).toEqual([])
  })

  test('is known before the core gives up after 30 s: nothing went out while somebody else fetched a token for ever', async () => {
    const world = await start()
    const row = { app_id: world.wechat.keys.appId, kind: 'stable', value: '', refresh_at: 0, expires_at: 0 }
    const rows = world.journal.open().insertInto('token')
    await rows.values({ ...row, claimed_until: Number.MAX_SAFE_INTEGER }).execute()
    const sent = refusal(world.send(text))
    await world.clock.advance(28_000)
    expect(await sent).toMatchObject({ code: 'CHANNEL_DOWN', retry: true })
    expect(world.wechat.calls).toEqual([])
  })

  test.each([
    [45015, 'over'],
    [45047, 'used-up'],
  ])('%i closes the window', async (errcode, how) => {
    const world = await start()
    if (how === 'over') world.clock.jump(world.clock.now() + 49 * HOUR)
    const hello = () => world.send({ type: 'text', text: 'hello' })
    if (how === 'used-up') for (let i = 0; i < 5; i++) await hello()
    expect(await refusal(hello())).toMatchObject({ code: 'CHANNEL_WINDOW_CLOSED' })
    expect(world.calls(SEND_PATH).at(-1)).toBe(errcode)
  })
})

describe('typing', () => {
  test('is shown, and not again while it is', async () => {
    const world = await start()
    world.typing()
    world.typing()
    await expect.poll(() => world.calls(TYPING)).toEqual([0])
    await world.clock.advance(15_000)
    world.typing()
    await expect.poll(() => world.calls(TYPING)).toEqual([0, 0])
  })

  test('that the platform does not show disturbs nobody', async () => {
    const world = await start()
    world.wechat.answers(TYPING, 45081)
    world.typing()
    await expect.poll(() => world.logged.filter((line) => line.includes('Typing was not shown'))).toHaveLength(1)
    expect(world.logged.filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([])
  })
})
