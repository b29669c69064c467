/** Pictures, recordings, videos and songs inside responses: the platform is given the file first, in time or not at all. */
import { describe, expect, test } from 'vitest'
import { defineBot, type Part, z } from '#core'
import type { WeChatOptions } from '../simulated-platform/index.ts'
import { type Connected, start } from './connected.ts'

const UPLOAD = '/cgi-bin/media/upload'
const SEND = '/cgi-bin/message/custom/send'

interface Shop extends Connected {
  /** The address of a file that anybody may fetch. */
  fileAt(type: string, mimeType: string): string
  callsOf(path: string): number
  deliveries(): Promise<readonly object[]>
}

/** The bot says what `says` gives for the customer's words; nothing, if it gives nothing. */
async function open(
  says: (text: string, shop: Pick<Shop, 'fileAt'>) => readonly Part[],
  settings: { readonly [setting: string]: unknown } = {},
  platform: WeChatOptions = {},
): Promise<Shop> {
  const opened: { shop?: Shop } = {}
  const bot = defineBot({
    name: 'shower',
    summary: 'Shows files.',
    config: z.strictObject({}),
    setup: () => ({
      answer(turn) {
        const parts = opened.shop ? says(turn.text, opened.shop) : []
        return parts.length > 0 ? turn.reply(parts) : turn.done('nothing to say')
      },
    }),
  })
  const world = await start({ settings, platform, config: { bots: { shower: { use: bot } } } })
  const { account, calls } = world.platform
  const bytes = Uint8Array.of(1, 2, 3)
  const urls = new Map<string, string>()
  const shop: Shop = {
    ...world,
    fileAt(type: string, mimeType: string) {
      const url = urls.get(mimeType) ?? `${account.filesUrl}/${account.keep({ type, mimeType, bytes })}`
      urls.set(mimeType, url)
      return url
    },
    callsOf: (path: string) => calls.filter((call) => call.path === path).length,
    async deliveries() {
      await world.bot.idle()
      return world.bot.runtime.engine.read.selectFrom('delivery').select(['state', 'code']).orderBy('id').execute()
    },
  }
  opened.shop = shop
  return shop
}

const picture = (url: string): Part => ({ type: 'image', url, mimeType: 'image/png' })
const KINDS: readonly (readonly [string, (shop: Pick<Shop, 'fileAt'>) => Part, object])[] = [
  [
    'a picture',
    ({ fileAt }) => picture(fileAt('image', 'image/png')),
    { msgtype: 'image', image: { media_id: expect.any(String) } },
  ],
  [
    'a recording',
    ({ fileAt }) => ({ type: 'audio', url: fileAt('voice', 'audio/mpeg'), mimeType: 'audio/mpeg' }),
    { msgtype: 'voice', voice: { media_id: expect.any(String) } },
  ],
  [
    'a video',
    ({ fileAt }) => ({ type: 'video', url: fileAt('video', 'video/mp4'), mimeType: 'video/mp4', name: 'How ]]> to' }),
    { msgtype: 'video', video: { media_id: expect.any(String), title: 'How ]]> to' } },
  ],
  [
    'a song',
    ({ fileAt }) => ({
      ...{ type: 'native', platform: 'wechat', text: 'A song' },
      data: { type: 'music', title: 'Ours', url: 'https://shop.example/a.mp3', image: fileAt('thumb', 'image/jpeg') },
    }),
    {
      msgtype: 'music',
      music: {
        title: 'Ours',
        musicurl: 'https://shop.example/a.mp3',
        hqmusicurl: 'https://shop.example/a.mp3',
        thumb_media_id: expect.any(String),
      },
    },
  ],
]

describe.each([
  ['an account that may send afterwards too', {}, {}],
  ['an account that only answers', { replyBy: 'passive' }, { isVerified: false }],
])('on %s', (_account, settings, platform) => {
  test.each(KINDS)('C-WX-04: %s stands in the response, uploaded once', async (_kind, part, message) => {
    await using shop = await open((_text, at) => [part(at)], settings, platform)
    const customer = shop.platform.customer('u1')
    for (const text of ['one', 'two']) expect(await customer.says(text)).toMatchObject({ tries: 1, failure: undefined })
    expect(customer.shown).toMatchObject(Array(2).fill({ via: 'passive', message }))
    expect(shop.callsOf(UPLOAD)).toBe(1)
    expect(await shop.deliveries()).toEqual(Array(2).fill({ state: 'sent', code: null }))
    expect(shop.callsOf(SEND)).toBe(0)
  })

  test('an upload that takes longer than the response is shown all the same, once', async () => {
    await using shop = await open(
      (text, { fileAt }) => (text === 'show' ? [picture(fileAt('image', 'image/png'))] : []),
      settings,
      platform,
    )
    const customer = shop.platform.customer('u1')
    shop.platform.answers(UPLOAD, 'hangs')
    const pushing = customer.says('show')
    await expect.poll(() => shop.callsOf(UPLOAD)).toBe(1)
    await shop.clock.advance(4_500)
    expect(await pushing).toMatchObject({ tries: 1, body: 'success', failure: undefined })
    expect(customer.shown).toEqual([])
    for (let seconds = 0; seconds < 60; seconds++) await shop.clock.advance(1_000)
    await shop.bot.idle()
    await customer.says('…')
    await shop.bot.idle()
    expect(customer.shown).toMatchObject([{ message: { msgtype: 'image' } }])
    expect(await shop.deliveries()).toEqual([{ state: 'sent', code: null }])
  })
})

describe('an account that only answers', () => {
  const passive = [{ replyBy: 'passive' }, { isVerified: false }] as const

  test('says in words what it may not upload, in the same response, and explains it', async () => {
    await using shop = await open((_text, { fileAt }) => [picture(fileAt('image', 'image/png'))], ...passive)
    shop.platform.answers(UPLOAD, 48001)
    const customer = shop.platform.customer('u1')
    expect(await customer.says('show')).toMatchObject({ tries: 1, failure: undefined })
    expect(customer.heard).toEqual([`[Picture]\n${shop.fileAt('image', 'image/png')}`])
    expect(await shop.deliveries()).toEqual([{ state: 'sent', code: null }])
    const row = await shop.bot.runtime.engine.read.selectFrom('entry').select('trace_json').executeTakeFirst()
    expect(row?.trace_json).toMatch(/"stage":"prepare","by":"shop","did":"refused","because":"[^"]*48001/)
  })

  test('says words and what stands beside them as one text: a second message might never be seen', async () => {
    const beside = (url: string): readonly Part[] => [{ type: 'text', text: 'Look:' }, picture(url)]
    await using shop = await open((_text, { fileAt }) => beside(fileAt('image', 'image/png')), ...passive)
    const customer = shop.platform.customer('u1')
    await customer.says('show')
    expect(customer.heard).toEqual([`Look:\n[Picture]\n${shop.fileAt('image', 'image/png')}`])
    expect(await shop.deliveries()).toEqual([{ state: 'sent', code: null }])
    expect(shop.callsOf(UPLOAD)).toBe(0)
  })

  test('shows the first of two pictures, and says the second in words in front of the next answer', async () => {
    await using shop = await open(
      (text, { fileAt }) =>
        text === 'show'
          ? [picture(fileAt('image', 'image/png')), picture(fileAt('image', 'image/jpeg'))]
          : [{ type: 'text', text: 'answer' }],
      ...passive,
    )
    const customer = shop.platform.customer('u1')
    for (const text of ['show', 'one', 'two']) await customer.says(text)
    expect(customer.shown).toMatchObject([
      { message: { msgtype: 'image' } },
      { message: { text: { content: `[Picture]\n${shop.fileAt('image', 'image/jpeg')}\nanswer` } } },
      { message: { text: { content: 'answer' } } },
    ])
    expect(await shop.deliveries()).toEqual(Array(4).fill({ state: 'sent', code: null }))
  })

  test('says in words, in front of the next answer, a picture that came too late for its own response', async () => {
    await using shop = await open(
      (text, { fileAt }) => [
        text === 'show' ? picture(fileAt('image', 'image/png')) : { type: 'text', text: 'answer' },
      ],
      ...passive,
    )
    const customer = shop.platform.customer('u1')
    shop.platform.answers(UPLOAD, 'hangs')
    const pushing = customer.says('show')
    await expect.poll(() => shop.callsOf(UPLOAD)).toBe(1)
    await shop.clock.advance(15_000)
    await pushing
    for (const text of ['one', 'two']) await customer.says(text)
    expect(customer.heard).toEqual([`[Picture]\n${shop.fileAt('image', 'image/png')}\nanswer`, 'answer'])
    expect(await shop.deliveries()).toEqual(Array(3).fill({ state: 'sent', code: null }))
  })

  test('says in words what has waited for a response and may not be uploaded then', async () => {
    await using shop = await open(
      (text, { fileAt }) => (text === 'show' ? [picture(fileAt('image', 'image/png'))] : []),
      ...passive,
    )
    const customer = shop.platform.customer('u1')
    shop.platform.answers(UPLOAD, 'hangs')
    const pushing = customer.says('show')
    await expect.poll(() => shop.callsOf(UPLOAD)).toBe(1)
    await shop.clock.advance(15_000)
    await pushing
    shop.platform.answers(UPLOAD, 48001)
    await customer.says('…')
    expect(customer.heard).toEqual([`[Picture]\n${shop.fileAt('image', 'image/png')}`])
    expect(await shop.deliveries()).toEqual([{ state: 'sent', code: null }])
  })
})

test('a mini program’s card, which no response can hold, goes as a customer-service message, and in words where there are none', async () => {
  const card = ({ fileAt }: Pick<Shop, 'fileAt'>): Part => ({
    ...{ type: 'native', platform: 'wechat', text: 'Your order' },
    data: { type: 'mini-program', title: 'Order', appId: 'wx1', page: 'p', image: fileAt('image', 'image/png') },
  })
  await using shop = await open((_text, at) => [card(at)])
  expect(await shop.platform.customer('u1').says('order')).toMatchObject({ body: 'success' })
  await shop.bot.idle()
  const message = { msgtype: 'miniprogrampage' }
  expect(shop.platform.sent).toMatchObject([{ via: 'customer-service', message }])
  await using passive = await open((_text, at) => [card(at)], { replyBy: 'passive' }, { isVerified: false })
  await passive.platform.customer('u1').says('order')
  expect(passive.platform.customer('u1').heard).toEqual(['Your order'])
})
