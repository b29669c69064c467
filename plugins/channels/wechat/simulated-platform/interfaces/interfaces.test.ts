import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from '#core'
import { type ManualClock, manualClock } from '#core/testing'
import { type SimulatedWeChat, startWeChat } from '../index.ts'
import { note } from '../pushing.ts'
import { writeXml } from '../xml.ts'

const DAY = 24 * 60 * 60 * 1000
const OK = { errcode: 0, errmsg: 'ok' }
const refused = (errcode: number) => expect.objectContaining({ errcode })
const JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xe0])

let clock: ManualClock
let wechat: SimulatedWeChat
let token: string

beforeEach(async () => {
  clock = manualClock(Date.UTC(2026, 0, 1))
  wechat = await startWeChat({ clock })
  token = wechat.account.tokens.stable(false).access_token
  for (const openId of ['o1', 'o2']) note(wechat.account, writeXml({ FromUserName: openId, MsgType: 'text' }))
})
afterEach(() => wechat[Symbol.asyncDispose]())

/** What an interface answers: GET without a body, POST with one. */
async function call(path: string, body?: FormData | object): Promise<unknown> {
  return (await fetchAt(path, body)).json()
}

async function fetchAt(path: string, body?: FormData | object): Promise<Response> {
  const url = new URL(path, wechat.apiBase)
  url.searchParams.set('access_token', token)
  const sent = body instanceof FormData ? body : JSON.stringify(body)
  return fetch(url, { headers: { connection: 'close' }, ...(body && { method: 'POST', body: sent }) })
}

function form(name: string, bytes: Uint8Array<ArrayBuffer>, type = 'image/jpeg'): FormData {
  const files = new FormData()
  files.set('media', new File([bytes], name, { type }))
  return files
}

describe('files', () => {
  const Uploaded = z.object({ media_id: z.string() })

  test('come back for three days, and then are gone', async () => {
    const { media_id } = Uploaded.parse(await call('/cgi-bin/media/upload?type=image', form('a.jpg', JPEG)))
    const response = await fetchAt(`/cgi-bin/media/get?media_id=${media_id}`)
    expect(response.headers.get('content-type')).toBe('image/jpeg')
    expect(response.headers.get('content-disposition')).toContain(`${media_id}.jpeg`)
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(JPEG)
    const message = { touser: 'o1', msgtype: 'image', image: { media_id } }
    expect(await call('/cgi-bin/message/custom/send', message)).toEqual(OK)
    // Windows end earlier than files: the customer writes again.
    await clock.advance(3 * DAY)
    note(wechat.account, writeXml({ FromUserName: 'o1', MsgType: 'text' }))
    token = wechat.account.tokens.stable(false).access_token
    expect(await call(`/cgi-bin/media/get?media_id=${media_id}`)).toEqual(refused(40007))
    expect(await call('/cgi-bin/message/custom/send', message)).toEqual(refused(40007))
  })

  test('that are videos are fetched from where the answer says', async () => {
    const { media_id } = Uploaded.parse(
      await call('/cgi-bin/media/upload?type=video', form('a.mp4', JPEG, 'video/mp4')),
    )
    const { video_url } = z
      .strictObject({ video_url: z.string() })
      .parse(await call(`/cgi-bin/media/get?media_id=${media_id}`))
    const response = await fetch(video_url, { headers: { connection: 'close' } })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'video/mp4'])
    expect((await response.arrayBuffer()).byteLength).toBe(JPEG.length)
  })

  test('of a thumb have another name in the answer', async () => {
    const answer = await call('/cgi-bin/media/upload?type=thumb', form('a.jpg', JPEG))
    expect(answer).toEqual({ type: 'thumb', thumb_media_id: expect.any(String), created_at: clock.now() / 1000 })
  })

  test.each([
    ['of a type that nobody knows', 'dance', form('a.jpg', JPEG), 40004],
    ['without a file', 'image', new FormData(), 41005],
    ['empty', 'image', form('a.jpg', new Uint8Array()), 44001],
    ['with another ending', 'voice', form('a.wav', JPEG), 40005],
    ['too large', 'thumb', form('a.jpg', new Uint8Array(64 * 1024 + 1)), 40012],
  ])('%s are refused', async (_what, type, files, errcode) => {
    expect(await call(`/cgi-bin/media/upload?type=${type}`, files)).toEqual(refused(errcode))
  })
})

test('typing is shown for 15 s, and only within 30 s of what the customer did', async () => {
  const typing = (command: string, touser = 'o1') => call('/cgi-bin/message/custom/typing', { touser, command })
  expect(await typing('Typing')).toEqual(OK)
  expect(await typing('Typing')).toEqual(refused(45081))
  expect(await typing('CancelTyping')).toEqual(OK)
  expect(await typing('Typing')).toEqual(OK)
  await clock.advance(16_000)
  expect(await typing('Typing')).toEqual(OK)
  await clock.advance(16_000)
  expect(await typing('Typing')).toEqual(refused(45080))
  expect(await typing('Dance')).toEqual(refused(45072))
  await clock.advance(2 * DAY)
  token = wechat.account.tokens.stable(false).access_token
  expect(await typing('Typing')).toEqual(refused(45015))
})

describe('people', () => {
  test('have no names and pictures, and when they do not follow only their id', async () => {
    wechat.account.person('o1').unionId = 'u1'
    const info = () => call('/cgi-bin/user/info?openid=o1&lang=zh_CN')
    expect(await info()).toEqual({
      ...{ subscribe: 1, openid: 'o1', language: 'zh_CN', unionid: 'u1', remark: '', groupid: 0, tagid_list: [] },
      ...{ subscribe_time: clock.now() / 1000, subscribe_scene: 'ADD_SCENE_SEARCH', qr_scene: 0, qr_scene_str: '' },
    })
    note(wechat.account, writeXml({ FromUserName: 'o1', MsgType: 'event', Event: 'unsubscribe' }))
    expect(await info()).toEqual({ subscribe: 0, openid: 'o1', unionid: 'u1' })
    expect(await call('/cgi-bin/user/get?next_openid=')).toMatchObject({ total: 1, data: { openid: ['o2'] } })
    expect(await call('/cgi-bin/user/info?openid=nobody')).toEqual(refused(40003))
  })

  test('are tagged, by tags that have been made', async () => {
    const made = await call('/cgi-bin/tags/create', { tag: { name: 'VIP' } })
    expect(made).toEqual({ tag: { id: 100, name: 'VIP' } })
    const tagging = { openid_list: ['o1', 'o2'], tagid: 100 }
    expect(await call('/cgi-bin/tags/members/batchtagging', tagging)).toEqual(OK)
    expect(await call('/cgi-bin/tags/getidlist', { openid: 'o1' })).toEqual({ tagid_list: [100] })
    expect(await call('/cgi-bin/tags/get')).toMatchObject({ tags: [{ id: 2 }, { id: 100, name: 'VIP', count: 2 }] })
    expect(await call('/cgi-bin/tags/members/batchuntagging', { openid_list: ['o2'], tagid: 100 })).toEqual(OK)
    expect(await call('/cgi-bin/tags/delete', { tag: { id: 100 } })).toEqual(OK)
    expect(await call('/cgi-bin/tags/getidlist', { openid: 'o1' })).toEqual({ tagid_list: [] })
    expect(await call('/cgi-bin/tags/members/batchtagging', tagging)).toEqual(refused(45159))
  })

  test('are tagged at most 50 at once, and with names of 30 bytes', async () => {
    await call('/cgi-bin/tags/create', { tag: { name: 'VIP' } })
    const many = Array.from({ length: 51 }, () => 'o1')
    expect(await call('/cgi-bin/tags/members/batchtagging', { openid_list: many, tagid: 100 })).toEqual(refused(40032))
    const stranger = { openid_list: ['o1', 'nobody'], tagid: 100 }
    expect(await call('/cgi-bin/tags/members/batchtagging', stranger)).toEqual(refused(49003))
    expect(await call('/cgi-bin/tags/create', { tag: { name: 'VIP' } })).toEqual(refused(45157))
    expect(await call('/cgi-bin/tags/create', { tag: { name: '重'.repeat(11) } })).toEqual(refused(45158))
    expect(await call('/cgi-bin/tags/update', { tag: { id: 2, name: 'x' } })).toEqual(refused(45058))
  })

  test('who are blocked are told of no more, and may not be written to', async () => {
    const blacklist = () => call('/cgi-bin/tags/members/getblacklist', { begin_openid: '' })
    expect(await call('/cgi-bin/tags/members/batchblacklist', { openid_list: ['o1'] })).toEqual(OK)
    expect(await blacklist()).toEqual({ total: 1, count: 1, data: { openid: ['o1'] }, next_openid: 'o1' })
    const message = { touser: 'o1', msgtype: 'text', text: { content: 'hi' } }
    expect(await call('/cgi-bin/message/custom/send', message)).toEqual(refused(43019))
    expect(await wechat.customer('o1').says('hello?')).toMatchObject({ tries: 0 })
    expect(await call('/cgi-bin/tags/members/batchunblacklist', { openid_list: ['o1'] })).toEqual(OK)
    expect(await blacklist()).toMatchObject({ total: 0 })
    const many = Array.from({ length: 21 }, () => 'o1')
    expect(await call('/cgi-bin/tags/members/batchblacklist', { openid_list: many })).toEqual(refused(40032))
  })
})

describe('the menu', () => {
  const human = { type: 'click', name: '人工', key: 'HUMAN' }

  test('comes back as it was set, until it is deleted', async () => {
    expect(await call('/cgi-bin/menu/get')).toEqual(refused(46003))
    const button = [human, { name: '更多', sub_button: [{ type: 'view', name: '商城', url: 'https://shop.example/' }] }]
    expect(await call('/cgi-bin/menu/create', { button })).toEqual(OK)
    expect(await call('/cgi-bin/menu/get')).toMatchObject({ menu: { button } })
    expect(await call('/cgi-bin/get_current_selfmenu_info')).toMatchObject({
      is_menu_open: 1,
      selfmenu_info: { button: [human, { name: '更多', sub_button: { list: [{ name: '商城' }] } }] },
    })
    expect(await call('/cgi-bin/menu/delete')).toEqual(OK)
    expect(await call('/cgi-bin/menu/get')).toEqual(refused(46003))
  })

  test.each([
    ['four buttons', [human, human, human, human], 40016],
    ['a name of 17 bytes', [{ ...human, name: 'x'.repeat(17) }], 40018],
    ['a key of 129 bytes', [{ ...human, key: 'x'.repeat(129) }], 40019],
    ['a type that nobody knows', [{ ...human, type: 'dance' }], 40017],
    ['a page without an address', [{ type: 'view', name: 'shop' }], 40020],
    ['six buttons below one', [{ name: 'more', sub_button: Array(6).fill(human) }], 40023],
    ['a key that nobody knows', [{ ...human, colour: 'red' }], 47001],
  ])('with %s is refused', async (_what, button, errcode) => {
    expect(await call('/cgi-bin/menu/create', { button })).toEqual(refused(errcode))
  })
})

describe('customer-service accounts', () => {
  const sales = { kf_account: 'sales@simulated-shop', nickname: '售前客服' }
  const hello = (kf_account: string) => ({
    ...{ touser: 'o1', msgtype: 'text', text: { content: 'hi' }, customservice: { kf_account } },
  })

  test('C-ID-10: are shown some minutes after they were made, and the account’s own face until then', async () => {
    expect(await call('/customservice/kfaccount/add', sales)).toEqual(OK)
    const avatar = '/customservice/kfaccount/uploadheadimg?kf_account=sales%40simulated-shop'
    expect(await call(avatar, form('sales.jpg', JPEG))).toEqual(OK)
    expect(await call('/cgi-bin/message/custom/send', hello(sales.kf_account))).toEqual(OK)
    await clock.advance(3 * 60_000)
    expect(await call('/cgi-bin/message/custom/send', hello(sales.kf_account))).toEqual(OK)
    expect(wechat.sent).toMatchObject([{ kfAccount: sales.kf_account, shownAs: undefined }, { shownAs: '售前客服' }])
    const { kf_list } = z
      .object({
        kf_list: z.array(z.object({ kf_account: z.string(), kf_nick: z.string(), kf_headimgurl: z.string() })),
      })
      .parse(await call('/cgi-bin/customservice/getkflist'))
    expect(kf_list).toMatchObject([{ kf_account: sales.kf_account, kf_nick: '售前客服' }])
    const picture = await fetch(kf_list[0]?.kf_headimgurl ?? '', { headers: { connection: 'close' } })
    expect(new Uint8Array(await picture.arrayBuffer())).toEqual(JPEG)
  })

  test('are renamed and deleted, and then no message may name them', async () => {
    await call('/customservice/kfaccount/add', sales)
    expect(await call('/customservice/kfaccount/add', sales)).toEqual(refused(65406))
    expect(await call('/customservice/kfaccount/update', { ...sales, nickname: 'Sales' })).toEqual(OK)
    expect(await call('/cgi-bin/customservice/getkflist')).toMatchObject({ kf_list: [{ kf_nick: 'Sales' }] })
    expect(await call('/customservice/kfaccount/del?kf_account=sales%40simulated-shop')).toEqual(OK)
    expect(await call('/cgi-bin/message/custom/send', hello(sales.kf_account))).toEqual(refused(65401))
  })

  test.each([
    ['a name of 17 characters', { ...sales, nickname: '汉'.repeat(17) }, 65403],
    ['another WeChat ID', { ...sales, kf_account: 'sales@elsewhere' }, 65404],
    ['no WeChat ID', { ...sales, kf_account: 'sales' }, 65404],
    ['a prefix of 11 characters', { ...sales, kf_account: 'salesandmore@simulated-shop' }, 65404],
  ])('with %s are refused', async (_what, body, errcode) => {
    expect(await call('/customservice/kfaccount/add', body)).toEqual(refused(errcode))
  })

  test('C-ID-04: are a hundred at most', async () => {
    const made = { id: '1', nickname: 'p', avatar: undefined, invited: undefined, liveAtMs: 0 }
    for (let n = 1; n <= 99; n++) wechat.account.identities.set(`p${n}@simulated-shop`, made)
    expect(await call('/customservice/kfaccount/add', { ...sales, kf_account: 'p100@simulated-shop' })).toEqual(OK)
    expect(await call('/customservice/kfaccount/add', sales)).toEqual(refused(65405))
  })

  test('C-ID-06: need the feature, C-ID-07: and a WeChat ID', async () => {
    wechat.account.hasCustomerService = false
    expect(await call('/cgi-bin/customservice/getkflist')).toEqual(refused(65400))
    wechat.account.hasCustomerService = true
    wechat.account.wechatId = undefined
    expect(await call('/customservice/kfaccount/add', sales)).toEqual(refused(65400))
  })

  test('take pictures of one kind only', async () => {
    await call('/customservice/kfaccount/add', sales)
    const avatar = '/customservice/kfaccount/uploadheadimg?kf_account=sales%40simulated-shop'
    expect(await call(avatar, form('sales.jpg', new Uint8Array([0x89, 0x50, 0x4e, 0x47])))).toEqual(refused(40005))
  })
})

test('an interface that was called too often is refused until midnight in China, or until the counts are put back', async () => {
  wechat.account.quotas.limit('/cgi-bin/menu/get', 1)
  await call('/cgi-bin/menu/get')
  expect(await call('/cgi-bin/menu/get')).toEqual(refused(45009))
  expect(await call('/cgi-bin/openapi/quota/get', { cgi_path: '/cgi-bin/menu/get' })).toMatchObject({
    quota: { daily_limit: 1, used: 1, remain: 0 },
  })
  expect(await call('/cgi-bin/clear_quota', { appid: wechat.keys.appId })).toEqual(OK)
  expect(await call('/cgi-bin/menu/get')).toEqual(refused(46003))
  expect(await call('/cgi-bin/menu/get')).toEqual(refused(45009))
  await clock.advance(16 * 60 * 60 * 1000)
  token = wechat.account.tokens.stable(false).access_token
  expect(await call('/cgi-bin/menu/get')).toEqual(refused(46003))
})

test('an account that is not verified may ask for nothing but tokens', async () => {
  wechat.account.isVerified = false
  for (const path of ['/cgi-bin/user/info?openid=o1', '/cgi-bin/menu/get', '/cgi-bin/customservice/getkflist'])
    expect(await call(path)).toEqual(refused(48001))
  expect(await call('/cgi-bin/getcallbackip')).toMatchObject({ ip_list: [expect.any(String), expect.any(String)] })
})
