/** What can be wrong with identities here beyond their shape. */
import type { ConfigProblem } from '#core'
import { MAX_NICKNAME_GRAPHEMES, wechatIdProblem } from './names.ts'
import type { OwnIdentities } from './settings.ts'

/** Source: https://developers.weixin.qq.com/doc/subscription/en/api/customer/servicermanage/api_addkfaccount.html, read 2026-11-20. */
const MAX_AVATAR_BYTES = 5 * 1024 * 1024

export function check({
  wechatId,
  identities,
}: {
  readonly wechatId?: string | undefined
  readonly identities: OwnIdentities
}): readonly ConfigProblem[] {
  const own = Object.entries(identities)
  const missing = own.length > 0 ? wechatIdProblem(wechatId) : undefined
  return [
    ...(missing ? [{ path: wechatId === undefined ? ['identities'] : ['wechatId'], ...missing }] : []),
    ...own.flatMap(([id, { nickname, avatar }]) => [...tooLong(id, nickname), ...notTaken(id, avatar?.bytes)]),
  ]
}

/** Made when the first name is measured: it takes longer than the rest of this file. */
let graphemes: Intl.Segmenter | undefined

function tooLong(id: string, nickname = ''): readonly ConfigProblem[] {
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  const length = [...graphemes.segment(nickname)].length
  if (length <= MAX_NICKNAME_GRAPHEMES) return []
  const message = `"${nickname}" has ${length} characters, and WeChat shows at most ${MAX_NICKNAME_GRAPHEMES} of a name.`
  return [{ path: ['identities', id, 'nickname'], message, instead: 'Write a shorter one. Nothing is cut off.' }]
}

function notTaken(id: string, bytes: Uint8Array | undefined): readonly ConfigProblem[] {
  if (!bytes) return []
  const path = ['identities', id, 'avatar']
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff
  if (!isJpeg) return [{ path, message: 'the file is no JPEG picture.', instead: 'Save it as one.' }]
  if (bytes.byteLength <= MAX_AVATAR_BYTES) return []
  return [
    { path, message: 'the picture has more than 5 MB.', instead: 'Save it smaller: 640 pixels a side are shown.' },
  ]
}
