/** Writing to customers, and the files for it. */
import { z } from '#core'
import { readPosted } from '../messages.ts'
import { Refused } from '../refused.ts'
import { type Interfaces, OK, posted } from './interface.ts'

const MB = 1024 * 1024

/**
 * How large a file may be, which endings it may have, and what a larger one is refused with.
 * Source: https://developers.weixin.qq.com/doc/subscription/en/api/material/temporary/api_uploadtempmedia.html, read 2026-11-22.
 * (The page names 10 MB and 2 MB for pictures; the larger one is taken here.)
 */
const UPLOADS = new Map([
  ['image', { maxBytes: 10 * MB, name: /\.(png|jpe?g|gif)$/i, tooLarge: 40009 }],
  ['voice', { maxBytes: 2 * MB, name: /\.(amr|mp3)$/i, tooLarge: 40010 }],
  ['video', { maxBytes: 10 * MB, name: /\.mp4$/i, tooLarge: 40011 }],
  ['thumb', { maxBytes: 64 * 1024, name: /\.jpe?g$/i, tooLarge: 40012 }],
])

/**
 * The typing shown lasts so long, and is taken so long after the customer has done something.
 * Source: https://developers.weixin.qq.com/doc/service/api/customer/message/api_typing.html, read 2026-11-22.
 */
const TYPING_MS = 15_000
const TYPING_WITHIN_MS = 30_000

const Typing = z.strictObject({ touser: z.string(), command: z.string() })

export const sending: Interfaces = {
  '/cgi-bin/message/custom/send': {
    method: 'POST',
    verified: true,
    perDay: 500_000,
    answer({ json }, account) {
      const { openId, message, kfAccount, isAi } = readPosted(json)
      account.send(openId, message, { kfAccount, isAi })
      return OK
    },
  },
  '/cgi-bin/message/custom/typing': {
    method: 'POST',
    verified: true,
    answer({ json }, account) {
      const { touser, command } = posted(Typing, json)
      if (command !== 'Typing' && command !== 'CancelTyping') throw new Refused(45072)
      const person = account.people.get(touser)
      if (!person) throw new Refused(40003)
      const nowMs = account.clock.now()
      if (command === 'CancelTyping') {
        person.typingUntilMs = 0
        return OK
      }
      if (person.windows.at(nowMs).length === 0) throw new Refused(45015)
      if (nowMs - person.lastAtMs > TYPING_WITHIN_MS) throw new Refused(45080)
      if (person.typingUntilMs > nowMs) throw new Refused(45081)
      person.typingUntilMs = nowMs + TYPING_MS
      return OK
    },
  },
  '/cgi-bin/media/upload': {
    method: 'POST',
    perDay: 100_000,
    answer({ form, query }, account) {
      const type = query.get('type') ?? ''
      const limits = UPLOADS.get(type)
      if (!limits) throw new Refused(40004)
      const file = form?.get('media')
      if (!(file instanceof File)) throw new Refused(41005)
      if (file.size === 0) throw new Refused(44001)
      if (!limits.name.test(file.name)) throw new Refused(40005)
      if (file.size > limits.maxBytes) throw new Refused(limits.tooLarge)
      const id = account.keep({ type, mimeType: file.type, bytes: file })
      const created_at = Math.floor(account.clock.now() / 1000)
      return type === 'thumb' ? { type, thumb_media_id: id, created_at } : { type, media_id: id, created_at }
    },
  },
  '/cgi-bin/media/get': {
    method: 'GET',
    perDay: 200_000,
    answer({ query }, account) {
      const id = query.get('media_id')
      if (!id) throw new Refused(41006)
      const file = account.file(id)
      if (!file) throw new Refused(40007)
      // Videos are fetched from where this says.
      if (file.type === 'video') return { video_url: `${account.filesUrl}/${id}` }
      const name = `${id}.${file.mimeType.split('/')[1]}`
      return new Response(file.bytes, {
        headers: { 'content-type': file.mimeType, 'content-disposition': `attachment; filename="${name}"` },
      })
    },
  },
}
